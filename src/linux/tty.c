/* Pseudoterminals: making, entering, typing; what comes out of them is the relay's. Must not block podinit. */
#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "log.h"
#include "relay.h"

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

/* Others may read from it as well, and leave nothing for us; so it must not wait. */
static int input_fd(void)
{
	static int fd = -1;
	if (fd < 0)
		fd = nonblocking_copy(STDIN_FILENO, O_RDONLY);
	return fd;
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
	if ((write(tty->relay->input.fd, bytes, (size_t)length) < 0 && errno != EAGAIN) || ended)
		ev_io_stop(ev, io);
}

struct tty *tty_create(void)
{
	struct tty *tty = calloc(1, sizeof(*tty));
	if (!tty)
		return NULL;
	ev_io_init(&tty->input, on_input, STDIN_FILENO, EV_READ);
	tty->input.data = tty;
	tty->relay = relay_create(STDOUT_FILENO, &tty->tail);
	if (tty->relay)
		return tty;
	free(tty);
	return NULL;
}

void tty_destroy(struct tty *tty)
{
	if (tty)
		relay_destroy(tty->relay);
	free(tty);
}

void tty_begin(struct tty *tty, struct ev_loop *ev, int master, bool has_input)
{
	tail_clear(&tty->tail);
	relay_open(tty->relay, master);
	relay_watch(tty->relay, ev);
	tty->mid_line = false;
	if (!has_input)
		return;
	ev_io_set(&tty->input, input_fd(), EV_READ);
	ev_io_start(ev, &tty->input);
}

void tty_end(struct tty *tty, struct ev_loop *ev)
{
	ev_io_stop(ev, &tty->input);
	relay_drain(tty->relay);
	relay_end(tty->relay);
}

void tty_finish(struct tty *tty, struct ev_loop *ev, int64_t deadline)
{
	ev_io_stop(ev, &tty->input);
	relay_finish(tty->relay, deadline);
}
