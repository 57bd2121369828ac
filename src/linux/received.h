/* Descriptors that came with a message: they are other processes', and may be anything. PID 1 never waits for
 * them. */
#ifndef PODINIT_LINUX_RECEIVED_H
#define PODINIT_LINUX_RECEIVED_H

#include <stdbool.h>

/* Closes it, or puts it aside: what may make its last owner wait (a file on a file system that does not answer, a
 * terminal) is closed by a child that shares podinit's descriptors, with others. */
void received_close(int fd);
/* Starts that child, if anything was put aside. */
void received_flush(void);
/* Has it no other end any more? Only of what can be asked without waiting; anything else: no. */
bool received_is_hung_up(int fd);
/* The same open file as another? */
bool received_is_same(int a, int b);

#endif
