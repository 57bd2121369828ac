/* A look into each root, by a process that goes there and does not come back: chroot(2) needs less than any
 * mount, and a file system that hangs holds only that process up. It sends what it finds through a pipe. Must
 * not change anything. */
#include "inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "inside.h"
#include "launch.h"
#include "log.h"
#include "search.h"

extern char **environ;

enum {
	GROUPS_MAX = 1024,
	PATIENCE_MS = 5000, /* with a file system that does not answer */
};

/* One process, looked at in its root. */
struct inspection {
	const struct pod_spec *spec;
	const struct process_spec *process;
	int index, fd; /* where findings go */
	struct inside inside;
	bool knows_user;
	uid_t uid;
	gid_t gid, groups[GROUPS_MAX];
	int group_count;
};

static void find(const struct inspection *one, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void find(const struct inspection *one, const char *format, ...)
{
	struct finding finding = {.process = one->index};
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(finding.text, sizeof(finding.text), format, arguments);
	va_end(arguments);
	/* When podinit has given up, nobody reads it. */
	if (write(one->fd, &finding, sizeof(finding)) < 0)
		_exit(1);
}

/* --- who: as identity.c will find it --- */

static void look_for_user(struct inspection *one, const struct security_spec *security)
{
	struct account account = {.uid = geteuid(), .gid = getegid()};
	bool by_name =
		security->user && strspn(security->user, "0123456789") != strlen(security->user);
	one->knows_user = !by_name || inside_is_known(&one->inside, "/etc/passwd");
	if (one->knows_user && security->user && account_find_user(security->user, &account) < 0) {
		find(one, "securityContext.runAsUser: its /etc/passwd has no user '%s'",
			security->user);
		one->knows_user = false;
	}
	one->uid = account.uid;
	one->gid = account.gid;
	if (one->knows_user && one->uid == 0 && security->non_root == SAID_TRUE)
		find(one, "securityContext.runAsNonRoot: its user is root");
	if (!security->user)
		one->group_count = getgroups(GROUPS_MAX, one->groups);
	else if (!one->spec->groups_strict)
		one->group_count = account_groups(account.name, one->groups, GROUPS_MAX);
	if (one->group_count < 0)
		one->group_count = 0;
}

static void look_for_groups(struct inspection *one, const struct security_spec *security)
{
	const struct strings *names = &one->spec->supplemental_groups;
	if (!inside_is_known(&one->inside, "/etc/group"))
		return;
	if (security->group && account_find_group(security->group, &one->gid) < 0)
		find(one, "securityContext.runAsGroup: its /etc/group has no group '%s'",
			security->group);
	for (int i = 0; i < names->count && one->group_count < GROUPS_MAX; i++) {
		if (account_find_group(names->items[i], &one->groups[one->group_count]) == 0)
			one->group_count++;
		else
			find(one,
				"securityContext.supplementalGroups: its /etc/group has no group "
				"'%s'",
				names->items[i]);
	}
}

/* What is looked at from here on is looked at as this user, until become_ourselves(). Where that cannot be,
 * or the user can read everything all the same, it is looked at as we are. */
static void become_user(const struct inspection *one)
{
	const uint64_t any_file =
		capability_bit("DAC_OVERRIDE") | capability_bit("DAC_READ_SEARCH");
	if (!one->knows_user || one->uid == geteuid() || (spec_ambient(one->process) & any_file))
		return;
	if (syscall(SYS_setgroups, one->group_count, one->groups) < 0 ||
		syscall(SYS_setresgid, -1, one->gid, -1) < 0 ||
		syscall(SYS_setresuid, -1, one->uid, -1) < 0)
		return;
}

struct ourselves {
	uid_t uid;
	gid_t gid, groups[GROUPS_MAX];
	int group_count;
};

static void become_ourselves(const struct ourselves *own)
{
	if (syscall(SYS_setresuid, -1, own->uid, -1) < 0 ||
		syscall(SYS_setresgid, -1, own->gid, -1) < 0 ||
		(own->group_count > 0 && syscall(SYS_setgroups, own->group_count, own->groups) < 0))
		return;
}

/* --- what --- */

/* "as user 1000", where that is the reason. */
static const char *by_whom(const struct inspection *one, int error, char buffer[32])
{
	buffer[0] = '\0';
	if (error == EACCES && geteuid() != 0)
		snprintf(buffer, 32, " (as user %u)", (unsigned)one->uid);
	return buffer;
}

static void look_at_directory(const struct inspection *one)
{
	char by[32];
	struct stat status;
	const char *path = one->process->working_dir;
	if (!path || !inside_is_known(&one->inside, path))
		return;
	int error = stat(path, &status) < 0			  ? errno
		: !S_ISDIR(status.st_mode)			  ? ENOTDIR
		: faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno
								  : 0;
	if (error)
		find(one, "workingDir: '%s': %s%s", path, strerror(error), by_whom(one, error, by));
}

enum { USABLE = 0, UNKNOWN = -1 };

/* Can it be executed? USABLE, UNKNOWN, or the errno that execve() will say. */
static int try_program(const struct inspection *one, const char *name)
{
	char path[2 * PATH_MAX];
	struct stat status;
	const char *directory = one->process->working_dir;
	snprintf(path, sizeof(path), "%s/%s", *name == '/' || !directory ? "" : directory, name);
	if (!inside_is_known(&one->inside, path))
		return UNKNOWN;
	if (stat(path, &status) < 0)
		return errno;
	if (!S_ISREG(status.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : USABLE;
}

/* Along PATH, as spawn.c. */
static int search_program(const struct inspection *one, const char *name)
{
	char path[PATH_MAX];
	int error = ENOENT;
	const char *rest = search_path(&one->process->environment, environ);
	bool is_unknown = false;
	while (search_next(&rest, name, path, sizeof(path))) {
		int result = try_program(one, path);
		if (result == USABLE)
			return USABLE;
		is_unknown |= result == UNKNOWN;
		if (result != UNKNOWN && result != ENOENT && result != ENOTDIR)
			error = result;
	}
	return is_unknown ? UNKNOWN : error;
}

static void look_at_program(const struct inspection *one)
{
	char by[32];
	const char *name = one->process->argv.items[0];
	bool has_path = strchr(name, '/') || !*name;
	int error = !*name ? ENOENT : has_path ? try_program(one, name) : search_program(one, name);
	if (error == USABLE || error == UNKNOWN)
		return;
	if (error == ENOENT && !has_path)
		find(one, "command: '%s' is in no directory of its PATH, %s", name,
			search_path(&one->process->environment, environ));
	else
		find(one, "command: '%s': %s%s", name, strerror(error), by_whom(one, error, by));
}

static void look(struct inspection *one, const struct ourselves *own)
{
	const struct security_spec security = spec_security(one->spec, one->process);
	inside_init(&one->inside, one->process);
	look_for_user(one, &security);
	look_for_groups(one, &security);
	become_user(one);
	look_at_directory(one);
	look_at_program(one);
	become_ourselves(own);
	inside_finish(&one->inside);
}

/* --- one root after the other --- */

static bool same_root(const struct process_spec *a, const struct process_spec *b)
{
	return a->rootfs && b->rootfs ? strcmp(a->rootfs, b->rootfs) == 0 : a->rootfs == b->rootfs;
}

/* The processes that are looked at from one root: those of process number `first`. */
struct visit {
	const struct pod_spec *spec;
	bool only_certain;
	int first, fd;
};

/* False: the root itself is no root. */
static bool enter_root(const struct visit *visit, int *error)
{
	const char *rootfs = visit->spec->processes[visit->first].rootfs;
	struct stat status;
	*error = 0;
	if (!rootfs)
		return true;
	if (stat(rootfs, &status) < 0)
		*error = errno;
	else if (!S_ISDIR(status.st_mode))
		*error = ENOTDIR;
	return *error == 0 && chroot(rootfs) == 0 && chdir("/") == 0;
}

/* In the process that does it. */
static int visit_root(void *data)
{
	const struct visit *visit = data;
	const struct pod_spec *spec = visit->spec;
	static struct ourselves own;
	static struct inspection one;
	int error;
	bool is_inside = enter_root(visit, &error), is_behind_init = false;
	own = (struct ourselves){.uid = geteuid(), .gid = getegid()};
	own.group_count = getgroups(GROUPS_MAX, own.groups);
	for (int i = 0; i < spec->process_count; i++) {
		const struct process_spec *process = &spec->processes[i];
		bool skips = visit->only_certain && is_behind_init;
		is_behind_init |= process->kind == KIND_INIT;
		if (skips || !same_root(process, &spec->processes[visit->first]))
			continue;
		one = (struct inspection){
			.spec = spec, .process = process, .index = i, .fd = visit->fd};
		if (error)
			find(&one, "rootfs: '%s': %s", process->rootfs, strerror(error));
		else if (is_inside)
			look(&one, &own);
	}
	return 0;
}

/* Takes findings until the other end is closed. False: nothing came for too long. */
static bool receive(int fd, struct findings *findings)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct finding finding;
	for (;;) {
		int result = poll(&ready, 1, PATIENCE_MS);
		if (result < 0 && errno == EINTR)
			continue;
		if (result <= 0)
			return false;
		if (read(fd, &finding, sizeof(finding)) != (ssize_t)sizeof(finding))
			return true;
		findings_add(findings, finding.process, "%s", finding.text);
	}
}

static void inspect_root(struct visit *visit, struct findings *findings)
{
	int ends[2], cgroup = -1, pidfd = -1;
	const char *rootfs = visit->spec->processes[visit->first].rootfs;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	visit->fd = ends[1];
	pid_t pid = launch(visit_root, visit, false, 0, &cgroup, &pidfd);
	close(ends[1]);
	if (pidfd >= 0)
		close(pidfd);
	bool answers = pid > 0 && receive(ends[0], findings);
	close(ends[0]);
	if (pid > 0 && !answers) {
		log_line("warning: the file system at %s does not answer: not looked at",
			rootfs ? rootfs : "/");
		/* It may not die now; it is reaped as an orphan is. */
		kill(pid, SIGKILL);
	} else if (pid > 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

static bool is_first_of_root(const struct pod_spec *spec, int index)
{
	for (int i = 0; i < index; i++) {
		if (same_root(&spec->processes[i], &spec->processes[index]))
			return false;
	}
	return true;
}

void inspect_roots(const struct pod_spec *spec, bool only_certain, struct findings *findings)
{
	struct visit visit = {.spec = spec, .only_certain = only_certain};
	for (visit.first = 0; visit.first < spec->process_count; visit.first++) {
		if (is_first_of_root(spec, visit.first))
			inspect_root(&visit, findings);
	}
}
