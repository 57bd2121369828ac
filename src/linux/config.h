/* Configuration files from the disk into a pod_spec. */
#ifndef PODINIT_LINUX_CONFIG_H
#define PODINIT_LINUX_CONFIG_H

#include "../spec/spec.h"

/* Reads `path`: a file, a directory (its *.ini files in name order) or "-" (standard input), into
 * an initialised spec, and checks it. Everything that is wrong is added to `problems`. */
void config_read(struct pod_spec *spec, const char *path, struct problems *problems);

#endif
