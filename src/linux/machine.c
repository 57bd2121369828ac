/* The first process of a machine. Must not know what runs there, nor end anything that does. */
#include "machine.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../spec/security.h"
#include "boot.h"
#include "log.h"
#include "loopback.h"
#include "mount.h"

#define SAFE (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* In this order. /dev is the first, because what fails is said on the console. */
static const struct {
	const char *type, *path;
	unsigned long flags;
	const char *options;
} MOUNTS[] = {
	{"devtmpfs", "/dev", MS_NOSUID, "mode=0755"},
	{"proc", "/proc", SAFE, NULL},
	{"sysfs", "/sys", SAFE, NULL},
	{"cgroup2", "/sys/fs/cgroup", SAFE, NULL},
	{"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=0620,ptmxmode=0666"},
	{"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"},
	{"tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755"},
};

/* What programs expect in /dev and the kernel does not put there. */
static const struct {
	const char *path, *target;
} LINKS[] = {
	{"/dev/fd", "/proc/self/fd"},
	{"/dev/stdin", "/proc/self/fd/0"},
	{"/dev/stdout", "/proc/self/fd/1"},
	{"/dev/stderr", "/proc/self/fd/2"},
};

enum {
	SETTLE_SECONDS =
		30, /* that file systems have at the end: the machine is not to hang for ever */
	LOOKS_A_SECOND = 100,
};

/* kthreadd, the kernel's process 2, is in no PID namespace but the machine's, and neither is its process
 * group, which has no number. And what Ctrl-Alt-Del means the kernel lets nobody say in another one
 * (EINVAL), so this is also where that is done. The first test comes first because a filter may kill who
 * calls reboot(). */
bool machine_is_ours(void)
{
	return getpid() == 1 && getpgid(2) == 0 && reboot(RB_DISABLE_CAD) == 0;
}

/* --- the beginning --- */

static bool is_mount_point(const char *path)
{
	char above[64];
	struct stat status, parent;
	snprintf(above, sizeof(above), "%s/..", path);
	return stat(path, &status) == 0 && stat(above, &parent) == 0 &&
		status.st_dev != parent.st_dev;
}

static void mount_missing(
	const char *type, const char *path, unsigned long flags, const char *options)
{
	if (is_mount_point(path))
		return;
	int result = mount_point_make(path, false, 0755);
	if (result == 0 && mount(type, path, type, flags, options) < 0)
		result = -errno;
	if (result < 0)
		log_line("cannot mount %s: %s", path, strerror(-result));
}

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(MOUNTS) / sizeof(*MOUNTS); i++) {
		mount_missing(MOUNTS[i].type, MOUNTS[i].path, MOUNTS[i].flags, MOUNTS[i].options);
		if (i == 0)
			boot_standard_descriptors("/dev/console");
	}
	for (size_t i = 0; i < sizeof(LINKS) / sizeof(*LINKS); i++) {
		if (symlink(LINKS[i].target, LINKS[i].path) < 0 && errno != EEXIST)
			log_line("cannot make %s: %s", LINKS[i].path, strerror(errno));
	}
}

/* The kernel hands on every word that it does not know (splash, single, 3), before those behind "--". An
 * option begins with a dash, and a program is named by its path here, so none is taken for one. */
static void drop_kernel_words(int *argc, char **argv)
{
	int first = 1;
	for (; first < *argc && argv[first][0] != '-' && argv[first][0] != '/'; first++)
		log_line("kernel command line: '%s' is neither an option nor the path of a "
			 "program: ignored",
			argv[first]);
	if (first == 1)
		return;
	/* The NULL at the end, too. */
	memmove(&argv[1], &argv[first], sizeof(*argv) * (size_t)(*argc - first + 1));
	*argc -= first - 1;
}

void machine_begin(int *argc, char **argv)
{
	if (!machine_is_ours())
		return;
	mount_all();
	int result = loopback_up();
	if (result < 0)
		log_line("cannot bring the loopback interface up: %s", strerror(-result));
	/* That of containers. The kernel gives none. */
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0);
	drop_kernel_words(argc, argv);
}

void machine_set_name(const char *name)
{
	if (name && machine_is_ours() && sethostname(name, strlen(name)) < 0)
		log_line("cannot set the host name %s: %s", name, strerror(errno));
}

/* --- the end --- */

/* Those on devices; the others have nothing to lose, or lie on a server that may be gone. */
static void make_read_only(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	for (struct mntent *entry; mounts && (entry = getmntent(mounts));) {
		if (entry->mnt_fsname[0] == '/')
			mount(NULL, entry->mnt_dir, NULL, MS_REMOUNT | MS_RDONLY, NULL);
	}
	if (mounts)
		endmntent(mounts);
}

/* All that may take long, or for ever: a disk, a server, a serial line. */
static void settle(int exit_code)
{
	sync();
	make_read_only();
	/* What the line does not take at once is lost: let it become empty first. */
	tcdrain(STDERR_FILENO);
	log_line("powers the machine off; the exit code is %d", exit_code);
	tcdrain(STDERR_FILENO);
}

/* In a process of its own, so that podinit can do without. */
static void settle_in_time(int exit_code)
{
	static const struct timespec between = {.tv_nsec = NS_PER_SECOND / LOOKS_A_SECOND};
	pid_t child = fork();
	if (child <= 0)
		settle(exit_code);
	if (child == 0)
		_exit(0);
	for (int i = 0; child > 0 && i < SETTLE_SECONDS * LOOKS_A_SECOND; i++) {
		if (waitpid(child, NULL, WNOHANG) != 0)
			return;
		nanosleep(&between, NULL);
	}
	if (child > 0)
		log_line("powers the machine off before all is written: that takes more than %d s; "
			 "the exit code is %d",
			SETTLE_SECONDS, exit_code);
}

uint64_t machine_capabilities(void)
{
	if (!machine_is_ours())
		return 0;
	return capability_bit("SYS_BOOT") | capability_bit("SYS_ADMIN");
}

int machine_end(int exit_code)
{
	if (!machine_is_ours())
		return exit_code;
	fflush(NULL);
	settle_in_time(exit_code);
	reboot(RB_POWER_OFF);
	log_line("cannot power the machine off: %s", strerror(errno));
	return exit_code;
}
