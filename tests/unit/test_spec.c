/* The spec as data: the pods that are not read from a file, its size, and its memory. */
#include "unit.h"

#include <string.h>

static const char *entrypoint_name(const char *program)
{
	static char name[128];
	struct pod_spec spec;
	struct problems problems = {0};
	char *argv[] = {(char *)program, NULL};
	spec_init(&spec);
	spec_entrypoint(&spec, argv);
	spec_check(&spec, &problems);
	assert_int_equal(problems.count, 0);
	struct text text = text_in(name, sizeof(name));
	text_add(&text, "%s", spec.processes[0].name);
	spec_finish(&spec);
	return name;
}

static void entrypoint(void **state)
{
	(void)state;
	struct pod_spec spec;
	struct problems problems = {0};
	char *argv[] = {"/usr/bin/My_App", "$(HOME)", "a b", "", "--", NULL};
	spec_init(&spec);
	spec_entrypoint(&spec, argv);
	spec_check(&spec, &problems);
	assert_int_equal(problems.count, 0);
	assert_true(spec.entrypoint);
	assert_false(spec.pause);
	assert_int_equal(spec.restart_policy, RESTART_NEVER);
	assert_true(spec.grace_ns == 30 * S);
	assert_int_equal(spec.process_count, 1);
	assert_int_equal(spec.init_count, 0);
	const struct process_spec *main_process = &spec.processes[0];
	assert_int_equal(main_process->kind, KIND_MAIN);
	assert_int_equal(main_process->argv.count, 5);
	for (int i = 0; i < 6; i++) {
		if (argv[i])
			assert_string_equal(main_process->argv.items[i], argv[i]);
		else
			assert_null(main_process->argv.items[i]);
	}
	spec_finish(&spec);
}

static void entrypoint_names(void **state)
{
	(void)state;
	assert_string_equal(entrypoint_name("/usr/bin/My_App"), "my-app");
	assert_string_equal(entrypoint_name("sleep"), "sleep");
	assert_string_equal(entrypoint_name("./a.out"), "a-out");
	assert_string_equal(entrypoint_name("/bin/"), "main");
	assert_string_equal(entrypoint_name(""), "main");
	assert_string_equal(entrypoint_name("/"), "main");
	assert_string_equal(entrypoint_name("..."), "main");
	assert_string_equal(entrypoint_name("--x--"), "x");
	assert_string_equal(entrypoint_name("\xc3\xa9t\xc3\xa9"), "t");
	char name[200];
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(strlen(entrypoint_name(name)), 63);
	/* cut where a '-' would be the last */
	memset(name + 60, '_', 20);
	assert_int_equal(strlen(entrypoint_name(name)), 60);
}

static void pause_pod(void **state)
{
	(void)state;
	struct pod_spec spec;
	struct problems problems = {0};
	spec_init(&spec);
	spec_pause(&spec);
	spec_check(&spec, &problems);
	assert_int_equal(problems.count, 0);
	assert_int_equal(spec.process_count, 0);
	assert_true(spec.pause);
	assert_string_equal(spec.name, "pause");
	spec_finish(&spec);
}

static void policy_of_a_process(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		POLICY("OnFailure") INIT("i") SIDECAR("s") MAIN("m")
			MAIN("n") "restartPolicy = Never\n");
	static const enum restart_policy policies[] = {
		RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER};
	for (int i = 0; i < COUNT(policies); i++)
		assert_int_equal(spec_restart_policy(&spec, &spec.processes[i]), policies[i]);
	spec_finish(&spec);
}

static void names_of_things(void **state)
{
	(void)state;
	assert_string_equal(process_kind_name(KIND_INIT), "init");
	assert_string_equal(process_kind_name(KIND_SIDECAR), "sidecar");
	assert_string_equal(process_kind_name(KIND_MAIN), "main");
	assert_string_equal(restart_policy_name(RESTART_ALWAYS), "Always");
	assert_string_equal(restart_policy_name(RESTART_ON_FAILURE), "OnFailure");
	assert_string_equal(restart_policy_name(RESTART_NEVER), "Never");
}

static void rules_outside_of_exit_codes(void **state)
{
	(void)state;
	const struct restart_rule in = {.codes.bits = {[31] = 0xff}}, not_in = {.not_in = true};
	assert_true(restart_rule_matches(&in, 255));
	assert_false(restart_rule_matches(&in, 256));
	assert_false(restart_rule_matches(&in, -1));
	assert_true(restart_rule_matches(&not_in, 0));
	assert_true(restart_rule_matches(&not_in, 255));
}

static void handler_types(void **state)
{
	(void)state;
	assert_int_equal(spec_handler_type(NULL), HANDLER_NONE);
	assert_int_equal(spec_handler_type(&(struct handler){.sleep_ns = -1}), HANDLER_NONE);
	assert_int_equal(spec_handler_type(&(struct handler){.sleep_ns = 0}), HANDLER_SLEEP);
	assert_int_equal(spec_handler_type(&(struct handler){.sleep_ns = -1, .http_port = "1"}),
		HANDLER_HTTP);
	assert_int_equal(
		spec_handler_type(&(struct handler){.sleep_ns = -1, .tcp_port = "1"}), HANDLER_TCP);
	assert_int_equal(
		spec_handler_type(&(struct handler){.sleep_ns = -1, .grpc_port = 1}), HANDLER_GRPC);
	assert_int_equal(
		spec_handler_type(&(struct handler){.sleep_ns = -1, .exec_command = {.count = 1}}),
		HANDLER_EXEC);
}

/* State and spec under 1 KiB per process beyond its own strings. */
static void sizes(void **state)
{
	(void)state;
	assert_in_range(sizeof(struct process_spec) + sizeof(struct process), 1, 700);
	struct pod_spec spec;
	struct text ini = {0};
	for (int i = 0; i < 1000; i++)
		text_add(&ini, "[main m%d]\ncommand = /bin/true\n", i);
	good_spec(&spec, ini.data);
	size_t state_size = pod_size(&spec) + sizeof(struct process_spec) * 1000;
	assert_in_range((state_size + spec.arena.used) / 1000, 1, 1024);
	spec_finish(&spec);
	text_finish(&ini);
}

static void arena_gives_zeroed_memory(void **state)
{
	(void)state;
	struct arena arena = {0};
	char *some[300];
	for (int i = 0; i < COUNT(some); i++) {
		size_t size = (size_t)(i * 97 % 20000);
		some[i] = arena_alloc(&arena, size);
		assert_int_equal((uintptr_t)some[i] % 8, 0);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(some[i][k], 0);
		memset(some[i], i & 0xff, size);
	}
	for (int i = 0; i < COUNT(some); i++) {
		for (size_t k = 0; k < (size_t)(i * 97 % 20000); k++)
			assert_int_equal((unsigned char)some[i][k], i & 0xff);
	}
	assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
	assert_string_equal(arena_strdup(&arena, ""), "");
	arena_finish(&arena);
	assert_null(arena.blocks);
	arena_finish(&arena);
}

static void strings_end_in_null(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct strings list = {0};
	for (int i = 0; i < 200; i++) {
		strings_add(&arena, &list, i % 2 ? "odd" : "even");
		assert_int_equal(list.count, i + 1);
		assert_null(list.items[i + 1]);
	}
	for (int i = 0; i < 200; i++)
		assert_string_equal(list.items[i], i % 2 ? "odd" : "even");
	arena_finish(&arena);
}

int test_spec(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entrypoint),
		cmocka_unit_test(entrypoint_names),
		cmocka_unit_test(pause_pod),
		cmocka_unit_test(policy_of_a_process),
		cmocka_unit_test(names_of_things),
		cmocka_unit_test(rules_outside_of_exit_codes),
		cmocka_unit_test(handler_types),
		cmocka_unit_test(sizes),
		cmocka_unit_test(arena_gives_zeroed_memory),
		cmocka_unit_test(strings_end_in_null),
	};
	return UNIT_RUN("spec", tests);
}
