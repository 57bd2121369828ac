/* The words for what has become of a request (request.h). */
#ifndef PODINIT_LINUX_REQUEST_WORDS_H
#define PODINIT_LINUX_REQUEST_WORDS_H

#include "../spec/text.h"
#include "http_url.h"

#define REQUEST_LOOPBACK "127.0.0.1"

struct request;

/* Where it is now. The strings are the request's. */
struct http_url request_url(const struct request *request);

/* `Get "http://127.0.0.1:80/": `, cut where it is too long to be read; of TCP nothing. */
void words_add_get(const struct request *request, struct text *text);
/* "dial tcp 127.0.0.1:80: " */
void words_add_dial(const struct request *request, struct text *text);
/* The kernel's words, in small letters. */
void words_add_errno(struct text *text, int error);

#endif
