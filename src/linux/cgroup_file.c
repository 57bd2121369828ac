/* Reading and writing the files of a cgroup. Must not know which cgroup, nor why. */
#include "cgroup_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t cgroup_read(int directory, const char *file, char *buffer, size_t size)
{
	int fd = openat(directory, file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t length = read(fd, buffer, size - 1), result = length < 0 ? -errno : length;
	close(fd);
	buffer[result < 0 ? 0 : result] = '\0';
	return result;
}

int cgroup_write(int directory, const char *file, const char *text)
{
	int fd = openat(directory, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return result;
}

int cgroup_move(int directory, pid_t pid)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", (int)pid);
	return cgroup_write(directory, "cgroup.procs", number);
}

int64_t cgroup_number(int directory, const char *file, const char *key)
{
	char buffer[4096];
	size_t length = strlen(key);
	if (cgroup_read(directory, file, buffer, sizeof(buffer)) <= 0)
		return -1;
	for (const char *line = buffer; *line;) {
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtoll(line + length, NULL, 10);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return -1;
}

bool cgroup_has_word(int directory, const char *file, const char *word)
{
	char buffer[1024], *rest;
	if (cgroup_read(directory, file, buffer, sizeof(buffer)) <= 0)
		return false;
	for (char *one = strtok_r(buffer, " \n", &rest); one; one = strtok_r(NULL, " \n", &rest)) {
		if (strcmp(one, word) == 0)
			return true;
	}
	return false;
}

int cgroup_each_process(int directory, bool (*visit)(pid_t pid, void *data), void *data)
{
	char buffer[4096];
	pid_t pid = 0;
	ssize_t length = -1;
	bool goes_on = true;
	int fd = openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* A number may stand half in one buffer and half in the next. */
	while (goes_on && (length = read(fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < length && goes_on; i++) {
			if (buffer[i] != '\n') {
				pid = pid * 10 + (buffer[i] - '0');
				continue;
			}
			goes_on = visit(pid, data);
			pid = 0;
		}
	}
	int result = length < 0 ? -errno : 0;
	close(fd);
	return result;
}

void cgroup_each_child(int directory, void (*visit)(int directory, const char *name))
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	if (!list) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *entry; (entry = readdir(list));) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			visit(directory, entry->d_name);
	}
	closedir(list);
}

bool cgroup_is_running(int directory)
{
	return cgroup_number(directory, "cgroup.events", "populated") == 1;
}

int cgroup_make(int parent, const char *name)
{
	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void cgroup_remove(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	cgroup_each_child(fd, cgroup_remove);
	close(fd);
	unlinkat(parent, name, AT_REMOVEDIR);
}

enum { MOVE_ROUNDS = 8 }; /* for processes that fork while they are moved */

static bool move_one(pid_t pid, void *data)
{
	/* Who cannot be moved (the kernel's own, or one of another PID namespace) stays. */
	if (pid > 0)
		cgroup_move(*(int *)data, pid);
	return true;
}

static bool stop_looking(pid_t pid, void *data)
{
	(void)pid;
	*(bool *)data = true;
	return false;
}

void cgroup_move_all(int from, int to)
{
	for (int i = 0; i < MOVE_ROUNDS; i++) {
		bool is_populated = false;
		cgroup_each_process(from, move_one, &to);
		cgroup_each_process(from, stop_looking, &is_populated);
		if (!is_populated)
			return;
	}
}

int cgroup_set_owner(int directory, const char *file, uid_t uid)
{
	return fchownat(directory, file, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int cgroup_set_owner_of_all(int directory, uid_t uid)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
	DIR *files = fd < 0 ? NULL : fdopendir(fd);
	if (!files)
		return -errno;
	for (struct dirent *entry; result == 0 && (entry = readdir(files));) {
		if (strcmp(entry->d_name, "..") != 0)
			result = cgroup_set_owner(directory, entry->d_name, uid);
	}
	closedir(files);
	return result;
}
