/* The checks across keys: each one alone, with its file, line and section. */
#include "unit.h"

#include <string.h>

#define VOLUME "[volume v]\nemptyDir =\n"

static void one_problem_each(void **state)
{
	static const struct {
		const char *ini, *problem;
	} rows[] = {
		{MAIN("m") "[volume v]\n",
			"pod.ini:3: volume v: says neither emptyDir nor hostPath.path\n"},
		{MAIN("m") "[volume v]\nemptyDir =\nhostPath.path = /x\n",
			"pod.ini:3: volume v: hostPath and emptyDir exclude each other\n"},
		{MAIN("m") "[volume v]\nemptyDir.medium = Memory\nhostPath.path = /x\n",
			"pod.ini:3: volume v: hostPath and emptyDir exclude each other\n"},
		{MAIN("m") "[volume v]\nemptyDir =\nhostPath.type = File\n",
			"pod.ini:3: volume v: hostPath.type without hostPath.path\n"},
		{MAIN("m") "[volume v]\nhostPath.type = File\n",
			"pod.ini:3: volume v: hostPath.type without hostPath.path\n"},
		{VOLUME MAIN("m") "volumeMounts = w:/p\n",
			"pod.ini:5: main m: volumeMounts: there is no [volume w]\n"},
		{VOLUME MAIN("m") "volumeMounts = v:/\n",
			"pod.ini:5: main m: volumeMounts: a volume cannot be the root; use "
			"rootfs\n"},
		{VOLUME MAIN("m") "volumeMounts = v://\n",
			"pod.ini:5: main m: volumeMounts: a volume cannot be the root; use "
			"rootfs\n"},
		{VOLUME MAIN("m") "volumeMounts = v:/p\nargs = x\nvolumeMounts = v:/p\n",
			"pod.ini:7: main m: volumeMounts: /p is mounted twice\n"},
		{MAIN("m") "[main n]\n", "pod.ini:3: main n: command: is required\n"},
		{MAIN("m") "[init i]\nargs = x\n", "pod.ini:3: init i: command: is required\n"},
		{MAIN("m") "[sidecar s]\n", "pod.ini:3: sidecar s: command: is required\n"},
		{MAIN("m") INIT("i") "restartPolicy = Always\n",
			"pod.ini:3: init i: restartPolicy: an init that runs Always is a "
			"[sidecar]\n"},
		{MAIN("m") "restartPolicyRules = Restart In 1\n",
			"pod.ini:1: main m: restartPolicyRules: need a restartPolicy of the same "
			"process\n"},
		{MAIN("m") INIT("i") "restartPolicyRules = Restart In 1\n",
			"pod.ini:3: init i: restartPolicyRules: need a restartPolicy"},
		{"[pod]\nname = My_Pod\n" MAIN("m"),
			"pod.ini:1: pod: name: 'My_Pod' is not a DNS label (a-z, 0-9, -; at most "
			"63)\n"},
		{"[pod]\nsubdomain = a.b\n" MAIN("m"),
			"pod.ini:1: pod: subdomain: 'a.b' is not a DNS label\n"},
		{"[pod]\nhostNetwork = true\nsecurityContext.sysctls = net.x=1\n" MAIN("m"),
			"pod.ini:1: pod: securityContext.sysctls: 'net.x' is the machine's with "
			"hostNetwork\n"},
		{"[pod]\nhostIPC = true\nsecurityContext.sysctls = kernel.sem=1\n" MAIN("m"),
			"pod.ini:1: pod: securityContext.sysctls: 'kernel.sem' is the machine's "
			"with hostIPC\n"},
		{"[pod]\n", "pod.ini: no [main NAME] section: nothing to run\n"},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		const char *said = problems_of(rows[i].ini);
		assert_contains(said, rows[i].problem);
		if (problem_count() != 1)
			fail_msg("one problem only, not: %s", said);
	}
}

static void good_combinations(void **state)
{
	static const char *const files[] = {
		MAIN("m") SIDECAR("s") "restartPolicyRules = Restart In 1\n",
		MAIN("m") "restartPolicy = Never\nrestartPolicyRules = Restart In 1\n",
		MAIN("m") "backoff.initialSeconds = 15\nbackoff.maxSeconds = 15\n",
		MAIN("m") "backoff.initialSeconds = 0\n",
		MAIN("m") "backoff.initialSeconds = 20\nbackoff.maxSeconds = 15\n",
		MAIN("m") INIT("i") "restartPolicy = OnFailure\n",
		VOLUME MAIN("m") "volumeMounts = v:/p\nvolumeMounts = v:/q\n" MAIN(
			"n") "volumeMounts = v:/p\n",
		"[volume v]\nhostPath.path = x\nhostPath.type =\n" MAIN("m"),
		"[volume v]\nhostPath.path = x\n" MAIN("m"),
		"[volume unused]\nemptyDir.medium =\nemptyDir =\n" MAIN("m"),
	};
	(void)state;
	for (int i = 0; i < COUNT(files); i++)
		assert_string_equal(problems_of(files[i]), "");
}

static const char *problems_with_later(const char *ini, struct text *text)
{
	struct pod_spec spec;
	struct problems problems;
	read_bytes(&spec, &problems, ini, strlen(ini), true);
	text_clear(text);
	text_add(text, "%s", problems.text.data ? problems.text.data : "");
	text_finish(&problems.text);
	spec_finish(&spec);
	return text->data;
}

static void probes_have_one_handler(void **state)
{
	static const struct {
		const char *ini, *problem;
	} rows[] = {
		{MAIN("m") "livenessProbe.periodSeconds = 3\n",
			"pod.ini:1: main m: livenessProbe: needs exactly one of its handlers\n"},
		{MAIN("m") STARTUP "startupProbe.tcpSocket.port = 1\n",
			"pod.ini:1: main m: startupProbe: needs exactly one of its handlers\n"},
		{MAIN("m") "readinessProbe.httpGet.path = /\n",
			"pod.ini:1: main m: readinessProbe: needs exactly one of its handlers\n"},
		{MAIN("m") PRE_STOP "lifecycle.preStop.sleep.seconds = 0\n",
			"pod.ini:1: main m: lifecycle.preStop: needs exactly one of its "
			"handlers\n"},
		{MAIN("m") "lifecycle.postStart.httpGet.host = h\n",
			"pod.ini:1: main m: lifecycle.postStart: needs exactly one of its "
			"handlers\n"},
	};
	(void)state;
	struct text text = {0};
	for (int i = 0; i < COUNT(rows); i++)
		assert_string_equal(problems_with_later(rows[i].ini, &text), rows[i].problem);
	assert_string_equal(
		problems_with_later(
			MAIN("m") STARTUP LIVENESS READINESS PRE_STOP POST_START, &text),
		"");
	text_finish(&text);
}

/* "successThreshold must be 1 for liveness and startup" (section 0); "sleep: 0 <= seconds <=
 * terminationGracePeriodSeconds" (section 9). */
static void ranges_of_kubernetes_validation(void **state)
{
	(void)state;
	struct text text = {0};
	assert_contains(problems_with_later(
				MAIN("m") LIVENESS "livenessProbe.successThreshold = 2\n", &text),
		"successThreshold");
	assert_contains(
		problems_with_later(MAIN("m") STARTUP "startupProbe.successThreshold = 2\n", &text),
		"successThreshold");
	assert_string_equal(
		problems_with_later(
			MAIN("m") READINESS "readinessProbe.successThreshold = 2\n", &text),
		"");
	assert_contains(
		problems_with_later(MAIN("m") "lifecycle.preStop.sleep.seconds = 31\n", &text),
		"sleep");
	text_finish(&text);
}

static void what_follows_from_the_keys(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		"[pod]\nterminationGracePeriodSeconds = -7\n" MAIN(
			"m") "[volume v]\nemptyDir.medium = Memory\n");
	assert_string_equal(spec.name, "pod");
	assert_true(spec.grace_ns == S); /* negative means 1 */
	assert_true(spec.volumes[0].empty_dir);
	assert_int_equal(spec.processes[0].argv.count, 1);
	spec_finish(&spec);
	good_spec(&spec, "[pod]\nterminationGracePeriodSeconds = 0\n" MAIN("m"));
	assert_true(spec.grace_ns == 0);
	spec_finish(&spec);
}

/* KEP-5593: a maximum below the initial delay lowers that; it is the delay from the first on. */
static void backoff_maximum_below_the_initial(void **state)
{
	static const struct {
		const char *keys;
		int64_t initial, max;
	} rows[] = {
		{"backoff.initialSeconds = 20\nbackoff.maxSeconds = 15\n", 15 * S, 15 * S},
		{"backoff.maxSeconds = 5\n", 5 * S, 5 * S}, /* below the default of 10 s */
		{"backoff.initialSeconds = 15\nbackoff.maxSeconds = 15\n", 15 * S, 15 * S},
		{"backoff.initialSeconds = 14\nbackoff.maxSeconds = 15\n", 14 * S, 15 * S},
		{"", 10 * S, 300 * S},
	};
	static const char *const sections[] = {
		MAIN("m"), MAIN("x") SIDECAR("m"), MAIN("x") INIT("m")};
	(void)state;
	for (int i = 0; i < COUNT(rows) * COUNT(sections); i++) {
		struct pod_spec spec;
		struct text ini = {0};
		text_add(&ini, "%s%s", sections[i % COUNT(sections)],
			rows[i / COUNT(sections)].keys);
		good_spec(&spec, ini.data);
		for (int k = 0; k < spec.process_count; k++) {
			if (strcmp(spec.processes[k].name, "m") != 0)
				continue;
			assert_true(spec.processes[k].backoff_initial_ns ==
				rows[i / COUNT(sections)].initial);
			assert_true(
				spec.processes[k].backoff_max_ns == rows[i / COUNT(sections)].max);
		}
		assert_spec_survives(&spec);
		spec_finish(&spec);
		text_finish(&ini);
	}
}

static void start_order(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		MAIN("m1") SIDECAR("s1") INIT("i1") MAIN("m2") INIT("i2") SIDECAR("s2") MAIN("m3"));
	static const char *const order[] = {"s1", "i1", "i2", "s2", "m1", "m2", "m3"};
	assert_int_equal(spec.init_count, 4);
	for (int i = 0; i < COUNT(order); i++)
		assert_string_equal(spec.processes[i].name, order[i]);
	spec_finish(&spec);
}

int test_check(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_problem_each),
		cmocka_unit_test(good_combinations),
		cmocka_unit_test(probes_have_one_handler),
		cmocka_unit_test(ranges_of_kubernetes_validation),
		cmocka_unit_test(what_follows_from_the_keys),
		cmocka_unit_test(backoff_maximum_below_the_initial),
		cmocka_unit_test(start_order),
	};
	return UNIT_RUN("check", tests);
}
