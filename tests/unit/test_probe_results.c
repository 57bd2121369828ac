/* What the result of an attempt means: thresholds, errors, warnings, results of
 * attempts that nobody waits for, and what is told of it. */
#include "unit.h"

/* The attempt that is due in this second is made, and ends so. */
static void attempt(struct story *t, int seconds, enum probe_type type, enum probe_result result)
{
	at(t, seconds * S);
	expect_probe(t, "m", type);
	probe_ends(t, "m", type, result);
}

static void failures_in_a_row(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") LIVENESS);
	comes_up(t, "m");
	attempt(t, 0, PROBE_LIVENESS, PROBE_FAILURE);
	attempt(t, 10, PROBE_LIVENESS, PROBE_FAILURE);
	attempt(t, 20, PROBE_LIVENESS, PROBE_SUCCESS); /* counted anew */
	attempt(t, 30, PROBE_LIVENESS, PROBE_FAILURE);
	attempt(t, 40, PROBE_LIVENESS, PROBE_FAILURE);
	expect_nothing(t);
	attempt(t, 50, PROBE_LIVENESS, PROBE_FAILURE);
	expect_signal(t, "m", 15);
	end(t);
}

/* Failures of the instance before do not count. */
static void counted_anew_for_an_instance(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") LIVENESS);
	comes_up(t, "m");
	attempt(t, 0, PROBE_LIVENESS, PROBE_FAILURE);
	attempt(t, 10, PROBE_LIVENESS, PROBE_FAILURE);
	exits(t, "m", 1);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	attempt(t, 10, PROBE_LIVENESS, PROBE_FAILURE);
	attempt(t, 20, PROBE_LIVENESS, PROBE_FAILURE);
	expect_nothing(t);
	attempt(t, 30, PROBE_LIVENESS, PROBE_FAILURE);
	expect_signal(t, "m", 15);
	end(t);
}

static void readiness_has_two_thresholds(void **state)
{
	static const struct {
		enum probe_result result;
		bool ready;
	} steps[] = {
		{PROBE_SUCCESS, false},
		{PROBE_SUCCESS, true},
		{PROBE_FAILURE, true},
		{PROBE_FAILURE, true},
		{PROBE_SUCCESS, true},
		{PROBE_FAILURE, true},
		{PROBE_FAILURE, true},
		{PROBE_FAILURE, false},
		{PROBE_SUCCESS, false},
		{PROBE_FAILURE, false},
		{PROBE_SUCCESS, false},
		{PROBE_SUCCESS, true},
	};
	(void)state;
	struct story *t = story_probed(MAIN("m") READINESS "readinessProbe.successThreshold = 2\n");
	comes_up(t, "m");
	for (int i = 0; i < COUNT(steps); i++) {
		attempt(t, i * 10, PROBE_READINESS, steps[i].result);
		assert_int_equal(process(t, "m")->is_ready, steps[i].ready);
		assert_int_equal(t->pod->conditions[CONDITION_READY], steps[i].ready);
	}
	end(t);
}

/* e2e P42: the probe's own grace counts from the failure that was one too many. */
static void own_grace(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") GRACE("500") MAIN("m") STARTUP
		"startupProbe.initialDelaySeconds = 10\nstartupProbe.failureThreshold = 2\n"
		"startupProbe.terminationGracePeriodSeconds = 5\n");
	comes_up(t, "m");
	attempt(t, 10, PROBE_STARTUP, PROBE_FAILURE);
	expect_nothing(t);
	attempt(t, 20, PROBE_STARTUP, PROBE_FAILURE);
	expect_signal(t, "m", 15);
	assert_true(told(t, NOTICE_KILLING, "m")->delay_ns == 5 * S);
	at(t, 25 * S - 1);
	expect_nothing(t);
	at(t, 25 * S);
	expect_kill_tree(t, "m");
	end(t);
}

/* "Up to 3 immediate retries, only for internal errors"; then the result is discarded. */
static void errors_are_tried_again(void **state)
{
	(void)state;
	struct story *t = story_probed(
		POLICY("Always") MAIN("m") LIVENESS "livenessProbe.failureThreshold = 2\n");
	comes_up(t, "m");
	attempt(t, 0, PROBE_LIVENESS, PROBE_FAILURE);
	for (int i = 0; i < 3; i++)
		attempt(t, 10, PROBE_LIVENESS, PROBE_ERROR);
	at(t, 20 * S - 1);
	expect_nothing(t);
	assert_int_equal(told_times(t, NOTICE_UNHEALTHY, "m"), 1);
	/* three again; and the row of failures is as it was */
	attempt(t, 20, PROBE_LIVENESS, PROBE_ERROR);
	attempt(t, 20, PROBE_LIVENESS, PROBE_ERROR);
	attempt(t, 20, PROBE_LIVENESS, PROBE_FAILURE);
	expect_signal(t, "m", 15);
	end(t);
}

/* An answer in between begins the count of tries anew. */
static void tries_are_counted_in_a_row(void **state)
{
	(void)state;
	struct story *t = story_probed(MAIN("m") READINESS);
	comes_up(t, "m");
	attempt(t, 0, PROBE_READINESS, PROBE_ERROR);
	attempt(t, 0, PROBE_READINESS, PROBE_ERROR);
	attempt(t, 0, PROBE_READINESS, PROBE_SUCCESS);
	assert_true(process(t, "m")->is_ready);
	for (int i = 0; i < 3; i++)
		attempt(t, 10, PROBE_READINESS, PROBE_ERROR);
	expect_nothing(t);
	assert_true(process(t, "m")->is_ready);
	end(t);
}

/* "Warning counts as Success (plus event ProbeWarning)"; e2e P36. */
static void warnings(void **state)
{
	(void)state;
	struct story *t = story_probed(MAIN("m") READINESS "readinessProbe.successThreshold = 3\n");
	comes_up(t, "m");
	attempt(t, 0, PROBE_READINESS, PROBE_WARNING);
	assert_int_equal(told_times(t, NOTICE_PROBE_WARNING, "m"), 1);
	assert_int_equal(told(t, NOTICE_PROBE_WARNING, "m")->probe, PROBE_READINESS);
	attempt(t, 10, PROBE_READINESS, PROBE_WARNING);
	assert_int_equal(told_times(t, NOTICE_PROBE_WARNING, "m"), 1);
	assert_false(process(t, "m")->is_ready);
	attempt(t, 20, PROBE_READINESS, PROBE_SUCCESS);
	assert_true(process(t, "m")->is_ready);
	attempt(t, 30, PROBE_READINESS, PROBE_WARNING); /* another one */
	assert_int_equal(told_times(t, NOTICE_PROBE_WARNING, "m"), 2);
	assert_int_equal(told_times(t, NOTICE_UNHEALTHY, "m"), 0);
	assert_true(process(t, "m")->is_ready);
	end(t);
}

static void answers(struct story *t, enum probe_type type, uint32_t attempt_number, int result)
{
	step(t,
		&(struct event){.type = EVENT_PROBED,
			.process = index_of(t, "m"),
			.probe = (uint8_t)type,
			.attempt = attempt_number,
			.result = (uint8_t)result});
}

/* Only the attempt that is made has an answer, and only one. */
static void answers_of_other_attempts(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") LIVENESS
		"livenessProbe.failureThreshold = 1\nlivenessProbe.timeoutSeconds = 5\n");
	comes_up(t, "m");
	expect_probe(t, "m", PROBE_LIVENESS);
	uint32_t first = pod_probe(t->pod, t->spec.processes[0].probes[PROBE_LIVENESS])->attempt;
	answers(t, PROBE_LIVENESS, first + 1, PROBE_FAILURE);
	answers(t, PROBE_LIVENESS, first - 1, PROBE_FAILURE);
	answers(t, PROBE_LIVENESS, first, PROBE_SUCCESS);
	answers(t, PROBE_LIVENESS, first, PROBE_FAILURE);
	expect_nothing(t);
	assert_state(t, "m", PROCESS_RUNNING);
	/* the one of the instance before */
	at(t, 10 * S);
	expect_probe(t, "m", PROBE_LIVENESS);
	exits(t, "m", 1);
	expect_cancel_probe(t, "m", PROBE_LIVENESS);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	expect_probe(t, "m", PROBE_LIVENESS);
	answers(t, PROBE_LIVENESS, first + 1, PROBE_FAILURE);
	expect_nothing(t);
	assert_int_equal(t->pod->unexpected, 0);
	answers(t, PROBE_LIVENESS, first + 2, PROBE_FAILURE);
	expect_signal(t, "m", 15);
	end(t);
}

static void answers_that_are_none(void **state)
{
	static const int results[] = {PROBE_NO_RESULT, PROBE_ERROR + 1, 255};
	(void)state;
	struct story *t = story_probed(MAIN("m") LIVENESS "livenessProbe.timeoutSeconds = 5\n");
	comes_up(t, "m");
	expect_probe(t, "m", PROBE_LIVENESS);
	for (int i = 0; i < COUNT(results); i++) {
		answers(t, PROBE_LIVENESS, 1, results[i]);
		assert_int_equal(t->pod->unexpected, i + 1);
	}
	at(t, 5 * S - 1);
	expect_nothing(t);
	at(t, 5 * S);
	expect_cancel_probe(t, "m", PROBE_LIVENESS); /* it was still made */
	end(t);
}

/* Told when it is news: the first of a row, and the one that has consequences. */
static void what_is_told_of_failures(void **state)
{
	static const struct {
		enum probe_result result;
		int told;
	} steps[] = {
		{PROBE_FAILURE, 1},
		{PROBE_FAILURE, 0},
		{PROBE_FAILURE, 1},
		{PROBE_FAILURE, 0},
		{PROBE_FAILURE, 0},
		{PROBE_SUCCESS, 0},
		{PROBE_FAILURE, 1},
		{PROBE_FAILURE, 0},
	};
	(void)state;
	struct story *t = story_probed(MAIN("m") READINESS);
	comes_up(t, "m");
	for (int i = 0; i < COUNT(steps); i++) {
		forget_told(t);
		attempt(t, i * 10, PROBE_READINESS, steps[i].result);
		assert_int_equal(told_times(t, NOTICE_UNHEALTHY, "m"), steps[i].told);
		const struct notice *notice = told(t, NOTICE_UNHEALTHY, "m");
		if (!notice)
			continue;
		assert_int_equal(notice->probe, PROBE_READINESS);
		assert_int_equal(notice->cause, STOP_NONE);
		assert_false(notice->timed_out);
	}
	end(t);
}

/* The cause is in what is told only where it is one. */
static void what_is_told_of_a_kill(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") STARTUP);
	comes_up(t, "m");
	attempt(t, 0, PROBE_STARTUP, PROBE_FAILURE);
	assert_int_equal(told(t, NOTICE_UNHEALTHY, "m")->cause, STOP_NONE);
	attempt(t, 10, PROBE_STARTUP, PROBE_FAILURE);
	attempt(t, 20, PROBE_STARTUP, PROBE_FAILURE);
	assert_int_equal(told_times(t, NOTICE_UNHEALTHY, "m"), 2);
	assert_int_equal(told(t, NOTICE_UNHEALTHY, "m")->cause, STOP_STARTUP_PROBE);
	assert_int_equal(told(t, NOTICE_KILLING, "m")->cause, STOP_STARTUP_PROBE);
	expect_signal(t, "m", 15);
	end(t);
}

int test_probe_results(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_in_a_row),
		cmocka_unit_test(counted_anew_for_an_instance),
		cmocka_unit_test(readiness_has_two_thresholds),
		cmocka_unit_test(own_grace),
		cmocka_unit_test(errors_are_tried_again),
		cmocka_unit_test(tries_are_counted_in_a_row),
		cmocka_unit_test(warnings),
		cmocka_unit_test(answers_of_other_attempts),
		cmocka_unit_test(answers_that_are_none),
		cmocka_unit_test(what_is_told_of_failures),
		cmocka_unit_test(what_is_told_of_a_kill),
	};
	return UNIT_RUN("probe results", tests);
}
