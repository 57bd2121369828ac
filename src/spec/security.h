/* What a process may do: the securityContext of the Pod spec, and what follows from it. Capability n
 * is bit n, as in <linux/capability.h>; names are those of Kubernetes, without CAP_. Must not ask the
 * kernel: what podinit itself has is src/linux's business. */
#ifndef PODINIT_SPEC_SECURITY_H
#define PODINIT_SPEC_SECURITY_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

struct pod_spec;
struct process_spec;

/* A boolean that may be unsaid. */
enum said { UNSAID, SAID_FALSE, SAID_TRUE };

enum profile_type {
	PROFILE_UNSAID,
	PROFILE_UNCONFINED,
	PROFILE_RUNTIME_DEFAULT,
	PROFILE_LOCALHOST,
};

/* Most of its fields both pod and process have. */
struct security_spec {
	const char *user, *group;  /* a number or a name; NULL: unsaid */
	const char *seccomp_file;  /* seccompProfile.localhostProfile */
	const char *apparmor_name; /* appArmorProfile.localhostProfile */
	const char *selinux_user, *selinux_role, *selinux_type, *selinux_level;
	uint8_t non_root;			      /* enum said */
	uint8_t seccomp, apparmor;		      /* enum profile_type */
	uint64_t capabilities_add, capabilities_drop; /* of a process only */
};

extern const struct security_spec SECURITY_UNSAID;

enum { CAPABILITY_COUNT = 41 }; /* up to CAP_CHECKPOINT_RESTORE, Linux 5.9 */

#define CAPABILITIES_ALL (~UINT64_C(0)) /* also those that this table does not know */

/* The capability of a name ("NET_ADMIN"), or -1. */
int capability_find(const char *name);
/* Its bit; 0 for a name that is none. */
uint64_t capability_bit(const char *name);
/* "NET_ADMIN"; "capability 50" is none: NULL. */
const char *capability_name(int capability);
/* Adds "CHOWN, KILL", "all" or "none". */
void capabilities_write(struct text *out, uint64_t capabilities);

/* The process's own fields, and the pod's where it says nothing. */
struct security_spec spec_security(const struct pod_spec *pod, const struct process_spec *process);
/* The user is said to be root, or nothing is said of it (and then podinit's own may be). */
bool security_is_root(const struct security_spec *security);

/* What the process may have at most: the container default, changed by add and drop; all of a
 * privileged one. This is its bounding set and, as root, what it has. */
uint64_t spec_capabilities(const struct process_spec *process);
/* What it has although its user is not root: the ones that it was given by `add`. (Kubernetes gives
 * them in vain.) */
uint64_t spec_ambient(const struct process_spec *process);
/* What podinit itself needs to start this process. */
uint64_t spec_needed_capabilities(const struct pod_spec *pod, const struct process_spec *process);
/* What podinit itself needs after boot to run this pod. */
uint64_t spec_own_capabilities(const struct pod_spec *pod);

#endif
