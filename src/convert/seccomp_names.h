/* The names that a seccomp profile uses, and what they stand for. */
#ifndef PODINIT_CONVERT_SECCOMP_NAMES_H
#define PODINIT_CONVERT_SECCOMP_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct seccomp_action {
	const char *name; /* SCMP_ACT_... */
	uint32_t value;	  /* SCMP_ACT_*, without a number */
	bool has_number;  /* takes errnoRet */
	bool unsupported; /* podinit cannot do it */
};

/* NULL: no such action. */
const struct seccomp_action *seccomp_action_find(const char *name);

/* An enum scmp_compare; -1: no such operator. */
int seccomp_operator_find(const char *name);

/* An architecture by its SCMP_ARCH_ name, as libseccomp's token; 0: no such architecture. */
uint32_t seccomp_architecture_find(const char *name);

/* Whether it is this machine's architecture, by the name that Go and Docker have for it; *known says
 * whether it is any. */
bool seccomp_architecture_is_ours(const char *go_name, bool *known);

/* The number of an error by its name ("EPERM"); -1: no such error. */
int seccomp_errno_find(const char *name);

/* The number of a SECCOMP_FILTER_FLAG_; 0: none that podinit sets for this name. *known says whether
 * the name is one all the same. */
uint32_t seccomp_flag_find(const char *name, bool *known);

/* A capability by its name, with or without "CAP_", in any case; -1: no such capability. */
int seccomp_capability_find(const char *name);

#endif
