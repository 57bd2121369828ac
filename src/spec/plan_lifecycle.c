/* `--plan`, of what happens to a process besides running: whom it waits for, how it says that it is ready, its
 * probes and hooks, its sockets, what it watches. Must not run anything or look at the machine. */
#include <string.h>

#include "plan.h"
#include "words.h"

static void plan_each(struct text *out, const char *name, const struct strings *items)
{
	for (int i = 0; i < items->count; i++) {
		plan_line(out, name);
		text_add(out, "%s\n", items->items[i]);
	}
}

/* "127.0.0.1:80", "[::1]:80"; NULL: the pod itself. */
static void plan_address(struct text *out, const char *host, int port)
{
	const char *shown = host ? host : "127.0.0.1";
	text_add(out, strchr(shown, ':') ? "[%s]:%d" : "%s:%d", shown, port);
}

/* "GET http://127.0.0.1:8080/x with Host: a" */
static void plan_http(struct text *out, const struct handler *handler)
{
	const char *path = handler->http_path ? handler->http_path : "/";
	text_add(out, "GET %s://", handler->http_https ? "https" : "http");
	plan_address(out, handler->http_host, handler->port);
	text_add(out, "%s%s", *path == '/' ? "" : "/", path);
	for (int i = 0; i < handler->http_headers.count; i++)
		text_add(out, "%s%s", i ? ", " : " with ", handler->http_headers.items[i]);
}

static void plan_handler(struct text *out, const struct handler *handler)
{
	switch (spec_handler_type(handler)) {
	case HANDLER_NONE:
		break;
	case HANDLER_EXEC:
		words_join(out, &handler->exec_argv);
		break;
	case HANDLER_HTTP:
		plan_http(out, handler);
		break;
	case HANDLER_TCP:
		text_add(out, "connect to ");
		plan_address(out, handler->tcp_host, handler->port);
		break;
	case HANDLER_GRPC:
		text_add(out, "gRPC health%s%s at ", handler->grpc_service ? " of " : "",
			handler->grpc_service ? handler->grpc_service : "");
		plan_address(out, NULL, handler->port);
		break;
	case HANDLER_SLEEP:
		text_add(out, "wait ");
		plan_seconds(out, handler->sleep_ns);
		break;
	}
}

static void plan_probe(struct text *out, enum probe_type type, const struct probe_spec *probe)
{
	static const char *const names[] = {[PROBE_STARTUP] = "startup",
		[PROBE_LIVENESS] = "liveness",
		[PROBE_READINESS] = "readiness"};
	plan_line(out, names[type]);
	plan_handler(out, &probe->handler);
	text_add(out, "; every ");
	plan_seconds(out, probe->period_ns);
	text_add(out, ", from ");
	plan_seconds(out, probe->initial_delay_ns);
	text_add(out, " on, within ");
	plan_seconds(out, probe->timeout_ns);
	text_add(out, "; good after %d, bad after %d", probe->success_threshold,
		probe->failure_threshold);
	if (probe->grace_ns >= 0) {
		text_add(out, "; its stop has ");
		plan_seconds(out, probe->grace_ns);
	}
	text_add(out, "\n");
}

/* In the order in which they come. */
static void plan_hooks(struct text *out, const struct lifecycle_spec *lifecycle)
{
	static const struct {
		enum hook_type type;
		const char *name;
	} hooks[] = {{HOOK_PRE_START, "preStart"}, {HOOK_POST_START, "postStart"},
		{HOOK_PRE_STOP, "preStop"}, {HOOK_POST_STOP, "postStop"}};
	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		const struct handler *handler = lifecycle->hooks[hooks[i].type];
		if (spec_handler_type(handler) == HANDLER_NONE)
			continue;
		plan_line(out, hooks[i].name);
		plan_handler(out, handler);
		text_add(out, "\n");
	}
}

static void plan_sockets(struct text *out, const struct process_spec *process)
{
	static const char *const types[] = {[LISTEN_STREAM] = "stream",
		[LISTEN_DGRAM] = "dgram",
		[LISTEN_SEQPACKET] = "seqpacket"};
	const struct listens *listens = &process->lifecycle->listens;
	for (int i = 0; i < listens->count; i++) {
		const struct listen_spec *listen = &listens->items[i];
		plan_line(out, "listen");
		listen_write_address(out, listen);
		text_add(out, ", %s, as descriptor %d, named %s\n", types[listen->type],
			LISTEN_FIRST_FD + i, listen->name ? listen->name : process->name);
	}
}

static void plan_notify(struct text *out, const struct lifecycle_spec *lifecycle)
{
	if (lifecycle->notify || lifecycle->notify_fd != INT_UNSET)
		plan_line(out, "says");
	if (lifecycle->notify)
		text_add(out, "READY=1 by sd_notify: %s\n",
			lifecycle->notify == NOTIFY_ALL ? "it, or what it started"
							: "its main process");
	else if (lifecycle->notify_fd != INT_UNSET)
		text_add(out, "a line on descriptor %d when it is ready\n", lifecycle->notify_fd);
	if (!lifecycle->watchdog_ns)
		return;
	plan_line(out, "watchdog");
	text_add(out, "restarted when it is silent for ");
	plan_seconds(out, lifecycle->watchdog_ns);
	text_add(out, "\n");
}

static void plan_changes(struct text *out, const struct lifecycle_spec *lifecycle)
{
	const struct handler *reload = lifecycle->hooks[HOOK_RELOAD];
	plan_each(out, "watch", &lifecycle->watch);
	if (!lifecycle->watch.count && !lifecycle->reload_signal && !reload)
		return;
	plan_line(out, "reload");
	if (lifecycle->reload_signal)
		text_add(out, "%s", signal_name(lifecycle->reload_signal));
	else if (reload)
		plan_handler(out, reload);
	else
		text_add(out, "by a restart");
	text_add(out, "\n");
}

void plan_beside(struct text *out, const struct process_spec *process)
{
	const struct lifecycle_spec *lifecycle = process->lifecycle;
	plan_each(out, "after", &lifecycle->depends_on);
	if (lifecycle_is_daemon(lifecycle)) {
		plan_line(out, "daemon");
		text_add(out, "what its program leaves, %s%s\n",
			lifecycle->pid_file ? "by " : "found without a pid file",
			lifecycle->pid_file ? lifecycle->pid_file : "");
	}
	plan_sockets(out, process);
	plan_notify(out, lifecycle);
	for (int i = 0; i < PROBE_COUNT; i++) {
		if (process->probes[i])
			plan_probe(out, (enum probe_type)i, process->probes[i]);
	}
	plan_hooks(out, lifecycle);
	plan_changes(out, lifecycle);
}

void plan_exit(struct text *out, const struct lifecycle_spec *lifecycle)
{
	static const char *const ends[] = {[ON_EXIT_STOP] = "ends the pod",
		[ON_EXIT_STOP_ON_FAILURE] = "ends the pod if it failed"};
	const char *separator = "";
	for (int code = 0; code < 256; code++) {
		if (!exit_codes_have(&lifecycle->success_codes, code))
			continue;
		if (!*separator)
			plan_line(out, "success");
		text_add(out, "%s%d", *separator ? separator : "exit code 0, ", code);
		separator = ", ";
	}
	if (*separator)
		text_add(out, "\n");
	if (lifecycle->on_exit == ON_EXIT_CONTINUE)
		return;
	plan_line(out, "at last");
	text_add(out, "%s\n", ends[lifecycle->on_exit]);
}
