/* Sessions, process groups and the terminal. Must not know what the program is, nor end anything. */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals.h"

static struct terminal terminal = {.session = SESSION_NEW, .fd = -1};
static bool outer_in_foreground; /* of a sandbox, when that was made */

const struct terminal *terminal_state(void)
{
	return &terminal;
}

static int open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

/* Of the terminal, if there is one: standard input is asked where /dev/tty is not, or shall not be. */
static int descriptor(void)
{
	return terminal.fd < 0 ? STDIN_FILENO : terminal.fd;
}

/* A shell's job stays in the shell's session, where Ctrl-Z works; but process 1 of a container, which
 * leads its session, hands the session over: a program that no shell could continue must not be
 * stopped by Ctrl-Z, and in a session whose leader is the program the kernel sees to that. */
static enum session choose(enum session wanted)
{
	if (wanted != SESSION_AUTO)
		return wanted;
	return terminal.fd < 0 || getsid(0) == getpid() ? SESSION_NEW : SESSION_GROUP;
}

/* The kernel tells the group in the foreground, which is podinit's, that its terminal is gone. That
 * is no news. */
static void detach(void)
{
	terminal.was_leader = getsid(0) == getpid();
	if (ioctl(descriptor(), TIOCNOTTY) < 0) {
		terminal.detach_error = errno;
	} else if (terminal.was_leader) {
		signals_expect_hand_off(SIGHUP);
		signals_expect_hand_off(SIGCONT);
	}
}

void terminal_prepare(const struct entrypoint_spec *entry)
{
	terminal = (struct terminal){.fd = -1};
	if (!entry->terminal_is_stdin)
		terminal.fd = open_terminal();
	terminal.open_error = terminal.fd < 0 && !entry->terminal_is_stdin ? errno : 0;
	terminal.session = (uint8_t)choose((enum session)entry->session);
	terminal.job = entry->session == SESSION_AUTO && terminal.session == SESSION_GROUP;
	if (terminal.session == SESSION_NEW)
		detach();
}

static int new_session(void)
{
	if (setsid() < 0)
		return -errno;
	if (ioctl(descriptor(), TIOCSCTTY, 0) < 0)
		terminal.attach_error = errno;
	return 0;
}

/* Groups outside of the PID namespace have no number in it: 0 says nothing. */
static bool is_foreground(pid_t group)
{
	return terminal.fd >= 0 && group > 0 && tcgetpgrp(terminal.fd) == group;
}

/* Is podinit's own group in the foreground? That of a sandbox is its outer process's. */
static bool is_in_foreground(bool outer)
{
	return getpgrp() > 0 ? is_foreground(getpgrp()) : outer;
}

static int new_group(void)
{
	/* A job in the background must not take the terminal. */
	bool take = !terminal.job || is_in_foreground(outer_in_foreground);
	if (setpgid(0, 0) < 0)
		return -errno;
	if (!take || tcsetpgrp(descriptor(), getpgrp()) == 0)
		return 0;
	terminal.foreground_error = errno;
	bool none = errno == ENOTTY || errno == ENXIO || errno == EBADF;
	return none || terminal.job ? 0 : -errno;
}

int terminal_enter(void)
{
	switch ((enum session)terminal.session) {
	case SESSION_AUTO:
	case SESSION_NEW:
		return new_session();
	case SESSION_GROUP:
		return new_group();
	case SESSION_SAME:
		break;
	}
	return 0;
}

void terminal_child_changed(pid_t pid)
{
	siginfo_t info = {0};
	if (!terminal.job || !pid || waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG) < 0 ||
		!info.si_pid)
		return;
	terminal_take_back(pid);
	/* All of the job: what stands before or behind podinit in a pipeline, too. */
	signals_stop(true);
	/* The outer process of a sandbox, which has been told to stop, says when that is over. */
	if (getpgrp() == 0)
		return;
	terminal_continued(pid, false);
	kill(-pid, SIGCONT);
}

bool terminal_is_outer_job(void)
{
	return terminal.job && getpgrp() == 0;
}

void terminal_continued(pid_t group, bool outer)
{
	if (terminal.job && group && is_in_foreground(outer))
		tcsetpgrp(terminal.fd, group);
}

void terminal_take_back(pid_t group)
{
	if (terminal.job && is_foreground(group))
		tcsetpgrp(terminal.fd, getpgrp());
}

bool terminal_is_in_foreground(void)
{
	int fd = open_terminal();
	bool is_ours = fd >= 0 && tcgetpgrp(fd) == getpgrp();
	if (fd >= 0)
		close(fd);
	return is_ours;
}

void terminal_divide(void)
{
	outer_in_foreground = terminal_is_in_foreground();
}

void terminal_reclaim(void)
{
	int fd = open_terminal();
	pid_t group = fd < 0 ? 0 : tcgetpgrp(fd);
	if (group > 0 && kill(-group, 0) < 0 && errno == ESRCH)
		tcsetpgrp(fd, getpgrp());
	if (fd >= 0)
		close(fd);
}
