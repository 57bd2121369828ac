/* pause: the first process of a pod whose containers others run. Says what Kubernetes' pause says; but
 * when it is told to end it passes that on, and waits for the others up to the grace. The pause of 1 KiB
 * (pause/) does not. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "face.h"

static void tell(const struct notice *notice)
{
	if (notice->reason == NOTICE_SIGNAL &&
		(notice->signo == SIGTERM || notice->signo == SIGINT))
		face_print(STDERR_FILENO, "Shutting down, got signal: ", "%s",
			strsignal(notice->signo));
}

static const struct voice VOICE = {
	.tell = tell,
};

static int begin(struct start *start, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcasecmp(argv[i], "-v") == 0) {
			puts("pause.c podinit-" PODINIT_VERSION);
			return 0;
		}
	}
	if (getpid() != 1)
		fputs("Warning: pause should be the first process\n", stderr);
	spec_pause(&start->spec);
	start->voice = &VOICE;
	return FACE_RUNS;
}

const struct face FACE_PAUSE = {
	.names = (const char *const[]){"pause", NULL},
	.begin = begin,
};
