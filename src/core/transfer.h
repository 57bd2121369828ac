/* A pod that runs becomes the pod of another reading of its file: first those end that are changed or removed
 * (EVENT_REPLACED), then (ACT_REPLACE) the state moves over. Must not start or stop anybody: the next step does. */
#ifndef PODINIT_CORE_TRANSFER_H
#define PODINIT_CORE_TRANSFER_H

#include "../spec/change.h"
#include "pod.h"

/* Who has to end first: `leaving` has room for each process of the old pod. An init that has done its work is
 * not run again, whatever has changed of it: its change becomes CHANGE_LIVE. */
void pod_plan_transfer(const struct pod_spec *old_spec, const struct pod *old,
	struct changes *changes, bool *leaving);

/* Fills `pod`, of pod_size(spec) bytes, from `old`. To be followed by a step (EVENT_TICK). An init that the pod
 * is past already is not run any more, and counts as done. */
void pod_transfer(const struct pod_spec *old_spec, const struct pod *old,
	const struct pod_spec *spec, struct pod *pod, const struct changes *changes, int64_t now);

#endif
