/* Reading what limits the memory and the CPUs of podinit, and so of all that it starts. Must not compare it
 * with anything. */
#include "capacity.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroup_file.h"
#include "cgroup_home.h"
#include "limits.h"

/* Less than what is known so far is what there is. */
static void lower(struct capacity *capacity, int64_t amount, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void lower(struct capacity *capacity, int64_t amount, const char *format, ...)
{
	va_list arguments;
	if (amount <= 0 || (capacity->amount && amount >= capacity->amount))
		return;
	capacity->amount = amount;
	va_start(arguments, format);
	vsnprintf(capacity->what, sizeof(capacity->what), format, arguments);
	va_end(arguments);
}

static int64_t in_thousandths(int64_t number)
{
	return number > INT64_MAX / 1000 ? INT64_MAX : number * 1000;
}

/* "max", or bytes. */
static void look_at_memory(
	struct capacity *capacity, int directory, const char *file, const char *path)
{
	char value[64];
	if (cgroup_read(directory, file, value, sizeof(value)) > 0)
		lower(capacity, in_thousandths(strtoll(value, NULL, 10)), "%s of %s", file, path);
}

static void look_at_memory_v2(struct capacity *capacity, int directory, const char *path)
{
	look_at_memory(capacity, directory, "memory.max", path);
}

static void look_at_memory_v1(struct capacity *capacity, int directory, const char *path)
{
	look_at_memory(capacity, directory, "memory.limit_in_bytes", path);
}

/* "max 100000", or microseconds in so many. */
static void look_at_cpu(struct capacity *capacity, int directory, const char *path)
{
	char value[64];
	long long quota, period;
	if (cgroup_read(directory, "cpu.max", value, sizeof(value)) > 0 &&
		sscanf(value, "%lld %lld", &quota, &period) == 2 && period > 0)
		lower(capacity, in_thousandths(quota) / period, "cpu.max of %s", path);
}

/* Calls look() for our cgroup and for those above it, as far as they can be seen: what limits them limits
 * us. */
static void look_upwards(struct capacity *capacity, int directory, long magic,
	void (*look)(struct capacity *capacity, int directory, const char *path))
{
	char link[64], path[PATH_MAX];
	struct statfs status;
	int fd = directory < 0 ? -1 : openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && fstatfs(fd, &status) == 0 && status.f_type == magic) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t length = readlink(link, path, sizeof(path) - 1);
		path[length < 0 ? 0 : length] = '\0';
		look(capacity, fd, length < 0 ? "a cgroup" : path);
		int above = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = above;
	}
	if (fd >= 0)
		close(fd);
}

void capacity_find(struct capacity *capacity, enum resource resource)
{
	struct cgroup_home home;
	cpu_set_t cpus;
	*capacity = (struct capacity){0};
	cgroup_home_find(&home);
	if (resource == RESOURCE_MEMORY) {
		lower(capacity, in_thousandths(limits_machine_memory()), "the machine's memory");
		look_upwards(capacity, home.fd, CGROUP2_SUPER_MAGIC, look_at_memory_v2);
		look_upwards(capacity, home.v1_memory, CGROUP_SUPER_MAGIC, look_at_memory_v1);
	} else {
		if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
			lower(capacity, in_thousandths(CPU_COUNT(&cpus)),
				"the CPUs that podinit may use");
		look_upwards(capacity, home.fd, CGROUP2_SUPER_MAGIC, look_at_cpu);
	}
	cgroup_home_finish(&home);
}
