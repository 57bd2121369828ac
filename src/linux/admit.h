/* Admission: the pod as one unit, before anything of it starts. */
#ifndef PODINIT_LINUX_ADMIT_H
#define PODINIT_LINUX_ADMIT_H

#include "../spec/spec.h"

struct admission {
	const struct pod_spec *spec;
	bool has_fresh_network; /* made for this pod: nobody uses a port of it yet */
	bool is_quiet;		/* no warnings */
};

/* A pod that requests more than there is, is refused: a problem. What else can be known beforehand to fail
 * when a process starts is a problem each with `admission = strict`, and else a warning. Entrypoints and pods
 * without processes are not looked at. May block: only before the loop. */
void admit(const struct admission *admission, struct problems *problems);

#endif
