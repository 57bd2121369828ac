/* The two clocks. Only here is the time read. */
#ifndef PODINIT_LINUX_CLOCK_H
#define PODINIT_LINUX_CLOCK_H

#include <stdint.h>

int64_t clock_monotonic(void); /* ns; what the core calls now */
int64_t clock_realtime(void);  /* ns since 1970; only for people */

#endif
