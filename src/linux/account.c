/* Reading passwd(5) and group(5) line by line, with a fixed buffer: whatever stands there is a
 * container's own, and may be anything. */
#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char PASSWD[] = "/etc/passwd", GROUP[] = "/etc/group";

enum { LINE_MAX_READ = 65536, FILE_MAX = 64 * 1024 * 1024, FIELDS_MAX = 7 };

/* One line, cut at its colons. */
struct entry {
	char *fields[FIELDS_MAX];
	int count;
};

static void cut(char *line, struct entry *entry)
{
	for (entry->count = 0; line && entry->count < FIELDS_MAX; entry->count++) {
		entry->fields[entry->count] = line;
		line = strchr(line, ':');
		if (line)
			*line++ = '\0';
	}
}

static FILE *open_regular(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	FILE *file =
		fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= FILE_MAX
		? fdopen(fd, "r")
		: NULL;
	if (!file)
		close(fd);
	return file;
}

/* Not fgets(), which does not tell where a line ends that holds a NUL byte: it is 1 with a whole line; 0 where
 * it is longer than anybody means, or no text; -1 at the end. */
static int read_line(FILE *file, char *line, int size)
{
	int length = 0, byte;
	bool is_text = true;
	while ((byte = getc_unlocked(file)) != EOF && byte != '\n') {
		is_text &= byte != '\0' && length < size - 1;
		if (is_text)
			line[length++] = (char)byte;
	}
	line[length] = '\0';
	if (byte == EOF && !length && is_text)
		return -1;
	return is_text;
}

/* Calls visit() for each line until it returns true, and returns that. */
static bool each_entry(
	const char *path, bool (*visit)(const struct entry *entry, void *data), void *data)
{
	static char line[LINE_MAX_READ];
	struct entry entry;
	bool found = false;
	FILE *file = open_regular(path);
	if (!file)
		return false;
	for (int result; !found && (result = read_line(file, line, sizeof(line))) >= 0;) {
		if (result == 0)
			continue;
		cut(line, &entry);
		found = visit(&entry, data);
	}
	fclose(file);
	return found;
}

static bool parse_id(const char *text, unsigned *id)
{
	char *end;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (end == text || *end || *text == '-' || *text == '+' || errno || number >= (unsigned)-1)
		return false;
	*id = (unsigned)number;
	return true;
}

struct wanted {
	const char *name; /* NULL: by number */
	unsigned number;
	struct account *account; /* of a user */
	gid_t *gid;		 /* of a group */
};

static bool is_user(const struct entry *entry, void *data)
{
	struct wanted *wanted = data;
	unsigned uid, gid;
	if (entry->count < 4 || !parse_id(entry->fields[2], &uid) ||
		!parse_id(entry->fields[3], &gid))
		return false;
	if (wanted->name ? strcmp(entry->fields[0], wanted->name) != 0 : uid != wanted->number)
		return false;
	wanted->account->uid = uid;
	wanted->account->gid = gid;
	snprintf(wanted->account->name, ACCOUNT_NAME_MAX, "%s", entry->fields[0]);
	return true;
}

static bool is_group(const struct entry *entry, void *data)
{
	const struct wanted *wanted = data;
	return entry->count >= 3 && strcmp(entry->fields[0], wanted->name) == 0 &&
		parse_id(entry->fields[2], wanted->gid);
}

int account_find_user(const char *user, struct account *account)
{
	struct wanted wanted = {.account = account};
	*account = (struct account){0};
	if (!parse_id(user, &wanted.number))
		wanted.name = user;
	else
		account->uid = wanted.number;
	return each_entry(PASSWD, is_user, &wanted) || !wanted.name ? 0 : -ESRCH;
}

int account_find_group(const char *group, gid_t *gid)
{
	struct wanted wanted = {.name = group, .gid = gid};
	return parse_id(group, gid) || each_entry(GROUP, is_group, &wanted) ? 0 : -ESRCH;
}

struct membership {
	const char *name;
	gid_t *groups;
	int count, max;
};

static bool add_membership(const struct entry *entry, void *data)
{
	struct membership *membership = data;
	char *rest = NULL;
	unsigned gid;
	if (entry->count < 4 || !parse_id(entry->fields[2], &gid))
		return false;
	for (char *member = strtok_r(entry->fields[3], ",", &rest); member;
		member = strtok_r(NULL, ",", &rest)) {
		if (strcmp(member, membership->name) == 0) {
			membership->groups[membership->count++] = gid;
			break;
		}
	}
	return membership->count == membership->max;
}

int account_groups(const char *name, gid_t *groups, int max)
{
	struct membership membership = {.name = name, .groups = groups, .max = max};
	if (*name && max > 0)
		each_entry(GROUP, add_membership, &membership);
	return membership.count;
}
