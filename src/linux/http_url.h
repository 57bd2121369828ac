/* URLs of http: what a Location means, and how they are written. */
#ifndef PODINIT_LINUX_HTTP_URL_H
#define PODINIT_LINUX_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../spec/text.h"

enum url_scheme {
	URL_HTTP,
	URL_HTTPS,
	URL_OTHER /* of which nothing but the host is known */
};

/* All strings are somebody else's. */
struct http_url {
	enum url_scheme scheme;
	const char *host;   /* without brackets; not terminated */
	size_t host_length; /* 0: an URL like "mailto:root" */
	uint16_t port;
	const char *path; /* with the query; "" is "/" */
};

/* What `location` means in an answer of `base`. The host is then in one of these two, the path in `path`.
 * NULL, or what is wrong with it, in the words of Go's net/url. (The host is there even if only the path
 * does not fit.) */
const char *http_url_resolve(const struct http_url *base, const char *location,
	struct http_url *url, char *path, size_t path_size);

/* As the kubelet compares them: "localhost" is not "127.0.0.1". */
bool http_url_same_host(const struct http_url *one, const struct http_url *other);

/* NULL, or why a redirect to this URL is not followed, after so many that were. */
const char *http_redirect_problem(const struct http_url *url, int followed);

/* Does it begin with a scheme? */
bool http_url_is_absolute(const char *location);

/* NULL, or what is wrong with a path. */
const char *http_path_problem(const char *path);

/* "127.0.0.1:80", "[::1]:80" */
void http_url_add_host(const struct http_url *url, struct text *text);
/* As it is requested: from '/' on, without the fragment, blanks and what is not ASCII escaped. */
void http_url_add_path(const struct http_url *url, struct text *text);
void http_url_add(const struct http_url *url, struct text *text);

#endif
