/* What the files of the model share. Nobody else includes it. */
#ifndef PODINIT_SIM_MODEL_H
#define PODINIT_SIM_MODEL_H

#include "sim.h"

#define EXTENSION  (2 * SECOND)	   /* the least between a stop signal and SIGKILL */
#define GIVE_UP	   (2 * EXTENSION) /* after the grace: what SIGKILL does not end is left */
#define KILL_AGAIN (50 * MS)
#define LOOK_FOR   (10 * SECOND) /* how long for a daemon */
#define BIT(n)	   (UINT64_C(1) << (n))

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

static inline void owe(struct debt *debt, int what) /* enum owed */
{
	debt->owed |= BIT(what);
}

static inline void owe_notice(struct debt *debt, int reason)
{
	debt->owed_notices |= BIT(reason);
}

/* model.c */
void model_spawned_main(struct life *life, int index); /* its main process is there */
void model_reload_wanted(struct life *life, int index);
/* What follows from its state besides: Started, and what waited for it. */
void model_conclude(struct life *life, int index);

/* model_end.c */
void model_start_failed(struct life *life, int index, struct spawn_error error);
void model_exited(struct life *life, int index, const struct event *event);
void model_settle(struct life *life, int index);
void model_withdraw(struct life *life, int index);
bool backoff_is_forgotten(const struct life *life, int index);
/* It is started again now: the next delay is longer. */
void model_count_restart(struct life *life, int index);
/* It is as if it had never been started. */
void model_forget(struct model_process *process);

/* model_stop.c */
void model_begin_to_stop(struct life *life, int index, enum stop_cause cause, int64_t stop_by);
/* The same, whatever state it is in. */
void model_stop(struct life *life, int index, enum stop_cause cause, int64_t stop_by);
void model_stop_pod(struct life *life, enum stop_cause cause, int64_t grace);
int64_t drain_end(const struct life *life);
/* Who depends on what, or what still lives, is in the way of who has to wait. */
bool model_is_in_the_way(const struct model_process *process);

/* model_probe.c */
void model_probes_begin(struct life *life, int index);
void model_probes_unlock(struct life *life, int index); /* it is Started */
void model_probe_drop(struct life *life, int index, int type);
void model_probe_renew(struct life *life, int index, int type);
void model_probe_answered(struct life *life, int index, const struct event *event);
void model_probes_run(struct life *life, int index);

/* due.c */
void due_deadlines(struct life *life, int index);
void due_conclusions(struct life *life);
void due_first_starts(struct life *life);
void due_replacement(struct life *life);
void due_stop_signals(struct life *life, bool gives_turns);
void due_drain(struct life *life);
void model_start(struct life *life, int index);

#endif
