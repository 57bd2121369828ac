/* A root file system of its own: what every process in one finds there besides its files, /proc, /sys
 * and /dev. A part of the view (view.h); runs in the new process. */
#ifndef PODINIT_LINUX_VIEW_ROOT_H
#define PODINIT_LINUX_VIEW_ROOT_H

#include "../core/notice.h"

enum { ROOT_PARTS_MAX = 12 };

/* Copies of what is mounted in podinit's root: descriptors, or -errno of mount_take(). */
struct root_parts {
	const struct process_spec *process;
	int taken[ROOT_PARTS_MAX];
};

/* Takes them, while podinit's root is still the root. */
void root_parts_take(struct root_parts *parts, const struct process_spec *process);

/* Leaves podinit's root for good for the process's, and furnishes that. 0, or -errno and
 * error->stage. */
int root_change(const struct root_parts *parts, struct spawn_error *error);

#endif
