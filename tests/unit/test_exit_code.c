/* podinit's own exit code, and the phase it follows from. */
#include "unit.h"

static void mains_own_code(void **state)
{
	(void)state;
	for (int code = 0; code < 256; code++) {
		struct story *t = story(POLICY("Never") MAIN("m"));
		comes_up(t, "m");
		exits(t, "m", code);
		assert_phase(t, code ? "Failed" : "Succeeded");
		expect_end(t, code);
		end(t);
	}
}

static void every_signal(void **state)
{
	(void)state;
	for (int signo = 1; signo <= 64; signo++) {
		struct story *t = story(POLICY("Never") MAIN("m"));
		comes_up(t, "m");
		dies(t, "m", signo);
		assert_phase(t, "Failed");
		expect_end(t, 128 + signo);
		end(t);
	}
}

static void first_failing_main_in_file_order(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a") MAIN("b") MAIN("c"));
	comes_up(t, "a");
	comes_up(t, "b");
	comes_up(t, "c");
	exits(t, "c", 9); /* first in time */
	expect_kill_tree(t, "c");
	exits(t, "b", 5);
	expect_kill_tree(t, "b");
	exits(t, "a", 0);
	expect_end(t, 5);
	assert_phase(t, "Failed");
	end(t);
}

static void start_errors(void **state)
{
	static const struct {
		enum spawn_stage stage;
		int error, exit_code;
	} rows[] = {
		{STAGE_EXEC, 2, 127},  /* ENOENT */
		{STAGE_EXEC, 13, 126}, /* EACCES */
		{STAGE_EXEC, 8, 126},  /* ENOEXEC */
		{STAGE_CHDIR, 2, 126}, /* the directory, not the program */
		{STAGE_ROOTFS, 2, 126},
		{STAGE_FORK, 11, 126},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct story *t = story(POLICY("Never") MAIN("m"));
		expect_spawn(t, "m");
		spawn_fails(t, "m", rows[i].stage, rows[i].error);
		assert_phase(t, "Failed");
		assert_int_equal(process(t, "m")->last.exit_code, 128);
		expect_end(t, rows[i].exit_code);
		end(t);
	}
}

static void failing_init(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") INIT("a") INIT("b") MAIN("m"));
	comes_up(t, "a");
	exits(t, "a", 0);
	expect_kill_tree(t, "a");
	comes_up(t, "b");
	dies(t, "b", 6);
	expect_kill_tree(t, "b");
	expect_end(t, 134);
	end(t);
}

/* Derived case l, and while running: 124, Failed, whatever the mains did. */
static void deadline_during_init(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") DEADLINE("60") INIT("i") MAIN("m"));
	comes_up(t, "i");
	at(t, 60 * S - 1);
	expect_nothing(t);
	at(t, 60 * S);
	expect_signal(t, "i", 15);
	assert_int_equal(told(t, NOTICE_DEADLINE_EXCEEDED, NULL)->cause, STOP_DEADLINE);
	assert_null(told(t, NOTICE_STOPPING, NULL));
	exits(t, "i", 0);
	expect_group_signal(t, "i", 15);
	assert_phase(t, "Failed");
	assert_state(t, "m", PROCESS_NONE);
	expect_end(t, 124);
	end(t);
}

static void deadline_while_running(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") GRACE("5") DEADLINE("60") SIDECAR("s") MAIN("m"));
	comes_up(t, "s");
	comes_up(t, "m");
	at(t, 60 * S);
	expect_signal(t, "m", 15);
	at(t, 61 * S);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_signal(t, "s", 15);
	at(t, 65 * S);
	expect_kill_tree(t, "s"); /* the normal grace and order */
	expect_drain(t, 15);
	dies(t, "s", 9);
	expect_group_signal(t, "s", 15);
	assert_phase(t, "Failed");
	expect_drained(t, 124);
	end(t);
}

static void deadline_during_backoff(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") DEADLINE("5") MAIN("m"));
	comes_up(t, "m");
	exits(t, "m", 1);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	exits(t, "m", 1);
	expect_kill_tree(t, "m");
	at(t, 5 * S);
	assert_phase(t, "Failed");
	expect_end(t, 124);
	end(t);
}

/* "Final pods are not affected", nor is one that was asked to end before. */
static void deadline_after_the_end_began(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") DEADLINE("10") MAIN("m"));
	comes_up(t, "m");
	at(t, 9 * S);
	exits(t, "m", 0);
	expect_drain(t, 15);
	at(t, 11 * S);
	assert_phase(t, "Succeeded");
	drained(t);
	assert_int_equal(t->exit_code, 0);
	end(t);
	t = story(POLICY("Never") DEADLINE("10") MAIN("m"));
	comes_up(t, "m");
	at(t, 9 * S);
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 11 * S);
	expect_nothing(t);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_end(t, 0);
	end(t);
}

static void stopped_with_success(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("a") MAIN("b"));
	comes_up(t, "a");
	comes_up(t, "b");
	signalled(t, 15);
	exits(t, "a", 0);
	exits(t, "b", 0);
	assert_phase(t, "Succeeded"); /* whatever the policy */
	drained(t);
	assert_int_equal(t->exit_code, 0);
	drop(t);
}

static void stopped_before_anything_ran(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	expect_spawn(t, "m");
	signalled(t, 15);
	expect_abort(t, "m");
	spawn_fails(t, "m", STAGE_ABORTED, 0);
	assert_phase(t, "Failed"); /* e2e D1 */
	expect_end(t, 143);
	end(t);
}

/* Some mains succeeded, one never ran: not a success, and no code of a failure. */
static void stopped_before_all_ran(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a") MAIN("b"));
	comes_up(t, "a");
	expect_spawn(t, "b");
	exits(t, "a", 0);
	expect_kill_tree(t, "a");
	signalled(t, 15);
	expect_abort(t, "b");
	spawn_fails(t, "b", STAGE_ABORTED, 0);
	assert_phase(t, "Failed");
	expect_end(t, 143);
	end(t);
}

static void stopped_during_init(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") INIT("i") MAIN("m"));
	comes_up(t, "i");
	signalled(t, 15);
	expect_signal(t, "i", 15);
	exits(t, "i", 0);
	expect_group_signal(t, "i", 15);
	assert_phase(t, "Failed");
	expect_end(t, 143);
	end(t);
}

/* A main that failed, and is waiting to run again, when the end comes. */
static void stopped_during_backoff(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	exits(t, "m", 3);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	exits(t, "m", 4);
	expect_kill_tree(t, "m");
	signalled(t, 15);
	assert_phase(t, "Failed");
	expect_end(t, 4);
	end(t);
}

/* ... and one that ended with 0 and is waiting. */
static void stopped_during_backoff_after_success(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	exits(t, "m", 0);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	exits(t, "m", 0);
	expect_kill_tree(t, "m");
	signalled(t, 15);
	assert_phase(t, "Succeeded");
	expect_end(t, 0);
	end(t);
}

static void sidecars_never_count(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") MAIN("m"));
	comes_up(t, "s");
	comes_up(t, "m");
	exits(t, "s", 9);
	expect_kill_tree(t, "s");
	comes_up(t, "s");
	exits(t, "m", 0);
	expect_signal(t, "s", 15);
	dies(t, "s", 9);
	expect_group_signal(t, "s", 15);
	assert_phase(t, "Succeeded");
	expect_end(t, 0);
	end(t);
}

static void oom(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("m"));
	comes_up(t, "m");
	step(t,
		&(struct event){.type = EVENT_EXITED,
			.process = 0,
			.pid = process(t, "m")->pid,
			.signo = 9,
			.oom = true});
	assert_int_equal(process(t, "m")->last.reason, NOTICE_OOM_KILLED);
	assert_non_null(told(t, NOTICE_OOM_KILLED, "m"));
	expect_end(t, 137);
	end(t);
}

int test_exit_code(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mains_own_code),
		cmocka_unit_test(every_signal),
		cmocka_unit_test(first_failing_main_in_file_order),
		cmocka_unit_test(start_errors),
		cmocka_unit_test(failing_init),
		cmocka_unit_test(deadline_during_init),
		cmocka_unit_test(deadline_while_running),
		cmocka_unit_test(deadline_during_backoff),
		cmocka_unit_test(deadline_after_the_end_began),
		cmocka_unit_test(stopped_with_success),
		cmocka_unit_test(stopped_before_anything_ran),
		cmocka_unit_test(stopped_before_all_ran),
		cmocka_unit_test(stopped_during_init),
		cmocka_unit_test(stopped_during_backoff),
		cmocka_unit_test(stopped_during_backoff_after_success),
		cmocka_unit_test(sidecars_never_count),
		cmocka_unit_test(oom),
	};
	return UNIT_RUN("exit code", tests);
}
