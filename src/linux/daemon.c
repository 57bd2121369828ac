/* The search for the daemon that a program left. Must not believe anybody: whom a file names has to be podinit's
 * child, younger than the program, and nobody else's. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot.h"
#include "kin.h"
#include "launch.h"
#include "log.h"
#include "loop_state.h"
#include "pid_file.h"
#include "proc.h"
#include "signals.h"

static const double LOOK_SECONDS = 0.05;

/* Looks with the same result before it is told: a file is made before it is written, and both take a moment. */
enum { LOOKS_BEFORE_TOLD = 4 };

/* Why a process is not the daemon. Behind the problems of a pid file, for the bits of `told`. */
enum refusal {
	REFUSED_NOT = PID_FILE_PROBLEM_COUNT, /* it is the one */
	REFUSED_FIRST,
	REFUSED_GONE,
	REFUSED_NO_CHILD,
	REFUSED_PODINITS,
	REFUSED_MAIN,
	REFUSED_OTHERS,
	REFUSED_OLDER,
	REFUSED_STRANGER,
	REFUSED_SEVERAL,
	REFUSAL_COUNT,
};
_Static_assert(REFUSAL_COUNT <= 32, "a bit each");

/* --- who may be it --- */

/* Nobody knows it by descent: in this pod's mount namespace it can only be somebody's of the pod. (As process 1
 * podinit gets the orphans of others, too.) With cgroups, or mount namespaces, it would be known. */
static bool may_be_its(const struct loop *loop, int process, pid_t pid)
{
	uint64_t own = proc_mount_namespace(getpid());
	if (cgroup_directory(loop->setup->ground->cgroups, process) >= 0 ||
		loop->processes[process].mount_namespace)
		return false;
	return getpid() != 1 || (own && proc_mount_namespace(pid) == own);
}

static enum refusal judge(const struct loop *loop, int process, pid_t pid)
{
	struct proc_stat stat;
	if (pid == 1 || pid == getpid())
		return REFUSED_FIRST;
	if (!proc_stat(pid, &stat) || proc_is_over(&stat))
		return REFUSED_GONE;
	const struct kin kin = kin_of(loop, pid);
	if (kin.is_main)
		return REFUSED_MAIN;
	if (stat.parent != getpid())
		return REFUSED_NO_CHILD;
	if (loop_is_helper(loop, pid))
		return REFUSED_PODINITS;
	if (kin.process >= 0 && kin.process != process)
		return REFUSED_OTHERS;
	if (stat.start < loop->processes[process].born)
		return REFUSED_OLDER;
	bool is_its = kin.process == process || may_be_its(loop, process, pid);
	return is_its ? REFUSED_NOT : REFUSED_STRANGER;
}

/* --- telling --- */

static void refuse(struct loop *loop, int process, int cause, pid_t pid, int error)
{
	static const char *const words[REFUSAL_COUNT] = {
		[PID_FILE_UNREADABLE] = "cannot be read",
		[PID_FILE_NO_FILE] = "is no regular file",
		[PID_FILE_WRITABLE] = "could have been written by others than root and its user",
		[PID_FILE_NO_NUMBER] = "does not hold one number",
		[REFUSED_FIRST] = "which is podinit itself",
		[REFUSED_GONE] = "which does not run",
		[REFUSED_NO_CHILD] = "which is no child of podinit's",
		[REFUSED_PODINITS] = "which podinit has started for itself",
		[REFUSED_MAIN] = "which is a process of the pod",
		[REFUSED_OTHERS] = "which another process of the pod has left",
		[REFUSED_OLDER] = "which is older than its program",
		[REFUSED_STRANGER] = "which its program has not left",
		[REFUSED_SEVERAL] = "several are left, and none of them leads a session",
	};
	struct daemon *daemon = loop->processes[process].daemon;
	const struct process_spec *spec = &loop->spec->processes[process];
	const char *path = spec->lifecycle->pid_file;
	daemon->looks = daemon->cause == cause ? daemon->looks + 1 : 1;
	daemon->cause = cause;
	if (daemon->told & 1U << cause || daemon->looks < LOOKS_BEFORE_TOLD)
		return;
	daemon->told |= 1U << cause;
	if (cause == REFUSED_SEVERAL)
		log_line("%s: cannot tell which process is the daemon: %s", spec->name,
			words[cause]);
	else if (cause >= REFUSED_NOT)
		log_line("%s: daemonPidFile %s names %d, %s", spec->name, path, (int)pid,
			words[cause]);
	else
		log_line("%s: daemonPidFile %s %s%s%s", spec->name, path, words[cause],
			error ? ": " : "", error ? strerror(error) : "");
}

/* --- without a pid file --- */

struct candidates {
	const struct loop *loop;
	int process, count, leaders;
	struct proc_stat only, leader; /* the oldest of each */
};

static void consider(pid_t pid, void *data)
{
	struct candidates *all = data;
	struct proc_stat stat;
	if (!proc_stat(pid, &stat) || stat.parent != getpid() ||
		judge(all->loop, all->process, pid) != REFUSED_NOT)
		return;
	if (!all->count++ || stat.start < all->only.start)
		all->only = stat;
	if (stat.session == pid && (!all->leaders++ || stat.start < all->leader.start))
		all->leader = stat;
}

static void guess(struct loop *loop, int process)
{
	struct daemon *daemon = loop->processes[process].daemon;
	struct candidates all = {.loop = loop, .process = process};
	proc_each(consider, &all);
	if (all.count > 1 && !all.leaders)
		refuse(loop, process, REFUSED_SEVERAL, 0, 0);
	const struct proc_stat *found = all.count == 1 ? &all.only
		: all.leaders			       ? &all.leader
						       : NULL;
	bool is_same = found && found->pid == daemon->guess && found->start == daemon->guess_born;
	daemon->guess = found ? found->pid : 0;
	daemon->guess_born = found ? found->start : 0;
	if (is_same && daemon_adopt(loop, process, found->pid))
		daemon_give_up(loop, process);
}

/* --- with a pid file --- */

static void close_result(struct loop *loop, struct daemon *daemon)
{
	if (daemon->result.fd < 0)
		return;
	ev_io_stop(loop->ev, &daemon->result);
	close(daemon->result.fd);
	ev_io_set(&daemon->result, -1, EV_READ);
}

static void on_result(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct loop *loop = ev_userdata(ev);
	int process = (int)(intptr_t)io->data;
	struct daemon *daemon = loop->processes[process].daemon;
	struct pid_file file;
	(void)events;
	ssize_t length = read(io->fd, &file, sizeof(file));
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close_result(loop, daemon);
	if (length != (ssize_t)sizeof(file))
		return; /* it was killed; somebody will look again */
	int cause = file.problem;
	if (cause == PID_FILE_GOOD)
		cause = judge(loop, process, file.pid);
	if (cause != REFUSED_NOT)
		refuse(loop, process, cause, file.pid, file.error);
	else if (daemon_adopt(loop, process, file.pid))
		daemon_give_up(loop, process);
}

/* By a child: the file system may not answer. */
static void start_reader(struct loop *loop, int process)
{
	struct daemon *daemon = loop->processes[process].daemon;
	const struct process_spec *spec = &loop->spec->processes[process];
	const char *path = spec->lifecycle->pid_file;
	const struct world *world =
		world_is_needed(loop->spec, spec) ? &loop->processes[process].world : NULL;
	int ends[2], self = getpid();
	if (daemon->reader || daemon->result.fd >= 0)
		return; /* the last one is not done yet */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	pid_t pid = launch_fork(0);
	if (pid == 0) {
		boot_parent_death_signal(SIGKILL, self);
		struct pid_file file = pid_file_read(world, path);
		_exit(write(ends[1], &file, sizeof(file)) < 0);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return;
	}
	daemon->reader = pid;
	ev_io_set(&daemon->result, ends[0], EV_READ);
	daemon->result.data = (void *)(intptr_t)process;
	ev_io_start(loop->ev, &daemon->result);
}

/* --- the search --- */

static void look(struct loop *loop, int process)
{
	if (loop->spec->processes[process].lifecycle->pid_file)
		start_reader(loop, process);
	else
		guess(loop, process);
}

static void on_again(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)events;
	look(ev_userdata(ev), (int)(intptr_t)timer->data);
}

struct daemon *daemon_create(void)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	if (!daemon)
		return NULL;
	ev_timer_init(&daemon->again, on_again, LOOK_SECONDS, LOOK_SECONDS);
	ev_io_init(&daemon->result, on_result, -1, EV_READ);
	return daemon;
}

void daemon_look_for(struct loop *loop, int process)
{
	struct daemon *daemon = loop->processes[process].daemon;
	if (!daemon)
		return;
	daemon->told = 0;
	daemon->guess = 0;
	daemon->cause = daemon->looks = 0;
	daemon->again.data = (void *)(intptr_t)process;
	look(loop, process);
	ev_now_update(loop->ev);
	ev_timer_again(loop->ev, &daemon->again);
}

void daemon_give_up(struct loop *loop, int process)
{
	struct daemon *daemon = loop->processes[process].daemon;
	if (!daemon)
		return;
	ev_timer_stop(loop->ev, &daemon->again);
	close_result(loop, daemon);
	if (daemon->reader)
		kill(daemon->reader, SIGKILL); /* not reaped yet: it is that one */
	if (loop->processes[process].pid)
		return;
	world_close(&loop->processes[process].world);
	watcher_end(loop, process);
}

void daemon_renumber(struct daemon *daemon, int process)
{
	daemon->again.data = (void *)(intptr_t)process;
	daemon->result.data = (void *)(intptr_t)process;
}

void daemon_destroy(struct loop *loop, int process)
{
	struct daemon *daemon = loop->processes[process].daemon;
	if (!daemon)
		return;
	daemon_give_up(loop, process);
	free(daemon);
	loop->processes[process].daemon = NULL;
}

bool daemon_is_reader(const struct loop *loop, pid_t pid)
{
	for (int i = 0; i < loop->spec->process_count; i++) {
		const struct daemon *daemon = loop->processes[i].daemon;
		if (daemon && daemon->reader && daemon->reader == pid)
			return true;
	}
	return false;
}

int daemon_reader_count(const struct loop *loop)
{
	int count = 0;
	for (int i = 0; i < loop->spec->process_count; i++)
		count += loop->processes[i].daemon && loop->processes[i].daemon->reader;
	return count;
}

bool daemon_reaped(struct loop *loop, pid_t pid)
{
	for (int i = 0; i < loop->spec->process_count; i++) {
		struct daemon *daemon = loop->processes[i].daemon;
		if (daemon && daemon->reader && daemon->reader == pid) {
			daemon->reader = 0;
			return true;
		}
	}
	return false;
}

bool daemon_adopt(struct loop *loop, int process, pid_t pid)
{
	struct runtime *runtime = &loop->processes[process];
	struct proc_stat stat;
	/* Whose number somebody else would still take for a command's, also when it is another one's. */
	if (loop_is_helper(loop, pid))
		return false;
	/* Opened first: so it is the one that we look at next, or nobody. */
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (!proc_stat(pid, &stat) || stat.parent != getpid() || proc_is_over(&stat)) {
		if (pidfd >= 0)
			close(pidfd);
		return false;
	}
	runtime->pid = pid;
	runtime->pidfd = pidfd;
	/* It may have left podinit's child's group, but not come into podinit's own. */
	if (stat.group != getpgrp())
		runtime->group = stat.group;
	loop_feed(loop, &(struct event){.type = EVENT_ADOPTED, .process = process, .pid = pid});
	return true;
}
