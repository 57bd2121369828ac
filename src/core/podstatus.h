/* The state as a Kubernetes PodStatus in JSON, in pieces that fit a fixed buffer, so that it is
 * written to a client without allocating however many processes there are. */
#ifndef PODINIT_CORE_PODSTATUS_H
#define PODINIT_CORE_PODSTATUS_H

#include "pod.h"

enum {
	PODSTATUS_PIECE_MAX = 4096 + 1024, /* bytes of the largest piece, without messages */
	SAID_MAX = 128,
};

/* Bytes of the largest piece of this pod, whatever its processes leave as messages. */
size_t podstatus_piece_max(const struct pod_spec *spec);

/* The message that a process left when it ended (terminationMessagePath, or by its terminationMessagePolicy the
 * end of its output), and when it did the time before: at most spec_message_max() bytes each, any bytes, and a
 * 0 behind them. */
struct last_words {
	char *latest, *previous;
	size_t latest_length, previous_length;
};

struct podstatus {
	const struct pod_spec *spec;
	const struct pod *pod;
	int64_t now, realtime;		/* the same moment on both clocks */
	const struct last_words *words; /* of each process; NULL: there are none */
	uint64_t orphans;		/* reaped so far */
	int32_t pid;			/* podinit's own */
	/* What a process that runs says of itself (STATUS= of sd_notify), at most SAID_MAX printable bytes; "":
	 * nothing. NULL: none says anything. */
	const char *(*said)(const void *owner, int process);
	const void *owner; /* of said() */
};

/* Adds piece number `piece` (0, 1, ...); false when there is no such piece any more. */
bool podstatus_piece(const struct podstatus *status, int piece, struct text *out);

#endif
