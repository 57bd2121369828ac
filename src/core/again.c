/* RestartAllContainers (KEP-5532): everything ends at once, and then starts again from the first init. Volumes
 * and namespaces stay. Must not do so in a pod that ends. */
#include "restart.h"
#include "step.h"

/* No order, no preStop, no grace but the two seconds that a stop signal always gives. Who asked may do so
 * again and again: its crash backoff is the pod's. */
void pod_restart_all(struct step *step, int source)
{
	struct pod *pod = step->pod;
	if (pod->stopping || pod->restart_all_at != NEVER)
		return;
	struct process *process = &pod->processes[source];
	struct notice notice = process_notice(step, source, NOTICE_RESTART_ALL);
	notice.exit_code = (int16_t)process->last.exit_code;
	step_tell(step, &notice);
	pod->decider = source;
	pod->restart_all_at = restart_time(&step->spec->processes[source], process);
	if (pod->restart_all_at < step->now)
		pod->restart_all_at = step->now;
	for (int i = 0; i < pod->process_count; i++)
		process_stop(step, i, STOP_RESTART_ALL, step->now);
}

void pod_restart_all_progress(struct step *step)
{
	struct pod *pod = step->pod;
	if (pod->restart_all_at > step->now || !pod_is_settled(pod))
		return;
	restart_count_delay(
		&step->spec->processes[pod->decider], &pod->processes[pod->decider], step->now);
	for (int i = 0; i < pod->process_count; i++)
		process_forget(&pod->processes[i]);
	pod->restart_all_at = NEVER;
	pod->decider = -1;
	pod->starting = -1;
	pod->next_init = 0;
}
