/* Specs of random bytes, written and read back. */
#include "unit.h"

#include <string.h>

#include "../../src/spec/units.h"

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
		assert_spec_survives(&spec);
		spec_finish(&spec);
	}
}

int test_ini_random(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_specs_survive),
	};
	return UNIT_RUN("ini random", tests);
}
