/* A terminal of its own for a process of the pod (tty = true): podinit holds the other end, and copies what
 * comes out of it to its own standard output. Not the terminal that an entrypoint inherits (terminal.h). */
#ifndef PODINIT_LINUX_TTY_H
#define PODINIT_LINUX_TTY_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "../core/tail.h"

struct relay;

/* Of one process of the pod, over all its instances. */
struct tty {
	struct tail tail;    /* what the latest instance said */
	struct relay *relay; /* from its terminal, if it has one now */
	struct ev_io input;  /* podinit's standard input, where the process has that */
	bool mid_line;	     /* what was typed last was no newline */
};

/* NULL: no memory. */
struct tty *tty_create(void);
/* NULL is fine. */
void tty_destroy(struct tty *tty);

/* A new terminal: 0, with podinit's end in *master and the process's in *slave; or -errno. */
int tty_make(int *master, int *slave);
/* In the process: `slave` becomes its standard descriptors and the terminal of its session, which it leads.
 * 0 or -errno. */
int tty_enter(int slave);

/* From now on copies between the terminal, whose end is podinit's from now on, and podinit's own standard
 * descriptors. */
void tty_begin(struct tty *tty, struct ev_loop *ev, int master, bool has_input);
/* The process has ended, and with it the terminal: what is left is copied as its reader takes it. */
void tty_end(struct tty *tty, struct ev_loop *ev);
/* All of it ends: waits for the reader until then (clock_monotonic()) and no longer. */
void tty_finish(struct tty *tty, struct ev_loop *ev, int64_t deadline);

#endif
