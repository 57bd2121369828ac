/* What Kubernetes' pause is, in the C library's terms: a static program with three signal handlers. The
 * measure that the freestanding pause is held against; it is not podinit's. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int signo)
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

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcasecmp(argv[i], "-v") == 0) {
			printf("pause.c of the tests\n");
			return 0;
		}
	}
	if (getpid() != 1)
		fprintf(stderr, "Warning: pause should be the first process\n");
	struct sigaction leaving = {.sa_handler = leave};
	struct sigaction reaping = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
	if (sigaction(SIGINT, &leaving, NULL) < 0)
		return 1;
	if (sigaction(SIGTERM, &leaving, NULL) < 0)
		return 2;
	if (sigaction(SIGCHLD, &reaping, NULL) < 0)
		return 3;
	for (;;)
		pause();
}
