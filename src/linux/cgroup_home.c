/* Finding podinit's own cgroup, and whose it is. Must not change anything there. */
#include "cgroup_home.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cgroup_file.h"

/* --- where it is --- */

/* Our cgroup's path in one hierarchy: of a line "ID:CONTROLLERS:PATH" of /proc/self/cgroup. False if
 * there is no such hierarchy. `controller` "": the one of v2. */
static bool own_path(const char *controller, char path[PATH_MAX])
{
	char line[PATH_MAX + 256];
	bool found = false;
	FILE *file = fopen("/proc/self/cgroup", "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		char *names = strchr(line, ':'), *where = names ? strchr(names + 1, ':') : NULL;
		if (!where)
			continue;
		*where++ = '\0';
		where[strcspn(where, "\n")] = '\0';
		/* "cpu,cpuacct" is two. */
		found = !*controller && !names[1];
		for (char *rest, *name = strtok_r(names + 1, ",", &rest); name && *controller;
			name = strtok_r(NULL, ",", &rest))
			found = found || strcmp(name, controller) == 0;
		if (found)
			snprintf(path, PATH_MAX, "%s", where);
	}
	if (file)
		fclose(file);
	return found;
}

/* Space, tab, newline and backslash stand as \040 and so on. In place. */
static void unescape(char *text)
{
	char *out = text;
	for (; *text; text++) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*out++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0');
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

static bool has_option(const char *options, const char *option)
{
	struct mntent entry = {.mnt_opts = (char *)options};
	return hasmntopt(&entry, option);
}

/* What is left of `path` below `root`, which may show only a part of the tree; NULL: it is elsewhere. A
 * root or a path outside of our cgroup namespace begins with "/..", and no names lead there. */
static const char *below(const char *root, const char *path)
{
	size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(root, "/..", 3) == 0 || strncmp(path, "/..", 3) == 0 ||
		strncmp(path, root, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	return path + length;
}

/* The directory of `path`, by a line of /proc/self/mountinfo:
 * "ID PARENT DEVICE ROOT MOUNT-POINT OPTIONS [FIELD...] - TYPE SOURCE SUPER-OPTIONS". */
static bool directory_by_mount(
	char *line, const char *type, const char *controller, const char *path, char *directory)
{
	char *behind = strstr(line, " - "), *fields[5], *rest;
	char found_type[32], super[1024];
	if (!behind || sscanf(behind, " - %31s %*s %1023s", found_type, super) != 2 ||
		strcmp(found_type, type) != 0 || (*controller && !has_option(super, controller)))
		return false;
	for (int i = 0; i < 5; i++) {
		fields[i] = strtok_r(i ? NULL : line, " ", &rest);
		if (!fields[i])
			return false;
	}
	unescape(fields[3]);
	unescape(fields[4]);
	const char *tail = below(fields[3], path);
	if (tail && strcmp(tail, "/") == 0)
		tail = "";
	return tail && snprintf(directory, PATH_MAX, "%s%s", fields[4], tail) < PATH_MAX;
}

struct found_me {
	bool me, others;
};

static bool look_for_me(pid_t pid, void *data)
{
	struct found_me *found = data;
	if (pid == getpid())
		found->me = true;
	else
		found->others = true;
	return !found->me || !found->others;
}

/* Opens our directory of one hierarchy. It is ours if we are in it: a mount may lie over another, and a
 * namespace begin anywhere. -1: not to be seen. */
static int open_own(const char *type, const char *controller, char directory[PATH_MAX])
{
	char path[PATH_MAX], line[2 * PATH_MAX];
	int fd = -1;
	FILE *file = own_path(controller, path) ? fopen("/proc/self/mountinfo", "re") : NULL;
	while (file && fd < 0 && fgets(line, sizeof(line), file)) {
		struct found_me found = {0};
		if (!directory_by_mount(line, type, controller, path, directory))
			continue;
		fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			cgroup_each_process(fd, look_for_me, &found);
		if (fd >= 0 && !found.me) {
			close(fd);
			fd = -1;
		}
	}
	if (file)
		fclose(file);
	if (fd < 0)
		directory[0] = '\0';
	return fd;
}

void cgroup_home_find(struct cgroup_home *home)
{
	char path[PATH_MAX];
	home->v1_memory = open_own("cgroup", "memory", path);
	home->fd = open_own("cgroup2", "", home->path);
	home->is_namespace_root = own_path("", path) && strcmp(path, "/") == 0;
}

void cgroup_home_finish(struct cgroup_home *home)
{
	if (home->fd >= 0)
		close(home->fd);
	if (home->v1_memory >= 0)
		close(home->v1_memory);
	home->fd = home->v1_memory = -1;
}

/* --- whose it is --- */

bool cgroup_is_real_root(int directory)
{
	return faccessat(directory, "cgroup.type", F_OK, 0) < 0 && errno == ENOENT;
}

static bool has_delegate_mark(int directory)
{
	/* The second is that of older systemds. */
	static const char *const names[] = {"user.delegate", "trusted.delegate"};
	for (int i = 0; i < 2; i++) {
		char value;
		if (fgetxattr(directory, names[i], &value, 1) == 1 && value == '1')
			return true;
	}
	return false;
}

/* Ours, and nobody else would be moved away: a user's shell can stand in a cgroup that is that user's,
 * and belongs to whoever manages the session all the same. */
static const char *refuses_user(int directory)
{
	struct found_me found = {0};
	struct stat status;
	if (geteuid() == 0 || fstat(directory, &status) < 0 || status.st_uid != geteuid())
		return "was not given to podinit: it is not a container's own, and has no "
		       "Delegate=";
	cgroup_each_process(directory, look_for_me, &found);
	return found.others ? "has other processes in it, and no Delegate=" : NULL;
}

const char *cgroup_is_unfit(int directory)
{
	char type[32] = "";
	if (cgroup_read(directory, "cgroup.type", type, sizeof(type)) > 0 &&
		strcmp(type, "domain\n") != 0)
		return "is not of type domain";
	static const char *const files[] = {".", "cgroup.procs", "cgroup.subtree_control"};
	for (int i = 0; i < 3; i++) {
		if (faccessat(directory, files[i], W_OK, AT_EACCESS) == 0)
			continue;
		if (errno == ENOENT)
			return "is no cgroup (v2)";
		return errno == EROFS ? "is read-only" : "cannot be written";
	}
	return NULL;
}

const char *cgroup_home_refuses(const struct cgroup_home *home, bool owns_machine)
{
	if (home->fd < 0)
		return "(v2) is not to be seen here";
	bool is_real_root = cgroup_is_real_root(home->fd);
	if (is_real_root && !owns_machine)
		return "is the root of the machine's cgroups";
	if (!is_real_root && !home->is_namespace_root && !has_delegate_mark(home->fd)) {
		const char *why = refuses_user(home->fd);
		if (why)
			return why;
	}
	return cgroup_is_unfit(home->fd);
}
