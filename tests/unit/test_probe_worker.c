/* When the worker of a probe makes an attempt: from the start of the process on, in its
 * rhythm, one at a time, and not where its result would mean nothing. */
#include "unit.h"

/* An attempt is made then, not before, and ends so. */
static void attempt_at(
	struct story *t, int64_t time, enum probe_type type, enum probe_result result)
{
	if (t->start + time > t->now) {
		at(t, time - 1);
		expect_nothing(t);
		at(t, time);
	}
	expect_probe(t, "m", type);
	probe_ends(t, "m", type, result);
}

/* "initialDelay counts from container start for all types." */
static void first_attempt_of(const char *probe, const char *delay, enum probe_type type)
{
	char ini[256];
	struct text text = text_in(ini, sizeof(ini));
	text_add(&text, "%s%s", MAIN("m"), probe);
	struct story *t = story_probed(ini);
	at(t, 3 * S);
	comes_up(t, "m");
	attempt_at(t, 3 * S, type, PROBE_SUCCESS);
	end(t);
	text_add(&text, "%s", delay);
	t = story_probed(ini);
	at(t, 3 * S);
	comes_up(t, "m");
	attempt_at(t, 15 * S, type, PROBE_SUCCESS);
	end(t);
}

static void first_attempt(void **state)
{
	(void)state;
	first_attempt_of(STARTUP, "startupProbe.initialDelaySeconds = 12\n", PROBE_STARTUP);
	first_attempt_of(LIVENESS, "livenessProbe.initialDelaySeconds = 12\n", PROBE_LIVENESS);
	first_attempt_of(READINESS, "readinessProbe.initialDelaySeconds = 12\n", PROBE_READINESS);
}

/* Whenever the answer comes, the next attempt is a period after the one before. */
static void rhythm(void **state)
{
	(void)state;
	struct story *t =
		story_probed(MAIN("m") READINESS "readinessProbe.periodSeconds = 4\n"
						 "readinessProbe.timeoutSeconds = 3\n"
						 "readinessProbe.initialDelaySeconds = 1\n");
	comes_up(t, "m");
	at(t, 1 * S);
	for (int i = 0; i < 20; i++) {
		int64_t begin = (1 + 4 * i) * S;
		at(t, begin);
		expect_probe(t, "m", PROBE_READINESS);
		at(t, begin + i % 3 * S + 700 * MS);
		probe_ends(t, "m", PROBE_READINESS, PROBE_SUCCESS);
		at(t, begin + 4 * S - 1);
		expect_nothing(t);
	}
	end(t);
}

/* "Ticks do not overlap." One that was missed is made when the attempt before it is over; then the rhythm is
 * the old one. */
static void no_overlap(void **state)
{
	(void)state;
	struct story *t = story_probed(MAIN("m") READINESS "readinessProbe.timeoutSeconds = 100\n");
	comes_up(t, "m");
	expect_probe(t, "m", PROBE_READINESS);
	at(t, 25 * S);
	expect_nothing(t);
	probe_ends(t, "m", PROBE_READINESS, PROBE_SUCCESS);
	expect_probe(t, "m", PROBE_READINESS); /* once, for the ones of 10 and 20 s */
	at(t, 26 * S);
	probe_ends(t, "m", PROBE_READINESS, PROBE_SUCCESS);
	attempt_at(t, 30 * S, PROBE_READINESS, PROBE_SUCCESS);
	attempt_at(t, 40 * S, PROBE_READINESS, PROBE_SUCCESS);
	end(t);
}

/* Timeout: counts as a failure, and what still runs is dropped. */
static void timeout(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") LIVENESS
		"livenessProbe.timeoutSeconds = 4\nlivenessProbe.failureThreshold = 2\n");
	comes_up(t, "m");
	for (int i = 0; i < 2; i++) {
		at(t, i * 10 * S);
		expect_probe(t, "m", PROBE_LIVENESS);
		at(t, (i * 10 + 4) * S - 1);
		expect_nothing(t);
		forget_told(t);
		at(t, (i * 10 + 4) * S);
		expect_cancel_probe(t, "m", PROBE_LIVENESS);
		assert_true(told(t, NOTICE_UNHEALTHY, "m")->timed_out);
		if (!i) {
			expect_nothing(t);
			probe_ends(t, "m", PROBE_LIVENESS, PROBE_SUCCESS); /* too late */
		}
	}
	assert_int_equal(told(t, NOTICE_UNHEALTHY, "m")->cause, STOP_LIVENESS_PROBE);
	expect_signal(t, "m", 15);
	end(t);
}

/* "(liveness Failure) or (type == startup) -> onHold, until the next instance." */
static void on_hold(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") GRACE("100") MAIN("m") STARTUP LIVENESS
		"livenessProbe.failureThreshold = 1\nlivenessProbe.initialDelaySeconds = 5\n");
	comes_up(t, "m");
	attempt_at(t, 0, PROBE_STARTUP, PROBE_SUCCESS);
	attempt_at(t, 5 * S, PROBE_LIVENESS, PROBE_FAILURE);
	expect_signal(t, "m", 15);
	at(t, 60 * S);
	expect_nothing(t); /* of neither */
	exits(t, "m", 0);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	attempt_at(t, 60 * S, PROBE_STARTUP, PROBE_SUCCESS);
	attempt_at(t, 65 * S, PROBE_LIVENESS, PROBE_SUCCESS);
	end(t);
}

static void startup_failure_is_on_hold(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") STARTUP READINESS LIVENESS);
	comes_up(t, "m");
	attempt_at(t, 0, PROBE_STARTUP, PROBE_FAILURE);
	attempt_at(t, 10 * S, PROBE_STARTUP, PROBE_FAILURE);
	attempt_at(t, 20 * S, PROBE_STARTUP, PROBE_FAILURE);
	expect_signal(t, "m", 15);
	at(t, 49 * S);
	expect_nothing(t);
	drop(t);
}

/* e2e P38: liveness is not asked before it is Started, however long that takes. */
static void startup_gates_the_others(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") STARTUP LIVENESS READINESS
		"startupProbe.failureThreshold = 60\n");
	comes_up(t, "m");
	for (int i = 0; i < 24; i++)
		attempt_at(t, i * 10 * S, PROBE_STARTUP, PROBE_FAILURE);
	expect_nothing(t);
	assert_int_equal(process_restart_count(process(t, "m")), 0);
	end(t);
}

/* e2e P17, P40: readiness is asked at once; liveness in the rhythm that began with the process. */
static void after_startup(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") STARTUP LIVENESS READINESS
		"readinessProbe.periodSeconds = 30\nlivenessProbe.periodSeconds = 7\n"
		"livenessProbe.initialDelaySeconds = 2\n");
	comes_up(t, "m");
	attempt_at(t, 0, PROBE_STARTUP, PROBE_FAILURE);
	at(t, 10 * S);
	expect_probe(t, "m", PROBE_STARTUP);
	at(t, 10 * S + 500 * MS);
	probe_ends(t, "m", PROBE_STARTUP, PROBE_SUCCESS);
	attempt_at(t, 10 * S + 500 * MS, PROBE_READINESS, PROBE_SUCCESS);
	assert_true(t->pod->conditions[CONDITION_READY]);
	attempt_at(t, 16 * S, PROBE_LIVENESS, PROBE_SUCCESS); /* 2, 9, 16 */
	attempt_at(t, 23 * S, PROBE_LIVENESS, PROBE_SUCCESS);
	attempt_at(t, 30 * S, PROBE_LIVENESS, PROBE_SUCCESS);
	attempt_at(t, 37 * S, PROBE_LIVENESS, PROBE_SUCCESS);
	attempt_at(t, 40 * S + 500 * MS, PROBE_READINESS, PROBE_SUCCESS);
	end(t);
}

/* The initial delays of the others count from the start of the process also then. */
static void delays_behind_startup(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") STARTUP LIVENESS READINESS
		"livenessProbe.initialDelaySeconds = 10\nreadinessProbe.initialDelaySeconds = 5\n"
		"startupProbe.initialDelaySeconds = 2\n");
	comes_up(t, "m");
	attempt_at(t, 2 * S, PROBE_STARTUP, PROBE_SUCCESS);
	attempt_at(t, 5 * S, PROBE_READINESS, PROBE_SUCCESS);
	attempt_at(t, 10 * S, PROBE_LIVENESS, PROBE_SUCCESS);
	attempt_at(t, 15 * S, PROBE_READINESS, PROBE_SUCCESS);
	end(t);
}

/* startupProbe runs beside postStart; the others wait for both. */
static void beside_post_start(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") POST_START STARTUP READINESS);
	comes_up(t, "m");
	expect_hook(t, "m", HOOK_POST_START);
	attempt_at(t, 0, PROBE_STARTUP, PROBE_SUCCESS);
	at(t, 33 * S);
	expect_nothing(t);
	hook_done(t, "m", HOOK_POST_START, true);
	attempt_at(t, 33 * S, PROBE_READINESS, PROBE_SUCCESS);
	end(t);
}

/* e2e L27, P22, P23: liveness ends with the stop, readiness goes on until the process is gone. */
static void while_it_is_stopped(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") GRACE("60") MAIN("m")
			PRE_STOP LIVENESS READINESS "livenessProbe.initialDelaySeconds = 1\n");
	comes_up(t, "m");
	attempt_at(t, 0, PROBE_READINESS, PROBE_SUCCESS);
	at(t, 1 * S);
	expect_probe(t, "m", PROBE_LIVENESS);
	signalled(t, 15);
	expect_cancel_probe(t, "m", PROBE_LIVENESS);
	expect_hook(t, "m", HOOK_PRE_STOP);
	probe_ends(t, "m", PROBE_LIVENESS, PROBE_FAILURE); /* too late */
	attempt_at(t, 10 * S, PROBE_READINESS, PROBE_SUCCESS);
	hook_done(t, "m", HOOK_PRE_STOP, true);
	expect_signal(t, "m", 15);
	assert_true(t->pod->conditions[CONDITION_READY]);
	for (int i = 2; i <= 4; i++)
		attempt_at(t, i * 10 * S, PROBE_READINESS, PROBE_FAILURE);
	assert_false(t->pod->conditions[CONDITION_READY]);
	at(t, 50 * S);
	expect_probe(t, "m", PROBE_READINESS);
	exits(t, "m", 0);
	expect_cancel_probe(t, "m", PROBE_READINESS);
	expect_group_signal(t, "m", 15);
	expect_end(t, 0);
	end(t);
}

/* The startupProbe of one that is stopped before it is Started. */
static void stopped_before_it_is_started(void **state)
{
	(void)state;
	struct story *t = story_probed(MAIN("m") STARTUP READINESS);
	comes_up(t, "m");
	expect_probe(t, "m", PROBE_STARTUP);
	signalled(t, 15);
	expect_cancel_probe(t, "m", PROBE_STARTUP);
	expect_signal(t, "m", 15);
	at(t, 29 * S);
	expect_nothing(t);
	drop(t);
}

/* Who waits for its restart is not asked. */
static void between_two_instances(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Always") MAIN("m") READINESS LIVENESS);
	for (int i = 0; i < 2; i++) {
		comes_up(t, "m");
		attempt_at(t, 0, PROBE_LIVENESS, PROBE_SUCCESS);
		attempt_at(t, 0, PROBE_READINESS, PROBE_SUCCESS);
		exits(t, "m", 1);
		expect_kill_tree(t, "m");
	}
	at(t, 10 * S - 1);
	expect_nothing(t);
	at(t, 10 * S);
	comes_up(t, "m");
	attempt_at(t, 10 * S, PROBE_LIVENESS, PROBE_SUCCESS);
	attempt_at(t, 10 * S, PROBE_READINESS, PROBE_SUCCESS);
	end(t);
}

int test_probe_worker(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_attempt),
		cmocka_unit_test(rhythm),
		cmocka_unit_test(no_overlap),
		cmocka_unit_test(timeout),
		cmocka_unit_test(on_hold),
		cmocka_unit_test(startup_failure_is_on_hold),
		cmocka_unit_test(startup_gates_the_others),
		cmocka_unit_test(after_startup),
		cmocka_unit_test(delays_behind_startup),
		cmocka_unit_test(beside_post_start),
		cmocka_unit_test(while_it_is_stopped),
		cmocka_unit_test(stopped_before_it_is_started),
		cmocka_unit_test(between_two_instances),
	};
	return UNIT_RUN("probe worker", tests);
}
