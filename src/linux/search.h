/* Where a program is looked for: along the PATH that the process itself gets. */
#ifndef PODINIT_LINUX_SEARCH_H
#define PODINIT_LINUX_SEARCH_H

#include <stdbool.h>

#include "../spec/arena.h"

/* The PATH of a process: the last one in `own` (may be NULL), else the one of `environment`, else the usual
 * directories. */
const char *search_path(const struct strings *own, char *const *environment);

/* The next place: DIRECTORY/NAME, or NAME alone for the empty directory, which is the current one. *rest is
 * search_path()'s result at first. False: there are no more. Allocates nothing. */
bool search_next(const char **rest, const char *name, char *path, size_t size);

#endif
