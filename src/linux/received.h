/* Descriptors that came with a message: they are other processes', and may be anything. PID 1 never waits for
 * them. */
#ifndef PODINIT_LINUX_RECEIVED_H
#define PODINIT_LINUX_RECEIVED_H

#include <stdbool.h>
#include <sys/types.h>

enum { RECEIVED_MAX = 253 }; /* with one message: the kernel's SCM_MAX_FD */

/* Closes it, or puts it aside: what may make its last owner wait is closed by a child that shares podinit's
 * descriptors, with others. */
void received_close(int fd);
/* Is there room for what one more message may bring, and for all that is stored? Without it nobody is to be heard:
 * what is not taken from a message the kernel closes, and podinit would wait. */
bool received_have_room(void);
/* Starts that child, if anything was put aside. False: something still is, for a later time. */
bool received_flush(void);
/* Was this process, which has ended, such a child? What it has not closed, another one does. */
bool received_reaped(pid_t pid);
/* Is it one? How many there are. */
bool received_is_closer(pid_t pid);
int received_closer_count(void);
/* Those that still wait wait for a file system, and the pod ends. */
void received_kill_closers(void);

/* Can whoever holds it forget it without waiting, and each new process, too? Not so a file: a server may have to
 * answer each close. */
bool received_can_be_kept(int fd);
/* Has it no other end any more? Only of what can be asked without waiting; anything else: no. */
bool received_is_hung_up(int fd);
/* The same open file as another? */
bool received_is_same(int a, int b);

#endif
