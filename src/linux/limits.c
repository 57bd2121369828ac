/* From a limits_spec to system calls, a step each. Must not know of cgroups. */
#include "limits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static const int RESOURCES[LIMIT_COUNT] = {
	[LIMIT_AS] = RLIMIT_AS,
	[LIMIT_CORE] = RLIMIT_CORE,
	[LIMIT_CPU] = RLIMIT_CPU,
	[LIMIT_DATA] = RLIMIT_DATA,
	[LIMIT_FSIZE] = RLIMIT_FSIZE,
	[LIMIT_LOCKS] = RLIMIT_LOCKS,
	[LIMIT_MEMLOCK] = RLIMIT_MEMLOCK,
	[LIMIT_MSGQUEUE] = RLIMIT_MSGQUEUE,
	[LIMIT_NICE] = RLIMIT_NICE,
	[LIMIT_NOFILE] = RLIMIT_NOFILE,
	[LIMIT_NPROC] = RLIMIT_NPROC,
	[LIMIT_RSS] = RLIMIT_RSS,
	[LIMIT_RTPRIO] = RLIMIT_RTPRIO,
	[LIMIT_RTTIME] = RLIMIT_RTTIME,
	[LIMIT_SIGPENDING] = RLIMIT_SIGPENDING,
	[LIMIT_STACK] = RLIMIT_STACK,
};

struct application {
	const struct limits_spec *limits;
	struct spawn_error *error;
};

int64_t limits_machine_memory(void)
{
	struct sysinfo info;
	return sysinfo(&info) == 0 ? (int64_t)info.totalram * (int64_t)info.mem_unit : 0;
}

static rlim_t amount(uint64_t value)
{
	return value == LIMIT_UNLIMITED ? RLIM_INFINITY : (rlim_t)value;
}

static int set_rlimits(const struct application *one)
{
	for (int i = 0; i < LIMIT_COUNT; i++) {
		const struct rlimit_spec *said = &one->limits->rlimits[i];
		const struct rlimit limit = {amount(said->soft), amount(said->hard)};
		one->error->item = (uint16_t)i;
		if (said->said && setrlimit(RESOURCES[i], &limit) < 0)
			return -errno;
	}
	return 0;
}

static int set_nice(const struct application *one)
{
	int nice = one->limits->nice;
	return nice != INT_UNSET && setpriority(PRIO_PROCESS, 0, nice) < 0 ? -errno : 0;
}

static int write_oom_score(int score)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", score);
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = write(fd, text, (size_t)length) < 0 ? -errno : 0;
	close(fd);
	return result;
}

static int set_oom_score(const struct application *one)
{
	int score = one->limits->oom_score_adj;
	return score != INT_UNSET ? write_oom_score(score) : 0;
}

static int set_cpu_affinity(const struct application *one)
{
	const struct number_set *cpus = &one->limits->cpus;
	cpu_set_t set;
	_Static_assert(CPU_SETSIZE == NUMBER_SET_MAX, "the C library's set holds as many");
	if (number_set_is_empty(cpus))
		return 0;
	CPU_ZERO(&set);
	for (int i = 0; i < NUMBER_SET_MAX; i++) {
		if (number_set_has(cpus, i))
			CPU_SET(i, &set);
	}
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

static int set_cpu_scheduling(const struct application *one)
{
	static const int policies[] = {[CPU_OTHER] = SCHED_OTHER,
		[CPU_BATCH] = SCHED_BATCH,
		[CPU_IDLE] = SCHED_IDLE,
		[CPU_FIFO] = SCHED_FIFO,
		[CPU_RR] = SCHED_RR};
	const struct limits_spec *limits = one->limits;
	struct sched_param param = {
		.sched_priority = limits->cpu_priority == INT_UNSET ? 0 : limits->cpu_priority};
	if (!limits->cpu_policy)
		return 0;
	return sched_setscheduler(0, policies[limits->cpu_policy], &param) < 0 ? -errno : 0;
}

static int set_io_scheduling(const struct application *one)
{
	static const int classes[] = {[IO_REALTIME] = IOPRIO_CLASS_RT,
		[IO_BEST_EFFORT] = IOPRIO_CLASS_BE,
		[IO_IDLE] = IOPRIO_CLASS_IDLE};
	const struct limits_spec *limits = one->limits;
	int level =
		limits->io_priority == INT_UNSET ? 4 : limits->io_priority; /* the kernel's own */
	if (!limits->io_class)
		return 0;
	int value = IOPRIO_PRIO_VALUE(classes[limits->io_class], level);
	return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) < 0 ? -errno : 0;
}

static int set_numa(const struct application *one)
{
	static const int policies[] = {[NUMA_DEFAULT] = MPOL_DEFAULT,
		[NUMA_PREFERRED] = MPOL_PREFERRED,
		[NUMA_BIND] = MPOL_BIND,
		[NUMA_INTERLEAVE] = MPOL_INTERLEAVE,
		[NUMA_LOCAL] = MPOL_LOCAL};
	const struct limits_spec *limits = one->limits;
	bool has_nodes = !number_set_is_empty(&limits->numa_nodes);
	if (!limits->numa_policy)
		return 0;
	if (syscall(SYS_set_mempolicy, policies[limits->numa_policy],
		    has_nodes ? limits->numa_nodes.bits : NULL,
		    has_nodes ? (unsigned long)NUMBER_SET_MAX + 1 : 0UL) < 0)
		return -errno;
	return 0;
}

int limits_apply(const struct pod_spec *pod, const struct process_spec *process,
	int64_t machine_memory, struct spawn_error *error)
{
	static const struct {
		enum spawn_stage stage;
		int (*set)(const struct application *one);
	} steps[] = {
		/* The one that needs a descriptor, before there may be none any more. */
		{STAGE_OOM_SCORE, set_oom_score},
		{STAGE_RLIMIT, set_rlimits},
		{STAGE_NICE, set_nice},
		{STAGE_CPU_AFFINITY, set_cpu_affinity},
		{STAGE_CPU_SCHEDULING, set_cpu_scheduling},
		{STAGE_IO_SCHEDULING, set_io_scheduling},
		{STAGE_NUMA, set_numa},
	};
	const struct application one = {.limits = process->limits, .error = error};
	if (process->umask != INT_UNSET)
		umask((mode_t)process->umask);
	/* So that the kernel kills any of them rather than podinit, if it may choose. Nobody asked for
	 * it: where it cannot be (less than the container's own), that stays. */
	if (!process->limits || process->limits->oom_score_adj == INT_UNSET)
		write_oom_score(spec_oom_score_adj(pod, process, machine_memory));
	for (size_t i = 0; process->limits && i < sizeof(steps) / sizeof(*steps); i++) {
		error->stage = (uint16_t)steps[i].stage;
		int result = steps[i].set(&one);
		if (result < 0)
			return result;
	}
	return 0;
}
