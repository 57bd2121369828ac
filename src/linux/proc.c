/* Reading /proc with fixed buffers. Must not signal anyone. */
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

bool proc_stat(pid_t pid, struct proc_stat *stat)
{
	enum { EXITING = 0x4, KERNEL_THREAD = 0x200000 }; /* the kernel's PF_EXITING, PF_KTHREAD */
	unsigned flags;
	unsigned long pending;
	char path[64], buffer[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_file(path, buffer, sizeof(buffer)) <= 0)
		return false;
	/* The name in brackets may hold anything, brackets too. */
	const char *name = strchr(buffer, '('), *end = strrchr(buffer, ')');
	*stat = (struct proc_stat){.pid = pid};
	if (!name || !end ||
		sscanf(end + 1,
			" %c %d %d %d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d "
			"%" SCNu64 " %*u %*d %*u %*u %*u %*u %*u %*u %lu",
			&stat->state, &stat->parent, &stat->group, &stat->session, &flags,
			&stat->threads, &stat->start, &pending) != 8)
		return false;
	snprintf(stat->program, sizeof(stat->program), "%.*s", (int)(end - name - 1), name + 1);
	stat->is_kernels = flags & KERNEL_THREAD;
	/* A SIGKILL on its way is pending for each thread. That the first thread ends says nothing
	 * where there are others. */
	stat->is_dying = pending & 1UL << (SIGKILL - 1) || (flags & EXITING && stat->threads < 2);
	return true;
}

/* As far as files go, as the user that a process is: who has as many capabilities as it and is the same
 * user may look at it without CAP_SYS_PTRACE, which containers do not have. */
/* Returns what become_podinit() needs. */
static int become(uid_t uid, gid_t gid)
{
	int death_signal = 0;
	/* The kernel forgets it when the user changes. */
	prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
	setfsgid(gid);
	setfsuid(uid);
	return death_signal;
}

static void become_podinit(int death_signal)
{
	setfsuid(geteuid());
	setfsgid(getegid());
	prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0);
}

static int stat_as(uid_t uid, gid_t gid, const char *path, struct stat *found)
{
	int death_signal = become(uid, gid);
	int result = stat(path, found);
	become_podinit(death_signal);
	return result;
}

uint64_t proc_mount_namespace(pid_t pid)
{
	struct stat namespace, owner;
	char directory[32], path[64];
	snprintf(directory, sizeof(directory), "/proc/%d", (int)pid);
	snprintf(path, sizeof(path), "%s/ns/mnt", directory);
	if (stat(path, &namespace) == 0)
		return namespace.st_ino;
	bool as_owner = errno == EACCES && geteuid() == 0 && stat(directory, &owner) == 0;
	if (as_owner && owner.st_uid && stat_as(owner.st_uid, owner.st_gid, path, &namespace) == 0)
		return namespace.st_ino;
	return 0;
}

int proc_child_count(void)
{
	char path[64], buffer[4096];
	int count = 0;
	ssize_t length;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* Each number has a space behind it. */
	while ((length = read(fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < length; i++)
			count += buffer[i] == ' ';
	}
	close(fd);
	return length < 0 ? -1 : count;
}

/* Climbs the parents up to a child of ours, whose number it returns; 0 if there is none. Memory does
 * not grow with the number of processes, time does; this runs only when a pod ends. */
static pid_t our_child(struct proc_stat stat)
{
	pid_t self = getpid();
	for (int depth = 0; depth < PROC_DEPTH_MAX && stat.parent > 0; depth++) {
		if (stat.parent == self)
			return stat.pid;
		if (!proc_stat(stat.parent, &stat))
			return 0;
	}
	return 0;
}

/* A process whose first thread has ended looks like a zombie; but then it has others. */
bool proc_is_over(const struct proc_stat *stat)
{
	return stat->state == 'X' || (stat->state == 'Z' && stat->threads < 2);
}

static bool is_our_proc(void)
{
	char link[32];
	ssize_t length = readlink("/proc/self", link, sizeof(link) - 1);
	link[length < 0 ? 0 : length] = '\0';
	return atoi(link) == getpid();
}

bool proc_each(void (*visit)(pid_t pid, void *data), void *data)
{
	DIR *proc = is_our_proc() ? opendir("/proc") : NULL;
	if (!proc)
		return false;
	for (struct dirent *entry; (entry = readdir(proc));) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		if (isdigit((unsigned char)entry->d_name[0]) && pid != getpid())
			visit(pid, data);
	}
	closedir(proc);
	return true;
}

/* Fills in what /proc says. False: it is none of ours, or nothing runs of it. */
static bool look_at(struct dependent *one)
{
	struct proc_stat stat;
	if (!proc_stat(one->pid, &stat) || proc_is_over(&stat) || stat.is_kernels)
		return false;
	one->group = stat.group;
	one->is_dying = stat.is_dying;
	one->child = our_child(stat);
	memcpy(one->program, stat.program, sizeof(one->program));
	return one->child || getpid() == 1;
}

struct visitor {
	void (*visit)(const struct dependent *dependent, void *data);
	void *data;
};

static void visit_dependent(pid_t pid, void *data)
{
	const struct visitor *visitor = data;
	struct dependent one = {.pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
	if (look_at(&one))
		visitor->visit(&one, visitor->data);
	if (one.pidfd >= 0)
		close(one.pidfd);
}

bool proc_each_dependent(void (*visit)(const struct dependent *dependent, void *data), void *data)
{
	struct visitor visitor = {visit, data};
	return proc_each(visit_dependent, &visitor);
}
