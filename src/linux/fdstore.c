/* The descriptor store. Must not know where they come from, nor wait for them. */
#include "fdstore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "received.h"

int fdstore_open(struct fdstore *store)
{
	*store = (struct fdstore){.items = calloc(FDSTORE_MAX, sizeof(*store->items))};
	return store->items ? 0 : -ENOMEM;
}

void fdstore_close(struct fdstore *store)
{
	free(store->items);
	*store = (struct fdstore){0};
}

int fdstore_room(const struct lifecycle_spec *life)
{
	int room = life->notify_fd == INT_UNSET
		? FDSTORE_PROCESS_MAX
		: life->notify_fd - LISTEN_FIRST_FD - life->listens.count;
	return room < FDSTORE_PROCESS_MAX ? room : FDSTORE_PROCESS_MAX;
}

static void drop(struct fdstore *store, int at)
{
	received_close(store->items[at].fd);
	store->count--;
	memmove(&store->items[at], &store->items[at + 1],
		(size_t)(store->count - at) * sizeof(*store->items));
}

int fdstore_add(struct fdstore *store, const struct stored *one, int max)
{
	if (!received_can_be_kept(one->fd))
		return -EINVAL;
	if (fdstore_count(store, one->process) >= max || store->count == FDSTORE_MAX)
		fdstore_prune(store, one->process);
	if (!store->items || fdstore_count(store, one->process) >= max ||
		store->count == FDSTORE_MAX)
		return -ENOSPC;
	for (int i = 0; i < store->count; i++) {
		if (store->items[i].process == one->process &&
			received_is_same(store->items[i].fd, one->fd))
			return -EEXIST;
	}
	store->items[store->count++] = *one;
	return 0;
}

void fdstore_remove(struct fdstore *store, int process, const char *name)
{
	for (int i = store->count - 1; i >= 0; i--) {
		if (store->items[i].process == process && strcmp(store->items[i].name, name) == 0)
			drop(store, i);
	}
}

void fdstore_prune(struct fdstore *store, int process)
{
	for (int i = store->count - 1; i >= 0; i--) {
		const struct stored *one = &store->items[i];
		if (one->process == process && !one->keeps_hung_up && received_is_hung_up(one->fd))
			drop(store, i);
	}
}

void fdstore_renumber(struct fdstore *store, const int *new_of)
{
	for (int i = store->count - 1; i >= 0; i--) {
		struct stored *one = &store->items[i];
		one->process = new_of[one->process];
		if (one->process < 0)
			drop(store, i);
	}
}

int fdstore_count(const struct fdstore *store, int process)
{
	int count = 0;
	for (int i = 0; i < store->count; i++)
		count += store->items[i].process == process;
	return count;
}

const struct stored *fdstore_item(const struct fdstore *store, int process, int n)
{
	for (int i = 0; i < store->count; i++) {
		if (store->items[i].process == process && n-- == 0)
			return &store->items[i];
	}
	return NULL;
}
