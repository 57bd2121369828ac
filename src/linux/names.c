/* Names of the control socket. Linked into podctl too: must not need anything of podinit. */
#include "names.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

socklen_t control_address(struct sockaddr_un *address, const char *path)
{
	size_t length = strlen(path);
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!length || length >= sizeof(address->sun_path))
		return 0;
	memcpy(address->sun_path, path, length);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (path[0] == '@') {
		address->sun_path[0] = '\0';
		return size;
	}
	return size + 1;
}

void control_abstract_name(char *name, unsigned long size)
{
	struct stat status;
	if (stat("/proc/self/ns/pid", &status) < 0)
		status.st_ino = 0;
	snprintf(name, size, "@podinit-%lu", (unsigned long)status.st_ino);
}
