/* Signals by signalfd and pidfd. */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The C library keeps signals 32 and 33 for its threads and leaves them out of every mask and
 * disposition. A process 1 has to care for them too: so these are the kernel's own calls. */
typedef uint64_t kernel_mask;

static kernel_mask inherited_mask, left, expected;
static bool children_were_ignored;

static void set_mask(kernel_mask mask, kernel_mask *old)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, old, sizeof(mask));
}

void signals_block(void)
{
	static bool blocked;
	set_mask(~UINT64_C(0), blocked ? NULL : &inherited_mask);
	blocked = true;
}

void signals_leave(uint64_t signals)
{
	left = signals;
	set_mask(~left, NULL);
}

/* At least as large as the kernel's struct sigaction, which begins with the handler; all zero is
 * SIG_DFL without flags. */
struct disposition {
	unsigned long handler, rest[7];
};

static void set_default(int signo)
{
	static const struct disposition standard;
	syscall(SYS_rt_sigaction, signo, &standard, NULL, sizeof(kernel_mask));
}

void signals_reset(int last)
{
	struct disposition inherited = {0};
	syscall(SYS_rt_sigaction, SIGCHLD, NULL, &inherited, sizeof(kernel_mask));
	children_were_ignored = last < SIGCHLD && inherited.handler == (unsigned long)SIG_IGN;
	set_default(SIGCHLD);
	for (int signo = 1; signo <= last; signo++)
		set_default(signo); /* fails for KILL and STOP: fine */
}

void signals_expect_hand_off(int signo)
{
	expected |= SIGNAL_BIT(signo);
}

int signals_open(void)
{
	sigset_t set = {0};
	kernel_mask mask = ~left; /* sigfillset() would leave 32 and 33 out */
	memcpy(&set, &mask, sizeof(mask));
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

bool signals_read(int fd, struct signal_record *record)
{
	struct signalfd_siginfo info;
	/* What we send ourselves (SIGPIPE by writing where nobody reads, SIGXFSZ) is an error of
	 * that write, told there; passed on, each would cause the next. So does who gives away a
	 * terminal send himself what comes of it; but that is expected. */
	do {
		if (read(fd, &info, sizeof(info)) != sizeof(info))
			return false;
	} while ((pid_t)info.ssi_pid == getpid() && !(expected & SIGNAL_BIT(info.ssi_signo)));
	*record = (struct signal_record){
		.signo = (int)info.ssi_signo,
		.sender = {.pid = (pid_t)info.ssi_pid, .uid = info.ssi_uid},
	};
	record->handed_off = record->sender.pid == getpid();
	if (record->handed_off)
		expected &= ~SIGNAL_BIT(record->signo);
	if (info.ssi_signo != SIGCHLD && record->sender.pid > 0)
		proc_name(record->sender.pid, record->sender.program);
	return true;
}

void signals_unblock(void)
{
	set_mask(0, NULL);
}

void signals_stop(bool group)
{
	set_default(SIGTSTP);
	set_mask(~(left | SIGNAL_BIT(SIGTSTP)), NULL);
	kill(group ? 0 : getpid(), SIGTSTP);
	set_mask(~left, NULL);
}

void signals_restore(uint64_t blocked)
{
	static const struct disposition ignored = {.handler = (unsigned long)SIG_IGN};
	if (children_were_ignored)
		syscall(SYS_rt_sigaction, SIGCHLD, &ignored, NULL, sizeof(kernel_mask));
	set_mask(inherited_mask | blocked, NULL);
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
