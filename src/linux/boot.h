/* What podinit does to itself before anything runs, and what of it its children must not inherit. */
#ifndef PODINIT_LINUX_BOOT_H
#define PODINIT_LINUX_BOOT_H

#include <stdbool.h>

/* Opens descriptors 0, 1 and 2 where they were given closed: no other file may get their numbers. */
void boot_standard_descriptors(void);

/* Descriptors, limits, directory, orphans. `entrypoint`: children start in the directory that
 * podinit was started in, else in /. Returns 0, or -errno if orphans will not come to podinit
 * (it is not process 1 and cannot become a subreaper); all else is best effort. */
int boot_prepare(bool entrypoint);

/* In a child: the limits that podinit itself raised. */
void boot_restore_limits(void);
/* Where a process without a workingDir starts. */
const char *boot_directory(void);

#endif
