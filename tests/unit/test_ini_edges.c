/* The INI reader at its limits: sizes, bytes that no editor shows, and inih's traps. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static void assert_one_problem(const char *said, const char *problem)
{
	assert_contains(said, problem);
	if (problem_count() != 1)
		fail_msg("one problem only, not: %s", said);
}

/* "before", then `length` times `fill`, then "after". */
static void fill(struct text *text, const char *before, char with, int length, const char *after)
{
	text_add(text, "%s", before);
	for (int i = 0; i < length; i++)
		text_add_bytes(text, &with, 1);
	text_add(text, "%s", after);
}

/* A main whose second line is `length` bytes, and whose last is wrong. */
static void file_with_line(struct text *text, int length)
{
	text_clear(text);
	text_add(text, "[main m]\n");
	fill(text, "command = ", 'x', length - 10, "\nenv = bad\n");
}

static void long_lines(void **state)
{
	(void)state;
	struct text text = {0};
	static const int fits[] = {199, 200, 201, 8192, INI_LINE_MAX - 1, INI_LINE_MAX};
	for (int i = 0; i < COUNT(fits); i++) {
		file_with_line(&text, fits[i]);
		assert_one_problem(problems_of(text.data), "pod.ini:3: main m: env: must be");
		struct pod_spec spec;
		struct problems problems;
		read_bytes(&spec, &problems, text.data, text.length, false);
		assert_int_equal(strlen(spec.processes[0].command.items[0]), fits[i] - 10);
		text_finish(&problems.text);
		spec_finish(&spec);
	}
	static const int too_long[] = {
		INI_LINE_MAX + 1, INI_LINE_MAX + 2, INI_LINE_MAX + 3, 102400, 1 << 20};
	for (int i = 0; i < COUNT(too_long); i++) {
		file_with_line(&text, too_long[i]);
		const char *said = problems_of(text.data);
		assert_contains(said, "pod.ini:2: line longer than 65535 bytes\n");
		assert_contains(said, "pod.ini:3: main m: env: must be");
		assert_contains(said, "pod.ini:1: main m: command: is required");
		assert_int_equal(problem_count(), 3);
	}
	text_finish(&text);
}

static void long_last_line_without_newline(void **state)
{
	(void)state;
	struct text text = {0};
	fill(&text, "[main m]\ncommand = ", 'x', INI_LINE_MAX - 10, "");
	assert_string_equal(problems_of(text.data), "");
	text_add(&text, "x");
	assert_contains(problems_of(text.data), "pod.ini:2: line longer than 65535 bytes\n");
	text_finish(&text);
}

/* What stands below a section line that was refused belongs to no section above it. */
static void refused_section_line_ends_the_section(void **state)
{
	(void)state;
	struct text text = {0};
	fill(&text, MAIN("a") "[main ", 'b', 70000, "]\ncommand = y\n");
	assert_one_problem(problems_of(text.data), "pod.ini:3: line longer than 65535 bytes\n");
	text_clear(&text);
	static const char nul[] = MAIN("a") "[main b\0]\ncommand = y\n";
	assert_one_problem(
		problems_of_bytes(nul, sizeof(nul) - 1), "pod.ini:3: a NUL byte in the line\n");
	text_finish(&text);
}

/* And what continues a line that was refused does not continue the one before it. */
static void refused_line_takes_its_continuation_with_it(void **state)
{
	(void)state;
	static const char nul[] = MAIN("m") "[pod]\nname = a\nname\0 = b\n  c\n";
	assert_one_problem(
		problems_of_bytes(nul, sizeof(nul) - 1), "pod.ini:5: a NUL byte in the line\n");
}

static void section_names(void **state)
{
	(void)state;
	struct text text = {0};
	for (int length = 40; length <= 80; length++) {
		text_clear(&text);
		fill(&text, MAIN("m") "[main ", 'a', length - 5, "]\ncommand = x\n");
		const char *said = problems_of(text.data);
		if (length <= INI_NAME_MAX)
			assert_string_equal(said, "");
		else
			assert_one_problem(said,
				"pod.ini:3: [main aaaaaaaaaaaaaaa...: longer than 49 bytes\n");
	}
	text_finish(&text);
}

static void key_names(void **state)
{
	(void)state;
	struct text text = {0};
	for (int length = 45; length <= 80; length++) {
		text_clear(&text);
		fill(&text, MAIN("m"), 'k', length, " = x\n  and more\n");
		const char *said = problems_of(text.data);
		if (length <= INI_NAME_MAX)
			assert_one_problem(said, "kkk: unknown key");
		else
			assert_one_problem(said,
				"pod.ini:3: key kkkkkkkkkkkkkkkkkkkk...: longer than 49 bytes\n");
	}
	text_finish(&text);
}

static void nul_bytes(void **state)
{
	static const char in_value[] = "[main m]\ncommand = a\0b\nenv = bad\n";
	static const char first[] = "\0[main m]\ncommand = a\n";
	static const char alone[] = MAIN("m") "\0\n";
	static const char last[] = MAIN("m") "\0";
	(void)state;
	const char *said = problems_of_bytes(in_value, sizeof(in_value) - 1);
	assert_contains(said, "pod.ini:2: a NUL byte in the line\n");
	assert_contains(said, "pod.ini:3: main m: env: must be");
	assert_contains(
		problems_of_bytes(first, sizeof(first) - 1), "pod.ini:1: a NUL byte in the line\n");
	assert_one_problem(problems_of_bytes(alone, sizeof(alone) - 1), "pod.ini:3: a NUL byte");
	assert_one_problem(problems_of_bytes(last, sizeof(last) - 1), "pod.ini:3: a NUL byte");
}

static void windows_line_ends(void **state)
{
	(void)state;
	const char *said = problems_of("[pod]\r\nnme = x\r\n\r\n[main m]\r\ncommand = a\r\n"
				       "comand = b\r\n");
	assert_contains(said, "pod.ini:1: the line ends with a carriage return");
	assert_contains(said, "pod.ini:2: pod: nme: unknown key; did you mean name?\n");
	assert_contains(said, "pod.ini:6: main m: comand: unknown key; did you mean command?\n");
	assert_int_equal(problem_count(), 3);
	assert_one_problem(problems_of("[main m]\ncommand = a\r\n"),
		"pod.ini:2: the line ends with a carriage return");
}

static void byte_order_mark(void **state)
{
	(void)state;
	const char *said = problems_of("\xef\xbb\xbf[main m]\ncommand = a\nenv = x\n");
	assert_contains(said, "pod.ini:1: a byte order mark begins the file");
	assert_contains(said, "pod.ini:3: main m: env: must be");
	assert_int_equal(problem_count(), 2);
	/* not at the beginning it is a character like others */
	assert_contains(problems_of(MAIN("m") "\xef\xbb\xbf[main n]\n"), "pod.ini:3: ");
}

static void nothing_to_run(void **state)
{
	static const char *const files[] = {"", "\n", "\n\n\n", "# only\n; comments\n   # here\n",
		"#", "[pod]\n", "[pod]", " \t \n"};
	(void)state;
	for (int i = 0; i < COUNT(files); i++)
		assert_string_equal(
			problems_of(files[i]), "pod.ini: no [main NAME] section: nothing to run\n");
	assert_one_problem(problems_of(INIT("a") SIDECAR("b")), "no [main NAME] section");
}

static void ten_thousand_sections(void **state)
{
	(void)state;
	struct text text = {0};
	for (int i = 0; i < 10000; i++)
		text_add(&text, "[main m%d]\ncommand = x\n%s", i, i == 4000 ? "env = bad\n" : "");
	text_add(&text, "[what]\n");
	const char *said = problems_of(text.data);
	assert_contains(said, "pod.ini:8003: main m4000: env: must be");
	assert_contains(said, "pod.ini:8194: more than 4096 processes\n");
	assert_contains(said, "pod.ini:20002: [what]: a section is");
	assert_int_equal(problem_count(), 3);
	text_finish(&text);
}

static void limits_are_exact(void **state)
{
	(void)state;
	struct text text = {0};
	for (int i = 0; i < SPEC_PROCESSES_MAX; i++)
		text_add(&text, "[main m%d]\ncommand = x\n", i);
	for (int i = 0; i < SPEC_VOLUMES_MAX; i++)
		text_add(&text, "[volume v%d]\nemptyDir =\n", i);
	assert_string_equal(problems_of(text.data), "");
	text_add(&text, "[volume more]\nemptyDir =\n");
	assert_one_problem(problems_of(text.data), "more than 1024 volumes\n");
	/* each of the two limits is told */
	text_add(&text, "[main more]\ncommand = x\n");
	const char *said = problems_of(text.data);
	assert_contains(said, "more than 1024 volumes\n");
	assert_contains(said, "more than 4096 processes\n");
	text_finish(&text);
}

/* inih skips more kinds of blanks at the beginning of a line than ' ' and tab: none of them may
 * make it read the line as the continuation of a value. */
static void odd_blanks_do_not_continue(void **state)
{
	static const char *const files[] = {
		MAIN("m") "env = A=1\n\fenv = B=2\n",
		MAIN("m") "env = A=1\n\venv = B=2\n",
		MAIN("m") "env = A=1\n\renv = B=2\n",
		MAIN("m") "env = A=1\n\f[main n]\n",
		MAIN("m") "env = A=1\n\fB=2\n",
		MAIN("m") "env = A=1\n\v\rB:=2\n",
	};
	(void)state;
	for (int i = 0; i < COUNT(files); i++) {
		const char *said = problems_of(files[i]);
		if (!*said)
			fail_msg("file %d was accepted", i);
		assert_contains(said, "pod.ini:4: ");
		assert_false(contains(said, "given twice"));
	}
}

static void values_keep_every_byte(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		"[main m]\ncommand = x\nenv = A=\xff\xfe \x01\x7f = : [x] \xc3\xa9\n"
		"env = B=a\rb\tc\nenv=C= d\nenv : D=:=\nenv = E=$'\\x01\\r\\f'\n");
	const struct strings *env = &spec.processes[0].env;
	assert_string_equal(env->items[0], "A=\xff\xfe \x01\x7f = : [x] \xc3\xa9");
	assert_string_equal(env->items[1], "B=a\rb\tc");
	assert_string_equal(env->items[2], "C= d");
	assert_string_equal(env->items[3], "D=:=");
	assert_string_equal(env->items[4], "E=\x01\r\f");
	spec_finish(&spec);
}

/* Control characters inside a value are kept; at an end of the line inih would take some of them
 * for blanks, and those are refused. */
static void control_characters(void **state)
{
	(void)state;
	for (int byte = 1; byte < 0x20; byte++) {
		char inside[] = MAIN("m") "env = A=x?y\n", last[] = MAIN("m") "env = A=x?\n";
		char first[] = MAIN("m") "?env = A=x\n";
		inside[sizeof(inside) - 4] = last[sizeof(last) - 3] = (char)byte;
		first[sizeof(MAIN("m")) - 1] = (char)byte;
		if (byte == '\n')
			continue;
		assert_string_equal(problems_of(inside), "");
		const char *said = problems_of(last);
		if (strchr("\v\f", byte))
			assert_one_problem(
				said, "pod.ini:3: a control character at an end of the line");
		else if (byte == '\r')
			assert_one_problem(said, "pod.ini:3: the line ends with a carriage return");
		else
			assert_string_equal(said, "");
		if (byte != '\t') /* which continues the value above */
			assert_one_problem(problems_of(first), "pod.ini:3: ");
	}
}

/* Text that need not end in NUL, of every length: nothing behind it is read (ASan watches). */
static void every_prefix_of_a_file(void **state)
{
	static const char ini[] =
		"\xef\xbb\xbf# c\n[pod]\r\nname = x\n  y\n[volume v]\nemptyDir =\n"
		"[main m]\ncommand = a 'b c' $'\\n'\nenv = A=1\n  \t\n[main n] z\n";
	(void)state;
	for (size_t length = 0; length < sizeof(ini); length++) {
		char *copy = memory_resize(NULL, length);
		memcpy(copy, ini, length);
		problems_of_bytes(copy, length);
		assert_true(problem_count() > 0);
		free(copy);
	}
}

int test_ini_edges(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_lines),
		cmocka_unit_test(long_last_line_without_newline),
		cmocka_unit_test(refused_section_line_ends_the_section),
		cmocka_unit_test(refused_line_takes_its_continuation_with_it),
		cmocka_unit_test(section_names),
		cmocka_unit_test(key_names),
		cmocka_unit_test(nul_bytes),
		cmocka_unit_test(windows_line_ends),
		cmocka_unit_test(byte_order_mark),
		cmocka_unit_test(nothing_to_run),
		cmocka_unit_test(ten_thousand_sections),
		cmocka_unit_test(limits_are_exact),
		cmocka_unit_test(odd_blanks_do_not_continue),
		cmocka_unit_test(values_keep_every_byte),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(every_prefix_of_a_file),
	};
	return UNIT_RUN("ini edges", tests);
}
