/* Counting what the kernel killed. Must not kill, nor decide what follows. */
#include "cgroup_oom.h"

#include "cgroup_file.h"
#include "log.h"

/* How long a kill that nobody was found for may still find somebody: the kernel counts before it kills.
 * But one that hit somebody else's child must not answer for a SIGKILL of tomorrow. */
#define UNCLAIMED_NS (1 * NS_PER_SECOND)

int64_t oom_count(int directory)
{
	return directory < 0 ? -1 : cgroup_number(directory, "memory.events", "oom_kill");
}

/* The memory controller is in one tree or the other. */
static int64_t count_own(const struct cgroup_home *home)
{
	int64_t count = oom_count(home->fd);
	if (count < 0 && home->v1_memory >= 0)
		count = cgroup_number(home->v1_memory, "memory.oom_control", "oom_kill");
	return count;
}

void oom_watch_begin(struct oom_watch *watch, const struct cgroup_home *home)
{
	*watch = (struct oom_watch){.count = count_own(home)};
}

bool oom_watch_claim(struct oom_watch *watch, const struct cgroup_home *home, int64_t now)
{
	int64_t count = count_own(home);
	if (now - watch->seen_at > UNCLAIMED_NS)
		watch->unclaimed = 0;
	if (count > watch->count) {
		watch->unclaimed += (int)(count - watch->count);
		watch->seen_at = now;
	}
	watch->count = count;
	if (!watch->unclaimed)
		return false;
	watch->unclaimed--;
	return true;
}

static bool means_to_go_on(const struct pod_spec *spec)
{
	for (int i = 0; i < spec->process_count; i++) {
		const struct process_spec *process = &spec->processes[i];
		if (process->rules.count || spec_restart_policy(spec, process) != RESTART_NEVER)
			return true;
	}
	return spec->process_count > 1;
}

void oom_warn_of_group(int directory, const char *path, const struct pod_spec *spec)
{
	char value[8] = "";
	if (directory < 0 || !means_to_go_on(spec) ||
		cgroup_read(directory, "memory.oom.group", value, sizeof(value)) <= 0 ||
		value[0] != '1')
		return;
	log_line("memory.oom.group is 1 in %s: when its memory runs out the kernel kills all that "
		 "is "
		 "in it, podinit too, and no restartPolicy helps",
		path);
}
