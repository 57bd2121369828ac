/* What a process gets of the machine: resources and limits of the Pod spec, what follows from them for
 * the pod as one unit, and the kernel's own limits. Quantities are in thousandths (of a CPU, of a byte),
 * 0 is unsaid. */
#ifndef PODINIT_SPEC_RESOURCES_H
#define PODINIT_SPEC_RESOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

struct pod_spec;
struct process_spec;

enum resource { RESOURCE_CPU, RESOURCE_MEMORY, RESOURCE_COUNT };

struct resources_spec {
	int64_t requests[RESOURCE_COUNT], limits[RESOURCE_COUNT];
};

extern const struct resources_spec RESOURCES_UNSAID;

/* Kubernetes' quality of service, which says who is killed first when memory ends. */
enum qos_class { QOS_BEST_EFFORT, QOS_BURSTABLE, QOS_GUARANTEED };

/* In the order of the kernel's numbers of most machines; names as in the keys: rlimit.nofile. */
enum rlimit_kind {
	LIMIT_AS,
	LIMIT_CORE,
	LIMIT_CPU,
	LIMIT_DATA,
	LIMIT_FSIZE,
	LIMIT_LOCKS,
	LIMIT_MEMLOCK,
	LIMIT_MSGQUEUE,
	LIMIT_NICE,
	LIMIT_NOFILE,
	LIMIT_NPROC,
	LIMIT_RSS,
	LIMIT_RTPRIO,
	LIMIT_RTTIME,
	LIMIT_SIGPENDING,
	LIMIT_STACK,
	LIMIT_COUNT,
};

#define LIMIT_UNLIMITED UINT64_MAX

struct rlimit_spec {
	uint64_t soft, hard;
	bool said;
};

enum { NUMBER_SET_MAX = 1024 }; /* CPUs, or nodes of memory */

/* "0,2-3". Zeroed is unsaid. */
struct number_set {
	uint64_t bits[NUMBER_SET_MAX / 64];
};

/* CPUSchedulingPolicy and the like, by the kernel's names. */
enum cpu_policy { CPU_UNSAID, CPU_OTHER, CPU_BATCH, CPU_IDLE, CPU_FIFO, CPU_RR };
enum io_class { IO_UNSAID, IO_REALTIME, IO_BEST_EFFORT, IO_IDLE };
enum numa_policy {
	NUMA_UNSAID,
	NUMA_DEFAULT,
	NUMA_PREFERRED,
	NUMA_BIND,
	NUMA_INTERLEAVE,
	NUMA_LOCAL
};

/* Limits and scheduling of one process. Integers are INT_UNSET where nothing is said. */
struct limits_spec {
	struct rlimit_spec rlimits[LIMIT_COUNT];
	struct number_set cpus, numa_nodes;
	int32_t nice, oom_score_adj;
	int32_t cpu_priority, io_priority;
	uint8_t cpu_policy, io_class, numa_policy;
};

/* "nofile", ... */
const char *rlimit_name(enum rlimit_kind kind);
/* "cpu", "memory". */
const char *resource_name(enum resource resource);
bool number_set_is_empty(const struct number_set *set);
bool number_set_has(const struct number_set *set, int number);

/* What a process requests: its limit where it says only that. */
int64_t resource_request(const struct resources_spec *resources, enum resource resource);

/* What the pod needs at its worst moment: the larger of its inits (each beside the sidecars above it)
 * and of all sidecars and mains together, and the overhead (KEP-753). The pod's own resources, where
 * said, instead. */
int64_t spec_pod_request(const struct pod_spec *pod, enum resource resource);
/* Of what that is the sum: "init a 3 + sidecar b 500m + overhead 100m". Who asks for nothing is left out. */
void spec_pod_request_explain(const struct pod_spec *pod, enum resource resource, struct text *out);
/* An amount as people write it: "500m" CPUs, "4Gi" of memory. */
void resource_write(struct text *out, enum resource resource, int64_t amount);
/* The same of the limits; 0 (none) as soon as one of those that run together has none. */
int64_t spec_pod_limit(const struct pod_spec *pod, enum resource resource);

enum qos_class spec_qos_class(const struct pod_spec *pod);
/* The oom_score_adj that follows from requests and limits, on a machine with so much memory (bytes);
 * a sidecar's is at most that of the main with the smallest request. */
int spec_oom_score_adj(
	const struct pod_spec *pod, const struct process_spec *process, int64_t machine_memory);

#endif
