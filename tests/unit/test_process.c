/* The state machine of one process: every cell of the table of states and events, and every pair of
 * them with events that make no sense. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* A sidecar has every state there is; the main beside it is what it waits for at the end. */
#define EVERYTHING                                                                                 \
	POLICY("Never")                                                                            \
	SIDECAR("s") HOOKS STARTUP LIVENESS READINESS POST_START PRE_STOP MAIN("m")
/* Those that a container of Kubernetes does not have, and a program that leaves a daemon. */
#define HOOKS                                                                                      \
	"lifecycle.preStart.exec.command = x\n"                                                    \
	"lifecycle.postStop.exec.command = x\n"                                                    \
	"daemon = true\n"

/* It runs and is Started, at once. */
static void run_up(struct story *t)
{
	int32_t program = t->next_pid;
	hook_done(t, "s", HOOK_PRE_START, true);
	spawned(t, "s");
	exits(t, "s", 0);
	adopted(t, "s", program + 1);
	hook_done(t, "s", HOOK_POST_START, true);
}

/* From its first start on, while the pod comes up. */
static bool reach_up(struct story *t, enum process_state state)
{
	if (state == PROCESS_PRE_START)
		return true;
	if (state == PROCESS_WAITING) {
		run_up(t);
		exits(t, "s", 1);
		hook_done(t, "s", HOOK_POST_STOP, true);
		run_up(t);
		exits(t, "s", 1);
		hook_done(t, "s", HOOK_POST_STOP, true);
		return true;
	}
	hook_done(t, "s", HOOK_PRE_START, true);
	if (state == PROCESS_SPAWNING)
		return true;
	if (state == PROCESS_ABORTING) {
		signalled(t, 15);
		return true;
	}
	spawned(t, "s");
	if (state == PROCESS_FORKING)
		return true;
	exits(t, "s", 0);
	adopted(t, "s", 700);
	if (state == PROCESS_STARTING)
		return true;
	hook_done(t, "s", HOOK_POST_START, true);
	return state == PROCESS_RUNNING;
}

/* The sidecar in this state, the pod running or ending. The next event may be any. */
static struct story *reach(enum process_state state)
{
	if (state == PROCESS_NONE)
		return story(POLICY("Never") INIT("i") SIDECAR("s")
				HOOKS STARTUP LIVENESS READINESS POST_START PRE_STOP MAIN("m"));
	struct story *t = story(EVERYTHING);
	if (reach_up(t, state))
		return t;
	probe(t, "s", PROBE_STARTUP, true);
	spawned(t, "m");
	signalled(t, 15);
	if (state == PROCESS_PRE_STOP)
		return t;
	hook_done(t, "s", HOOK_PRE_STOP, true);
	if (state == PROCESS_TURN)
		return t;
	exits(t, "m", 0);
	if (state == PROCESS_STOPPING)
		return t;
	if (state == PROCESS_KILLED) {
		at(t, 30 * S);
		return t;
	}
	exits(t, "s", 0);
	if (state == PROCESS_POST_STOP)
		return t;
	hook_done(t, "s", HOOK_POST_STOP, true);
	return t;
}

static void every_state_is_reached(void **state)
{
	(void)state;
	for (int i = 0; i < PROCESS_STATE_COUNT; i++) {
		struct story *t = reach((enum process_state)i);
		assert_state(t, "s", i);
		drop(t);
	}
}

enum stimulus {
	SPAWNED,
	SPAWN_FAILED,
	SPAWN_ABORTED,
	EXITED,
	WRONG_PID,
	STARTUP_GOOD,
	STARTUP_BAD,
	LIVENESS_BAD,
	READY_GOOD,
	POST_START_GOOD,
	POST_START_BAD,
	PRE_STOP_GOOD,
	PRE_STOP_BAD,
	PRE_START_GOOD,
	PRE_START_BAD,
	POST_STOP_DONE,
	ADOPTED,
	NOTIFIED,
	CHANGED,
	TIME, /* its deadline */
	STIMULUS_COUNT,
};

static const struct event EVENTS[STIMULUS_COUNT] = {
	[SPAWNED] = {.type = EVENT_SPAWNED, .pid = 7},
	[SPAWN_FAILED] = {.type = EVENT_SPAWN_FAILED, .spawn_error = {STAGE_EXEC, 0, 2}},
	[SPAWN_ABORTED] = {.type = EVENT_SPAWN_FAILED, .spawn_error = {STAGE_ABORTED, 0, 125}},
	[EXITED] = {.type = EVENT_EXITED, .exit_code = 3},
	[WRONG_PID] = {.type = EVENT_EXITED, .exit_code = 3, .pid = 99999},
	[STARTUP_GOOD] = {.type = EVENT_PROBED, .probe = PROBE_STARTUP, .result = PROBE_SUCCESS},
	[STARTUP_BAD] = {.type = EVENT_PROBED, .probe = PROBE_STARTUP, .result = PROBE_FAILURE},
	[LIVENESS_BAD] = {.type = EVENT_PROBED, .probe = PROBE_LIVENESS, .result = PROBE_FAILURE},
	[READY_GOOD] = {.type = EVENT_PROBED, .probe = PROBE_READINESS, .result = PROBE_SUCCESS},
	[POST_START_GOOD] = {.type = EVENT_HOOK_DONE, .hook = HOOK_POST_START, .success = true},
	[POST_START_BAD] = {.type = EVENT_HOOK_DONE, .hook = HOOK_POST_START},
	[PRE_STOP_GOOD] = {.type = EVENT_HOOK_DONE, .hook = HOOK_PRE_STOP, .success = true},
	[PRE_STOP_BAD] = {.type = EVENT_HOOK_DONE, .hook = HOOK_PRE_STOP},
	[PRE_START_GOOD] = {.type = EVENT_HOOK_DONE, .hook = HOOK_PRE_START, .success = true},
	[PRE_START_BAD] = {.type = EVENT_HOOK_DONE, .hook = HOOK_PRE_START},
	[POST_STOP_DONE] = {.type = EVENT_HOOK_DONE, .hook = HOOK_POST_STOP, .success = true},
	[ADOPTED] = {.type = EVENT_ADOPTED, .pid = 901},
	[NOTIFIED] = {.type = EVENT_NOTIFIED, .notification = NOTIFICATION_READY},
	[CHANGED] = {.type = EVENT_CHANGED},
	[TIME] = {.type = EVENT_TICK},
};

/* Short names for the table: where it goes; STAY is the state it is in, NO the same and
 * counted as unexpected. A main runs while TURN is asked for, so a sidecar that is past its preStop
 * waits. The pod of ABORTING, PRE_STOP and all below is ending. */
enum {
	STAY = -1,
	NO = -2, /* ignored, and counted */
	NON = PROCESS_NONE,
	WAIT = PROCESS_WAITING,
	PSTA = PROCESS_PRE_START,
	SPWN = PROCESS_SPAWNING,
	FORK = PROCESS_FORKING,
	STRT = PROCESS_STARTING,
	RUN = PROCESS_RUNNING,
	PRE = PROCESS_PRE_STOP,
	TURN = PROCESS_TURN,
	STOP = PROCESS_STOPPING,
	KILL = PROCESS_KILLED,
	PSTO = PROCESS_POST_STOP,
	EXIT = PROCESS_EXITED,
};

/* Columns in the order of enum stimulus. Rows are laid out by hand. */
/* clang-format off */
static const int CELLS[PROCESS_STATE_COUNT][STIMULUS_COUNT] = {
	/*           spawned failed aborted exited wrong   probes: st+ st-  live- ready  postStart+ -  preStop+ -
	 *           preStart+ -  postStop  adopted notified changed deadline */
	[PROCESS_NONE] = {NO, NO, NO, NO, NO,              STAY, STAY, STAY, STAY,     STAY, STAY, STAY, STAY,
		STAY, STAY, STAY, NO, STAY, STAY, STAY},
	[PROCESS_WAITING] = {NO, NO, NO, NO, NO,           STAY, STAY, STAY, STAY,     STAY, STAY, STAY, STAY,
		STAY, STAY, STAY, NO, STAY, STAY, PSTA},
	/* A first start that failed is tried again at once. */
	[PROCESS_PRE_START] = {NO, NO, NO, NO, NO,         STAY, STAY, STAY, STAY,     NO, NO, NO, NO,
		SPWN, PSTA, NO, NO, STAY, STAY, STAY},
	[PROCESS_SPAWNING] = {FORK, PSTA, PSTA, NO, NO,    STAY, STAY, STAY, STAY,     STAY, STAY, STAY, STAY,
		STAY, STAY, STAY, NO, STAY, STAY, STAY},
	/* Too late to give it up: it runs, and is stopped, with its preStop. Or it failed by
	 * itself, or was given up in time. */
	[PROCESS_ABORTING] = {PRE, EXIT, NON, NO, NO,      STAY, STAY, STAY, STAY,     STAY, STAY, STAY, STAY,
		STAY, STAY, STAY, NO, STAY, STAY, STAY},
	/* Its program runs still: nothing can be adopted. */
	[PROCESS_FORKING] = {NO, NO, NO, PSTO, NO,         STAY, STAY, STAY, STAY,     STAY, STAY, STAY, STAY,
		STAY, STAY, STAY, NO, STAY, STAY, STAY},
	/* The startupProbe may be told before the postStart hook is over. */
	[PROCESS_STARTING] = {NO, NO, NO, PSTO, NO,        STAY, PRE, STAY, STAY,      RUN, PRE, NO, NO,
		NO, NO, NO, STAY, STAY, STAY, STAY},
	/* Who has no reload hook is restarted. Liveness is not asked before it is Started. */
	[PROCESS_RUNNING] = {NO, NO, NO, PSTO, NO,         STAY, PRE, STAY, STAY,      STAY, STAY, STAY, STAY,
		STAY, STAY, STAY, STAY, STAY, PRE, STAY},
	[PROCESS_PRE_STOP] = {NO, NO, NO, PSTO, NO,        STAY, STAY, STAY, STAY,     NO, NO, TURN, TURN,
		NO, NO, NO, STAY, STAY, STAY, STOP},
	[PROCESS_TURN] = {NO, NO, NO, PSTO, NO,            STAY, STAY, STAY, STAY,     STAY, STAY, STAY, STAY,
		STAY, STAY, STAY, STAY, STAY, STAY, STOP},
	[PROCESS_STOPPING] = {NO, NO, NO, PSTO, NO,        STAY, STAY, STAY, STAY,     STAY, STAY, STAY, STAY,
		STAY, STAY, STAY, STAY, STAY, STAY, KILL},
	[PROCESS_KILLED] = {NO, NO, NO, PSTO, NO,          STAY, STAY, STAY, STAY,     STAY, STAY, STAY, STAY,
		STAY, STAY, STAY, STAY, STAY, STAY, STAY},
	[PROCESS_POST_STOP] = {NO, NO, NO, NO, NO,         STAY, STAY, STAY, STAY,     STAY, STAY, STAY, STAY,
		STAY, STAY, EXIT, NO, STAY, STAY, EXIT},
	[PROCESS_EXITED] = {NO, NO, NO, NO, NO,            STAY, STAY, STAY, STAY,     STAY, STAY, STAY, STAY,
		STAY, STAY, STAY, NO, STAY, STAY, STAY},
};
/* clang-format on */

static void try_cell(enum process_state state, enum stimulus stimulus)
{
	struct story *t = reach(state);
	struct process *s = process(t, "s");
	struct event event = EVENTS[stimulus];
	event.process = index_of(t, "s");
	if (stimulus == EXITED)
		event.pid = s->pid ? s->pid : 12345;
	if (event.type == EVENT_PROBED)
		event.attempt =
			pod_probe(t->pod, t->spec.processes[event.process].probes[event.probe])
				->attempt;
	if (stimulus == TIME && s->deadline != NEVER)
		t->now = s->deadline;
	uint32_t unexpected = t->pod->unexpected;
	step(t, &event);
	int expected = CELLS[state][stimulus] < 0 ? (int)state : CELLS[state][stimulus];
	bool ignored = CELLS[state][stimulus] == NO;
	if (s->state != expected || t->pod->unexpected - unexpected != ignored)
		fail_msg("state %d, event %d: now %d, not %d; unexpected %d", state, stimulus,
			s->state, expected, (int)(t->pod->unexpected - unexpected));
	drop(t);
}

static void every_cell(void **state)
{
	(void)state;
	for (int i = 0; i < PROCESS_STATE_COUNT; i++) {
		for (int k = 0; k < STIMULUS_COUNT; k++)
			try_cell((enum process_state)i, (enum stimulus)k);
	}
}

/* Every event type with every field out of range, in every state: nothing changes but the count. */
static void nonsense_is_counted(void **state)
{
	static const struct event nonsense[] = {
		{.type = EVENT_BOOT},
		{.type = EVENT_TYPE_COUNT},
		{.type = 255},
		{.type = EVENT_SPAWNED, .process = -1, .pid = 5},
		{.type = EVENT_SPAWNED, .process = 4096, .pid = 5},
		{.type = EVENT_EXITED, .process = INT32_MAX, .pid = 5},
		{.type = EVENT_EXITED, .process = INT32_MIN, .pid = 5},
		{.type = EVENT_SPAWN_FAILED, .process = 100},
		{.type = EVENT_PROBED, .process = 100},
		{.type = EVENT_HOOK_DONE, .process = -7},
	};
	(void)state;
	for (int i = 0; i < PROCESS_STATE_COUNT; i++) {
		struct story *t = reach((enum process_state)i);
		for (int k = 0; k < COUNT(nonsense); k++) {
			uint32_t unexpected = t->pod->unexpected;
			int before = process(t, "s")->state;
			step(t, &nonsense[k]);
			assert_int_equal(t->pod->unexpected, unexpected + 1);
			assert_state(t, "s", before);
			assert_int_equal(t->actions.count, 0);
		}
		drop(t);
	}
}

static void unknown_probes_and_hooks(void **state)
{
	(void)state;
	for (int i = 0; i < PROCESS_STATE_COUNT; i++) {
		for (int number = 0; number < 250; number += 5) {
			struct story *t = reach((enum process_state)i);
			const struct event probe_event = {.type = EVENT_PROBED,
				.process = index_of(t, "s"),
				.probe = (uint8_t)(PROBE_COUNT + number)};
			const struct event hook_event = {.type = EVENT_HOOK_DONE,
				.process = index_of(t, "s"),
				.hook = (uint8_t)(HOOK_COUNT + number)};
			int before = process(t, "s")->state;
			step(t, &probe_event);
			step(t, &hook_event);
			assert_state(t, "s", before);
			drop(t);
		}
	}
}

/* A probe or a hook that the process does not have. */
static void results_of_nothing(void **state)
{
	(void)state;
	struct story *t = story(MAIN("m"));
	comes_up(t, "m");
	for (int i = 0; i < PROBE_COUNT; i++)
		step(t,
			&(struct event){.type = EVENT_PROBED,
				.probe = (uint8_t)i,
				.result = PROBE_FAILURE});
	hook_done(t, "m", HOOK_POST_START, false);
	hook_done(t, "m", HOOK_PRE_STOP, false);
	assert_state(t, "m", PROCESS_RUNNING);
	assert_int_equal(t->pod->unexpected, 3);
	end(t);
}

static void nothing_before_boot(void **state)
{
	(void)state;
	struct story *t = story_empty();
	spec_finish(&t->spec);
	good_spec(&t->spec, MAIN("m"));
	t->pod = malloc(pod_size(&t->spec));
	t->actions.max = pod_action_max(&t->spec);
	t->actions.items = malloc(sizeof(struct action) * (size_t)t->actions.max);
	pod_init(t->pod, &t->spec);
	assert_true(pod_next_deadline(t->pod) == NEVER);
	signalled(t, 15);
	step(t, &(struct event){.type = EVENT_TICK});
	drained(t);
	assert_int_equal(t->pod->unexpected, 3);
	expect_nothing(t);
	step(t, &(struct event){.type = EVENT_BOOT});
	expect_spawn(t, "m");
	end(t);
}

/* Nothing happens after the end. */
static void nothing_after_the_end(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("m"));
	comes_up(t, "m");
	exits(t, "m", 0);
	expect_end(t, 0);
	size_t size = pod_size(&t->spec);
	struct pod *before = malloc(size);
	memcpy(before, t->pod, size);
	for (int i = 0; i < STIMULUS_COUNT; i++) {
		step(t, &EVENTS[i]);
		assert_int_equal(t->actions.count, 0);
	}
	signalled(t, 15);
	drained(t);
	assert_memory_equal(before, t->pod, size);
	assert_true(pod_next_deadline(t->pod) == NEVER);
	free(before);
	end(t);
}

/* The state is one flat block: a copy goes on like the original. */
static void a_copy_goes_on(void **state)
{
	(void)state;
	for (int i = 0; i < PROCESS_STATE_COUNT; i++) {
		struct story *t = reach((enum process_state)i);
		size_t size = pod_size(&t->spec);
		struct pod *copy = malloc(size), *original = t->pod;
		memcpy(copy, original, size);
		signalled(t, 15);
		int actions = t->actions.count;
		t->pod = copy;
		signalled(t, 15);
		assert_int_equal(t->actions.count, actions);
		assert_memory_equal(copy, original, size);
		free(original);
		drop(t);
	}
}

int test_process(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_is_reached),
		cmocka_unit_test(every_cell),
		cmocka_unit_test(nonsense_is_counted),
		cmocka_unit_test(unknown_probes_and_hooks),
		cmocka_unit_test(results_of_nothing),
		cmocka_unit_test(nothing_before_boot),
		cmocka_unit_test(nothing_after_the_end),
		cmocka_unit_test(a_copy_goes_on),
	};
	return UNIT_RUN("process", tests);
}
