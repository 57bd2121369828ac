/* From paths to what has become of them. What counts is how the files are found, compared with the look before.
 * inotify only says when to look again: so what it loses (a full queue, a mount, a file system of others)
 * costs time, and no change. Each look begins with an inotify of its own, before anything is read: what changes
 * after that is told. Must not run in podinit itself, which would wait for every file system. */
#include "lookout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../spec/spec.h"
#include "clock.h"

enum {
	QUIET_MS = 200,	   /* without a change, and a burst is over */
	LONGEST_MS = 2000, /* of a burst */
	SPOTS_MAX = 1024,  /* whoever fills a directory with links cannot use up all watches */
	LINKS_MAX = 40,	   /* as the kernel's own */
};

/* Not IN_MODIFY: a file counts when it is written, not while it is. */
static const uint32_t EVENTS = IN_CREATE | IN_DELETE | IN_MOVE | IN_CLOSE_WRITE | IN_ATTRIB |
	IN_DELETE_SELF | IN_MOVE_SELF | IN_MASK_ADD;

static const uint64_t BASIS = 0xcbf29ce484222325, PRIME = 0x100000001b3; /* of FNV-1a */

/* Where something may happen that matters. */
struct spot {
	int watch;
	uint64_t name; /* print of the only name that matters in this directory; 0: all do */
};

/* What is known of a path. */
struct sight {
	uint64_t print;
	bool is_known;
	int unseen, untold; /* errno that was told; 0: none */
};

struct lookout {
	const struct strings *paths;
	struct sight *sights;
	int fd;	     /* that is told */
	int inotify; /* -errno: there is none */
	int untold; /* errno: why the kernel will not tell of all that matters to the path that is looked at; or 0 */
	int spot_count;
	struct spot spots[SPOTS_MAX];
};

/* --- prints --- */

static uint64_t mix(uint64_t print, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;
	while (length--)
		print = (print ^ *byte++) * PRIME;
	return print;
}

static uint64_t print_name(const char *name)
{
	return mix(BASIS, name, strlen(name));
}

/* The name is that behind all links: files that were made together may be told apart by nothing else.
 * Of a directory it matters that it is one: what is in it counts by itself, or not at all. The number of the
 * inode does not matter: file systems of users (FUSE) may make new ones. */
static uint64_t print_file(const char *name, const struct stat *status)
{
	const int64_t fields[] = {status->st_mode & S_IFMT, status->st_size, status->st_mtim.tv_sec,
		status->st_mtim.tv_nsec, status->st_ctim.tv_sec, status->st_ctim.tv_nsec};
	bool is_directory = S_ISDIR(status->st_mode);
	return mix(print_name(name), fields, is_directory ? sizeof(*fields) : sizeof(fields));
}

/* --- what inotify is to tell --- */

/* `name`: what matters in this directory; NULL: everything does. */
static void observe(struct lookout *lookout, const char *path, const char *name)
{
	if (lookout->inotify < 0)
		return;
	if (lookout->spot_count == SPOTS_MAX) {
		lookout->untold = ENOSPC;
		return;
	}
	int watch = inotify_add_watch(lookout->inotify, path, EVENTS);
	if (watch >= 0)
		lookout->spots[lookout->spot_count++] =
			(struct spot){watch, name ? print_name(name) : 0};
	else if (errno == ENOSPC || errno == ENOMEM)
		lookout->untold = errno;
}

/* The old one first: a user has few. */
static void begin_inotify(struct lookout *lookout)
{
	if (lookout->inotify >= 0)
		close(lookout->inotify);
	lookout->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (lookout->inotify < 0)
		lookout->inotify = -errno;
	lookout->spot_count = 0;
}

static bool matters(const struct lookout *lookout, const struct inotify_event *event)
{
	uint64_t name = event->len ? print_name(event->name) : 0;
	if (event->mask & (IN_Q_OVERFLOW | IN_UNMOUNT))
		return true;
	for (int i = 0; i < lookout->spot_count; i++) {
		const struct spot *spot = &lookout->spots[i];
		if (spot->watch == event->wd && (!spot->name || spot->name == name))
			return true;
	}
	return false;
}

/* All that is there to be read. Was something of it of interest? */
static bool read_events(struct lookout *lookout)
{
	char buffer[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool any = false;
	ssize_t length;
	while ((length = read(lookout->inotify, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < length;) {
			const struct inotify_event *event = (const void *)(buffer + at);
			any = any || matters(lookout, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	return any;
}

/* Until something happens, or some time has passed: then false. */
static bool wait_for(struct lookout *lookout, int64_t milliseconds)
{
	const int64_t ns = 1000000, end = clock_monotonic() + milliseconds * ns;
	struct pollfd poll_fd = {.fd = lookout->inotify, .events = POLLIN};
	for (;;) {
		int64_t left = (end - clock_monotonic() + ns - 1) / ns;
		if (left <= 0 || poll(&poll_fd, 1, (int)left) == 0)
			return false;
		if (read_events(lookout))
			return true;
	}
}

/* Until it is time to look: a burst of changes is over, or has been none for long. */
static void wait_for_change(struct lookout *lookout)
{
	if (!wait_for(lookout, LOOKOUT_PERIOD_S * 1000))
		return;
	const int64_t end = clock_monotonic() + LONGEST_MS * INT64_C(1000000);
	while (clock_monotonic() < end && wait_for(lookout, QUIET_MS))
		;
}

/* --- the way to a path --- */

/* Each directory on the way is observed, for the name that leads on: any of them may be replaced, or come. */
struct walk {
	char here[PATH_MAX]; /* as far as it came, without a link in it; "" is the root */
	char rest[PATH_MAX]; /* what is left to go */
	int links;
};

static void go_up(struct walk *walk)
{
	char *slash = strrchr(walk->here, '/');
	if (slash)
		*slash = '\0';
}

/* `here` is a link: what it says comes before what is left. */
static int follow(struct walk *walk)
{
	char target[2 * PATH_MAX];
	ssize_t length = readlink(walk->here, target, PATH_MAX - 1);
	if (length < 0)
		return -errno;
	snprintf(target + length, sizeof(target) - (size_t)length, "/%s", walk->rest);
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (strlen(target) >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	strcpy(walk->rest, target);
	if (target[0] == '/')
		walk->here[0] = '\0';
	else
		go_up(walk);
	return 0;
}

/* To the next name. 0, or -errno. */
static int step(struct lookout *lookout, struct walk *walk, const char *name)
{
	struct stat status;
	size_t length = strlen(walk->here);
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		go_up(walk);
		return 0;
	}
	if (length + 1 + strlen(name) >= sizeof(walk->here))
		return -ENAMETOOLONG;
	observe(lookout, length ? walk->here : "/", name);
	sprintf(walk->here + length, "/%s", name);
	if (lstat(walk->here, &status) < 0)
		return -errno;
	return S_ISLNK(status.st_mode) ? follow(walk) : 0;
}

static int walk_to(struct lookout *lookout, struct walk *walk, const char *path)
{
	char name[NAME_MAX + 1];
	int result = 0;
	if (strlen(path) >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	walk->here[0] = '\0';
	walk->links = 0;
	strcpy(walk->rest, path);
	while (result == 0) {
		const char *begin = walk->rest + strspn(walk->rest, "/");
		size_t length = strcspn(begin, "/");
		if (!length)
			break;
		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, begin, length);
		name[length] = '\0';
		memmove(walk->rest, begin + length, strlen(begin + length) + 1);
		result = step(lookout, walk, name);
	}
	return result;
}

/* --- looking --- */

/* One file of a directory; a link is what it leads to. What begins with two dots is how a ConfigMap is kept
 * (..data): it counts by the files that lead there, so that their exchange is one change, at one moment. */
static uint64_t print_entry(
	struct lookout *lookout, const char *directory, const struct dirent *entry)
{
	char path[PATH_MAX + NAME_MAX + 2], target[PATH_MAX];
	struct stat status;
	bool is_hidden = strncmp(entry->d_name, "..", 2) == 0 || strcmp(entry->d_name, ".") == 0;
	if (is_hidden)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
	if (entry->d_type == DT_LNK)
		observe(lookout, path, NULL);
	if (stat(path, &status) < 0)
		return print_name(entry->d_name);
	uint64_t print = print_file(entry->d_name, &status);
	bool leads_on = entry->d_type == DT_LNK && realpath(path, target);
	return leads_on ? mix(print, target, strlen(target)) : print;
}

/* In whatever order they come. */
static int look_into(struct lookout *lookout, const char *path, uint64_t *print)
{
	DIR *directory = opendir(path);
	if (!directory)
		return -errno;
	const struct dirent *entry;
	while ((errno = 0, entry = readdir(directory)))
		*print += print_entry(lookout, path, entry);
	int result = -errno;
	closedir(directory);
	return result;
}

static int look_at(struct lookout *lookout, const char *path, uint64_t *print)
{
	struct walk walk;
	struct stat status;
	int result = walk_to(lookout, &walk, path);
	if (result < 0)
		return result;
	const char *here = *walk.here ? walk.here : "/";
	observe(lookout, here, NULL);
	if (stat(here, &status) < 0)
		return -errno;
	*print = print_file(here, &status);
	return S_ISDIR(status.st_mode) ? look_into(lookout, here, print) : 0;
}

/* A problem is told when it is a new one. */
static void tell_problem(
	struct lookout *lookout, int path, enum lookout_word word, int error, int *told)
{
	if (error && error != *told)
		lookout_tell(lookout->fd,
			&(struct lookout_news){.word = word, .path = path, .error = error});
	*told = error;
}

/* Is it another one than it was? What cannot be seen has not changed; what is not there can be seen. */
static bool has_changed(struct lookout *lookout, int path)
{
	struct sight *sight = &lookout->sights[path];
	uint64_t print = 0;
	lookout->untold = lookout->inotify < 0 ? -lookout->inotify : 0;
	int result = look_at(lookout, lookout->paths->items[path], &print);
	bool is_gone = result == -ENOENT || result == -ENOTDIR;
	tell_problem(lookout, path, LOOKOUT_UNTOLD, lookout->untold, &sight->untold);
	tell_problem(lookout, path, LOOKOUT_UNSEEN, -result, &sight->unseen);
	if (result < 0 && !is_gone)
		return false;
	const struct sight before = *sight;
	sight->print = is_gone ? 0 : print;
	sight->is_known = true;
	return before.is_known && before.print != sight->print;
}

/* False: nobody listens. */
static bool look(struct lookout *lookout)
{
	struct lookout_news news = {.word = LOOKOUT_CHANGED};
	int count = 0;
	begin_inotify(lookout);
	for (int i = 0; i < lookout->paths->count; i++) {
		if (has_changed(lookout, i) && count++ == 0)
			news.path = i;
	}
	news.more = count - 1;
	return !count || lookout_tell(lookout->fd, &news) == 0;
}

int lookout_tell(int fd, const struct lookout_news *news)
{
	return write(fd, news, sizeof(*news)) == (ssize_t)sizeof(*news) ? 0 : -errno;
}

void lookout_run(const struct strings *paths, int fd)
{
	struct lookout lookout = {.paths = paths, .fd = fd, .inotify = -EBADF};
	lookout.sights = calloc((size_t)paths->count + 1, sizeof(*lookout.sights));
	if (!lookout.sights)
		return;
	bool goes_on = look(&lookout);
	/* Whoever looks at the processes of the pod shall know who it is; and that it knows now what there is. */
	prctl(PR_SET_NAME, "podinit-watch");
	while (goes_on) {
		wait_for_change(&lookout);
		goes_on = look(&lookout);
	}
	free(lookout.sights);
}
