/* The value of one key, by type: what is stored, what is refused and how it says so, and that a
 * refused value changes nothing. */
#include "unit.h"

#include <string.h>

#include "../../src/spec/value.h"

static const char *const CHOICES[] = {"", "One", "Two", "Three", NULL};
static const char *const SINGLE[] = {"linux", NULL};

static struct arena arena;

/* Parses into `field`; returns what was wrong, or NULL. */
static const char *parse(const struct key *key, void *field, const char *value)
{
	static char buffer[1024];
	const struct value_context context = {.arena = &arena, .directory = "/etc/pod", .line = 12};
	struct text why = text_in(buffer, sizeof(buffer));
	bool good = value_parse(&context, key, field, value, &why);
	assert_int_equal(good, why.length == 0);
	/* without a field what is bad stays bad, but there is nothing that could be full */
	if (good)
		assert_true(value_parse(&context, key, NULL, value, NULL));
	return good ? NULL : buffer;
}

static void assert_refused(const struct key *key, const char *value, const char *must_be)
{
	unsigned char field[64], before[64];
	memset(field, 0, sizeof(field));
	memset(before, 0, sizeof(before));
	const char *why = parse(key, field, value);
	if (!why)
		fail_msg("'%s' was accepted as %s", value, key_type_name((enum key_type)key->type));
	assert_false(value_parse(&(struct value_context){&arena, "", 0}, key, NULL, value, NULL));
	assert_contains(why, must_be);
	assert_memory_equal(field, before, sizeof(field));
}

static void scalars(void **state)
{
	(void)state;
	const struct key boolean = {.name = "k", .type = KEY_BOOL};
	const struct key integer = {.name = "k", .type = KEY_INT, .min = 1, .max = 65535};
	const struct key octal = {.name = "k", .type = KEY_OCTAL};
	const struct key flag = {.name = "k", .type = KEY_FLAG};
	bool yes = false;
	int32_t number = 0;
	assert_null(parse(&boolean, &yes, "true"));
	assert_true(yes);
	assert_null(parse(&boolean, &yes, "false"));
	assert_false(yes);
	assert_refused(&boolean, "", "must be true or false, got ''");
	assert_refused(&boolean, "TRUE", "must be true or false, got 'TRUE'");
	assert_refused(&boolean, "1", "must be true or false");
	assert_null(parse(&integer, &number, "65535"));
	assert_int_equal(number, 65535);
	assert_refused(&integer, "0", "must be 1..65535, got '0'");
	assert_refused(&integer, "65536", "must be 1..65535, got '65536'");
	assert_refused(&integer, "99999999999999999999", "must be an integer");
	assert_refused(&integer, "4294967297", "must be 1..65535");
	assert_refused(&integer, "", "must be an integer, got ''");
	assert_null(parse(&octal, &number, "022"));
	assert_int_equal(number, 022);
	assert_refused(&octal, "1000", "must be an octal number 0..0777");
	assert_refused(&octal, "9", "must be an octal number");
	assert_refused(&octal, "-1", "must be an octal number");
	assert_refused(&octal, "99999999999999999999999", "must be an octal number");
	yes = false;
	assert_null(parse(&flag, &yes, ""));
	assert_true(yes);
	assert_null(parse(&flag, &yes, "false"));
	assert_false(yes);
	assert_null(parse(&flag, &yes, "{}"));
	assert_true(yes);
	assert_refused(&flag, "no", "must be empty, true or false, got 'no'");
}

static void durations_and_quantities(void **state)
{
	(void)state;
	const struct key duration = {
		.name = "k", .type = KEY_DURATION, .unit = "seconds", .min = 1, .max = 300};
	const struct key open = {
		.name = "k", .type = KEY_DURATION, .unit = "seconds", .max = INT32_MAX};
	const struct key quantity = {.name = "k", .type = KEY_QUANTITY};
	int64_t wide = 0;
	assert_null(parse(&duration, &wide, "1m30s"));
	assert_true(wide == 90 * S);
	assert_null(parse(&duration, &wide, "300"));
	assert_refused(&duration, "300.1", "must be 1..300 seconds, got '300.1'");
	assert_refused(&duration, "999ms", "must be 1..300 seconds");
	assert_refused(&duration, "x", "must be a duration like 30, 500ms or 1m30s, got 'x'");
	assert_refused(&open, "-1", "must be at least 0 seconds, got '-1'");
	assert_refused(&open, "2147483648", "seconds");
	assert_null(parse(&quantity, &wide, "0.5"));
	assert_true(wide == 500);
	assert_refused(&quantity, "-5", "must be a quantity like 2, 500m or 256Mi");
}

static void choices(void **state)
{
	(void)state;
	const struct key key = {.name = "k", .type = KEY_ENUM, .choices = CHOICES, .min = 1};
	const struct key empty_too = {.name = "k", .type = KEY_ENUM, .choices = CHOICES};
	const struct key single = {.name = "k", .type = KEY_ENUM, .choices = SINGLE};
	uint8_t choice = 9;
	assert_null(parse(&key, &choice, "Two"));
	assert_int_equal(choice, 2);
	assert_refused(&key, "two", "must be One, Two or Three, got 'two'");
	assert_refused(&key, "", "must be One, Two or Three, got ''");
	assert_null(parse(&empty_too, &choice, ""));
	assert_int_equal(choice, 0);
	assert_refused(&empty_too, "x", "must be One, Two or Three, got 'x'");
	assert_refused(&single, "windows", "must be linux, got 'windows'");
}

static void texts(void **state)
{
	(void)state;
	const struct key string = {.name = "k", .type = KEY_STRING};
	const struct key path = {.name = "k", .type = KEY_PATH};
	const struct key file = {.name = "k", .type = KEY_FILE};
	const char *text = NULL;
	assert_null(parse(&string, &text, "a 'b' \"c\" \\n"));
	assert_string_equal(text, "a 'b' \"c\" \\n");
	assert_null(parse(&string, &text, "$'a\\nb'"));
	assert_string_equal(text, "a\nb");
	assert_refused(&string, "", "must be a text, got ''");
	assert_refused(&string, "$''", "must be a text");
	assert_refused(&string, "$'\\q'", "an escape in $'...'");
	assert_null(parse(&path, &text, "/a b"));
	assert_string_equal(text, "/a b");
	assert_null(parse(&path, &text, "$'/a\\tb'"));
	assert_string_equal(text, "/a\tb");
	assert_refused(&path, "a/b", "must be an absolute path, got 'a/b'");
	assert_refused(&path, "", "must be ");
	assert_refused(&path, "$'a'", "must be an absolute path");
	assert_null(parse(&file, &text, "/abs"));
	assert_string_equal(text, "/abs");
	assert_null(parse(&file, &text, "rel/x"));
	assert_string_equal(text, "/etc/pod/rel/x");
	assert_refused(&file, "", "must be a text");
}

/* $'/x without a closing quote is literal, and so not absolute. */
static void path_that_only_looks_absolute(void **state)
{
	(void)state;
	const struct key path = {.name = "k", .type = KEY_PATH};
	assert_refused(&path, "$'/x", "must be an absolute path");
}

static void ports_users_signals(void **state)
{
	(void)state;
	const struct key port = {.name = "k", .type = KEY_PORT};
	const struct key user = {.name = "k", .type = KEY_USER};
	const struct key signal = {.name = "k", .type = KEY_SIGNAL};
	const char *text = NULL;
	int32_t signo = 0;
	assert_null(parse(&port, &text, "8080"));
	assert_string_equal(text, "8080");
	assert_null(parse(&port, &text, "http"));
	assert_refused(&port, "0", "must be 1..65535, got '0'");
	assert_refused(&port, "65536", "must be 1..65535, got '65536'");
	assert_refused(&port, "-1", "must be 1..65535");
	assert_refused(&port, "HTTP", "must be 1..65535 or a port's name");
	assert_refused(&port, "a-name-too-long-", "must be 1..65535 or a port's name");
	assert_refused(&port, "", "must be 1..65535 or a port's name");
	assert_null(parse(&user, &text, "0"));
	assert_null(parse(&user, &text, "www-data"));
	assert_refused(&user, "-1", "must be 0..2147483647 or a name");
	assert_refused(&user, "2147483648", "must be 0..2147483647 or a name");
	assert_refused(&user, "a b", "must be a number or a name");
	assert_refused(&user, "", "must be");
	assert_null(parse(&signal, &signo, "rtmin+3"));
	assert_int_equal(signo, 37);
	assert_refused(&signal, "0", "must be a signal like TERM, SIGUSR1, RTMIN+3 or 15");
}

static void words_and_lists(void **state)
{
	(void)state;
	const struct key words = {.name = "k", .type = KEY_WORDS};
	const struct key list = {.name = "k", .type = KEY_LIST};
	const struct key strings = {.name = "k", .type = KEY_STRINGS};
	struct strings items = {0};
	assert_null(parse(&words, &items, "a 'b c'"));
	assert_int_equal(items.count, 2);
	assert_string_equal(items.items[1], "b c");
	assert_refused(&words, "", "must be a command, got ''");
	assert_refused(&words, "'a", "a ' is not closed");
	items = (struct strings){0};
	assert_null(parse(&list, &items, "a,  b ,c"));
	assert_null(parse(&list, &items, "d\n e"));
	assert_int_equal(items.count, 5);
	assert_string_equal(items.items[1], "b");
	assert_string_equal(items.items[4], "e");
	assert_refused(&list, "", "must be a list");
	assert_refused(&list, "a,", "must be a list without empty items");
	assert_refused(&list, ",a", "must be a list without empty items");
	items = (struct strings){0};
	assert_null(parse(&strings, &items, "a, b"));
	assert_null(parse(&strings, &items, "c"));
	assert_int_equal(items.count, 2);
	assert_string_equal(items.items[0], "a, b");
	assert_null(items.items[2]);
	assert_refused(&strings, "", "must be a text");
}

static void environment(void **state)
{
	(void)state;
	const struct key key = {.name = "env", .type = KEY_ENV};
	struct strings items = {0};
	assert_null(parse(&key, &items, "A=b c"));
	assert_null(parse(&key, &items, "B="));
	assert_null(parse(&key, &items, "C=x=y"));
	assert_null(parse(&key, &items, "D=$'a\\nb'"));
	assert_null(parse(&key, &items, "E= two "));
	assert_int_equal(items.count, 5);
	assert_string_equal(items.items[0], "A=b c");
	assert_string_equal(items.items[1], "B=");
	assert_string_equal(items.items[2], "C=x=y");
	assert_string_equal(items.items[3], "D=a\nb");
	assert_string_equal(items.items[4], "E= two ");
	assert_refused(&key, "A", "must be NAME=value, got 'A'");
	assert_refused(&key, "=x", "must be NAME=value");
	assert_refused(&key, "", "must be NAME=value");
	assert_refused(&key, "A B=x", "must be NAME=value");
	assert_refused(&key, "A=$'\\q'", "an escape in $'...'");
}

static void mounts(void **state)
{
	(void)state;
	const struct key key = {.name = "volumeMounts", .type = KEY_MOUNTS};
	struct volume_mounts list = {0};
	assert_null(parse(&key, &list, "data:/d"));
	assert_null(parse(&key, &list, "data:rel:ro:subPath=a/b"));
	assert_null(parse(&key, &list, "data:/x:subPath=..a:rw"));
	assert_int_equal(list.count, 3);
	assert_string_equal(list.items[0].volume, "data");
	assert_string_equal(list.items[0].path, "/d");
	assert_null(list.items[0].sub_path);
	assert_false(list.items[0].read_only);
	assert_int_equal(list.items[0].line, 12);
	assert_string_equal(list.items[1].path, "/rel"); /* as Kubernetes does */
	assert_string_equal(list.items[1].sub_path, "a/b");
	assert_true(list.items[1].read_only);
	assert_string_equal(list.items[2].sub_path, "..a");
	assert_false(list.items[2].read_only);
	static const char *const bad[] = {"", "data", "data:", ":/d", "Data:/d", "data:/a/../b",
		"data:/..", "data:/d:", "data:/d:r", "data:/d:subPath=", "data:/d:subPath=/a",
		"data:/d:subPath=a/../b", "data:/d:subPath=.."};
	for (int i = 0; i < COUNT(bad); i++)
		assert_refused(&key, bad[i], "must be");
}

static void mount_options(void **state)
{
	(void)state;
	const struct key key = {.name = "volumeMounts", .type = KEY_MOUNTS};
	struct volume_mounts list = {0};
	assert_null(parse(&key, &list, "v:/p:subPathExpr=$(X)/y:mountPropagation=HostToContainer"));
	assert_null(parse(&key, &list, "v:/q:ro:recursiveReadOnly=IfPossible"));
	assert_string_equal(list.items[0].sub_path_expr, "$(X)/y");
	assert_int_equal(list.items[0].propagation, PROPAGATION_HOST_TO_CONTAINER);
	assert_int_equal(list.items[1].recursive, RECURSIVE_IF_POSSIBLE);
	static const char *const bad[] = {"v:/p:subPathExpr=", "v:/p:subPath=a:subPathExpr=b",
		"v:/p:subPathExpr=b:subPath=a", "v:/p:mountPropagation=none",
		"v:/p:recursiveReadOnly=true", "v:/p:subPathExp=a"};
	for (int i = 0; i < COUNT(bad); i++)
		assert_refused(&key, bad[i], "must be");
}

static void mount_with_too_many_parts(void **state)
{
	(void)state;
	const struct key key = {.name = "volumeMounts", .type = KEY_MOUNTS};
	assert_refused(&key, "v:/p:ro:ro:ro:ro:ro:ro:nonsense", "must be");
}

/* A second mount on a continuation line is a mistake that must not become part of a path. */
static void mount_over_two_lines(void **state)
{
	(void)state;
	const struct key key = {.name = "volumeMounts", .type = KEY_MOUNTS};
	assert_refused(&key, "v:/p\nro", "must be");
}

static void rules(void **state)
{
	(void)state;
	const struct key key = {.name = "restartPolicyRules", .type = KEY_RULES};
	struct restart_rules list = {0};
	assert_null(parse(&key, &list, "Restart In 42,43"));
	assert_null(parse(&key, &list, "Restart NotIn 0"));
	assert_null(parse(&key, &list, "Restart NotIn"));
	assert_null(parse(&key, &list, "Restart In 0 , 255"));
	assert_int_equal(list.count, 4);
	for (int code = 0; code < 256; code++) {
		assert_int_equal(
			restart_rule_matches(&list.items[0], code), code == 42 || code == 43);
		assert_int_equal(restart_rule_matches(&list.items[1], code), code != 0);
		assert_true(restart_rule_matches(&list.items[2], code));
		assert_int_equal(
			restart_rule_matches(&list.items[3], code), code == 0 || code == 255);
	}
	static const char *const bad[] = {"", "Restart", "In 1", "restart In 1", "Restart in 1",
		"Restart In 256", "Restart In -1", "Restart In x", "Restart In 1,", "Restart In ,1",
		"Restart In 1,,2", "Restart In 1 2", "Restart In 1.5", "Restart Not 1",
		"Restart In 99999999999999999999", "Ignore In 1"};
	for (int i = 0; i < COUNT(bad); i++)
		assert_refused(&key, bad[i], "must be 'Restart In CODES', 'Restart NotIn CODES'");
	assert_null(parse(&key, &list, "RestartAllContainers NotIn 1, 2"));
	assert_true(list.items[4].all && list.items[4].not_in);
	assert_true(exit_codes_have(&list.items[4].codes, 2));
	for (int i = list.count; i < SPEC_RULES_MAX; i++)
		assert_null(parse(&key, &list, "Restart In 1"));
	assert_contains(parse(&key, &list, "Restart In 1"), "more than 20 rules");
	assert_int_equal(list.count, SPEC_RULES_MAX);
}

/* "The field is then unchanged": also the NULL at the end of a list that had items. */
static void refused_value_changes_nothing(void **state)
{
	(void)state;
	const struct key key = {.name = "k", .type = KEY_LIST};
	struct strings items = {0};
	assert_null(parse(&key, &items, "a,b"));
	assert_non_null(parse(&key, &items, "c,,d"));
	assert_int_equal(items.count, 2);
	assert_string_equal(items.items[1], "b");
	assert_null(items.items[2]);
}

static void long_value_is_cut_in_messages(void **state)
{
	(void)state;
	const struct key key = {.name = "k", .type = KEY_BOOL};
	char value[501];
	memset(value, 'v', 500);
	value[500] = '\0';
	bool field = false;
	const char *why = parse(&key, &field, value);
	assert_true(strlen(why) < 120);
	assert_contains(why, "vvv...'");
}

static void labels(void **state)
{
	(void)state;
	char name[66];
	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	assert_false(name_is_label(name));
	name[63] = '\0';
	assert_true(name_is_label(name));
	assert_true(name_is_label("a"));
	assert_true(name_is_label("0-9"));
	static const char *const bad[] = {
		"", "-", "-a", "a-", "A", "a_b", "a.b", "a b", "\xc3\xa9"};
	for (int i = 0; i < COUNT(bad); i++)
		assert_false(name_is_label(bad[i]));
}

static int forget(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

int test_value(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(scalars, forget),
		cmocka_unit_test_teardown(durations_and_quantities, forget),
		cmocka_unit_test_teardown(choices, forget),
		cmocka_unit_test_teardown(texts, forget),
		cmocka_unit_test_teardown(path_that_only_looks_absolute, forget),
		cmocka_unit_test_teardown(ports_users_signals, forget),
		cmocka_unit_test_teardown(words_and_lists, forget),
		cmocka_unit_test_teardown(environment, forget),
		cmocka_unit_test_teardown(mounts, forget),
		cmocka_unit_test_teardown(mount_options, forget),
		cmocka_unit_test_teardown(mount_with_too_many_parts, forget),
		cmocka_unit_test_teardown(mount_over_two_lines, forget),
		cmocka_unit_test_teardown(rules, forget),
		cmocka_unit_test_teardown(refused_value_changes_nothing, forget),
		cmocka_unit_test_teardown(long_value_is_cut_in_messages, forget),
		cmocka_unit_test(labels),
	};
	return UNIT_RUN("value", tests);
}
