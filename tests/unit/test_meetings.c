/* Features that meet: what the simulator found where two of them come together. */
#include "unit.h"

#define ALL_AGAIN(code) "restartPolicy = Always\nrestartPolicyRules = RestartAllContainers In " code "\n"

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

int test_meetings(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_again_during_post_stop),
		cmocka_unit_test(all_again_during_a_restart),
	};
	return UNIT_RUN("meetings", tests);
}
