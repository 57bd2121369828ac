/* Files of the machine in a pod whose users are others (hostUsers=false): what is root's on the machine
 * shall be root's in the pod, where the file system can do that (idmapped mounts, Linux 5.12). */
#ifndef PODINIT_LINUX_IDMAP_H
#define PODINIT_LINUX_IDMAP_H

#include <sys/types.h>

#include "../spec/arena.h"

/* As root, outside: mounts each of the absolute `paths` over itself in the mount namespace of `pid`, with the users of
 * its user namespace, which is mapped. What is not there is passed over; where it does not work, a line
 * says so, and the files belong to nobody in the pod. 0 or -errno. */
int idmap_mount(pid_t pid, const struct strings *paths);

#endif
