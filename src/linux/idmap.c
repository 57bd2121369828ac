/* Idmapped mounts. Must not know what the paths are for. */
#include "idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "log.h"

static int open_namespace(pid_t pid, const char *kind)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* A copy of what is mounted at the path, with other users. A descriptor or -errno. */
static int take_mapped(const char *path, int users)
{
	struct mount_attr mapped = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)users};
	/* What a process has as its root does not become another one by a mount on it. */
	if (strcmp(path, "/") == 0)
		return -EINVAL;
	int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		return -errno;
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &mapped, sizeof(mapped)) == 0)
		return tree;
	int error = errno;
	close(tree);
	return -error;
}

/* All are taken before the first is attached, in a process that goes over to the pod's mounts for that. */
static int mount_all(int users, int mounts, const struct strings *paths)
{
	int trees[paths->count];
	for (int i = 0; i < paths->count; i++) {
		trees[i] = take_mapped(paths->items[i], users);
		if (trees[i] < 0 && trees[i] != -ENOENT)
			log_line("hostUsers: in the pod %s belongs to nobody: no mount of it can "
				 "have other users: %s",
				paths->items[i], strerror(-trees[i]));
	}
	if (setns(mounts, CLONE_NEWNS) < 0)
		return -errno;
	for (int i = 0; i < paths->count; i++) {
		if (trees[i] >= 0 &&
			move_mount(trees[i], "", AT_FDCWD, paths->items[i],
				MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return -errno;
	}
	return 0;
}

int idmap_mount(pid_t pid, const struct strings *paths)
{
	int status = -1, users = open_namespace(pid, "user"), mounts = open_namespace(pid, "mnt");
	int result = users < 0 || mounts < 0 ? -errno : 0;
	pid_t helper = result < 0 || !paths->count ? 0 : launch_fork(0);
	if (helper == 0 && paths->count && result == 0)
		_exit(-mount_all(users, mounts, paths)); /* errno is less than 256 */
	while (helper > 0 && waitpid(helper, &status, 0) < 0 && errno == EINTR)
		;
	if (helper < 0)
		result = helper;
	else if (helper > 0)
		result = WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
	if (users >= 0)
		close(users);
	if (mounts >= 0)
		close(mounts);
	return result;
}
