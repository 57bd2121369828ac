/* postStart: the gate that it is for the next one, alone and with a startupProbe, and what its failure
 * or an end before its own does. */
#include "unit.h"

static void post_start_gates(void **state)
{
	(void)state;
	struct story *t =
		story(POLICY("Never") SIDECAR("s") POST_START MAIN("a") POST_START MAIN("b"));
	comes_up(t, "s");
	expect_hook(t, "s", HOOK_POST_START);
	at(t, 10 * S);
	expect_nothing(t);
	assert_false(process_is_started(&t->spec.processes[0], process(t, "s")));
	hook_done(t, "s", HOOK_POST_START, true);
	assert_true(process_is_started(&t->spec.processes[0], process(t, "s")));
	comes_up(t, "a");
	expect_hook(t, "a", HOOK_POST_START);
	expect_nothing(t); /* e2e L18: main b waits for the postStart of main a */
	hook_done(t, "a", HOOK_POST_START, true);
	comes_up(t, "b");
	assert_phase(t, "Running");
	end(t);
}

static void both_gate(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") POST_START STARTUP MAIN("m"));
	comes_up(t, "s");
	expect_hook(t, "s", HOOK_POST_START);
	hook_done(t, "s", HOOK_POST_START, true);
	expect_nothing(t);
	probe(t, "s", PROBE_STARTUP, true);
	expect_spawn(t, "m");
	end(t);
}

/* "postStart has returned AND startupProbe has succeeded": in either order. The probe's success is
 * told once, so forgetting it would hold the pod up for ever. */
static void probe_may_succeed_before_post_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") POST_START STARTUP MAIN("m"));
	comes_up(t, "s");
	expect_hook(t, "s", HOOK_POST_START);
	probe(t, "s", PROBE_STARTUP, true);
	expect_nothing(t);
	assert_false(process_is_started(&t->spec.processes[0], process(t, "s")));
	hook_done(t, "s", HOOK_POST_START, true);
	expect_spawn(t, "m");
	end(t);
}

static void failed_post_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("a") POST_START PRE_STOP MAIN("b"));
	comes_up(t, "a");
	expect_hook(t, "a", HOOK_POST_START);
	hook_done(t, "a", HOOK_POST_START, false);
	assert_non_null(told(t, NOTICE_FAILED_POST_START_HOOK, "a"));
	/* killed with the normal grace, preStop included; the next main starts */
	expect_hook(t, "a", HOOK_PRE_STOP);
	comes_up(t, "b");
	assert_int_equal(process(t, "a")->stop_cause, STOP_POST_START);
	hook_done(t, "a", HOOK_PRE_STOP, true);
	expect_signal(t, "a", 15);
	dies(t, "a", 15);
	expect_kill_tree(t, "a");
	comes_up(t, "a"); /* by plain policy */
	expect_hook(t, "a", HOOK_POST_START);
	end(t);
}

static void failed_post_start_under_never(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("m") POST_START);
	comes_up(t, "m");
	expect_hook(t, "m", HOOK_POST_START);
	hook_done(t, "m", HOOK_POST_START, false);
	expect_signal(t, "m", 15);
	dies(t, "m", 15);
	assert_phase(t, "Failed");
	expect_end(t, 143);
	end(t);
}

static void failed_post_start_of_a_sidecar(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") POST_START MAIN("m"));
	comes_up(t, "s");
	expect_hook(t, "s", HOOK_POST_START);
	hook_done(t, "s", HOOK_POST_START, false);
	expect_signal(t, "s", 15);
	expect_nothing(t); /* never Started: the gate stays shut */
	dies(t, "s", 15);
	expect_kill_tree(t, "s");
	comes_up(t, "s");
	expect_hook(t, "s", HOOK_POST_START);
	hook_done(t, "s", HOOK_POST_START, true);
	expect_spawn(t, "m");
	end(t);
}

/* The startupProbe fails for good while the postStart hook still runs. */
static void startup_failure_during_post_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") POST_START PRE_STOP STARTUP MAIN("m"));
	comes_up(t, "s");
	expect_hook(t, "s", HOOK_POST_START);
	probe(t, "s", PROBE_STARTUP, false);
	expect_cancel(t, "s", HOOK_POST_START);
	expect_hook(t, "s", HOOK_PRE_STOP);
	hook_done(t, "s", HOOK_PRE_STOP, true);
	expect_signal(t, "s", 15);
	dies(t, "s", 15);
	expect_kill_tree(t, "s");
	comes_up(t, "s");
	/* and nothing of the first instance counts for the second */
	expect_hook(t, "s", HOOK_POST_START);
	probe(t, "s", PROBE_STARTUP, true);
	expect_nothing(t);
	hook_done(t, "s", HOOK_POST_START, true);
	expect_spawn(t, "m");
	end(t);
}

/* It ends while its postStart runs: an end of its own, by its policy. */
static void end_during_post_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("OnFailure") MAIN("a") POST_START MAIN("b"));
	comes_up(t, "a");
	expect_hook(t, "a", HOOK_POST_START);
	exits(t, "a", 0);
	expect_cancel(t, "a", HOOK_POST_START);
	expect_kill_tree(t, "a");
	assert_state(t, "a", PROCESS_EXITED);
	comes_up(t, "b");
	exits(t, "b", 0);
	expect_end(t, 0);
	end(t);
}

/* "The API requires postStart to have finished before `started` can be true": a process that is
 * stopped before that never is, and so the pod does not become Ready by ending. */
static void unfinished_post_start_is_not_started(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") POST_START);
	comes_up(t, "m");
	expect_hook(t, "m", HOOK_POST_START);
	signalled(t, 15);
	assert_false(process_is_started(&t->spec.processes[0], process(t, "m")));
	assert_false(t->pod->conditions[CONDITION_READY]);
	drop(t);
	t = story(POLICY("Always") MAIN("m") POST_START);
	comes_up(t, "m");
	hook_done(t, "m", HOOK_POST_START, false);
	assert_false(process_is_started(&t->spec.processes[0], process(t, "m")));
	assert_false(t->pod->conditions[CONDITION_READY]);
	drop(t);
}

/* Only the startupProbe counts while postStart runs: liveness is not asked before both are over, and
 * a result that comes all the same changes nothing. */
static void liveness_during_post_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") SIDECAR("s")
			POST_START PRE_STOP STARTUP LIVENESS READINESS MAIN("m"));
	comes_up(t, "s");
	expect_hook(t, "s", HOOK_POST_START);
	forget_told(t);
	probe(t, "s", PROBE_LIVENESS, false);
	probe(t, "s", PROBE_LIVENESS, true);
	expect_nothing(t);
	assert_int_equal(t->told_count, 0);
	assert_state(t, "s", PROCESS_STARTING);
	assert_int_equal(t->pod->unexpected, 0);
	probe(t, "s", PROBE_STARTUP, true);
	probe(t, "s", PROBE_LIVENESS, false);
	expect_nothing(t);
	assert_state(t, "s", PROCESS_STARTING);
	hook_done(t, "s", HOOK_POST_START, true);
	expect_spawn(t, "m"); /* the success was not forgotten */
	probe(t, "s", PROBE_LIVENESS, false);
	expect_hook(t, "s", HOOK_PRE_STOP);
	end(t);
}

/* A startupProbe that failed is one kill: what comes after it, of hook or probe, changes nothing. */
static void late_results_after_a_startup_failure(void **state)
{
	(void)state;
	struct story *t =
		story(POLICY("Never") GRACE("10") SIDECAR("s") POST_START STARTUP MAIN("m"));
	comes_up(t, "s");
	expect_hook(t, "s", HOOK_POST_START);
	at(t, 3 * S);
	probe(t, "s", PROBE_STARTUP, false);
	expect_cancel(t, "s", HOOK_POST_START);
	expect_signal(t, "s", 15);
	assert_int_equal(told(t, NOTICE_UNHEALTHY, "s")->cause, STOP_STARTUP_PROBE);
	assert_int_equal(told(t, NOTICE_KILLING, "s")->cause, STOP_STARTUP_PROBE);
	forget_told(t);
	hook_done(t, "s", HOOK_POST_START, true);
	probe(t, "s", PROBE_STARTUP, true);
	probe(t, "s", PROBE_STARTUP, false);
	assert_int_equal(t->told_count, 0);
	at(t, 13 * S - 1);
	expect_nothing(t);
	assert_false(process_is_started(&t->spec.processes[0], process(t, "s")));
	at(t, 13 * S);
	expect_kill_tree(t, "s");
	end(t);
}

/* The last main ends while its postStart runs: what it left gets the grace, as it would otherwise. */
static void last_end_during_post_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a") MAIN("b") POST_START);
	comes_up(t, "a");
	comes_up(t, "b");
	expect_hook(t, "b", HOOK_POST_START);
	exits(t, "a", 0);
	expect_kill_tree(t, "a"); /* b runs */
	exits(t, "b", 0);
	expect_cancel(t, "b", HOOK_POST_START);
	expect_end(t, 0);
	end(t);
}

int test_hooks(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(post_start_gates),
		cmocka_unit_test(both_gate),
		cmocka_unit_test(probe_may_succeed_before_post_start),
		cmocka_unit_test(failed_post_start),
		cmocka_unit_test(failed_post_start_under_never),
		cmocka_unit_test(failed_post_start_of_a_sidecar),
		cmocka_unit_test(startup_failure_during_post_start),
		cmocka_unit_test(end_during_post_start),
		cmocka_unit_test(unfinished_post_start_is_not_started),
		cmocka_unit_test(liveness_during_post_start),
		cmocka_unit_test(late_results_after_a_startup_failure),
		cmocka_unit_test(last_end_during_post_start),
	};
	return UNIT_RUN("hooks", tests);
}
