/* What the INI writer writes reads back as the same spec: with every key, nasty values, and specs
 * made of random ones. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/spec/keys.h"
#include "../../src/spec/units.h"
#include "../../src/spec/value.h"

static void assert_strings_equal(const struct strings *a, const struct strings *b)
{
	assert_int_equal(a->count, b->count);
	for (int i = 0; i < a->count; i++)
		assert_string_equal(a->items[i], b->items[i]);
}

static void assert_text_equal(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_string_equal(a, b);
}

static void assert_mounts_equal(const struct volume_mounts *a, const struct volume_mounts *b)
{
	assert_int_equal(a->count, b->count);
	for (int i = 0; i < a->count; i++) {
		assert_string_equal(a->items[i].volume, b->items[i].volume);
		assert_string_equal(a->items[i].path, b->items[i].path);
		assert_text_equal(a->items[i].sub_path, b->items[i].sub_path);
		assert_int_equal(a->items[i].read_only, b->items[i].read_only);
	}
}

static void assert_process_equal(const struct process_spec *a, const struct process_spec *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->restart_policy, b->restart_policy);
	assert_int_equal(a->read_only_rootfs, b->read_only_rootfs);
	assert_int_equal(a->stop_signal, b->stop_signal);
	assert_true(a->backoff_initial_ns == b->backoff_initial_ns);
	assert_true(a->backoff_max_ns == b->backoff_max_ns);
	assert_true(a->backoff_reset_ns == b->backoff_reset_ns);
	assert_strings_equal(&a->command, &b->command);
	assert_strings_equal(&a->args, &b->args);
	assert_strings_equal(&a->env, &b->env);
	assert_strings_equal(&a->argv, &b->argv);
	assert_strings_equal(&a->environment, &b->environment);
	assert_text_equal(a->working_dir, b->working_dir);
	assert_text_equal(a->rootfs, b->rootfs);
	assert_mounts_equal(&a->mounts, &b->mounts);
	assert_int_equal(a->rules.count, b->rules.count);
	if (a->rules.count)
		assert_memory_equal(a->rules.items, b->rules.items,
			sizeof(*a->rules.items) * (size_t)a->rules.count);
}

static void assert_spec_equal(const struct pod_spec *a, const struct pod_spec *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->restart_policy, b->restart_policy);
	assert_true(a->grace_ns == b->grace_ns);
	assert_true(a->deadline_ns == b->deadline_ns);
	assert_int_equal(a->volume_count, b->volume_count);
	for (int i = 0; i < a->volume_count; i++) {
		assert_string_equal(a->volumes[i].name, b->volumes[i].name);
		assert_int_equal(a->volumes[i].host_path_type, b->volumes[i].host_path_type);
		assert_int_equal(a->volumes[i].medium, b->volumes[i].medium);
		assert_int_equal(a->volumes[i].empty_dir, b->volumes[i].empty_dir);
		assert_text_equal(a->volumes[i].host_path, b->volumes[i].host_path);
	}
	assert_int_equal(a->process_count, b->process_count);
	assert_int_equal(a->init_count, b->init_count);
	for (int i = 0; i < a->process_count; i++)
		assert_process_equal(&a->processes[i], &b->processes[i]);
}

/* Writes a checked spec, reads it, compares, and writes it once more. */
static void assert_survives(const struct pod_spec *spec)
{
	struct text first = {0}, second = {0};
	struct problems problems;
	struct pod_spec back;
	ini_write(&first, spec);
	read_bytes(&back, &problems, first.data, first.length, true);
	if (problems.count)
		fail_msg("%s%s", problems.text.data, first.data);
	assert_spec_equal(spec, &back);
	ini_write(&second, &back);
	assert_string_equal(first.data, second.data);
	text_finish(&first);
	text_finish(&second);
	text_finish(&problems.text);
	spec_finish(&back);
}

static void every_key_survives(void **state)
{
	(void)state;
	struct pod_spec spec;
	good_spec(&spec,
		"[pod]\nname = all\nrestartPolicy = OnFailure\nterminationGracePeriodSeconds = 1.5\n"
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
	assert_survives(&spec);
	spec_finish(&spec);
}

static void defaults_are_left_out(void **state)
{
	(void)state;
	struct pod_spec spec;
	struct text text = {0};
	good_spec(&spec, "[pod]\nrestartPolicy = Always\nterminationGracePeriodSeconds = 30s\n"
			 "[main m]\ncommand = x\nlifecycle.stopSignal = TERM\n"
			 "backoff.initialSeconds = 10000ms\n");
	ini_write(&text, &spec);
	assert_string_equal(text.data, "[pod]\nname = pod\n\n[main m]\ncommand = x\n");
	text_finish(&text);
	assert_survives(&spec);
	spec_finish(&spec);
}

static void probes_and_hooks_survive(void **state)
{
	static const char *const files[] = {
		MAIN("m") STARTUP "startupProbe.periodSeconds = 3\nstartupProbe.failureThreshold = 9\n",
		MAIN("m") "livenessProbe.httpGet.port = 80\nlivenessProbe.httpGet.scheme = HTTPS\n"
			  "livenessProbe.httpGet.path = / x\n"
			  "livenessProbe.httpGet.httpHeaders = A: b\n"
			  "livenessProbe.httpGet.httpHeaders = $'C: \\t'\n"
			  "livenessProbe.terminationGracePeriodSeconds = 5\n",
		MAIN("m") "readinessProbe.tcpSocket.port = http\nreadinessProbe.tcpSocket.host = h\n",
		MAIN("m") "readinessProbe.grpc.port = 50051\nreadinessProbe.grpc.service = s\n",
		MAIN("m") PRE_STOP POST_START,
		MAIN("m") "lifecycle.preStop.sleep.seconds = 0\n",
		MAIN("m") "lifecycle.postStart.httpGet.port = 1\n",
	};
	(void)state;
	for (int i = 0; i < COUNT(files); i++) {
		struct pod_spec spec;
		good_spec(&spec, files[i]);
		assert_survives(&spec);
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
	assert_survives(&spec);
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
	good_spec(&spec, "[volume v]\nemptyDir =\n" MAIN("m") "volumeMounts = v:/p:subPath=x :ro\n"
			 "volumeMounts = v:/q :ro\nvolumeMounts = v:/r :rw\n");
	assert_survives(&spec);
	spec_finish(&spec);
}

/* --- random specs --- */

static uint64_t seed;

static int roll(int sides)
{
	return (int)(next_random(&seed) % (uint32_t)sides);
}

/* Any bytes but NUL, mostly the ones that hurt. */
static const char *random_text(struct arena *arena, int min)
{
	static const char mean[] = " \t\n\r'\"\\$;#=:[]()ax\x7f\x01\xff\xc3";
	char text[16];
	int length = min + roll((int)sizeof(text) - min - 1);
	for (int i = 0; i < length; i++)
		text[i] = roll(4) ? mean[roll(sizeof(mean) - 1)] : (char)(1 + roll(255));
	return arena_strndup(arena, text, (size_t)length);
}

static const char *random_path(struct arena *arena)
{
	struct text text = {0};
	text_add(&text, "/%s", random_text(arena, 1));
	const char *path = arena_strdup(arena, text.data);
	text_finish(&text);
	return path;
}

static void random_words(struct arena *arena, struct strings *words, int count)
{
	for (int i = 0; i < count; i++)
		strings_add(arena, words, random_text(arena, 0));
}

static void random_env(struct arena *arena, struct strings *env)
{
	for (int i = roll(4); i > 0; i--) {
		struct text text = {0};
		text_add(&text, "N%d=%s", roll(3), random_text(arena, 0));
		strings_add(arena, env, arena_strdup(arena, text.data));
		text_finish(&text);
	}
}

static void random_process(struct pod_spec *spec, int index)
{
	char name[16];
	struct arena *arena = &spec->arena;
	struct text text = text_in(name, sizeof(name));
	text_add(&text, "p%d", index);
	enum process_kind kind = index ? (enum process_kind)roll(KIND_COUNT) : KIND_MAIN;
	struct process_spec *process = spec_add_process(spec, kind, name);
	random_words(arena, &process->command, 1 + roll(3));
	random_words(arena, &process->args, roll(3));
	random_env(arena, &process->env);
	if (roll(2))
		process->working_dir = random_path(arena);
	if (roll(2))
		process->rootfs = random_path(arena);
	if (kind != KIND_SIDECAR)
		process->restart_policy = (uint8_t)(roll(2) ? RESTART_NEVER : RESTART_ON_FAILURE);
	process->stop_signal = 1 + roll(SIGNAL_MAX);
	process->backoff_initial_ns = roll(1000) * MS + roll(2);
	process->backoff_max_ns = (1 + roll(INT32_MAX - 1)) * S;
	process->backoff_reset_ns = (int64_t)next_random(&seed) << roll(28);
	process->read_only_rootfs = roll(2);
}

static void random_specs_survive(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++) {
		struct pod_spec spec;
		struct problems problems = {0};
		seed = 0x9e3779b97f4a7c15u * (uint64_t)(i + 1);
		spec_init(&spec);
		spec.restart_policy = (uint8_t)(1 + roll(3));
		spec.grace_ns = roll(100) * (roll(2) ? S : 1);
		spec.deadline_ns = roll(2) ? -1 : (1 + roll(1000)) * S + roll(2);
		int processes = 1 + roll(5);
		for (int k = 0; k < processes; k++)
			random_process(&spec, k);
		spec_check(&spec, &problems);
		if (problems.count)
			fail_msg("%s", problems.text.data);
		assert_survives(&spec);
		spec_finish(&spec);
	}
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
		cmocka_unit_test(random_specs_survive),
	};
	return UNIT_RUN("ini write", tests);
}
