/* What a new process does to itself, step by step, until its program runs. In an entrypoint's child it must be
 * fit for a vfork: it changes nothing that podinit still needs, and allocates nothing. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot.h"
#include "cgroup.h"
#include "launch.h"
#include "limits.h"
#include "reaper.h"
#include "search.h"
#include "signals.h"
#include "spawn.h"
#include "terminal.h"
#include "tty.h"
#include "view.h"
#include "world.h"

enum {
	NOBODY = 65534, /* the user that is nobody's, in every Linux */
	NOT_EXECUTED = 127,
};

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

/* --- what a new process does to itself: each step 0, or what error->error is then --- */

static int enter_cgroup(struct child *child)
{
	return child->cgroup >= 0 ? cgroup_enter(child->cgroup) : 0;
}

/* Before its root is another one, where /proc may show less. */
static int send_world(struct child *child)
{
	if (child_sends_world(child))
		world_send(child->status_fd, !child->spawner->spec->share_process_namespace);
	return 0;
}

static int enter_session(struct child *child)
{
	if (child->spawner->spec->entrypoint)
		return terminal_enter();
	return setsid() < 0 ? -errno : 0;
}

static int take_standard_descriptors(struct child *child)
{
	bool keeps_stdin = child->kind == CHILD_PROCESS && child->process->keeps_stdin;
	const int taken[] = {
		[STDIN_FILENO] = keeps_stdin ? -1 : child->spawner->stdin_fd,
		[STDOUT_FILENO] = child->output_fds[0],
		[STDERR_FILENO] = child->output_fds[1],
	};
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (taken[fd] >= 0 && dup2(taken[fd], fd) < 0)
			return -errno;
	}
	return 0;
}

static int take_tty(struct child *child)
{
	return child->tty_fd >= 0 ? tty_enter(child->tty_fd) : 0;
}

static int make_view(struct child *child)
{
	if (!child_makes_view(child))
		return 0;
	return view_make(child->process, child->spawner->volumes, &child->error);
}

static int enter_pid_namespace(struct child *child)
{
	if (child->spawner->spec->share_process_namespace)
		return 0;
	return reaper_divide(child->status_fd);
}

/* Nobody enters a PID namespace but by birth. The one that is born there is made podinit's child, and waits until
 * podinit can know its number: else it could be taken for an orphan. */
static int join_pid_namespace(struct child *child)
{
	int gate[2];
	char byte = 0;
	if (!child_divides(child))
		return 0;
	int result = world_join_pids(child->world);
	if (result < 0)
		return result;
	if (pipe2(gate, O_CLOEXEC) < 0)
		return -errno;
	pid_t inside = launch_fork(CLONE_PARENT);
	if (inside < 0)
		return (int)inside;
	if (inside > 0) {
		const struct spawn_error number = {.stage = STAGE_NONE, .error = (int)inside};
		bool told = write(child->status_fd, &number, sizeof(number)) > 0 &&
			write(gate[1], &byte, 1) == 1;
		_exit(told ? 0 : NOT_EXECUTED);
	}
	close(gate[1]);
	if (read(gate[0], &byte, 1) != 1)
		_exit(NOT_EXECUTED);
	close(gate[0]);
	return setsid() < 0 ? -errno : 0;
}

static int join_mount_namespace(struct child *child)
{
	if (!spec_needs_view(child->spawner->spec, child->process))
		return 0;
	return world_join_mounts(child->world);
}

static int take_descriptors(struct child *child)
{
	return handover_take(&child->spawner->handover, &child->status_fd);
}

static int apply_limits(struct child *child)
{
	boot_restore_limits();
	if (child->spawner->spec->entrypoint || !child->process)
		return 0;
	return limits_apply(child->spawner->spec, child->process, child->spawner->machine_memory,
		&child->error);
}

/* Its user then can open by name (/dev/stdout) what it has open. Where podinit may not say so, it still has it open. */
static void give_output(const struct child *child)
{
	const int given[] = {child->tty_fd, child->output_fds[0], child->output_fds[1]};
	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++) {
		if (given[i] >= 0 && fchown(given[i], child->choice.uid, (gid_t)-1) < 0)
			return;
	}
}

static int choose_identity(struct child *child)
{
	if (!child->identity)
		return 0;
	int result = identity_choose(child->identity, &child->choice, &child->error);
	if (result == 0 && child->kind == CHILD_PROCESS)
		give_output(child);
	return result;
}

static int assume_identity(struct child *child)
{
	return child->identity ? identity_assume(child->identity, &child->choice, &child->error)
			       : 0;
}

/* It is podinit's own, but what it talks to is not. */
static int become_nobody(struct child *child)
{
	(void)child;
	/* EINVAL: a user namespace that has no such user; without capabilities its root is nobody, too. */
	bool failed = geteuid() == 0 &&
		((syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM) ||
			(syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) < 0 && errno != EINVAL) ||
			(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) < 0 && errno != EINVAL));
	if (failed || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return identity_keep(0);
}

/* An entrypoint's program stays where it is, be that a directory that it may not enter. */
static int change_directory(struct child *child)
{
	const char *directory = child->process ? child->process->working_dir : NULL;
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
	static char *const nothing[] = {NULL};
	struct spawner *spawner = child->spawner;
	restore_signals(spawner->spec);
	environment_name_process(&spawner->environment);
	handover_name_process(&spawner->handover);
	return -execute(
		spawner->spec, child->argv, child->process ? spawner->environment.items : nothing);
}

bool child_makes_view(const struct child *child)
{
	return child->kind & (CHILD_PROCESS | CHILD_ALONE) &&
		spec_needs_view(child->spawner->spec, child->process);
}

bool child_sends_world(const struct child *child)
{
	return child->kind == CHILD_PROCESS && child_makes_view(child);
}

bool child_divides(const struct child *child)
{
	return child->kind == CHILD_BESIDE && !child->spawner->spec->share_process_namespace;
}

int child_main(void *data)
{
	enum {
		OF_POD = CHILD_PROCESS | CHILD_BESIDE | CHILD_ALONE,
		ALL = OF_POD | CHILD_HELPER,
	};
	/* Where files are read, they are the process's own, and so is who waits for them. */
	static const struct {
		int kinds;
		enum spawn_stage stage;
		int (*make)(struct child *child);
	} steps[] = {
		{OF_POD, STAGE_CGROUP, enter_cgroup},
		{CHILD_PROCESS, STAGE_MOUNT_NAMESPACE, send_world},
		{ALL, STAGE_SESSION, enter_session},
		{ALL, STAGE_STDIN, take_standard_descriptors},
		{CHILD_PROCESS | CHILD_ALONE, STAGE_MOUNT_NAMESPACE, make_view},
		{CHILD_PROCESS | CHILD_ALONE, STAGE_PID_NAMESPACE, enter_pid_namespace},
		{CHILD_BESIDE, STAGE_JOIN, join_pid_namespace},
		{CHILD_BESIDE, STAGE_JOIN, join_mount_namespace},
		/* Of the session that it leads there. */
		{CHILD_PROCESS, STAGE_TTY, take_tty},
		{OF_POD, STAGE_USER, choose_identity},
		/* While no limit is in the way; what is opened from here on has other numbers. */
		{CHILD_PROCESS, STAGE_DESCRIPTORS, take_descriptors},
		{ALL, STAGE_RLIMIT, apply_limits},
		{OF_POD, STAGE_SET_USER, assume_identity},
		{CHILD_HELPER, STAGE_SET_USER, become_nobody},
		{ALL, STAGE_CHDIR, change_directory},
		{ALL, STAGE_EXEC, execute_program},
	};
	struct child *child = data;
	int result = 0;
	/* Only where this memory is not podinit's. */
	if (child->spawner->proc_is_closed)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && result == 0; i++) {
		if (!(steps[i].kinds & (int)child->kind))
			continue;
		child->error = (struct spawn_error){.stage = (uint16_t)steps[i].stage};
		result = steps[i].make(child);
	}
	child->error.error = result == SPAWN_STAGE_SAYS_IT ? result : -result;
	if (child->status_fd >= 0 &&
		write(child->status_fd, &child->error, sizeof(child->error)) < 0)
		return CANNOT_BEGIN; /* podinit is gone: nobody is there to tell */
	return NOT_EXECUTED;
}
