/* Attribution without cgroups. What is left when a process has ended is its
 *   - by descent: it, or whoever it descends from, is in its session or process group, or descends
 *     from the process itself, while that lives;
 *   - by its mount namespace, where the process had one of its own;
 *   - by exclusion: it came to podinit as an orphan, and nobody who lives can have left it: they are
 *     younger, or in other mount namespaces. Then it belongs to somebody who has ended.
 * Must not touch what a process that lives may have left, nor another container's, nor who has
 * joined the PID namespace. */
#include "leftover.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loop_state.h"
#include "proc.h"

enum {
	BATCH = 256,	  /* processes of one walk; there are more walks where there are more */
	NAMES_SIZE = 200, /* of text: who it was */
	NAMES_END = 6,	  /* for ", ..." */
	ROUNDS_MAX =
		8, /* walks after the first that found new ones: a fork bomb is a cgroup's work */
};

enum owner {
	OWNER_OTHER,   /* somebody who lives, or none of ours */
	OWNER_THIS,    /* the process that has ended */
	OWNER_ENDED,   /* the same or another that has ended; unless it came from one who joined */
	OWNER_UNKNOWN, /* it may be somebody's who lives */
};

struct found {
	pid_t pid;
	uint64_t start, root_start;
	enum owner owner;
	char program[PROC_NAME_MAX];
};

struct walk {
	struct loop *loop;
	int index;
	bool lives;		/* process `index` does */
	bool some_prepare;	/* themselves, when it began */
	uint64_t own_namespace; /* podinit's */
	uint64_t joined_since;	/* the oldest that joined our PID and mount namespaces */
	bool has_more;		/* than fit, or whose parents changed meanwhile */
	int killed;
	int victim_count, doubtful_count;
	struct found victims[BATCH], doubtful[LEFTOVERS_REMEMBERED];
};

/* --- whose is it? --- */

/* A process of the pod that runs, or -1. */
static int live_process(const struct loop *loop, pid_t pid)
{
	for (int i = 0; i < loop->spec->process_count; i++) {
		if (loop->processes[i].pid == pid)
			return i;
	}
	return -1;
}

static bool is_in_session(const struct runtime *runtime, const struct proc_stat *stat)
{
	return runtime->group && (stat->group == runtime->group || stat->session == runtime->group);
}

/* What this member of the family says of all that descend from it. */
static enum owner owner_by_session(const struct walk *walk, const struct proc_stat *stat)
{
	const struct loop *loop = walk->loop;
	if (is_in_session(&loop->processes[walk->index], stat))
		return OWNER_THIS;
	if (tasks_own(&loop->tasks, stat))
		return OWNER_OTHER;
	int process = live_process(loop, stat->pid);
	if (process >= 0)
		return process == walk->index ? OWNER_THIS : OWNER_OTHER;
	for (int i = 0; i < loop->spec->process_count; i++) {
		if (loop->processes[i].pid && is_in_session(&loop->processes[i], stat))
			return OWNER_OTHER;
	}
	return OWNER_UNKNOWN;
}

/* Who runs its program, and is not yet known to, may have left somebody, too. */
static void look_at_preparations(const struct walk *walk)
{
	for (int i = 0; walk->some_prepare && i < walk->loop->spec->process_count; i++)
		act_look_at_preparation(walk->loop, i);
}

/* A number may be given out again: that of one who lives is that one's. */
static enum owner owner_by_namespace(const struct walk *walk, uint64_t namespace)
{
	const struct loop *loop = walk->loop;
	if (!namespace)
		return OWNER_UNKNOWN;
	look_at_preparations(walk);
	for (int i = 0; i < loop->spec->process_count; i++) {
		if (i != walk->index && loop->processes[i].pid &&
			loop->processes[i].mount_namespace == namespace)
			return OWNER_OTHER;
	}
	return loop->processes[walk->index].mount_namespace == namespace ? OWNER_THIS
									 : OWNER_UNKNOWN;
}

/* Could it, which came to podinit as an orphan, be what this process that runs has left? */
static bool may_have_left(const struct walk *walk, const struct runtime *runtime,
	const struct proc_stat *orphan, uint64_t namespace)
{
	/* Nobody gets from a namespace of its own back into podinit's. */
	bool is_apart = runtime->mount_namespace && namespace == walk->own_namespace;
	return orphan->start >= runtime->born && !is_apart;
}

static enum owner owner_by_exclusion(
	const struct walk *walk, const struct proc_stat *orphan, uint64_t namespace)
{
	const struct loop *loop = walk->loop;
	/* As process 1 podinit gets other containers' orphans, too. */
	bool is_ours = getpid() != 1 || (namespace && namespace == walk->own_namespace);
	if (!is_ours || loop->leftovers.has_strangers)
		return OWNER_UNKNOWN;
	for (int i = 0; i < loop->spec->process_count; i++) {
		if (loop->processes[i].pid &&
			may_have_left(walk, &loop->processes[i], orphan, namespace))
			return OWNER_UNKNOWN;
	}
	return OWNER_ENDED;
}

static void note_joined(struct walk *walk, const struct proc_stat *joined, uint64_t namespace)
{
	if ((!namespace || namespace == walk->own_namespace) && joined->start < walk->joined_since)
		walk->joined_since = joined->start;
}

/* Climbs from *stat to the root of its family: a child of podinit, or one that has joined the PID
 * namespace and has no parent here; or, where sessions say enough, not so far. */
static enum owner climb(struct walk *walk, struct proc_stat *stat)
{
	const pid_t self = getpid();
	for (int depth = 0; depth < PROC_DEPTH_MAX; depth++) {
		enum owner owner = owner_by_session(walk, stat);
		if (owner != OWNER_UNKNOWN || stat->parent == self || stat->parent <= 0)
			return owner;
		if (!proc_stat(stat->parent, stat)) {
			walk->has_more =
				true; /* it ended just now, and they have come to podinit */
			return OWNER_OTHER;
		}
	}
	return OWNER_OTHER;
}

/* *root is what climb() made of it. */
static enum owner owner_of(struct walk *walk, pid_t pid, struct proc_stat *root)
{
	enum owner owner = climb(walk, root);
	bool is_orphan = root->parent == getpid();
	/* Who does not descend from podinit is no business of one that is not process 1. */
	if (owner == OWNER_UNKNOWN && !is_orphan && getpid() != 1)
		owner = OWNER_OTHER;
	if (owner != OWNER_UNKNOWN)
		return owner;
	uint64_t namespace = proc_mount_namespace(root->pid);
	owner = owner_by_namespace(walk, namespace);
	if (owner == OWNER_UNKNOWN && pid != root->pid)
		owner = owner_by_namespace(walk, proc_mount_namespace(pid));
	if (owner != OWNER_UNKNOWN)
		return owner;
	if (!is_orphan) {
		note_joined(walk, root, namespace);
		return OWNER_OTHER;
	}
	/* As long as it lives nothing is decided but what is plainly its. */
	return walk->lives ? OWNER_OTHER : owner_by_exclusion(walk, root, namespace);
}

static void look_at(pid_t pid, void *data)
{
	struct walk *walk = data;
	struct proc_stat stat;
	struct found found = {.pid = pid};
	if (!proc_stat(pid, &stat) || stat.is_kernels || stat.is_dying || proc_is_over(&stat) ||
		live_process(walk->loop, pid) >= 0 || loop_is_helper(walk->loop, pid))
		return;
	found.start = stat.start;
	memcpy(found.program, stat.program, sizeof(found.program));
	found.owner = owner_of(walk, pid, &stat);
	found.root_start = stat.start;
	switch (found.owner) {
	case OWNER_OTHER:
		break;
	case OWNER_THIS:
	case OWNER_ENDED:
		if (walk->victim_count < BATCH)
			walk->victims[walk->victim_count++] = found;
		else
			walk->has_more = true;
		break;
	case OWNER_UNKNOWN:
		/* What an earlier instance left was named then. */
		if (walk->doubtful_count < LEFTOVERS_REMEMBERED &&
			found.root_start >= walk->loop->processes[walk->index].born)
			walk->doubtful[walk->doubtful_count++] = found;
		break;
	}
}

/* --- telling --- */

static bool was_told(const struct leftover_memory *memory, const struct found *found)
{
	for (int i = 0; i < LEFTOVERS_REMEMBERED; i++) {
		if (memory->told[i].pid == found->pid &&
			memory->told[i].start == (uint32_t)found->start)
			return true;
	}
	return false;
}

/* Adds one who was not named before. */
static void name(struct walk *walk, const struct found *found, struct text *names, int *count)
{
	struct leftover_memory *memory = &walk->loop->leftovers;
	if (was_told(memory, found))
		return;
	memory->told[memory->next++ % LEFTOVERS_REMEMBERED] =
		(struct leftover_told){found->pid, (uint32_t)found->start};
	if (!names->truncated)
		text_add(names, "%s%d (%s)", *count ? ", " : ": ", (int)found->pid, found->program);
	(*count)++;
}

static void tell(const struct walk *walk, int count, int signo, const struct text *names)
{
	struct notice notice = notice_of(NOTICE_LEFTOVER, walk->index);
	notice.count = count;
	notice.signo = (uint8_t)signo;
	if (!count)
		return;
	if (names->truncated)
		strcpy(names->data + names->length, ", ...");
	event_log_tell_more(walk->loop->setup->log, &notice, names->data);
}

/* --- killing --- */

/* 0, or -errno. One that has ended meanwhile is no error. */
static int kill_one(const struct found *found)
{
	struct proc_stat stat;
	/* Opened first: so it is the one that we look at next, or nobody. */
	int pidfd = (int)syscall(SYS_pidfd_open, found->pid, 0), result = 0;
	if (proc_stat(found->pid, &stat) && stat.start == found->start && !proc_is_over(&stat))
		result = signals_send(found->pid, pidfd, SIGKILL, false);
	if (pidfd >= 0)
		close(pidfd);
	return result == -ESRCH ? 0 : result;
}

/* All of a walk are known before the first is killed: with that its children would lose the parent
 * that says whose they are. */
static void kill_victims(struct walk *walk, struct text *names)
{
	for (int i = 0; i < walk->victim_count; i++) {
		const struct found *victim = &walk->victims[i];
		bool is_doubtful =
			victim->owner == OWNER_ENDED && victim->root_start >= walk->joined_since;
		if (!is_doubtful && kill_one(victim) == 0)
			name(walk, victim, names, &walk->killed);
		else if (walk->doubtful_count < LEFTOVERS_REMEMBERED)
			walk->doubtful[walk->doubtful_count++] = *victim;
	}
}

/* Again until nobody new is found: they fork. */
static void kill_all(struct walk *walk)
{
	char kills[NAMES_SIZE + NAMES_END], stays[NAMES_SIZE + NAMES_END];
	struct text killed = text_in(kills, NAMES_SIZE), kept = text_in(stays, NAMES_SIZE);
	int before, kept_count = 0, round = 0;
	bool again;
	do {
		before = walk->killed;
		walk->victim_count = walk->doubtful_count = 0;
		walk->has_more = false;
		walk->joined_since = UINT64_MAX;
		if (!proc_each(look_at, walk))
			break;
		kill_victims(walk, &killed);
		again = walk->has_more || walk->killed > before;
		/* Ever less of them are no reason to give up; but there are some whom podinit may not
		 * kill, and they would be there for ever. */
		round += walk->victim_count < BATCH || walk->killed == before;
	} while (again && walk->killed < INT16_MAX && round <= ROUNDS_MAX);
	for (int i = 0; i < walk->doubtful_count; i++)
		name(walk, &walk->doubtful[i], &kept, &kept_count);
	tell(walk, walk->killed, SIGKILL, &killed);
	tell(walk, kept_count, 0, &kept);
}

/* Whoever has come to podinit is one child more than it knows of. Not seen so is who descends from one
 * that lives, and who has joined the mount namespace from outside. */
static bool may_be_any(const struct loop *loop, const struct runtime *runtime)
{
	int known = (loop->zombie != 0) + loop_helper_count(loop), children = proc_child_count();
	for (int i = 0; i < loop->spec->process_count; i++)
		known += loop->processes[i].pid != 0;
	return children < 0 || children > known || runtime->pid || runtime->mount_namespace;
}

void leftover_expect(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	struct proc_stat stat;
	runtime->born = proc_stat(runtime->pid, &stat) ? stat.start : 0;
	runtime->mount_namespace = 0;
}

void leftover_expect_in(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	struct stat namespace;
	if (runtime->world.mounts >= 0 && fstat(runtime->world.mounts, &namespace) == 0)
		runtime->mount_namespace = namespace.st_ino;
}

void leftover_kill(struct loop *loop, int index)
{
	static struct walk walk; /* too large for a stack that nobody else fills so far */
	const struct runtime *runtime = &loop->processes[index];
	/* With a PID namespace of its own the kernel takes all of it along. */
	if (!loop->spec->share_process_namespace || !may_be_any(loop, runtime))
		return;
	walk.loop = loop;
	walk.index = index;
	walk.lives = runtime->pid != 0;
	walk.own_namespace = proc_mount_namespace(getpid());
	walk.killed = 0;
	walk.some_prepare = false;
	for (int i = 0; i < loop->spec->process_count; i++)
		walk.some_prepare |= act_is_preparing(&loop->processes[i]);
	kill_all(&walk);
}
