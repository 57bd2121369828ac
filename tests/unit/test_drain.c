/* What the processes left behind at the end of the pod: asked, then killed, within the grace and two
 * seconds; and what does not die of that is given up. */
#include "unit.h"

#define GRACED(seconds)                                                                            \
	"[pod]\nrestartPolicy = Never\nterminationGracePeriodSeconds = " seconds "\n"

static void leftovers_get_the_rest_of_the_grace(void **state)
{
	(void)state;
	struct story *t = story(GRACED("30") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 2 * S);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_drain(t, 15);
	at(t, 30 * S - 1);
	expect_nothing(t);
	at(t, 30 * S);
	expect_drain(t, 9);
	at(t, 30 * S + 50 * MS);
	expect_drain(t, 9); /* and again, until none is left */
	drained(t);
	assert_true(t->finished);
	assert_int_equal(t->exit_code, 0);
	end(t);
}

static void leftovers_get_two_seconds_at_least(void **state)
{
	(void)state;
	struct story *t = story(GRACED("10") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 9 * S);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_drain(t, 15);
	at(t, 11 * S - 1);
	expect_nothing(t);
	at(t, 11 * S);
	expect_drain(t, 9);
	drop(t);
}

/* Never more than the grace and two seconds in all. */
static void leftovers_of_a_killed_main(void **state)
{
	(void)state;
	struct story *t = story(GRACED("10") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 10 * S);
	expect_kill_tree(t, "m");
	at(t, 11 * S);
	dies(t, "m", 9);
	expect_group_signal(t, "m", 15);
	expect_drain(t, 15);
	at(t, 12 * S - 1);
	expect_nothing(t);
	at(t, 12 * S);
	expect_drain(t, 9);
	drop(t);
}

static void completion_drains_too(void **state)
{
	(void)state;
	struct story *t = story(GRACED("7") MAIN("m"));
	comes_up(t, "m");
	at(t, 100 * S);
	exits(t, "m", 0);
	expect_drain(t, 15);
	assert_phase(t, "Succeeded");
	at(t, 107 * S - 1);
	expect_nothing(t);
	at(t, 107 * S);
	expect_drain(t, 9);
	drained(t);
	assert_int_equal(t->exit_code, 0);
	end(t);
}

/* What does not die of SIGKILL must not hold the pod for ever. */
static void stuck_leftovers_are_given_up(void **state)
{
	(void)state;
	struct story *t = story(GRACED("5") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	exits(t, "m", 0);
	t->queued = 0;
	at(t, 9 * S - 1);
	assert_false(t->finished);
	at(t, 9 * S);
	assert_true(t->finished);
	assert_int_equal(t->exit_code, 0);
	drop(t);
}

static void stuck_main_is_given_up(void **state)
{
	(void)state;
	struct story *t = story(GRACED("5") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 5 * S);
	expect_kill_tree(t, "m");
	at(t, 60 * S);
	assert_true(t->finished);
	assert_int_not_equal(t->exit_code, 0);
	drop(t);
}

/* "Succeeded and Failed are final. The exit code follows from the phase": podinit does not end as
 * Running. */
static void phase_is_final_at_the_end(void **state)
{
	(void)state;
	struct story *t = story(GRACED("5") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	at(t, 60 * S);
	assert_true(t->finished);
	assert_phase(t, "Failed");
	drop(t);
}

/* A sidecar's end never counts, also where it does not come. */
static void stuck_sidecar_does_not_count(void **state)
{
	(void)state;
	struct story *t = story(GRACED("5") SIDECAR("s") MAIN("m"));
	comes_up(t, "s");
	comes_up(t, "m");
	exits(t, "m", 0);
	at(t, 60 * S);
	assert_true(t->finished);
	assert_phase(t, "Succeeded");
	assert_int_equal(t->exit_code, 0);
	drop(t);
}

static void drained_too_early_is_nothing(void **state)
{
	(void)state;
	struct story *t = story(GRACED("5") MAIN("m"));
	comes_up(t, "m");
	drained(t);
	signalled(t, 15);
	drained(t);
	assert_false(t->finished);
	assert_state(t, "m", PROCESS_STOPPING);
	drop(t);
}

int test_drain(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leftovers_get_the_rest_of_the_grace),
		cmocka_unit_test(leftovers_get_two_seconds_at_least),
		cmocka_unit_test(leftovers_of_a_killed_main),
		cmocka_unit_test(completion_drains_too),
		cmocka_unit_test(stuck_leftovers_are_given_up),
		cmocka_unit_test(stuck_main_is_given_up),
		cmocka_unit_test(phase_is_final_at_the_end),
		cmocka_unit_test(stuck_sidecar_does_not_count),
		cmocka_unit_test(drained_too_early_is_nothing),
	};
	return UNIT_RUN("drain", tests);
}
