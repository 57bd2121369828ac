/* s6's way to say that a process is ready: a line written to a descriptor that it was given (notifyFd). */
#ifndef PODINIT_LINUX_READY_H
#define PODINIT_LINUX_READY_H

#include <ev.h>

/* Podinit's side of one process's pipe; made by ready_init(). */
struct ready {
	struct ev_io io; /* fd -1: there is none, or all was said */
	void (*is_ready)(void *owner, int process);
	void *owner;
	int process;
};

void ready_init(
	struct ready *ready, int process, void (*is_ready)(void *owner, int process), void *owner);
/* For a new instance. The end that is the process's, which the caller closes when it is born, or -errno. */
int ready_open(struct ready *ready, struct ev_loop *ev);
void ready_close(struct ready *ready, struct ev_loop *ev);

#endif
