/* Starting a process. What runs in an entrypoint's child must be fit for a vfork: it changes nothing that
 * podinit still needs, and allocates nothing. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot.h"
#include "cgroup.h"
#include "identity.h"
#include "launch.h"
#include "limits.h"
#include "reaper.h"
#include "search.h"
#include "signals.h"
#include "terminal.h"
#include "tty.h"
#include "view.h"

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
	if (spawner->stdin_fd >= 0)
		close(spawner->stdin_fd);
}

/* execve() along the PATH that the process itself gets. Returns errno: the most telling one. */
static int execute(const struct pod_spec *spec, char *const *argv, char *const *environment)
{
	if (spec->entry.as_execvp) {
		execvpe(argv[0], argv, environment);
		return errno;
	}
	char path[4096];
	int error = ENOENT;
	if (strchr(argv[0], '/')) {
		execve(argv[0], argv, environment);
		return errno;
	}
	if (!*argv[0])
		return ENOENT;
	const char *rest = search_path(NULL, environment);
	while (search_next(&rest, argv[0], path, sizeof(path))) {
		execve(path, argv, environment);
		/* A directory that is not there is no news; a program that is, but cannot be
		 * executed, is. */
		if (errno != ENOENT && errno != ENOTDIR)
			error = errno;
	}
	return error;
}

struct child {
	struct spawner *spawner;
	const struct process_spec *process;
	const struct identity *identity; /* NULL: podinit's own */
	int cgroup;			 /* to go there first; -1: it is there, or has none */
	int tty_fd;			 /* its terminal; -1: none */
	int status_fd;			 /* where to write what failed; -1: only into `error` */
	struct identity_choice choice;	 /* who it is going to be */
	struct spawn_error error;	 /* stage: what is being done, and then what failed */
};

/* --- what a new process does to itself: each step 0, or what error->error is then --- */

static int enter_cgroup(struct child *child)
{
	return child->cgroup >= 0 ? cgroup_enter(child->cgroup) : 0;
}

static int enter_session(struct child *child)
{
	if (child->spawner->spec->entrypoint)
		return terminal_enter();
	return setsid() < 0 ? -errno : 0;
}

static int take_stdin(struct child *child)
{
	int fd = child->process->keeps_stdin ? -1 : child->spawner->stdin_fd;
	return fd >= 0 && dup2(fd, STDIN_FILENO) < 0 ? -errno : 0;
}

static int take_tty(struct child *child)
{
	return child->tty_fd >= 0 ? tty_enter(child->tty_fd) : 0;
}

static int make_view(struct child *child)
{
	if (!spec_needs_view(child->spawner->spec, child->process))
		return 0;
	return view_make(child->process, child->spawner->volumes, &child->error);
}

static int enter_pid_namespace(struct child *child)
{
	if (child->spawner->spec->share_process_namespace)
		return 0;
	return reaper_divide(child->status_fd);
}

static int apply_limits(struct child *child)
{
	boot_restore_limits();
	if (child->spawner->spec->entrypoint)
		return 0;
	return limits_apply(child->spawner->spec, child->process, child->spawner->machine_memory,
		&child->error);
}

static int choose_identity(struct child *child)
{
	if (!child->identity)
		return 0;
	int result = identity_choose(child->identity, &child->choice, &child->error);
	if (result == 0 && child->tty_fd >= 0)
		tty_give(child->tty_fd, child->choice.uid);
	return result;
}

static int assume_identity(struct child *child)
{
	return child->identity ? identity_assume(child->identity, &child->choice, &child->error)
			       : 0;
}

/* An entrypoint's program stays where it is, be that a directory that it may not enter. */
static int change_directory(struct child *child)
{
	const char *directory = child->process->working_dir;
	if (!directory && !child->spawner->spec->entrypoint)
		directory = "/";
	return directory && chdir(directory) < 0 ? -errno : 0;
}

/* An entrypoint hands on what it was given; a pod's process begins as from nothing. */
static void restore_signals(const struct pod_spec *spec)
{
	if (spec->entrypoint && !spec->entry.reset_signals)
		signals_restore(spec->entry.blocked_signals);
	else
		signals_unblock();
}

static int execute_program(struct child *child)
{
	struct spawner *spawner = child->spawner;
	restore_signals(spawner->spec);
	environment_name_process(&spawner->environment);
	return -execute(spawner->spec, (char *const *)child->process->argv.items,
		spawner->environment.items);
}

static int child_main(void *data)
{
	/* Where files are read, they are the process's own, and so is who waits for them. */
	static const struct {
		enum spawn_stage stage;
		int (*make)(struct child *child);
	} steps[] = {
		{STAGE_CGROUP, enter_cgroup},
		{STAGE_SESSION, enter_session},
		{STAGE_STDIN, take_stdin},
		{STAGE_MOUNT_NAMESPACE, make_view},
		{STAGE_PID_NAMESPACE, enter_pid_namespace},
		/* Of the session that it leads there. */
		{STAGE_TTY, take_tty},
		{STAGE_USER, choose_identity},
		{STAGE_RLIMIT, apply_limits},
		{STAGE_SET_USER, assume_identity},
		{STAGE_CHDIR, change_directory},
		{STAGE_EXEC, execute_program},
	};
	struct child *child = data;
	int result = 0;
	/* Only where this memory is not podinit's. */
	if (child->spawner->proc_is_closed)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && result == 0; i++) {
		child->error = (struct spawn_error){.stage = (uint16_t)steps[i].stage};
		result = steps[i].make(child);
	}
	child->error.error = result == SPAWN_STAGE_SAYS_IT ? result : -result;
	if (child->status_fd >= 0 &&
		write(child->status_fd, &child->error, sizeof(child->error)) < 0)
		return CANNOT_BEGIN; /* podinit is gone: nobody is there to tell */
	return 127;
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

/* Its way to the program may be long: it goes it alone, and tells when it is there. */
static struct spawned spawn_prepared(struct child *child)
{
	const struct pod_spec *spec = child->spawner->spec;
	unsigned long namespaces = spec_needs_view(spec, child->process) ? CLONE_NEWNS : 0;
	int ends[2];
	struct spawned spawned = {.pidfd = -1, .status_fd = -1};
	if (!spec->share_process_namespace)
		namespaces |= CLONE_NEWPID;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return failed(errno);
	child->status_fd = ends[1];
	spawned.pid = launch(child_main, child, false, namespaces, &child->cgroup, &spawned.pidfd);
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

struct spawned spawn_process(struct spawner *spawner, int index, int tty_fd)
{
	struct child child = {
		.spawner = spawner,
		.process = &spawner->spec->processes[index],
		.identity = spawner->spec->entrypoint ? NULL : &spawner->identity,
		.cgroup = cgroup_directory(spawner->cgroups, index),
		.tty_fd = tty_fd,
		.status_fd = -1,
	};
	cgroup_prepare(spawner->cgroups, index);
	environment_merge(&spawner->environment, spawner->spec, child.process);
	if (child.identity)
		identity_prepare(&spawner->identity, index);
	return must_prepare(&child) ? spawn_prepared(&child) : spawn_plain(&child);
}
