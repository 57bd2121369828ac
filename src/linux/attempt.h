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
	struct strings
		podprobe; /* the command line of the helper program; empty: it is not needed */
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
	const char *podprobe;	/* where that program is, or would be */
	/* Hooks that began before the pod became this one, and go on; their memory is that one's. */
	struct attempt **carried;
	int carried_count, carried_max;
	struct arena arena;
};

/* Allocates all that `spec` will ever need. `podprobe`: as of the attempts before; NULL: it is looked for, which may
 * block. */
void attempts_make(struct attempts *attempts, struct loop *loop, const struct pod_spec *spec,
	const char *podprobe);
/* The pod becomes another one, whose attempts are `next`: hooks that run go on, if their process does (`new_of`:
 * whose it is, or -1); probes are cancelled. Then loop->attempts is `next`, and `next` what was there before: to be
 * kept while any of loop->attempts.carried lasts, with the spec. Allocates nothing. */
void attempts_replace(struct loop *loop, struct attempts *next, const int *new_of);
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
