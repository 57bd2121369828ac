/* How a pod starts and runs: inits one after the other, sidecars between them, mains when all is
 * ready; and what happens when one of them ends. */
#include "unit.h"

/* An init ends with 0: what it left behind goes with it. */
static void completes(struct story *t, const char *name)
{
	exits(t, name, 0);
	expect_kill_tree(t, name);
}

static void inits_one_after_the_other(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("m") INIT("a") INIT("b"));
	assert_phase(t, "Pending");
	expect_spawn(t, "a");
	expect_nothing(t);
	spawned(t, "a");
	expect_nothing(t);
	at(t, 1000 * S);
	expect_nothing(t);
	completes(t, "a");
	comes_up(t, "b");
	assert_phase(t, "Pending");
	assert_false(t->pod->conditions[CONDITION_INITIALIZED]);
	completes(t, "b");
	assert_true(t->pod->conditions[CONDITION_INITIALIZED]);
	assert_phase(t, "Pending");
	comes_up(t, "m");
	assert_phase(t, "Running");
	assert_true(t->pod->conditions[CONDITION_READY]);
	exits(t, "m", 0);
	expect_end(t, 0);
	assert_phase(t, "Succeeded");
	end(t);
}

static void init_failure_under_never(void **state)
{
	(void)state;
	struct story *t =
		story(POLICY("Never") SIDECAR("s") INIT("a") INIT("b") SIDECAR("r") MAIN("m"));
	comes_up(t, "s");
	comes_up(t, "a");
	exits(t, "a", 3);
	expect_kill_tree(t, "a");
	expect_signal(t, "s", 15); /* started already: stopped in the ordinary way */
	expect_nothing(t);
	assert_phase(t, "Pending");
	exits(t, "s", 0);
	expect_group_signal(t, "s", 15);
	assert_phase(t, "Failed");
	expect_end(t, 3);
	assert_state(t, "b", PROCESS_NONE);
	assert_state(t, "r", PROCESS_NONE);
	assert_state(t, "m", PROCESS_NONE);
	end(t);
}

/* e2e L15: no sidecar, and the pod's ending says why. */
static void init_failure_alone(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") INIT("a") MAIN("m"));
	comes_up(t, "a");
	exits(t, "a", 1);
	expect_kill_tree(t, "a");
	assert_phase(t, "Failed");
	assert_int_equal(told(t, NOTICE_STOPPING, NULL)->cause, STOP_INIT_FAILED);
	expect_end(t, 1);
	end(t);
}

static void init_failure_is_retried(const char *ini)
{
	struct story *t = story(ini);
	comes_up(t, "a");
	completes(t, "a");
	comes_up(t, "b");
	exits(t, "b", 1);
	expect_kill_tree(t, "b");
	comes_up(t, "b");
	assert_phase(t, "Pending");
	exits(t, "b", 1);
	expect_kill_tree(t, "b");
	assert_phase(t, "Pending");
	expect_nothing(t);
	at(t, 10 * S);
	comes_up(t, "b");
	completes(t, "b");
	comes_up(t, "m");
	assert_phase(t, "Running");
	/* those before it did not run again */
	assert_int_equal(process(t, "a")->instances, 1);
	assert_int_equal(process(t, "b")->instances, 3);
	end(t);
}

static void init_failure_under_other_policies(void **state)
{
	(void)state;
	init_failure_is_retried(POLICY("Always") INIT("a") INIT("b") MAIN("m"));
	init_failure_is_retried(POLICY("OnFailure") INIT("a") INIT("b") MAIN("m"));
	init_failure_is_retried(
		POLICY("Never") INIT("a") INIT("b") "restartPolicy = OnFailure\n" MAIN("m"));
}

/* An init that cannot be started is an init that failed. */
static void init_that_does_not_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") INIT("a") MAIN("m"));
	expect_spawn(t, "a");
	spawn_fails(t, "a", STAGE_EXEC, 2);
	assert_phase(t, "Failed");
	expect_end(t, 127);
	end(t);
	t = story(POLICY("Always") INIT("a") MAIN("m"));
	expect_spawn(t, "a");
	spawn_fails(t, "a", STAGE_EXEC, 13);
	expect_spawn(t, "a");
	spawn_fails(t, "a", STAGE_EXEC, 13);
	assert_phase(t, "Pending");
	at(t, 10 * S);
	expect_spawn(t, "a");
	end(t);
}

/* e2e L37..L43: [init-1, rinit-1, init-2, rinit-2, init-3], regular-1. */
static void sidecars_between_inits(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") INIT("i1") SIDECAR("s1") INIT("i2") SIDECAR("s2")
			INIT("i3") MAIN("m"));
	comes_up(t, "i1");
	expect_nothing(t);
	completes(t, "i1");
	comes_up(t, "s1"); /* Started as soon as it runs */
	comes_up(t, "i2");
	expect_nothing(t);
	completes(t, "i2");
	comes_up(t, "s2");
	comes_up(t, "i3");
	assert_phase(t, "Pending");
	completes(t, "i3");
	comes_up(t, "m");
	assert_phase(t, "Running");
	exits(t, "m", 0);
	/* completion: the last sidecar first */
	assert_phase(t, "Running");
	expect_signal(t, "s2", 15);
	expect_nothing(t);
	exits(t, "s2", 1);
	expect_group_signal(t, "s2", 15);
	expect_signal(t, "s1", 15);
	assert_phase(t, "Running");
	dies(t, "s1", 9);
	expect_group_signal(t, "s1", 15);
	assert_phase(t, "Succeeded"); /* their codes do not count */
	expect_end(t, 0);
	end(t);
}

/* A sidecar that dies does not stop a later init, and comes back beside it. */
static void sidecar_crash_during_init(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") INIT("i") MAIN("m"));
	comes_up(t, "s");
	comes_up(t, "i");
	exits(t, "s", 1);
	expect_kill_tree(t, "s");
	comes_up(t, "s");
	exits(t, "s", 0);
	expect_kill_tree(t, "s");
	expect_nothing(t);
	assert_state(t, "i", PROCESS_RUNNING);
	completes(t, "i");
	comes_up(t, "m"); /* it was Started once: the gate stays open */
	at(t, 10 * S);
	comes_up(t, "s");
	assert_phase(t, "Running");
	end(t);
}

/* "Restart of a sidecar after initialization never moves the phase back to Pending." */
static void sidecar_crash_while_running(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") STARTUP MAIN("m"));
	comes_up(t, "s");
	probe(t, "s", PROBE_STARTUP, true);
	comes_up(t, "m");
	assert_phase(t, "Running");
	assert_true(t->pod->conditions[CONDITION_READY]);
	exits(t, "s", 1);
	expect_kill_tree(t, "s");
	assert_phase(t, "Running");
	assert_false(t->pod->conditions[CONDITION_READY]);
	comes_up(t, "s");
	assert_phase(t, "Running");
	assert_false(t->pod->conditions[CONDITION_READY]);
	assert_false(process_is_started(&t->spec.processes[0], process(t, "s")));
	probe(t, "s", PROBE_STARTUP, true);
	assert_true(t->pod->conditions[CONDITION_READY]);
	end(t);
}

/* A sidecar that crashes before it is Started holds everything up, and the pod stays Pending. */
static void sidecar_that_never_gets_up(void **state)
{
	(void)state;
	struct story *t = story(POLICY("OnFailure") SIDECAR("s") STARTUP INIT("i") MAIN("m"));
	comes_up(t, "s");
	exits(t, "s", 1);
	expect_kill_tree(t, "s");
	comes_up(t, "s");
	exits(t, "s", 1);
	expect_kill_tree(t, "s");
	assert_phase(t, "Pending");
	at(t, 10 * S);
	comes_up(t, "s");
	expect_nothing(t);
	probe(t, "s", PROBE_STARTUP, true);
	expect_spawn(t, "i");
	end(t);
}

static void sidecar_that_does_not_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") MAIN("m"));
	expect_spawn(t, "s");
	spawn_fails(t, "s", STAGE_EXEC, 2);
	expect_spawn(t, "s");
	spawn_fails(t, "s", STAGE_EXEC, 2);
	expect_nothing(t);
	assert_phase(t, "Pending");
	at(t, 10 * S);
	comes_up(t, "s");
	comes_up(t, "m");
	end(t);
}

/* Mains in their order, each as soon as the one before it was made. */
static void mains_one_after_the_other(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a") MAIN("b") MAIN("c"));
	expect_spawn(t, "a");
	expect_nothing(t);
	spawned(t, "a");
	assert_phase(t, "Pending");
	expect_spawn(t, "b");
	/* "A start failure of a main does not stop the others." */
	spawn_fails(t, "b", STAGE_CHDIR, 2);
	comes_up(t, "c");
	assert_phase(t, "Running");
	exits(t, "a", 0);
	expect_kill_tree(t, "a");
	exits(t, "c", 0);
	expect_end(t, 126);
	assert_phase(t, "Failed");
	end(t);
}

/* One that ends before the next was made: the next is made all the same. */
static void main_that_ends_at_once(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a") MAIN("b"));
	comes_up(t, "a");
	exits(t, "a", 0);
	expect_spawn(t, "b");
	expect_kill_tree(t, "a");
	spawned(t, "b");
	assert_phase(t, "Running");
	exits(t, "b", 0);
	expect_end(t, 0);
	end(t);
}

static void main_in_backoff_keeps_the_pod_running(void **state)
{
	(void)state;
	struct story *t = story(POLICY("OnFailure") MAIN("a") MAIN("b"));
	comes_up(t, "a");
	comes_up(t, "b");
	exits(t, "b", 0);
	expect_kill_tree(t, "b");
	exits(t, "a", 1);
	expect_kill_tree(t, "a");
	assert_phase(t, "Running");
	comes_up(t, "a");
	exits(t, "a", 1);
	expect_kill_tree(t, "a");
	assert_phase(t, "Running");
	at(t, 10 * S);
	comes_up(t, "a");
	exits(t, "a", 0);
	expect_end(t, 0);
	assert_phase(t, "Succeeded");
	end(t);
}

/* e2e T2: exit 1, then 0, under OnFailure. */
static void second_try_succeeds(void **state)
{
	(void)state;
	struct story *t = story(POLICY("OnFailure") MAIN("m"));
	comes_up(t, "m");
	exits(t, "m", 1);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	exits(t, "m", 0);
	assert_int_equal(process_restart_count(process(t, "m")), 1);
	assert_false(t->pod->conditions[CONDITION_READY]);
	expect_end(t, 0);
	end(t);
}

static void pause_holds(void **state)
{
	(void)state;
	struct story *t = story_empty();
	struct problems problems = {0};
	spec_pause(&t->spec);
	spec_check(&t->spec, &problems);
	assert_int_equal(problems.count, 0);
	story_of(t);
	assert_phase(t, "Running");
	assert_true(pod_next_deadline(t->pod) == NEVER);
	at(t, 100000 * S);
	signalled(t, 1);
	signalled(t, 10);
	expect_nothing(t);
	assert_phase(t, "Running");
	signalled(t, 15);
	expect_end(t, 0);
	assert_phase(t, "Succeeded");
	end(t);
}

/* A pod that waits for nothing has no deadline. */
static void waits_for_nothing(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") SIDECAR("s") MAIN("m"));
	assert_true(pod_next_deadline(t->pod) == NEVER);
	comes_up(t, "s");
	assert_true(pod_next_deadline(t->pod) == NEVER);
	comes_up(t, "m");
	assert_true(pod_next_deadline(t->pod) == NEVER);
	at(t, INT64_C(1000000) * S);
	expect_nothing(t);
	end(t);
}

int test_pod(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inits_one_after_the_other),
		cmocka_unit_test(init_failure_under_never),
		cmocka_unit_test(init_failure_alone),
		cmocka_unit_test(init_failure_under_other_policies),
		cmocka_unit_test(init_that_does_not_start),
		cmocka_unit_test(sidecars_between_inits),
		cmocka_unit_test(sidecar_crash_during_init),
		cmocka_unit_test(sidecar_crash_while_running),
		cmocka_unit_test(sidecar_that_never_gets_up),
		cmocka_unit_test(sidecar_that_does_not_start),
		cmocka_unit_test(mains_one_after_the_other),
		cmocka_unit_test(main_that_ends_at_once),
		cmocka_unit_test(main_in_backoff_keeps_the_pod_running),
		cmocka_unit_test(second_try_succeeds),
		cmocka_unit_test(pause_holds),
		cmocka_unit_test(waits_for_nothing),
	};
	return UNIT_RUN("pod", tests);
}
