/* The pod as a whole: who starts when, what a signal means, when it is over. Must not know how
 * anything is done. */
#include "pod.h"

#include <stddef.h>
#include <string.h>

#include "step.h"

enum { SIGNAL_INT = 2, SIGNAL_TERM = 15 };

/* A second SIGTERM or SIGINT leaves this much. */
#define HURRIED_GRACE_NS (2 * NS_PER_SECOND)

struct action *step_add(struct step *step, enum action_type type, int process)
{
	struct actions *actions = step->actions;
	if (actions->count < actions->max)
		actions->count++;
	struct action *action = &actions->items[actions->count - 1];
	*action = (struct action){.type = (uint8_t)type, .process = process};
	return action;
}

void step_tell(struct step *step, const struct notice *notice)
{
	step_add(step, ACT_TELL, notice->process)->notice = *notice;
}

int pod_action_max(const struct pod_spec *spec)
{
	/* The end of the pod: at most told, cancelled, signalled and killed in one step. And of each
	 * probe an attempt dropped, told and made. */
	return 6 * spec->process_count + 3 * spec->probe_count + 16;
}

size_t pod_size(const struct pod_spec *spec)
{
	return sizeof(struct pod) + sizeof(struct process) * (size_t)spec->process_count +
		sizeof(struct probe) * (size_t)spec->probe_count;
}

void pod_init(struct pod *pod, const struct pod_spec *spec)
{
	memset(pod, 0, pod_size(spec));
	pod->process_count = spec->process_count;
	pod->probe_count = spec->probe_count;
	pod->starting = -1;
	pod->started_at = -1;
	pod->evicted_volume = -1;
	pod->decider = -1;
	pod->stop_by = NEVER;
	pod->deadline = NEVER;
	pod->restart_all_at = NEVER;
	for (int i = 0; i < pod->process_count; i++) {
		struct process *process = &pod->processes[i];
		process->deadline = NEVER;
		process->watchdog_at = NEVER;
		process->backoff_since = -1;
		process->last.exit_code = -1;
		process->previous.exit_code = -1;
	}
	probes_init(pod, spec);
}

bool pod_is_settled(const struct pod *pod)
{
	for (int i = 0; i < pod->process_count; i++) {
		if (!process_is_settled(&pod->processes[i]))
			return false;
	}
	return true;
}

/* Is it on its way to run? Whoever starts after it waits for that. */
static bool is_starting(const struct process *process)
{
	return process->state == PROCESS_PRE_START || process->state == PROCESS_SPAWNING ||
		process->state == PROCESS_FORKING || process->state == PROCESS_STARTING;
}

/* Starts it for the first time once all that it depends on is as it must be. Who waits in vain has failed. */
static void start_if_it_may(struct step *step, int index)
{
	int failed = -1;
	switch (dependencies_state(step, index, &failed)) {
	case DEPENDENCIES_HOLD:
		process_start(step, index);
		break;
	case DEPENDENCIES_FAILED:
		process_give_up(step, index, failed);
		step->gave_up = true;
		break;
	case DEPENDENCIES_OPEN:
		break;
	}
}

/* Init entries, one after the other. A failed init ends the pod. */
static void start_inits(struct step *step)
{
	struct pod *pod = step->pod;
	while (pod->next_init < step->spec->init_count) {
		int index = pod->next_init;
		struct process *process = &pod->processes[index];
		bool is_sidecar = step->spec->processes[index].kind == KIND_SIDECAR;
		if (process->state == PROCESS_NONE)
			start_if_it_may(step, index);
		if (is_sidecar && process->ever_started) {
			pod->next_init++;
			continue;
		}
		if (process->state != PROCESS_EXITED)
			return;
		/* A sidecar that will never be Started fails the pod like an init. */
		if (is_sidecar || !termination_is_success(&process->last)) {
			pod_stop(step, STOP_INIT_FAILED, step->spec->grace_ns);
			return;
		}
		pod->next_init++;
	}
}

/* Mains, one after the other: each start waits for the one before it to have been made (and its
 * postStart to be over), not for its success. One that waits for what it depends on does not hold up others. */
static void start_mains(struct step *step)
{
	struct pod *pod = step->pod;
	if (pod->next_init < step->spec->init_count)
		return;
	if (pod->starting >= 0 && is_starting(&pod->processes[pod->starting]))
		return;
	pod->starting = -1;
	for (int i = step->spec->init_count; i < pod->process_count; i++) {
		if (pod->processes[i].state != PROCESS_NONE)
			continue;
		start_if_it_may(step, i);
		if (is_starting(&pod->processes[i])) {
			pod->starting = i;
			return;
		}
		/* Given up: and so is, then, one that waits for it, though it is written above it. */
		if (pod->processes[i].state == PROCESS_EXITED)
			i = step->spec->init_count - 1;
	}
}

/* What a reload of the file brought to a pod that is initialised: sidecars that have not run yet. */
static void start_new_sidecars(struct step *step)
{
	for (int i = 0; i < step->pod->next_init; i++) {
		if (step->spec->processes[i].kind == KIND_SIDECAR &&
			step->pod->processes[i].state == PROCESS_NONE)
			start_if_it_may(step, i);
	}
}

/* No main runs, and none will again. */
static bool is_complete(const struct step *step)
{
	const struct pod *pod = step->pod;
	if (step->spec->pause || pod->restart_all_at != NEVER || pod->replacing)
		return false;
	for (int i = step->spec->init_count; i < pod->process_count; i++) {
		if (pod->processes[i].state != PROCESS_EXITED)
			return false;
	}
	return true;
}

/* A main that the pod does not outlive, and whose end was of that kind. */
static bool ends_pod(const struct process_spec *spec, const struct process *process)
{
	if (process->state != PROCESS_EXITED || process->leaving)
		return false;
	return spec->lifecycle->on_exit == ON_EXIT_STOP ||
		(spec->lifecycle->on_exit == ON_EXIT_STOP_ON_FAILURE &&
			!termination_is_success(&process->last));
}

/* What the end of one process means for all. */
static void draw_conclusions(struct step *step)
{
	struct pod *pod = step->pod;
	for (int i = 0; i < pod->process_count && !pod->stopping; i++) {
		const struct process *process = &pod->processes[i];
		if (process->all_again && process->state == PROCESS_EXITED) {
			pod_restart_all(step, i);
		} else if (pod->restart_all_at == NEVER &&
			ends_pod(&step->spec->processes[i], process)) {
			pod->decider = i;
			pod_stop(step, STOP_MAIN_ENDED, step->spec->grace_ns);
		}
	}
}

static void start_all(struct step *step)
{
	const struct pod *pod = step->pod;
	if (!pod->stopping && pod->restart_all_at == NEVER && !pod->replacing)
		start_inits(step);
	if (!pod->stopping && pod->restart_all_at == NEVER && !pod->replacing) {
		start_new_sidecars(step);
		start_mains(step);
	}
	if (!pod->stopping && is_complete(step))
		pod_stop(step, STOP_COMPLETED, step->spec->grace_ns);
}

/* Those that a reload takes out have ended: whoever carries out actions swaps the files now. Until then nothing
 * starts, nor is the pod complete. */
static void replace_progress(struct step *step)
{
	struct pod *pod = step->pod;
	pod_give_turns(step);
	if (pod->replacement_told || pod->restart_all_at != NEVER)
		return;
	for (int i = 0; i < pod->process_count; i++) {
		if (pod->processes[i].leaving && !process_is_settled(&pod->processes[i]))
			return;
	}
	pod->replacement_told = true;
	step_add(step, ACT_REPLACE, -1);
}

/* What the time alone brings. */
static void let_time_pass(struct step *step)
{
	struct pod *pod = step->pod;
	for (int i = 0; i < pod->process_count; i++) {
		if (pod->processes[i].touched)
			process_conclude(step, i);
		if (pod->processes[i].deadline <= step->now)
			process_step(step, i, NULL);
		if (pod->processes[i].watchdog_at <= step->now)
			process_watchdog_over(step, i);
	}
	probes_run(step);
	for (int i = 0; i < pod->process_count; i++) {
		if (pod->processes[i].touched)
			process_conclude(step, i);
	}
}

static int64_t processes_next_deadline(const struct pod *pod)
{
	int64_t next = probes_next_deadline(pod);
	for (int i = 0; i < pod->process_count; i++) {
		const struct process *process = &pod->processes[i];
		if (process->deadline < next)
			next = process->deadline;
		if (process->watchdog_at < next)
			next = process->watchdog_at;
	}
	return next;
}

/* Everything that follows from the state and the time alone. Whatever is decided may set a deadline that
 * has come already, and that may decide again: but not for ever. */
static void converge(struct step *step)
{
	enum { ROUNDS_MAX = 4 };
	struct pod *pod = step->pod;
	if (!pod->stopping && pod->deadline <= step->now)
		pod_stop(step, STOP_DEADLINE, step->spec->grace_ns);
	for (int round = 0; round < ROUNDS_MAX; round++) {
		step->gave_up = false;
		let_time_pass(step);
		draw_conclusions(step);
		if (pod->restart_all_at != NEVER)
			pod_restart_all_progress(step);
		start_all(step);
		if (pod->replacing)
			replace_progress(step);
		if (processes_next_deadline(pod) > step->now && !step->gave_up)
			break;
	}
	pod_stop_progress(step);
	pod_update_status(step);
}

static uint8_t passed_on_as(const struct pod_spec *spec, uint8_t signo)
{
	return signo <= SIGNAL_MAX ? spec->signal_map[signo] : 0;
}

/* Other signals are for the mains: each gets it with its whole process group. */
static void forward(struct step *step, uint8_t signo)
{
	uint8_t passed = passed_on_as(step->spec, signo);
	if (!passed)
		return;
	for (int i = step->spec->init_count; i < step->pod->process_count; i++) {
		if (!process_is_alive(&step->pod->processes[i]))
			continue;
		struct action *action = step_add(step, ACT_SIGNAL, i);
		action->signo = passed;
		action->group = !step->spec->single_child;
	}
}

/* A further signal to stop. An entrypoint's program is sent what podinit was sent, and as often: its
 * user may mean by a second SIGINT what the program means by it. One that still waits for its stop
 * signal gets that now. */
static void stop_again(struct step *step, uint8_t signo)
{
	for (int i = step->spec->init_count; i < step->pod->process_count; i++) {
		if (step->pod->processes[i].state == PROCESS_PRE_STOP) {
			process_skip_pre_stop(step, i);
			return;
		}
	}
	forward(step, signo);
}

static void signalled(struct step *step, const struct event *event)
{
	bool stops =
		!step->spec->relay && (event->signo == SIGNAL_TERM || event->signo == SIGNAL_INT);
	uint8_t passed = passed_on_as(step->spec, event->signo);
	/* One that is not passed on is dropped whole: its user wants nothing to come of it. */
	if (!stops || !passed) {
		forward(step, event->signo);
		return;
	}
	bool again = step->pod->stop_signals > 0;
	int64_t grace = step->spec->grace_ns;
	if (again && grace > HURRIED_GRACE_NS)
		grace = HURRIED_GRACE_NS;
	if (step->spec->entrypoint && !step->pod->stopping)
		step->pod->stop_signo = passed;
	else if (step->spec->entrypoint)
		stop_again(step, event->signo);
	if (step->pod->stop_signals < UINT8_MAX)
		step->pod->stop_signals++;
	pod_stop(step, STOP_SIGNAL, grace);
}

static void asked_to_stop(struct step *step, const struct event *event)
{
	pod_stop(step, STOP_ASKED, event->grace_ns < 0 ? step->spec->grace_ns : event->grace_ns);
}

/* As by a deadline. A pod that ends anyway is not evicted as well. */
static void evicted(struct step *step, const struct event *event)
{
	struct pod *pod = step->pod;
	if (event->volume < 0 || event->volume >= step->spec->volume_count) {
		pod->unexpected++;
		return;
	}
	if (pod->stopping)
		return;
	pod->evicted_volume = event->volume;
	pod_stop(step, STOP_EVICTED, step->spec->grace_ns);
}

/* What a process left behind when it ended for good while others run: it goes with it, as a
 * container's processes do. At the end of the pod it gets the grace instead (stop.c). */
static void kill_leftovers(struct step *step, int index)
{
	if (!step->pod->stopping && step->pod->processes[index].state == PROCESS_EXITED &&
		!is_complete(step))
		step_add(step, ACT_KILL_TREE, index)->all = true;
}

/* Ends those that a new file changes or no longer has, in order; ACT_REPLACE when they have ended. */
static void replace(struct step *step, const bool *leaving)
{
	struct pod *pod = step->pod;
	if (pod->stopping || pod->replacing || !leaving) {
		pod->unexpected++;
		return;
	}
	int64_t stop_by = time_after(step->now, step->spec->grace_ns);
	pod->replacing = true;
	pod->replacement_told = false;
	for (int i = 0; i < pod->process_count; i++)
		pod->processes[i].leaving = leaving[i];
	for (int i = pod->process_count - 1; i >= 0; i--) {
		if (leaving[i])
			process_stop(step, i, STOP_CHANGED, stop_by);
	}
}

static void process_event(struct step *step, const struct event *event)
{
	if (event->process < 0 || event->process >= step->pod->process_count) {
		step->pod->unexpected++;
		return;
	}
	bool was_alive = process_is_alive(&step->pod->processes[event->process]);
	process_step(step, event->process, event);
	if (was_alive)
		kill_leftovers(step, event->process);
}

static void boot(struct step *step, uint32_t seed)
{
	struct pod *pod = step->pod;
	pod->seed = seed;
	pod->started_at = step->now;
	if (step->spec->deadline_ns >= 0)
		pod->deadline = time_after(step->now, step->spec->deadline_ns);
	for (int i = 0; i < CONDITION_COUNT; i++)
		pod->condition_since[i] = step->now;
}

void pod_step(const struct pod_spec *spec, struct pod *pod, const struct event *event, int64_t now,
	struct actions *actions)
{
	struct step step = {spec, pod, now, actions, false};
	actions->count = 0;
	if (pod->finished)
		return;
	/* Nothing makes sense before the boot, nor a second one. */
	if ((event->type == EVENT_BOOT) != (pod->started_at < 0) ||
		event->type >= EVENT_TYPE_COUNT) {
		pod->unexpected++;
		return;
	}
	switch ((enum event_type)event->type) {
	case EVENT_SPAWNED:
	case EVENT_SPAWN_FAILED:
	case EVENT_EXITED:
	case EVENT_ADOPTED:
	case EVENT_PROBED:
	case EVENT_HOOK_DONE:
	case EVENT_NOTIFIED:
	case EVENT_CHANGED:
		process_event(&step, event);
		break;
	case EVENT_SIGNALLED:
		signalled(&step, event);
		break;
	case EVENT_ASKED_TO_STOP:
		asked_to_stop(&step, event);
		break;
	case EVENT_EVICTED:
		evicted(&step, event);
		break;
	case EVENT_REPLACED:
		replace(&step, event->leaving);
		break;
	case EVENT_DRAINED:
		pod_drained(&step);
		break;
	case EVENT_BOOT:
		boot(&step, event->seed);
		break;
	case EVENT_TICK:
	case EVENT_TYPE_COUNT:
		break;
	}
	converge(&step);
}

int64_t pod_next_deadline(const struct pod *pod)
{
	if (pod->finished || pod->started_at < 0)
		return NEVER;
	int64_t next = processes_next_deadline(pod);
	if (pod->deadline < next)
		next = pod->deadline;
	/* Until all have ended, that is what a RestartAllContainers waits for. */
	if (pod->restart_all_at < next && pod_is_settled(pod))
		next = pod->restart_all_at;
	return next;
}
