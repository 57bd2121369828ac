/* A datagram from whoever may send one: its bytes, who the kernel says has sent it, and the descriptors that came
 * with it. */
#ifndef PODINIT_LINUX_DATAGRAM_H
#define PODINIT_LINUX_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "notify_message.h"
#include "received.h"

struct datagram {
	char bytes[NOTIFY_MESSAGE_MAX];
	size_t length;
	pid_t sender;			 /* 0: nobody that is seen from here */
	int fds[RECEIVED_MAX], fd_count; /* -1: somebody has taken it */
	bool is_cut;
};

/* Only where received_have_room(). False: there is none. */
bool datagram_receive(int socket, struct datagram *datagram);
/* Closes the descriptors that nobody has taken: what was sent to be closed is answered by that, which is
 * sd_notify_barrier(3). */
void datagram_finish(const struct datagram *datagram);

#endif
