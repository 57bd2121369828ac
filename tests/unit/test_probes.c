/* Results of probes as they enter the core: the Started gate, readiness, and kills that restart by
 * plain policy only. */
#include "unit.h"

static void startup_probe_gates(void **state)
{
	(void)state;
	struct story *t =
		story(POLICY("Never") SIDECAR("a") STARTUP SIDECAR("b") STARTUP MAIN("m"));
	comes_up(t, "a");
	at(t, 10 * S);
	expect_nothing(t);
	assert_phase(t, "Pending");
	probe(t, "a", PROBE_STARTUP, true);
	comes_up(t, "b");
	expect_nothing(t);
	probe(t, "b", PROBE_STARTUP, true);
	comes_up(t, "m");
	assert_phase(t, "Running");
	end(t);
}

static void readiness_does_not_gate(void **state)
{
	(void)state;
	struct story *t =
		story(POLICY("Never") SIDECAR("s") READINESS LIVENESS MAIN("m") READINESS);
	comes_up(t, "s");
	comes_up(t, "m");
	assert_phase(t, "Running");
	assert_false(t->pod->conditions[CONDITION_READY]);
	probe(t, "m", PROBE_READINESS, true);
	assert_false(t->pod->conditions[CONDITION_READY]);
	at(t, 5 * S);
	probe(t, "s", PROBE_READINESS, true); /* a sidecar counts for Ready */
	assert_true(t->pod->conditions[CONDITION_READY]);
	assert_true(t->pod->conditions[CONDITION_CONTAINERS_READY]);
	assert_true(t->pod->condition_since[CONDITION_READY] == t->start + 5 * S);
	probe(t, "m", PROBE_READINESS, false);
	assert_false(t->pod->conditions[CONDITION_READY]);
	expect_nothing(t); /* readiness never kills */
	end(t);
}

/* e2e P22: readiness goes on while the process is being stopped. */
static void readiness_during_the_end(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("m") READINESS LIVENESS);
	comes_up(t, "m");
	probe(t, "m", PROBE_READINESS, true);
	signalled(t, 15);
	expect_signal(t, "m", 15);
	assert_true(process(t, "m")->ready);
	probe(t, "m", PROBE_READINESS, false);
	assert_false(process(t, "m")->ready);
	probe(t, "m", PROBE_LIVENESS, false); /* stopped already */
	expect_nothing(t);
	drop(t);
}

/* A new instance begins unready and not Started. */
static void results_end_with_the_instance(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") STARTUP READINESS);
	comes_up(t, "m");
	probe(t, "m", PROBE_STARTUP, true);
	probe(t, "m", PROBE_READINESS, true);
	assert_true(process_is_ready(&t->spec.processes[0], process(t, "m")));
	exits(t, "m", 1);
	expect_kill_tree(t, "m");
	assert_false(process_is_ready(&t->spec.processes[0], process(t, "m")));
	comes_up(t, "m");
	assert_false(process_is_started(&t->spec.processes[0], process(t, "m")));
	probe(t, "m", PROBE_STARTUP, true);
	assert_true(process_is_started(&t->spec.processes[0], process(t, "m")));
	assert_false(process_is_ready(&t->spec.processes[0], process(t, "m")));
	end(t);
}

static void liveness_kills_and_restarts(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") LIVENESS PRE_STOP);
	comes_up(t, "m");
	at(t, 5 * S);
	probe(t, "m", PROBE_LIVENESS, false);
	assert_int_equal(told(t, NOTICE_UNHEALTHY, "m")->cause, STOP_LIVENESS_PROBE);
	assert_int_equal(told(t, NOTICE_KILLING, "m")->cause, STOP_LIVENESS_PROBE);
	expect_hook(t, "m", HOOK_PRE_STOP);
	probe(t, "m", PROBE_LIVENESS, false); /* told once */
	expect_nothing(t);
	at(t, 7 * S);
	hook_done(t, "m", HOOK_PRE_STOP, true);
	expect_signal(t, "m", 15);
	at(t, 35 * S);
	expect_kill_tree(t, "m");
	dies(t, "m", 9);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	assert_phase(t, "Running");
	end(t);
}

/* KEP-2238: the probe's own grace, shorter or longer than the pod's. */
static void grace_of_a_probe(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m") LIVENESS
		"livenessProbe.terminationGracePeriodSeconds = 5\n");
	comes_up(t, "m");
	probe(t, "m", PROBE_LIVENESS, false);
	expect_signal(t, "m", 15);
	at(t, 5 * S - 1);
	expect_nothing(t);
	at(t, 5 * S);
	expect_kill_tree(t, "m");
	drop(t);
	t = story(POLICY("Always") MAIN("m") STARTUP
		"startupProbe.terminationGracePeriodSeconds = 500\n");
	comes_up(t, "m");
	probe(t, "m", PROBE_STARTUP, false);
	expect_signal(t, "m", 15);
	at(t, 100 * S);
	expect_nothing(t);
	/* the pod's end always uses the pod's */
	signalled(t, 15);
	at(t, 130 * S - 1);
	expect_nothing(t);
	at(t, 130 * S);
	expect_kill_tree(t, "m");
	drop(t);
}

static void kill_by_probe(const char *ini, int exit_code, bool restarts)
{
	struct story *t = story(ini);
	comes_up(t, "m");
	probe(t, "m", PROBE_LIVENESS, false);
	expect_signal(t, "m", 15);
	exits(t, "m", exit_code);
	assert_state(t, "m", restarts ? PROCESS_SPAWNING : PROCESS_EXITED);
	drop(t);
}

/* Derived case j: rules do not count for a kill; plain policy: again unless Never. */
static void kills_use_plain_policy(void **state)
{
	(void)state;
	kill_by_probe(POLICY("Always") MAIN("m") LIVENESS, 0, true);
	kill_by_probe(POLICY("OnFailure") MAIN("m") LIVENESS, 0, true);
	kill_by_probe(POLICY("OnFailure") MAIN("m") LIVENESS, 1, true);
	kill_by_probe(POLICY("Never") MAIN("m") LIVENESS, 143, false);
	kill_by_probe(POLICY("Never") MAIN("m") LIVENESS "restartPolicy = OnFailure\n", 0, true);
	kill_by_probe(POLICY("Always") MAIN("m") LIVENESS "restartPolicy = Never\n"
							  "restartPolicyRules = Restart In 143\n",
		143, false);
	kill_by_probe(POLICY("Always") MAIN("m") LIVENESS "restartPolicy = Never\n"
							  "restartPolicyRules = Restart NotIn\n",
		1, false);
}

/* A Never pod whose only main is killed by its probe fails. */
static void kill_under_never_fails_the_pod(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("m") STARTUP);
	comes_up(t, "m");
	probe(t, "m", PROBE_STARTUP, false);
	expect_signal(t, "m", 15);
	dies(t, "m", 15);
	assert_phase(t, "Failed");
	expect_end(t, 143);
	end(t);
}

/* A sidecar's startup failure restarts it, even under Never; the pod stays Pending (e2e L115). */
static void startup_failure_of_a_sidecar(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") STARTUP PRE_STOP MAIN("m"));
	comes_up(t, "s");
	for (int i = 0; i < 2; i++) {
		probe(t, "s", PROBE_STARTUP, false);
		expect_hook(t, "s", HOOK_PRE_STOP);
		hook_done(t, "s", HOOK_PRE_STOP, true);
		expect_signal(t, "s", 15); /* no turn: the pod goes on */
		dies(t, "s", 15);
		expect_kill_tree(t, "s");
		assert_phase(t, "Pending");
		if (i)
			at(t, 10 * S);
		comes_up(t, "s");
	}
	assert_state(t, "m", PROCESS_NONE);
	probe(t, "s", PROBE_STARTUP, true);
	expect_spawn(t, "m");
	end(t);
}

/* The pod ends while a probe's kill is under way: the sooner end holds, the rest goes on. */
static void pod_ends_during_a_kill(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") SIDECAR("s") LIVENESS PRE_STOP MAIN("m"));
	comes_up(t, "s");
	comes_up(t, "m");
	probe(t, "s", PROBE_LIVENESS, false);
	expect_hook(t, "s", HOOK_PRE_STOP);
	at(t, 10 * S);
	signalled(t, 15);
	expect_signal(t, "m", 15);
	at(t, 20 * S);
	hook_done(t, "s", HOOK_PRE_STOP, true);
	expect_nothing(t); /* its turn is not yet */
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_signal(t, "s", 15);
	at(t, 30 * S);
	expect_kill_tree(t, "s"); /* 30 s after the probe failed */
	dies(t, "s", 9);
	expect_group_signal(t, "s", 15);
	expect_end(t, 0);
	end(t);
}

int test_probes(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(startup_probe_gates),
		cmocka_unit_test(readiness_does_not_gate),
		cmocka_unit_test(readiness_during_the_end),
		cmocka_unit_test(results_end_with_the_instance),
		cmocka_unit_test(liveness_kills_and_restarts),
		cmocka_unit_test(grace_of_a_probe),
		cmocka_unit_test(kills_use_plain_policy),
		cmocka_unit_test(kill_under_never_fails_the_pod),
		cmocka_unit_test(startup_failure_of_a_sidecar),
		cmocka_unit_test(pod_ends_during_a_kill),
	};
	return UNIT_RUN("probes", tests);
}
