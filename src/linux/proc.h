/* What /proc says about processes. Missing or odd entries are no errors: processes come and go. */
#ifndef PODINIT_LINUX_PROC_H
#define PODINIT_LINUX_PROC_H

#include <stdbool.h>
#include <sys/types.h>

enum { PROC_NAME_MAX = 16 };

/* The program's name (comm); "?" if nobody knows. */
void proc_name(pid_t pid, char name[PROC_NAME_MAX]);

/* A descendant of this process. */
struct descendant {
	pid_t pid, group;
	pid_t child; /* the child of this process that it descends from, or itself */
};

/* Calls visit() for each descendant that is not a zombie. One walk is a snapshot: who forks
 * meanwhile may be missed. False where /proc is not there, or that of another PID namespace. */
bool proc_each_descendant(
	void (*visit)(const struct descendant *descendant, void *data), void *data);

#endif
