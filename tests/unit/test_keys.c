/* The key table itself: every row is whole, found, printed, and, where its behaviour comes later,
 * refused. */
#include "unit.h"

#include <string.h>

#include "../../src/spec/keys.h"
#include "../../src/spec/value.h"

static const enum key_section SECTIONS[] = {IN_POD, IN_VOLUME, IN_INIT, IN_SIDECAR, IN_MAIN};

static void names_are_unique(void **state)
{
	(void)state;
	for (int i = 0; i < KEY_COUNT; i++) {
		assert_true(KEYS[i].sections && KEYS[i].sections < IN_MAIN * 2);
		assert_true(strlen(KEYS[i].name) <= INI_NAME_MAX);
		for (int k = 0; k < i; k++) {
			if ((KEYS[i].sections & KEYS[k].sections) &&
				strcmp(KEYS[i].name, KEYS[k].name) == 0)
				fail_msg("two rows for %s", KEYS[i].name);
		}
	}
}

static void every_row_says_what_it_is(void **state)
{
	(void)state;
	for (int i = 0; i < KEY_COUNT; i++) {
		const struct key *key = &KEYS[i];
		const char *doc = key->doc;
		assert_non_null(doc);
		size_t length = strlen(doc);
		if (length < 8 || doc[length - 1] != '.' || contains(doc, ". ") ||
			contains(doc, "\n") || contains(doc, "  "))
			fail_msg("%s: not one sentence: '%s'", key->name, doc);
		assert_true(key->type < KEY_TYPE_COUNT);
		assert_true(*key_type_name((enum key_type)key->type));
		assert_int_equal(key->type == KEY_ENUM, key->choices != NULL);
		assert_true(key->min <= key->max || key->type == KEY_ENUM);
		/* What nothing stores must be refused, or it would be accepted silently. */
		if (key->holder == HOLDER_NOWHERE)
			assert_true(key->later);
		if (key->type == KEY_INT)
			assert_true(key->max > key->min);
	}
}

static void every_fallback_parses(void **state)
{
	(void)state;
	struct arena arena = {0};
	const struct value_context context = {.arena = &arena, .directory = ""};
	for (int i = 0; i < KEY_COUNT; i++) {
		struct text why = {0};
		if (KEYS[i].fallback &&
			!value_parse(&context, &KEYS[i], NULL, KEYS[i].fallback, &why))
			fail_msg("%s: default %s: %s", KEYS[i].name, KEYS[i].fallback, why.data);
		text_finish(&why);
	}
	arena_finish(&arena);
}

static void defaults_of_kubernetes(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec, MAIN("m") STARTUP);
	const struct process_spec *m = &spec.processes[0];
	const struct probe_spec *probe = m->probes[PROBE_STARTUP];
	assert_int_equal(spec.restart_policy, RESTART_ALWAYS);
	assert_true(spec.grace_ns == 30 * S);
	assert_true(spec.deadline_ns == -1);
	assert_int_equal(m->restart_policy, RESTART_UNSET);
	assert_int_equal(m->stop_signal, 15);
	assert_true(m->backoff_initial_ns == 10 * S);
	assert_true(m->backoff_max_ns == 300 * S);
	assert_true(m->backoff_reset_ns == 600 * S);
	assert_true(probe->initial_delay_ns == 0);
	assert_true(probe->period_ns == 10 * S);
	assert_true(probe->timeout_ns == 1 * S);
	assert_true(probe->grace_ns == -1);
	assert_int_equal(probe->success_threshold, 1);
	assert_int_equal(probe->failure_threshold, 3);
	assert_null(m->probes[PROBE_LIVENESS]);
	assert_null(m->lifecycle->hooks[HOOK_PRE_STOP]);
	spec_finish(&spec);
}

static void rows_are_found(void **state)
{
	(void)state;
	for (int i = 0; i < KEY_COUNT; i++) {
		for (int s = 0; s < COUNT(SECTIONS); s++) {
			const struct key *found = key_find(SECTIONS[s], KEYS[i].name);
			if (KEYS[i].sections & SECTIONS[s])
				assert_ptr_equal(found, &KEYS[i]);
			else if (found)
				assert_true(found->sections & SECTIONS[s]);
		}
	}
	assert_null(key_find(IN_MAIN, ""));
	assert_null(key_find(IN_MAIN, "Command"));
	assert_null(key_find(IN_POD, "command"));
	assert_null(key_find(IN_MAIN, "hostPath.path"));
	/* regular inits have neither probes nor hooks; a sidecar's policy is Always */
	assert_null(key_find(IN_INIT, "livenessProbe.exec.command"));
	assert_null(key_find(IN_INIT, "lifecycle.preStop.exec.command"));
	assert_null(key_find(IN_SIDECAR, "restartPolicy"));
}

static void nearest_name(void **state)
{
	static const struct {
		enum key_section section;
		const char *written, *meant; /* meant NULL: nothing is near */
	} rows[] = {
		{IN_MAIN, "comand", "command"},
		{IN_MAIN, "commnad", "command"},
		{IN_MAIN, "COMMAND", "command"},
		{IN_MAIN, "volumeMount", "volumeMounts"},
		{IN_MAIN, "workingdir", "workingDir"},
		{IN_MAIN, "cmd", NULL},
		{IN_POD, "restartpolicy", "restartPolicy"},
		{IN_POD, "terminationGracePeriod", NULL},
		{IN_POD, "terminationGracePeriodSecond", "terminationGracePeriodSeconds"},
		{IN_POD, "activeDeadlineSecs", "activeDeadlineSeconds"},
		{IN_VOLUME, "emptydir", "emptyDir"},
		{IN_VOLUME, "emptyDir.medum", "emptyDir.medium"},
		{IN_VOLUME, "path", "hostPath.path"},
		{IN_MAIN, "stopSignal", "lifecycle.stopSignal"},
		{IN_MAIN, "xyzzyplugh", NULL},
		{IN_MAIN, "", NULL},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		const char *nearest = key_nearest(rows[i].section, rows[i].written);
		if (!rows[i].meant && nearest && strlen(rows[i].written) > 5)
			fail_msg("%s: %s is not near", rows[i].written, nearest);
		if (rows[i].meant) {
			assert_non_null(nearest);
			assert_string_equal(nearest, rows[i].meant);
		}
	}
	/* what is suggested is a key of that section */
	const char *suggested = key_nearest(IN_INIT, "livenessProb.exec.command");
	if (suggested)
		assert_non_null(key_find(IN_INIT, suggested));
	char huge[4096];
	memset(huge, 'a', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	assert_null(key_nearest(IN_MAIN, huge));
}

/* A value that the row's type and range accept. */
static const char *good_value(const struct key *key)
{
	static const char *const values[] = {[KEY_FLAG] = "",
		[KEY_BOOL] = "true",
		[KEY_INT] = "5",
		[KEY_DURATION] = "7",
		[KEY_QUANTITY] = "256Mi",
		[KEY_STRING] = "text",
		[KEY_PATH] = "/path",
		[KEY_FILE] = "file",
		[KEY_PORT] = "8080",
		[KEY_USER] = "1000",
		[KEY_OCTAL] = "022",
		[KEY_ENUM] = NULL,
		[KEY_SIGNAL] = "HUP",
		[KEY_WORDS] = "a 'b c'",
		[KEY_LIST] = "a, b",
		[KEY_STRINGS] = "text",
		[KEY_ENV] = "A=b",
		[KEY_MOUNTS] = "v:/p",
		[KEY_RULES] = "Restart In 1",
		[KEY_CAPABILITIES] = "NET_ADMIN, CAP_KILL",
		[KEY_LIMIT] = "10:unlimited",
		[KEY_NUMBERS] = "0,2-3",
		[KEY_PORTS] = "http:80, 53/UDP",
		[KEY_EXIT_CODES] = "1, 143",
		[KEY_DEPENDENCIES] = "a, b:ready",
		[KEY_HEADERS] = "Host: a",
		[KEY_LISTEN] = "web=[::]:80"};
	_Static_assert(COUNT(values) == KEY_TYPE_COUNT, "a value per type");
	return key->type == KEY_ENUM ? key->choices[key->min] : values[key->type];
}

/* A value that it refuses, or NULL: any text is good. */
static const char *bad_value(const struct key *key)
{
	static const char *const values[] = {[KEY_FLAG] = "maybe",
		[KEY_BOOL] = "yes",
		[KEY_INT] = "x",
		[KEY_DURATION] = "soon",
		[KEY_QUANTITY] = "lots",
		[KEY_STRING] = "",
		[KEY_PATH] = "relative",
		[KEY_FILE] = "",
		[KEY_PORT] = "0",
		[KEY_USER] = "-1",
		[KEY_OCTAL] = "8",
		[KEY_ENUM] = "Sometimes",
		[KEY_SIGNAL] = "SIGNOPE",
		[KEY_WORDS] = "",
		[KEY_LIST] = "a,,b",
		[KEY_STRINGS] = "",
		[KEY_ENV] = "novalue",
		[KEY_MOUNTS] = "nopath",
		[KEY_RULES] = "Maybe In 1",
		[KEY_CAPABILITIES] = "NET_ADMIN, NOPE",
		[KEY_LIMIT] = "10:9",
		[KEY_NUMBERS] = "3-2",
		[KEY_PORTS] = "80/XYZ",
		[KEY_EXIT_CODES] = "256",
		[KEY_DEPENDENCIES] = "a:done",
		[KEY_HEADERS] = "Host",
		[KEY_LISTEN] = "localhost:80"};
	_Static_assert(COUNT(values) == KEY_TYPE_COUNT, "a value per type");
	return values[key->type];
}

static const char *file_with(enum key_section section, const struct key *key, const char *value)
{
	static char buffer[512];
	struct text text = text_in(buffer, sizeof(buffer));
	text_add(&text, "[%s%s]\n%s = %s\n", key_section_name(section),
		section == IN_POD ? "" : " x", key->name, value);
	return buffer;
}

static void later_rows_are_refused(void **state)
{
	(void)state;
	int later = 0;
	for (int i = 0; i < KEY_COUNT; i++) {
		for (int s = 0; s < COUNT(SECTIONS); s++) {
			const struct key *key = &KEYS[i];
			if (!key->later || !(key->sections & SECTIONS[s]))
				continue;
			later++;
			char expected[160];
			struct text text = text_in(expected, sizeof(expected));
			text_add(&text, "pod.ini:2: %s%s: %s: not supported yet\n",
				key_section_name(SECTIONS[s]), SECTIONS[s] == IN_POD ? "" : " x",
				key->name);
			assert_contains(problems_of(file_with(SECTIONS[s], key, good_value(key))),
				expected);
			/* a bad value is the more useful thing to say */
			const char *said = problems_of(file_with(SECTIONS[s], key, bad_value(key)));
			assert_false(contains(said, "not supported yet"));
			assert_contains(said, "must be");
		}
	}
	assert_true(later > 10);
}

static void other_rows_are_accepted(void **state)
{
	(void)state;
	for (int i = 0; i < KEY_COUNT; i++) {
		for (int s = 0; s < COUNT(SECTIONS); s++) {
			const struct key *key = &KEYS[i];
			if (key->later || !(key->sections & SECTIONS[s]))
				continue;
			const char *said =
				problems_of(file_with(SECTIONS[s], key, good_value(key)));
			char prefix[100];
			struct text text = text_in(prefix, sizeof(prefix));
			text_add(&text, "pod.ini:2: ");
			/* volumeMounts names a volume that is not there */
			if (contains(said, prefix) && !contains(said, "there is no [volume v]"))
				fail_msg("%s", said);
			assert_false(contains(said, "not supported yet"));
			assert_contains(problems_of(file_with(SECTIONS[s], key, bad_value(key))),
				"pod.ini:2: ");
		}
	}
}

/* One line a key and section, with range, default and doc. */
static void table_is_printed(void **state)
{
	(void)state;
	struct text out = {0};
	keys_print(&out);
	for (int i = 0; i < KEY_COUNT; i++) {
		assert_contains(out.data, KEYS[i].name);
		assert_contains(out.data, KEYS[i].doc);
	}
	assert_contains(out.data, "[pod]\n");
	assert_contains(out.data, "[main NAME]\n");
	assert_contains(out.data, "restartPolicy (Always|OnFailure|Never; default Always; live)");
	assert_contains(out.data, "command (command line; required)");
	assert_contains(out.data, "image (text; not supported yet)");
	assert_contains(out.data, "nice (integer -20..19)");
	text_finish(&out);
}

int test_keys(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(every_row_says_what_it_is),
		cmocka_unit_test(every_fallback_parses),
		cmocka_unit_test(defaults_of_kubernetes),
		cmocka_unit_test(rows_are_found),
		cmocka_unit_test(nearest_name),
		cmocka_unit_test(later_rows_are_refused),
		cmocka_unit_test(other_rows_are_accepted),
		cmocka_unit_test(table_is_printed),
	};
	return UNIT_RUN("keys", tests);
}
