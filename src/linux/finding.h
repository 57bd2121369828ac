/* What was found before a pod starts that one of its processes will stumble over. Collected, and then said in
 * the order of the processes. */
#ifndef PODINIT_LINUX_FINDING_H
#define PODINIT_LINUX_FINDING_H

#include "../spec/spec.h"

/* Fits a pipe whole. Longer texts are cut. */
struct finding {
	int32_t process; /* index */
	char text[1020]; /* "command: ..." */
};

/* Zeroed is empty; the owner frees items. */
struct findings {
	struct finding *items;
	int count;
};

void findings_add(struct findings *findings, int process, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* By process; those of one process stay in their order. */
void findings_sort(struct findings *findings);

#endif
