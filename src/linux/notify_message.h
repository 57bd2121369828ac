/* A message of sd_notify(3) as data: what one datagram says. */
#ifndef PODINIT_LINUX_NOTIFY_MESSAGE_H
#define PODINIT_LINUX_NOTIFY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../core/podstatus.h"
#include "../spec/listen.h"

enum {
	NOTIFY_MESSAGE_MAX = 4096, /* bytes of a datagram; a longer one is none */
	NOTIFY_STATUS_MAX = SAID_MAX,
};

struct notify_message {
	bool ready, stopping, reloading, watchdog, watchdog_trigger;
	bool stores, removes; /* FDSTORE=1, FDSTOREREMOVE=1 */
	bool keeps_hung_up;   /* FDPOLL=0: what is stored stays, whatever became of its other end */
	bool has_status;
	int64_t watchdog_ns;		    /* WATCHDOG_USEC; -1: unsaid */
	int64_t extend_ns;		    /* EXTEND_TIMEOUT_USEC; -1: unsaid */
	pid_t main_pid;			    /* MAINPID; 0: unsaid */
	char status[NOTIFY_STATUS_MAX + 1]; /* printable; what is cut is cut at a character */
	char name[DESCRIPTOR_NAME_MAX + 1]; /* FDNAME; "": unsaid, or none that may be */
	int malformed;			    /* lines that said nothing */
};

/* Reads one datagram of at most NOTIFY_MESSAGE_MAX bytes, which may hold anything. */
void notify_message_read(struct notify_message *message, const char *bytes, size_t length);

#endif
