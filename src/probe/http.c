/* A GET as the kubelet does it: redirects on the same host, and what the last answer means. How a request
 * is written and an answer is read is what src/linux/http_*.c know. */
#include "probe/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "linux/http_answer.h"
#include "linux/http_request.h"
#include "linux/http_url.h"
#include "probe/stream.h"

enum { NAME_MAX_LENGTH = 256, URL_WORDS = 256 };

/* What an answer's Location is, and the path that it leads to. Each is as large as a head, so nothing that
 * came is cut. */
struct hop {
	char location[HTTP_HEAD_MAX], path[2 * HTTP_HEAD_MAX];
};

struct visit {
	const struct probe *probe;
	struct strings headers;
	struct http_url url; /* which is asked for next; its host is always the probe's */
	bool ignore_host;    /* a redirect has named the host itself */
	bool spoke_http;     /* the server, when asked for TLS */
	struct http_answer answer;
	struct hop hops[2]; /* one is what the other is made from */
	char buffer[4096];
};

static void say_failure(
	struct visit *visit, enum probe_result result, const char *why, struct verdict *verdict)
{
	char url[URL_WORDS];
	struct text text = text_in(url, sizeof(url));
	http_url_add(&visit->url, &text);
	verdict_set(verdict, result, "Get \"%s\": %s", url, why);
}

/* The host that the request names, without its port: what TLS asks for. */
static void name_write(char *name, size_t size, const char *request)
{
	const char *host = strstr(request, "\r\nHost: ") + strlen("\r\nHost: ");
	bool bracket = *host == '[';
	host += bracket;
	snprintf(name, size, "%.*s", (int)strcspn(host, bracket ? "]\r" : ":\r"), host);
}

/* From the request to the answer's head; false: the verdict says why not. */
static bool receive_head(struct visit *visit, struct stream *stream, struct verdict *why)
{
	char words[256];
	struct text text = text_in(words, sizeof(words));
	enum http_progress progress = HTTP_IN_HEAD;
	while (progress == HTTP_IN_HEAD) {
		ssize_t length = stream_receive(stream, visit->buffer, sizeof(visit->buffer), why);
		if (length < 0)
			return false;
		progress = length ? http_answer_feed(&visit->answer, visit->buffer, (size_t)length)
				  : http_answer_end(&visit->answer);
	}
	if (progress != HTTP_MALFORMED)
		return true;
	http_answer_problem(&visit->answer, &text);
	verdict_set(why, PROBE_FAILURE, "%s", words);
	return false;
}

/* The body says nothing, but a server that is cut off in it may log an error. */
static void receive_body(struct visit *visit, struct stream *stream)
{
	struct verdict ignored;
	enum http_progress progress = visit->answer.progress;
	while (progress == HTTP_IN_BODY) {
		ssize_t length =
			stream_receive(stream, visit->buffer, sizeof(visit->buffer), &ignored);
		progress = length > 0
			? http_answer_feed(&visit->answer, visit->buffer, (size_t)length)
			: http_answer_end(&visit->answer);
	}
}

/* Asks for visit->url, and puts where it is redirected to in `hop`. */
static bool ask(struct visit *visit, struct hop *hop, struct verdict *verdict)
{
	struct stream stream = {.fd = -1};
	struct verdict why;
	char port[8], name[NAME_MAX_LENGTH];
	struct text request = {0};
	const struct http_request head = {
		.url = &visit->url,
		.headers = &visit->headers,
		.user_agent = visit->probe->user_agent,
		.ignore_host = visit->ignore_host,
	};
	const char *problem = http_request_write(&head, &request);
	snprintf(port, sizeof(port), "%d", visit->url.port);
	name_write(name, sizeof(name), request.data);
	http_answer_init(&visit->answer, hop->location, sizeof(hop->location));
	if (problem)
		verdict_set(&why, PROBE_FAILURE, "%s", problem);
	bool done = !problem &&
		stream_open(&stream, visit->probe->host, port,
			visit->url.scheme == URL_HTTPS ? name : NULL, &why) &&
		stream_send(&stream, request.data, request.length, &why) &&
		receive_head(visit, &stream, &why);
	visit->spoke_http = stream.spoke_http;
	if (done && !http_answer_is_redirect(&visit->answer))
		receive_body(visit, &stream);
	if (!done)
		say_failure(visit, why.result, why.words, verdict);
	stream_close(&stream);
	text_finish(&request);
	return done;
}

static void judge(const struct visit *visit, struct verdict *verdict)
{
	static const enum probe_result results[] = {
		[HTTP_MEANS_SUCCESS] = PROBE_SUCCESS,
		[HTTP_MEANS_WARNING] = PROBE_WARNING,
		[HTTP_MEANS_FAILURE] = PROBE_FAILURE,
	};
	struct text words = text_in(verdict->words, sizeof(verdict->words));
	if (visit->probe->hook)
		verdict_set(verdict, PROBE_SUCCESS, "HTTP hook answered with statuscode: %d",
			visit->answer.status);
	else
		verdict->result = results[http_answer_judge(&visit->answer, &words)];
}

/* Makes visit->url what it is redirected to. false: the last answer was the last, or the verdict has said
 * why it cannot be. */
static bool follow(struct visit *visit, struct hop *hop, int redirects, struct verdict *verdict)
{
	struct http_url next, here = visit->url;
	const char *location = hop->location;
	const char *problem =
		http_url_resolve(&here, location, &next, hop->path, sizeof(hop->path));
	if (problem) {
		say_failure(visit, PROBE_FAILURE, problem, verdict);
		return false;
	}
	if (!http_url_same_host(&here, &next)) {
		judge(visit, verdict);
		return false;
	}
	visit->url = next;
	/* The same bytes, but this hop's go away. */
	visit->url.host = here.host;
	visit->ignore_host |= http_url_is_absolute(location);
	problem = http_redirect_problem(&next, redirects);
	if (problem)
		say_failure(visit, PROBE_FAILURE, problem, verdict);
	return !problem;
}

/* The first request, and all that follow from it. */
static void visit_url(struct visit *visit, enum url_scheme scheme, struct verdict *verdict)
{
	const struct probe *probe = visit->probe;
	visit->ignore_host = false;
	visit->url = (struct http_url){
		.scheme = scheme,
		.host = probe->host,
		.host_length = strlen(probe->host),
		.port = (uint16_t)atoi(probe->port),
		.path = probe->what,
	};
	for (int redirects = 0;; redirects++) {
		struct hop *hop = &visit->hops[redirects % 2];
		if (!ask(visit, hop, verdict))
			return;
		if (!http_answer_is_redirect(&visit->answer)) {
			judge(visit, verdict);
			return;
		}
		if (!follow(visit, hop, redirects, verdict))
			return;
	}
}

/* Who asked for TLS did not mean to show this in the clear. */
static void drop_authorization(struct strings *headers)
{
	static const char name[] = "Authorization:";
	int kept = 0;
	for (int i = 0; i < headers->count; i++) {
		if (strncasecmp(headers->items[i], name, strlen(name)) != 0)
			headers->items[kept++] = headers->items[i];
	}
	headers->count = kept;
}

static void get(const struct probe *asked, enum url_scheme scheme, struct verdict *verdict)
{
	struct probe probe = *asked;
	struct visit *visit = calloc(1, sizeof(*visit));
	if (!visit) {
		verdict_set(verdict, PROBE_ERROR, "no memory");
		return;
	}
	if (!probe.user_agent)
		probe.user_agent = probe.hook ? "kube-lifecycle/1.32" : "kube-probe/1.32";
	visit->probe = &probe;
	visit->headers = probe.headers;
	visit_url(visit, scheme, verdict);
	if (visit->spoke_http && probe.hook) {
		drop_authorization(&visit->headers);
		visit_url(visit, URL_HTTP, verdict);
	}
	free(visit);
}

void http_probe(const struct probe *probe, struct verdict *verdict)
{
	get(probe, URL_HTTP, verdict);
}

void https_probe(const struct probe *probe, struct verdict *verdict)
{
	get(probe, URL_HTTPS, verdict);
}
