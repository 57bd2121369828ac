/* The filter that a process gets where its seccompProfile is RuntimeDefault: a list of what is allowed,
 * in the spirit of what container runtimes use. Must not depend on the machine but for its architecture
 * and the version of its kernel.
 *
 * What is refused is refused in two ways. A call that is known, and kept from the process, answers
 * EPERM, as the kernel answers who lacks the capability. A call on no list answers ENOSYS, as a kernel
 * does that is too old to have it, so that programs fall back on what they did before there was one. */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "seccomp.h"
#include "seccomp_build.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* Older headers lack these two. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static const uint64_t EVERYONE = UINT64_MAX, NOBODY = 0;

/* Names that this libseccomp or this architecture does not have are left out: their numbers are on no
 * list then. A call stands in one group only. */
struct call_group {
	const char *calls; /* names, a space between them */
	uint64_t needs;	   /* who has any of these may; EVERYONE, NOBODY */
	int refusal;	   /* errno for the others; 0: EPERM */
};

/* clang-format off */
static const struct call_group GROUPS[] = {
	/* Files by name: permissions decide, not the filter. */
	{"access chdir chmod chown chown32 creat faccessat faccessat2 fchdir fchmod fchmodat "
	 "fchmodat2 fchown fchown32 fchownat futimesat getcwd lchown lchown32 link linkat lstat "
	 "lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat fstatat64 open openat "
	 "openat2 readlink readlinkat rename renameat renameat2 rmdir stat stat64 statfs statfs64 "
	 "statx symlink symlinkat truncate truncate64 umask unlink unlinkat utime utimensat "
	 "utimensat_time64 utimes",
		EVERYONE},
	/* Their extended attributes. */
	{"fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr "
	 "listxattrat llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr "
	 "setxattrat",
		EVERYONE},
	/* Open files: what one has, one may use. */
	{"_llseek cachestat close close_range copy_file_range dup dup2 dup3 fadvise64 fadvise64_64 "
	 "arm_fadvise64_64 fallocate fcntl fcntl64 fdatasync flock fstat fstat64 fstatfs fstatfs64 "
	 "fsync ftruncate ftruncate64 getdents getdents64 ioctl lseek pipe pipe2 pread64 preadv "
	 "preadv2 pwrite64 pwritev pwritev2 read readahead readdir readv sendfile sendfile64 "
	 "splice sync sync_file_range sync_file_range2 arm_sync_file_range syncfs tee vmsplice "
	 "write writev",
		EVERYONE},
	/* Waiting for them, being told of changes, and the older asynchronous I/O. */
	{"_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 "
	 "epoll_wait epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init "
	 "inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents "
	 "io_pgetevents_time64 io_setup io_submit poll ppoll ppoll_time64 pselect6 pselect6_time64 "
	 "select",
		EVERYONE},
	/* Sockets that are there already; for new ones see add_sockets(). socketcall() is how 32-bit
	 * programs make them; a filter cannot look behind its pointer, runtimes allow it, too. */
	{"accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom "
	 "recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown "
	 "socketcall socketpair",
		EVERYONE},
	/* Memory of one's own. */
	{"brk madvise map_shadow_stack memfd_create memfd_secret mincore mlock mlock2 mlockall "
	 "mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free "
	 "pkey_mprotect remap_file_pages",
		EVERYONE},
	/* Processes and threads. clone() has its own rules, see add_clone(). */
	{"execve execveat exit exit_group fork get_robust_list get_thread_area getcpu getpgid "
	 "getpgrp getpid getppid getpriority getrlimit getrusage getsid gettid ioprio_get "
	 "ioprio_set kill membarrier pidfd_open pidfd_send_signal prctl prlimit64 process_mrelease "
	 "restart_syscall rseq sched_get_priority_max sched_get_priority_min sched_getaffinity "
	 "sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval "
	 "sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam "
	 "sched_setscheduler sched_yield set_robust_list set_thread_area set_tid_address setpgid "
	 "setpriority setrlimit setsid tgkill times tkill ugetrlimit vfork wait4 waitid waitpid "
	 "nice",
		EVERYONE},
	/* What an architecture's own programs begin with. */
	{"arch_prctl modify_ldt breakpoint cacheflush set_tls get_tls swapcontext "
	 "riscv_flush_icache riscv_hwprobe s390_pci_mmio_read s390_pci_mmio_write "
	 "s390_runtime_instr uretprobe syscall",
		EVERYONE},
	/* Users: podinit itself becomes the process's user behind the filter. */
	{"capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 "
	 "getresgid getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid "
	 "setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid "
	 "setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32",
		EVERYONE},
	/* Taking rights away from oneself. */
	{"landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp", EVERYONE},
	/* Signals, also of the old kind. */
	{"pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
	 "rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaction "
	 "sigaltstack signal signalfd signalfd4 sigpending sigprocmask sigreturn sigsuspend",
		EVERYONE},
	/* Clocks and timers; adjtimex() may look, and the kernel keeps it from changing the time. */
	{"adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 "
	 "clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer "
	 "gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun "
	 "timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd timerfd_create "
	 "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64",
		EVERYONE},
	/* Talking to each other: futexes, System V, POSIX queues. Namespaces keep pods apart. */
	{"futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake ipc mq_getsetattr "
	 "mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
	 "mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop "
	 "semtimedop_time64 shmat shmctl shmdt shmget",
		EVERYONE},
	/* Asking what machine this is. */
	{"getrandom listmount statmount sysinfo uname", EVERYONE},

	/* Mounts and namespaces: the way out of a container. */
	{"fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree open_tree_attr "
	 "pivot_root setns umount umount2 unshare",
		CAP(SYS_ADMIN)},
	/* The rest of what the kernel gives SYS_ADMIN only. */
	{"fanotify_init lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr "
	 "quotactl quotactl_fd setdomainname sethostname",
		CAP(SYS_ADMIN)},
	/* Its flags lie behind a pointer, where no filter sees them. Whoever gets ENOSYS uses clone(). */
	{"clone3", CAP(SYS_ADMIN), ENOSYS},
	/* Programs in the kernel, and measuring it. */
	{"bpf", CAP(SYS_ADMIN) | CAP(BPF)},
	{"perf_event_open", CAP(SYS_ADMIN) | CAP(PERFMON)},
	/* The kernel's log. */
	{"syslog", CAP(SYS_ADMIN) | CAP(SYSLOG)},
	/* Opens files past the directories that they are in: out of any root. */
	{"open_by_handle_at", CAP(DAC_READ_SEARCH)},
	{"chroot", CAP(SYS_CHROOT)},
	{"delete_module finit_module init_module query_module create_module get_kernel_syms",
		CAP(SYS_MODULE)},
	/* Accounting is the machine's. */
	{"acct", CAP(SYS_PACCT)},
	/* Other processes' insides; ptrace() and its like see add_ptrace(). */
	{"kcmp pidfd_getfd process_madvise", CAP(SYS_PTRACE)},
	{"ioperm iopl", CAP(SYS_RAWIO)},
	/* There is one time for all. */
	{"clock_settime clock_settime64 settimeofday stime", CAP(SYS_TIME)},
	{"reboot kexec_file_load kexec_load", CAP(SYS_BOOT)},
	{"vhangup", CAP(SYS_TTY_CONFIG)},
	/* Where memory lies on a machine of several nodes: other pods' share of it. */
	{"get_mempolicy mbind migrate_pages move_pages set_mempolicy set_mempolicy_home_node",
		CAP(SYS_NICE)},

	/* The kernel's keys belong to users, not to namespaces. */
	{"add_key keyctl request_key", NOBODY},
	/* A second way to make system calls, which no filter sees; many holes in the past. */
	{"io_uring_enter io_uring_register io_uring_setup", NOBODY},
	/* Holds the kernel up in the middle of a copy: what exploits of races need. */
	{"userfaultfd", NOBODY},
	/* The machine's swap space. */
	{"swapoff swapon", NOBODY},
	/* Not needed for 20 years, each with code in some kernel. */
	{"_sysctl bdflush nfsservctl oldfstat oldlstat oldolduname oldstat olduname sgetmask "
	 "ssetmask sysfs uselib ustat vm86 vm86old pciconfig_iobase pciconfig_read pciconfig_write",
		NOBODY},
};
/* clang-format on */

/* Adds a rule for one call; what this libseccomp or architecture does not have is left out. */
static int add(scmp_filter_ctx context, uint32_t action, const char *call, unsigned int count,
	const struct scmp_arg_cmp *arguments)
{
	int number = seccomp_syscall_resolve_name(call);
	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(context, action, number, count, arguments);
}

static int allow_if(scmp_filter_ctx context, const char *call, struct scmp_arg_cmp argument)
{
	return add(context, SCMP_ACT_ALLOW, call, 1, &argument);
}

static int refuse_if(
	scmp_filter_ctx context, int error, const char *call, struct scmp_arg_cmp argument)
{
	return add(context, SCMP_ACT_ERRNO((uint32_t)error), call, 1, &argument);
}

static int add_calls(scmp_filter_ctx context, uint32_t action, const char *calls)
{
	char name[64];
	int result = 0;
	while (*calls && result == 0) {
		size_t length = strcspn(calls, " ");
		memcpy(name, calls, length);
		name[length] = '\0';
		result = add(context, action, name, 0, NULL);
		calls += length + strspn(calls + length, " ");
	}
	return result;
}

static int add_group(scmp_filter_ctx context, const struct call_group *group, uint64_t capabilities)
{
	if (group->needs == EVERYONE || (group->needs & capabilities))
		return add_calls(context, SCMP_ACT_ALLOW, group->calls);
	if (group->refusal == ENOSYS) /* as what is on no list */
		return 0;
	return add_calls(context, SCMP_ACT_ERRNO(EPERM), group->calls);
}

/* Before version 4.8 a tracer could change a call after the filter had looked at it. */
static int add_ptrace(scmp_filter_ctx context, uint64_t capabilities)
{
	static const char calls[] = "process_vm_readv process_vm_writev ptrace";
	struct call_group group = {calls, CAP(SYS_PTRACE)};
	if (seccomp_kernel_is_at_least(4, 8))
		group.needs = EVERYONE;
	return add_group(context, &group, capabilities);
}

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/* New processes and threads, but no new namespaces. (CLONE_NEWTIME is not for clone().) */
static int add_clone(scmp_filter_ctx context, uint64_t capabilities)
{
	static const scmp_datum_t namespaces[] = {CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC,
		CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP};
#if defined(__s390__)
	const unsigned int flags = 1;
#else
	const unsigned int flags = 0;
#endif
	if (capabilities & CAP(SYS_ADMIN))
		return add_calls(context, SCMP_ACT_ALLOW, "clone");
	scmp_datum_t all = 0;
	int result = 0;
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces) && result == 0; i++) {
		all |= namespaces[i];
		result = refuse_if(context, EPERM, "clone",
			SCMP_CMP64(flags, SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
	}
	if (result == 0)
		result = allow_if(context, "clone", SCMP_CMP64(flags, SCMP_CMP_MASKED_EQ, all, 0));
	return result;
}

/* Linux, Linux with 32-bit uname, each also with UNAME26; and the question, which changes nothing.
 * All others are refused, among them those that make exploits easier (READ_IMPLIES_EXEC, ...). */
static int add_personality(scmp_filter_ctx context)
{
	static const scmp_datum_t usual[] = {0, 0x8, 0x20000, 0x20008, 0xffffffff};
	const scmp_datum_t top = 0x80000000, harmless = 0x20008;
	int result = 0;
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual) && result == 0; i++)
		result = allow_if(context, "personality", SCMP_CMP64(0, SCMP_CMP_EQ, usual[i]));
	/* EPERM if any other bit is set, but not if all are. */
	for (scmp_datum_t bit = 1; bit < top && result == 0; bit <<= 1) {
		if (!(bit & harmless))
			result = refuse_if(context, EPERM, "personality",
				SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, top | bit, bit));
	}
	return result;
}

/* Refused: AF_ALG, the kernel's cryptography, which had holes and is in any library; AF_VSOCK, which
 * leads to the virtual machine's host past every network namespace. What is newer than this list does
 * not exist, as for an old kernel. The kernel takes 32 bits of the argument, so those are looked at. */
static int add_sockets(scmp_filter_ctx context)
{
	enum { ALG = 38, NFC = 39, VSOCK = 40, NEWEST = 45 /* AF_MCTP */ };
	const scmp_datum_t mask = 0xffffffff;
	int result = allow_if(context, "socket", SCMP_CMP64(0, SCMP_CMP_LT, ALG));
	for (scmp_datum_t family = ALG; family <= NEWEST && result == 0; family++) {
		struct scmp_arg_cmp is = SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, mask, family);
		result = family == ALG || family == VSOCK ? refuse_if(context, EPERM, "socket", is)
							  : allow_if(context, "socket", is);
	}
	return result;
}

static int add_all(scmp_filter_ctx context, uint64_t capabilities)
{
	int result = seccomp_build_add_compat(context);
	for (size_t i = 0; i < sizeof(GROUPS) / sizeof(*GROUPS) && result == 0; i++)
		result = add_group(context, &GROUPS[i], capabilities);
	if (result == 0)
		result = add_ptrace(context, capabilities);
	if (result == 0)
		result = add_clone(context, capabilities);
	if (result == 0)
		result = add_personality(context);
	if (result == 0)
		result = add_sockets(context);
	return result;
}

int seccomp_make_default(uint64_t capabilities, struct seccomp_program *out)
{
	*out = (struct seccomp_program){0};
	scmp_filter_ctx context = seccomp_build_begin(SCMP_ACT_ERRNO(ENOSYS));
	if (!context)
		return -ENOMEM;
	int result = add_all(context, capabilities);
	if (result < 0) {
		seccomp_release(context);
		return result;
	}
	return seccomp_build_finish(context, out);
}
