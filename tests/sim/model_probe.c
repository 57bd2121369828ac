/* The model: the probes of one process. One attempt at a time, in the
 * rhythm of its period; the thresholds count equal results in a row. Like model.c it must not ask
 * the core. */
#include "model.h"

static struct model_probe *probe_of(struct life *life, int index, int type)
{
	return &life->model.processes[index].probes[type];
}

static const struct probe_spec *probe_spec_of(const struct life *life, int index, int type)
{
	return spec_of(life, index)->probes[type];
}

/* No attempt any more; the one that is made does not matter. */
void model_probe_drop(struct life *life, int index, int type)
{
	struct model_probe *probe = probe_of(life, index, type);
	if (probe->fails_at != NEVER)
		owe(&life->model.processes[index].debt, OWE_CANCEL_PROBE + type);
	probe->fails_at = probe->due = NEVER;
}

static void forget_results(struct model_probe *probe)
{
	probe->due = probe->fails_at = NEVER;
	probe->row = probe->tries = 0;
	probe->last = PROBE_NO_RESULT;
}

/* The initial delay counts from the start of the process. Liveness keeps the rhythm that begins
 * then. */
static int64_t first_time(const struct life *life, int index, int type)
{
	const struct probe_spec *spec = probe_spec_of(life, index, type);
	int64_t first = later_by(life->model.processes[index].started_at, spec->initial_delay_ns);
	if (type != PROBE_LIVENESS || first >= life->now)
		return most(first, life->now);
	int64_t periods = (life->now - first + spec->period_ns - 1) / spec->period_ns;
	return first + periods * spec->period_ns;
}

void model_probes_begin(struct life *life, int index)
{
	for (int type = 0; type < PROBE_COUNT; type++) {
		if (probe_spec_of(life, index, type))
			forget_results(probe_of(life, index, type));
	}
	/* Not most(first, now): one that is due already is made up for in its rhythm. */
	if (probe_spec_of(life, index, PROBE_STARTUP))
		probe_of(life, index, PROBE_STARTUP)->due =
			later_by(life->model.processes[index].started_at,
				probe_spec_of(life, index, PROBE_STARTUP)->initial_delay_ns);
}

void model_probes_unlock(struct life *life, int index)
{
	model_probe_drop(life, index, PROBE_STARTUP);
	for (int type = PROBE_LIVENESS; type <= PROBE_READINESS; type++) {
		if (probe_spec_of(life, index, type))
			probe_of(life, index, type)->due = first_time(life, index, type);
	}
}

/* It is another one from now on. */
void model_probe_renew(struct life *life, int index, int type)
{
	const struct model_process *process = &life->model.processes[index];
	struct model_probe *probe = probe_of(life, index, type);
	bool runs = process->alive && !process->forking && !process->looking &&
		(type == PROBE_READINESS || !process->stopping);
	forget_results(probe);
	if (runs && (type == PROBE_STARTUP ? !process->startup_ok : process->was_started))
		probe->due = first_time(life, index, type);
}

static void attempt(struct life *life, int index, int type)
{
	struct model_probe *probe = probe_of(life, index, type);
	life->model.moved = true;
	probe->attempt++;
	probe->fails_at = later_by(life->now, probe_spec_of(life, index, type)->timeout_ns);
	owe(&life->model.processes[index].debt, OWE_PROBE + type);
}

/* Past its threshold. */
static void has_failed(struct life *life, int index, int type)
{
	struct model_process *process = &life->model.processes[index];
	int64_t grace = probe_spec_of(life, index, type)->grace_ns;
	if (type == PROBE_READINESS) {
		process->ready_ok = false;
		return;
	}
	process->probes[type].due = NEVER;
	promise_looked_at(PROMISE_PROBES);
	model_stop(life, index, type == PROBE_STARTUP ? STOP_STARTUP_PROBE : STOP_LIVENESS_PROBE,
		later_by(life->now, grace >= 0 ? grace : life->spec.grace_ns));
}

static void has_succeeded(struct life *life, int index, int type)
{
	struct model_process *process = &life->model.processes[index];
	process->ready_ok |= type == PROBE_READINESS;
	if (type != PROBE_STARTUP)
		return;
	process->startup_ok = true;
	process->probes[type].due = NEVER;
}

/* A failure is told when it is the first one, and when it has consequences; a warning when it is
 * the first. */
static void count(struct life *life, int index, int type, enum probe_result result, bool timed_out)
{
	static const uint8_t causes[] = {STOP_STARTUP_PROBE, STOP_LIVENESS_PROBE, STOP_NONE};
	const struct probe_spec *spec = probe_spec_of(life, index, type);
	struct model_process *process = &life->model.processes[index];
	struct model_probe *probe = &process->probes[type];
	bool is_good = result != PROBE_FAILURE, is_other = probe->last != result;
	bool is_same = probe->last != PROBE_NO_RESULT && (probe->last != PROBE_FAILURE) == is_good;
	int threshold = is_good ? spec->success_threshold : spec->failure_threshold;
	probe->row = is_same ? probe->row + 1 : 1;
	probe->tries = 0;
	probe->last = (uint8_t)result;
	probe->told_timed_out = timed_out;
	probe->told_cause = probe->row >= threshold ? causes[type] : STOP_NONE;
	if (!is_good && (is_other || probe->row == threshold))
		owe_notice(&process->debt, NOTICE_UNHEALTHY_PROBE + type);
	if (result == PROBE_WARNING && is_other)
		owe_notice(&process->debt, NOTICE_WARNING_PROBE + type);
	life->model.moved = true;
	if (probe->row < threshold)
		return;
	if (is_good)
		has_succeeded(life, index, type);
	else
		has_failed(life, index, type);
}

void model_probe_answered(struct life *life, int index, const struct event *event)
{
	enum { TRIES = 3 };
	struct model_probe *probe = probe_of(life, index, event->probe);
	probe->fails_at = NEVER;
	if (event->result != PROBE_ERROR) {
		count(life, index, event->probe, (enum probe_result)event->result, false);
	} else if (++probe->tries == TRIES) {
		probe->tries = 0; /* not before its time */
	} else {
		attempt(life, index, event->probe);
	}
}

void model_probes_run(struct life *life, int index)
{
	for (int type = 0; type < PROBE_COUNT; type++) {
		const struct probe_spec *spec = probe_spec_of(life, index, type);
		struct model_probe *probe = probe_of(life, index, type);
		if (spec && probe->fails_at <= life->now) {
			owe(&life->model.processes[index].debt, OWE_CANCEL_PROBE + type);
			probe->fails_at = NEVER;
			count(life, index, type, PROBE_FAILURE, true);
		}
		if (!spec || probe->fails_at != NEVER || probe->due > life->now)
			continue;
		/* What was missed is not made up for, and does not move the rhythm. */
		int64_t missed = (life->now - probe->due) / spec->period_ns;
		probe->due = later_by(probe->due, (missed + 1) * spec->period_ns);
		attempt(life, index, type);
	}
}
