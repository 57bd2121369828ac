/* System call filters: programs for the kernel that say which system calls a process may make. They
 * are made or read before the loop starts; afterwards they are only installed. */
#ifndef PODINIT_LINUX_SECCOMP_H
#define PODINIT_LINUX_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is none. Owned by whoever had it made; seccomp_free() ends it. */
struct seccomp_program {
	struct sock_filter *filters;
	unsigned short count; /* 1..BPF_MAXINSNS; 0: none */
	uint32_t flags;	      /* SECCOMP_FILTER_FLAG_* that it is installed with; usually 0 */
};

/* What a container runtime allows by default (seccompProfile.type RuntimeDefault), for a process that
 * has these capabilities: bit n is capability n. Allocates, and takes some 40 ms: processes with the
 * same capabilities can share one. 0 or -errno; with an error *out is none. */
int seccomp_make_default(uint64_t capabilities, struct seccomp_program *out);

/* Reads a file that seccomp_write() made, as podconv does. Allocates. 0 or -errno; with an error *out
 * is none. Errors other than of open() and read():
 *
 *   -ENOEXEC          no such file at all: its first bytes are not those
 *   -EPROTONOSUPPORT  its format is newer than this podinit
 *   -EXDEV            made for another machine (architecture)
 *   -EFBIG            more instructions than the kernel takes (BPF_MAXINSNS)
 *   -EBADMSG          cut off, or something stands behind its end, or it holds no instruction */
int seccomp_read_file(const char *path, struct seccomp_program *out);

/* Words for an error of seccomp_read_file(), to stand behind the file's name: "is cut off". */
const char *seccomp_read_problem(int error);

/* The file form of a program, for this machine: its length, and the bytes in *bytes, which the
 * caller frees. -errno if there is no memory. */
long seccomp_write(const struct seccomp_program *program, void **bytes);

/* Frees what it holds, and makes it none. NULL and none do nothing. */
void seccomp_free(struct seccomp_program *program);

/* Filters the calling process from now on: one or two system calls and no allocation, fit for a
 * child of vfork(). 0 or -errno: -EACCES if it has neither no_new_privs nor CAP_SYS_ADMIN, -EINVAL
 * if the kernel has no filters or does not take this one. */
int seccomp_install(const struct seccomp_program *program);

#endif
