/* What podinit does to itself before anything runs, and what of it its children must not inherit. */
#ifndef PODINIT_LINUX_BOOT_H
#define PODINIT_LINUX_BOOT_H

#include "../spec/spec.h"

/* podinit's exit code where it could not begin: bad option, bad file, missing privilege. */
enum { CANNOT_BEGIN = 125 };

/* Opens descriptors 0, 1 and 2 on `path` where they were given closed: no other file may get their
 * numbers. */
void boot_standard_descriptors(const char *path);

/* Descriptors, limits; for a pod the directory, too. Best effort. */
void boot_prepare(const struct pod_spec *spec);
/* Of an entrypoint, when its program has started: podinit goes to /, not to hold any mount, and closes
 * what it was given only for the program. Not before: the program starts where podinit was started, be
 * that a directory that its user may not enter. */
void boot_let_go(const struct pod_spec *spec);
/* Orphans of this process's descendants shall come to it. 0 or -errno. */
int boot_become_subreaper(void);
bool boot_is_subreaper(void);
/* This process gets the signal when its parent, process `parent`, ends; or now, if it has. 0 or
 * -errno. */
int boot_parent_death_signal(int signo, int parent);

/* In a child that is podinit's own helper and executes nothing: keeps only this descriptor, which becomes
 * number 0, so that nobody waits for the end of another one; and ends when its parent, process `parent`, does.
 * 0 or -errno. */
int boot_become_helper(int fd, int parent);

/* In a child: the limits that podinit itself raised. */
void boot_restore_limits(void);

#endif
