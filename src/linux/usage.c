/* Disk usage by walking a tree, which others may change meanwhile: then it is wrong by what they changed.
 * Must not be called by podinit itself. */
#include "usage.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	OPEN_MAX_AT_ONCE = 64,
	NAMES_MAX = 1
		<< 20, /* files with several names that are remembered: past that they count again */
};

struct name {
	dev_t device;
	ino_t inode; /* 0: free */
};

/* nftw() hands nothing through. */
static int64_t total, most;
static struct name *seen;
static size_t seen_count, seen_room;

static struct name *place_of(dev_t device, ino_t inode)
{
	size_t i = (size_t)(inode * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (seen_room - 1);
	while (seen[i].inode && (seen[i].inode != inode || seen[i].device != device))
		i = (i + 1) & (seen_room - 1);
	return &seen[i];
}

/* A power of two, at most half full. */
static bool make_room(void)
{
	struct name *old = seen;
	size_t old_room = seen_room;
	if (2 * seen_count < seen_room)
		return true;
	if (seen_count >= NAMES_MAX)
		return false;
	size_t room = old_room ? 2 * old_room : 1024;
	struct name *new = calloc(room, sizeof(*new));
	if (!new)
		return false;
	seen = new;
	seen_room = room;
	for (size_t i = 0; i < old_room; i++) {
		if (old[i].inode)
			*place_of(old[i].device, old[i].inode) = old[i];
	}
	free(old);
	return true;
}

static bool was_seen(const struct stat *status)
{
	if (!make_room())
		return false;
	struct name *place = place_of(status->st_dev, status->st_ino);
	if (place->inode)
		return true;
	*place = (struct name){status->st_dev, status->st_ino};
	seen_count++;
	return false;
}

static int add(const char *path, const struct stat *status, int type, struct FTW *where)
{
	enum { BLOCK = 512 };
	(void)path;
	(void)where;
	if (type == FTW_NS) /* it is gone */
		return 0;
	if (S_ISDIR(status->st_mode) || status->st_nlink < 2 || !was_seen(status))
		total += (int64_t)status->st_blocks * BLOCK;
	return total > most;
}

bool usage_exceeds(const char *directory, int64_t limit)
{
	total = 0;
	most = limit;
	nftw(directory, add, OPEN_MAX_AT_ONCE, FTW_PHYS | FTW_MOUNT);
	free(seen);
	seen = NULL;
	seen_count = seen_room = 0;
	return total > most;
}
