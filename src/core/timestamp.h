/* RFC 3339 in UTC, from a number. Pure: gmtime_r() would open the time zone files. */
#ifndef PODINIT_CORE_TIMESTAMP_H
#define PODINIT_CORE_TIMESTAMP_H

#include <stdint.h>

#include "../spec/text.h"

/* Adds "2026-11-23T22:11:46.123456Z" for `realtime_ns` since 1970; without the fraction where
 * `fraction` is false, as in a PodStatus. */
void timestamp_add(struct text *out, int64_t realtime_ns, bool fraction);

#endif
