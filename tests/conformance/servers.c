/* What an attempt by the network finds in the virtual world, as the kubelet reads it: a status, a redirect, or
 * nobody. Must not take time. */
#include <stdio.h>
#include <string.h>

#include "virtual.h"

static const char *kind_of(enum handler_type type, const struct handler *handler)
{
	if (type == HANDLER_TCP)
		return NULL;
	if (type == HANDLER_GRPC)
		return "grpc";
	return handler->http_https ? "https" : "http";
}

/* Whoever has come past the word serve=KIND:PORT. `kind` NULL: any. */
static struct task *server_at(struct world *world, const char *kind, int port)
{
	for (int i = 0; i < TASKS_MAX; i++) {
		struct task *task = &world->tasks[i];
		if (task->kind != TASK_MAIN)
			continue;
		for (int k = 0; k < task->step; k++) {
			const struct step_word *step = &task->actor.steps[k];
			if (step->type == STEP_SERVE && step->number == port &&
				(!kind || strcmp(step->text, kind) == 0))
				return task;
		}
	}
	return NULL;
}

static int get(struct world *world, const struct task *server, const char *path)
{
	char line[MARK_MAX];
	snprintf(line, sizeof(line), "GET %s", path);
	world_say(world, server->actor.name, line);
	return strncmp(path, "/redirect", 9) == 0 && server->redirect ? 302 : server->http_status;
}

enum probe_result world_request(struct world *world, const struct handler *handler, bool is_hook)
{
	enum handler_type type = spec_handler_type(handler);
	int port = type == HANDLER_GRPC ? handler->grpc_port : handler->port;
	struct task *server = server_at(world, kind_of(type, handler), port);
	if (!server)
		return PROBE_FAILURE;
	if (type == HANDLER_TCP)
		return PROBE_SUCCESS;
	if (type == HANDLER_GRPC)
		return server->http_status < 400 ? PROBE_SUCCESS : PROBE_FAILURE;
	const char *path = handler->http_path ? handler->http_path : "/";
	int status = get(world, server, path);
	if (is_hook)
		return PROBE_SUCCESS;
	if (status == 302 && server->redirect[0] != '/')
		return PROBE_WARNING; /* another host: not followed */
	if (status == 302)
		status = get(world, server, server->redirect);
	return status >= 200 && status < 400 ? PROBE_SUCCESS : PROBE_FAILURE;
}

bool world_get(struct world *world, int port, const char *path)
{
	const struct task *server = server_at(world, "http", port);
	if (server)
		get(world, server, path);
	return server;
}
