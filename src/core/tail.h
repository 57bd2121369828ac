/* The end of what a process said: what a kubelet takes of a container's log for its termination message
 * (terminationMessagePolicy FallbackToLogsOnError). Must not grow, however much is said. */
#ifndef PODINIT_CORE_TAIL_H
#define PODINIT_CORE_TAIL_H

#include <stdbool.h>
#include <stddef.h>

enum { TAIL_BYTES = 2048, TAIL_LINES = 80 };

/* Zeroed: nothing was said. */
struct tail {
	size_t length;
	bool is_cut; /* more was said before */
	char bytes[TAIL_BYTES];
};

void tail_add(struct tail *tail, const char *bytes, size_t length);
void tail_clear(struct tail *tail);
/* Copies at most `max` bytes and TAIL_LINES lines of it, from the first whole character on; how many bytes. */
size_t tail_copy(const struct tail *tail, char *to, size_t max);

#endif
