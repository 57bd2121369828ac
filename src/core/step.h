/* What the files of the core share while one step is made. Nothing outside src/core includes it. */
#ifndef PODINIT_CORE_STEP_H
#define PODINIT_CORE_STEP_H

#include "pod.h"

struct step {
	const struct pod_spec *spec;
	struct pod *pod;
	int64_t now;
	struct actions *actions;
	bool gave_up; /* a process will not start at all: what others are may follow from that */
};

/* Appends an action; the caller fills it in. Never NULL: past the maximum (which the simulator
 * shows is never reached) the last one is written over. */
struct action *step_add(struct step *step, enum action_type type, int process);
void step_tell(struct step *step, const struct notice *notice);

/* --- process.c: one process --- */

/* A time from now on, without overflow: NEVER where it would. */
int64_t time_after(int64_t now, int64_t delay);
/* Feeds an event to the process's state machine. `event` NULL: its deadline has come. */
void process_step(struct step *step, int index, const struct event *event);
/* Starts it for the first time. */
void process_start(struct step *step, int index);
/* Asks it to stop until `stop_by`; whatever state it is in. */
void process_stop(struct step *step, int index, enum stop_cause cause, int64_t stop_by);
/* Its turn has come: the stop signal. Only in PROCESS_TURN. */
void process_take_turn(struct step *step, int index);
/* Its preStop hook, if that runs, is cut short: the stop signal. */
void process_skip_pre_stop(struct step *step, int index);
/* The grace ends sooner than it was told. */
void process_hurry(struct step *step, int index, int64_t stop_by);
bool process_is_settled(const struct process *process);
/* It has ended, and is as if it had never been started; but its instances are counted on. */
void process_forget(struct process *process);
/* Told to read its configuration again: now, or once it runs and its last reload is over. */
void process_reload(struct step *step, int index);
/* Its watchdog time is over. */
void process_watchdog_over(struct step *step, int index);
/* It is not started at all: `dependency` will never be what it must be. */
void process_give_up(struct step *step, int index, int dependency);
/* What follows from its state besides: Kubernetes' `started` and `ready`, the watchdog, a reload that
 * waited. */
void process_conclude(struct step *step, int index);
/* Adds a notice about it. */
struct notice process_notice(const struct step *step, int index, enum notice_reason reason);

/* --- probe.c: the workers of its probes --- */

/* An instance runs from now on. */
void probes_begin(struct step *step, int index);
/* It is Started. */
void probes_unlock(struct step *step, int index);
/* It is being stopped: only readiness still counts. */
void probes_hold(struct step *step, int index);
/* It has ended. */
void probes_end(struct step *step, int index);
/* One of them is another from now on: it begins anew, for the instance that runs. */
void probe_renew(struct step *step, int index, enum probe_type type);
/* EVENT_PROBED. */
void probe_answered(struct step *step, int index, const struct event *event);
/* Attempts that are due, and those that took too long, of all probes of the pod. */
void probes_run(struct step *step);
/* At the beginning. */
void probes_init(struct pod *pod, const struct pod_spec *spec);
/* The earliest of both, of all probes of the pod; NEVER: none. */
int64_t probes_next_deadline(const struct pod *pod);
/* A result past its threshold (process.c). */
void process_probed(struct step *step, int index, enum probe_type type, bool success);

/* --- again.c: RestartAllContainers --- */

void pod_restart_all(struct step *step, int source);
/* Moves it on as far as it goes now. */
void pod_restart_all_progress(struct step *step);

/* --- depend.c --- */

enum dependency_state { DEPENDENCIES_HOLD, DEPENDENCIES_OPEN, DEPENDENCIES_FAILED };
/* Those of a process that has not started; *failed: which will never hold. */
enum dependency_state dependencies_state(const struct step *step, int index, int *failed);
/* What a process that has not started waits for first; NULL: for nothing of them. */
const struct dependency *dependency_open(
	const struct pod_spec *spec, const struct pod *pod, int index);
/* Does a process that depends on it, and ends as well, still run? */
bool dependents_live(const struct step *step, int index);

/* --- pod.c --- */

bool pod_is_settled(const struct pod *pod); /* every process is */

/* --- stop.c: the end of the pod --- */

void pod_stop(struct step *step, enum stop_cause cause, int64_t grace_ns);
/* Moves the ending on as far as it goes now: turns, draining, the end. */
void pod_stop_progress(struct step *step);
/* EVENT_DRAINED. */
void pod_drained(struct step *step);

/* Gives those that are leaving (pod->replacing) their turns. */
void pod_give_turns(struct step *step);

/* --- status.c --- */

/* Does something of it still go on, for which others have to wait? */
bool process_is_in_the_way(const struct process *process);

/* Tells and stores the phase and the conditions that follow from the state. */
void pod_update_status(struct step *step);

#endif
