/* What is done with descriptors that others sent. A socket may be set to linger when it is closed, or hold one that
 * is; a large file in memory takes its time; a file's close() is a request to whoever serves its file system: all
 * of it would hold PID 1 up. Must not know why one was sent. */
#include "received.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "fdstore.h"
#include "launch.h"

enum {
	ROOM = 1024,	      /* descriptors that wait to be closed */
	CLOSERS_MAX = 8,      /* a file system that does not answer holds one of them for ever */
	IMPATIENCE_US = 1000, /* how long a closer waits for one that lingers */
};

struct batch {
	int fds[ROOM], count;
};

/* To be closed by a child, one for many: whoever sends them shall not make podinit fork for each. */
static struct batch aside;

static struct closer {
	pid_t pid; /* 0: none */
	struct batch batch;
} closers[CLOSERS_MAX];

/* How many descriptors each closer has begun to close. Shared with them: somebody may kill one. NULL: not yet. */
static volatile int *begun;

/* --- what it is --- */

/* How the kernel calls it, without asking anybody: no path begins so. */
static bool has_name(int fd, const char *const *kinds)
{
	char path[64], name[64] = "";
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, name, sizeof(name) - 1) < 0)
		return false;
	for (; *kinds; kinds++) {
		if (strncmp(name, *kinds, strlen(*kinds)) == 0)
			return true;
	}
	return false;
}

bool received_can_be_kept(int fd)
{
	static const char *const kinds[] = {"socket:", "pipe:", "anon_inode:", NULL};
	/* A file in memory is one that can have seals; its name anybody could give to another. */
	return fcntl(fd, F_GET_SEALS) >= 0 || has_name(fd, kinds);
}

bool received_is_hung_up(int fd)
{
	static const char *const kinds[] = {"socket:", "pipe:", NULL};
	struct pollfd one = {.fd = fd};
	return has_name(fd, kinds) && poll(&one, 1, 0) > 0 &&
		one.revents & (POLLHUP | POLLERR | POLLNVAL);
}

bool received_is_same(int a, int b)
{
	pid_t self = getpid();
	return syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}

/* --- in the child --- */

static void stop_lingering(int fd)
{
	const struct linger linger = {0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void on_alarm(int signo)
{
	(void)signo;
}

/* A socket that is still in another one's queue lingers, too, but for a signal that comes. */
static void be_impatient(void)
{
	const struct itimerval often = {{.tv_usec = IMPATIENCE_US}, {.tv_usec = IMPATIENCE_US}};
	const struct sigaction action = {.sa_handler = on_alarm};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaction(SIGALRM, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void close_all(const struct batch *batch, volatile int *done)
{
	be_impatient();
	for (int i = 0; i < batch->count; i++) {
		stop_lingering(batch->fds[i]);
		*done = i + 1;
		close(batch->fds[i]);
	}
}

/* --- in podinit --- */

static int waiting_count(void)
{
	int count = aside.count;
	for (int i = 0; i < CLOSERS_MAX; i++)
		count += closers[i].batch.count;
	return count;
}

bool received_have_room(void)
{
	return ROOM - waiting_count() >= RECEIVED_MAX + FDSTORE_MAX;
}

void received_close(int fd)
{
	static const char *const kinds[] = {"pipe:", NULL};
	/* It cannot be full: what is stored was counted, too. */
	if (has_name(fd, kinds) || aside.count == ROOM)
		close(fd);
	else
		aside.fds[aside.count++] = fd;
}

/* False: no memory. */
static bool share_memory(void)
{
	if (begun)
		return true;
	void *memory = mmap(NULL, sizeof(*begun) * CLOSERS_MAX, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	begun = memory == MAP_FAILED ? NULL : memory;
	return begun;
}

static struct closer *find_closer(pid_t pid)
{
	for (int i = 0; i < CLOSERS_MAX; i++) {
		if (closers[i].pid == pid)
			return &closers[i];
	}
	return NULL;
}

bool received_flush(void)
{
	struct closer *closer = find_closer(0);
	if (!aside.count)
		return true;
	if (!closer || !share_memory())
		return false;
	volatile int *done = &begun[closer - closers];
	*done = 0;
	pid_t pid = launch_fork(CLONE_FILES);
	if (pid == 0) {
		close_all(&aside, done);
		_exit(0);
	}
	if (pid < 0)
		return false;
	closer->pid = pid;
	closer->batch = aside;
	aside.count = 0;
	return true;
}

bool received_reaped(pid_t pid)
{
	struct closer *closer = find_closer(pid);
	if (!closer)
		return false;
	/* The one that it was at may have another meaning by now. */
	for (int i = begun[closer - closers]; i < closer->batch.count && aside.count < ROOM; i++)
		aside.fds[aside.count++] = closer->batch.fds[i];
	closer->pid = 0;
	closer->batch.count = 0;
	received_flush();
	return true;
}

bool received_is_closer(pid_t pid)
{
	return pid && find_closer(pid);
}

int received_closer_count(void)
{
	int count = 0;
	for (int i = 0; i < CLOSERS_MAX; i++)
		count += closers[i].pid != 0;
	return count;
}

void received_kill_closers(void)
{
	for (int i = 0; i < CLOSERS_MAX; i++) {
		if (closers[i].pid)
			kill(closers[i].pid, SIGKILL); /* not reaped yet: it is that one */
	}
}
