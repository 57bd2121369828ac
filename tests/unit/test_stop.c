/* The end of the pod: order, one grace for all, preStop and turn. */
#include "unit.h"

#define GRACED(seconds)                                                                            \
	"[pod]\nrestartPolicy = Never\nterminationGracePeriodSeconds = " seconds "\n"

static void mains_then_sidecars_in_reverse(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") SIDECAR("a") SIDECAR("b") MAIN("m") MAIN("n"));
	comes_up(t, "a");
	comes_up(t, "b");
	comes_up(t, "m");
	comes_up(t, "n");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	expect_signal(t, "n", 15);
	expect_nothing(t);
	assert_state(t, "a", PROCESS_TURN);
	assert_state(t, "b", PROCESS_TURN);
	at(t, 1 * S);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_nothing(t);
	at(t, 2 * S);
	dies(t, "n", 15);
	expect_group_signal(t, "n", 15);
	expect_signal(t, "b", 15);
	expect_nothing(t);
	at(t, 3 * S);
	exits(t, "b", 0);
	expect_group_signal(t, "b", 15);
	expect_signal(t, "a", 15);
	exits(t, "a", 0);
	expect_group_signal(t, "a", 15);
	assert_phase(t, "Failed"); /* n ended with 143 */
	expect_end(t, 143);
	end(t);
}

static void no_pre_stop_and_sigterm_ignored(void **state)
{
	(void)state;
	struct story *t = story(GRACED("30") MAIN("m"));
	comes_up(t, "m");
	at(t, 100 * S);
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 130 * S - 1);
	expect_nothing(t);
	at(t, 130 * S);
	expect_kill_tree(t, "m"); /* at 30, no extension */
	expect_drain(t, 15);
	dies(t, "m", 9);
	expect_group_signal(t, "m", 15);
	expect_drained(t, 137);
	end(t);
}

/* e2e L124 */
static void pre_stop_that_hangs(void **state)
{
	(void)state;
	struct story *t = story(GRACED("30") MAIN("m") PRE_STOP);
	comes_up(t, "m");
	signalled(t, 15);
	expect_hook(t, "m", HOOK_PRE_STOP);
	at(t, 30 * S - 1);
	expect_nothing(t);
	at(t, 30 * S);
	expect_cancel(t, "m", HOOK_PRE_STOP);
	expect_signal(t, "m", 15);
	expect_drain(t, 15);
	assert_non_null(told(t, NOTICE_FAILED_PRE_STOP_HOOK, "m"));
	at(t, 32 * S - 1);
	expect_nothing(t);
	at(t, 32 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 9);
	end(t);
}

/* A preStop of `hook` until TERM, and when KILL comes. */
static void grace_split(const char *ini, int64_t hook, int64_t kill)
{
	struct story *t = story(ini);
	comes_up(t, "m");
	at(t, 50 * S);
	signalled(t, 15);
	expect_hook(t, "m", HOOK_PRE_STOP);
	at(t, 50 * S + hook);
	expect_nothing(t);
	hook_done(t, "m", HOOK_PRE_STOP, true);
	expect_signal(t, "m", 15);
	if (kill > t->spec.grace_ns) {
		at(t, 50 * S + t->spec.grace_ns - 1);
		expect_nothing(t);
		at(t, 50 * S + t->spec.grace_ns);
		expect_drain(t, 15);
	}
	at(t, 50 * S + kill - 1);
	expect_nothing(t);
	at(t, 50 * S + kill);
	expect_kill_tree(t, "m");
	if (kill == t->spec.grace_ns)
		expect_drain(t, 15);
	end(t);
}

/* Whatever the grace, there are two seconds between the stop signal and SIGKILL; and so it is told. */
static void no_grace_is_two_seconds(void **state)
{
	(void)state;
	struct story *t = story(GRACED("0") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	assert_true(told(t, NOTICE_KILLING, "m")->delay_ns == 2 * S);
	at(t, 2 * S - 1);
	assert_state(t, "m", PROCESS_STOPPING);
	at(t, 2 * S);
	assert_state(t, "m", PROCESS_KILLED);
	drop(t);
}

static void grace_is_one_budget(void **state)
{
	(void)state;
	grace_split(GRACED("5") MAIN("m") PRE_STOP, 2 * S, 5 * S);
	grace_split(GRACED("3") MAIN("m") PRE_STOP, 2500 * MS, 4500 * MS);
	grace_split(GRACED("5") MAIN("m") PRE_STOP, 4500 * MS, 6500 * MS); /* derived case b */
	grace_split(GRACED("30") MAIN("m") PRE_STOP, 0, 30 * S);
	grace_split(GRACED("30") MAIN("m") PRE_STOP, 29 * S, 31 * S);
	grace_split(GRACED("1") MAIN("m") PRE_STOP, 500 * MS, 2500 * MS);
}

static void no_grace(void **state)
{
	(void)state;
	struct story *t = story(GRACED("0") SIDECAR("s") PRE_STOP MAIN("m") PRE_STOP);
	comes_up(t, "s");
	comes_up(t, "m");
	signalled(t, 15);
	/* no preStop and no turn with grace 0: the stop signal, and two seconds */
	expect_signal(t, "m", 15);
	expect_signal(t, "s", 15);
	expect_drain(t, 15);
	at(t, 2 * S - 1);
	expect_nothing(t);
	at(t, 2 * S);
	expect_kill_tree(t, "s");
	expect_kill_tree(t, "m");
	expect_drain(t, 9);
	end(t);
}

/* Mains in file order, then the init entries in reverse: what is told, hooks, and with no grace the
 * stop signals, come in that order. */
static void mains_are_told_first(void **state)
{
	static const char *const order[] = {"m", "n", "b", "a"};
	(void)state;
	struct story *t = story(GRACED("0") SIDECAR("a") SIDECAR("b") INIT("i") MAIN("m"));
	comes_up(t, "a");
	comes_up(t, "b");
	comes_up(t, "i");
	signalled(t, 15);
	expect_signal(t, "i", 15);
	expect_signal(t, "b", 15);
	expect_signal(t, "a", 15);
	expect_drain(t, 15);
	end(t);
	t = story(GRACED("30") SIDECAR("a") PRE_STOP SIDECAR("b") PRE_STOP INIT("i") MAIN("m")
			PRE_STOP MAIN("n") PRE_STOP);
	comes_up(t, "a");
	comes_up(t, "b");
	comes_up(t, "i");
	exits(t, "i", 0);
	expect_kill_tree(t, "i");
	comes_up(t, "m");
	comes_up(t, "n");
	forget_told(t);
	signalled(t, 15);
	assert_int_equal(t->told[0].reason, NOTICE_STOPPING);
	assert_int_equal(t->told_count, 1 + COUNT(order));
	for (int i = 0; i < COUNT(order); i++) {
		expect_hook(t, order[i], HOOK_PRE_STOP);
		assert_int_equal(t->told[1 + i].reason, NOTICE_KILLING);
		assert_int_equal(t->told[1 + i].process, index_of(t, order[i]));
	}
	end(t);
}

static void negative_grace_is_one_second(void **state)
{
	(void)state;
	struct story *t = story(GRACED("-5") MAIN("m") PRE_STOP);
	comes_up(t, "m");
	signalled(t, 15);
	expect_hook(t, "m", HOOK_PRE_STOP);
	at(t, 1 * S);
	expect_cancel(t, "m", HOOK_PRE_STOP);
	expect_signal(t, "m", 15);
	expect_drain(t, 15);
	end(t);
}

/* A failed preStop is told, and changes nothing (e2e L129). */
static void failed_pre_stop(void **state)
{
	(void)state;
	struct story *t = story(GRACED("30") MAIN("m") PRE_STOP);
	comes_up(t, "m");
	signalled(t, 15);
	expect_hook(t, "m", HOOK_PRE_STOP);
	hook_done(t, "m", HOOK_PRE_STOP, false);
	assert_non_null(told(t, NOTICE_FAILED_PRE_STOP_HOOK, "m"));
	expect_signal(t, "m", 15);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_end(t, 0);
	end(t);
}

/* One that ends while its preStop runs. */
static void end_during_pre_stop(void **state)
{
	(void)state;
	struct story *t = story(GRACED("30") MAIN("m") PRE_STOP);
	comes_up(t, "m");
	signalled(t, 15);
	expect_hook(t, "m", HOOK_PRE_STOP);
	exits(t, "m", 4);
	expect_cancel(t, "m", HOOK_PRE_STOP);
	expect_group_signal(t, "m", 15);
	expect_end(t, 4);
	end(t);
}

/* All preStops run at once, also those of sidecars whose turn is far (e2e L125). */
static void pre_stops_run_together(void **state)
{
	(void)state;
	struct story *t = story(GRACED("30") SIDECAR("a") PRE_STOP SIDECAR("b") PRE_STOP MAIN("m"));
	comes_up(t, "a");
	comes_up(t, "b");
	comes_up(t, "m");
	exits(t, "m", 0);
	expect_hook(t, "b", HOOK_PRE_STOP);
	expect_hook(t, "a", HOOK_PRE_STOP);
	expect_nothing(t);
	at(t, 1 * S);
	hook_done(t, "a", HOOK_PRE_STOP, true); /* not its turn */
	expect_nothing(t);
	hook_done(t, "b", HOOK_PRE_STOP, true);
	expect_signal(t, "b", 15);
	exits(t, "b", 0);
	expect_group_signal(t, "b", 15);
	expect_signal(t, "a", 15);
	exits(t, "a", 0);
	expect_group_signal(t, "a", 15);
	expect_end(t, 0);
	end(t);
}

/* The turn is given up when the grace is over: all that is left, together, two seconds later. */
static void turns_end_with_the_grace(void **state)
{
	(void)state;
	struct story *t = story(GRACED("10") SIDECAR("a") SIDECAR("b") MAIN("m") PRE_STOP);
	comes_up(t, "a");
	comes_up(t, "b");
	comes_up(t, "m");
	signalled(t, 15);
	expect_hook(t, "m", HOOK_PRE_STOP);
	at(t, 10 * S);
	expect_signal(t, "a", 15);
	expect_signal(t, "b", 15);
	expect_cancel(t, "m", HOOK_PRE_STOP);
	expect_signal(t, "m", 15);
	expect_drain(t, 15);
	at(t, 12 * S - 1);
	expect_nothing(t);
	at(t, 12 * S);
	expect_kill_tree(t, "a");
	expect_kill_tree(t, "b");
	expect_kill_tree(t, "m");
	expect_drain(t, 9);
	end(t);
}

/* A sidecar whose turn comes late has what is left, but two seconds. */
static void late_turn(void **state)
{
	(void)state;
	struct story *t = story(GRACED("10") SIDECAR("a") SIDECAR("b") MAIN("m"));
	comes_up(t, "a");
	comes_up(t, "b");
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 4 * S);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_signal(t, "b", 15);
	at(t, 9 * S);
	exits(t, "b", 0);
	expect_group_signal(t, "b", 15);
	expect_signal(t, "a", 15);
	at(t, 10 * S);
	expect_drain(t, 15);
	at(t, 11 * S - 1);
	expect_nothing(t);
	at(t, 11 * S);
	expect_kill_tree(t, "a");
	end(t);
}

/* Derived case c: one that dies before its turn is not restarted, and blocks nobody. */
static void sidecar_dies_before_its_turn(void **state)
{
	(void)state;
	struct story *t = story(GRACED("30") SIDECAR("a") SIDECAR("b") SIDECAR("c") MAIN("m"));
	comes_up(t, "a");
	comes_up(t, "b");
	comes_up(t, "c");
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	exits(t, "b", 1);
	expect_group_signal(t, "b", 15);
	expect_nothing(t);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_signal(t, "c", 15);
	exits(t, "c", 0);
	expect_group_signal(t, "c", 15);
	expect_signal(t, "a", 15);
	exits(t, "a", 0);
	expect_group_signal(t, "a", 15);
	expect_end(t, 0);
	end(t);
}

/* "A regular init waits for nobody and nobody waits for it." */
static void init_is_stopped_beside_sidecars(void **state)
{
	(void)state;
	struct story *t = story(GRACED("30") SIDECAR("s") INIT("i") MAIN("m"));
	comes_up(t, "s");
	comes_up(t, "i");
	signalled(t, 15);
	expect_signal(t, "i", 15);
	expect_signal(t, "s", 15); /* no main runs, no sidecar behind it */
	exits(t, "s", 0);
	expect_group_signal(t, "s", 15);
	dies(t, "i", 15);
	expect_group_signal(t, "i", 15);
	expect_end(t, 143);
	end(t);
}

int test_stop(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mains_then_sidecars_in_reverse),
		cmocka_unit_test(no_pre_stop_and_sigterm_ignored),
		cmocka_unit_test(pre_stop_that_hangs),
		cmocka_unit_test(no_grace_is_two_seconds),
		cmocka_unit_test(grace_is_one_budget),
		cmocka_unit_test(no_grace),
		cmocka_unit_test(mains_are_told_first),
		cmocka_unit_test(negative_grace_is_one_second),
		cmocka_unit_test(failed_pre_stop),
		cmocka_unit_test(end_during_pre_stop),
		cmocka_unit_test(pre_stops_run_together),
		cmocka_unit_test(turns_end_with_the_grace),
		cmocka_unit_test(late_turn),
		cmocka_unit_test(sidecar_dies_before_its_turn),
		cmocka_unit_test(init_is_stopped_beside_sidecars),
	};
	return UNIT_RUN("stop", tests);
}
