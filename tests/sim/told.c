/* What the core tells against the facts of the model: each thing once, and truly. Must not decide
 * what is to be told: model.c does. */
#include "sim.h"

#define BIT(n) (UINT64_C(1) << (n))

static const char *name_of(const struct life *life, int index)
{
	return index < 0 ? "the pod" : life->spec.processes[index].name;
}

static void tells_phase(struct life *life, const struct notice *notice)
{
	struct model *model = &life->model;
	promise_looked_at(PROMISE_PHASE);
	enum pod_phase expected = model_phase(model, &life->spec);
	if (notice->phase == model->phase || notice->phase != expected)
		promise_broken(life, PROMISE_PHASE, "tells phase %s; it was %s and should be %s",
			notice->phase < PHASE_COUNT ? pod_phase_name((enum pod_phase)notice->phase)
						    : "?",
			pod_phase_name((enum pod_phase)model->phase), pod_phase_name(expected));
	model->phase = notice->phase;
}

/* Of an Unhealthy: which probe, or the watchdog; and what follows. */
static void expect_unhealthy(
	const struct model_process *process, struct notice *notice, bool by_probe)
{
	const struct model_probe *probe = &process->probes[notice->probe];
	notice->cause = by_probe ? probe->told_cause : STOP_WATCHDOG;
	notice->timed_out = by_probe && probe->told_timed_out;
	notice->pid = process->pid;
}

/* The notice that the facts make, where they decide it. `bit`: what it was owed as. */
static struct notice expected_notice(const struct life *life, const struct notice *told, int bit)
{
	const struct model_process *process = &life->model.processes[told->process];
	struct notice notice = *told;
	notice.restart_count = process->shown ? process->shown - 1 : 0;
	switch ((enum notice_reason)told->reason) {
	case NOTICE_STARTED:
	case NOTICE_ADOPTED:
	case NOTICE_RELOADING:
		notice.pid = process->pid;
		break;
	case NOTICE_COMPLETED:
	case NOTICE_ERROR:
	case NOTICE_OOM_KILLED:
		notice.pid = process->end_pid;
		notice.exit_code = (int16_t)process->end_code;
		notice.signo = (uint8_t)process->end_signo;
		notice.delay_ns = life->now - process->started_at;
		break;
	case NOTICE_START_ERROR:
		notice.pid = process->end_pid;
		notice.exit_code = 128;
		notice.spawn_error = process->end_error;
		break;
	case NOTICE_RESTART_ALL:
		notice.exit_code = (int16_t)process->end_code;
		break;
	case NOTICE_BACK_OFF:
		notice.delay_ns = process->restart_at - life->now;
		break;
	case NOTICE_KILLING:
		notice.restart_count = -1;
		notice.pid = process->pid;
		notice.cause = process->cause;
		if (bit == NOTICE_KILLING)
			notice.delay_ns = process->told_stop_by - life->now;
		break;
	case NOTICE_UNHEALTHY:
		expect_unhealthy(process, &notice, bit != NOTICE_UNHEALTHY);
		break;
	case NOTICE_RESTART_LIMIT:
		notice.count = process->row;
		break;
	case NOTICE_FAILED_PRE_STOP_HOOK:
	case NOTICE_FAILED_POST_STOP_HOOK:
		notice.timed_out = process->hook_overdue;
		break;
	case NOTICE_PROBE_WARNING:
	case NOTICE_PHASE:
	case NOTICE_SIGNAL:
	case NOTICE_ORPHAN:
	case NOTICE_FAILED_POST_START_HOOK:
	case NOTICE_FAILED_RELOAD_HOOK:
	case NOTICE_DEADLINE_EXCEEDED:
	case NOTICE_EVICTED:
	case NOTICE_STOPPING:
	case NOTICE_LEFTOVER:
	case NOTICE_REASON_COUNT:
		break;
	}
	return notice;
}

static bool same_notice(const struct notice *a, const struct notice *b)
{
	return a->pid == b->pid && a->exit_code == b->exit_code && a->signo == b->signo &&
		a->delay_ns == b->delay_ns && a->restart_count == b->restart_count &&
		a->cause == b->cause && a->count == b->count && a->timed_out == b->timed_out &&
		a->spawn_error.stage == b->spawn_error.stage &&
		a->spawn_error.item == b->spawn_error.item &&
		a->spawn_error.error == b->spawn_error.error;
}

/* Some notices announce what another promise is about. */
static enum promise promise_of(const struct notice *notice)
{
	if (notice->reason == NOTICE_BACK_OFF)
		return PROMISE_RESTARTS;
	if (notice->reason == NOTICE_KILLING || notice->reason == NOTICE_STOPPING)
		return PROMISE_STOP_ORDER;
	if (notice->reason == NOTICE_UNHEALTHY || notice->reason == NOTICE_PROBE_WARNING)
		return PROMISE_PROBES;
	if (notice->reason == NOTICE_RESTART_LIMIT)
		return PROMISE_RESTARTS;
	if (notice->reason == NOTICE_RESTART_ALL)
		return PROMISE_RESTART_ALL;
	return PROMISE_TOLD_ONCE;
}

/* What it may be owed as: more than one of a reason can be told in a step. */
static int bit_of(const struct debt *debt, const struct notice *notice)
{
	if (notice->reason == NOTICE_KILLING && debt->owed_notices & BIT(NOTICE_KILLED) &&
		notice->signo == SIGNAL_KILL && notice->delay_ns < 0)
		return NOTICE_KILLED;
	if (notice->probe < PROBE_COUNT && notice->reason == NOTICE_PROBE_WARNING)
		return NOTICE_WARNING_PROBE + notice->probe;
	if (notice->probe < PROBE_COUNT && notice->reason == NOTICE_UNHEALTHY &&
		notice->cause != STOP_WATCHDOG)
		return NOTICE_UNHEALTHY_PROBE + notice->probe;
	return notice->reason;
}

void notice_check(struct life *life, const struct notice *notice)
{
	if (notice->reason >= NOTICE_REASON_COUNT || notice->process < -1 ||
		notice->process >= life->model.process_count)
		promise_broken(life, PROMISE_TOLD_ONCE, "an impossible notice");
	if (notice->reason == NOTICE_PHASE) {
		tells_phase(life, notice);
		return;
	}
	int index = notice->process;
	struct debt *debt = index < 0 ? &life->model.debt : &life->model.processes[index].debt;
	int which = bit_of(debt, notice);
	uint64_t bit = BIT(which);
	promise_looked_at(PROMISE_TOLD_ONCE);
	if (!((debt->owed_notices | debt->may_notices) & bit))
		promise_broken(life, promise_of(notice), "tells %s of %s without reason, or twice",
			notice_reason_name((enum notice_reason)notice->reason),
			name_of(life, index));
	debt->owed_notices &= ~bit;
	debt->may_notices &= ~bit;
	if (index < 0) {
		if (notice->cause != life->model.cause)
			promise_broken(life, PROMISE_TOLD_ONCE, "tells the wrong cause");
		if (notice->reason == NOTICE_EVICTED && notice->count != life->model.evicted_volume)
			promise_broken(life, PROMISE_TOLD_ONCE, "tells the wrong volume");
		return;
	}
	struct notice expected = expected_notice(life, notice, which);
	if (same_notice(notice, &expected))
		return;
	promise_broken(life,
		notice->restart_count != expected.restart_count ? PROMISE_ONE_INSTANCE
								: promise_of(notice),
		"tells %s of %s with pid %d exit %d signal %d delay %.9f restarts %d, should be "
		"pid %d exit %d signal %d delay %.9f restarts %d",
		notice_reason_name((enum notice_reason)notice->reason), name_of(life, index),
		notice->pid, notice->exit_code, notice->signo, (double)notice->delay_ns / 1e9,
		notice->restart_count, expected.pid, expected.exit_code, expected.signo,
		(double)expected.delay_ns / 1e9, expected.restart_count);
}
