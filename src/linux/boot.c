/* podinit's own process. */
#include "boot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct rlimit inherited_files;
static bool files_raised;

/* Descriptors that podinit was given and does not know are not for its children. */
static void close_on_exec(uint64_t kept)
{
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
		/* Before Linux 5.11, or refused by a filter. */
		for (int fd = 3; fd < 1024; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	for (int fd = 3; fd < 64; fd++) {
		if (kept & UINT64_C(1) << fd)
			fcntl(fd, F_SETFD, 0);
	}
}

/* A descriptor per process is not much, but more than a soft limit of 1024 has for 1,000. */
static void raise_files(void)
{
	if (getrlimit(RLIMIT_NOFILE, &inherited_files) < 0)
		return;
	struct rlimit most = {inherited_files.rlim_max, inherited_files.rlim_max};
	files_raised = setrlimit(RLIMIT_NOFILE, &most) == 0;
}

void boot_standard_descriptors(void)
{
	int fd;
	/* The lowest free number is given out: past 2, all three are there. */
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd >= 0)
		close(fd);
}

void boot_prepare(const struct pod_spec *spec)
{
	if (!spec->entry.keep_all_descriptors)
		close_on_exec(spec->entry.kept_descriptors);
	raise_files();
	if (!spec->entrypoint)
		boot_leave_directory();
}

void boot_leave_directory(void)
{
	/* Where even that is refused, the directory is held. */
	if (chdir("/") < 0)
		return;
}

int boot_become_subreaper(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

bool boot_is_subreaper(void)
{
	int is_one = 0;
	return prctl(PR_GET_CHILD_SUBREAPER, &is_one, 0, 0, 0) == 0 && is_one;
}

int boot_parent_death_signal(int signo, int parent)
{
	if (prctl(PR_SET_PDEATHSIG, signo, 0, 0, 0) < 0)
		return -errno;
	if (getppid() != parent)
		raise(signo);
	return 0;
}

void boot_restore_limits(void)
{
	if (files_raised)
		setrlimit(RLIMIT_NOFILE, &inherited_files);
}
