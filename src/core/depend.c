/* dependsOn: who waits for whom. Pure questions. Must not start or stop anybody. */
#include "step.h"

static enum dependency_state state_of(
	const struct pod_spec *pod_spec, const struct pod *pod, const struct dependency *dependency)
{
	const struct process *process = &pod->processes[dependency->process];
	const struct process_spec *spec = &pod_spec->processes[dependency->process];
	bool holds = false;
	switch ((enum dependency_condition)dependency->condition) {
	case DEPENDENCY_STARTED:
		holds = process->ever_started;
		break;
	case DEPENDENCY_READY:
		holds = process_is_ready(spec, process);
		break;
	case DEPENDENCY_COMPLETED:
		holds = process->state == PROCESS_EXITED && termination_is_success(&process->last);
		break;
	}
	if (holds)
		return DEPENDENCIES_HOLD;
	return process->state == PROCESS_EXITED ? DEPENDENCIES_FAILED : DEPENDENCIES_OPEN;
}

enum dependency_state dependencies_state(const struct step *step, int index, int *failed)
{
	const struct dependencies *all = &step->spec->processes[index].lifecycle->dependencies;
	enum dependency_state sum = DEPENDENCIES_HOLD;
	for (int i = 0; i < all->count; i++) {
		enum dependency_state one = state_of(step->spec, step->pod, &all->items[i]);
		if (one == DEPENDENCIES_FAILED)
			*failed = all->items[i].process;
		if (one > sum)
			sum = one;
	}
	return sum;
}

const struct dependency *dependency_open(
	const struct pod_spec *spec, const struct pod *pod, int index)
{
	const struct dependencies *all = &spec->processes[index].lifecycle->dependencies;
	bool waits = pod->processes[index].state == PROCESS_NONE && !pod->stopping;
	for (int i = 0; i < all->count && waits; i++) {
		if (state_of(spec, pod, &all->items[i]) == DEPENDENCIES_OPEN)
			return &all->items[i];
	}
	return NULL;
}

bool dependents_live(const struct step *step, int index)
{
	if (!step->spec->processes[index].is_depended_on)
		return false;
	for (int i = 0; i < step->pod->process_count; i++) {
		const struct dependencies *all = &step->spec->processes[i].lifecycle->dependencies;
		bool depends = false;
		for (int k = 0; k < all->count; k++)
			depends |= all->items[k].process == index;
		/* Who stays when this one is replaced waits for nothing. */
		bool ends = step->pod->stopping || step->pod->processes[i].leaving;
		if (depends && ends && process_is_in_the_way(&step->pod->processes[i]))
			return true;
	}
	return false;
}
