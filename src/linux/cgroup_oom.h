/* What the kernel killed because memory ran out, as cgroups count it. */
#ifndef PODINIT_LINUX_CGROUP_OOM_H
#define PODINIT_LINUX_CGROUP_OOM_H

#include "../spec/spec.h"
#include "cgroup_home.h"

/* How many processes of this cgroup (v2) and those below it; -1: nobody counts. */
int64_t oom_count(int directory);

/* For podinit's own cgroup, or the container's, where processes have none of their own. */
struct oom_watch {
	int64_t count;	 /* as last seen */
	int unclaimed;	 /* of these nobody was found for yet */
	int64_t seen_at; /* when there was the latest */
};
void oom_watch_begin(struct oom_watch *watch, const struct cgroup_home *home);
/* Somebody died of SIGKILL: was it the kernel? Each of its kills answers for one. */
bool oom_watch_claim(struct oom_watch *watch, const struct cgroup_home *home, int64_t now);

/* Says it where the kernel will kill podinit with whatever runs out of the memory of this cgroup, and the
 * pod meant to go on without that. */
void oom_warn_of_group(int directory, const char *path, const struct pod_spec *spec);

#endif
