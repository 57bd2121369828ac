/* Starting a process. What runs in the child must be fit for a vfork: it changes nothing that
 * podinit still needs, and allocates nothing. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot.h"
#include "cgroup.h"
#include "launch.h"
#include "signals.h"
#include "terminal.h"
#include "view.h"

extern char **environ;

static int environment_count(char *const *environment)
{
	int count = 0;
	while (environment[count])
		count++;
	return count;
}

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

int spawner_init(struct spawner *spawner, const struct pod_spec *spec,
	const struct volumes *volumes, struct cgroups *cgroups)
{
	int most = 0;
	for (int i = 0; i < spec->process_count; i++) {
		if (spec->processes[i].environment.count > most)
			most = spec->processes[i].environment.count;
	}
	*spawner = (struct spawner){
		.spec = spec, .volumes = volumes, .cgroups = cgroups, .stdin_fd = -1};
	size_t room = (size_t)(environment_count(environ) + most + 1);
	spawner->environment = malloc(room * sizeof(char *));
	if (!spawner->environment)
		return -ENOMEM;
	if (!spec->entrypoint)
		spawner->stdin_fd = open_empty();
	return spawner->stdin_fd < -1 ? spawner->stdin_fd : 0;
}

void spawner_finish(struct spawner *spawner)
{
	free(spawner->environment);
	if (spawner->stdin_fd >= 0)
		close(spawner->stdin_fd);
}

static bool same_name(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");
	return strncmp(a, b, length) == 0 && b[length] == '=';
}

/* Is `item` overridden by one of the list's items from `from` on? */
static bool is_overridden(const struct strings *list, int from, const char *item)
{
	for (int i = from; i < list->count; i++) {
		if (same_name(item, list->items[i]))
			return true;
	}
	return false;
}

/* LISTEN_PID says for whom the sockets of LISTEN_FDS are: if for podinit, then for its program, whose
 * number is not known yet. */
static char *listen_pid_item(struct spawner *spawner, char *item)
{
	static const char name[] = "LISTEN_PID=";
	if (!spawner->spec->entry.rewrite_listen_pid || strncmp(item, name, sizeof(name) - 1) != 0)
		return item;
	strcpy(spawner->listen_pid, name);
	return spawner->listen_pid;
}

/* podinit's own environment, and the process's over it. */
static void merge_environment(struct spawner *spawner, const struct process_spec *process)
{
	const struct strings *own = &process->environment;
	int count = 0;
	for (char **item = environ; *item; item++) {
		if (!is_overridden(own, 0, *item))
			spawner->environment[count++] = listen_pid_item(spawner, *item);
	}
	for (int i = 0; i < own->count; i++) {
		if (!is_overridden(own, i + 1, own->items[i]))
			spawner->environment[count++] = (char *)own->items[i];
	}
	spawner->environment[count] = NULL;
}

static const char *search_path(char *const *environment)
{
	for (; *environment; environment++) {
		if (strncmp(*environment, "PATH=", 5) == 0)
			return *environment + 5;
	}
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
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
	for (const char *s = search_path(environment), *end; s; s = *end ? end + 1 : NULL) {
		end = s + strcspn(s, ":");
		int length = snprintf(path, sizeof(path), "%.*s%s%s", (int)(end - s), s,
			end == s ? "" : "/", argv[0]);
		if (length >= (int)sizeof(path))
			continue;
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
	int cgroup; /* directory of its cgroup, to go there first; -1: it is there, or has none */
	int status_fd;		  /* where to write what failed; -1: only into `error` */
	struct spawn_error error; /* stage: what is being done, and then what failed */
};

/* An entrypoint hands on what it was given; a pod's process begins as from nothing. */
static void restore_signals(const struct pod_spec *spec)
{
	if (spec->entrypoint && !spec->entry.reset_signals)
		signals_restore(spec->entry.blocked_signals);
	else
		signals_unblock();
}

static int child_main(void *data)
{
	struct child *child = data;
	const struct process_spec *process = child->process;
	/* An entrypoint's program stays where it is, be that a directory that it may not enter. */
	const char *directory = process->working_dir ? process->working_dir
		: child->spawner->spec->entrypoint   ? NULL
						     : "/";

	child->error.stage = STAGE_CGROUP;
	errno = child->cgroup >= 0 ? -cgroup_enter(child->cgroup) : 0;
	if (errno)
		goto fail;
	child->error.stage = STAGE_SESSION;
	errno = child->spawner->spec->entrypoint ? -terminal_enter() : setsid() < 0 ? errno : 0;
	if (errno)
		goto fail;
	child->error.stage = STAGE_STDIN;
	if (child->spawner->stdin_fd >= 0 && dup2(child->spawner->stdin_fd, STDIN_FILENO) < 0)
		goto fail;
	if (view_is_needed(process) && !view_make(process, child->spawner->volumes, &child->error))
		goto told;
	child->error.stage = STAGE_CHDIR;
	if (directory && chdir(directory) < 0)
		goto fail;
	child->error.stage = STAGE_EXEC;
	boot_restore_limits();
	restore_signals(child->spawner->spec);
	if (child->spawner->listen_pid[0])
		snprintf(child->spawner->listen_pid, sizeof(child->spawner->listen_pid),
			"LISTEN_PID=%d", (int)getpid());
	errno = execute(child->spawner->spec, (char *const *)process->argv.items,
		child->spawner->environment);
fail:
	child->error.error = errno;
told:
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

static struct spawned spawn_with_view(struct child *child)
{
	int ends[2];
	struct spawned spawned = {.pidfd = -1, .status_fd = -1};
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return failed(errno);
	child->status_fd = ends[1];
	spawned.pid = launch(child_main, child, false, CLONE_NEWNS, &child->cgroup, &spawned.pidfd);
	close(ends[1]);
	if (spawned.pid < 0) {
		close(ends[0]);
		struct spawned none = failed(-spawned.pid);
		if (spawned.pid == -EPERM)
			none.error.stage = STAGE_MOUNT_NAMESPACE;
		return none;
	}
	spawned.status_fd = ends[0];
	return spawned;
}

struct spawned spawn_process(struct spawner *spawner, int index)
{
	struct child child = {
		.spawner = spawner,
		.process = &spawner->spec->processes[index],
		.cgroup = cgroup_directory(spawner->cgroups, index),
		.status_fd = -1,
	};
	cgroup_prepare(spawner->cgroups, index);
	merge_environment(spawner, child.process);
	return view_is_needed(child.process) ? spawn_with_view(&child) : spawn_plain(&child);
}
