/* The checks across keys, and what follows from all keys together: start order, argv, environment.
 * Must not look at the machine: whether a path exists is found out where it is used. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "expand.h"
#include "keys.h"
#include "value.h"

static const char *source_name(const struct check *check, int index)
{
	return index < check->spec->sources.count ? check->spec->sources.items[index] : NULL;
}

void check_says(const struct check *check, const struct process_spec *process, int line,
	const char *format, ...)
{
	const struct pod_spec *spec = check->spec;
	struct text message = {0};
	va_list arguments;
	va_start(arguments, format);
	text_vadd(&message, format, arguments);
	va_end(arguments);
	if (process)
		problem_add(check->problems, source_name(check, process->source),
			line ? line : process->line, "%s %s: %s",
			process_kind_name((enum process_kind)process->kind), process->name,
			message.data);
	else
		problem_add(check->problems, source_name(check, spec->pod_source),
			line ? line : spec->pod_line, "pod: %s", message.data);
	text_finish(&message);
}

static void check_volume(const struct check *check, struct volume_spec *volume)
{
	const char *source = source_name(check, volume->source);
	if (volume->medium || volume->size_limit)
		volume->empty_dir = true;
	if (volume->empty_dir && volume->host_path)
		problem_add(check->problems, source, volume->line,
			"volume %s: hostPath and emptyDir exclude each other", volume->name);
	else if (!volume->host_path && volume->host_path_type)
		problem_add(check->problems, source, volume->line,
			"volume %s: hostPath.type without hostPath.path", volume->name);
	else if (!volume->empty_dir && !volume->host_path)
		problem_add(check->problems, source, volume->line,
			"volume %s: says neither emptyDir nor hostPath.path", volume->name);
}

static void check_mounts(const struct check *check, const struct process_spec *process)
{
	const struct volume_mounts *mounts = &process->mounts;
	for (int i = 0; i < mounts->count; i++) {
		const struct volume_mount *mount = &mounts->items[i];
		if (!spec_volume(check->spec, mount->volume))
			check_says(check, process, mount->line,
				"volumeMounts: there is no [volume %s]", mount->volume);
		if (mount->propagation == PROPAGATION_BIDIRECTIONAL && !process->privileged)
			check_says(check, process, mount->line,
				"volumeMounts: Bidirectional needs securityContext.privileged");
		if (mount->recursive && (!mount->read_only || mount->propagation))
			check_says(check, process, mount->line,
				"volumeMounts: recursiveReadOnly needs ro and no mountPropagation");
		if (strspn(mount->path, "/") == strlen(mount->path))
			check_says(check, process, mount->line,
				"volumeMounts: a volume cannot be the root; use rootfs");
		for (int k = 0; k < i; k++) {
			if (strcmp(mounts->items[k].path, mount->path) == 0)
				check_says(check, process, mount->line,
					"volumeMounts: %s is mounted twice", mount->path);
		}
	}
}

static void check_process(const struct check *check, const struct process_spec *process)
{
	if (!process->command.count)
		check_says(check, process, 0, "command: is required");
	if (process->kind == KIND_INIT && process->restart_policy == RESTART_ALWAYS)
		check_says(check, process, 0,
			"restartPolicy: an init that runs Always is a [sidecar]");
	if (process->rules.count && !process->restart_policy && process->kind != KIND_SIDECAR)
		check_says(check, process, 0,
			"restartPolicyRules: need a restartPolicy of the same process");
	check_mounts(check, process);
}

static void check_pod(const struct check *check)
{
	struct pod_spec *spec = check->spec;
	int mains = spec->process_count - spec->init_count;
	if (!mains && !spec->pause)
		problem_add(check->problems, spec->sources.count ? spec->sources.items[0] : NULL, 0,
			"no [main NAME] section: nothing to run");
	if (!spec->name)
		spec->name = "pod";
	if (!name_is_label(spec->name))
		check_says(check, NULL, 0,
			"name: '%s' is not a DNS label (a-z, 0-9, -; at most 63)", spec->name);
	if (spec->hostname && !name_is_label(spec->hostname))
		check_says(check, NULL, 0, "hostname: '%s' is not a DNS label", spec->hostname);
	if (spec->subdomain && !name_is_label(spec->subdomain))
		check_says(check, NULL, 0, "subdomain: '%s' is not a DNS label", spec->subdomain);
	if (spec->grace_ns < 0)
		spec->grace_ns = NS_PER_SECOND; /* as Kubernetes does */
}

/* Stable: init entries in file order, then mains in file order. */
static void sort_processes(struct pod_spec *spec)
{
	struct process_spec *sorted =
		memory_resize(NULL, sizeof(*sorted) * (size_t)spec->process_count);
	int count = 0;
	for (int mains = 0; mains <= 1; mains++) {
		for (int i = 0; i < spec->process_count; i++) {
			if ((spec->processes[i].kind == KIND_MAIN) == mains)
				sorted[count++] = spec->processes[i];
		}
		if (!mains)
			spec->init_count = count;
	}
	free(spec->processes);
	spec->processes = sorted;
}

static void expand_environment(struct arena *arena, struct process_spec *process)
{
	for (int i = 0; i < process->env.count; i++) {
		const char *item = process->env.items[i];
		/* The name has no '$' to expand: only what stands behind the '='. */
		const char *value = strchr(item, '=') + 1;
		const char *expanded = expand(arena, value, &process->environment);
		if (expanded != value) {
			struct text joined = {0};
			text_add(&joined, "%.*s%s", (int)(value - item), item, expanded);
			item = arena_strndup(arena, joined.data, joined.length);
			text_finish(&joined);
		}
		strings_add(arena, &process->environment, item);
	}
}

static void expand_words(
	struct arena *arena, struct process_spec *process, const struct strings *words)
{
	for (int i = 0; i < words->count; i++)
		strings_add(arena, &process->argv,
			expand(arena, words->items[i], &process->environment));
}

/* What a name stands for is known now, and for good: nothing changes it while the pod runs. */
static void expand_sub_paths(const struct check *check, struct process_spec *process)
{
	for (int i = 0; i < process->mounts.count; i++) {
		struct volume_mount *mount = &process->mounts.items[i];
		if (!mount->sub_path_expr)
			continue;
		const char *path =
			expand(&check->spec->arena, mount->sub_path_expr, &process->environment);
		mount->sub_path = path;
		if (strstr(path, "$("))
			check_says(check, process, mount->line,
				"volumeMounts: subPathExpr names a variable that env does not: %s",
				path);
		else if (!sub_path_is_inside(path))
			check_says(check, process, mount->line,
				"volumeMounts: subPathExpr must be relative, without .., but is %s",
				path);
	}
}

void spec_check(struct pod_spec *spec, struct problems *problems)
{
	const struct check check = {spec, problems, !problems->count};
	sort_processes(spec);
	check_pod(&check);
	check_system(&check);
	for (int i = 0; i < spec->volume_count; i++)
		check_volume(&check, &spec->volumes[i]);
	for (int i = 0; i < spec->process_count; i++) {
		struct process_spec *process = &spec->processes[i];
		check_process(&check, process);
		/* KEP-5593: a maximum below the initial delay is the delay. */
		if (process->backoff_initial_ns > process->backoff_max_ns)
			process->backoff_initial_ns = process->backoff_max_ns;
		if (process->argv.count)
			continue; /* an entrypoint: its words are the user's, as they are */
		expand_environment(&spec->arena, process);
		expand_sub_paths(&check, process);
		expand_words(&spec->arena, process, &process->command);
		expand_words(&spec->arena, process, &process->args);
	}
	check_lifecycle(&check);
	check_sockets(&check);
}
