/* The world that carries actions out: programs that run, end, obey or do not, and leave things
 * behind; file systems that take their time; hooks and probes. It knows the truth about what
 * lives. Must not judge what it is told to do: promises.c does. */
#include <string.h>

#include "world.h"

/* Ends it then, if nothing does before. */
static void plan_end(struct life *life, int index, int64_t at, struct event event)
{
	struct world_process *process = &life->world.processes[index];
	if (at >= process->exit_at)
		return;
	process->exit_at = at;
	event.type = EVENT_EXITED;
	event.process = index;
	event.pid = process->pid;
	happen(&life->world, (struct happening){at, 0, process->instance, HAPPEN_EXIT, event});
}

/* What is the process from now on: its program, or the daemon that it left. */
void begin_main(struct life *life, int index)
{
	struct rng *rng = &life->rng;
	struct world_process *process = &life->world.processes[index];
	const struct habits *habits = &process->habits;
	process->alive = true;
	process->pid = life->world.next_pid++;
	process->exit_at = NEVER;
	if (!habits->runs_for_ever)
		plan_end(life, index, life->now + rng_time(rng, habits->run_max),
			random_end(rng, habits));
}

/* The program of a daemon forks, and ends soon. */
static void begin_instance(struct life *life, struct event *event)
{
	struct rng *rng = &life->rng;
	struct world_process *process = &life->world.processes[event->process];
	begin_main(life, event->process);
	event->pid = process->pid;
	process->is_program = life->spec.processes[event->process].lifecycle->daemon;
	if (process->is_program && rng_chance(rng, 900))
		plan_end(life, event->process, life->now + rng_time(rng, 3 * SECOND),
			(struct event){.exit_code = rng_chance(rng, 900) ? 0 : 1});
	plan_words(life, event->process);
}

static void plan_spawn_result(
	struct life *life, int index, int64_t at, enum event_type type, struct spawn_error error)
{
	struct world_process *process = &life->world.processes[index];
	process->instance++;
	happen(&life->world,
		(struct happening){at, 0, process->instance, HAPPEN_SPAWN,
			{.type = (uint8_t)type, .process = index, .spawn_error = error}});
}

static void spawn(struct life *life, int index)
{
	struct rng *rng = &life->rng;
	struct world_process *process = &life->world.processes[index];
	process->spawning = true;
	process->aborted = false;
	int64_t at = life->now + rng_between(rng, 0, MS);
	if (rng_chance(rng, 500))
		at = life->now; /* as vfork does it */
	if (rng_chance(rng, process->habits.spawn_slow_permille))
		at = life->now + rng_time(rng, 20 * SECOND);
	if (rng_chance(rng, process->habits.spawn_fail_permille))
		plan_spawn_result(life, index, at, EVENT_SPAWN_FAILED, random_spawn_error(rng));
	else
		plan_spawn_result(life, index, at, EVENT_SPAWNED, (struct spawn_error){0});
}

/* Mostly in time; now and then the program runs already, or something else was wrong with it. */
static void abort_spawn(struct life *life, int index)
{
	struct rng *rng = &life->rng;
	struct world_process *process = &life->world.processes[index];
	if (!process->spawning)
		return;
	process->aborted = true;
	int64_t at = life->now + rng_time(rng, 5 * MS);
	if (rng_chance(rng, 30)) { /* a mount that hangs, and cannot be killed */
		at = life->now + rng_time(rng, 40 * SECOND);
		life->world.excused_until = NEVER;
	}
	struct spawn_error error = {.stage = STAGE_ABORTED};
	if (rng_chance(rng, 100))
		error = random_spawn_error(rng);
	plan_spawn_result(
		life, index, at, rng_chance(rng, 250) ? EVENT_SPAWNED : EVENT_SPAWN_FAILED, error);
}

static void process_signalled(struct life *life, int index, int signo)
{
	struct rng *rng = &life->rng;
	struct world_process *process = &life->world.processes[index];
	const struct habits *habits = &process->habits;
	if (!process->alive)
		return;
	struct event end = random_end(rng, habits);
	if (rng_chance(rng, 500))
		end = (struct event){.signo = (uint8_t)signo};
	say_another_main(life, index);
	if (signo != life->spec.processes[index].stop_signal && signo != SIGNAL_INT) {
		if (rng_chance(rng, 100)) /* its default action */
			plan_end(life, index, life->now + rng_time(rng, MS), end);
		return;
	}
	uint8_t obedience = habits->obedience;
	if (obedience == OBEDIENCE_COUNT)
		obedience = (uint8_t)rng_between(rng, OBEYS, IGNORES);
	if (obedience == OBEYS)
		plan_end(life, index, life->now + rng_time(rng, 20 * MS), end);
	else if (obedience == SLOWLY)
		plan_end(life, index, life->now + rng_time(rng, habits->stop_max), end);
}

static void kill_tree(struct life *life, int index, bool all)
{
	struct rng *rng = &life->rng;
	struct world_process *process = &life->world.processes[index];
	signal_leftovers(life, index, !all, SIGNAL_KILL);
	if (!process->alive)
		return;
	int64_t at = life->now + rng_between(rng, 0, 2 * MS);
	if (rng_chance(rng, process->habits.unkillable_permille)) {
		at += rng_time(rng, 30 * SECOND);
		life->world.excused_until = NEVER;
	}
	plan_end(life, index, at, (struct event){.signo = SIGNAL_KILL});
	say_another_main(life, index);
}

/* --- between the two --- */

/* Podinit has no child: orphans come to it, and so does what is being started. */
static bool is_alone(const struct life *life)
{
	for (int i = 0; i < life->spec.process_count; i++) {
		const struct world_process *process = &life->world.processes[i];
		if (process->alive || process->spawning)
			return false;
	}
	return leftovers_are_gone(&life->world);
}

static void tell_when_alone(struct life *life)
{
	if (life->world.draining && is_alone(life))
		happen_anyway(life, life->now + rng_time(&life->rng, MS),
			(struct event){.type = EVENT_DRAINED});
}

void world_act(struct life *life, const struct action *action)
{
	struct world *world = &life->world;
	switch ((enum action_type)action->type) {
	case ACT_SPAWN:
		spawn(life, action->process);
		break;
	case ACT_ABORT:
		abort_spawn(life, action->process);
		break;
	case ACT_SIGNAL:
		process_signalled(life, action->process, action->signo);
		if (action->group)
			signal_leftovers(life, action->process, true, action->signo);
		break;
	case ACT_KILL_TREE:
		kill_tree(life, action->process, action->all);
		break;
	case ACT_ADOPT:
		look_for_daemon(life, action->process);
		break;
	case ACT_CANCEL_ADOPT:
		lose_daemon(life, action->process);
		break;
	case ACT_PROBE:
		make_attempt(life, action);
		break;
	case ACT_RUN_HOOK:
		run_hook(life, action->process, action->hook);
		break;
	case ACT_CANCEL_HOOK:
		world->processes[action->process].hook_runs[action->hook] = false;
		break;
	case ACT_DRAIN:
		world->draining = true;
		signal_leftovers(life, -1, false, action->signo);
		tell_when_alone(life);
		break;
	case ACT_CANCEL_PROBE: /* its result may come all the same, too late */
	case ACT_REPLACE:      /* reload.c */
	case ACT_TELL:
	case ACT_FINISH:
	case ACTION_TYPE_COUNT:
		break;
	}
}

static bool takes_exit(struct life *life, const struct happening *happening, struct event *event)
{
	int index = event->process;
	struct world_process *process = &life->world.processes[index];
	if (!process->alive || happening->at != process->exit_at ||
		happening->number != process->instance)
		return false;
	event->pid = process->pid; /* it may have become another one since */
	process->alive = process->is_program = false;
	for (int i = 0; i < HOOK_COUNT; i++)
		process->hook_runs[i] = false;
	if (rng_chance(&life->rng, process->habits.leave_permille)) {
		for (int64_t n = rng_between(&life->rng, 1, 3); n > 0; n--)
			leave(life, index);
	}
	tell_when_alone(life);
	return true;
}

bool world_take(struct life *life, struct event *event)
{
	struct world *world = &life->world;
	struct happening happening = happening_take(world);
	*event = happening.event;
	struct world_process *process = &world->processes[event->process];
	switch ((enum happening_type)happening.type) {
	case HAPPEN_SPAWN:
		if (!process->spawning || happening.number != process->instance)
			return false;
		process->spawning = false;
		if (event->type == EVENT_SPAWNED) {
			begin_instance(life, event);
			/* What runs too late has its two seconds, whatever the bound is. */
			if (process->aborted && world->excused_until < life->now + 2 * SECOND)
				world->excused_until = life->now + 2 * SECOND;
		}
		tell_when_alone(life);
		return true;
	case HAPPEN_EXIT:
		return takes_exit(life, &happening, event);
	case HAPPEN_HOOK:
		return takes_hook(life, &happening);
	case HAPPEN_PROBE:
		return true;
	case HAPPEN_ADOPT:
		return takes_daemon(life, &happening, event);
	case HAPPEN_SAYS:
		return takes_words(life, &happening);
	case HAPPEN_LEFTOVER_ENDS:
		if (!world->leftovers[happening.number].alive ||
			world->leftovers[happening.number].ends_at != happening.at)
			return false;
		world->leftovers[happening.number].alive = false;
		*event = (struct event){.type = EVENT_DRAINED};
		return world->draining && is_alone(life);
	case HAPPEN_ANYTHING:
		return true;
	}
	return false;
}

void world_hurry(struct life *life)
{
	struct event stop = {.type = EVENT_SIGNALLED, .signo = SIGNAL_TERM};
	/* Where that does not end the pod. */
	if (life->spec.relay || !life->spec.signal_map[SIGNAL_TERM])
		stop = (struct event){.type = EVENT_ASKED_TO_STOP, .grace_ns = -1};
	if (!life->world.hurried)
		happen_anyway(life, life->now, stop);
	life->world.hurried = true;
}

/* However long the grace is. */
void world_press(struct life *life)
{
	happen_anyway(
		life, life->now, (struct event){.type = EVENT_ASKED_TO_STOP, .grace_ns = SECOND});
}

void world_begin(struct life *life)
{
	struct world *world = &life->world;
	world->happening_count = 0;
	world->order = 0;
	world->next_pid = 2;
	world->draining = world->hurried = false;
	world->excused_until = 0;
	world->leftover_count = 0;
	for (int i = 0; i < life->spec.process_count; i++) {
		enum process_kind kind = (enum process_kind)life->spec.processes[i].kind;
		world->processes[i] = (struct world_process){
			.habits = random_habits(life, kind), .exit_at = NEVER};
	}
	if (rng_chance(&life->rng, 50))
		leave(life, -1);
	random_requests(life, happen_anyway);
}

/* --- the pod's file has changed --- */

/* -1: it is removed, and nothing is heard of it. */
static int renumbered(const struct life *life, const int *old_of, int old)
{
	for (int i = 0; i < life->spec.process_count; i++) {
		if (old_of[i] == old)
			return i;
	}
	return -1;
}

static bool is_of_process(const struct event *event)
{
	return event->type >= EVENT_SPAWNED && event->type <= EVENT_CHANGED;
}

/* Attempts of a probe that there is no more are dropped. */
static bool is_still_heard(const struct life *life, const struct happening *happening)
{
	const struct event *event = &happening->event;
	return event->process >= 0 &&
		(happening->type != HAPPEN_PROBE ||
			life->spec.processes[event->process].probes[event->probe]);
}

void world_renumber(struct life *life, const int *old_of, int old_count)
{
	struct world *world = &life->world;
	static struct happening kept[SIM_HAPPENINGS_MAX];
	struct world_process old[SIM_PROCESSES_MAX];
	int count = world->happening_count;
	memcpy(old, world->processes, sizeof(*old) * (size_t)old_count);
	for (int i = 0; i < life->spec.process_count; i++) {
		enum process_kind kind = (enum process_kind)life->spec.processes[i].kind;
		world->processes[i] = old_of[i] >= 0
			? old[old_of[i]]
			: (struct world_process){
				  .habits = random_habits(life, kind), .exit_at = NEVER};
	}
	memcpy(kept, world->happenings, sizeof(*kept) * (size_t)count);
	world->happening_count = 0;
	for (int i = 0; i < count; i++) {
		if (is_of_process(&kept[i].event))
			kept[i].event.process = renumbered(life, old_of, kept[i].event.process);
		if (is_still_heard(life, &kept[i]))
			happen(world, kept[i]);
	}
	for (int i = 0; i < world->leftover_count; i++) {
		struct leftover *leftover = &world->leftovers[i];
		int now = leftover->process < 0 ? -1 : renumbered(life, old_of, leftover->process);
		leftover->process = now < 0 ? LEFTOVER_OF_NOBODY : now;
	}
}
