/* Joining namespaces. Must not make any: sandbox.c does. */
#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "log.h"

static const struct {
	int flag;
	const char *name; /* of the option --join-NAME, and in /proc/PID/ns */
	const char *what;
	bool of_process; /* --join PID means it too */
} NAMESPACES[] = {
	[NAMESPACE_NET] = {CLONE_NEWNET, "net", "a network namespace", true},
	[NAMESPACE_IPC] = {CLONE_NEWIPC, "ipc", "an IPC namespace", true},
	[NAMESPACE_UTS] = {CLONE_NEWUTS, "uts", "a UTS namespace", true},
	/* Not by --join: in a pod whose processes do not share it, it is the other process's own. */
	[NAMESPACE_PID] = {CLONE_NEWPID, "pid", "a PID namespace", false},
};
_Static_assert(sizeof(NAMESPACES) / sizeof(*NAMESPACES) == NAMESPACE_COUNT, "a row per namespace");

unsigned long namespace_flag(enum namespace_kind kind)
{
	return (unsigned long)NAMESPACES[kind].flag;
}

static bool complain(const struct join *join, enum namespace_kind kind, const char *why)
{
	if (join->paths[kind])
		log_line("--join-%s %s: %s", NAMESPACES[kind].name, join->paths[kind], why);
	else
		log_line("--join %s: its %s namespace: %s", join->process, NAMESPACES[kind].name,
			why);
	return false;
}

static bool open_one(const struct join *join, enum namespace_kind kind, int *fd)
{
	char of_process[64], why[64];
	const char *path = join->paths[kind];
	if (!path && !(join->process && NAMESPACES[kind].of_process))
		return true;
	snprintf(of_process, sizeof(of_process), "/proc/%d/ns/%s",
		join->process ? atoi(join->process) : 0, NAMESPACES[kind].name);
	/* Whatever else the path is, opening it must not wait. */
	*fd = open(path ? path : of_process, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0)
		return complain(join, kind, strerror(!path && errno == ENOENT ? ESRCH : errno));
	if (ioctl(*fd, NS_GET_NSTYPE) == NAMESPACES[kind].flag)
		return true;
	snprintf(why, sizeof(why), "is not %s", NAMESPACES[kind].what);
	return complain(join, kind, why);
}

bool namespaces_open(const struct join *join, struct joined *joined)
{
	for (int kind = 0; kind < NAMESPACE_COUNT; kind++)
		joined->fds[kind] = -1;
	for (int kind = 0; kind < NAMESPACE_COUNT; kind++) {
		if (!open_one(join, (enum namespace_kind)kind, &joined->fds[kind]))
			return false;
	}
	return true;
}

bool namespaces_are_none(const struct joined *joined)
{
	for (int kind = 0; kind < NAMESPACE_COUNT; kind++) {
		if (joined->fds[kind] >= 0)
			return false;
	}
	return true;
}

/* The user namespace that the other one belongs to, if this process is not in it and may be. */
static bool enter_its_users(int fd)
{
	int users = ioctl(fd, NS_GET_USERNS);
	if (users < 0)
		return false;
	bool entered = setns(users, CLONE_NEWUSER) == 0;
	close(users);
	return entered;
}

bool namespaces_enter(const struct join *join, const struct joined *joined, bool *became_its_root)
{
	*became_its_root = false;
	for (int kind = 0; kind < NAMESPACE_COUNT; kind++) {
		int fd = joined->fds[kind], flag = NAMESPACES[kind].flag;
		if (fd < 0 || setns(fd, flag) == 0)
			continue;
		int error = errno;
		if (error != EPERM || *became_its_root || !enter_its_users(fd))
			return complain(join, (enum namespace_kind)kind, strerror(error));
		*became_its_root = true;
		if (setns(fd, flag) < 0)
			return complain(join, (enum namespace_kind)kind, strerror(errno));
	}
	return true;
}

void namespaces_close(struct joined *joined)
{
	for (int kind = 0; kind < NAMESPACE_COUNT; kind++) {
		if (joined->fds[kind] >= 0)
			close(joined->fds[kind]);
		joined->fds[kind] = -1;
	}
}
