/* The file system view of one process. The root is changed first, by pivot_root(".", "."), with the
 * old root kept as the current directory: then a path that begins with '/' is the process's and one
 * that begins with '.' is podinit's, and no link in the new root can lead out of it. */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mount.h"

bool view_is_needed(const struct process_spec *process)
{
	return process->rootfs || process->mounts.count || process->read_only_rootfs;
}

/* Goes into the new root; the current directory is the old one afterwards. 0 or -errno. */
static int change_root(const char *rootfs)
{
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), result = 0;
	if (old < 0)
		return -errno;
	/* pivot_root() wants the new root to be a mount. */
	if (mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(rootfs) < 0 ||
		syscall(SYS_pivot_root, ".", ".") < 0 || fchdir(old) < 0)
		result = -errno;
	close(old);
	return result;
}

static int mount_proc(void)
{
	int result = mount_point_make("/proc", false, 0555);
	if (result < 0)
		return result;
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return 0;
	/* Where parts of /proc are hidden from us, the kernel lets nobody see a fresh one. */
	return mount_bind("./proc", "/proc", false);
}

static int mount_sys(void)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
	int result = mount_point_make("/sys", false, 0555);
	if (result < 0)
		return result;
	if (mount("sysfs", "/sys", "sysfs", flags, NULL) == 0)
		return 0;
	/* The network namespace is not ours (a user namespace with the machine's network). */
	return mount_bind("./sys", "/sys", true);
}

static int make_devices(void)
{
	static const char *const names[] = {"null", "zero", "full", "random", "urandom", "tty"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char source[32], target[32];
		snprintf(source, sizeof(source), "./dev/%s", names[i]);
		snprintf(target, sizeof(target), "/dev/%s", names[i]);
		/* Not made but bound: mknod() needs more rights. */
		int result = mount_bind(source, target, false);
		if (result < 0 && result != -ENOENT)
			return result;
	}
	return 0;
}

static int make_links(void)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
		{"pts/ptmx", "/dev/ptmx"},
	};
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		if (symlink(links[i][0], links[i][1]) < 0)
			return -errno;
	}
	return 0;
}

static int mount_terminals(void)
{
	if (mkdir("/dev/pts", 0755) < 0)
		return -errno;
	if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "newinstance,ptmxmode=0666,mode=0620") == 0)
		return 0;
	int result = mount_bind("./dev/pts", "/dev/pts", false);
	return result == -ENOENT ? 0 : result;
}

/* Shared memory belongs to the pod's IPC, so every process of the pod sees the same. */
static int mount_shm(void)
{
	int result = mount_bind("./dev/shm", "/dev/shm", false);
	if (result != -ENOENT)
		return result;
	if (mkdir("/dev/shm", 01777) < 0)
		return -errno;
	if (mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    "mode=1777,size=64m") < 0)
		return -errno;
	return 0;
}

static int mount_dev(void)
{
	int (*const steps[])(void) = {make_devices, make_links, mount_terminals, mount_shm};
	int result = mount_point_make("/dev", false, 0755);
	if (result == 0 &&
		mount("dev", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k") < 0)
		result = -errno;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && result == 0; i++)
		result = steps[i]();
	return result;
}

/* `volume` is a path of podinit's root, which is the current directory. */
static int mount_volume(const struct volume_mount *mount, const char *volume)
{
	char source[64];
	if (!mount->sub_path) {
		char relative[4096];
		if (snprintf(relative, sizeof(relative), ".%s", volume) >= (int)sizeof(relative))
			return -ENAMETOOLONG;
		return mount_bind(relative, mount->path, mount->read_only);
	}
	char whole[4096];
	if (snprintf(whole, sizeof(whole), ".%s", volume) >= (int)sizeof(whole))
		return -ENAMETOOLONG;
	int fd = mount_open_beneath(whole, mount->sub_path);
	if (fd < 0)
		return fd;
	/* By descriptor: a name could be replaced by a link before it is mounted. */
	snprintf(source, sizeof(source), "./proc/self/fd/%d", fd);
	int result = mount_bind(source, mount->path, mount->read_only);
	close(fd);
	return result;
}

struct view_step {
	enum spawn_stage stage;
	int (*make)(void);
};

bool view_make(const struct process_spec *process, const struct volumes *volumes,
	struct spawn_error *error)
{
	static const struct view_step own_root[] = {
		{STAGE_PROC, mount_proc}, {STAGE_SYS, mount_sys}, {STAGE_DEV, mount_dev}};
	int result = 0;

	error->stage = STAGE_MOUNT_NAMESPACE;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || chdir("/") < 0)
		goto fail;
	if (process->rootfs) {
		error->stage = STAGE_ROOTFS;
		if ((result = change_root(process->rootfs)) < 0)
			goto fail;
		for (size_t i = 0; i < sizeof(own_root) / sizeof(*own_root); i++) {
			error->stage = (uint8_t)own_root[i].stage;
			if ((result = own_root[i].make()) < 0)
				goto fail;
		}
	}
	error->stage = STAGE_VOLUME;
	for (int i = 0; i < process->mounts.count; i++) {
		const struct volume_mount *mount = &process->mounts.items[i];
		error->item = (uint16_t)i;
		result = mount_volume(mount, volumes->paths[volumes_index(volumes, mount->volume)]);
		if (result < 0)
			goto fail;
	}
	error->stage = STAGE_READ_ONLY;
	if (process->read_only_rootfs && (result = mount_read_only("/")) < 0)
		goto fail;
	error->stage = STAGE_PIVOT;
	if (process->rootfs && (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0))
		goto fail;
	*error = (struct spawn_error){0};
	return true;
fail:
	error->error = result < 0 ? -result : errno;
	return false;
}
