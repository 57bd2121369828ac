/* What the loop keeps by process, put in the order of another pod. Everything is made beforehand, so that the change
 * itself cannot fail half way. Must not decide who ends or starts: the core does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../core/transfer.h"
#include "clock.h"
#include "loop_state.h"
#include "memory.h"
#include "reading.h"

struct replacement {
	struct reading reading;
	bool *leaving; /* of each process of the pod as it is */
	int *old_of;   /* of each of the other: its number now, or -1 */
	struct pod *pod;
	struct actions actions;
	struct event *queue;
	struct runtime *processes;
	struct attempts attempts;
	struct environment environment;
	char *control_buffers;
	size_t control_room;
};

/* What the pod was, and its attempts. */
struct retired {
	struct retired *next;
	struct pod_spec spec;
	struct attempts attempts;
};

/* --- making --- */

struct making {
	struct loop *loop;
	struct replacement *replacement;
	int fd, error;
};

static void *make(size_t count, size_t size)
{
	return memset(memory_resize(NULL, (count + 1) * size), 0, (count + 1) * size);
}

/* 0 or -errno. */
static int make_processes(struct replacement *replacement)
{
	const struct pod_spec *spec = &replacement->reading.spec;
	int result = 0;
	replacement->processes = make((size_t)spec->process_count, sizeof(struct runtime));
	for (int i = 0; i < spec->process_count && result == 0; i++) {
		loop_init_runtime(&replacement->processes[i]);
		result = loop_furnish(&replacement->processes[i], &spec->processes[i]);
	}
	return result;
}

/* A change of an init that has done its work has no consequence. */
static void plan(struct loop *loop, struct replacement *replacement)
{
	struct reading *reading = &replacement->reading;
	struct changes *changes = &reading->changes;
	replacement->leaving = make((size_t)changes->old_count, sizeof(bool));
	replacement->old_of = make((size_t)changes->new_count, sizeof(int));
	for (int i = 0; i < changes->new_count; i++)
		replacement->old_of[i] = changes->items[i].old;
	pod_plan_transfer(loop->spec, loop->pod, changes, replacement->leaving);
}

static void make_room(struct loop *loop, struct replacement *replacement)
{
	const struct pod_spec *spec = &replacement->reading.spec;
	size_t piece = podstatus_piece_max(spec);
	replacement->pod = memory_resize(NULL, pod_size(spec));
	replacement->actions.max = pod_action_max(spec);
	replacement->actions.items =
		make((size_t)replacement->actions.max, sizeof(*replacement->actions.items));
	replacement->queue = make((size_t)loop_queue_max(spec), sizeof(*replacement->queue));
	replacement->control_room = piece > loop->control.room ? piece : loop->control.room;
	replacement->control_buffers = make(CONTROL_CLIENTS_MAX, replacement->control_room);
	if (environment_open(&replacement->environment, spec) < 0 ||
		messages_reserve(loop->setup->ground->volumes.messages, spec) < 0 ||
		listeners_reserve(&loop->setup->ground->listeners, spec) < 0 ||
		cgroups_reserve(loop->setup->ground->cgroups, spec) < 0 ||
		loop_said_reserve(loop, spec, replacement->processes) < 0)
		arena_exhausted();
}

static void make_all(void *data)
{
	struct making *making = data;
	struct loop *loop = making->loop;
	struct replacement *replacement = making->replacement;
	const struct reading_order order = {.path = loop->setup->config, .running = loop->spec};
	making->error = reading_take(&replacement->reading, making->fd, &order);
	if (making->error || !replacement->reading.is_good)
		return;
	plan(loop, replacement);
	making->error = make_processes(replacement);
	if (making->error)
		return;
	make_room(loop, replacement);
	attempts_make(
		&replacement->attempts, loop, &replacement->reading.spec, loop->attempts.podprobe);
	if (!tasks_grow(&loop->tasks, replacement->attempts.task_count + loop->attempts.task_count))
		arena_exhausted();
	const struct text *points = &replacement->reading.mount_points;
	if (!volumes_read_mount_points(&loop->setup->ground->volumes, points->data, points->length))
		making->error = -EBADMSG;
}

struct replacement *replacement_make(struct loop *loop, int fd, int *error)
{
	struct making making = {
		.loop = loop, .replacement = calloc(1, sizeof(struct replacement)), .fd = fd};
	bool good = making.replacement && memory_try(make_all, &making) && !making.error;
	*error = making.error;
	if (good)
		return making.replacement;
	replacement_free(making.replacement);
	return NULL;
}

void replacement_free(struct replacement *replacement)
{
	if (!replacement)
		return;
	for (int i = 0; replacement->processes && i < replacement->reading.spec.process_count;
		i++) {
		loop_unfurnish(&replacement->processes[i], NULL, 0);
		free(replacement->processes[i].daemon);
		free(replacement->processes[i].ready);
	}
	arena_finish(&replacement->attempts.arena);
	environment_close(&replacement->environment);
	reading_finish(&replacement->reading);
	free(replacement->leaving);
	free(replacement->old_of);
	free(replacement->pod);
	free(replacement->actions.items);
	free(replacement->queue);
	free(replacement->processes);
	free(replacement->control_buffers);
	free(replacement);
}

/* --- questions --- */

const char *replacement_words(const struct replacement *replacement)
{
	return replacement->reading.words.data ? replacement->reading.words.data : "";
}

bool replacement_is_good(const struct replacement *replacement)
{
	return replacement->reading.is_good;
}

bool replacement_changes_anything(const struct replacement *replacement)
{
	return replacement->reading.words.length;
}

const bool *replacement_leaving(const struct replacement *replacement)
{
	return replacement->leaving;
}

/* --- taking place --- */

/* What runs is watched from where it is now. What is made for a process once stays, unless it is made anew. */
static void move_runtime(struct loop *loop, struct runtime *to, int old, int index, bool is_anew)
{
	struct runtime *from = &loop->processes[old], spare = *to;
	bool is_preparing = act_is_preparing(from);
	if (is_preparing)
		ev_io_stop(loop->ev, &from->status);
	if (is_anew)
		loop_said_forget(loop, old);
	*to = *from;
	watcher_move(loop, &to->watcher, &from->watcher, index);
	if (is_anew) {
		to->daemon = spare.daemon;
		to->ready = spare.ready;
	} else {
		free(spare.daemon);
		free(spare.ready);
		loop_said_renumber(to, index);
	}
	to->tty = from->tty ? from->tty : spare.tty;
	to->capture = from->capture ? from->capture : spare.capture;
	if (from->tty)
		tty_destroy(spare.tty);
	if (from->capture)
		capture_destroy(spare.capture);
	if (is_preparing)
		act_watch_preparation(loop, index, to);
	loop_init_runtime(from);
}

static void end_runtime(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	if (act_is_preparing(runtime))
		act_stop_preparing(loop, runtime);
	loop_said_forget(loop, index);
	watcher_end(loop, index);
	loop_forget(runtime);
	world_close(&runtime->world);
	loop_unfurnish(runtime, loop->ev, clock_monotonic());
}

static void move_processes(struct loop *loop, struct replacement *replacement)
{
	const struct changes *changes = &replacement->reading.changes;
	for (int i = 0; i < changes->new_count; i++) {
		if (changes->items[i].old >= 0)
			move_runtime(loop, &replacement->processes[i], changes->items[i].old, i,
				changes->items[i].kind == CHANGE_RESTART);
	}
	for (int i = 0; i < changes->old_count; i++)
		end_runtime(loop, i);
}

/* A file, a cgroup: without them it starts all the same, or says why it does not. */
static void move_ground(struct loop *loop, struct replacement *replacement)
{
	struct ground *ground = loop->setup->ground;
	const struct pod_spec *spec = &replacement->reading.spec;
	struct problems problems = {0};
	int result = messages_replace(ground->volumes.messages, spec, replacement->old_of);
	if (result == -ENOENT)
		log_line("reload: terminationMessagePath: there is no file, for no process had one "
			 "when "
			 "the pod began");
	else if (result < 0)
		log_line("reload: terminationMessagePath: cannot make a file: %s",
			strerror(-result));
	listeners_replace(&ground->listeners, spec, replacement->old_of);
	cgroups_replace(ground->cgroups, spec, replacement->old_of, &problems);
	if (problems.count)
		log_line(
			"reload: %.*s", (int)strcspn(problems.text.data, "\n"), problems.text.data);
	text_finish(&problems.text);
	filters_finish(&ground->filters);
	ground->filters = replacement->reading.filters;
	replacement->reading.filters = (struct filters){0};
}

/* `replacement` holds what the pod was. */
static void renew_watchers(struct loop *loop, const struct replacement *replacement)
{
	const struct changes *changes = &replacement->reading.changes;
	for (int i = 0; i < changes->new_count; i++) {
		int old = changes->items[i].old;
		if (old >= 0)
			watcher_renew(loop, i, &replacement->reading.spec.processes[old]);
	}
}

/* Who has the pod's spec has its address: so that stays, and what stands there is another. */
static void move_spec(struct loop *loop, struct replacement *replacement)
{
	struct pod_spec old = *loop->setup->spec;
	*loop->setup->spec = replacement->reading.spec;
	replacement->reading.spec = old;
}

static void swap_state(struct loop *loop, struct replacement *replacement)
{
	struct pod *pod = loop->pod;
	struct actions actions = loop->actions;
	struct event *queue = loop->queue;
	struct runtime *processes = loop->processes;
	loop->pod = replacement->pod;
	loop->actions = replacement->actions;
	loop->queue = replacement->queue;
	loop->queue_first = 0;
	loop->queue_max = loop_queue_max(&replacement->reading.spec);
	loop->processes = replacement->processes;
	replacement->pod = pod;
	replacement->actions = actions;
	replacement->queue = queue;
	replacement->processes = NULL;
	free(processes);
}

void retired_free(struct retired *retired)
{
	while (retired) {
		struct retired *next = retired->next;
		arena_finish(&retired->attempts.arena);
		spec_finish(&retired->spec);
		free(retired);
		retired = next;
	}
}

/* The hooks that still run have their commands and addresses from the spec that the pod had then. */
static void retire(struct loop *loop, struct replacement *replacement)
{
	struct reload *reload = &loop->reload;
	if (!loop->attempts.carried_count) {
		retired_free(reload->retired);
		reload->retired = NULL;
		return;
	}
	struct retired *retired = calloc(1, sizeof(*retired));
	if (retired)
		*retired = (struct retired){
			reload->retired, replacement->reading.spec, replacement->attempts};
	/* Without memory for that it is kept for ever. */
	reload->retired = retired ? retired : reload->retired;
	replacement->reading.spec = (struct pod_spec){0};
	replacement->attempts = (struct attempts){0};
}

static void say_done(const struct loop *loop, const struct replacement *replacement)
{
	const struct changes *changes = &replacement->reading.changes;
	int counts[CHANGE_NEW + 1] = {0}, removed = 0;
	for (int i = 0; i < changes->new_count; i++) {
		const struct process_change *change = &changes->items[i];
		counts[change->kind]++;
		if (change->kind == CHANGE_NEW && loop->pod->processes[i].state == PROCESS_EXITED)
			log_line("reload: init %s: is not run, for the pod is past it",
				loop->spec->processes[i].name);
	}
	for (int i = 0; i < changes->old_count; i++)
		removed += changes->new_of_old[i] < 0;
	log_line("reload: done: %d restarted, %d new, %d removed, %d changed in place",
		counts[CHANGE_RESTART], counts[CHANGE_NEW], removed, counts[CHANGE_LIVE]);
}

void replacement_take_place(struct loop *loop, struct replacement *replacement)
{
	struct reading *reading = &replacement->reading;
	pod_transfer(loop->spec, loop->pod, &reading->spec, replacement->pod, &reading->changes,
		clock_monotonic());
	attempts_replace(loop, &replacement->attempts, reading->changes.new_of_old);
	move_processes(loop, replacement);
	move_ground(loop, replacement);
	loop_said_replace(loop, replacement->old_of, reading->changes.new_of_old);
	environment_replace(&loop->spawner.environment, &replacement->environment);
	control_renew(&loop->control, replacement->control_buffers, replacement->control_room);
	replacement->control_buffers = NULL;
	swap_state(loop, replacement);
	move_spec(loop, replacement);
	renew_watchers(loop, replacement);
	say_done(loop, replacement);
	retire(loop, replacement);
	replacement_free(replacement);
	loop_feed(loop, &(struct event){.type = EVENT_TICK});
}
