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

int loop_said_begin(struct loop *loop)
{
	for (int i = 0; i < loop->spec->process_count; i++) {
		const struct lifecycle_spec *life = loop->spec->processes[i].lifecycle;
		struct runtime *runtime = &loop->processes[i];
		if (life->daemon && !(runtime->daemon = daemon_create()))
			return -ENOMEM;
		if (life->notify_fd == INT_UNSET)
			continue;
		runtime->ready = malloc(sizeof(*runtime->ready));
		if (!runtime->ready)
			return -ENOMEM;
		ready_init(runtime->ready, i, is_ready, loop);
	}
	loop->notify_actions = (struct notify_actions){loop, kin, notified};
	int result = notify_open(&loop->notify, loop->ev, loop->spec, &loop->notify_actions);
	if (result < 0 || !notify_name(&loop->notify))
		return result;
	loop->spawner.handover.notify_socket = notify_name(&loop->notify);
	loop->spawner.handover.store = &loop->notify.store;
	return 0;
}

void loop_said_finish(struct loop *loop)
{
	for (int i = 0; loop->processes && i < loop->spec->process_count; i++) {
		struct runtime *runtime = &loop->processes[i];
		daemon_destroy(loop, i);
		if (runtime->ready)
			ready_close(runtime->ready, loop->ev);
		free(runtime->ready);
		runtime->ready = NULL;
	}
	notify_close(&loop->notify);
}
