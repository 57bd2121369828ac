/* Reading a pid file, which somebody may have prepared. Must not look at who the number is, but for its user. */
#include "pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

enum { SIZE_MAX_BYTES = 32 };

/* For reading; where podinit may not, as the file's owner. /proc has to be podinit's own, still. */
static int open_found(int found, int proc, uid_t owner)
{
	char path[32];
	snprintf(path, sizeof(path), "self/fd/%d", found);
	int fd = openat(proc, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES) {
		setfsuid(owner);
		fd = openat(proc, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

/* One number, and at most blanks behind it. */
static bool parse(char *text, size_t length, pid_t *pid)
{
	char *end;
	text[length] = '\0';
	if (text[0] < '0' || text[0] > '9' || strlen(text) != length)
		return false;
	errno = 0;
	long number = strtol(text, &end, 10);
	if (errno || end[strspn(end, " \t\r\n")] || number < 1 || number > INT32_MAX)
		return false;
	*pid = (pid_t)number;
	return true;
}

static bool is_trusted(const struct stat *file, int proc, pid_t pid)
{
	struct stat owner;
	char path[16];
	snprintf(path, sizeof(path), "%d", (int)pid);
	bool is_its = fstatat(proc, path, &owner, 0) == 0 && owner.st_uid == file->st_uid;
	return !(file->st_mode & (S_IWGRP | S_IWOTH)) &&
		(is_its || file->st_uid == 0 || file->st_uid == geteuid());
}

struct pid_file pid_file_read(const struct world *world, const char *path)
{
	char text[SIZE_MAX_BYTES + 2];
	struct stat status;
	struct pid_file result = {.problem = PID_FILE_UNREADABLE};
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	result.error = world ? -world_join_mounts(world) : 0;
	if (result.error)
		return result;
	int found = open(path, O_PATH | O_CLOEXEC);
	if (found < 0 || fstat(found, &status) < 0) {
		result.error = errno;
		return result;
	}
	if (!S_ISREG(status.st_mode)) {
		result.problem = PID_FILE_NO_FILE;
		return result;
	}
	int fd = open_found(found, proc, status.st_uid);
	ssize_t length = fd < 0 ? -1 : read(fd, text, SIZE_MAX_BYTES + 1);
	if (length < 0) {
		result.error = fd < 0 ? -fd : errno;
		return result;
	}
	if (length > SIZE_MAX_BYTES || !parse(text, (size_t)length, &result.pid))
		result.problem = PID_FILE_NO_NUMBER;
	else
		result.problem =
			is_trusted(&status, proc, result.pid) ? PID_FILE_GOOD : PID_FILE_WRITABLE;
	return result;
}
