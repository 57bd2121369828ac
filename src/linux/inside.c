/* Walking paths as the kernel will, but past mounts that are not there yet. Must not judge what it finds. */
#include "inside.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as the kernel */

/* A path on its way: what was walked, without links, and what is left of it. */
struct walk {
	char done[PATH_MAX], rest[PATH_MAX];
	int links;
};

static void walk_up(struct walk *walk)
{
	char *slash = strrchr(walk->done, '/');
	if (slash)
		*slash = '\0';
}

/* If the last name walked is a link, what it says comes before the rest. False: too long, or too many. */
static bool follow(struct walk *walk)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t length = readlink(walk->done, target, sizeof(target) - 1);
	if (length < 0)
		return true; /* it is none, or is not there */
	target[length] = '\0';
	if (++walk->links > LINKS_MAX ||
		snprintf(rest, sizeof(rest), "%s/%s", target, walk->rest) >= (int)sizeof(rest))
		return false;
	strcpy(walk->rest, rest);
	if (target[0] == '/')
		walk->done[0] = '\0';
	else
		walk_up(walk);
	return true;
}

/* The next name. False: there is none, or it cannot be walked. What is missing is walked as it is written. */
static bool step(struct walk *walk)
{
	char name[NAME_MAX + 1];
	const char *begin = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(begin, "/"), done = strlen(walk->done);
	if (!length || length > NAME_MAX)
		return false;
	memcpy(name, begin, length);
	name[length] = '\0';
	memmove(walk->rest, begin + length, strlen(begin + length) + 1);
	if (strcmp(name, ".") == 0)
		return true;
	if (strcmp(name, "..") == 0) {
		walk_up(walk);
		return true;
	}
	if (done + 1 + length >= sizeof(walk->done))
		return false;
	snprintf(walk->done + done, sizeof(walk->done) - done, "/%s", name);
	return follow(walk);
}

static bool begin(struct walk *walk, const char *path)
{
	walk->done[0] = '\0';
	walk->links = 0;
	return snprintf(walk->rest, sizeof(walk->rest), "%s", path) < (int)sizeof(walk->rest);
}

static void add_mount_point(struct inside *inside, const char *path)
{
	struct walk walk;
	for (bool goes_on = begin(&walk, path); goes_on;)
		goes_on = step(&walk);
	inside->mount_points[inside->count++] = strdup(walk.done);
}

void inside_init(struct inside *inside, const struct process_spec *process)
{
	/* What view_root.c and hosts.c put into every root of its own. */
	static const char *const own_root[] = {"/proc", "/sys", "/dev", "/etc/hosts"};
	const size_t own_count = sizeof(own_root) / sizeof(*own_root);
	size_t room = (size_t)process->mounts.count + own_count;
	*inside = (struct inside){.mount_points = memory_resize(NULL, room * sizeof(char *))};
	for (int i = 0; i < process->mounts.count; i++)
		add_mount_point(inside, process->mounts.items[i].path);
	for (size_t i = 0; process->rootfs && i < own_count; i++)
		add_mount_point(inside, own_root[i]);
}

void inside_finish(struct inside *inside)
{
	for (int i = 0; i < inside->count; i++)
		free(inside->mount_points[i]);
	free(inside->mount_points);
	*inside = (struct inside){0};
}

static bool is_mount_point(const struct inside *inside, const char *path)
{
	for (int i = 0; i < inside->count; i++) {
		if (inside->mount_points[i] && strcmp(inside->mount_points[i], path) == 0)
			return true;
	}
	return false;
}

bool inside_is_known(const struct inside *inside, const char *path)
{
	struct walk walk;
	for (bool goes_on = begin(&walk, path); goes_on;) {
		goes_on = step(&walk);
		if (is_mount_point(inside, walk.done))
			return false;
	}
	return true;
}
