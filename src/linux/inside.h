/* Which paths of a process can be known before its volumes are mounted. For a process that has the same root
 * already (chroot(2)), where links lead as they will. */
#ifndef PODINIT_LINUX_INSIDE_H
#define PODINIT_LINUX_INSIDE_H

#include "../spec/spec.h"

struct inside {
	char **mount_points; /* of what will be mounted, without links */
	int count;
};

void inside_init(struct inside *inside, const struct process_spec *process);
void inside_finish(struct inside *inside);

/* False: the way of this absolute path leads to or through something that will be mounted, and so nobody
 * knows yet what it will be. */
bool inside_is_known(const struct inside *inside, const char *path);

#endif
