/* Single mounts. Must not know what they are for. */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* One directory of a path that may be there already. */
static int make_directory(const char *path, mode_t mode)
{
	return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

int mount_point_make(const char *path, bool file, mode_t mode)
{
	char part[PATH_MAX];
	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	strcpy(part, path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int result = make_directory(part, mode);
		*slash = '/';
		if (result < 0)
			return result;
	}
	if (!file)
		return make_directory(part, mode);
	struct stat status;
	if (stat(part, &status) == 0)
		return 0;
	int fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* Adds flags to those of what is mounted there. */
static int remount(const char *path, unsigned long added)
{
	/* A remount replaces all flags, and in a user namespace those that came from outside must
	 * stay. */
	static const struct {
		unsigned long statvfs, mount;
	} flags[] = {{ST_NOSUID, MS_NOSUID}, {ST_NODEV, MS_NODEV}, {ST_NOEXEC, MS_NOEXEC},
		{ST_NOATIME, MS_NOATIME}, {ST_NODIRATIME, MS_NODIRATIME},
		{ST_RELATIME, MS_RELATIME}};
	unsigned long keep = 0;
	struct statvfs now;
	if (statvfs(path, &now) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (now.f_flag & flags[i].statvfs)
			keep |= flags[i].mount;
	}
	if (now.f_flag & ST_RDONLY)
		keep |= MS_RDONLY;
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | added | keep, NULL) < 0)
		return -errno;
	return 0;
}

int mount_read_only(const char *path)
{
	return remount(path, MS_RDONLY);
}

int mount_without_devices(const char *path)
{
	struct mount_attr no_devices = {.attr_set = MOUNT_ATTR_NODEV};
	if (mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &no_devices, sizeof(no_devices)) == 0)
		return 0;
	return errno == ENOSYS || errno == EPERM ? remount(path, MS_NODEV) : -errno;
}

int mount_read_only_tree(int taken)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	if (mount_setattr(taken, "", AT_EMPTY_PATH | AT_RECURSIVE, &read_only, sizeof(read_only)) <
		0)
		return -errno;
	return 0;
}

int mount_take(int at, const char *path)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH;
	int fd = open_tree(at, path, flags);
	return fd < 0 ? -errno : fd;
}

int mount_attach(int taken, const char *target, bool read_only)
{
	struct stat status;
	if (taken < 0)
		return taken;
	if (fstat(taken, &status) < 0)
		return -errno;
	bool file = !S_ISDIR(status.st_mode);
	int result = mount_point_make(target, file, 0755);
	if (result < 0)
		return result;
	/* The kernel says only "invalid" to a file on a directory. */
	if (stat(target, &status) == 0 && file == S_ISDIR(status.st_mode))
		return -ENOTDIR;
	if (move_mount(taken, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return read_only ? mount_read_only(target) : 0;
}
