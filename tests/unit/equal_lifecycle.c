/* Are two processes' probes, hooks and lifecycle the same, field by field? */
#include "unit.h"

#include <string.h>

static void assert_handler_equal(const struct handler *a, const struct handler *b)
{
	assert_strings_equal(&a->exec_command, &b->exec_command);
	assert_text_equal(a->http_path, b->http_path);
	assert_text_equal(a->http_host, b->http_host);
	assert_text_equal(a->http_port, b->http_port);
	assert_strings_equal(&a->http_headers, &b->http_headers);
	assert_int_equal(a->http_https, b->http_https);
	assert_text_equal(a->tcp_host, b->tcp_host);
	assert_text_equal(a->tcp_port, b->tcp_port);
	assert_text_equal(a->grpc_service, b->grpc_service);
	assert_int_equal(a->grpc_port, b->grpc_port);
	assert_true(a->sleep_ns == b->sleep_ns);
	assert_strings_equal(&a->exec_argv, &b->exec_argv);
	assert_int_equal(a->port, b->port);
}

static void assert_probe_equal(const struct probe_spec *a, const struct probe_spec *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (!a)
		return;
	assert_handler_equal(&a->handler, &b->handler);
	assert_true(a->initial_delay_ns == b->initial_delay_ns);
	assert_true(a->period_ns == b->period_ns);
	assert_true(a->timeout_ns == b->timeout_ns);
	assert_true(a->grace_ns == b->grace_ns);
	assert_int_equal(a->success_threshold, b->success_threshold);
	assert_int_equal(a->failure_threshold, b->failure_threshold);
	assert_int_equal(a->index, b->index);
}

static void assert_listens_equal(const struct listens *a, const struct listens *b)
{
	assert_int_equal(a->count, b->count);
	for (int i = 0; i < a->count; i++) {
		assert_text_equal(a->items[i].name, b->items[i].name);
		assert_text_equal(a->items[i].address, b->items[i].address);
		assert_int_equal(a->items[i].family, b->items[i].family);
		assert_int_equal(a->items[i].type, b->items[i].type);
		assert_int_equal(a->items[i].port, b->items[i].port);
		assert_int_equal(a->items[i].mode, b->items[i].mode);
		assert_int_equal(a->items[i].backlog, b->items[i].backlog);
	}
}

static void assert_dependencies_equal(
	const struct lifecycle_spec *a, const struct lifecycle_spec *b)
{
	assert_strings_equal(&a->depends_on, &b->depends_on);
	assert_int_equal(a->dependencies.count, b->dependencies.count);
	for (int i = 0; i < a->dependencies.count; i++) {
		assert_int_equal(
			a->dependencies.items[i].process, b->dependencies.items[i].process);
		assert_int_equal(
			a->dependencies.items[i].condition, b->dependencies.items[i].condition);
	}
}

static void assert_rules_equal(const struct restart_rules *a, const struct restart_rules *b)
{
	assert_int_equal(a->count, b->count);
	for (int i = 0; i < a->count; i++) {
		assert_int_equal(a->items[i].not_in, b->items[i].not_in);
		assert_int_equal(a->items[i].all, b->items[i].all);
		assert_memory_equal(
			&a->items[i].codes, &b->items[i].codes, sizeof(a->items[i].codes));
	}
}

void assert_lifecycle_equal(const struct process_spec *a, const struct process_spec *b)
{
	const struct lifecycle_spec *x = a->lifecycle, *y = b->lifecycle;
	for (int i = 0; i < PROBE_COUNT; i++)
		assert_probe_equal(a->probes[i], b->probes[i]);
	for (int i = 0; i < HOOK_COUNT; i++) {
		assert_int_equal(x->hooks[i] == NULL, y->hooks[i] == NULL);
		if (x->hooks[i])
			assert_handler_equal(x->hooks[i], y->hooks[i]);
	}
	assert_rules_equal(&a->rules, &b->rules);
	assert_dependencies_equal(x, y);
	assert_int_equal(a->is_depended_on, b->is_depended_on);
	assert_memory_equal(&x->success_codes, &y->success_codes, sizeof(x->success_codes));
	assert_true(x->watchdog_ns == y->watchdog_ns);
	assert_text_equal(x->pid_file, y->pid_file);
	assert_strings_equal(&x->watch, &y->watch);
	assert_listens_equal(&x->listens, &y->listens);
	assert_int_equal(x->reload_signal, y->reload_signal);
	assert_int_equal(x->notify_fd, y->notify_fd);
	assert_int_equal(x->max_restarts, y->max_restarts);
	assert_int_equal(x->jitter_percent, y->jitter_percent);
	assert_int_equal(x->notify, y->notify);
	assert_int_equal(x->on_exit, y->on_exit);
	assert_int_equal(x->daemon, y->daemon);
}
