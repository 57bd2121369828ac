/* One call of grpc.health.v1.Health/Check in plain HTTP/2: the one file that knows nghttp2, which makes
 * and reads the frames. What the server sends is kept only as far as a verdict needs it; an answer that
 * is larger than any health is refused. Must not know what is in the messages: health.c does. */
#include "probe/grpc.h"

#include <ctype.h>
#include <inttypes.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

#include "probe/health.h"
#include "probe/stream.h"

enum grpc_code {
	GRPC_OK = 0,
	GRPC_UNKNOWN = 2,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
};

struct call {
	struct stream stream;
	nghttp2_session *session;
	uint8_t request[HEALTH_REQUEST_MAX];
	size_t request_length, request_sent;
	bool greeted;	   /* the server speaks HTTP/2 */
	bool closed;	   /* by the server's end of the stream, or its reset */
	uint32_t reset;	   /* then its reason; 0 is none */
	int http_status;   /* 0: none came */
	int code;	   /* grpc-status; -1: none came */
	char message[256]; /* grpc-message */
	uint8_t answer[256];
	size_t answer_length;
};

/* --- what nghttp2 calls --- */

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct call *call = data;
	(void)session;
	if (frame->hd.type == NGHTTP2_SETTINGS)
		call->greeted = true;
	return 0;
}

/* Digits only, at most 3; -1 if it is something else. */
static int read_code(const uint8_t *value, size_t length)
{
	int code = 0;
	if (length == 0 || length > 3)
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return -1;
		code = code * 10 + (value[i] - '0');
	}
	return code;
}

/* grpc-message is text with %XX in it. What is not, is taken as it is. */
static void message_read(char *message, size_t size, const char *value)
{
	size_t length = 0;
	while (*value && length < size - 1) {
		unsigned byte;
		bool coded = *value == '%' && isxdigit((unsigned char)value[1]) &&
			isxdigit((unsigned char)value[2]);
		if (coded && sscanf(value + 1, "%2x", &byte) == 1) {
			message[length++] = (char)byte;
			value += 3;
		} else {
			message[length++] = *value++;
		}
	}
	message[length] = '\0';
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_length, const uint8_t *value, size_t length, uint8_t flags, void *data)
{
	struct call *call = data;
	(void)session, (void)frame, (void)name_length, (void)flags;
	/* nghttp2 ends both with a NUL. */
	if (strcmp((const char *)name, ":status") == 0)
		call->http_status = read_code(value, length);
	else if (strcmp((const char *)name, "grpc-status") == 0)
		call->code = read_code(value, length) < 0 ? GRPC_UNKNOWN : read_code(value, length);
	else if (strcmp((const char *)name, "grpc-message") == 0)
		message_read(call->message, sizeof(call->message), (const char *)value);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
	size_t length, void *data)
{
	struct call *call = data;
	(void)session, (void)flags, (void)stream;
	if (length > sizeof(call->answer) - call->answer_length)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	memcpy(call->answer + call->answer_length, bytes, length);
	call->answer_length += length;
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t reason, void *data)
{
	struct call *call = data;
	(void)session, (void)stream;
	call->closed = true;
	call->reset = reason;
	return 0;
}

static ssize_t give_request(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t size,
	uint32_t *flags, nghttp2_data_source *source, void *data)
{
	struct call *call = data;
	(void)session, (void)stream, (void)source;
	size_t left = call->request_length - call->request_sent;
	size_t length = left < size ? left : size;
	memcpy(buffer, call->request + call->request_sent, length);
	call->request_sent += length;
	if (length == left)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)length;
}

/* --- the call --- */

static bool session_create(struct call *call)
{
	nghttp2_session_callbacks *callbacks;
	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return false;
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	int error = nghttp2_session_client_new(&call->session, callbacks, call);
	nghttp2_session_callbacks_del(callbacks);
	return error == 0;
}

static nghttp2_nv header(const char *name, const char *value)
{
	/* nghttp2 copies both, so it changes neither. */
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
		strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static bool submit(struct call *call, const struct probe *probe, const char *authority)
{
	static const nghttp2_settings_entry no_push = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
	const nghttp2_nv headers[] = {
		header(":method", "POST"),
		header(":scheme", "http"),
		header(":path", "/grpc.health.v1.Health/Check"),
		header(":authority", authority),
		header("content-type", "application/grpc"),
		header("user-agent", probe->user_agent ? probe->user_agent : "kube-probe/1.32"),
		header("te", "trailers"),
	};
	const nghttp2_data_provider body = {.read_callback = give_request};
	return session_create(call) &&
		nghttp2_submit_settings(call->session, NGHTTP2_FLAG_NONE, &no_push, 1) == 0 &&
		nghttp2_submit_request(call->session, NULL, headers,
			sizeof(headers) / sizeof(*headers), &body, NULL) > 0;
}

static bool send_frames(struct call *call, struct verdict *verdict)
{
	const uint8_t *bytes;
	ssize_t length;
	while ((length = nghttp2_session_mem_send(call->session, &bytes)) > 0) {
		if (!stream_send(&call->stream, (const char *)bytes, (size_t)length, verdict))
			return false;
	}
	return length == 0;
}

/* Until the stream is closed; false: the connection is no good before that, `why` says so. */
static bool converse(struct call *call, struct verdict *why)
{
	char buffer[4096];
	verdict_set(why, PROBE_FAILURE, "this is not HTTP/2");
	while (send_frames(call, why) && !call->closed) {
		ssize_t length = stream_receive(&call->stream, buffer, sizeof(buffer), why);
		if (length == 0)
			verdict_set(why, PROBE_FAILURE, "EOF");
		if (length <= 0)
			break;
		length = nghttp2_session_mem_recv(
			call->session, (const uint8_t *)buffer, (size_t)length);
		if (length < 0) {
			verdict_set(why, PROBE_FAILURE, "%s", nghttp2_strerror((int)length));
			break;
		}
		if (!nghttp2_session_want_read(call->session))
			break;
	}
	return call->closed;
}

/* --- what it means, in the kubelet's words --- */

static const char *code_name(int code)
{
	static const char *const names[] = {"OK", "Canceled", "Unknown", "InvalidArgument",
		"DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied",
		"ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented",
		"Internal", "Unavailable", "DataLoss", "Unauthenticated"};
	return code >= 0 && code < (int)(sizeof(names) / sizeof(*names)) ? names[code] : NULL;
}

static void say_code(int code, const char *message, struct verdict *verdict)
{
	char number[16];
	const char *name = code_name(code);
	snprintf(number, sizeof(number), "Code(%d)", code);
	if (code == GRPC_UNIMPLEMENTED)
		verdict_set(verdict, PROBE_FAILURE,
			"error: this server does not implement the grpc health protocol "
			"(grpc.health.v1.Health): %s",
			message);
	else if (code == GRPC_DEADLINE_EXCEEDED)
		verdict_set(verdict, PROBE_FAILURE, "timeout: health rpc did not complete: %s",
			message);
	else
		verdict_set(verdict, PROBE_FAILURE,
			"error: health rpc probe failed: rpc error: code = %s desc = %s",
			name ? name : number, message);
}

/* An answer without grpc-status: a server of something else, or a proxy before it. */
static void say_http_status(int status, struct verdict *verdict)
{
	static const struct {
		int status;
		enum grpc_code code;
	} codes[] = {{400, GRPC_INTERNAL}, {401, GRPC_UNAUTHENTICATED},
		{403, GRPC_PERMISSION_DENIED}, {404, GRPC_UNIMPLEMENTED}, {429, GRPC_UNAVAILABLE},
		{502, GRPC_UNAVAILABLE}, {503, GRPC_UNAVAILABLE}, {504, GRPC_UNAVAILABLE}};
	char words[96];
	enum grpc_code code = GRPC_UNKNOWN;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (codes[i].status == status)
			code = codes[i].code;
	}
	snprintf(words, sizeof(words), "unexpected HTTP status code received from server: %d",
		status);
	say_code(code, words, verdict);
}

static void say_health(const struct call *call, struct verdict *verdict)
{
	uint64_t status;
	if (!health_read_response(call->answer, call->answer_length, &status)) {
		say_code(GRPC_INTERNAL, "the answer is no HealthCheckResponse", verdict);
	} else if (status == HEALTH_SERVING) {
		verdict_set(verdict, PROBE_SUCCESS, "service healthy");
	} else {
		char number[24];
		const char *name = health_status_name(status);
		snprintf(number, sizeof(number), "%" PRIu64, status);
		verdict_set(verdict, PROBE_FAILURE, "service unhealthy (responded with \"%s\")",
			name ? name : number);
	}
}

static void judge(const struct call *call, struct verdict *verdict)
{
	char words[96];
	if (call->code > GRPC_OK) {
		say_code(call->code, call->message, verdict);
	} else if (call->code < 0 && call->http_status > 0 && call->http_status != 200) {
		say_http_status(call->http_status, verdict);
	} else if (call->reset) {
		snprintf(words, sizeof(words),
			"stream terminated by RST_STREAM with error code: %s",
			nghttp2_http2_strerror(call->reset));
		say_code(GRPC_INTERNAL, words, verdict);
	} else if (call->code < 0) {
		say_code(GRPC_INTERNAL, "server closed the stream without sending trailers",
			verdict);
	} else {
		say_health(call, verdict);
	}
}

void grpc_probe(const struct probe *probe, struct verdict *verdict)
{
	char authority[512];
	struct verdict why;
	struct call call = {.code = -1};
	authority_write(authority, sizeof(authority), probe->host, probe->port);
	call.request_length = health_write_request(call.request, probe->what);
	if (!stream_open(&call.stream, probe->host, probe->port, NULL, &why))
		verdict_set(verdict, why.result,
			"error: failed to connect service at \"%s\": %.512s", authority, why.words);
	else if (!submit(&call, probe, authority))
		verdict_set(verdict, PROBE_ERROR, "error: no memory for a call");
	else if (converse(&call, &why))
		judge(&call, verdict);
	else if (call.greeted)
		say_code(GRPC_UNAVAILABLE, why.words, verdict);
	else
		verdict_set(verdict, PROBE_FAILURE,
			"error: failed to connect service at \"%s\": %.512s", authority, why.words);
	nghttp2_session_del(call.session);
	stream_close(&call.stream);
}
