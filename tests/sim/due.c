/* The model: what follows from the facts and the time alone: who starts, whose deadline has come,
 * what the end of one means for all, whose turn it is to stop. Like model.c it must not ask the
 * core. */
#include "model.h"

/* --- the time --- */

static void pre_stop_over(struct life *life, struct model_process *process)
{
	process->hook_runs[HOOK_PRE_STOP] = false;
	process->hook_overdue = true;
	life->model.moved = true;
	owe(&process->debt, OWE_CANCEL_HOOK + HOOK_PRE_STOP);
	owe_notice(&process->debt, NOTICE_FAILED_PRE_STOP_HOOK);
}

static void post_stop_over(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	process->hook_runs[HOOK_POST_STOP] = false;
	process->hook_overdue = true;
	owe(&process->debt, OWE_CANCEL_HOOK + HOOK_POST_STOP);
	owe_notice(&process->debt, NOTICE_FAILED_POST_STOP_HOOK);
	model_settle(life, index);
}

/* What was not found may be there all the same, and would be in the way of the next one. */
static void no_daemon(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	process->alive = process->looking = process->notified = process->busy = false;
	process->reload_wanted = false;
	process->end_pid = 0;
	owe(&process->debt, OWE_CANCEL_ADOPT);
	model_start_failed(life, index,
		(struct spawn_error){.stage = STAGE_DAEMON, .error = SPAWN_STAGE_SAYS_IT});
	owe(&process->debt, OWE_KILL_LEFT);
}

static void watchdog_over(struct life *life, int index)
{
	promise_looked_at(PROMISE_PROBES);
	owe_notice(&life->model.processes[index].debt, NOTICE_UNHEALTHY);
	model_begin_to_stop(life, index, STOP_WATCHDOG, later_by(life->now, life->spec.grace_ns));
}

void due_deadlines(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	if (process->waiting && process->restart_at <= life->now) {
		process->waiting = false;
		model_count_restart(life, index);
		model_start(life, index);
	}
	if (process->looking && process->adopt_by <= life->now)
		no_daemon(life, index);
	if (process->hook_runs[HOOK_PRE_STOP] && process->stop_by <= life->now)
		pre_stop_over(life, process);
	if (process->hook_runs[HOOK_POST_STOP] && process->post_stop_by <= life->now)
		post_stop_over(life, index);
	if (process->alive && process->signalled && !process->killed &&
		process->kill_by <= life->now) {
		process->killed = true;
		owe(&process->debt, OWE_KILL);
		owe_notice(&process->debt, NOTICE_KILLED);
	}
	if (process->watchdog_at <= life->now)
		watchdog_over(life, index);
}

/* --- the end of one, for all --- */

static void restart_all(struct life *life, int source)
{
	struct model *model = &life->model;
	const struct model_process *process = &model->processes[source];
	int64_t delay = backoff_is_forgotten(life, source) ? 0 : process->backoff;
	owe_notice(&model->processes[source].debt, NOTICE_RESTART_ALL);
	model->restarting_all = model->moved = true;
	model->decider = source;
	model->restart_all_at = most(later_by(process->finished_at, delay), life->now);
	for (int i = 0; i < model->process_count; i++)
		model_stop(life, i, STOP_RESTART_ALL, life->now);
}

/* Everyone has ended, and who asked for it has waited for its backoff. */
static void all_begin_again(struct life *life)
{
	struct model *model = &life->model;
	if (!model->restarting_all || model->restart_all_at > life->now || !model_is_gone(model))
		return;
	promise_looked_at(PROMISE_RESTART_ALL);
	model_count_restart(life, model->decider);
	for (int i = 0; i < model->process_count; i++)
		model_forget(&model->processes[i]);
	model->restarting_all = false;
	model->moved = true;
	model->decider = model->starting = -1;
	model->next_init = 0;
}

static bool ends_pod(const struct life *life, int index)
{
	const struct model_process *process = &life->model.processes[index];
	uint8_t on_exit = spec_of(life, index)->lifecycle->on_exit;
	bool counts =
		on_exit == ON_EXIT_STOP || (on_exit == ON_EXIT_STOP_ON_FAILURE && !process->end_ok);
	return counts && process->over && !process->leaving;
}

void due_conclusions(struct life *life)
{
	struct model *model = &life->model;
	for (int i = 0; i < model->process_count; i++) {
		if (model->stopping || model->restarting_all)
			break;
		if (model->processes[i].all_again && model->processes[i].over) {
			restart_all(life, i);
		} else if (ends_pod(life, i)) {
			model->decider = i;
			model_stop_pod(life, STOP_MAIN_ENDED, life->spec.grace_ns);
		}
	}
	all_begin_again(life);
}

/* --- who starts: sections 1 to 3 --- */

void model_start(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	life->model.moved = true;
	process->instances++;
	process->cause = STOP_NONE;
	process->stopping = process->signalled = process->killed = process->group_told = false;
	if (spec_of(life, index)->lifecycle->hooks[HOOK_PRE_START]) {
		process->hook_runs[HOOK_PRE_START] = true;
		owe(&process->debt, OWE_HOOK + HOOK_PRE_START);
	} else {
		process->spawning = true;
		owe(&process->debt, OWE_SPAWN);
	}
}

static bool holds(const struct life *life, const struct dependency *dependency)
{
	int index = dependency->process;
	const struct model_process *process = &life->model.processes[index];
	switch ((enum dependency_condition)dependency->condition) {
	case DEPENDENCY_STARTED:
		return process->ever_started;
	case DEPENDENCY_READY:
		return model_is_ready(&life->spec, process, index);
	case DEPENDENCY_COMPLETED:
		return process->over && process->end_ok;
	}
	return false;
}

/* It will never be what another one waits for: so that one is not started at all. */
static void give_up(struct life *life, int index, int dependency)
{
	struct model_process *process = &life->model.processes[index];
	life->model.moved = true;
	process->shown = ++process->instances;
	process->cause = STOP_NONE;
	process->over = process->has_ended = process->end_is_start_error = true;
	process->end_ok = process->end_oom = false;
	process->finished_at = life->now;
	process->end_code = 128;
	process->end_signo = 0;
	process->end_pid = 0;
	process->end_error = (struct spawn_error){.stage = STAGE_DEPENDENCY,
		.item = (uint16_t)dependency,
		.error = SPAWN_STAGE_SAYS_IT};
	owe_notice(&process->debt, NOTICE_START_ERROR);
}

static void start_if_it_may(struct life *life, int index)
{
	const struct dependencies *all = &spec_of(life, index)->lifecycle->dependencies;
	bool all_hold = true;
	int failed = -1;
	for (int i = 0; i < all->count; i++) {
		if (holds(life, &all->items[i]))
			continue;
		all_hold = false;
		if (life->model.processes[all->items[i].process].over)
			failed = all->items[i].process;
	}
	if (failed >= 0)
		give_up(life, index, failed);
	else if (all_hold)
		model_start(life, index);
}

/* One after the other; an init that failed for good ends the pod, and so does a sidecar that will
 * never be Started. */
static void start_inits(struct life *life)
{
	struct model *model = &life->model;
	for (; model->next_init < life->spec.init_count; model->next_init++) {
		int i = model->next_init;
		const struct model_process *process = &model->processes[i];
		bool is_sidecar = spec_of(life, i)->kind == KIND_SIDECAR;
		if (model_is_new(process))
			start_if_it_may(life, i);
		if (is_sidecar && process->ever_started)
			continue;
		if (!process->over)
			return;
		if (is_sidecar || !process->end_ok) {
			model_stop_pod(life, STOP_INIT_FAILED, life->spec.grace_ns);
			return;
		}
	}
}

/* The next main waits for this one to be made, and for what belongs to that. */
static bool is_being_made(const struct model_process *process)
{
	return process->hook_runs[HOOK_PRE_START] || (process->spawning && !process->aborted) ||
		process->forking || process->looking || process->hook_runs[HOOK_POST_START];
}

static void start_mains(struct life *life)
{
	struct model *model = &life->model;
	if (model->starting >= 0 && is_being_made(&model->processes[model->starting]))
		return;
	model->starting = -1;
	for (int i = life->spec.init_count; i < model->process_count; i++) {
		if (!model_is_new(&model->processes[i]))
			continue;
		start_if_it_may(life, i);
		if (is_being_made(&model->processes[i])) {
			model->starting = i;
			return;
		}
		if (model->processes[i].over) /* one above it may have waited for it */
			i = life->spec.init_count - 1;
	}
}

static bool nothing_starts(const struct model *model)
{
	return model->stopping || model->restarting_all || model->replacing;
}

void due_first_starts(struct life *life)
{
	struct model *model = &life->model;
	if (!nothing_starts(model))
		start_inits(life);
	if (nothing_starts(model))
		return;
	for (int i = 0; i < model->next_init; i++) { /* new ones, of a reload */
		if (spec_of(life, i)->kind == KIND_SIDECAR && model_is_new(&model->processes[i]))
			start_if_it_may(life, i);
	}
	if (model->next_init == life->spec.init_count)
		start_mains(life);
	if (model_mains_are_over(model, &life->spec))
		model_stop_pod(life, STOP_COMPLETED, life->spec.grace_ns);
}

/* Those that a reload takes out have ended; a RestartAllContainers comes first. */
void due_replacement(struct life *life)
{
	struct model *model = &life->model;
	if (!model->replacing || model->replacement_told || model->restarting_all)
		return;
	for (int i = 0; i < model->process_count; i++) {
		if (model->processes[i].leaving && model_is_busy(&model->processes[i]))
			return;
	}
	model->replacement_told = true;
	owe(&model->debt, OWE_REPLACE);
}

/* --- the order of the end: section 3.1, and the reverse of dependsOn --- */

bool model_is_in_the_way(const struct model_process *process)
{
	return process->alive || process->aborted || process->hook_runs[HOOK_POST_STOP];
}

static bool has_live_dependents(const struct life *life, int index)
{
	const struct model *model = &life->model;
	for (int i = 0; i < model->process_count; i++) {
		const struct dependencies *all = &spec_of(life, i)->lifecycle->dependencies;
		bool ends = model->stopping || model->processes[i].leaving;
		for (int k = 0; k < all->count && ends; k++) {
			if (all->items[k].process == index &&
				model_is_in_the_way(&model->processes[i]))
				return true;
		}
	}
	return false;
}

static void send_stop_signal(struct life *life, struct model_process *process)
{
	process->signalled = true;
	process->signalled_at = life->now;
	process->kill_by = most(process->stop_by, later_by(life->now, EXTENSION));
	process->group_told = life->spec.entrypoint && !life->spec.single_child;
	owe(&process->debt, OWE_STOP);
}

/* Mains at once, or after who depends on them; sidecars in reverse order after them; all of them
 * when the grace is over. Whose turn it is, is seen when all else has followed from the event. */
void due_stop_signals(struct life *life, bool gives_turns)
{
	struct model *model = &life->model;
	bool blocked = false;
	for (int i = model->process_count - 1; i >= 0; i--) {
		struct model_process *process = &model->processes[i];
		enum process_kind kind = (enum process_kind)spec_of(life, i)->kind;
		bool ends = model->stopping || process->leaving;
		bool has_turn = kind == KIND_SIDECAR || spec_of(life, i)->is_depended_on;
		bool waits = !gives_turns      ? has_turn
			: kind == KIND_SIDECAR ? blocked
					       : has_live_dependents(life, i);
		if (process->alive && process->stopping && !process->signalled &&
			!process->hook_runs[HOOK_PRE_STOP] &&
			!(waits && ends && process->stop_by > life->now))
			send_stop_signal(life, process);
		if (kind != KIND_INIT && ends)
			blocked = blocked || model_is_in_the_way(process);
	}
}

/* --- what is left behind --- */

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
	int64_t give_up_at = later_by(model->stop_by, GIVE_UP);
	if (model->debt.owed & BIT(OWE_FINISH))
		return;
	if (life->now >= give_up_at) {
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
		model->drain_by = least(later_by(life->now, KILL_AGAIN), give_up_at);
		owe(&model->debt, OWE_DRAIN_KILL);
	}
}
