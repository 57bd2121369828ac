/* Standard error without blocking. The file description of descriptor 2 is shared with whoever
 * started podinit and with its children, so O_NONBLOCK must not be set on it. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../spec/text.h"

static int log_fd = STDERR_FILENO;
static bool opened; /* log_open() was called */
static unsigned long lost;

int nonblocking_copy(int fd, int mode)
{
	/* A description of our own can be non-blocking. A socket cannot be opened anew, and what
	 * belongs to another user may not be: then write_now() only asks poll() first. A file
	 * never blocks, and opened anew it would be written at an offset of its own. */
	char path[32];
	struct stat status;
	if (fstat(fd, &status) < 0 || !(S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int own = open(path, mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return own < 0 ? fd : own;
}

void log_open(void)
{
	opened = true;
	log_fd = nonblocking_copy(STDERR_FILENO, O_WRONLY);
}

int write_now(int fd, const char *bytes, unsigned long length)
{
	ssize_t written = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (written < 0 && errno == ENOTSOCK) {
		/* A pipe that polls writable takes PIPE_BUF bytes at once. */
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
			return -EAGAIN;
		written = write(fd, bytes, length);
	}
	if (written < 0)
		return -errno;
	return (unsigned long)written == length ? 0 : -EAGAIN;
}

static int write_line(const char *format, va_list arguments)
{
	char buffer[2048];
	/* One byte is kept for the newline, however long the line is. */
	struct text text = text_in(buffer, sizeof(buffer) - 1);
	text_add(&text, "podinit: ");
	text_vadd(&text, format, arguments);
	if (text.truncated)
		text_add(&text, "(a line that is too long)");
	buffer[text.length] = '\n';
	/* Before anything runs a line may wait, and none is lost. */
	if (!opened)
		return write(STDERR_FILENO, buffer, text.length + 1) < 0 ? -errno : 0;
	return write_now(log_fd, buffer, text.length + 1);
}

static int write_words(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int result = write_line(format, arguments);
	va_end(arguments);
	return result;
}

void log_line(const char *format, ...)
{
	va_list arguments;
	if (lost && write_words("%lu lines could not be written", lost) == 0)
		lost = 0;
	va_start(arguments, format);
	if (write_line(format, arguments) < 0)
		lost++;
	va_end(arguments);
}
