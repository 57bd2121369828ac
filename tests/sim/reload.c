/* The pod's file changes while it runs: what differs, who has to end for that, and, when they have,
 * the change of core, model and world from one pod to the other. Must not decide what becomes of a
 * process: model_reload.c does. */
#include "reload.h"

#include <stdlib.h>
#include <string.h>

/* --- what differs --- */

static bool is_same_name(const struct process_spec *a, const struct process_spec *b)
{
	return a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

static bool has_command_beside(const struct process_spec *process)
{
	static const enum hook_type beside[] = {HOOK_POST_START, HOOK_PRE_STOP, HOOK_RELOAD};
	for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
		const struct handler *hook = process->lifecycle->hooks[beside[i]];
		if (hook && hook->exec_command.count)
			return true;
	}
	return false;
}

/* What it runs, and what it must be given at its birth: all that, of what random processes have,
 * cannot change while it runs. Commands beside one with a view of its own need what only an
 * instance that began with some has. */
static bool is_another(
	const struct process_spec *old, const struct process_spec *fresh, bool has_view)
{
	const struct lifecycle_spec *a = old->lifecycle, *b = fresh->lifecycle;
	return a->daemon != b->daemon || a->notify != b->notify || a->notify_fd != b->notify_fd ||
		a->watchdog_ns != b->watchdog_ns ||
		strcmp(old->command.items[0], fresh->command.items[0]) != 0 ||
		(has_view && has_command_beside(fresh) && !has_command_beside(old));
}

static void compare(const struct life *life, struct reload *reload)
{
	const struct pod_spec *old = &life->spec, *fresh = &reload->fresh;
	for (int i = 0; i < old->process_count; i++)
		reload->leaving[i] = true;
	for (int i = 0; i < fresh->process_count; i++) {
		reload->old_of[i] = -1;
		reload->kinds[i] = CHANGE_NEW;
		for (int k = 0; k < old->process_count; k++) {
			const struct model_process *process = &life->model.processes[k];
			if (!is_same_name(&old->processes[k], &fresh->processes[i]))
				continue;
			/* An init that has done its work is not run again. */
			bool is_done = old->processes[k].kind == KIND_INIT && process->over &&
				process->end_ok;
			bool restarts = !is_done &&
				is_another(&old->processes[k], &fresh->processes[i],
					fresh->host_aliases.count > 0);
			reload->old_of[i] = k;
			reload->kinds[i] = restarts ? CHANGE_RESTART : CHANGE_LIVE;
			reload->leaving[k] = restarts;
		}
	}
}

static void check_plan(const struct life *life, const struct reload *reload)
{
	bool leaving[SIM_PROCESSES_MAX] = {false};
	struct changes *changes = (struct changes *)&reload->changes;
	pod_plan_transfer(&life->spec, life->pod, changes, leaving);
	promise_looked_at(PROMISE_RELOAD);
	for (int i = 0; i < reload->fresh.process_count; i++) {
		bool restarts = changes->items[i].kind == CHANGE_RESTART;
		if (changes->items[i].old != reload->old_of[i] ||
			restarts != (reload->kinds[i] == CHANGE_RESTART))
			promise_broken(life, PROMISE_RELOAD, "%s should%s be another one",
				reload->fresh.processes[i].name, restarts ? " not" : "");
	}
	for (int i = 0; i < life->spec.process_count; i++) {
		if (leaving[i] != reload->leaving[i])
			promise_broken(life, PROMISE_RELOAD, "%s should%s end",
				life->spec.processes[i].name, leaving[i] ? " not" : "");
	}
}

void reload_forget(struct life *life)
{
	if (!life->reload)
		return;
	spec_finish(&life->reload->fresh);
	changes_finish(&life->reload->changes);
	free(life->reload);
	life->reload = NULL;
}

bool reload_ask(struct life *life, struct event *event)
{
	struct problems problems = {0};
	/* While one is on its way, and at the end, no other one is asked for. */
	if (life->model.replacing || life->model.stopping || !life->model.booted)
		return false;
	reload_forget(life);
	struct reload *reload = life->reload = memory_resize(NULL, sizeof(*reload));
	memset(reload, 0, sizeof(*reload));
	bool is_legal = random_change(&reload->fresh, life->spec_seed, &life->rng);
	if (is_legal)
		changes_find(&reload->changes, &life->spec, &reload->fresh, &problems);
	bool is_good =
		is_legal && !problems.count && reload->fresh.process_count <= SIM_PROCESSES_MAX;
	text_finish(&problems.text);
	if (!is_good) {
		reload_forget(life);
		return false;
	}
	compare(life, reload);
	check_plan(life, reload);
	event->leaving = reload->leaving;
	return true;
}

/* --- taking place --- */

/* By the world, which knows: who had to end has ended. */
static void check_that_they_left(const struct life *life)
{
	for (int i = 0; i < life->spec.process_count; i++) {
		const struct world_process *real = &life->world.processes[i];
		if (life->reload->leaving[i] && (real->alive || real->spawning))
			promise_broken(life, PROMISE_RELOAD, "%s is still there",
				life->spec.processes[i].name);
	}
}

/* Who is not touched is the same process as before. */
static void check_untouched(const struct life *life, const struct process *before)
{
	const struct reload *reload = life->reload;
	for (int i = 0; i < life->spec.process_count; i++) {
		if (reload->old_of[i] < 0 || reload->kinds[i] == CHANGE_RESTART)
			continue;
		const struct process *old = &before[reload->old_of[i]];
		const struct process *now = &life->pod->processes[i];
		promise_looked_at(PROMISE_RELOAD);
		if (old->pid != now->pid || old->instances != now->instances ||
			(old->pid && old->started_at != now->started_at))
			promise_broken(life, PROMISE_RELOAD, "%s is not the process that it was",
				life->spec.processes[i].name);
	}
}

void reload_take_place(struct life *life)
{
	struct process before[SIM_PROCESSES_MAX];
	struct pod_spec old = life->spec;
	struct reload *reload = life->reload;
	check_that_they_left(life);
	memcpy(before, life->pod->processes, sizeof(*before) * (size_t)old.process_count);
	step_transfer(life, &reload->fresh, &reload->changes);
	check_untouched(life, before);
	model_reload(life, &old, reload);
	world_renumber(life, reload->old_of, old.process_count);
	coverage_reload(life, reload->kinds, reload->leaving, old.process_count);
	life->spec_changed = true;
	spec_finish(&old);
	reload->fresh = (struct pod_spec){0};
	reload_forget(life);
}
