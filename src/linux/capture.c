/* Pipes from processes to podinit. Must not mix output and error, nor change their order where both go to one place:
 * a pipe each would. */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay.h"

static bool is_one_place(int a, int b)
{
	struct stat one, other;
	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
		one.st_ino == other.st_ino;
}

/* podinit holds both ends: whoever still writes when an instance has ended does no wrong. Only the end that it reads
 * must not wait. */
static bool open_pipe(struct capture *capture, int index)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	capture->writers[index] = ends[1];
	capture->relays[index] = relay_create(STDOUT_FILENO + index, &capture->tail);
	if (capture->relays[index])
		relay_open(capture->relays[index], ends[0]);
	else
		close(ends[0]);
	return capture->relays[index];
}

struct capture *capture_create(void)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	if (!capture)
		return NULL;
	capture->writers[0] = capture->writers[1] = -1;
	bool is_good = open_pipe(capture, 0);
	if (is_good && is_one_place(STDOUT_FILENO, STDERR_FILENO))
		capture->writers[1] = capture->writers[0];
	else if (is_good)
		is_good = open_pipe(capture, 1);
	if (is_good)
		return capture;
	int error = errno;
	capture_destroy(capture);
	errno = error;
	return NULL;
}

void capture_destroy(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->writers[1] >= 0 && capture->writers[1] != capture->writers[0])
		close(capture->writers[1]);
	if (capture->writers[0] >= 0)
		close(capture->writers[0]);
	for (int i = 0; i < 2; i++)
		relay_destroy(capture->relays[i]);
	free(capture);
}

void capture_begin(struct capture *capture, struct ev_loop *ev)
{
	tail_clear(&capture->tail);
	for (int i = 0; i < 2 && capture->relays[i]; i++) {
		/* Whatever the one before did to its descriptor, which is the same. */
		fcntl(capture->writers[i], F_SETFL, 0);
		relay_watch(capture->relays[i], ev);
		relay_skip(capture->relays[i]);
	}
}

void capture_end(struct capture *capture)
{
	for (int i = 0; i < 2 && capture->relays[i]; i++)
		relay_drain(capture->relays[i]);
}

void capture_finish(struct capture *capture, int64_t deadline)
{
	for (int i = 0; i < 2 && capture->relays[i]; i++)
		relay_finish(capture->relays[i], deadline);
}
