/* What the files of spec_check() share. Nothing else includes it. */
#ifndef PODINIT_SPEC_CHECK_H
#define PODINIT_SPEC_CHECK_H

#include "spec.h"

struct check {
	struct pod_spec *spec;
	struct problems *problems;
	bool was_read_well; /* else what seems to be missing may only have been refused */
};

/* Adds a problem of a process (NULL: of the pod), with its file and line (0: of its section). */
void check_says(const struct check *check, const struct process_spec *process, int line,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* check_system.c */
void check_system(const struct check *check);

/* check_lifecycle.c: probes, hooks and dependencies, of all processes in their final order, whose environments
 * are expanded. */
void check_lifecycle(const struct check *check);

/* check_sockets.c: descriptors that processes are given. */
void check_sockets(const struct check *check);

#endif
