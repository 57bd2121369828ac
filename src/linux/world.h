/* The namespaces that an instance of a process has for itself, held by podinit since its birth: what runs beside
 * it joins them. Not by its number: a program that changes its user closes its own /proc to podinit. */
#ifndef PODINIT_LINUX_WORLD_H
#define PODINIT_LINUX_WORLD_H

#include "../core/notice.h"

/* Descriptors; -1: it shares podinit's, or podinit has none. */
struct world {
	int mounts, pids;
};

extern const struct world WORLD_NONE;

/* Will anything have to join what an instance of this process has for itself? */
bool world_is_needed(const struct pod_spec *pod, const struct process_spec *process);

/* In the new process, at its birth: hands its namespaces to podinit, by a message without a stage. What cannot be
 * had is not sent: it matters only to who wants to join. */
void world_send(int socket, bool with_pids);
/* Reads one message: its length as of read(2), or -1 and errno. What it brings goes to *world (NULL: nowhere).
 * `fd` may be a pipe, which brings none. */
long world_receive(int fd, struct spawn_error *error, struct world *world);
void world_close(struct world *world);

/* In a process that is to be there: each 0 or -errno. The PID namespace is that of its next child. */
int world_join_mounts(const struct world *world);
int world_join_pids(const struct world *world);

#endif
