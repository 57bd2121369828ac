/* Process 1 of a PID namespace that one process of the pod has for itself (shareProcessNamespace = false):
 * it passes signals on to the program, reaps, and ends as the program ends; whatever is left in the namespace
 * then ends with it. */
#ifndef PODINIT_LINUX_REAPER_H
#define PODINIT_LINUX_REAPER_H

/* In a new process that is process 1 of its namespace, with every signal blocked. Returns 0 in a new child,
 * which is to become the program; -errno where none could be made. In process 1 itself it does not return.
 * `closed`: a descriptor that only the child keeps. */
int reaper_divide(int closed);

#endif
