/* Actors on the virtual clock: they take no time but what their words say. Actions of the core are carried out
 * here, at once. Must not judge anything. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virtual.h"

#define S NS_PER_SECOND

static bool is_own(const struct task *task)
{
	return task->actor.whose == task->actor.name;
}

static void say_of_itself(struct world *world, const struct task *task, const char *message)
{
	if (!task->actor.quiet)
		world_say(world, task->actor.name, message);
}

/* --- files --- */

static void file_key(char key[MARK_MAX], const char *whose, const char *file)
{
	if (*file == '/')
		snprintf(key, MARK_MAX, "%s", file);
	else
		snprintf(key, MARK_MAX, "%s/%s", whose, file);
}

static int find_file(const struct world *world, const char *key)
{
	for (int i = 0; i < world->file_count; i++) {
		if (strcmp(world->files[i], key) == 0)
			return i;
	}
	return -1;
}

void world_touch(struct world *world, const char *whose, const char *file, bool remove)
{
	char key[MARK_MAX];
	file_key(key, whose, file);
	int found = find_file(world, key);
	if (remove && found >= 0)
		memmove(world->files[found], world->files[--world->file_count], MARK_MAX);
	else if (!remove && found < 0 && world->file_count < FILES_MAX)
		snprintf(world->files[world->file_count++], MARK_MAX, "%s", key);
}

/* A container begins with the files of its image: none. */
static void begin_container(struct world *world, const char *name)
{
	size_t length = strlen(name);
	for (int i = world->file_count - 1; i >= 0; i--) {
		if (strncmp(world->files[i], name, length) == 0 && world->files[i][length] == '/')
			memmove(world->files[i], world->files[--world->file_count], MARK_MAX);
	}
}

static int count_run(struct world *world, const char *name)
{
	int run = 1;
	for (int i = 0; i < world->run_count; i++)
		run += strcmp(world->runs[i], name) == 0;
	if (world->run_count < FILES_MAX)
		snprintf(world->runs[world->run_count++], MARK_MAX, "%s", name);
	return run;
}

/* --- the lives of tasks --- */

static struct task *add_task(struct world *world, enum task_kind kind, int process)
{
	for (int i = 0; i < TASKS_MAX; i++) {
		struct task *task = &world->tasks[i];
		if (task->kind != TASK_NONE)
			continue;
		*task = (struct task){
			.kind = kind,
			.process = process,
			.pid = world->next_pid++,
			.wake = world->now,
			.http_status = 200,
		};
		return task;
	}
	world_refuse(world, "too many processes");
	return NULL;
}

static void tell_if_drained(struct world *world)
{
	for (int i = 0; i < TASKS_MAX; i++) {
		enum task_kind kind = world->tasks[i].kind;
		if (kind == TASK_MAIN || kind == TASK_CHILD)
			return;
	}
	if (world->draining)
		world_feed(world, &(struct event){.type = EVENT_DRAINED});
}

static void task_ends(struct world *world, struct task *task, int code, int signo)
{
	struct event event = {
		.process = task->process,
		.pid = task->pid,
		.exit_code = (uint8_t)code,
		.signo = (uint8_t)signo,
		.oom = task->out_of_memory,
		.probe = task->type,
		.hook = task->type,
		.attempt = task->attempt,
		.success = !code && !signo,
		.result = code || signo ? PROBE_FAILURE : PROBE_SUCCESS,
	};
	enum task_kind kind = task->kind;
	task->kind = TASK_NONE;
	if (kind == TASK_MAIN)
		event.type = EVENT_EXITED;
	else if (kind == TASK_PROBE)
		event.type = EVENT_PROBED;
	else
		event.type = EVENT_HOOK_DONE;
	if (kind != TASK_CHILD)
		world_feed(world, &event);
	tell_if_drained(world);
}

static void exits(struct world *world, struct task *task, int code)
{
	say_of_itself(world, task, "Exiting");
	task_ends(world, task, code, 0);
}

static void print_env(struct world *world, const struct task *task, const char *name)
{
	const struct strings *environment = &world->spec.processes[task->process].environment;
	size_t length = strlen(name);
	for (int i = environment->count - 1; i >= 0; i--) {
		const char *variable = environment->items[i];
		if (strncmp(variable, name, length) == 0 && variable[length] == '=') {
			world_say(world, task->actor.name, variable);
			return;
		}
	}
	world_refuse(world, "a variable that the pod's file does not set");
}

static void leave_child(struct world *world, const struct task *parent, int64_t ns)
{
	struct task *child = add_task(world, TASK_CHILD, parent->process);
	char name[MARK_MAX];
	if (!child)
		return;
	snprintf(name, sizeof(name), "%s-child", parent->actor.name);
	child->actor.name = child->actor.whose = arena_strdup(&world->spec.arena, name);
	child->actor.at_term = TERM_DEFAULT;
	child->phase = TASK_SLEEPS;
	child->wake = world->now + ns;
	world_say(world, name, "Started");
}

/* One step; false: it ends or waits. */
static bool take_step(struct world *world, struct task *task, const struct step_word *step)
{
	const struct actor_words *actor = &task->actor;
	char key[MARK_MAX];
	int code;
	switch (step->type) {
	case STEP_START_DELAY:
	case STEP_DELAY:
		task->wake = world->now + step->seconds_ns;
		return false;
	case STEP_LOOP:
		task->phase = TASK_LOOPS;
		task->wake = world->now;
		return false;
	case STEP_TOUCH:
	case STEP_REMOVE:
		world_touch(world, actor->whose, step->text, step->type == STEP_REMOVE);
		return true;
	case STEP_EXISTS:
		file_key(key, actor->whose, step->text);
		if (find_file(world, key) >= 0)
			return true;
		exits(world, task, 1);
		return false;
	case STEP_EXITS:
		code = exits_code(step->text, count_run(world, actor->name));
		if (code < 0)
			return true;
		exits(world, task, code);
		return false;
	case STEP_PRINT:
		world_say(world, actor->name, step->text);
		return true;
	case STEP_PRINT_ENV:
		print_env(world, task, step->text);
		return true;
	case STEP_CHILD:
		leave_child(world, task, step->seconds_ns);
		return true;
	case STEP_STATUS:
		task->http_status = step->number;
		return true;
	case STEP_REDIRECT:
		task->redirect = step->text;
		return true;
	case STEP_GET:
		if (world_get(world, step->number, step->text))
			return true;
		exits(world, task, 1);
		return false;
	case STEP_SERVE:
		return true; /* servers.c looks which steps are over */
	case STEP_WRITE:
	case STEP_IDENTITY:
	case STEP_RUN:
		world_refuse(world, "words about the machine");
		return true;
	}
	return true;
}

static void go_on(struct world *world, struct task *task)
{
	const struct actor_words *actor = &task->actor;
	while (task->kind != TASK_NONE && task->wake <= world->now) {
		const struct step_word *step =
			task->step < actor->step_count ? &actor->steps[task->step] : NULL;
		if (task->phase == TASK_BEGINS && (!step || step->type != STEP_START_DELAY)) {
			if (is_own(task))
				world_touch(world, actor->name, "started", false);
			task->phase = TASK_RUNS;
			say_of_itself(world, task, "Started");
		} else if (!step) {
			exits(world, task, actor->exit_code);
		} else {
			task->step++;
			if (!take_step(world, task, step))
				return;
		}
	}
}

static void run_task(struct world *world, struct task *task)
{
	if (task->phase == TASK_BEGINS && task->step == 0 && task->wake == world->now) {
		if (is_own(task) && task->kind == TASK_MAIN)
			begin_container(world, task->actor.name);
		say_of_itself(world, task, "Starting");
	}
	if (task->phase == TASK_LOOPS) {
		say_of_itself(world, task, "Looping");
		task->wake = world->now + S;
	} else if (task->phase == TASK_TERM) {
		exits(world, task, task->actor.term_exit_code);
	} else if (task->phase == TASK_SLEEPS) {
		if (task->kind == TASK_CHILD)
			world_say(world, task->actor.name, "Exiting");
		task_ends(world, task, 0, 0);
	} else {
		go_on(world, task);
	}
}

void world_run_tasks(struct world *world)
{
	for (int i = 0; i < TASKS_MAX && !world->finished; i++) {
		if (world->tasks[i].kind != TASK_NONE && world->tasks[i].wake <= world->now)
			run_task(world, &world->tasks[i]);
	}
}

int64_t world_next_wake(const struct world *world)
{
	int64_t next = NEVER;
	for (int i = 0; i < TASKS_MAX; i++) {
		if (world->tasks[i].kind != TASK_NONE && world->tasks[i].wake < next)
			next = world->tasks[i].wake;
	}
	return next;
}

/* --- actions --- */

/* False: there is no such program. */
static bool read_command(struct world *world, struct task *task, const struct strings *argv)
{
	const char *bad;
	if (argv->count && strcmp(argv->items[0], "actor") == 0) {
		if (!actor_read(&task->actor, argv->count, (const char *const *)argv->items, &bad))
			world_refuse(world, bad);
		return true;
	}
	task->kind = TASK_NONE;
	return false;
}

static void spawn(struct world *world, int process)
{
	struct task *task = add_task(world, TASK_MAIN, process);
	if (!task)
		return;
	if (read_command(world, task, &world->spec.processes[process].argv))
		world_feed(world,
			&(struct event){
				.type = EVENT_SPAWNED, .process = process, .pid = task->pid});
	else
		world_feed(world,
			&(struct event){.type = EVENT_SPAWN_FAILED,
				.process = process,
				.spawn_error = {.stage = STAGE_EXEC, .error = 2}});
}

static void begin_beside(struct world *world, const struct action *action, bool is_hook)
{
	const struct process_spec *process = &world->spec.processes[action->process];
	const struct handler *handler = is_hook ? process->lifecycle->hooks[action->hook]
						: &process->probes[action->probe]->handler;
	struct task *task = add_task(world, is_hook ? TASK_HOOK : TASK_PROBE, action->process);
	if (!task)
		return;
	task->type = is_hook ? action->hook : action->probe;
	task->attempt = action->attempt;
	enum handler_type type = spec_handler_type(handler);
	if (type == HANDLER_SLEEP) {
		task->phase = TASK_SLEEPS;
		task->wake = world->now + handler->sleep_ns;
	} else if (type != HANDLER_EXEC) {
		enum probe_result result = world_request(world, handler, is_hook);
		task->kind = TASK_NONE;
		world_feed(world,
			&(struct event){
				.type = (uint8_t)(is_hook ? EVENT_HOOK_DONE : EVENT_PROBED),
				.process = action->process,
				.probe = task->type,
				.hook = task->type,
				.attempt = task->attempt,
				.success = result != PROBE_FAILURE,
				.result = (uint8_t)result,
			});
	} else if (!read_command(world, task, &handler->exec_argv)) {
		task_ends(world, task, 127, 0);
	}
}

static void cancel(struct world *world, const struct action *action, enum task_kind kind)
{
	for (int i = 0; i < TASKS_MAX; i++) {
		struct task *task = &world->tasks[i];
		uint8_t type = kind == TASK_HOOK ? action->hook : action->probe;
		if (task->kind == kind && task->process == action->process && task->type == type)
			task->kind = TASK_NONE;
	}
}

static bool is_ignored(const struct task *task, int signo)
{
	if (signo == SIGKILL)
		return false;
	return signo == SIGCHLD || signo == SIGCONT || signo == SIGWINCH || signo == SIGURG ||
		(task->actor.at_term == TERM_IGNORED && signo == task->actor.stop_signal);
}

static void task_signalled(struct world *world, struct task *task, int signo)
{
	const struct actor_words *actor = &task->actor;
	if (signo == actor->stop_signal && actor->at_term == TERM_ENDS && signo != SIGKILL) {
		if (task->phase == TASK_TERM)
			return;
		say_of_itself(world, task, "Stopping");
		if (actor->term_remove)
			world_touch(world, actor->whose, actor->term_remove, true);
		task->phase = TASK_TERM;
		task->wake = world->now + actor->term_ns;
	} else if (!is_ignored(task, signo)) {
		task_ends(world, task, 0, signo);
	}
}

static void signal_kind(struct world *world, enum task_kind kind, int process, int signo)
{
	for (int i = 0; i < TASKS_MAX; i++) {
		struct task *task = &world->tasks[i];
		if (task->kind == kind && (process < 0 || task->process == process))
			task_signalled(world, task, signo);
	}
}

void world_signal(struct world *world, int process, int signo)
{
	signal_kind(world, TASK_MAIN, process, signo);
}

void world_oom(struct world *world, int process)
{
	for (int i = 0; i < TASKS_MAX; i++) {
		struct task *task = &world->tasks[i];
		if (task->kind == TASK_MAIN && task->process == process) {
			task->out_of_memory = true;
			task_ends(world, task, 0, SIGKILL);
		}
	}
}

void world_act(struct world *world, const struct action *action)
{
	switch ((enum action_type)action->type) {
	case ACT_SPAWN:
		spawn(world, action->process);
		break;
	case ACT_SIGNAL:
		world_signal(world, action->process, action->signo);
		break;
	case ACT_KILL_TREE:
		if (action->all)
			signal_kind(world, TASK_CHILD, action->process, SIGKILL);
		world_signal(world, action->process, SIGKILL);
		break;
	case ACT_PROBE:
	case ACT_RUN_HOOK:
		begin_beside(world, action, action->type == ACT_RUN_HOOK);
		break;
	case ACT_CANCEL_PROBE:
		cancel(world, action, TASK_PROBE);
		break;
	case ACT_CANCEL_HOOK:
		cancel(world, action, TASK_HOOK);
		break;
	case ACT_DRAIN:
		world->draining = true;
		signal_kind(world, TASK_CHILD, -1, action->signo);
		tell_if_drained(world);
		break;
	case ACT_ABORT: /* a spawn takes no time: its result is in the queue */
	case ACT_ADOPT:
	case ACT_CANCEL_ADOPT:
	case ACT_REPLACE:
	case ACT_TELL:
	case ACT_FINISH:
	case ACTION_TYPE_COUNT:
		break;
	}
}
