/* podinit under its own name: from its options to a pod. Must not know how anything is done. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../linux/boot.h"
#include "../linux/config.h"
#include "../linux/goodbye.h"
#include "../linux/install.h"
#include "../linux/log.h"
#include "../spec/keys.h"
#include "podinit_options.h"

/* podinit leaves its directory; what the user named relative to it must not move. NULL for NULL. */
static const char *absolute(struct arena *arena, const char *path)
{
	struct text text = {0};
	if (!path || path[0] == '/' || path[0] == '@')
		return path;
	char *directory = getcwd(NULL, 0);
	text_add(&text, "%s/%s", directory ? directory : "", path);
	const char *result = arena_strdup(arena, text.data);
	free(directory);
	text_finish(&text);
	return result;
}

/* Prints a growing text and frees it. */
static void print_text(FILE *stream, struct text *text)
{
	if (text->data)
		fwrite(text->data, 1, text->length, stream);
	fflush(stream);
	text_finish(text);
}

/* The sockets that podinit was given for its program, if it was. */
static void keep_sockets(struct entrypoint_spec *entry)
{
	const char *value = getenv("LISTEN_FDS");
	int count = value ? atoi(value) : 0;
	entry->rewrite_listen_pid = face_has_sockets();
	for (int i = 0; entry->rewrite_listen_pid && i < count && 3 + i < 64; i++) {
		if (fcntl(3 + i, F_GETFD) >= 0)
			entry->kept_descriptors |= UINT64_C(1) << (3 + i);
	}
}

static void make_entrypoint(struct pod_spec *spec, const struct options *options)
{
	spec_entrypoint(spec, options->command);
	keep_sockets(&spec->entry);
	if (options->grace_ns >= 0)
		spec->grace_ns = options->grace_ns;
	if (options->drain_delay_ns > 0)
		spec_set_drain_delay(spec, options->drain_delay_ns);
}

/* The pod that the command line asks for. */
static void make_spec(struct start *start, const struct options *options, struct problems *problems)
{
	struct pod_spec *spec = &start->spec;
	const char *config = options->config;
	spec->in_sandbox = options->sandbox;
	if (!config && !options->command && access(DEFAULT_CONFIG, F_OK) == 0)
		config = DEFAULT_CONFIG;
	if (options->command) {
		make_entrypoint(spec, options);
		spec_check(spec, problems);
	} else if (config) {
		config_read(spec, config, problems);
		start->config = strcmp(config, "-") == 0 ? config : absolute(&start->arena, config);
	} else {
		spec_pause(spec);
		spec_check(spec, problems);
	}
	start->message_path = absolute(&start->arena, options->message_path);
	if (start->message_path)
		spec->termination_message_path = start->message_path;
}

static enum log_level log_level_of(const struct options *options, const struct pod_spec *spec)
{
	if (options->verbose)
		return LOG_VERBOSE;
	if (options->quiet)
		return LOG_QUIET;
	return spec->entrypoint ? LOG_ENTRYPOINT : LOG_NORMAL;
}

static void add_path(struct arena *arena, struct strings *paths, const char *path)
{
	for (int i = 0; i < paths->count; i++) {
		if (strcmp(paths->items[i], path) == 0)
			return;
	}
	strings_add(arena, paths, path);
}

/* What the pod uses of the machine's files. */
static struct strings paths_of(struct pod_spec *spec)
{
	struct strings paths = {0};
	for (int i = 0; i < spec->process_count; i++) {
		if (spec->processes[i].rootfs)
			add_path(&spec->arena, &paths, spec->processes[i].rootfs);
	}
	for (int i = 0; i < spec->volume_count; i++) {
		if (spec->volumes[i].host_path)
			add_path(&spec->arena, &paths, spec->volumes[i].host_path);
	}
	return paths;
}

static void fill_sandbox(struct start *start, const struct options *options)
{
	struct pod_spec *spec = &start->spec;
	start->is_sandboxed = options->sandbox;
	start->sandbox = (struct sandbox){
		.hostname = spec->hostname ? spec->hostname : spec->name,
		.host[NAMESPACE_NET] =
			options->net ? strcmp(options->net, "host") == 0 : spec->host_network,
		.host[NAMESPACE_IPC] = spec->host_ipc,
		.host[NAMESPACE_PID] = spec->host_pid,
		.own_users = !spec->host_users,
		.paths = paths_of(spec),
		.is_verbose = options->verbose,
	};
}

static void fill_start(struct start *start, const struct options *options)
{
	start->level = log_level_of(options, &start->spec);
	start->events = options->events;
	fill_sandbox(start, options);
	start->join = options->join;
	start->has_control = !options->no_control;
	start->control_path = absolute(&start->arena, options->socket);
	start->sees_cgroups = true;
	/* Of one program the container's cgroup is the cgroup, and the program may divide it. */
	start->cgroup = options->cgroup;
	if (!start->cgroup && (options->command || start->spec.pause))
		start->cgroup = "none";
	if (start->cgroup && strcmp(start->cgroup, "none") != 0)
		start->cgroup = absolute(&start->arena, start->cgroup);
	start->becomes_subreaper = true;
}

static int install(const char *directory)
{
	int result = install_podinit(directory);
	if (result < 0)
		log_line("--install %s: %s", directory, strerror(-result));
	return result < 0 ? CANNOT_BEGIN : 0;
}

/* Reads the pod, and runs it unless only its text was asked for. */
static int begin_pod(struct start *start, const struct options *options)
{
	struct problems problems = {0};
	struct text plan = {0};
	make_spec(start, options, &problems);
	if (goodbye_say_problems(&start->spec, &problems, !options->check && !options->plan))
		return CANNOT_BEGIN;
	if (options->plan)
		spec_plan(&start->spec, &plan);
	print_text(stdout, &plan);
	if (options->check || options->plan)
		return 0;
	fill_start(start, options);
	return FACE_RUNS;
}

static int begin(struct start *start, int argc, char **argv)
{
	struct options options = {.start = start};
	struct text keys = {0};
	pid_t parent = getppid();
	(void)argc;
	if (!options_parse(&options, argv))
		return CANNOT_BEGIN;
	if (options.help) {
		options_print_help();
		return 0;
	}
	if (options.version) {
		printf("podinit %s\n", PODINIT_VERSION);
		return 0;
	}
	if (options.keys) {
		keys_print(&keys);
		print_text(stdout, &keys);
		return 0;
	}
	if (options.install)
		return install(options.install);
	int code = begin_pod(start, &options);
	if (code != FACE_RUNS || !options.parent_death_signal)
		return code;
	int result = boot_parent_death_signal(options.parent_death_signal, parent);
	if (result < 0)
		log_line("--parent-death-signal: %s", strerror(-result));
	return result < 0 ? CANNOT_BEGIN : FACE_RUNS;
}

const struct face FACE_PODINIT = {
	.names = (const char *const[]){"podinit", NULL},
	.begin = begin,
};
