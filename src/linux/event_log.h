/* Where notices go: a line on standard error, and a line of JSON in the file of --events. */
#ifndef PODINIT_LINUX_EVENT_LOG_H
#define PODINIT_LINUX_EVENT_LOG_H

#include "../core/notice.h"
#include "log.h"
#include "signals.h"

struct event_log {
	const struct pod_spec *spec;
	enum log_level level; /* of standard error */
	int fd;		      /* of the file; -1: none */
	unsigned long lost;   /* lines that the file's reader did not take in time */
};

/* `path` NULL: no file. 0 or -errno. */
int event_log_open(
	struct event_log *log, const struct pod_spec *spec, const char *path, enum log_level level);

/* Tells a notice. `sender` (may be NULL) belongs to NOTICE_SIGNAL; of NOTICE_ORPHAN it is the
 * orphan's name. Never blocks. */
void event_log_tell(
	struct event_log *log, const struct notice *notice, const struct sender *sender);

#endif
