/* The simulator: random pods in a random world on a virtual clock, and the promises of
 * docs/design.md checked after every step of the real core. One life is one pod from boot to
 * ACT_FINISH; its seed decides everything in it.
 *
 *   random_pod.c     what the pod is             model*.c     what must follow from the events
 *   random_life.c    probes, hooks, and so on    promises.c   whether it did
 *   world.c          what its processes do       told.c       whether what it told is true
 *   world_beside.c   what happens beside them    status.c     whether the state says so
 *   habits.c         what they are like          reload.c     the pod's file changes
 *   life.c           one life, step by step      report.c     what is said about it
 *   step.c           one step of the core        coverage.c   what was exercised in all
 *   chaos.c          any event at any time       happenings.c, leftovers.c  parts of the world
 *
 * The model knows only events and the specification; it must not ask the core anything, nor use
 * its helpers, nor look into struct pod: it would only repeat the core's mistakes. (What chance
 * there is, in a jittered delay, it takes from what was told, and looks whether it may be.) */
#ifndef PODINIT_SIM_H
#define PODINIT_SIM_H

#include "core/pod.h"
#include "core/transfer.h"
#include "spec/change.h"

enum {
	SIM_PROCESSES_MAX = 32,
	SIM_HAPPENINGS_MAX = 2048,
	SIM_LEFTOVERS_MAX = 128,
	SIM_TRACE_MAX = 64,
	LEFTOVER_OF_NOBODY = -2, /* its process is not in the file any more */
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
	OWE_RELOAD,    /* the signal that makes it read its configuration again */
	OWE_STOP,      /* the stop signal */
	OWE_GROUP,     /* the stop signal to what it left */
	OWE_KILL,      /* SIGKILL at the end of its grace */
	OWE_KILL_LEFT, /* SIGKILL to what it left */
	OWE_ADOPT,
	OWE_CANCEL_ADOPT,
	OWE_HOOK,				 /* and which */
	OWE_CANCEL_HOOK = OWE_HOOK + HOOK_COUNT, /* and which */
	OWE_PROBE = OWE_CANCEL_HOOK + HOOK_COUNT,
	OWE_CANCEL_PROBE = OWE_PROBE + PROBE_COUNT,
	OWE_FINISH = OWE_CANCEL_PROBE + PROBE_COUNT, /* of the pod: process -1 */
	OWE_DRAIN_TERM,
	OWE_DRAIN_KILL,
	OWE_REPLACE,
	OWED_COUNT,
};
_Static_assert(OWED_COUNT <= 64, "a bit each");

/* A notice is owed like an action. Some reasons can be told more than once in a step: a KILLING
 * with SIGKILL is not that of the stop signal, and each probe speaks for itself. */
enum {
	NOTICE_KILLED = NOTICE_REASON_COUNT,
	NOTICE_UNHEALTHY_PROBE,
	NOTICE_WARNING_PROBE = NOTICE_UNHEALTHY_PROBE + PROBE_COUNT,
	OWED_NOTICE_COUNT = NOTICE_WARNING_PROBE + PROBE_COUNT,
};
_Static_assert(OWED_NOTICE_COUNT <= 64, "a bit each");

struct debt {
	uint64_t owed, may; /* bits of enum owed: must follow in this step; may follow */
	uint64_t owed_notices, may_notices; /* bits of enum notice_reason and those above */
};

struct model_probe {
	int64_t due, fails_at; /* NEVER: no attempt is to come; none is made */
	uint32_t attempt;
	int row, tries; /* equal results; attempts that could not be made */
	uint8_t last;	/* enum probe_result */
	uint8_t told_cause;
	bool told_timed_out;
};

struct model_process {
	struct debt debt;
	bool spawning, aborted; /* ACT_SPAWN has no result yet; and was given up */
	bool alive;
	bool forking, looking; /* of a daemon: its program runs; has ended, and it is looked for */
	bool waiting;	       /* runs again at restart_at */
	bool over;	       /* ended and never runs again */
	int32_t pid, last_pid;
	int32_t instances;
	int32_t shown; /* of these, as of the action of this step that is looked at */
	int64_t started_at, finished_at, adopt_by, post_stop_by;
	bool hook_runs[HOOK_COUNT];
	bool hook_ran[HOOK_COUNT]; /* in this instance */
	bool hook_overdue;	   /* what failed last did so because its time was over */
	bool post_started;	   /* postStart, if any, was a success */
	bool startup_ok, ready_ok, notified, busy;
	bool was_started; /* when the time had passed last */
	bool ever_started;
	int64_t watchdog_at, watchdog; /* NEVER: it need not say WATCHDOG=1 */
	bool reload_wanted, leaving, all_again;
	bool has_ended; /* some instance did; then: */
	int end_code, end_signo;
	bool end_oom, end_is_start_error, end_ok;
	int32_t end_pid;
	struct spawn_error end_error;
	bool has_backoff; /* an entry of the crash backoff; then: */
	int64_t backoff, backoff_since, restart_at;
	int row;       /* restarts in a row */
	uint8_t cause; /* enum stop_cause of this instance */
	/* Of the instance that is being stopped: */
	bool stopping, signalled, killed, group_told;
	int64_t told_stop_by; /* with which it was told; stop_by may be sooner already */
	int64_t stop_by, signalled_at, kill_by;
	struct model_probe probes[PROBE_COUNT];
};

/* What is given to one after the other when the pod begins to stop. */
enum told { TOLD_TO_STOP, TOLD_BY_HOOK, TOLD_BY_SIGNAL, TOLD_COUNT };

struct model {
	struct debt debt; /* of the pod */
	bool booted, stopping, draining, given_up, finished;
	bool begins_to_stop; /* in this step; and who was told last in it: */
	int last_told[TOLD_COUNT];
	bool moved; /* something followed that may have consequences in this very step */
	bool restarting_all, was_restarting_all, initialized;
	bool replacing, replacement_told;
	uint8_t cause, phase, stop_signo;
	uint8_t forwarded;  /* signal that OWE_FORWARD is about */
	bool leaves;	    /* OWE_GROUP is about what is left behind, not about a stop */
	int evicted_volume; /* of STOP_EVICTED */
	int decider;	    /* of STOP_MAIN_ENDED, and of a RestartAllContainers; else -1 */
	int stop_signals;
	int next_init;
	int starting; /* the main whose first start the next one waits for; -1: none */
	int64_t booted_at, deadline_at, stop_by, restart_all_at;
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
	HAPPEN_ADOPT,
	HAPPEN_SAYS, /* a notification of an instance, which goes on as its habits are */
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
	int probe_good_permille[PROBE_COUNT], probe_late_permille;
	int found_permille; /* a daemon that it leaves */
	int64_t run_max, stop_max;
	bool runs_for_ever, is_silent; /* is_silent: never says READY=1 */
	uint8_t obedience;	       /* enum obedience; OBEDIENCE_COUNT: any */
};

struct reload; /* reload.h */

struct world_process {
	struct habits habits;
	bool spawning, alive, aborted;
	bool is_program; /* of a daemon: that is to come yet */
	bool looked_for; /* the daemon that its program left */
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
	bool spec_changed;	  /* by a reload: it is not that of the seed any more */
	struct pod *pod, *shadow; /* shadow: where steps are done a second time */
	size_t pod_size;
	struct actions actions, shadow_actions;
	int64_t now, started_at;
	int64_t must_end_by;   /* NEVER: nobody told it to end yet */
	int64_t lateness;      /* of ticks, at most */
	int steps, step_max;   /* after step_max it is told to stop */
	uint64_t hash;	       /* of all that happened */
	struct reload *reload; /* NULL: the pod's file does not change now */
	struct model model;
	struct world world;
	struct trace_entry trace[SIM_TRACE_MAX];
	unsigned trace_count;
	bool verbose;
	bool in_nonsense;
};

/* random_pod.c: makes life->spec, unless it is that of the seed already. */
void random_pod(struct life *life, uint64_t spec_seed);
/* The same with changes, as its file might have them; false: that is no legal pod. */
bool random_change(struct pod_spec *spec, uint64_t spec_seed, struct rng *rng);
/* random_life.c: what there is of it besides running. */
void random_life(struct rng *rng, struct arena *arena, struct process_spec *process);
/* Who waits for whom. */
void random_dependencies(struct rng *rng, struct pod_spec *spec);
/* Another value of something that can change while it runs. */
void random_live_change(struct rng *rng, struct arena *arena, struct process_spec *process);
void random_backoff(struct rng *rng, struct process_spec *process);
void random_rules(struct rng *rng, struct arena *arena, struct process_spec *process);

/* life.c: once before the first life; then as often as one likes. */
void life_create(struct life *life);
void life_destroy(struct life *life);
void life_run(struct life *life, uint64_t seed);

/* reload.c: the pod's file changes now. Fills the event; false: to something that is no pod. */
bool reload_ask(struct life *life, struct event *event);
/* ACT_REPLACE: the pod becomes that of the file. */
void reload_take_place(struct life *life);
void reload_forget(struct life *life); /* it does not happen any more */

/* step.c: memory for the pod of life->spec. */
void step_fit(struct life *life);
void step_finish(struct life *life);
/* One step of the core, traced, and what every step must keep by itself: the memory it was given,
 * a deadline that is not in the past, and (where `is_repeated`) the same result once more. */
void step_core(struct life *life, const struct event *event, bool is_repeated);
bool step_same_actions(const struct actions *a, const struct actions *b);
/* The same for another spec: the pod of life->spec becomes that of `fresh`. */
void step_transfer(struct life *life, const struct pod_spec *fresh, const struct changes *changes);
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
/* Sends podinit a SIGTERM now, once. */
void world_hurry(struct life *life);
/* Asks it to stop within a second. */
void world_press(struct life *life);
/* The processes are those of another spec now: old_of says which each of them was, -1: a new one. */
void world_renumber(struct life *life, const int *old_of, int old_count);
/* habits.c: what a program is like, and how it ends. */
struct habits random_habits(struct life *life, enum process_kind kind);
struct event random_end(struct rng *rng, const struct habits *habits);
struct spawn_error random_spawn_error(struct rng *rng);
/* An event that may be anything, of nobody in particular. */
struct event random_nonsense(struct life *life);
/* What comes from outside: signals and requests to stop, and words of processes at any time. */
void random_requests(struct life *life, void (*add)(struct life *, int64_t, struct event));
struct event random_word(struct rng *rng, int process);

/* model.c, model_ask.c, model_reload.c */
void model_begin(struct life *life);
/* Takes the event in and works out what is owed in this step. */
void model_step(struct life *life, const struct event *event);
bool model_is_nonsense(const struct life *life, const struct event *event);
/* When the model changes by itself; NEVER: not. */
int64_t model_next_time(const struct model *model);
/* The pod's file has changed from `old` to life->spec. */
void model_reload(struct life *life, const struct pod_spec *old, const struct reload *reload);
/* model_state.c: what the model's state means. */
enum pod_phase model_phase(const struct model *model, const struct pod_spec *spec);
int model_exit_code(const struct model *model, const struct pod_spec *spec);
bool model_is_started(const struct pod_spec *spec, const struct model_process *process, int index);
bool model_is_ready(const struct pod_spec *spec, const struct model_process *process, int index);
bool model_mains_are_over(const struct model *model, const struct pod_spec *spec);
/* Never started, or forgotten: it starts when its turn comes. */
bool model_is_new(const struct model_process *process);
/* Something of it lives, or will: others wait for that when the pod ends. */
bool model_is_busy(const struct model_process *process);
bool model_is_gone(const struct model *model); /* none is busy */

/* promises.c: the actions of this step against what is owed, then the state as a whole. */
void promises_check(struct life *life);
/* status.c: what the core's state says against the model's. */
void status_check(const struct life *life);
/* told.c: one notice against the facts. */
void notice_check(struct life *life, const struct notice *notice);

/* --- report.c --- */

/* Numbers 1 to 13 are those of docs/design.md. */
enum promise {
	PROMISE_INIT_ORDER = 1,
	PROMISE_ONE_INSTANCE,
	PROMISE_NOTHING_STARTS,
	PROMISE_STOP_ORDER,
	PROMISE_RESTARTS,
	PROMISE_PHASE,
	PROMISE_DEADLINES,
	PROMISE_ROBUST,
	PROMISE_DEPENDENCIES,
	PROMISE_PROBES,
	PROMISE_HOOKS,
	PROMISE_RESTART_ALL,
	PROMISE_RELOAD,
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
/* kinds: enum change_kind of each new process; leaving: of each old one. */
void coverage_reload(
	const struct life *life, const uint8_t *kinds, const bool *leaving, int old_count);
void coverage_print(void);
/* How many things that should have been reached were not; says which. */
int coverage_missing(void);
uint64_t coverage_lives(void);

#endif
