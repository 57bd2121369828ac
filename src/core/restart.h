/* The rules of restarting one process. Pure questions, and one counter. */
#ifndef PODINIT_CORE_RESTART_H
#define PODINIT_CORE_RESTART_H

#include "pod.h"

enum restart_decision {
	RESTART_NOT,
	RESTART_IT,
	RESTART_EVERYTHING, /* RestartAllContainers */
	RESTART_LIMITED,    /* it would, but has been started again too often */
};

/* Should it start again after process->last? An init that ended well is done; rules look only at an end of
 * its own, not at one that podinit caused (process->stop_cause). */
enum restart_decision restart_decide(const struct pod_spec *pod_spec,
	const struct process_spec *spec, const struct process *process);

/* When it may, counted from its latest end: the first restart at once, each later one after twice
 * the delay of the one before (the kubelet's doBackOff). */
int64_t restart_time(const struct process_spec *spec, const struct process *process);

/* It restarts now: the next delay is longer. */
void restart_count_delay(const struct process_spec *spec, struct process *process, int64_t now);

#endif
