/* The model: which events make no sense, and when time brings something. Must not change it. */
#include "model.h"

static bool is_probe_nonsense(const struct life *life, const struct event *event)
{
	const struct model_process *process = &life->model.processes[event->process];
	if (event->probe >= PROBE_COUNT || event->result == PROBE_NO_RESULT ||
		event->result > PROBE_ERROR || !spec_of(life, event->process)->probes[event->probe])
		return true;
	/* A result that comes too late is one of an attempt that is not made any more. */
	const struct model_probe *probe = &process->probes[event->probe];
	return probe->fails_at == NEVER || probe->attempt != event->attempt;
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
		return !process->alive || process->looking || event->pid != process->pid;
	case EVENT_ADOPTED:
		return !process->alive || process->forking || event->pid <= 0;
	case EVENT_PROBED:
		return is_probe_nonsense(life, event);
	case EVENT_HOOK_DONE:
		return event->hook >= HOOK_COUNT || !process->hook_runs[event->hook];
	case EVENT_NOTIFIED:
		return !process->alive || event->notification >= NOTIFICATION_COUNT;
	case EVENT_CHANGED:
		return !process->alive;
	case EVENT_BOOT:
	case EVENT_SIGNALLED:
	case EVENT_ASKED_TO_STOP:
	case EVENT_EVICTED:
	case EVENT_REPLACED:
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
	case EVENT_ADOPTED:
	case EVENT_PROBED:
	case EVENT_HOOK_DONE:
	case EVENT_NOTIFIED:
	case EVENT_CHANGED:
		return is_process_nonsense(life, event);
	case EVENT_EVICTED:
		return event->volume < 0 || event->volume >= life->spec.volume_count;
	case EVENT_REPLACED:
		return !event->leaving || model->stopping || model->replacing;
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

static int64_t next_time_of(const struct model_process *process)
{
	int64_t next = process->watchdog_at;
	if (process->waiting)
		next = least(next, process->restart_at);
	if (process->looking)
		next = least(next, process->adopt_by);
	if (process->hook_runs[HOOK_POST_STOP])
		next = least(next, process->post_stop_by);
	if (process->alive && process->stopping && !process->killed)
		next = least(next, process->signalled ? process->kill_by : process->stop_by);
	/* While an attempt is made, no other one begins. */
	for (int i = 0; i < PROBE_COUNT; i++) {
		const struct model_probe *probe = &process->probes[i];
		next = least(next, probe->fails_at != NEVER ? probe->fails_at : probe->due);
	}
	return next;
}

int64_t model_next_time(const struct model *model)
{
	if (!model->booted || model->finished)
		return NEVER;
	int64_t next = model->draining ? model->drain_by
		: model->stopping      ? model->stop_by
				       : model->deadline_at;
	/* Until all have ended, that is what a RestartAllContainers waits for. */
	if (model->restarting_all && model_is_gone(model))
		next = least(next, model->restart_all_at);
	for (int i = 0; i < model->process_count; i++)
		next = least(next, next_time_of(&model->processes[i]));
	return next;
}
