/* The pod's cgroups: made, used, removed. Must not touch a cgroup that was not given to podinit. */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cgroup_file.h"
#include "cgroup_home.h"
#include "cgroup_kill.h"
#include "cgroup_limits.h"
#include "cgroup_oom.h"
#include "users.h"

#define OWN_NAME "podinit"
#define POD_NAME "pod"

enum {
	END_LOOKS = 100,	 /* for the last processes to be gone, */
	END_PAUSE_NS = 10000000, /* this long each */
};

struct place {
	int fd;		   /* of D/pod/NAME; -1: it has none */
	int64_t oom_kills; /* when its instance began */
	char name[64];	   /* NAME, a DNS label */
};

struct cgroups {
	struct cgroup_home home;
	const char *where; /* --cgroup PATH; NULL: not said */
	int base;	   /* D; -1: nothing is delegated */
	int own, pod;	   /* D/podinit, D/pod */
	char path[PATH_MAX];
	char why[PATH_MAX + 128]; /* nothing is delegated */
	bool base_was_made;
	bool was_given; /* by cgroups_give(); then D/cgroup.procs was of user `giver` */
	uid_t giver;
	unsigned changed; /* in D/cgroup.subtree_control */
	struct cgroup_controllers controllers;
	struct place *places;
	int count;
	struct place *reserved; /* for cgroups_replace() */
	struct oom_watch watch;
};

/* --- making --- */

static void close_all(struct cgroups *cgroups)
{
	for (int i = 0; i < cgroups->count; i++) {
		if (cgroups->places[i].fd >= 0)
			close(cgroups->places[i].fd);
	}
	free(cgroups->places);
	free(cgroups->reserved);
	cgroups->places = cgroups->reserved = NULL;
	cgroups->count = 0;
	int *fds[] = {&cgroups->base, &cgroups->own, &cgroups->pod};
	for (int i = 0; i < 3; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* Back to how it was, as far as that goes, and nothing is delegated any more. */
static void unmake(struct cgroups *cgroups)
{
	if (cgroups->base < 0)
		return;
	cgroup_remove(cgroups->base, POD_NAME);
	cgroup_controllers_disable(cgroups->base, cgroups->changed);
	if (cgroups->home.fd >= 0)
		cgroup_move(cgroups->home.fd, 0);
	if (cgroups->own >= 0)
		cgroup_move_all(cgroups->own, cgroups->base);
	unlinkat(cgroups->base, OWN_NAME, AT_REMOVEDIR);
	if (cgroups->was_given)
		cgroup_set_owner(cgroups->base, "cgroup.procs", cgroups->giver);
	close_all(cgroups);
	if (cgroups->base_was_made)
		rmdir(cgroups->path);
}

static void give_up(struct cgroups *cgroups, const char *what, int error)
{
	snprintf(cgroups->why, sizeof(cgroups->why), "%s: %s: %s", cgroups->path, what,
		strerror(error));
	unmake(cgroups);
}

/* Is another podinit there, or what one left running? Nothing of that is to be touched. */
static bool is_in_use(int base)
{
	static const char *const names[] = {OWN_NAME, POD_NAME};
	bool in_use = false;
	for (int i = 0; i < 2; i++) {
		int fd = openat(base, names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		in_use = in_use || cgroup_is_running(fd);
		close(fd);
	}
	return in_use;
}

/* All that is below D and not a process's. */
static void divide(struct cgroups *cgroups)
{
	cgroups->own = cgroup_make(cgroups->base, OWN_NAME);
	int result = cgroups->own < 0 ? cgroups->own : cgroup_move(cgroups->own, 0);
	if (result < 0) {
		give_up(cgroups, "cannot move podinit into a cgroup of its own", -result);
		return;
	}
	/* At the real root there are the kernel's processes, and the rule does not hold. */
	if (!cgroup_is_real_root(cgroups->base))
		cgroup_move_all(cgroups->base, cgroups->own);
	/* What a podinit left that was killed. */
	cgroup_remove(cgroups->base, POD_NAME);
	if (mkdirat(cgroups->base, POD_NAME, 0755) < 0) {
		give_up(cgroups, "cannot make a cgroup for the pod", errno);
		return;
	}
	cgroups->pod = cgroup_make(cgroups->base, POD_NAME);
	if (cgroups->pod < 0) {
		give_up(cgroups, "cannot open the cgroup of the pod", -cgroups->pod);
		return;
	}
	cgroups->changed = cgroup_controllers_enable(cgroups->base, &cgroups->controllers);
	/* What cannot be enabled above does not exist here. */
	struct cgroup_controllers in_pod = cgroups->controllers;
	cgroup_controllers_enable(cgroups->pod, &in_pod);
	for (int i = 0; i < CONTROLLER_COUNT; i++) {
		if (!cgroups->controllers.errors[i])
			cgroups->controllers.errors[i] = in_pod.errors[i];
	}
}

/* --cgroup PATH. NULL, or why it cannot be used. */
static const char *open_given(struct cgroups *cgroups, const char *path)
{
	snprintf(cgroups->path, sizeof(cgroups->path), "%s", path);
	cgroups->base_was_made = mkdir(path, 0755) == 0;
	cgroups->base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return cgroups->base < 0 ? strerror(errno) : cgroup_is_unfit(cgroups->base);
}

static const char *open_own(struct cgroups *cgroups, bool owns_machine)
{
	const char *why = cgroup_home_refuses(&cgroups->home, owns_machine);
	snprintf(cgroups->path, sizeof(cgroups->path), "%s", cgroups->home.path);
	if (!why)
		cgroups->base = fcntl(cgroups->home.fd, F_DUPFD_CLOEXEC, 0);
	return !why && cgroups->base < 0 ? strerror(errno) : why;
}

struct cgroups *cgroups_create(const char *where, bool owns_machine)
{
	struct cgroups *cgroups = calloc(1, sizeof(*cgroups));
	if (!cgroups)
		return NULL; /* the loop will not find any memory either */
	cgroups->base = cgroups->own = cgroups->pod = -1;
	cgroup_home_find(&cgroups->home);
	if (where && strcmp(where, "none") == 0) {
		snprintf(cgroups->why, sizeof(cgroups->why), "--cgroup none");
		return cgroups;
	}
	cgroups->where = where;
	const char *why = where ? open_given(cgroups, where) : open_own(cgroups, owns_machine);
	if (!why && is_in_use(cgroups->base))
		why = "has processes of another podinit in it";
	if (!why) {
		divide(cgroups);
		return cgroups;
	}
	snprintf(cgroups->why, sizeof(cgroups->why), "%s%s%s",
		*cgroups->path ? cgroups->path : "podinit's own cgroup", where ? ": " : " ", why);
	if (cgroups->base_was_made)
		rmdir(cgroups->path);
	close_all(cgroups);
	return cgroups;
}

/* --- the processes' --- */

/* Has each process a limit of its own, so that its memory runs out there and not in the container's? */
static bool all_are_limited(const struct cgroups *cgroups, const struct pod_spec *spec)
{
	if (cgroups->base < 0 || cgroups->controllers.errors[CONTROLLER_MEMORY])
		return false;
	if (spec->resources.limits[RESOURCE_MEMORY])
		return true;
	for (int i = 0; i < spec->process_count; i++) {
		if (!spec->processes[i].resources->limits[RESOURCE_MEMORY])
			return false;
	}
	return true;
}

static void make_place(
	struct cgroups *cgroups, struct place *place, const char *name, struct problems *problems)
{
	int fd = cgroup_make(cgroups->pod, name);
	*place = (struct place){.fd = fd < 0 ? -1 : fd};
	snprintf(place->name, sizeof(place->name), "%s", name);
	if (fd < 0)
		problem_add(problems, NULL, 0, "%s: cannot make the cgroup %s/%s/%s: %s", name,
			cgroups->path, POD_NAME, name, strerror(-fd));
}

static void furnish_places(
	struct cgroups *cgroups, const struct pod_spec *spec, struct problems *problems)
{
	cgroups->places = calloc((size_t)spec->process_count + 1, sizeof(*cgroups->places));
	cgroups->count = cgroups->places ? spec->process_count : 0;
	for (int i = 0; i < cgroups->count; i++)
		make_place(cgroups, &cgroups->places[i], spec->processes[i].name, problems);
}

static void write_limits(
	struct cgroups *cgroups, const struct pod_spec *spec, bool again, struct problems *problems)
{
	struct cgroup_limits limits = {
		.spec = spec,
		.path = cgroups->path,
		.controllers = cgroups->base >= 0 ? &cgroups->controllers : NULL,
		.problems = problems,
		.again = again,
	};
	cgroup_limits_write(&limits, cgroups->pod, NULL);
	for (int i = 0; i < spec->process_count; i++)
		cgroup_limits_write(&limits, cgroup_directory(cgroups, i), &spec->processes[i]);
	cgroup_limits_say(&limits, cgroups->why);
}

void cgroups_furnish(
	struct cgroups *cgroups, const struct pod_spec *spec, struct problems *problems)
{
	if (!cgroups)
		return;
	if (cgroups->base < 0 && cgroups->where) {
		problem_add(problems, NULL, 0, "--cgroup %s", cgroups->why);
		return;
	}
	oom_watch_begin(&cgroups->watch, &cgroups->home);
	if (cgroups->base >= 0)
		furnish_places(cgroups, spec, problems);
	write_limits(cgroups, spec, false, problems);
	if (cgroups->base < 0)
		oom_warn_of_group(cgroups->home.fd, cgroups->home.path, spec);
	else if (!all_are_limited(cgroups, spec))
		oom_warn_of_group(cgroups->base, cgroups->path, spec);
}

int cgroups_reserve(struct cgroups *cgroups, const struct pod_spec *spec)
{
	if (!cgroups || cgroups->base < 0)
		return 0;
	free(cgroups->reserved);
	cgroups->reserved = calloc((size_t)spec->process_count + 1, sizeof(*cgroups->reserved));
	return cgroups->reserved ? 0 : -ENOMEM;
}

/* A process of another kind may have the name now. */
static bool is_name_used(const struct place *places, int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(places[i].name, name) == 0)
			return true;
	}
	return false;
}

static void replace_places(struct cgroups *cgroups, const struct pod_spec *spec, const int *old_of,
	struct problems *problems)
{
	struct place *old = cgroups->places, *places = cgroups->reserved;
	int old_count = cgroups->count;
	for (int i = 0; i < spec->process_count; i++) {
		if (old_of[i] < 0 || old_of[i] >= old_count || old[old_of[i]].fd < 0) {
			make_place(cgroups, &places[i], spec->processes[i].name, problems);
			continue;
		}
		places[i] = old[old_of[i]];
		old[old_of[i]].fd = -1;
	}
	for (int i = 0; i < old_count; i++) {
		if (old[i].fd < 0)
			continue;
		close(old[i].fd);
		if (!is_name_used(places, spec->process_count, old[i].name))
			cgroup_remove(cgroups->pod, old[i].name);
	}
	free(old);
	cgroups->places = places;
	cgroups->count = spec->process_count;
	cgroups->reserved = NULL;
}

void cgroups_replace(struct cgroups *cgroups, const struct pod_spec *spec, const int *old_of,
	struct problems *problems)
{
	if (!cgroups)
		return;
	if (cgroups->reserved)
		replace_places(cgroups, spec, old_of, problems);
	if (cgroups->base >= 0)
		write_limits(cgroups, spec, true, problems);
}

void cgroups_destroy(struct cgroups *cgroups)
{
	static const struct timespec pause = {.tv_nsec = END_PAUSE_NS};
	if (!cgroups)
		return;
	for (int i = 0; i < END_LOOKS && cgroups->pod >= 0 && cgroup_is_running(cgroups->pod); i++)
		nanosleep(&pause, NULL);
	unmake(cgroups);
	cgroup_home_finish(&cgroups->home);
	free(cgroups);
}

int cgroups_give(struct cgroups *cgroups, pid_t inside)
{
	struct stat status;
	int64_t root = users_root_of(inside);
	if (!cgroups || cgroups->base < 0)
		return 0;
	if (root < 0 || fstatat(cgroups->base, "cgroup.procs", &status, 0) < 0)
		return -ESRCH;
	cgroups->was_given = true;
	cgroups->giver = status.st_uid;
	/* Who moves a process must be allowed to in the cgroup that is above both. */
	int result = cgroup_set_owner(cgroups->base, "cgroup.procs", (uid_t)root);
	return result < 0 ? result : cgroup_set_owner_of_all(cgroups->pod, (uid_t)root);
}

uint64_t cgroups_capabilities(const struct cgroups *cgroups)
{
	struct stat status;
	bool is_others = cgroups && cgroups->base >= 0 && fstat(cgroups->base, &status) == 0 &&
		status.st_uid != geteuid();
	return is_others ? capability_bit("DAC_OVERRIDE") : 0;
}

/* --- birth --- */

int cgroup_directory(const struct cgroups *cgroups, int index)
{
	return cgroups && index < cgroups->count ? cgroups->places[index].fd : -1;
}

void cgroup_prepare(struct cgroups *cgroups, int index)
{
	int fd = cgroup_directory(cgroups, index);
	if (fd < 0)
		return;
	if (cgroup_is_running(fd))
		cgroup_kill_directory(fd);
	/* A program that makes cgroups of its own, and was killed: there could be no process beside
	 * them. */
	if (cgroup_number(fd, "cgroup.stat", "nr_descendants") > 0) {
		cgroup_each_child(fd, cgroup_remove);
		cgroup_controllers_disable(fd, ~0U);
	}
	cgroups->places[index].oom_kills = oom_count(fd);
}

int cgroup_enter(int directory)
{
	return cgroup_move(directory, 0);
}

/* --- death --- */

bool cgroup_kill(const struct cgroups *cgroups, int index)
{
	int fd = cgroup_directory(cgroups, index);
	if (fd >= 0)
		cgroup_kill_directory(fd);
	return fd >= 0;
}

bool cgroup_is_populated(const struct cgroups *cgroups, int index)
{
	int fd = cgroup_directory(cgroups, index);
	return fd >= 0 && cgroup_is_running(fd);
}

bool cgroup_ran_out_of_memory(struct cgroups *cgroups, int index, int64_t now)
{
	if (!cgroups)
		return false;
	int fd = index < 0 ? -1 : cgroup_directory(cgroups, index);
	int64_t count = oom_count(fd);
	return count < 0 ? oom_watch_claim(&cgroups->watch, &cgroups->home, now)
			 : count > cgroups->places[index].oom_kills;
}

bool cgroup_command_ran_out_of_memory(struct cgroups *cgroups, int index, int64_t now)
{
	bool it_did = cgroup_ran_out_of_memory(cgroups, index, now);
	if (it_did && cgroup_directory(cgroups, index) >= 0)
		cgroups->places[index].oom_kills++;
	return it_did;
}
