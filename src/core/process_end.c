/* How one process ends: told to stop, by itself, or never begun; and whether it comes back. Must not look at
 * other processes. */
#include "process.h"
#include "restart.h"

#define MINIMUM_GRACE_NS (2 * NS_PER_SECOND) /* the kubelet's minimumGracePeriodInSeconds */

/* An entrypoint's user may have meant another one. */
uint8_t process_stop_signal(const struct step *step, int index)
{
	return step->pod->stop_signo ? step->pod->stop_signo
				     : (uint8_t)process_spec_of(step, index)->stop_signal;
}

/* --- ended --- */

static bool is_all_again(const struct step *step, int index)
{
	return step->pod->processes[index].all_again && !step->pod->stopping;
}

/* By chance, between 0 and 2^32: always the same for the same instance of the same pod. */
static uint32_t chance_of(const struct step *step, int index)
{
	uint32_t x = step->pod->seed ^ (uint32_t)index * 0x9e3779b9u ^
		(uint32_t)step->pod->processes[index].instances * 0x85ebca6bu;
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	x *= 0x846ca68bu;
	return x ^ x >> 16;
}

static void wait_for_restart(struct step *step, int index)
{
	const struct process_spec *spec = process_spec_of(step, index);
	struct process *process = &step->pod->processes[index];
	if (process->stop_cause == STOP_CHANGED) {
		/* It is another one: its crashes are not those of the one before. */
		process->backoff_since = -1;
		process->restarts = 0;
	}
	int64_t at = restart_time(spec, process);
	int64_t delay = at > process->last.finished_at ? at - process->last.finished_at : 0;
	double share =
		(double)spec->lifecycle->jitter_percent / 100 * chance_of(step, index) / UINT32_MAX;
	at = time_after(at, (int64_t)((double)delay * share));
	process_set_state(process, PROCESS_WAITING, at);
	if (at > step->now) {
		struct notice notice = process_notice(step, index, NOTICE_BACK_OFF);
		notice.delay_ns = at - step->now;
		step_tell(step, &notice);
	}
}

/* What it left would be in the way of whatever follows. */
static void kill_left(struct step *step, int index)
{
	if (step->pod->processes[index].last.reason != NOTICE_START_ERROR)
		step_add(step, ACT_KILL_TREE, index)->all = true;
}

void process_settle(struct step *step, int index)
{
	const struct process_spec *spec = process_spec_of(step, index);
	struct process *process = &step->pod->processes[index];
	/* Of those that all start again none does so by itself. */
	bool ends = step->pod->stopping || step->pod->restart_all_at != NEVER || process->leaving;
	enum restart_decision decision =
		ends ? RESTART_NOT : restart_decide(step->spec, spec, process);
	if (decision == RESTART_LIMITED) {
		struct notice notice = process_notice(step, index, NOTICE_RESTART_LIMIT);
		notice.count = process->restarts;
		step_tell(step, &notice);
	}
	process->all_again |= decision == RESTART_EVERYTHING;
	if (decision == RESTART_IT || is_all_again(step, index))
		kill_left(step, index);
	if (decision == RESTART_IT)
		wait_for_restart(step, index);
	else
		process_set_state(process, PROCESS_EXITED, NEVER);
}

/* Its time was over; why a hook fails by itself, it says itself. */
static void tell_overdue(struct step *step, int index, enum notice_reason reason)
{
	struct notice notice = process_notice(step, index, reason);
	notice.timed_out = true;
	step_tell(step, &notice);
}

/* Its postStop hook comes first; at the end of the pod it has until all must be gone. */
static void end(struct step *step, int index)
{
	struct process *process = &step->pod->processes[index];
	if (!process_spec_of(step, index)->lifecycle->hooks[HOOK_POST_STOP]) {
		process_settle(step, index);
		return;
	}
	int64_t until = time_after(step->now, step->spec->grace_ns);
	int64_t latest = time_after(step->pod->stop_by, MINIMUM_GRACE_NS);
	if (step->pod->stopping && until > latest)
		until = latest;
	if (!step->pod->stopping)
		kill_left(step, index);
	process_set_state(process, PROCESS_POST_STOP, until);
	process_run_hook(step, index, HOOK_POST_STOP);
}

void process_post_stop_done(struct step *step, int index, const struct event *event)
{
	if (event->hook != HOOK_POST_STOP)
		return; /* of its life before */
	if (!event->success)
		process_tell(step, index, NOTICE_FAILED_POST_STOP_HOOK);
	process_settle(step, index);
}

void process_post_stop_over(struct step *step, int index, const struct event *event)
{
	(void)event;
	process_cancel_hook(step, index, HOOK_POST_STOP);
	tell_overdue(step, index, NOTICE_FAILED_POST_STOP_HOOK);
	process_settle(step, index);
}

static struct termination termination_of(const struct process_spec *spec, const struct event *event,
	const struct process *process, int64_t now)
{
	struct termination end = {
		.started_at = process->started_at,
		.finished_at = now,
		.exit_code = event->signo ? 128 + event->signo : event->exit_code,
		.signo = event->signo,
		.reason = NOTICE_ERROR,
	};
	if (event->oom)
		end.reason = NOTICE_OOM_KILLED;
	else if (exit_code_is_success(spec->lifecycle, end.exit_code))
		end.reason = NOTICE_COMPLETED;
	return end;
}

void process_exited(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	if (event->pid != process->pid) {
		step->pod->unexpected++;
		return;
	}
	if (process->reloading)
		process_cancel_hook(step, index, HOOK_RELOAD);
	probes_end(step, index);
	process->previous = process->last;
	process->last = termination_of(process_spec_of(step, index), event, process, step->now);
	struct notice notice =
		process_notice(step, index, (enum notice_reason)process->last.reason);
	notice.exit_code = (int16_t)process->last.exit_code;
	notice.signo = (uint8_t)process->last.signo;
	notice.delay_ns = step->now - process->started_at;
	step_tell(step, &notice);
	/* Its group gets the stop signal that only it got, and the rest of the grace. A group
	 * that had it already is left alone: to many programs a second one means "at once". */
	if (step->pod->stopping && !process->group_signalled) {
		struct action *action = step_add(step, ACT_SIGNAL, index);
		action->signo = process_stop_signal(step, index);
		action->group = true;
		process->group_signalled = true;
	}
	end(step, index);
}

void process_exited_in_hook(struct step *step, int index, const struct event *event)
{
	const struct process *process = &step->pod->processes[index];
	if (event->pid == process->pid)
		process_cancel_hook(step, index,
			process->state == PROCESS_STARTING ? HOOK_POST_START : HOOK_PRE_STOP);
	process_exited(step, index, event);
}

void process_set_start_error(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	process->previous = process->last;
	process->last = (struct termination){
		.started_at = -1,
		.finished_at = step->now,
		.spawn_error = event->spawn_error,
		.exit_code = 128,
		.reason = NOTICE_START_ERROR,
	};
	struct notice notice = process_notice(step, index, NOTICE_START_ERROR);
	notice.exit_code = 128;
	notice.pid = event->pid;
	notice.spawn_error = event->spawn_error;
	step_tell(step, &notice);
}

void process_start_failed(struct step *step, int index, const struct event *event)
{
	process_set_start_error(step, index, event);
	process_settle(step, index);
}

void process_withdraw(struct step *step, int index)
{
	struct process *process = &step->pod->processes[index];
	process->instances--;
	process_set_state(process, process->instances ? PROCESS_EXITED : PROCESS_NONE, NEVER);
}

/* Given up in time. (Or it failed by itself just then.) */
void process_aborted(struct step *step, int index, const struct event *event)
{
	if (event->spawn_error.stage == STAGE_ABORTED)
		process_withdraw(step, index);
	else
		process_start_failed(step, index, event);
}

/* --- told to stop --- */

static void kill_tree(struct step *step, int index)
{
	struct notice notice = process_notice(step, index, NOTICE_KILLING);
	notice.restart_count = -1;
	notice.signo = 9;
	notice.cause = step->pod->processes[index].stop_cause;
	step_tell(step, &notice);
	step_add(step, ACT_KILL_TREE, index)->all = !step->pod->stopping;
}

void process_kill_now(struct step *step, int index, const struct event *event)
{
	(void)event;
	kill_tree(step, index);
	process_set_state(&step->pod->processes[index], PROCESS_KILLED, NEVER);
}

/* The stop signal; SIGKILL at stop_by, but not before two seconds are over. */
static void send_stop_signal(struct step *step, int index, int64_t stop_by)
{
	struct process *process = &step->pod->processes[index];
	int64_t soonest = time_after(step->now, MINIMUM_GRACE_NS);
	struct action *action = step_add(step, ACT_SIGNAL, index);
	action->signo = process_stop_signal(step, index);
	/* An entrypoint's signals go to its group, unless its user does not want that. */
	action->group = step->spec->entrypoint && !step->spec->single_child;
	process->group_signalled |= action->group;
	process_set_state(process, PROCESS_STOPPING, stop_by > soonest ? stop_by : soonest);
}

/* preStop is over or was not there: the order of the end, if there is one, rules now. */
static void after_pre_stop(struct step *step, int index, int64_t stop_by)
{
	const struct process_spec *spec = process_spec_of(step, index);
	struct process *process = &step->pod->processes[index];
	bool ordered = step->pod->stopping || process->leaving;
	bool waits = ordered && (spec->kind == KIND_SIDECAR || spec->is_depended_on);
	if (waits && stop_by > step->now)
		process_set_state(process, PROCESS_TURN, stop_by);
	else
		send_stop_signal(step, index, stop_by);
}

void process_begin_stop(struct step *step, int index, enum stop_cause cause, int64_t stop_by)
{
	const struct process_spec *spec = process_spec_of(step, index);
	struct process *process = &step->pod->processes[index];
	int64_t soonest = time_after(step->now, MINIMUM_GRACE_NS);
	process->stop_cause = (uint8_t)cause;
	struct notice notice = process_notice(step, index, NOTICE_KILLING);
	notice.restart_count = -1;
	notice.signo = process_stop_signal(step, index);
	notice.cause = (uint8_t)cause;
	notice.delay_ns = (stop_by > soonest ? stop_by : soonest) - step->now;
	step_tell(step, &notice);
	probes_hold(step, index);
	process->reload_wanted = false;
	if (process->state == PROCESS_STARTING)
		process_cancel_hook(step, index, HOOK_POST_START);
	if (process->reloading)
		process_cancel_hook(step, index, HOOK_RELOAD);
	process->reloading = false;
	if (spec->lifecycle->hooks[HOOK_PRE_STOP] && stop_by > step->now) {
		process_run_hook(step, index, HOOK_PRE_STOP);
		process_set_state(process, PROCESS_PRE_STOP, stop_by);
	} else {
		after_pre_stop(step, index, stop_by);
	}
}

/* A daemon whose program has ended, and which is not known: whatever it left is killed. */
static void stop_forking(struct step *step, int index, enum stop_cause cause)
{
	struct process *process = &step->pod->processes[index];
	const struct event event = {.process = index};
	process->stop_cause = (uint8_t)cause;
	step_add(step, ACT_CANCEL_ADOPT, index);
	step_add(step, ACT_KILL_TREE, index)->all = true;
	process_exited(step, index, &event); /* as its program did: with 0 */
}

void process_stop(struct step *step, int index, enum stop_cause cause, int64_t stop_by)
{
	struct process *process = &step->pod->processes[index];
	switch ((enum process_state)process->state) {
	case PROCESS_WAITING:
		/* Its latest end was its last. */
		process_set_state(process, PROCESS_EXITED, NEVER);
		break;
	case PROCESS_PRE_START:
		process_cancel_hook(step, index, HOOK_PRE_START);
		process_withdraw(step, index);
		break;
	case PROCESS_SPAWNING:
		process->stop_cause = (uint8_t)cause;
		step_add(step, ACT_ABORT, index);
		process_set_state(process, PROCESS_ABORTING, NEVER);
		break;
	case PROCESS_FORKING:
		if (process->pid)
			process_begin_stop(step, index, cause, stop_by);
		else
			stop_forking(step, index, cause);
		break;
	case PROCESS_STARTING:
	case PROCESS_RUNNING:
		process_begin_stop(step, index, cause, stop_by);
		break;
	case PROCESS_PRE_STOP:
	case PROCESS_TURN:
	case PROCESS_STOPPING:
	case PROCESS_POST_STOP:
		process_hurry(step, index, stop_by);
		break;
	case PROCESS_NONE:
	case PROCESS_ABORTING:
	case PROCESS_KILLED:
	case PROCESS_EXITED:
	case PROCESS_STATE_COUNT:
		break;
	}
}

void process_hurry(struct step *step, int index, int64_t stop_by)
{
	struct process *process = &step->pod->processes[index];
	int64_t soonest = time_after(step->now, MINIMUM_GRACE_NS);
	if (process->state == PROCESS_STOPPING && stop_by < soonest)
		stop_by = soonest;
	else if (process->state == PROCESS_POST_STOP)
		stop_by = time_after(stop_by, MINIMUM_GRACE_NS);
	else if (process->state != PROCESS_PRE_STOP && process->state != PROCESS_TURN &&
		process->state != PROCESS_STOPPING)
		return;
	if (stop_by < process->deadline)
		process->deadline = stop_by;
}

void process_skip_pre_stop(struct step *step, int index)
{
	process_cancel_hook(step, index, HOOK_PRE_STOP);
	after_pre_stop(step, index, step->pod->processes[index].deadline);
}

void process_take_turn(struct step *step, int index)
{
	send_stop_signal(step, index, step->pod->processes[index].deadline);
}

void process_pre_stop_done(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	if (event->hook != HOOK_PRE_STOP) {
		step->pod->unexpected++;
		return;
	}
	if (!event->success)
		process_tell(step, index, NOTICE_FAILED_PRE_STOP_HOOK);
	after_pre_stop(step, index, process->deadline);
}

void process_pre_stop_over(struct step *step, int index, const struct event *event)
{
	(void)event;
	process_cancel_hook(step, index, HOOK_PRE_STOP);
	tell_overdue(step, index, NOTICE_FAILED_PRE_STOP_HOOK);
	send_stop_signal(step, index, step->now);
}

void process_turn_over(struct step *step, int index, const struct event *event)
{
	(void)event;
	send_stop_signal(step, index, step->now);
}
