/* Bytes to a server and back, in the clear or by TLS: the one file that knows OpenSSL. A probe asks
 * whether a server answers, not who it is: no certificate is verified, and no key is too short. Must
 * not read any configuration of OpenSSL, which is the container's and could name objects to load. */
#include "probe/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/connect.h"

/* The reason of the last failed call of OpenSSL. */
static void say_tls_error(
	struct stream *stream, const char *what, int result, int saved, struct verdict *verdict)
{
	char words[128];
	int kind = SSL_get_error(stream->tls, result);
	unsigned long error = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(error);
	if (kind == SSL_ERROR_SYSCALL && saved)
		verdict_set(verdict, PROBE_FAILURE, "%s: %s", what,
			error_words(saved, words, sizeof(words)));
	else if (kind == SSL_ERROR_SYSCALL || !reason)
		verdict_set(verdict, PROBE_FAILURE, "EOF");
	else
		verdict_set(verdict, PROBE_FAILURE, "tls: %s", reason);
	ERR_clear_error();
}

/* OpenSSL's message callback: notes the first five bytes that came. What is not TLS fails later and
 * for many a reason; this is the only place where one can see that it was HTTP. */
static void note_first(
	int sent, int version, int type, const void *bytes, size_t length, SSL *tls, void *argument)
{
	struct stream *stream = argument;
	(void)version, (void)tls;
	if (sent || type != SSL3_RT_HEADER || stream->has_first || length < sizeof(stream->first))
		return;
	memcpy(stream->first, bytes, sizeof(stream->first));
	stream->has_first = true;
}

static bool is_name(const char *host)
{
	struct in_addr number;
	size_t length = strlen(host);
	return length > 0 && length <= TLSEXT_MAXLEN_host_name && !strchr(host, ':') &&
		inet_pton(AF_INET, host, &number) != 1;
}

/* NULL: no memory. The server may be as old as TLS 1.2, as for the kubelet. */
static SSL *tls_create(struct stream *stream, const char *name)
{
	if (!OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL))
		return NULL;
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	if (!context)
		return NULL;
	SSL_CTX_set_security_level(context, 0);
	SSL *tls = NULL;
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1)
		tls = SSL_new(context);
	SSL_CTX_free(context); /* tls keeps it */
	if (!tls)
		return NULL;
	SSL_set_verify(tls, SSL_VERIFY_NONE, NULL);
	SSL_set_options(tls, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_set_msg_callback(tls, note_first);
	SSL_set_msg_callback_arg(tls, stream);
	if (SSL_set_fd(tls, stream->fd) == 1 &&
		(!is_name(name) || SSL_set_tlsext_host_name(tls, name)))
		return tls;
	SSL_free(tls);
	return NULL;
}

static bool shake_hands(struct stream *stream, const char *name, struct verdict *verdict)
{
	stream->tls = tls_create(stream, name);
	if (!stream->tls) {
		verdict_set(verdict, PROBE_ERROR, "tls: cannot begin");
		return false;
	}
	errno = 0;
	int result = SSL_connect(stream->tls);
	if (result == 1)
		return true;
	int saved = errno;
	stream->spoke_http = stream->has_first && memcmp(stream->first, "HTTP/", 5) == 0;
	say_tls_error(stream, "tls handshake", result, saved, verdict);
	if (stream->spoke_http)
		verdict_set(
			verdict, PROBE_FAILURE, "http: server gave HTTP response to HTTPS client");
	return false;
}

bool stream_open(struct stream *stream, const char *host, const char *port, const char *name,
	struct verdict *verdict)
{
	*stream = (struct stream){.fd = connect_host(host, port, verdict)};
	if (stream->fd < 0)
		return false;
	if (!name || shake_hands(stream, name, verdict))
		return true;
	stream_close(stream);
	return false;
}

bool stream_send(struct stream *stream, const char *bytes, size_t length, struct verdict *verdict)
{
	char words[128];
	size_t sent = 0;
	while (sent < length) {
		errno = 0;
		if (stream->tls) {
			size_t count = 0;
			int result = SSL_write_ex(stream->tls, bytes + sent, length - sent, &count);
			if (result != 1) {
				say_tls_error(stream, "write", result, errno, verdict);
				return false;
			}
			sent += count;
			continue;
		}
		ssize_t count = send(stream->fd, bytes + sent, length - sent, MSG_NOSIGNAL);
		if (count < 0) {
			verdict_set(verdict, PROBE_FAILURE, "write: %s",
				error_words(errno, words, sizeof(words)));
			return false;
		}
		sent += (size_t)count;
	}
	return true;
}

ssize_t stream_receive(struct stream *stream, char *buffer, size_t size, struct verdict *verdict)
{
	char words[128];
	errno = 0;
	if (stream->tls) {
		size_t count = 0;
		int result = SSL_read_ex(stream->tls, buffer, size, &count);
		int saved = errno;
		if (result == 1)
			return (ssize_t)count;
		if (SSL_get_error(stream->tls, result) == SSL_ERROR_ZERO_RETURN)
			return 0;
		say_tls_error(stream, "read", result, saved, verdict);
		return -1;
	}
	ssize_t count = recv(stream->fd, buffer, size, 0);
	if (count < 0)
		verdict_set(verdict, PROBE_FAILURE, "read: %s",
			error_words(errno, words, sizeof(words)));
	return count;
}

void stream_close(struct stream *stream)
{
	SSL_free(stream->tls);
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = -1;
	stream->tls = NULL;
}
