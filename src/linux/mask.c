/* Masks over /proc and /sys, as container runtimes have them. Must not decide who gets them. */
#include "mask.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "mount.h"

static const struct {
	const char *path;
	enum { HIDDEN, READ_ONLY } how;
} MASKS[] = {
	{"/proc/acpi", HIDDEN},
	{"/proc/asound", HIDDEN},
	{"/proc/kcore", HIDDEN},
	{"/proc/keys", HIDDEN},
	{"/proc/latency_stats", HIDDEN},
	{"/proc/timer_list", HIDDEN},
	{"/proc/timer_stats", HIDDEN},
	{"/proc/sched_debug", HIDDEN},
	{"/proc/scsi", HIDDEN},
	{"/sys/firmware", HIDDEN},
	{"/proc/bus", READ_ONLY},
	{"/proc/fs", READ_ONLY},
	{"/proc/irq", READ_ONLY},
	{"/proc/sys", READ_ONLY},
	{"/proc/sysrq-trigger", READ_ONLY},
};

/* A directory becomes an empty one, a file /dev/null. */
static int hide(const char *path, bool is_directory)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int result = is_directory ? mount("tmpfs", path, "tmpfs", flags, "size=0k,mode=755")
				  : mount("/dev/null", path, NULL, MS_BIND, NULL);
	return result < 0 ? -errno : 0;
}

static int make_read_only(const char *path)
{
	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
		return -errno;
	return mount_read_only(path);
}

int mask_proc(const char **failed)
{
	for (size_t i = 0; i < sizeof(MASKS) / sizeof(*MASKS); i++) {
		struct stat status;
		int result = 0;
		/* What is there depends on the kernel, and on who may see it. */
		if (stat(MASKS[i].path, &status) < 0)
			continue;
		if (MASKS[i].how == HIDDEN)
			result = hide(MASKS[i].path, S_ISDIR(status.st_mode));
		else
			result = make_read_only(MASKS[i].path);
		if (result < 0) {
			if (failed)
				*failed = MASKS[i].path;
			return result;
		}
	}
	return 0;
}
