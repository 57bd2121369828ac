/* Building and freeing a pod_spec, and the small questions one asks of it. Must not read or check
 * anything: ini_read.c and check.c do. */
#include "spec.h"

#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "value.h"

void problem_add(struct problems *problems, const char *source, int line, const char *format, ...)
{
	va_list arguments;
	size_t begin = problems->text.length;
	if (source)
		text_add(&problems->text, line ? "%s:%d: " : "%s: ", source, line);
	va_start(arguments, format);
	text_vadd(&problems->text, format, arguments);
	va_end(arguments);
	/* What the user wrote may hold line breaks; a problem is one line. */
	for (char *s = problems->text.data + begin; *s; s++) {
		if ((unsigned char)*s < 0x20)
			*s = ' ';
	}
	text_add(&problems->text, "\n");
	problems->count++;
}

void spec_init(struct pod_spec *spec)
{
	*spec = (struct pod_spec){
		.deadline_ns = -1,
		.start_codes = {.not_found = 127, .denied = 126, .other = 126},
	};
	for (int signo = 1; signo <= SIGNAL_MAX; signo++)
		spec->signal_map[signo] = (uint8_t)signo;
	keys_set_defaults(IN_POD, HOLDER_SECTION, spec, &spec->arena);
}

void spec_finish(struct pod_spec *spec)
{
	free(spec->processes);
	free(spec->volumes);
	arena_finish(&spec->arena);
	*spec = (struct pod_spec){0};
}

/* Makes room for one more item; room is a power of two. */
static void *grow(void *array, int count, size_t size)
{
	if (count & (count - 1))
		return array;
	return memory_resize(array, size * (count ? (size_t)count * 2 : 1));
}

struct process_spec *spec_add_process(
	struct pod_spec *spec, enum process_kind kind, const char *name)
{
	static const enum key_section sections[] = {
		[KIND_INIT] = IN_INIT, [KIND_SIDECAR] = IN_SIDECAR, [KIND_MAIN] = IN_MAIN};
	spec->processes = grow(spec->processes, spec->process_count, sizeof(*spec->processes));
	struct process_spec *process = &spec->processes[spec->process_count++];
	*process = (struct process_spec){
		.kind = (uint8_t)kind,
		.name = arena_strdup(&spec->arena, name),
		.security = &SECURITY_UNSAID,
		.resources = &RESOURCES_UNSAID,
		.lifecycle = &LIFECYCLE_UNSAID,
	};
	keys_set_defaults(sections[kind], HOLDER_SECTION, process, &spec->arena);
	return process;
}

struct volume_spec *spec_add_volume(struct pod_spec *spec, const char *name)
{
	spec->volumes = grow(spec->volumes, spec->volume_count, sizeof(*spec->volumes));
	struct volume_spec *volume = &spec->volumes[spec->volume_count++];
	*volume = (struct volume_spec){.name = arena_strdup(&spec->arena, name)};
	keys_set_defaults(IN_VOLUME, HOLDER_SECTION, volume, &spec->arena);
	return volume;
}

/* "/usr/bin/My_App" -> "my-app": a label, so that it can be a name. */
static const char *label_from_path(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t room = strlen(base);
	char *label = arena_strndup(arena, base, room < 63 ? room : 63);
	size_t length = 0;
	for (const char *s = label; *s; s++) {
		char c = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (good)
			label[length++] = c;
		else if (length && label[length - 1] != '-')
			label[length++] = '-';
	}
	while (length && label[length - 1] == '-')
		length--;
	label[length] = '\0';
	return length ? label : "main";
}

void spec_entrypoint(struct pod_spec *spec, char *const argv[])
{
	struct process_spec *process =
		spec_add_process(spec, KIND_MAIN, label_from_path(&spec->arena, argv[0]));
	for (int i = 0; argv[i]; i++) {
		const char *word = arena_strdup(&spec->arena, argv[i]);
		strings_add(&spec->arena, &process->command, word);
		strings_add(&spec->arena, &process->argv, word);
	}
	spec->name = process->name;
	spec->restart_policy = RESTART_NEVER;
	spec->entrypoint = true;
}

void spec_set_drain_delay(struct pod_spec *spec, int64_t delay_ns)
{
	struct handler *hook = arena_alloc(&spec->arena, sizeof(*hook));
	hook->sleep_ns = delay_ns;
	struct lifecycle_spec *lifecycle = arena_alloc(&spec->arena, sizeof(*lifecycle));
	*lifecycle = LIFECYCLE_UNSAID;
	lifecycle->hooks[HOOK_PRE_STOP] = hook;
	spec->processes[0].lifecycle = lifecycle;
}

void spec_pause(struct pod_spec *spec)
{
	spec->name = "pause";
	spec->pause = true;
}

const struct volume_spec *spec_volume(const struct pod_spec *spec, const char *name)
{
	for (int i = 0; i < spec->volume_count; i++) {
		if (strcmp(spec->volumes[i].name, name) == 0)
			return &spec->volumes[i];
	}
	return NULL;
}

bool spec_needs_view(const struct pod_spec *spec, const struct process_spec *process)
{
	return process->rootfs || process->mounts.count || process->read_only_rootfs ||
		spec_message_path(process) || !spec->share_process_namespace ||
		spec->host_aliases.count || (spec->in_sandbox && spec_is_unmasked(process));
}

void spec_take_options(struct pod_spec *spec, const struct pod_spec *from)
{
	spec->in_sandbox = from->in_sandbox;
	spec->entry = from->entry;
	memcpy(spec->signal_map, from->signal_map, sizeof(spec->signal_map));
	spec->relay = from->relay;
	spec->single_child = from->single_child;
	spec->leftovers = from->leftovers;
	spec->start_codes = from->start_codes;
	spec->success_codes = from->success_codes;
}

bool spec_is_unmasked(const struct process_spec *process)
{
	return process->privileged || process->proc_unmasked;
}

const char *spec_message_path(const struct process_spec *process)
{
	const char *path = process->termination_message_path;
	if (path)
		return path;
	/* As Kubernetes has it by default, but only in a /dev that is its own. */
	return process->rootfs && !process->privileged ? "/dev/termination-log" : NULL;
}

bool spec_leaves_message(const struct process_spec *process)
{
	return process->message_falls_back || spec_message_path(process);
}

size_t spec_message_max(const struct pod_spec *spec)
{
	enum { ONE = 4096, ALL = 12288 };
	int share = ALL / (spec->process_count + !spec->process_count);
	return (size_t)(share < ONE ? share : ONE);
}

const char *process_kind_name(enum process_kind kind)
{
	static const char *const names[] = {
		[KIND_INIT] = "init", [KIND_SIDECAR] = "sidecar", [KIND_MAIN] = "main"};
	return names[kind];
}

const char *restart_policy_name(enum restart_policy policy)
{
	static const char *const names[] = {[RESTART_UNSET] = "",
		[RESTART_ALWAYS] = "Always",
		[RESTART_ON_FAILURE] = "OnFailure",
		[RESTART_NEVER] = "Never"};
	return names[policy];
}

enum restart_policy spec_restart_policy(
	const struct pod_spec *spec, const struct process_spec *process)
{
	if (process->kind == KIND_SIDECAR)
		return RESTART_ALWAYS;
	return process->restart_policy ? process->restart_policy : spec->restart_policy;
}

bool restart_rule_matches(const struct restart_rule *rule, int exit_code)
{
	return exit_codes_have(&rule->codes, exit_code) != rule->not_in;
}
