/* A socket that podinit makes and holds for a process (`listen`), as data. Must not know how one is made:
 * linux/listen.c does. */
#ifndef PODINIT_SPEC_LISTEN_H
#define PODINIT_SPEC_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

enum {
	LISTEN_MAX = 32,	   /* sockets of one process */
	LISTEN_FIRST_FD = 3,	   /* where sd_listen_fds(3) finds the first */
	DESCRIPTOR_NAME_MAX = 255, /* systemd's FDNAME_MAX */
};

enum listen_family {
	LISTEN_ANY,  /* a port of every address: IPv6 and IPv4, or IPv4 where there is no other */
	LISTEN_IPV4, /* of one address; 0.0.0.0 is all of them */
	LISTEN_IPV6, /* the same; [::] takes IPv4, too, where the kernel's bindv6only is not set */
	LISTEN_UNIX, /* a path or, with an @ before it, an abstract name */
};

enum listen_type { LISTEN_STREAM, LISTEN_DGRAM, LISTEN_SEQPACKET };

struct listen_spec {
	const char *name;    /* in LISTEN_FDNAMES; NULL: the process's */
	const char *address; /* as text, without brackets; NULL: LISTEN_ANY */
	uint8_t family;	     /* enum listen_family */
	uint8_t type;	     /* enum listen_type */
	uint16_t port;	     /* 0: LISTEN_UNIX */
	int32_t mode;	     /* of a path; INT_UNSET: 0666, as systemd's SocketMode= */
	int32_t backlog;     /* INT_UNSET: as many as the kernel allows */
	int32_t line;	     /* where it was written, for messages */
};

struct listens {
	struct listen_spec *items;
	int count;
};

/* Adds its address as one writes it: "80", "[::1]:80", "/run/x.sock". */
void listen_write_address(struct text *out, const struct listen_spec *listen);
/* A name for a descriptor, as systemd allows it: printable ASCII without ':', at most 255. */
bool descriptor_name_is_valid(const char *name);

#endif
