/* The model: how one process, or the pod, is told to stop. Like model.c
 * it must not ask the core. */
#include "model.h"

void model_begin_to_stop(struct life *life, int index, enum stop_cause cause, int64_t stop_by)
{
	static const enum hook_type cut_short[] = {HOOK_POST_START, HOOK_RELOAD};
	struct model_process *process = &life->model.processes[index];
	life->model.moved = true;
	process->stopping = true;
	process->forking = false;
	process->cause = (uint8_t)cause;
	process->stop_by = stop_by;
	int64_t soonest = later_by(life->now, 2 * SECOND);
	process->told_stop_by = stop_by > soonest ? stop_by : soonest;
	process->reload_wanted = false;
	process->watchdog_at = NEVER;
	owe_notice(&process->debt, NOTICE_KILLING);
	for (int i = 0; i < 2; i++) {
		if (process->hook_runs[cut_short[i]])
			owe(&process->debt, OWE_CANCEL_HOOK + (int)cut_short[i]);
		process->hook_runs[cut_short[i]] = false;
	}
	model_probe_drop(life, index, PROBE_STARTUP);
	model_probe_drop(life, index, PROBE_LIVENESS);
	if (spec_of(life, index)->lifecycle->hooks[HOOK_PRE_STOP] && stop_by > life->now) {
		process->hook_runs[HOOK_PRE_STOP] = true;
		owe(&process->debt, OWE_HOOK + HOOK_PRE_STOP);
	}
}

/* Its daemon is not known: all that its program left is killed, and it has ended as its program did. */
static void stop_looking(struct life *life, int index, enum stop_cause cause)
{
	struct model_process *process = &life->model.processes[index];
	process->cause = (uint8_t)cause;
	owe(&process->debt, OWE_CANCEL_ADOPT);
	owe(&process->debt, OWE_KILL_LEFT);
	model_exited(life, index, &(struct event){.process = index});
}

static void hurry(struct life *life, struct model_process *process, int64_t stop_by)
{
	if (process->hook_runs[HOOK_POST_STOP]) {
		process->post_stop_by = least(process->post_stop_by, later_by(stop_by, EXTENSION));
		return;
	}
	process->stop_by = least(process->stop_by, stop_by);
	if (process->signalled)
		process->kill_by =
			least(process->kill_by, most(stop_by, later_by(life->now, EXTENSION)));
}

/* It ended in this very step: whether it was seen as an end before or within the pod's end is not
 * specified. */
static void excuse_its_end(struct debt *debt)
{
	debt->may |= debt->owed & BIT(OWE_KILL_LEFT);
	debt->owed &= ~BIT(OWE_KILL_LEFT);
	debt->may_notices |= debt->owed_notices & BIT(NOTICE_BACK_OFF);
	debt->owed_notices &= ~BIT(NOTICE_BACK_OFF);
}

void model_stop(struct life *life, int index, enum stop_cause cause, int64_t stop_by)
{
	struct model_process *process = &life->model.processes[index];
	if (process->waiting) {
		process->waiting = false;
		process->over = true;
	} else if (process->hook_runs[HOOK_PRE_START]) {
		process->hook_runs[HOOK_PRE_START] = false;
		owe(&process->debt, OWE_CANCEL_HOOK + HOOK_PRE_START);
		model_withdraw(life, index);
	} else if (process->spawning && !process->aborted) {
		process->aborted = true;
		process->cause = (uint8_t)cause;
		owe(&process->debt, OWE_ABORT);
	} else if (process->looking) {
		stop_looking(life, index, cause);
	} else if (process->alive && !process->stopping) {
		model_begin_to_stop(life, index, cause, stop_by);
	} else if (process->alive || process->hook_runs[HOOK_POST_STOP]) {
		hurry(life, process, stop_by);
	}
}

int64_t drain_end(const struct life *life)
{
	const struct model *model = &life->model;
	return least(later_by(model->stop_by, EXTENSION),
		most(model->stop_by, later_by(life->now, EXTENSION)));
}

static void hurry_pod(struct life *life, int64_t stop_by)
{
	struct model *model = &life->model;
	if (stop_by >= model->stop_by)
		return;
	model->stop_by = stop_by;
	if (model->draining)
		model->drain_by = least(model->drain_by, drain_end(life));
	for (int i = 0; i < model->process_count; i++) {
		struct model_process *process = &model->processes[i];
		if ((process->alive && process->stopping) || process->hook_runs[HOOK_POST_STOP])
			hurry(life, process, stop_by);
	}
}

void model_stop_pod(struct life *life, enum stop_cause cause, int64_t grace)
{
	struct model *model = &life->model;
	int64_t stop_by = later_by(life->now, grace);
	life->must_end_by = least(life->must_end_by, later_by(stop_by, EXTENSION));
	if (model->stopping) {
		hurry_pod(life, stop_by);
		return;
	}
	model->stopping = model->begins_to_stop = model->moved = true;
	model->restarting_all = model->replacing = false;
	model->cause = (uint8_t)cause;
	model->stop_by = stop_by;
	owe_notice(&model->debt,
		cause == STOP_DEADLINE		? NOTICE_DEADLINE_EXCEEDED
			: cause == STOP_EVICTED ? NOTICE_EVICTED
						: NOTICE_STOPPING);
	for (int i = 0; i < model->process_count; i++) {
		excuse_its_end(&model->processes[i].debt);
		model_stop(life, i, cause, stop_by);
	}
}
