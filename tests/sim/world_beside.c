/* What happens beside the processes of the world: hooks, attempts of probes, the search for
 * daemons, and what processes say of themselves. Must not judge what it is told to do: promises.c
 * does. */
#include "world.h"

/* --- hooks --- */

void run_hook(struct life *life, int index, uint8_t hook)
{
	struct rng *rng = &life->rng;
	struct world_process *process = &life->world.processes[index];
	process->hook_run[hook]++;
	process->hook_runs[hook] = true;
	if (rng_chance(rng, process->habits.hook_hang_permille))
		return;
	happen(&life->world,
		(struct happening){
			life->now + (rng_chance(rng, 200) ? 0 : rng_time(rng, 40 * SECOND)), 0,
			process->hook_run[hook], HAPPEN_HOOK,
			{.type = EVENT_HOOK_DONE,
				.hook = hook,
				.process = index,
				.success = rng_chance(rng, 750)}});
}

bool takes_hook(struct life *life, const struct happening *happening)
{
	const struct event *event = &happening->event;
	struct world_process *process = &life->world.processes[event->process];
	if (happening->number != process->hook_run[event->hook])
		return false;
	/* What was cancelled still reports now and then, but never while another one runs. */
	if (!process->hook_runs[event->hook])
		return rng_chance(&life->rng, 100);
	process->hook_runs[event->hook] = false;
	return true;
}

/* --- probes --- */

/* Good, bad, or not to be made; now and then never, or too late. */
void make_attempt(struct life *life, const struct action *action)
{
	struct rng *rng = &life->rng;
	const struct habits *habits = &life->world.processes[action->process].habits;
	int64_t timeout = life->spec.processes[action->process].probes[action->probe]->timeout_ns;
	bool is_late = rng_chance(rng, habits->probe_late_permille);
	enum probe_result result = PROBE_FAILURE;
	if (rng_chance(rng, habits->probe_good_permille[action->probe]))
		result = rng_chance(rng, 100) ? PROBE_WARNING : PROBE_SUCCESS;
	if (rng_chance(rng, 40))
		result = PROBE_ERROR;
	if (rng_chance(rng, 20))
		return;
	happen(&life->world,
		(struct happening){
			.at = life->now + (is_late ? timeout : 0) + rng_time(rng, timeout),
			.type = HAPPEN_PROBE,
			.event = {.type = EVENT_PROBED,
				.process = action->process,
				.probe = action->probe,
				.attempt = action->attempt,
				.result = (uint8_t)result}});
}

/* --- daemons --- */

void look_for_daemon(struct life *life, int index)
{
	struct rng *rng = &life->rng;
	struct world_process *process = &life->world.processes[index];
	process->looked_for = true;
	if (rng_chance(rng, process->habits.found_permille))
		happen(&life->world,
			(struct happening){.at = life->now + rng_time(rng, 12 * SECOND),
				.number = process->instance,
				.type = HAPPEN_ADOPT,
				.event = {.type = EVENT_ADOPTED, .process = index}});
}

/* It may be there all the same. */
void lose_daemon(struct life *life, int index)
{
	life->world.processes[index].looked_for = false;
	if (rng_chance(&life->rng, 500))
		leave(life, index);
}

void say_another_main(struct life *life, int index)
{
	if (life->spec.entrypoint || !rng_chance(&life->rng, 20))
		return;
	happen(&life->world,
		(struct happening){.at = life->now + rng_time(&life->rng, 2 * MS),
			.type = HAPPEN_ADOPT,
			.event = {.type = EVENT_ADOPTED, .process = index}});
}

/* Found; or (number 0) a process says that another one is its main process. */
bool takes_daemon(struct life *life, const struct happening *happening, struct event *event)
{
	struct world_process *process = &life->world.processes[event->process];
	bool is_found = happening->number == process->instance && process->looked_for;
	if (happening->number ? !is_found : !process->alive)
		return false;
	process->looked_for = false;
	if (is_found)
		begin_main(life, event->process);
	else if (!process->is_program) /* else nobody believes it */
		process->pid = life->world.next_pid++;
	event->pid = process->pid;
	return true;
}

/* --- sd_notify --- */

static void plan_word(struct life *life, int index, int64_t after, struct event event)
{
	happen(&life->world,
		(struct happening){life->now + after, 0, life->world.processes[index].instance,
			HAPPEN_SAYS, event});
}

static void plan_watchdog(struct life *life, int index)
{
	int64_t every = life->spec.processes[index].lifecycle->watchdog_ns;
	if (!every || rng_chance(&life->rng, 60))
		return;
	plan_word(life, index, rng_between(&life->rng, every / 2, every),
		(struct event){.type = EVENT_NOTIFIED,
			.process = index,
			.notification = NOTIFICATION_WATCHDOG});
}

void plan_words(struct life *life, int index)
{
	const struct lifecycle_spec *lifecycle = life->spec.processes[index].lifecycle;
	bool notifies = lifecycle->notify || lifecycle->notify_fd != INT_UNSET;
	if (notifies && !life->world.processes[index].habits.is_silent)
		plan_word(life, index, rng_time(&life->rng, 20 * SECOND),
			(struct event){.type = EVENT_NOTIFIED,
				.process = index,
				.notification = NOTIFICATION_READY});
	for (int64_t n = rng_between(&life->rng, -4, 2); n > 0; n--)
		plan_word(life, index, rng_time(&life->rng, 200 * SECOND),
			random_word(&life->rng, index));
}

/* The last word of one that has ended may come after that. */
bool takes_words(struct life *life, const struct happening *happening)
{
	const struct event *event = &happening->event;
	const struct world_process *process = &life->world.processes[event->process];
	if (happening->number != process->instance || process->spawning)
		return false;
	if (!process->alive && !process->looked_for)
		return rng_chance(&life->rng, 300);
	/* Whoever is ready begins to say that it is alive. */
	if (event->notification == NOTIFICATION_READY ||
		event->notification == NOTIFICATION_WATCHDOG)
		plan_watchdog(life, event->process);
	return true;
}
