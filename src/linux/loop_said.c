/* What processes say of themselves, by sd_notify(3) or as s6 has it: from their sockets and pipes to events.
 * Must not decide what follows. */
#include <errno.h>
#include <stdlib.h>

#include "loop_state.h"

static struct kin kin(void *owner, pid_t pid)
{
	return kin_of(owner, pid);
}

/* It may say so before podinit has seen that it runs its program at all. */
static void notified(void *owner, int process, enum notification what, int64_t value_ns)
{
	struct loop *loop = owner;
	act_look_at_preparation(loop, process);
	loop_feed(loop,
		&(struct event){.type = EVENT_NOTIFIED,
			.process = process,
			.notification = (uint8_t)what,
			.value_ns = value_ns});
}

static void is_ready(void *owner, int process)
{
	notified(owner, process, NOTIFICATION_READY, 0);
}

/* What the runtime of a process with this spec has. 0 or -ENOMEM. */
static int furnish(
	struct loop *loop, struct runtime *runtime, const struct lifecycle_spec *life, int index)
{
	if (lifecycle_is_daemon(life) && !(runtime->daemon = daemon_create()))
		return -ENOMEM;
	if (life->notify_fd == INT_UNSET)
		return 0;
	runtime->ready = malloc(sizeof(*runtime->ready));
	if (!runtime->ready)
		return -ENOMEM;
	ready_init(runtime->ready, index, is_ready, loop);
	return 0;
}

static void hand_over(struct loop *loop)
{
	if (!notify_name(&loop->notify))
		return;
	loop->spawner.handover.notify_socket = notify_name(&loop->notify);
	loop->spawner.handover.store = &loop->notify.store;
}

int loop_said_begin(struct loop *loop)
{
	for (int i = 0; i < loop->spec->process_count; i++) {
		int result =
			furnish(loop, &loop->processes[i], loop->spec->processes[i].lifecycle, i);
		if (result < 0)
			return result;
	}
	loop->notify_actions = (struct notify_actions){loop, kin, notified};
	int result = notify_open(&loop->notify, loop->ev, loop->spec, &loop->notify_actions);
	if (result == 0)
		hand_over(loop);
	return result;
}

void loop_said_forget(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	daemon_destroy(loop, index);
	runtime->daemon = NULL;
	if (runtime->ready)
		ready_close(runtime->ready, loop->ev);
	free(runtime->ready);
	runtime->ready = NULL;
}

void loop_said_finish(struct loop *loop)
{
	for (int i = 0; loop->processes && i < loop->spec->process_count; i++)
		loop_said_forget(loop, i);
	notify_close(&loop->notify);
}

int loop_said_reserve(struct loop *loop, const struct pod_spec *spec, struct runtime *processes)
{
	for (int i = 0; i < spec->process_count; i++) {
		int result = furnish(loop, &processes[i], spec->processes[i].lifecycle, i);
		if (result < 0)
			return result;
	}
	int result = handover_reserve(&loop->spawner.handover, spec);
	return result < 0 ? result : notify_reserve(&loop->notify, spec);
}

void loop_said_replace(struct loop *loop, const int *old_of, const int *new_of)
{
	notify_replace(&loop->notify, old_of, new_of);
	hand_over(loop);
}

void loop_said_renumber(struct runtime *runtime, int index)
{
	if (runtime->daemon)
		daemon_renumber(runtime->daemon, index);
	if (runtime->ready)
		runtime->ready->process = index;
}
