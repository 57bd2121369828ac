/* The control socket: a line of words in, JSON out. Bounded in clients, bytes and time. */
#ifndef PODINIT_LINUX_CONTROL_H
#define PODINIT_LINUX_CONTROL_H

#include <ev.h>
#include <stdbool.h>

#include "../core/podstatus.h"

enum { CONTROL_CLIENTS_MAX = 8, CONTROL_LINE_MAX = 256 };

/* What the commands act on. */
struct control_actions {
	void *owner;
	size_t piece_max; /* bytes of the largest piece of a status, when it is opened */
	void (*status)(void *owner, struct podstatus *status);
	void (*stop)(void *owner, int64_t grace_ns); /* -1: the pod's own */
};

struct control;

struct control_client {
	struct control *control;
	struct ev_io io;
	struct ev_timer timeout;
	int fd; /* -1: free */
	char in[CONTROL_LINE_MAX];
	unsigned long in_length;
	char *out; /* of actions->piece_max bytes */
	unsigned long out_length, out_sent;
	int next_piece; /* of a status; -1: nothing follows what is in `out` */
};

struct control {
	struct ev_loop *loop;
	const struct control_actions *actions;
	struct ev_io io;
	int fd;		/* -1: there is no socket */
	char name[108]; /* of the socket; begins with '@' where it is abstract */
	char *buffers;	/* the clients' out */
	size_t room;	/* bytes of each */
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

/* Makes the socket of control_open() now: where podinit is another user afterwards, who may not, and to whom
 * root is not root any more. Only who may write the file, root of the machine, may ask then. Only at a path;
 * what fails is tried again by control_open(). */
void control_listen_early(const char *path);
/* In the process that stays outside: the file is needed no more. */
void control_forget_early(void);

/* Opens the socket at `path`, or (NULL) at its usual place or under its abstract name, and begins
 * to serve. 0 or -errno; then there is no socket and nothing else is wrong. */
int control_open(struct control *control, struct ev_loop *loop, const char *path,
	const struct control_actions *actions);
/* Pieces of a status become as long as this; `buffers` (malloc(), CONTROL_CLIENTS_MAX times as long as the longer
 * one of both) are its own from now on. Who is in the middle of a status, which would be of two pods, is cut off. */
void control_renew(struct control *control, char *buffers, size_t room);
void control_close(struct control *control);

#endif
