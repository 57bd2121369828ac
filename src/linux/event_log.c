/* Notices as lines. Must not decide what is told, only where it is shown. */
#include "event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../core/timestamp.h"
#include "clock.h"

enum { LINE_MAX_BYTES = 4096 };

int event_log_open(
	struct event_log *log, const struct pod_spec *spec, const char *path, enum log_level level)
{
	*log = (struct event_log){.spec = spec, .level = level, .fd = -1};
	if (!path)
		return 0;
	/* A FIFO that nobody reads yet is opened for both, so that it does not wait. */
	int flags = O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	log->fd = open(path, O_WRONLY | flags, 0644);
	if (log->fd < 0 && errno == ENXIO)
		log->fd = open(path, O_RDWR | flags, 0644);
	return log->fd < 0 ? -errno : 0;
}

static bool is_shown(const struct event_log *log, const struct notice *notice)
{
	switch (log->level) {
	case LOG_QUIET:
		return notice_is_warning(notice);
	case LOG_NORMAL:
		return notice->reason != NOTICE_ORPHAN;
	case LOG_VERBOSE:
		break;
	}
	return true;
}

static void add_message(struct text *out, const struct event_log *log, const struct notice *notice,
	const struct sender *sender)
{
	notice_message(out, log->spec, notice);
	if (!sender)
		return;
	if (notice->reason == NOTICE_ORPHAN)
		text_add(out, " (%s)", sender->program);
	else if (sender->pid)
		text_add(out, " from process %d (%s), uid %u", (int)sender->pid, sender->program,
			(unsigned)sender->uid);
	else
		text_add(out, " from outside the pod or the kernel, uid %u", (unsigned)sender->uid);
}

static void add_process(struct text *out, const struct event_log *log, const struct notice *notice)
{
	if (notice->process < 0)
		return;
	const struct process_spec *process = &log->spec->processes[notice->process];
	text_add(out, ",\"process\":\"%s\",\"kind\":\"%s\"", process->name,
		process_kind_name((enum process_kind)process->kind));
}

static void add_details(struct text *out, const struct notice *notice, const struct sender *sender)
{
	int pid = sender && notice->reason == NOTICE_SIGNAL ? (int)sender->pid : notice->pid;
	if (pid)
		text_add(out, ",\"pid\":%d", pid);
	if (sender && notice->reason == NOTICE_SIGNAL)
		text_add(out, ",\"uid\":%u", (unsigned)sender->uid);
	if (sender) {
		text_add(out, ",\"program\":");
		text_add_json(out, sender->program);
	}
	if (notice->exit_code >= 0)
		text_add(out, ",\"exitCode\":%d", notice->exit_code);
	if (notice->signo)
		text_add(out, ",\"signal\":%d", notice->signo);
	if (notice->restart_count >= 0)
		text_add(out, ",\"restartCount\":%d", notice->restart_count);
	if (notice->reason == NOTICE_BACK_OFF)
		text_add(out, ",\"delaySeconds\":%.3f",
			(double)notice->delay_ns / (double)NS_PER_SECOND);
	if (notice->reason == NOTICE_PHASE)
		text_add(out, ",\"phase\":\"%s\"", pod_phase_name((enum pod_phase)notice->phase));
}

static void write_json(struct event_log *log, const struct notice *notice,
	const struct sender *sender, const char *message)
{
	char buffer[LINE_MAX_BYTES];
	struct text line = text_in(buffer, sizeof(buffer));
	text_add(&line, "{\"time\":\"");
	timestamp_add(&line, clock_realtime(), true);
	text_add(&line, "\",\"monotonicNanos\":%lld,\"type\":\"%s\",\"reason\":\"%s\",\"message\":",
		(long long)clock_monotonic(), notice_is_warning(notice) ? "Warning" : "Normal",
		notice_reason_name((enum notice_reason)notice->reason));
	text_add_json(&line, message);
	add_process(&line, log, notice);
	add_details(&line, notice, sender);
	text_add(&line, "}\n");
	if (!line.truncated && write(log->fd, line.data, line.length) == (ssize_t)line.length)
		return;
	if (!log->lost++)
		log_line("events: a line could not be written: %s", strerror(errno));
}

void event_log_tell(struct event_log *log, const struct notice *notice, const struct sender *sender)
{
	/* A name or path of any length fits its line, cut where it must be. */
	char buffer[600];
	struct text message = text_in(buffer, sizeof(buffer));
	bool shown = is_shown(log, notice);
	bool written =
		log->fd >= 0 && (notice->reason != NOTICE_ORPHAN || log->level == LOG_VERBOSE);
	if (!shown && !written)
		return;
	add_message(&message, log, notice, sender);
	if (shown)
		log_line("%s", message.data);
	if (written)
		write_json(log, notice, sender, message.data);
}
