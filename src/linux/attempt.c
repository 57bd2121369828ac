/* What the handlers of probes and hooks do: a command, a request, podprobe, or only waiting; and what their ends
 * mean as an event. Must not know periods, thresholds or timeouts: the core's. */
#include "attempt.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "loop_state.h"

/* As the kubelet of that version calls itself. */
#define PROBE_AGENT "kube-probe/1.32"
#define HOOK_AGENT  "kube-lifecycle/1.32"

enum { PODPROBE_SUCCESS, PODPROBE_FAILURE, PODPROBE_WARNING, PODPROBE_ERROR }; /* its exit codes */

static void keep_text(struct attempt *attempt, const char *text)
{
	struct text kept = text_in(attempt->text, sizeof(attempt->text));
	text_add(&kept, "%s", text);
}

/* --- ends --- */

static void end(struct attempt *attempt, enum probe_result result)
{
	loop_feed(attempt->loop,
		&(struct event){
			.type = attempt->is_hook ? EVENT_HOOK_DONE : EVENT_PROBED,
			.process = attempt->process,
			.probe = attempt->type,
			.hook = attempt->type,
			.attempt = attempt->number,
			.result = (uint8_t)result,
			.success = result == PROBE_SUCCESS || result == PROBE_WARNING,
		});
}

static void on_slept(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)ev;
	(void)events;
	end((struct attempt *)((char *)timer - offsetof(struct attempt, sleep)), PROBE_SUCCESS);
}

static struct attempt *attempt_of_task(struct task *task)
{
	return (struct attempt *)((char *)task - offsetof(struct attempt, task));
}

static void command_done(struct task *task, const struct task_result *result);

static struct task_order command_order(const struct attempt *attempt)
{
	bool alone = attempt->is_hook &&
		(attempt->type == HOOK_PRE_START || attempt->type == HOOK_POST_STOP);
	return (struct task_order){
		.place = alone ? SPAWN_ALONE : SPAWN_BESIDE,
		.index = attempt->process,
		.argv = &attempt->handler->exec_argv,
		.world = &attempt->loop->processes[attempt->process].world,
		.instance = attempt->loop->processes[attempt->process].pid,
		.done = command_done,
	};
}

/* Without a process podinit itself is at its limits, and that says nothing of whom it asks. */
static void command_done(struct task *task, const struct task_result *result)
{
	struct attempt *attempt = attempt_of_task(task);
	const struct task_order order = command_order(attempt);
	struct text text = text_in(attempt->text, sizeof(attempt->text));
	task_result_add(&text, attempt->loop->spec, &order, result);
	if (result->error.stage == STAGE_FORK)
		end(attempt, PROBE_ERROR);
	else if (result->error.stage == STAGE_NONE && !result->signo && !result->exit_code)
		end(attempt, PROBE_SUCCESS);
	else
		end(attempt, PROBE_FAILURE);
}

static void podprobe_done(struct task *task, const struct task_result *result)
{
	struct attempt *attempt = attempt_of_task(task);
	bool spoke = result->error.stage == STAGE_NONE && !result->signo;
	enum probe_result outcome = PROBE_FAILURE;
	keep_text(attempt, spoke ? result->words : "podprobe did not run to its end");
	if (result->error.stage == STAGE_FORK || (spoke && result->exit_code == PODPROBE_ERROR))
		outcome = PROBE_ERROR;
	else if (spoke && result->exit_code == PODPROBE_SUCCESS)
		outcome = PROBE_SUCCESS;
	else if (spoke && result->exit_code == PODPROBE_WARNING)
		outcome = PROBE_WARNING;
	end(attempt, outcome);
}

static void begin_podprobe(struct attempt *attempt)
{
	task_begin(&attempt->loop->tasks, &attempt->task,
		&(struct task_order){
			.place = SPAWN_HELPER,
			.index = -1,
			.argv = &attempt->podprobe,
			.done = podprobe_done,
		});
}

static void request_over(struct request *request, enum request_result result, const char *text)
{
	static const enum probe_result outcomes[] = {[REQUEST_SUCCESS] = PROBE_SUCCESS,
		[REQUEST_WARNING] = PROBE_WARNING,
		[REQUEST_FAILURE] = PROBE_FAILURE,
		[REQUEST_ERROR] = PROBE_ERROR};
	struct attempt *attempt = request->owner;
	if (result == REQUEST_ELSEWHERE) {
		begin_podprobe(attempt);
		return;
	}
	keep_text(attempt, text);
	end(attempt, outcomes[result]);
}

/* --- beginnings --- */

static void begin_command(struct attempt *attempt)
{
	const struct task_order order = command_order(attempt);
	task_begin(&attempt->loop->tasks, &attempt->task, &order);
}

static void begin_request(struct attempt *attempt)
{
	const struct handler *handler = attempt->handler;
	bool is_http = spec_handler_type(handler) == HANDLER_HTTP;
	const struct request_target target = {
		.kind = is_http ? REQUEST_HTTP : REQUEST_TCP,
		.port = handler->port,
		.any_status = attempt->is_hook,
		.host = is_http ? handler->http_host : handler->tcp_host,
		.path = handler->http_path,
		.headers = &handler->http_headers,
		.user_agent = attempt->is_hook ? HOOK_AGENT : PROBE_AGENT,
	};
	request_begin(attempt->request, attempt->loop->ev, &target, request_over);
}

static void begin_sleep(struct attempt *attempt)
{
	ev_now_update(attempt->loop->ev);
	ev_timer_init(&attempt->sleep, on_slept,
		(double)attempt->handler->sleep_ns / (double)NS_PER_SECOND, 0);
	ev_timer_start(attempt->loop->ev, &attempt->sleep);
}

static struct attempt *attempt_of(
	struct attempts *attempts, const struct pod_spec *spec, int process, bool is_hook, int type)
{
	if (is_hook)
		return attempts->hooks[process] ? &attempts->hooks[process][type] : NULL;
	const struct probe_spec *probe = spec->processes[process].probes[type];
	return probe ? &attempts->probes[probe->index] : NULL;
}

static struct attempt *asked_for(struct loop *loop, const struct action *action)
{
	bool is_hook = action->type == ACT_RUN_HOOK || action->type == ACT_CANCEL_HOOK;
	return attempt_of(&loop->attempts, loop->spec, action->process, is_hook,
		is_hook ? action->hook : action->probe);
}

/* One that began before a reload of the pod's file, and is the latest of its kind. */
static struct attempt *carried_of(struct attempts *attempts, int process, int hook)
{
	for (int i = 0; i < attempts->carried_count; i++) {
		struct attempt *attempt = attempts->carried[i];
		if (attempt->process == process && attempt->type == hook)
			return attempt;
	}
	return NULL;
}

static void forget_carried(struct attempts *attempts, int process, int hook)
{
	for (int i = attempts->carried_count - 1; i >= 0; i--) {
		struct attempt *attempt = attempts->carried[i];
		if (attempt->process == process && attempt->type == hook)
			attempts->carried[i] = attempts->carried[--attempts->carried_count];
	}
}

void attempt_begin(struct loop *loop, const struct action *action)
{
	struct attempt *attempt = asked_for(loop, action);
	if (attempt->is_hook)
		forget_carried(&loop->attempts, attempt->process, attempt->type);
	attempt->number = action->attempt;
	attempt->text[0] = '\0';
	switch (spec_handler_type(attempt->handler)) {
	case HANDLER_EXEC:
		begin_command(attempt);
		break;
	case HANDLER_HTTP:
	case HANDLER_TCP:
		if (attempt->request)
			begin_request(attempt);
		else
			begin_podprobe(attempt);
		break;
	case HANDLER_GRPC:
		begin_podprobe(attempt);
		break;
	case HANDLER_SLEEP:
		begin_sleep(attempt);
		break;
	case HANDLER_NONE:
		break; /* no spec has it */
	}
}

static void cancel(struct loop *loop, struct attempt *attempt)
{
	attempt->text[0] = '\0';
	if (attempt->request) {
		request_timeout_text(attempt->request, attempt->text, sizeof(attempt->text));
		request_cancel(attempt->request);
	}
	task_cancel(&loop->tasks, &attempt->task);
	ev_timer_stop(loop->ev, &attempt->sleep);
}

void attempt_cancel(struct loop *loop, const struct action *action)
{
	struct attempt *attempt = action->type == ACT_CANCEL_HOOK
		? carried_of(&loop->attempts, action->process, action->hook)
		: NULL;
	if (!attempt)
		attempt = asked_for(loop, action);
	/* A reload may have taken away what is cancelled. */
	if (attempt)
		cancel(loop, attempt);
}

const char *attempt_text(struct loop *loop, const struct notice *notice)
{
	static const uint8_t hooks[NOTICE_REASON_COUNT] = {
		[NOTICE_FAILED_POST_START_HOOK] = 1 + HOOK_POST_START,
		[NOTICE_FAILED_PRE_STOP_HOOK] = 1 + HOOK_PRE_STOP,
		[NOTICE_FAILED_POST_STOP_HOOK] = 1 + HOOK_POST_STOP,
		[NOTICE_FAILED_RELOAD_HOOK] = 1 + HOOK_RELOAD,
	};
	bool is_probe = (notice->reason == NOTICE_UNHEALTHY && notice->cause != STOP_WATCHDOG) ||
		notice->reason == NOTICE_PROBE_WARNING;
	int hook = hooks[notice->reason];
	/* A preStart hook's failure is that of the start. */
	if (notice->reason == NOTICE_START_ERROR && notice->spawn_error.stage == STAGE_PRE_START)
		hook = 1 + HOOK_PRE_START;
	if (!is_probe && !hook)
		return "";
	const struct attempt *attempt =
		hook ? carried_of(&loop->attempts, notice->process, hook - 1) : NULL;
	if (!attempt)
		attempt = attempt_of(&loop->attempts, loop->spec, notice->process, hook,
			hook ? hook - 1 : notice->probe);
	return attempt ? attempt->text : "";
}

/* --- made once --- */

static const char *join(struct arena *arena, const char *before, const char *after)
{
	struct text joined = {0};
	text_add(&joined, "%s%s", before, after);
	const char *kept = arena_strndup(arena, joined.data, joined.length);
	text_finish(&joined);
	return kept;
}

static const char *number_of(struct arena *arena, int number)
{
	char digits[16];
	struct text text = text_in(digits, sizeof(digits));
	text_add(&text, "%d", number);
	return arena_strdup(arena, digits);
}

/* podprobe(1) */
static void make_podprobe(struct attempts *attempts, struct attempt *attempt)
{
	struct arena *arena = &attempts->arena;
	struct strings *argv = &attempt->podprobe;
	const struct handler *handler = attempt->handler;
	enum handler_type type = spec_handler_type(handler);
	const char *host = type == HANDLER_HTTP ? handler->http_host : handler->tcp_host;
	const char *what = type == HANDLER_HTTP ? handler->http_path : handler->grpc_service;
	const char *kind = type == HANDLER_HTTP ? (handler->http_https ? "https" : "http")
		: type == HANDLER_GRPC		? "grpc"
						: "tcp";
	strings_add(arena, argv, attempts->podprobe);
	strings_add(arena, argv, kind);
	if (attempt->is_hook && type == HANDLER_HTTP)
		strings_add(arena, argv, "--hook");
	if (type != HANDLER_TCP)
		strings_add(arena, argv,
			join(arena, "--user-agent=", attempt->is_hook ? HOOK_AGENT : PROBE_AGENT));
	for (int i = 0; i < handler->http_headers.count; i++)
		strings_add(arena, argv, join(arena, "--header=", handler->http_headers.items[i]));
	strings_add(arena, argv, host ? host : "127.0.0.1");
	strings_add(arena, argv, number_of(arena, handler->port));
	if (what)
		strings_add(arena, argv, what);
}

static bool needs_podprobe(const struct handler *handler)
{
	enum handler_type type = spec_handler_type(handler);
	if (type == HANDLER_GRPC || (type == HANDLER_HTTP && handler->http_https))
		return true;
	const char *host = type == HANDLER_HTTP ? handler->http_host : handler->tcp_host;
	return (type == HANDLER_HTTP || type == HANDLER_TCP) && !request_host_is_number(host);
}

static void make(struct attempts *attempts, struct loop *loop, struct attempt *attempt)
{
	enum handler_type type = spec_handler_type(attempt->handler);
	bool by_network = type == HANDLER_HTTP || type == HANDLER_TCP || type == HANDLER_GRPC;
	attempt->loop = loop;
	ev_timer_init(&attempt->sleep, on_slept, 0, 0);
	attempts->task_count += type == HANDLER_EXEC || by_network;
	if (by_network && !needs_podprobe(attempt->handler)) {
		attempt->request = arena_alloc(&attempts->arena, sizeof(*attempt->request));
		request_init(attempt->request, attempt);
	}
	if (by_network)
		make_podprobe(attempts, attempt);
}

static void make_hooks(
	struct attempts *attempts, struct loop *loop, const struct process_spec *process, int index)
{
	const struct lifecycle_spec *life = process->lifecycle;
	for (int hook = 0; hook < HOOK_COUNT; hook++) {
		if (!life->hooks[hook])
			continue;
		if (!attempts->hooks[index])
			attempts->hooks[index] =
				arena_alloc(&attempts->arena, sizeof(struct attempt) * HOOK_COUNT);
		struct attempt *attempt = &attempts->hooks[index][hook];
		*attempt = (struct attempt){.handler = life->hooks[hook],
			.process = index,
			.is_hook = true,
			.type = (uint8_t)hook};
		make(attempts, loop, attempt);
	}
}

void attempts_make(struct attempts *attempts, struct loop *loop, const struct pod_spec *spec,
	const char *podprobe)
{
	char path[4096];
	if (!podprobe)
		podprobe = task_find_podprobe(path, sizeof(path));
	attempts->podprobe = arena_strdup(&attempts->arena, podprobe ? podprobe : "podprobe");
	attempts->probes = arena_alloc(
		&attempts->arena, sizeof(*attempts->probes) * (size_t)(spec->probe_count + 1));
	attempts->hooks = arena_alloc(
		&attempts->arena, sizeof(*attempts->hooks) * (size_t)(spec->process_count + 1));
	for (int i = 0; i < spec->process_count; i++) {
		for (int type = 0; type < PROBE_COUNT; type++) {
			const struct probe_spec *probe = spec->processes[i].probes[type];
			if (!probe)
				continue;
			struct attempt *attempt = &attempts->probes[probe->index];
			*attempt = (struct attempt){
				.handler = &probe->handler, .process = i, .type = (uint8_t)type};
			make(attempts, loop, attempt);
		}
		make_hooks(attempts, loop, &spec->processes[i], i);
	}
	/* One hook runs at a time; but one that reloads, beside one that was begun when it ended. */
	attempts->carried_max = 2 * spec->process_count;
	attempts->carried = arena_alloc(
		&attempts->arena, sizeof(struct attempt *) * (size_t)(attempts->carried_max + 1));
}

/* --- another pod --- */

static bool is_running(const struct attempt *attempt)
{
	return attempt->task.runs || ev_is_active(&attempt->sleep) ||
		(attempt->request && attempt->request->state != REQUEST_IDLE);
}

static void carry(
	struct loop *loop, struct attempts *next, struct attempt *attempt, const int *new_of)
{
	int process = new_of[attempt->process];
	if (!attempt->loop || !is_running(attempt))
		return;
	if (process < 0 || next->carried_count == next->carried_max) {
		cancel(loop, attempt);
		return;
	}
	attempt->process = process;
	attempt->task.index = process;
	next->carried[next->carried_count++] = attempt;
}

void attempts_replace(struct loop *loop, struct attempts *next, const int *new_of)
{
	struct attempts old = loop->attempts;
	for (int i = 0; i < old.carried_count; i++)
		carry(loop, next, old.carried[i], new_of);
	for (int i = 0; i < loop->spec->process_count; i++) {
		for (int hook = 0; old.hooks[i] && hook < HOOK_COUNT; hook++)
			carry(loop, next, &old.hooks[i][hook], new_of);
	}
	for (int i = 0; i < loop->spec->probe_count; i++)
		cancel(loop, &old.probes[i]);
	loop->attempts = *next;
	*next = old;
}

bool attempts_need_podprobe(const struct pod_spec *spec, int *process)
{
	for (*process = 0; *process < spec->process_count; ++*process) {
		const struct process_spec *one = &spec->processes[*process];
		for (int i = 0; i < PROBE_COUNT; i++) {
			if (one->probes[i] && needs_podprobe(&one->probes[i]->handler))
				return true;
		}
		for (int i = 0; i < HOOK_COUNT; i++) {
			const struct handler *hook = one->lifecycle->hooks[i];
			if (hook && needs_podprobe(hook))
				return true;
		}
	}
	return false;
}

void attempts_finish(struct attempts *attempts, struct ev_loop *ev, const struct pod_spec *spec)
{
	for (int i = 0; attempts->probes && i < spec->probe_count; i++) {
		if (attempts->probes[i].request)
			request_cancel(attempts->probes[i].request);
	}
	for (int i = 0; attempts->hooks && i < spec->process_count; i++) {
		for (int hook = 0; attempts->hooks[i] && hook < HOOK_COUNT; hook++) {
			if (attempts->hooks[i][hook].request)
				request_cancel(attempts->hooks[i][hook].request);
			if (attempts->hooks[i][hook].loop)
				ev_timer_stop(ev, &attempts->hooks[i][hook].sleep);
		}
	}
	for (int i = 0; i < attempts->carried_count; i++) {
		if (attempts->carried[i]->request)
			request_cancel(attempts->carried[i]->request);
		ev_timer_stop(ev, &attempts->carried[i]->sleep);
	}
	arena_finish(&attempts->arena);
	*attempts = (struct attempts){0};
}
