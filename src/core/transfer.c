/* From the state of one pod to that of the next. Must not know how the difference was found. */
#include "transfer.h"

#include <string.h>

#include "step.h"

/* Has it done its work, for good? */
static bool is_done_init(const struct pod_spec *spec, const struct pod *pod, int index)
{
	const struct process *process = &pod->processes[index];
	return spec->processes[index].kind == KIND_INIT && process->state == PROCESS_EXITED &&
		termination_is_success(&process->last);
}

void pod_plan_transfer(const struct pod_spec *old_spec, const struct pod *old,
	struct changes *changes, bool *leaving)
{
	for (int i = 0; i < old->process_count; i++) {
		int at = changes->new_of_old[i];
		struct process_change *change = at < 0 ? NULL : &changes->items[at];
		if (change && change->kind == CHANGE_RESTART && is_done_init(old_spec, old, i))
			change->kind = CHANGE_LIVE;
		leaving[i] = !change || change->kind == CHANGE_RESTART;
	}
}

/* --- the start order --- */

/* The place in the new order that corresponds to the old next_init: that of the one that goes on, or behind all
 * that are done. */
static int next_init_of(const struct pod_spec *old_spec, const struct pod *old,
	const struct pod_spec *spec, const struct changes *changes)
{
	int next = 0;
	if (old->next_init >= old_spec->init_count)
		return spec->init_count;
	int current = changes->new_of_old[old->next_init];
	bool goes_on = current >= 0 && changes->items[current].kind != CHANGE_RESTART &&
		old->processes[old->next_init].state != PROCESS_NONE;
	if (goes_on)
		return current;
	for (int i = 0; i < old->next_init; i++) {
		if (changes->new_of_old[i] >= next)
			next = changes->new_of_old[i] + 1;
	}
	return next;
}

/* As if they had done their work: Kubernetes, too, runs no init in a pod that is past it. */
static void pass_by_inits(struct pod *pod, const struct pod_spec *spec, int64_t now)
{
	for (int i = 0; i < pod->next_init; i++) {
		struct process *process = &pod->processes[i];
		if (spec->processes[i].kind != KIND_INIT || process->state != PROCESS_NONE)
			continue;
		process->state = PROCESS_EXITED;
		process->touched = true;
		process->last = (struct termination){
			.started_at = now,
			.finished_at = now,
			.reason = NOTICE_COMPLETED,
		};
	}
}

/* --- processes and their probes --- */

/* What an end was about is mostly the process's own; but whom it waited for has another number now, or none
 * (which is that of nobody, and stays so). */
static void move_end(struct termination *end, const struct pod *old, const struct changes *changes)
{
	struct spawn_error *error = &end->spawn_error;
	if (end->reason == NOTICE_START_ERROR && error->stage == STAGE_DEPENDENCY &&
		error->item < old->process_count)
		error->item = (uint16_t)changes->new_of_old[error->item];
}

static void move_process(struct process *process, const struct process *old, enum change_kind kind)
{
	*process = *old;
	process->leaving = false;
	process->touched = true;
	if (kind != CHANGE_RESTART)
		return;
	/* Its crashes are not those of the one before; but its instances are counted on. */
	process_forget(process);
	process->stop_cause = STOP_NONE;
	process->group_signalled = false;
	process->backoff_ns = 0;
	process->backoff_since = -1;
	process->restarts = 0;
}

static void move_probe(struct step *step, int index, enum probe_type type, const struct pod *old,
	const struct probe_spec *old_spec, const struct process_change *change)
{
	const struct probe_spec *spec = step->spec->processes[index].probes[type];
	struct process *process = &step->pod->processes[index];
	if (!spec)
		return;
	struct probe *probe = pod_probe(step->pod, spec);
	const struct probe *before = old_spec ? pod_probe((struct pod *)old, old_spec) : NULL;
	if (before && change->kind != CHANGE_RESTART && !(change->probes >> type & 1)) {
		*probe = *before;
		probe->process = index;
		/* An attempt that is on its way is made again. */
		if (probe->fails_at != NEVER)
			probe->due = step->now;
		probe->fails_at = NEVER;
		return;
	}
	/* What is still on its way answers nobody any more. */
	probe->attempt = before ? before->attempt : 0;
	/* Who is Started needs no more to prove it. */
	if (!before && type == PROBE_STARTUP)
		process->startup_done = process->is_started;
	if (!before && type == PROBE_READINESS)
		process->ready = false;
	probe_renew(step, index, type);
}

static void move_processes(struct step *step, const struct pod_spec *old_spec,
	const struct pod *old, const struct changes *changes)
{
	for (int i = 0; i < step->pod->process_count; i++) {
		const struct process_change *change = &changes->items[i];
		if (change->old < 0)
			continue;
		struct process *process = &step->pod->processes[i];
		move_process(process, &old->processes[change->old], (enum change_kind)change->kind);
		move_end(&process->last, old, changes);
		move_end(&process->previous, old, changes);
		for (int type = 0; type < PROBE_COUNT; type++)
			move_probe(step, i, (enum probe_type)type, old,
				old_spec->processes[change->old].probes[type], change);
	}
}

static int moved(const struct changes *changes, int index)
{
	return index < 0 ? -1 : changes->new_of_old[index];
}

void pod_transfer(const struct pod_spec *old_spec, const struct pod *old,
	const struct pod_spec *spec, struct pod *pod, const struct changes *changes, int64_t now)
{
	struct step step = {.spec = spec, .pod = pod, .now = now};
	pod_init(pod, spec);
	struct pod counts = *pod;
	memcpy(pod, old, sizeof(*pod));
	pod->process_count = counts.process_count;
	pod->probe_count = counts.probe_count;
	pod->replacing = pod->replacement_told = false;
	pod->next_init = next_init_of(old_spec, old, spec, changes);
	pod->starting = moved(changes, old->starting);
	pod->decider = moved(changes, old->decider);
	if (!pod->stopping && spec->deadline_ns != old_spec->deadline_ns)
		pod->deadline = spec->deadline_ns < 0
			? NEVER
			: time_after(pod->started_at, spec->deadline_ns);
	move_processes(&step, old_spec, old, changes);
	pass_by_inits(pod, spec, now);
}
