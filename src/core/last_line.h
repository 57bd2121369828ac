/* What a pod that ends says last. */
#ifndef PODINIT_CORE_LAST_LINE_H
#define PODINIT_CORE_LAST_LINE_H

#include "pod.h"

/* Adds one line, without newline: "ends with exit code 143 after 12 s: SIGTERM from process 7 (sh), uid
 * 0; web killed by SIGTERM after 11 s". Names each main (and the init) that failed; `by` (may be NULL)
 * says who ended it, where a signal did. */
void last_line_add(struct text *out, const struct pod_spec *spec, const struct pod *pod,
	int64_t now, const char *by);

#endif
