/* The model, second half: what follows from the facts and the time alone (who starts, whose
 * deadline has come, whose turn it is to stop), and when the time comes next. Like model.c it must
 * not ask the core. */
#include "model.h"

static void restart(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	const struct process_spec *spec = spec_of(life, index);
	bool is_forgotten = backoff_is_forgotten(life, index);
	int64_t longer = is_forgotten ? spec->backoff_initial_ns : 2 * process->backoff;
	process->backoff = least(longer, spec->backoff_max_ns);
	coverage_restart(is_forgotten && process->has_backoff,
		!is_forgotten && process->backoff == spec->backoff_max_ns);
	process->has_backoff = true;
	process->backoff_since = life->now;
	process->waiting = false;
	owe(&process->debt, OWE_SPAWN);
}

static bool had_its_first_start(const struct model_process *process)
{
	return process->instances > 0;
}

/* Sections 1 to 3: who starts for the first time, or that an init ended the pod. */
void due_first_starts(struct life *life)
{
	struct model *model = &life->model;
	for (int i = 0; i < model->process_count && !model->stopping; i++) {
		struct model_process *process = &model->processes[i];
		enum process_kind kind = (enum process_kind)spec_of(life, i)->kind;
		if (!had_its_first_start(process)) {
			owe(&process->debt, OWE_SPAWN);
			return;
		}
		if (kind == KIND_SIDECAR && !process->ever_started)
			return;
		if (kind == KIND_INIT && process->over && process->end_code != 0)
			pod_stops(life, STOP_INIT_FAILED, life->spec.grace_ns);
		if (kind == KIND_INIT && !process->over)
			return;
		/* The next main waits for this one to be made, and for its postStart. */
		bool next_is_new = i + 1 < model->process_count &&
			!had_its_first_start(&model->processes[i + 1]);
		if (kind == KIND_MAIN && next_is_new &&
			(process->spawning || process->hook_runs[HOOK_POST_START]))
			return;
	}
}

void due_deadlines(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	if (process->waiting && process->restart_at <= life->now)
		restart(life, index);
	if (process->hook_runs[HOOK_PRE_STOP] && process->stop_by <= life->now) {
		process->hook_runs[HOOK_PRE_STOP] = false;
		owe(&process->debt, OWE_CANCEL_PRE_STOP);
		owe_notice(&process->debt, NOTICE_FAILED_PRE_STOP_HOOK);
	}
	if (process->signalled && !process->killed && process->kill_by <= life->now) {
		process->killed = true;
		owe(&process->debt, OWE_KILL);
		owe_notice(&process->debt, NOTICE_KILLED);
	}
}

/* Section 3.1: mains at once, sidecars in reverse order after them or when the grace is over. */
void due_stop_signals(struct life *life)
{
	struct model *model = &life->model;
	bool blocked = false;
	for (int i = model->process_count - 1; i >= 0; i--) {
		struct model_process *process = &model->processes[i];
		enum process_kind kind = (enum process_kind)spec_of(life, i)->kind;
		bool waits = kind == KIND_SIDECAR && model->stopping && blocked &&
			process->stop_by > life->now;
		if (process->alive && process->stopping && !process->signalled &&
			!process->hook_runs[HOOK_PRE_STOP] && !waits) {
			process->signalled = true;
			process->signalled_at = life->now;
			process->kill_by = most(process->stop_by, later_by(life->now, EXTENSION));
			process->group_told = life->spec.entrypoint && !life->spec.single_child;
			owe(&process->debt, OWE_STOP);
		}
		if (kind != KIND_INIT)
			blocked = blocked || process->alive || process->aborted;
	}
}

/* An init that does not wait for what its program left; some tell its group. */
static void leave_behind(struct life *life)
{
	struct model_process *program = &life->model.processes[0];
	if (life->spec.leftovers == LEFTOVERS_SIGNALLED && !program->group_told &&
		life->spec.signal_map[SIGNAL_TERM])
		owe(&program->debt, OWE_GROUP);
	life->model.leaves = true;
	owe(&life->model.debt, OWE_FINISH);
}

/* Who was left behind is asked once, when nothing else lives or the grace is over; killed after that,
 * and again; and what does not even die of that is given up. */
void due_drain(struct life *life)
{
	struct model *model = &life->model;
	int64_t give_up = later_by(model->stop_by, GIVE_UP);
	if (model->debt.owed & BIT(OWE_FINISH))
		return;
	if (life->now >= give_up) {
		model->given_up = true;
		owe(&model->debt, OWE_FINISH);
		return;
	}
	if (model_is_gone(model) && life->spec.leftovers != LEFTOVERS_ASKED) {
		leave_behind(life);
		return;
	}
	if (!model->draining && !model_is_gone(model) && life->now < model->stop_by)
		return;
	if (!model->draining) {
		model->draining = true;
		model->drain_by = drain_end(life);
		owe(&model->debt, OWE_DRAIN_TERM);
	}
	if (life->now >= model->drain_by) {
		model->drain_by = least(later_by(life->now, KILL_AGAIN), give_up);
		owe(&model->debt, OWE_DRAIN_KILL);
	}
}

static bool is_process_nonsense(const struct life *life, const struct event *event)
{
	if (event->process < 0 || event->process >= life->model.process_count)
		return true;
	const struct model_process *process = &life->model.processes[event->process];
	switch ((enum event_type)event->type) {
	case EVENT_SPAWNED:
	case EVENT_SPAWN_FAILED:
		return !process->spawning;
	case EVENT_EXITED:
		return !process->alive || event->pid != process->pid;
	case EVENT_PROBED:
		return !process->alive || event->probe >= PROBE_COUNT ||
			!spec_of(life, event->process)->probes[event->probe];
	case EVENT_HOOK_DONE:
		return event->hook >= HOOK_COUNT || !process->hook_runs[event->hook];
	case EVENT_BOOT:
	case EVENT_SIGNALLED:
	case EVENT_ASKED_TO_STOP:
	case EVENT_EVICTED:
	case EVENT_DRAINED:
	case EVENT_TICK:
	case EVENT_TYPE_COUNT:
		break;
	}
	return false;
}

bool model_is_nonsense(const struct life *life, const struct event *event)
{
	const struct model *model = &life->model;
	if (event->type >= EVENT_TYPE_COUNT || model->finished ||
		model->booted == (event->type == EVENT_BOOT))
		return true;
	switch ((enum event_type)event->type) {
	case EVENT_SPAWNED:
	case EVENT_SPAWN_FAILED:
	case EVENT_EXITED:
	case EVENT_PROBED:
	case EVENT_HOOK_DONE:
		return is_process_nonsense(life, event);
	case EVENT_EVICTED:
		return event->volume < 0 || event->volume >= life->spec.volume_count;
	case EVENT_DRAINED:
		return !model->draining || !model_is_gone(model);
	case EVENT_BOOT:
	case EVENT_SIGNALLED:
	case EVENT_ASKED_TO_STOP:
	case EVENT_TICK:
	case EVENT_TYPE_COUNT:
		break;
	}
	return false;
}

int64_t model_next_time(const struct model *model)
{
	if (!model->booted || model->finished)
		return NEVER;
	int64_t next = model->draining ? model->drain_by
		: model->stopping      ? model->stop_by
				       : model->deadline_at;
	for (int i = 0; i < model->process_count; i++) {
		const struct model_process *process = &model->processes[i];
		if (process->waiting)
			next = least(next, process->restart_at);
		if (!process->alive || !process->stopping || process->killed)
			continue;
		next = least(next, process->signalled ? process->kill_by : process->stop_by);
	}
	return next;
}
