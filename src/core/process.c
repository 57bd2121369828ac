/* The life of one process: a table of states and events. Must not look at other processes: what
 * depends on them is pod.c's and stop.c's. */
#include "restart.h"
#include "step.h"

#define MINIMUM_GRACE_NS (2 * NS_PER_SECOND) /* the kubelet's minimumGracePeriodInSeconds */

int64_t time_after(int64_t now, int64_t delay)
{
	int64_t sum;
	return __builtin_add_overflow(now, delay, &sum) ? NEVER : sum;
}

static const struct process_spec *spec_of(const struct step *step, int index)
{
	return &step->spec->processes[index];
}

/* The one place where a state changes. A state without a deadline clears it. */
static void process_set_state(struct process *process, enum process_state state, int64_t deadline)
{
	process->state = (uint8_t)state;
	process->deadline = deadline;
	if (!process_is_alive(process)) {
		process->pid = 0;
		process->post_start_done = false;
		process->startup_done = false;
		process->ready = false;
	}
}

bool process_is_settled(const struct process *process)
{
	return process->state == PROCESS_NONE || process->state == PROCESS_EXITED;
}

static void tell(struct step *step, int index, enum notice_reason reason)
{
	const struct process *process = &step->pod->processes[index];
	struct notice notice = notice_of(reason, index);
	notice.pid = process->pid;
	notice.restart_count = process_restart_count(process);
	step_tell(step, &notice);
}

/* An entrypoint's user may have meant another one. */
static uint8_t stop_signal_of(const struct step *step, int index)
{
	return step->pod->stop_signo ? step->pod->stop_signo
				     : (uint8_t)spec_of(step, index)->stop_signal;
}

/* --- starting --- */

static void spawn(struct step *step, int index)
{
	struct process *process = &step->pod->processes[index];
	process->instances++;
	process->stop_cause = STOP_NONE;
	process->group_signalled = false;
	process_set_state(process, PROCESS_SPAWNING, NEVER);
	step_add(step, ACT_SPAWN, index);
}

void process_start(struct step *step, int index)
{
	spawn(step, index);
}

/* --- ending --- */

/* The instance is over; `process->last` says how. */
static void settle(struct step *step, int index)
{
	const struct process_spec *spec = spec_of(step, index);
	struct process *process = &step->pod->processes[index];
	if (step->pod->stopping || !restart_is_due(step->spec, spec, process)) {
		process_set_state(process, PROCESS_EXITED, NEVER);
		return;
	}
	int64_t at = restart_time(spec, process);
	/* What it left would be in the way of the next instance. */
	if (process->last.reason != NOTICE_START_ERROR)
		step_add(step, ACT_KILL_TREE, index)->all = true;
	process_set_state(process, PROCESS_WAITING, at);
	if (at > step->now) {
		struct notice notice = notice_of(NOTICE_BACK_OFF, index);
		notice.restart_count = process_restart_count(process);
		notice.delay_ns = at - step->now;
		step_tell(step, &notice);
	}
}

static struct termination termination_of(
	const struct event *event, const struct process *process, int64_t now)
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
	else if (end.exit_code == 0)
		end.reason = NOTICE_COMPLETED;
	return end;
}

static void exited(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	if (event->pid != process->pid) {
		step->pod->unexpected++;
		return;
	}
	process->previous = process->last;
	process->last = termination_of(event, process, step->now);
	struct notice notice = notice_of((enum notice_reason)process->last.reason, index);
	notice.pid = process->pid;
	notice.restart_count = process_restart_count(process);
	notice.exit_code = (int16_t)process->last.exit_code;
	notice.signo = (uint8_t)process->last.signo;
	notice.delay_ns = step->now - process->started_at;
	step_tell(step, &notice);
	/* Its group gets the stop signal that only it got, and the rest of the grace. A group
	 * that had it already is left alone: to many programs a second one means "at once". */
	if (step->pod->stopping && !process->group_signalled) {
		struct action *action = step_add(step, ACT_SIGNAL, index);
		action->signo = stop_signal_of(step, index);
		action->group = true;
		process->group_signalled = true;
	}
	settle(step, index);
}

static void spawn_failed(struct step *step, int index, const struct event *event)
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
	struct notice notice = notice_of(NOTICE_START_ERROR, index);
	notice.restart_count = process_restart_count(process);
	notice.exit_code = 128;
	notice.pid = event->pid;
	notice.spawn_error = event->spawn_error;
	step_tell(step, &notice);
	settle(step, index);
}

/* Given up in time: as if this instance had not been tried. (Or it failed by itself just then.) */
static void aborted(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	if (event->spawn_error.stage != STAGE_ABORTED) {
		spawn_failed(step, index, event);
		return;
	}
	process->instances--;
	process_set_state(process, process->instances ? PROCESS_EXITED : PROCESS_NONE, NEVER);
}

/* --- stopping --- */

static void kill_tree(struct step *step, int index)
{
	struct notice notice = notice_of(NOTICE_KILLING, index);
	notice.pid = step->pod->processes[index].pid;
	notice.signo = 9;
	notice.cause = step->pod->processes[index].stop_cause;
	step_tell(step, &notice);
	step_add(step, ACT_KILL_TREE, index)->all = !step->pod->stopping;
}

static void kill_now(struct step *step, int index, const struct event *event)
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
	action->signo = stop_signal_of(step, index);
	/* An entrypoint's signals go to its group, unless its user does not want that. */
	action->group = step->spec->entrypoint && !step->spec->single_child;
	process->group_signalled |= action->group;
	process_set_state(process, PROCESS_STOPPING, stop_by > soonest ? stop_by : soonest);
}

/* preStop is over or was not there: the order of the pod's end rules now. */
static void after_pre_stop(struct step *step, int index, int64_t stop_by)
{
	struct process *process = &step->pod->processes[index];
	bool waits = step->pod->stopping && spec_of(step, index)->kind == KIND_SIDECAR;
	if (waits && stop_by > step->now)
		process_set_state(process, PROCESS_TURN, stop_by);
	else
		send_stop_signal(step, index, stop_by);
}

static void begin_stop(struct step *step, int index, enum stop_cause cause, int64_t stop_by)
{
	const struct process_spec *spec = spec_of(step, index);
	struct process *process = &step->pod->processes[index];
	process->stop_cause = (uint8_t)cause;
	struct notice notice = notice_of(NOTICE_KILLING, index);
	notice.pid = process->pid;
	notice.signo = stop_signal_of(step, index);
	notice.cause = (uint8_t)cause;
	notice.delay_ns = stop_by - step->now;
	step_tell(step, &notice);
	if (process->state == PROCESS_STARTING)
		step_add(step, ACT_CANCEL_HOOK, index)->hook = HOOK_POST_START;
	if (spec->lifecycle->hooks[HOOK_PRE_STOP] && stop_by > step->now) {
		step_add(step, ACT_RUN_HOOK, index)->hook = HOOK_PRE_STOP;
		process_set_state(process, PROCESS_PRE_STOP, stop_by);
	} else {
		after_pre_stop(step, index, stop_by);
	}
}

void process_stop(struct step *step, int index, enum stop_cause cause, int64_t stop_by)
{
	struct process *process = &step->pod->processes[index];
	switch ((enum process_state)process->state) {
	case PROCESS_WAITING:
		/* Its latest end was its last. */
		process_set_state(process, PROCESS_EXITED, NEVER);
		break;
	case PROCESS_SPAWNING:
		process->stop_cause = (uint8_t)cause;
		step_add(step, ACT_ABORT, index);
		process_set_state(process, PROCESS_ABORTING, NEVER);
		break;
	case PROCESS_STARTING:
	case PROCESS_RUNNING:
		begin_stop(step, index, cause, stop_by);
		break;
	case PROCESS_PRE_STOP:
	case PROCESS_TURN:
	case PROCESS_STOPPING:
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
	else if (process->state != PROCESS_PRE_STOP && process->state != PROCESS_TURN &&
		process->state != PROCESS_STOPPING)
		return;
	if (stop_by < process->deadline)
		process->deadline = stop_by;
}

void process_skip_pre_stop(struct step *step, int index)
{
	step_add(step, ACT_CANCEL_HOOK, index)->hook = HOOK_PRE_STOP;
	after_pre_stop(step, index, step->pod->processes[index].deadline);
}

void process_take_turn(struct step *step, int index)
{
	send_stop_signal(step, index, step->pod->processes[index].deadline);
}

/* --- the table --- */

static void ignore(struct step *step, int index, const struct event *event)
{
	(void)step;
	(void)index;
	(void)event;
}

static void wait_over(struct step *step, int index, const struct event *event)
{
	(void)event;
	restart_count_delay(spec_of(step, index), &step->pod->processes[index], step->now);
	spawn(step, index);
}

/* It runs, and its postStart hook (if any) is over. */
static void started(struct step *step, int index)
{
	struct process *process = &step->pod->processes[index];
	process_set_state(process, PROCESS_RUNNING, NEVER);
	process->post_start_done = true;
	if (process_is_started(spec_of(step, index), process))
		process->ever_started = true;
}

static void instance_begins(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	process_set_state(process, PROCESS_STARTING, NEVER);
	process->pid = event->pid;
	process->started_at = step->now;
	tell(step, index, NOTICE_STARTED);
}

static void runs(struct step *step, int index, const struct event *event)
{
	instance_begins(step, index, event);
	if (spec_of(step, index)->lifecycle->hooks[HOOK_POST_START])
		step_add(step, ACT_RUN_HOOK, index)->hook = HOOK_POST_START;
	else
		started(step, index);
}

/* The pod ended while it was being spawned, and it was too late to give that up. */
static void runs_too_late(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	instance_begins(step, index, event);
	process_set_state(process, PROCESS_RUNNING, NEVER);
	begin_stop(step, index, (enum stop_cause)process->stop_cause, step->pod->stop_by);
}

static void post_start_done(struct step *step, int index, const struct event *event)
{
	if (event->hook != HOOK_POST_START) {
		step->pod->unexpected++;
	} else if (event->success) {
		started(step, index);
	} else {
		/* It was never Started: whoever waits for it goes on waiting. */
		tell(step, index, NOTICE_FAILED_POST_START_HOOK);
		process_set_state(&step->pod->processes[index], PROCESS_RUNNING, NEVER);
		process_stop(
			step, index, STOP_POST_START, time_after(step->now, step->spec->grace_ns));
	}
}

static void pre_stop_done(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	if (event->hook != HOOK_PRE_STOP) {
		step->pod->unexpected++;
		return;
	}
	if (!event->success)
		tell(step, index, NOTICE_FAILED_PRE_STOP_HOOK);
	after_pre_stop(step, index, process->deadline);
}

static void pre_stop_over(struct step *step, int index, const struct event *event)
{
	(void)event;
	step_add(step, ACT_CANCEL_HOOK, index)->hook = HOOK_PRE_STOP;
	tell(step, index, NOTICE_FAILED_PRE_STOP_HOOK);
	send_stop_signal(step, index, step->now);
}

static void turn_over(struct step *step, int index, const struct event *event)
{
	(void)event;
	send_stop_signal(step, index, step->now);
}

static void exited_in_hook(struct step *step, int index, const struct event *event)
{
	const struct process *process = &step->pod->processes[index];
	if (event->pid == process->pid)
		step_add(step, ACT_CANCEL_HOOK, index)->hook =
			process->state == PROCESS_STARTING ? HOOK_POST_START : HOOK_PRE_STOP;
	exited(step, index, event);
}

/* A result while it runs. Liveness and startup results do not count once it is being stopped. */
static void probed(struct step *step, int index, const struct event *event)
{
	const struct process_spec *spec = spec_of(step, index);
	struct process *process = &step->pod->processes[index];
	const struct probe_spec *probe =
		event->probe < PROBE_COUNT ? spec->probes[event->probe] : NULL;
	if (!probe) {
		step->pod->unexpected++;
		return;
	}
	if (event->probe == PROBE_READINESS) {
		process->ready = event->success;
		return;
	}
	bool startup = event->probe == PROBE_STARTUP;
	/* The startupProbe may end while the postStart hook still runs; liveness is not asked before
	 * both are over. */
	if (process->state != PROCESS_RUNNING && !(startup && process->state == PROCESS_STARTING))
		return;
	if (event->success) {
		process->startup_done |= startup;
		process->ever_started |= process_is_started(spec, process);
		return;
	}
	struct notice notice = notice_of(NOTICE_UNHEALTHY, index);
	notice.cause = startup ? STOP_STARTUP_PROBE : STOP_LIVENESS_PROBE;
	step_tell(step, &notice);
	process_stop(step, index, (enum stop_cause)notice.cause,
		time_after(
			step->now, probe->grace_ns >= 0 ? probe->grace_ns : step->spec->grace_ns));
}

typedef void transition(struct step *step, int index, const struct event *event);

/* An empty cell is an event that makes no sense in that state. No process gets EVENT_BOOT: its
 * column is the deadline's. */
#define DEADLINE EVENT_BOOT

static transition *const TRANSITIONS[PROCESS_STATE_COUNT][EVENT_TYPE_COUNT] = {
	[PROCESS_NONE] = {[EVENT_PROBED] = ignore, [EVENT_HOOK_DONE] = ignore},
	[PROCESS_WAITING] =
		{[DEADLINE] = wait_over, [EVENT_PROBED] = ignore, [EVENT_HOOK_DONE] = ignore},
	[PROCESS_SPAWNING] = {[EVENT_SPAWNED] = runs,
		[EVENT_SPAWN_FAILED] = spawn_failed,
		[EVENT_PROBED] = ignore,
		[EVENT_HOOK_DONE] = ignore},
	[PROCESS_ABORTING] = {[EVENT_SPAWNED] = runs_too_late,
		[EVENT_SPAWN_FAILED] = aborted,
		[EVENT_PROBED] = ignore,
		[EVENT_HOOK_DONE] = ignore},
	[PROCESS_STARTING] = {[EVENT_EXITED] = exited_in_hook,
		[EVENT_PROBED] = probed,
		[EVENT_HOOK_DONE] = post_start_done},
	[PROCESS_RUNNING] =
		{[EVENT_EXITED] = exited, [EVENT_PROBED] = probed, [EVENT_HOOK_DONE] = ignore},
	[PROCESS_PRE_STOP] = {[DEADLINE] = pre_stop_over,
		[EVENT_EXITED] = exited_in_hook,
		[EVENT_PROBED] = probed,
		[EVENT_HOOK_DONE] = pre_stop_done},
	[PROCESS_TURN] = {[DEADLINE] = turn_over,
		[EVENT_EXITED] = exited,
		[EVENT_PROBED] = probed,
		[EVENT_HOOK_DONE] = ignore},
	[PROCESS_STOPPING] = {[DEADLINE] = kill_now,
		[EVENT_EXITED] = exited,
		[EVENT_PROBED] = probed,
		[EVENT_HOOK_DONE] = ignore},
	[PROCESS_KILLED] =
		{[EVENT_EXITED] = exited, [EVENT_PROBED] = ignore, [EVENT_HOOK_DONE] = ignore},
	[PROCESS_EXITED] = {[EVENT_PROBED] = ignore, [EVENT_HOOK_DONE] = ignore},
};

void process_step(struct step *step, int index, const struct event *event)
{
	transition *go =
		TRANSITIONS[step->pod->processes[index].state][event ? event->type : DEADLINE];
	if (go)
		go(step, index, event);
	else
		step->pod->unexpected++;
}
