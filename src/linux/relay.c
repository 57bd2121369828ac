/* Copying from processes to podinit's standard output and error. Must not block, must not allocate once it is made,
 * and must not look at what it copies. */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../core/tail.h"
#include "../spec/spec.h"
#include "clock.h"
#include "log.h"

/* All relays that write to this descriptor write there; made at the first. */
static int nonblocking(int output)
{
	static int fds[STDERR_FILENO + 1];
	if (!fds[output])
		fds[output] = nonblocking_copy(output, O_WRONLY);
	return fds[output];
}

/* Bytes written, 0 if none can be now, -1 if none ever will. */
static int write_some(int fd, const char *bytes, int length)
{
	ssize_t written = send(fd, bytes, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (written < 0 && errno == ENOTSOCK) {
		/* A pipe that polls writable takes as much as that. What was closed has an event, too:
		 * then writing fails. */
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		if (poll(&ready, 1, 0) != 1)
			return 0;
		written = write(fd, bytes, (size_t)(length < PIPE_BUF ? length : PIPE_BUF));
	}
	return written < 0 && errno == EAGAIN ? 0 : (int)written;
}

static void write_out(struct relay *relay)
{
	int done = 0, written = 1;
	while (done < relay->length && written) {
		written =
			write_some(relay->writable.fd, relay->buffer + done, relay->length - done);
		done += written < 0 ? relay->length - done : written;
	}
	relay->length -= done;
	memmove(relay->buffer, relay->buffer + done, (size_t)relay->length);
}

/* Bytes read; 0: there is nothing now; -1: and may never be again. */
static int read_in(struct relay *relay)
{
	int room = RELAY_ROOM - relay->length;
	char *bytes = relay->buffer + relay->length;
	ssize_t got = read(relay->input.fd, bytes, (size_t)(room < RELAY_STEP ? room : RELAY_STEP));
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0)
		return -1;
	int stale = relay->stale < got ? relay->stale : (int)got;
	relay->stale -= stale;
	tail_add(relay->tail, bytes + stale, (size_t)(got - stale));
	relay->length += (int)got;
	return (int)got;
}

/* Reads as long as what was read and cannot be written stays below `most`, in so many steps. */
static void copy(struct relay *relay, int steps, int most)
{
	int got = 1;
	write_out(relay);
	for (int i = 0; i < steps && got > 0 && relay->length < most; i++) {
		got = read_in(relay);
		write_out(relay);
	}
	if (relay->length)
		ev_io_start(relay->ev, &relay->writable);
	else
		ev_io_stop(relay->ev, &relay->writable);
	/* Of a terminal that nobody has open one only knows that somebody may open it again. */
	if (!relay->length && got >= 0)
		ev_io_start(relay->ev, &relay->input);
	else
		ev_io_stop(relay->ev, &relay->input);
}

/* Others have their turn, too. */
static void on_ready(struct ev_loop *ev, struct ev_io *io, int events)
{
	enum { STEPS = 16 };
	(void)ev;
	(void)events;
	copy(io->data, STEPS, 1);
}

struct relay *relay_create(int output, struct tail *tail)
{
	struct relay *relay = malloc(sizeof(*relay));
	if (!relay)
		return NULL;
	/* The buffer stays untouched, and so takes no memory while nobody is slow. */
	relay->ev = NULL;
	relay->tail = tail;
	relay->stale = relay->length = 0;
	ev_io_init(&relay->input, on_ready, -1, EV_READ);
	ev_io_init(&relay->writable, on_ready, nonblocking(output), EV_WRITE);
	relay->input.data = relay->writable.data = relay;
	return relay;
}

void relay_destroy(struct relay *relay)
{
	if (!relay)
		return;
	relay_end(relay);
	if (relay->ev)
		ev_io_stop(relay->ev, &relay->writable);
	free(relay);
}

void relay_open(struct relay *relay, int input)
{
	ev_io_set(&relay->input, input, EV_READ);
}

void relay_watch(struct relay *relay, struct ev_loop *ev)
{
	relay->ev = ev;
	if (!relay->length)
		ev_io_start(ev, &relay->input);
}

void relay_skip(struct relay *relay)
{
	if (ioctl(relay->input.fd, FIONREAD, &relay->stale) < 0)
		relay->stale = 0;
}

void relay_drain(struct relay *relay)
{
	enum { STEPS = 512 };
	if (relay->ev)
		copy(relay, STEPS, RELAY_ROOM);
}

void relay_end(struct relay *relay)
{
	if (relay->input.fd < 0)
		return;
	if (relay->ev)
		ev_io_stop(relay->ev, &relay->input);
	close(relay->input.fd);
	ev_io_set(&relay->input, -1, EV_READ);
}

void relay_finish(struct relay *relay, int64_t deadline)
{
	for (;;) {
		relay_drain(relay);
		int64_t left = deadline - clock_monotonic();
		struct pollfd ready = {.fd = relay->writable.fd, .events = POLLOUT};
		if (!relay->length || left <= 0)
			break;
		poll(&ready, 1, (int)(left / NS_PER_MS) + 1);
	}
	relay_end(relay);
}
