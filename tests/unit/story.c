/* Stories: a pod on a fake clock. Must not know what a single test expects. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* Far from 0, so that a time that was never set cannot pass for one. */
#define BOOT_TIME (5000 * S)

struct story *story_empty(void)
{
	struct story *t = memory_resize(NULL, sizeof(*t));
	memset(t, 0, sizeof(*t));
	spec_init(&t->spec);
	t->start = t->now = BOOT_TIME;
	t->next_pid = 100;
	return t;
}

struct story *story_of(struct story *t)
{
	t->pod = memory_resize(NULL, pod_size(&t->spec));
	t->actions.max = pod_action_max(&t->spec);
	t->actions.items = memory_resize(NULL, sizeof(struct action) * (size_t)t->actions.max);
	pod_init(t->pod, &t->spec);
	step(t, &(struct event){.type = EVENT_BOOT});
	return t;
}

struct story *story_entrypoint(void)
{
	struct story *t = story_empty();
	struct problems problems = {0};
	char *argv[] = {"/bin/app", "arg", NULL};
	spec_entrypoint(&t->spec, argv);
	spec_check(&t->spec, &problems);
	assert_int_equal(problems.count, 0);
	return t;
}

struct story *story(const char *ini)
{
	struct story *t = story_empty();
	spec_finish(&t->spec);
	good_spec(&t->spec, ini);
	for (int i = 0; i < t->spec.process_count * PROBE_COUNT; i++) {
		struct probe_spec *probe =
			t->spec.processes[i / PROBE_COUNT].probes[i % PROBE_COUNT];
		if (!probe)
			continue;
		probe->failure_threshold = 1;
		probe->timeout_ns = 1000000 * S;
	}
	return story_of(t);
}

struct story *story_probed(const char *ini)
{
	struct story *t = story_empty();
	spec_finish(&t->spec);
	good_spec(&t->spec, ini);
	t->sees_probes = true;
	return story_of(t);
}

void drop(struct story *t)
{
	t->queued = 0;
	free(t->pod);
	free(t->actions.items);
	spec_finish(&t->spec);
	free(t);
}

void end(struct story *t)
{
	expect_nothing(t);
	drop(t);
}

/* --- what happens --- */

static void remember(struct story *t)
{
	for (int i = 0; i < t->actions.count; i++) {
		const struct action *action = &t->actions.items[i];
		if (action->type == ACT_TELL) {
			if (t->told_count == COUNT(t->told))
				t->told_count = 0;
			t->told[t->told_count++] = action->notice;
		} else if (action->type == ACT_FINISH) {
			assert_false(t->finished);
			t->finished = true;
			t->exit_code = action->exit_code;
		} else if (t->sees_probes ||
			(action->type != ACT_PROBE && action->type != ACT_CANCEL_PROBE)) {
			assert_in_range(t->queued, 0, COUNT(t->queue) - 1);
			t->queue[t->queued++] = *action;
		}
	}
}

void step(struct story *t, const struct event *event)
{
	size_t size = pod_size(&t->spec);
	struct pod *before = memory_resize(NULL, size);
	memcpy(before, t->pod, size);
	pod_step(&t->spec, t->pod, event, t->now, &t->actions);
	check_promises(&t->spec, before, t->pod, &t->actions, t->now);
	free(before);
	remember(t);
}

void at(struct story *t, int64_t since_boot)
{
	int64_t target = t->start + since_boot;
	assert_true(target >= t->now);
	int64_t due;
	while ((due = pod_next_deadline(t->pod)) <= target) {
		t->now = due;
		step(t, &(struct event){.type = EVENT_TICK});
	}
	t->now = target;
	step(t, &(struct event){.type = EVENT_TICK});
}

int index_of(struct story *t, const char *name)
{
	for (int i = 0; i < t->spec.process_count; i++) {
		if (strcmp(t->spec.processes[i].name, name) == 0)
			return i;
	}
	fail_msg("no process %s", name);
	return -1;
}

struct process *process(struct story *t, const char *name)
{
	return &t->pod->processes[index_of(t, name)];
}

void spawned(struct story *t, const char *name)
{
	step(t,
		&(struct event){
			.type = EVENT_SPAWNED, .process = index_of(t, name), .pid = t->next_pid++});
}

void spawn_fails(struct story *t, const char *name, enum spawn_stage stage, int error)
{
	step(t,
		&(struct event){.type = EVENT_SPAWN_FAILED,
			.process = index_of(t, name),
			.spawn_error = {.stage = (uint16_t)stage, .error = error}});
}

static void ends(struct story *t, const char *name, int exit_code, int signo)
{
	assert_true(process_is_alive(process(t, name)));
	step(t,
		&(struct event){.type = EVENT_EXITED,
			.process = index_of(t, name),
			.pid = process(t, name)->pid,
			.exit_code = (uint8_t)exit_code,
			.signo = (uint8_t)signo});
}

void adopted(struct story *t, const char *name, int32_t pid)
{
	step(t, &(struct event){.type = EVENT_ADOPTED, .process = index_of(t, name), .pid = pid});
}

void exits(struct story *t, const char *name, int exit_code)
{
	ends(t, name, exit_code, 0);
}

void dies(struct story *t, const char *name, int signo)
{
	ends(t, name, 0, signo);
}

void probe_ends(struct story *t, const char *name, enum probe_type type, enum probe_result result)
{
	int index = index_of(t, name);
	const struct probe *worker = pod_probe(t->pod, t->spec.processes[index].probes[type]);
	step(t,
		&(struct event){.type = EVENT_PROBED,
			.process = index,
			.probe = (uint8_t)type,
			.attempt = worker->attempt,
			.result = (uint8_t)result});
}

/* At any time: an attempt that is only planned is made now. */
void probe(struct story *t, const char *name, enum probe_type type, bool success)
{
	struct probe *worker = pod_probe(t->pod, t->spec.processes[index_of(t, name)].probes[type]);
	if (worker->fails_at == NEVER && worker->due != NEVER) {
		worker->due = t->now;
		step(t, &(struct event){.type = EVENT_TICK});
	}
	probe_ends(t, name, type, success ? PROBE_SUCCESS : PROBE_FAILURE);
}

void hook_done(struct story *t, const char *name, enum hook_type hook, bool success)
{
	step(t,
		&(struct event){.type = EVENT_HOOK_DONE,
			.process = index_of(t, name),
			.hook = (uint8_t)hook,
			.success = success});
}

void notified_of(
	struct story *t, const char *name, enum notification notification, int64_t value_ns)
{
	step(t,
		&(struct event){.type = EVENT_NOTIFIED,
			.process = index_of(t, name),
			.notification = (uint8_t)notification,
			.value_ns = value_ns});
}

void notified(struct story *t, const char *name, enum notification notification)
{
	notified_of(t, name, notification, 0);
}

void changed(struct story *t, const char *name)
{
	step(t, &(struct event){.type = EVENT_CHANGED, .process = index_of(t, name)});
}

void replaced(struct story *t, const char *names)
{
	bool leaving[16] = {false};
	char name[32];
	assert_in_range(t->spec.process_count, 0, COUNT(leaving));
	for (const char *s = names; *s; s += strspn(s, " ")) {
		size_t length = strcspn(s, " ");
		assert_in_range(length, 1, sizeof(name) - 1);
		memcpy(name, s, length);
		name[length] = '\0';
		leaving[index_of(t, name)] = true;
		s += length;
	}
	step(t, &(struct event){.type = EVENT_REPLACED, .leaving = leaving});
}

void signalled(struct story *t, int signo)
{
	step(t, &(struct event){.type = EVENT_SIGNALLED, .signo = (uint8_t)signo});
}

void asked_to_stop(struct story *t, int64_t grace_ns)
{
	step(t, &(struct event){.type = EVENT_ASKED_TO_STOP, .grace_ns = grace_ns});
}

void evicted(struct story *t, int volume)
{
	step(t, &(struct event){.type = EVENT_EVICTED, .volume = volume});
}

void drained(struct story *t)
{
	step(t, &(struct event){.type = EVENT_DRAINED});
}

/* --- what podinit must do --- */

static const char *action_name(int type)
{
	static const char *const names[ACTION_TYPE_COUNT] = {[ACT_SPAWN] = "spawn",
		[ACT_ABORT] = "abort",
		[ACT_SIGNAL] = "signal",
		[ACT_KILL_TREE] = "kill tree",
		[ACT_ADOPT] = "adopt",
		[ACT_CANCEL_ADOPT] = "cancel adopt",
		[ACT_PROBE] = "probe",
		[ACT_CANCEL_PROBE] = "cancel probe",
		[ACT_RUN_HOOK] = "run hook",
		[ACT_CANCEL_HOOK] = "cancel hook",
		[ACT_DRAIN] = "drain",
		[ACT_REPLACE] = "replace",
		[ACT_TELL] = "tell",
		[ACT_FINISH] = "finish"};
	return names[type];
}

static int which_of(const struct action *action)
{
	bool is_probe = action->type == ACT_PROBE || action->type == ACT_CANCEL_PROBE;
	return is_probe ? action->probe : action->hook;
}

static void print_action(struct story *t, const struct action *action)
{
	print_error("it did: %s %s signal %d %s hook or probe %d, %lld ms after boot\n",
		action_name(action->type),
		action->process < 0 ? "pod" : t->spec.processes[action->process].name,
		action->signo, action->group ? "to the group" : "", which_of(action),
		(long long)((t->now - t->start) / MS));
}

void expect_(struct story *t, enum action_type type, const char *name, int signo, bool group,
	int which, const char *file, int line)
{
	int index = name ? index_of(t, name) : -1;
	const struct action *action = &t->queue[0];
	if (!t->queued) {
		print_error("it did nothing; expected: %s %s\n", action_name((int)type),
			name ? name : "pod");
		_fail(file, line);
	}
	if (action->type != type || action->process != index || action->signo != signo ||
		action->group != group || which_of(action) != which) {
		print_action(t, action);
		print_error("expected: %s %s\n", action_name((int)type), name ? name : "pod");
		_fail(file, line);
	}
	t->queued--;
	memmove(&t->queue[0], &t->queue[1], sizeof(t->queue[0]) * (size_t)t->queued);
}

void expect_nothing_(struct story *t, const char *file, int line)
{
	if (!t->queued)
		return;
	for (int i = 0; i < t->queued; i++)
		print_action(t, &t->queue[i]);
	_fail(file, line);
}

void expect_end_(struct story *t, int exit_code, const char *file, int line)
{
	expect_(t, ACT_DRAIN, NULL, 15, false, 0, file, line);
	expect_drained_(t, exit_code, file, line);
}

void expect_drained_(struct story *t, int exit_code, const char *file, int line)
{
	expect_nothing_(t, file, line);
	drained(t);
	_assert_true(t->finished, "finished", file, line);
	_assert_int_equal((unsigned)t->exit_code, (unsigned)exit_code, file, line);
	expect_nothing_(t, file, line);
}

const struct notice *told(struct story *t, enum notice_reason reason, const char *name)
{
	int index = name ? index_of(t, name) : -1;
	for (int i = t->told_count - 1; i >= 0; i--) {
		if (t->told[i].reason == reason && t->told[i].process == index)
			return &t->told[i];
	}
	return NULL;
}

int told_times(struct story *t, enum notice_reason reason, const char *name)
{
	int index = name ? index_of(t, name) : -1, times = 0;
	for (int i = 0; i < t->told_count; i++)
		times += t->told[i].reason == reason && t->told[i].process == index;
	return times;
}

void forget_told(struct story *t)
{
	t->told_count = 0;
}
