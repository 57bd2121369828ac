/* What a process will find in its root file system: that root, its user and groups, its working directory, its
 * program. Each as it will be looked for when the process starts, by its user, where its links lead. */
#ifndef PODINIT_LINUX_INSPECT_H
#define PODINIT_LINUX_INSPECT_H

#include "finding.h"

/* Adds what will be missing. What lies on a volume, or on what podinit mounts, is not looked at. A file
 * system that does not answer is given up, and said. With `only_certain` also what stands behind an init
 * stage is not looked at: that may make it. Blocks for seconds at most. */
void inspect_roots(const struct pod_spec *spec, bool only_certain, struct findings *findings);

#endif
