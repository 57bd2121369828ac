/* Who watches over emptyDir.sizeLimit: a process of podinit's own, every ten seconds, since looking
 * through a volume takes long and may hang. Where no volume has such a limit nothing is done. */
#ifndef PODINIT_LINUX_EVICT_H
#define PODINIT_LINUX_EVICT_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "volume.h"

/* Zeroed is one that watches nothing. */
struct evictor {
	struct ev_loop *ev;
	const struct volumes *volumes;
	void (*exceeded)(void *owner, int volume); /* it is larger than it may be */
	void *owner;
	struct ev_timer timer;
	struct ev_io result; /* of the one that measures */
	pid_t pid;	     /* of it; 0: there is none */
};

/* Begins to watch, if there is anything to. */
void evictor_begin(struct evictor *evictor, struct ev_loop *ev, const struct volumes *volumes,
	void (*exceeded)(void *owner, int volume), void *owner);
/* No more: the pod ends. What measures is killed. */
void evictor_end(struct evictor *evictor);
/* Was this process, which has ended, the one that measures? */
bool evictor_reaped(struct evictor *evictor, pid_t pid);

#endif
