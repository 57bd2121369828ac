/* pause: holds the namespaces of a pod, reaps what ends in them, and ends when it is told to. Freestanding:
 * no C library, one page, at most 1,024 bytes as a file. Behaves as Kubernetes' pause does; it must not
 * do more: who wants a supervisor takes podinit.
 *
 * Signals are blocked and waited for, so there is no handler, and no code that a handler returns
 * through. A process 1 gets a blocked signal; one that it neither blocks nor handles, it never sees. */
#include "syscall.h"

enum { WAIT_NO_HANG = 1, SIGNAL_SET_BYTES = 8, BLOCK = 0, STDOUT = 1, STDERR = 2 };
enum { SIGNAL_INT = 2, SIGNAL_TERM = 15, SIGNAL_CHLD = 17 };

#define BIT(signo)    (1UL << ((signo)-1))
#define SAY(fd, text) syscall3(SYS_WRITE, fd, (long)(text), sizeof(text) - 1)

/* Where the kernel jumps to: `stack` holds argc, then argv. Never returns. */
__attribute__((noreturn, used)) void pause_main(const long *stack)
{
	static const unsigned long set = BIT(SIGNAL_INT) | BIT(SIGNAL_TERM) | BIT(SIGNAL_CHLD);
	const char *const *argument = (const char *const *)(stack + 1);

	while (*argument) {
		const char *s = *argument++;
		/* 'V' | 0x20 is 'v'. */
		if (s[0] == '-' && (s[1] | 0x20) == 'v' && !s[2]) {
			SAY(STDOUT, "pause.c podinit-" VERSION "\n");
			goto end;
		}
	}
	if (syscall3(SYS_GETPID, 0, 0, 0) != 1)
		SAY(STDERR, "Warning: pause should be the first process\n");
	syscall4(SYS_RT_SIGPROCMASK, BLOCK, (long)&set, 0, SIGNAL_SET_BYTES);
	for (;;) {
		/* Whatever ended before we listened is reaped too. */
		while (syscall4(SYS_WAIT4, -1, 0, WAIT_NO_HANG, 0) > 0)
			;
		long signo = syscall4(SYS_RT_SIGTIMEDWAIT, (long)&set, 0, 0, SIGNAL_SET_BYTES);
		if (signo == SIGNAL_INT) {
			SAY(STDERR, "Shutting down, got signal: Interrupt\n");
			break;
		}
		if (signo == SIGNAL_TERM) {
			SAY(STDERR, "Shutting down, got signal: Terminated\n");
			break;
		}
	}
end:
	for (;;)
		syscall3(SYS_EXIT, 0, 0, 0);
}
