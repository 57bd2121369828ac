/* The one place from where podinit comes back when memory ends. Must not be used for what changes the pod. */
#include "memory.h"

#include <setjmp.h>

#include "../spec/arena.h"

static jmp_buf before;

static void come_back(void)
{
	longjmp(before, 1);
}

bool memory_try(void (*work)(void *data), void *data)
{
	/* Not in a register: they have to survive the jump. */
	void (*volatile const usual)(void) = arena_exhausted;
	volatile bool done = false;
	arena_exhausted = come_back;
	if (setjmp(before) == 0) {
		work(data);
		done = true;
	}
	arena_exhausted = usual;
	return done;
}
