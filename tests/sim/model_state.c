/* What the model's state means in Kubernetes' words: phase, conditions, exit code. Must not change the model. */
#include "sim.h"

bool model_is_started(const struct pod_spec *spec, const struct model_process *process, int index)
{
	const struct process_spec *of = &spec->processes[index];
	bool notifies = of->lifecycle->notify || of->lifecycle->notify_fd != INT_UNSET;
	return process->alive && process->post_started &&
		(!of->probes[PROBE_STARTUP] || process->startup_ok) &&
		(!notifies || process->notified);
}

bool model_is_ready(const struct pod_spec *spec, const struct model_process *process, int index)
{
	if (spec->processes[index].kind == KIND_INIT)
		return process->over && process->end_ok;
	return model_is_started(spec, process, index) && !process->busy &&
		(!spec->processes[index].probes[PROBE_READINESS] || process->ready_ok);
}

bool model_mains_are_over(const struct model *model, const struct pod_spec *spec)
{
	for (int i = spec->init_count; i < model->process_count; i++) {
		if (!model->processes[i].over)
			return false;
	}
	return !spec->pause;
}

bool model_is_busy(const struct model_process *process)
{
	return process->alive || process->spawning || process->waiting ||
		process->hook_runs[HOOK_PRE_START] || process->hook_runs[HOOK_POST_STOP];
}

bool model_is_new(const struct model_process *process)
{
	return !process->over && !model_is_busy(process);
}

bool model_is_gone(const struct model *model)
{
	for (int i = 0; i < model->process_count; i++) {
		if (model_is_busy(&model->processes[i]))
			return false;
	}
	return true;
}

/* Of a pod that is given up, nothing counts as alive: it goes with podinit. */
static bool something_lives(const struct model *model)
{
	if (model->given_up)
		return false;
	for (int i = 0; i < model->process_count; i++) {
		const struct model_process *process = &model->processes[i];
		if (process->alive || process->aborted || process->hook_runs[HOOK_POST_STOP])
			return true;
	}
	return false;
}

struct tally {
	int pending_init, failed_init_final, pending_sidecar, unknown, waiting, running;
	int stopped, stopped_final, succeeded;
};

static void tally_init(struct tally *tally, const struct model_process *process)
{
	if (process->over)
		tally->failed_init_final += !process->end_ok;
	else if (!process->waiting || process->end_ok)
		tally->pending_init++;
}

static void tally_other(
	struct tally *tally, const struct model_process *process, bool is_sidecar, bool is_started)
{
	if (model_is_new(process)) {
		tally->unknown++;
	} else if (process->alive) {
		tally->running++;
		tally->pending_sidecar += is_sidecar && !is_started;
	} else if (!process->has_ended) {
		tally->waiting++;
		tally->pending_sidecar += is_sidecar;
	} else if (!is_sidecar) {
		tally->stopped++;
		tally->stopped_final += process->over;
		tally->succeeded += process->end_ok;
	}
}

static struct tally tally_of(const struct model *model, const struct pod_spec *spec)
{
	struct tally n = {0};
	for (int i = 0; i < model->process_count; i++) {
		const struct model_process *process = &model->processes[i];
		uint8_t kind = spec->processes[i].kind;
		if (kind == KIND_INIT)
			tally_init(&n, process);
		else
			tally_other(&n, process, kind == KIND_SIDECAR,
				model_is_started(spec, process, i));
	}
	return n;
}

/* Of a pod that has ended. */
static enum pod_phase final_phase(
	const struct model *model, const struct pod_spec *spec, const struct tally *n)
{
	bool failed = model->cause == STOP_DEADLINE || model->cause == STOP_EVICTED ||
		model->cause == STOP_INIT_FAILED;
	bool is_good = model->cause == STOP_MAIN_ENDED
		? model->processes[model->decider].end_ok
		: !failed && n->succeeded == model->process_count - spec->init_count;
	return is_good ? PHASE_SUCCEEDED : PHASE_FAILED;
}

static enum pod_phase phase_now(const struct model *model, const struct pod_spec *spec)
{
	struct tally n = tally_of(model, spec);
	bool is_initialized = model->next_init >= spec->init_count;
	if (model->stopping && !something_lives(model))
		return final_phase(model, spec, &n);
	if (spec->pause)
		return PHASE_RUNNING;
	if (model->restarting_all)
		return PHASE_PENDING;
	if (n.failed_init_final && !model->replacing) /* else another one may come */
		return PHASE_FAILED;
	if (n.pending_init || n.waiting || (n.pending_sidecar && !is_initialized))
		return PHASE_PENDING;
	if (n.running && !n.unknown)
		return PHASE_RUNNING;
	if (!n.running && n.stopped && !n.unknown) {
		if (n.stopped != n.stopped_final || model->replacing)
			return PHASE_RUNNING; /* something will run again */
		return n.stopped == n.succeeded ? PHASE_SUCCEEDED : PHASE_FAILED;
	}
	return PHASE_PENDING;
}

static bool is_final(enum pod_phase phase)
{
	return phase == PHASE_SUCCEEDED || phase == PHASE_FAILED;
}

/* Final is final, nothing that lives is final, and what ran is not Pending again, but when all
 * begin again. */
enum pod_phase model_phase(const struct model *model, const struct pod_spec *spec)
{
	enum pod_phase old = (enum pod_phase)model->phase, new = phase_now(model, spec);
	bool all_again = model->restarting_all || model->was_restarting_all;
	if (is_final(old) || (is_final(new) && something_lives(model)) ||
		(new == PHASE_PENDING &&old == PHASE_RUNNING && !all_again))
		return old;
	return new;
}

/* As podinit's own: 127 where there was no such program, 126 where it could not be started. */
static int end_exit_code(const struct pod_spec *spec, const struct model_process *process)
{
	enum { NO_SUCH_FILE = 2, DENIED = 13 };
	if (!process->end_is_start_error)
		return process->end_code;
	int error = process->end_error.stage == STAGE_EXEC ? process->end_error.error : 0;
	return error == NO_SUCH_FILE ? spec->start_codes.not_found
		: error == DENIED    ? spec->start_codes.denied
				     : spec->start_codes.other;
}

static int plain_exit_code(const struct model *model, const struct pod_spec *spec)
{
	if (model->cause == STOP_DEADLINE)
		return 124;
	if (model_phase(model, spec) == PHASE_SUCCEEDED)
		return 0;
	if (model->cause == STOP_MAIN_ENDED)
		return end_exit_code(spec, &model->processes[model->decider]);
	for (int mains = 1; mains >= 0; mains--) {
		for (int i = 0; i < model->process_count; i++) {
			const struct model_process *process = &model->processes[i];
			uint8_t kind = spec->processes[i].kind;
			if (kind == (mains ? KIND_MAIN : KIND_INIT) && process->has_ended &&
				process->end_code != 0 && !process->end_ok)
				return end_exit_code(spec, process);
		}
	}
	if (model->cause == STOP_EVICTED)
		return 137;	  /* Failed, though every main ended well */
	return 128 + SIGNAL_TERM; /* told to end before it ran */
}

int model_exit_code(const struct model *model, const struct pod_spec *spec)
{
	int code = plain_exit_code(model, spec);
	return (spec->success_codes.bits[code >> 3] >> (code & 7) & 1) ? 0 : code;
}
