/* The parts of /proc and /sys that a container does not see, or cannot write: they are the machine's,
 * or tell of it. */
#ifndef PODINIT_LINUX_MASK_H
#define PODINIT_LINUX_MASK_H

/* Masks /proc and /sys below the root of this process, in its mount namespace, for all that share it;
 * paths that are not there are passed over. Needs /dev/null there. Allocates nothing, fit for a child
 * that has a mount namespace of its own. 0, or -errno and *failed is the path (may be NULL). */
int mask_proc(const char **failed);

#endif
