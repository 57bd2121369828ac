/* Who a process is and what it may do: user, groups, capabilities, no_new_privs, system call filter, LSM
 * label. What can be found out beforehand is, at boot; the rest happens in the new process, in the one order
 * in which each step still has the privileges that it needs. */
#ifndef PODINIT_LINUX_IDENTITY_H
#define PODINIT_LINUX_IDENTITY_H

#include <sys/capability.h>

#include "../core/notice.h"
#include "filter.h"

/* Of one process of the pod at a time. */
struct identity {
	const struct pod_spec *pod;
	const struct filters *filters;
	uint64_t bounding, permitted;	/* podinit's own */
	bool has_apparmor, has_selinux; /* the kernel */

	/* Of the process that was prepared last. */
	const struct process_spec *process;
	const struct seccomp_program *filter; /* NULL: none */
	struct security_spec security;
	uint64_t lost;	  /* capabilities that leave its bounding set */
	uint64_t ambient; /* what it has although it is not root */
	int missing;	  /* one that was asked for and podinit has not; -1: none */
	bool says_capabilities; /* add, drop or privileged: else it gets the default as far as that goes */
	cap_t as_root, as_user; /* the three sets of capset(2), if its user is root, and if not */
};

enum { IDENTITY_GROUPS_MAX = 1024 };

/* What names mean in a process's own root. */
struct identity_choice {
	bool changes_user, changes_groups;
	uid_t uid;
	gid_t gid, groups[IDENTITY_GROUPS_MAX];
	int group_count;
};

/* When podinit has what it will have. 0 or -errno (out of memory). */
int identity_open(
	struct identity *identity, const struct pod_spec *pod, const struct filters *filters);
void identity_close(struct identity *identity);
/* Before process number `index` is born. Allocates nothing. */
void identity_prepare(struct identity *identity, int index);

/* The capabilities that it was given by `add` and that podinit has not to give. */
uint64_t identity_missing(const struct pod_spec *pod, const struct process_spec *process);

/* Both in the new process, in its root: 0, -errno or SPAWN_STAGE_SAYS_IT, with error->stage and ->item set. */

/* Who it is to be, and the labels of its program: all that needs files, while there is no limit yet. */
int identity_choose(
	const struct identity *identity, struct identity_choice *choice, struct spawn_error *error);
/* Becomes that. */
int identity_assume(
	const struct identity *identity, struct identity_choice *choice, struct spawn_error *error);

/* What podinit itself is permitted now. */
uint64_t identity_permitted(void);
/* podinit itself: keeps only these of its capabilities, and is no longer open to those who are root
 * without having them (ptrace(2), /proc/1/root). 0 or -errno. */
int identity_keep(uint64_t capabilities);

#endif
