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
	if (process->backoff_since < 0 || backoff_is_expired(spec, process)) {
		process->backoff_ns = spec->backoff_initial_ns;
		process->restarts = 0;
	} else {
		process->backoff_ns =
			doubled < spec->backoff_max_ns ? doubled : spec->backoff_max_ns;
	}
	if (process->restarts < INT32_MAX)
		process->restarts++;
	process->backoff_since = now;
}

int64_t restart_time(const struct process_spec *spec, const struct process *process)
{
	if (process->backoff_since < 0 || backoff_is_expired(spec, process))
		return process->last.finished_at;
	return time_after(process->last.finished_at, process->backoff_ns);
}

static enum restart_decision decide(const struct pod_spec *pod_spec,
	const struct process_spec *spec, const struct process *process)
{
	enum restart_policy policy = spec_restart_policy(pod_spec, spec);
	bool success = termination_is_success(&process->last);
	int code = process->last.exit_code;
	if (process->stop_cause == STOP_CHANGED)
		return RESTART_IT;
	if ((spec->kind == KIND_INIT && success) || process->stop_cause == STOP_RESTART_ALL)
		return RESTART_NOT;
	if (process->stop_cause)
		return policy != RESTART_NEVER ? RESTART_IT : RESTART_NOT;
	for (int i = 0; i < spec->rules.count; i++) {
		const struct restart_rule *rule = &spec->rules.items[i];
		if (restart_rule_matches(rule, code))
			return rule->all ? RESTART_EVERYTHING : RESTART_IT;
	}
	return policy == RESTART_ALWAYS || (policy == RESTART_ON_FAILURE && !success) ? RESTART_IT
										      : RESTART_NOT;
}

enum restart_decision restart_decide(const struct pod_spec *pod_spec,
	const struct process_spec *spec, const struct process *process)
{
	enum restart_decision decision = decide(pod_spec, spec, process);
	int32_t limit = spec->lifecycle->max_restarts;
	bool in_a_row = process->backoff_since >= 0 && !backoff_is_expired(spec, process);
	int32_t restarts = in_a_row ? process->restarts : 0;
	bool is_limited = decision == RESTART_IT && process->stop_cause != STOP_CHANGED &&
		limit != INT_UNSET && restarts >= limit;
	return is_limited ? RESTART_LIMITED : decision;
}
