/* Takes things away from a program before it runs, as a container runtime would:
 *
 *     restrict WHAT... -- PROGRAM ARGUMENT...
 *
 *   read-only             every mount of this mount namespace, /dev and /proc too
 *   no-proc               an empty file system at /proc that cannot be written
 *   other-proc            the /proc below: that of the PID namespace outside
 *   no-subreaper=ERROR    seccomp answers prctl(PR_SET_CHILD_SUBREAPER) with EPERM or ENOSYS
 *   no-clone3=ERROR       and clone3(); so openat2, mount_setattr */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of <sys/mount.h>, which older C libraries cannot include beside <linux/mount.h>. */
int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);
enum { DETACH = 2, READ_ONLY = 1 };

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

static void check(int result, const char *what)
{
	if (result == 0)
		return;
	fprintf(stderr, "restrict: %s: %s\n", what, strerror(errno));
	exit(99);
}

static void make_read_only(void)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	check((int)syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &read_only,
		      sizeof(read_only)),
		"read-only");
}

static unsigned error_of(const char *name)
{
	return strcmp(name, "EPERM") == 0 ? EPERM : strcmp(name, "ENOSYS") == 0 ? ENOSYS : EINVAL;
}

#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
/* Goes on where it is equal; else skips so many. */
#define IS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define ANSWER(value)	BPF_STMT(BPF_RET | BPF_K, value)

/* One filter per call: the kernel asks them all, and an error goes before permission. */
static void refuse(unsigned call, unsigned error, int first_argument)
{
	struct sock_filter with_argument[] = {FIELD(arch), IS(THIS_ARCH, 5), FIELD(nr), IS(call, 3),
		FIELD(args[0]), IS((unsigned)first_argument, 1), ANSWER(SECCOMP_RET_ERRNO | error),
		ANSWER(SECCOMP_RET_ALLOW)};
	struct sock_filter without[] = {FIELD(arch), IS(THIS_ARCH, 3), FIELD(nr), IS(call, 1),
		ANSWER(SECCOMP_RET_ERRNO | error), ANSWER(SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {.len = 6, .filter = without};
	if (first_argument >= 0)
		program = (struct sock_fprog){.len = 8, .filter = with_argument};
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

/* "no-NAME=ERROR" */
static int refuse_call(const char *what, const char *error)
{
	static const struct {
		const char *name;
		unsigned number;
	} calls[] = {{"no-clone3", SYS_clone3}, {"no-openat2", SYS_openat2},
		{"no-mount_setattr", SYS_mount_setattr}};
	for (size_t i = 0; error && i < sizeof(calls) / sizeof(*calls); i++) {
		if (strncmp(what, calls[i].name, (size_t)(error - what)) != 0 ||
			strlen(calls[i].name) != (size_t)(error - what))
			continue;
		refuse(calls[i].number, error_of(error + 1), -1);
		return 1;
	}
	return 0;
}

static void take_away(const char *what)
{
	const char *error = strchr(what, '=');
	if (strcmp(what, "read-only") == 0) {
		make_read_only();
	} else if (strcmp(what, "no-proc") == 0) {
		check(mount("none", "/proc", "tmpfs", READ_ONLY, NULL), "an empty /proc");
	} else if (strcmp(what, "other-proc") == 0) {
		check(umount2("/proc", DETACH), "the /proc below");
	} else if (error && strncmp(what, "no-subreaper=", 13) == 0) {
		refuse(SYS_prctl, error_of(error + 1), PR_SET_CHILD_SUBREAPER);
	} else if (!refuse_call(what, error)) {
		fprintf(stderr, "restrict: %s?\n", what);
		exit(99);
	}
}

int main(int argc, char **argv)
{
	int next = 1;
	for (; next < argc && strcmp(argv[next], "--") != 0; next++)
		take_away(argv[next]);
	if (next + 1 >= argc)
		return 99;
	execvp(argv[next + 1], argv + next + 1);
	check(-1, argv[next + 1]);
}
