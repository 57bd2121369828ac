/* What the tests let podinit run where a shell would be too slow or too coarse. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Hands `count` processes to whoever adopts orphans: grandchildren whose parent has ended. */
static int orphans(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t child = fork();
		if (child < 0) {
			usleep(1000); /* too many at once: they are being reaped */
			i--;
			continue;
		}
		if (child == 0) {
			pid_t grandchild;
			while ((grandchild = fork()) < 0)
				usleep(1000);
			_exit(grandchild ? 0 : i % 256);
		}
		while (waitpid(child, NULL, 0) < 0)
			;
	}
	return 0;
}

/* Leaves `count` daemons behind: each in a session of its own, its parent gone. */
static int daemons(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t child;
		while ((child = fork()) < 0)
			usleep(1000);
		if (child == 0) {
			setsid();
			pid_t grandchild;
			while ((grandchild = fork()) < 0)
				usleep(1000);
			if (grandchild == 0) {
				setsid();
				for (;;)
					pause();
			}
			_exit(0);
		}
		while (waitpid(child, NULL, 0) < 0)
			;
	}
	return 0;
}

/* Says which signals are blocked, ignored or handled, and which descriptors are open. */
static int report(void)
{
	struct sigaction action;
	sigset_t blocked;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	printf("blocked:");
	for (int signo = 1; signo <= 64; signo++) {
		if (sigismember(&blocked, signo) == 1)
			printf(" %d", signo);
	}
	printf("\nnot default:");
	for (int signo = 1; signo <= 64; signo++) {
		if (sigaction(signo, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			printf(" %d", signo);
	}
	printf("\ndescriptors:");
	for (int fd = 0; fd < 1024; fd++) {
		if (dup2(fd, fd) == fd)
			printf(" %d", fd);
	}
	printf("\nsession: %d\ngroup: %d\n", getsid(0) == getpid(), getpgrp() == getpid());
	printf("end of report\n");
	return 0;
}

/* Starts a program with signals blocked, and ignored too if they are `odd`:
 * odd|blocking SIGNO... -- PROGRAM ARGUMENT... */
static int start_with(char **argv, int odd)
{
	sigset_t blocked;
	sigemptyset(&blocked);
	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		if (odd)
			signal(atoi(*argv), SIG_IGN);
		sigaddset(&blocked, atoi(*argv));
	}
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	execvp(argv[1], argv + 1);
	return 127;
}

/* Becomes a program that has a child which has ended already, and an orphan to adopt. */
static int bereaved(char **argv)
{
	siginfo_t info;
	pid_t child = fork();
	if (child == 0) {
		if (fork() == 0) {
			for (;;)
				pause();
		}
		_exit(0);
	}
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	execvp(argv[0], argv);
	return 127;
}

/* Says which signals come, a line each, until SIGTERM: listen NAME. A blocked signal is not ignored,
 * whatever its default. */
static int listen_to(const char *name)
{
	/* The kernel's own calls: the C library leaves its signals 32 and 33 out of every set. */
	static const uint64_t all = ~UINT64_C(0);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(all));
	printf("%s listens\n", name);
	fflush(stdout);
	for (;;) {
		int signo = (int)syscall(SYS_rt_sigtimedwait, &all, NULL, NULL, sizeof(all));
		if (signo < 0)
			continue;
		printf("%s got %d\n", name, signo);
		fflush(stdout);
		if (signo == SIGTERM)
			return 0;
	}
}

/* Ends of a signal, whatever was inherited. */
static int die(int signo)
{
	sigset_t none;
	sigemptyset(&none);
	signal(signo, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	kill(getpid(), signo);
	return 0;
}

/* Says where it stands: session, process group, terminal. */
static int place(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY);
	pid_t foreground = tcgetpgrp(STDIN_FILENO);
	printf("session: %s\n",
		getsid(0) == getpid()			 ? "leads"
			: getsid(0) == getsid(getppid()) ? "its parent's"
							 : "another");
	printf("group: %s\n",
		getpgrp() == getpid()			  ? "leads"
			: getpgrp() == getpgid(getppid()) ? "its parent's"
							  : "another");
	printf("terminal: %s\n", fd < 0 ? "none" : "has one");
	printf("foreground: %s\n",
		foreground < 0			  ? "unknown"
			: foreground == getpgrp() ? "yes"
						  : "no");
	printf("end of place\n");
	return 0;
}

/* As listen, as the process of this number in the PID namespace: numbered NUMBER NAME. */
static int numbered(pid_t number, const char *name)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1};
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		perror("numbered");
	if (pid == 0)
		_exit(listen_to(name));
	return pid < 0 || waitpid((pid_t)pid, NULL, 0) < 0;
}

/* Leaves the process group that it leads for its parent's, and becomes a program. */
static int step_out(char **argv)
{
	setpgid(0, getpgid(getppid()));
	execvp(argv[0], argv);
	return 127;
}

/* Becomes a program in a process group of its own, in the same session. */
static int in_own_group(char **argv)
{
	setpgid(0, 0);
	execvp(argv[0], argv);
	return 127;
}

/* Says that it is ready; ends with `code` some time after SIGTERM, and counts nothing else. */
static int polite(const char *name, int code, int milliseconds)
{
	sigset_t term;
	int signo;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	printf("%s is ready\n", name);
	fflush(stdout);
	while (sigwait(&term, &signo))
		;
	usleep((useconds_t)milliseconds * 1000);
	return code;
}

/* Says that it is ready; needs some time after SIGTERM for its last line. */
static int flush(const char *name, int milliseconds)
{
	polite(name, 0, milliseconds);
	printf("%s flushed\n", name);
	return 0;
}

static void *flush_in_thread(void *name)
{
	exit(flush(name, 300));
}

/* As flush, by a thread that is not the first: that one has ended, and the kernel calls the process
 * a zombie. */
static int leaderless(char *name)
{
	pthread_t thread;
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	alarm(15); /* the tests do not see it either where podinit fails to */
	if (pthread_create(&thread, NULL, flush_in_thread, name) != 0)
		return 1;
	syscall(SYS_exit, 0); /* this thread alone */
	return 1;
}

static _Noreturn void stubborn(const char *name)
{
	signal(SIGTERM, SIG_IGN);
	printf("%s is ready\n", name);
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "orphans") == 0)
		return orphans(atoi(argv[2]));
	if (argc == 3 && strcmp(argv[1], "daemons") == 0)
		return daemons(atoi(argv[2]));
	if (argc == 2 && strcmp(argv[1], "report") == 0)
		return report();
	if (argc > 3 && strcmp(argv[1], "odd") == 0)
		return start_with(argv + 2, 1);
	if (argc > 3 && strcmp(argv[1], "blocking") == 0)
		return start_with(argv + 2, 0);
	if (argc > 2 && strcmp(argv[1], "bereaved") == 0)
		return bereaved(argv + 2);
	if (argc == 3 && strcmp(argv[1], "listen") == 0)
		return listen_to(argv[2]);
	if (argc == 3 && strcmp(argv[1], "die") == 0)
		return die(atoi(argv[2]));
	if (argc > 2 && strcmp(argv[1], "in-own-group") == 0)
		return in_own_group(argv + 2);
	if (argc > 2 && strcmp(argv[1], "stepping-out") == 0)
		return step_out(argv + 2);
	if (argc == 2 && strcmp(argv[1], "place") == 0)
		return place();
	if (argc == 4 && strcmp(argv[1], "numbered") == 0)
		return numbered(atoi(argv[2]), argv[3]);
	if (argc == 5 && strcmp(argv[1], "polite") == 0)
		return polite(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc == 4 && strcmp(argv[1], "flush") == 0)
		return flush(argv[2], atoi(argv[3]));
	if (argc == 3 && strcmp(argv[1], "leaderless") == 0)
		return leaderless(argv[2]);
	if (argc == 3 && strcmp(argv[1], "stubborn") == 0)
		stubborn(argv[2]);
	return 2;
}
