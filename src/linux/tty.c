/* Pseudoterminals: making, entering, copying. Must not block podinit: what its standard output does not
 * take waits, and then so does the process, as at any terminal. */
#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "log.h"

int tty_make(int *master, int *slave)
{
	int unlocked = 0, result = 0;
	*slave = -1;
	*master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (*master < 0)
		return -errno;
	if (ioctl(*master, TIOCSPTLCK, &unlocked) < 0)
		result = -errno;
	/* By the master, not by a path: that would lead to another instance of /dev/pts. */
	if (result == 0 &&
		(*slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
		result = -errno;
	if (result < 0)
		close(*master);
	return result;
}

int tty_enter(int slave)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (dup2(slave, fd) < 0)
			return -errno;
	}
	return 0;
}

/* All terminals' output goes there; made at the first. */
static int output_fd(void)
{
	static int fd = -1;
	if (fd < 0)
		fd = nonblocking_copy(STDOUT_FILENO);
	return fd;
}

/* False: the rest has to wait. */
static bool write_out(struct tty *tty)
{
	while (tty->length) {
		struct pollfd ready = {.fd = output_fd(), .events = POLLOUT};
		/* What was closed has an event, too: then it fails, and nobody will ever read it. */
		if (poll(&ready, 1, 0) != 1)
			return false;
		ssize_t written = write(ready.fd, tty->buffer, (size_t)tty->length);
		if (written < 0 && errno == EAGAIN)
			return false;
		if (written < 0)
			written = tty->length;
		tty->length -= (int)written;
		memmove(tty->buffer, tty->buffer + written, (size_t)tty->length);
	}
	return true;
}

static void on_writable(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct tty *tty = io->data;
	(void)events;
	if (!write_out(tty))
		return;
	ev_io_stop(ev, &tty->writable);
	ev_io_start(ev, &tty->output);
}

static void on_output(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct tty *tty = io->data;
	(void)events;
	ssize_t length = read(io->fd, tty->buffer, sizeof(tty->buffer));
	if (length <= 0) {
		/* EIO: nobody has the other end open. It ends with the process. */
		if (length == 0 || errno != EAGAIN)
			ev_io_stop(ev, io);
		return;
	}
	tty->length = (int)length;
	if (!write_out(tty)) {
		ev_io_stop(ev, &tty->output);
		ev_io_start(ev, &tty->writable);
	}
}

/* What is typed and finds no room in the terminal is lost, as at any terminal. */
static void on_input(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct tty *tty = io->data;
	char typed[1024];
	(void)events;
	ssize_t length = read(io->fd, typed, sizeof(typed));
	if (length < 0 && errno == EAGAIN)
		return;
	if (length <= 0) {
		ev_io_stop(ev, io);
		/* As at a terminal: the end of the input is a Ctrl-D. */
		typed[0] = 'D' - '@';
		length = 1;
	}
	if (write(tty->output.fd, typed, (size_t)length) < 0 && errno != EAGAIN)
		ev_io_stop(ev, io);
}

void tty_begin(struct tty *tty, struct ev_loop *ev, int master, bool has_input)
{
	tty->length = 0;
	ev_io_init(&tty->output, on_output, master, EV_READ);
	ev_io_init(&tty->writable, on_writable, output_fd(), EV_WRITE);
	ev_io_init(&tty->input, on_input, STDIN_FILENO, EV_READ);
	tty->output.data = tty->writable.data = tty->input.data = tty;
	ev_io_start(ev, &tty->output);
	if (has_input)
		ev_io_start(ev, &tty->input);
}

void tty_end(struct tty *tty, struct ev_loop *ev)
{
	enum { LAST_BATCH = 64 };
	if (tty->output.fd < 0)
		return;
	ev_io_stop(ev, &tty->output);
	ev_io_stop(ev, &tty->writable);
	ev_io_stop(ev, &tty->input);
	for (int i = 0; i < LAST_BATCH && write_out(tty); i++) {
		ssize_t length = read(tty->output.fd, tty->buffer, sizeof(tty->buffer));
		if (length <= 0)
			break;
		tty->length = (int)length;
	}
	close(tty->output.fd);
	tty->output.fd = -1;
}
