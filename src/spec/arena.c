/* Memory of a pod_spec, in blocks that are freed together.
 * Must not know what is stored in it. */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 8192 };

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(16) unsigned char bytes[];
};

static void trap(void)
{
	__builtin_trap();
}

void (*arena_exhausted)(void) = trap;

void *memory_resize(void *old, size_t size)
{
	void *memory = realloc(old, size ? size : 1);
	if (!memory)
		arena_exhausted();
	return memory;
}

static size_t round_up(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size = round_up(size);
	if (!block || block->size - block->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
		struct arena_block *fresh = memory_resize(NULL, sizeof(*fresh) + room);
		*fresh = (struct arena_block){.size = room};
		/* A large item gets a block of its own behind the current one, whose room
		 * would be lost otherwise. */
		if (block && size > BLOCK_SIZE) {
			fresh->next = block->next;
			block->next = fresh;
		} else {
			fresh->next = block;
			arena->blocks = fresh;
		}
		block = fresh;
	}
	void *memory = block->bytes + block->used;
	block->used += size;
	arena->used += size;
	return memset(memory, 0, size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);
	memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

void arena_finish(struct arena *arena)
{
	struct arena_block *block = arena->blocks;
	while (block) {
		struct arena_block *next = block->next;
		free(block);
		block = next;
	}
	*arena = (struct arena){0};
}

void *arena_grow(struct arena *arena, void *array, int count, size_t size)
{
	/* Full exactly when count is 0 or a power of two: no capacity to store. */
	if (count && (count & (count - 1)))
		return array;
	void *grown = arena_alloc(arena, size * (count ? (size_t)count * 2 : 1));
	if (count)
		memcpy(grown, array, size * (size_t)count);
	return grown;
}

void strings_add(struct arena *arena, struct strings *list, const char *item)
{
	/* count + 1 items are stored: the NULL at the end is one of them. */
	if (!list->count)
		list->items = arena_grow(arena, NULL, 0, sizeof(*list->items));
	list->items = arena_grow(arena, list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
}
