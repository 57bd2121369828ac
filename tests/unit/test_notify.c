/* What a process says of itself by sd_notify: that it is ready, that it is busy, that it lives (the watchdog),
 * that it needs more time to stop. */
#include "unit.h"

#define NOTIFY	 "notify = main\n"
#define WATCHDOG NOTIFY "watchdogSeconds = 5\n"

static bool is_started(struct story *t, const char *name)
{
	return process_is_started(&t->spec.processes[index_of(t, name)], process(t, name));
}

static void ready_gates_of(const char *key)
{
	char ini[256];
	struct text text = text_in(ini, sizeof(ini));
	text_add(&text, POLICY("Never") SIDECAR("s") "%s" MAIN("m"), key);
	struct story *t = story(ini);
	comes_up(t, "s");
	at(t, 100 * S);
	expect_nothing(t);
	assert_false(is_started(t, "s"));
	assert_phase(t, "Pending");
	notified(t, "s", NOTIFICATION_READY);
	assert_true(is_started(t, "s"));
	comes_up(t, "m");
	assert_true(t->pod->conditions[CONDITION_READY]);
	end(t);
}

static void ready_gates(void **state)
{
	(void)state;
	ready_gates_of(NOTIFY);
	ready_gates_of("notify = all\n");
	ready_gates_of("notifyFd = 3\n");
}

/* All that there is must hold: READY=1, postStart, startupProbe, in whatever order. */
static void ready_and_the_rest(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") NOTIFY POST_START STARTUP MAIN("m"));
	comes_up(t, "s");
	expect_hook(t, "s", HOOK_POST_START);
	notified(t, "s", NOTIFICATION_READY);
	expect_nothing(t);
	hook_done(t, "s", HOOK_POST_START, true);
	expect_nothing(t);
	probe(t, "s", PROBE_STARTUP, true);
	comes_up(t, "m");
	end(t);
	t = story(POLICY("Never") SIDECAR("s") NOTIFY POST_START STARTUP MAIN("m"));
	comes_up(t, "s");
	expect_hook(t, "s", HOOK_POST_START);
	probe(t, "s", PROBE_STARTUP, true);
	hook_done(t, "s", HOOK_POST_START, true);
	expect_nothing(t);
	notified(t, "s", NOTIFICATION_READY);
	expect_spawn(t, "m");
	end(t);
}

/* The other probes wait for it, as they do for the startupProbe. */
static void probes_wait_for_ready(void **state)
{
	(void)state;
	struct story *t = story_probed(MAIN("m") NOTIFY READINESS LIVENESS);
	comes_up(t, "m");
	at(t, 33 * S);
	expect_nothing(t);
	notified(t, "m", NOTIFICATION_READY);
	expect_probe(t, "m", PROBE_READINESS);
	expect_nothing(t);
	probe_ends(t, "m", PROBE_READINESS, PROBE_SUCCESS);
	at(t, 40 * S);
	expect_probe(t, "m", PROBE_LIVENESS);
	assert_true(t->pod->conditions[CONDITION_READY]);
	/* once is enough */
	notified(t, "m", NOTIFICATION_READY);
	end(t);
}

/* Who says that it stops or reloads gets nothing more to do; it stays Started. */
static void busy_is_not_ready(void **state)
{
	static const enum notification words[] = {NOTIFICATION_RELOADING, NOTIFICATION_STOPPING};
	(void)state;
	for (int i = 0; i < COUNT(words); i++) {
		struct story *t = story(MAIN("m") NOTIFY);
		comes_up(t, "m");
		notified(t, "m", NOTIFICATION_READY);
		assert_true(t->pod->conditions[CONDITION_READY]);
		notified(t, "m", words[i]);
		assert_false(t->pod->conditions[CONDITION_READY]);
		assert_true(is_started(t, "m"));
		notified(t, "m", NOTIFICATION_READY);
		assert_true(t->pod->conditions[CONDITION_READY]);
		end(t);
	}
}

static void what_the_one_before_said(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") NOTIFY);
	comes_up(t, "m");
	notified(t, "m", NOTIFICATION_READY);
	notified(t, "m", NOTIFICATION_STOPPING);
	exits(t, "m", 0);
	expect_kill_tree(t, "m");
	notified(t, "m", NOTIFICATION_READY); /* late */
	comes_up(t, "m");
	assert_false(is_started(t, "m"));
	notified(t, "m", NOTIFICATION_READY);
	assert_true(t->pod->conditions[CONDITION_READY]); /* and not busy */
	assert_int_equal(t->pod->unexpected, 0);
	end(t);
}

/* --- the watchdog --- */

/* From when it is Started on; each WATCHDOG=1 gives it as long again. */
static void watchdog(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") WATCHDOG PRE_STOP);
	comes_up(t, "m");
	at(t, 60 * S);
	expect_nothing(t); /* not Started */
	notified(t, "m", NOTIFICATION_READY);
	at(t, 64 * S);
	notified(t, "m", NOTIFICATION_WATCHDOG);
	at(t, 69 * S - 1);
	expect_nothing(t);
	at(t, 69 * S);
	expect_hook(t, "m", HOOK_PRE_STOP);
	assert_int_equal(told(t, NOTICE_UNHEALTHY, "m")->cause, STOP_WATCHDOG);
	assert_int_equal(told(t, NOTICE_KILLING, "m")->cause, STOP_WATCHDOG);
	/* it is one kill, whatever else happens */
	notified(t, "m", NOTIFICATION_WATCHDOG);
	at(t, 80 * S);
	expect_nothing(t);
	assert_int_equal(told_times(t, NOTICE_UNHEALTHY, "m"), 1);
	hook_done(t, "m", HOOK_PRE_STOP, true);
	expect_signal(t, "m", 15);
	at(t, 99 * S); /* the pod's grace, from 69 s on */
	expect_kill_tree(t, "m");
	dies(t, "m", 9);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	end(t);
}

/* By plain policy, as after a probe. */
static void watchdog_under_never(void **state)
{
	(void)state;
	struct story *t =
		story(POLICY("Never") MAIN("m") WATCHDOG "restartPolicy = Never\n"
							 "restartPolicyRules = Restart In 134\n");
	comes_up(t, "m");
	notified(t, "m", NOTIFICATION_READY);
	at(t, 5 * S);
	expect_signal(t, "m", 15);
	dies(t, "m", 6);
	expect_end(t, 134);
	end(t);
}

static void watchdog_trigger(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") WATCHDOG);
	comes_up(t, "m");
	notified(t, "m", NOTIFICATION_WATCHDOG_TRIGGER);
	expect_nothing(t); /* not watched yet */
	notified(t, "m", NOTIFICATION_READY);
	at(t, 1 * S);
	notified(t, "m", NOTIFICATION_WATCHDOG_TRIGGER);
	expect_signal(t, "m", 15);
	end(t);
}

/* WATCHDOG_USEC= changes how often, of this instance; not whether. */
static void watchdog_interval(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") WATCHDOG MAIN("n") NOTIFY);
	comes_up(t, "m");
	comes_up(t, "n");
	notified(t, "n", NOTIFICATION_READY);
	notified_of(t, "n", NOTIFICATION_WATCHDOG_INTERVAL, 1 * S);
	notified_of(t, "m", NOTIFICATION_WATCHDOG_INTERVAL, 20 * S);
	notified(t, "m", NOTIFICATION_READY);
	notified_of(t, "m", NOTIFICATION_WATCHDOG_INTERVAL, 0);
	notified_of(t, "m", NOTIFICATION_WATCHDOG_INTERVAL, -1 * S);
	at(t, 19 * S);
	expect_nothing(t);
	notified_of(t, "m", NOTIFICATION_WATCHDOG_INTERVAL, 2 * S);
	at(t, 21 * S - 1);
	expect_nothing(t);
	at(t, 21 * S);
	expect_signal(t, "m", 15);
	exits(t, "m", 0);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	notified(t, "m", NOTIFICATION_READY);
	at(t, 26 * S - 1);
	expect_nothing(t);
	at(t, 26 * S);
	expect_signal(t, "m", 15); /* its 5 seconds again */
	end(t);
}

/* Nobody has to say that it lives while it is told to end. */
static void no_watchdog_in_the_end(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") GRACE("100") MAIN("m") WATCHDOG);
	comes_up(t, "m");
	notified(t, "m", NOTIFICATION_READY);
	at(t, 3 * S);
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 99 * S);
	expect_nothing(t);
	assert_null(told(t, NOTICE_UNHEALTHY, "m"));
	drop(t);
}

/* --- more time --- */

/* EXTEND_TIMEOUT_USEC= while it stops: later, never sooner. */
static void more_time_to_stop(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") GRACE("10") MAIN("m") WATCHDOG);
	comes_up(t, "m");
	notified_of(t, "m", NOTIFICATION_EXTEND, 900 * S); /* it does not stop */
	notified(t, "m", NOTIFICATION_READY);
	at(t, 5 * S);
	expect_signal(t, "m", 15);
	at(t, 10 * S);
	notified_of(t, "m", NOTIFICATION_EXTEND, 2 * S);
	notified_of(t, "m", NOTIFICATION_EXTEND, -50 * S);
	at(t, 15 * S - 1);
	notified_of(t, "m", NOTIFICATION_EXTEND, 20 * S + 1);
	at(t, 35 * S - 1);
	expect_nothing(t);
	at(t, 35 * S);
	expect_kill_tree(t, "m");
	end(t);
}

/* The end of the pod has the pod's grace, and no more. */
static void no_more_time_than_the_pod_has(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") GRACE("10") MAIN("m") NOTIFY);
	comes_up(t, "m");
	notified(t, "m", NOTIFICATION_READY);
	signalled(t, 15);
	expect_signal(t, "m", 15);
	notified_of(t, "m", NOTIFICATION_EXTEND, INT64_MAX);
	at(t, 10 * S - 1);
	expect_nothing(t);
	at(t, 10 * S);
	expect_kill_tree(t, "m");
	drop(t);
}

int test_notify(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_gates),
		cmocka_unit_test(ready_and_the_rest),
		cmocka_unit_test(probes_wait_for_ready),
		cmocka_unit_test(busy_is_not_ready),
		cmocka_unit_test(what_the_one_before_said),
		cmocka_unit_test(watchdog),
		cmocka_unit_test(watchdog_under_never),
		cmocka_unit_test(watchdog_trigger),
		cmocka_unit_test(watchdog_interval),
		cmocka_unit_test(no_watchdog_in_the_end),
		cmocka_unit_test(more_time_to_stop),
		cmocka_unit_test(no_more_time_than_the_pod_has),
	};
	return UNIT_RUN("notify", tests);
}
