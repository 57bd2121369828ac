/* The INI form of a pod: text in, text out. The files themselves are read and written elsewhere. */
#ifndef PODINIT_SPEC_INI_H
#define PODINIT_SPEC_INI_H

#include "spec.h"

enum {
	INI_LINE_MAX = 65535,	/* bytes; a longer line is refused */
	INI_NAME_MAX = 49,	/* of a section or key; inih would cut a longer one */
	INI_FILE_MAX = 8 << 20, /* bytes; a larger file is refused */
};

struct ini_source {
	const char *name;      /* for messages */
	const char *directory; /* that relative paths start from; "" for the current one */
	const char *text;      /* need not end in NUL */
	size_t length;
};

/* Reads one source into `spec` (initialised; may hold others). Every problem of it is added. With
 * `accept_later` keys whose behaviour is not built yet are accepted: only tests do so. Afterwards
 * spec_check() completes the spec. */
void ini_read(struct pod_spec *spec, const struct ini_source *source, bool accept_later,
	struct problems *problems);

/* Writes `spec` so that ini_read() gives the same spec; what is at its default is left out. */
void ini_write(struct text *out, const struct pod_spec *spec);

#endif
