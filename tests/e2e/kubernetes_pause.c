/* A pause program as Kubernetes has it, for comparison only: what its pause.c does, with the C library
 * and linked statically, as its image is. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signo)
{
	psignal(signo, "Shutting down, got signal");
	exit(0);
}

static void reap(int signo)
{
	(void)signo;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int handle(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
	return sigaction(signo, &action, NULL);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcasecmp(argv[i], "-v") == 0) {
			printf("pause.c for comparison\n");
			return 0;
		}
	}
	if (getpid() != 1)
		fprintf(stderr, "Warning: pause should be the first process\n");
	if (handle(SIGINT, end, 0) < 0)
		return 1;
	if (handle(SIGTERM, end, 0) < 0)
		return 2;
	if (handle(SIGCHLD, reap, SA_NOCLDSTOP) < 0)
		return 3;
	for (;;)
		pause();
}
