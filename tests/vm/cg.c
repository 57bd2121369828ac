/* What the tests of cgroups let run in the machine:
 *
 *     cg hog MIB               takes so much memory, says so, and keeps it
 *     cg spin                  takes all the processor time that it gets
 *     cg forks                 forks until it may not, says how often, and keeps them
 *     cg detach SECONDS        leaves a process behind by two forks and a session, as a daemon does
 *     cg kill-each DIRECTORY   podinit's way to kill a cgroup where the kernel has no cgroup.kill
 *     cg mark DIRECTORY        systemd's mark of a cgroup that is delegated
 *     cg in DIRECTORY PROGRAM...       runs it in that cgroup
 *     cg as UID PROGRAM...             as that user
 *     cg out PROGRAM...                when it has got out of its root, if a chroot() leads out of that
 *     cg namespace PROGRAM...          in a cgroup namespace of its own, which is what it sees mounted
 *     cg read-only PROGRAM...          the same, and it cannot write there */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../src/linux/cgroup_file.h"
#include "../../src/linux/cgroup_kill.h"

static void check(int result, const char *what)
{
	if (result < 0)
		err(99, "%s", what);
}

static void hog(long mebibytes)
{
	for (long i = 0; i < mebibytes; i++)
		memset(malloc(1 << 20), 'x', 1 << 20);
	printf("has %ld MiB\n", mebibytes);
}

static void forks(void)
{
	int count = 0;
	pid_t child;
	while ((child = fork()) > 0)
		count++;
	if (child == 0)
		pause();
	printf("forked %d times: %s\n", count, strerror(errno));
	fflush(stdout);
}

static void detach(unsigned seconds)
{
	pid_t child = fork();
	check(child, "fork");
	if (child) {
		waitpid(child, NULL, 0);
		return;
	}
	setsid();
	if (fork() == 0)
		sleep(seconds);
	_exit(0);
}

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fd, path);
	return fd;
}

static void own_namespace(unsigned long read_only)
{
	check(unshare(CLONE_NEWCGROUP | CLONE_NEWNS), "unshare");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	check(umount2("/sys/fs/cgroup", MNT_DETACH), "umount");
	check(mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL), "mount");
	check(mount(NULL, "/sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND | read_only, NULL), "bind");
}

static void get_out(void)
{
	check(mkdir("/tmp/below", 0755), "mkdir");
	check(chroot("/tmp/below"), "chroot");
	for (int i = 0; i < 20; i++)
		check(chdir(".."), "chdir");
	check(chroot("."), "chroot");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *value = argc > 2 ? argv[2] : "";
	char **program = NULL;
	if (strcmp(what, "hog") == 0)
		hog(atol(value));
	else if (strcmp(what, "forks") == 0)
		forks();
	else if (strcmp(what, "detach") == 0)
		return detach((unsigned)atoi(value)), 0;
	else if (strcmp(what, "kill-each") == 0)
		return cgroup_kill_each(open_directory(value)), 0;
	else if (strcmp(what, "mark") == 0)
		return check(setxattr(value, "user.delegate", "1", 1, 0), value), 0;
	else if (strcmp(what, "in") == 0)
		check(cgroup_move(open_directory(value), 0), value), program = argv + 3;
	else if (strcmp(what, "as") == 0)
		check(setuid((uid_t)atoi(value)), value), program = argv + 3;
	else if (strcmp(what, "out") == 0)
		get_out(), program = argv + 2;
	else if (strcmp(what, "namespace") == 0)
		own_namespace(0), program = argv + 2;
	else if (strcmp(what, "read-only") == 0)
		own_namespace(MS_RDONLY), program = argv + 2;
	else if (strcmp(what, "spin") == 0)
		for (volatile long i = 0;; i++)
			;
	else
		errx(99, "%s?", what);
	if (program) {
		execvp(program[0], program);
		err(127, "%s", program[0]);
	}
	fflush(stdout);
	for (;;)
		pause();
}
