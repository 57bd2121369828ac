/* What will happen in the world: a heap, the earliest first. Must not know what it means. */
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

static bool is_before(const struct happening *a, const struct happening *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void happen(struct world *world, struct happening happening)
{
	if (happening.at == NEVER)
		return;
	if (world->happening_count == SIM_HAPPENINGS_MAX) {
		fprintf(stderr, "sim: SIM_HAPPENINGS_MAX is too small\n");
		exit(2);
	}
	happening.order = world->order++;
	int i = world->happening_count++;
	for (; i > 0 && is_before(&happening, &world->happenings[(i - 1) / 2]); i = (i - 1) / 2)
		world->happenings[i] = world->happenings[(i - 1) / 2];
	world->happenings[i] = happening;
}

struct happening happening_take(struct world *world)
{
	struct happening top = world->happenings[0];
	struct happening last = world->happenings[--world->happening_count];
	int i = 0;
	for (int child; (child = 2 * i + 1) < world->happening_count; i = child) {
		if (child + 1 < world->happening_count &&
			is_before(&world->happenings[child + 1], &world->happenings[child]))
			child++;
		if (!is_before(&world->happenings[child], &last))
			break;
		world->happenings[i] = world->happenings[child];
	}
	world->happenings[i] = last;
	return top;
}

int64_t world_next_time(const struct world *world)
{
	return world->happening_count ? world->happenings[0].at : NEVER;
}

void happen_anyway(struct life *life, int64_t at, struct event event)
{
	happen(&life->world, (struct happening){at, .type = HAPPEN_ANYTHING, .event = event});
}
