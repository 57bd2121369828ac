/* Attempts of probes and runs of hooks, whatever their handlers are. Made once, for each probe and hook of the
 * pod; then begun and cancelled as the core says. */
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

struct attempt {
	struct loop *loop;
	const struct handler *handler;
	struct request *request; /* NULL: its handler makes none */
	struct task task;	 /* its command, or podprobe */
	struct strings podprobe; /* the command line of the helper program; empty: it is not needed */
	struct ev_timer sleep;
	int32_t process;
	uint32_t number; /* of the attempt */
	bool is_hook;
	uint8_t type;		     /* enum hook_type or enum probe_type */
	char text[ATTEMPT_TEXT_MAX]; /* why the latest one failed, one line; "": it did not say */
};

/* All of a pod. Zeroed is none. */
struct attempts {
	struct attempt *probes; /* by probe_spec.index */
	struct attempt **hooks; /* by process: NULL, or HOOK_COUNT of them */
	int task_count;		/* that may run at once, at most: what tasks_init() needs */
	struct arena arena;
};

/* Allocates all that loop->spec will ever need. May block: at boot only. */
void attempts_make(struct attempts *attempts, struct loop *loop);
/* Ends what runs; tasks apart. */
void attempts_finish(struct attempts *attempts, struct ev_loop *ev, const struct pod_spec *spec);

/* Does anything need the program podprobe? *process: whose, first. */
bool attempts_need_podprobe(const struct pod_spec *spec, int *process);

/* What ACT_PROBE and ACT_RUN_HOOK ask for: EVENT_PROBED or EVENT_HOOK_DONE follows, later. */
void attempt_begin(struct loop *loop, const struct action *action);
/* ... or, by ACT_CANCEL_PROBE and ACT_CANCEL_HOOK, does not follow. */
void attempt_cancel(struct loop *loop, const struct action *action);

/* Why the probe or hook that a notice is about failed: one line; "": nothing is known. */
const char *attempt_text(struct loop *loop, const struct notice *notice);

#endif
