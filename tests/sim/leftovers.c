/* What processes leave behind when they end: it ends by itself, when told, or only when killed.
 * Must not know processes. */
#include "world.h"

/* Each is killed 50 ms after the one before; END_SLACK of life.c has room for so many. */
enum { GENERATIONS = 3 };

bool leftovers_are_gone(const struct world *world)
{
	for (int i = 0; i < world->leftover_count; i++) {
		if (world->leftovers[i].alive)
			return false;
	}
	return true;
}

static void leftover_ends(struct life *life, int index, int64_t at)
{
	struct leftover *leftover = &life->world.leftovers[index];
	if (!leftover->alive || at >= leftover->ends_at)
		return;
	leftover->ends_at = at;
	happen(&life->world,
		(struct happening){at, .type = HAPPEN_LEFTOVER_ENDS, .number = (uint32_t)index});
}

void leave(struct life *life, int process)
{
	struct world *world = &life->world;
	if (world->leftover_count == SIM_LEFTOVERS_MAX)
		return;
	world->leftovers[world->leftover_count] = (struct leftover){
		.alive = true,
		.in_group = rng_chance(&life->rng, 500),
		.is_known = rng_chance(&life->rng, 700),
		.forks = rng_chance(&life->rng, 50),
		.obedience = (uint8_t)rng_between(&life->rng, OBEYS, IGNORES),
		.process = process,
		.ends_at = NEVER,
	};
	if (rng_chance(&life->rng, 200))
		leftover_ends(life, world->leftover_count,
			life->now + rng_time(&life->rng, 100 * SECOND));
	world->leftover_count++;
}

static void leftover_signalled(struct life *life, int index, int signo)
{
	struct leftover *leftover = &life->world.leftovers[index];
	struct rng *rng = &life->rng;
	if (!leftover->alive)
		return;
	if (signo == SIGNAL_KILL) {
		/* One more, in the last moment; but a line of them ends in time: what forks for
		 * ever is given up, and nobody could keep the promise. */
		if (leftover->forks && leftover->generation < GENERATIONS) {
			int child = life->world.leftover_count;
			leftover->forks = false;
			leave(life, leftover->process);
			if (life->world.leftover_count > child)
				life->world.leftovers[child].generation = leftover->generation + 1;
		}
		leftover_ends(life, index, life->now + rng_between(rng, 0, 2 * MS));
	} else if (leftover->obedience == OBEYS) {
		leftover_ends(life, index, life->now + rng_time(rng, 20 * MS));
	} else if (leftover->obedience == SLOWLY) {
		leftover_ends(life, index, life->now + rng_time(rng, 40 * SECOND));
	}
}

/* To those of one process (-1: of all), and only in its group, or all that are known to be its. */
void signal_leftovers(struct life *life, int process, bool group_only, int signo)
{
	int count = life->world.leftover_count; /* those that fork now escape */
	for (int i = 0; i < count; i++) {
		const struct leftover *leftover = &life->world.leftovers[i];
		bool is_meant = leftover->process == process &&
			(leftover->in_group || (leftover->is_known && !group_only));
		if (process < 0 || is_meant)
			leftover_signalled(life, i, signo);
	}
}
