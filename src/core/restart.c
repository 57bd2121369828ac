/* Whether and when a process that ended starts again: restartPolicy, its rules (KEP-5307), and the
 * crash backoff. Must not look at the pod: that it ends is its caller's business. */
#include "restart.h"

#include "step.h"

/* Ran for so long that the crash backoff is forgotten: from its last (re)start to its end. */
static bool backoff_is_expired(const struct process_spec *spec, const struct process *process)
{
	return process->last.finished_at - process->backoff_since > spec->backoff_reset_ns;
}

void restart_count_delay(const struct process_spec *spec, struct process *process, int64_t now)
{
	int64_t doubled = process->backoff_ns * 2;
	if (process->backoff_since < 0 || backoff_is_expired(spec, process))
		process->backoff_ns = spec->backoff_initial_ns;
	else
		process->backoff_ns =
			doubled < spec->backoff_max_ns ? doubled : spec->backoff_max_ns;
	process->backoff_since = now;
}

int64_t restart_time(const struct process_spec *spec, const struct process *process)
{
	if (process->backoff_since < 0 || backoff_is_expired(spec, process))
		return process->last.finished_at;
	return time_after(process->last.finished_at, process->backoff_ns);
}

bool restart_is_due(const struct pod_spec *pod_spec, const struct process_spec *spec,
	const struct process *process)
{
	enum restart_policy policy = spec_restart_policy(pod_spec, spec);
	int code = process->last.exit_code;
	if (spec->kind == KIND_INIT && code == 0)
		return false;
	if (process->stop_cause)
		return policy != RESTART_NEVER;
	for (int i = 0; i < spec->rules.count; i++) {
		if (restart_rule_matches(&spec->rules.items[i], code))
			return true;
	}
	return policy == RESTART_ALWAYS || (policy == RESTART_ON_FAILURE && code != 0);
}
