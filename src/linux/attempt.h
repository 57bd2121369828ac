/* One attempt of a probe, or one run of a hook: whatever its handler is. */
#ifndef PODINIT_LINUX_ATTEMPT_H
#define PODINIT_LINUX_ATTEMPT_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "../core/pod.h"
#include "request.h"
#include "task.h"

struct loop;

enum { ATTEMPT_TEXT_MAX = 256 };

/* What a probe or hook needs, one for each: made once, used again and again. */
struct attempt {
	struct loop *loop;
	const struct handler *handler;
	struct request *request; /* NULL: its handler needs none */
	struct task *task;	 /* the same */
	struct strings podprobe; /* the command line of the helper program; empty: it is not needed */
	struct ev_timer sleep;
	int32_t process;
	uint32_t number; /* of the attempt */
	bool is_hook;
	uint8_t type;		     /* enum hook_type or enum probe_type */
	char text[ATTEMPT_TEXT_MAX]; /* why the latest one failed, one line; "": it did not say */
};

/* All probes and hooks of a pod. Zeroed is none. */
struct attempts {
	struct attempt *probes; /* by probe_spec.index */
	struct attempt **hooks; /* by process: NULL, or HOOK_COUNT of them */
	struct arena arena;
};

/* Allocates all that they will ever need. What cannot be done here is added to `problems`. */
void attempts_make(struct attempts *attempts, struct loop *loop, const struct pod_spec *spec,
	struct problems *problems);
/* Ends those that run. */
void attempts_finish(struct attempts *attempts, const struct pod_spec *spec);

/* What an action asks for: EVENT_PROBED or EVENT_HOOK_DONE follows, later. */
void attempt_begin(struct attempts *attempts, const struct action *action);
/* ... or does not follow. */
void attempt_cancel(struct attempts *attempts, const struct action *action);

/* Why the probe or hook of a notice failed: one line, "" where nothing is known. */
const char *attempt_text(const struct attempts *attempts, const struct pod_spec *spec,
	const struct notice *notice);

#endif
