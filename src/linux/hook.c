/* From ACT_RUN_HOOK to EVENT_HOOK_DONE. Must not decide what a failure means, nor how long a hook may take. */
#include "hook.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "loop_state.h"

enum { WORDS_SIZE = 512 };

struct hook_run {
	struct loop *loop;
	int32_t process;
	uint8_t type; /* enum hook_type */
	struct ev_timer sleep;
	struct task task;
	char words[WORDS_SIZE]; /* ": exit code 1: no such table"; "": it did not fail */
};

static bool has_any(const struct process_spec *process)
{
	for (int i = 0; i < HOOK_COUNT; i++) {
		if (process->lifecycle->hooks[i])
			return true;
	}
	return false;
}

int hook_count(const struct pod_spec *spec)
{
	int count = 0;
	for (int i = 0; i < spec->process_count; i++)
		count += has_any(&spec->processes[i]);
	return count;
}

bool hook_allocate(struct loop *loop, int index)
{
	struct hook_run **run = &loop->processes[index].hook;
	if (!has_any(&loop->spec->processes[index]))
		return true;
	*run = calloc(1, sizeof(**run));
	if (*run)
		**run = (struct hook_run){.loop = loop, .process = index};
	return *run;
}

static const struct handler *handler_of(const struct hook_run *run)
{
	return run->loop->spec->processes[run->process].lifecycle->hooks[run->type];
}

static void done(const struct hook_run *run, bool success)
{
	loop_feed(run->loop,
		&(struct event){.type = EVENT_HOOK_DONE,
			.process = run->process,
			.hook = run->type,
			.success = success});
}

static void on_slept(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)ev;
	(void)events;
	done((struct hook_run *)((char *)timer - offsetof(struct hook_run, sleep)), true);
}

static void begin_sleep(struct hook_run *run)
{
	double seconds = (double)handler_of(run)->sleep_ns / (double)NS_PER_SECOND;
	ev_now_update(run->loop->ev);
	ev_timer_init(&run->sleep, on_slept, seconds, 0);
	ev_timer_start(run->loop->ev, &run->sleep);
}

static void on_command_done(struct task *task, const struct task_result *result);

static struct task_order order_of(const struct hook_run *run)
{
	bool is_alone = run->type == HOOK_PRE_START || run->type == HOOK_POST_STOP;
	return (struct task_order){
		.place = is_alone ? SPAWN_ALONE : SPAWN_BESIDE,
		.index = run->process,
		.argv = &handler_of(run)->exec_argv,
		.world = &run->loop->processes[run->process].world,
		.instance = run->loop->processes[run->process].pid,
		.done = on_command_done,
	};
}

static void on_command_done(struct task *task, const struct task_result *result)
{
	struct hook_run *run = (struct hook_run *)((char *)task - offsetof(struct hook_run, task));
	const struct task_order order = order_of(run);
	bool success = result->error.stage == STAGE_NONE && !result->signo && !result->exit_code;
	struct text words = text_in(run->words, sizeof(run->words));
	if (!success) {
		text_add(&words, ": ");
		task_result_add(&words, run->loop->spec, &order, result);
	}
	done(run, success);
}

static void begin_command(struct hook_run *run)
{
	const struct task_order order = order_of(run);
	task_begin(&run->loop->tasks, &run->task, &order);
}

void hook_begin(struct loop *loop, int index, enum hook_type type)
{
	struct hook_run *run = loop->processes[index].hook;
	hook_cancel(loop, index);
	run->type = (uint8_t)type;
	switch (spec_handler_type(handler_of(run))) {
	case HANDLER_SLEEP:
		begin_sleep(run);
		break;
	case HANDLER_EXEC:
		begin_command(run);
		break;
	case HANDLER_NONE:
	case HANDLER_HTTP:
	case HANDLER_TCP:
	case HANDLER_GRPC:
		strcpy(run->words, ": podinit has no such handler");
		done(run, false);
		break;
	}
}

void hook_cancel(struct loop *loop, int index)
{
	struct hook_run *run = loop->processes[index].hook;
	if (!run)
		return;
	run->words[0] = '\0';
	ev_timer_stop(loop->ev, &run->sleep);
	task_cancel(&loop->tasks, &run->task);
}

const char *hook_words(const struct loop *loop, const struct notice *notice)
{
	bool is_of_hook = notice->reason == NOTICE_FAILED_POST_START_HOOK ||
		notice->reason == NOTICE_FAILED_PRE_STOP_HOOK;
	const struct hook_run *run =
		is_of_hook && notice->process >= 0 ? loop->processes[notice->process].hook : NULL;
	return run ? run->words : "";
}
