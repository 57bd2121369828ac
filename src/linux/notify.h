/* sd_notify(3): one datagram socket for the pod, on which its processes say how they are. What a message means
 * is the core's business, and whose its sender is, kin.c's. */
#ifndef PODINIT_LINUX_NOTIFY_H
#define PODINIT_LINUX_NOTIFY_H

#include <ev.h>

#include "../core/pod.h"
#include "fdstore.h"
#include "kin.h"
#include "notify_message.h"

struct notify_actions {
	void *owner;
	/* Whose is this process, alive or a zombie? */
	struct kin (*kin)(void *owner, pid_t pid);
	/* A process has said it; value_ns is 0 where there is none. */
	void (*notified)(void *owner, int process, enum notification what, int64_t value_ns);
};

/* What one process has said, besides what the core knows. */
struct notified {
	char status[NOTIFY_STATUS_MAX + 1];
	pid_t heir; /* MAINPID: who it is when the main process has ended; 0: nobody */
	uint64_t heir_born;
	bool told_of_others, told_of_store; /* each is said once */
	uint8_t heirs_refused;		    /* that were told of */
};

/* Zeroed, or with io.fd -1: no process of the pod notifies. */
struct notify {
	struct ev_loop *ev;
	const struct pod_spec *spec;
	const struct notify_actions *actions;
	struct ev_io io;
	struct ev_timer later;	    /* what came with messages could not be closed yet */
	char name[64];		    /* of the socket, with an @ before it */
	struct notified **of;	    /* of each process; NULL: it does not notify */
	struct notified **reserved; /* for notify_replace(), of `reserved_count` processes */
	int count, reserved_count;
	struct fdstore store;
	uint64_t dropped;   /* messages of strangers, and of those who may not */
	uint64_t malformed; /* messages in which something was wrong */
	bool told_of_strangers;
};

/* Makes the socket, if any process notifies. 0 or -errno. `actions` must stay. */
int notify_open(struct notify *notify, struct ev_loop *ev, const struct pod_spec *spec,
	const struct notify_actions *actions);
/* Room for another pod, which notify_replace() puts in its place, and the socket if there is none yet. 0 or -errno. */
int notify_reserve(struct notify *notify, const struct pod_spec *spec);
/* What a process has said stays its own; `old_of`: whose it was, or -1; `new_of`: the other way round. */
void notify_replace(struct notify *notify, const int *old_of, const int *new_of);
void notify_close(struct notify *notify);
/* Its name, for NOTIFY_SOCKET; NULL: there is none. */
const char *notify_name(const struct notify *notify);

/* Hears what there is: to be called before zombies are reaped, while their messages can be told to be theirs.
 * Not without end, if they send faster. */
void notify_read(struct notify *notify);

/* A new instance of it is born, and has said nothing yet. */
void notify_begin(struct notify *notify, int process);
/* What it says of itself (STATUS=), printable, at most NOTIFY_STATUS_MAX bytes; "": nothing. */
const char *notify_status(const struct notify *notify, int process);
/* The main process has ended: whom it named by MAINPID, if that one lives, and is podinit's child now; else 0. */
pid_t notify_take_heir(struct notify *notify, int process);

#endif
