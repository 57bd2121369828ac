/* The looking at what a process watches, for a child of podinit's: a path may hang, in a file system that does
 * not answer. What it sees it says through a descriptor. */
#ifndef PODINIT_LINUX_LOOKOUT_H
#define PODINIT_LINUX_LOOKOUT_H

#include <stdint.h>

struct strings;

enum { LOOKOUT_PERIOD_S = 10 }; /* how often it looks without being told of anything */

enum lookout_word {
	LOOKOUT_CHANGED,
	LOOKOUT_UNSEEN,	 /* cannot be looked at, for now: error */
	LOOKOUT_NOWHERE, /* whoever looks is not where the process is: error. It ends */
	LOOKOUT_UNTOLD, /* the kernel does not tell of its changes: error. It is looked at all the same */
};

struct lookout_news {
	int32_t word;  /* enum lookout_word */
	int32_t path;  /* index; of several the first */
	int32_t more;  /* how many others have changed in the same moment */
	int32_t error; /* errno */
};

/* Tells one thing. 0 or -errno. */
int lookout_tell(int fd, const struct lookout_news *news);

/* Looks at the paths, resolved where this process is, and tells `fd` what becomes of them: of one burst of
 * changes once. Returns when nobody listens any more. */
void lookout_run(const struct strings *paths, int fd);

#endif
