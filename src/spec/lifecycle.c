/* The words of a process's life, and the small questions one asks of it. Must not read or check
 * anything: value_lifecycle.c and check_lifecycle.c do. */
#include "lifecycle.h"

#include "spec.h"

const struct lifecycle_spec LIFECYCLE_UNSAID = {
	.notify_fd = INT_UNSET,
	.max_restarts = INT_UNSET,
};

enum handler_type spec_handler_type(const struct handler *handler)
{
	if (!handler)
		return HANDLER_NONE;
	if (handler->exec_command.count)
		return HANDLER_EXEC;
	if (handler->http_port)
		return HANDLER_HTTP;
	if (handler->tcp_port)
		return HANDLER_TCP;
	if (handler->grpc_port > 0)
		return HANDLER_GRPC;
	return handler->sleep_ns >= 0 ? HANDLER_SLEEP : HANDLER_NONE;
}

const char *probe_key_name(enum probe_type type)
{
	static const char *const names[] = {[PROBE_STARTUP] = "startupProbe",
		[PROBE_LIVENESS] = "livenessProbe",
		[PROBE_READINESS] = "readinessProbe"};
	_Static_assert(sizeof(names) / sizeof(*names) == PROBE_COUNT, "a name per probe");
	return names[type];
}

const char *hook_key_name(enum hook_type type)
{
	static const char *const names[] = {[HOOK_POST_START] = "lifecycle.postStart",
		[HOOK_PRE_STOP] = "lifecycle.preStop",
		[HOOK_PRE_START] = "lifecycle.preStart",
		[HOOK_POST_STOP] = "lifecycle.postStop",
		[HOOK_RELOAD] = "lifecycle.reload"};
	_Static_assert(sizeof(names) / sizeof(*names) == HOOK_COUNT, "a name per hook");
	return names[type];
}

const char *dependency_condition_name(enum dependency_condition condition)
{
	static const char *const names[] = {[DEPENDENCY_STARTED] = "started",
		[DEPENDENCY_READY] = "ready",
		[DEPENDENCY_COMPLETED] = "completed"};
	return names[condition];
}

/* Only a daemon's program leaves a pid file: naming it says enough. */
bool lifecycle_is_daemon(const struct lifecycle_spec *lifecycle)
{
	return lifecycle->daemon || lifecycle->pid_file;
}

bool spec_notifies(const struct process_spec *process)
{
	return process->lifecycle->notify || process->lifecycle->notify_fd != INT_UNSET;
}

bool spec_runs_beside(const struct process_spec *process)
{
	static const enum hook_type beside[] = {HOOK_POST_START, HOOK_PRE_STOP, HOOK_RELOAD};
	for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
		if (spec_handler_type(process->lifecycle->hooks[beside[i]]) == HANDLER_EXEC)
			return true;
	}
	if (process->lifecycle->watch.count)
		return true;
	for (int i = 0; i < PROBE_COUNT; i++) {
		if (process->probes[i] &&
			spec_handler_type(&process->probes[i]->handler) == HANDLER_EXEC)
			return true;
	}
	return process->lifecycle->pid_file != NULL;
}

void exit_codes_add(struct exit_codes *codes, int code)
{
	codes->bits[code / 8] |= (uint8_t)(1 << code % 8);
}

bool exit_codes_have(const struct exit_codes *codes, int code)
{
	return code >= 0 && code < 256 && (codes->bits[code / 8] & 1 << code % 8);
}

bool exit_code_is_success(const struct lifecycle_spec *lifecycle, int code)
{
	return code == 0 || exit_codes_have(&lifecycle->success_codes, code);
}
