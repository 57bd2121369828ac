/* Features that meet: what the simulator found where two of them come together. */
#include "unit.h"

#define ALL_AGAIN(code)                                                                            \
	"restartPolicy = Always\nrestartPolicyRules = RestartAllContainers In " code "\n"

/* One that would start again by itself waits for all, and does not hold the others up. */
static void all_again_during_post_stop(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("a") POST_STOP MAIN("b") ALL_AGAIN("42"));
	comes_up(t, "a");
	comes_up(t, "b");
	exits(t, "a", 1);
	expect_kill_tree(t, "a");
	expect_hook(t, "a", HOOK_POST_STOP);
	exits(t, "b", 42);
	expect_kill_tree(t, "b");
	expect_kill_tree(t, "b");
	expect_nothing(t);
	hook_done(t, "a", HOOK_POST_STOP, true);
	comes_up(t, "a"); /* with all of them: the first */
	comes_up(t, "b");
	assert_phase(t, "Running");
	assert_int_equal(process_restart_count(process(t, "a")), 1);
	assert_int_equal(process_restart_count(process(t, "b")), 1);
	assert_false(t->pod->conditions[CONDITION_ALL_RESTARTING]);
	end(t);
}

/* The same for one that is being stopped, to start again, for a reason of its own. */
static void all_again_during_a_restart(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("a") MAIN("b") ALL_AGAIN("42"));
	comes_up(t, "a");
	comes_up(t, "b");
	changed(t, "a");
	expect_signal(t, "a", 15);
	exits(t, "b", 42);
	expect_kill_tree(t, "b");
	expect_kill_tree(t, "b");
	assert_phase(t, "Pending");
	exits(t, "a", 0);
	expect_kill_tree(t, "a");
	comes_up(t, "a");
	comes_up(t, "b");
	assert_phase(t, "Running");
	end(t);
}

/* The end of the pod comes before that: what is left is asked, and not killed. */
static void end_of_the_pod_during_all_again(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("a") MAIN("b") ALL_AGAIN("42"));
	comes_up(t, "a");
	comes_up(t, "b");
	exits(t, "b", 42);
	expect_kill_tree(t, "b");
	expect_kill_tree(t, "b");
	expect_signal(t, "a", 15);
	signalled(t, 15);
	exits(t, "a", 0);
	expect_group_signal(t, "a", 15);
	expect_end(t, 42);
	end(t);
}

/* --- dependsOn --- */

/* Each of them depends on one that is written below it. */
static void given_up_in_a_row(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a") DEPENDS("b") MAIN("b") DEPENDS("c")
			MAIN("c") DEPENDS("d:completed") MAIN("d"));
	comes_up(t, "d");
	exits(t, "d", 1);
	assert_non_null(told(t, NOTICE_START_ERROR, "a"));
	assert_non_null(told(t, NOTICE_START_ERROR, "b"));
	assert_non_null(told(t, NOTICE_START_ERROR, "c"));
	assert_int_equal(t->pod->stopping, STOP_COMPLETED);
	drop(t);
}

static void given_up_with_on_exit(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a")
			MAIN("b") "onExit = stop\n" DEPENDS("c:completed") MAIN("c"));
	comes_up(t, "a");
	comes_up(t, "c");
	exits(t, "c", 1);
	assert_int_equal(t->pod->stopping, STOP_MAIN_ENDED);
	drop(t);
}

/* It has not run: so neither its rules nor its limits and delays are asked. */
static void given_up_for_good(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("a") "backoff.maxRestarts = 0\n" DEPENDS(
		"b:completed") MAIN("b") "restartPolicy = Never\n" MAIN("c"));
	comes_up(t, "b");
	comes_up(t, "c");
	exits(t, "b", 1);
	assert_non_null(told(t, NOTICE_START_ERROR, "a"));
	assert_null(told(t, NOTICE_RESTART_LIMIT, "a"));
	assert_null(told(t, NOTICE_BACK_OFF, "a"));
	drop(t);
}

/* --- a reload of the pod's file --- */

/* Who takes the place of what has ended is yet to come. */
static void nothing_is_final_during_a_reload(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a"));
	comes_up(t, "a");
	replaced(t, "a");
	expect_signal(t, "a", 15);
	exits(t, "a", 0);
	expect_kill_tree(t, "a");
	expect_replace(t);
	assert_phase(t, "Running");
	end(t);
	t = story(POLICY("Never") INIT("i") MAIN("a"));
	comes_up(t, "i");
	replaced(t, "i");
	expect_signal(t, "i", 15);
	dies(t, "i", 15);
	expect_kill_tree(t, "i");
	expect_replace(t);
	assert_phase(t, "Pending");
	end(t);
}

/* --- daemons --- */

/* No process has the number 0: not even one that is looked for. */
static void nobody_is_no_process(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a") "daemon = true\n");
	comes_up(t, "a");
	exits(t, "a", 0);
	expect_adopt(t, "a");
	exits(t, "a", 0);
	exits(t, "a", 1);
	adopted(t, "a", 0);
	adopted(t, "a", -1);
	assert_int_equal(t->pod->unexpected, 4);
	expect_nothing(t);
	adopted(t, "a", 7);
	adopted(t, "a", 0);
	assert_int_equal(process(t, "a")->pid, 7);
	assert_int_equal(t->pod->unexpected, 5);
	end(t);
}

int test_meetings(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_again_during_post_stop),
		cmocka_unit_test(all_again_during_a_restart),
		cmocka_unit_test(end_of_the_pod_during_all_again),
		cmocka_unit_test(given_up_in_a_row),
		cmocka_unit_test(given_up_with_on_exit),
		cmocka_unit_test(given_up_for_good),
		cmocka_unit_test(nothing_is_final_during_a_reload),
		cmocka_unit_test(nobody_is_no_process),
	};
	return UNIT_RUN("meetings", tests);
}
