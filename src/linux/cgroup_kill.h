/* Killing everything in a cgroup. */
#ifndef PODINIT_LINUX_CGROUP_KILL_H
#define PODINIT_LINUX_CGROUP_KILL_H

#include <stdbool.h>

/* SIGKILL to all in the cgroup of this directory, also to those that fork meanwhile. Does not wait for
 * their end. */
void cgroup_kill_directory(int directory);
/* The same without cgroup.kill, as before Linux 5.14. A process that was forking at that very moment can
 * be missed: whoever must be sure asks later whether the cgroup is populated, and comes again. */
void cgroup_kill_each(int directory);

#endif
