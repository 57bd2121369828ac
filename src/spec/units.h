/* Numbers as people write them: integers, durations, Kubernetes quantities, signals. Each parser
 * takes the whole text, returns false (and leaves *out alone) for anything else; each writer
 * writes what its parser reads back. */
#ifndef PODINIT_SPEC_UNITS_H
#define PODINIT_SPEC_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

bool integer_parse(const char *text, int64_t *out);

/* "30", "1.5" (seconds), "500ms", "1h30m": units h, m, s, ms, us, as Go writes a duration. A
 * leading '-' is read too. In nanoseconds. */
bool duration_parse(const char *text, int64_t *ns);
void duration_write(struct text *out, int64_t ns);

/* A Kubernetes resource.Quantity: "500m", "2", "0.5", "256Mi", "1e3". In thousandths of the unit
 * (of a CPU, of a byte), rounded up; not negative. */
bool quantity_parse(const char *text, int64_t *milli);
/* "268435456", "500m". */
void quantity_write(struct text *out, int64_t milli);
/* The same for sizes, in the largest unit that it is a whole number of: "256Mi". */
void quantity_write_binary(struct text *out, int64_t milli);

/* "TERM", "SIGTERM", "15", "RTMIN", "SIGRTMIN+3", "RTMAX-1"; case does not matter. 1..64. */
bool signal_parse(const char *text, int *signo);
/* "SIGTERM", "SIGRTMIN+3"; "signal 0" for what is none. Static or thread-shared storage: valid
 * until the program ends. */
const char *signal_name(int signo);

enum {
	SIGNAL_STANDARD_MAX = 31,
	SIGNAL_MAX = 64
}; /* those above the first are real-time signals */

#endif
