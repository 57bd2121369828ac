/* Namespaces that exist already, and joining them: those of a pod that another runtime made, or that
 * `ip netns add` left in a file. Which there are is one table. */
#ifndef PODINIT_LINUX_NAMESPACE_H
#define PODINIT_LINUX_NAMESPACE_H

#include <stdbool.h>

/* In the order in which they are joined. */
enum namespace_kind {
	NAMESPACE_NET,
	NAMESPACE_IPC,
	NAMESPACE_UTS,
	NAMESPACE_PID, /* of children, not of the process that joins */
	NAMESPACE_COUNT,
};

/* What the user wants joined. Zeroed is nothing. */
struct join {
	const char *paths[NAMESPACE_COUNT]; /* of --join-net and so on; NULL: not said */
	const char
		*process; /* of --join, a process number: its network, IPC and UTS namespaces, where
			      * no path is said; NULL: none */
};

/* The same, opened: descriptors, -1 for what is not joined. */
struct joined {
	int fds[NAMESPACE_COUNT];
};

/* The flag of clone(2) that would make such a namespace. */
unsigned long namespace_flag(enum namespace_kind kind);

/* Opens them, and makes sure that they are namespaces of their kind. False after saying what is wrong. */
bool namespaces_open(const struct join *join, struct joined *joined);
/* Nothing is joined. */
bool namespaces_are_none(const struct joined *joined);
/* This process (of one thread) enters them; where its user may not, it first enters the user namespace
 * that they belong to (a pod that the same user made), and *became_its_root is true then. False after
 * saying what is wrong. */
bool namespaces_enter(const struct join *join, const struct joined *joined, bool *became_its_root);
void namespaces_close(struct joined *joined);

#endif
