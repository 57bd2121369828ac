/* Telling whose a process is while it lives. Must not guess: what it says gives rights to that process. */
#include "kin.h"

#include <stdio.h>
#include <string.h>

#include "cgroup.h"
#include "cgroup_file.h"
#include "loop_state.h"
#include "proc.h"

static const struct kin NOBODY = {.process = -1};

enum {
	FIRST_INSIDE = 2
}; /* the number of the program in a PID namespace of its own: after its process 1 */

/* Is it the main process of one? In a PID namespace of its own that is the program, not its process 1. */
static int main_of(const struct loop *loop, const struct proc_stat *stat)
{
	bool is_apart = !loop->spec->share_process_namespace && !loop->spec->entrypoint;
	for (int i = 0; i < loop->spec->process_count; i++) {
		pid_t pid = loop->processes[i].pid;
		if (pid &&
			(pid == stat->pid ||
				(is_apart && pid == stat->parent &&
					proc_number_inside(stat->pid) == FIRST_INSIDE)))
			return i;
	}
	return -1;
}

/* Numbers are given out again: that of one who lives is that one's, whoever had it before. */
static int by_session(const struct loop *loop, const struct proc_stat *stat)
{
	int ended = -1;
	for (int i = 0; i < loop->spec->process_count; i++) {
		const struct runtime *runtime = &loop->processes[i];
		bool is_its = runtime->group &&
			(stat->group == runtime->group || stat->session == runtime->group);
		if (is_its && runtime->pid)
			return i;
		if (is_its && stat->start >= runtime->born)
			ended = i;
	}
	return ended;
}

static int by_namespace(const struct loop *loop, pid_t pid)
{
	uint64_t namespace = proc_mount_namespace(pid);
	int ended = -1;
	for (int i = 0; namespace && i < loop->spec->process_count; i++) {
		if (loop->processes[i].mount_namespace != namespace)
			continue;
		if (loop->processes[i].pid)
			return i;
		ended = i;
	}
	return ended;
}

struct search {
	pid_t pid;
	bool found;
};

static bool is_other(pid_t pid, void *data)
{
	struct search *search = data;
	search->found = search->found || pid == search->pid;
	return !search->found;
}

/* Cgroups below that it made itself are not looked into: who does that has a session of its own, too. */
static int by_cgroup(const struct loop *loop, pid_t pid)
{
	for (int i = 0; i < loop->spec->process_count; i++) {
		struct search search = {.pid = pid};
		int directory = cgroup_directory(loop->setup->ground->cgroups, i);
		if (directory >= 0)
			cgroup_each_process(directory, is_other, &search);
		if (search.found)
			return i;
	}
	return -1;
}

struct kin kin_of(const struct loop *loop, pid_t pid)
{
	const pid_t self = getpid();
	struct proc_stat stat;
	int process = -1;
	if (pid <= 1 || pid == self || !proc_stat(pid, &stat))
		return NOBODY;
	for (int depth = 0; depth < PROC_DEPTH_MAX; depth++) {
		process = main_of(loop, &stat);
		if (process >= 0)
			return (struct kin){process, depth == 0};
		process = by_session(loop, &stat);
		if (process >= 0 || stat.parent == self || stat.parent <= 0)
			break;
		if (!proc_stat(stat.parent, &stat))
			return NOBODY;
	}
	if (process < 0)
		process = by_namespace(loop, stat.pid);
	if (process < 0)
		process = by_cgroup(loop, pid);
	return (struct kin){.process = process};
}
