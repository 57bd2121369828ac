/* Reading files whole. What they say is the spec floor's business. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../spec/ini.h"
#include "../spec/value.h"

enum { FILES_MAX = 1000 };

/* Reads all of `fd`. 0 or -errno; -EFBIG past INI_FILE_MAX. */
static int read_all(int fd, struct text *text)
{
	static char buffer[65536];
	for (;;) {
		ssize_t length = read(fd, buffer, sizeof(buffer));
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return length < 0 ? -errno : 0;
		text_add_bytes(text, buffer, (size_t)length);
		if (text->length > INI_FILE_MAX)
			return -EFBIG;
	}
}

/* The directory that relative paths in the file start from, absolute. */
static char *directory_of(const char *path)
{
	char *copy = strdup(path), *slash = strrchr(copy, '/');
	if (slash)
		slash[slash == copy ? 1 : 0] = '\0';
	char *directory = realpath(slash ? copy : ".", NULL);
	free(copy);
	return directory ? directory : strdup("");
}

static void read_fd(struct pod_spec *spec, int fd, const char *name, const char *path,
	struct problems *problems)
{
	struct text text = {0};
	int result = read_all(fd, &text);
	if (result < 0) {
		problem_add(problems, name, 0, "%s",
			result == -EFBIG ? "larger than 8 MiB" : strerror(-result));
	} else {
		char *directory = directory_of(path);
		struct ini_source source = {
			.name = name,
			.directory = directory,
			.text = text.data ? text.data : "",
			.length = text.length,
		};
		ini_read(spec, &source, false, problems);
		free(directory);
	}
	text_finish(&text);
}

static void read_file(struct pod_spec *spec, const char *path, struct problems *problems)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		problem_add(problems, path, 0, "%s", strerror(errno));
		return;
	}
	read_fd(spec, fd, path, path, problems);
	close(fd);
}

static int is_ini(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return entry->d_name[0] != '.' && length > 4 &&
		strcmp(entry->d_name + length - 4, ".ini") == 0;
}

/* Byte order, whatever the locale: 10-a.ini before 20-b.ini before a.ini. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_directory(struct pod_spec *spec, const char *path, struct problems *problems)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_ini, by_name);
	if (count < 0)
		problem_add(problems, path, 0, "%s", strerror(errno));
	else if (count == 0)
		problem_add(problems, path, 0, "no *.ini file in this directory");
	else if (count > FILES_MAX)
		problem_add(problems, path, 0, "more than %d *.ini files", FILES_MAX);
	for (int i = 0; i < count; i++) {
		struct text file = {0};
		text_add(&file, "%s/%s", path, entries[i]->d_name);
		if (count <= FILES_MAX)
			read_file(spec, file.data, problems);
		text_finish(&file);
		free(entries[i]);
	}
	free(entries);
}

/* The name of a pod that does not say one: that of its file. */
static void name_by_file(struct pod_spec *spec, const char *path)
{
	char *real = realpath(path, NULL);
	if (!real)
		return;
	const char *slash = strrchr(real, '/');
	char *name = arena_strdup(&spec->arena, slash ? slash + 1 : real);
	free(real);
	size_t length = strlen(name);
	if (length > 4 && strcmp(name + length - 4, ".ini") == 0)
		name[length - 4] = '\0';
	if (name_is_label(name))
		spec->name = name;
}

void config_read(struct pod_spec *spec, const char *path, struct problems *problems)
{
	struct stat status;
	if (strcmp(path, "-") == 0)
		read_fd(spec, STDIN_FILENO, "standard input", "", problems);
	else if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		read_directory(spec, path, problems);
	else
		read_file(spec, path, problems);
	/* Nothing was read: what is missing from it is no news. */
	if (!spec->sources.count && problems->count)
		return;
	if (!spec->name)
		name_by_file(spec, path);
	spec_check(spec, problems);
}
