/* Making the sockets of `listen`. Must not accept anything: that is for the processes they are given to. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"

enum { PATH_MODE = 0666 }; /* systemd's SocketMode= */

struct address {
	struct sockaddr_storage storage;
	socklen_t length;
};

static const int TYPES[] = {[LISTEN_STREAM] = SOCK_STREAM,
	[LISTEN_DGRAM] = SOCK_DGRAM,
	[LISTEN_SEQPACKET] = SOCK_SEQPACKET};

/* The numbers in it are good: the reader of the file has looked. */
static void write_address(const struct listen_spec *wanted, int family, struct address *address)
{
	*address = (struct address){0};
	if (family == AF_UNIX) {
		address->length =
			control_address((struct sockaddr_un *)&address->storage, wanted->address);
	} else if (family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&address->storage;
		in->sin_family = AF_INET;
		in->sin_port = htons(wanted->port);
		if (wanted->address)
			inet_pton(AF_INET, wanted->address, &in->sin_addr);
		address->length = sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address->storage;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(wanted->port);
		if (wanted->address)
			inet_pton(AF_INET6, wanted->address, &in6->sin6_addr);
		address->length = sizeof(*in6);
	}
}

/* A socket file that nobody serves any more is what a killed podinit, or whoever was here before, left. */
static int remove_stale(const struct listen_spec *wanted, const struct address *address)
{
	struct stat status;
	if (lstat(wanted->address, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	int fd = socket(AF_UNIX, TYPES[wanted->type] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	bool is_stale =
		connect(fd, (const struct sockaddr *)&address->storage, address->length) < 0 &&
		errno == ECONNREFUSED;
	close(fd);
	if (!is_stale)
		return -EADDRINUSE;
	return unlink(wanted->address) < 0 ? -errno : 0;
}

static int bind_path(int fd, const struct listen_spec *wanted, const struct address *address,
	struct listener *listener)
{
	struct stat status;
	int result = remove_stale(wanted, address);
	if (result < 0)
		return result;
	mode_t mode = wanted->mode == INT_UNSET ? PATH_MODE : (mode_t)wanted->mode;
	mode_t mask = umask(~mode & 0777);
	result = bind(fd, (const struct sockaddr *)&address->storage, address->length) < 0 ? -errno
											   : 0;
	umask(mask);
	if (result == 0 && lstat(wanted->address, &status) == 0) {
		listener->device = status.st_dev;
		listener->inode = status.st_ino;
	}
	return result;
}

static int bind_address(
	int fd, const struct listen_spec *wanted, int family, struct listener *listener)
{
	const int yes = 1, no = 0;
	struct address address;
	write_address(wanted, family, &address);
	if (family == AF_UNIX && wanted->address[0] == '/')
		return bind_path(fd, wanted, &address, listener);
	/* Connections that are over hold the port for a minute. For datagrams it would mean another thing:
	 * to share the port. */
	if (family != AF_UNIX && wanted->type == LISTEN_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (wanted->family == LISTEN_ANY && family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) < 0)
		return -errno;
	return bind(fd, (const struct sockaddr *)&address.storage, address.length) < 0 ? -errno : 0;
}

/* 0 or -errno. It is not made non-blocking: whoever gets it decides, as with systemd. */
static int make(const struct listen_spec *wanted, int family, struct listener *listener)
{
	int fd = socket(family, TYPES[wanted->type] | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int result = bind_address(fd, wanted, family, listener);
	int backlog = wanted->backlog == INT_UNSET ? INT32_MAX : wanted->backlog;
	if (result == 0 && wanted->type != LISTEN_DGRAM && listen(fd, backlog) < 0)
		result = -errno;
	if (result < 0)
		close(fd);
	else
		listener->fd = fd;
	return result;
}

static int make_any(const struct listen_spec *wanted, struct listener *listener)
{
	switch ((enum listen_family)wanted->family) {
	case LISTEN_UNIX:
		return make(wanted, AF_UNIX, listener);
	case LISTEN_IPV4:
		return make(wanted, AF_INET, listener);
	case LISTEN_IPV6:
		return make(wanted, AF_INET6, listener);
	case LISTEN_ANY:
		break;
	}
	int result = make(wanted, AF_INET6, listener);
	/* A kernel, or a network namespace, without IPv6. */
	if (result == -EAFNOSUPPORT || result == -EADDRNOTAVAIL)
		result = make(wanted, AF_INET, listener);
	return result;
}

static void tell(const struct pod_spec *spec, const struct process_spec *process,
	const struct listen_spec *wanted, int error, struct problems *problems)
{
	struct text address = {0};
	const char *source =
		process->source < spec->sources.count ? spec->sources.items[process->source] : NULL;
	const char *why = strerror(error);
	if (error == EEXIST)
		why = "there is something else than a socket";
	else if (error == EACCES && wanted->port && wanted->port < 1024)
		why = "Permission denied (podinit needs CAP_NET_BIND_SERVICE for ports below 1024)";
	listen_write_address(&address, wanted);
	problem_add(problems, source, wanted->line, "%s %s: listen: cannot listen on %s: %s",
		process_kind_name((enum process_kind)process->kind), process->name, address.data,
		why);
	text_finish(&address);
}

static int count_all(const struct pod_spec *spec)
{
	int count = 0;
	for (int i = 0; i < spec->process_count; i++)
		count += spec->processes[i].lifecycle->listens.count;
	return count;
}

void listeners_open(
	struct listeners *listeners, const struct pod_spec *spec, struct problems *problems)
{
	int count = count_all(spec), at = 0;
	*listeners = (struct listeners){.spec = spec};
	if (!count)
		return;
	listeners->items = memory_resize(NULL, (size_t)count * sizeof(*listeners->items));
	listeners->count = count;
	for (int i = 0; i < spec->process_count; i++) {
		const struct listens *listens = &spec->processes[i].lifecycle->listens;
		for (int k = 0; k < listens->count; k++) {
			struct listener *listener = &listeners->items[at++];
			*listener = (struct listener){.fd = -1};
			int result = make_any(&listens->items[k], listener);
			if (result < 0)
				tell(spec, &spec->processes[i], &listens->items[k], -result,
					problems);
		}
	}
}

static void remove_path(const struct listen_spec *wanted, const struct listener *listener)
{
	struct stat status;
	if (listener->inode && lstat(wanted->address, &status) == 0 &&
		status.st_dev == listener->device && status.st_ino == listener->inode)
		unlink(wanted->address);
}

static void close_all(struct listeners *listeners)
{
	int at = 0;
	for (int i = 0; listeners->count && i < listeners->spec->process_count; i++) {
		const struct listens *listens = &listeners->spec->processes[i].lifecycle->listens;
		for (int k = 0; k < listens->count; k++) {
			struct listener *listener = &listeners->items[at++];
			remove_path(&listens->items[k], listener);
			if (listener->fd >= 0)
				close(listener->fd);
		}
	}
	free(listeners->items);
	listeners->items = NULL;
	listeners->count = 0;
}

void listeners_close(struct listeners *listeners)
{
	close_all(listeners);
	free(listeners->reserved);
	*listeners = (struct listeners){0};
}

int listeners_reserve(struct listeners *listeners, const struct pod_spec *spec)
{
	free(listeners->reserved);
	listeners->reserved = calloc((size_t)count_all(spec) + 1, sizeof(*listeners->reserved));
	return listeners->reserved ? 0 : -ENOMEM;
}

void listeners_replace(struct listeners *listeners, const struct pod_spec *spec, const int *old_of)
{
	struct listener *items = listeners->reserved;
	int at = 0;
	for (int i = 0; i < spec->process_count; i++) {
		int count = spec->processes[i].lifecycle->listens.count;
		struct listener *old = old_of[i] < 0
			? NULL
			: (struct listener *)listeners_of(listeners, old_of[i]);
		for (int k = 0; k < count; k++) {
			items[at++] = old ? old[k] : (struct listener){.fd = -1};
			if (old)
				old[k] = (struct listener){.fd = -1};
		}
	}
	close_all(listeners);
	listeners->items = items;
	listeners->count = at;
	listeners->reserved = NULL;
}

const struct listener *listeners_of(const struct listeners *listeners, int process)
{
	int at = 0;
	for (int i = 0; i < process; i++)
		at += listeners->spec->processes[i].lifecycle->listens.count;
	return listeners->items + at;
}
