/* The model of a pod whose file has changed: from the facts about the old pod to those about the
 * new one. Like model.c it must not ask the core. */
#include <string.h>

#include "model.h"
#include "reload.h"

static bool is_kept(const struct reload *reload, int index)
{
	return reload->old_of[index] >= 0 && reload->kinds[index] != CHANGE_RESTART;
}

static int new_of(const struct life *life, const struct reload *reload, int old)
{
	for (int i = 0; i < life->spec.process_count; i++) {
		if (old >= 0 && reload->old_of[i] == old)
			return i;
	}
	return -1;
}

/* Who goes on being started goes on; else all that stands behind those that are done comes next. A
 * pod that is past its inits stays so. */
static int next_init_of(const struct life *life, const struct model *old,
	const struct pod_spec *old_spec, const struct reload *reload)
{
	int next = 0;
	if (old->next_init >= old_spec->init_count)
		return life->spec.init_count;
	int current = new_of(life, reload, old->next_init);
	if (current >= 0 && is_kept(reload, current) &&
		!model_is_new(&old->processes[old->next_init]))
		return current;
	for (int i = 0; i < life->spec.init_count; i++) {
		if (reload->old_of[i] >= 0 && reload->old_of[i] < old->next_init)
			next = i + 1;
	}
	return next;
}

static bool same_probe(const struct probe_spec *a, const struct probe_spec *b)
{
	return a->initial_delay_ns == b->initial_delay_ns && a->period_ns == b->period_ns &&
		a->timeout_ns == b->timeout_ns && a->grace_ns == b->grace_ns &&
		a->success_threshold == b->success_threshold &&
		a->failure_threshold == b->failure_threshold;
}

/* One that is another now begins anew; one that is not there any more asks nothing. */
static void move_probe(
	struct life *life, int index, int type, const struct probe_spec *before, bool is_kept)
{
	const struct probe_spec *spec = spec_of(life, index)->probes[type];
	struct model_process *process = &life->model.processes[index];
	struct model_probe *probe = &process->probes[type];
	if (!before)
		*probe = (struct model_probe){0};
	if (!before || !spec)
		probe->due = probe->fails_at = NEVER;
	if (!spec)
		return;
	if (before && is_kept && same_probe(before, spec)) {
		if (probe->fails_at != NEVER) /* that one is dropped, and made again */
			probe->due = life->now;
		probe->fails_at = NEVER;
		return;
	}
	if (!before && type == PROBE_STARTUP)
		process->startup_ok = process->was_started;
	if (!before && type == PROBE_READINESS)
		process->ready_ok = false;
	model_probe_renew(life, index, type);
}

static void move_process(struct life *life, const struct pod_spec *old_spec, int index,
	const struct model_process *old, const struct reload *reload)
{
	struct model_process *process = &life->model.processes[index];
	bool kept = is_kept(reload, index);
	*process = *old;
	process->leaving = false;
	/* Whom it waited for in vain has another number; who is gone has none that anybody has. */
	int dependency = process->end_error.item;
	if (process->end_error.stage == STAGE_DEPENDENCY && dependency < old_spec->process_count)
		process->end_error.item = (uint16_t)new_of(life, reload, dependency);
	if (!kept) { /* another one, whose instances are counted on */
		model_forget(process);
		process->cause = STOP_NONE;
		process->has_backoff = process->group_told = false;
		process->row = 0;
	}
	for (int type = 0; type < PROBE_COUNT; type++)
		move_probe(life, index, type,
			old_spec->processes[reload->old_of[index]].probes[type], kept);
}

static void begin_process(struct model_process *process)
{
	*process = (struct model_process){.watchdog_at = NEVER};
	for (int k = 0; k < PROBE_COUNT; k++)
		process->probes[k].due = process->probes[k].fails_at = NEVER;
}

/* An init that the pod is past already is not run any more, and counts as done. */
static void pass_by_inits(struct life *life)
{
	for (int i = 0; i < life->model.next_init; i++) {
		struct model_process *process = &life->model.processes[i];
		if (spec_of(life, i)->kind != KIND_INIT || !model_is_new(process))
			continue;
		process->over = process->has_ended = process->end_ok = true;
		process->end_is_start_error = process->end_oom = false;
		process->end_code = process->end_signo = 0;
		process->finished_at = life->now;
	}
}

void model_reload(struct life *life, const struct pod_spec *old_spec, const struct reload *reload)
{
	static struct model old; /* too large for some stacks */
	struct model *model = &life->model;
	old = *model;
	model->process_count = life->spec.process_count;
	model->replacing = model->replacement_told = false;
	model->next_init = next_init_of(life, &old, old_spec, reload);
	model->starting = new_of(life, reload, old.starting);
	if (life->spec.deadline_ns != old_spec->deadline_ns)
		model->deadline_at = life->spec.deadline_ns < 0
			? NEVER
			: later_by(model->booted_at, life->spec.deadline_ns);
	for (int i = 0; i < model->process_count; i++) {
		if (reload->old_of[i] < 0)
			begin_process(&model->processes[i]);
		else
			move_process(life, old_spec, i, &old.processes[reload->old_of[i]], reload);
	}
	pass_by_inits(life);
}
