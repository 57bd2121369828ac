/* One attempt of a probe or a hook over the network, as a state machine: connecting, sending, the head of the
 * answer, its body; a redirect begins it again. Every step takes as much as there is now and lets others have
 * their turn. Must not know what a result means to anybody, nor how long it may take. */
#include "request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../spec/text.h"
#include "http_request.h"
#include "http_url.h"
#include "request_words.h"

/* --- the end --- */

static void connection_close(struct request *request)
{
	ev_io_stop(request->loop, &request->io);
	if (request->io.fd >= 0)
		close(request->io.fd);
	request->io.fd = -1;
}

static void finish(struct request *request, enum request_result result, const char *text)
{
	connection_close(request);
	request->state = REQUEST_IDLE;
	request->done(request, result, text);
}

static void fail(struct request *request, const char *problem)
{
	char buffer[REQUEST_TEXT_MAX];
	struct text text = text_in(buffer, sizeof(buffer));
	words_add_get(request, &text);
	text_add(&text, "%s", problem);
	finish(request, REQUEST_FAILURE, buffer);
}

/* `verb`: what did not work on the connection. */
static void fail_transfer(struct request *request, const char *verb, int error)
{
	char buffer[128];
	struct text text = text_in(buffer, sizeof(buffer));
	text_add(&text, "%s tcp: %s: ", verb, verb);
	words_add_errno(&text, error);
	fail(request, buffer);
}

static void finish_dial(struct request *request, int error)
{
	char buffer[REQUEST_TEXT_MAX];
	struct text text = text_in(buffer, sizeof(buffer));
	bool is_ours = error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
	words_add_get(request, &text);
	words_add_dial(request, &text);
	text_add(&text, request->io.fd < 0 ? "socket: " : "connect: ");
	words_add_errno(&text, error);
	finish(request, is_ours ? REQUEST_ERROR : REQUEST_FAILURE, buffer);
}

/* The server is to read an end, as it would from the kubelet, and not a reset that it may log each time; one that
 * has told us all that it had to say, over HTTP, does not read any more. */
static void finish_connected(struct request *request)
{
	shutdown(request->io.fd, SHUT_WR);
	finish(request, REQUEST_SUCCESS, "");
}

static void finish_elsewhere(struct request *request, const struct http_url *url)
{
	char buffer[REQUEST_TEXT_MAX];
	struct text text = text_in(buffer, sizeof(buffer));
	if (request->target.kind == REQUEST_HTTP) {
		http_url_add(url, &text);
	} else {
		text_add(&text, "tcp://");
		http_url_add_host(url, &text);
	}
	if (text.truncated)
		fail(request, "URL too long");
	else
		finish(request, REQUEST_ELSEWHERE, buffer);
}

/* A success needs no words. */
static void finish_status(struct request *request)
{
	static const enum request_result results[] = {
		[HTTP_MEANS_SUCCESS] = REQUEST_SUCCESS,
		[HTTP_MEANS_WARNING] = REQUEST_WARNING,
		[HTTP_MEANS_FAILURE] = REQUEST_FAILURE,
	};
	char buffer[REQUEST_TEXT_MAX];
	struct text text = text_in(buffer, sizeof(buffer));
	enum request_result result = REQUEST_SUCCESS;
	if (!request->target.any_status)
		result = results[http_answer_judge(&request->answer, &text)];
	finish(request, result, result == REQUEST_SUCCESS ? "" : buffer);
}

/* --- connecting --- */

bool request_host_is_number(const char *host)
{
	struct in6_addr room;
	return !host || strcmp(host, "localhost") == 0 || inet_pton(AF_INET, host, &room) == 1 ||
		inet_pton(AF_INET6, host, &room) == 1;
}

/* An address of numbers only: to look up a name may take any time. */
static void address_init(struct request *request)
{
	const char *host = request->target.host;
	if (!host || strcmp(host, "localhost") == 0)
		host = REQUEST_LOOPBACK;
	memset(&request->address, 0, sizeof(request->address));
	if (inet_pton(AF_INET, host, &request->address.in.sin_addr) == 1)
		request->address.any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, host, &request->address.in6.sin6_addr) == 1)
		request->address.any.sa_family = AF_INET6;
}

static socklen_t address_length(const struct request *request)
{
	return request->address.any.sa_family == AF_INET ? sizeof(request->address.in)
							 : sizeof(request->address.in6);
}

/* 0 or -EINPROGRESS, or another -errno. On a connection that has begun it asks how far it is. */
static int connection_try(struct request *request)
{
	if (connect(request->io.fd, &request->address.any, address_length(request)) == 0)
		return 0;
	return errno == EALREADY || errno == EINTR ? -EINPROGRESS : -errno;
}

/* Where nobody listens, and the kernel happens to choose the same number for this end, TCP connects an end with
 * itself. */
static bool is_connected_to_itself(const struct request *request)
{
	struct sockaddr_in6 own;
	socklen_t length = sizeof(own);
	return getsockname(request->io.fd, (struct sockaddr *)&own, &length) == 0 &&
		own.sin6_port == htons(request->port) &&
		memcmp(&own, &request->address, length) == 0;
}

/* 0 or -errno. */
static int connection_open(struct request *request)
{
	/* close() has the connection forgotten: neither does it wait, as with the kubelet's SO_LINGER of a second,
	 * nor does anything stay in TIME_WAIT, where there would be thousands. */
	const struct linger linger = {.l_onoff = 1, .l_linger = 0};
	int family = request->address.any.sa_family;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ev_io_set(&request->io, fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	/* At the same place in both. */
	request->address.in.sin_port = htons(request->port);
	int result = connection_try(request);
	return result == -EINPROGRESS ? 0 : result;
}

/* The rest is done by the loop; on this machine it then usually is connected. */
static void connection_begin(struct request *request)
{
	request->state = REQUEST_CONNECTING;
	request->sent = 0;
	request->error = 0;
	if (request->address.any.sa_family != AF_UNSPEC)
		request->error = connection_open(request);
	ev_feed_event(request->loop, &request->io, EV_CUSTOM);
}

static void wait_for(struct request *request, int events)
{
	if (ev_is_active(&request->io) && (request->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(request->loop, &request->io);
	ev_io_set(&request->io, request->io.fd, events);
	ev_io_start(request->loop, &request->io);
}

/* False: it is not connected. */
static bool connect_step(struct request *request)
{
	if (request->address.any.sa_family == AF_UNSPEC) {
		struct http_url url = request_url(request);
		finish_elsewhere(request, &url);
		return false;
	}
	int result = request->error ? request->error : connection_try(request);
	if (result == 0 && is_connected_to_itself(request))
		result = -ECONNREFUSED;
	if (result == -EINPROGRESS)
		wait_for(request, EV_WRITE);
	else if (result < 0)
		finish_dial(request, -result);
	else if (request->target.kind == REQUEST_TCP)
		finish_connected(request);
	else
		return true;
	return false;
}

/* --- sending --- */

static void answer_init(struct request *request)
{
	/* Behind the path, which a Location can be relative to. */
	size_t used = request->path == request->room ? strlen(request->room) + 1 : 0;
	http_answer_init(&request->answer, request->room + used, sizeof(request->room) - used);
}

static void send_step(struct request *request)
{
	/* Made again for each piece: hardly a request needs more than one, and none has to be kept. */
	char buffer[REQUEST_SEND_MAX];
	struct text text = text_in(buffer, sizeof(buffer));
	struct http_url url = request_url(request);
	const struct http_request head = {
		.url = &url,
		.headers = request->target.headers,
		.user_agent = request->target.user_agent,
		.ignore_host = request->ignore_host,
	};
	const char *problem = http_request_write(&head, &text);
	if (problem) {
		fail(request, problem);
		return;
	}
	ssize_t length = send(request->io.fd, text.data + request->sent,
		text.length - request->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (length < 0 && errno != EAGAIN && errno != EINTR) {
		fail_transfer(request, "write", errno);
		return;
	}
	request->sent += length > 0 ? (uint32_t)length : 0;
	if (request->sent == text.length) {
		request->state = REQUEST_IN_HEAD;
		answer_init(request);
	} else {
		request->state = REQUEST_SENDING;
	}
	wait_for(request, request->state == REQUEST_IN_HEAD ? EV_READ : EV_WRITE);
}

/* --- the answer --- */

/* The next connection, to what the answer leads to. */
static void redirect_begin(struct request *request, const struct http_url *url)
{
	connection_close(request);
	request->redirects++;
	request->port = url->port;
	/* As Go does: a Location with a scheme is another URL, one without is of the same server. */
	request->ignore_host |= http_url_is_absolute(request->answer.location);
	memcpy(request->room, url->path, strlen(url->path) + 1);
	request->path = request->room;
	connection_begin(request);
}

/* False: the answer is the one that counts. */
static bool redirect_follow(struct request *request)
{
	const struct http_answer *answer = &request->answer;
	char path[REQUEST_PATH_MAX];
	struct http_url url, base = request_url(request);
	if (!http_answer_is_redirect(answer))
		return false;
	const char *problem = http_url_resolve(&base, answer->location, &url, path, sizeof(path));
	/* Another server's URL may be of any length: it is not followed. */
	if ((!problem || answer->location_cut) && !http_url_same_host(&base, &url))
		return false;
	if (answer->location_cut)
		problem = "Location header too long";
	if (!problem)
		problem = http_redirect_problem(&url, request->redirects);
	if (problem)
		fail(request, problem);
	else if (url.scheme == URL_HTTPS)
		finish_elsewhere(request, &url);
	else
		redirect_begin(request, &url);
	return true;
}

static void answer_malformed(struct request *request)
{
	char buffer[512];
	struct text text = text_in(buffer, sizeof(buffer));
	http_answer_problem(&request->answer, &text);
	fail(request, buffer);
}

static void receive_step(struct request *request)
{
	char buffer[16384];
	struct http_answer *answer = &request->answer;
	ssize_t length = recv(request->io.fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length < 0 && request->state == REQUEST_IN_HEAD) {
		fail_transfer(request, "read", errno);
		return;
	}
	if (length > 0)
		http_answer_feed(answer, buffer, (size_t)length);
	else
		http_answer_end(answer);
	if (answer->progress == HTTP_MALFORMED) {
		answer_malformed(request);
		return;
	}
	if (answer->progress == HTTP_IN_HEAD)
		return;
	if (request->state == REQUEST_IN_HEAD && redirect_follow(request))
		return;
	request->state = REQUEST_IN_BODY;
	if (answer->progress == HTTP_WHOLE)
		finish_status(request);
}

/* Nothing may look at a request after a step that may have finished it: it can be another one by then, or
 * none. */
static void on_ready(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct request *request = io->data;
	(void)loop;
	(void)events;
	if (request->state == REQUEST_IN_HEAD || request->state == REQUEST_IN_BODY)
		receive_step(request);
	else if (request->state == REQUEST_SENDING || connect_step(request))
		send_step(request);
}

/* --- for the caller --- */

void request_init(struct request *request, void *owner)
{
	*request = (struct request){.owner = owner};
	ev_io_init(&request->io, on_ready, -1, 0);
	request->io.data = request;
}

void request_begin(struct request *request, struct ev_loop *loop,
	const struct request_target *target, request_done *done)
{
	request->loop = loop;
	request->done = done;
	request->target = *target;
	request->port = target->port;
	request->path = target->path ? target->path : "/";
	request->redirects = 0;
	request->ignore_host = false;
	address_init(request);
	connection_begin(request);
}

void request_cancel(struct request *request)
{
	if (request->state == REQUEST_IDLE)
		return;
	connection_close(request);
	request->state = REQUEST_IDLE;
}
