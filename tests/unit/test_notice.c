/* What podinit tells: the reasons in Kubernetes' words, and one line of text for each. */
#include "unit.h"

#include <string.h>

static const char *message(const struct pod_spec *spec, const struct notice *notice)
{
	static char buffer[512];
	struct text text = text_in(buffer, sizeof(buffer));
	notice_message(&text, spec, notice);
	assert_false(text.truncated);
	assert_null(strchr(buffer, '\n'));
	return buffer;
}

static void reasons(void **state)
{
	static const char *const names[] = {"Started", "Completed", "Error", "OOMKilled",
		"StartError", "BackOff", "Killing", "Phase", "Signal", "Orphan", "Adopted",
		"RestartLimit", "RestartAllContainers", "Unhealthy", "ProbeWarning",
		"FailedPostStartHook", "FailedPreStopHook", "FailedPostStopHook", "Reloading",
		"FailedReloadHook", "DeadlineExceeded", "Evicted", "Stopping", "Leftover"};
	(void)state;
	assert_int_equal(COUNT(names), NOTICE_REASON_COUNT);
	for (int i = 0; i < COUNT(names); i++)
		assert_string_equal(notice_reason_name((enum notice_reason)i), names[i]);
	static const char *const phases[] = {"Pending", "Running", "Succeeded", "Failed"};
	for (int i = 0; i < PHASE_COUNT; i++)
		assert_string_equal(pod_phase_name((enum pod_phase)i), phases[i]);
	for (int i = 0; i < STOP_CAUSE_COUNT; i++)
		assert_true(strlen(stop_cause_text((enum stop_cause)i)) > 0);
}

static void warnings(void **state)
{
	static const enum notice_reason normal[] = {NOTICE_STARTED, NOTICE_COMPLETED,
		NOTICE_KILLING, NOTICE_PHASE, NOTICE_SIGNAL, NOTICE_ORPHAN, NOTICE_STOPPING,
		NOTICE_ADOPTED, NOTICE_RESTART_ALL, NOTICE_RELOADING};
	(void)state;
	for (int i = 0; i < NOTICE_REASON_COUNT; i++) {
		struct notice notice = notice_of((enum notice_reason)i, 0);
		bool warning = true;
		for (int k = 0; k < COUNT(normal); k++)
			warning = warning && (int)normal[k] != i;
		assert_int_equal(notice_is_warning(&notice), warning);
	}
	struct notice failed = notice_of(NOTICE_PHASE, -1);
	failed.phase = PHASE_FAILED;
	assert_true(notice_is_warning(&failed));
	failed.phase = PHASE_SUCCEEDED;
	assert_false(notice_is_warning(&failed));
	struct notice killed = notice_of(NOTICE_KILLING, 0);
	killed.signo = 9;
	assert_true(notice_is_warning(&killed));
}

static void empty_notice(void **state)
{
	(void)state;
	const struct notice notice = notice_of(NOTICE_STARTED, 4095);
	assert_int_equal(notice.process, 4095);
	assert_int_equal(notice.exit_code, -1);
	assert_int_equal(notice.restart_count, -1);
	assert_true(notice.delay_ns == -1);
	assert_int_equal(notice.pid, 0);
	assert_int_equal(notice.signo, 0);
}

static void messages(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		MAIN("web") "readinessProbe.tcpSocket.port = 1\nreadinessProbe.timeoutSeconds = "
			    "2\n");
	static const struct {
		struct notice notice;
		const char *text;
	} rows[] = {
		{{NOTICE_STARTED, .pid = 7}, "web: started as process 7"},
		{{NOTICE_STARTED, .pid = 7, .restart_count = 2},
			"web: started as process 7, restart 2"},
		{{NOTICE_COMPLETED, .delay_ns = 1500 * MS},
			"web: ended with exit code 0 after 1.5 s"},
		{{NOTICE_ERROR, .exit_code = 3, .delay_ns = 60 * S},
			"web: ended with exit code 3 after 60 s"},
		{{NOTICE_ERROR, .exit_code = 3, .delay_ns = -1}, "web: ended with exit code 3"},
		{{NOTICE_ERROR, .exit_code = 139, .signo = 11, .delay_ns = 0},
			"web: killed by SIGSEGV after 0 s"},
		{{NOTICE_OOM_KILLED, .signo = 9, .delay_ns = 10 * S},
			"web: killed because memory ended (SIGKILL) after 10 s"},
		{{NOTICE_BACK_OFF, .delay_ns = 40 * S}, "web: starts again in 40 s"},
		{{NOTICE_KILLING, .signo = 15, .cause = STOP_SIGNAL, .delay_ns = 30 * S},
			"web: stopping with SIGTERM, because podinit was signalled; killed in 30 "
			"s"},
		{{NOTICE_KILLING, .signo = 9, .delay_ns = -1}, "web: did not end in time: SIGKILL"},
		{{NOTICE_PHASE, .process = -1, .phase = PHASE_FAILED}, "pod: Failed"},
		{{NOTICE_SIGNAL, .process = -1, .signo = 1}, "pod: got SIGHUP"},
		{{NOTICE_ORPHAN, .process = -1, .pid = 9},
			"pod: reaped process 9, which podinit did not start"},
		{{NOTICE_UNHEALTHY, .cause = STOP_LIVENESS_PROBE, .probe = PROBE_LIVENESS},
			"web: livenessProbe failed"},
		{{NOTICE_UNHEALTHY, .probe = PROBE_READINESS, .timed_out = true},
			"web: readinessProbe failed: timed out after 2 s"},
		{{NOTICE_UNHEALTHY, .cause = STOP_WATCHDOG},
			"web: it did not say WATCHDOG=1 in time"},
		{{NOTICE_PROBE_WARNING, .probe = PROBE_LIVENESS}, "web: livenessProbe warned"},
		{{NOTICE_ADOPTED, .pid = 8}, "web: is process 8 now"},
		{{NOTICE_RESTART_LIMIT, .count = 3},
			"web: stays ended: it has been started again 3 times in a row"},
		{{NOTICE_RESTART_ALL, .exit_code = 88},
			"web: exited with code 88, triggering pod restart"},
		{{NOTICE_RELOADING, .signo = 1}, "web: is told to reload by SIGHUP"},
		{{NOTICE_RELOADING}, "web: is told to reload by its hook"},
		{{NOTICE_FAILED_RELOAD_HOOK}, "web: reload hook failed"},
		{{NOTICE_FAILED_POST_STOP_HOOK}, "web: postStop hook failed"},
		{{NOTICE_FAILED_POST_STOP_HOOK, .timed_out = true},
			"web: postStop hook failed: it was not over in time"},
		{{NOTICE_FAILED_PRE_STOP_HOOK, .timed_out = true},
			"web: preStop hook failed: it was not over in time"},
		{{NOTICE_START_ERROR, .spawn_error = {STAGE_PRE_START, 0, SPAWN_STAGE_SAYS_IT}},
			"web: its preStart hook failed"},
		{{NOTICE_START_ERROR, .spawn_error = {STAGE_DAEMON, 0, SPAWN_STAGE_SAYS_IT}},
			"web: its program ended, and left no daemon"},
		{{NOTICE_START_ERROR, .spawn_error = {STAGE_DEPENDENCY, 0, SPAWN_STAGE_SAYS_IT}},
			"web: never becomes what dependsOn asks for: web"},
		{{NOTICE_STOPPING, .process = -1, .cause = STOP_COMPLETED, .delay_ns = 30 * S},
			"pod: ends because every main has ended, within 30 s"},
		{{NOTICE_STOPPING, .process = -1, .cause = STOP_MAIN_ENDED, .delay_ns = 30 * S},
			"pod: ends because main web has ended, which the pod cannot do without, "
			"within 30 s"},
		{{NOTICE_START_ERROR, .spawn_error = {STAGE_EXEC, 0, 2}},
			"web: cannot execute x: No such file or directory"},
		{{NOTICE_LEFTOVER, .process = -1, .count = 2, .signo = 15},
			"pod: 2 processes left behind get SIGTERM"},
		{{NOTICE_LEFTOVER, .count = 1, .signo = 9},
			"web: 1 process left behind gets SIGKILL"},
		{{NOTICE_LEFTOVER, .count = 2},
			"web: left 2 processes behind that may be others' and so stay until the "
			"pod ends"},
		{{NOTICE_LEFTOVER, .count = 1},
			"web: left 1 process behind that may be others' and so stays until the pod "
			"ends"},
	};
	for (int i = 0; i < COUNT(rows); i++)
		assert_string_equal(message(&spec, &rows[i].notice), rows[i].text);
	spec_finish(&spec);
}

static void start_errors(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		"[volume v]\nemptyDir =\n" MAIN(
			"web") "workingDir = /nope\nrootfs = /roots/web\nvolumeMounts = "
			       "v:/data:subPath=a\n");
	const struct process_spec *web = &spec.processes[0];
	char buffer[512];
	for (int stage = 0; stage < 300; stage++) {
		for (int item = 0; item < 3; item++) {
			struct text text = text_in(buffer, sizeof(buffer));
			const struct spawn_error error = {(uint16_t)stage, (uint16_t)item, 13};
			spawn_error_message(&text, &spec, web, &error);
			assert_contains(buffer, "Permission denied");
		}
	}
	static const struct {
		struct spawn_error error;
		const char *text;
	} rows[] = {
		{{STAGE_CHDIR, 0, 2},
			"cannot change to directory /nope: No such file or directory"},
		{{STAGE_EXEC, 0, 13}, "cannot execute x: Permission denied"},
		{{STAGE_ROOTFS, 0, 2},
			"cannot use the root file system /roots/web: No such file or directory"},
		{{STAGE_VOLUME, 0, 2},
			"cannot mount volume v (subPath a) at /data: No such file or directory"},
	};
	for (int i = 0; i < COUNT(rows); i++) {
		struct text text = text_in(buffer, sizeof(buffer));
		spawn_error_message(&text, &spec, web, &rows[i].error);
		assert_string_equal(buffer, rows[i].text);
	}
	spec_finish(&spec);
}

/* Every notice of a life, in order, as a reader sees it. */
static void a_life_in_words(void **state)
{
	(void)state;
	struct story *t = story(POLICY("OnFailure") MAIN("web"));
	spawned(t, "web");
	at(t, 2 * S);
	exits(t, "web", 1);
	spawned(t, "web");
	exits(t, "web", 1);
	at(t, 12 * S);
	spawned(t, "web");
	exits(t, "web", 0);
	drained(t);
	static const char *const said[] = {"web: started as process 100", "pod: Running",
		"web: ended with exit code 1 after 2 s", "web: started as process 101, restart 1",
		"web: ended with exit code 1 after 0 s", "web: starts again in 10 s",
		"web: started as process 102, restart 2", "web: ended with exit code 0 after 0 s",
		"pod: ends because every main has ended, within 30 s", "pod: Succeeded"};
	assert_int_equal(t->told_count, COUNT(said));
	for (int i = 0; i < COUNT(said); i++)
		assert_string_equal(message(&t->spec, &t->told[i]), said[i]);
	drop(t);
}

/* The longest grace there is: no overflow, and a number that makes sense. */
static void huge_graces(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("web"));
	spawned(t, "web");
	asked_to_stop(t, INT64_MAX);
	assert_string_equal(message(&t->spec, told(t, NOTICE_STOPPING, NULL)),
		"pod: ends because podctl asked for it, within 9223372036 s");
	/* until NEVER, from 5000 s on the fake clock */
	assert_string_equal(message(&t->spec, told(t, NOTICE_KILLING, "web")),
		"web: stopping with SIGTERM, because podctl asked for it; killed in 9223367036 s");
	static const struct {
		int64_t delay;
		const char *text;
	} rows[] = {
		{INT64_MAX - 1, "web: starts again in 9223372036 s"},
		{INT64_MAX - 50 * MS, "web: starts again in 9223372036 s"},
		{INT64_MAX / 2, "web: starts again in 4611686018 s"},
		{INT32_MAX * S, "web: starts again in 2147483647 s"},
		{1449 * MS, "web: starts again in 1.4 s"},
		{1450 * MS, "web: starts again in 1.5 s"},
		{1950 * MS, "web: starts again in 2 s"},
		{59949 * MS, "web: starts again in 59.9 s"},
		{INT64_MIN, "web: starts again in 0 s"},
	};
	for (int i = 0; i < COUNT(rows); i++) {
		const struct notice notice = {NOTICE_BACK_OFF, .delay_ns = rows[i].delay};
		assert_string_equal(message(&t->spec, &notice), rows[i].text);
	}
	drop(t);
}

/* A text that is too small for a message never overflows. */
static void small_buffers(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec, MAIN("web"));
	const struct notice notice = {
		NOTICE_KILLING, .signo = 15, .cause = STOP_SIGNAL, .delay_ns = 30 * S};
	for (size_t size = 1; size < 100; size++) {
		char buffer[128];
		memset(buffer, '#', sizeof(buffer));
		struct text text = text_in(buffer, size);
		notice_message(&text, &spec, &notice);
		assert_true(strlen(buffer) < size);
		for (size_t i = size; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], '#');
	}
	spec_finish(&spec);
}

int test_notice(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons),
		cmocka_unit_test(warnings),
		cmocka_unit_test(empty_notice),
		cmocka_unit_test(messages),
		cmocka_unit_test(start_errors),
		cmocka_unit_test(a_life_in_words),
		cmocka_unit_test(huge_graces),
		cmocka_unit_test(small_buffers),
	};
	return UNIT_RUN("notice", tests);
}
