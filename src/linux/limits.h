/* The kernel's own limits and the scheduling of one process. */
#ifndef PODINIT_LINUX_LIMITS_H
#define PODINIT_LINUX_LIMITS_H

#include "../core/notice.h"

/* Bytes of memory that the machine has; 0: nobody knows. */
int64_t limits_machine_memory(void);

/* In the new process, while it still has podinit's privileges: umask, rlimits, nice, oom_score_adj, CPUs,
 * scheduling, nodes. What was said and cannot be set is an error: 0, or -errno with error->stage and
 * ->item. The oom_score_adj that only follows from the pod's resources is set as far as it can be.
 * Allocates nothing. */
int limits_apply(const struct pod_spec *pod, const struct process_spec *process,
	int64_t machine_memory, struct spawn_error *error);

#endif
