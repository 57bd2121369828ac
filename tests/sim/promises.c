/* The promises: each action of a step must be owed (or allowed) by the model at that moment, all
 * that is owed must have been done at the end of the step, and the state must say what the model
 * says. Applies what the core did to the model. Must not decide what is right: model.c does. */
#include "sim.h"

#define BIT(n) (UINT32_C(1) << (n))

static const char *const OWED_NAMES[OWED_COUNT] = {
	[OWE_SPAWN] = "start",
	[OWE_ABORT] = "give up starting",
	[OWE_FORWARD] = "forward the signal to",
	[OWE_STOP] = "send the stop signal to",
	[OWE_GROUP] = "send the stop signal to the group left by",
	[OWE_KILL] = "kill",
	[OWE_KILL_LEFT] = "kill what was left by",
	[OWE_POST_START] = "run postStart of",
	[OWE_PRE_STOP] = "run preStop of",
	[OWE_CANCEL_POST_START] = "cancel postStart of",
	[OWE_CANCEL_PRE_STOP] = "cancel preStop of",
	[OWE_FINISH] = "finish",
	[OWE_DRAIN_TERM] = "drain",
	[OWE_DRAIN_KILL] = "kill what drains in",
};

static const char *name_of(const struct life *life, int index)
{
	return index < 0 ? "the pod" : life->spec.processes[index].name;
}

static enum promise promise_of_spawn(const struct life *life, int index)
{
	const struct model_process *process = &life->model.processes[index];
	if (life->model.stopping)
		return PROMISE_NOTHING_STARTS;
	if (process->alive || process->spawning)
		return PROMISE_ONE_INSTANCE;
	return process->instances ? PROMISE_RESTARTS : PROMISE_INIT_ORDER;
}

static enum promise promise_of(const struct life *life, int index, enum owed what)
{
	switch (what) {
	case OWE_SPAWN:
		return promise_of_spawn(life, index);
	case OWE_ABORT:
	case OWE_STOP:
	case OWE_GROUP:
	case OWE_KILL:
	case OWE_DRAIN_TERM:
	case OWE_DRAIN_KILL:
	case OWE_FINISH:
		return PROMISE_STOP_ORDER;
	case OWE_KILL_LEFT:
		return PROMISE_ONE_INSTANCE;
	case OWE_FORWARD:
	case OWE_POST_START:
	case OWE_PRE_STOP:
	case OWE_CANCEL_POST_START:
	case OWE_CANCEL_PRE_STOP:
	case OWED_COUNT:
		break;
	}
	return PROMISE_TOLD_ONCE;
}

static bool takes(struct debt *debt, enum owed what)
{
	bool is_owed = (debt->owed | debt->may) & BIT(what);
	debt->owed &= ~BIT(what);
	debt->may &= ~BIT(what);
	return is_owed;
}

static void take(struct life *life, int index, enum owed what)
{
	struct model_process *process = index < 0 ? NULL : &life->model.processes[index];
	promise_looked_at(promise_of(life, index, what));
	if (!takes(process ? &process->debt : &life->model.debt, what))
		promise_broken(life, promise_of(life, index, what), "must not %s %s now",
			OWED_NAMES[what], name_of(life, index));
}

/* --- one action --- */

/* Mains are told first, in file order, then the init entries in reverse. */
static void check_order(struct life *life, int index, enum told what)
{
	struct model *model = &life->model;
	const struct model_process *process = &model->processes[index];
	int inits = life->spec.init_count;
	int place = index >= inits ? index : model->process_count + inits - index;
	bool is_by_pod = process->spawning || process->cause == model->cause;
	if (!model->begins_to_stop || !is_by_pod)
		return;
	if (place <= model->last_told[what])
		promise_broken(
			life, PROMISE_STOP_ORDER, "%s is told too late", name_of(life, index));
	model->last_told[what] = place;
}

static void spawns(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	enum process_kind kind = (enum process_kind)life->spec.processes[index].kind;
	if (process->debt.owed & BIT(OWE_KILL_LEFT))
		promise_broken(life, PROMISE_ONE_INSTANCE,
			"%s starts before what its last instance left was killed",
			name_of(life, index));
	/* Once more, and directly: the model's own reasoning is not above doubt. */
	promise_looked_at(PROMISE_NOTHING_STARTS);
	if (life->model.stopping)
		promise_broken(life, PROMISE_NOTHING_STARTS, "%s starts", name_of(life, index));
	if (process->alive || process->spawning)
		promise_broken(life, PROMISE_ONE_INSTANCE, "%s starts twice", name_of(life, index));
	if (kind == KIND_MAIN && !model_is_initialized(&life->model, &life->spec))
		promise_broken(life, PROMISE_INIT_ORDER, "%s starts before the inits are done",
			name_of(life, index));
	if (process->waiting || process->over)
		promise_broken(life, PROMISE_RESTARTS, "%s starts too early, or should not",
			name_of(life, index));
	take(life, index, OWE_SPAWN);
	process->spawning = true;
	process->instances++;
}

static void signals(struct life *life, const struct action *action)
{
	int index = action->process;
	const struct model *model = &life->model;
	const struct model_process *process = &model->processes[index];
	int stop_signal =
		model->stop_signo ? model->stop_signo : life->spec.processes[index].stop_signal;
	enum owed what = !process->alive		? OWE_GROUP
		: process->debt.owed & BIT(OWE_FORWARD) ? OWE_FORWARD
							: OWE_STOP;
	if (what == OWE_GROUP && model->leaves && !process->group_told)
		stop_signal = life->spec.signal_map[SIGNAL_TERM];
	take(life, index, what);
	/* With a grace some wait for their turns. */
	if (what == OWE_STOP && process->stop_by <= life->now)
		check_order(life, index, TOLD_BY_SIGNAL);
	bool group = what == OWE_GROUP ||
		(what == OWE_STOP && !life->spec.entrypoint ? false : !life->spec.single_child);
	int signo = what == OWE_FORWARD ? model->forwarded : stop_signal;
	if (action->signo != signo || action->group != group)
		promise_broken(life, PROMISE_STOP_ORDER, "%s should get signal %d%s",
			name_of(life, index), signo, group ? " with its group" : " alone");
}

static void kills_tree(struct life *life, const struct action *action)
{
	int index = action->process;
	const struct model_process *process = &life->model.processes[index];
	if (!process->alive) {
		if (!action->all)
			promise_broken(life, PROMISE_ONE_INSTANCE,
				"of what %s left only its group is killed", name_of(life, index));
		take(life, index, OWE_KILL_LEFT);
		return;
	}
	/* At the end of the pod what it leaves is asked first. */
	if (action->all == life->model.stopping)
		promise_broken(life, PROMISE_STOP_ORDER, "%s is killed with the wrong ones",
			name_of(life, index));
	int64_t waited = life->now - process->signalled_at;
	if (!process->signalled || waited < 2 * SECOND)
		promise_broken(life, PROMISE_STOP_ORDER,
			"%s is killed less than 2 s after its stop signal", name_of(life, index));
	take(life, index, OWE_KILL);
}

static void runs_hook(struct life *life, const struct action *action)
{
	struct model_process *process = &life->model.processes[action->process];
	if (action->hook >= HOOK_COUNT || !process->alive || process->hook_ran[action->hook])
		promise_broken(life, PROMISE_TOLD_ONCE, "a hook of %s runs twice, or without it",
			name_of(life, action->process));
	process->hook_ran[action->hook] = true;
	if (action->hook == HOOK_PRE_STOP)
		check_order(life, action->process, TOLD_BY_HOOK);
	take(life, action->process, action->hook == HOOK_PRE_STOP ? OWE_PRE_STOP : OWE_POST_START);
}

static void drains(struct life *life, const struct action *action)
{
	bool kills = action->signo == SIGNAL_KILL;
	if (!kills && action->signo != SIGNAL_TERM)
		promise_broken(life, PROMISE_STOP_ORDER, "drains with signal %d", action->signo);
	if (kills && life->model.debt.owed & BIT(OWE_DRAIN_TERM))
		promise_broken(life, PROMISE_STOP_ORDER, "kills before it asks");
	take(life, -1, kills ? OWE_DRAIN_KILL : OWE_DRAIN_TERM);
}

static void finishes(struct life *life, const struct action *action)
{
	struct model *model = &life->model;
	take(life, -1, OWE_FINISH);
	if (action != &life->actions.items[life->actions.count - 1])
		promise_broken(life, PROMISE_PHASE, "ACT_FINISH is not the last action");
	promise_looked_at(PROMISE_PHASE);
	int expected = model_exit_code(model, &life->spec);
	if (action->exit_code != expected)
		promise_broken(life, PROMISE_PHASE, "the exit code is %d, should be %d",
			action->exit_code, expected);
	bool is_final = model->phase == PHASE_SUCCEEDED || model->phase == PHASE_FAILED;
	if (!is_final)
		promise_broken(life, PROMISE_PHASE, "the pod ends in phase %s",
			pod_phase_name((enum pod_phase)model->phase));
	model->finished = true;
}

static void check_action(struct life *life, const struct action *action)
{
	bool is_of_pod =
		action->type == ACT_DRAIN || action->type == ACT_FINISH || action->type == ACT_TELL;
	if (life->model.finished)
		promise_broken(life, PROMISE_STOP_ORDER, "an action after ACT_FINISH");
	if (!is_of_pod && (action->process < 0 || action->process >= life->model.process_count))
		promise_broken(life, PROMISE_ROBUST, "an action about a process that is not there");
	switch ((enum action_type)action->type) {
	case ACT_SPAWN:
		spawns(life, action->process);
		break;
	case ACT_ABORT:
		take(life, action->process, OWE_ABORT);
		check_order(life, action->process, TOLD_TO_STOP);
		break;
	case ACT_SIGNAL:
		signals(life, action);
		break;
	case ACT_KILL_TREE:
		kills_tree(life, action);
		break;
	case ACT_RUN_HOOK:
		runs_hook(life, action);
		break;
	case ACT_CANCEL_HOOK:
		take(life, action->process,
			action->hook == HOOK_PRE_STOP ? OWE_CANCEL_PRE_STOP
						      : OWE_CANCEL_POST_START);
		break;
	case ACT_DRAIN:
		drains(life, action);
		break;
	case ACT_TELL:
		notice_check(life, &action->notice);
		if (action->notice.reason == NOTICE_KILLING && action->notice.delay_ns >= 0)
			check_order(life, action->notice.process, TOLD_TO_STOP);
		break;
	case ACT_FINISH:
		finishes(life, action);
		break;
	case ACTION_TYPE_COUNT:
		promise_broken(life, PROMISE_ROBUST, "an action of type %d", action->type);
	}
}

/* --- the step as a whole --- */

static void check_debt(const struct life *life, const struct debt *debt, int index)
{
	for (int i = 0; debt->owed && i < OWED_COUNT; i++) {
		if (debt->owed & BIT(i))
			promise_broken(life, promise_of(life, index, (enum owed)i),
				"should %s %s now", OWED_NAMES[i], name_of(life, index));
	}
	for (int i = 0; debt->owed_notices && i <= NOTICE_KILLED; i++) {
		if (debt->owed_notices & BIT(i))
			promise_broken(life, PROMISE_TOLD_ONCE, "should tell %s of %s",
				i == NOTICE_KILLED ? "Killing (SIGKILL)"
						   : notice_reason_name((enum notice_reason)i),
				name_of(life, index));
	}
}

static void check_deadline(const struct life *life)
{
	int64_t next = pod_next_deadline(life->pod), expected = model_next_time(&life->model);
	promise_looked_at(PROMISE_DEADLINES);
	if (next != expected)
		promise_broken(life, PROMISE_DEADLINES,
			"the next deadline is in %.9f s, should be in %.9f s",
			(double)(next - life->now) / 1e9, (double)(expected - life->now) / 1e9);
}

/* Whether one that runs although it was given up is Started is nobody's business. */
static bool is_excused(const struct model_process *process)
{
	return process->alive && process->is_too_late;
}

static void check_process(const struct life *life, int index)
{
	const struct process_spec *spec = &life->spec.processes[index];
	const struct model_process *process = &life->model.processes[index];
	const struct process *real = &life->pod->processes[index];
	int restarts = process->instances ? process->instances - 1 : 0;
	bool started = model_is_started(&life->spec, process, index);
	bool ready = model_is_ready(&life->spec, process, index);
	if (process_is_alive(real) != process->alive)
		promise_broken(life, PROMISE_ONE_INSTANCE, "%s should%s be alive",
			name_of(life, index), process->alive ? "" : " not");
	if (process_restart_count(real) != restarts)
		promise_broken(life, PROMISE_ONE_INSTANCE, "%s: restartCount %d, not %d",
			name_of(life, index), process_restart_count(real), restarts);
	if (is_excused(process))
		return;
	if (process_is_started(spec, real) != started)
		promise_broken(life, PROMISE_STATUS, "%s should%s be started", name_of(life, index),
			started ? "" : " not");
	if (process_is_ready(spec, real) != ready)
		promise_broken(life, PROMISE_STATUS, "%s should%s be ready", name_of(life, index),
			ready ? "" : " not");
}

/* What the questions of pod.h answer, and the conditions. */
static void check_status(const struct life *life)
{
	const struct model *model = &life->model;
	const bool *conditions = life->pod->conditions;
	bool all_ready = true, has_excused = false;
	promise_looked_at(PROMISE_STATUS);
	for (int i = 0; i < model->process_count; i++) {
		const struct model_process *process = &model->processes[i];
		check_process(life, i);
		has_excused |= is_excused(process);
		all_ready &= life->spec.processes[i].kind == KIND_INIT ||
			model_is_ready(&life->spec, process, i);
	}
	bool initialized = model_is_initialized(model, &life->spec);
	if (!model->stopping && conditions[CONDITION_INITIALIZED] != initialized)
		promise_broken(life, PROMISE_STATUS, "the pod should%s be Initialized",
			initialized ? "" : " not");
	if (!has_excused && conditions[CONDITION_READY] != all_ready)
		promise_broken(
			life, PROMISE_STATUS, "the pod should%s be Ready", all_ready ? "" : " not");
}

void promises_check(struct life *life)
{
	struct model *model = &life->model;
	for (int i = 0; i < life->actions.count; i++)
		check_action(life, &life->actions.items[i]);
	check_debt(life, &model->debt, -1);
	for (int i = 0; i < model->process_count; i++)
		check_debt(life, &model->processes[i].debt, i);
	enum pod_phase phase = model_phase(model, &life->spec);
	if (model->phase != phase || life->pod->phase != phase)
		promise_broken(life, PROMISE_PHASE, "the phase is %s, should be %s",
			pod_phase_name((enum pod_phase)life->pod->phase), pod_phase_name(phase));
	check_deadline(life);
	check_status(life);
}
