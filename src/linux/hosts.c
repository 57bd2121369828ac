/* /etc/hosts. Must not mount it where a process has a root of its own: view.c does. */
#include "hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../spec/text.h"

#define HOSTS_PATH "/etc/hosts"

static char path[64]; /* "": there is none */

/* Of a pod with a network of its own. */
static void add_pods_names(struct text *text, const struct pod_spec *spec)
{
	char name[256] = "";
	text_add(text,
		"# podinit-managed hosts file.\n"
		"127.0.0.1\tlocalhost\n"
		"::1\tlocalhost ip6-localhost ip6-loopback\n"
		"fe00::0\tip6-localnet\n"
		"fe00::0\tip6-mcastprefix\n"
		"fe00::1\tip6-allnodes\n"
		"fe00::2\tip6-allrouters\n");
	if (gethostname(name, sizeof(name) - 1) < 0 || !name[0])
		return;
	if (spec->subdomain)
		text_add(text, "127.0.0.1\t%s.%s\t%s\n", name, spec->subdomain, name);
	else
		text_add(text, "127.0.0.1\t%s\n", name);
}

/* Of the machine's or the container's network, whose names are known there. */
static void add_own_file(struct text *text)
{
	char buffer[4096], last = '\n';
	ssize_t length;
	text_add(text, "# podinit-managed hosts file (host network).\n");
	int fd = open(HOSTS_PATH, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	while (fd >= 0 && (length = read(fd, buffer, sizeof(buffer))) > 0) {
		text_add_bytes(text, buffer, (size_t)length);
		last = buffer[length - 1];
	}
	if (fd >= 0)
		close(fd);
	if (last != '\n')
		text_add(text, "\n");
}

static void add_aliases(struct text *text, const struct strings *aliases)
{
	if (aliases->count)
		text_add(text, "\n# Entries added by hostAliases.\n");
	for (int i = 0; i < aliases->count; i++) {
		char separator = '\0';
		for (const char *s = aliases->items[i]; *s;) {
			size_t length = strcspn(s, " ");
			if (separator)
				text_add_bytes(text, &separator, 1);
			text_add_bytes(text, s, length);
			separator = '\t';
			s += length + strspn(s + length, " ");
		}
		text_add(text, "\n");
	}
}

static int write_text(int fd, const struct text *text)
{
	if (fd < 0)
		return -errno;
	int result = write(fd, text->data, text->length) < 0 || fchmod(fd, 0644) < 0 ? -errno : 0;
	close(fd);
	return result;
}

/* In the first place where it can be made. 0 or -errno; `path` is set. */
static int make_file(const struct text *text)
{
	static const char *const places[] = {"/run", "/tmp", "/var/tmp", "/dev/shm"};
	int fd = -1;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && fd < 0; i++) {
		struct text name = text_in(path, sizeof(path));
		text_add(&name, "%s/podinit-hosts-XXXXXX", places[i]);
		fd = mkostemp(path, O_CLOEXEC);
	}
	if (fd < 0)
		path[0] = '\0';
	return write_text(fd, text);
}

/* Over the file that all of the sandbox sees. It lies in memory, in a file system that had a place for a
 * moment only: nothing is left behind even if podinit is killed. (An unlinked file could not be mounted
 * again, where a process has a root of its own.) */
static int cover(const struct text *text)
{
	static const char place[] = "/proc", file[] = "/proc/hosts";
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	if (mount("podinit", place, "tmpfs", flags, "size=8m,mode=755") < 0)
		return -errno;
	int result = write_text(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), text);
	if (result == 0 && mount(file, HOSTS_PATH, NULL, MS_BIND, NULL) < 0)
		result = -errno;
	if (umount2(place, MNT_DETACH) < 0 && result == 0)
		result = -errno;
	strcpy(path, HOSTS_PATH);
	return result;
}

void hosts_make(
	const struct pod_spec *spec, bool in_sandbox, bool own_network, struct problems *problems)
{
	struct text text = {0};
	if (!(in_sandbox && own_network) && !spec->host_aliases.count)
		return;
	if (in_sandbox && own_network)
		add_pods_names(&text, spec);
	else
		add_own_file(&text);
	add_aliases(&text, &spec->host_aliases);
	bool covers = in_sandbox && access(HOSTS_PATH, F_OK) == 0;
	int result = covers ? cover(&text) : make_file(&text);
	if (result < 0)
		problem_add(problems, NULL, 0, "pod: cannot make its " HOSTS_PATH ": %s",
			strerror(-result));
	text_finish(&text);
}

const char *hosts_path(void)
{
	return path[0] ? path : NULL;
}

bool hosts_is_elsewhere(void)
{
	return path[0] && strcmp(path, HOSTS_PATH) != 0;
}

void hosts_finish(void)
{
	if (hosts_is_elsewhere())
		unlink(path);
	path[0] = '\0';
}
