/* What the files of the world share. Nobody else includes it. */
#ifndef PODINIT_SIM_WORLD_H
#define PODINIT_SIM_WORLD_H

#include "sim.h"

/* happenings.c */
void happen(struct world *world, struct happening happening); /* at NEVER: it will not */
void happen_anyway(struct life *life, int64_t at, struct event event);
struct happening happening_take(struct world *world); /* the next one; there must be one */

/* leftovers.c */
void leave(struct life *life, int process); /* -1: nobody's, an orphan from outside */
/* To those of one process (-1: to all), only in its group, or wherever they are. */
void signal_leftovers(struct life *life, int process, bool group_only, int signo);
bool leftovers_are_gone(const struct world *world);

#endif
