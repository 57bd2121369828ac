/* The event loop: libev and the kernel on one side, the pure core on the other. Every fact becomes
 * an event here and every decision an action; nothing is decided here. Nothing on this path
 * allocates or blocks, and nothing ends podinit but ACT_FINISH. */
#include "loop.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../core/pod.h"
#include "clock.h"
#include "control.h"
#include "reap.h"
#include "sandbox.h"
#include "spawn.h"

enum {
	CANNOT_BEGIN = 125,
	REAP_BATCH = 256,  /* zombies in a row, before others get their turn */
	SIGNAL_BATCH = 64, /* signals in a row */
};

/* A process of the pod as the kernel knows it. */
struct runtime {
	pid_t pid;    /* 0: none; set from the fork until it is reaped */
	int pidfd;    /* -1: none */
	pid_t group;  /* of its latest instance; what it left behind is still in it */
	bool told;    /* that group got a signal that asks it to end */
	bool aborted; /* killed by ACT_ABORT while it prepared itself */
	struct spawn_error error; /* of its preparation, to be told when it is reaped */
	struct ev_io status; /* its preparation; fd -1: it runs its program, or failed to */
};

struct loop {
	const struct loop_setup *setup;
	const struct pod_spec *spec;
	struct pod *pod;
	struct actions actions;
	struct event *queue; /* results of actions, waiting for their step; a ring */
	int queue_first, queue_count, queue_max;
	bool stepping; /* the queue is being emptied: only add to it */
	bool holds_zombie; /* one was looked at, and not yet reaped */
	int drain_signo;   /* ACT_DRAIN was given: to be done when no zombie is held; else 0 */
	struct runtime *processes;
	struct spawner spawner;
	uint64_t orphans;
	int exit_code;

	struct ev_loop *ev;
	struct ev_io signals, outer_signals;
	struct ev_timer deadline;
	struct ev_idle more_zombies;
	struct control_actions control_actions;
	struct control control;
};

static void feed(struct loop *loop, const struct event *event);

/* --- actions: from the core to the kernel --- */

static void queue_event(struct loop *loop, const struct event *event)
{
	/* One result at most per action, and the queue has room for as many: it cannot be full.
	 * Were it, a lost event is better than a dead PID 1. */
	if (loop->queue_count == loop->queue_max)
		return;
	loop->queue[(loop->queue_first + loop->queue_count++) % loop->queue_max] = *event;
}

static void spawn_succeeded(struct loop *loop, int index)
{
	feed(loop,
		&(struct event){.type = EVENT_SPAWNED,
			.process = index,
			.pid = loop->processes[index].pid});
}

static void spawn_has_failed(struct loop *loop, int index, const struct spawn_error *error)
{
	feed(loop,
		&(struct event){.type = EVENT_SPAWN_FAILED,
			.process = index,
			.spawn_error = *error});
}

static bool is_preparing(const struct runtime *runtime)
{
	return runtime->status.fd >= 0;
}

static void stop_preparing(struct loop *loop, struct runtime *runtime)
{
	ev_io_stop(loop->ev, &runtime->status);
	close(runtime->status.fd);
	runtime->status.fd = -1;
}

static void forget(struct runtime *runtime)
{
	if (runtime->pidfd >= 0)
		close(runtime->pidfd);
	runtime->pidfd = -1;
	runtime->pid = 0;
}

/* How far the preparation of a process is: 0: not done; 1: it runs its program; -1: it failed. */
static int read_preparation(const struct runtime *runtime, struct spawn_error *error)
{
	ssize_t length = read(runtime->status.fd, error, sizeof(*error));
	if (length == (ssize_t)sizeof(*error))
		return -1;
	return length < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : 1;
}

/* A failure is told when the process is reaped: it ends at once, and its successor must not come
 * before. (The end of the descriptor may mean, too, that it died on the way to its program; then
 * it has "run", and how it ended follows.) */
static void on_prepared(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct loop *loop = ev_userdata(ev);
	int index = (int)(intptr_t)io->data;
	struct runtime *runtime = &loop->processes[index];
	(void)events;
	int done = read_preparation(runtime, &runtime->error);
	if (done)
		stop_preparing(loop, runtime);
	if (done > 0 && !runtime->aborted)
		spawn_succeeded(loop, index);
}

static void do_spawn(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	struct spawned spawned = spawn_process(&loop->spawner, index);
	if (spawned.error.stage != STAGE_NONE) {
		spawn_has_failed(loop, index, &spawned.error);
		return;
	}
	runtime->pid = runtime->group = spawned.pid;
	runtime->pidfd = spawned.pidfd;
	runtime->told = runtime->aborted = false;
	runtime->error = (struct spawn_error){0};
	if (spawned.status_fd < 0) {
		spawn_succeeded(loop, index);
		return;
	}
	ev_io_init(&runtime->status, on_prepared, spawned.status_fd, EV_READ);
	runtime->status.data = (void *)(intptr_t)index;
	ev_io_start(loop->ev, &runtime->status);
}

static void do_abort(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	if (!is_preparing(runtime))
		return; /* its result is in the queue, or comes with its end */
	int done = read_preparation(runtime, &runtime->error);
	if (done)
		stop_preparing(loop, runtime);
	if (done > 0) {
		spawn_succeeded(loop, index);
	} else if (!done) {
		/* Not yet the user's program: nothing is lost by killing it. */
		runtime->aborted = true;
		runtime->error = (struct spawn_error){.stage = STAGE_ABORTED, .error = ECANCELED};
		signals_send(runtime->pid, runtime->pidfd, SIGKILL, false);
	}
}

static void do_signal(struct loop *loop, const struct action *action)
{
	struct runtime *runtime = &loop->processes[action->process];
	if (action->group) {
		signals_send(runtime->group, -1, action->signo, true);
		runtime->told = true;
	} else if (runtime->pid) {
		signals_send(runtime->pid, runtime->pidfd, action->signo, false);
	}
}

static void do_kill_tree(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	if (runtime->group)
		signals_send(runtime->group, -1, SIGKILL, true);
	if (runtime->pid)
		signals_send(runtime->pid, runtime->pidfd, SIGKILL, false);
}

struct drain {
	struct loop *loop;
	int signo;
};

static void drain_one(pid_t pid, pid_t group, void *data)
{
	const struct drain *drain = data;
	/* Asked once already, with its group: to many programs a second time means "at once". */
	for (int i = 0; drain->signo != SIGKILL && i < drain->loop->spec->process_count; i++) {
		if (drain->loop->processes[i].told && drain->loop->processes[i].group == group)
			return;
	}
	kill(pid, drain->signo);
}

/* Who has no child has no descendant either: orphans come to podinit. */
static bool is_alone(void)
{
	struct reaped reaped;
	return reap_look(&reaped) == REAP_NO_CHILDREN;
}

static void drain_now(struct loop *loop)
{
	struct drain drain = {loop, loop->drain_signo};
	int count = is_alone() ? 0 : proc_each_descendant(drain_one, &drain);
	loop->drain_signo = 0;
	if (count) {
		struct notice notice = notice_of(NOTICE_LEFTOVER, -1);
		notice.count = count;
		notice.signo = (uint8_t)drain.signo;
		event_log_tell(loop->setup->log, &notice, NULL);
	}
	if (is_alone())
		feed(loop, &(struct event){.type = EVENT_DRAINED});
}

static void perform(struct loop *loop, const struct action *action)
{
	switch ((enum action_type)action->type) {
	case ACT_SPAWN:
		do_spawn(loop, action->process);
		break;
	case ACT_ABORT:
		do_abort(loop, action->process);
		break;
	case ACT_SIGNAL:
		do_signal(loop, action);
		break;
	case ACT_KILL_TREE:
		do_kill_tree(loop, action->process);
		break;
	case ACT_RUN_HOOK:
		/* The reader refuses every key that makes a hook; a hook that cannot be run has
		 * failed. */
		feed(loop,
			&(struct event){.type = EVENT_HOOK_DONE,
				.process = action->process,
				.hook = action->hook});
		break;
	case ACT_CANCEL_HOOK:
		break;
	case ACT_DRAIN:
		loop->drain_signo = action->signo;
		break;
	case ACT_TELL:
		event_log_tell(loop->setup->log, &action->notice, NULL);
		break;
	case ACT_FINISH:
		loop->exit_code = action->exit_code;
		ev_break(loop->ev, EVBREAK_ALL);
		break;
	case ACTION_TYPE_COUNT:
		break;
	}
}

/* --- events: from the kernel to the core --- */

static void arm_deadline(struct loop *loop, int64_t now)
{
	int64_t deadline = pod_next_deadline(loop->pod);
	ev_timer_stop(loop->ev, &loop->deadline);
	if (deadline == NEVER)
		return;
	double delay = deadline > now ? (double)(deadline - now) / (double)NS_PER_SECOND : 0;
	/* libev counts from when it last looked at its clock. */
	ev_now_update(loop->ev);
	ev_timer_set(&loop->deadline, delay, 0);
	ev_timer_start(loop->ev, &loop->deadline);
}

/* Steps the core with an event and with the results of what it decided, until all is done. */
static void feed(struct loop *loop, const struct event *event)
{
	queue_event(loop, event);
	if (loop->stepping)
		return;
	loop->stepping = true;
	int64_t now = clock_monotonic();
	while (loop->queue_count) {
		struct event next = loop->queue[loop->queue_first];
		loop->queue_first = (loop->queue_first + 1) % loop->queue_max;
		loop->queue_count--;
		now = clock_monotonic();
		pod_step(loop->spec, loop->pod, &next, now, &loop->actions);
		for (int i = 0; i < loop->actions.count; i++)
			perform(loop, &loop->actions.items[i]);
	}
	loop->stepping = false;
	arm_deadline(loop, now);
	if (loop->drain_signo && !loop->holds_zombie)
		drain_now(loop);
}

static void on_deadline(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	feed(ev_userdata(ev), &(struct event){.type = EVENT_TICK});
}

/* A process that was preparing itself has ended. Whatever is left to be told of that. */
static void end_preparation(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	struct spawn_error error;
	int done = read_preparation(runtime, &error);
	stop_preparing(loop, runtime);
	if (done < 0 && !runtime->aborted)
		runtime->error = error;
	if (runtime->error.stage == STAGE_NONE)
		spawn_succeeded(loop, index);
}

static void process_ended(struct loop *loop, int index, const struct reaped *reaped)
{
	struct runtime *runtime = &loop->processes[index];
	if (is_preparing(runtime))
		end_preparation(loop, index);
	if (runtime->error.stage != STAGE_NONE) {
		spawn_has_failed(loop, index, &runtime->error);
		return;
	}
	feed(loop,
		&(struct event){.type = EVENT_EXITED,
			.process = index,
			.pid = reaped->pid,
			.exit_code = reaped->exit_code,
			.signo = reaped->signo});
}

static int process_of(const struct loop *loop, pid_t pid)
{
	for (int i = 0; i < loop->spec->process_count; i++) {
		if (loop->processes[i].pid == pid)
			return i;
	}
	return -1;
}

static void orphan_ended(struct loop *loop, const struct reaped *reaped)
{
	loop->orphans++;
	if (loop->setup->log->level != LOG_VERBOSE)
		return;
	struct sender orphan = {.pid = reaped->pid};
	struct notice notice = notice_of(NOTICE_ORPHAN, -1);
	notice.pid = reaped->pid;
	notice.exit_code = (int16_t)(reaped->signo ? 128 + reaped->signo : reaped->exit_code);
	notice.signo = reaped->signo;
	proc_name(reaped->pid, orphan.program);
	event_log_tell(loop->setup->log, &notice, &orphan);
}

/* The zombie stays one until the core has decided: so its group is still its group. But its number
 * is given up before, so that a new instance can take its place in the meantime. */
static void reap_one(struct loop *loop, const struct reaped *reaped)
{
	int index = process_of(loop, reaped->pid);
	loop->holds_zombie = true;
	if (index < 0) {
		orphan_ended(loop, reaped);
	} else {
		forget(&loop->processes[index]);
		process_ended(loop, index, reaped);
	}
	reap_take(reaped->pid);
	loop->holds_zombie = false;
	if (loop->drain_signo)
		drain_now(loop);
}

static void reap_all(struct loop *loop)
{
	struct reaped reaped;
	ev_idle_stop(loop->ev, &loop->more_zombies);
	for (int i = 0; i < REAP_BATCH; i++) {
		enum reap_result result = reap_look(&reaped);
		if (result == REAP_NO_CHILDREN && loop->pod->draining)
			feed(loop, &(struct event){.type = EVENT_DRAINED});
		if (result != REAP_GOT_ONE)
			return;
		reap_one(loop, &reaped);
	}
	ev_idle_start(loop->ev, &loop->more_zombies);
}

static void on_more_zombies(struct ev_loop *ev, struct ev_idle *idle, int events)
{
	(void)idle;
	(void)events;
	reap_all(ev_userdata(ev));
}

static void signal_came(struct loop *loop, const struct signal_record *record)
{
	struct notice notice = notice_of(NOTICE_SIGNAL, -1);
	notice.signo = (uint8_t)record->signo;
	event_log_tell(loop->setup->log, &notice, &record->sender);
	feed(loop, &(struct event){.type = EVENT_SIGNALLED, .signo = (uint8_t)record->signo});
}

static void on_signals(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct loop *loop = ev_userdata(ev);
	struct signal_record record;
	(void)events;
	for (int i = 0; i < SIGNAL_BATCH && signals_read(io->fd, &record); i++) {
		if (record.signo == SIGCHLD)
			reap_all(loop);
		else
			signal_came(loop, &record);
	}
}

/* From the outer process of a sandbox. When it is gone, nobody is left who could end the pod: then
 * it ends by itself, in order. */
static void on_outer_signals(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct loop *loop = ev_userdata(ev);
	struct signal_record record;
	(void)events;
	int got = sandbox_read_signal(io->fd, &record);
	if (got > 0) {
		signal_came(loop, &record);
	} else if (got < 0) {
		ev_io_stop(ev, io);
		feed(loop, &(struct event){.type = EVENT_SIGNALLED, .signo = SIGTERM});
	}
}

/* --- control --- */

static void give_status(void *owner, struct podstatus *status)
{
	const struct loop *loop = owner;
	*status = (struct podstatus){
		.spec = loop->spec,
		.pod = loop->pod,
		.now = clock_monotonic(),
		.realtime = clock_realtime(),
		.orphans = loop->orphans,
		.pid = getpid(),
	};
}

static void stop_by_control(void *owner, int64_t grace_ns)
{
	feed(owner, &(struct event){.type = EVENT_ASKED_TO_STOP, .grace_ns = grace_ns});
}

static void open_control(struct loop *loop)
{
	if (!loop->setup->control)
		return;
	loop->control_actions = (struct control_actions){loop, give_status, stop_by_control};
	int result = control_open(&loop->control, loop->ev, loop->setup->control_path,
		&loop->control_actions);
	if (result < 0)
		log_line("control socket %s: %s; podctl cannot ask", loop->control.name,
			strerror(-result));
}

/* --- beginning and end --- */

/* All the memory there will ever be. False: there is not enough. */
static bool allocate(struct loop *loop)
{
	int count = loop->spec->process_count;
	loop->actions.max = pod_action_max(loop->spec);
	loop->queue_max = loop->actions.max + 1;
	loop->pod = malloc(pod_size(loop->spec));
	loop->actions.items = calloc((size_t)loop->actions.max, sizeof(*loop->actions.items));
	loop->queue = calloc((size_t)loop->queue_max, sizeof(*loop->queue));
	loop->processes = calloc((size_t)count + 1, sizeof(*loop->processes));
	if (!loop->pod || !loop->actions.items || !loop->queue || !loop->processes)
		return false;
	pod_init(loop->pod, loop->spec);
	for (int i = 0; i < count; i++) {
		loop->processes[i].pidfd = -1;
		loop->processes[i].status.fd = -1;
	}
	return true;
}

/* What could not be done, or NULL; then errno says why. */
static const char *begin(struct loop *loop)
{
	if (!allocate(loop))
		return "allocate memory";
	/* Not the default loop: that one would reap every child by itself. */
	loop->ev = ev_loop_new(EVFLAG_NOENV | EVFLAG_NOSIGMASK);
	if (!loop->ev)
		return "make an event loop";
	ev_set_userdata(loop->ev, loop);
	int result = spawner_init(&loop->spawner, loop->spec, loop->setup->volumes);
	int signals_fd = result < 0 ? result : signals_open();
	if (signals_fd < 0) {
		errno = -signals_fd;
		return result < 0 ? "make an empty standard input" : "receive signals";
	}
	ev_io_init(&loop->signals, on_signals, signals_fd, EV_READ);
	ev_io_start(loop->ev, &loop->signals);
	if (loop->setup->outer_signals_fd >= 0) {
		ev_io_init(&loop->outer_signals, on_outer_signals, loop->setup->outer_signals_fd,
			EV_READ);
		ev_io_start(loop->ev, &loop->outer_signals);
	}
	ev_timer_init(&loop->deadline, on_deadline, 0, 0);
	ev_idle_init(&loop->more_zombies, on_more_zombies);
	open_control(loop);
	return NULL;
}

static void finish(struct loop *loop)
{
	control_close(&loop->control);
	for (int i = 0; loop->processes && i < loop->spec->process_count; i++) {
		if (is_preparing(&loop->processes[i]))
			stop_preparing(loop, &loop->processes[i]);
		forget(&loop->processes[i]);
	}
	if (loop->signals.fd > 0)
		close(loop->signals.fd);
	spawner_finish(&loop->spawner);
	if (loop->ev)
		ev_loop_destroy(loop->ev);
	free(loop->pod);
	free(loop->actions.items);
	free(loop->queue);
	free(loop->processes);
}

int loop_run(const struct loop_setup *setup)
{
	struct loop loop = {
		.setup = setup,
		.spec = setup->spec,
		.spawner = {.stdin_fd = -1},
		.control = {.fd = -1},
		.exit_code = CANNOT_BEGIN,
	};
	const char *problem = begin(&loop);
	if (problem) {
		log_line("cannot %s: %s", problem, strerror(errno));
	} else {
		/* From here on nothing is fatal. */
		feed(&loop, &(struct event){.type = EVENT_BOOT});
		if (!loop.pod->finished)
			ev_run(loop.ev, 0);
	}
	finish(&loop);
	return loop.exit_code;
}
