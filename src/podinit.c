/* podinit: process 1 of a pod. From the command line, by way of the face it is called by, to a
 * pod_spec, from there into the loop, and out with its exit code. Must not know how anything is done:
 * src/linux does. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faces/face.h"
#include "linux/boot.h"
#include "linux/control.h"
#include "linux/goodbye.h"
#include "linux/ground.h"
#include "linux/identity.h"
#include "linux/log.h"
#include "linux/loop.h"
#include "linux/machine.h"
#include "linux/signals.h"

static void cannot_allocate(void)
{
	log_line("out of memory");
	exit(machine_end(CANNOT_BEGIN));
}

/* By the name of the program, or by `--compat NAME`, which then is that name; NULL after saying what
 * is wrong. Anything else is podinit itself. */
static const struct face *choose_face(int *argc, char ***argv)
{
	static const char option[] = "--compat";
	char **words = *argv, buffer[256];
	const struct face *face = words[0] ? face_find(words[0]) : NULL;
	if ((face && face != &FACE_PODINIT) || !words[0] || !words[1] ||
		strncmp(words[1], option, sizeof(option) - 1) != 0)
		return face ? face : &FACE_PODINIT;
	const char *rest = words[1] + sizeof(option) - 1;
	int skipped = *rest == '=' ? 1 : !*rest && words[2] ? 2 : 0;
	if (!skipped)
		return &FACE_PODINIT;
	if (*rest == '=')
		words[1] += sizeof(option);
	*argv += skipped;
	*argc -= skipped;
	face = face_find(**argv);
	struct text names = text_in(buffer, sizeof(buffer));
	face_names(&names);
	if (!face)
		log_line("--compat %s: there is no such face; they are %s", **argv, buffer);
	return face;
}

/* Orphans come to a process 1. Elsewhere podinit asks for them; said is only what is not as usual. */
static void adopt_orphans(const struct start *start)
{
	if (!start->becomes_subreaper || getpid() == 1)
		return;
	int result = boot_become_subreaper();
	if (result < 0)
		log_line("orphans will not be reaped here: neither process 1 nor a subreaper: %s",
			strerror(-result));
	else if (start->level >= LOG_ENTRYPOINT)
		log_line("not process 1: reaps as a child subreaper");
}

/* What podinit holds from now on is what this pod needs. An entrypoint's program is given all that it was
 * given, and so it holds that. */
static bool keep_capabilities(
	const struct pod_spec *spec, const struct ground *ground, uint64_t *given_up)
{
	if (spec->entrypoint || spec->pause)
		return true;
	uint64_t kept = ground_capabilities(ground, spec);
	*given_up = identity_permitted() & ~kept;
	int result = identity_keep(kept);
	if (result < 0)
		log_line("cannot drop capabilities: %s", strerror(-result));
	return result == 0;
}

static struct ground_site site_of(const struct start *start)
{
	bool joins_network = start->join.process || start->join.paths[NAMESPACE_NET];
	bool has_own_network = start->is_sandboxed && !start->sandbox.host[NAMESPACE_NET];
	return (struct ground_site){
		.spec = &start->spec,
		.is_sandboxed = start->is_sandboxed,
		.has_own_network = has_own_network,
		.has_fresh_network = has_own_network && !joins_network,
		.is_quiet = start->level < LOG_NORMAL,
	};
}

/* Everything that runs, and the ground under it. Returns the exit code. */
static int run_pod(
	struct start *start, struct event_log *log, struct ground *ground, int outer_signals_fd)
{
	const struct ground_site site = site_of(start);
	struct loop_setup setup = {
		.spec = &start->spec,
		.config = start->config,
		.message_path = start->message_path,
		.ground = ground,
		.log = log,
		.control_path = start->control_path,
		.control = start->has_control,
		.outer_signals_fd = outer_signals_fd,
	};
	struct problems problems = {0};
	boot_prepare(&start->spec);
	adopt_orphans(start);
	ground_prepare(ground, &site, &problems);
	bool good = !goodbye_say_problems(&start->spec, &problems, true) &&
		keep_capabilities(&start->spec, ground, &setup.given_up_capabilities);
	int exit_code = good ? loop_run(&setup) : CANNOT_BEGIN;
	ground_finish(ground);
	event_log_close(log);
	return exit_code;
}

/* Into the namespaces of the pod. SANDBOX_INSIDE where the pod is to run, or the exit code. */
static int enter(const struct start *start, struct cgroups *cgroups, int *outer_signals_fd)
{
	struct sandbox sandbox = start->sandbox;
	struct joined joined;
	bool became_its_root;
	if (!namespaces_open(&start->join, &joined))
		return CANNOT_BEGIN;
	int exit_code = SANDBOX_INSIDE;
	sandbox.cgroups = cgroups;
	if (start->is_sandboxed && start->sandbox.own_users && geteuid() == 0 && start->has_control)
		control_listen_early(start->control_path);
	if (start->is_sandboxed)
		exit_code = sandbox_enter(&sandbox, &start->join, &joined, outer_signals_fd);
	else if (!namespaces_enter(&start->join, &joined, &became_its_root))
		exit_code = CANNOT_BEGIN;
	if (exit_code != SANDBOX_INSIDE)
		control_forget_early();
	namespaces_close(&joined);
	return exit_code;
}

static int run(struct start *start)
{
	const struct pod_spec *spec = &start->spec;
	struct event_log log = {.spec = spec, .voice = start->voice, .level = start->level};
	int outer_signals_fd = -1;
	signals_block();
	signals_leave(spec->entry.own_signals);
	signals_reset(!spec->entrypoint		    ? SIGNAL_MAX
			: spec->entry.reset_signals ? SIGNAL_STANDARD_MAX
						    : 0);
	log_open();
	machine_set_name(spec->hostname ? spec->hostname : spec->name);
	/* As the user who says so, before that one may be another inside. */
	int result = event_log_open(&log, start->events);
	if (result < 0) {
		log_line("--events %s: %s", start->events, strerror(-result));
		return CANNOT_BEGIN;
	}
	struct ground ground = {0};
	if (start->sees_cgroups)
		ground.cgroups = cgroups_create(start->cgroup, machine_is_ours());
	int exit_code = enter(start, ground.cgroups, &outer_signals_fd);
	if (exit_code == SANDBOX_INSIDE)
		exit_code = run_pod(start, &log, &ground, outer_signals_fd);
	cgroups_destroy(ground.cgroups);
	return exit_code;
}

static int begin_and_run(int argc, char **argv)
{
	struct start start = {0};
	const struct face *face = choose_face(&argc, &argv);
	if (!face)
		return CANNOT_BEGIN;
	spec_init(&start.spec);
	int exit_code = face->begin(&start, argc, argv);
	if (exit_code == FACE_RUNS)
		exit_code = run(&start);
	spec_finish(&start.spec);
	arena_finish(&start.arena);
	return exit_code;
}

int main(int argc, char **argv)
{
	if (getpid() == 1)
		signals_block();
	machine_begin(&argc, argv);
	boot_standard_descriptors("/dev/null");
	arena_exhausted = cannot_allocate;
	return machine_end(begin_and_run(argc, argv));
}
