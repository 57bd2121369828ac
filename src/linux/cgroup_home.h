/* Where podinit itself is in the tree of cgroups, and whether that place is its own to divide. */
#ifndef PODINIT_LINUX_CGROUP_HOME_H
#define PODINIT_LINUX_CGROUP_HOME_H

#include <limits.h>
#include <stdbool.h>

struct cgroup_home {
	int fd;		     /* directory of its own cgroup (v2); -1: there is none to be seen */
	int v1_memory;	     /* of its own in the memory tree of v1; -1: none */
	char path[PATH_MAX]; /* of fd */
	bool is_namespace_root;
};

/* May block: only before the loop. */
void cgroup_home_find(struct cgroup_home *home);
void cgroup_home_finish(struct cgroup_home *home);

/* May podinit make cgroups below its own, and move itself and its neighbours there? Only where
 *   - that is the root of a cgroup namespace (a container's), but not the machine's; or
 *   - who manages the tree says so, by the attribute delegate=1 (systemd's Delegate=); or
 *   - it belongs to podinit's user, who is not root, and nobody else is in it; or
 *   - podinit is the first process of the machine, whose root it is (`owns_machine`).
 * Everything else is somebody else's. Returns NULL where it may, or why not: as what follows the
 * path. */
const char *cgroup_home_refuses(const struct cgroup_home *home, bool owns_machine);
/* NULL if cgroups can be made in this directory and processes moved there, or why not. */
const char *cgroup_is_unfit(int directory);
/* Is it the root of the machine's tree, where a few rules do not hold? */
bool cgroup_is_real_root(int directory);

#endif
