/* The model: how an instance ends, and whether and when the next one begins. Like model.c it must not ask the core. */
#include <string.h>

#include "model.h"

/* --- who runs again --- */

static bool has_code(const struct exit_codes *codes, int code)
{
	return code >= 0 && code < 256 && (codes->bits[code >> 3] >> (code & 7) & 1);
}

enum verdict { STAYS, AGAIN, ALL_AGAIN, TOO_OFTEN };

static enum verdict verdict_of_rules(const struct restart_rules *rules, int code)
{
	for (int i = 0; i < rules->count; i++) {
		const struct restart_rule *rule = &rules->items[i];
		if (has_code(&rule->codes, code) != rule->not_in)
			return rule->all ? ALL_AGAIN : AGAIN;
	}
	return STAYS;
}

static enum verdict verdict_of_policy(const struct life *life, int index)
{
	const struct process_spec *spec = spec_of(life, index);
	const struct model_process *process = &life->model.processes[index];
	uint8_t policy = spec->kind == KIND_SIDECAR ? RESTART_ALWAYS
		: spec->restart_policy		    ? spec->restart_policy
						    : life->spec.restart_policy;
	if (process->cause == STOP_CHANGED)
		return AGAIN;
	if (spec->kind == KIND_INIT && process->end_ok)
		return STAYS;
	if (process->cause) /* by podinit: the plain policy alone counts */
		return policy == RESTART_NEVER ? STAYS : AGAIN;
	enum verdict verdict = verdict_of_rules(&spec->rules, process->end_code);
	if (verdict != STAYS)
		return verdict;
	if (policy == RESTART_ON_FAILURE)
		return process->end_ok ? STAYS : AGAIN;
	return policy == RESTART_ALWAYS ? AGAIN : STAYS;
}

static enum verdict verdict_of(const struct life *life, int index)
{
	const struct model *model = &life->model;
	const struct model_process *process = &model->processes[index];
	int limit = spec_of(life, index)->lifecycle->max_restarts;
	if (model->stopping || model->restarting_all || process->leaving)
		return STAYS;
	enum verdict verdict = verdict_of_policy(life, index);
	int row = backoff_is_forgotten(life, index) ? 0 : process->row;
	if (verdict == AGAIN && process->cause != STOP_CHANGED && limit != INT_UNSET &&
		row >= limit)
		return TOO_OFTEN;
	return verdict;
}

/* --- and when --- */

bool backoff_is_forgotten(const struct life *life, int index)
{
	const struct model_process *process = &life->model.processes[index];
	return !process->has_backoff ||
		process->finished_at - process->backoff_since >
		spec_of(life, index)->backoff_reset_ns;
}

void model_count_restart(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	const struct process_spec *spec = spec_of(life, index);
	bool is_forgotten = backoff_is_forgotten(life, index);
	int64_t longer = is_forgotten ? spec->backoff_initial_ns : 2 * process->backoff;
	process->backoff =
		is_forgotten ? spec->backoff_initial_ns : least(longer, spec->backoff_max_ns);
	coverage_restart(is_forgotten && process->has_backoff,
		!is_forgotten && process->backoff == spec->backoff_max_ns);
	process->row = is_forgotten ? 1 : process->row + 1;
	process->has_backoff = true;
	process->backoff_since = life->now;
}

/* A delay is made longer by chance, which is the core's: what it told must be one that may be. */
static int64_t jittered(const struct life *life, int index, int64_t at, int64_t delay)
{
	int percent = spec_of(life, index)->lifecycle->jitter_percent;
	int64_t most_of_it = (int64_t)((double)delay * percent / 100) + 1000;
	for (int i = 0; percent && i < life->actions.count; i++) {
		const struct action *action = &life->actions.items[i];
		if (action->type != ACT_TELL || action->process != index ||
			action->notice.reason != NOTICE_BACK_OFF)
			continue;
		int64_t told = later_by(life->now, action->notice.delay_ns);
		if (told < at || told > later_by(at, most_of_it))
			promise_broken(life, PROMISE_RESTARTS, "delays %s by %.9f s, not %.9f s",
				spec_of(life, index)->name, (double)(told - life->now) / 1e9,
				(double)(at - life->now) / 1e9);
		return told;
	}
	return at;
}

static void begin_waiting(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	if (process->cause == STOP_CHANGED) { /* its crashes are not those of the one before */
		process->has_backoff = false;
		process->row = 0;
	}
	int64_t delay = backoff_is_forgotten(life, index) ? 0 : process->backoff;
	int64_t at = later_by(process->finished_at, delay);
	process->waiting = true;
	process->restart_at = jittered(life, index, at, delay);
	if (process->restart_at > life->now)
		owe_notice(&process->debt, NOTICE_BACK_OFF);
}

/* --- ends --- */

void model_settle(struct life *life, int index)
{
	struct model *model = &life->model;
	struct model_process *process = &model->processes[index];
	enum verdict verdict = verdict_of(life, index);
	bool left_something = !process->end_is_start_error;
	model->moved = true;
	if (verdict == TOO_OFTEN)
		owe_notice(&process->debt, NOTICE_RESTART_LIMIT);
	process->all_again |= verdict == ALL_AGAIN;
	if (left_something && (verdict == AGAIN || (process->all_again && !model->stopping)))
		owe(&process->debt, OWE_KILL_LEFT);
	if (left_something && model->restarting_all)
		process->debt.may |= BIT(OWE_KILL_LEFT);
	if (verdict == AGAIN)
		begin_waiting(life, index);
	else
		process->over = true;
}

static bool pod_is_complete(const struct life *life)
{
	const struct model *model = &life->model;
	return !model->restarting_all && !model->replacing &&
		model_mains_are_over(model, &life->spec);
}

/* By itself or not, it has run. What is left of it goes with it while others run; at the end of the
 * pod it gets the grace instead. */
static void instance_ended(struct life *life, int index)
{
	struct model *model = &life->model;
	struct model_process *process = &model->processes[index];
	if (spec_of(life, index)->lifecycle->hooks[HOOK_POST_STOP]) {
		int64_t until = later_by(life->now, life->spec.grace_ns);
		process->post_stop_by =
			model->stopping ? least(until, later_by(model->stop_by, EXTENSION)) : until;
		process->hook_runs[HOOK_POST_STOP] = true;
		owe(&process->debt, OWE_HOOK + HOOK_POST_STOP);
		if (!model->stopping)
			owe(&process->debt, OWE_KILL_LEFT);
		return;
	}
	model_settle(life, index);
	if (process->over && !model->stopping && !pod_is_complete(life))
		owe(&process->debt, OWE_KILL_LEFT);
}

void model_start_failed(struct life *life, int index, struct spawn_error error)
{
	struct model_process *process = &life->model.processes[index];
	process->spawning = process->aborted = false;
	process->has_ended = true;
	process->finished_at = life->now;
	process->end_code = 128;
	process->end_signo = 0;
	process->end_oom = process->end_ok = false;
	process->end_is_start_error = true;
	process->end_error = error;
	owe_notice(&process->debt, NOTICE_START_ERROR);
	model_settle(life, index);
}

void model_withdraw(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	process->spawning = process->aborted = false;
	process->over = --process->instances > 0;
	life->model.moved = true;
}

static void cancel_hooks(struct model_process *process)
{
	static const enum hook_type beside[] = {HOOK_POST_START, HOOK_PRE_STOP, HOOK_RELOAD};
	for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
		if (process->hook_runs[beside[i]])
			owe(&process->debt, OWE_CANCEL_HOOK + (int)beside[i]);
		process->hook_runs[beside[i]] = false;
	}
}

void model_exited(struct life *life, int index, const struct event *event)
{
	struct model_process *process = &life->model.processes[index];
	struct debt *debt = &process->debt;
	int code = event->signo ? 128 + event->signo : event->exit_code;
	process->end_pid = process->pid;
	process->alive = process->forking = process->looking = false;
	process->pid = 0;
	process->has_ended = true;
	process->finished_at = life->now;
	process->end_code = code;
	process->end_signo = event->signo;
	process->end_oom = event->oom;
	process->end_is_start_error = false;
	process->end_ok = !event->oom &&
		(code == 0 || has_code(&spec_of(life, index)->lifecycle->success_codes, code));
	owe_notice(debt,
		event->oom		  ? NOTICE_OOM_KILLED
			: process->end_ok ? NOTICE_COMPLETED
					  : NOTICE_ERROR);
	cancel_hooks(process);
	for (int i = 0; i < PROBE_COUNT; i++)
		model_probe_drop(life, index, i);
	process->watchdog_at = NEVER;
	process->reload_wanted = process->notified = process->busy = false;
	process->post_started = process->startup_ok = process->ready_ok = false;
	if (life->model.stopping && !process->group_told)
		owe(debt, OWE_GROUP);
	process->group_told |= life->model.stopping;
	process->stopping = process->signalled = process->killed = false;
	instance_ended(life, index);
}

void model_forget(struct model_process *process)
{
	process->over = process->waiting = false;
	process->ever_started = process->was_started = false;
	process->all_again = process->leaving = false;
}
