/* What the files of the world share. Nobody else includes it. */
#ifndef PODINIT_SIM_WORLD_H
#define PODINIT_SIM_WORLD_H

#include "sim.h"

/* happenings.c */
void happen(struct world *world, struct happening happening); /* at NEVER: it will not */
void happen_anyway(struct life *life, int64_t at, struct event event);
struct happening happening_take(struct world *world); /* the next one; there must be one */

/* world.c */
void begin_main(struct life *life, int index);

/* world_beside.c */
void run_hook(struct life *life, int index, uint8_t hook);
bool takes_hook(struct life *life, const struct happening *happening);
void make_attempt(struct life *life, const struct action *action);
void look_for_daemon(struct life *life, int index);
void lose_daemon(struct life *life, int index);
/* Now and then, at once: what was told the one before it is in question. */
void say_another_main(struct life *life, int index);
bool takes_daemon(struct life *life, const struct happening *happening, struct event *event);
/* What a new instance will say of itself. */
void plan_words(struct life *life, int index);
bool takes_words(struct life *life, const struct happening *happening);

/* leftovers.c */
void leave(struct life *life, int process); /* -1: nobody's, an orphan from outside */
/* To those of one process (-1: to all), only in its group, or wherever they are. */
void signal_leftovers(struct life *life, int process, bool group_only, int signo);
bool leftovers_are_gone(const struct world *world);

#endif
