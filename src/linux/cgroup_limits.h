/* What resources and ioWeight are in the files of a cgroup. */
#ifndef PODINIT_LINUX_CGROUP_LIMITS_H
#define PODINIT_LINUX_CGROUP_LIMITS_H

#include "../spec/spec.h"

enum cgroup_controller {
	CONTROLLER_CPU,
	CONTROLLER_MEMORY,
	CONTROLLER_PIDS,
	CONTROLLER_IO,
	CONTROLLER_COUNT,
};

/* Why each controller is missing: an errno; ENODEV: it is not there. 0: it is enabled. */
struct cgroup_controllers {
	int errors[CONTROLLER_COUNT];
};

/* Enables each for the cgroups below. Returns what it changed, a bit each. */
unsigned cgroup_controllers_enable(int directory, struct cgroup_controllers *controllers);
/* Undoes that, for the bits. */
void cgroup_controllers_disable(int directory, unsigned changed);

enum { LIMIT_ROW_COUNT = 5 };

/* Zeroed but for the first four. */
struct cgroup_limits {
	const struct pod_spec *spec;
	const char *path; /* of the delegated cgroup */
	/* NULL: nothing is delegated */
	const struct cgroup_controllers *controllers;
	/* gets what the kernel refuses; nothing is to start then */
	struct problems *problems;
	bool again; /* something may stand there: what is not said becomes what it was */

	struct text names[LIMIT_ROW_COUNT]; /* whose it is that is not enforced */
	int errors[LIMIT_ROW_COUNT];	    /* and why */
};

/* Writes what a process (NULL: the pod) says into its cgroup; without controllers only notes it. */
void cgroup_limits_write(
	struct cgroup_limits *limits, int directory, const struct process_spec *process);
/* Says what was not enforced, a line for each key; and `why` where nothing is delegated. Finishes it. */
void cgroup_limits_say(struct cgroup_limits *limits, const char *why);

#endif
