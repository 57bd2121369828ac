/* From a host and a port to a connection. */
#ifndef PODINIT_PROBE_CONNECT_H
#define PODINIT_PROBE_CONNECT_H

#include "probe/probe.h"

/* The descriptor of a connection to the first address of `host` that takes one, tried one after the
 * other; else -1, and the verdict says of the last one why ("dial tcp 10.0.0.1:80: connect: ..."). */
int connect_host(const char *host, const char *port, struct verdict *verdict);

/* The kind `tcp`: connects, and no more. */
void tcp_probe(const struct probe *probe, struct verdict *verdict);

#endif
