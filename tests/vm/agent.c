/* The test's hand inside the machine: takes scripts from a serial line, runs each with a shell, and
 * answers with its exit code and what it wrote. machine.py is the other end.
 * Usage: agent TTY. Must not run two scripts at once, nor wait for what a script leaves running.
 *
 * It begins with "ready\n". A request is a line "SECONDS SCRIPT-BYTES INPUT-BYTES\n", then these bytes in
 * pieces of PIECE bytes (the last one of each may be shorter), each of which is answered by a '+': the
 * line has no flow control. The answer is "CODE OUTPUT-BYTES ERROR-BYTES\n" and these. CODE is 128+n for
 * signal n, and TIMED_OUT. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 4096, TIMED_OUT = 1000 };

static int line;

static void put(const char *bytes, size_t length)
{
	for (ssize_t now; length; bytes += now, length -= (size_t)now) {
		now = write(line, bytes, length);
		if (now < 0)
			err(1, "write");
	}
}

static void get(char *bytes, size_t length)
{
	for (ssize_t now; length; bytes += now, length -= (size_t)now) {
		now = read(line, bytes, length);
		if (now <= 0)
			err(1, "read");
	}
}

/* `length` bytes into a file in memory. */
static int receive(size_t length)
{
	char piece[PIECE];
	int fd = memfd_create("request", 0);
	while (length) {
		size_t now = length < PIECE ? length : PIECE;
		get(piece, now);
		if (write(fd, piece, now) != (ssize_t)now)
			err(1, "memfd");
		put("+", 1);
		length -= now;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void send_file(int fd)
{
	char piece[PIECE];
	ssize_t length;
	lseek(fd, 0, SEEK_SET);
	while ((length = read(fd, piece, sizeof(piece))) > 0)
		put(piece, (size_t)length);
}

/* In a session of its own: a signal to the agent's group is not for it, and a timeout is for all of it. */
static pid_t start(int script, int input, int output, int errors)
{
	sigset_t none;
	char path[32];
	pid_t child = fork();
	if (child)
		return child;
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(input, 0);
	dup2(output, 1);
	dup2(errors, 2);
	dup2(script, 9);
	close_range(3, 8, 0);
	close_range(10, ~0U, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/9");
	execl("/bin/sh", "sh", path, (char *)NULL);
	err(127, "/bin/sh");
}

static int wait_for(pid_t child, int seconds)
{
	struct timespec patience = {.tv_sec = seconds};
	sigset_t children;
	int status;
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (sigtimedwait(&children, NULL, &patience) >= 0)
			continue;
		kill(-child, SIGKILL);
		waitpid(child, &status, 0);
		return TIMED_OUT;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void serve(void)
{
	char request[64], answer[64];
	unsigned long script_length, input_length;
	int seconds;
	size_t at = 0;
	do
		get(request + at, 1);
	while (request[at++] != '\n' && at < sizeof(request));
	if (sscanf(request, "%d %lu %lu", &seconds, &script_length, &input_length) != 3)
		errx(1, "what is that?");
	int script = receive(script_length), input = receive(input_length);
	int output = memfd_create("output", 0), errors = memfd_create("errors", 0);
	int code = wait_for(start(script, input, output, errors), seconds);
	int length = snprintf(answer, sizeof(answer), "%d %ld %ld\n", code,
		(long)lseek(output, 0, SEEK_END), (long)lseek(errors, 0, SEEK_END));
	put(answer, (size_t)length);
	send_file(output);
	send_file(errors);
	close(script);
	close(input);
	close(output);
	close(errors);
}

int main(int argc, char **argv)
{
	struct termios raw;
	sigset_t children;
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	if (argc != 2 || (line = open(argv[1], O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
		tcgetattr(line, &raw) < 0)
		err(1, "%s", argc == 2 ? argv[1] : "usage: agent TTY");
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	tcsetattr(line, TCSANOW, &raw);
	put("ready\n", 6);
	for (;;)
		serve();
}
