/* A terminal of its own for a process of the pod (tty = true): podinit holds the other end, and copies what
 * comes out of it to its own standard output. Not the terminal that an entrypoint inherits (terminal.h). */
#ifndef PODINIT_LINUX_TTY_H
#define PODINIT_LINUX_TTY_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* podinit's end of one terminal. */
struct tty_line {
	struct ev_io output;   /* of the process; fd -1: there is no terminal */
	struct ev_io writable; /* podinit's standard output, while it is full */
	char buffer[4096];     /* what was read and not yet written */
	int length;
	bool ended; /* its process has: what is left is copied, and that is all */
	struct tty *tty;
};

/* Of one process of the pod. Of the one before its current terminal there may be something left to copy, for a
 * reader who is slow; that comes first. */
struct tty {
	struct tty_line lines[2];
	int current;
	struct ev_io input; /* podinit's standard input, where the process has that */
	bool mid_line;	    /* what was typed last was no newline */
};

void tty_init(struct tty *tty);

/* A new terminal: 0, with podinit's end in *master and the process's in *slave; or -errno. */
int tty_make(int *master, int *slave);
/* In the process: `slave` becomes its standard descriptors and the terminal of its session, which it leads.
 * 0 or -errno. */
int tty_enter(int slave);

/* The same, still with podinit's privileges: it belongs to this user, who then can open it by name, if podinit
 * may say so. */
void tty_give(int slave, uid_t uid);

/* From now on copies between the terminal and podinit's own standard descriptors. */
void tty_begin(struct tty *tty, struct ev_loop *ev, int master, bool has_input);
/* The process has ended: what is left is copied as its reader takes it. */
void tty_end(struct tty *tty, struct ev_loop *ev);
/* All of it ends: waits for the reader until then (clock_monotonic()) and no longer. */
void tty_finish(struct tty *tty, struct ev_loop *ev, int64_t deadline);

#endif
