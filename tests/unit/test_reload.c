/* EVENT_CHANGED: what a process reads has changed. A signal or a hook says so to it; one that has neither starts
 * again. */
#include "unit.h"

#define RELOAD_SIGNAL "lifecycle.reload.signal = SIGHUP\n"

/* It is told to start again, and does so. */
static void starts_again(struct story *t, const char *name)
{
	expect_signal(t, name, 15);
	exits(t, name, 0);
	expect_kill_tree(t, name);
	comes_up(t, name);
}

static void by_signal(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") RELOAD_SIGNAL MAIN("m") RELOAD_SIGNAL);
	comes_up(t, "s");
	comes_up(t, "m");
	changed(t, "m");
	assert_int_equal(told(t, NOTICE_RELOADING, "m")->signo, 1);
	expect_signal(t, "m", 1);
	changed(t, "m"); /* each time */
	expect_signal(t, "m", 1);
	changed(t, "s");
	expect_signal(t, "s", 1);
	assert_state(t, "m", PROCESS_RUNNING);
	assert_int_equal(process_restart_count(process(t, "m")), 0);
	at(t, 1000 * S);
	end(t);
}

/* One hook at a time; whatever changed meanwhile is one more. */
static void by_hook(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") RELOAD);
	comes_up(t, "m");
	changed(t, "m");
	expect_hook(t, "m", HOOK_RELOAD);
	at(t, 1 * S);
	changed(t, "m");
	at(t, 2 * S);
	changed(t, "m");
	changed(t, "m");
	expect_nothing(t);
	assert_int_equal(told_times(t, NOTICE_RELOADING, "m"), 1);
	hook_done(t, "m", HOOK_RELOAD, true);
	expect_hook(t, "m", HOOK_RELOAD);
	assert_int_equal(told_times(t, NOTICE_RELOADING, "m"), 2);
	hook_done(t, "m", HOOK_RELOAD, true);
	expect_nothing(t);
	hook_done(t, "m", HOOK_RELOAD, true); /* of nothing */
	expect_nothing(t);
	changed(t, "m");
	expect_hook(t, "m", HOOK_RELOAD);
	assert_null(told(t, NOTICE_FAILED_RELOAD_HOOK, "m"));
	end(t);
}

/* It goes on with what it read before. */
static void failed_hook(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") RELOAD);
	comes_up(t, "m");
	changed(t, "m");
	expect_hook(t, "m", HOOK_RELOAD);
	changed(t, "m");
	hook_done(t, "m", HOOK_RELOAD, false);
	assert_non_null(told(t, NOTICE_FAILED_RELOAD_HOOK, "m"));
	expect_hook(t, "m", HOOK_RELOAD);
	hook_done(t, "m", HOOK_RELOAD, true);
	assert_int_equal(told_times(t, NOTICE_FAILED_RELOAD_HOOK, "m"), 1);
	assert_state(t, "m", PROCESS_RUNNING);
	end(t);
}

/* Neither signal nor hook: another instance, with preStop and grace, whatever the policy, and at once. */
static void by_restart(void **state)
{
	static const char *const policies[] = {"Always", "OnFailure", "Never"};
	(void)state;
	for (int i = 0; i < COUNT(policies); i++) {
		struct text ini = {0};
		text_add(&ini, POLICY("Never") MAIN("m") PRE_STOP "restartPolicy = %s\n",
			policies[i]);
		struct story *t = story(ini.data);
		text_finish(&ini);
		comes_up(t, "m");
		for (int k = 0; k < 4; k++) {
			changed(t, "m");
			assert_int_equal(told(t, NOTICE_KILLING, "m")->cause, STOP_CHANGED);
			expect_hook(t, "m", HOOK_PRE_STOP);
			hook_done(t, "m", HOOK_PRE_STOP, true);
			starts_again(t, "m");
		}
		assert_null(told(t, NOTICE_BACK_OFF, "m"));
		assert_int_equal(process_restart_count(process(t, "m")), 4);
		assert_phase(t, "Running");
		end(t);
	}
}

static void restart_has_the_grace(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") GRACE("7") MAIN("m"));
	comes_up(t, "m");
	changed(t, "m");
	expect_signal(t, "m", 15);
	at(t, 7 * S - 1);
	expect_nothing(t);
	changed(t, "m"); /* the next instance reads it anyway */
	expect_nothing(t);
	at(t, 7 * S);
	expect_kill_tree(t, "m");
	dies(t, "m", 9);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	at(t, 100 * S);
	end(t);
}

/* It is another one: no crash of the one before counts. */
static void restart_forgets_the_backoff(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") "backoff.maxRestarts = 2\n");
	comes_up(t, "m");
	exits(t, "m", 1);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	exits(t, "m", 1);
	expect_kill_tree(t, "m");
	at(t, 10 * S);
	comes_up(t, "m");
	changed(t, "m"); /* and it is no restart that maxRestarts counts */
	starts_again(t, "m");
	assert_null(told(t, NOTICE_RESTART_LIMIT, "m"));
	exits(t, "m", 1);
	expect_kill_tree(t, "m");
	at(t, 10 * S);
	expect_nothing(t); /* that start was the first of a new row */
	at(t, 20 * S);
	comes_up(t, "m");
	assert_null(told(t, NOTICE_RESTART_LIMIT, "m"));
	exits(t, "m", 1);
	assert_non_null(told(t, NOTICE_RESTART_LIMIT, "m"));
	drop(t);
}

/* Neither rules nor onExit look at an end that podinit wanted. */
static void restart_is_no_end_of_its_own(void **state)
{
	(void)state;
	struct story *t =
		story(POLICY("Never") MAIN("m") "restartPolicy = Never\n"
						"restartPolicyRules = RestartAllContainers "
						"NotIn\n"
						"onExit = stop\n" MAIN("n"));
	comes_up(t, "m");
	comes_up(t, "n");
	changed(t, "m");
	starts_again(t, "m");
	expect_nothing(t);
	assert_int_equal(t->pod->stopping, STOP_NONE);
	end(t);
}

/* It is told once it runs, and only once. */
static void waits_for_post_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") POST_START RELOAD);
	comes_up(t, "m");
	expect_hook(t, "m", HOOK_POST_START);
	changed(t, "m");
	changed(t, "m");
	at(t, 3 * S);
	expect_nothing(t);
	assert_null(told(t, NOTICE_RELOADING, "m"));
	hook_done(t, "m", HOOK_POST_START, true);
	expect_hook(t, "m", HOOK_RELOAD);
	hook_done(t, "m", HOOK_RELOAD, true);
	end(t);
	t = story(POLICY("Always") MAIN("m") POST_START); /* likewise to start again */
	comes_up(t, "m");
	expect_hook(t, "m", HOOK_POST_START);
	changed(t, "m");
	expect_nothing(t);
	hook_done(t, "m", HOOK_POST_START, true);
	expect_signal(t, "m", 15);
	assert_int_equal(process(t, "m")->stop_cause, STOP_CHANGED);
	end(t);
}

/* A failed postStart starts it again anyway. */
static void lost_with_post_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") POST_START RELOAD);
	comes_up(t, "m");
	expect_hook(t, "m", HOOK_POST_START);
	changed(t, "m");
	hook_done(t, "m", HOOK_POST_START, false);
	starts_again(t, "m");
	expect_hook(t, "m", HOOK_POST_START);
	hook_done(t, "m", HOOK_POST_START, true);
	expect_nothing(t);
	end(t);
}

/* A daemon is told when it is there, not its program. */
static void waits_for_the_daemon(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") "daemon = true\n" RELOAD_SIGNAL);
	comes_up(t, "m");
	changed(t, "m");
	exits(t, "m", 0);
	expect_adopt(t, "m");
	changed(t, "m");
	expect_nothing(t);
	adopted(t, "m", 7);
	expect_signal(t, "m", 1);
	end(t);
}

/* Who does not run reads it when it starts. */
static void not_running(void **state)
{
	(void)state;
	struct story *t = story(POLICY("OnFailure") INIT("i") MAIN("m")
			RELOAD_SIGNAL PRE_START MAIN("n") RELOAD_SIGNAL);
	changed(t, "m"); /* NONE */
	comes_up(t, "i");
	exits(t, "i", 0);
	expect_kill_tree(t, "i");
	changed(t, "i"); /* EXITED */
	expect_hook(t, "m", HOOK_PRE_START);
	changed(t, "m"); /* PRE_START */
	hook_done(t, "m", HOOK_PRE_START, true);
	expect_spawn(t, "m");
	changed(t, "m"); /* SPAWNING */
	spawned(t, "m");
	comes_up(t, "n");
	for (int i = 0; i < 2; i++) {
		exits(t, "n", 1);
		expect_kill_tree(t, "n");
		if (i == 0)
			comes_up(t, "n");
	}
	changed(t, "n"); /* WAITING */
	expect_nothing(t);
	at(t, 10 * S);
	comes_up(t, "n");
	expect_nothing(t);
	assert_null(told(t, NOTICE_RELOADING, "m"));
	assert_null(told(t, NOTICE_RELOADING, "n"));
	assert_int_equal(t->pod->unexpected, 0);
	end(t);
}

/* Told to stop, it is told nothing else; and its reload is over with it. */
static void while_it_is_stopped(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") RELOAD PRE_STOP MAIN("n") RELOAD_SIGNAL);
	comes_up(t, "m");
	comes_up(t, "n");
	changed(t, "m");
	expect_hook(t, "m", HOOK_RELOAD);
	changed(t, "m");
	signalled(t, 15);
	expect_cancel(t, "m", HOOK_RELOAD);
	expect_hook(t, "m", HOOK_PRE_STOP);
	expect_signal(t, "n", 15);
	changed(t, "m");
	changed(t, "n");
	expect_nothing(t);
	hook_done(t, "m", HOOK_PRE_STOP, true);
	expect_signal(t, "m", 15);
	changed(t, "m");
	expect_nothing(t);
	assert_int_equal(told_times(t, NOTICE_RELOADING, "m"), 1);
	drop(t);
}

/* It ends in the middle of its reload: what comes of that, and what was wished, was of that instance. */
static void ends_in_its_reload(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") RELOAD);
	comes_up(t, "m");
	changed(t, "m");
	expect_hook(t, "m", HOOK_RELOAD);
	changed(t, "m");
	exits(t, "m", 1);
	expect_cancel(t, "m", HOOK_RELOAD);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	hook_done(t, "m", HOOK_RELOAD, false);
	expect_nothing(t);
	assert_null(told(t, NOTICE_FAILED_RELOAD_HOOK, "m"));
	changed(t, "m");
	expect_hook(t, "m", HOOK_RELOAD);
	end(t);
}

/* A sidecar starts again beside the mains, and a Started one holds nobody up. */
static void of_a_sidecar(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("a") SIDECAR("b") STARTUP MAIN("m"));
	comes_up(t, "a");
	comes_up(t, "b");
	changed(t, "a");
	expect_signal(t, "a", 15); /* no turn: only it ends */
	exits(t, "a", 0);
	expect_kill_tree(t, "a");
	comes_up(t, "a");
	probe(t, "b", PROBE_STARTUP, true);
	comes_up(t, "m");
	changed(t, "b");
	starts_again(t, "b");
	assert_phase(t, "Running");
	end(t);
}

int test_reload(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_signal),
		cmocka_unit_test(by_hook),
		cmocka_unit_test(failed_hook),
		cmocka_unit_test(by_restart),
		cmocka_unit_test(restart_has_the_grace),
		cmocka_unit_test(restart_forgets_the_backoff),
		cmocka_unit_test(restart_is_no_end_of_its_own),
		cmocka_unit_test(waits_for_post_start),
		cmocka_unit_test(lost_with_post_start),
		cmocka_unit_test(waits_for_the_daemon),
		cmocka_unit_test(not_running),
		cmocka_unit_test(while_it_is_stopped),
		cmocka_unit_test(ends_in_its_reload),
		cmocka_unit_test(of_a_sidecar),
	};
	return UNIT_RUN("reload", tests);
}
