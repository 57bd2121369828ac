/* Dividing podinit, as root or through a user namespace. Must not know what the pod is. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"
#include "cgroup.h"
#include "launch.h"
#include "log.h"
#include "loopback.h"
#include "reap.h"
#include "terminal.h"
#include "users.h"

struct division {
	const struct sandbox *sandbox;
	const struct join *join;
	const struct joined *joined;
	bool user_namespace; /* the inner one is in a new one, to be mapped */
	bool joined_users;   /* in one that exists, with what was joined */
	bool adopts;	     /* the outer one gets orphans of the pod, and had no child before */
	bool is_told;	     /* what went wrong was said already */
	int signals[2]; /* sockets: [1], outer, sends struct signal_record; [0], inner, reads */
	int ready[2];	/* pipe: the inner one waits until its users are mapped */
};

/* What a process between the two says of the inner one. */
struct birth {
	pid_t pid; /* or -errno */
	bool user_namespace;
};

/* Is there one of the pod's own, made here? */
static bool is_new(const struct division *division, enum namespace_kind kind)
{
	return !division->sandbox->host[kind] && division->joined->fds[kind] < 0;
}

/* --- inside --- */

/* What the machine mounts from now on is seen in the pod, but nothing of the pod on the machine. */
static int divide_mounts(void)
{
	return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ? -errno : 0;
}

static int mount_pod_proc(void)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	return mount("proc", "/proc", "proc", flags, NULL) < 0 ? -errno : 0;
}

/* The users of the machine that this process was are not those of its namespace. */
static int become_root(void)
{
	/* Where it is not allowed, there are no others to be shed. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return -errno;
	/* Its files in /proc shall be its own, and not the machine's. */
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* What the inner process does to its namespaces. NULL, or what could not be done (see errno). */
static const char *furnish(const struct division *division)
{
	const char *hostname = division->sandbox->hostname;
	int result = 0;
	if ((division->user_namespace || division->joined_users) && (result = become_root()) < 0) {
		errno = -result;
		return "become its root user";
	}
	if ((result = divide_mounts()) < 0) {
		errno = -result;
		return "divide the mounts from the machine's";
	}
	if (!division->sandbox->host[NAMESPACE_PID] && (result = mount_pod_proc()) < 0) {
		errno = -result;
		return "mount /proc";
	}
	if (hostname && is_new(division, NAMESPACE_UTS) &&
		sethostname(hostname, strlen(hostname)) < 0)
		return "set the host name";
	if (is_new(division, NAMESPACE_NET) && (result = loopback_up()) < 0) {
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
	const char *failed = furnish(division);
	if (failed)
		log_line("sandbox: cannot %s: %s", failed, strerror(errno));
	return !failed;
}

/* --- outside --- */

enum { KILLED_MS = 2000 }; /* how long what was killed may take to end */

/* Has the inner process ended? Then *status is waitpid()'s. */
static bool has_ended(pid_t inner, int *status)
{
	return waitpid(inner, status, WNOHANG) == inner;
}

static void kill_dependent(const struct dependent *dependent, void *data)
{
	*(bool *)data = true;
	signals_send(dependent->pid, dependent->pidfd, SIGKILL, false);
}

/* With a PID namespace its processes go when its process 1 does. Without one they come here when podinit
 * was killed, for this process is their subreaper. */
static void kill_orphans(void)
{
	const struct timespec moment = {.tv_nsec = 1000 * 1000};
	for (int i = 0; i < KILLED_MS; i++) {
		bool any = false;
		if (!proc_each_dependent(kill_dependent, &any) || !any)
			return;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		nanosleep(&moment, NULL);
	}
}

/* Everything of the pod is over. The exit code. */
static int end_outside(const struct division *division, int status)
{
	if (WIFSIGNALED(status) && division->adopts)
		kill_orphans();
	terminal_reclaim();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Outside: hands every signal in until the inner process has ended. */
static int stay_outside(const struct division *division, pid_t inner)
{
	int status;
	pid_t number_inside = proc_number_inside(inner);
	sigset_t all;
	memset(&all, 0xff, sizeof(all)); /* sigfillset() would leave 32 and 33 out */
	for (;;) {
		siginfo_t info;
		int signo = sigwaitinfo(&all, &info);
		if (has_ended(inner, &status))
			return end_outside(division, status);
		if (signo < 0 || signo == SIGCHLD)
			continue;
		/* From inside, where the sender has another number (the kernel does not translate it): its
		 * program was stopped, and the shell above shall see it. Then, or where the kernel
		 * does not stop us, it goes on. */
		if (signo == SIGTSTP && info.si_pid == number_inside) {
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
		if (send(division->signals[1], &record, sizeof(record),
			    MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			kill(inner, signo);
	}
}

/* --- dividing --- */

/* 0 in the inner process, its pid or -errno in this one. */
static pid_t fork_inner(struct division *division, unsigned long more)
{
	unsigned long flags = CLONE_NEWNS | more;
	for (int kind = 0; kind < NAMESPACE_COUNT; kind++) {
		if (is_new(division, (enum namespace_kind)kind))
			flags |= namespace_flag((enum namespace_kind)kind);
	}
	division->user_namespace =
		!division->joined_users && (geteuid() != 0 || division->sandbox->own_users);
	pid_t inner = launch_fork(flags | (division->user_namespace ? CLONE_NEWUSER : 0));
	if (inner == -EPERM && !division->user_namespace && !division->joined_users) {
		/* Root without CAP_SYS_ADMIN, as in most containers. */
		division->user_namespace = true;
		inner = launch_fork(flags | CLONE_NEWUSER);
	}
	return inner;
}

/* Only who is in a PID namespace by birth is in it, and the outer process shall stay where it is: so one
 * in between joins, and makes the inner one a child of the outer. */
static pid_t fork_between(struct division *division)
{
	int said[2];
	struct birth birth = {.pid = -EPIPE};
	if (pipe2(said, O_CLOEXEC) < 0)
		return -errno;
	pid_t between = launch_fork(0);
	if (between == 0) {
		close(said[0]);
		if (!namespaces_enter(division->join, division->joined, &division->joined_users))
			_exit(CANNOT_BEGIN);
		birth.pid = fork_inner(division, CLONE_PARENT);
		birth.user_namespace = division->user_namespace;
		if (birth.pid == 0) {
			close(said[1]);
			return 0;
		}
		_exit(write(said[1], &birth, sizeof(birth)) < 0 ? CANNOT_BEGIN : 0);
	}
	close(said[1]);
	/* If it ends without a word here, it said why on standard error. */
	if (between > 0 && read(said[0], &birth, sizeof(birth)) != sizeof(birth))
		division->is_told = true;
	close(said[0]);
	while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR)
		;
	division->user_namespace = birth.user_namespace;
	return between < 0 ? between : birth.pid;
}

/* The inner process waits for this. False after saying what is wrong. */
static bool map_users(const struct division *division, pid_t inner)
{
	bool is_verbose = division->sandbox->is_verbose;
	bool range = geteuid() == 0 && division->sandbox->own_users;
	if (!division->user_namespace)
		return true;
	int result = range ? users_map_range(inner, is_verbose) : users_map_own(inner, is_verbose);
	if (result < 0) {
		log_line("sandbox: cannot map users: %s", strerror(-result));
		return false;
	}
	result = range ? idmap_mount(inner, &division->sandbox->paths) : 0;
	if (result < 0)
		log_line("sandbox: cannot mount files with its users: %s", strerror(-result));
	else if (range && (result = cgroups_give(division->sandbox->cgroups, inner)) < 0)
		log_line("sandbox: cannot give it its cgroups: %s", strerror(-result));
	return result == 0;
}

int sandbox_enter(const struct sandbox *sandbox, const struct join *join,
	const struct joined *joined, int *signals_fd)
{
	struct division division = {.sandbox = sandbox, .join = join, .joined = joined};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		    division.signals) < 0 ||
		pipe2(division.ready, O_CLOEXEC) < 0) {
		log_line("sandbox: cannot make a pipe: %s", strerror(errno));
		return CANNOT_BEGIN;
	}
	struct reaped reaped;
	division.adopts = sandbox->host[NAMESPACE_PID] && reap_look(&reaped) == REAP_NO_CHILDREN &&
		boot_become_subreaper() == 0;
	terminal_divide();
	pid_t inner =
		namespaces_are_none(joined) ? fork_inner(&division, 0) : fork_between(&division);
	if (inner == 0) {
		*signals_fd = division.signals[0];
		return begin_inside(&division) ? SANDBOX_INSIDE : CANNOT_BEGIN;
	}
	close(division.signals[0]);
	close(division.ready[0]);
	if (inner < 0) {
		if (!division.is_told)
			log_line("sandbox: cannot make namespaces: %s", strerror(-inner));
		return CANNOT_BEGIN;
	}
	if (map_users(&division, inner) && write(division.ready[1], "g", 1) != 1)
		log_line("sandbox: %s", strerror(errno));
	/* Without the letter the inner one ends with 125 by itself. */
	close(division.ready[1]);
	return stay_outside(&division, inner);
}

int sandbox_read_signal(int signals_fd, struct signal_record *record)
{
	ssize_t length = read(signals_fd, record, sizeof(*record));
	if (length == (ssize_t)sizeof(*record))
		return 1;
	return length < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}
