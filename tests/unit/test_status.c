/* Phase, conditions, started and ready: what the state means in Kubernetes' words. The phase is
 * compared with getPhase as semantics 5.1 writes it down. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* An array of states and ends, and the phase that follows. `exit` -1: it never ended. */
struct shape {
	enum process_state state;
	int exit;
};

static void set_shape(struct process *process, const struct shape *shape)
{
	process->state = (uint8_t)shape->state;
	process->pid = process_is_alive(process) ? 5 : 0;
	process->last.exit_code = (int16_t)shape->exit;
	process->last.reason = shape->exit ? NOTICE_ERROR : NOTICE_COMPLETED;
	process->instances = 1;
	process->ever_started = true;
}

static void phases_of_one_main(void **state)
{
	static const struct {
		struct shape shape;
		enum pod_phase phase;
	} rows[] = {
		{{PROCESS_NONE, -1}, PHASE_PENDING},
		{{PROCESS_SPAWNING, -1}, PHASE_PENDING},
		{{PROCESS_WAITING, 128}, PHASE_RUNNING}, /* in its crash backoff */
		{{PROCESS_SPAWNING, 1}, PHASE_RUNNING},
		{{PROCESS_STARTING, -1}, PHASE_RUNNING},
		{{PROCESS_RUNNING, -1}, PHASE_RUNNING},
		{{PROCESS_RUNNING, 1}, PHASE_RUNNING},
		{{PROCESS_PRE_STOP, -1}, PHASE_RUNNING},
		{{PROCESS_STOPPING, -1}, PHASE_RUNNING},
		{{PROCESS_KILLED, -1}, PHASE_RUNNING},
		{{PROCESS_WAITING, 0}, PHASE_RUNNING},
		{{PROCESS_EXITED, 0}, PHASE_SUCCEEDED},
		{{PROCESS_EXITED, 1}, PHASE_FAILED},
		{{PROCESS_EXITED, 128}, PHASE_FAILED},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct story *t = story(POLICY("OnFailure") MAIN("m"));
		set_shape(process(t, "m"), &rows[i].shape);
		assert_int_equal(pod_compute_phase(&t->spec, t->pod), rows[i].phase);
		drop(t);
	}
}

static void phases_of_two_mains(void **state)
{
	static const struct {
		struct shape a, b;
		enum pod_phase phase;
	} rows[] = {
		{{PROCESS_RUNNING, -1}, {PROCESS_NONE, -1}, PHASE_PENDING},
		{{PROCESS_RUNNING, -1}, {PROCESS_SPAWNING, -1}, PHASE_PENDING},
		{{PROCESS_EXITED, 0}, {PROCESS_NONE, -1}, PHASE_PENDING},
		{{PROCESS_RUNNING, -1}, {PROCESS_EXITED, 1}, PHASE_RUNNING},
		{{PROCESS_WAITING, 1}, {PROCESS_EXITED, 0}, PHASE_RUNNING},
		{{PROCESS_EXITED, 0}, {PROCESS_EXITED, 0}, PHASE_SUCCEEDED},
		{{PROCESS_EXITED, 0}, {PROCESS_EXITED, 1}, PHASE_FAILED},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct story *t = story(POLICY("OnFailure") MAIN("a") MAIN("b"));
		set_shape(process(t, "a"), &rows[i].a);
		set_shape(process(t, "b"), &rows[i].b);
		assert_int_equal(pod_compute_phase(&t->spec, t->pod), rows[i].phase);
		drop(t);
	}
}

/* --- every combination, against getPhase --- */

static const struct shape SHAPES[] = {
	{PROCESS_NONE, -1},
	{PROCESS_SPAWNING, -1},
	{PROCESS_SPAWNING, 1},
	{PROCESS_WAITING, 0},
	{PROCESS_WAITING, 3},
	{PROCESS_STARTING, -1},
	{PROCESS_RUNNING, -1},
	{PROCESS_RUNNING, 2},
	{PROCESS_STOPPING, -1},
	{PROCESS_EXITED, 0},
	{PROCESS_EXITED, 5},
};

static bool is_waiting(const struct process *process)
{
	return process->state == PROCESS_WAITING || process->state == PROCESS_SPAWNING;
}

struct tally {
	int pending_init, failed_init_final, pending_sidecar, unknown, running, waiting;
	int stopped, stopped_final, succeeded;
};

static void tally_init(struct tally *n, const struct process *process)
{
	bool failed = process->last.exit_code > 0;
	if (process_is_alive(process) || process->state == PROCESS_NONE ||
		(is_waiting(process) && process->last.exit_code < 0))
		n->pending_init++;
	else if (process->state == PROCESS_EXITED && failed)
		n->failed_init_final++;
}

static void tally_sidecar(
	struct tally *n, const struct process_spec *spec, const struct process *process)
{
	if (process->state == PROCESS_NONE) {
		n->unknown++;
	} else if (process_is_alive(process)) {
		n->pending_sidecar += !process_is_started(spec, process);
		n->running++;
	} else if (is_waiting(process) && process->last.exit_code < 0) {
		n->pending_sidecar++;
		n->waiting++;
	}
}

static void tally_main(struct tally *n, const struct process *process)
{
	if (process->state == PROCESS_NONE) {
		n->unknown++;
	} else if (process_is_alive(process)) {
		n->running++;
	} else if (process->last.exit_code < 0) {
		n->waiting++;
	} else {
		n->stopped++;
		n->stopped_final += process->state == PROCESS_EXITED;
		n->succeeded += process->last.exit_code == 0;
	}
}

static enum pod_phase get_phase(
	const struct pod_spec *spec, const struct pod *pod, bool initialized)
{
	struct tally n = {0};
	for (int i = 0; i < pod->process_count; i++) {
		const struct process_spec *process = &spec->processes[i];
		if (process->kind == KIND_INIT)
			tally_init(&n, &pod->processes[i]);
		else if (process->kind == KIND_SIDECAR)
			tally_sidecar(&n, process, &pod->processes[i]);
		else
			tally_main(&n, &pod->processes[i]);
	}
	if (n.failed_init_final)
		return PHASE_FAILED;
	if (n.pending_init || (n.pending_sidecar && !initialized) || n.waiting)
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

static bool anything_lives(const struct pod *pod)
{
	for (int i = 0; i < pod->process_count; i++) {
		if (process_is_alive(&pod->processes[i]))
			return true;
	}
	return false;
}

static void compare_phases(struct story *t, const int *choice)
{
	const struct shape *init = &SHAPES[choice[0]];
	bool init_done = init->state == PROCESS_EXITED && init->exit == 0;
	bool mains_began = choice[2] || choice[3];
	if (mains_began && !init_done)
		return; /* cannot be: mains begin when every init is done, and none runs again */
	for (int i = 0; i < 4; i++)
		set_shape(&t->pod->processes[i], &SHAPES[choice[i]]);
	for (int initialized = mains_began; initialized <= init_done; initialized++) {
		t->pod->next_init = initialized ? t->spec.init_count : 0;
		t->pod->phase = PHASE_PENDING;
		enum pod_phase expected = get_phase(&t->spec, t->pod, initialized);
		/* podinit's addition: not final while something lives */
		if (expected >= PHASE_SUCCEEDED && anything_lives(t->pod))
			expected = PHASE_PENDING;
		if (pod_compute_phase(&t->spec, t->pod) != expected)
			fail_msg("shapes %d %d %d %d, initialized %d: not %s", choice[0], choice[1],
				choice[2], choice[3], initialized, pod_phase_name(expected));
	}
}

static void every_combination(void **state)
{
	(void)state;
	const int shapes = COUNT(SHAPES);
	struct story *t =
		story(POLICY("OnFailure") INIT("i") SIDECAR("s") STARTUP MAIN("a") MAIN("b"));
	for (int number = 0; number < shapes * shapes * shapes * shapes; number++) {
		const int choice[] = {number % shapes, number / shapes % shapes,
			number / shapes / shapes % shapes, number / shapes / shapes / shapes};
		compare_phases(t, choice);
	}
	drop(t);
}

static void final_phases_stay(void **state)
{
	(void)state;
	struct story *t = story(POLICY("OnFailure") MAIN("a"));
	for (int final = PHASE_SUCCEEDED; final <= PHASE_FAILED; final++) {
		for (int i = 0; i < COUNT(SHAPES); i++) {
			t->pod->phase = (uint8_t) final;
			set_shape(&t->pod->processes[0], &SHAPES[i]);
			assert_int_equal(pod_compute_phase(&t->spec, t->pod), final);
		}
	}
	drop(t);
}

/* The phase is told when it changes, and only then. */
static void phases_are_told(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("m"));
	assert_null(told(t, NOTICE_PHASE, NULL));
	comes_up(t, "m");
	assert_int_equal(told(t, NOTICE_PHASE, NULL)->phase, PHASE_RUNNING);
	forget_told(t);
	at(t, 1 * S);
	assert_null(told(t, NOTICE_PHASE, NULL));
	exits(t, "m", 1);
	assert_int_equal(told(t, NOTICE_PHASE, NULL)->phase, PHASE_FAILED);
	forget_told(t);
	expect_end(t, 1);
	assert_null(told(t, NOTICE_PHASE, NULL));
	end(t);
}

static void conditions_have_times(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") INIT("i") MAIN("m"));
	for (int i = 0; i < CONDITION_COUNT; i++) {
		assert_false(t->pod->conditions[i]);
		assert_true(t->pod->condition_since[i] == t->start);
	}
	spawned(t, "i");
	at(t, 3 * S);
	exits(t, "i", 0);
	assert_true(t->pod->conditions[CONDITION_INITIALIZED]);
	assert_true(t->pod->condition_since[CONDITION_INITIALIZED] == t->start + 3 * S);
	assert_true(process_is_ready(&t->spec.processes[0], process(t, "i"))); /* a done init is */
	at(t, 4 * S);
	spawned(t, "m");
	assert_true(t->pod->conditions[CONDITION_READY]);
	assert_true(t->pod->condition_since[CONDITION_READY] == t->start + 4 * S);
	at(t, 9 * S);
	exits(t, "m", 0);
	assert_false(t->pod->conditions[CONDITION_READY]);
	assert_false(t->pod->conditions[CONDITION_CONTAINERS_READY]);
	assert_true(t->pod->conditions[CONDITION_INITIALIZED]);
	assert_true(t->pod->condition_since[CONDITION_READY] == t->start + 9 * S);
	drop(t);
}

static void exit_codes_of_terminations(void **state)
{
	(void)state;
	static const struct start_codes codes = {.not_found = 127, .denied = 126, .other = 1};
	struct termination end = {.exit_code = 3, .reason = NOTICE_ERROR};
	assert_int_equal(termination_exit_code(&codes, &end), 3);
	end = (struct termination){.exit_code = 128,
		.reason = NOTICE_START_ERROR,
		.spawn_error = {.stage = STAGE_EXEC, .error = 2}};
	assert_int_equal(termination_exit_code(&codes, &end), 127);
	end.spawn_error.error = 13;
	assert_int_equal(termination_exit_code(&codes, &end), 126);
	end.spawn_error.error = 8;
	assert_int_equal(termination_exit_code(&codes, &end), 1);
	/* not the program itself was missing */
	end.spawn_error = (struct spawn_error){.stage = STAGE_CHDIR, .error = 2};
	assert_int_equal(termination_exit_code(&codes, &end), 1);
	/* a program that itself ends with 128 */
	end = (struct termination){.exit_code = 128, .reason = NOTICE_ERROR};
	assert_int_equal(termination_exit_code(&codes, &end), 128);
}

int test_status(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(phases_of_one_main),
		cmocka_unit_test(phases_of_two_mains),
		cmocka_unit_test(every_combination),
		cmocka_unit_test(final_phases_stay),
		cmocka_unit_test(phases_are_told),
		cmocka_unit_test(conditions_have_times),
		cmocka_unit_test(exit_codes_of_terminations),
	};
	return UNIT_RUN("status", tests);
}
