/* From libseccomp's context to a program. Must not know what the rules are. */
#include "seccomp_build.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "seccomp.h"

/* An architecture, and those whose programs its kernels run besides; 0: no more. */
static const struct {
	uint32_t native, compat[2];
} ARCHITECTURES[] = {
	{SCMP_ARCH_X86_64, {SCMP_ARCH_X86, SCMP_ARCH_X32}},
	{SCMP_ARCH_AARCH64, {SCMP_ARCH_ARM}},
	{SCMP_ARCH_S390X, {SCMP_ARCH_S390}},
	{SCMP_ARCH_MIPS64, {SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64N32}},
	{SCMP_ARCH_MIPSEL64, {SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL64N32}},
};

scmp_filter_ctx seccomp_build_begin(uint32_t default_action)
{
	return seccomp_init(default_action);
}

int seccomp_build_add_compat(scmp_filter_ctx context)
{
	uint32_t native = seccomp_arch_native();
	for (size_t i = 0; i < sizeof(ARCHITECTURES) / sizeof(*ARCHITECTURES); i++) {
		if (ARCHITECTURES[i].native != native)
			continue;
		for (int k = 0; k < 2 && ARCHITECTURES[i].compat[k]; k++) {
			int result = seccomp_arch_add(context, ARCHITECTURES[i].compat[k]);
			if (result < 0 && result != -EEXIST)
				return result;
		}
	}
	return 0;
}

/* Reads the program back from the file that libseccomp has written it to. */
static int load(int fd, struct seccomp_program *out)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -errno;
	size_t size = (size_t)status.st_size, count = size / sizeof(struct sock_filter);
	if (count > BPF_MAXINSNS)
		return -EFBIG;
	struct sock_filter *filters = malloc(size + 1);
	if (!filters)
		return -ENOMEM;
	if (count == 0 || pread(fd, filters, size, 0) != (ssize_t)size) {
		free(filters);
		return -EIO;
	}
	out->filters = filters;
	out->count = (unsigned short)count;
	return 0;
}

int seccomp_build_finish(scmp_filter_ctx context, struct seccomp_program *out)
{
	*out = (struct seccomp_program){0};
	/* A tree instead of a list: a call is found after 10 comparisons instead of 400. */
	seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* Before version 2.6 libseccomp can only write to a file. */
	int fd = memfd_create("seccomp", MFD_CLOEXEC);
	int result = fd < 0 ? -errno : seccomp_export_bpf(context, fd);
	if (result == 0)
		result = load(fd, out);
	if (fd >= 0)
		close(fd);
	seccomp_release(context);
#ifdef __GLIBC__
	/* PID 1 lives long, and libseccomp leaves 1.3 MiB of free heap behind. */
	malloc_trim(0);
#endif
	return result;
}

bool seccomp_kernel_is_at_least(int version, int patchlevel)
{
	struct utsname name;
	int have_version = 0, have_patchlevel = 0;
	if (uname(&name) < 0 || sscanf(name.release, "%d.%d", &have_version, &have_patchlevel) < 1)
		return false;
	return have_version > version || (have_version == version && have_patchlevel >= patchlevel);
}
