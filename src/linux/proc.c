/* Reading /proc with fixed buffers. Must not signal anyone. */
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static ssize_t read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t length = read(fd, buffer, size - 1);
	close(fd);
	if (length >= 0)
		buffer[length] = '\0';
	return length;
}

void proc_name(pid_t pid, char name[PROC_NAME_MAX])
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (read_file(path, name, PROC_NAME_MAX) <= 0)
		strcpy(name, "?");
	name[strcspn(name, "\n")] = '\0';
}

pid_t proc_number_inside(pid_t pid)
{
	static const char field[] = "\nNSpid:";
	char path[64], buffer[4096];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	const char *line =
		read_file(path, buffer, sizeof(buffer)) > 0 ? strstr(buffer, field) : NULL;
	if (!line)
		return 0;
	line += sizeof(field) - 1;
	/* From the outermost PID namespace to its own. */
	const char *last = line;
	for (size_t length;
		(length = strspn(line, "\t ")) && isdigit((unsigned char)line[length]);) {
		last = line + length;
		line = last + strspn(last, "0123456789");
	}
	return (pid_t)atoi(last);
}

struct stat_line {
	char state, program[PROC_NAME_MAX];
	int parent, group, threads;
	bool is_kernels;
};

static int read_stat(pid_t pid, struct stat_line *line)
{
	enum { KERNEL_THREAD = 0x200000 }; /* the kernel's PF_KTHREAD */
	unsigned flags;
	char path[64], buffer[512];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_file(path, buffer, sizeof(buffer)) <= 0)
		return -1;
	/* The name in brackets may hold anything, brackets too. */
	const char *name = strchr(buffer, '('), *end = strrchr(buffer, ')');
	if (!name || !end ||
		sscanf(end + 1,
			" %c %d %d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d",
			&line->state, &line->parent, &line->group, &flags, &line->threads) != 5)
		return -1;
	snprintf(line->program, sizeof(line->program), "%.*s", (int)(end - name - 1), name + 1);
	line->is_kernels = flags & KERNEL_THREAD;
	return 0;
}

/* Climbs the parents up to a child of ours, whose number it returns; 0 if there is none. Memory does
 * not grow with the number of processes, time does; this runs only when a pod ends. */
static pid_t our_child(pid_t pid, struct stat_line line)
{
	pid_t self = getpid();
	for (int depth = 0; depth < 4096 && line.parent > 0; depth++) {
		if (line.parent == self)
			return pid;
		pid = line.parent;
		if (read_stat(pid, &line) < 0)
			return 0;
	}
	return 0;
}

/* Nothing runs of it any more. A process whose first thread has ended looks like a zombie; but then it
 * has others. */
static bool is_over(const struct stat_line *line)
{
	return line->state == 'X' || (line->state == 'Z' && line->threads < 2);
}

static bool is_our_proc(void)
{
	char link[32];
	ssize_t length = readlink("/proc/self", link, sizeof(link) - 1);
	link[length < 0 ? 0 : length] = '\0';
	return atoi(link) == getpid();
}

/* Fills in what /proc says. False: it is none of ours, or nothing runs of it. */
static bool look_at(struct dependent *one)
{
	struct stat_line line;
	if (read_stat(one->pid, &line) < 0 || is_over(&line) || line.is_kernels)
		return false;
	one->group = line.group;
	one->child = our_child(one->pid, line);
	memcpy(one->program, line.program, sizeof(one->program));
	return one->child || getpid() == 1;
}

bool proc_each_dependent(void (*visit)(const struct dependent *dependent, void *data), void *data)
{
	DIR *proc = is_our_proc() ? opendir("/proc") : NULL;
	if (!proc)
		return false;
	for (struct dirent *entry; (entry = readdir(proc));) {
		struct dependent one = {.pid = (pid_t)atoi(entry->d_name)};
		if (!isdigit((unsigned char)entry->d_name[0]) || one.pid == getpid())
			continue;
		one.pidfd = (int)syscall(SYS_pidfd_open, one.pid, 0);
		if (look_at(&one))
			visit(&one, data);
		if (one.pidfd >= 0)
			close(one.pidfd);
	}
	closedir(proc);
	return true;
}
