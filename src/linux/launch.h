/* Making a process: clone3() with a pidfd at birth, and what older kernels have instead. */
#ifndef PODINIT_LINUX_LAUNCH_H
#define PODINIT_LINUX_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

/* Runs child(data) in a new process, which ends with what child() returns.
 * With `shared` it is a vfork: it runs in this process's memory, and this process stands still
 * until it has called execve() or ended; so its cost does not grow with our memory. Without, it
 * is a fork. `namespaces`: CLONE_NEW... flags or 0. *cgroup: the directory of the cgroup (v2) to be born
 * in, or -1. It is -1 in the child, too, that was born there; else the kernel cannot do that, and the child
 * has to go there by itself.
 * Returns its pid and sets *pidfd (-1 where the kernel has none; NULL: nobody needs it), or -errno. All signals must be
 * blocked: a handler must not run in a child that shares our memory. */
pid_t launch(int (*child)(void *data), void *data, bool shared, unsigned long namespaces,
	int *cgroup, int *pidfd);

/* fork() into new namespaces: 0 in the child, its pid or -errno in the parent. */
pid_t launch_fork(unsigned long namespaces);

#endif
