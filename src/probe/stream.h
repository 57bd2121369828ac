/* Bytes to a server and back, in the clear or by TLS. */
#ifndef PODINIT_PROBE_STREAM_H
#define PODINIT_PROBE_STREAM_H

#include <openssl/types.h>
#include <sys/types.h>

#include "probe/probe.h"

/* Zeroed but for fd = -1 is a closed one. */
struct stream {
	int fd;
	SSL *tls;	 /* NULL: in the clear */
	bool spoke_http; /* the answer to TLS's first words was plain HTTP; stays when it is closed */
	char first[5];	 /* what came first: the head of a record of TLS */
	bool has_first;
};

/* Connects, and with a `name` shakes hands for TLS, where nothing is verified; the name goes to the server
 * before that (SNI), unless it is "" or a number. NULL: in the clear. false: it is closed again, and the
 * verdict says why. */
bool stream_open(struct stream *stream, const char *host, const char *port, const char *name,
	struct verdict *verdict);

/* All bytes or false; bytes received or 0 at the end. -1, false: the verdict says why. */
bool stream_send(struct stream *stream, const char *bytes, size_t length, struct verdict *verdict);
ssize_t stream_receive(struct stream *stream, char *buffer, size_t size, struct verdict *verdict);

void stream_close(struct stream *stream);

#endif
