/* Writing a request as the kubelet does: its headers, the user's in their place, and nothing of the user's that
 * would be more than a header. Must not make a system call. */
#include "http_request.h"

#include <string.h>
#include <strings.h>

struct header {
	const char *name, *value; /* not terminated */
	size_t name_length, value_length;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct header header_split(const char *line)
{
	struct header header = {.name = line, .name_length = strcspn(line, ":")};
	header.value = line + header.name_length;
	if (*header.value == ':')
		header.value++;
	while (is_blank(*header.value))
		header.value++;
	header.value_length = strlen(header.value);
	while (header.value_length && is_blank(header.value[header.value_length - 1]))
		header.value_length--;
	return header;
}

static bool header_is(const struct header *header, const char *name)
{
	return strlen(name) == header->name_length &&
		strncasecmp(header->name, name, header->name_length) == 0;
}

/* NULL, or what is wrong with it: a line break would begin another header, or another request. */
static const char *header_problem(const char *line)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t length = strspn(line, token);
	if (length == 0 || line[length] != ':')
		return "net/http: invalid header field name";
	for (const char *c = line + length; *c; c++) {
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
			return "net/http: invalid header field value";
	}
	return NULL;
}

/* The first of that name. */
static bool header_find(const struct strings *headers, const char *name, struct header *header)
{
	for (int i = 0; headers && i < headers->count; i++) {
		*header = header_split(headers->items[i]);
		if (header_is(header, name))
			return true;
	}
	return false;
}

/* Those that would announce a body. */
static bool header_is_ours(const struct header *header)
{
	return header_is(header, "Host") || header_is(header, "Content-Length") ||
		header_is(header, "Transfer-Encoding") || header_is(header, "Trailer");
}

static void host_add(const struct http_request *request, struct text *text)
{
	struct header host;
	text_add(text, "Host: ");
	if (!request->ignore_host && header_find(request->headers, "Host", &host) &&
		host.value_length)
		text_add_bytes(text, host.value, host.value_length);
	else
		http_url_add_host(request->url, text);
	text_add(text, "\r\n");
}

const char *http_request_write(const struct http_request *request, struct text *text)
{
	const struct strings *headers = request->headers;
	const char *const defaults[][2] = {
		{"User-Agent", request->user_agent},
		{"Accept", "*/*"},
		{"Connection", "close"},
	};
	struct header header;
	const char *problem = http_path_problem(request->url->path);
	text_add(text, "GET ");
	http_url_add_path(request->url, text);
	text_add(text, " HTTP/1.1\r\n");
	host_add(request, text);
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++) {
		if (!header_find(headers, defaults[i][0], &header))
			text_add(text, "%s: %s\r\n", defaults[i][0], defaults[i][1]);
	}
	for (int i = 0; headers && i < headers->count && !problem; i++) {
		problem = header_problem(headers->items[i]);
		header = header_split(headers->items[i]);
		bool is_removal = !header.value_length &&
			(header_is(&header, "Accept") || header_is(&header, "User-Agent"));
		if (!header_is_ours(&header) && !is_removal)
			text_add(text, "%.*s: %.*s\r\n", (int)header.name_length, header.name,
				(int)header.value_length, header.value);
	}
	text_add(text, "\r\n");
	if (!problem && text->truncated)
		problem = "request too long";
	return problem;
}
