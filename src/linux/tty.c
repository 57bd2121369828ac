/* Pseudoterminals: making, entering, copying. Must not block podinit: what its standard output does not
 * take waits, and then so does the process, as at any terminal. */
#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../spec/spec.h"
#include "clock.h"
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

void tty_give(int slave, uid_t uid)
{
	/* If not, it still is open. */
	if (fchown(slave, uid, (gid_t)-1) < 0)
		return;
}

/* All terminals' output goes there; made at the first. */
static int output_fd(void)
{
	static int fd = -1;
	if (fd < 0)
		fd = nonblocking_copy(STDOUT_FILENO, O_WRONLY);
	return fd;
}

/* Others may read from it as well, and leave nothing for us; so it must not wait. */
static int input_fd(void)
{
	static int fd = -1;
	if (fd < 0)
		fd = nonblocking_copy(STDIN_FILENO, O_RDONLY);
	return fd;
}

/* Bytes written, 0 if none can be now, -1 if none ever will. */
static int write_some(int fd, const char *bytes, int length)
{
	ssize_t written = send(fd, bytes, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (written < 0 && errno == ENOTSOCK) {
		/* A pipe that polls writable takes as much as a buffer holds. What was closed has an
		 * event, too: then writing fails. */
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		if (poll(&ready, 1, 0) != 1)
			return 0;
		written = write(fd, bytes, (size_t)length);
	}
	return written < 0 && errno == EAGAIN ? 0 : (int)written;
}

/* False: the rest has to wait. */
static bool write_out(struct tty_line *line)
{
	while (line->length) {
		int written = write_some(output_fd(), line->buffer, line->length);
		if (written == 0)
			return false;
		if (written < 0)
			written = line->length;
		line->length -= written;
		memmove(line->buffer, line->buffer + written, (size_t)line->length);
	}
	return true;
}

/* False: there is nothing now; *over: and never will be. (While the process runs, another may still come to
 * have the terminal open; when it has ended, all who had it lost it.) */
static bool read_in(struct tty_line *line, bool *over)
{
	ssize_t length = read(line->output.fd, line->buffer, sizeof(line->buffer));
	line->length = length > 0 ? (int)length : 0;
	*over = length == 0 || (length < 0 && (errno != EAGAIN || line->ended));
	return length > 0;
}

static struct tty_line *other(struct tty_line *line)
{
	struct tty *tty = line->tty;
	return &tty->lines[line == &tty->lines[0]];
}

static void close_line(struct tty_line *line, struct ev_loop *ev)
{
	struct tty_line *next = other(line);
	ev_io_stop(ev, &line->output);
	ev_io_stop(ev, &line->writable);
	close(line->output.fd);
	line->output.fd = -1;
	line->length = 0;
	if (next->output.fd >= 0)
		ev_io_start(ev, &next->output);
}

/* Copies what can be now, but lets others have their turn. */
static void copy(struct tty_line *line, struct ev_loop *ev)
{
	enum { BATCH = 16 };
	bool over = false;
	for (int i = 0; i < BATCH; i++) {
		if (!write_out(line)) {
			ev_io_stop(ev, &line->output);
			ev_io_start(ev, &line->writable);
			return;
		}
		if (!read_in(line, &over))
			break;
	}
	ev_io_stop(ev, &line->writable);
	if (over && line->ended)
		close_line(line, ev);
	else if (over)
		ev_io_stop(ev, &line->output);
	else
		ev_io_start(ev, &line->output);
}

static void on_ready(struct ev_loop *ev, struct ev_io *io, int events)
{
	(void)events;
	copy(io->data, ev);
}

/* As at a terminal the end of the input is a Ctrl-D, and in the middle of a line that takes two. What is typed
 * and finds no room in the terminal is lost. */
static void on_input(struct ev_loop *ev, struct ev_io *io, int events)
{
	static const char ends[] = {'D' - '@', 'D' - '@'};
	struct tty *tty = io->data;
	char typed[1024];
	(void)events;
	ssize_t length = read(io->fd, typed, sizeof(typed));
	if (length < 0 && errno == EAGAIN)
		return;
	bool ended = length <= 0;
	const char *bytes = ended ? ends : typed;
	if (ended)
		length = tty->mid_line ? 2 : 1;
	else
		tty->mid_line = typed[length - 1] != '\n';
	if ((write(tty->lines[tty->current].output.fd, bytes, (size_t)length) < 0 &&
		    errno != EAGAIN) ||
		ended)
		ev_io_stop(ev, io);
}

void tty_init(struct tty *tty)
{
	*tty = (struct tty){0};
	for (int i = 0; i < 2; i++) {
		tty->lines[i].tty = tty;
		tty->lines[i].output.fd = -1;
	}
}

void tty_begin(struct tty *tty, struct ev_loop *ev, int master, bool has_input)
{
	tty->current = !tty->current;
	struct tty_line *line = &tty->lines[tty->current];
	/* Of the one before the last there still is something: no reader is as slow. */
	if (line->output.fd >= 0)
		close_line(line, ev);
	line->length = 0;
	line->ended = false;
	ev_io_init(&line->output, on_ready, master, EV_READ);
	ev_io_init(&line->writable, on_ready, output_fd(), EV_WRITE);
	line->output.data = line->writable.data = line;
	if (other(line)->output.fd < 0)
		ev_io_start(ev, &line->output);
	tty->mid_line = false;
	ev_io_init(&tty->input, on_input, has_input ? input_fd() : STDIN_FILENO, EV_READ);
	tty->input.data = tty;
	if (has_input)
		ev_io_start(ev, &tty->input);
}

void tty_end(struct tty *tty, struct ev_loop *ev)
{
	struct tty_line *line = &tty->lines[tty->current];
	if (line->output.fd < 0 || line->ended)
		return;
	line->ended = true;
	ev_io_stop(ev, &tty->input);
	if (other(line)->output.fd < 0)
		copy(line, ev);
}

static void finish_line(struct tty_line *line, struct ev_loop *ev, int64_t deadline)
{
	bool over = false;
	line->ended = true;
	while (line->output.fd >= 0 && !over) {
		int64_t left = deadline - clock_monotonic();
		struct pollfd ready = {.fd = output_fd(), .events = POLLOUT};
		if (write_out(line))
			read_in(line, &over);
		else if (left > 0)
			poll(&ready, 1, (int)(left / NS_PER_MS) + 1);
		/* Somebody may still write, as fast as this reads. */
		over |= left <= 0;
	}
	if (line->output.fd >= 0)
		close_line(line, ev);
}

void tty_finish(struct tty *tty, struct ev_loop *ev, int64_t deadline)
{
	ev_io_stop(ev, &tty->input);
	finish_line(&tty->lines[!tty->current], ev, deadline);
	finish_line(&tty->lines[tty->current], ev, deadline);
}
