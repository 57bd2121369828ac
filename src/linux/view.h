/* The file system as one process sees it: its root, /proc, /sys, /dev and volumes, in a mount
 * namespace of its own. Runs in the new process, so a mount that hangs never holds podinit up. */
#ifndef PODINIT_LINUX_VIEW_H
#define PODINIT_LINUX_VIEW_H

#include "../core/notice.h"
#include "volume.h"

/* Makes it (spec_needs_view() says for whom), in a process that was born with CLONE_NEWNS. 0, or -errno or
 * SPAWN_STAGE_SAYS_IT with error->stage and ->item set. */
int view_make(const struct process_spec *process, const struct volumes *volumes,
	struct spawn_error *error);

#endif
