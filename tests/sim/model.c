/* The model: takes each event in and works out, by what Kubernetes does with a Pod
 * (and docs/design.md for what Kubernetes has not), what the core owes in that step. It must
 * not call the core nor look at its state: what both got wrong would look right. */
#include <string.h>

#include "model.h"

/* --- an instance begins --- */

/* Its main process is there: the program, or the daemon that it left. */
void model_spawned_main(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	model_probes_begin(life, index);
	if (spec_of(life, index)->lifecycle->hooks[HOOK_POST_START]) {
		process->hook_runs[HOOK_POST_START] = true;
		owe(&process->debt, OWE_HOOK + HOOK_POST_START);
	} else {
		process->post_started = true;
	}
}

static void spawned(struct life *life, int index, const struct event *event)
{
	struct model *model = &life->model;
	struct model_process *process = &model->processes[index];
	const struct lifecycle_spec *lifecycle = spec_of(life, index)->lifecycle;
	bool was_aborted = process->aborted;
	process->spawning = process->aborted = false;
	process->alive = true;
	process->pid = process->last_pid = event->pid;
	process->started_at = life->now;
	process->watchdog = lifecycle->watchdog_ns;
	process->stopping = process->signalled = process->killed = process->group_told = false;
	owe_notice(&process->debt, NOTICE_STARTED);
	if (was_aborted) /* it was too late to give it up */
		model_begin_to_stop(life, index, (enum stop_cause)process->cause,
			model->stopping ? model->stop_by : life->now);
	else if (lifecycle->daemon)
		process->forking = true;
	else
		model_spawned_main(life, index);
}

static void spawn_failed(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	if (process->aborted && event->spawn_error.stage == STAGE_ABORTED) {
		model_withdraw(life, index); /* as if it had not been tried */
		return;
	}
	process->end_pid = event->pid;
	model_start_failed(life, index, event->spawn_error);
}

static void exited(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	if (!process->forking || event->signo || event->exit_code) {
		model_exited(life, index, event);
		return;
	}
	process->forking = false;
	process->looking = true;
	process->pid = 0;
	process->adopt_by = later_by(life->now, LOOK_FOR);
	owe(&process->debt, OWE_ADOPT);
}

/* The daemon was found, or it says that another one is its main process: which is told what the one
 * before it was told. */
static void adopted(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	bool was_looked_for = process->looking;
	process->looking = false;
	process->pid = process->last_pid = event->pid;
	owe_notice(&process->debt, NOTICE_ADOPTED);
	if (was_looked_for)
		model_spawned_main(life, index);
	else if (process->killed)
		owe(&process->debt, OWE_KILL);
	else if (process->signalled)
		owe(&process->debt, OWE_STOP);
}

/* --- beside it --- */

static void hook_failed(struct life *life, int index, enum hook_type hook)
{
	struct debt *debt = &life->model.processes[index].debt;
	life->model.processes[index].hook_overdue = false;
	switch (hook) {
	case HOOK_PRE_START:
		model_start_failed(life, index,
			(struct spawn_error){
				.stage = STAGE_PRE_START, .error = SPAWN_STAGE_SAYS_IT});
		break;
	case HOOK_POST_START:
		owe_notice(debt, NOTICE_FAILED_POST_START_HOOK);
		model_begin_to_stop(
			life, index, STOP_POST_START, later_by(life->now, life->spec.grace_ns));
		break;
	case HOOK_PRE_STOP:
		owe_notice(debt, NOTICE_FAILED_PRE_STOP_HOOK);
		break;
	case HOOK_POST_STOP:
		owe_notice(debt, NOTICE_FAILED_POST_STOP_HOOK);
		break;
	case HOOK_RELOAD:
		owe_notice(debt, NOTICE_FAILED_RELOAD_HOOK);
		break;
	case HOOK_COUNT:
		break;
	}
}

static void hook_done(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	process->hook_runs[event->hook] = false;
	if (!event->success) {
		process->end_pid = 0;
		hook_failed(life, index, (enum hook_type)event->hook);
	} else if (event->hook == HOOK_PRE_START) {
		process->spawning = true;
		owe(&process->debt, OWE_SPAWN);
	} else if (event->hook == HOOK_POST_START) {
		process->post_started = true;
	}
	if (event->hook == HOOK_POST_STOP)
		model_settle(life, index);
}

static void notified(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	bool is_watched = process->watchdog_at != NEVER;
	int64_t value = event->value_ns, until = later_by(life->now, value > 0 ? value : 0);
	switch ((enum notification)event->notification) {
	case NOTIFICATION_READY:
		process->notified = true;
		process->busy = false;
		break;
	case NOTIFICATION_STOPPING:
	case NOTIFICATION_RELOADING:
		process->busy = true;
		break;
	case NOTIFICATION_WATCHDOG_TRIGGER:
		process->watchdog_at = is_watched ? life->now : NEVER;
		break;
	case NOTIFICATION_WATCHDOG_INTERVAL: /* only who is watched can say how often */
		if (value <= 0 || !process->watchdog)
			break;
		process->watchdog = value;
		/* fall through */
	case NOTIFICATION_WATCHDOG:
		process->watchdog_at = is_watched ? later_by(life->now, process->watchdog) : NEVER;
		break;
	case NOTIFICATION_EXTEND: /* at the end of the pod its grace is all there is */
		if (life->model.stopping)
			until = least(until, life->model.stop_by);
		if (process->signalled && !process->killed)
			process->kill_by = most(process->kill_by, until);
		break;
	case NOTIFICATION_COUNT:
		break;
	}
}

/* Told to read its configuration again. Who is not there yet reads it anyway; who ends needs it no
 * more; and one after the other. */
void model_reload_wanted(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	const struct lifecycle_spec *lifecycle = spec_of(life, index)->lifecycle;
	process->reload_wanted = process->alive && !process->stopping;
	if (!process->reload_wanted || process->forking || process->looking ||
		process->hook_runs[HOOK_POST_START] || process->hook_runs[HOOK_RELOAD])
		return;
	process->reload_wanted = false;
	if (lifecycle->reload_signal) {
		owe_notice(&process->debt, NOTICE_RELOADING);
		owe(&process->debt, OWE_RELOAD);
	} else if (lifecycle->hooks[HOOK_RELOAD]) {
		owe_notice(&process->debt, NOTICE_RELOADING);
		process->hook_runs[HOOK_RELOAD] = true;
		owe(&process->debt, OWE_HOOK + HOOK_RELOAD);
	} else {
		model_begin_to_stop(
			life, index, STOP_CHANGED, later_by(life->now, life->spec.grace_ns));
	}
}

/* --- the pod --- */

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
			owe(&program->debt, OWE_CANCEL_HOOK + HOOK_PRE_STOP);
		} else {
			forward(life, signo);
		}
	}
	if (model->stop_signals++ > 0)
		grace = least(grace, EXTENSION);
	model_stop_pod(life, STOP_SIGNAL, grace);
}

/* The pod's file has changed: these end, and nothing new starts until they have. */
static void replaced(struct life *life, const bool *leaving)
{
	struct model *model = &life->model;
	model->replacing = true;
	model->replacement_told = false;
	for (int i = 0; i < model->process_count; i++) {
		model->processes[i].leaving = leaving[i];
		if (leaving[i])
			model_stop(life, i, STOP_CHANGED, later_by(life->now, life->spec.grace_ns));
	}
}

static void boot(struct life *life)
{
	struct model *model = &life->model;
	model->booted = true;
	model->booted_at = life->now;
	if (life->spec.deadline_ns >= 0)
		model->deadline_at = later_by(life->now, life->spec.deadline_ns);
}

static void take_event(struct life *life, const struct event *event)
{
	int index = event->process;
	switch ((enum event_type)event->type) {
	case EVENT_BOOT:
		boot(life);
		break;
	case EVENT_SPAWNED:
		spawned(life, index, event);
		break;
	case EVENT_SPAWN_FAILED:
		spawn_failed(life, index, event);
		break;
	case EVENT_EXITED:
		exited(life, index, event);
		break;
	case EVENT_ADOPTED:
		adopted(life, index, event);
		break;
	case EVENT_PROBED:
		model_probe_answered(life, index, event);
		break;
	case EVENT_HOOK_DONE:
		hook_done(life, index, event);
		break;
	case EVENT_NOTIFIED:
		notified(life, index, event);
		break;
	case EVENT_CHANGED:
		model_reload_wanted(life, index);
		break;
	case EVENT_SIGNALLED:
		signalled(life, event->signo);
		break;
	case EVENT_ASKED_TO_STOP:
		model_stop_pod(life, STOP_ASKED,
			event->grace_ns < 0 ? life->spec.grace_ns : event->grace_ns);
		break;
	case EVENT_EVICTED: /* as by a deadline; of a pod that ends already nothing comes */
		if (life->model.stopping)
			break;
		life->model.evicted_volume = event->volume;
		model_stop_pod(life, STOP_EVICTED, life->spec.grace_ns);
		break;
	case EVENT_REPLACED:
		replaced(life, event->leaving);
		break;
	case EVENT_DRAINED:
		owe(&life->model.debt, OWE_FINISH);
		break;
	case EVENT_TICK:
	case EVENT_TYPE_COUNT:
		break;
	}
}

/* --- the step --- */

void model_conclude(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	bool is_started = model_is_started(&life->spec, process, index);
	if (is_started && !process->was_started) {
		process->ever_started = life->model.moved = true;
		if (!process->stopping) {
			model_probes_unlock(life, index);
			process->watchdog_at =
				process->watchdog ? later_by(life->now, process->watchdog) : NEVER;
		}
	}
	process->was_started = is_started;
	if (process->reload_wanted)
		model_reload_wanted(life, index);
}

static void time_passes(struct life *life)
{
	struct model *model = &life->model;
	for (int i = 0; i < model->process_count; i++) {
		model_conclude(life, i);
		due_deadlines(life, i);
	}
	for (int i = 0; i < model->process_count; i++)
		model_probes_run(life, i);
	for (int i = 0; i < model->process_count; i++)
		model_conclude(life, i);
}

static void begin_step(struct life *life)
{
	struct model *model = &life->model;
	model->debt = (struct debt){0};
	model->begins_to_stop = false;
	model->was_restarting_all = model->restarting_all;
	for (int i = 0; i < TOLD_COUNT; i++)
		model->last_told[i] = -1;
	for (int i = 0; i < model->process_count; i++) {
		model->processes[i].debt = (struct debt){0};
		model->processes[i].shown = model->processes[i].instances;
	}
}

/* Until nothing follows any more. */
void model_step(struct life *life, const struct event *event)
{
	struct model *model = &life->model;
	begin_step(life);
	take_event(life, event);
	due_stop_signals(life, false); /* of the event: the time comes after it */
	if (!model->stopping && life->now >= model->deadline_at)
		model_stop_pod(life, STOP_DEADLINE, life->spec.grace_ns);
	do {
		model->moved = false;
		time_passes(life);
		due_stop_signals(life,
			false); /* whoever it stopped does not wait for an end of the pod that follows */
		due_conclusions(life);
		due_first_starts(life);
		due_replacement(life);
		due_stop_signals(life, true);
	} while (model->moved);
	model->initialized |= model->next_init >= life->spec.init_count;
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
	model->decider = model->starting = -1;
	for (int i = 0; i < model->process_count; i++) {
		struct model_process *process = &model->processes[i];
		process->watchdog_at = NEVER;
		for (int k = 0; k < PROBE_COUNT; k++)
			process->probes[k].due = process->probes[k].fails_at = NEVER;
	}
}
