/* How much of a disk a directory takes, as du(1) counts. */
#ifndef PODINIT_LINUX_USAGE_H
#define PODINIT_LINUX_USAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Does everything below (and at) `directory` take more than `limit` bytes? May take long, and may hang:
 * for a process of its own. Follows no link, leaves the file system nowhere, and counts a file that has
 * several names once. */
bool usage_exceeds(const char *directory, int64_t limit);

#endif
