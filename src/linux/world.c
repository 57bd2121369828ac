/* Handing over and joining namespaces. Must not make any. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = 2 };

const struct world WORLD_NONE = {.mounts = -1, .pids = -1};

/* Room for descriptors beside a message, aligned as they must be. */
union control {
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct cmsghdr header;
};

bool world_is_needed(const struct pod_spec *pod, const struct process_spec *process)
{
	return spec_runs_beside(process) && spec_needs_view(pod, process);
}

static int open_own(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

void world_send(int socket, bool with_pids)
{
	struct spawn_error nothing = {0};
	struct iovec bytes = {&nothing, sizeof(nothing)};
	union control control = {0};
	int fds[FDS_MAX] = {
		open_own("/proc/self/ns/mnt"), with_pids ? open_own("/proc/self/ns/pid") : -1};
	size_t count = fds[0] < 0 ? 0 : fds[1] < 0 ? 1 : 2;
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	if (count)
		sendmsg(socket, &message, MSG_NOSIGNAL);
	for (int i = 0; i < FDS_MAX; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* The first is of mounts, the second, if there is one, of process numbers. */
static void take(struct msghdr *message, struct world *world)
{
	struct world came = WORLD_NONE;
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return;
	size_t size = header->cmsg_len - CMSG_LEN(0);
	memcpy(&came.mounts, CMSG_DATA(header), sizeof(int));
	if (size >= FDS_MAX * sizeof(int))
		memcpy(&came.pids, CMSG_DATA(header) + sizeof(int), sizeof(int));
	if (world) {
		world_close(world);
		*world = came;
	} else {
		world_close(&came);
	}
}

long world_receive(int fd, struct spawn_error *error, struct world *world)
{
	struct iovec bytes = {error, sizeof(*error)};
	union control control;
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (length < 0 && errno == ENOTSOCK)
		return read(fd, error, sizeof(*error));
	if (length > 0)
		take(&message, world);
	return length;
}

void world_close(struct world *world)
{
	if (world->mounts >= 0)
		close(world->mounts);
	if (world->pids >= 0)
		close(world->pids);
	*world = WORLD_NONE;
}

/* ESRCH is what whoever looks for it by its number would get. */
static int join(int fd, int kind)
{
	if (fd < 0)
		return -ESRCH;
	return setns(fd, kind) < 0 ? -errno : 0;
}

int world_join_mounts(const struct world *world)
{
	return join(world->mounts, CLONE_NEWNS);
}

int world_join_pids(const struct world *world)
{
	return join(world->pids, CLONE_NEWPID);
}
