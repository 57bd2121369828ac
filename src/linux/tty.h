/* A terminal of its own for a process of the pod (tty = true): podinit holds the other end, and copies what
 * comes out of it to its own standard output. Not the terminal that an entrypoint inherits (terminal.h). */
#ifndef PODINIT_LINUX_TTY_H
#define PODINIT_LINUX_TTY_H

#include <ev.h>
#include <stdbool.h>

/* podinit's end, from one start of the process to its end. Zeroed, and fds -1, is none. */
struct tty {
	struct ev_io output;   /* of the process */
	struct ev_io writable; /* podinit's standard output, while it is full */
	struct ev_io input;    /* podinit's standard input, where the process has that */
	char buffer[4096];     /* what was read and not yet written */
	int length;
};

/* A new terminal: 0, with podinit's end in *master and the process's in *slave; or -errno. */
int tty_make(int *master, int *slave);
/* In the process: `slave` becomes its standard descriptors and, the terminal of its session, which it leads.
 * 0 or -errno. */
int tty_enter(int slave);

/* From now on copies between the terminal and podinit's own standard descriptors. */
void tty_begin(struct tty *tty, struct ev_loop *ev, int master, bool has_input);
/* The process has ended: what is left is copied if that can be at once, and the terminal is gone. */
void tty_end(struct tty *tty, struct ev_loop *ev);

#endif
