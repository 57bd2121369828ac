/* Whose is a process that lives: which process of the pod it is, or descends from. */
#ifndef PODINIT_LINUX_KIN_H
#define PODINIT_LINUX_KIN_H

#include <stdbool.h>
#include <sys/types.h>

struct loop;

struct kin {
	int process;  /* index; -1: nobody's, as far as can be told */
	bool is_main; /* it is the main process itself */
};

/* By its number, by descent (parents, session, process group), by its cgroup or mount namespace. A zombie is
 * still somebody's. What can be told only by exclusion (leftover.c) is not: this is for giving rights. */
struct kin kin_of(const struct loop *loop, pid_t pid);

#endif
