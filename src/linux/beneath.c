/* Paths below a directory. The kernel resolves them (openat2, Linux 5.6); where it cannot, or a
 * filter refuses it, podinit does, with a descriptor per directory on the way, so that ".." is where
 * it came from and not what somebody has made of it. Must not know what the path is for. */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	DEPTH_MAX = 256, /* directories on the way, each held open */
	LINKS_MAX = 40,	 /* as the kernel's own */
	TRIES_MAX = 64,	 /* while somebody renames what is on the way */
	PATH_FLAGS = O_PATH | O_CLOEXEC,
};

/* One directory that may be there already; mkdirat() follows no link there. */
static int make_directory(int at, const char *name, mode_t mode)
{
	/* A chmod() after it could hit what somebody has put in its place. */
	mode_t mask = umask(0);
	int result = mkdirat(at, name, mode) < 0 && errno != EEXIST ? -errno : 0;
	umask(mask);
	return result;
}

/* --- by the kernel --- */

static int open_by_kernel(int root, const char *path)
{
	const struct open_how how = {
		.flags = PATH_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	long fd;
	int tries = 0;
	/* EAGAIN: something was renamed meanwhile, and the kernel is not sure. */
	do {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	} while (fd < 0 && errno == EAGAIN && ++tries < TRIES_MAX);
	return fd < 0 ? -errno : (int)fd;
}

/* Directory by directory, each from the root, so that each is below it. Owns the descriptors that
 * it opens, not `root`. */
static int walk_by_kernel(int root, char *path, mode_t mode)
{
	int parent = -1, fd = open_by_kernel(root, path);
	char *name = path;
	while (fd == -ENOENT && *name) {
		char *slash = name + strcspn(name, "/"), end = *slash;
		*slash = '\0';
		if (*name)
			fd = open_by_kernel(root, path);
		if (fd == -ENOENT && *name) {
			fd = make_directory(parent < 0 ? root : parent, name, mode);
			fd = fd < 0 ? fd : open_by_kernel(root, path);
		}
		*slash = end;
		name = slash + strspn(slash, "/");
		if (fd < 0 || !*name)
			break;
		if (parent >= 0)
			close(parent);
		parent = fd;
		fd = -ENOENT;
	}
	if (parent >= 0)
		close(parent);
	return fd;
}

/* --- by hand --- */

struct walk {
	int open[DEPTH_MAX]; /* where it is, and how it came there; the first is the root */
	int depth;
	int links;
	char text[PATH_MAX]; /* what is left to go, from `at` on */
	char *at;
	size_t own; /* so many bytes of its end are the caller's; the others come from links */
	mode_t mode;
};

/* What a link says comes before what is left. */
static int follow(struct walk *walk, int link)
{
	char rest[PATH_MAX];
	strcpy(rest, walk->at);
	ssize_t length = readlinkat(link, "", walk->text, sizeof(walk->text));
	if (length < 0)
		return -errno;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (length && walk->text[0] == '/')
		return -EXDEV;
	if ((size_t)length + 1 + strlen(rest) >= sizeof(walk->text))
		return -ENAMETOOLONG;
	sprintf(walk->text + length, "/%s", rest);
	walk->at = walk->text;
	return 0;
}

/* One step to what is no link, or one link. 0 or -errno. */
static int step(struct walk *walk, const char *name, bool is_own)
{
	struct stat status;
	int here = walk->open[walk->depth];
	if (strcmp(name, "..") == 0) {
		if (!walk->depth)
			return -EXDEV;
		close(walk->open[walk->depth--]);
		return 0;
	}
	int fd = openat(here, name, PATH_FLAGS | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT && is_own) {
		int made = make_directory(here, name, walk->mode);
		if (made < 0)
			return made;
		fd = openat(here, name, PATH_FLAGS | O_NOFOLLOW);
	}
	if (fd < 0)
		return -errno;
	bool is_link = fstat(fd, &status) == 0 && S_ISLNK(status.st_mode);
	int result = is_link ? follow(walk, fd) : walk->depth + 1 == DEPTH_MAX ? -ENAMETOOLONG : 0;
	if (is_link || result < 0)
		close(fd);
	else
		walk->open[++walk->depth] = fd;
	return result;
}

static int walk_by_hand(int root, const char *path, mode_t mode)
{
	struct walk walk = {.open = {root}, .own = strlen(path), .mode = mode};
	char name[NAME_MAX + 1];
	int result = 0;
	strcpy(walk.text, path);
	walk.at = walk.text;
	while (result == 0) {
		walk.at += strspn(walk.at, "/");
		size_t left = strlen(walk.at), length = strcspn(walk.at, "/");
		if (!length)
			break;
		if (length > NAME_MAX) {
			result = -ENAMETOOLONG;
			break;
		}
		memcpy(name, walk.at, length);
		name[length] = '\0';
		walk.at += length;
		bool is_own = left <= walk.own;
		if (is_own)
			walk.own = left - length;
		if (strcmp(name, ".") != 0)
			result = step(&walk, name, is_own);
	}
	/* "file/" and "file/." are none; the kernel would have said so. */
	int found = result < 0 ? result : fcntl(walk.open[walk.depth], F_DUPFD_CLOEXEC, 3);
	if (result == 0 && found < 0)
		found = -errno;
	while (walk.depth > 0)
		close(walk.open[walk.depth--]);
	return found;
}

int beneath_open(const char *directory, const char *path)
{
	char copy[PATH_MAX];
	struct stat status;
	if (strlen(path) >= sizeof(copy))
		return -ENAMETOOLONG;
	strcpy(copy, path);
	int root = open(directory, PATH_FLAGS);
	if (root < 0)
		return -errno;
	if (fstat(root, &status) < 0) {
		int error = errno;
		close(root);
		return -error;
	}
	mode_t mode = status.st_mode & 01777;
	int fd = walk_by_kernel(root, copy, mode);
	/* Before Linux 5.6; EPERM: a filter that does not know it. */
	if (fd == -ENOSYS || fd == -EPERM)
		fd = walk_by_hand(root, path, mode);
	close(root);
	return fd;
}
