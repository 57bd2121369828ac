/* What the makers of filters share: libseccomp's context at the beginning, a program at the end. */
#ifndef PODINIT_LINUX_SECCOMP_BUILD_H
#define PODINIT_LINUX_SECCOMP_BUILD_H

#include <seccomp.h>
#include <stdbool.h>

struct seccomp_program;

/* A filter for this machine's architecture without rules; NULL if there is no memory. The caller's,
 * until seccomp_build_finish() or seccomp_release(). */
scmp_filter_ctx seccomp_build_begin(uint32_t default_action);

/* Adds the architectures whose programs this machine runs besides its own (32 bit, x32), as
 * container runtimes do: otherwise such a program is killed at its first system call. 0 or -errno. */
int seccomp_build_add_compat(scmp_filter_ctx context);

/* Makes the program and releases the context in any case. 0 or -errno (-EFBIG: more instructions
 * than the kernel takes); with an error *out is none. */
int seccomp_build_finish(scmp_filter_ctx context, struct seccomp_program *out);

/* Whether the kernel that runs is this one or newer. */
bool seccomp_kernel_is_at_least(int version, int patchlevel);

#endif
