/* Starts that are under way when the pod ends: given up, failed by themselves, or too late for it. */
#include "unit.h"

#define GRACED(seconds)                                                                            \
	"[pod]\nrestartPolicy = Never\nterminationGracePeriodSeconds = " seconds "\n"

/* One in its crash backoff, and one being spawned: neither starts again. */
static void nothing_starts_any_more(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("a") MAIN("b") MAIN("c"));
	comes_up(t, "a");
	comes_up(t, "b");
	exits(t, "a", 5);
	expect_spawn(t, "c");
	expect_kill_tree(t, "a");
	expect_spawn(t, "a");
	spawned(t, "a");
	exits(t, "a", 6);
	expect_kill_tree(t, "a");
	assert_state(t, "a", PROCESS_WAITING);
	signalled(t, 15);
	expect_signal(t, "b", 15);
	expect_abort(t, "c");
	assert_state(t, "a", PROCESS_EXITED);
	spawn_fails(t, "c", STAGE_ABORTED, 0);
	assert_state(t, "c", PROCESS_NONE);
	assert_int_equal(process(t, "c")->instances, 0);
	at(t, 20 * S);
	expect_nothing(t);
	exits(t, "b", 0);
	expect_group_signal(t, "b", 15);
	assert_phase(t, "Failed");
	expect_end(t, 6);
	end(t);
}

/* The spawn was too late to be given up: it is stopped like any other. */
static void abort_that_came_too_late(void **state)
{
	(void)state;
	struct story *t = story(GRACED("30") MAIN("m") PRE_STOP);
	expect_spawn(t, "m");
	signalled(t, 15);
	expect_abort(t, "m");
	expect_nothing(t);
	at(t, 3 * S);
	spawned(t, "m");
	expect_hook(t, "m", HOOK_PRE_STOP);
	hook_done(t, "m", HOOK_PRE_STOP, true);
	expect_signal(t, "m", 15);
	at(t, 30 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	dies(t, "m", 9);
	expect_group_signal(t, "m", 15);
	expect_drained(t, 137);
	end(t);
}

/* ... even after the grace: the stop signal and two seconds. */
static void abort_that_came_after_the_grace(void **state)
{
	(void)state;
	struct story *t = story(GRACED("5") MAIN("m") PRE_STOP);
	expect_spawn(t, "m");
	signalled(t, 15);
	expect_abort(t, "m");
	at(t, 5 * S - 1);
	expect_nothing(t);
	at(t, 6500 * MS);
	expect_drain(t, 15);
	expect_nothing(t);
	spawned(t, "m");
	expect_signal(t, "m", 15);
	char buffer[200];
	struct text text = text_in(buffer, sizeof(buffer));
	notice_message(&text, &t->spec, told(t, NOTICE_KILLING, "m"));
	if (contains(buffer, "in -") || contains(buffer, ".-"))
		fail_msg("%s", buffer);
	at(t, 8500 * MS - 1);
	for (int i = 0; i < 30; i++)
		expect_drain(t, 9); /* at 7 s, and every 50 ms */
	expect_nothing(t);
	at(t, 8500 * MS);
	expect_kill_tree(t, "m");
	drop(t);
}

static void sidecar_abort_blocks_turns(void **state)
{
	(void)state;
	struct story *t = story(GRACED("30") SIDECAR("a") SIDECAR("b") MAIN("m"));
	comes_up(t, "a");
	expect_spawn(t, "b");
	signalled(t, 15);
	expect_abort(t, "b");
	expect_nothing(t);
	spawn_fails(t, "b", STAGE_ABORTED, 0);
	expect_signal(t, "a", 15);
	drop(t);
}

/* One that fails by itself just then has failed, as it would have otherwise. */
static void failed_while_given_up(enum spawn_stage stage, int error, int exit_code)
{
	struct story *t = story(POLICY("Always") MAIN("m"));
	expect_spawn(t, "m");
	at(t, 1 * S);
	signalled(t, 15);
	expect_abort(t, "m");
	at(t, 2 * S);
	forget_told(t);
	spawn_fails(t, "m", stage, error);
	const struct notice *notice = told(t, NOTICE_START_ERROR, "m");
	assert_non_null(notice);
	assert_int_equal(notice->spawn_error.stage, stage);
	assert_int_equal(notice->spawn_error.error, error);
	assert_int_equal(notice->exit_code, 128);
	assert_null(told(t, NOTICE_BACK_OFF, "m"));
	assert_state(t, "m", PROCESS_EXITED);
	const struct process *m = process(t, "m");
	assert_int_equal(m->instances, 1);
	assert_int_equal(m->last.exit_code, 128);
	assert_int_equal(m->last.reason, NOTICE_START_ERROR);
	assert_int_equal(m->last.spawn_error.stage, stage);
	assert_true(m->last.started_at == -1);
	assert_true(m->last.finished_at == t->start + 2 * S);
	assert_phase(t, "Failed");
	expect_end(t, exit_code);
	end(t);
}

static void failure_during_the_abort(void **state)
{
	(void)state;
	failed_while_given_up(STAGE_EXEC, 2, 127);
	failed_while_given_up(STAGE_EXEC, 13, 126);
	failed_while_given_up(STAGE_FORK, 11, 126);
	failed_while_given_up(STAGE_CHDIR, 2, 126);
}

/* What was given up has not been tried: its latest end is the one before. */
static void given_up_restart(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	exits(t, "m", 5);
	expect_kill_tree(t, "m");
	expect_spawn(t, "m");
	assert_int_equal(process(t, "m")->instances, 2);
	signalled(t, 15);
	expect_abort(t, "m");
	forget_told(t);
	spawn_fails(t, "m", STAGE_ABORTED, 125);
	assert_null(told(t, NOTICE_START_ERROR, "m"));
	assert_state(t, "m", PROCESS_EXITED);
	assert_int_equal(process(t, "m")->instances, 1);
	assert_int_equal(process(t, "m")->last.exit_code, 5);
	assert_int_equal(process(t, "m")->previous.exit_code, -1);
	expect_end(t, 5);
	end(t);
	/* ... unlike one that failed by itself */
	t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	exits(t, "m", 5);
	expect_kill_tree(t, "m");
	expect_spawn(t, "m");
	signalled(t, 15);
	expect_abort(t, "m");
	spawn_fails(t, "m", STAGE_EXEC, 2);
	assert_int_equal(process(t, "m")->instances, 2);
	assert_int_equal(process(t, "m")->last.exit_code, 128);
	assert_int_equal(process(t, "m")->previous.exit_code, 5);
	expect_end(t, 127);
	end(t);
}

int test_abort(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_starts_any_more),
		cmocka_unit_test(abort_that_came_too_late),
		cmocka_unit_test(abort_that_came_after_the_grace),
		cmocka_unit_test(sidecar_abort_blocks_turns),
		cmocka_unit_test(failure_during_the_abort),
		cmocka_unit_test(given_up_restart),
	};
	return UNIT_RUN("abort", tests);
}
