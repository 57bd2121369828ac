/* What a process of the pod left behind: whose is it? Daemons have left its process group and its
 * session, and their parents are gone. */
#ifndef PODINIT_LINUX_LEFTOVER_H
#define PODINIT_LINUX_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;

enum { LEFTOVERS_REMEMBERED = 256 };

/* Zeroed: nothing was told yet. */
struct leftover_memory {
	/* Who was named already, the oldest written over. */
	struct leftover_told {
		pid_t pid;
		uint32_t start; /* the lower half: two of one number are not born 497 days apart */
	} told[LEFTOVERS_REMEMBERED];
	unsigned next;
	bool has_strangers; /* podinit was given children that it did not start: whatever comes to it
			     * may be theirs */
};

/* Process `index` was just started: remembers what will say whose its leftovers are. */
void leftover_expect(struct loop *loop, int index);
/* It has handed over its world (world.h), or not. By its number podinit could not look: a copy of podinit it may not
 * look at, and a program may have ended. */
void leftover_expect_in(struct loop *loop, int index);

/* Sends SIGKILL to all that process `index` left behind, or (where it still lives) all that descends
 * from it but itself; as far as it can be told whose they are. The others are named, once. Reads
 * /proc only where there may be any. Never blocks. */
void leftover_kill(struct loop *loop, int index);

#endif
