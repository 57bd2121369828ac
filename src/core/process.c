/* The life of one process: a table of states and events, and how it begins. How it ends is
 * process_end.c's. Must not look at other processes: what depends on them is pod.c's and stop.c's. */
#include "process.h"

#include "restart.h"

/* How long the daemon that a program left is looked for. */
#define ADOPT_NS (10 * NS_PER_SECOND)

int64_t time_after(int64_t now, int64_t delay)
{
	int64_t sum;
	return __builtin_add_overflow(now, delay, &sum) ? NEVER : sum;
}

void process_set_state(struct process *process, enum process_state state, int64_t deadline)
{
	process->state = (uint8_t)state;
	process->deadline = deadline;
	process->touched = true;
	if (state != PROCESS_RUNNING)
		process->watchdog_at = NEVER;
	if (!process_is_alive(process)) {
		process->pid = 0;
		process->post_start_done = false;
		process->startup_done = false;
		process->notified = false;
		process->busy = false;
		process->ready = false;
		process->reload_wanted = false;
		process->reloading = false;
	}
}

void process_forget(struct process *process)
{
	process_set_state(process, PROCESS_NONE, NEVER);
	process->ever_started = false;
	process->is_started = false;
	process->all_again = false;
	process->leaving = false;
}

bool process_is_settled(const struct process *process)
{
	return process->state == PROCESS_NONE || process->state == PROCESS_EXITED;
}

struct notice process_notice(const struct step *step, int index, enum notice_reason reason)
{
	const struct process *process = &step->pod->processes[index];
	struct notice notice = notice_of(reason, index);
	notice.pid = process->pid;
	notice.restart_count = process_restart_count(process);
	return notice;
}

void process_tell(struct step *step, int index, enum notice_reason reason)
{
	struct notice notice = process_notice(step, index, reason);
	step_tell(step, &notice);
}

void process_run_hook(struct step *step, int index, enum hook_type hook)
{
	step_add(step, ACT_RUN_HOOK, index)->hook = (uint8_t)hook;
}

void process_cancel_hook(struct step *step, int index, enum hook_type hook)
{
	step_add(step, ACT_CANCEL_HOOK, index)->hook = (uint8_t)hook;
}

static const struct handler *hook_of(const struct step *step, int index, enum hook_type hook)
{
	return process_spec_of(step, index)->lifecycle->hooks[hook];
}

/* --- starting --- */

static void spawn(struct step *step, int index)
{
	process_set_state(&step->pod->processes[index], PROCESS_SPAWNING, NEVER);
	step_add(step, ACT_SPAWN, index);
}

void process_start(struct step *step, int index)
{
	struct process *process = &step->pod->processes[index];
	process->instances++;
	process->stop_cause = STOP_NONE;
	process->group_signalled = false;
	if (!hook_of(step, index, HOOK_PRE_START)) {
		spawn(step, index);
		return;
	}
	process_set_state(process, PROCESS_PRE_START, NEVER);
	process_run_hook(step, index, HOOK_PRE_START);
}

void process_give_up(struct step *step, int index, int dependency)
{
	struct process *process = &step->pod->processes[index];
	const struct event event = {
		.process = index,
		.spawn_error = {.stage = STAGE_DEPENDENCY,
			.item = (uint16_t)dependency,
			.error = SPAWN_STAGE_SAYS_IT},
	};
	process->instances++;
	process->stop_cause = STOP_NONE;
	process_set_start_error(step, index, &event);
	process_set_state(process, PROCESS_EXITED, NEVER);
}

static void wait_over(struct step *step, int index, const struct event *event)
{
	(void)event;
	restart_count_delay(process_spec_of(step, index), &step->pod->processes[index], step->now);
	process_start(step, index);
}

static void pre_start_done(struct step *step, int index, const struct event *event)
{
	const struct event failed = {
		.process = index,
		.spawn_error = {.stage = STAGE_PRE_START, .error = SPAWN_STAGE_SAYS_IT},
	};
	if (event->hook != HOOK_PRE_START)
		step->pod->unexpected++;
	else if (event->success)
		spawn(step, index);
	else
		process_start_failed(step, index, &failed);
}

static void instance_begins(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	process_set_state(process, PROCESS_STARTING, NEVER);
	process->pid = event->pid;
	process->started_at = step->now;
	process->watchdog_ns = process_spec_of(step, index)->lifecycle->watchdog_ns;
	process_tell(step, index, NOTICE_STARTED);
}

/* Its main process is there. The postStart hook runs beside it. */
static void main_runs(struct step *step, int index)
{
	struct process *process = &step->pod->processes[index];
	probes_begin(step, index);
	if (hook_of(step, index, HOOK_POST_START)) {
		process_set_state(process, PROCESS_STARTING, NEVER);
		process_run_hook(step, index, HOOK_POST_START);
	} else {
		process_set_state(process, PROCESS_RUNNING, NEVER);
		process->post_start_done = true;
	}
}

static void spawned(struct step *step, int index, const struct event *event)
{
	const struct lifecycle_spec *life = process_spec_of(step, index)->lifecycle;
	instance_begins(step, index, event);
	if (lifecycle_is_daemon(life))
		process_set_state(&step->pod->processes[index], PROCESS_FORKING, NEVER);
	else
		main_runs(step, index);
}

/* The pod ended while it was being spawned, and it was too late to give that up. */
static void spawned_too_late(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	instance_begins(step, index, event);
	process_set_state(process, PROCESS_RUNNING, NEVER);
	int64_t stop_by = step->pod->stopping ? step->pod->stop_by : step->now;
	process_begin_stop(step, index, (enum stop_cause)process->stop_cause, stop_by);
}

/* --- daemons --- */

/* Its program has ended well: so the daemon that it left is the process. */
static void forked(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	if (!process->pid) {
		step->pod->unexpected++; /* that has ended before */
		return;
	}
	if (event->pid != process->pid || event->signo || event->exit_code) {
		process_exited(step, index, event);
		return;
	}
	process->pid = 0;
	process->deadline = time_after(step->now, ADOPT_NS);
	step_add(step, ACT_ADOPT, index);
}

static void adopted(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	if (event->pid <= 0) {
		step->pod->unexpected++; /* nobody's number */
		return;
	}
	process->pid = event->pid;
	process_tell(step, index, NOTICE_ADOPTED);
	/* What the one before was told. */
	if (process->state == PROCESS_STOPPING)
		step_add(step, ACT_SIGNAL, index)->signo = process_stop_signal(step, index);
	else if (process->state == PROCESS_KILLED)
		step_add(step, ACT_KILL_TREE, index)->all = !step->pod->stopping;
}

static void daemon_found(struct step *step, int index, const struct event *event)
{
	if (step->pod->processes[index].pid || event->pid <= 0) {
		step->pod->unexpected++; /* its program still runs, or nobody's number */
		return;
	}
	adopted(step, index, event);
	main_runs(step, index);
}

static void no_daemon(struct step *step, int index, const struct event *event)
{
	const struct event failed = {
		.process = index,
		.spawn_error = {.stage = STAGE_DAEMON, .error = SPAWN_STAGE_SAYS_IT},
	};
	(void)event;
	step_add(step, ACT_CANCEL_ADOPT, index);
	/* It may have left one that was not found, which would be in the way of the next. */
	step_add(step, ACT_KILL_TREE, index)->all = true;
	process_start_failed(step, index, &failed);
}

/* --- while it runs --- */

void process_conclude(struct step *step, int index)
{
	const struct process_spec *spec = process_spec_of(step, index);
	struct process *process = &step->pod->processes[index];
	process->touched = false;
	bool is_started = process_is_started(spec, process);
	if (is_started && !process->is_started) {
		process->ever_started = true;
		if (process->state == PROCESS_RUNNING) {
			probes_unlock(step, index);
			if (process->watchdog_ns)
				process->watchdog_at = time_after(step->now, process->watchdog_ns);
		}
	}
	process->is_started = is_started;
	process->is_ready = process_is_ready(spec, process);
	if (process->reload_wanted && process->state == PROCESS_RUNNING && !process->reloading)
		process_reload(step, index);
}

static void post_start_done(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	if (event->hook != HOOK_POST_START) {
		step->pod->unexpected++;
		return;
	}
	process_set_state(process, PROCESS_RUNNING, NEVER);
	process->post_start_done = event->success;
	if (!event->success) {
		/* It was never Started: whoever waits for it goes on waiting. */
		process_tell(step, index, NOTICE_FAILED_POST_START_HOOK);
		process_stop(
			step, index, STOP_POST_START, time_after(step->now, step->spec->grace_ns));
	}
}

void process_reload(struct step *step, int index)
{
	const struct lifecycle_spec *life = process_spec_of(step, index)->lifecycle;
	struct process *process = &step->pod->processes[index];
	struct notice notice = process_notice(step, index, NOTICE_RELOADING);
	/* Who is not there yet reads it anyway; who ends needs it no more. */
	process->reload_wanted = process_is_alive(process) && !process->stop_cause;
	if (!process->reload_wanted || process->state != PROCESS_RUNNING || process->reloading)
		return;
	process->reload_wanted = false;
	if (life->reload_signal) {
		notice.signo = (uint8_t)life->reload_signal;
		step_tell(step, &notice);
		step_add(step, ACT_SIGNAL, index)->signo = notice.signo;
	} else if (life->hooks[HOOK_RELOAD]) {
		step_tell(step, &notice);
		process->reloading = true;
		process_run_hook(step, index, HOOK_RELOAD);
	} else {
		process_stop(
			step, index, STOP_CHANGED, time_after(step->now, step->spec->grace_ns));
	}
}

static void changed(struct step *step, int index, const struct event *event)
{
	(void)event;
	process_reload(step, index);
}

static void reload_done(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	if (event->hook != HOOK_RELOAD || !process->reloading)
		return;
	process->reloading = false;
	if (!event->success)
		process_tell(step, index, NOTICE_FAILED_RELOAD_HOOK);
}

void process_watchdog_over(struct step *step, int index)
{
	struct notice notice = process_notice(step, index, NOTICE_UNHEALTHY);
	notice.cause = STOP_WATCHDOG;
	step_tell(step, &notice);
	process_stop(step, index, STOP_WATCHDOG, time_after(step->now, step->spec->grace_ns));
}

static void watchdog_alive(struct step *step, struct process *process)
{
	if (process->watchdog_at != NEVER)
		process->watchdog_at = time_after(step->now, process->watchdog_ns);
}

/* More time to stop; but at the end of the pod its grace is all there is. */
static void extend(struct step *step, struct process *process, int64_t value)
{
	int64_t until = time_after(step->now, value);
	if (step->pod->stopping && until > step->pod->stop_by)
		until = step->pod->stop_by;
	if (process->state == PROCESS_STOPPING && until > process->deadline)
		process->deadline = until;
}

static void notified(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	switch ((enum notification)event->notification) {
	case NOTIFICATION_READY:
		process->notified = true;
		process->busy = false;
		break;
	case NOTIFICATION_STOPPING:
	case NOTIFICATION_RELOADING:
		process->busy = true;
		break;
	case NOTIFICATION_WATCHDOG:
		watchdog_alive(step, process);
		break;
	case NOTIFICATION_WATCHDOG_TRIGGER:
		if (process->watchdog_at != NEVER)
			process->watchdog_at = step->now;
		break;
	case NOTIFICATION_WATCHDOG_INTERVAL:
		/* Only who is watched can say how often. */
		if (process->watchdog_ns && event->value_ns > 0) {
			process->watchdog_ns = event->value_ns;
			watchdog_alive(step, process);
		}
		break;
	case NOTIFICATION_EXTEND:
		if (event->value_ns > 0)
			extend(step, process, event->value_ns);
		break;
	case NOTIFICATION_COUNT:
		step->pod->unexpected++;
		break;
	}
}

static void probed(struct step *step, int index, const struct event *event)
{
	probe_answered(step, index, event);
}

void process_probed(struct step *step, int index, enum probe_type type, bool success)
{
	const struct probe_spec *probe = process_spec_of(step, index)->probes[type];
	struct process *process = &step->pod->processes[index];
	process->touched = true;
	if (type == PROBE_READINESS) {
		process->ready = success;
	} else if (success) {
		process->startup_done |= type == PROBE_STARTUP;
	} else {
		process_stop(step, index,
			type == PROBE_STARTUP ? STOP_STARTUP_PROBE : STOP_LIVENESS_PROBE,
			time_after(step->now,
				probe->grace_ns >= 0 ? probe->grace_ns : step->spec->grace_ns));
	}
}

/* --- the table --- */

static void ignore(struct step *step, int index, const struct event *event)
{
	(void)step;
	(void)index;
	(void)event;
}

/* An empty cell is an event that makes no sense in that state. No process gets EVENT_BOOT: its
 * column is the deadline's. */
#define DEADLINE EVENT_BOOT
/* What comes from outside comes at any time: late, too. */
#define NOT_ALIVE                                                                                  \
	[EVENT_PROBED] = ignore, [EVENT_HOOK_DONE] = ignore, [EVENT_NOTIFIED] = ignore,            \
	[EVENT_CHANGED] = ignore
#define ALIVE                                                                                      \
	[EVENT_ADOPTED] = adopted, [EVENT_PROBED] = probed, [EVENT_NOTIFIED] = notified,           \
	[EVENT_CHANGED] = changed

static transition *const TRANSITIONS[PROCESS_STATE_COUNT][EVENT_TYPE_COUNT] = {
	[PROCESS_NONE] = {NOT_ALIVE},
	[PROCESS_WAITING] = {NOT_ALIVE, [DEADLINE] = wait_over},
	[PROCESS_PRE_START] = {[EVENT_PROBED] = ignore,
		[EVENT_NOTIFIED] = ignore,
		[EVENT_CHANGED] = ignore,
		[EVENT_HOOK_DONE] = pre_start_done},
	[PROCESS_SPAWNING] =
		{NOT_ALIVE, [EVENT_SPAWNED] = spawned, [EVENT_SPAWN_FAILED] = process_start_failed},
	[PROCESS_ABORTING] = {NOT_ALIVE, [EVENT_SPAWNED] = spawned_too_late,
		[EVENT_SPAWN_FAILED] = process_aborted},
	[PROCESS_FORKING] = {[DEADLINE] = no_daemon,
		[EVENT_EXITED] = forked,
		[EVENT_ADOPTED] = daemon_found,
		[EVENT_PROBED] = ignore,
		[EVENT_HOOK_DONE] = ignore,
		[EVENT_NOTIFIED] = notified,
		[EVENT_CHANGED] = changed},
	[PROCESS_STARTING] = {ALIVE, [EVENT_EXITED] = process_exited_in_hook,
		[EVENT_HOOK_DONE] = post_start_done},
	[PROCESS_RUNNING] =
		{ALIVE, [EVENT_EXITED] = process_exited, [EVENT_HOOK_DONE] = reload_done},
	[PROCESS_PRE_STOP] = {ALIVE, [DEADLINE] = process_pre_stop_over,
		[EVENT_EXITED] = process_exited_in_hook, [EVENT_HOOK_DONE] = process_pre_stop_done},
	[PROCESS_TURN] = {ALIVE, [DEADLINE] = process_turn_over, [EVENT_EXITED] = process_exited,
		[EVENT_HOOK_DONE] = ignore},
	[PROCESS_STOPPING] = {ALIVE, [DEADLINE] = process_kill_now, [EVENT_EXITED] = process_exited,
		[EVENT_HOOK_DONE] = ignore},
	[PROCESS_KILLED] = {ALIVE, [EVENT_EXITED] = process_exited, [EVENT_HOOK_DONE] = ignore},
	[PROCESS_POST_STOP] = {[EVENT_PROBED] = ignore,
		[EVENT_NOTIFIED] = ignore,
		[EVENT_CHANGED] = ignore,
		[DEADLINE] = process_post_stop_over,
		[EVENT_HOOK_DONE] = process_post_stop_done},
	[PROCESS_EXITED] = {NOT_ALIVE},
};

void process_step(struct step *step, int index, const struct event *event)
{
	struct process *process = &step->pod->processes[index];
	transition *go = TRANSITIONS[process->state][event ? event->type : DEADLINE];
	process->touched = true;
	if (go)
		go(step, index, event);
	else
		step->pod->unexpected++;
}
