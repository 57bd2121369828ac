/* What /proc says about processes. Missing or odd entries are no errors: processes come and go. */
#ifndef PODINIT_LINUX_PROC_H
#define PODINIT_LINUX_PROC_H

#include <sys/types.h>

enum { PROC_NAME_MAX = 16 };

/* The program's name (comm); "?" if nobody knows. */
void proc_name(pid_t pid, char name[PROC_NAME_MAX]);

/* Calls visit() for each descendant of this process that is not a zombie; returns how many there
 * were. One walk is a snapshot: who forks meanwhile may be missed. */
int proc_each_descendant(void (*visit)(pid_t pid, pid_t group, void *data), void *data);

/* The inode number of this process's PID namespace; 0 where it cannot be read. */
unsigned long proc_pid_namespace(void);

#endif
