/* What is done with descriptors that others sent. A socket may be set to linger when it is closed, a file's
 * close() is a request to whoever serves its file system, and both would hold PID 1 up. Must not know why one
 * was sent. */
#include "received.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launch.h"

enum { ASIDE_MAX = 256 };

/* To be closed by a child, one for many: whoever sends them shall not make podinit fork for each. */
static struct {
	int fds[ASIDE_MAX], count;
} aside;

/* Does the kernel itself serve it, from memory? Its name says so without asking anybody. */
static bool is_kernels(int fd)
{
	static const char *const kinds[] = {"socket:", "pipe:", "anon_inode:", "/memfd:"};
	char path[64], name[64] = "";
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(path, name, sizeof(name) - 1);
	for (size_t i = 0; length > 0 && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strncmp(name, kinds[i], strlen(kinds[i])) == 0)
			return true;
	}
	return false;
}

static void stop_lingering(int fd)
{
	struct linger linger = {0};
	socklen_t size = sizeof(linger);
	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size) < 0 || !linger.l_onoff)
		return;
	linger = (struct linger){0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void close_aside(void)
{
	for (int i = 0; i < aside.count; i++)
		close(aside.fds[i]);
}

void received_flush(void)
{
	if (!aside.count)
		return;
	pid_t pid = launch_fork(CLONE_FILES);
	if (pid == 0) {
		close_aside();
		_exit(0);
	}
	/* Out of processes: then it is podinit that waits, if anybody. */
	if (pid < 0)
		close_aside();
	aside.count = 0;
}

void received_close(int fd)
{
	if (is_kernels(fd)) {
		stop_lingering(fd);
		close(fd);
		return;
	}
	aside.fds[aside.count++] = fd;
	if (aside.count == ASIDE_MAX)
		received_flush();
}

bool received_is_hung_up(int fd)
{
	struct pollfd one = {.fd = fd};
	return is_kernels(fd) && poll(&one, 1, 0) > 0 &&
		one.revents & (POLLHUP | POLLERR | POLLNVAL);
}

bool received_is_same(int a, int b)
{
	pid_t self = getpid();
	return syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}
