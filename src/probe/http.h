/* The kinds `http` and `https`. */
#ifndef PODINIT_PROBE_HTTP_H
#define PODINIT_PROBE_HTTP_H

#include "probe/probe.h"

/* Gets the path `what`, and what it is redirected to on the same host. */
void http_probe(const struct probe *probe, struct verdict *verdict);
void https_probe(const struct probe *probe, struct verdict *verdict);

#endif
