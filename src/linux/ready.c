/* The pipe of notifyFd. Only the first line counts, and its end without one says nothing. */
#include "ready.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static void on_written(struct ev_loop *ev, struct ev_io *io, int events)
{
	char bytes[256];
	struct ready *ready = io->data;
	(void)events;
	ssize_t length = read(io->fd, bytes, sizeof(bytes));
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	bool is_line = length > 0 && memchr(bytes, '\n', (size_t)length);
	if (length <= 0 || is_line)
		ready_close(ready, ev);
	if (is_line)
		ready->is_ready(ready->owner, ready->process);
}

void ready_init(
	struct ready *ready, int process, void (*is_ready)(void *owner, int process), void *owner)
{
	*ready = (struct ready){.is_ready = is_ready, .owner = owner, .process = process};
	ev_io_init(&ready->io, on_written, -1, EV_READ);
	ready->io.data = ready;
}

int ready_open(struct ready *ready, struct ev_loop *ev)
{
	int ends[2];
	ready_close(ready, ev);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	/* Only podinit's end does not block: the other is the program's, which may not expect that. */
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	ev_io_set(&ready->io, ends[0], EV_READ);
	ev_io_start(ev, &ready->io);
	return ends[1];
}

void ready_close(struct ready *ready, struct ev_loop *ev)
{
	if (ready->io.fd < 0)
		return;
	ev_io_stop(ev, &ready->io);
	close(ready->io.fd);
	ev_io_set(&ready->io, -1, EV_READ);
}
