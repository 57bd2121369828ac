/* Signals: podinit blocks all of them and reads them, with their senders, from a descriptor; so no
 * handler ever runs, and none is lost while PID 1 is young. */
#ifndef PODINIT_LINUX_SIGNALS_H
#define PODINIT_LINUX_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

#include "proc.h"

/* Who sent a signal. pid 0: someone outside the PID namespace, or the kernel. */
struct sender {
	pid_t pid;
	uid_t uid;
	char program[PROC_NAME_MAX]; /* "" where pid is 0 and nobody told */
};

struct signal_record {
	int signo;
	struct sender sender;
};

/* Blocks everything; the first call remembers the mask that podinit was started with. For a process
 * 1 this is the first thing to do: what is not blocked is lost to it. */
void signals_block(void);
/* Forgets the dispositions that podinit was started with, for its children too; or only that of
 * SIGCHLD: were it ignored, children would vanish without a status. */
void signals_reset(bool only_children);
/* A non-blocking descriptor that reads as signals; or -errno. */
int signals_open(void);
/* Takes one signal from it. False: none now. */
bool signals_read(int fd, struct signal_record *record);

/* In a child, before execve(): the mask that podinit was started with, or an empty one. */
void signals_restore_mask(bool inherited);

/* A signal to a process that is still our child (so its number is its own): by pidfd where
 * `pidfd` is not -1. With `group`, to its process group. 0 or -errno. */
int signals_send(pid_t pid, int pidfd, int signo, bool group);

#endif
