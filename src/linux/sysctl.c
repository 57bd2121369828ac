/* Kernel parameters. Must not decide which ones a pod may have: spec/check_system.c does. */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../spec/text.h"

/* net.ipv4.ip_forward is /proc/sys/net/ipv4/ip_forward. */
static void add_path(struct text *path, const char *name, size_t length)
{
	text_add(path, "/proc/sys/");
	for (size_t i = 0; i < length; i++)
		text_add_bytes(path, name[i] == '.' ? "/" : &name[i], 1);
}

static int write_value(const char *path, const char *value)
{
	/* The kernel takes a value in one write only. */
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	int result = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return result;
}

void sysctls_write(const struct pod_spec *spec, bool keeps_network, struct problems *problems)
{
	const char *source = spec->pod_source < spec->sources.count
		? spec->sources.items[spec->pod_source]
		: NULL;
	int result;
	for (int i = 0; i < spec->sysctls.count; i++) {
		const char *item = spec->sysctls.items[i], *equals = strchr(item, '=');
		const char *why = NULL;
		struct text path = {0};
		add_path(&path, item, (size_t)(equals - item));
		if (keeps_network && strncmp(item, "net.", 4) == 0)
			why = "the network is the machine's";
		else if ((result = write_value(path.data, equals + 1)) < 0)
			why = strerror(-result);
		text_finish(&path);
		if (why)
			problem_add(problems, source, spec->pod_line,
				"pod: securityContext.sysctls: %.*s: %s", (int)(equals - item),
				item, why);
	}
}
