/* What the INI writer writes reads back as the same spec: with every key, nasty values, and specs
 * made of random ones. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/spec/keys.h"
#include "../../src/spec/units.h"
#include "../../src/spec/value.h"

static void every_key_survives(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		"[pod]\nname = all\nrestartPolicy = OnFailure\nterminationGracePeriodSeconds = "
		"1.5\n"
		"activeDeadlineSeconds = 2h\n"
		"[volume host]\nhostPath.path = data dir\nhostPath.type = DirectoryOrCreate\n"
		"[volume empty]\nemptyDir =\n"
		"[volume memory]\nemptyDir.medium = Memory\n"
		"[main m]\ncommand = /bin/sh -c 'echo \"$A\"\n  next' $'\\x01\\'' ''\n"
		"args = ' lead' 'trail ' $'\\xff\\xfe' \\; '#' $'\\t'\n"
		"workingDir = $'/a\\nb '\n"
		"env = PLAIN=x\nenv = EMPTY=\nenv = NL=$'a\\nb'\nenv = BLANK= x\nenv = END=$'x '\n"
		"env = DOLLAR=$'$\\'a\\''\nenv = REF=$(PLAIN)$$(X)\nenv = RAW=\xff'\"\\ ; # = [\n"
		"restartPolicy = Never\nrestartPolicyRules = Restart In 42,43\n"
		"restartPolicyRules = Restart NotIn\nrestartPolicyRules = Restart NotIn 0,255\n"
		"volumeMounts = host:/h:ro\nvolumeMounts = empty:/e e:subPath=a b\n"
		"volumeMounts = memory:/m:ro:subPath=x/y\n"
		"rootfs = roots/m\nlifecycle.stopSignal = RTMIN+3\n"
		"backoff.initialSeconds = 500ms\nbackoff.maxSeconds = 7\n"
		"backoff.resetSeconds = 1m0.000000001s\n"
		"securityContext.readOnlyRootFilesystem = true\n"
		"[sidecar s]\ncommand = s\nrestartPolicyRules = Restart In 1\n"
		"[init i]\ncommand = i\nrestartPolicy = OnFailure\n");
	const struct process_spec *m = &spec.processes[2];
	assert_string_equal(m->command.items[2], "echo \"$A\"\nnext");
	assert_string_equal(m->command.items[3], "\x01'");
	assert_string_equal(m->args.items[1], "trail ");
	assert_string_equal(m->working_dir, "/a\nb ");
	assert_string_equal(m->env.items[5], "DOLLAR=$'a'");
	assert_string_equal(spec.volumes[0].host_path, "/etc/pod/data dir");
	assert_true(m->backoff_reset_ns == 60 * S + 1);
	assert_spec_survives(&spec);
	spec_finish(&spec);
}

static void defaults_are_left_out(void **state)
{
	(void)state;
	struct pod_spec spec;
	struct text text = {0};
	good_spec(&spec,
		"[pod]\nrestartPolicy = Always\nterminationGracePeriodSeconds = 30s\n"
		"[main m]\ncommand = x\nlifecycle.stopSignal = TERM\n"
		"backoff.initialSeconds = 10000ms\n");
	ini_write(&text, &spec);
	assert_string_equal(text.data, "[pod]\nname = pod\n\n[main m]\ncommand = x\n");
	text_finish(&text);
	assert_spec_survives(&spec);
	spec_finish(&spec);
}

static void probes_and_hooks_survive(void **state)
{
	static const char *const files[] = {
		MAIN("m") STARTUP
		"startupProbe.periodSeconds = 3\nstartupProbe.failureThreshold = 9\n",
		MAIN("m") "livenessProbe.httpGet.port = 80\nlivenessProbe.httpGet.scheme = HTTPS\n"
			  "livenessProbe.httpGet.path = / x\n"
			  "livenessProbe.httpGet.httpHeaders = A: b\n"
			  "livenessProbe.httpGet.httpHeaders = $'C: \\t'\n"
			  "livenessProbe.terminationGracePeriodSeconds = 5\n",
		MAIN("m") "ports = http:80\nreadinessProbe.tcpSocket.port = http\n"
			  "readinessProbe.tcpSocket.host = h\n",
		MAIN("m") "readinessProbe.grpc.port = 50051\nreadinessProbe.grpc.service = s\n",
		MAIN("m") PRE_STOP POST_START,
		MAIN("m") "lifecycle.preStop.sleep.seconds = 0\n",
		MAIN("m") "lifecycle.postStart.httpGet.port = 1\n",
		MAIN("m") "lifecycle.preStart.exec.command = a 'b c'\n"
			  "lifecycle.postStop.exec.command = d\nlifecycle.reload.exec.command = "
			  "e\n",
		MAIN("m") "lifecycle.reload.signal = HUP\nwatch = /etc/a\nwatch = /etc/b\n"
			  "successExitCodes = 1, 143\nonExit = stopOnFailure\n"
			  "backoff.jitterPercent = 10\nbackoff.maxRestarts = 0\n",
		MAIN("m") "notify = all\nnotifyFd = 5\nwatchdogSeconds = 3\ndaemon = true\n"
			  "daemonPidFile = /run/m.pid\ndependsOn = n:ready\n" MAIN("n"),
	};
	(void)state;
	for (int i = 0; i < COUNT(files); i++) {
		struct pod_spec spec;
		good_spec(&spec, files[i]);
		assert_spec_survives(&spec);
		spec_finish(&spec);
	}
}

static void entrypoint_and_order_survive(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec, MAIN("b") INIT("c") MAIN("a") SIDECAR("d") INIT("e"));
	assert_string_equal(spec.processes[0].name, "c");
	assert_string_equal(spec.processes[3].name, "b");
	assert_spec_survives(&spec);
	spec_finish(&spec);
}

/* A list item that only quoting keeps: as the reader does not unquote lists, the writer must not
 * quote them, or both must. */
static void list_items_survive(void **state)
{
	static const char *const items[] = {"a", "$'a'", "a b", "\x01", "\"", "'", "a=b"};
	const struct key key = {.name = "k", .type = KEY_LIST};
	(void)state;
	for (int i = 0; i < COUNT(items); i++) {
		const char *item = items[i];
		struct strings list = {.items = &item, .count = 1}, back = {0};
		struct arena arena = {0};
		const struct value_context context = {.arena = &arena, .directory = ""};
		struct text line = {0};
		value_write(&line, &key, &list);
		line.data[line.length - 1] = '\0';
		assert_true(value_parse(&context, &key, &back, line.data + 4, NULL));
		assert_int_equal(back.count, 1);
		assert_string_equal(back.items[0], item);
		text_finish(&line);
		arena_finish(&arena);
	}
}

/* A mount whose text has blanks at an end. */
static void mounts_with_blanks_survive(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		"[volume v]\nemptyDir =\n" MAIN(
			"m") "volumeMounts = v:/p:subPath=x :ro\n"
			     "volumeMounts = v:/q :ro\nvolumeMounts = v:/r :rw\n");
	assert_spec_survives(&spec);
	spec_finish(&spec);
}

/* A probe that no file said has no default in it: 0 is no port and no period, so neither is written. */
static void what_cannot_be_read_is_not_written(void **state)
{
	struct pod_spec spec;
	struct probe_spec probe = {.period_ns = 3 * S, .handler.sleep_ns = -1};
	struct text text = {0};
	(void)state;
	good_spec(&spec, MAIN("m"));
	spec.processes[0].probes[PROBE_LIVENESS] = &probe;
	strings_add(&spec.arena, &probe.handler.exec_command, "x");
	ini_write(&text, &spec);
	assert_contains(text.data, "livenessProbe.periodSeconds = 3\n");
	assert_string_equal(problems_of(text.data), "");
	text_finish(&text);
	spec_finish(&spec);
}

int test_ini_write(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_survives),
		cmocka_unit_test(defaults_are_left_out),
		cmocka_unit_test(probes_and_hooks_survive),
		cmocka_unit_test(entrypoint_and_order_survive),
		cmocka_unit_test(list_items_survive),
		cmocka_unit_test(mounts_with_blanks_survive),
		cmocka_unit_test(what_cannot_be_read_is_not_written),
	};
	return UNIT_RUN("ini write", tests);
}
