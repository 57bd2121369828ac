/* Users and groups by the files of the root that a process sees: /etc/passwd and /etc/group, and nothing
 * else (no NSS: PID 1 loads no modules, and asks no network). For a process that prepares itself: reading
 * may block. */
#ifndef PODINIT_LINUX_ACCOUNT_H
#define PODINIT_LINUX_ACCOUNT_H

#include <sys/types.h>

enum { ACCOUNT_NAME_MAX = 256 };

struct account {
	uid_t uid;
	gid_t gid;		     /* its primary group; 0 where the file does not know it */
	char name[ACCOUNT_NAME_MAX]; /* "": the file does not know it */
};

/* By a name, or a number, which need not be in the file. 0, or -ESRCH: there is no such name. */
int account_find_user(const char *user, struct account *account);
int account_find_group(const char *group, gid_t *gid);
/* The groups that name it as a member, at most `max`; how many. */
int account_groups(const char *name, gid_t *groups, int max);

#endif
