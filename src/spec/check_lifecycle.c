/* The checks of probes, hooks, readiness and dependencies, and what follows from them: expanded commands,
 * numbers of ports, who waits for whom. Must not look at the machine. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "expand.h"
#include "units.h"
#include "value.h"

/* --- handlers --- */

/* A port's number, be it written so or by its name in `ports`. */
static uint16_t resolve_port(const struct check *check, const struct process_spec *process,
	const char *what, const char *port)
{
	char *end;
	long number = strtol(port, &end, 10);
	if (!*end)
		return (uint16_t)number; /* its range was checked when it was read */
	for (int i = 0; i < process->ports.count; i++) {
		const struct port_spec *named = &process->ports.items[i];
		if (named->name && strcmp(named->name, port) == 0)
			return named->number;
	}
	check_says(check, process, 0, "%s: ports names no port '%s'", what, port);
	return 0;
}

static void check_handler(const struct check *check, const struct process_spec *process,
	struct handler *handler, const char *what)
{
	int handlers = (handler->exec_command.count > 0) + (handler->http_port != NULL) +
		(handler->tcp_port != NULL) + (handler->grpc_port > 0) + (handler->sleep_ns >= 0);
	if (handlers > 1 || (!handlers && check->was_read_well))
		check_says(check, process, 0, "%s: needs exactly one of its handlers", what);
	for (int i = 0; i < handler->exec_command.count; i++)
		strings_add(&check->spec->arena, &handler->exec_argv,
			expand(&check->spec->arena, handler->exec_command.items[i],
				&process->environment));
	if (handler->http_port)
		handler->port = resolve_port(check, process, what, handler->http_port);
	else if (handler->tcp_port)
		handler->port = resolve_port(check, process, what, handler->tcp_port);
	else if (handler->grpc_port > 0)
		handler->port = (uint16_t)handler->grpc_port;
}

static void check_probes(const struct check *check, const struct process_spec *process)
{
	for (int i = 0; i < PROBE_COUNT; i++) {
		struct probe_spec *probe = process->probes[i];
		const char *name = probe_key_name((enum probe_type)i);
		if (!probe)
			continue;
		probe->index = check->spec->probe_count++;
		check_handler(check, process, &probe->handler, name);
		if (i != PROBE_READINESS && probe->success_threshold != 1)
			check_says(check, process, 0, "%s.successThreshold: must be 1", name);
	}
}

static void check_hooks(const struct check *check, const struct process_spec *process)
{
	for (int i = 0; i < HOOK_COUNT; i++) {
		struct handler *hook = process->lifecycle->hooks[i];
		const char *name = hook_key_name((enum hook_type)i);
		if (!hook)
			continue;
		check_handler(check, process, hook, name);
		if (hook->sleep_ns > check->spec->grace_ns)
			check_says(check, process, 0,
				"%s.sleep.seconds: is more than terminationGracePeriodSeconds",
				name);
	}
}

/* --- readiness --- */

static void check_readiness(const struct check *check, const struct process_spec *process)
{
	const struct lifecycle_spec *life = process->lifecycle;
	if (life->watchdog_ns && !life->notify)
		check_says(
			check, process, 0, "watchdogSeconds: needs notify, to hear WATCHDOG=1 by");
	if (life->reload_signal && life->hooks[HOOK_RELOAD])
		check_says(check, process, 0,
			"lifecycle.reload: needs exactly one of signal and exec");
	for (int i = 0; i < life->watch.count; i++) {
		if (life->watch.items[i][0] != '/')
			check_says(check, process, 0, "watch: must be an absolute path, got '%s'",
				life->watch.items[i]);
	}
}

/* --- dependencies --- */

static int find_process(const struct pod_spec *spec, const char *name, size_t length)
{
	for (int i = 0; i < spec->process_count; i++) {
		const char *other = spec->processes[i].name;
		if (strlen(other) == length && strncmp(other, name, length) == 0)
			return i;
	}
	return -1;
}

/* An init never gets ready, and has ended before others begin; a sidecar starts before what stands below
 * it does. */
static const char *why_not(
	const struct pod_spec *spec, int index, int other, enum dependency_condition condition)
{
	if (other < 0)
		return "there is no such sidecar or main";
	if (spec->processes[other].kind == KIND_INIT)
		return "an init has ended before it starts, always";
	if (spec->processes[index].kind == KIND_SIDECAR && other >= index)
		return "a sidecar starts before what stands below it";
	if (spec->processes[other].kind == KIND_SIDECAR && condition == DEPENDENCY_COMPLETED)
		return "a sidecar never completes";
	return NULL;
}

static void resolve_dependencies(const struct check *check, int index)
{
	struct arena *arena = &check->spec->arena;
	const struct process_spec *process = &check->spec->processes[index];
	/* Its own: LIFECYCLE_UNSAID depends on nothing. */
	struct lifecycle_spec *life = (struct lifecycle_spec *)process->lifecycle;
	for (int i = 0; i < life->depends_on.count; i++) {
		struct dependency_name name;
		if (!dependency_parse(life->depends_on.items[i], &name))
			continue; /* was told when it was read */
		int other = find_process(check->spec, life->depends_on.items[i], name.length);
		const char *problem = why_not(check->spec, index, other, name.condition);
		if (problem) {
			check_says(check, process, 0, "dependsOn: %.*s: %s", (int)name.length,
				life->depends_on.items[i], problem);
			continue;
		}
		struct dependencies *all = &life->dependencies;
		all->items = arena_grow(arena, all->items, all->count, sizeof(*all->items));
		all->items[all->count++] = (struct dependency){other, (uint8_t)name.condition};
		check->spec->processes[other].is_depended_on = true;
	}
}

/* Looks for a way back to where it began, depth first. `path`: how it came here. */
struct walk {
	const struct pod_spec *spec;
	int *path;	  /* room for every process and one more */
	uint8_t *visited; /* 1: on the path; 2: leads to no cycle */
	int length;
};

static bool leads_to_cycle(struct walk *walk, int index)
{
	/* Of its own stack, for a chain may be as long as the pod: `next` is where each one of the
	 * path goes on. */
	int *next = walk->path + walk->spec->process_count + 1;
	walk->length = 0;
	walk->path[walk->length] = index;
	next[walk->length++] = 0;
	walk->visited[index] = 1;
	while (walk->length) {
		int top = walk->length - 1, at = walk->path[top];
		const struct dependencies *all = &walk->spec->processes[at].lifecycle->dependencies;
		if (next[top] == all->count) {
			walk->visited[at] = 2;
			walk->length--;
			continue;
		}
		int other = all->items[next[top]++].process;
		if (walk->visited[other] == 2)
			continue;
		walk->path[walk->length] = other;
		next[walk->length++] = 0;
		if (walk->visited[other] == 1)
			return true;
		walk->visited[other] = 1;
	}
	return false;
}

/* "a -> b -> a" */
static void tell_cycle(const struct check *check, const struct walk *walk)
{
	struct text cycle = {0};
	int last = walk->path[walk->length - 1], begin = 0;
	while (walk->path[begin] != last)
		begin++;
	for (int i = begin; i < walk->length; i++)
		text_add(&cycle, "%s%s", i > begin ? " -> " : "",
			check->spec->processes[walk->path[i]].name);
	check_says(
		check, &check->spec->processes[last], 0, "dependsOn: is a cycle: %s", cycle.data);
	text_finish(&cycle);
}

static void check_cycles(const struct check *check)
{
	size_t count = (size_t)check->spec->process_count;
	struct walk walk = {
		.spec = check->spec,
		.path = arena_alloc(&check->spec->arena, sizeof(int) * (2 * count + 2)),
		.visited = arena_alloc(&check->spec->arena, count + 1),
	};
	for (int i = 0; i < check->spec->process_count; i++) {
		if (!walk.visited[i] && leads_to_cycle(&walk, i)) {
			tell_cycle(check, &walk);
			return;
		}
	}
}

void check_lifecycle(const struct check *check)
{
	bool depends = false;
	for (int i = 0; i < check->spec->process_count; i++) {
		const struct process_spec *process = &check->spec->processes[i];
		check_probes(check, process);
		check_hooks(check, process);
		check_readiness(check, process);
		if (process->lifecycle->depends_on.count) {
			resolve_dependencies(check, i);
			depends = true;
		}
	}
	if (depends)
		check_cycles(check);
}
