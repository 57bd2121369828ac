/* The model: takes each event in and works out, by the specification (pod-semantics sections
 * 2-5, 7, 9-11), what the core owes in that step. It must not call the core nor look at its
 * state: what both got wrong would look right. */
#include <string.h>

#include "model.h"

/* --- ends and restarts: sections 4 and 7 --- */

static bool rule_says_restart(const struct restart_rules *rules, int code)
{
	for (int i = 0; i < rules->count; i++) {
		const struct restart_rule *rule = &rules->items[i];
		bool is_in = code < 256 && (rule->codes.bits[code >> 3] >> (code & 7) & 1);
		if (rule->not_in ? !is_in : is_in)
			return true;
	}
	return false;
}

static bool runs_again(const struct life *life, int index)
{
	const struct process_spec *spec = spec_of(life, index);
	const struct model_process *process = &life->model.processes[index];
	uint8_t policy = spec->restart_policy ? spec->restart_policy : life->spec.restart_policy;
	int code = process->end_code;
	if (life->model.stopping)
		return false;
	if (spec->kind == KIND_SIDECAR)
		return true;
	if (spec->kind == KIND_INIT && code == 0)
		return false;
	if (process->stopping) /* by podinit: the plain policy alone counts */
		return policy != RESTART_NEVER;
	if (spec->restart_policy && rule_says_restart(&spec->rules, code))
		return true;
	if (policy == RESTART_ON_FAILURE)
		return code != 0;
	return policy == RESTART_ALWAYS;
}

bool backoff_is_forgotten(const struct life *life, int index)
{
	const struct model_process *process = &life->model.processes[index];
	return !process->has_backoff ||
		process->finished_at - process->backoff_since >
		spec_of(life, index)->backoff_reset_ns;
}

static void begin_waiting(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	process->waiting = true;
	process->restart_at = backoff_is_forgotten(life, index)
		? life->now
		: later_by(life->now, process->backoff);
	if (process->restart_at > life->now)
		owe_notice(&process->debt, NOTICE_BACK_OFF);
}

static void instance_ended(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	struct debt *debt = &process->debt;
	process->has_ended = true;
	process->finished_at = life->now;
	if (runs_again(life, index)) {
		if (!process->end_is_start_error)
			owe(debt, OWE_KILL_LEFT);
		begin_waiting(life, index);
		return;
	}
	process->over = true;
	if (life->model.stopping || process->end_is_start_error)
		return;
	/* At the end of the pod what is left gets the grace instead. */
	if (!model_mains_are_over(&life->model, &life->spec))
		owe(debt, OWE_KILL_LEFT);
}

/* --- stopping: section 10 --- */

static void process_begins_to_stop(
	struct life *life, int index, enum stop_cause cause, int64_t stop_by)
{
	struct model_process *process = &life->model.processes[index];
	process->stopping = true;
	process->cause = (uint8_t)cause;
	process->stop_by = stop_by;
	owe_notice(&process->debt, NOTICE_KILLING);
	if (process->hook_runs[HOOK_POST_START]) {
		process->hook_runs[HOOK_POST_START] = false;
		owe(&process->debt, OWE_CANCEL_POST_START);
	}
	if (spec_of(life, index)->hooks[HOOK_PRE_STOP] && stop_by > life->now) {
		process->hook_runs[HOOK_PRE_STOP] = true;
		owe(&process->debt, OWE_PRE_STOP);
	}
}

static void process_hurries(struct life *life, struct model_process *process, int64_t stop_by)
{
	process->stop_by = least(process->stop_by, stop_by);
	if (process->signalled)
		process->kill_by =
			least(process->kill_by, most(stop_by, later_by(life->now, EXTENSION)));
}

int64_t drain_end(const struct life *life)
{
	const struct model *model = &life->model;
	return least(later_by(model->stop_by, EXTENSION),
		most(model->stop_by, later_by(life->now, EXTENSION)));
}

static void pod_hurries(struct life *life, int64_t stop_by)
{
	struct model *model = &life->model;
	if (stop_by >= model->stop_by)
		return;
	model->stop_by = stop_by;
	if (model->draining)
		model->drain_by = least(model->drain_by, drain_end(life));
	for (int i = 0; i < model->process_count; i++) {
		if (model->processes[i].alive && model->processes[i].stopping)
			process_hurries(life, &model->processes[i], stop_by);
	}
}

void pod_stops(struct life *life, enum stop_cause cause, int64_t grace)
{
	struct model *model = &life->model;
	int64_t stop_by = later_by(life->now, grace);
	life->must_end_by = least(life->must_end_by, later_by(stop_by, EXTENSION));
	if (model->stopping) {
		pod_hurries(life, stop_by);
		return;
	}
	model->stopping = model->begins_to_stop = true;
	model->cause = (uint8_t)cause;
	model->stop_by = stop_by;
	owe_notice(&model->debt,
		cause == STOP_DEADLINE		? NOTICE_DEADLINE_EXCEEDED
			: cause == STOP_EVICTED ? NOTICE_EVICTED
						: NOTICE_STOPPING);
	for (int i = 0; i < model->process_count; i++) {
		struct model_process *process = &model->processes[i];
		struct debt *debt = &process->debt;
		/* It ended in this very step: whether it was seen as an end before or within the
		 * pod's end is not specified. */
		if (debt->owed & BIT(OWE_KILL_LEFT)) {
			debt->owed &= ~BIT(OWE_KILL_LEFT);
			debt->may |= BIT(OWE_KILL_LEFT);
		}
		debt->may_notices |= debt->owed_notices & BIT(NOTICE_BACK_OFF);
		debt->owed_notices &= ~BIT(NOTICE_BACK_OFF);
		if (process->waiting) {
			process->waiting = false;
			process->over = true;
		} else if (process->spawning) {
			process->aborted = true;
			owe(debt, OWE_ABORT);
		} else if (process->alive && !process->stopping) {
			process_begins_to_stop(life, i, cause, stop_by);
		} else if (process->alive) {
			process_hurries(life, process, stop_by);
		}
	}
}

/* --- the events --- */

static void spawned(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	const struct process_spec *spec = spec_of(life, index);
	process->spawning = false;
	process->alive = true;
	process->pid = process->last_pid = event->pid;
	process->started_at = life->now;
	process->stopping = process->signalled = process->killed = process->group_told = false;
	process->post_started = process->startup_ok = process->ready_ok = false;
	memset(process->hook_ran, 0, sizeof(process->hook_ran));
	owe_notice(&process->debt, NOTICE_STARTED);
	process->is_too_late = process->aborted;
	if (process->aborted) {
		process->aborted = false;
		process_begins_to_stop(
			life, index, (enum stop_cause)life->model.cause, life->model.stop_by);
	} else if (spec->hooks[HOOK_POST_START]) {
		process->hook_runs[HOOK_POST_START] = true;
		owe(&process->debt, OWE_POST_START);
	} else {
		process->post_started = true;
	}
}

static void spawn_failed(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	process->spawning = false;
	bool was_aborted = process->aborted;
	process->aborted = false;
	if (was_aborted && event->spawn_error.stage == STAGE_ABORTED) {
		process->over = --process->instances > 0; /* as if it had not been tried */
		return;
	}
	owe_notice(&process->debt, NOTICE_START_ERROR);
	process->end_code = 128;
	process->end_signo = 0;
	process->end_is_start_error = true;
	process->end_error = event->spawn_error;
	process->stopping = false;
	instance_ended(life, index);
}

static void exited(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	struct debt *debt = &process->debt;
	process->alive = false;
	process->pid = 0;
	process->end_code = event->signo ? 128 + event->signo : event->exit_code;
	process->end_signo = event->signo;
	process->end_oom = event->oom;
	process->end_is_start_error = false;
	owe_notice(debt,
		event->oom		    ? NOTICE_OOM_KILLED
			: process->end_code ? NOTICE_ERROR
					    : NOTICE_COMPLETED);
	if (process->hook_runs[HOOK_POST_START])
		owe(debt, OWE_CANCEL_POST_START);
	if (process->hook_runs[HOOK_PRE_STOP])
		owe(debt, OWE_CANCEL_PRE_STOP);
	memset(process->hook_runs, 0, sizeof(process->hook_runs));
	if (life->model.stopping && !process->group_told)
		owe(debt, OWE_GROUP);
	process->group_told |= life->model.stopping;
	instance_ended(life, index);
	process->stopping = process->signalled = process->killed = false;
}

static void hook_done(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	process->hook_runs[event->hook] = false;
	if (event->hook == HOOK_PRE_STOP) {
		if (!event->success)
			owe_notice(&process->debt, NOTICE_FAILED_PRE_STOP_HOOK);
	} else if (event->success) {
		process->post_started = true;
	} else {
		owe_notice(&process->debt, NOTICE_FAILED_POST_START_HOOK);
		process_begins_to_stop(
			life, index, STOP_POST_START, later_by(life->now, life->spec.grace_ns));
	}
}

static void probed(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	const struct probe_spec *probe = spec_of(life, index)->probes[event->probe];
	if (event->probe == PROBE_READINESS) {
		process->ready_ok = process->killed ? process->ready_ok : event->success;
	} else if (process->stopping) {
		; /* these two do not count any more */
	} else if (process->hook_runs[HOOK_POST_START] && event->probe == PROBE_LIVENESS) {
		; /* nor this one yet */
	} else if (!event->success) {
		owe_notice(&process->debt, NOTICE_UNHEALTHY);
		process_begins_to_stop(life, index,
			event->probe == PROBE_STARTUP ? STOP_STARTUP_PROBE : STOP_LIVENESS_PROBE,
			later_by(life->now,
				probe->grace_ns >= 0 ? probe->grace_ns : life->spec.grace_ns));
	} else if (event->probe == PROBE_STARTUP) {
		process->startup_ok = true;
	}
}

static void forward(struct life *life, uint8_t signo)
{
	struct model *model = &life->model;
	uint8_t passed = signo <= SIGNAL_MAX ? life->spec.signal_map[signo] : 0;
	if (!passed)
		return;
	model->forwarded = passed;
	for (int i = life->spec.init_count; i < model->process_count; i++) {
		if (model->processes[i].alive)
			owe(&model->processes[i].debt, OWE_FORWARD);
	}
}

static void signalled(struct life *life, uint8_t signo)
{
	struct model *model = &life->model;
	struct model_process *program = &model->processes[0];
	int64_t grace = life->spec.grace_ns;
	bool is_stop = signo == SIGNAL_TERM || signo == SIGNAL_INT;
	if (!is_stop || life->spec.relay || !life->spec.signal_map[signo]) {
		forward(life, signo);
		return;
	}
	if (life->spec.entrypoint) {
		if (!model->stopping) {
			model->stop_signo = life->spec.signal_map[signo];
		} else if (program->hook_runs[HOOK_PRE_STOP]) {
			program->hook_runs[HOOK_PRE_STOP] = false;
			owe(&program->debt, OWE_CANCEL_PRE_STOP);
		} else {
			forward(life, signo);
		}
	}
	if (model->stop_signals++ > 0)
		grace = least(grace, EXTENSION);
	pod_stops(life, STOP_SIGNAL, grace);
}

static void take_event(struct life *life, const struct event *event)
{
	struct model *model = &life->model;
	switch ((enum event_type)event->type) {
	case EVENT_BOOT:
		model->booted = true;
		model->booted_at = life->now;
		if (life->spec.deadline_ns >= 0)
			model->deadline_at = later_by(life->now, life->spec.deadline_ns);
		break;
	case EVENT_SPAWNED:
		spawned(life, event->process, event);
		break;
	case EVENT_SPAWN_FAILED:
		spawn_failed(life, event->process, event);
		break;
	case EVENT_EXITED:
		exited(life, event->process, event);
		break;
	case EVENT_PROBED:
		probed(life, event->process, event);
		break;
	case EVENT_HOOK_DONE:
		hook_done(life, event->process, event);
		break;
	case EVENT_SIGNALLED:
		signalled(life, event->signo);
		break;
	case EVENT_ASKED_TO_STOP:
		pod_stops(life, STOP_ASKED,
			event->grace_ns < 0 ? life->spec.grace_ns : event->grace_ns);
		break;
	case EVENT_EVICTED: /* as by a deadline; of a pod that ends already nothing comes */
		if (model->stopping)
			break;
		model->evicted_volume = event->volume;
		pod_stops(life, STOP_EVICTED, life->spec.grace_ns);
		break;
	case EVENT_DRAINED:
		owe(&model->debt, OWE_FINISH);
		break;
	case EVENT_TICK:
	case EVENT_TYPE_COUNT:
		break;
	}
	for (int i = 0; i < model->process_count; i++) {
		struct model_process *process = &model->processes[i];
		bool startup = spec_of(life, i)->probes[PROBE_STARTUP] != NULL;
		process->ever_started |= process->alive && process->post_started &&
			!process->stopping && (!startup || process->startup_ok);
	}
}

void model_step(struct life *life, const struct event *event)
{
	struct model *model = &life->model;
	model->debt = (struct debt){0};
	model->begins_to_stop = false;
	for (int i = 0; i < TOLD_COUNT; i++)
		model->last_told[i] = -1;
	for (int i = 0; i < model->process_count; i++)
		model->processes[i].debt = (struct debt){0};
	take_event(life, event);
	due_stop_signals(life); /* of the event: the time comes after it */
	if (!model->stopping && life->now >= model->deadline_at)
		pod_stops(life, STOP_DEADLINE, life->spec.grace_ns);
	due_first_starts(life);
	if (!model->stopping && model_mains_are_over(model, &life->spec))
		pod_stops(life, STOP_COMPLETED, life->spec.grace_ns);
	for (int i = 0; i < model->process_count; i++)
		due_deadlines(life, i);
	due_stop_signals(life);
	if (model->stopping)
		due_drain(life);
}

void model_begin(struct life *life)
{
	struct model *model = &life->model;
	memset(model, 0, sizeof(*model));
	model->process_count = life->spec.process_count;
	model->deadline_at = NEVER;
	model->stop_by = NEVER;
}
