/* Notices as lines. Must not decide what is told, only where it is shown. */
#include "event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../core/timestamp.h"
#include "../spec/units.h"
#include "clock.h"

enum { LINE_MAX_BYTES = 4096 };

int event_log_open(struct event_log *log, const char *path)
{
	log->fd = -1;
	if (!path)
		return 0;
	/* A FIFO that nobody reads yet is opened for both, so that it does not wait. */
	int flags = O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	log->fd = open(path, O_WRONLY | flags, 0644);
	if (log->fd < 0 && errno == ENXIO)
		log->fd = open(path, O_RDWR | flags, 0644);
	return log->fd < 0 ? -errno : 0;
}

void event_log_close(struct event_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

/* How the program and the pod end: an entrypoint says that in its last line, once. */
static bool is_in_last_line(const struct notice *notice)
{
	return notice->reason == NOTICE_ERROR || notice->reason == NOTICE_OOM_KILLED ||
		notice->reason == NOTICE_START_ERROR || notice->reason == NOTICE_PHASE;
}

static bool is_shown(const struct event_log *log, const struct notice *notice)
{
	switch (log->level) {
	case LOG_QUIET:
	case LOG_ENTRYPOINT:
		return notice_is_warning(notice) &&
			!(log->spec->entrypoint && is_in_last_line(notice));
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
	if (notice->reason == NOTICE_ORPHAN) {
		text_add(out, " (%s)", sender->program);
		return;
	}
	event_log_add_sender(out, sender);
	int passed = log->spec->signal_map[notice->signo];
	if (!passed)
		text_add(out, ", not passed on");
	else if (passed != notice->signo)
		text_add(out, ", passed on as %s", signal_name(passed));
}

void event_log_add_sender(struct text *out, const struct sender *sender)
{
	if (sender->pid)
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
	/* One that was not executed was nobody. */
	if (pid && notice->reason != NOTICE_START_ERROR)
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

static void tell(struct event_log *log, const struct notice *notice, const struct sender *sender,
	const char *more)
{
	if (log->voice) {
		if (log->voice->tell)
			log->voice->tell(notice);
		return;
	}
	/* That children end is told of each of them. */
	if (notice->reason == NOTICE_SIGNAL && notice->signo == SIGCHLD)
		return;
	/* A name or path of any length fits its line, cut where it must be. */
	char buffer[600];
	struct text message = text_in(buffer, sizeof(buffer));
	bool shown = is_shown(log, notice);
	bool written =
		log->fd >= 0 && (notice->reason != NOTICE_ORPHAN || log->level == LOG_VERBOSE);
	if (!shown && !written)
		return;
	add_message(&message, log, notice, sender);
	text_add(&message, "%s", more);
	if (shown)
		log_line("%s", message.data);
	if (written)
		write_json(log, notice, sender, message.data);
}

void event_log_tell(struct event_log *log, const struct notice *notice, const struct sender *sender)
{
	tell(log, notice, sender, "");
}

void event_log_tell_more(struct event_log *log, const struct notice *notice, const char *more)
{
	tell(log, notice, NULL, more);
}

void event_log_passed_on(const struct event_log *log, int signo, int error)
{
	if (log->voice && log->voice->passed_on)
		log->voice->passed_on(signo, log->spec->signal_map[signo], error);
}

void event_log_handed_off(const struct event_log *log, int signo)
{
	if (log->voice && log->voice->handed_off)
		log->voice->handed_off(signo);
}

void event_log_suspends(const struct event_log *log)
{
	if (log->voice && log->voice->suspends)
		log->voice->suspends();
}

void event_log_reaped_all(const struct event_log *log, bool childless)
{
	if (log->voice && log->voice->reaped_all)
		log->voice->reaped_all(childless);
}

void event_log_finishes(const struct event_log *log)
{
	if (log->voice && log->voice->finishes)
		log->voice->finishes();
}
