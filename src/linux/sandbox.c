/* Namespaces, as root or through a user namespace. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot.h"
#include "launch.h"
#include "log.h"
#include "loopback.h"
#include "terminal.h"

struct division {
	const struct sandbox *sandbox;
	bool user_namespace;
	int signals[2]; /* sockets: [1], outer, sends struct signal_record; [0], inner, reads */
	int ready[2];	/* pipe: the inner one waits until its users are mapped */
};

static int write_proc(pid_t pid, const char *file, const char *text)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return result;
}

/* Without privileges exactly one user and one group can be mapped: our own, as root. */
static int map_users(pid_t pid)
{
	char uids[32], gids[32];
	snprintf(uids, sizeof(uids), "0 %u 1\n", geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1\n", getegid());
	int result = write_proc(pid, "setgroups", "deny");
	if (result == 0)
		result = write_proc(pid, "uid_map", uids);
	if (result == 0)
		result = write_proc(pid, "gid_map", gids);
	return result;
}

static int mount_pod_proc(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return -errno;
	return 0;
}

/* What the inner process does to its namespaces. NULL, or what could not be done (see errno). */
static const char *furnish(const struct sandbox *sandbox)
{
	int result = mount_pod_proc();
	if (result < 0) {
		errno = -result;
		return "mount /proc";
	}
	if (sandbox->hostname && sethostname(sandbox->hostname, strlen(sandbox->hostname)) < 0)
		return "set the host name";
	if (!sandbox->host_network && (result = loopback_up()) < 0) {
		errno = -result;
		return "bring the loopback interface up";
	}
	return NULL;
}

/* In the inner process. Returns false after saying why. */
static bool begin_inside(const struct division *division)
{
	char go;
	close(division->signals[1]);
	close(division->ready[1]);
	ssize_t length = read(division->ready[0], &go, 1);
	close(division->ready[0]);
	if (length != 1)
		return false; /* the outer one said why */
	const char *failed = furnish(division->sandbox);
	if (failed)
		log_line("sandbox: cannot %s: %s", failed, strerror(errno));
	return !failed;
}

/* Has the inner process ended? Then *exit_code is its. */
static bool has_ended(pid_t inner, int *exit_code)
{
	int status;
	if (waitpid(inner, &status, WNOHANG) != inner)
		return false;
	*exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

/* Outside: hands every signal in until the inner process has ended. */
static int stay_outside(pid_t inner, int signals_fd)
{
	int exit_code;
	sigset_t all;
	memset(&all, 0xff, sizeof(all)); /* sigfillset() would leave 32 and 33 out */
	for (;;) {
		siginfo_t info;
		int signo = sigwaitinfo(&all, &info);
		if (has_ended(inner, &exit_code)) {
			terminal_reclaim();
			return exit_code;
		}
		if (signo < 0 || signo == SIGCHLD)
			continue;
		/* From inside, where the sender is process 1 (the kernel does not translate that): its
		 * program was stopped, and the shell above shall see it. Then, or where the kernel
		 * does not stop us, it goes on. */
		if (signo == SIGTSTP && info.si_pid == 1) {
			signals_stop(false);
			signo = SIGCONT;
		}
		struct signal_record record = {
			.signo = signo,
			.in_foreground = signo == SIGCONT && terminal_is_in_foreground(),
			.sender = {.pid = info.si_pid, .uid = info.si_uid},
		};
		proc_name(info.si_pid, record.sender.program);
		/* When so many wait that no more fit, at least the signal itself gets through. */
		if (send(signals_fd, &record, sizeof(record), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			kill(inner, signo);
	}
}

static unsigned long namespaces_of(const struct division *division)
{
	unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC;
	if (!division->sandbox->host_network)
		flags |= CLONE_NEWNET;
	if (division->user_namespace)
		flags |= CLONE_NEWUSER;
	return flags;
}

int sandbox_enter(const struct sandbox *sandbox, int *signals_fd)
{
	struct division division = {.sandbox = sandbox, .user_namespace = geteuid() != 0};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		    division.signals) < 0 ||
		pipe2(division.ready, O_CLOEXEC) < 0) {
		log_line("sandbox: cannot make a pipe: %s", strerror(errno));
		return CANNOT_BEGIN;
	}
	terminal_divide();
	pid_t inner = launch_fork(namespaces_of(&division));
	if (inner == -EPERM && !division.user_namespace) {
		/* Root without CAP_SYS_ADMIN, as in most containers. */
		division.user_namespace = true;
		inner = launch_fork(namespaces_of(&division));
	}
	if (inner == 0) {
		*signals_fd = division.signals[0];
		return begin_inside(&division) ? SANDBOX_INSIDE : CANNOT_BEGIN;
	}
	close(division.signals[0]);
	close(division.ready[0]);
	if (inner < 0) {
		log_line("sandbox: cannot make namespaces: %s", strerror(-inner));
		return CANNOT_BEGIN;
	}
	int mapped = division.user_namespace ? map_users(inner) : 0;
	if (mapped < 0)
		log_line("sandbox: cannot map users: %s", strerror(-mapped));
	else if (write(division.ready[1], "g", 1) != 1)
		log_line("sandbox: %s", strerror(errno));
	/* Without the letter the inner one ends with 125 by itself. */
	close(division.ready[1]);
	return stay_outside(inner, division.signals[1]);
}

int sandbox_read_signal(int signals_fd, struct signal_record *record)
{
	ssize_t length = read(signals_fd, record, sizeof(*record));
	if (length == (ssize_t)sizeof(*record))
		return 1;
	return length < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}
