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

/* They are asked at the end of the grace at the latest, and once; so they have two seconds, and
 * nothing has more than the grace and two seconds in all. */
static void leftovers_of_a_killed_main(void **state)
{
	(void)state;
	struct story *t = story(GRACED("10") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 10 * S - 1);
	expect_nothing(t);
	at(t, 10 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	at(t, 11 * S);
	dies(t, "m", 9);
	expect_group_signal(t, "m", 15);
	at(t, 12 * S - 1);
	expect_nothing(t);
	at(t, 12 * S);
	expect_drain(t, 9);
	drained(t);
	assert_int_equal(t->exit_code, 137);
	end(t);
}

/* While the pod goes on all that a process leaves is killed at once: before it starts again, when it
 * ends for good, and with itself. At the end of the pod only its group is killed with it. */
static void who_is_killed_with_a_process(void **state)
{
	(void)state;
	struct story *t =
		story(GRACED("10") MAIN("m") LIVENESS "restartPolicy = Always\n" MAIN("n"));
	comes_up(t, "m");
	comes_up(t, "n");
	exits(t, "m", 1);
	assert_true(t->queue[0].all);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	probe(t, "m", PROBE_LIVENESS, false);
	expect_signal(t, "m", 15);
	at(t, 10 * S);
	assert_true(t->queue[0].all);
	expect_kill_tree(t, "m");
	dies(t, "m", 9);
	assert_true(t->queue[0].all);
	expect_kill_tree(t, "m");
	at(t, 20 * S);
	comes_up(t, "m");
	exits(t, "n", 0);
	assert_true(t->queue[0].all);
	expect_kill_tree(t, "n");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 30 * S);
	assert_false(t->queue[0].all);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	drop(t);
}

/* A main that ends at `ends` of a grace of 10 s: when what it left is killed. */
static void leftovers_are_killed(int64_t ends, int64_t kill)
{
	struct story *t = story(GRACED("10") MAIN("m"));
	comes_up(t, "m");
	at(t, 20 * S);
	signalled(t, 15);
	expect_signal(t, "m", 15);
	assert_true(t->pod->deadline == t->start + 30 * S); /* its own: the end of the grace */
	at(t, 20 * S + ends);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_drain(t, 15);
	assert_true(t->pod->deadline == t->start + 20 * S + kill);
	at(t, 20 * S + kill - 1);
	expect_nothing(t);
	at(t, 20 * S + kill);
	expect_drain(t, 9);
	end(t);
}

static void time_of_leftovers(void **state)
{
	(void)state;
	leftovers_are_killed(0, 10 * S);
	leftovers_are_killed(8 * S, 10 * S);
	leftovers_are_killed(8 * S + 1, 10 * S + 1);
	leftovers_are_killed(10 * S - 1, 12 * S - 1);
}

/* A step that comes late gives no more time: the grace and two seconds in all. */
static void late_steps(void **state)
{
	(void)state;
	struct story *t = story(GRACED("10") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	t->now = t->start + 11500 * MS;
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_drain(t, 15);
	assert_true(t->pod->deadline == t->start + 12 * S);
	at(t, 12 * S - 1);
	expect_nothing(t);
	at(t, 12 * S);
	expect_drain(t, 9);
	end(t);
	t = story(GRACED("10") MAIN("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	t->now = t->start + 13 * S;
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_drain(t, 15);
	expect_drain(t, 9);
	assert_true(t->pod->deadline == t->now + 50 * MS);
	end(t);
}

/* Killed again and again, until podinit is alone or gives up. */
static void leftovers_are_killed_again(void **state)
{
	(void)state;
	struct story *t = story(GRACED("3") MAIN("m"));
	comes_up(t, "m");
	asked_to_stop(t, 0);
	expect_signal(t, "m", 15);
	expect_drain(t, 15); /* there is no grace to wait for */
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	for (int64_t when = 2 * S; when < 4 * S; when += 50 * MS) {
		at(t, when - 1);
		expect_nothing(t);
		at(t, when);
		expect_drain(t, 9);
	}
	at(t, 4 * S - 1);
	assert_false(t->finished);
	at(t, 4 * S);
	assert_true(t->finished);
	assert_int_equal(t->exit_code, 0);
	end(t);
}

/* A shorter grace while draining: they get the new rest of it, but two seconds. */
static void shorter_grace_while_draining(void **state)
{
	static const struct {
		int64_t grace, kill;
	} rows[] = {{0, 7 * S}, {1 * S, 7 * S}, {2 * S, 7 * S}, {4 * S, 9 * S}, {60 * S, 30 * S}};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct story *t = story(GRACED("30") MAIN("m"));
		comes_up(t, "m");
		signalled(t, 15);
		exits(t, "m", 0);
		t->queued = 0;
		at(t, 5 * S);
		asked_to_stop(t, rows[i].grace);
		at(t, rows[i].kill - 1);
		expect_nothing(t);
		at(t, rows[i].kill);
		expect_drain(t, 9);
		end(t);
	}
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
	expect_drain(t, 15);
	at(t, 7 * S - 1);
	expect_nothing(t);
	at(t, 9 * S - 1);
	for (int i = 0; i < 40; i++)
		expect_drain(t, 9); /* at 7 s, and every 50 ms */
	expect_nothing(t);
	assert_false(t->finished);
	at(t, 9 * S);
	assert_true(t->finished);
	assert_int_not_equal(t->exit_code, 0);
	end(t);
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

/* Draining begins at the end of the grace, with a process that lives: that must end first. */
static void drained_while_one_lives_is_nothing(void **state)
{
	(void)state;
	struct story *t = story(GRACED("5") SIDECAR("s") MAIN("m"));
	comes_up(t, "s");
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 5 * S);
	expect_signal(t, "s", 15);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	drained(t);
	dies(t, "m", 9);
	expect_group_signal(t, "m", 15);
	drained(t);
	at(t, 7 * S);
	expect_kill_tree(t, "s");
	expect_drain(t, 9);
	drained(t);
	expect_nothing(t);
	assert_false(t->finished);
	assert_state(t, "s", PROCESS_KILLED);
	dies(t, "s", 9);
	expect_group_signal(t, "s", 15);
	assert_false(t->finished);
	expect_drained(t, 137);
	end(t);
	/* so does one that may yet begin */
	t = story(GRACED("0") MAIN("m"));
	expect_spawn(t, "m");
	signalled(t, 15);
	expect_abort(t, "m");
	expect_drain(t, 15);
	drained(t);
	assert_false(t->finished);
	spawn_fails(t, "m", STAGE_ABORTED, 0);
	expect_drained(t, 143);
	end(t);
}

int test_drain(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leftovers_get_the_rest_of_the_grace),
		cmocka_unit_test(leftovers_get_two_seconds_at_least),
		cmocka_unit_test(leftovers_of_a_killed_main),
		cmocka_unit_test(who_is_killed_with_a_process),
		cmocka_unit_test(time_of_leftovers),
		cmocka_unit_test(late_steps),
		cmocka_unit_test(leftovers_are_killed_again),
		cmocka_unit_test(shorter_grace_while_draining),
		cmocka_unit_test(completion_drains_too),
		cmocka_unit_test(stuck_leftovers_are_given_up),
		cmocka_unit_test(stuck_main_is_given_up),
		cmocka_unit_test(phase_is_final_at_the_end),
		cmocka_unit_test(stuck_sidecar_does_not_count),
		cmocka_unit_test(drained_too_early_is_nothing),
		cmocka_unit_test(drained_while_one_lives_is_nothing),
	};
	return UNIT_RUN("drain", tests);
}
