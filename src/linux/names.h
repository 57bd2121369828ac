/* Where the control socket is: podinit and podctl must agree, and nobody should have to say. */
#ifndef PODINIT_LINUX_NAMES_H
#define PODINIT_LINUX_NAMES_H

#include <sys/socket.h>
#include <sys/un.h>

#define CONTROL_PATH "/run/podinit.sock"

/* The address of a socket at `path` or, where it begins with '@', of an abstract one. Returns its
 * length, 0 if it is too long. */
socklen_t control_address(struct sockaddr_un *address, const char *path);

/* The name where nothing is writable: "@podinit-" and the number of the PID namespace. */
void control_abstract_name(char *name, unsigned long size);

#endif
