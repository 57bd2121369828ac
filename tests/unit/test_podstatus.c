/* The state as a PodStatus: valid JSON whatever the state and the bytes, in pieces that fit, with
 * Kubernetes' words for each state of a container. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/core/podstatus.h"

/* --- a JSON syntax checker: returns what follows a value, or NULL --- */

static const char *value_end(const char *s, int depth);

static const char *string_end(const char *s)
{
	for (s++; *s != '"'; s++) {
		if ((unsigned char)*s < 0x20)
			return NULL;
		if (*s == '\\' && !strchr("\"\\/bfnrtu", *++s))
			return NULL;
	}
	return s + 1;
}

static const char *members_end(const char *s, bool object, int depth)
{
	char close = object ? '}' : ']';
	if (*++s == close)
		return s + 1;
	for (;; s++) {
		if (object) {
			s = *s == '"' ? string_end(s) : NULL;
			if (!s || *s++ != ':')
				return NULL;
		}
		s = value_end(s, depth + 1);
		if (!s || *s == close)
			return s ? s + 1 : NULL;
		if (*s != ',')
			return NULL;
	}
}

static const char *value_end(const char *s, int depth)
{
	static const char *const words[] = {"true", "false", "null"};
	if (depth > 20)
		return NULL;
	if (*s == '"')
		return string_end(s);
	if (*s == '{' || *s == '[')
		return members_end(s, *s == '{', depth);
	for (int i = 0; i < COUNT(words); i++) {
		if (strncmp(s, words[i], strlen(words[i])) == 0)
			return s + strlen(words[i]);
	}
	size_t digits = strspn(s + (*s == '-'), "0123456789");
	return digits ? s + (*s == '-') + digits : NULL;
}

static void the_checker_checks(void **state)
{
	(void)state;
	assert_non_null(value_end("{\"a\":[1,-2,true],\"b\":{}}", 0));
	static const char *const bad[] = {"{", "{\"a\"}", "[1,]", "{\"a\":1,}", "\"\n\"", "x", "",
		"{\"a\":1 \"b\":2}", "\"\\q\"", "{,\"a\":1}", "[,1]"};
	for (int i = 0; i < COUNT(bad); i++)
		assert_null(value_end(bad[i], 0));
}

/* --- */

static struct text whole;

/* All pieces; each must fit, and all together be one line of JSON. */
static const char *status_of(struct story *t)
{
	static char piece[PODSTATUS_PIECE_MAX];
	/* 2026-11-23T22:11:46Z at boot */
	const struct podstatus status = {.spec = &t->spec,
		.pod = t->pod,
		.now = t->now,
		.realtime = 1795471906 * S + (t->now - t->start),
		.orphans = 12,
		.pid = 1};
	text_clear(&whole);
	for (int i = 0;; i++) {
		struct text text = text_in(piece, sizeof(piece));
		bool more = podstatus_piece(&status, i, &text);
		assert_false(text.truncated);
		assert_int_equal(more, text.length > 0);
		if (!more)
			break;
		text_add_bytes(&whole, piece, text.length);
	}
	const char *end = value_end(whole.data, 0);
	if (!end || strcmp(end, "\n") != 0)
		fail_msg("not JSON: %s", whole.data);
	return whole.data;
}

static int forget(void **state)
{
	(void)state;
	text_finish(&whole);
	return 0;
}

static void initializing(void **state)
{
	(void)state;
	struct story *t = story("[pod]\nname = web\n" INIT("a") INIT("b") MAIN("m"));
	at(t, 5 * S);
	spawned(t, "a");
	const char *said = status_of(t);
	assert_contains(said, "{\"phase\":\"Pending\"");
	assert_contains(said, "\"startTime\":\"2026-11-23T22:11:46Z\"");
	assert_contains(said, "\"type\":\"Initialized\",\"status\":\"False\"");
	assert_contains(said,
		"\"reason\":\"ContainersNotInitialized\",\"message\":\"containers with "
		"incomplete status: [a b]\"");
	assert_contains(said, "\"running\":{\"startedAt\":\"2026-11-23T22:11:51Z\"}");
	assert_contains(said, "\"waiting\":{\"reason\":\"PodInitializing\"}");
	assert_contains(said, "\"containerID\":\"podinit://100\"");
	exits(t, "a", 0);
	said = status_of(t);
	assert_contains(said, "incomplete status: [b]");
	assert_contains(said, "\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\"");
	drop(t);
}

static void running_and_ending(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") MAIN("m"));
	assert_contains(status_of(t), "\"waiting\":{\"reason\":\"ContainerCreating\"}");
	spawned(t, "m");
	const char *said = status_of(t);
	assert_contains(said, "\"phase\":\"Running\"");
	assert_contains(said, "\"type\":\"Ready\",\"status\":\"True\"");
	assert_contains(
		said, "\"lastState\":{},\"ready\":true,\"started\":true,\"restartCount\":0");
	at(t, 2 * S);
	dies(t, "m", 11);
	spawned(t, "m");
	exits(t, "m", 7);
	said = status_of(t);
	assert_contains(said,
		"\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 10s "
		"restarting failed container=m");
	assert_contains(said, "\"lastState\":{\"terminated\":{\"exitCode\":7,\"reason\":\"Error\"");
	assert_contains(said, "\"ready\":false,\"started\":false,\"restartCount\":1");
	assert_contains(said, "\"type\":\"Ready\",\"status\":\"False\"");
	signalled(t, 15);
	said = status_of(t);
	assert_contains(said, "\"phase\":\"Failed\"");
	assert_contains(said, "\"state\":{\"terminated\":{\"exitCode\":7");
	assert_contains(said, "\"lastState\":{\"terminated\":{\"exitCode\":139,\"signal\":11,");
	drop(t);
}

static const char *says_it(const void *owner, int process)
{
	return process == *(const int *)owner ? "\"warm\", 3 of 4" : "";
}

/* Its kind, and what it says of itself while it runs. */
static void what_kubernetes_has_no_field_for(void **state)
{
	(void)state;
	static const int who = 2;
	struct story *t = story(POLICY("Never") INIT("i") SIDECAR("s") MAIN("m"));
	struct podstatus status = {.spec = &t->spec, .pod = t->pod, .said = says_it, .owner = &who};
	char piece[PODSTATUS_PIECE_MAX];
	static const char *const kinds[] = {"init", "sidecar", "main"};
	for (int i = 0; i < COUNT(kinds); i++) {
		struct text text = text_in(piece, sizeof(piece)), expected = {0};
		assert_true(podstatus_piece(&status, i + 1, &text));
		text_add(&expected, "\"podinit\":{\"kind\":\"%s\"}", kinds[i]);
		assert_contains(piece, expected.data);
		text_finish(&expected);
	}
	comes_up(t, "i");
	exits(t, "i", 0);
	expect_kill_tree(t, "i");
	comes_up(t, "s");
	comes_up(t, "m");
	struct text text = text_in(piece, sizeof(piece));
	assert_true(podstatus_piece(&status, 3, &text));
	assert_contains(piece, "\"kind\":\"main\",\"says\":\"\\\"warm\\\", 3 of 4\"}");
	drop(t);
}

/* Whom it waits for, while it does. */
static void who_waits_says_for_whom(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a") MAIN("b")
			MAIN("m") "dependsOn = a\ndependsOn = b:completed\n");
	assert_contains(status_of(t), "{\"kind\":\"main\",\"waitsFor\":\"a:started\"}");
	comes_up(t, "a");
	comes_up(t, "b");
	assert_contains(status_of(t), "{\"kind\":\"main\",\"waitsFor\":\"b:completed\"}");
	exits(t, "b", 0);
	expect_kill_tree(t, "b");
	comes_up(t, "m");
	assert_false(contains(status_of(t), "waitsFor"));
	drop(t);
	t = story(POLICY("Never") MAIN("a") MAIN("m") "dependsOn = a:ready\n");
	comes_up(t, "a");
	signalled(t, 15);
	assert_false(contains(status_of(t), "waitsFor")); /* for nothing any more */
	drop(t);
}

static void deadline_exceeded(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") DEADLINE("5") MAIN("m"));
	spawned(t, "m");
	at(t, 5 * S);
	const char *said = status_of(t);
	assert_contains(said,
		"\"reason\":\"DeadlineExceeded\",\"message\":\"Pod was active on the node "
		"longer than the specified deadline\"");
	drop(t);
}

/* The largest pieces: long names, long messages full of bytes that JSON escapes. */
static void every_piece_fits(void **state)
{
	(void)state;
	struct text ini = {0};
	char name[45];
	memset(name, 'n', 40);
	name[40] = '\0';
	text_add(&ini, "[pod]\nname = %s\nrestartPolicy = Always\n", name);
	for (int i = 0; i < 60; i++)
		text_add(&ini, "[init %s%d]\ncommand = x\n", name, i);
	text_add(&ini, "[main m]\ncommand = $'/");
	for (int i = 0; i < 230; i++)
		text_add(&ini, "\\001");
	text_add(&ini, "'\n");
	struct story *t = story(ini.data);
	status_of(t);
	for (int i = 0; i < 60; i++) {
		step(t, &(struct event){.type = EVENT_SPAWNED, .process = i, .pid = 10 + i});
		step(t, &(struct event){.type = EVENT_EXITED, .process = i, .pid = 10 + i});
		t->queued = 0;
	}
	spawn_fails(t, "m", STAGE_EXEC, 36);
	spawn_fails(t, "m", STAGE_EXEC, 36);
	assert_contains(status_of(t), "StartError");
	assert_contains(status_of(t), "\\u0001");
	signalled(t, 15);
	status_of(t);
	text_finish(&ini);
	drop(t);
}

/* The largest messages, of the bytes that take the most room, twice. */
static void messages_fit(void **state)
{
	(void)state;
	enum { BYTES = 4096 };
	static char bytes[BYTES + 1];
	memset(bytes, 1, BYTES);
	struct story *t = story(POLICY("Always") MAIN("m") "terminationMessagePath = /m\n");
	size_t size = podstatus_piece_max(&t->spec);
	assert_int_equal(spec_message_max(&t->spec), BYTES);
	assert_int_equal(size, PODSTATUS_PIECE_MAX + 2 * 6 * BYTES);
	for (int i = 0; i < 2; i++) {
		comes_up(t, "m");
		exits(t, "m", 1);
		expect_kill_tree(t, "m");
		at(t, t->now + 600 * S);
	}
	const struct last_words words = {bytes, bytes, BYTES, BYTES};
	const struct podstatus status = {
		.spec = &t->spec, .pod = t->pod, .now = t->now, .words = &words};
	char *piece = malloc(size);
	struct text text = text_in(piece, size);
	assert_true(podstatus_piece(&status, 1, &text));
	assert_false(text.truncated);
	assert_contains(piece, "\"message\":\"\\u0001\\u0001");
	free(piece);
	drop(t);
}

/* Also of who has no file for them. */
static void what_was_said_has_room(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec, MAIN("m") "terminationMessagePolicy = FallbackToLogsOnError\n");
	assert_null(spec_message_path(&spec.processes[0]));
	assert_true(podstatus_piece_max(&spec) > PODSTATUS_PIECE_MAX + 2 * 6 * 2048);
	spec_finish(&spec);
	good_spec(&spec, MAIN("m") "terminationMessagePolicy = File\n");
	assert_int_equal(podstatus_piece_max(&spec), PODSTATUS_PIECE_MAX);
	spec_finish(&spec);
}

/* Who has its root has the file that Kubernetes has; twelve share what a pod has. */
static void whose_messages_count(void **state)
{
	(void)state;
	struct pod_spec spec;
	struct text ini = {0};
	text_add(&ini,
		"[main a]\ncommand = x\nrootfs = /r\n[main b]\ncommand = x\n"
		"[main c]\ncommand = x\nrootfs = /r\nsecurityContext.privileged = true\n");
	for (int i = 0; i < 9; i++)
		text_add(&ini, "[main m%d]\ncommand = x\n", i);
	good_spec(&spec, ini.data);
	assert_string_equal(spec_message_path(&spec.processes[0]), "/dev/termination-log");
	assert_null(spec_message_path(&spec.processes[1]));
	assert_null(spec_message_path(&spec.processes[2]));
	assert_int_equal(spec_message_max(&spec), 1024);
	spec_finish(&spec);
	text_finish(&ini);
}

static void no_process_at_all(void **state)
{
	(void)state;
	struct story *t = story_empty();
	struct problems problems = {0};
	spec_pause(&t->spec);
	spec_check(&t->spec, &problems);
	story_of(t);
	const char *said = status_of(t);
	assert_contains(said, "\"initContainerStatuses\":[]");
	assert_contains(said, "\"containerStatuses\":[]");
	drop(t);
}

int test_podstatus(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_checker_checks),
		cmocka_unit_test_teardown(initializing, forget),
		cmocka_unit_test_teardown(running_and_ending, forget),
		cmocka_unit_test(what_kubernetes_has_no_field_for),
		cmocka_unit_test_teardown(who_waits_says_for_whom, forget),
		cmocka_unit_test_teardown(deadline_exceeded, forget),
		cmocka_unit_test_teardown(every_piece_fits, forget),
		cmocka_unit_test(messages_fit),
		cmocka_unit_test(what_was_said_has_room),
		cmocka_unit_test(whose_messages_count),
		cmocka_unit_test_teardown(no_process_at_all, forget),
	};
	return UNIT_RUN("podstatus", tests);
}
