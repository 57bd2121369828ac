/* The last line, from the state alone. Must not decide anything: the pod is over. */
#include "last_line.h"

static void add_restarts(struct text *out, const struct process *process)
{
	int restarts = process_restart_count(process);
	if (restarts)
		text_add(out, " (restart %d)", restarts);
}

/* "web killed by SIGKILL after 3 s (restart 2)" */
static void add_process(struct text *out, const char *separator, const struct pod_spec *spec,
	const struct pod *pod, int index)
{
	const struct process_spec *process_spec = &spec->processes[index];
	const struct process *process = &pod->processes[index];
	text_add(out, "%s%s", separator, process_spec->name);
	if (process_is_alive(process)) {
		text_add(out, " cannot be killed");
	} else if (process->last.reason == NOTICE_START_ERROR) {
		text_add(out, ": ");
		spawn_error_message(out, spec, process_spec, &process->last.spawn_error);
	} else {
		struct notice notice = notice_of((enum notice_reason)process->last.reason, index);
		notice.exit_code = (int16_t)process->last.exit_code;
		notice.signo = (uint8_t)process->last.signo;
		notice.delay_ns = process->last.finished_at - process->last.started_at;
		text_add(out, " ");
		notice_add_end(out, &notice);
	}
	add_restarts(out, process);
}

/* An entrypoint's program, a failed init and failed mains are worth a name each. */
static bool is_worth_a_name(const struct pod_spec *spec, const struct pod *pod, int index)
{
	const struct process *process = &pod->processes[index];
	if (spec->processes[index].kind == KIND_SIDECAR)
		return false;
	bool failed = process->last.exit_code > 0 && !termination_is_success(&process->last);
	return process_is_alive(process) || failed ||
		(spec->entrypoint && process->last.exit_code == 0);
}

void last_line_add(struct text *out, const struct pod_spec *spec, const struct pod *pod,
	int64_t now, const char *by)
{
	bool is_plain = pod->stopping == STOP_COMPLETED || pod->stopping == STOP_INIT_FAILED;
	text_add(out, "ends with exit code %d after ", pod_exit_code(spec, pod));
	notice_add_seconds(out, now - pod->started_at);
	const char *why = by ? by
		: is_plain   ? NULL
			     : stop_cause_text((enum stop_cause)pod->stopping);
	if (why)
		text_add(out, ": %s", why);
	const char *separator = why ? "; " : ": ";
	for (int i = 0; i < pod->process_count; i++) {
		if (!is_worth_a_name(spec, pod, i))
			continue;
		add_process(out, separator, spec, pod, i);
		separator = "; ";
	}
}
