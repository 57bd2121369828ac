/* URLs: RFC 3986, as far as a redirect needs it, and with the strictness of Go's net/url. Must not make a
 * system call, and not know what is done with an URL. */
#include "http_url.h"

#include <string.h>
#include <strings.h>

enum { REDIRECTS_MAX = 10 };

static const struct {
	const char *name;
	uint16_t port;
} SCHEMES[] = {
	[URL_HTTP] = {"http", 80},
	[URL_HTTPS] = {"https", 443},
	[URL_OTHER] = {"", 0},
};

static bool is_letter(char c)
{
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'z';
}

const char *http_path_problem(const char *path)
{
	for (; *path; path++) {
		if ((unsigned char)*path < ' ' || *path == 0x7f)
			return "net/url: invalid control character in URL";
	}
	return NULL;
}

/* Of "http" in "http://host"; 0: there is no scheme. */
static size_t scheme_length(const char *text)
{
	size_t length = 0;
	if (!is_letter(text[0]))
		return 0;
	while (is_letter(text[length]) || (text[length] && strchr("0123456789+-.", text[length])))
		length++;
	return text[length] == ':' ? length : 0;
}

static enum url_scheme scheme_of(const char *text, size_t length)
{
	for (enum url_scheme scheme = URL_HTTP; scheme < URL_OTHER; scheme++) {
		if (strlen(SCHEMES[scheme].name) == length &&
			strncasecmp(SCHEMES[scheme].name, text, length) == 0)
			return scheme;
	}
	return URL_OTHER;
}

/* No digits are the scheme's own port. */
static const char *port_parse(struct http_url *url, const char *digits, const char *end)
{
	unsigned port = 0;
	if (digits == end)
		return NULL;
	for (; digits < end; digits++) {
		if (*digits < '0' || *digits > '9')
			return "invalid port after host";
		port = port * 10 + (unsigned)(*digits - '0');
		if (port > UINT16_MAX)
			return "invalid port after host";
	}
	url->port = (uint16_t)port;
	return port ? NULL : "invalid port after host";
}

/* "user@host:port". Nobody is sent a user's name and password that another server has made up. */
static const char *authority_parse(struct http_url *url, const char *text, size_t length)
{
	const char *end = text + length;
	const char *at = memrchr(text, '@', length);
	const char *host = at ? at + 1 : text;
	const char *colon;
	url->port = SCHEMES[url->scheme].port;
	if (host < end && *host == '[') {
		host++;
		colon = memchr(host, ']', (size_t)(end - host));
		if (!colon)
			return "missing ']' in host";
		url->host = host;
		url->host_length = (size_t)(colon - host);
		colon++;
		if (colon < end && *colon != ':')
			return "invalid port after host";
	} else {
		colon = memrchr(host, ':', (size_t)(end - host));
		colon = colon ? colon : end;
		url->host = host;
		url->host_length = (size_t)(colon - host);
	}
	return colon < end ? port_parse(url, colon + 1, end) : NULL;
}

/* "/a/./b/../c" is "/a/c". In place; it never grows. */
static void remove_dots(char *path)
{
	const char *in = path;
	char *out = path;
	while (*in) {
		size_t length = 1 + strcspn(in + 1, "/");
		bool is_dot = length == 2 && in[1] == '.';
		bool is_dots = length == 3 && in[1] == '.' && in[2] == '.';
		if (is_dots) {
			while (out > path && *--out != '/')
				continue;
		}
		if (!is_dot && !is_dots) {
			memmove(out, in, length);
			out += length;
		} else if (!in[length]) {
			*out++ = '/';
		}
		in += length;
	}
	*out = '\0';
}

/* False: it does not fit. */
static bool path_resolve(struct text *path, const char *base, const char *reference)
{
	size_t base_length = strcspn(base, "?#");
	size_t length = strcspn(reference, "?#");
	const char *query = reference + length;
	if (length == 0 && *query != '?')
		query = base + base_length;
	if (length == 0)
		length = base_length, reference = base, base_length = 0;
	else if (reference[0] == '/')
		base_length = 0;
	while (base_length && base[base_length - 1] != '/')
		base_length--;
	if ((base_length ? base : reference)[0] != '/')
		text_add(path, "/");
	text_add_bytes(path, base, base_length);
	text_add_bytes(path, reference, length);
	remove_dots(path->data);
	path->length = strlen(path->data);
	text_add_bytes(path, query, strcspn(query, "#"));
	return !path->truncated;
}

const char *http_url_resolve(const struct http_url *base, const char *location,
	struct http_url *url, char *path, size_t path_size)
{
	const char *problem = http_path_problem(location);
	size_t length = scheme_length(location);
	struct text text = text_in(path, path_size);
	*url = *base;
	url->path = path;
	if (problem)
		return problem;
	if (length) {
		url->scheme = scheme_of(location, length);
		url->host_length = 0;
		location += length + 1;
	}
	bool has_host = strncmp(location, "//", 2) == 0;
	if (has_host) {
		location += 2;
		size_t host = strcspn(location, "/?#");
		problem = authority_parse(url, location, host);
		location += host;
	} else if (!length && memchr(location, ':', strcspn(location, "/?#"))) {
		problem = "first path segment in URL cannot contain colon";
	}
	if (problem)
		return problem;
	if (!path_resolve(&text, length || has_host ? "" : base->path, location))
		return "URL too long";
	return NULL;
}

bool http_url_same_host(const struct http_url *one, const struct http_url *other)
{
	return one->host_length == other->host_length &&
		memcmp(one->host, other->host, one->host_length) == 0;
}

const char *http_redirect_problem(const struct http_url *url, int followed)
{
	if (followed == REDIRECTS_MAX)
		return "stopped after 10 redirects";
	return url->scheme == URL_OTHER ? "unsupported protocol scheme" : NULL;
}

bool http_url_is_absolute(const char *location)
{
	return scheme_length(location) > 0;
}

static bool is_plain(char c)
{
	return (unsigned char)c > ' ' && (unsigned char)c < 0x7f;
}

/* No byte of it ends a word or a line. */
static void add_escaped(struct text *text, const char *bytes, size_t length)
{
	const char *end = bytes + length;
	while (bytes < end && !text->truncated) {
		const char *plain = bytes;
		while (bytes < end && is_plain(*bytes))
			bytes++;
		text_add_bytes(text, plain, (size_t)(bytes - plain));
		if (bytes < end)
			text_add(text, "%%%02X", (unsigned char)*bytes++);
	}
}

void http_url_add_host(const struct http_url *url, struct text *text)
{
	bool is_ipv6 = memchr(url->host, ':', url->host_length);
	text_add(text, is_ipv6 ? "[" : "");
	add_escaped(text, url->host, url->host_length);
	text_add(text, is_ipv6 ? "]:%d" : ":%d", url->port);
}

void http_url_add_path(const struct http_url *url, struct text *text)
{
	if (url->path[0] != '/')
		text_add(text, "/");
	add_escaped(text, url->path, strcspn(url->path, "#"));
}

void http_url_add(const struct http_url *url, struct text *text)
{
	text_add(text, "%s://", SCHEMES[url->scheme].name);
	http_url_add_host(url, text);
	http_url_add_path(url, text);
}
