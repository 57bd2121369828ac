/* cgroup v2: a cgroup for each process of the pod, below podinit's own, and nowhere else. Below the
 * directory D that was delegated to podinit (see cgroup_home.h; or --cgroup):
 *
 *   D/podinit    podinit, and who else was in D: where controllers are enabled for the cgroups
 *                below, the kernel allows no process beside them
 *   D/pod        the pod, with what its own resources say; podinit does not count there
 *   D/pod/NAME   a process, with its limits, and all that descends from it
 *
 * Where nothing is delegated, all of this does nothing, and says so once; memory that ran out is then
 * seen in the counters of podinit's own cgroup, which are the container's. Functions take NULL for
 * "not at all". What is not of boot and end neither blocks nor, but for directory listings, allocates. */
#ifndef PODINIT_LINUX_CGROUP_H
#define PODINIT_LINUX_CGROUP_H

#include <sys/types.h>

#include "../spec/spec.h"

struct cgroups;

/* --- boot and end; these may block --- */

/* Finds D, or `where` (--cgroup: a directory, or "none"; NULL: not said), makes the cgroups of podinit and
 * of the pod there, and moves podinit into its own. Before podinit divides for a sandbox: both are to be
 * there. `owns_machine`: podinit is the first process of the machine. Never NULL; what went wrong
 * cgroups_furnish() says. */
struct cgroups *cgroups_create(const char *where, bool owns_machine);

/* The podinit inside of a sandbox with users of its own, process `inside`, is nobody here: this lets it
 * furnish and use what was made. 0 or -errno. */
int cgroups_give(struct cgroups *cgroups, pid_t inside);

/* Makes the cgroups of the pod's processes, with their limits. Says what cannot be enforced, and what of
 * the container's settings defeats the pod's. A value that the kernel refuses is a problem. */
void cgroups_furnish(
	struct cgroups *cgroups, const struct pod_spec *spec, struct problems *problems);

/* Room for those of another pod, which cgroups_replace() puts in their place. 0 or -ENOMEM. */
int cgroups_reserve(struct cgroups *cgroups, const struct pod_spec *spec);
/* The pod is another one: the same cgroups for the same processes (`old_of`: whose they were, or -1), new ones for
 * the new; the limits are those of `spec`, for who runs, too. Those whom nobody has any more are removed. Says what
 * cannot be enforced; what the kernel refuses is a problem, and stays as it was. */
void cgroups_replace(struct cgroups *cgroups, const struct pod_spec *spec, const int *old_of,
	struct problems *problems);

/* What it takes to move processes there and back, a bit each (spec/security.h). */
uint64_t cgroups_capabilities(const struct cgroups *cgroups);

/* When every process is gone: removes all of it, with podinit and the others back in D, and frees. In a
 * sandbox both podinits call it, the outer one last. */
void cgroups_destroy(struct cgroups *cgroups);

/* --- birth --- */

/* Before an instance of the process is born: nothing of the one before is left in its cgroup, or is being
 * killed, and what has happened there until now is not this one's fault. */
void cgroup_prepare(struct cgroups *cgroups, int index);
/* The directory that it is born into, for launch(); -1: it has none. */
int cgroup_directory(const struct cgroups *cgroups, int index);
/* In a child that was not born there. 0 or -errno. Fit for a child that shares our memory. */
int cgroup_enter(int directory);

/* --- death --- */

/* SIGKILL to all in it. False: it has no cgroup, and nothing was done. Does not wait. */
bool cgroup_kill(const struct cgroups *cgroups, int index);
bool cgroup_is_populated(const struct cgroups *cgroups, int index);
/* It died of a SIGKILL that podinit did not send, or one that podinit does not know (-1) did: was it the
 * kernel, because memory ran out? Each kill of the kernel answers for one process. */
bool cgroup_ran_out_of_memory(struct cgroups *cgroups, int index, int64_t now);
/* The same of a command that ran beside the process, in its cgroup: that kill was for this one, and for nobody
 * else. */
bool cgroup_command_ran_out_of_memory(struct cgroups *cgroups, int index, int64_t now);

#endif
