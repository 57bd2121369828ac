/* The end of the pod: mains first, sidecars in reverse order after them, then whatever they left
 * behind; all within the grace and two seconds. Must not restart anything. */
#include "step.h"

/* Kubernetes' extension after the grace, and the minimum that a signalled process gets. */
#define EXTENSION_NS (2 * NS_PER_SECOND)
/* While killing what is left: how often to look for new ones. */
#define KILL_AGAIN_NS (50 * NS_PER_MS)

enum { SIGNAL_KILL = 9, SIGNAL_TERM = 15 };

/* Those that are ending: all of them at the end of the pod, else those that a reload takes out. */
static bool is_ending(const struct pod *pod, int index)
{
	return pod->stopping || pod->processes[index].leaving;
}

static bool blocks_turns(const struct pod *pod, int from, int to)
{
	for (int i = from; i < to; i++) {
		if (is_ending(pod, i) && process_is_in_the_way(&pod->processes[i]))
			return true;
	}
	return false;
}

/* A main's turn: nobody who depends on it still runs. */
static void give_mains_turns(struct step *step)
{
	struct pod *pod = step->pod;
	for (int i = step->spec->init_count; i < pod->process_count; i++) {
		if (pod->processes[i].state == PROCESS_TURN && !dependents_live(step, i))
			process_take_turn(step, i);
	}
}

/* A sidecar's turn: every main has ended, and so has every sidecar behind it. */
void pod_give_turns(struct step *step)
{
	struct pod *pod = step->pod;
	int init_count = step->spec->init_count;
	give_mains_turns(step);
	if (blocks_turns(pod, init_count, pod->process_count))
		return;
	for (int i = init_count - 1; i >= 0; i--) {
		if (step->spec->processes[i].kind != KIND_SIDECAR)
			continue;
		if (pod->processes[i].state == PROCESS_TURN)
			process_take_turn(step, i);
		if (blocks_turns(pod, i, i + 1))
			return;
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When what is left is killed: it gets the rest of the grace, but at least two seconds, but never
 * more than the grace and two seconds in all. */
static int64_t drain_end(const struct step *step)
{
	int64_t soonest = time_after(step->now, EXTENSION_NS);
	int64_t latest = time_after(step->pod->stop_by, EXTENSION_NS);
	int64_t end = step->pod->stop_by > soonest ? step->pod->stop_by : soonest;
	return earlier(end, latest);
}

static void drain(struct step *step, uint8_t signo)
{
	step_add(step, ACT_DRAIN, -1)->signo = signo;
}

static void finish(struct step *step)
{
	struct pod *pod = step->pod;
	if (pod->finished)
		return;
	pod->finished = true;
	pod->deadline = NEVER;
	pod_update_status(step);
	step_add(step, ACT_FINISH, -1)->exit_code = pod_exit_code(step->spec, pod);
}

/* What does not die of SIGKILL is stuck in the kernel and must not hold the pod for ever: it goes
 * with the namespace. */
static int64_t give_up_at(const struct pod *pod)
{
	return time_after(pod->stop_by, 2 * EXTENSION_NS);
}

static void drain_progress(struct step *step)
{
	struct pod *pod = step->pod;
	if (!pod->draining) {
		pod->draining = true;
		pod->deadline = drain_end(step);
		drain(step, SIGNAL_TERM);
	}
	if (step->now >= pod->deadline) {
		pod->deadline = earlier(time_after(step->now, KILL_AGAIN_NS), give_up_at(pod));
		drain(step, SIGNAL_KILL);
	}
}

/* The other inits do not wait for what their program left behind. */
static void leave_behind(struct step *step)
{
	uint8_t signo = step->spec->signal_map[SIGNAL_TERM];
	bool tells = step->spec->leftovers == LEFTOVERS_SIGNALLED && signo;
	for (int i = step->spec->init_count; tells && i < step->pod->process_count; i++) {
		if (step->pod->processes[i].group_signalled)
			continue;
		struct action *action = step_add(step, ACT_SIGNAL, i);
		action->signo = signo;
		action->group = true;
	}
	finish(step);
}

void pod_stop_progress(struct step *step)
{
	struct pod *pod = step->pod;
	if (!pod->stopping || pod->finished)
		return;
	pod_give_turns(step);
	/* What was left behind is asked when every process is gone; but at the end of the grace at
	 * the latest, or it would have no time at all. */
	if (step->now >= give_up_at(pod))
		finish(step);
	else if (pod_is_settled(pod) && step->spec->leftovers != LEFTOVERS_ASKED)
		leave_behind(step);
	else if (pod_is_settled(pod) || step->now >= pod->stop_by)
		drain_progress(step);
}

void pod_drained(struct step *step)
{
	if (step->pod->draining && pod_is_settled(step->pod))
		finish(step);
}

static void shorten(struct step *step, int64_t stop_by)
{
	struct pod *pod = step->pod;
	if (stop_by >= pod->stop_by)
		return;
	pod->stop_by = stop_by;
	for (int i = 0; i < pod->process_count; i++)
		process_hurry(step, i, stop_by);
	int64_t end = pod->draining ? drain_end(step) : stop_by;
	pod->deadline = earlier(pod->deadline, end);
}

void pod_stop(struct step *step, enum stop_cause cause, int64_t grace_ns)
{
	struct pod *pod = step->pod;
	int64_t stop_by = time_after(step->now, grace_ns);
	if (pod->stopping) {
		shorten(step, stop_by);
		return;
	}
	pod->stopping = (uint8_t)cause;
	pod->restart_all_at = NEVER;
	pod->replacing = false;
	pod->stop_by = stop_by;
	pod->deadline = stop_by;
	struct notice notice = notice_of(cause == STOP_DEADLINE ? NOTICE_DEADLINE_EXCEEDED
			: cause == STOP_EVICTED			? NOTICE_EVICTED
								: NOTICE_STOPPING,
		-1);
	notice.cause = (uint8_t)cause;
	if (cause == STOP_EVICTED)
		notice.count = pod->evicted_volume;
	if (cause == STOP_MAIN_ENDED)
		notice.count = pod->decider;
	notice.delay_ns = grace_ns;
	step_tell(step, &notice);
	for (int i = step->spec->init_count; i < pod->process_count; i++)
		process_stop(step, i, cause, stop_by);
	for (int i = step->spec->init_count - 1; i >= 0; i--)
		process_stop(step, i, cause, stop_by);
}
