/* Cases on the virtual clock: the core alone, with actors that only exist here. Cases come on standard input
 * (virtual.py writes them); what happened goes to standard output as lines of JSON, of the same form as those
 * that the real run gives. Must not know what a case expects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/podstatus.h"
#include "virtual.h"

/* Far from 0, so that a time that was never set cannot pass for one. */
#define BOOT_TIME (5000 * NS_PER_SECOND)
#define REALTIME  (INT64_C(1700000000) * NS_PER_SECOND)

enum { STEPS_AT_MOST = 200000 };

static void begin_record(const struct world *world, struct text *out, const char *key)
{
	text_add(out, "{\"t\":%lld,\"%s\":", (long long)(world->now - world->start), key);
}

static void end_record(struct text *out)
{
	text_add(out, "}\n");
	fwrite(out->data, 1, out->length, stdout);
	text_finish(out);
}

static void record_text(const struct world *world, const char *key, const char *value)
{
	struct text out = {0};
	begin_record(world, &out, key);
	text_add_json(&out, value);
	end_record(&out);
}

void world_refuse(struct world *world, const char *why)
{
	record_text(world, "refused", why);
	world->finished = true;
}

/* --- marks and orders --- */

static void mark(struct world *world, const char *text)
{
	for (int i = 0; i < world->order_count; i++) {
		struct order *order = &world->orders[i];
		if (order->at == NEVER && order->nth > 0 && strcmp(order->mark, text) == 0 &&
			--order->nth == 0)
			order->at = world->now + order->offset;
	}
}

void world_say(struct world *world, const char *name, const char *message)
{
	char line[512];
	snprintf(line, sizeof(line), "%s %s", name, message);
	record_text(world, "log", line);
	snprintf(line, sizeof(line), "%s:%s", name, message);
	mark(world, line);
}

static const struct {
	const char *name;
	int number;
} SIGNALS[] = {{"TERM", 15}, {"INT", 2}, {"HUP", 1}, {"USR1", 10}, {"USR2", 12}, {"KILL", 9}};

static int signal_number(const char *name)
{
	for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(*SIGNALS); i++) {
		if (strcmp(SIGNALS[i].name, name) == 0)
			return SIGNALS[i].number;
	}
	return 0;
}

static int index_of(const struct world *world, const char *name)
{
	for (int i = 0; i < world->spec.process_count; i++) {
		if (strcmp(world->spec.processes[i].name, name) == 0)
			return i;
	}
	return -1;
}

/* The machine starts anew: files are kept, nothing else. */
static void reboot(struct world *world)
{
	for (int i = 0; i < TASKS_MAX; i++)
		world->tasks[i].kind = TASK_NONE;
	world->queued = 0;
	world->draining = false;
	pod_init(world->pod, &world->spec);
	world_feed(world, &(struct event){.type = EVENT_BOOT});
}

/* What is done to one container's process, from outside podinit. */
static void do_to_process(
	struct world *world, const char *verb, const char *name, const char *signal)
{
	int process = index_of(world, name);
	if (process < 0)
		world_refuse(world, "nobody has that name");
	else if (strcmp(verb, "oom") == 0)
		world_oom(world, process);
	else
		world_signal(world, process, signal_number(signal));
}

static void carry_out(struct world *world, const char *action)
{
	char verb[32] = "", first[MARK_MAX] = "", second[MARK_MAX] = "";
	double grace;
	sscanf(action, "%31s %159s %159s", verb, first, second);
	record_text(world, "did", action);
	struct event event = {.type = EVENT_ASKED_TO_STOP, .grace_ns = -1};
	if (strcmp(verb, "stop") == 0) {
		if (sscanf(first, "grace=%lf", &grace) == 1)
			event.grace_ns = (int64_t)(grace * 1e9);
		world_feed(world, &event);
	} else if (strcmp(verb, "signal") == 0 && !*second) {
		event = (struct event){
			.type = EVENT_SIGNALLED, .signo = (uint8_t)signal_number(first)};
		world_feed(world, &event);
	} else if (strcmp(verb, "signal") == 0 || strcmp(verb, "oom") == 0) {
		do_to_process(world, verb, first, second);
	} else if (strcmp(verb, "reboot") == 0) {
		reboot(world);
	} else if (strcmp(verb, "touch") == 0 || strcmp(verb, "remove") == 0) {
		world_touch(world, first, second, *verb == 'r');
	} else {
		world_refuse(world, verb);
	}
}

/* --- the core --- */

void world_feed(struct world *world, const struct event *event)
{
	if (world->queued < EVENTS_MAX)
		world->queue[world->queued++] = *event;
	else
		world_refuse(world, "too many events at once");
}

static void record_notice(struct world *world, const struct notice *notice)
{
	struct text out = {0};
	const char *reason = notice_reason_name((enum notice_reason)notice->reason);
	const char *process =
		notice->process < 0 ? "" : world->spec.processes[notice->process].name;
	char text[MARK_MAX];
	begin_record(world, &out, "event");
	text_add(&out, "{\"reason\":\"%s\",\"message\":", reason);
	struct text message = {0};
	notice_message(&message, &world->spec, notice);
	text_add_json(&out, message.data);
	text_finish(&message);
	if (*process)
		text_add(&out, ",\"process\":\"%s\",\"kind\":\"%s\"", process,
			process_kind_name(
				(enum process_kind)world->spec.processes[notice->process].kind));
	if (notice->exit_code >= 0)
		text_add(&out, ",\"exitCode\":%d", notice->exit_code);
	if (notice->signo)
		text_add(&out, ",\"signal\":%d", notice->signo);
	if (notice->restart_count >= 0)
		text_add(&out, ",\"restartCount\":%d", notice->restart_count);
	if (notice->reason == NOTICE_PHASE)
		text_add(&out, ",\"phase\":\"%s\"", pod_phase_name((enum pod_phase)notice->phase));
	text_add(&out, "}");
	end_record(&out);
	snprintf(text, sizeof(text), "event:%s:%s", reason, process);
	mark(world, text);
	if (notice->reason == NOTICE_PHASE) {
		snprintf(text, sizeof(text), "phase:%s",
			pod_phase_name((enum pod_phase)notice->phase));
		mark(world, text);
	}
}

static void record_status(struct world *world)
{
	struct podstatus status = {
		.spec = &world->spec,
		.pod = world->pod,
		.now = world->now,
		.realtime = REALTIME + world->now,
		.pid = 1,
	};
	struct text out = {0};
	for (int piece = 0; podstatus_piece(&status, piece, &out); piece++)
		;
	if (world->status.data && strcmp(out.data, world->status.data) == 0) {
		text_finish(&out);
		return;
	}
	text_finish(&world->status);
	world->status = out;
	printf("{\"t\":%lld,\"status\":%.*s}\n", (long long)(world->now - world->start),
		(int)out.length - 1, out.data);
	for (int i = 0; i < world->spec.process_count; i++) {
		char text[MARK_MAX];
		bool ready = world->pod->processes[i].is_ready;
		if (ready != world->was_ready[i]) {
			snprintf(text, sizeof(text), "%s:%s", ready ? "ready" : "notready",
				world->spec.processes[i].name);
			mark(world, text);
		}
		world->was_ready[i] = ready;
	}
}

static void step(struct world *world, const struct event *event)
{
	pod_step(&world->spec, world->pod, event, world->now, &world->actions);
	for (int i = 0; i < world->actions.count; i++) {
		const struct action *action = &world->actions.items[i];
		if (action->type == ACT_TELL) {
			record_notice(world, &action->notice);
		} else if (action->type == ACT_FINISH) {
			struct text out = {0};
			record_status(world);
			begin_record(world, &out, "exit");
			text_add(&out, "%d", action->exit_code);
			end_record(&out);
			world->finished = true;
		} else {
			world_act(world, action);
		}
	}
	record_status(world);
}

static void drain_queue(struct world *world)
{
	while (world->queued && !world->finished) {
		struct event event = world->queue[0];
		memmove(world->queue, world->queue + 1, sizeof(event) * (size_t)--world->queued);
		step(world, &event);
	}
}

static void run_orders(struct world *world)
{
	for (int i = 0; i < world->order_count; i++) {
		struct order *order = &world->orders[i];
		if (order->at > world->now)
			continue;
		order->at = NEVER;
		carry_out(world, order->action);
		drain_queue(world);
	}
}

static int64_t next_time(const struct world *world)
{
	int64_t next = pod_next_deadline(world->pod), wake = world_next_wake(world);
	if (wake < next)
		next = wake;
	for (int i = 0; i < world->order_count; i++) {
		if (world->orders[i].at < next)
			next = world->orders[i].at;
	}
	return next;
}

static void run(struct world *world)
{
	struct pod_spec *spec = &world->spec;
	world->pod = calloc(1, pod_size(spec));
	world->actions.max = pod_action_max(spec);
	world->actions.items = calloc((size_t)world->actions.max, sizeof(struct action));
	pod_init(world->pod, spec);
	step(world, &(struct event){.type = EVENT_BOOT});
	drain_queue(world);
	for (int i = 0; !world->finished; i++) {
		int64_t next = next_time(world);
		if (next > world->end)
			break;
		if (i == STEPS_AT_MOST)
			world_refuse(world, "time stands still");
		if (next > world->now)
			world->now = next;
		world_run_tasks(world);
		drain_queue(world);
		run_orders(world);
		if (pod_next_deadline(world->pod) <= world->now)
			step(world, &(struct event){.type = EVENT_TICK});
		drain_queue(world);
	}
	if (!world->finished)
		world->now = world->end;
	record_text(world, "over", "");
	free(world->actions.items);
	free(world->pod);
}

/* --- standard input --- */

static void read_ini(struct world *world, size_t length)
{
	char *bytes = malloc(length + 1);
	struct problems problems = {0};
	if (fread(bytes, 1, length, stdin) != length)
		exit(2);
	struct ini_source source = {
		.name = "pod.ini", .directory = "", .text = bytes, .length = length};
	ini_read(&world->spec, &source, false, &problems);
	spec_check(&world->spec, &problems);
	if (problems.count)
		record_text(world, "problems", problems.text.data);
	world->finished = problems.count > 0;
	text_finish(&problems.text);
	free(bytes);
}

/* "at NANOSECONDS ACTION", "when MARK NTH NANOSECONDS ACTION" */
static void read_order(struct world *world, const char *line)
{
	struct order order = {.at = NEVER};
	long long time;
	if (world->order_count == ORDERS_MAX)
		exit(2);
	if (sscanf(line, "do at %lld %159[^\n]", &time, order.action) == 2)
		order.at = world->start + time;
	else if (sscanf(line, "do when %159s %d %lld %159[^\n]", order.mark, &order.nth, &time,
			 order.action) == 4)
		order.offset = time;
	else
		exit(2);
	world->orders[world->order_count++] = order;
}

static void begin_case(struct world *world, long long observe)
{
	memset(world, 0, sizeof(*world));
	spec_init(&world->spec);
	world->start = world->now = BOOT_TIME;
	world->end = BOOT_TIME + observe;
	world->next_pid = 2;
}

int main(void)
{
	static struct world world;
	static char line[4096];
	while (fgets(line, sizeof(line), stdin)) {
		long long number;
		char key[64];
		if (sscanf(line, "case %63s %lld", key, &number) == 2) {
			begin_case(&world, number);
			record_text(&world, "case", key);
		} else if (sscanf(line, "ini %lld", &number) == 1) {
			read_ini(&world, (size_t)number);
		} else if (strncmp(line, "do ", 3) == 0) {
			read_order(&world, line);
		} else if (strcmp(line, "run\n") == 0) {
			if (!world.finished)
				run(&world);
			text_finish(&world.status);
			spec_finish(&world.spec);
		} else {
			return 2;
		}
	}
	return 0;
}
