/* What a process finds in its environment: podinit's own, and the process's variables over it. */
#ifndef PODINIT_LINUX_ENVIRONMENT_H
#define PODINIT_LINUX_ENVIRONMENT_H

#include "../spec/spec.h"

/* Made at boot, filled anew for each start. Zeroed is none. */
struct environment {
	char **items; /* for execve(); with room for the largest of the pod */
	int count;
	char listen_pid[32]; /* an entrypoint's LISTEN_PID, where podinit was given one; else "" */
};

/* 0 or -errno (out of memory). */
int environment_open(struct environment *environment, const struct pod_spec *spec);
/* That of another pod takes its place. */
void environment_replace(struct environment *environment, struct environment *next);
void environment_close(struct environment *environment);

/* Fills it for this process; the strings are podinit's own and the spec's. Allocates nothing. */
void environment_merge(struct environment *environment, const struct pod_spec *spec,
	const struct process_spec *process);
/* Adds a variable of podinit's, unless the process's own `env` has one of that name. `item` must stay; there is
 * room for HANDOVER_VARIABLES of them. */
void environment_add(
	struct environment *environment, const struct process_spec *process, char *item);
/* In the new process, which knows its number: an entrypoint's LISTEN_PID names it. */
void environment_name_process(struct environment *environment);

#endif
