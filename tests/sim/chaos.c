/* A life in which nothing makes sense: any event at any time, with any numbers in it. Only what
 * holds whatever happens is checked: no crash, no loop, no writing elsewhere, no deadline in the
 * past, the same result when repeated, that nothing starts once the end has begun, and that podinit
 * does not end before its processes. */
#include "sim.h"

static struct event any_event(struct life *life)
{
	static const int64_t graces[] = {INT64_MIN, -1, 0, 1, SECOND, INT64_MAX - 1, INT64_MAX};
	static bool leaving[SIM_PROCESSES_MAX];
	struct rng *rng = &life->rng;
	const struct pod *pod = life->pod;
	struct event event = random_nonsense(life);
	bool is_there = event.process >= 0 && event.process < pod->process_count;
	/* Nobody carries the reload out: so nothing may come of it but that some end. */
	for (int i = 0; i < pod->process_count; i++)
		leaving[i] = rng_chance(rng, 300);
	event.leaving = rng_chance(rng, 500) ? leaving : NULL;
	event.grace_ns = graces[rng_between(rng, 0, 6)];
	/* Half of it is right, or it would not get far. */
	if (is_there && pod->processes[event.process].state == PROCESS_SPAWNING &&
		rng_chance(rng, 500))
		event.type = EVENT_SPAWNED;
	if (is_there && event.type == EVENT_EXITED && rng_chance(rng, 700))
		event.pid = pod->processes[event.process].pid;
	bool is_request = event.type == EVENT_SIGNALLED || event.type == EVENT_ASKED_TO_STOP ||
		event.type == EVENT_EVICTED || event.type == EVENT_REPLACED;
	if (is_request && rng_chance(rng, 700))
		event.type = EVENT_TICK;
	if (event.type == EVENT_SIGNALLED && rng_chance(rng, 500))
		event.signo = SIGNAL_TERM;
	return event;
}

static void time_goes_on(struct life *life)
{
	struct rng *rng = &life->rng;
	int64_t deadline = pod_next_deadline(life->pod);
	if (rng_chance(rng, 500))
		life->now += rng_time(rng, 100 * SECOND);
	else if (deadline < INT64_MAX / 2 && rng_chance(rng, 500))
		life->now = deadline > life->now ? deadline : life->now;
}

/* While anything lives, only four seconds after the grace. */
static bool may_finish(const struct life *life)
{
	const struct pod *pod = life->pod;
	for (int i = 0; i < pod->process_count; i++) {
		uint8_t state = pod->processes[i].state;
		if (state != PROCESS_NONE && state != PROCESS_EXITED)
			return life->now >= later_by(pod->stop_by, 4 * SECOND);
	}
	return true;
}

static void step(struct life *life, const struct event *event)
{
	bool was_stopping = life->pod->stopping != STOP_NONE, was_finished = life->pod->finished;
	step_core(life, event, true);
	promise_looked_at(PROMISE_NOTHING_STARTS);
	for (int i = 0; i < life->actions.count; i++) {
		if (was_finished)
			promise_broken(life, PROMISE_ROBUST, "an action after ACT_FINISH");
		if (was_stopping && life->actions.items[i].type == ACT_SPAWN)
			promise_broken(life, PROMISE_NOTHING_STARTS, "a start");
		if (life->actions.items[i].type == ACT_FINISH && !may_finish(life))
			promise_broken(life, PROMISE_STOP_ORDER, "the end while one lives");
	}
}

void chaos_run(struct life *life)
{
	life->in_nonsense = true;
	if (rng_chance(&life->rng, 200)) {
		struct event event = any_event(life);
		step(life, &event);
	}
	step(life, &(struct event){.type = EVENT_BOOT});
	for (int64_t i = rng_between(&life->rng, 20, 150); i > 0; i--) {
		time_goes_on(life);
		struct event event = any_event(life);
		step(life, &event);
	}
	life->in_nonsense = false;
	coverage_chaos();
}
