/* Is what was written and read back the same spec, field by field? */
#include "unit.h"

#include <string.h>

void assert_strings_equal(const struct strings *a, const struct strings *b)
{
	assert_int_equal(a->count, b->count);
	for (int i = 0; i < a->count; i++)
		assert_string_equal(a->items[i], b->items[i]);
}

void assert_text_equal(const char *a, const char *b)
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
		assert_text_equal(a->items[i].sub_path_expr, b->items[i].sub_path_expr);
		assert_int_equal(a->items[i].read_only, b->items[i].read_only);
		assert_int_equal(a->items[i].propagation, b->items[i].propagation);
		assert_int_equal(a->items[i].recursive, b->items[i].recursive);
	}
}

static void assert_security_equal(const struct security_spec *a, const struct security_spec *b)
{
	assert_text_equal(a->user, b->user);
	assert_text_equal(a->group, b->group);
	assert_text_equal(a->seccomp_file, b->seccomp_file);
	assert_text_equal(a->apparmor_name, b->apparmor_name);
	assert_text_equal(a->selinux_user, b->selinux_user);
	assert_text_equal(a->selinux_role, b->selinux_role);
	assert_text_equal(a->selinux_type, b->selinux_type);
	assert_text_equal(a->selinux_level, b->selinux_level);
	assert_int_equal(a->non_root, b->non_root);
	assert_int_equal(a->seccomp, b->seccomp);
	assert_int_equal(a->apparmor, b->apparmor);
}

static void assert_limits_equal(const struct limits_spec *a, const struct limits_spec *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (!a)
		return;
	for (int i = 0; i < LIMIT_COUNT; i++) {
		assert_int_equal(a->rlimits[i].said, b->rlimits[i].said);
		assert_true(a->rlimits[i].soft == b->rlimits[i].soft);
		assert_true(a->rlimits[i].hard == b->rlimits[i].hard);
	}
	assert_memory_equal(&a->cpus, &b->cpus, sizeof(a->cpus));
	assert_memory_equal(&a->numa_nodes, &b->numa_nodes, sizeof(a->numa_nodes));
	assert_int_equal(a->nice, b->nice);
	assert_int_equal(a->oom_score_adj, b->oom_score_adj);
	assert_int_equal(a->cpu_policy, b->cpu_policy);
	assert_int_equal(a->cpu_priority, b->cpu_priority);
	assert_int_equal(a->io_class, b->io_class);
	assert_int_equal(a->io_priority, b->io_priority);
	assert_int_equal(a->numa_policy, b->numa_policy);
}

static void assert_ports_equal(const struct ports *a, const struct ports *b)
{
	assert_int_equal(a->count, b->count);
	for (int i = 0; i < a->count; i++) {
		assert_text_equal(a->items[i].name, b->items[i].name);
		assert_int_equal(a->items[i].number, b->items[i].number);
		assert_int_equal(a->items[i].protocol, b->items[i].protocol);
	}
}

static void assert_system_equal(const struct process_spec *a, const struct process_spec *b)
{
	assert_int_equal(a->privileged, b->privileged);
	assert_int_equal(a->privilege_escalation, b->privilege_escalation);
	assert_int_equal(a->proc_unmasked, b->proc_unmasked);
	assert_int_equal(a->keeps_stdin, b->keeps_stdin);
	assert_int_equal(a->tty, b->tty);
	assert_security_equal(a->security, b->security);
	assert_true(a->security->capabilities_add == b->security->capabilities_add);
	assert_true(a->security->capabilities_drop == b->security->capabilities_drop);
	assert_memory_equal(a->resources, b->resources, sizeof(*a->resources));
	assert_int_equal(a->pids_limit, b->pids_limit);
	assert_int_equal(a->io_weight, b->io_weight);
	assert_int_equal(a->umask, b->umask);
	assert_text_equal(a->termination_message_path, b->termination_message_path);
	assert_int_equal(a->message_falls_back, b->message_falls_back);
	assert_limits_equal(a->limits, b->limits);
	assert_ports_equal(&a->ports, &b->ports);
}

static void assert_pod_equal(const struct pod_spec *a, const struct pod_spec *b)
{
	assert_security_equal(&a->security, &b->security);
	assert_strings_equal(&a->supplemental_groups, &b->supplemental_groups);
	assert_int_equal(a->groups_strict, b->groups_strict);
	assert_text_equal(a->fs_group, b->fs_group);
	assert_strings_equal(&a->sysctls, &b->sysctls);
	assert_memory_equal(&a->resources, &b->resources, sizeof(a->resources));
	assert_memory_equal(a->overhead, b->overhead, sizeof(a->overhead));
	assert_int_equal(a->admission_strict, b->admission_strict);
	assert_text_equal(a->hostname, b->hostname);
	assert_text_equal(a->subdomain, b->subdomain);
	assert_strings_equal(&a->host_aliases, &b->host_aliases);
	assert_int_equal(a->share_process_namespace, b->share_process_namespace);
	assert_int_equal(a->host_network, b->host_network);
	assert_int_equal(a->host_pid, b->host_pid);
	assert_int_equal(a->host_ipc, b->host_ipc);
	assert_int_equal(a->host_users, b->host_users);
	assert_text_equal(a->termination_message_path, b->termination_message_path);
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
	assert_system_equal(a, b);
	assert_lifecycle_equal(a, b);
}

static void assert_spec_equal(const struct pod_spec *a, const struct pod_spec *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->restart_policy, b->restart_policy);
	assert_true(a->grace_ns == b->grace_ns);
	assert_true(a->deadline_ns == b->deadline_ns);
	assert_pod_equal(a, b);
	assert_int_equal(a->volume_count, b->volume_count);
	for (int i = 0; i < a->volume_count; i++) {
		assert_string_equal(a->volumes[i].name, b->volumes[i].name);
		assert_int_equal(a->volumes[i].host_path_type, b->volumes[i].host_path_type);
		assert_int_equal(a->volumes[i].medium, b->volumes[i].medium);
		assert_int_equal(a->volumes[i].empty_dir, b->volumes[i].empty_dir);
		assert_text_equal(a->volumes[i].host_path, b->volumes[i].host_path);
		assert_true(a->volumes[i].size_limit == b->volumes[i].size_limit);
	}
	assert_int_equal(a->process_count, b->process_count);
	assert_int_equal(a->probe_count, b->probe_count);
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
