/* Is what was written and read back the same spec, field by field? */
#include "unit.h"

#include <string.h>

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
void assert_spec_survives(const struct pod_spec *spec)
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
