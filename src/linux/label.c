/* AppArmor and SELinux by way of /proc/self/attr: no library of theirs is needed for that. Must not load
 * profiles: they are the machine's. */
#include "label.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_attribute(const char *path, const char *label)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	/* The kernel without a module that takes it says EINVAL. */
	int result = write(fd, label, strlen(label)) < 0 ? -errno : 0;
	close(fd);
	return result;
}

/* Built in is not switched on. */
bool label_has_apparmor(void)
{
	char enabled = 'N';
	int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool has = read(fd, &enabled, 1) == 1 && enabled == 'Y';
	close(fd);
	return has;
}

bool label_has_selinux(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

int label_set_apparmor(const struct security_spec *security, bool has)
{
	char label[512];
	const char *profile = security->apparmor_name;
	if (security->apparmor == PROFILE_UNSAID ||
		(security->apparmor == PROFILE_UNCONFINED && !has))
		return 0;
	if (!has)
		return -EOPNOTSUPP;
	/* The runtime's default is what podinit itself was given. */
	if (security->apparmor == PROFILE_RUNTIME_DEFAULT)
		return 0;
	if (security->apparmor == PROFILE_UNCONFINED)
		profile = "unconfined";
	if (snprintf(label, sizeof(label), "exec %s", profile) >= (int)sizeof(label))
		return -ENAMETOOLONG;
	int result = write_attribute("/proc/self/attr/apparmor/exec", label);
	return result == -EOPNOTSUPP ? write_attribute("/proc/self/attr/exec", label) : result;
}

/* "user:role:type:level", of which what is not said stays podinit's own. */
static int make_context(const struct security_spec *security, char *out, size_t size)
{
	char own[512] = "", *parts[4] = {"", "", "", ""}, *rest = own;
	int fd = open("/proc/self/attr/current", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, own, sizeof(own) - 1);
	if (fd >= 0)
		close(fd);
	own[length < 0 ? 0 : length] = '\0';
	own[strcspn(own, "\n")] = '\0';
	for (int i = 0; i < 4 && rest; i++) {
		parts[i] = rest;
		/* A level holds colons of its own. */
		rest = i < 3 ? strchr(rest, ':') : NULL;
		if (rest)
			*rest++ = '\0';
	}
	const char *said[4] = {security->selinux_user, security->selinux_role,
		security->selinux_type, security->selinux_level};
	int needed = snprintf(out, size, "%s:%s:%s:%s", said[0] ? said[0] : parts[0],
		said[1] ? said[1] : parts[1], said[2] ? said[2] : parts[2],
		said[3] ? said[3] : parts[3]);
	return needed < (int)size ? 0 : -ENAMETOOLONG;
}

int label_set_selinux(const struct security_spec *security, bool has)
{
	char context[1024];
	if (!security->selinux_user && !security->selinux_role && !security->selinux_type &&
		!security->selinux_level)
		return 0;
	if (!has)
		return -EOPNOTSUPP;
	int result = make_context(security, context, sizeof(context));
	return result == 0 ? write_attribute("/proc/self/attr/exec", context) : result;
}
