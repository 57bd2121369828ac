/* Starting a process, or a command in its place, as far as podinit does it; the rest is the child's (child.c). */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "child.h"
#include "launch.h"
#include "limits.h"
#include "world.h"

/* What an empty standard input is made of where there is no /dev/null: a pipe that nobody writes. */
static int open_empty(void)
{
	int ends[2], fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	close(ends[1]);
	return ends[0];
}

/* The files of a process that cannot be traced belong to root of the machine. */
static bool is_own_proc_closed(void)
{
	return access("/proc/self/oom_score_adj", W_OK) < 0 && errno == EACCES;
}

int spawner_init(struct spawner *spawner, const struct pod_spec *spec, const struct ground *ground)
{
	*spawner = (struct spawner){
		.spec = spec,
		.volumes = &ground->volumes,
		.cgroups = ground->cgroups,
		.machine_memory = limits_machine_memory(),
		.proc_is_closed = !spec->entrypoint && is_own_proc_closed(),
		.stdin_fd = -1,
	};
	int result = environment_open(&spawner->environment, spec);
	if (result == 0)
		result = handover_open(&spawner->handover, spec, &ground->listeners);
	/* An entrypoint's program is what podinit is; a pod's processes are what the pod says. */
	if (result < 0 || spec->entrypoint)
		return result;
	spawner->stdin_fd = open_empty();
	return spawner->stdin_fd < 0 ? spawner->stdin_fd
				     : identity_open(&spawner->identity, spec, &ground->filters);
}

void spawner_finish(struct spawner *spawner)
{
	identity_close(&spawner->identity);
	environment_close(&spawner->environment);
	handover_close(&spawner->handover);
	if (spawner->stdin_fd >= 0)
		close(spawner->stdin_fd);
}

static struct spawned failed(int error)
{
	return (struct spawned){
		.pidfd = -1,
		.status_fd = -1,
		.error = {.stage = STAGE_FORK, .error = error},
	};
}

/* vfork: when launch() returns, the child has executed its program or ended. */
static struct spawned spawn_plain(struct child *child)
{
	struct spawned spawned = {.pidfd = -1, .status_fd = -1};
	spawned.pid = launch(child_main, child, true, 0, &child->cgroup, &spawned.pidfd);
	if (spawned.pid < 0)
		return failed(-spawned.pid);
	if (!child->error.error)
		return spawned;
	/* It has ended already, so this does not block. */
	while (waitpid(spawned.pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (spawned.pidfd >= 0)
		close(spawned.pidfd);
	spawned.pidfd = -1;
	spawned.error = child->error;
	return spawned;
}

/* A way for it to tell how far it came; one that carries descriptors, where it is to hand some over. */
static int open_status(const struct child *child, int ends[2])
{
	int result = child_sends_world(child)
		? socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends)
		: pipe2(ends, O_CLOEXEC | O_NONBLOCK);
	return result < 0 ? -errno : 0;
}

/* Its way to the program may be long: it goes it alone, and tells when it is there. */
static struct spawned spawn_prepared(struct child *child)
{
	const struct pod_spec *spec = child->spawner->spec;
	unsigned long namespaces = child_makes_view(child) ? CLONE_NEWNS : 0;
	int ends[2];
	struct spawned spawned = {
		.pidfd = -1,
		.status_fd = -1,
		.is_between = child_divides(child),
	};
	if (namespaces && !spec->share_process_namespace)
		namespaces |= CLONE_NEWPID;
	int result = open_status(child, ends);
	if (result < 0)
		return failed(-result);
	child->status_fd = ends[1];
	spawned.pid = launch(child_main, child, false, namespaces, &child->cgroup,
		child->kind == CHILD_PROCESS ? &spawned.pidfd : NULL);
	close(ends[1]);
	if (spawned.pid < 0) {
		close(ends[0]);
		struct spawned none = failed(-spawned.pid);
		if (spawned.pid == -EPERM && namespaces)
			none.error.stage = namespaces & CLONE_NEWPID ? STAGE_PID_NAMESPACE
								     : STAGE_MOUNT_NAMESPACE;
		return none;
	}
	spawned.status_fd = ends[0];
	return spawned;
}

/* A pod's processes are copies of podinit until they run their programs, and podinit goes on meanwhile:
 * they may have to wait for files, somebody may stop them (other processes of the pod can), and where memory
 * runs out in a cgroup the kernel kills all that share the memory of the one it has chosen. For an
 * entrypoint's program, the first and only one, podinit stands still. */
static bool must_prepare(const struct child *child)
{
	return !child->spawner->spec->entrypoint || child->cgroup >= 0;
}

struct spawned spawn_process(
	struct spawner *spawner, int index, const struct spawn_descriptors *given)
{
	const struct process_spec *process = &spawner->spec->processes[index];
	struct child child = {
		.kind = CHILD_PROCESS,
		.spawner = spawner,
		.process = process,
		.identity = spawner->spec->entrypoint ? NULL : &spawner->identity,
		.argv = (char *const *)process->argv.items,
		.cgroup = cgroup_directory(spawner->cgroups, index),
		.tty_fd = given->tty_fd,
		.output_fds = {given->output_fds[0], given->output_fds[1]},
		.status_fd = -1,
	};
	cgroup_prepare(spawner->cgroups, index);
	environment_merge(&spawner->environment, spawner->spec, process);
	handover_prepare(&spawner->handover, index, given->ready_fd, &spawner->environment);
	if (child.identity)
		identity_prepare(&spawner->identity, index);
	return must_prepare(&child) ? spawn_prepared(&child) : spawn_plain(&child);
}

struct spawned spawn_command(struct spawner *spawner, const struct spawn_command *command)
{
	static const enum child_kind kinds[] = {
		[SPAWN_BESIDE] = CHILD_BESIDE,
		[SPAWN_ALONE] = CHILD_ALONE,
		[SPAWN_HELPER] = CHILD_HELPER,
	};
	bool is_of_pod = command->place != SPAWN_HELPER;
	struct child child = {
		.kind = kinds[command->place],
		.spawner = spawner,
		.process = is_of_pod ? &spawner->spec->processes[command->index] : NULL,
		.identity = &spawner->identity,
		.argv = command->argv,
		.world = command->world,
		.cgroup = is_of_pod ? cgroup_directory(spawner->cgroups, command->index) : -1,
		.tty_fd = -1,
		.output_fds = {command->output_fd, command->output_fd},
		.status_fd = -1,
	};
	/* Nothing of it runs: what it made of its cgroup must not keep the command out. */
	if (command->place == SPAWN_ALONE && !cgroup_is_populated(spawner->cgroups, command->index))
		cgroup_prepare(spawner->cgroups, command->index);
	if (is_of_pod) {
		environment_merge(&spawner->environment, spawner->spec, child.process);
		identity_prepare(&spawner->identity, command->index);
	}
	return spawn_prepared(&child);
}

enum spawn_news spawn_read_status(int fd, struct spawn_error *error, struct world *world)
{
	for (;;) {
		long length = world_receive(fd, error, world);
		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			return SPAWN_NO_NEWS;
		if (length != (long)sizeof(*error))
			return SPAWN_RUNS;
		if (error->stage != STAGE_NONE)
			return SPAWN_FAILED;
		if (error->error)
			return SPAWN_DIVIDED;
	}
}
