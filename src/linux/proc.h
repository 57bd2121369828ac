/* What /proc says about processes. Missing or odd entries are no errors: processes come and go. */
#ifndef PODINIT_LINUX_PROC_H
#define PODINIT_LINUX_PROC_H

#include <stdbool.h>
#include <sys/types.h>

enum { PROC_NAME_MAX = 16 };

/* The program's name (comm); "?" if nobody knows. */
void proc_name(pid_t pid, char name[PROC_NAME_MAX]);

/* The number of a process in its own PID namespace; 0 if nobody knows. */
pid_t proc_number_inside(pid_t pid);

/* A process that lives only as long as this one. */
struct dependent {
	pid_t pid, group;
	int pidfd; /* opened before anything was read of it, so it is this one or nobody; -1 where the
		    * kernel has none. Closed when visit() returns */
	pid_t child; /* the child of this process that it descends from, or itself. 0: it does not
		      * descend from it, but this one is process 1 of its PID namespace */
	char program[PROC_NAME_MAX];
};

/* Calls visit() for each that is not a zombie: of process 1, all that are in its PID namespace
 * (other containers can share it), else its descendants. One walk is a snapshot: who forks
 * meanwhile may be missed. False where /proc is not there, or that of another PID namespace. */
bool proc_each_dependent(void (*visit)(const struct dependent *dependent, void *data), void *data);

#endif
