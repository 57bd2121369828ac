/* What the state means in Kubernetes' words: started, ready, phase, conditions, exit code. Only
 * pod_update_status() changes anything, and only what is derived. */
#include "step.h"

bool process_is_alive(const struct process *process)
{
	switch ((enum process_state)process->state) {
	case PROCESS_FORKING:
	case PROCESS_STARTING:
	case PROCESS_RUNNING:
	case PROCESS_PRE_STOP:
	case PROCESS_TURN:
	case PROCESS_STOPPING:
	case PROCESS_KILLED:
		return true;
	case PROCESS_NONE:
	case PROCESS_WAITING:
	case PROCESS_PRE_START:
	case PROCESS_SPAWNING:
	case PROCESS_ABORTING:
	case PROCESS_POST_STOP:
	case PROCESS_EXITED:
	case PROCESS_STATE_COUNT:
		break;
	}
	return false;
}

bool process_is_in_the_way(const struct process *process)
{
	return process_is_alive(process) || process->state == PROCESS_ABORTING ||
		process->state == PROCESS_POST_STOP;
}

bool termination_is_success(const struct termination *termination)
{
	return termination->reason == NOTICE_COMPLETED && termination->exit_code >= 0;
}

bool process_is_started(const struct process_spec *spec, const struct process *process)
{
	return process_is_alive(process) && process->post_start_done &&
		(!spec->probes[PROBE_STARTUP] || process->startup_done) &&
		(!spec_notifies(spec) || process->notified);
}

bool process_is_ready(const struct process_spec *spec, const struct process *process)
{
	if (spec->kind == KIND_INIT)
		return process->state == PROCESS_EXITED && termination_is_success(&process->last);
	return process_is_started(spec, process) && !process->busy &&
		(!spec->probes[PROBE_READINESS] || process->ready);
}

int process_restart_count(const struct process *process)
{
	return process->instances > 0 ? process->instances - 1 : 0;
}

int termination_exit_code(const struct start_codes *codes, const struct termination *termination)
{
	enum { NO_SUCH_FILE = 2, PERMISSION_DENIED = 13 }; /* ENOENT, EACCES */
	if (termination->reason != NOTICE_START_ERROR)
		return termination->exit_code;
	if (termination->spawn_error.stage != STAGE_EXEC)
		return codes->other;
	if (termination->spawn_error.error == NO_SUCH_FILE)
		return codes->not_found;
	return termination->spawn_error.error == PERMISSION_DENIED ? codes->denied : codes->other;
}

/* What getPhase counts. */
struct counts {
	int unknown, waiting, running, stopped, succeeded, final;
	int pending_init, failed_init, pending_sidecar;
};

static void count_init(struct counts *counts, const struct process *process)
{
	bool failed = !termination_is_success(&process->last);
	if (process->state == PROCESS_EXITED && failed)
		counts->failed_init++;
	else if (process->state == PROCESS_WAITING && failed)
		; /* failed, and will run again: neither pending nor final */
	else if (process->state != PROCESS_EXITED)
		counts->pending_init++;
}

static void count_sidecar(
	struct counts *counts, const struct process_spec *spec, const struct process *process)
{
	if (process->state == PROCESS_NONE) {
		counts->unknown++;
	} else if (process_is_alive(process)) {
		counts->running++;
		counts->pending_sidecar += !process_is_started(spec, process);
	} else if (process->last.exit_code < 0) {
		counts->waiting++;
		counts->pending_sidecar++;
	}
}

static void count_main(struct counts *counts, const struct process *process)
{
	if (process->state == PROCESS_NONE) {
		counts->unknown++;
	} else if (process_is_alive(process)) {
		counts->running++;
	} else if (process->last.exit_code < 0) {
		counts->waiting++;
	} else {
		counts->stopped++;
		counts->succeeded += termination_is_success(&process->last);
		counts->final += process->state == PROCESS_EXITED;
	}
}

static struct counts count(const struct pod_spec *spec, const struct pod *pod)
{
	struct counts counts = {0};
	for (int i = 0; i < pod->process_count; i++) {
		const struct process_spec *process = &spec->processes[i];
		if (process->kind == KIND_INIT)
			count_init(&counts, &pod->processes[i]);
		else if (process->kind == KIND_SIDECAR)
			count_sidecar(&counts, process, &pod->processes[i]);
		else
			count_main(&counts, &pod->processes[i]);
	}
	return counts;
}

static bool anything_lives(const struct pod *pod)
{
	for (int i = 0; i < pod->process_count; i++) {
		if (process_is_in_the_way(&pod->processes[i]))
			return true;
	}
	return false;
}

/* The kubelet's getPhase (kubelet_pods.go), without the delay of final phases. */
static enum pod_phase raw_phase(
	const struct pod_spec *spec, const struct pod *pod, const struct counts *n)
{
	int mains = pod->process_count - spec->init_count;
	bool initialized = pod->next_init >= spec->init_count;
	if (pod->stopping == STOP_MAIN_ENDED && (pod->finished || !anything_lives(pod)))
		return termination_is_success(&pod->processes[pod->decider].last) ? PHASE_SUCCEEDED
										  : PHASE_FAILED;
	if (pod->stopping && (pod->finished || !anything_lives(pod))) {
		/* A pod that was told to end: how all its mains ended decides. */
		bool good = pod->stopping != STOP_DEADLINE && pod->stopping != STOP_EVICTED &&
			pod->stopping != STOP_INIT_FAILED && n->succeeded == mains;
		return good ? PHASE_SUCCEEDED : PHASE_FAILED;
	}
	if (spec->pause)
		return PHASE_RUNNING;
	if (pod->restart_all_at != NEVER)
		return PHASE_PENDING; /* whoever has ended begins anew */
	if (n->failed_init && !pod->replacing)
		return PHASE_FAILED;
	if (n->pending_init || (n->pending_sidecar && !initialized) || n->waiting)
		return PHASE_PENDING;
	if (n->running && !n->unknown)
		return PHASE_RUNNING;
	if (!n->running && n->stopped && !n->unknown) {
		if (n->stopped != n->final || pod->replacing)
			return PHASE_RUNNING; /* one will run again, or another one */
		return n->stopped == n->succeeded ? PHASE_SUCCEEDED : PHASE_FAILED;
	}
	return PHASE_PENDING;
}

enum pod_phase pod_compute_phase(const struct pod_spec *spec, const struct pod *pod)
{
	struct counts n = count(spec, pod);
	enum pod_phase phase = raw_phase(spec, pod, &n);
	bool was_final = pod->phase == PHASE_SUCCEEDED || pod->phase == PHASE_FAILED;
	bool all_again = pod->restart_all_at != NEVER || pod->conditions[CONDITION_ALL_RESTARTING];
	bool is_final = phase == PHASE_SUCCEEDED || phase == PHASE_FAILED;
	/* Final is for ever; and a pod is not final while something in it lives (unless that is
	 * stuck for good, and podinit ends). Nor does one that ran become Pending again because a
	 * process of it waits. */
	if (was_final || (is_final && anything_lives(pod) && !pod->finished) ||
		(phase == PHASE_PENDING && pod->phase == PHASE_RUNNING && !all_again))
		return (enum pod_phase)pod->phase;
	return phase;
}

static bool is_failure(const struct termination *termination)
{
	return termination->exit_code > 0 && !termination_is_success(termination);
}

static int raw_exit_code(const struct pod_spec *spec, const struct pod *pod)
{
	enum { DEADLINE_EXCEEDED = 124, EVICTED = 128 + 9, STOPPED_BEFORE_IT_RAN = 128 + 15 };
	if (pod->stopping == STOP_DEADLINE)
		return DEADLINE_EXCEEDED;
	if (pod_compute_phase(spec, pod) == PHASE_SUCCEEDED)
		return 0;
	if (pod->stopping == STOP_MAIN_ENDED)
		return termination_exit_code(
			&spec->start_codes, &pod->processes[pod->decider].last);
	for (int i = spec->init_count; i < pod->process_count; i++) {
		if (is_failure(&pod->processes[i].last))
			return termination_exit_code(&spec->start_codes, &pod->processes[i].last);
	}
	for (int i = 0; i < spec->init_count; i++) {
		if (spec->processes[i].kind == KIND_INIT && is_failure(&pod->processes[i].last))
			return termination_exit_code(&spec->start_codes, &pod->processes[i].last);
	}
	return pod->stopping == STOP_EVICTED ? EVICTED : STOPPED_BEFORE_IT_RAN;
}

int pod_exit_code(const struct pod_spec *spec, const struct pod *pod)
{
	int code = raw_exit_code(spec, pod);
	return exit_codes_have(&spec->success_codes, code) ? 0 : code;
}

static bool everyone_is_ready(const struct pod_spec *spec, const struct pod *pod)
{
	for (int i = 0; i < pod->process_count; i++) {
		bool counts = i >= spec->init_count || spec->processes[i].kind == KIND_SIDECAR;
		if (counts && !pod->processes[i].is_ready)
			return false;
	}
	return true;
}

void pod_update_status(struct step *step)
{
	struct pod *pod = step->pod;
	enum pod_phase phase = pod_compute_phase(step->spec, pod);
	if (phase != pod->phase) {
		struct notice notice = notice_of(NOTICE_PHASE, -1);
		notice.phase = (uint8_t)phase;
		pod->phase = (uint8_t)phase;
		step_tell(step, &notice);
	}
	bool ready = everyone_is_ready(step->spec, pod);
	const bool now[CONDITION_COUNT] = {
		/* Once is for ever: not even RestartAllContainers takes it back. */
		[CONDITION_INITIALIZED] = pod->conditions[CONDITION_INITIALIZED] ||
			pod->next_init >= step->spec->init_count,
		[CONDITION_CONTAINERS_READY] = ready,
		[CONDITION_READY] = ready,
		[CONDITION_ALL_RESTARTING] = pod->restart_all_at != NEVER,
	};
	for (int i = 0; i < CONDITION_COUNT; i++) {
		if (now[i] == pod->conditions[i])
			continue;
		pod->conditions[i] = now[i];
		pod->condition_since[i] = step->now;
	}
}
