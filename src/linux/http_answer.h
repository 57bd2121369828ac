/* An HTTP/1.x answer, read as its bytes come: the status, the Location, and where the body ends. Bounded in
 * memory and in bytes, whatever comes. */
#ifndef PODINIT_LINUX_HTTP_ANSWER_H
#define PODINIT_LINUX_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../spec/text.h"

enum {
	HTTP_HEAD_MAX = 64 * 1024, /* bytes up to the body, those of interim answers included */
	HTTP_BODY_MAX = 10 * 1024  /* of which more is not waited for */
};

enum http_progress {
	HTTP_IN_HEAD, /* nothing is known yet */
	HTTP_IN_BODY, /* status and location are known, and more of the body is expected */
	HTTP_WHOLE,   /* the body has ended, or HTTP_BODY_MAX bytes of it came */
	HTTP_MALFORMED
};

struct http_answer {
	enum http_progress progress;
	int status;	       /* from HTTP_IN_BODY on; interim ones (1xx) are never seen here */
	char *location;	       /* the caller's; a string from HTTP_IN_BODY on, "": there is none */
	size_t location_size;  /* > 0 */
	bool location_cut;     /* it did not fit: this is its beginning */
	const char *problem;   /* HTTP_MALFORMED: what it is */
	bool problem_has_line; /* ... in `line` */

	/* Where it is in the head. */
	uint8_t part, header;
	bool location_seen; /* only the first counts */
	bool chunked;
	int8_t line_length;
	char line[48]; /* how the line, or the value, begins */
	uint32_t head_length;
	uint32_t location_length;
	/* Where it is in the body. Numbers above HTTP_BODY_MAX are all the same. */
	int32_t body_length;
	int32_t body_left;  /* of the body or the chunk; -1: it has no length */
	int32_t chunk_size; /* -1: no digit came yet */
	bool chunk_extended;
};

/* `location`: where that goes; must stay as long as the answer is read. */
void http_answer_init(struct http_answer *answer, char *location, size_t location_size);

/* The next bytes, of which it takes as many as it needs; how far it is now. */
enum http_progress http_answer_feed(struct http_answer *answer, const char *bytes, size_t length);

/* No more will come: HTTP_WHOLE or HTTP_MALFORMED. A body that is cut off is as good as a whole one: who has
 * said the status has answered. */
enum http_progress http_answer_end(struct http_answer *answer);

/* Does it send whoever asked elsewhere? */
bool http_answer_is_redirect(const struct http_answer *answer);

/* What its status means to a probe. */
enum http_meaning {
	HTTP_MEANS_SUCCESS,
	HTTP_MEANS_WARNING, /* success, with something to tell: a redirect that is not followed */
	HTTP_MEANS_FAILURE
};
/* Adds it in the words of the kubelet. */
enum http_meaning http_answer_judge(const struct http_answer *answer, struct text *text);

/* What is malformed, in the words of Go's net/http. */
void http_answer_problem(const struct http_answer *answer, struct text *text);

#endif
