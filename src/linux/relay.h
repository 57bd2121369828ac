/* What processes write, on its way to podinit's own standard output or error: unchanged, in order, at once. While
 * the reader of that is slow the process waits, as it would if it wrote there itself; podinit never does. */
#ifndef PODINIT_LINUX_RELAY_H
#define PODINIT_LINUX_RELAY_H

#include <ev.h>
#include <stdint.h>

struct tail;

enum {
	RELAY_STEP = 4096,		     /* bytes that are read at once */
	RELAY_ROOM = 64 * 1024 + RELAY_STEP, /* all that a full pipe holds, beside a step */
};

/* Of a process, over all its instances: so what the last one said comes before what this one says. */
struct relay {
	struct ev_loop *ev;    /* NULL: relay_watch() was not called yet */
	struct ev_io input;    /* what it reads from, its own; fd -1: nothing */
	struct ev_io writable; /* podinit's descriptor, while that is full */
	struct tail *tail;     /* its owner's: gets all that is read */
	int stale;	       /* bytes that are in the input and not for the tail any more */
	int length;	       /* bytes that were read and not yet written */
	char buffer[RELAY_ROOM];
};

/* `output`: STDOUT_FILENO or STDERR_FILENO. NULL: no memory. */
struct relay *relay_create(int output, struct tail *tail);
/* NULL is fine. What is not written is lost: relay_finish() comes before. */
void relay_destroy(struct relay *relay);

/* Where it reads, from now on its own, which must not block. There must be none yet. */
void relay_open(struct relay *relay, int input);
/* Begins to read, if it has not begun yet. */
void relay_watch(struct relay *relay, struct ev_loop *ev);
/* What the input has now is no news to the tail. */
void relay_skip(struct relay *relay);
/* A writer has ended: reads all that it has left, be podinit's own output full. But not more than there is room for,
 * and others may go on to write. */
void relay_drain(struct relay *relay);
/* Reads no more; what was read is written as its reader takes it. */
void relay_end(struct relay *relay);
/* The end of podinit: waits for the reader until then (clock_monotonic()) and no longer. */
void relay_finish(struct relay *relay, int64_t deadline);

#endif
