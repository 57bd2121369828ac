/* podinit's own process. */
#include "boot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct rlimit inherited_files;
static bool files_raised;

/* podinit's own descriptors are closed on exec from birth; none that it was given is, or it would not
 * have been given. */
static void close_if_given(int fd, uint64_t kept)
{
	bool is_kept = fd < 64 && kept & UINT64_C(1) << fd;
	if (fd > STDERR_FILENO && !is_kept && fcntl(fd, F_GETFD) == 0)
		close(fd);
}

/* Closes what podinit was given, but for `kept` (bits), and the standard descriptors. */
static void close_given(uint64_t kept)
{
	DIR *own = opendir("/proc/self/fd");
	/* Without /proc: as far as descriptors usually go. */
	for (int fd = 0; !own && fd < 1024; fd++)
		close_if_given(fd, kept);
	for (struct dirent *entry; own && (entry = readdir(own));)
		close_if_given(atoi(entry->d_name), kept);
	if (own)
		closedir(own);
}

/* Whatever was not found above does not reach the children at least, however high its number. (Before
 * Linux 5.11, or where a filter refuses it, it does.) */
static void close_on_exec(uint64_t kept)
{
	syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
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

void boot_standard_descriptors(const char *path)
{
	int fd;
	/* The lowest free number is given out: past 2, all three are there. */
	while ((fd = open(path, O_RDWR | O_NOCTTY)) >= 0 && fd <= STDERR_FILENO)
		;
	if (fd >= 0)
		close(fd);
}

static void leave_directory(void)
{
	/* Where even that is refused, the directory is held. */
	if (chdir("/") < 0)
		return;
}

void boot_prepare(const struct pod_spec *spec)
{
	if (!spec->entry.keep_all_descriptors) {
		close_given(spec->entry.kept_descriptors);
		close_on_exec(spec->entry.kept_descriptors);
	}
	raise_files();
	if (!spec->entrypoint)
		leave_directory();
}

void boot_let_go(const struct pod_spec *spec)
{
	const struct entrypoint_spec *entry = &spec->entry;
	bool any_left = entry->keep_all_descriptors || entry->kept_descriptors;
	leave_directory();
	if (any_left && !entry->hold_descriptors)
		close_given(0);
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

int boot_become_helper(int fd, int parent)
{
	boot_parent_death_signal(SIGKILL, parent);
	if (dup2(fd, STDIN_FILENO) < 0)
		return -errno;
	if (syscall(SYS_close_range, STDIN_FILENO + 1, ~0U, 0) < 0) {
		for (int other = STDIN_FILENO + 1; other < 1024; other++)
			close(other);
	}
	return 0;
}

void boot_restore_limits(void)
{
	if (files_raised)
		setrlimit(RLIMIT_NOFILE, &inherited_files);
}
