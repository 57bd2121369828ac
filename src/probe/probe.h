/* One attempt of a probe or hook: what is asked for, and how it went. Plain data for all kinds; must
 * not know how any of them works. */
#ifndef PODINIT_PROBE_PROBE_H
#define PODINIT_PROBE_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/arena.h"

/* The exit codes, too. */
enum probe_result {
	PROBE_SUCCESS = 0,
	PROBE_FAILURE = 1,
	PROBE_WARNING = 2, /* a success that is worth an event */
	PROBE_ERROR = 3,   /* nothing was learned about the server */
};

/* All of it from the command line, and checked there. */
struct probe {
	const char *host;	/* a name or a number; an IPv6 number without brackets */
	const char *port;	/* digits, 1..65535 */
	const char *what;	/* the path of a URL, or the service; "" if not given */
	bool hook;		/* any answer is a success */
	const char *user_agent; /* NULL: the kubelet's */
	struct strings headers; /* "Name: value" each */
};

/* `words` is one line or the beginning of one; what comes from the server stands in it as it came. */
struct verdict {
	enum probe_result result;
	char words[1024];
};

/* Sets both; too many words are cut. */
void verdict_set(struct verdict *verdict, enum probe_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "connection refused": an errno in the words that Go has for it. */
const char *error_words(int error, char *buffer, size_t size);

/* "host:port", an IPv6 number in brackets. */
void authority_write(char *buffer, size_t size, const char *host, const char *port);

#endif
