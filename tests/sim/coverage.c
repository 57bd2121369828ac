/* What a run exercised, so that a simulator that tests nothing is seen. Looks into the core's state
 * as no other file does; must not judge it. */
#include <stdio.h>

#include "sim.h"

static const char *const STATES[PROCESS_STATE_COUNT] = {[PROCESS_NONE] = "NONE",
	[PROCESS_WAITING] = "WAITING",
	[PROCESS_PRE_START] = "PRE_START",
	[PROCESS_SPAWNING] = "SPAWNING",
	[PROCESS_ABORTING] = "ABORTING",
	[PROCESS_FORKING] = "FORKING",
	[PROCESS_STARTING] = "STARTING",
	[PROCESS_RUNNING] = "RUNNING",
	[PROCESS_PRE_STOP] = "PRE_STOP",
	[PROCESS_TURN] = "TURN",
	[PROCESS_STOPPING] = "STOPPING",
	[PROCESS_KILLED] = "KILLED",
	[PROCESS_POST_STOP] = "POST_STOP",
	[PROCESS_EXITED] = "EXITED"};

static const char *const CAUSES[STOP_CAUSE_COUNT] = {[STOP_NONE] = "none",
	[STOP_COMPLETED] = "completed",
	[STOP_INIT_FAILED] = "init failed",
	[STOP_DEADLINE] = "deadline",
	[STOP_EVICTED] = "evicted",
	[STOP_SIGNAL] = "signal",
	[STOP_ASKED] = "asked",
	[STOP_STARTUP_PROBE] = "startup probe",
	[STOP_LIVENESS_PROBE] = "liveness probe",
	[STOP_POST_START] = "postStart",
	[STOP_WATCHDOG] = "watchdog",
	[STOP_CHANGED] = "changed",
	[STOP_RESTART_ALL] = "all restart",
	[STOP_MAIN_ENDED] = "main ended"};

/* Rare meetings that the totals do not show. */
enum situation {
	DRAINS_BESIDE_A_LIVE_ONE,
	FAILS_WHILE_GIVEN_UP,
	STARTUP_DURING_POST_START,
	LIVENESS_DURING_POST_START,
	DRAINED_BESIDE_A_LIVE_ONE,
	SIGNAL_AFTER_BEING_ASKED,
	GIVEN_UP,
	LATE_RESULT,
	ANOTHER_MAIN_PROCESS,
	ANOTHER_MAIN_TO_KILL,
	FOUND_TOO_LATE,
	WAITS_FOR_DEPENDENTS,
	RESTART_ALL_MEETS_POST_STOP,
	RESTART_ALL_MEETS_A_STOP,
	RESTART_ALL_TWICE,
	STOP_MEETS_RELOAD,
	RELOAD_KEEPS,
	RELOAD_RESTARTS,
	RELOAD_REMOVES,
	RELOAD_ADDS,
	RELOAD_DURING_INITS,
	SITUATION_COUNT,
};

static const char *const SITUATIONS[SITUATION_COUNT] = {
	[DRAINS_BESIDE_A_LIVE_ONE] = "asks what is left while a process lives",
	[FAILS_WHILE_GIVEN_UP] = "a start fails by itself while it is given up",
	[STARTUP_DURING_POST_START] = "a startupProbe tells while postStart runs",
	[LIVENESS_DURING_POST_START] = "a livenessProbe tells while postStart runs",
	[DRAINED_BESIDE_A_LIVE_ONE] = "DRAINED while a process lives",
	[SIGNAL_AFTER_BEING_ASKED] = "a first signal after podctl",
	[GIVEN_UP] = "a pod is given up",
	[LATE_RESULT] = "a result of an attempt that was dropped",
	[ANOTHER_MAIN_PROCESS] = "another main process while it is stopped",
	[ANOTHER_MAIN_TO_KILL] = "another main process after SIGKILL",
	[FOUND_TOO_LATE] = "a daemon is not found",
	[WAITS_FOR_DEPENDENTS] = "a main waits for those that depend on it",
	[RESTART_ALL_MEETS_POST_STOP] = "all restart while a postStop runs",
	[RESTART_ALL_MEETS_A_STOP] = "all restart while one is stopped for another reason",
	[RESTART_ALL_TWICE] = "all restart more than once",
	[STOP_MEETS_RELOAD] = "the pod ends while a reload waits",
	[RELOAD_KEEPS] = "a reload keeps one that runs",
	[RELOAD_RESTARTS] = "a reload restarts one",
	[RELOAD_REMOVES] = "a reload removes one",
	[RELOAD_ADDS] = "a reload adds one",
	[RELOAD_DURING_INITS] = "a reload before all inits are done",
};

static struct {
	uint64_t lives, chaos, steps, nonsense;
	uint64_t promises[PROMISE_COUNT];
	uint64_t events[EVENT_TYPE_COUNT], actions[ACTION_TYPE_COUNT];
	uint64_t notices[NOTICE_REASON_COUNT];
	uint64_t state_events[PROCESS_STATE_COUNT][EVENT_TYPE_COUNT];
	uint64_t changes[PROCESS_STATE_COUNT][PROCESS_STATE_COUNT];
	uint64_t pod_causes[STOP_CAUSE_COUNT], process_causes[STOP_CAUSE_COUNT];
	uint64_t phases[PHASE_COUNT], restarts_max, backoff_max, backoff_forgotten;
	uint64_t situations[SITUATION_COUNT];
	uint64_t exit_codes[256];
	double fullest;
} seen;

void promise_looked_at(enum promise promise)
{
	seen.promises[promise]++;
}

static bool anything_is_unsettled(const struct pod *pod)
{
	for (int i = 0; i < pod->process_count; i++) {
		uint8_t state = pod->processes[i].state;
		if (state != PROCESS_NONE && state != PROCESS_EXITED)
			return true;
	}
	return false;
}

static void meet(enum situation situation, bool is_met)
{
	seen.situations[situation] += is_met;
}

static void situations_of_event(const struct event *event, const struct pod *pod, bool is_nonsense)
{
	bool is_there = event->process >= 0 && event->process < pod->process_count;
	int state = is_there ? pod->processes[event->process].state : PROCESS_STATE_COUNT;
	meet(FAILS_WHILE_GIVEN_UP,
		event->type == EVENT_SPAWN_FAILED && state == PROCESS_ABORTING &&
			event->spawn_error.stage != STAGE_ABORTED);
	if (event->type == EVENT_PROBED && is_there && is_nonsense)
		meet(LATE_RESULT, event->attempt > 0 && state == PROCESS_RUNNING);
	meet(ANOTHER_MAIN_PROCESS, event->type == EVENT_ADOPTED && state == PROCESS_STOPPING);
	meet(ANOTHER_MAIN_TO_KILL,
		event->type == EVENT_ADOPTED && state == PROCESS_KILLED && !is_nonsense);
	meet(STOP_MEETS_RELOAD, event->type == EVENT_SIGNALLED && pod->replacing);
	bool in_hook = event->type == EVENT_PROBED && state == PROCESS_STARTING;
	meet(STARTUP_DURING_POST_START, in_hook && event->probe == PROBE_STARTUP);
	meet(LIVENESS_DURING_POST_START, in_hook && event->probe == PROBE_LIVENESS);
	meet(DRAINED_BESIDE_A_LIVE_ONE,
		event->type == EVENT_DRAINED && pod->draining && anything_is_unsettled(pod));
	meet(SIGNAL_AFTER_BEING_ASKED,
		event->type == EVENT_SIGNALLED && event->signo == SIGNAL_TERM &&
			pod->stopping == STOP_ASKED && !pod->stop_signals);
}

void coverage_event(const struct event *event, const struct pod *pod, bool is_nonsense)
{
	seen.steps++;
	seen.nonsense += is_nonsense;
	if (event->type >= EVENT_TYPE_COUNT)
		return;
	seen.events[event->type]++;
	situations_of_event(event, pod, is_nonsense);
	if (event->type >= EVENT_SPAWNED && event->type <= EVENT_CHANGED && event->process >= 0 &&
		event->process < pod->process_count)
		seen.state_events[pod->processes[event->process].state][event->type]++;
}

static void situations_of_restart_all(const struct life *life, const uint8_t *before)
{
	int times = 0;
	for (int i = 0; i < life->spec.process_count; i++) {
		uint8_t state = before[i];
		meet(RESTART_ALL_MEETS_POST_STOP, state == PROCESS_POST_STOP);
		meet(RESTART_ALL_MEETS_A_STOP,
			state == PROCESS_STOPPING || state == PROCESS_PRE_STOP ||
				state == PROCESS_KILLED);
		times += life->pod->processes[i].instances > 2;
	}
	meet(RESTART_ALL_TWICE, times == life->spec.process_count);
}

static void situations_of_action(
	const struct life *life, const struct action *action, const uint8_t *before)
{
	meet(DRAINS_BESIDE_A_LIVE_ONE,
		action->type == ACT_DRAIN && action->signo == SIGNAL_TERM &&
			anything_is_unsettled(life->pod));
	if (action->type != ACT_TELL)
		return;
	seen.notices[action->notice.reason]++;
	meet(FOUND_TOO_LATE, action->notice.spawn_error.stage == STAGE_DAEMON);
	if (action->notice.reason == NOTICE_RESTART_ALL)
		situations_of_restart_all(life, before);
}

void coverage_reload(
	const struct life *life, const uint8_t *kinds, const bool *leaving, int old_count)
{
	int left = 0;
	for (int i = 0; i < old_count; i++)
		left += leaving[i];
	for (int i = 0; i < life->spec.process_count; i++) {
		meet(RELOAD_KEEPS,
			kinds[i] == CHANGE_LIVE &&
				life->pod->processes[i].state == PROCESS_RUNNING);
		meet(RELOAD_RESTARTS, kinds[i] == CHANGE_RESTART);
		meet(RELOAD_ADDS, kinds[i] == CHANGE_NEW);
		left -= kinds[i] == CHANGE_RESTART;
	}
	meet(RELOAD_REMOVES, left > 0);
	meet(RELOAD_DURING_INITS, life->pod->next_init < life->spec.init_count);
}

void coverage_step(const struct life *life, const uint8_t *before)
{
	const struct actions *actions = &life->actions;
	double full = (double)actions->count / actions->max;
	seen.fullest = full > seen.fullest ? full : seen.fullest;
	for (int i = 0; i < actions->count; i++) {
		seen.actions[actions->items[i].type]++;
		situations_of_action(life, &actions->items[i], before);
	}
	for (int i = 0; i < life->spec.process_count; i++) {
		const struct process *process = &life->pod->processes[i];
		seen.changes[before[i]][process->state]++;
		meet(WAITS_FOR_DEPENDENTS,
			process->state == PROCESS_TURN && i >= life->spec.init_count);
		if (before[i] != process->state)
			seen.process_causes[process->stop_cause]++;
	}
}

void coverage_restart(bool is_forgotten, bool is_longest)
{
	seen.backoff_max += is_longest;
	seen.backoff_forgotten += is_forgotten;
}

void coverage_life(const struct life *life)
{
	const struct pod *pod = life->pod;
	seen.lives++;
	seen.pod_causes[pod->stopping]++;
	seen.phases[pod->phase]++;
	meet(GIVEN_UP, life->model.given_up);
	seen.exit_codes[life->actions.count
			? (uint8_t)life->actions.items[life->actions.count - 1].exit_code
			: 0]++;
	for (int i = 0; i < pod->process_count; i++) {
		uint64_t restarts = (uint64_t)process_restart_count(&pod->processes[i]);
		seen.restarts_max = restarts > seen.restarts_max ? restarts : seen.restarts_max;
	}
}

void coverage_chaos(void)
{
	seen.lives++;
	seen.chaos++;
}

uint64_t coverage_lives(void)
{
	return seen.lives;
}

static void print_counts(
	const char *title, const char *const names[], const uint64_t counts[], int count)
{
	printf("%s:", title);
	for (int i = 0; i < count; i++) {
		if (counts[i])
			printf(" %s %llu", names[i], (unsigned long long)counts[i]);
	}
	printf("\n");
}

static int missing(
	const char *what, const char *const names[], const uint64_t counts[], int first, int last)
{
	int missing = 0;
	for (int i = first; i <= last; i++) {
		if (counts[i])
			continue;
		missing++;
		printf("never reached: %s %s\n", what, names[i]);
	}
	return missing;
}

int coverage_missing(void)
{
	uint64_t states[PROCESS_STATE_COUNT] = {0};
	int none = 0;
	for (int i = 0; i < PROCESS_STATE_COUNT; i++) {
		for (int k = 0; k < PROCESS_STATE_COUNT; k++)
			states[k] += seen.changes[i][k];
		for (int k = EVENT_SPAWNED; k <= EVENT_CHANGED; k++) {
			if (seen.state_events[i][k])
				continue;
			none++;
			printf("never reached: event %s in state %s\n", EVENT_NAMES[k], STATES[i]);
		}
	}
	none += missing("state", STATES, states, 0, PROCESS_STATE_COUNT - 1);
	none += missing("event", EVENT_NAMES, seen.events, 0, EVENT_TYPE_COUNT - 1);
	none += missing("action", ACTION_NAMES, seen.actions, 0, ACTION_TYPE_COUNT - 1);
	none += missing("end of the pod:", CAUSES, seen.pod_causes, STOP_COMPLETED, STOP_ASKED);
	none += missing(
		"end of the pod:", CAUSES, seen.pod_causes, STOP_MAIN_ENDED, STOP_MAIN_ENDED);
	none += missing(
		"end of a process:", CAUSES, seen.process_causes, STOP_COMPLETED, STOP_MAIN_ENDED);
	for (int i = 0; i < NOTICE_REASON_COUNT; i++) {
		bool is_linux = i == NOTICE_SIGNAL || i == NOTICE_ORPHAN || i == NOTICE_LEFTOVER;
		if (seen.notices[i] || is_linux)
			continue;
		none++;
		printf("never reached: notice %s\n", notice_reason_name((enum notice_reason)i));
	}
	for (int i = 1; i < PROMISE_COUNT; i++) {
		none += !seen.promises[i];
		if (!seen.promises[i])
			printf("never reached: promise %d\n", i);
	}
	none += missing("that", SITUATIONS, seen.situations, 0, SITUATION_COUNT - 1);
	if (!seen.backoff_max || !seen.backoff_forgotten) {
		none++;
		printf("never reached: the longest delay, or a forgotten one\n");
	}
	return none;
}

void coverage_print(void)
{
	printf("%llu lives (%llu of chaos), %llu steps (%llu of nonsense)\n",
		(unsigned long long)seen.lives, (unsigned long long)seen.chaos,
		(unsigned long long)seen.steps, (unsigned long long)seen.nonsense);
	print_counts("events", EVENT_NAMES, seen.events, EVENT_TYPE_COUNT);
	print_counts("actions", ACTION_NAMES, seen.actions, ACTION_TYPE_COUNT);
	print_counts("pods ended by", CAUSES, seen.pod_causes, STOP_CAUSE_COUNT);
	print_counts("processes ended by", CAUSES, seen.process_causes, STOP_CAUSE_COUNT);
	printf("phases: Succeeded %llu Failed %llu\n",
		(unsigned long long)seen.phases[PHASE_SUCCEEDED],
		(unsigned long long)seen.phases[PHASE_FAILED]);
	for (int i = 0; i < SITUATION_COUNT; i++)
		printf("%s: %llu\n", SITUATIONS[i], (unsigned long long)seen.situations[i]);
	printf("restarts: at most %llu of one process; at the longest delay %llu, forgotten %llu\n",
		(unsigned long long)seen.restarts_max, (unsigned long long)seen.backoff_max,
		(unsigned long long)seen.backoff_forgotten);
	printf("state changes seen in one step:\n");
	for (int i = 0; i < PROCESS_STATE_COUNT; i++) {
		printf("  %-8s ->", STATES[i]);
		for (int k = 0; k < PROCESS_STATE_COUNT; k++) {
			if (seen.changes[i][k] && i != k)
				printf(" %s %llu", STATES[k],
					(unsigned long long)seen.changes[i][k]);
		}
		printf("\n");
	}
	printf("exit codes:");
	for (int i = 0; i < 256; i++) {
		if (seen.exit_codes[i])
			printf(" %d: %llu", i, (unsigned long long)seen.exit_codes[i]);
	}
	printf("\npromises checked:");
	for (int i = 1; i < PROMISE_COUNT; i++)
		printf(" %d: %llu", i, (unsigned long long)seen.promises[i]);
	printf("\nfullest list of actions: %.0f %% of pod_action_max()\n", 100 * seen.fullest);
}
