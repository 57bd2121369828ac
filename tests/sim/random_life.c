/* What random processes have besides what they run: probes, hooks, rules, delays, and so on. Must
 * not know what the pod will do. */
#include <stdio.h>

#include "sim.h"

/* Its own copy, where it has only what all share. */
static struct lifecycle_spec *lifecycle_of(struct arena *arena, struct process_spec *process)
{
	struct lifecycle_spec *own = arena_alloc(arena, sizeof(*own));
	*own = *process->lifecycle;
	process->lifecycle = own;
	return own;
}

static void random_handler(struct rng *rng, struct arena *arena, struct handler *handler)
{
	*handler = (struct handler){.sleep_ns = -1};
	if (rng_chance(rng, 500))
		handler->sleep_ns = 0; /* more would have to be less than the grace */
	else
		strings_add(arena, &handler->exec_command, "true");
}

/* Most attempts are far from each other, or a life would see nothing else. */
static struct probe_spec random_probe(struct rng *rng, int type)
{
	struct probe_spec probe = {
		.initial_delay_ns = rng_chance(rng, 400) ? rng_time(rng, 300 * SECOND) : 0,
		.period_ns = 50 * MS + rng_time(rng, 600 * SECOND),
		.timeout_ns = 1 + rng_time(rng, 20 * SECOND),
		.grace_ns = -1,
		.success_threshold = 1,
		.failure_threshold = (int32_t)rng_between(rng, 1, 4),
		.handler = {.sleep_ns = -1, .tcp_port = "80"},
	};
	if (rng_chance(rng, 800) && probe.period_ns < SECOND)
		probe.period_ns += 20 * SECOND;
	if (type != PROBE_READINESS && rng_chance(rng, 400))
		probe.grace_ns = SECOND * rng_between(rng, 1, 60);
	if (type == PROBE_READINESS)
		probe.success_threshold = (int32_t)rng_between(rng, 1, 3);
	return probe;
}

static void random_probes(struct rng *rng, struct arena *arena, struct process_spec *process)
{
	for (int i = 0; i < PROBE_COUNT; i++) {
		process->probes[i] = NULL;
		if (!rng_chance(rng, 130))
			continue;
		process->probes[i] = arena_alloc(arena, sizeof(*process->probes[i]));
		*process->probes[i] = random_probe(rng, i);
	}
}

static void random_hooks(struct rng *rng, struct arena *arena, struct lifecycle_spec *lifecycle)
{
	for (int i = 0; i < HOOK_COUNT; i++) {
		lifecycle->hooks[i] = NULL;
		if (!rng_chance(rng, 130) || (i == HOOK_RELOAD && lifecycle->reload_signal))
			continue;
		lifecycle->hooks[i] = arena_alloc(arena, sizeof(*lifecycle->hooks[i]));
		random_handler(rng, arena, lifecycle->hooks[i]);
	}
}

static int random_code(struct rng *rng)
{
	static const uint8_t codes[] = {0, 1, 2, 42, 43, 128, 137, 143, 255};
	return codes[rng_between(rng, 0, sizeof(codes) - 1)];
}

void random_rules(struct rng *rng, struct arena *arena, struct process_spec *process)
{
	process->rules.count = (int)rng_between(rng, 1, 3);
	size_t size = sizeof(*process->rules.items) * (size_t)process->rules.count;
	process->rules.items = arena_alloc(arena, size);
	for (int i = 0; i < process->rules.count; i++) {
		struct restart_rule *rule = &process->rules.items[i];
		rule->not_in = rng_chance(rng, 250);
		rule->all = rng_chance(rng, 250);
		for (int64_t k = rng_between(rng, 0, 4); k > 0; k--)
			exit_codes_add(&rule->codes, random_code(rng));
	}
}

void random_backoff(struct rng *rng, struct process_spec *process)
{
	if (rng_chance(rng, 600))
		return; /* the defaults */
	process->backoff_initial_ns = rng_chance(rng, 200) ? 0 : rng_time(rng, 300 * SECOND);
	process->backoff_max_ns = process->backoff_initial_ns + rng_time(rng, 600 * SECOND);
	if (rng_chance(rng, 50))
		process->backoff_max_ns = INT32_MAX * SECOND;
	if (rng_chance(rng, 100)) /* spec_check() lowers the initial delay */
		process->backoff_max_ns = rng_time(rng, process->backoff_initial_ns);
	process->backoff_reset_ns = rng_chance(rng, 100) ? 0 : rng_time(rng, 1200 * SECOND);
}

static void random_readiness(struct rng *rng, struct lifecycle_spec *lifecycle)
{
	if (rng_chance(rng, 120))
		lifecycle->notify = (uint8_t)rng_between(rng, NOTIFY_MAIN, NOTIFY_ALL);
	else if (rng_chance(rng, 50))
		lifecycle->notify_fd = 3;
	if (lifecycle->notify && rng_chance(rng, 500))
		lifecycle->watchdog_ns = SECOND + rng_time(rng, 1000 * SECOND);
	lifecycle->daemon = rng_chance(rng, 100);
}

static void random_limits(struct rng *rng, struct lifecycle_spec *lifecycle)
{
	lifecycle->max_restarts =
		rng_chance(rng, 120) ? (int32_t)rng_between(rng, 0, 3) : INT_UNSET;
	lifecycle->jitter_percent = rng_chance(rng, 150) ? (int32_t)rng_between(rng, 1, 100) : 0;
	for (int64_t n = rng_between(rng, -8, 2); n > 0; n--)
		exit_codes_add(&lifecycle->success_codes, random_code(rng));
}

static void random_on_exit(
	struct rng *rng, const struct process_spec *process, struct lifecycle_spec *lifecycle)
{
	if (process->kind == KIND_MAIN && rng_chance(rng, 120))
		lifecycle->on_exit =
			(uint8_t)rng_between(rng, ON_EXIT_CONTINUE, ON_EXIT_STOP_ON_FAILURE);
}

void random_life(struct rng *rng, struct arena *arena, struct process_spec *process)
{
	struct lifecycle_spec *lifecycle = lifecycle_of(arena, process);
	random_limits(rng, lifecycle);
	if (process->kind == KIND_INIT)
		return;
	random_probes(rng, arena, process);
	if (rng_chance(rng, 80))
		lifecycle->reload_signal = SIGNAL_HUP;
	random_hooks(rng, arena, lifecycle);
	random_readiness(rng, lifecycle);
	random_on_exit(rng, process, lifecycle);
}

void random_live_change(struct rng *rng, struct arena *arena, struct process_spec *process)
{
	struct lifecycle_spec *lifecycle = lifecycle_of(arena, process);
	switch (rng_between(rng, 0, 3)) {
	case 0:
		random_backoff(rng, process);
		break;
	case 1:
		if (process->kind != KIND_INIT)
			random_probes(rng, arena, process);
		break;
	case 2:
		if (process->kind != KIND_INIT)
			random_hooks(rng, arena, lifecycle);
		break;
	default:
		random_limits(rng, lifecycle);
		random_on_exit(rng, process, lifecycle);
		break;
	}
}

/* All one way, so that there is no cycle. A sidecar waits for sidecars above it, a main for any,
 * and for the mains above it; in some pods (`is_reversed`) for those below it. */
static bool may_depend(const struct pod_spec *spec, int index, int on, bool is_reversed)
{
	uint8_t kind = spec->processes[index].kind, other = spec->processes[on].kind;
	if (kind == KIND_INIT || other == KIND_INIT || index == on)
		return false;
	if (kind == KIND_MAIN && other == KIND_SIDECAR)
		return true;
	return kind == other && (kind == KIND_MAIN && is_reversed ? on > index : on < index);
}

void random_dependencies(struct rng *rng, struct pod_spec *spec)
{
	static const char *const conditions[] = {"", ":started", ":ready", ":completed"};
	bool is_reversed = rng_chance(rng, 300);
	char text[64];
	for (int i = 0; i < spec->process_count; i++) {
		struct process_spec *process = &spec->processes[i];
		for (int k = 0; k < spec->process_count; k++) {
			bool completes = spec->processes[k].kind == KIND_MAIN;
			if (!may_depend(spec, i, k, is_reversed) || !rng_chance(rng, 120))
				continue;
			snprintf(text, sizeof(text), "%s%s", spec->processes[k].name,
				conditions[rng_between(rng, 0, completes ? 3 : 2)]);
			strings_add(&spec->arena, &lifecycle_of(&spec->arena, process)->depends_on,
				arena_strdup(&spec->arena, text));
		}
	}
}
