/* The root of a process: entered, and furnished with /proc, /sys and /dev. Must not know of volumes. */
#include "view_root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mount.h"

/* What every root of its own gets from podinit's: devices are not made but bound, since mknod()
 * needs more rights; /proc and /sys only where no fresh ones can be had. A privileged process sees
 * every device: all of /dev. */
static const struct {
	const char *path;
	enum { DEVICE, FALLBACK, PRIVILEGED } use;
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
	{"/dev", PRIVILEGED},
};

enum { SHARED_COUNT = sizeof(SHARED) / sizeof(*SHARED), PROC = 6, SYS, PTS, SHM, DEV };
_Static_assert(DEV == SHARED_COUNT - 1, "these come last, in this order");
_Static_assert((int)SHARED_COUNT <= (int)ROOT_PARTS_MAX, "they fit");

void root_parts_take(struct root_parts *parts, const struct process_spec *process)
{
	parts->process = process;
	for (int i = 0; i < SHARED_COUNT; i++)
		parts->taken[i] = SHARED[i].use == PRIVILEGED && !process->privileged
			? -ENOENT
			: mount_take(AT_FDCWD, SHARED[i].path);
}

/* Makes the current directory, which is a mount, the root. */
static int replace_root(void)
{
	/* With "." twice the old root comes to lie over the new one, and is taken away at once. */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) < 0 ? -errno : 0;
	if (errno != EINVAL)
		return -errno;
	/* What the kernel began with (an initramfs) cannot be exchanged: the new root is laid over it. No
	 * chroot() leads out of that, for ".." of what lies on the first mount's "/" is itself. In a chroot
	 * it would be different, but who is in one that is no mount does not come here: his mounts cannot
	 * be made his own. */
	return mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ? -errno : 0;
}

static int enter(const struct root_parts *parts)
{
	const char *root = parts->process->rootfs;
	if (mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(root) < 0)
		return -errno;
	int result = replace_root();
	if (result == 0 && chdir("/") < 0)
		result = -errno;
	return result < 0 || parts->process->privileged ? result : mount_without_devices("/");
}

static int mount_proc(const struct root_parts *parts)
{
	int result = mount_point_make("/proc", false, 0555);
	if (result < 0)
		return result;
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return 0;
	/* Where parts of /proc are hidden from us, the kernel lets nobody see a fresh one. */
	return mount_attach(parts->taken[PROC], "/proc", false);
}

static int mount_sys(const struct root_parts *parts)
{
	bool read_only = !parts->process->privileged;
	unsigned long flags =
		MS_NOSUID | MS_NODEV | MS_NOEXEC | (unsigned long)(read_only ? MS_RDONLY : 0);
	int result = mount_point_make("/sys", false, 0555);
	if (result < 0)
		return result;
	if (mount("sysfs", "/sys", "sysfs", flags, NULL) == 0)
		return 0;
	/* The network namespace is not ours (a user namespace with the machine's network). */
	return mount_attach(parts->taken[SYS], "/sys", read_only);
}

static int attach_devices(const struct root_parts *parts)
{
	for (int i = 0; i < SHARED_COUNT && SHARED[i].use == DEVICE; i++) {
		int result = mount_attach(parts->taken[i], SHARED[i].path, false);
		if (result < 0 && result != -ENOENT)
			return result;
	}
	return 0;
}

static int make_links(const struct root_parts *parts)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
		{"pts/ptmx", "/dev/ptmx"},
	};
	(void)parts;
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		if (symlink(links[i][0], links[i][1]) < 0)
			return -errno;
	}
	return 0;
}

static int mount_terminals(const struct root_parts *parts)
{
	if (mkdir("/dev/pts", 0755) < 0)
		return -errno;
	if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "newinstance,ptmxmode=0666,mode=0620") == 0)
		return 0;
	int result = mount_attach(parts->taken[PTS], "/dev/pts", false);
	return result == -ENOENT ? 0 : result;
}

/* Shared memory belongs to the pod's IPC, so every process of the pod sees the same. */
static int mount_shm(const struct root_parts *parts)
{
	int result = mount_attach(parts->taken[SHM], "/dev/shm", false);
	if (result != -ENOENT)
		return result;
	if (mkdir("/dev/shm", 01777) < 0)
		return -errno;
	if (mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    "mode=1777,size=64m") < 0)
		return -errno;
	return 0;
}

static int mount_dev(const struct root_parts *parts)
{
	int (*const steps[])(const struct root_parts *parts) = {
		attach_devices, make_links, mount_terminals, mount_shm};
	int result = mount_point_make("/dev", false, 0755);
	if (result == 0 && parts->process->privileged)
		return mount_attach(parts->taken[DEV], "/dev", false);
	if (result == 0 &&
		mount("dev", "/dev", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			"mode=755,size=64k") < 0)
		result = -errno;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && result == 0; i++)
		result = steps[i](parts);
	return result;
}

int root_change(const struct root_parts *parts, struct spawn_error *error)
{
	static const struct {
		enum spawn_stage stage;
		int (*make)(const struct root_parts *parts);
	} steps[] = {{STAGE_ROOTFS, enter}, {STAGE_PROC, mount_proc}, {STAGE_SYS, mount_sys},
		{STAGE_DEV, mount_dev}};
	int result = 0;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && result == 0; i++) {
		error->stage = (uint16_t)steps[i].stage;
		result = steps[i].make(parts);
	}
	return result;
}
