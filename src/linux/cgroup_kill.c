/* Killing everything in a cgroup. Must not wait for anyone. */
#include "cgroup_kill.h"

#include <signal.h>
#include <stddef.h>

#include "cgroup_file.h"

enum { KILL_ROUNDS = 8 };

static bool kill_one(pid_t pid, void *data)
{
	int *count = data;
	/* 0 is one that we cannot see; to kill() it would be our own group. The number cannot be
	 * somebody else's by now as long as podinit reaps nothing in between, unless its parent
	 * does: the kernel without cgroup.kill has nothing better. */
	if (pid > 0 && kill(pid, SIGKILL) == 0)
		(*count)++;
	return true;
}

/* Frozen, nobody forks any more: who was listed too late is in the next list. */
void cgroup_kill_each(int directory)
{
	cgroup_write(directory, "cgroup.freeze", "1");
	for (int i = 0; i < KILL_ROUNDS; i++) {
		int count = 0;
		cgroup_each_process(directory, kill_one, &count);
		/* Not always so soon: the dying stay in the list for a while. */
		if (!count)
			break;
	}
	cgroup_write(directory, "cgroup.freeze", "0");
}

void cgroup_kill_directory(int directory)
{
	if (cgroup_write(directory, "cgroup.kill", "1") < 0)
		cgroup_kill_each(directory);
}
