/* Memory of a pod_spec: it only grows while a file is read and is freed as a whole.
 * Must not be used after load: nothing on the event loop's path allocates. */
#ifndef PODINIT_SPEC_ARENA_H
#define PODINIT_SPEC_ARENA_H

#include <stddef.h>

struct arena_block;

/* Zeroed is empty and valid. */
struct arena {
	struct arena_block *blocks;
	size_t used; /* bytes handed out, for the accounting of a pod's memory */
};

/* Called when memory ends while a file is read; must not return. The program's main() points it
 * at its own exit; without one the process traps. Below main nobody may print or exit. */
extern void (*arena_exhausted)(void);

/* realloc() that does not fail (see arena_exhausted). The caller frees it. */
void *memory_resize(void *old, size_t size);

/* Zeroed memory that lives as long as the arena. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
/* `length` bytes must be there, unlike for strndup(). */
char *arena_strndup(struct arena *arena, const char *text, size_t length);
void arena_finish(struct arena *arena);

/* A list of strings that the arena owns. Zeroed is the empty list; when not empty, items[count]
 * is NULL, so that it can be an argv. */
struct strings {
	const char **items;
	int count;
};

/* Appends a pointer (not a copy). */
void strings_add(struct arena *arena, struct strings *list, const char *item);

/* Makes room for item `count` of an array of items of `size` bytes, and returns the array, moved
 * where needed: arrays double, so appending n items costs O(n). */
void *arena_grow(struct arena *arena, void *array, int count, size_t size);

#endif
