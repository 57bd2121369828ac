/* Random pods and random events, most of them sensible, some nonsense: the promises of story.c hold
 * after every step, every pod ends in time, and its exit code follows from how its processes ended.
 * The simulator does this at length; here it is small enough to run with every build. */
#include "unit.h"

#include <string.h>

static uint64_t seed;

static int roll(int sides)
{
	return (int)(next_random(&seed) % (uint32_t)sides);
}

static void random_section(struct text *ini, int index)
{
	static const char *const kinds[] = {"init", "sidecar", "main"};
	static const char *const policies[] = {"OnFailure", "Never"};
	static const char *const extras[] = {STARTUP, LIVENESS, READINESS, PRE_STOP, POST_START};
	int kind = index ? roll(3) : 2;
	text_add(ini, "[%s p%d]\ncommand = x\n", kinds[kind], index);
	for (int i = 0; kind > 0 && i < COUNT(extras); i++) {
		if (roll(4) == 0)
			text_add(ini, "%s", extras[i]);
	}
	if (kind != 1 && roll(3) == 0)
		text_add(ini, "restartPolicy = %s\nrestartPolicyRules = Restart In %d\n",
			policies[roll(2)], roll(4));
	if (roll(4) == 0)
		text_add(ini, "backoff.initialSeconds = %d\n", roll(5));
}

static struct story *random_story(void)
{
	static const char *const policies[] = {"Always", "OnFailure", "Never"};
	struct text ini = {0};
	text_add(&ini, "[pod]\nrestartPolicy = %s\nterminationGracePeriodSeconds = %d\n",
		policies[roll(3)], roll(3) * roll(10));
	if (roll(4) == 0)
		text_add(&ini, "activeDeadlineSeconds = %d\n", 1 + roll(100));
	int count = 1 + roll(6);
	for (int i = 0; i < count; i++)
		random_section(&ini, i);
	struct story *t = story(ini.data);
	text_finish(&ini);
	return t;
}

/* Something that this process may do now. */
static struct event sensible_event(struct story *t, int index)
{
	const struct process *process = &t->pod->processes[index];
	struct event event = {.type = EVENT_TICK, .process = index};
	if (process->state == PROCESS_SPAWNING || process->state == PROCESS_ABORTING) {
		event.type = roll(5) ? EVENT_SPAWNED : EVENT_SPAWN_FAILED;
		event.pid = t->next_pid++;
		event.spawn_error = (struct spawn_error){STAGE_EXEC, 0, 2};
		if (process->state == PROCESS_ABORTING && roll(2))
			event.spawn_error = (struct spawn_error){.stage = STAGE_ABORTED};
	} else if (process_is_alive(process) && roll(2)) {
		event.type = EVENT_EXITED;
		event.pid = process->pid;
		event.exit_code = (uint8_t)(roll(2) * roll(4));
		event.signo = (uint8_t)(roll(5) ? 0 : 9);
	} else if (process_is_alive(process)) {
		event.type = roll(2) ? EVENT_PROBED : EVENT_HOOK_DONE;
		event.probe = (uint8_t)roll(PROBE_COUNT);
		event.hook = (uint8_t)roll(HOOK_COUNT);
		event.success = roll(4);
	}
	return event;
}

static struct event nonsense_event(struct story *t)
{
	return (struct event){
		.type = (uint8_t)roll(EVENT_TYPE_COUNT + 2),
		.process = roll(t->pod->process_count + 2) - 1,
		.pid = roll(2) ? t->next_pid++ : 100 + roll(20),
		.probe = (uint8_t)roll(5),
		.hook = (uint8_t)roll(4),
		.success = roll(2),
		.exit_code = (uint8_t)roll(256),
		.signo = (uint8_t)(roll(4) ? 0 : roll(65)),
		.grace_ns = (roll(100) - 1) * S,
	};
}

static void random_step(struct story *t)
{
	struct event event = {.type = EVENT_TICK};
	int choice = roll(20);
	if (choice < 13)
		event = sensible_event(t, roll(t->pod->process_count));
	else if (choice < 15)
		event = nonsense_event(t);
	else if (choice == 15 && roll(10) == 0)
		event = (struct event){
			.type = EVENT_SIGNALLED, .signo = (uint8_t)(roll(3) ? 15 : 1)};
	else if (choice == 16 && roll(20) == 0)
		event = (struct event){.type = EVENT_ASKED_TO_STOP, .grace_ns = (roll(20) - 1) * S};
	else if (choice > 16 && pod_next_deadline(t->pod) != NEVER)
		t->now = pod_next_deadline(t->pod) + (roll(3) ? 0 : roll(3) * S);
	if (event.type == EVENT_DRAINED && roll(2))
		event.type = EVENT_TICK;
	step(t, &event);
	t->queued = 0;
}

/* From the ends alone. */
static int expected_exit_code(struct story *t)
{
	bool all_good = t->pod->stopping != STOP_INIT_FAILED;
	if (t->pod->stopping == STOP_DEADLINE)
		return 124;
	for (int i = t->spec.init_count; i < t->pod->process_count; i++) {
		const struct termination *last = &t->pod->processes[i].last;
		if (last->exit_code > 0)
			return termination_exit_code(&t->spec.start_codes, last);
		all_good = all_good && last->exit_code == 0;
	}
	if (all_good)
		return 0;
	for (int i = 0; i < t->spec.init_count; i++) {
		const struct termination *last = &t->pod->processes[i].last;
		if (t->spec.processes[i].kind == KIND_INIT && last->exit_code > 0)
			return termination_exit_code(&t->spec.start_codes, last);
	}
	return 143;
}

/* Ends what runs, in any order, and lets the rest take its time. */
static void bring_to_the_end(struct story *t)
{
	if (!t->pod->stopping)
		signalled(t, 15);
	for (int i = 0; i < t->pod->process_count; i++) {
		struct event event = {.type = EVENT_SPAWN_FAILED, .process = i};
		event.spawn_error.stage = roll(3) ? STAGE_ABORTED : STAGE_FORK;
		if (t->pod->processes[i].state == PROCESS_ABORTING)
			step(t, &event);
		event = (struct event){.type = EVENT_EXITED,
			.process = i,
			.pid = t->pod->processes[i].pid,
			.exit_code = (uint8_t)roll(3)};
		if (process_is_alive(&t->pod->processes[i]))
			step(t, &event);
		t->queued = 0;
	}
	drained(t);
}

static void random_lives(void **state)
{
	(void)state;
	for (int life = 0; life < 3000; life++) {
		seed = 0x9e3779b97f4a7c15u * (uint64_t)(life + 1);
		struct story *t = random_story();
		int64_t ends_by = NEVER;
		for (int i = 0; i < 60 && !t->finished; i++) {
			random_step(t);
			if (t->pod->stopping && ends_by == NEVER)
				ends_by = t->pod->stop_by + 4 * S;
			/* given up at the latest; the clock jumps at most 2 s too far */
			if (!t->finished && ends_by != NEVER)
				assert_true(t->now <= ends_by + 2 * S);
		}
		bool ended_by_itself = t->finished;
		if (!t->finished)
			bring_to_the_end(t);
		assert_true(t->finished);
		if (!ended_by_itself) {
			assert_int_equal(t->exit_code, expected_exit_code(t));
			assert_int_equal(
				t->pod->phase, t->exit_code ? PHASE_FAILED : PHASE_SUCCEEDED);
		}
		drop(t);
	}
}

/* The same life twice gives the same state: no hidden time, no hidden state. */
static void lives_repeat(void **state)
{
	(void)state;
	for (int life = 0; life < 200; life++) {
		struct story *t[2];
		for (int k = 0; k < 2; k++) {
			seed = 0x2545f4914f6cdd1du * (uint64_t)(life + 1);
			t[k] = random_story();
			for (int i = 0; i < 60 && !t[k]->finished; i++)
				random_step(t[k]);
		}
		assert_memory_equal(t[0]->pod, t[1]->pod, pod_size(&t[0]->spec));
		drop(t[0]);
		drop(t[1]);
	}
}

/* The largest step there is stays within pod_action_max(): all processes with all hooks at once. */
static void largest_steps(void **state)
{
	(void)state;
	struct text ini = {0};
	text_add(&ini, "[pod]\n");
	for (int i = 0; i < 20; i++)
		text_add(&ini, "[%s p%d]\ncommand = x\n" PRE_STOP POST_START,
			i < 10 ? "sidecar" : "main", i);
	for (int hurry = 0; hurry < 4; hurry++) {
		struct story *t = story(ini.data);
		t->queued = 0;
		for (int i = 0; i < 20; i++) {
			step(t,
				&(struct event){
					.type = EVENT_SPAWNED, .process = i, .pid = 500 + i});
			if (hurry < 3)
				step(t,
					&(struct event){.type = EVENT_HOOK_DONE,
						.process = i,
						.success = true});
			t->queued = 0;
			if (hurry == 3 && t->pod->starting >= 0)
				step(t,
					&(struct event){.type = EVENT_HOOK_DONE,
						.process = i,
						.success = true});
			t->queued = 0;
		}
		asked_to_stop(t, hurry % 2 ? 0 : 30 * S); /* check_promises() counts */
		t->queued = 0;
		asked_to_stop(t, 0);
		t->queued = 0;
		t->now += 1000 * S;
		step(t, &(struct event){.type = EVENT_TICK});
		drop(t);
	}
	text_finish(&ini);
}

int test_random(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_lives),
		cmocka_unit_test(lives_repeat),
		cmocka_unit_test(largest_steps),
	};
	return UNIT_RUN("random", tests);
}
