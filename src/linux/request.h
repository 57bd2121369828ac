/* One attempt of a probe or a hook over the network: a TCP connection, or a GET over HTTP. It never blocks,
 * never allocates, and has no timer: who began it says when it has taken too long. */
#ifndef PODINIT_LINUX_REQUEST_H
#define PODINIT_LINUX_REQUEST_H

#include <ev.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "../spec/arena.h"
#include "http_answer.h"

enum {
	REQUEST_ROOM = 1024,	  /* for a Location, and the path of the one before it */
	REQUEST_PATH_MAX = 768,	  /* of a redirect's path: there is room for the next one */
	REQUEST_SEND_MAX = 16384, /* bytes of a request with all its headers */
	REQUEST_TEXT_MAX = 2048	  /* of what done() is told, the NUL included */
};

enum request_kind { REQUEST_TCP, REQUEST_HTTP };

struct request_target {
	enum request_kind kind;
	uint16_t port;
	bool any_status;  /* a hook's: each status is a success, and only no answer is a failure */
	const char *host; /* NULL: 127.0.0.1 */
	const char *path; /* NULL: "/" */
	const struct strings *headers; /* "Name: value"; NULL: none */
	const char *user_agent;	       /* if no header has another */
};

enum request_result {
	REQUEST_SUCCESS,
	REQUEST_WARNING, /* success, with something to tell: a redirect that is not followed */
	REQUEST_FAILURE,
	REQUEST_ERROR, /* podinit had no descriptor or no memory, which says nothing about the other side */
	REQUEST_ELSEWHERE /* podprobe has to do it (HTTPS, or a host's name); text is its URL */
};

struct request;
/* The request is over, and may begin anew. `text`: one line without line breaks, valid in this call only; empty
 * for a success. */
typedef void request_done(struct request *request, enum request_result result, const char *text);

enum request_state {
	REQUEST_IDLE,
	REQUEST_CONNECTING,
	REQUEST_SENDING,
	REQUEST_IN_HEAD,
	REQUEST_IN_BODY
};

struct request {
	void *owner; /* the caller's */
	request_done *done;
	struct ev_loop *loop;
	struct ev_io io; /* fd -1: there is no connection */
	struct request_target target;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address; /* family AF_UNSPEC: the host is a name */
	enum request_state state;
	int error;	  /* 0, or -errno of the connection that could not even begin */
	const char *path; /* where it is now: the target's, or in `room` */
	uint16_t port;
	uint8_t redirects;
	bool ignore_host; /* a redirect has left the URL that the user's Host header is for */
	uint32_t sent;
	struct http_answer answer;
	char room[REQUEST_ROOM];
};

/* Is it one that a request can go to, and not podprobe? NULL and localhost are. */
bool request_host_is_number(const char *host);

/* Idle; `owner` is for done(). */
void request_init(struct request *request, void *owner);

/* Begins; done() is always called later, by the loop. The request must be idle; the target is copied, but its
 * strings have to stay until then. */
void request_begin(struct request *request, struct ev_loop *loop,
	const struct request_target *target, request_done *done);

/* Ends it without done(). An idle one stays so. */
void request_cancel(struct request *request);

/* What the kubelet would say of one that runs, if its time is over now. */
void request_timeout_text(const struct request *request, char *text, size_t size);

#endif
