/* PodStatus as JSON, piece by piece: the head, one piece per process, the tail. Field names and
 * reasons are Kubernetes'. */
#include "podstatus.h"

#include "step.h"
#include "timestamp.h"

static void add_time(struct text *out, const struct podstatus *status, int64_t monotonic)
{
	text_add(out, "\"");
	timestamp_add(out, status->realtime - (status->now - monotonic), false);
	text_add(out, "\"");
}

static void add_condition(
	struct text *out, const struct podstatus *status, const char *type, bool is, int64_t since)
{
	text_add(out, "{\"type\":\"%s\",\"status\":\"%s\",\"lastTransitionTime\":", type,
		is ? "True" : "False");
	add_time(out, status, since);
}

/* "containers with incomplete status: [a b]"; as many names as fit. */
static void add_incomplete(struct text *out, const struct podstatus *status)
{
	enum { SHOWN = 20 };
	int shown = 0;
	text_add(out,
		",\"reason\":\"ContainersNotInitialized\",\"message\":\"containers with "
		"incomplete status: [");
	for (int i = status->pod->next_init; i < status->spec->init_count && shown < SHOWN; i++)
		text_add(out, "%s%s", shown++ ? " " : "", status->spec->processes[i].name);
	text_add(out, "]\"");
}

static void add_head(struct text *out, const struct podstatus *status)
{
	const struct pod *pod = status->pod;
	const bool *is = pod->conditions;
	const int64_t *since = pod->condition_since;
	text_add(out, "{\"phase\":\"%s\"", pod_phase_name((enum pod_phase)pod->phase));
	if (pod->stopping == STOP_DEADLINE)
		text_add(out,
			",\"reason\":\"DeadlineExceeded\",\"message\":\"Pod was active on "
			"the node longer than the specified deadline\"");
	if (pod->stopping == STOP_EVICTED) {
		char buffer[256]; /* a name of 63 bytes, and a number */
		struct text message = text_in(buffer, sizeof(buffer));
		evicted_message(&message, status->spec, pod->evicted_volume);
		text_add(out, ",\"reason\":\"Evicted\",\"message\":");
		text_add_json(out, buffer);
	}
	text_add(out, ",\"startTime\":");
	add_time(out, status, pod->started_at);
	text_add(out, ",\"conditions\":[");
	add_condition(out, status, "PodReadyToStartContainers", true, pod->started_at);
	text_add(out, "},");
	add_condition(out, status, "Initialized", is[CONDITION_INITIALIZED],
		since[CONDITION_INITIALIZED]);
	if (!is[CONDITION_INITIALIZED])
		add_incomplete(out, status);
	text_add(out, "},");
	add_condition(out, status, "Ready", is[CONDITION_READY], since[CONDITION_READY]);
	text_add(out, "%s},", is[CONDITION_READY] ? "" : ",\"reason\":\"ContainersNotReady\"");
	add_condition(out, status, "ContainersReady", is[CONDITION_CONTAINERS_READY],
		since[CONDITION_CONTAINERS_READY]);
	text_add(out, "%s}",
		is[CONDITION_CONTAINERS_READY] ? "" : ",\"reason\":\"ContainersNotReady\"");
	if (since[CONDITION_ALL_RESTARTING] > pod->started_at || is[CONDITION_ALL_RESTARTING]) {
		text_add(out, ",");
		add_condition(out, status, "AllContainersRestarting", is[CONDITION_ALL_RESTARTING],
			since[CONDITION_ALL_RESTARTING]);
		text_add(out, "}");
	}
	text_add(out,
		"],\"podinit\":{\"name\":\"%s\",\"pid\":%d,\"orphansReaped\":%llu},"
		"\"initContainerStatuses\":[",
		status->spec->name, status->pid, (unsigned long long)status->orphans);
}

/* Of what could not be started it says why; else it is what the process left. */
static void add_message(struct text *out, const struct podstatus *status, int index, bool is_latest)
{
	const struct process *process = &status->pod->processes[index];
	const struct termination *end = is_latest ? &process->last : &process->previous;
	const struct last_words *words = status->words ? &status->words[index] : NULL;
	char message[256]; /* six bytes each at worst, twice: fits the piece */
	struct text reason = text_in(message, sizeof(message));
	const char *bytes = message;
	size_t length = 0;
	if (end->reason == NOTICE_START_ERROR) {
		spawn_error_message(
			&reason, status->spec, &status->spec->processes[index], &end->spawn_error);
		length = reason.length;
	} else if (words) {
		bytes = is_latest ? words->latest : words->previous;
		length = is_latest ? words->latest_length : words->previous_length;
	}
	if (!length)
		return;
	text_add(out, ",\"message\":");
	text_add_json_bytes(out, bytes, length);
}

static void add_terminated(
	struct text *out, const struct podstatus *status, int index, bool is_latest)
{
	const struct process *process = &status->pod->processes[index];
	const struct termination *end = is_latest ? &process->last : &process->previous;
	text_add(out, "{\"terminated\":{\"exitCode\":%d,", end->exit_code);
	if (end->signo)
		text_add(out, "\"signal\":%d,", end->signo);
	text_add(out, "\"reason\":\"%s\"", notice_reason_name((enum notice_reason)end->reason));
	add_message(out, status, index, is_latest);
	if (end->reason != NOTICE_START_ERROR) {
		text_add(out, ",\"startedAt\":");
		add_time(out, status, end->started_at);
	}
	text_add(out, ",\"finishedAt\":");
	add_time(out, status, end->finished_at);
	text_add(out, "}}");
}

static void add_waiting(struct text *out, const struct podstatus *status,
	const struct process_spec *spec, const struct process *process)
{
	if (process->state == PROCESS_WAITING)
		text_add(out,
			"{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off "
			"%llds restarting failed container=%s\"}}",
			(long long)((process->deadline - process->last.finished_at) /
				NS_PER_SECOND),
			spec->name);
	else
		text_add(out, "{\"waiting\":{\"reason\":\"%s\"}}",
			status->spec->init_count ? "PodInitializing" : "ContainerCreating");
}

/* What Kubernetes has no field for. */
static void add_own(struct text *out, const struct podstatus *status, int index)
{
	const struct process_spec *spec = &status->spec->processes[index];
	bool runs = process_is_alive(&status->pod->processes[index]);
	const char *said = runs && status->said ? status->said(status->owner, index) : "";
	text_add(out, ",\"podinit\":{\"kind\":\"%s\"",
		process_kind_name((enum process_kind)spec->kind));
	const struct dependency *open = dependency_open(status->spec, status->pod, index);
	if (open)
		text_add(out, ",\"waitsFor\":\"%s:%s\"",
			status->spec->processes[open->process].name,
			dependency_condition_name((enum dependency_condition)open->condition));
	if (*said) {
		text_add(out, ",\"says\":");
		text_add_json(out, said);
	}
	text_add(out, "}");
}

static void add_process(struct text *out, const struct podstatus *status, int index)
{
	const struct process_spec *spec = &status->spec->processes[index];
	const struct process *process = &status->pod->processes[index];
	const struct termination *last = &process->last;
	bool is_latest = true;
	text_add(out, "{\"name\":\"%s\",\"state\":", spec->name);
	if (process_is_alive(process)) {
		text_add(out, "{\"running\":{\"startedAt\":");
		add_time(out, status, process->started_at);
		text_add(out, "}}");
	} else if ((process->state == PROCESS_EXITED || process->state == PROCESS_POST_STOP) &&
		last->exit_code >= 0) {
		add_terminated(out, status, index, true);
		last = &process->previous;
		is_latest = false;
	} else {
		add_waiting(out, status, spec, process);
	}
	text_add(out, ",\"lastState\":");
	if (last->exit_code >= 0)
		add_terminated(out, status, index, is_latest);
	else
		text_add(out, "{}");
	text_add(out,
		",\"ready\":%s,\"started\":%s,\"restartCount\":%d,\"image\":\"\","
		"\"imageID\":\"\"",
		process_is_ready(spec, process) ? "true" : "false",
		process_is_started(spec, process) ? "true" : "false",
		process_restart_count(process));
	if (process->pid)
		text_add(out, ",\"containerID\":\"podinit://%d\"", process->pid);
	add_own(out, status, index);
	text_add(out, "}");
}

size_t podstatus_piece_max(const struct pod_spec *spec)
{
	enum { ESCAPED = 6, MESSAGES = 2 }; /* "\u0001" at worst; the latest and the one before */
	size_t most = 0;
	for (int i = 0; i < spec->process_count && !most; i++) {
		if (spec_leaves_message(&spec->processes[i]))
			most = MESSAGES * ESCAPED * spec_message_max(spec);
	}
	return PODSTATUS_PIECE_MAX + most;
}

bool podstatus_piece(const struct podstatus *status, int piece, struct text *out)
{
	int index = piece - 1, count = status->pod->process_count;
	int init_count = status->spec->init_count;
	if (index > count)
		return false;
	if (index < 0)
		add_head(out, status);
	if (index == init_count)
		text_add(out, "],\"containerStatuses\":[");
	if (index >= 0 && index < count) {
		if (index != 0 && index != init_count)
			text_add(out, ",");
		add_process(out, status, index);
	}
	if (index == count)
		text_add(out, "]}\n");
	return true;
}
