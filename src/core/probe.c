/* The worker of a probe: when an attempt is made, and what its result means once enough of them agree. One
 * worker per probe, one attempt at a time (the kubelet's prober/worker.go). Must not decide what follows from a
 * result: process.c does. */
#include "step.h"

enum { TRIES_MAX = 3 }; /* attempts in a row that podinit itself could not make */

struct probe *pod_probe(struct pod *pod, const struct probe_spec *probe)
{
	struct probe *probes = (struct probe *)&pod->processes[pod->process_count];
	return &probes[probe->index];
}

static const struct probe_spec *spec_of(const struct step *step, int index, int type)
{
	return step->spec->processes[index].probes[type];
}

static void cancel(struct step *step, int index, int type, struct probe *probe)
{
	if (probe->fails_at == NEVER)
		return;
	probe->fails_at = NEVER;
	step_add(step, ACT_CANCEL_PROBE, index)->probe = (uint8_t)type;
}

/* No further attempt, and the one that is made does not count. */
static void hold(struct step *step, int index, int type)
{
	const struct probe_spec *spec = spec_of(step, index, type);
	if (!spec)
		return;
	struct probe *probe = pod_probe(step->pod, spec);
	cancel(step, index, type, probe);
	probe->due = NEVER;
}

void probes_begin(struct step *step, int index)
{
	int64_t begin = step->pod->processes[index].started_at;
	for (int type = 0; type < PROBE_COUNT; type++) {
		const struct probe_spec *spec = spec_of(step, index, type);
		if (!spec)
			continue;
		/* The others wait until it is Started. */
		int64_t due =
			type == PROBE_STARTUP ? time_after(begin, spec->initial_delay_ns) : NEVER;
		struct probe *probe = pod_probe(step->pod, spec);
		*probe = (struct probe){
			.due = due,
			.fails_at = NEVER,
			.process = index,
			.attempt = probe->attempt,
			.type = (uint8_t)type,
		};
	}
}

void probes_init(struct pod *pod, const struct pod_spec *spec)
{
	for (int i = 0; i < pod->process_count; i++) {
		for (int type = 0; type < PROBE_COUNT; type++) {
			const struct probe_spec *probe = spec->processes[i].probes[type];
			if (probe)
				*pod_probe(pod, probe) = (struct probe){
					.due = NEVER,
					.fails_at = NEVER,
					.process = i,
					.type = (uint8_t)type,
				};
		}
	}
}

/* The first of begin, begin + period, ... that is not over. */
static int64_t next_on_grid(int64_t begin, int64_t period, int64_t now)
{
	if (begin >= now)
		return begin;
	int64_t late = (now - begin) % period;
	return late ? time_after(now, period - late) : now;
}

/* Initial delays count from the start of the process, whatever came between. Readiness is asked at once;
 * liveness goes on in its own rhythm. */
static int64_t first_attempt(const struct step *step, int index, int type)
{
	const struct probe_spec *spec = spec_of(step, index, type);
	int64_t begin = step->pod->processes[index].started_at;
	int64_t first = time_after(begin, spec->initial_delay_ns);
	if (type == PROBE_LIVENESS)
		first = next_on_grid(first, spec->period_ns, step->now);
	return first > step->now ? first : step->now;
}

void probes_unlock(struct step *step, int index)
{
	hold(step, index, PROBE_STARTUP);
	for (int type = PROBE_LIVENESS; type < PROBE_COUNT; type++) {
		const struct probe_spec *spec = spec_of(step, index, type);
		if (spec)
			pod_probe(step->pod, spec)->due = first_attempt(step, index, type);
	}
}

void probe_renew(struct step *step, int index, enum probe_type type)
{
	const struct process *process = &step->pod->processes[index];
	struct probe *probe = pod_probe(step->pod, spec_of(step, index, type));
	bool counts = process_is_alive(process) && process->state != PROCESS_FORKING &&
		(type == PROBE_READINESS || !process->stop_cause);
	bool is_its_time = type == PROBE_STARTUP ? !process->startup_done : process->is_started;
	*probe = (struct probe){
		.due = counts && is_its_time ? first_attempt(step, index, type) : NEVER,
		.fails_at = NEVER,
		.process = index,
		.attempt = probe->attempt,
		.type = (uint8_t)type,
	};
}

void probes_hold(struct step *step, int index)
{
	hold(step, index, PROBE_STARTUP);
	hold(step, index, PROBE_LIVENESS);
}

void probes_end(struct step *step, int index)
{
	for (int type = 0; type < PROBE_COUNT; type++)
		hold(step, index, type);
}

static void attempt(struct step *step, int index, int type)
{
	const struct probe_spec *spec = spec_of(step, index, type);
	struct probe *probe = pod_probe(step->pod, spec);
	probe->attempt++;
	probe->fails_at = time_after(step->now, spec->timeout_ns);
	struct action *action = step_add(step, ACT_PROBE, index);
	action->probe = (uint8_t)type;
	action->attempt = probe->attempt;
}

/* `counts`: it has consequences. */
static void tell_failure(struct step *step, int index, int type, bool timed_out, bool counts)
{
	static const uint8_t causes[PROBE_COUNT] = {
		[PROBE_STARTUP] = STOP_STARTUP_PROBE, [PROBE_LIVENESS] = STOP_LIVENESS_PROBE};
	struct notice notice = process_notice(step, index, NOTICE_UNHEALTHY);
	notice.probe = (uint8_t)type;
	notice.timed_out = timed_out;
	notice.cause = counts ? causes[type] : STOP_NONE;
	step_tell(step, &notice);
}

static void tell_warning(struct step *step, int index, int type)
{
	struct notice notice = process_notice(step, index, NOTICE_PROBE_WARNING);
	notice.probe = (uint8_t)type;
	step_tell(step, &notice);
}

/* Told when it is news: at first, and when it has consequences. */
static void count_result(
	struct step *step, int index, int type, enum probe_result result, bool timed_out)
{
	const struct probe_spec *spec = spec_of(step, index, type);
	struct probe *probe = pod_probe(step->pod, spec);
	bool success = result != PROBE_FAILURE;
	int32_t threshold = success ? spec->success_threshold : spec->failure_threshold;
	bool same = probe->last != PROBE_NO_RESULT && (probe->last != PROBE_FAILURE) == success;
	bool is_news = probe->last != result;
	probe->tries = 0;
	probe->last = (uint8_t)result;
	if (!same)
		probe->results = 0;
	if (probe->results < INT32_MAX)
		probe->results++;
	bool counts = probe->results >= threshold;
	is_news |= probe->results == threshold && !success;
	if (is_news && result == PROBE_FAILURE)
		tell_failure(step, index, type, timed_out, counts);
	else if (is_news && result == PROBE_WARNING)
		tell_warning(step, index, type);
	if (!counts)
		return;
	if (type == PROBE_STARTUP || (type == PROBE_LIVENESS && !success))
		probe->due = NEVER; /* until the next instance */
	process_probed(step, index, (enum probe_type)type, success);
}

void probe_answered(struct step *step, int index, const struct event *event)
{
	const struct probe_spec *spec =
		event->probe < PROBE_COUNT ? spec_of(step, index, event->probe) : NULL;
	if (!spec || event->result == PROBE_NO_RESULT || event->result > PROBE_ERROR) {
		step->pod->unexpected++;
		return;
	}
	struct probe *probe = pod_probe(step->pod, spec);
	if (probe->fails_at == NEVER || probe->attempt != event->attempt)
		return; /* it was dropped meanwhile */
	probe->fails_at = NEVER;
	if (event->result != PROBE_ERROR)
		count_result(step, index, event->probe, (enum probe_result)event->result, false);
	else if (++probe->tries < TRIES_MAX)
		attempt(step, index, event->probe);
	else
		probe->tries = 0;
}

static void run(struct step *step, struct probe *probe)
{
	int index = probe->process, type = probe->type;
	const struct probe_spec *spec = spec_of(step, index, type);
	if (probe->fails_at <= step->now) {
		cancel(step, index, type, probe);
		count_result(step, index, type, PROBE_FAILURE, true);
	}
	if (probe->fails_at != NEVER || probe->due > step->now)
		return;
	/* In its rhythm; what was missed meanwhile is not made up for. */
	int64_t late = (step->now - probe->due) % spec->period_ns;
	probe->due = time_after(step->now, spec->period_ns - late);
	attempt(step, index, type);
}

/* While an attempt is made, no other one begins. */
static int64_t deadline_of(const struct probe *probe)
{
	return probe->fails_at != NEVER ? probe->fails_at : probe->due;
}

/* Behind the processes: there may be thousands, so they are walked without looking at anything else. */
static const struct probe *all_of(const struct pod *pod)
{
	return (const struct probe *)&pod->processes[pod->process_count];
}

void probes_run(struct step *step)
{
	struct probe *probes = (struct probe *)all_of(step->pod);
	for (int i = 0; i < step->pod->probe_count; i++) {
		if (deadline_of(&probes[i]) <= step->now)
			run(step, &probes[i]);
	}
}

int64_t probes_next_deadline(const struct pod *pod)
{
	const struct probe *probes = all_of(pod);
	int64_t next = NEVER;
	for (int i = 0; i < pod->probe_count; i++) {
		int64_t deadline = deadline_of(&probes[i]);
		if (deadline < next)
			next = deadline;
	}
	return next;
}
