/* The promises that hold after every step of every pod. Must not know what a single test expects. */
#include "unit.h"

static void check_process(const struct pod_spec *spec, const struct process *process, int64_t now)
{
	bool settled = process->state == PROCESS_NONE || process->state == PROCESS_EXITED;
	assert_true(process->state < PROCESS_STATE_COUNT);
	/* A daemon that is looked for has no number yet. */
	if (process->state != PROCESS_FORKING)
		assert_int_equal(process_is_alive(process), process->pid != 0);
	assert_true(process->deadline > now);
	if (settled)
		assert_true(process->deadline == NEVER);
	if (!process_is_alive(process))
		assert_false(process->startup_done || process->ready);
	assert_in_range(process->instances, 0, INT32_MAX);
	(void)spec;
}

static void check_no_start(const struct actions *actions)
{
	for (int i = 0; i < actions->count; i++)
		assert_int_not_equal(actions->items[i].type, ACT_SPAWN);
}

/* Init i + 1 only after init i ended with 0; mains only after all of them, and after every sidecar
 * was Started. */
static void check_order(const struct pod_spec *spec, const struct pod *pod, int index)
{
	for (int i = 0; i < spec->init_count && i < index; i++) {
		const struct process *process = &pod->processes[i];
		if (spec->processes[i].kind == KIND_INIT) {
			assert_int_equal(process->state, PROCESS_EXITED);
			assert_int_equal(process->last.exit_code, 0);
		} else {
			assert_true(process->ever_started);
		}
	}
}

static bool everything_is_settled(const struct pod *pod)
{
	for (int i = 0; i < pod->process_count; i++) {
		if (pod->processes[i].state != PROCESS_NONE &&
			pod->processes[i].state != PROCESS_EXITED)
			return false;
	}
	return true;
}

/* What was left is asked once, when nothing else lives or the grace is over, and killed after that;
 * podinit ends when nothing lives, or four seconds after the grace. */
static void check_end(
	const struct pod *before, const struct pod *pod, const struct actions *actions, int64_t now)
{
	bool asked = before->draining, settled = everything_is_settled(pod);
	for (int i = 0; i < actions->count; i++) {
		if (actions->items[i].type != ACT_DRAIN)
			continue;
		if (actions->items[i].signo == 15) {
			assert_false(asked);
			assert_true(settled || now >= pod->stop_by);
			asked = true;
		} else {
			assert_int_equal(actions->items[i].signo, 9);
			assert_true(asked);
		}
	}
	assert_int_equal(asked, pod->draining);
	if (pod->stopping && !pod->draining && !pod->finished)
		assert_true(pod->deadline == pod->stop_by);
	if (pod->finished && !before->finished)
		assert_true(settled || now >= pod->stop_by + 4 * S);
}

void check_promises(const struct pod_spec *spec, const struct pod *before, const struct pod *pod,
	const struct actions *actions, int64_t now)
{
	assert_in_range(actions->count, 0, actions->max - 1);
	assert_true(pod_next_deadline(pod) > now);
	if (before->phase == PHASE_SUCCEEDED || before->phase == PHASE_FAILED)
		assert_int_equal(pod->phase, before->phase);
	if (before->stopping) {
		assert_int_equal(pod->stopping, before->stopping);
		assert_true(pod->stop_by <= before->stop_by);
		check_no_start(actions);
	}
	if (before->finished)
		assert_int_equal(actions->count, 0);
	check_end(before, pod, actions, now);
	if (pod->finished) {
		assert_true(pod_next_deadline(pod) == NEVER);
		return;
	}
	for (int i = 0; i < pod->process_count; i++)
		check_process(spec, &pod->processes[i], now);
	for (int i = 0; i < actions->count; i++) {
		const struct action *action = &actions->items[i];
		assert_true(action->type < ACTION_TYPE_COUNT);
		assert_in_range(action->process + 1, 0, pod->process_count);
		if (action->type == ACT_SPAWN) {
			assert_int_equal(pod->processes[action->process].state, PROCESS_SPAWNING);
			if (before->processes[action->process].state == PROCESS_NONE)
				check_order(spec, pod, action->process);
		}
	}
}
