/* What the files of the core share while one step is made. Nothing outside src/core includes it. */
#ifndef PODINIT_CORE_STEP_H
#define PODINIT_CORE_STEP_H

#include "pod.h"

struct step {
	const struct pod_spec *spec;
	struct pod *pod;
	int64_t now;
	struct actions *actions;
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

/* --- stop.c: the end of the pod --- */

void pod_stop(struct step *step, enum stop_cause cause, int64_t grace_ns);
/* Moves the ending on as far as it goes now: turns, draining, the end. */
void pod_stop_progress(struct step *step);
/* EVENT_DRAINED. */
void pod_drained(struct step *step);

/* --- status.c --- */

/* Tells and stores the phase and the conditions that follow from the state. */
void pod_update_status(struct step *step);

#endif
