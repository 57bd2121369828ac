/* The system call filters of a pod's processes (seccompProfile): made or read once, before anything runs, and
 * shared by those who have the same. */
#ifndef PODINIT_LINUX_FILTER_H
#define PODINIT_LINUX_FILTER_H

#include "../spec/spec.h"
#include "seccomp.h"

/* Zeroed is none. */
struct filters {
	struct filter {
		struct seccomp_program program;
		uint64_t capabilities; /* of RuntimeDefault */
		const char *file;      /* of Localhost; else NULL */
	} * items;
	int count;
	int *of_process; /* index of each process's; -1: none. NULL: nobody has one */
};

/* What goes wrong is added to `problems`, all of it. May block and allocate: only before the loop. */
void filters_prepare(
	struct filters *filters, const struct pod_spec *spec, struct problems *problems);
void filters_finish(struct filters *filters);

/* Hands them over to another podinit process: adds their bytes. */
void filters_write(const struct filters *filters, int process_count, struct text *out);
/* Reads those. False: they are not whole. Allocates. */
bool filters_read(struct filters *filters, int process_count, const char *bytes, size_t length);

/* A process's, or NULL. */
const struct seccomp_program *filters_of(const struct filters *filters, int index);

#endif
