/* The loopback interface, which is down in a network namespace, or on a machine, that is new. */
#ifndef PODINIT_LINUX_LOOPBACK_H
#define PODINIT_LINUX_LOOPBACK_H

/* Brings it up; the kernel gives it its addresses then. 0 or -errno. */
int loopback_up(void);

#endif
