/* The last line and the termination message. What ended how is the core's to say (core/last_line.c). */
#include "goodbye.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/last_line.h"
#include "../spec/units.h"
#include "event_log.h"

/* What Kubernetes reads, from the end of the file; and how large we let that become. */
enum { MESSAGE_MAX = 4096, FILE_SIZE_MAX = 64 * 1024 };

#define DEFAULT_PATH "/dev/termination-log"

/* The file is the container's, and its program may have left its own last words there: they stay, and
 * these come behind them. The default file is not made where it is missing: then nobody will read it, and
 * /dev may be the machine's. */
static int write_message(const char *path, const char *message, size_t length)
{
	struct stat status;
	int create = path ? O_CREAT : 0;
	int fd = open(path ? path : DEFAULT_PATH,
		O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | create, 0644);
	if (fd < 0)
		return -errno;
	int result = fstat(fd, &status) < 0 ? -errno : 0;
	/* Nothing else has a size, or takes a text for sure without waiting. */
	if (result == 0 && !S_ISREG(status.st_mode))
		result = -EINVAL;
	if (result == 0 && status.st_size > FILE_SIZE_MAX)
		result = ftruncate(fd, 0) < 0 ? -errno : 0;
	if (result == 0 && write(fd, message, length) < 0)
		result = -errno;
	close(fd);
	return result;
}

void goodbye_say(const struct goodbye *goodbye)
{
	char buffer[MESSAGE_MAX / 2], reason[160] = "";
	struct text line = text_in(buffer, sizeof(buffer) - 1);
	struct text by = text_in(reason, sizeof(reason));
	if (goodbye->stopped_by) {
		text_add(&by, "%s", signal_name(goodbye->stopped_by->signo));
		event_log_add_sender(&by, &goodbye->stopped_by->sender);
	}
	last_line_add(&line, goodbye->spec, goodbye->pod, goodbye->now, by.length ? reason : NULL);
	if (goodbye->killed)
		text_add(&line, "; %d left behind had to be killed", goodbye->killed);
	if (goodbye->is_told)
		log_line("%s", buffer);
	size_t length = strlen(buffer);
	buffer[length] = '\n';
	const char *path = goodbye->spec->termination_message_path;
	int result = write_message(path, buffer, length + 1);
	if (result < 0 && path)
		log_line("termination message %s: %s", path, strerror(-result));
}

/* Whole lines, as many as fit. */
static void write_problems(const struct pod_spec *spec, const struct text *problems)
{
	static const char end[] = "nothing was started\n";
	char message[MESSAGE_MAX];
	struct text out = text_in(message, sizeof(message));
	size_t length = problems->length, most = sizeof(message) - sizeof(end);
	if (length > most) {
		for (length = most; length && problems->data[length - 1] != '\n';)
			length--;
	}
	text_add_bytes(&out, problems->data, length);
	text_add(&out, "%s", end);
	write_message(spec->termination_message_path, message, out.length);
}

bool goodbye_say_problems(const struct pod_spec *spec, struct problems *problems, bool was_to_run)
{
	if (!problems->count)
		return false;
	fputs(problems->text.data, stderr);
	log_line("%d problem%s; nothing was started", problems->count,
		problems->count == 1 ? "" : "s");
	if (was_to_run)
		write_problems(spec, &problems->text);
	text_finish(&problems->text);
	return true;
}
