/* The head of an HTTP request, which is all of it: a GET has no body. */
#ifndef PODINIT_LINUX_HTTP_REQUEST_H
#define PODINIT_LINUX_HTTP_REQUEST_H

#include <stdbool.h>

#include "../spec/arena.h"
#include "../spec/text.h"
#include "http_url.h"

struct http_request {
	const struct http_url *url;
	const struct strings *headers; /* the user's: "Name: value"; NULL: none */
	const char *user_agent;	       /* if the user has none */
	bool ignore_host;	       /* the user's Host is for another URL */
};

/* Writes it. NULL, or what cannot be sent, in the words of Go's net/http. */
const char *http_request_write(const struct http_request *request, struct text *text);

#endif
