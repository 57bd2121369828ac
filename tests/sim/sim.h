/* The simulator: random pods in a random world on a virtual clock, and the promises of
 * docs/design.md checked after every step of the real core. One life is one pod from boot to
 * ACT_FINISH; its seed decides everything in it.
 *
 *   random_pod.c  what the pod is             model.c, due.c  what must follow from the events
 *   world.c       what its processes do       promises.c  whether it did
 *   habits.c      what they are like          told.c      whether what it told is true
 *   life.c        one life, step by step      report.c    what is said about it
 *   step.c        one step of the core        coverage.c  what was exercised in all
 *   chaos.c       any event at any time       happenings.c, leftovers.c  parts of the world
 *
 * The model knows only events and the specification; it must not ask the core anything, nor use
 * its helpers, nor look into struct pod: it would only repeat the core's mistakes. */
#ifndef PODINIT_SIM_H
#define PODINIT_SIM_H

#include "core/pod.h"

enum {
	SIM_PROCESSES_MAX = 32,
	SIM_HAPPENINGS_MAX = 2048,
	SIM_LEFTOVERS_MAX = 128,
	SIM_TRACE_MAX = 64,
	SIGNAL_HUP = 1,
	SIGNAL_INT = 2,
	SIGNAL_KILL = 9,
	SIGNAL_USR1 = 10,
	SIGNAL_TERM = 15,
};

#define SECOND NS_PER_SECOND
#define MS     NS_PER_MS

/* --- random numbers: random_pod.c --- */

struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *rng);
/* From `low` to `high`, both included. */
int64_t rng_between(struct rng *rng, int64_t low, int64_t high);
bool rng_chance(struct rng *rng, int permille);
/* 0..max, the upper orders of magnitude equally likely. */
int64_t rng_time(struct rng *rng, int64_t max);

/* NEVER where it would overflow. */
static inline int64_t later_by(int64_t at, int64_t delay)
{
	return at > NEVER - delay ? NEVER : at + delay;
}

/* --- the model: what must follow from the events, by the specification --- */

/* What the core owes one process in this step: a bit each. */
enum owed {
	OWE_SPAWN,
	OWE_ABORT,
	OWE_FORWARD,   /* a signal that podinit got */
	OWE_STOP,      /* the stop signal */
	OWE_GROUP,     /* the stop signal to what it left */
	OWE_KILL,      /* SIGKILL at the end of its grace */
	OWE_KILL_LEFT, /* SIGKILL to what it left */
	OWE_POST_START,
	OWE_PRE_STOP,
	OWE_CANCEL_POST_START,
	OWE_CANCEL_PRE_STOP,
	OWE_FINISH, /* of the pod: process -1 */
	OWE_DRAIN_TERM,
	OWE_DRAIN_KILL,
	OWED_COUNT,
};

/* A notice is owed like an action; a KILLING with SIGKILL is not that of the stop signal. */
enum { NOTICE_KILLED = NOTICE_REASON_COUNT };

struct debt {
	uint32_t owed, may; /* bits of enum owed: must follow in this step; may follow */
	uint32_t owed_notices, may_notices; /* bits of enum notice_reason and NOTICE_KILLED */
};

struct model_process {
	struct debt debt;
	bool spawning, aborted; /* ACT_SPAWN has no result yet; and was given up */
	bool alive;
	bool waiting; /* runs again at restart_at */
	bool over;    /* ended and never runs again */
	int32_t pid, last_pid;
	int32_t instances;
	int64_t started_at, finished_at;
	bool hook_runs[HOOK_COUNT];
	bool hook_ran[HOOK_COUNT]; /* in this instance */
	bool post_started;	   /* postStart, if any, was a success */
	bool startup_ok, ready_ok;
	bool ever_started;
	bool is_too_late; /* runs although it was given up */
	bool has_ended;	  /* some instance did; then: */
	int end_code, end_signo;
	bool end_oom, end_is_start_error;
	struct spawn_error end_error;
	bool has_backoff; /* an entry of the crash backoff; then: */
	int64_t backoff, backoff_since, restart_at;
	/* Of the instance that is being stopped: */
	bool stopping, signalled, killed, group_told;
	uint8_t cause; /* enum stop_cause */
	int64_t stop_by, signalled_at, kill_by;
};

/* What is given to one after the other when the pod begins to stop. */
enum told { TOLD_TO_STOP, TOLD_BY_HOOK, TOLD_BY_SIGNAL, TOLD_COUNT };

struct model {
	struct debt debt; /* of the pod */
	bool booted, stopping, draining, given_up, finished;
	bool begins_to_stop; /* in this step; and who was told last in it: */
	int last_told[TOLD_COUNT];
	uint8_t cause, phase, stop_signo;
	uint8_t forwarded;  /* signal that OWE_FORWARD is about */
	bool leaves;	    /* OWE_GROUP is about what is left behind, not about a stop */
	int evicted_volume; /* of STOP_EVICTED */
	int stop_signals;
	int64_t booted_at, deadline_at, stop_by;
	int64_t drain_by; /* when what is left is killed (again) */
	int process_count;
	struct model_process processes[SIM_PROCESSES_MAX];
};

/* --- the world --- */

enum happening_type {
	HAPPEN_SPAWN, /* its result */
	HAPPEN_EXIT,
	HAPPEN_HOOK,
	HAPPEN_PROBE,
	HAPPEN_LEFTOVER_ENDS,
	HAPPEN_ANYTHING, /* always delivered */
};

struct happening {
	int64_t at;
	uint32_t order;	 /* of those at the same time */
	uint32_t number; /* of the instance, hook run or leftover that it is about */
	uint8_t type;	 /* enum happening_type */
	struct event event;
};

enum obedience { OBEYS, SLOWLY, IGNORES, OBEDIENCE_COUNT };

/* How a program behaves in one life. */
struct habits {
	int good_permille; /* ends with 0 */
	int spawn_fail_permille, spawn_slow_permille;
	int leave_permille; /* leaves something behind */
	int unkillable_permille;
	int hook_hang_permille;
	int64_t run_max, stop_max;
	bool runs_for_ever, startup_fails;
	uint8_t obedience; /* enum obedience; OBEDIENCE_COUNT: any */
};

struct world_process {
	struct habits habits;
	bool spawning, alive, aborted;
	int32_t pid;
	uint32_t instance;
	uint32_t hook_run[HOOK_COUNT];
	bool hook_runs[HOOK_COUNT];
	int64_t exit_at;
};

struct leftover {
	bool alive, in_group, forks;
	bool is_known; /* podinit can tell whose it is */
	uint8_t obedience;
	uint8_t generation; /* 0: a process left it; else one that forked */
	int32_t process;
	int64_t ends_at;
};

struct world {
	struct happening happenings[SIM_HAPPENINGS_MAX]; /* a heap */
	int happening_count;
	uint32_t order;
	int32_t next_pid;
	bool draining, hurried;
	int64_t excused_until; /* nobody can be faster than this: stuck in the kernel */
	struct world_process processes[SIM_PROCESSES_MAX];
	struct leftover leftovers[SIM_LEFTOVERS_MAX];
	int leftover_count;
};

/* --- one life --- */

struct trace_entry {
	int64_t at;
	bool is_action, is_nonsense;
	union {
		struct event event;
		struct action action;
	};
};

struct life {
	uint64_t seed;
	struct rng rng;
	struct pod_spec spec;
	uint64_t spec_seed; /* of the pod that `spec` is */
	bool has_spec;
	struct pod *pod, *shadow; /* shadow: where steps are done a second time */
	size_t pod_size;
	struct actions actions, shadow_actions;
	int64_t now, started_at;
	int64_t must_end_by; /* NEVER: nobody told it to end yet */
	int64_t lateness;    /* of ticks, at most */
	int steps, step_max; /* after step_max it is told to stop */
	uint64_t hash;	     /* of all that happened */
	struct model model;
	struct world world;
	struct trace_entry trace[SIM_TRACE_MAX];
	unsigned trace_count;
	bool verbose;
	bool in_nonsense;
};

/* random_pod.c: makes life->spec, unless it is that of the seed already. */
void random_pod(struct life *life, uint64_t spec_seed);

/* life.c: once before the first life; then as often as one likes. */
void life_create(struct life *life);
void life_destroy(struct life *life);
void life_run(struct life *life, uint64_t seed);

/* step.c: memory for the pod of life->spec. */
void step_fit(struct life *life);
void step_finish(struct life *life);
/* One step of the core, traced, and what every step must keep by itself: the memory it was given,
 * a deadline that is not in the past, and (where `is_repeated`) the same result once more. */
void step_core(struct life *life, const struct event *event, bool is_repeated);
bool step_same_actions(const struct actions *a, const struct actions *b);
/* chaos.c: a life in which every event is any event; the model does not follow it. */
void chaos_run(struct life *life);

/* world.c */
void world_begin(struct life *life);
/* Carries one action out. */
void world_act(struct life *life, const struct action *action);
/* When the world's next thing happens; NEVER: not (happenings.c). */
int64_t world_next_time(const struct world *world);
/* Takes that thing; false: it came to nothing. */
bool world_take(struct life *life, struct event *event);
/* Sends podinit a SIGTERM now. */
void world_hurry(struct life *life);
/* habits.c: what a program is like, and how it ends. */
struct habits random_habits(struct life *life, enum process_kind kind);
struct event random_end(struct rng *rng, const struct habits *habits);
struct spawn_error random_spawn_error(struct rng *rng);
/* An event that may be anything, of nobody in particular. */
struct event random_nonsense(struct life *life);
/* What comes from outside: signals and requests to stop. */
void random_requests(struct life *life, void (*add)(struct life *, int64_t, struct event));

/* model.c, due.c */
void model_begin(struct life *life);
/* Takes the event in and works out what is owed in this step. */
void model_step(struct life *life, const struct event *event);
bool model_is_nonsense(const struct life *life, const struct event *event);
/* When the model changes by itself; NEVER: not. */
int64_t model_next_time(const struct model *model);
/* model_state.c: what the model's state means. */
enum pod_phase model_phase(const struct model *model, const struct pod_spec *spec);
int model_exit_code(const struct model *model, const struct pod_spec *spec);
bool model_is_started(const struct pod_spec *spec, const struct model_process *process, int index);
bool model_is_ready(const struct pod_spec *spec, const struct model_process *process, int index);
bool model_is_initialized(const struct model *model, const struct pod_spec *spec);
bool model_mains_are_over(const struct model *model, const struct pod_spec *spec);
bool model_is_gone(const struct model *model); /* no process lives or is being made */

/* promises.c: the actions of this step against what is owed, then the state as a whole. */
void promises_check(struct life *life);
/* told.c: one notice against the facts. */
void notice_check(struct life *life, const struct notice *notice);

/* --- report.c --- */

/* Numbers 1 to 8 are those of docs/design.md. */
enum promise {
	PROMISE_INIT_ORDER = 1,
	PROMISE_ONE_INSTANCE,
	PROMISE_NOTHING_STARTS,
	PROMISE_STOP_ORDER,
	PROMISE_RESTARTS,
	PROMISE_PHASE,
	PROMISE_DEADLINES,
	PROMISE_ROBUST,
	PROMISE_TOLD_ONCE,
	PROMISE_STATUS,
	PROMISE_COUNT,
};

/* Prints the life and ends the program. */
_Noreturn void promise_broken(const struct life *life, enum promise promise, const char *format,
	...) __attribute__((format(printf, 3, 4)));
void trace_event(struct life *life, const struct event *event);
void trace_action(struct life *life, const struct action *action);

extern const char *const EVENT_NAMES[EVENT_TYPE_COUNT];
extern const char *const ACTION_NAMES[ACTION_TYPE_COUNT];

/* --- coverage.c: what a run exercised --- */

void coverage_event(const struct event *event, const struct pod *pod, bool is_nonsense);
/* A promise was looked at where it could have been broken. */
void promise_looked_at(enum promise promise);
/* A process runs again. */
void coverage_restart(bool is_forgotten, bool is_longest);
/* `before`: the states before the step, one byte each. */
void coverage_step(const struct life *life, const uint8_t *before);
void coverage_life(const struct life *life);
void coverage_chaos(void);
void coverage_print(void);
/* How many things that should have been reached were not; says which. */
int coverage_missing(void);
uint64_t coverage_lives(void);

#endif
