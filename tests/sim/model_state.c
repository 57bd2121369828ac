/* What the model's state means in Kubernetes' words (pod-semantics sections 5.1 to 5.4, DESIGN
 * section 5), written from those sections. Must not change the model. */
#include "sim.h"

bool model_is_started(const struct pod_spec *spec, const struct model_process *process, int index)
{
	return process->alive && process->post_started &&
		(!spec->processes[index].probes[PROBE_STARTUP] || process->startup_ok);
}

bool model_is_ready(const struct pod_spec *spec, const struct model_process *process, int index)
{
	if (spec->processes[index].kind == KIND_INIT)
		return process->over && process->end_code == 0;
	return model_is_started(spec, process, index) &&
		(!spec->processes[index].probes[PROBE_READINESS] || process->ready_ok);
}

bool model_is_initialized(const struct model *model, const struct pod_spec *spec)
{
	for (int i = 0; i < spec->init_count; i++) {
		const struct model_process *process = &model->processes[i];
		bool is_done = spec->processes[i].kind == KIND_SIDECAR
			? process->ever_started
			: process->over && process->end_code == 0;
		if (!is_done)
			return false;
	}
	return true;
}

bool model_mains_are_over(const struct model *model, const struct pod_spec *spec)
{
	for (int i = spec->init_count; i < model->process_count; i++) {
		if (!model->processes[i].over)
			return false;
	}
	return !spec->pause;
}

bool model_is_gone(const struct model *model)
{
	for (int i = 0; i < model->process_count; i++) {
		const struct model_process *process = &model->processes[i];
		if (process->alive || process->spawning || process->waiting)
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
		if (model->processes[i].alive || model->processes[i].spawning)
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
	bool is_new = !process->has_ended && !process->over;
	if (process->alive || is_new)
		tally->pending_init++;
	else if (process->over && process->end_code != 0)
		tally->failed_init_final++;
}

static void tally_other(
	struct tally *tally, const struct model_process *process, bool is_sidecar, bool is_started)
{
	bool is_none = process->instances == 0;
	if (is_none) {
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
		tally->succeeded += process->end_code == 0;
	}
}

static enum pod_phase phase_now(const struct model *model, const struct pod_spec *spec)
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
	if (model->stopping && !something_lives(model)) {
		if (model->cause == STOP_DEADLINE || model->cause == STOP_EVICTED ||
			model->cause == STOP_INIT_FAILED)
			return PHASE_FAILED;
		return n.succeeded == model->process_count - spec->init_count ? PHASE_SUCCEEDED
									      : PHASE_FAILED;
	}
	if (spec->pause)
		return PHASE_RUNNING;
	if (n.failed_init_final)
		return PHASE_FAILED;
	if (n.pending_init || n.waiting ||
		(n.pending_sidecar && !model_is_initialized(model, spec)))
		return PHASE_PENDING;
	if (n.running && !n.unknown)
		return PHASE_RUNNING;
	if (!n.running && n.stopped && !n.unknown) {
		if (n.stopped != n.stopped_final)
			return PHASE_RUNNING;
		return n.stopped == n.succeeded ? PHASE_SUCCEEDED : PHASE_FAILED;
	}
	return PHASE_PENDING;
}

static bool is_final(enum pod_phase phase)
{
	return phase == PHASE_SUCCEEDED || phase == PHASE_FAILED;
}

/* Final is final, nothing that lives is final, and what ran is not Pending again. */
enum pod_phase model_phase(const struct model *model, const struct pod_spec *spec)
{
	enum pod_phase old = (enum pod_phase)model->phase, new = phase_now(model, spec);
	if (is_final(old) || (is_final(new) && something_lives(model)) ||
		(new == PHASE_PENDING &&old == PHASE_RUNNING))
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
	for (int mains = 1; mains >= 0; mains--) {
		for (int i = 0; i < model->process_count; i++) {
			const struct model_process *process = &model->processes[i];
			uint8_t kind = spec->processes[i].kind;
			if (kind == (mains ? KIND_MAIN : KIND_INIT) && process->has_ended &&
				process->end_code != 0)
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
