/* What the files of the model share. Nobody else includes it. */
#ifndef PODINIT_SIM_MODEL_H
#define PODINIT_SIM_MODEL_H

#include "sim.h"

#define EXTENSION  (2 * SECOND)	   /* the least between a stop signal and SIGKILL */
#define GIVE_UP	   (2 * EXTENSION) /* after the grace: what SIGKILL does not end is left */
#define KILL_AGAIN (50 * MS)
#define BIT(n)	   (UINT32_C(1) << (n))

static inline int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline const struct process_spec *spec_of(const struct life *life, int index)
{
	return &life->spec.processes[index];
}

static inline void owe(struct debt *debt, enum owed what)
{
	debt->owed |= BIT(what);
}

static inline void owe_notice(struct debt *debt, int reason)
{
	debt->owed_notices |= BIT(reason);
}

/* model.c */
bool backoff_is_forgotten(const struct life *life, int index);
int64_t drain_end(const struct life *life);
void pod_stops(struct life *life, enum stop_cause cause, int64_t grace);

/* due.c */
void due_first_starts(struct life *life);
void due_deadlines(struct life *life, int index);
void due_stop_signals(struct life *life);
void due_drain(struct life *life);

#endif
