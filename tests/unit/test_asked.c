/* What podinit does when podctl asks it to end: any grace, and signals beside it. */
#include "unit.h"

static void asked_with_a_grace(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	asked_to_stop(t, 7 * S);
	expect_signal(t, "m", 15);
	assert_int_equal(told(t, NOTICE_STOPPING, NULL)->cause, STOP_ASKED);
	/* a longer grace is no reason to wait longer, a shorter one is one to hurry */
	asked_to_stop(t, 60 * S);
	at(t, 1 * S);
	asked_to_stop(t, 4 * S);
	at(t, 5 * S - 1);
	expect_nothing(t);
	at(t, 5 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	end(t);
}

static void asked_with_a_longer_grace(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	asked_to_stop(t, 100 * S);
	expect_signal(t, "m", 15);
	at(t, 100 * S - 1);
	expect_nothing(t);
	at(t, 100 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	end(t);
}

static void asked_without_a_grace(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") PRE_STOP);
	comes_up(t, "m");
	asked_to_stop(t, 0);
	expect_signal(t, "m", 15);
	expect_drain(t, 15);
	at(t, 2 * S - 1);
	expect_nothing(t);
	at(t, 2 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 9);
	end(t);
	t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	asked_to_stop(t, -1); /* the pod's own */
	expect_signal(t, "m", 15);
	at(t, 30 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	end(t);
}

/* The longest grace there is does not overflow. */
static void asked_with_a_huge_grace(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") SIDECAR("s") MAIN("m") PRE_STOP);
	comes_up(t, "s");
	comes_up(t, "m");
	asked_to_stop(t, INT64_MAX);
	expect_hook(t, "m", HOOK_PRE_STOP);
	at(t, INT64_C(100000) * S);
	expect_nothing(t);
	hook_done(t, "m", HOOK_PRE_STOP, true);
	expect_signal(t, "m", 15);
	signalled(t, 15); /* the first one: the pod's own grace */
	at(t, INT64_C(100030) * S - 1);
	expect_nothing(t);
	at(t, INT64_C(100030) * S);
	expect_signal(t, "s", 15);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	end(t);
}

/* A first signal after `podctl shutdown` is no second one: it brings the pod's own grace, no less. */
static void first_signal_after_being_asked(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	asked_to_stop(t, -1);
	expect_signal(t, "m", 15);
	asked_to_stop(t, 100 * S);
	at(t, 5 * S);
	assert_int_equal(t->pod->stop_signals, 0);
	signalled(t, 2);
	assert_int_equal(t->pod->stop_signals, 1);
	at(t, 30 * S - 1);
	expect_nothing(t);
	at(t, 30 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	end(t);
	t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	asked_to_stop(t, 100 * S);
	expect_signal(t, "m", 15);
	at(t, 1 * S);
	signalled(t, 15);
	at(t, 20 * S);
	signalled(t, 1); /* no request at all */
	expect_group_signal(t, "m", 1);
	at(t, 31 * S - 1);
	expect_nothing(t);
	at(t, 31 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	end(t);
}

/* The second signal is the second one, also with a request between them. */
static void second_signal_after_being_asked(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	asked_to_stop(t, -1);
	at(t, 5 * S);
	asked_to_stop(t, -1);
	at(t, 10 * S);
	signalled(t, 2);
	assert_int_equal(t->pod->stop_signals, 2);
	at(t, 12 * S - 1);
	expect_nothing(t);
	at(t, 12 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	end(t);
}

int test_asked(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_with_a_grace),
		cmocka_unit_test(asked_with_a_longer_grace),
		cmocka_unit_test(asked_without_a_grace),
		cmocka_unit_test(asked_with_a_huge_grace),
		cmocka_unit_test(first_signal_after_being_asked),
		cmocka_unit_test(second_signal_after_being_asked),
	};
	return UNIT_RUN("asked", tests);
}
