/* A seccomp profile in JSON, in the form of the OCI runtime specification or of Docker. */
#ifndef PODINIT_CONVERT_SECCOMP_JSON_H
#define PODINIT_CONVERT_SECCOMP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct convert_report;
struct seccomp_program;

struct seccomp_json {
	const char *name; /* of the file, for messages */
	const char *text; /* need not end in NUL */
	size_t length;
	uint64_t
		capabilities; /* that "includes" and "excludes" are decided by: bit n is capability n */
};

/* Makes a filter for this machine of a profile. Everything that is wrong with the profile is
 * reported; true if there was no error, and then *out is the caller's. */
bool seccomp_json_convert(const struct seccomp_json *profile, struct convert_report *report,
	struct seccomp_program *out);

#endif
