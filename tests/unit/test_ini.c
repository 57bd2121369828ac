/* The INI reader: sections, keys, values over several lines, and every way to get them wrong, with
 * the line that is to blame. */
#include "unit.h"

#include <string.h>

#define OK MAIN("m")

static void sections_and_keys(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		"# a comment\n; another\n\n[pod]\nname = web\nrestartPolicy=Never\n"
		"terminationGracePeriodSeconds : 5\n\n"
		"[volume data]\nemptyDir =\n"
		"[main one]\ncommand = /bin/sh -c 'a; b # c'\n"
		"[init prep]\ncommand = p\n"
		"[ sidecar   log ]\ncommand = l\nenv = A=1\nenv = B=2\n"
		"[main two]\n   # a comment may be indented\ncommand = t");
	assert_string_equal(spec.name, "web");
	assert_int_equal(spec.restart_policy, RESTART_NEVER);
	assert_true(spec.grace_ns == 5 * S);
	assert_int_equal(spec.pod_line, 4);
	assert_int_equal(spec.volume_count, 1);
	assert_true(spec.volumes[0].empty_dir);
	assert_int_equal(spec.volumes[0].line, 9);
	assert_int_equal(spec.process_count, 4);
	assert_int_equal(spec.init_count, 2);
	static const char *const names[] = {"prep", "log", "one", "two"};
	static const int lines[] = {13, 15, 11, 19};
	for (int i = 0; i < 4; i++) {
		assert_string_equal(spec.processes[i].name, names[i]);
		assert_int_equal(spec.processes[i].line, lines[i]);
	}
	assert_string_equal(spec.processes[2].command.items[2], "a; b # c");
	assert_int_equal(spec.processes[1].env.count, 2);
	assert_string_equal(spec.processes[3].command.items[0], "t");
	assert_string_equal(spec.sources.items[0], "pod.ini");
	spec_finish(&spec);
}

static void comment_signs_inside_values_are_kept(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		"[main m]\ncommand = sh -c 'a ; b' ;c #d ; e\nenv = A=x ; y # z\n"
		"env = B=;\nenv = C=#\nworkingDir = /a;b #c\n");
	const struct process_spec *m = &spec.processes[0];
	static const char *const words[] = {"sh", "-c", "a ; b", ";c", "#d", ";", "e"};
	assert_int_equal(m->command.count, COUNT(words));
	for (int i = 0; i < COUNT(words); i++)
		assert_string_equal(m->command.items[i], words[i]);
	assert_string_equal(m->env.items[0], "A=x ; y # z");
	assert_string_equal(m->env.items[1], "B=;");
	assert_string_equal(m->env.items[2], "C=#");
	assert_string_equal(m->working_dir, "/a;b #c");
	spec_finish(&spec);
}

static void indented_lines_continue(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		"[main m]\ncommand = sh -c '\n  first\n\tsecond = x\n\n"
		"  # a comment, also here\n  [third]\n  '\n  last\nargs = one\n  two\n"
		"env = A=1\n");
	const struct process_spec *m = &spec.processes[0];
	assert_int_equal(m->command.count, 4);
	assert_string_equal(m->command.items[2], "\nfirst\nsecond = x\n[third]\n");
	assert_string_equal(m->command.items[3], "last");
	assert_int_equal(m->args.count, 2);
	assert_string_equal(m->args.items[1], "two");
	assert_int_equal(m->env.count, 1);
	spec_finish(&spec);
}

static void empty_value_may_continue(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec, "[main m]\ncommand =\n  /bin/true\n  --flag\n");
	assert_int_equal(spec.processes[0].command.count, 2);
	assert_string_equal(spec.processes[0].command.items[0], "/bin/true");
	spec_finish(&spec);
}

/* One file, one problem: where it is and what it says. */
static void one_problem_each(void **state)
{
	static const struct {
		const char *ini, *problem;
	} rows[] = {
		{OK "[pod\n", "pod.ini:3: a [ is not closed with ]\n"},
		{OK "[pod] x\n", "pod.ini:3: something follows the ] of a section\n"},
		{OK "[pod]]\n", "pod.ini:3: something follows the ] of a section\n"},
		{OK "[pod] ; comment\n", "pod.ini:3: something follows the ] of a section\n"},
		{OK "[]\n", "pod.ini:3: []: a section is [pod], [volume NAME]"},
		{OK "[service x]\n",
			"pod.ini:3: [service x]: a section is [pod], [volume NAME], [init"},
		{OK "[Main x]\n", "pod.ini:3: [Main x]: a section is"},
		{OK "[main]\n", "pod.ini:3: [main]: a section is"},
		{OK "[main a b]\n", "pod.ini:3: [main a b]: a section is"},
		{OK "[pod x]\n", "pod.ini:3: [pod x]: a section is"},
		{OK "[main A]\n", "pod.ini:3: main A: a name has only a-z, 0-9 and -"},
		{OK "[main -a]\n", "pod.ini:3: main -a: a name has only a-z, 0-9 and -"},
		{OK "[volume a_b]\n", "pod.ini:3: volume a_b: a name has only"},
		{OK "[main m]\n", "pod.ini:3: main m: name already used in pod.ini:1\n"},
		{OK "[init m]\n", "pod.ini:3: init m: name already used in pod.ini:1\n"},
		{OK "[pod]\n[pod]\n", "pod.ini:4: pod: name already used in pod.ini:3\n"},
		{OK "[volume v]\nemptyDir=\n[volume v]\n",
			"pod.ini:5: volume v: name already used in pod.ini:3\n"},
		{OK "args\n", "pod.ini:3: expected [section] or key = value\n"},
		{OK "what is this", "pod.ini:3: expected [section] or key = value\n"},
		{OK "= x\n", "pod.ini:3: no key before the =\n"},
		{OK ": x\n", "pod.ini:3: no key before the :\n"},
		{"name = x\n" OK, "pod.ini:1: name: stands before the first section\n"},
		{OK "command = y\n", "pod.ini:3: main m: command: given twice, first in line 2\n"},
		{OK "comand = y\n",
			"pod.ini:3: main m: comand: unknown key; did you mean command?\n"},
		{OK "xyzzyplugh = y\n",
			"pod.ini:3: main m: xyzzyplugh: unknown key (podinit --keys lists them)\n"},
		{OK "[init i]\ncommand = x\nlivenessProbe.tcpSocket.port = 1\n",
			"pod.ini:5: init i: livenessProbe.tcpSocket.port: is a key of sidecar and "
			"main "
			"only\n"},
		{OK "hostname = y\n", "pod.ini:3: main m: hostname: is a key of pod only\n"},
		{OK "[pod]\nrestartPolicy = Sometimes\n",
			"pod.ini:4: pod: restartPolicy: must be Always, OnFailure or Never, got "
			"'Sometimes'\n"},
		{OK "startupProbe.httpGet.port = 0\n",
			"pod.ini:3: main m: startupProbe.httpGet.port: must be 1..65535, got "
			"'0'\n"},
		{OK "image = nginx\n", "pod.ini:3: main m: image: not supported yet\n"},
		{"   command = x\n" OK,
			"pod.ini:1: an indented line continues the value above it, and there is "
			"none\n"},
		{"[main m]\n  command = x\ncommand = y\n",
			"pod.ini:2: an indented line continues the value above it, and there is "
			"none\n"},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		const char *said = problems_of(rows[i].ini);
		assert_contains(said, rows[i].problem);
		if (problem_count() != 1)
			fail_msg("one problem only, not: %s", said);
	}
}

/* The same name in a volume and a process is no clash. */
static void names_of_volumes_are_their_own(void **state)
{
	(void)state;
	assert_string_equal(problems_of(OK "[volume m]\nemptyDir =\n"), "");
	assert_string_equal(problems_of("[volume pod]\nemptyDir=\n" MAIN("pod") "[pod]\n"), "");
}

static void every_problem_in_one_go(void **state)
{
	(void)state;
	const char *said = problems_of("stray = 1\n"		       /* 1 */
				       "[pod]\n"		       /* 2 */
				       "restartPolicy = Maybe\n"       /* 3 */
				       "nonsense = 1\n"		       /* 4 */
				       "readinessGates = h\n"	       /* 5 */
				       "no equals sign\n"	       /* 6 */
				       "[main a]\n"		       /* 7 */
				       "command = 'x\n"		       /* 8 */
				       "env = A\n"		       /* 9 */
				       "volumeMounts = no:/x\n"	       /* 10 */
				       "lifecycle.stopSignal = NOPE\n" /* 11 */
				       "[main a]\n"		       /* 12 */
				       "[volume v]\n"		       /* 13 */
				       "[thing]\n"		       /* 14 */
				       "ignored = 1\n"		       /* 15 */
				       "[main b\n"		       /* 16 */
				       "[main c]\n"		       /* 17 */
				       "workingDir = here\n");	       /* 18 */
	static const char *const expected[] = {"pod.ini:1: stray: stands before",
		"pod.ini:3: pod: restartPolicy: must be", "pod.ini:4: pod: nonsense: unknown key",
		"pod.ini:5: pod: readinessGates: not supported yet",
		"pod.ini:6: expected [section]", "pod.ini:8: main a: command: a ' is not closed",
		"pod.ini:9: main a: env: must be NAME=value, got 'A'",
		"pod.ini:10: main a: volumeMounts: there is no [volume no]",
		"pod.ini:11: main a: lifecycle.stopSignal: must be a signal",
		"pod.ini:12: main a: name already used in pod.ini:7",
		"pod.ini:13: volume v: says neither emptyDir nor hostPath.path",
		"pod.ini:14: [thing]: a section is", "pod.ini:16: a [ is not closed",
		"pod.ini:17: main c: command: is required",
		"pod.ini:18: main c: workingDir: must be"};
	for (int i = 0; i < COUNT(expected); i++)
		assert_contains(said, expected[i]);
	/* and "command: is required" of main a, whose command could not be read */
	assert_in_range(problem_count(), COUNT(expected), COUNT(expected) + 1);
}

/* "one line each", whatever the value. */
static void every_problem_is_one_line(void **state)
{
	static const char *const files[] = {
		OK "[pod]\nrestartPolicy = Never\n  again\n",
		OK "[pod]\nname = a\n  b\n",
		"[main m]\ncommand = x\nenv = A B\n  C\n",
		"[main m]\ncommand = x\nworkingDir = x\n\ty\n",
	};
	(void)state;
	for (int i = 0; i < COUNT(files); i++) {
		const char *said = problems_of(files[i]);
		int lines = 0;
		for (const char *s = said; *s; s++)
			lines += *s == '\n';
		assert_int_equal(problem_count(), 1);
		if (lines != 1)
			fail_msg("%d lines: %s", lines, said);
	}
}

/* A problem of a value over several lines is in the line of its key; what follows has its own. */
static void line_of_a_long_value(void **state)
{
	(void)state;
	const char *said = problems_of("[main m]\ncommand = x\nargs = 'a\n  b\n  c\n\nenv = x\n");
	assert_contains(said, "pod.ini:3: main m: args: a ' is not closed\n");
	assert_contains(said, "pod.ini:7: main m: env: must be NAME=value");
	assert_int_equal(problem_count(), 2);
}

static void two_files(void **state)
{
	(void)state;
	static const char first[] = "[main a]\ncommand = x\n",
			  second[] = "\n[main a]\n[volume v]\n";
	struct pod_spec spec;
	struct problems problems = {0};
	spec_init(&spec);
	ini_read(&spec, &(struct ini_source){"1.ini", "", first, strlen(first)}, false, &problems);
	ini_read(
		&spec, &(struct ini_source){"2.ini", "", second, strlen(second)}, false, &problems);
	spec_check(&spec, &problems);
	assert_string_equal(problems.text.data,
		"2.ini:2: main a: name already used in 1.ini:1\n"
		"2.ini:3: volume v: says neither emptyDir nor hostPath.path\n");
	text_finish(&problems.text);
	spec_finish(&spec);
}

/* A directory may hold many files: a problem names the one it is in. */
static void three_hundred_files(void **state)
{
	(void)state;
	struct pod_spec spec;
	struct problems problems = {0};
	char name[32], content[64];
	spec_init(&spec);
	for (int i = 0; i < 300; i++) {
		struct text name_text = text_in(name, sizeof(name));
		struct text text = text_in(content, sizeof(content));
		text_add(&name_text, "%d.ini", i);
		text_add(&text, "[main m%d]\n%s", i, i < 299 ? "command = x\n" : "");
		ini_read(&spec, &(struct ini_source){name, "", content, text.length}, false,
			&problems);
	}
	spec_check(&spec, &problems);
	assert_string_equal(problems.text.data, "299.ini:1: main m299: command: is required\n");
	text_finish(&problems.text);
	spec_finish(&spec);
}

int test_ini(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_keys),
		cmocka_unit_test(comment_signs_inside_values_are_kept),
		cmocka_unit_test(indented_lines_continue),
		cmocka_unit_test(empty_value_may_continue),
		cmocka_unit_test(one_problem_each),
		cmocka_unit_test(names_of_volumes_are_their_own),
		cmocka_unit_test(every_problem_in_one_go),
		cmocka_unit_test(every_problem_is_one_line),
		cmocka_unit_test(line_of_a_long_value),
		cmocka_unit_test(two_files),
		cmocka_unit_test(three_hundred_files),
	};
	return UNIT_RUN("ini", tests);
}
