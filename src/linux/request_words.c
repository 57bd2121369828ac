/* What a request says of itself, in the words of the kubelet, which are those of Go: people search for them. Must
 * not make a system call, nor decide anything. */
#include "request_words.h"

#include <ctype.h>
#include <string.h>

#include "request.h"

struct http_url request_url(const struct request *request)
{
	const char *host = request->target.host ? request->target.host : REQUEST_LOOPBACK;
	return (struct http_url){
		.host = host,
		.host_length = strlen(host),
		.port = request->port,
		.path = request->path,
	};
}

void words_add_errno(struct text *text, int error)
{
	const char *words = strerror(error);
	text_add(text, "%c%s", tolower((unsigned char)words[0]), words + 1);
}

void words_add_get(const struct request *request, struct text *text)
{
	char buffer[256];
	struct text shown = text_in(buffer, sizeof(buffer));
	struct http_url url = request_url(request);
	if (request->target.kind != REQUEST_HTTP)
		return;
	http_url_add(&url, &shown);
	text_add(text, "Get \"%s%s\": ", shown.data, shown.truncated ? "..." : "");
}

void words_add_dial(const struct request *request, struct text *text)
{
	struct http_url url = request_url(request);
	if (strcmp(url.host, "localhost") == 0)
		url.host = REQUEST_LOOPBACK, url.host_length = strlen(REQUEST_LOOPBACK);
	text_add(text, "dial tcp ");
	http_url_add_host(&url, text);
	text_add(text, ": ");
}

void request_timeout_text(const struct request *request, char *buffer, size_t size)
{
	struct text text = text_in(buffer, size);
	words_add_get(request, &text);
	if (request->target.kind == REQUEST_TCP) {
		words_add_dial(request, &text);
		text_add(&text, "i/o timeout");
	} else if (request->state == REQUEST_IN_BODY) {
		text_add(&text,
			"context deadline exceeded "
			"(Client.Timeout or context cancellation while reading body)");
	} else {
		text_add(&text,
			"context deadline exceeded "
			"(Client.Timeout exceeded while awaiting headers)");
	}
}
