/* Which users of the machine the users of a sandbox with a user namespace are. */
#ifndef PODINIT_LINUX_USERS_H
#define PODINIT_LINUX_USERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { USERS_OF_A_POD = 65536 };

/* A user namespace is mapped from outside, once; `pid` is a process in it. All return 0 or -errno. */

/* As root (hostUsers=false): users and groups 0..65535 are as many of the machine that nobody else is:
 * of the ranges of user podinit or containers in /etc/subuid and /etc/subgid, where these are, else of
 * the machine's numbers for containers. Each pod of the machine gets others while this process runs. */
int users_map_range(pid_t pid, bool is_verbose);

/* As any user: root is this user. Others there are where newuidmap(1) is installed and gives this user
 * the ranges of /etc/subuid and /etc/subgid, as 1 and following. */
int users_map_own(pid_t pid, bool is_verbose);

/* The user that root of this process's user namespace is here; -1: unknown. */
int64_t users_root_of(pid_t inside);

#endif
