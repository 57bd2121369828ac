/* What /proc says about processes. Missing or odd entries are no errors: processes come and go. */
#ifndef PODINIT_LINUX_PROC_H
#define PODINIT_LINUX_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PROC_NAME_MAX = 16,
	PROC_DEPTH_MAX =
		4096, /* parents that are climbed: numbers that change meanwhile make no loop */
};

/* The program's name (comm); "?" if nobody knows. */
void proc_name(pid_t pid, char name[PROC_NAME_MAX]);

/* The number of a process in its own PID namespace; 0 if nobody knows. */
pid_t proc_number_inside(pid_t pid);
/* What its stat line says. */
struct proc_stat {
	pid_t pid, parent, group, session; /* parent 0: not in this PID namespace */
	int threads;
	uint64_t start; /* when it was born, in ticks: with its number, who it is */
	char state;
	bool is_kernels; /* a thread of the kernel */
	bool is_dying;	 /* it was killed, or ends: it forks no more */
	char program[PROC_NAME_MAX];
};

/* False: there is no such process (any more), or no /proc. */
bool proc_stat(pid_t pid, struct proc_stat *stat);
/* Does nothing run of it any more? */
bool proc_is_over(const struct proc_stat *stat);
/* Its mount namespace: a number that no other has as long as somebody is in it. 0: not known: one with
 * more capabilities than podinit has. */
uint64_t proc_mount_namespace(pid_t pid);
/* How many children this process (of one thread) has, zombies too. -1: not known. */
int proc_child_count(void);
/* Calls visit() with every number in /proc but podinit's. False where /proc is not there, or that of
 * another PID namespace. */
bool proc_each(void (*visit)(pid_t pid, void *data), void *data);

/* A process that lives only as long as this one. */
struct dependent {
	pid_t pid, group;
	int pidfd; /* opened before anything was read of it, so it is this one or nobody; -1 where the
		    * kernel has none. Closed when visit() returns */
	pid_t child;   /* the child of this process that it descends from, or itself. 0: it does not
		      * descend from it, but this one is process 1 of its PID namespace */
	bool is_dying; /* it was killed, or ends */
	char program[PROC_NAME_MAX];
};

/* Calls visit() for each that is not a zombie: of process 1, all that are in its PID namespace
 * (other containers can share it), else its descendants. One walk is a snapshot: who forks
 * meanwhile may be missed. False where /proc is not there, or that of another PID namespace. */
bool proc_each_dependent(void (*visit)(const struct dependent *dependent, void *data), void *data);

#endif
