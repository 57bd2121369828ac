/* clone3(), clone() and what lies between. The C library has no wrapper for clone3(), and a child
 * that shares our memory must not return through our stack: so it gets a stack of its own, and the
 * call itself is written in assembly for the processors that we know. Others use clone(). */
#include "launch.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As large as a process's own usually is, for execvpe() copies a list of arguments there, of any length;
 * but only what is touched is there. Below it is one page that cannot be. */
enum { STACK_SIZE = 8 * 1024 * 1024, GUARD_SIZE = 4096 };

/* glibc's <sched.h> and <linux/sched.h> both name the flags; struct clone_args is the kernel's. */
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP UINT64_C(0x200000000)
#endif

/* Made once: the child that uses it is gone before launch() returns. */
static char *stack_top(void)
{
	static char *stack;
	if (!stack) {
		char *memory = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
		if (memory == MAP_FAILED)
			return NULL;
		mprotect(memory, GUARD_SIZE, PROT_NONE);
		stack = memory + GUARD_SIZE;
	}
	return stack + STACK_SIZE;
}

#if defined(__x86_64__)
#define HAVE_CLONE3_ON_STACK 1
static long clone3_on_stack(struct clone_args *args, size_t size, int (*child)(void *), void *data)
{
	long result;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %[data], %%rdi\n\t"
			 "call *%[child]\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "a"(SYS_clone3), "D"(args),
			 "S"(size), [child] "r"(child), [data] "r"(data), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
#define HAVE_CLONE3_ON_STACK 1
static long clone3_on_stack(struct clone_args *args, size_t size, int (*child)(void *), void *data)
{
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = size;
	__asm__ volatile(
		"svc #0\n\t"
		"cbnz x0, 1f\n\t"
		"mov x0, %[data]\n\t"
		"blr %[child]\n\t"
		"mov x8, %[exit]\n\t"
		"svc #0\n"
		"1:"
		: "+r"(x0)
		: "r"(x8), "r"(x1), [child] "r"(child), [data] "r"(data), [exit] "i"(SYS_exit)
		: "x30", "memory");
	return x0;
}
#endif

static long try_clone3(int (*child)(void *), void *data, bool shared, unsigned long namespaces,
	int cgroup, int *pidfd)
{
	/* Kernels of before Linux 5.7 know the structure without its last field. */
	size_t size = cgroup < 0 ? offsetof(struct clone_args, cgroup) : sizeof(struct clone_args);
	struct clone_args args = {
		.flags = namespaces | (pidfd ? CLONE_PIDFD : 0) |
			(cgroup < 0 ? 0 : CLONE_INTO_CGROUP),
		.cgroup = cgroup < 0 ? 0 : (uint64_t)cgroup,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	if (!shared) {
		long pid = syscall(SYS_clone3, &args, size);
		if (pid == 0)
			_exit(child(data));
		return pid < 0 ? -errno : pid;
	}
#ifdef HAVE_CLONE3_ON_STACK
	char *top = stack_top();
	if (!top)
		return -ENOMEM;
	args.flags |= CLONE_VM | CLONE_VFORK;
	args.stack = (uintptr_t)top - STACK_SIZE;
	args.stack_size = STACK_SIZE;
	return clone3_on_stack(&args, size, child, data);
#else
	return -ENOSYS;
#endif
}

static long try_clone(
	int (*child)(void *), void *data, bool shared, unsigned long namespaces, int *pidfd)
{
	unsigned long flags = namespaces | SIGCHLD | (pidfd ? CLONE_PIDFD : 0) |
		(shared ? CLONE_VM | CLONE_VFORK : 0);
	char *top = stack_top();
	if (!top)
		return -ENOMEM;
	int pid = clone(child, top, (int)flags, data, pidfd);
	return pid < 0 ? -errno : pid;
}

/* In the cgroup if the kernel can. Otherwise the child goes there by itself, and then its error is the one
 * that counts. EAGAIN: the cgroup, or the user, has too many processes. */
static long try_clone3_in(int (*child)(void *), void *data, bool shared, unsigned long namespaces,
	int *cgroup, int *pidfd)
{
	int directory = *cgroup;
	long pid = -EINVAL;
	if (directory >= 0) {
		*cgroup = -1;
		pid = try_clone3(child, data, shared, namespaces, directory, pidfd);
		*cgroup = directory;
	}
	if (directory < 0 || (pid < 0 && pid != -EAGAIN && pid != -ENOMEM))
		pid = try_clone3(child, data, shared, namespaces, -1, pidfd);
	return pid;
}

pid_t launch(int (*child)(void *data), void *data, bool shared, unsigned long namespaces,
	int *cgroup, int *pidfd)
{
	/* ENOSYS: before Linux 5.3. EPERM: a seccomp filter that cannot look into its arguments
	 * (or, with namespaces, no permission: then clone() says so too). */
	static bool no_clone3;
	long pid = -ENOSYS;
	if (pidfd)
		*pidfd = -1;
	if (!no_clone3) {
		pid = try_clone3_in(child, data, shared, namespaces, cgroup, pidfd);
		if (pid == -ENOSYS || (pid == -EPERM && !namespaces))
			no_clone3 = true;
	}
	if (pid == -ENOSYS || pid == -EPERM)
		pid = try_clone(child, data, shared, namespaces, pidfd);
	/* Before Linux 5.2 there is no pidfd at birth; and where descriptors have run out, the
	 * process matters more than its pidfd. */
	if (pidfd && (pid == -EINVAL || pid == -EMFILE || pid == -ENFILE)) {
		*pidfd = -1;
		pid = try_clone(child, data, shared, namespaces, NULL);
	}
	return (pid_t)pid;
}

pid_t launch_fork(unsigned long namespaces)
{
	/* clone() without a stack of its own is fork(); where its arguments stand differs between
	 * processors, but all that follow the flags are 0. */
	long pid = syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0);
	return (pid_t)(pid < 0 ? -errno : pid);
}
