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

/* A number, or mostly none. */
static int32_t maybe(int min, int max)
{
	return roll(3) ? INT_UNSET : min + roll(max - min + 1);
}

static const char *maybe_text(struct arena *arena)
{
	return roll(3) ? NULL : random_text(arena, 1);
}

static void random_set(struct number_set *set)
{
	for (int i = 1 + roll(4); i > 0; i--) {
		int first = roll(NUMBER_SET_MAX), last = first + roll(NUMBER_SET_MAX - first);
		for (int k = first; k <= last; k++)
			set->bits[k / 64] |= UINT64_C(1) << k % 64;
	}
}

static void random_limits(struct arena *arena, struct process_spec *process)
{
	struct limits_spec *limits = arena_alloc(arena, sizeof(*limits));
	*limits = (struct limits_spec){
		.nice = maybe(-20, 19),
		.oom_score_adj = maybe(-1000, 1000),
		.cpu_priority = INT_UNSET,
		.io_priority = INT_UNSET,
	};
	process->limits = limits;
	for (int i = 0; i < LIMIT_COUNT; i++) {
		struct rlimit_spec *limit = &limits->rlimits[i];
		limit->said = roll(2);
		if (!limit->said)
			continue;
		limit->hard = roll(3) ? (uint64_t)next_random(&seed) << roll(31) : LIMIT_UNLIMITED;
		limit->soft = roll(3) ? limit->hard / (uint64_t)(1 + roll(9)) : limit->hard;
		/* What is no number of 63 bits cannot be written. */
		if (limit->soft != LIMIT_UNLIMITED && limit->soft > INT64_MAX)
			limit->soft = INT64_MAX;
	}
	limits->cpu_policy = (uint8_t)roll(CPU_RR + 1);
	if (limits->cpu_policy >= CPU_FIFO)
		limits->cpu_priority = 1 + roll(99);
	limits->io_class = (uint8_t)roll(IO_IDLE + 1);
	if (limits->io_class)
		limits->io_priority = maybe(0, 7);
	limits->numa_policy = (uint8_t)roll(NUMA_LOCAL + 1);
	if (limits->numa_policy >= NUMA_PREFERRED && limits->numa_policy <= NUMA_INTERLEAVE)
		random_set(&limits->numa_nodes);
	/* No limits at all and limits of which none is said are written alike. */
	random_set(&limits->cpus);
}

static uint64_t random_capabilities(void)
{
	uint64_t some = (uint64_t)next_random(&seed) << 20 ^ next_random(&seed);
	return roll(5) ? some & ((UINT64_C(1) << CAPABILITY_COUNT) - 1) : CAPABILITIES_ALL;
}

static void random_security(struct arena *arena, struct security_spec *security)
{
	static const char *const users[] = {NULL, "0", "2147483647", "root", "web"};
	*security = (struct security_spec){
		.user = users[roll(COUNT(users))],
		.group = users[roll(COUNT(users))],
		.non_root = (uint8_t)roll(SAID_TRUE + 1),
		.seccomp = (uint8_t)roll(PROFILE_LOCALHOST + 1),
		.apparmor = (uint8_t)roll(PROFILE_LOCALHOST + 1),
		.selinux_user = maybe_text(arena),
		.selinux_role = maybe_text(arena),
		.selinux_type = maybe_text(arena),
		.selinux_level = maybe_text(arena),
	};
	if (security->seccomp == PROFILE_LOCALHOST)
		security->seccomp_file = random_path(arena);
	if (security->apparmor == PROFILE_LOCALHOST)
		security->apparmor_name = random_text(arena, 1);
}

static void random_resources(struct resources_spec *resources)
{
	for (int i = 0; i < RESOURCE_COUNT; i++) {
		resources->limits[i] = roll(2) ? 0 : (int64_t)next_random(&seed) << roll(20);
		int64_t most = resources->limits[i] ? resources->limits[i] : INT64_MAX / 3;
		resources->requests[i] = roll(2) ? 0 : most / (1 + roll(1000));
	}
}

static void random_ports(struct arena *arena, struct ports *ports)
{
	for (int i = roll(4); i > 0; i--) {
		ports->items = arena_grow(arena, ports->items, ports->count, sizeof(*ports->items));
		ports->items[ports->count] = (struct port_spec){
			.name = !roll(2)	    ? NULL
				: ports->count == 0 ? "a"
				: ports->count == 1 ? "b-1"
						    : "c",
			.number = (uint16_t)(1 + roll(20000) * 3 + ports->count),
			.protocol = (uint8_t)roll(3),
		};
		ports->count++;
	}
}

/* What the kernel enforces. */
static void random_system(struct arena *arena, struct process_spec *process)
{
	struct security_spec *security = arena_alloc(arena, sizeof(*security));
	struct resources_spec *resources = arena_alloc(arena, sizeof(*resources));
	random_security(arena, security);
	security->capabilities_add = roll(2) ? 0 : random_capabilities();
	security->capabilities_drop = roll(2) ? 0 : random_capabilities();
	process->security = security;
	process->privileged = !roll(4);
	process->privilege_escalation = (uint8_t)(roll(2) ? SAID_TRUE : UNSAID);
	process->tty = roll(2);
	process->pids_limit = maybe(1, 1000);
	process->io_weight = maybe(1, 10000);
	process->umask = maybe(0, 0777);
	random_resources(resources);
	process->resources = resources;
	random_ports(arena, &process->ports);
	if (roll(2))
		random_limits(arena, process);
	if (roll(3) == 0)
		process->termination_message_path = random_path(arena);
	process->message_falls_back = roll(2);
}

static void random_pod_system(struct pod_spec *spec)
{
	random_security(&spec->arena, &spec->security);
	random_resources(&spec->resources);
	spec->groups_strict = roll(2);
	for (int i = roll(3); i > 0; i--)
		strings_add(&spec->arena, &spec->supplemental_groups, roll(2) ? "100" : "disk");
	spec->share_process_namespace = roll(2);
	spec->host_network = roll(2);
	spec->host_pid = spec->share_process_namespace && roll(2);
	spec->host_ipc = roll(2);
	spec->admission_strict = roll(2);
	spec->fs_group = roll(2) ? NULL : "7";
}

/* A port by number or by the name of one of `ports`. */
static const char *random_port(const struct process_spec *process)
{
	static const char *const numbers[] = {"1", "8080", "65535"};
	const struct ports *ports = &process->ports;
	const char *name = ports->count ? ports->items[roll(ports->count)].name : NULL;
	return name && roll(2) ? name : numbers[roll(COUNT(numbers))];
}

static void random_handler(
	struct arena *arena, const struct process_spec *process, struct handler *handler, int types)
{
	handler->sleep_ns = -1;
	switch ((enum handler_type)(HANDLER_EXEC + roll(types))) {
	case HANDLER_HTTP:
		handler->http_port = random_port(process);
		handler->http_path = maybe_text(arena);
		handler->http_host = maybe_text(arena);
		handler->http_https = roll(2);
		for (int i = roll(3); i > 0; i--)
			strings_add(arena, &handler->http_headers,
				roll(2) ? "X-A: $'b\\n' " : "Accept:");
		break;
	case HANDLER_TCP:
		handler->tcp_port = random_port(process);
		handler->tcp_host = maybe_text(arena);
		break;
	case HANDLER_GRPC:
		handler->grpc_port = 1 + roll(65535);
		handler->grpc_service = maybe_text(arena);
		break;
	case HANDLER_EXEC:
	case HANDLER_NONE:
	case HANDLER_SLEEP:
		random_words(arena, &handler->exec_command, 1 + roll(2));
		break;
	}
}

static void random_probes(struct arena *arena, struct process_spec *process)
{
	for (int i = 0; i < PROBE_COUNT; i++) {
		if (roll(2))
			continue;
		struct probe_spec *probe = arena_alloc(arena, sizeof(*probe));
		*probe = (struct probe_spec){
			.handler.grpc_port = INT_UNSET, /* as it is read */
			.initial_delay_ns = roll(3) * S + roll(2),
			.period_ns = (1 + roll(20)) * S + roll(2),
			.timeout_ns = (1 + roll(3)) * S,
			.grace_ns = i == PROBE_READINESS || roll(2) ? -1 : (1 + roll(9)) * S,
			.success_threshold = i == PROBE_READINESS ? 1 + roll(3) : 1,
			.failure_threshold = 1 + roll(5),
		};
		random_handler(arena, process, &probe->handler, 4);
		process->probes[i] = probe;
	}
}

static void random_hooks(
	struct arena *arena, const struct process_spec *process, struct lifecycle_spec *life)
{
	for (int i = 0; i < HOOK_COUNT; i++) {
		bool any = i == HOOK_POST_START || i == HOOK_PRE_STOP;
		if (roll(3))
			continue;
		life->hooks[i] = arena_alloc(arena, sizeof(*life->hooks[i]));
		if (any && roll(3) == 0)
			life->hooks[i]->sleep_ns = 0;
		else
			random_handler(arena, process, life->hooks[i], any ? 2 : 1);
	}
	if (!life->hooks[HOOK_RELOAD] && roll(2))
		life->reload_signal = 1 + roll(SIGNAL_MAX);
}

static void random_codes(struct exit_codes *codes)
{
	for (int i = roll(4); i > 0; i--)
		exit_codes_add(codes, roll(256));
}

static void random_rules(struct arena *arena, struct process_spec *process)
{
	struct restart_rules *rules = &process->rules;
	for (int i = roll(4); i > 0; i--) {
		struct restart_rule rule = {.not_in = roll(2), .all = roll(2)};
		random_codes(&rule.codes);
		rules->items = arena_grow(arena, rules->items, rules->count, sizeof(rule));
		rules->items[rules->count++] = rule;
	}
}

/* Only on the first one, a main, which depends on nobody: no cycle. */
static void random_dependency(
	struct arena *arena, struct process_spec *process, struct lifecycle_spec *life)
{
	static const char *const ways[] = {"p0", "p0:started", "p0:ready", "p0:completed"};
	if (process->kind == KIND_MAIN && strcmp(process->name, "p0") != 0 && roll(2))
		strings_add(arena, &life->depends_on, ways[roll(COUNT(ways))]);
}

/* What it says of its life. Of an init: only what an init may say. */
static void random_lifecycle(struct pod_spec *spec, struct process_spec *process)
{
	struct arena *arena = &spec->arena;
	struct lifecycle_spec *life = arena_alloc(arena, sizeof(*life));
	*life = LIFECYCLE_UNSAID;
	process->lifecycle = life;
	random_codes(&life->success_codes);
	random_rules(arena, process);
	life->max_restarts = maybe(0, 9);
	life->jitter_percent = roll(101);
	if (process->kind == KIND_INIT)
		return;
	if (process->kind == KIND_MAIN)
		life->on_exit = (uint8_t)roll(ON_EXIT_STOP_ON_FAILURE + 1);
	random_probes(arena, process);
	random_hooks(arena, process, life);
	random_dependency(arena, process, life);
	life->notify = (uint8_t)roll(NOTIFY_ALL + 1);
	life->notify_fd = maybe(3, 63);
	life->watchdog_ns = life->notify ? roll(3) * S : 0;
	life->daemon = spec->share_process_namespace && roll(2);
	life->pid_file = spec->share_process_namespace && roll(2) ? random_path(arena) : NULL;
	for (int i = roll(3); i > 0; i--)
		strings_add(arena, &life->watch, random_path(arena));
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
	random_system(arena, process);
	random_lifecycle(spec, process);
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
		random_pod_system(&spec);
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
