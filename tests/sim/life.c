/* One life: the virtual clock between the world, the core and the model. Must not judge: the
 * promises do. */
#include <string.h>

#include "sim.h"

/* How much later than its bound a pod may end: SIGKILL and the reaping take time. */
#define END_SLACK (300 * MS)

void life_create(struct life *life)
{
	memset(life, 0, sizeof(*life));
}

void life_destroy(struct life *life)
{
	reload_forget(life);
	if (life->has_spec)
		spec_finish(&life->spec);
	step_finish(life);
}

static void hash(struct life *life, const void *data, size_t size)
{
	const unsigned char *bytes = data;
	for (size_t i = 0; i < size; i++)
		life->hash = (life->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

/* Is the pod to become that of its new file now? */
static bool one_step(struct life *life, const struct event *event)
{
	bool replaces = false;
	uint8_t before[SIM_PROCESSES_MAX];
	bool is_repeated = rng_chance(&life->rng, 125);
	for (int i = 0; i < life->spec.process_count; i++)
		before[i] = life->pod->processes[i].state;
	uint32_t unexpected = life->pod->unexpected;
	step_core(life, event, is_repeated);
	if (life->pod->unexpected != unexpected)
		promise_broken(
			life, PROMISE_ROBUST, "counts an event that makes sense as unexpected");
	model_step(life, event);
	promises_check(life);
	coverage_step(life, before);
	hash(life, &life->now, sizeof(life->now));
	hash(life, event, sizeof(event->type) + sizeof(event->process));
	for (int i = 0; i < life->actions.count; i++) {
		hash(life, &life->actions.items[i].type, 1);
		world_act(life, &life->actions.items[i]);
		replaces |= life->actions.items[i].type == ACT_REPLACE;
	}
	return replaces;
}

static void step(struct life *life, const struct event *event)
{
	if (!one_step(life, event))
		return;
	reload_take_place(life);
	one_step(life, &(struct event){.type = EVENT_TICK});
}

/* An event that makes no sense must do no more than a tick does, besides being counted. */
static void step_nonsense(struct life *life, const struct event *event)
{
	struct event tick = {.type = EVENT_TICK};
	/* What is no event at all does not even let the time pass. */
	bool is_refused = event->type >= EVENT_TYPE_COUNT || event->type == EVENT_BOOT;
	memcpy(life->shadow, life->pod, life->pod_size);
	int count = life->shadow_actions.count = life->actions.count;
	pod_step(&life->spec, life->shadow, &tick, life->now, &life->shadow_actions);
	bool is_idle = life->shadow_actions.count == 0;
	uint32_t unexpected = life->pod->unexpected;
	if (!is_idle) { /* time goes on in this step: it is the tick's, not the nonsense's */
		life->actions.count = count;
		return;
	}
	if (is_refused)
		memcpy(life->shadow, life->pod, life->pod_size);
	life->in_nonsense = true;
	step_core(life, event, false);
	if (life->pod->unexpected < unexpected || life->pod->unexpected > unexpected + 1)
		promise_broken(life, PROMISE_ROBUST, "counts nonsense wrongly");
	life->shadow->unexpected = life->pod->unexpected;
	if (memcmp(life->shadow, life->pod, life->pod_size))
		promise_broken(life, PROMISE_ROBUST, "nonsense changed the state");
	if (!step_same_actions(&life->actions, &life->shadow_actions))
		promise_broken(life, PROMISE_ROBUST, "nonsense led to actions");
	if (life->model.finished && pod_next_deadline(life->pod) != NEVER)
		promise_broken(life, PROMISE_DEADLINES, "a finished pod has a deadline");
	life->in_nonsense = false;
}

static void some_nonsense(struct life *life, int permille)
{
	while (rng_chance(&life->rng, permille)) {
		struct event event = random_nonsense(life);
		if (model_is_nonsense(life, &event))
			step_nonsense(life, &event);
	}
}

/* It was told to end, and has had its time. */
static void check_end(const struct life *life)
{
	int64_t by = life->must_end_by;
	if (by == NEVER)
		return;
	int64_t excuse = life->world.excused_until;
	if (excuse == NEVER)
		by = later_by(by, 2 * SECOND); /* when podinit gives up */
	else if (excuse > by)
		by = excuse;
	promise_looked_at(PROMISE_STOP_ORDER);
	if (life->now > later_by(by, END_SLACK + 3 * life->lateness))
		promise_broken(life, PROMISE_STOP_ORDER,
			"%.3f s after its grace and two seconds the pod is still there",
			(double)(life->now - life->must_end_by) / 1e9);
}

/* The next event, from the world or because of the time; the clock goes there. */
static bool next_event(struct life *life, struct event *event)
{
	int64_t deadline = pod_next_deadline(life->pod);
	int64_t world = world_next_time(&life->world);
	if (deadline == NEVER && world == NEVER) {
		/* Somebody granted it all the time there is. */
		if (life->must_end_by != NEVER || life->world.hurried)
			promise_broken(life, PROMISE_DEADLINES, "waits for ever");
		world_hurry(life);
		world = life->now;
	}
	if (life->lateness && deadline != NEVER)
		deadline += rng_between(&life->rng, 0, life->lateness);
	bool is_tick = deadline < world || (deadline == world && rng_chance(&life->rng, 500));
	int64_t at = is_tick ? deadline : world;
	life->now = at > life->now ? at : life->now;
	*event = (struct event){.type = EVENT_TICK};
	if (is_tick)
		return true;
	return world_take(life, event) &&
		(event->type != EVENT_REPLACED || reload_ask(life, event));
}

static void begin(struct life *life, uint64_t seed)
{
	uint64_t old_spec = life->spec_seed;
	bool had_spec = life->has_spec && !life->spec_changed;
	reload_forget(life);
	if (life->spec_changed)
		spec_finish(&life->spec);
	life->has_spec = had_spec;
	life->spec_changed = false;
	struct rng mixer = {seed >> 3}; /* every eight lives are those of one pod */
	random_pod(life, rng_next(&mixer));
	if (!had_spec || old_spec != life->spec_seed)
		step_fit(life);
	pod_init(life->pod, &life->spec);
	life->seed = seed;
	life->rng = (struct rng){seed};
	rng_next(&life->rng);
	life->started_at = life->now =
		rng_chance(&life->rng, 300) ? 0 : rng_between(&life->rng, 1, INT64_C(1) << 50);
	life->must_end_by = NEVER;
	life->lateness = 0;
	if (rng_chance(&life->rng, 150))
		life->lateness = rng_chance(&life->rng, 100) ? SECOND : 10 * MS;
	life->steps = 0;
	life->step_max = (int)rng_between(&life->rng, 40, 240);
	life->hash = UINT64_C(0xcbf29ce484222325);
	life->trace_count = 0;
	model_begin(life);
	world_begin(life);
}

void life_run(struct life *life, uint64_t seed)
{
	begin(life, seed);
	if (rng_chance(&life->rng, 50)) {
		chaos_run(life);
		return;
	}
	some_nonsense(life, 50);
	step(life, &(struct event){.type = EVENT_BOOT, .seed = (uint32_t)rng_next(&life->rng)});
	while (!life->model.finished) {
		struct event event;
		some_nonsense(life, 40);
		if (!next_event(life, &event))
			continue;
		if (model_is_nonsense(life, &event))
			step_nonsense(life, &event);
		else
			step(life, &event);
		if (++life->steps > life->step_max)
			world_hurry(life);
		if (life->steps == 4 * life->step_max)
			world_press(life);
		if (life->steps > 100 * life->step_max)
			promise_broken(life, PROMISE_STOP_ORDER, "does not end");
		check_end(life);
	}
	coverage_life(life);
	some_nonsense(life, 500);
}
