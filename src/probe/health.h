/* The two messages of grpc.health.v1, with gRPC's five bytes before them, as bytes. Pure. */
#ifndef PODINIT_PROBE_HEALTH_H
#define PODINIT_PROBE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEALTH_PREFIX = 5, HEALTH_SERVICE_MAX = 4096, HEALTH_SERVING = 1 };
/* The prefix, a key, a length of at most two bytes, the name. */
enum { HEALTH_REQUEST_MAX = HEALTH_PREFIX + 3 + HEALTH_SERVICE_MAX };

/* A HealthCheckRequest; returns its length. `service` is at most HEALTH_SERVICE_MAX long. */
size_t health_write_request(uint8_t request[HEALTH_REQUEST_MAX], const char *service);

/* The status of a HealthCheckResponse; false if the bytes are none, or compressed. */
bool health_read_response(const uint8_t *bytes, size_t length, uint64_t *status);

/* "NOT_SERVING"; NULL if it has no name. */
const char *health_status_name(uint64_t status);

#endif
