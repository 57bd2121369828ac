/* What of an entrypoint can be set: which signals are passed on, as what and to whom; what ends the pod;
 * what becomes of leftovers; exit codes; the delay before the stop signal. */
#include "unit.h"

static struct story *runs(struct story *t)
{
	story_of(t);
	comes_up(t, "app");
	return t;
}

static void signals_are_passed_on_as_others(void **state)
{
	(void)state;
	struct story *t = story_entrypoint();
	t->spec.signal_map[1] = 3;
	t->spec.signal_map[10] = 0;
	runs(t);
	signalled(t, 1);
	expect_group_signal(t, "app", 3);
	signalled(t, 10);
	expect_nothing(t);
	signalled(t, 64);
	expect_group_signal(t, "app", 64);
	drop(t);
}

static void the_stop_signal_is_rewritten_too(void **state)
{
	(void)state;
	struct story *t = story_entrypoint();
	t->spec.signal_map[15] = 3;
	runs(t);
	signalled(t, 15);
	expect_group_signal(t, "app", 3);
	assert_int_equal(told(t, NOTICE_KILLING, "app")->signo, 3);
	exits(t, "app", 0);
	expect_end(t, 0);
	end(t);
}

static void a_dropped_stop_signal_stops_nothing(void **state)
{
	(void)state;
	struct story *t = story_entrypoint();
	t->spec.signal_map[15] = 0;
	runs(t);
	signalled(t, 15);
	expect_nothing(t);
	assert_false(t->pod->stopping);
	signalled(t, 2);
	expect_group_signal(t, "app", 2);
	assert_true(t->pod->stopping);
	drop(t);
}

static void a_single_child_gets_signals_alone(void **state)
{
	(void)state;
	struct story *t = story_entrypoint();
	t->spec.single_child = true;
	runs(t);
	signalled(t, 1);
	expect_signal(t, "app", 1);
	signalled(t, 15);
	expect_signal(t, "app", 15);
	/* its group is asked when it has ended, as in a pod */
	exits(t, "app", 0);
	expect_group_signal(t, "app", 15);
	expect_end(t, 0);
	end(t);
}

/* However often, and for however long: only the program decides when it ends. */
static void a_relay_never_kills(void **state)
{
	(void)state;
	struct story *t = story_entrypoint();
	t->spec.relay = true;
	t->spec.leftovers = LEFTOVERS_ABANDONED;
	runs(t);
	for (int i = 0; i < 3; i++) {
		signalled(t, 15);
		expect_group_signal(t, "app", 15);
		at(t, (i + 1) * 1000 * S);
		expect_nothing(t);
	}
	assert_true(pod_next_deadline(t->pod) == NEVER);
	exits(t, "app", 7);
	assert_true(t->finished);
	assert_int_equal(t->exit_code, 7);
	end(t);
}

static void a_group_that_is_signalled_is_not_waited_for(void **state)
{
	(void)state;
	for (int as = 0; as <= 15; as += 15) {
		struct story *t = story_entrypoint();
		t->spec.relay = true;
		t->spec.leftovers = LEFTOVERS_SIGNALLED;
		t->spec.signal_map[15] = (uint8_t)as;
		runs(t);
		exits(t, "app", 0);
		if (as)
			expect_group_signal(t, "app", as);
		assert_true(t->finished);
		assert_int_equal(t->exit_code, 0);
		end(t);
	}
}

static void exit_codes_become_0(void **state)
{
	(void)state;
	struct story *t = story_entrypoint();
	exit_codes_add(&t->spec.success_codes, 143);
	runs(t);
	signalled(t, 15);
	expect_group_signal(t, "app", 15);
	dies(t, "app", 15);
	expect_end(t, 0);
	end(t);
}

static void start_codes(void **state)
{
	static const struct {
		int error, code;
	} rows[] = {{2, 100}, {13, 101}, {8, 102}};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct story *t = story_entrypoint();
		t->spec.start_codes =
			(struct start_codes){.not_found = 100, .denied = 101, .other = 102};
		t->spec.leftovers = LEFTOVERS_ABANDONED;
		story_of(t);
		expect_spawn(t, "app");
		spawn_fails(t, "app", STAGE_EXEC, rows[i].error);
		assert_true(t->finished);
		assert_int_equal(t->exit_code, rows[i].code);
		end(t);
	}
}

static struct story *delayed(void)
{
	struct story *t = story_entrypoint();
	spec_set_drain_delay(&t->spec, 5 * S);
	runs(t);
	signalled(t, 15);
	expect_hook(t, "app", HOOK_PRE_STOP);
	expect_nothing(t);
	return t;
}

static void the_stop_signal_comes_after_the_delay(void **state)
{
	(void)state;
	struct story *t = delayed();
	at(t, 5 * S);
	hook_done(t, "app", HOOK_PRE_STOP, true);
	expect_group_signal(t, "app", 15);
	/* the delay is a part of the grace */
	at(t, 30 * S - 1);
	expect_nothing(t);
	at(t, 30 * S);
	expect_kill_tree(t, "app");
	drop(t);
}

static void a_second_signal_ends_the_delay(void **state)
{
	(void)state;
	struct story *t = delayed();
	at(t, 1 * S);
	signalled(t, 15);
	expect_cancel(t, "app", HOOK_PRE_STOP);
	expect_group_signal(t, "app", 15);
	expect_nothing(t);
	signalled(t, 15);
	expect_group_signal(t, "app", 15);
	drop(t);
}

static void other_signals_do_not_wait_for_the_delay(void **state)
{
	(void)state;
	struct story *t = delayed();
	signalled(t, 1);
	expect_group_signal(t, "app", 1);
	drop(t);
}

static void a_program_may_end_during_the_delay(void **state)
{
	(void)state;
	struct story *t = delayed();
	exits(t, "app", 0);
	expect_cancel(t, "app", HOOK_PRE_STOP);
	expect_group_signal(t, "app", 15);
	expect_end(t, 0);
	end(t);
}

int test_relay(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_passed_on_as_others),
		cmocka_unit_test(the_stop_signal_is_rewritten_too),
		cmocka_unit_test(a_dropped_stop_signal_stops_nothing),
		cmocka_unit_test(a_single_child_gets_signals_alone),
		cmocka_unit_test(a_relay_never_kills),
		cmocka_unit_test(a_group_that_is_signalled_is_not_waited_for),
		cmocka_unit_test(exit_codes_become_0),
		cmocka_unit_test(start_codes),
		cmocka_unit_test(the_stop_signal_comes_after_the_delay),
		cmocka_unit_test(a_second_signal_ends_the_delay),
		cmocka_unit_test(other_signals_do_not_wait_for_the_delay),
		cmocka_unit_test(a_program_may_end_during_the_delay),
	};
	return UNIT_RUN("relay", tests);
}
