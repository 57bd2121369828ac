/* The maps of a user namespace. Must not make one: sandbox.c does. */
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "launch.h"
#include "log.h"
#include "names.h"

/* Where nobody said a range: 65536 numbers each, taken from the upper end of those that systemd's
 * UIDS-GIDS leaves to containers; useradd(8) gives out from the lower end. */
enum { FIRST_SLOT = 8, LAST_SLOT = 0x6fff };

struct range {
	unsigned long start, count; /* count 0: none */
};

static int write_proc(pid_t pid, const char *file, const char *text)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return result;
}

/* --- /etc/subuid and /etc/subgid: lines OWNER:START:COUNT, owner a name or a number --- */

static bool parse_range(char *line, const char *owner, struct range *range)
{
	char *start = strchr(line, ':'), *count = start ? strchr(start + 1, ':') : NULL, *end;
	if (!count)
		return false;
	*start++ = *count++ = '\0';
	if (strcmp(line, owner) != 0)
		return false;
	range->start = strtoul(start, &end, 10);
	if (end == start || *end)
		return false;
	range->count = strtoul(count, &end, 10);
	return end != count && (*end == '\n' || !*end) && range->start && range->count &&
		range->start <= UINT32_MAX && range->count <= UINT32_MAX - range->start;
}

/* The owner's first one that is large enough. */
static struct range find_range(const char *file, const char *owner, unsigned long least)
{
	char line[512];
	struct range range = {0};
	FILE *stream = fopen(file, "re");
	if (!stream)
		return range;
	bool found = false;
	while (!found && fgets(line, sizeof(line), stream))
		found = parse_range(line, owner, &range) && range.count >= least;
	fclose(stream);
	return found ? range : (struct range){0};
}

/* --- as root --- */

/* Nobody else may have the range while this process runs: an abstract socket of that name cannot be
 * there twice, goes with the process, and leaves nothing on any file system. */
static bool reserve(unsigned long start)
{
	char name[64];
	struct sockaddr_un address;
	snprintf(name, sizeof(name), "@podinit-users-%lu", start);
	socklen_t length = control_address(&address, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0)
		return true; /* stays open */
	if (fd >= 0)
		close(fd);
	return false;
}

static int map_both(pid_t pid, unsigned long uid, unsigned long gid)
{
	char uids[64], gids[64];
	snprintf(uids, sizeof(uids), "0 %lu %d\n", uid, USERS_OF_A_POD);
	snprintf(gids, sizeof(gids), "0 %lu %d\n", gid, USERS_OF_A_POD);
	int result = write_proc(pid, "uid_map", uids);
	return result < 0 ? result : write_proc(pid, "gid_map", gids);
}

int users_map_range(pid_t pid, bool is_verbose)
{
	static const char *const owners[] = {"podinit", "containers"};
	struct range uids = {0}, gids = {0};
	const char *owner = NULL;
	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners) && !(uids.count && gids.count);
		i++) {
		owner = owners[i];
		uids = find_range("/etc/subuid", owner, USERS_OF_A_POD);
		gids = find_range("/etc/subgid", owner, USERS_OF_A_POD);
	}
	bool is_said = uids.count && gids.count;
	unsigned long slots = LAST_SLOT - FIRST_SLOT + 1;
	if (is_said)
		slots = (uids.count < gids.count ? uids.count : gids.count) / USERS_OF_A_POD;
	for (unsigned long i = 0; i < slots; i++) {
		unsigned long offset = i * USERS_OF_A_POD;
		unsigned long own = (unsigned long)LAST_SLOT * USERS_OF_A_POD - offset;
		unsigned long uid = is_said ? uids.start + offset : own;
		unsigned long gid = is_said ? gids.start + offset : own;
		if (!reserve(uid))
			continue;
		if (is_verbose)
			log_line("sandbox: users 0-%d are %lu-%lu of the machine (%s%s)",
				USERS_OF_A_POD - 1, uid, uid + USERS_OF_A_POD - 1,
				is_said ? "/etc/subuid of " : "nobody has a range for pods",
				is_said ? owner : "");
		return map_both(pid, uid, gid);
	}
	return -EUSERS; /* as many pods as there are ranges */
}

/* --- as any user --- */

/* By our number, or by our name, where /etc/passwd knows that. */
static struct range own_range(const char *file)
{
	char owner[16];
	struct account own;
	snprintf(owner, sizeof(owner), "%u", geteuid());
	account_find_user(owner, &own);
	struct range range = find_range(file, owner, 1);
	return range.count || !own.name[0] ? range : find_range(file, own.name, 1);
}

/* newuidmap(1) and newgidmap(1) may do what this user may not. False: they are not there, or refuse. */
static bool map_with(const char *helper, pid_t pid, unsigned own, struct range range)
{
	char words[4][24];
	int status = -1;
	if (!range.count)
		return false;
	snprintf(words[0], sizeof(*words), "%d", (int)pid);
	snprintf(words[1], sizeof(*words), "%u", own);
	snprintf(words[2], sizeof(*words), "%lu", range.start);
	snprintf(words[3], sizeof(*words), "%lu", range.count);
	char *argv[] = {
		(char *)helper, words[0], "0", words[1], "1", "1", words[2], words[3], NULL};
	pid_t child = launch_fork(0);
	if (child == 0) {
		/* What it says would be no help: without it there is one user. */
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDERR_FILENO);
		execvp(helper, argv);
		_exit(127);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Without privileges exactly one user and one group can be mapped: our own, as root. */
static int map_one(pid_t pid, const char *file, unsigned own)
{
	char map[32];
	snprintf(map, sizeof(map), "0 %u 1\n", own);
	return write_proc(pid, file, map);
}

int users_map_own(pid_t pid, bool is_verbose)
{
	struct range uids = own_range("/etc/subuid"), gids = own_range("/etc/subgid");
	int result = 0;
	bool has_users = map_with("newuidmap", pid, geteuid(), uids);
	bool has_groups = map_with("newgidmap", pid, getegid(), gids);
	if (!has_users)
		result = map_one(pid, "uid_map", geteuid());
	/* A group that was taken away from a user could be shed with setgroups(): so the kernel wants
	 * that given up first. */
	if (result == 0 && !has_groups)
		result = write_proc(pid, "setgroups", "deny");
	if (result == 0 && !has_groups)
		result = map_one(pid, "gid_map", getegid());
	if (is_verbose && has_users)
		log_line("sandbox: user 0 is %u, users 1-%lu are %lu-%lu of the machine "
			 "(/etc/subuid)",
			geteuid(), uids.count, uids.start, uids.start + uids.count - 1);
	else if (is_verbose)
		log_line("sandbox: user 0 is %u of the machine, and there is no other", geteuid());
	return result;
}

int64_t users_root_of(pid_t inside)
{
	char path[64];
	long inner, outer;
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)inside);
	FILE *file = fopen(path, "re");
	bool found = file && fscanf(file, "%ld %ld", &inner, &outer) == 2 && inner == 0;
	if (file)
		fclose(file);
	return found ? outer : -1;
}
