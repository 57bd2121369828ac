/* The promises: each action of a step must be owed (or allowed) by the model at that moment, all
 * that is owed must have been done at the end of the step, and the state must say what the model
 * says. Applies what the core did to the model. Must not decide what is right: model.c does. */
#include <string.h>

#include "sim.h"

#define BIT(n) (UINT64_C(1) << (n))

static const char *const OWED_NAMES[OWED_COUNT] = {
	[OWE_SPAWN] = "start",
	[OWE_ABORT] = "give up starting",
	[OWE_FORWARD] = "forward the signal to",
	[OWE_RELOAD] = "send the reload signal to",
	[OWE_STOP] = "send the stop signal to",
	[OWE_GROUP] = "send the stop signal to the group left by",
	[OWE_KILL] = "kill",
	[OWE_KILL_LEFT] = "kill what was left by",
	[OWE_ADOPT] = "look for the daemon of",
	[OWE_CANCEL_ADOPT] = "look no more for the daemon of",
	[OWE_HOOK + HOOK_POST_START] = "run postStart of",
	[OWE_HOOK + HOOK_PRE_STOP] = "run preStop of",
	[OWE_HOOK + HOOK_PRE_START] = "run preStart of",
	[OWE_HOOK + HOOK_POST_STOP] = "run postStop of",
	[OWE_HOOK + HOOK_RELOAD] = "run reload of",
	[OWE_CANCEL_HOOK + HOOK_POST_START] = "cancel postStart of",
	[OWE_CANCEL_HOOK + HOOK_PRE_STOP] = "cancel preStop of",
	[OWE_CANCEL_HOOK + HOOK_PRE_START] = "cancel preStart of",
	[OWE_CANCEL_HOOK + HOOK_POST_STOP] = "cancel postStop of",
	[OWE_CANCEL_HOOK + HOOK_RELOAD] = "cancel reload of",
	[OWE_PROBE + PROBE_STARTUP] = "probe the startup of",
	[OWE_PROBE + PROBE_LIVENESS] = "probe the liveness of",
	[OWE_PROBE + PROBE_READINESS] = "probe the readiness of",
	[OWE_CANCEL_PROBE + PROBE_STARTUP] = "cancel the startup probe of",
	[OWE_CANCEL_PROBE + PROBE_LIVENESS] = "cancel the liveness probe of",
	[OWE_CANCEL_PROBE + PROBE_READINESS] = "cancel the readiness probe of",
	[OWE_FINISH] = "finish",
	[OWE_DRAIN_TERM] = "drain",
	[OWE_DRAIN_KILL] = "kill what drains in",
	[OWE_REPLACE] = "reload",
};

static const char *name_of(const struct life *life, int index)
{
	return index < 0 ? "the pod" : life->spec.processes[index].name;
}

static enum promise promise_of_spawn(const struct life *life, int index)
{
	const struct world_process *real = &life->world.processes[index];
	if (life->model.stopping)
		return PROMISE_NOTHING_STARTS;
	if (real->alive || real->spawning)
		return PROMISE_ONE_INSTANCE;
	return life->model.processes[index].instances > 1 ? PROMISE_RESTARTS : PROMISE_INIT_ORDER;
}

static enum promise promise_of(const struct life *life, int index, int what)
{
	if (what == OWE_SPAWN)
		return promise_of_spawn(life, index);
	if (what == OWE_KILL_LEFT)
		return PROMISE_ONE_INSTANCE;
	if (what >= OWE_HOOK && what < OWE_PROBE)
		return PROMISE_HOOKS;
	if (what >= OWE_PROBE && what < OWE_FINISH)
		return PROMISE_PROBES;
	if (what == OWE_REPLACE)
		return PROMISE_RELOAD;
	if (what == OWE_FORWARD || what == OWE_RELOAD || what == OWE_ADOPT ||
		what == OWE_CANCEL_ADOPT)
		return PROMISE_TOLD_ONCE;
	return PROMISE_STOP_ORDER;
}

static bool takes(struct debt *debt, int what)
{
	bool is_owed = (debt->owed | debt->may) & BIT(what);
	debt->owed &= ~BIT(what);
	/* What is killed already is killed as well by doing it twice. */
	if (what != OWE_KILL_LEFT)
		debt->may &= ~BIT(what);
	else if (is_owed)
		debt->may |= BIT(what);
	return is_owed;
}

static void take(struct life *life, int index, int what)
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
	if (!model->begins_to_stop || process->cause != model->cause)
		return;
	if (place <= model->last_told[what])
		promise_broken(
			life, PROMISE_STOP_ORDER, "%s is told too late", name_of(life, index));
	model->last_told[what] = place;
}

/* Once more, and directly: the model's own reasoning is not above doubt. */
static void check_spawn(const struct life *life, int index)
{
	const struct world_process *real = &life->world.processes[index];
	const struct dependencies *all = &life->spec.processes[index].lifecycle->dependencies;
	const char *name = name_of(life, index);
	promise_looked_at(PROMISE_NOTHING_STARTS);
	/* Within the step in which the end begins, what comes before that is told may start. */
	bool was_told = !(life->model.debt.owed_notices &
		(BIT(NOTICE_STOPPING) | BIT(NOTICE_DEADLINE_EXCEEDED) | BIT(NOTICE_EVICTED)));
	if (life->model.stopping && was_told)
		promise_broken(life, PROMISE_NOTHING_STARTS, "%s starts", name);
	if (real->alive || real->spawning)
		promise_broken(life, PROMISE_ONE_INSTANCE, "%s starts twice", name);
	for (int i = 0; i < life->spec.init_count; i++) {
		bool is_done = life->spec.processes[i].kind == KIND_SIDECAR ||
			life->model.processes[i].end_ok;
		if (life->spec.processes[index].kind == KIND_MAIN && !is_done)
			promise_broken(life, PROMISE_INIT_ORDER,
				"%s starts before the inits are done", name);
	}
	for (int i = 0; i < all->count; i++) {
		const struct model_process *other = &life->model.processes[all->items[i].process];
		promise_looked_at(PROMISE_DEPENDENCIES);
		if (life->model.processes[index].instances == 1 && other->instances == 0)
			promise_broken(life, PROMISE_DEPENDENCIES,
				"%s starts before what it depends on", name);
	}
}

/* It begins with its preStart, if it has one. */
static void next_instance(struct model_process *process)
{
	process->shown = process->instances;
	memset(process->hook_ran, 0, sizeof(process->hook_ran));
}

static void spawns(struct life *life, int index)
{
	struct model_process *process = &life->model.processes[index];
	if (process->debt.owed & BIT(OWE_KILL_LEFT))
		promise_broken(life, PROMISE_ONE_INSTANCE,
			"%s starts before what its last instance left was killed",
			name_of(life, index));
	take(life, index, OWE_SPAWN);
	check_spawn(life, index);
	bool has_pre_start = life->spec.processes[index].lifecycle->hooks[HOOK_PRE_START];
	if (!has_pre_start)
		next_instance(process);
	else if (!process->hook_ran[HOOK_PRE_START])
		promise_broken(life, PROMISE_HOOKS, "%s starts without its preStart",
			name_of(life, index));
}

static void signals(struct life *life, const struct action *action)
{
	int index = action->process;
	const struct model *model = &life->model;
	const struct model_process *process = &model->processes[index];
	int stop_signal =
		model->stop_signo ? model->stop_signo : life->spec.processes[index].stop_signal;
	int reload_signal = life->spec.processes[index].lifecycle->reload_signal;
	/* In this order: what came from outside came first. */
	enum owed what = process->debt.owed & BIT(OWE_FORWARD) ? OWE_FORWARD
		: process->debt.owed & BIT(OWE_RELOAD)	       ? OWE_RELOAD
		: process->alive			       ? OWE_STOP
							       : OWE_GROUP;
	if (what == OWE_GROUP && model->leaves && !process->group_told)
		stop_signal = life->spec.signal_map[SIGNAL_TERM];
	take(life, index, what);
	/* With a grace some wait for their turns. */
	if (what == OWE_STOP && process->stop_by <= life->now)
		check_order(life, index, TOLD_BY_SIGNAL);
	bool group = what == OWE_GROUP ||
		((what == OWE_FORWARD || life->spec.entrypoint) && what != OWE_RELOAD &&
			!life->spec.single_child);
	int signo = what == OWE_FORWARD ? model->forwarded
		: what == OWE_RELOAD	? reload_signal
					: stop_signal;
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
	/* At the end of the pod what it leaves is asked first; in the step in which that begins both are right. */
	if (action->all == life->model.stopping && !life->model.begins_to_stop)
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
	if (action->hook >= HOOK_COUNT)
		promise_broken(life, PROMISE_HOOKS, "runs a hook that there is not");
	bool around = action->hook == HOOK_PRE_START || action->hook == HOOK_POST_STOP;
	if (life->world.processes[action->process].alive == around)
		promise_broken(life, PROMISE_HOOKS, "%s has its hook %s it",
			name_of(life, action->process), around ? "beside" : "without");
	if (action->hook == HOOK_PRE_START)
		next_instance(process);
	if (process->hook_ran[action->hook] && action->hook != HOOK_RELOAD)
		promise_broken(life, PROMISE_HOOKS, "a hook of %s runs twice",
			name_of(life, action->process));
	if (action->hook == HOOK_PRE_STOP)
		check_order(life, action->process, TOLD_BY_HOOK);
	take(life, action->process, OWE_HOOK + action->hook);
	process->hook_ran[action->hook] = true;
}

static void cancels_hook(struct life *life, const struct action *action)
{
	if (action->hook >= HOOK_COUNT)
		promise_broken(life, PROMISE_HOOKS, "cancels a hook that there is not");
	take(life, action->process, OWE_CANCEL_HOOK + action->hook);
	/* When all begin again in the step in which this one did, it does so twice. */
	struct model_process *process = &life->model.processes[action->process];
	if (action->hook == HOOK_PRE_START && process->hook_runs[HOOK_PRE_START])
		process->debt.owed |= BIT(OWE_HOOK + HOOK_PRE_START);
}

static void probes(struct life *life, const struct action *action)
{
	const struct model_process *process = &life->model.processes[action->process];
	bool cancels = action->type == ACT_CANCEL_PROBE;
	if (action->probe >= PROBE_COUNT ||
		!life->spec.processes[action->process].probes[action->probe])
		promise_broken(life, PROMISE_PROBES, "a probe that there is not");
	take(life, action->process, (cancels ? OWE_CANCEL_PROBE : OWE_PROBE) + action->probe);
	if (!cancels && action->attempt != process->probes[action->probe].attempt)
		promise_broken(life, PROMISE_PROBES, "attempt %u of %s, should be %u",
			(unsigned)action->attempt, name_of(life, action->process),
			(unsigned)process->probes[action->probe].attempt);
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
	bool is_of_pod = action->type == ACT_DRAIN || action->type == ACT_FINISH ||
		action->type == ACT_REPLACE || action->type == ACT_TELL;
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
		cancels_hook(life, action);
		break;
	case ACT_PROBE:
	case ACT_CANCEL_PROBE:
		probes(life, action);
		break;
	case ACT_ADOPT:
		take(life, action->process, OWE_ADOPT);
		break;
	case ACT_CANCEL_ADOPT:
		take(life, action->process, OWE_CANCEL_ADOPT);
		break;
	case ACT_REPLACE:
		take(life, -1, OWE_REPLACE);
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
			promise_broken(life, promise_of(life, index, i), "should %s %s now",
				OWED_NAMES[i], name_of(life, index));
	}
	for (int i = 0; debt->owed_notices && i < OWED_NOTICE_COUNT; i++) {
		int reason = i < NOTICE_REASON_COUNT ? i
			: i == NOTICE_KILLED	     ? NOTICE_KILLING
			: i < NOTICE_WARNING_PROBE   ? NOTICE_UNHEALTHY
						     : NOTICE_PROBE_WARNING;
		if (debt->owed_notices & BIT(i))
			promise_broken(life, PROMISE_TOLD_ONCE, "should tell %s (%d) of %s",
				notice_reason_name((enum notice_reason)reason), i,
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

/* By the world, which knows: when all begin again, nobody has stayed. */
static void check_restart_all(const struct life *life)
{
	const struct model *model = &life->model;
	if (!model->was_restarting_all || model->restarting_all || model->stopping)
		return;
	for (int i = 0; i < model->process_count; i++) {
		const struct world_process *real = &life->world.processes[i];
		if (real->alive || real->spawning)
			promise_broken(life, PROMISE_RESTART_ALL,
				"all begin again, and %s is still there", name_of(life, i));
	}
}

void promises_check(struct life *life)
{
	struct model *model = &life->model;
	check_restart_all(life);
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
	status_check(life);
}
