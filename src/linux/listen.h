/* The sockets of `listen`: made once at boot, held while the pod runs, whoever of its processes does. */
#ifndef PODINIT_LINUX_LISTEN_H
#define PODINIT_LINUX_LISTEN_H

#include <sys/types.h>

#include "../spec/spec.h"

/* Zeroed is none. */
struct listeners {
	const struct pod_spec *spec;
	struct listener {
		int fd; /* -1: none */
		dev_t device;
		ino_t inode; /* of the path that was made; 0: none was */
	} * items;	     /* process after process */
	int count;
	struct listener *reserved; /* for listeners_replace() */
};

/* Makes all of them; what cannot be is added to `problems`. May block: only at boot. */
void listeners_open(
	struct listeners *listeners, const struct pod_spec *spec, struct problems *problems);
/* Room for those of another pod, which listeners_replace() puts in their place: the same sockets for the same
 * processes (`old_of`: whose they were, or -1), of which none has others than it had. Those whom nobody has any more
 * are closed. 0 or -ENOMEM. */
int listeners_reserve(struct listeners *listeners, const struct pod_spec *spec);
void listeners_replace(struct listeners *listeners, const struct pod_spec *spec, const int *old_of);
/* Closes them, and removes the paths that are still theirs. */
void listeners_close(struct listeners *listeners);
/* The first of a process, which has as many as its spec says. */
const struct listener *listeners_of(const struct listeners *listeners, int process);

#endif
