/* How much of a resource there is for a pod here: the machine's, or less where a cgroup that podinit is in
 * (that it can see) allows less. */
#ifndef PODINIT_LINUX_CAPACITY_H
#define PODINIT_LINUX_CAPACITY_H

#include <limits.h>

#include "../spec/resources.h"

struct capacity {
	int64_t amount;		  /* in thousandths, as requests are; 0: nobody knows */
	char what[PATH_MAX + 64]; /* says so: "memory.max of /sys/fs/cgroup/x" */
};

/* May block: only before the loop. */
void capacity_find(struct capacity *capacity, enum resource resource);

#endif
