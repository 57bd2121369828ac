/* Signals: podinit blocks all of them and reads them, with their senders, from a descriptor; so no
 * handler ever runs, and none is lost while PID 1 is young. */
#ifndef PODINIT_LINUX_SIGNALS_H
#define PODINIT_LINUX_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>
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
	bool in_foreground; /* SIGCONT to a sandbox, whose outer process is in the foreground then */
	bool handed_off;    /* podinit caused it by giving the terminal away */
	struct sender sender;
};

#define SIGNAL_BIT(signo) (UINT64_C(1) << ((signo)-1))

/* Blocks everything; the first call remembers the mask that podinit was started with. For a process
 * 1 this is the first thing to do: what is not blocked is lost to it. */
void signals_block(void);
/* Leaves these signals (bits) to the kernel after all: not blocked, and not read. */
void signals_leave(uint64_t signals);
/* Forgets the dispositions that podinit was started with, for its children too, of signals 1 to
 * `last`; and always that of SIGCHLD: were it ignored, children would vanish without a status. */
void signals_reset(int last);
/* The next one of this signal is not what it seems: it is read with .handed_off set. */
void signals_expect_hand_off(int signo);
/* A non-blocking descriptor that reads as signals; or -errno. */
int signals_open(void);
/* Takes one signal from it. False: none now. */
bool signals_read(int fd, struct signal_record *record);

/* In a child, before execve(): no signal is blocked. */
void signals_unblock(void);
/* In a child, before execve(): the mask that podinit was started with, and `blocked` (bits) as well;
 * and a SIGCHLD that was ignored is so again. */
void signals_restore(uint64_t blocked);

/* Stops podinit, with `group` its whole process group, as Ctrl-Z would, and returns when they were continued. The kernel
 * does not stop a group that nobody could continue: then it returns at once. */
void signals_stop(bool group);

/* A signal to a process that is still our child (so its number is its own): by pidfd where
 * `pidfd` is not -1. With `group`, to its process group. 0 or -errno. */
int signals_send(pid_t pid, int pidfd, int signo, bool group);

#endif
