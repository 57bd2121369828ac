/* The descriptor store: what processes give podinit to keep (FDSTORE=1 of sd_notify(3)), for their next
 * instance. Bounded, and its memory is there from boot. */
#ifndef PODINIT_LINUX_FDSTORE_H
#define PODINIT_LINUX_FDSTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "../spec/spec.h"

enum {
	FDSTORE_MAX = 128,	  /* of the pod */
	FDSTORE_PROCESS_MAX = 16, /* of a process */
};

struct stored {
	int fd;
	int32_t process;
	bool keeps_hung_up; /* else it goes when it has no other end any more */
	char name[DESCRIPTOR_NAME_MAX + 1];
};

/* Zeroed is one that takes nothing. */
struct fdstore {
	struct stored *items; /* in the order in which they came; room for FDSTORE_MAX */
	int count;
};

/* 0 or -ENOMEM. */
int fdstore_open(struct fdstore *store);
/* What is kept is closed by podinit's own end, which waits for nobody. */
void fdstore_close(struct fdstore *store);

/* How many a process of this spec can be handed: the sockets of `listen` have numbers before those stored, and
 * notifyFd may be behind them. */
int fdstore_room(const struct lifecycle_spec *life);
/* Takes what `one` describes, a descriptor that is the store's from now on, unless the result is -errno: -EINVAL
 * (a file, which cannot be kept without waiting), -ENOSPC (of this process it has `max`, or there is no room),
 * -EEXIST (it has that one). */
int fdstore_add(struct fdstore *store, const struct stored *one, int max);
/* Closes those of a process with this name. */
void fdstore_remove(struct fdstore *store, int process, const char *name);
/* Closes those of a process that have no other end any more. */
void fdstore_prune(struct fdstore *store, int process);
/* The processes have other numbers: `new_of` each, -1: it is gone, and what it has stored with it. */
void fdstore_renumber(struct fdstore *store, const int *new_of);
int fdstore_count(const struct fdstore *store, int process);
/* The n-th of a process, or NULL. */
const struct stored *fdstore_item(const struct fdstore *store, int process, int n);

#endif
