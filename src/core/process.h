/* What the files about one process share. Nothing else includes it. */
#ifndef PODINIT_CORE_PROCESS_H
#define PODINIT_CORE_PROCESS_H

#include "step.h"

/* The one place where a state changes. NEVER: a state without a deadline. */
void process_set_state(struct process *process, enum process_state state, int64_t deadline);

static inline const struct process_spec *process_spec_of(const struct step *step, int index)
{
	return &step->spec->processes[index];
}

void process_tell(struct step *step, int index, enum notice_reason reason);
void process_run_hook(struct step *step, int index, enum hook_type hook);
void process_cancel_hook(struct step *step, int index, enum hook_type hook);

/* --- process_end.c: what process.c's table refers to --- */

typedef void transition(struct step *step, int index, const struct event *event);

/* The signal that asks it to end. */
uint8_t process_stop_signal(const struct step *step, int index);
/* It starts again, or not; `process->last` says how it ended. */
void process_settle(struct step *step, int index);
/* It could not be started, as the notice tells. */
void process_set_start_error(struct step *step, int index, const struct event *event);
/* The same; then settles. */
void process_start_failed(struct step *step, int index, const struct event *event);
/* Begins with its preStop hook. The instance is alive. */
void process_begin_stop(struct step *step, int index, enum stop_cause cause, int64_t stop_by);
/* It was given up before it was started: as if this instance had not been tried. */
void process_withdraw(struct step *step, int index);

transition process_exited, process_exited_in_hook, process_aborted;
transition process_kill_now, process_pre_stop_done, process_pre_stop_over, process_turn_over;
transition process_post_stop_done, process_post_stop_over;

#endif
