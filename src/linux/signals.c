/* Signals by signalfd and pidfd. */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static sigset_t inherited_mask;

void signals_block(void)
{
	static bool blocked;
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, blocked ? NULL : &inherited_mask);
	blocked = true;
}

void signals_reset(bool only_children)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigaction(SIGCHLD, &standard, NULL);
	for (int signo = 1; !only_children && signo < NSIG; signo++)
		sigaction(signo, &standard, NULL); /* fails for KILL and STOP: fine */
}

int signals_open(void)
{
	sigset_t all;
	sigfillset(&all);
	int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

bool signals_read(int fd, struct signal_record *record)
{
	struct signalfd_siginfo info;
	/* What we send ourselves (SIGPIPE by writing where nobody reads, SIGXFSZ) is an error of
	 * that write, told there; passed on, each would cause the next. */
	do {
		if (read(fd, &info, sizeof(info)) != sizeof(info))
			return false;
	} while ((pid_t)info.ssi_pid == getpid());
	*record = (struct signal_record){
		.signo = (int)info.ssi_signo,
		.sender = {.pid = (pid_t)info.ssi_pid, .uid = info.ssi_uid},
	};
	if (info.ssi_signo != SIGCHLD && record->sender.pid > 0)
		proc_name(record->sender.pid, record->sender.program);
	return true;
}

void signals_restore_mask(bool inherited)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, inherited ? &inherited_mask : &none, NULL);
}

int signals_send(pid_t pid, int pidfd, int signo, bool group)
{
	int result;
	if (group)
		result = kill(-pid, signo);
	else if (pidfd >= 0)
		result = (int)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
	else
		result = kill(pid, signo);
	/* A seccomp filter may know kill() only. */
	if (result < 0 && !group && pidfd >= 0 && (errno == ENOSYS || errno == EPERM))
		result = kill(pid, signo);
	return result < 0 ? -errno : 0;
}
