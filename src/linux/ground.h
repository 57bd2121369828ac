/* What a pod stands on: all of the machine that is prepared before it starts, and removed when it has ended. */
#ifndef PODINIT_LINUX_GROUND_H
#define PODINIT_LINUX_GROUND_H

#include "cgroup.h"
#include "filter.h"
#include "listen.h"
#include "volume.h"

/* Where podinit is, for this pod. */
struct ground_site {
	const struct pod_spec *spec;
	bool is_sandboxed;
	bool has_own_network;	/* of the sandbox, made or joined; else it is the machine's */
	bool has_fresh_network; /* made for this pod: nobody uses a port of it yet */
	bool is_quiet;		/* no warnings */
};

struct ground {
	struct cgroups
		*cgroups; /* NULL: podinit does not look at them. The owner's: they are older than
				  * the sandbox, and outlive it */
	struct filters filters;
	struct volumes volumes;
	struct listeners listeners;
};

/* Prepares all of it, and looks whether the pod can run; `ground` has its cgroups. What is wrong is added to
 * `problems`, all of it. May block: only before the loop. */
void ground_prepare(
	struct ground *ground, const struct ground_site *site, struct problems *problems);
/* Says if a process needs the program podprobe, and it is not there. May block. */
void ground_find_podprobe(const struct pod_spec *spec, struct problems *problems);
/* Removes what is the pod's alone, for when every process is gone; also after problems. */
void ground_finish(struct ground *ground);

/* What podinit must still be allowed when the pod runs, a bit each (spec/security.h). */
uint64_t ground_capabilities(const struct ground *ground, const struct pod_spec *spec);

#endif
