/* Receiving datagrams, with all that comes with them: descriptors for which there is no room the kernel would close
 * in podinit's place, which would wait for that. Must not read what they say. */
#include "datagram.h"

#include <string.h>
#include <sys/socket.h>

static void take_ancillary(struct msghdr *header, struct datagram *datagram)
{
	for (struct cmsghdr *one = CMSG_FIRSTHDR(header); one; one = CMSG_NXTHDR(header, one)) {
		if (one->cmsg_level != SOL_SOCKET)
			continue;
		if (one->cmsg_type == SCM_CREDENTIALS) {
			struct ucred credentials;
			memcpy(&credentials, CMSG_DATA(one), sizeof(credentials));
			datagram->sender = credentials.pid;
		} else if (one->cmsg_type == SCM_RIGHTS) {
			size_t length = one->cmsg_len - CMSG_LEN(0);
			datagram->fd_count = (int)(length / sizeof(int));
			memcpy(datagram->fds, CMSG_DATA(one), length);
		}
	}
}

bool datagram_receive(int socket, struct datagram *datagram)
{
	union {
		struct cmsghdr aligned;
		char bytes[CMSG_SPACE(sizeof(struct ucred)) +
			CMSG_SPACE(sizeof(int) * RECEIVED_MAX)];
	} control;
	struct iovec text = {datagram->bytes, sizeof(datagram->bytes)};
	struct msghdr header = {
		.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t length = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (length < 0)
		return false;
	datagram->length = (size_t)length;
	datagram->sender = 0;
	datagram->fd_count = 0;
	datagram->is_cut = header.msg_flags & MSG_TRUNC;
	take_ancillary(&header, datagram);
	return true;
}

void datagram_finish(const struct datagram *datagram)
{
	for (int i = 0; i < datagram->fd_count; i++) {
		if (datagram->fds[i] >= 0)
			received_close(datagram->fds[i]);
	}
}
