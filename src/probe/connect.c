/* From a host and a port to a connection: numbers, /etc/hosts and DNS. Must not know what is said on
 * it, and has no timeout: who started podprobe kills it. */
#include "probe/connect.h"

#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* "files dns" whatever /etc/nsswitch.conf says: these two are part of glibc also where it is linked
 * statically. All others would be shared objects of the container, which may be of another glibc
 * (a crash), or are not there. The kubelet's resolver knows no more than these two, either. */
static void use_own_resolver(void)
{
#ifdef __GLIBC__
	__nss_configure_lookup("hosts", "files dns");
#endif
}

/* 0 or what getaddrinfo says. */
static int resolve(const char *host, const char *port, struct addrinfo **addresses)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	int error = getaddrinfo(host, port, &hints, addresses);
	if (error != EAI_NONAME)
		return error;
	hints.ai_flags = AI_NUMERICSERV;
	/* No host is the loopback address, in both families; so localhost needs no /etc/hosts. */
	if (strcasecmp(host, "localhost") == 0)
		return getaddrinfo(NULL, port, &hints, addresses);
	use_own_resolver();
	return getaddrinfo(host, port, &hints, addresses);
}

static void say_unresolved(const char *host, int error, int saved, struct verdict *verdict)
{
	char words[128];
	const char *why = error == EAI_SYSTEM ? error_words(saved, words, sizeof(words))
		: error == EAI_NONAME || error == EAI_NODATA ? "no such host"
							     : gai_strerror(error);
	verdict_set(verdict, error == EAI_MEMORY ? PROBE_ERROR : PROBE_FAILURE,
		"dial tcp: lookup %s: %s", host, why);
}

static void say_unconnected(
	const struct addrinfo *address, const char *what, int error, struct verdict *verdict)
{
	char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "", where[sizeof(host) + sizeof(port)];
	char words[128];
	getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV);
	authority_write(where, sizeof(where), host, port);
	/* Without a socket nothing was tried, but for a family that this kernel does not have. */
	bool tried = strcmp(what, "connect") == 0 || error == EAFNOSUPPORT;
	verdict_set(verdict, tried ? PROBE_FAILURE : PROBE_ERROR, "dial tcp %s: %s: %s", where,
		what, error_words(error, words, sizeof(words)));
}

int connect_host(const char *host, const char *port, struct verdict *verdict)
{
	struct addrinfo *addresses = NULL;
	int fd = -1, error = resolve(host, port, &addresses);
	if (error) {
		say_unresolved(host, error, errno, verdict);
		return -1;
	}
	for (struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd < 0) {
			say_unconnected(a, "socket", errno, verdict);
		} else if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
			say_unconnected(a, "connect", errno, verdict);
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(addresses);
	return fd;
}

void tcp_probe(const struct probe *probe, struct verdict *verdict)
{
	int fd = connect_host(probe->host, probe->port, verdict);
	if (fd < 0)
		return;
	close(fd);
	verdict_set(verdict, PROBE_SUCCESS, "connected");
}
