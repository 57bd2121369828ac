/* $(VAR): the table of kubernetes/kubernetes third_party/forked/golang/expansion, row by row. */
#include "unit.h"

#include <string.h>

#include "../../src/spec/expand.h"

static const char *VARIABLES[] = {
	"VAR_A=A", "VAR_B=B", "VAR_C=C", "VAR_REF=$(VAR_A)", "VAR_EMPTY="};
static const struct strings ENVIRONMENT = {.items = VARIABLES, .count = COUNT(VARIABLES)};

static void assert_expands(const char *in, const char *out)
{
	struct arena arena = {0};
	assert_string_equal(expand(&arena, in, &ENVIRONMENT), out);
	arena_finish(&arena);
}

static void kubernetes_table(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: unchanged */
	} rows[] = {
		{"$(VAR_A)", "A"},
		{"$(VAR_A)-$(VAR_A)", "A-A"},
		{"___$(VAR_B)___", "___B___"},
		{"$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"},
		{"$$(VAR_A)_$(VAR_B)", "$(VAR_A)_B"},
		{"f000-$$VAR_A", "f000-$VAR_A"},
		{"foo\\$(VAR_C)bar", "foo\\Cbar"},
		{"foo\\\\$(VAR_C)bar", "foo\\\\Cbar"},
		{"$(VAR_A$(VAR_B))", NULL},
		{"$(VAR_A$(VAR_B)", NULL},
		{"$(VAR_REF)", "$(VAR_A)"},
		{"foo$(VAR_EMPTY)bar", "foobar"},
		{"foo$(VAR_Awhoops!", NULL},
		{"f00__(VAR_A)__", NULL},
		{"$?_boo_$!", NULL},
		{"$VAR_A", NULL},
		{"${VAR_A}", NULL},
		{"$VAR_A)", NULL},
		{"$(VAR_DNE)", NULL},
		{"$$$$$$(BIG_MONEY)", "$$$(BIG_MONEY)"},
		{"$$$$$$(VAR_A)", "$$$(VAR_A)"},
		{"$$$$$$$(GOOD_ODDS)", "$$$$(GOOD_ODDS)"},
		{"$$$$$$$(VAR_A)", "$$$A"},
		{"$(VAR_B)_______$(A", "B_______$(A"},
		{"$(VAR_C)_______$(", "C_______$("},
		{"$(VAR_A)foobarzab$", "Afoobarzab$"},
		{"foo\\\\$(VAR_A", NULL},
		{"--$($($($($--", NULL},
		{"$($($($($--foo$(", NULL},
		{"$(foo$$var)", NULL},
		{"\\n", NULL},
		{"", NULL},
		{"$", NULL},
		{"$$", "$"},
		{"$()", NULL},
		{"$(VAR_EMPTY)", ""},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++)
		assert_expands(rows[i].in, rows[i].out ? rows[i].out : rows[i].in);
}

static void names_are_whole(void **state)
{
	(void)state;
	assert_expands("$(VAR)", "$(VAR)");
	assert_expands("$(VAR_AA)", "$(VAR_AA)");
	assert_expands("$(var_a)", "$(var_a)");
	assert_expands("$( VAR_A)", "$( VAR_A)");
	/* VAR=A=B is VAR with the value A=B: no variable VAR=A has the value B */
	const char *items[] = {"VAR=A=B"};
	const struct strings environment = {.items = items, .count = 1};
	struct arena arena = {0};
	assert_string_equal(expand(&arena, "$(VAR)", &environment), "A=B");
	assert_string_equal(expand(&arena, "$(VAR=A)", &environment), "$(VAR=A)");
	arena_finish(&arena);
}

static void later_definition_wins(void **state)
{
	(void)state;
	const char *items[] = {"A=1", "B=2", "A=3"};
	const struct strings environment = {.items = items, .count = 3};
	struct arena arena = {0};
	assert_string_equal(expand(&arena, "$(A)$(B)", &environment), "32");
	assert_string_equal(environment_get(&environment, "A", 1), "3");
	assert_null(environment_get(&environment, "C", 1));
	arena_finish(&arena);
}

static void unchanged_text_is_not_copied(void **state)
{
	(void)state;
	struct arena arena = {0};
	const char *plain = "no variable", *unknown = "$(NOPE)";
	assert_ptr_equal(expand(&arena, plain, &ENVIRONMENT), plain);
	assert_ptr_equal(expand(&arena, unknown, &ENVIRONMENT), unknown);
	arena_finish(&arena);
}

/* Through a file: env in its order, command and args, and nothing twice. */
static void pod_is_expanded(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		"[main m]\n"
		"env = EARLY=$(LATE)\nenv = FOO=bar\nenv = ZOO=$(FOO)-1\n"
		"env = BLU=$(ZOO)-2\nenv = LATE=x\nenv = ONE=$$(FOO)\nenv = TWO=$(ONE)\n"
		"command = /bin/$(FOO) '$(BLU)' $(NOPE) \"$$(FOO)\"\nargs = $(TWO) $(LATE)\n");
	const struct process_spec *m = &spec.processes[0];
	static const char *const environment[] = {"EARLY=$(LATE)", "FOO=bar", "ZOO=bar-1",
		"BLU=bar-1-2", "LATE=x", "ONE=$(FOO)", "TWO=$(FOO)"};
	static const char *const argv[] = {
		"/bin/bar", "bar-1-2", "$(NOPE)", "$(FOO)", "$(FOO)", "x"};
	assert_int_equal(m->environment.count, COUNT(environment));
	for (int i = 0; i < COUNT(environment); i++)
		assert_string_equal(m->environment.items[i], environment[i]);
	assert_int_equal(m->argv.count, COUNT(argv));
	for (int i = 0; i < COUNT(argv); i++)
		assert_string_equal(m->argv.items[i], argv[i]);
	assert_null(m->argv.items[COUNT(argv)]);
	/* as written it stays as written */
	assert_string_equal(m->command.items[0], "/bin/$(FOO)");
	assert_string_equal(m->env.items[2], "ZOO=$(FOO)-1");
	spec_finish(&spec);
}

int test_expand(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kubernetes_table),
		cmocka_unit_test(names_are_whole),
		cmocka_unit_test(later_definition_wins),
		cmocka_unit_test(unchanged_text_is_not_copied),
		cmocka_unit_test(pod_is_expanded),
	};
	return UNIT_RUN("expand", tests);
}
