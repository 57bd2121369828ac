/* The smallest init there can be beside pause: it is podinit's own, so that a root file system needs none. */
#include "reaper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../spec/security.h"
#include "identity.h"
#include "launch.h"

/* Takes every zombie there is; ends when the program did. As podinit's child it cannot die of a signal, being
 * process 1; so its exit code says that: 128 and the number. */
static void reap(pid_t program)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (pid == program)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
}

static void serve(pid_t program)
{
	sigset_t all;
	memset(&all, 0xff, sizeof(all)); /* sigfillset() would leave 32 and 33 out */
	for (;;) {
		siginfo_t info;
		int signo = sigwaitinfo(&all, &info);
		if (signo == SIGCHLD)
			reap(program);
		else if (signo > 0)
			kill(program, signo);
	}
}

int reaper_divide(int closed)
{
	pid_t program = launch_fork(0);
	if (program < 0)
		return (int)program;
	if (program == 0)
		return setsid() < 0 ? -errno : 0;
	/* What podinit has open, and may do, is nobody's business in there. */
	close(closed);
	syscall(SYS_close_range, 0, ~0U, 0);
	prctl(PR_SET_NAME, "podinit-reaper", 0, 0, 0);
	identity_keep(capability_bit("KILL"));
	serve(program);
	return 0;
}
