/* What podinit does when it is signalled: the end in order, sooner when signalled again, the other
 * signals to the mains. */
#include "unit.h"

#define SIDECAR_AND_MAIN POLICY("Always") SIDECAR("s") MAIN("m")

static void second_signal_shortens(void **state)
{
	(void)state;
	struct story *t = story(SIDECAR_AND_MAIN);
	comes_up(t, "s");
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 5 * S);
	signalled(t, 2);
	expect_nothing(t);
	at(t, 7 * S - 1);
	expect_nothing(t);
	at(t, 7 * S);
	expect_signal(t, "s", 15);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	at(t, 9 * S - 1);
	expect_nothing(t);
	at(t, 9 * S);
	expect_kill_tree(t, "s");
	expect_drain(t, 9);
	end(t);
}

/* A third one gives no more time, and none less. */
static void third_signal_changes_nothing(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 1 * S);
	signalled(t, 15);
	at(t, 2 * S);
	signalled(t, 15);
	at(t, 3 * S - 1);
	expect_nothing(t);
	at(t, 3 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	end(t);
}

static void second_signal_with_a_shorter_grace(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") GRACE("1") MAIN("m") PRE_STOP);
	comes_up(t, "m");
	signalled(t, 15);
	expect_hook(t, "m", HOOK_PRE_STOP);
	at(t, 500 * MS);
	signalled(t, 15);
	expect_nothing(t);
	at(t, 1 * S);
	expect_cancel(t, "m", HOOK_PRE_STOP);
	expect_signal(t, "m", 15);
	expect_drain(t, 15);
	end(t);
}

static void second_signal_during_pre_stop(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") PRE_STOP);
	comes_up(t, "m");
	signalled(t, 15);
	expect_hook(t, "m", HOOK_PRE_STOP);
	at(t, 10 * S);
	signalled(t, 15);
	expect_nothing(t);
	at(t, 12 * S);
	expect_cancel(t, "m", HOOK_PRE_STOP);
	expect_signal(t, "m", 15);
	expect_drain(t, 15);
	at(t, 14 * S - 1);
	expect_nothing(t);
	at(t, 14 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 9);
	end(t);
}

static void second_signal_while_draining(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	exits(t, "m", 0);
	t->queued = 0;
	at(t, 5 * S);
	signalled(t, 15);
	at(t, 7 * S - 1);
	expect_nothing(t);
	at(t, 7 * S);
	expect_drain(t, 9);
	drop(t);
}

/* The first signal while the pod is completing is the first: it does not hurry what runs. */
static void first_signal_while_completing(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") MAIN("m"));
	comes_up(t, "s");
	comes_up(t, "m");
	exits(t, "m", 0);
	expect_signal(t, "s", 15);
	at(t, 5 * S);
	signalled(t, 15);
	at(t, 30 * S - 1);
	expect_nothing(t);
	at(t, 30 * S);
	expect_kill_tree(t, "s");
	expect_drain(t, 15);
	dies(t, "s", 9);
	expect_group_signal(t, "s", 15);
	expect_drained(t, 0);
	end(t);
}

/* As many as may come: they are counted up to a bound, and stay second ones. */
static void many_signals(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	for (int i = 0; i < 1000; i++)
		signalled(t, 15);
	assert_int_equal(t->pod->stop_signals, UINT8_MAX);
	expect_signal(t, "m", 15);
	at(t, 2 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	end(t);
}

/* SIGTERM at every step of a start: nothing starts after it, and all is over. */
static void signal_at_any_moment(void **state)
{
	(void)state;
	for (int moment = 0; moment <= 9; moment++) {
		struct story *t = story(POLICY("Always") INIT("i") SIDECAR("s")
				STARTUP POST_START MAIN("m") POST_START);
		static const char *const names[] = {"i", "s", "m"};
		if (moment > 0)
			spawned(t, "i");
		if (moment > 1)
			exits(t, "i", 0);
		if (moment > 2)
			spawned(t, "s");
		if (moment > 3)
			hook_done(t, "s", HOOK_POST_START, true);
		if (moment > 4)
			probe(t, "s", PROBE_STARTUP, true);
		if (moment > 5)
			spawned(t, "m");
		if (moment > 6)
			hook_done(t, "m", HOOK_POST_START, true);
		if (moment > 7)
			exits(t, "m", 1);
		if (moment > 8)
			at(t, 1 * S);
		signalled(t, 15);
		assert_int_equal(t->pod->stopping, STOP_SIGNAL);
		for (int i = 2; i >= 0; i--) {
			if (process(t, names[i])->state == PROCESS_ABORTING)
				spawn_fails(t, names[i], STAGE_ABORTED, 0);
			if (process_is_alive(process(t, names[i])))
				dies(t, names[i], 15);
		}
		drained(t);
		assert_true(t->finished);
		assert_true(t->now == t->start + (moment > 8 ? S : 0));
		assert_phase(t, "Failed");
		assert_int_equal(t->exit_code, moment > 7 ? 1 : 143);
		drop(t);
	}
}

/* Derived case a: a postStart that hangs holds the next one up, not the end. */
static void signal_during_post_start(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("a") POST_START PRE_STOP MAIN("b"));
	comes_up(t, "a");
	expect_hook(t, "a", HOOK_POST_START);
	at(t, 500 * S);
	expect_nothing(t);
	signalled(t, 15);
	expect_cancel(t, "a", HOOK_POST_START);
	expect_hook(t, "a", HOOK_PRE_STOP);
	hook_done(t, "a", HOOK_PRE_STOP, true);
	expect_signal(t, "a", 15);
	dies(t, "a", 15);
	expect_group_signal(t, "a", 15);
	expect_end(t, 143);
	assert_state(t, "b", PROCESS_NONE);
	end(t);
}

static void other_signals_go_to_the_mains(void **state)
{
	(void)state;
	struct story *t = story(
		POLICY("OnFailure") INIT("i") SIDECAR("s") MAIN("m") MAIN("n") MAIN("o") MAIN("p"));
	comes_up(t, "i");
	signalled(t, 1); /* there is no main yet */
	exits(t, "i", 0);
	expect_kill_tree(t, "i");
	comes_up(t, "s");
	comes_up(t, "m");
	comes_up(t, "n");
	comes_up(t, "o");
	expect_spawn(t, "p");
	exits(t, "n", 0);
	expect_kill_tree(t, "n");
	static const int signals[] = {1, 3, 10, 12, 28, 34, 64, 13, 14, 17, 18};
	for (int i = 0; i < COUNT(signals); i++) {
		signalled(t, signals[i]);
		expect_group_signal(t, "m", signals[i]);
		expect_group_signal(t, "o", signals[i]);
		expect_nothing(t);
	}
	assert_int_equal(t->pod->stopping, STOP_NONE);
	end(t);
}

static void stop_signal_of_a_process(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") "lifecycle.stopSignal = QUIT\n" MAIN(
		"n") "lifecycle.stopSignal = RTMIN+3\n");
	comes_up(t, "m");
	comes_up(t, "n");
	signalled(t, 2); /* SIGINT is a request like SIGTERM */
	expect_signal(t, "m", 3);
	expect_signal(t, "n", 37);
	assert_int_equal(told(t, NOTICE_KILLING, "m")->signo, 3);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 3);
	drop(t);
}

int test_signals(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_signal_shortens),
		cmocka_unit_test(third_signal_changes_nothing),
		cmocka_unit_test(second_signal_with_a_shorter_grace),
		cmocka_unit_test(second_signal_during_pre_stop),
		cmocka_unit_test(second_signal_while_draining),
		cmocka_unit_test(first_signal_while_completing),
		cmocka_unit_test(many_signals),
		cmocka_unit_test(signal_at_any_moment),
		cmocka_unit_test(signal_during_post_start),
		cmocka_unit_test(other_signals_go_to_the_mains),
		cmocka_unit_test(stop_signal_of_a_process),
	};
	return UNIT_RUN("signals", tests);
}
