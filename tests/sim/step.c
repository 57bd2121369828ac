/* One step of the real core, and what it must keep whatever the event is. Must not know what the
 * step should do. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum { CANARY_SIZE = 64, CANARY = 0xa5, PADDING_ACTIONS = 2 };

static void *canary_of(struct pod *pod, size_t size)
{
	return (char *)pod + size;
}

void step_finish(struct life *life)
{
	free(life->pod);
	free(life->shadow);
	free(life->actions.items);
	free(life->shadow_actions.items);
}

static void fit(struct life *life)
{
	life->pod_size = pod_size(&life->spec);
	life->pod = memory_resize(NULL, life->pod_size + CANARY_SIZE);
	life->shadow = memory_resize(NULL, life->pod_size + CANARY_SIZE);
	int max = pod_action_max(&life->spec);
	size_t bytes = sizeof(struct action) * ((size_t)max + PADDING_ACTIONS);
	life->actions = (struct actions){memory_resize(NULL, bytes), 0, max};
	life->shadow_actions = (struct actions){memory_resize(NULL, bytes), 0, max};
	memset(life->actions.items, 0, bytes);
	memset(&life->actions.items[max], CANARY, sizeof(struct action) * PADDING_ACTIONS);
	memset(life->pod, CANARY, life->pod_size + CANARY_SIZE);
}

static void check_memory(struct life *life)
{
	static const unsigned char canary[sizeof(struct action) * PADDING_ACTIONS + CANARY_SIZE] = {
		[0 ... sizeof(struct action) * PADDING_ACTIONS + CANARY_SIZE - 1] = CANARY};
	promise_looked_at(PROMISE_ROBUST);
	if (memcmp(canary_of(life->pod, life->pod_size), canary, CANARY_SIZE))
		promise_broken(life, PROMISE_ROBUST, "the state was written beyond pod_size()");
	if (life->actions.count >= life->actions.max)
		promise_broken(life, PROMISE_ROBUST, "%d actions fill their %d places",
			life->actions.count, life->actions.max);
	if (memcmp(&life->actions.items[life->actions.max], canary,
		    sizeof(struct action) * PADDING_ACTIONS))
		promise_broken(life, PROMISE_ROBUST, "the actions were written beyond their end");
}

void step_fit(struct life *life)
{
	step_finish(life);
	fit(life);
}

void step_transfer(struct life *life, const struct pod_spec *fresh, const struct changes *changes)
{
	struct pod *old = life->pod;
	struct pod_spec old_spec = life->spec;
	free(life->shadow);
	free(life->actions.items);
	free(life->shadow_actions.items);
	life->spec = *fresh;
	fit(life);
	pod_transfer(&old_spec, old, &life->spec, life->pod, changes, life->now);
	free(old);
	check_memory(life);
}

static bool same_spawn_error(const struct spawn_error *a, const struct spawn_error *b)
{
	return a->stage == b->stage && a->item == b->item && a->error == b->error;
}

static bool same_notice(const struct notice *a, const struct notice *b)
{
	return a->reason == b->reason && a->phase == b->phase && a->cause == b->cause &&
		a->signo == b->signo && a->exit_code == b->exit_code && a->process == b->process &&
		a->pid == b->pid && a->restart_count == b->restart_count && a->count == b->count &&
		a->probe == b->probe && a->timed_out == b->timed_out &&
		same_spawn_error(&a->spawn_error, &b->spawn_error) && a->delay_ns == b->delay_ns;
}

/* Field by field: between them a compiler may leave what it likes. (Not so in the state.) */
bool step_same_actions(const struct actions *a, const struct actions *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++) {
		const struct action *x = &a->items[i], *y = &b->items[i];
		if (x->type != y->type || x->hook != y->hook || x->signo != y->signo ||
			x->probe != y->probe || x->attempt != y->attempt || x->group != y->group ||
			x->all != y->all || x->process != y->process ||
			x->exit_code != y->exit_code || !same_notice(&x->notice, &y->notice))
			return false;
	}
	return true;
}

/* The same event with something else between its fields. */
static struct event same_event(const struct event *event)
{
	struct event copy;
	memset(&copy, 0x5a, sizeof(copy));
	copy.type = event->type;
	copy.probe = event->probe;
	copy.hook = event->hook;
	copy.success = event->success;
	copy.result = event->result;
	copy.notification = event->notification;
	copy.attempt = event->attempt;
	copy.seed = event->seed;
	copy.value_ns = event->value_ns;
	copy.leaving = event->leaving;
	copy.oom = event->oom;
	copy.exit_code = event->exit_code;
	copy.signo = event->signo;
	copy.process = event->process;
	copy.pid = event->pid;
	copy.volume = event->volume;
	copy.grace_ns = event->grace_ns;
	copy.spawn_error.stage = event->spawn_error.stage;
	copy.spawn_error.item = event->spawn_error.item;
	copy.spawn_error.error = event->spawn_error.error;
	return copy;
}

/* Does the same step once more, on a copy and over other garbage. */
static void check_repeats(struct life *life, const struct event *event)
{
	struct actions *actions = &life->shadow_actions;
	memset(actions->items, 0x5a, sizeof(*actions->items) * (size_t)actions->max);
	actions->count = 3;
	struct event again = same_event(event);
	pod_step(&life->spec, life->shadow, &again, life->now, actions);
	if (memcmp(life->shadow, life->pod, life->pod_size))
		promise_broken(life, PROMISE_ROBUST, "the same step gave another state");
	if (!step_same_actions(actions, &life->actions))
		promise_broken(life, PROMISE_ROBUST, "the same step gave other actions");
}

void step_core(struct life *life, const struct event *event, bool is_repeated)
{
	trace_event(life, event);
	coverage_event(event, life->pod, life->in_nonsense);
	if (is_repeated)
		memcpy(life->shadow, life->pod, life->pod_size);
	pod_step(&life->spec, life->pod, event, life->now, &life->actions);
	for (int i = 0; i < life->actions.count; i++)
		trace_action(life, &life->actions.items[i]);
	check_memory(life);
	if (is_repeated)
		check_repeats(life, event);
	/* What no event is, nor a boot that is not the first, is refused before the time counts. */
	bool is_refused = event->type >= EVENT_TYPE_COUNT || event->type == EVENT_BOOT;
	int64_t next = pod_next_deadline(life->pod);
	promise_looked_at(PROMISE_DEADLINES);
	if (next <= life->now && !is_refused)
		promise_broken(life, PROMISE_DEADLINES, "the next deadline lies %.9f s back",
			(double)(life->now - next) / 1e9);
}
