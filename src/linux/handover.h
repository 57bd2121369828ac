/* What a process of a pod is handed at its birth beside its standard descriptors: the sockets of `listen`, what
 * an earlier instance has stored, the descriptor of notifyFd; and the variables that say so. */
#ifndef PODINIT_LINUX_HANDOVER_H
#define PODINIT_LINUX_HANDOVER_H

#include "../spec/spec.h"
#include "fdstore.h"
#include "listen.h"

struct environment;

enum {
	HANDOVER_MAX = LISTEN_MAX + FDSTORE_PROCESS_MAX,
	HANDOVER_VARIABLES = 6, /* at most */
};

/* What is the same for every start, and room for what is not. Zeroed hands over nothing. */
struct handover {
	const struct pod_spec *spec;
	const struct listeners *listeners;
	struct fdstore *store;	   /* NULL: there is none */
	const char *notify_socket; /* its name; NULL: there is none */

	/* Of whoever is started. */
	int fds[HANDOVER_MAX], count; /* to be 3 and so on */
	int ready_fd, ready_number;   /* of notifyFd; -1: none */
	char *names; /* "LISTEN_FDNAMES=a:b", room for all there can be; NULL: never any */
	char socket[64 + 16], fd_count[24], listen_pid[24], watchdog_usec[40], watchdog_pid[24];
};

/* 0 or -ENOMEM. */
int handover_open(
	struct handover *handover, const struct pod_spec *spec, const struct listeners *listeners);
/* Room for another pod's processes, too. 0 or -ENOMEM. */
int handover_reserve(struct handover *handover, const struct pod_spec *spec);
void handover_close(struct handover *handover);

/* Collects what process `index` gets; `ready_fd`: the descriptor that becomes its notifyFd, -1: none. Adds the
 * variables to the environment, which is already its. Allocates nothing. */
void handover_prepare(
	struct handover *handover, int index, int ready_fd, struct environment *environment);
/* In the new process, with memory of its own: all are where they belong, and stay open when it runs its program.
 * *keep, an open descriptor, may get another number. 0 or -errno. */
int handover_take(struct handover *handover, int *keep);
/* In the new process, which knows its number: the variables name it. */
void handover_name_process(struct handover *handover);

#endif
