/* Where notices go: a line on standard error, and a line of JSON in the file of --events. */
#ifndef PODINIT_LINUX_EVENT_LOG_H
#define PODINIT_LINUX_EVENT_LOG_H

#include "../core/notice.h"
#include "log.h"
#include "signals.h"

/* Another init's words, where podinit is called by its name (src/faces): it is told what happens
 * instead, by notices (of a signal that is SIGCHLD, too) and by what no notice tells. What it has no
 * words for is NULL. */
struct voice {
	void (*tell)(const struct notice *notice);
	/* as 0: it was not; error: errno, where it reached nobody */
	void (*passed_on)(int signo, int as, int error);
	void (*handed_off)(int signo);	    /* of the terminal: see signals.h; not passed on */
	void (*suspends)(void);		    /* podinit stops itself now */
	void (*reaped_all)(bool childless); /* nothing more to reap now */
	void (*finishes)(void);		    /* podinit ends now */
};

struct event_log {
	const struct pod_spec *spec;
	const struct voice *voice; /* NULL: podinit's own words */
	enum log_level level;	   /* of standard error */
	int fd;			   /* of the file; -1: none */
	unsigned long lost;	   /* lines that the file's reader did not take in time */
};

/* `log` has its spec, voice and level; `path` NULL: no file. 0 or -errno. */
int event_log_open(struct event_log *log, const char *path);
void event_log_close(struct event_log *log);

/* Tells a notice. `sender` (may be NULL) belongs to NOTICE_SIGNAL; of NOTICE_ORPHAN it is the
 * orphan's name. Never blocks. */
void event_log_tell(
	struct event_log *log, const struct notice *notice, const struct sender *sender);
/* The same, with more words behind the message. */
void event_log_tell_more(struct event_log *log, const struct notice *notice, const char *more);
/* What only another init has words for. */
void event_log_passed_on(const struct event_log *log, int signo, int error);
void event_log_handed_off(const struct event_log *log, int signo);
void event_log_suspends(const struct event_log *log);
void event_log_reaped_all(const struct event_log *log, bool childless);
void event_log_finishes(const struct event_log *log);

/* " from process 12 (sh), uid 0" */
void event_log_add_sender(struct text *out, const struct sender *sender);

#endif
