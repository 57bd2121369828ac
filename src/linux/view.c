/* The file system view of one process, in three steps: take what comes from podinit's own root (a
 * copy of the mounts there, attached nowhere), leave that root for good, attach everything in the
 * new one. So whatever links the new root holds, they lead nowhere but into it. */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mount.h"

/* What every root of its own gets from podinit's: devices are not made but bound, since mknod()
 * needs more rights; /proc and /sys only where no fresh ones can be had. */
static const struct {
	const char *path;
	enum { DEVICE, FALLBACK } use;
} SHARED[] = {
	{"/dev/null", DEVICE},
	{"/dev/zero", DEVICE},
	{"/dev/full", DEVICE},
	{"/dev/random", DEVICE},
	{"/dev/urandom", DEVICE},
	{"/dev/tty", DEVICE},
	{"/proc", FALLBACK},
	{"/sys", FALLBACK},
	{"/dev/pts", FALLBACK},
	{"/dev/shm", FALLBACK},
};

enum { SHARED_COUNT = sizeof(SHARED) / sizeof(*SHARED), PROC = 6, SYS, PTS, SHM };
_Static_assert(SHM == SHARED_COUNT - 1, "the fallbacks come last, in this order");

/* Descriptors from mount_take(), or its -errno. */
struct taken {
	int shared[SHARED_COUNT];
	int *volumes; /* of each volumeMount */
};

bool view_is_needed(const struct process_spec *process)
{
	return process->rootfs || process->mounts.count || process->read_only_rootfs;
}

/* Leaves podinit's root for good. 0 or -errno. */
static int change_root(const char *rootfs)
{
	/* pivot_root() wants the new root to be a mount. With "." twice the old root comes to lie
	 * over the new one, and is taken away at once. */
	if (mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(rootfs) < 0 ||
		syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
		chdir("/") < 0)
		return -errno;
	return 0;
}

static int take_sub_path(const char *volume, const char *sub_path)
{
	int fd = mount_open_beneath(volume, sub_path);
	if (fd < 0)
		return fd;
	int taken = mount_take(fd, "");
	close(fd);
	return taken;
}

static int mount_proc(const struct taken *taken)
{
	int result = mount_point_make("/proc", false, 0555);
	if (result < 0)
		return result;
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return 0;
	/* Where parts of /proc are hidden from us, the kernel lets nobody see a fresh one. */
	return mount_attach(taken->shared[PROC], "/proc", false);
}

static int mount_sys(const struct taken *taken)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
	int result = mount_point_make("/sys", false, 0555);
	if (result < 0)
		return result;
	if (mount("sysfs", "/sys", "sysfs", flags, NULL) == 0)
		return 0;
	/* The network namespace is not ours (a user namespace with the machine's network). */
	return mount_attach(taken->shared[SYS], "/sys", true);
}

static int attach_devices(const struct taken *taken)
{
	for (int i = 0; i < SHARED_COUNT && SHARED[i].use == DEVICE; i++) {
		int result = mount_attach(taken->shared[i], SHARED[i].path, false);
		if (result < 0 && result != -ENOENT)
			return result;
	}
	return 0;
}

static int make_links(const struct taken *taken)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
		{"pts/ptmx", "/dev/ptmx"},
	};
	(void)taken;
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		if (symlink(links[i][0], links[i][1]) < 0)
			return -errno;
	}
	return 0;
}

static int mount_terminals(const struct taken *taken)
{
	if (mkdir("/dev/pts", 0755) < 0)
		return -errno;
	if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "newinstance,ptmxmode=0666,mode=0620") == 0)
		return 0;
	int result = mount_attach(taken->shared[PTS], "/dev/pts", false);
	return result == -ENOENT ? 0 : result;
}

/* Shared memory belongs to the pod's IPC, so every process of the pod sees the same. */
static int mount_shm(const struct taken *taken)
{
	int result = mount_attach(taken->shared[SHM], "/dev/shm", false);
	if (result != -ENOENT)
		return result;
	if (mkdir("/dev/shm", 01777) < 0)
		return -errno;
	if (mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    "mode=1777,size=64m") < 0)
		return -errno;
	return 0;
}

static int mount_dev(const struct taken *taken)
{
	int (*const steps[])(const struct taken *taken) = {
		attach_devices, make_links, mount_terminals, mount_shm};
	int result = mount_point_make("/dev", false, 0755);
	if (result == 0 &&
		mount("dev", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k") < 0)
		result = -errno;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && result == 0; i++)
		result = steps[i](taken);
	return result;
}

/* Everything that comes from podinit's root. What is missing is told when it is needed. */
static int take_all(
	struct taken *taken, const struct process_spec *process, const struct volumes *volumes)
{
	int count = process->mounts.count;
	for (int i = 0; i < SHARED_COUNT; i++)
		taken->shared[i] = process->rootfs ? mount_take(AT_FDCWD, SHARED[i].path) : -ENOENT;
	/* A forked child, not a vforked one: it may allocate. */
	taken->volumes = malloc(sizeof(int) * (size_t)(count + 1));
	if (!taken->volumes)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		const struct volume_mount *mount = &process->mounts.items[i];
		const char *path = volumes->paths[volumes_index(volumes, mount->volume)];
		taken->volumes[i] = mount->sub_path ? take_sub_path(path, mount->sub_path)
						    : mount_take(AT_FDCWD, path);
	}
	return 0;
}

struct view_step {
	enum spawn_stage stage;
	int (*make)(const struct taken *taken);
};

bool view_make(const struct process_spec *process, const struct volumes *volumes,
	struct spawn_error *error)
{
	static const struct view_step own_root[] = {
		{STAGE_PROC, mount_proc}, {STAGE_SYS, mount_sys}, {STAGE_DEV, mount_dev}};
	struct taken taken;
	int result;

	error->stage = STAGE_MOUNT_NAMESPACE;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		result = -errno;
		goto fail;
	}
	if ((result = take_all(&taken, process, volumes)) < 0)
		goto fail;
	error->stage = STAGE_ROOTFS;
	if (process->rootfs && (result = change_root(process->rootfs)) < 0)
		goto fail;
	for (size_t i = 0; process->rootfs && i < sizeof(own_root) / sizeof(*own_root); i++) {
		error->stage = (uint16_t)own_root[i].stage;
		if ((result = own_root[i].make(&taken)) < 0)
			goto fail;
	}
	error->stage = STAGE_VOLUME;
	for (int i = 0; i < process->mounts.count; i++) {
		const struct volume_mount *mount = &process->mounts.items[i];
		error->item = (uint16_t)i;
		result = mount_attach(taken.volumes[i], mount->path, mount->read_only);
		if (result < 0)
			goto fail;
	}
	error->stage = STAGE_READ_ONLY;
	if (process->read_only_rootfs && (result = mount_read_only("/")) < 0)
		goto fail;
	*error = (struct spawn_error){0};
	return true;
fail:
	error->error = -result;
	return false;
}
