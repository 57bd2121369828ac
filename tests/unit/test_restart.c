/* Restarts: who runs again (policies, rules), and when (the crash backoff), on the fake clock. */
#include "unit.h"

/* It ends, and what it left is killed because it will run again. */
static void crashes(struct story *t, const char *name, int exit_code)
{
	exits(t, name, exit_code);
	expect_kill_tree(t, name);
}

/* It is started again at exactly this time. */
static void comes_back_at(struct story *t, const char *name, int64_t time)
{
	at(t, time - 1);
	expect_nothing(t);
	assert_state(t, name, PROCESS_WAITING);
	at(t, time);
	comes_up(t, name);
}

static void instant_exits(const char *ini, const char *name, int exit_code)
{
	static const int64_t starts[] = {10, 30, 70, 150, 310, 610, 910, 1210};
	struct story *t = story(ini);
	comes_up(t, name); /* at 0 */
	crashes(t, name, exit_code);
	assert_null(told(t, NOTICE_BACK_OFF, name));
	comes_up(t, name); /* and again at 0 */
	for (int i = 0; i < COUNT(starts); i++) {
		crashes(t, name, exit_code);
		const struct notice *notice = told(t, NOTICE_BACK_OFF, name);
		assert_non_null(notice);
		assert_true(notice->delay_ns == (starts[i] - (i ? starts[i - 1] : 0)) * S);
		comes_back_at(t, name, starts[i] * S);
		assert_int_equal(process_restart_count(process(t, name)), i + 2);
	}
	end(t);
}

static void always_after_a_failure(void **state)
{
	(void)state;
	instant_exits(POLICY("Always") MAIN("m"), "m", 1);
}

static void always_after_success(void **state)
{
	(void)state;
	instant_exits(POLICY("Always") MAIN("m"), "m", 0);
}

static void on_failure(void **state)
{
	(void)state;
	instant_exits(POLICY("OnFailure") MAIN("m"), "m", 1);
}

static void init_has_the_same_delays(void **state)
{
	(void)state;
	instant_exits(POLICY("Always") INIT("i") MAIN("m"), "i", 1);
	instant_exits(POLICY("OnFailure") INIT("i") MAIN("m"), "i", 1);
}

static void sidecar_has_the_same_delays(void **state)
{
	(void)state;
	instant_exits(POLICY("Never") SIDECAR("s") STARTUP MAIN("m"), "s", 0);
	instant_exits(POLICY("Never") SIDECAR("s") STARTUP MAIN("m"), "s", 1);
}

/* "Each counted from the last finish." */
static void delay_counts_from_the_end(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	at(t, 5 * S);
	crashes(t, "m", 1);
	comes_up(t, "m");
	at(t, 25 * S); /* ran 20 s */
	crashes(t, "m", 1);
	comes_back_at(t, "m", 35 * S);
	at(t, 100 * S);
	crashes(t, "m", 1);
	comes_back_at(t, "m", 120 * S);
	end(t);
}

/* A process that cannot be started is retried with the same delays. */
static void start_errors_have_the_same_delays(void **state)
{
	static const int64_t starts[] = {10, 30, 70, 150, 310, 610};
	(void)state;
	struct story *t = story(POLICY("OnFailure") MAIN("m"));
	expect_spawn(t, "m");
	spawn_fails(t, "m", STAGE_EXEC, 2);
	expect_spawn(t, "m");
	for (int i = 0; i < COUNT(starts); i++) {
		spawn_fails(t, "m", STAGE_EXEC, 2);
		at(t, starts[i] * S - 1);
		expect_nothing(t);
		at(t, starts[i] * S);
		expect_spawn(t, "m");
	}
	assert_int_equal(process(t, "m")->last.reason, NOTICE_START_ERROR);
	assert_int_equal(process(t, "m")->last.exit_code, 128);
	end(t);
}

/* Derived case d: 601 s of running forgets the delay. */
static void reset_after_601_seconds(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	crashes(t, "m", 1);
	comes_up(t, "m");
	crashes(t, "m", 1);
	comes_back_at(t, "m", 10 * S);
	crashes(t, "m", 1);
	comes_back_at(t, "m", 30 * S);
	at(t, 631 * S);
	crashes(t, "m", 1);
	comes_up(t, "m"); /* at once */
	crashes(t, "m", 1);
	comes_back_at(t, "m", 641 * S); /* and 10 s is the next value */
	end(t);
}

/* ... and 599 s do not: the entry is 40 s, counted from the end. */
static void no_reset_after_599_seconds(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	crashes(t, "m", 1);
	comes_up(t, "m");
	crashes(t, "m", 1);
	comes_back_at(t, "m", 10 * S);
	crashes(t, "m", 1);
	comes_back_at(t, "m", 30 * S);
	at(t, 629 * S);
	crashes(t, "m", 1);
	comes_back_at(t, "m", 669 * S);
	end(t);
}

/* "f - lastUpdate > 600": 600 s sharp is not over it. */
static void no_reset_after_600_seconds(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	crashes(t, "m", 1);
	comes_up(t, "m");
	at(t, 600 * S);
	crashes(t, "m", 1);
	comes_back_at(t, "m", 610 * S);
	end(t);
}

static void backoff_keys(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") "backoff.initialSeconds = 2\n"
							   "backoff.maxSeconds = 5\n"
							   "backoff.resetSeconds = 20\n");
	static const int64_t starts[] = {2, 6, 11, 16};
	comes_up(t, "m");
	crashes(t, "m", 1);
	comes_up(t, "m");
	for (int i = 0; i < COUNT(starts); i++) {
		crashes(t, "m", 1);
		comes_back_at(t, "m", starts[i] * S);
	}
	at(t, 37 * S); /* ran 21 s */
	crashes(t, "m", 1);
	comes_up(t, "m");
	crashes(t, "m", 1);
	comes_back_at(t, "m", 39 * S);
	end(t);
}

/* KEP-5593, e2e B4: one restart per second. */
static void constant_backoff(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") "backoff.initialSeconds = 1\n"
							   "backoff.maxSeconds = 1\n");
	comes_up(t, "m");
	crashes(t, "m", 1);
	comes_up(t, "m");
	for (int i = 1; i < 10; i++) {
		crashes(t, "m", 1);
		comes_back_at(t, "m", i * S);
	}
	end(t);
}

static void no_backoff_at_all(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") "backoff.initialSeconds = 0\n");
	comes_up(t, "m");
	for (int i = 0; i < 50; i++) {
		crashes(t, "m", 1);
		comes_up(t, "m");
	}
	end(t);
}

/* --- who runs again --- */

static bool runs_again(const char *ini, const char *name, int exit_code)
{
	struct story *t = story(ini);
	spawned(t, name);
	exits(t, name, exit_code);
	bool again = process(t, name)->state == PROCESS_SPAWNING;
	drop(t);
	return again;
}

static void policies(void **state)
{
	static const struct {
		const char *ini;
		bool after_0, after_1;
	} rows[] = {
		{POLICY("Always") MAIN("m"), true, true},
		{POLICY("OnFailure") MAIN("m"), false, true},
		{POLICY("Never") MAIN("m"), false, false},
		{POLICY("Never") MAIN("m") "restartPolicy = Always\n", true, true},
		{POLICY("Never") MAIN("m") "restartPolicy = OnFailure\n", false, true},
		{POLICY("Always") MAIN("m") "restartPolicy = Never\n", false, false},
		{POLICY("Always") INIT("m") MAIN("x"), false, true},
		{POLICY("OnFailure") INIT("m") MAIN("x"), false, true},
		{POLICY("Never") INIT("m") MAIN("x"), false, false},
		{POLICY("Never") INIT("m") "restartPolicy = OnFailure\n" MAIN("x"), false, true},
		{POLICY("Always") INIT("m") "restartPolicy = Never\n" MAIN("x"), false, false},
		{POLICY("Never") SIDECAR("m") STARTUP MAIN("x"), true, true},
		{POLICY("OnFailure") SIDECAR("m") STARTUP MAIN("x"), true, true},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		assert_int_equal(runs_again(rows[i].ini, "m", 0), rows[i].after_0);
		assert_int_equal(runs_again(rows[i].ini, "m", 1), rows[i].after_1);
	}
}

#define NEVER_BUT POLICY("Always") MAIN("m") "restartPolicy = Never\nrestartPolicyRules = "

static void rules(void **state)
{
	static const struct {
		const char *ini;
		int exit_code;
		bool again;
	} rows[] = {
		{NEVER_BUT "Restart In 42,43\n", 42, true},
		{NEVER_BUT "Restart In 42,43\n", 43, true},
		{NEVER_BUT "Restart In 42,43\n", 1,
			false}, /* the container's policy, not the pod's */
		{NEVER_BUT "Restart In 42,43\n", 0, false},
		{NEVER_BUT "Restart In 0\n", 0, true},
		{NEVER_BUT "Restart In\n", 1, false},
		{NEVER_BUT "Restart NotIn 1\n", 1, false},
		{NEVER_BUT "Restart NotIn 1\n", 0, true},
		{NEVER_BUT "Restart NotIn\n", 0, true}, /* derived case i */
		{NEVER_BUT "Restart NotIn\n", 255, true},
		{NEVER_BUT "Restart In 1\nrestartPolicyRules = Restart In 2\n", 2, true},
		{NEVER_BUT "Restart In 1\nrestartPolicyRules = Restart In 2\n", 3, false},
		{NEVER_BUT "Restart In 1\n" MAIN("n"), 1, true},
		{POLICY("Never")
				MAIN("m") "restartPolicy = OnFailure\nrestartPolicyRules = Restart "
					  "In 0\n",
			0, true},
		{POLICY("Never")
				MAIN("m") "restartPolicy = OnFailure\nrestartPolicyRules = Restart "
					  "In 0\n",
			1, true},
		{POLICY("Never") INIT("m") "restartPolicy = Never\nrestartPolicyRules = Restart In "
					   "42\n" MAIN("x"),
			42, true},
		/* an init that ended with 0 is done, whatever its rules */
		{POLICY("Never") INIT("m") "restartPolicy = Never\nrestartPolicyRules = Restart "
					   "NotIn\n" MAIN("x"),
			0, false},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		if (runs_again(rows[i].ini, "m", rows[i].exit_code) != rows[i].again)
			fail_msg("exit code %d: %s", rows[i].exit_code, rows[i].ini);
	}
}

/* The exit code of a signal is 128 + n for a rule as well. */
static void rule_for_a_signal(void **state)
{
	(void)state;
	struct story *t = story(NEVER_BUT "Restart In 137\n");
	comes_up(t, "m");
	dies(t, "m", 9);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	dies(t, "m", 15);
	expect_end(t, 143);
	end(t);
}

/* A Never pod may restart by rule, with the same delays and counts; an init goes on until 0. */
static void rules_use_the_backoff(void **state)
{
	(void)state;
	struct story *t =
		story(POLICY("Never") INIT("i") "restartPolicy = Never\n"
						"restartPolicyRules = Restart In 42\n" MAIN("m"));
	comes_up(t, "i");
	crashes(t, "i", 42);
	comes_up(t, "i");
	crashes(t, "i", 42);
	comes_back_at(t, "i", 10 * S);
	assert_int_equal(process_restart_count(process(t, "i")), 2);
	assert_phase(t, "Pending");
	exits(t, "i", 0);
	expect_kill_tree(t, "i");
	comes_up(t, "m");
	assert_phase(t, "Running");
	end(t);
}

static void counts_and_history(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	struct process *m = process(t, "m");
	assert_int_equal(process_restart_count(m), 0);
	comes_up(t, "m");
	assert_int_equal(process_restart_count(m), 0);
	assert_int_equal(m->last.exit_code, -1);
	at(t, 3 * S);
	crashes(t, "m", 7);
	comes_up(t, "m");
	assert_int_equal(process_restart_count(m), 1);
	assert_int_equal(m->last.exit_code, 7);
	assert_true(m->last.started_at == t->start);
	assert_true(m->last.finished_at == t->start + 3 * S);
	assert_int_equal(m->previous.exit_code, -1);
	dies(t, "m", 11);
	assert_int_equal(m->last.exit_code, 139);
	assert_int_equal(m->last.signo, 11);
	assert_int_equal(m->last.reason, NOTICE_ERROR);
	assert_int_equal(m->previous.exit_code, 7);
	drop(t);
}

int test_restart(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(always_after_a_failure),
		cmocka_unit_test(always_after_success),
		cmocka_unit_test(on_failure),
		cmocka_unit_test(init_has_the_same_delays),
		cmocka_unit_test(sidecar_has_the_same_delays),
		cmocka_unit_test(delay_counts_from_the_end),
		cmocka_unit_test(start_errors_have_the_same_delays),
		cmocka_unit_test(reset_after_601_seconds),
		cmocka_unit_test(no_reset_after_599_seconds),
		cmocka_unit_test(no_reset_after_600_seconds),
		cmocka_unit_test(backoff_keys),
		cmocka_unit_test(constant_backoff),
		cmocka_unit_test(no_backoff_at_all),
		cmocka_unit_test(policies),
		cmocka_unit_test(rules),
		cmocka_unit_test(rule_for_a_signal),
		cmocka_unit_test(rules_use_the_backoff),
		cmocka_unit_test(counts_and_history),
	};
	return UNIT_RUN("restart", tests);
}
