/* podinit as the first process of a machine: what a container runtime does for a pod elsewhere is done
 * here, and the machine ends with it. In any other place these do nothing. */
#ifndef PODINIT_LINUX_MACHINE_H
#define PODINIT_LINUX_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* Is this process the first one of the machine? Then all of it is podinit's. */
bool machine_is_ours(void);

/* Before anything else but blocking the signals. Mounts what is missing, opens the console where no
 * standard descriptors were given, brings the loopback interface up, sets PATH if nobody did, asks for
 * Ctrl-Alt-Del as SIGINT; and takes from the arguments what was meant for the kernel. What fails is said,
 * and podinit goes on. */
void machine_begin(int *argc, char **argv);

/* The machine's host name. */
void machine_set_name(const char *name);

/* What machine_end() needs, a bit each (spec/security.h). */
uint64_t machine_capabilities(void);

/* The last thing to do, when nothing runs any more: powers the machine off, file systems being
 * consistent. Returns the exit code where podinit shall exit() with it: elsewhere. */
int machine_end(int exit_code);

#endif
