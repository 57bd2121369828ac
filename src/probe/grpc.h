/* The kind `grpc`. */
#ifndef PODINIT_PROBE_GRPC_H
#define PODINIT_PROBE_GRPC_H

#include "probe/probe.h"

/* Calls grpc.health.v1.Health/Check for the service `what`. Its length is at most HEALTH_SERVICE_MAX
 * of health.h. */
void grpc_probe(const struct probe *probe, struct verdict *verdict);

#endif
