/* The event loop: libev and the kernel on one side, the pure core on the other. Every fact becomes
 * an event here and every decision an action; nothing is decided here. Nothing on this path
 * allocates or blocks, and nothing ends podinit but ACT_FINISH. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "clock.h"
#include "goodbye.h"
#include "loop_state.h"
#include "sandbox.h"
#include "terminal.h"

static const double LOOK_AGAIN_SECONDS = 0.05;

enum {
	SIGNAL_BATCH = 64, /* signals in a row */
	STEP_BATCH = 256,  /* steps in a row: a program that cannot start and needs no delay */
};

/* --- events: from the kernel to the core --- */

static void queue_event(struct loop *loop, const struct event *event)
{
	/* It cannot be full (loop_queue_max()). Were it, a lost event is better than a dead PID 1. */
	if (loop->queue_count == loop->queue_max)
		return;
	loop->queue[(loop->queue_first + loop->queue_count++) % loop->queue_max] = *event;
}

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

/* Nothing that they could find matters any more. */
static void end_helpers(struct loop *loop)
{
	evictor_end(&loop->evictor);
	reload_give_up(loop);
	for (int i = 0; i < loop->spec->process_count; i++)
		watcher_end(loop, i);
}

/* Steps the core with what is in the queue, which grows by the results. */
static void run_queue(struct loop *loop)
{
	int64_t now = clock_monotonic();
	loop->stepping = true;
	for (int i = 0; loop->queue_count && i < STEP_BATCH; i++) {
		struct event next = loop->queue[loop->queue_first];
		loop->queue_first = (loop->queue_first + 1) % loop->queue_max;
		loop->queue_count--;
		now = clock_monotonic();
		pod_step(loop->spec, loop->pod, &next, now, &loop->actions);
		for (int k = 0; k < loop->actions.count; k++)
			act(loop, &loop->actions.items[k]);
	}
	loop->stepping = false;
	arm_deadline(loop, now);
	if (loop->queue_count)
		ev_idle_start(loop->ev, &loop->more_work);
	/* Before it could be taken for something left behind. */
	if (loop->pod->stopping)
		end_helpers(loop);
	if (loop->drain_signo && !loop->zombie)
		act_drain(loop);
}

void loop_feed(struct loop *loop, const struct event *event)
{
	queue_event(loop, event);
	if (!loop->stepping)
		run_queue(loop);
}

static void on_deadline(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	loop_feed(ev_userdata(ev), &(struct event){.type = EVENT_TICK});
}

/* What a batch left over. */
static void on_more_work(struct ev_loop *ev, struct ev_idle *idle, int events)
{
	(void)idle;
	(void)events;
	struct loop *loop = ev_userdata(ev);
	loop_reap_all(loop);
	run_queue(loop);
}

static void tell_signal(struct loop *loop, const struct signal_record *record)
{
	struct notice notice = notice_of(NOTICE_SIGNAL, -1);
	notice.signo = (uint8_t)record->signo;
	event_log_tell(loop->setup->log, &notice, &record->sender);
}

static void signal_came(struct loop *loop, const struct signal_record *record)
{
	loop->send_error = 0;
	bool was_stopping = loop->pod->stopping;
	tell_signal(loop, record);
	if (record->signo == SIGCONT && loop->spec->entrypoint)
		terminal_continued(loop->processes[0].pid, record->in_foreground);
	if (record->signo == SIGHUP && reload_is_possible(loop)) {
		reload_ask(loop);
		return;
	}
	loop_feed(loop, &(struct event){.type = EVENT_SIGNALLED, .signo = (uint8_t)record->signo});
	if (loop->pod->stopping && !was_stopping)
		loop->stopped_by = *record;
	event_log_passed_on(loop->setup->log, record->signo, loop->send_error);
	if (loop->spec->entry.suspend_signals & SIGNAL_BIT(record->signo)) {
		event_log_suspends(loop->setup->log);
		kill(getpid(), SIGSTOP);
	}
}

static void child_came(struct loop *loop, const struct signal_record *record)
{
	tell_signal(loop, record);
	if (loop->spec->entrypoint)
		terminal_child_changed(loop->processes[0].pid);
	loop_reap_all(loop);
}

/* Told to podinit because its terminal went to the program: nobody else's business. */
static void handed_off(struct loop *loop, const struct signal_record *record)
{
	if (!loop->setup->log->voice)
		return;
	tell_signal(loop, record);
	event_log_handed_off(loop->setup->log, record->signo);
}

static void on_signals(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct loop *loop = ev_userdata(ev);
	struct signal_record record;
	(void)events;
	for (int i = 0; i < SIGNAL_BATCH && signals_read(io->fd, &record); i++) {
		if (record.handed_off)
			handed_off(loop, &record);
		else if (record.signo == SIGCHLD)
			child_came(loop, &record);
		else if (record.signo == SIGCONT && terminal_is_outer_job())
			continue; /* the outer process hands it in when the terminal is ours */
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
		/* As by SIGTERM; but where that is not passed on, the pod ends all the same. */
		bool dropped = loop->spec->relay || !loop->spec->signal_map[SIGTERM];
		loop_feed(loop,
			&(struct event){.type = dropped ? EVENT_ASKED_TO_STOP : EVENT_SIGNALLED,
				.signo = SIGTERM,
				.grace_ns = -1});
	}
}

static void volume_exceeded(void *owner, int volume)
{
	loop_feed(owner, &(struct event){.type = EVENT_EVICTED, .volume = volume});
}

/* --- control --- */

static const char *said(const void *owner, int process)
{
	const struct loop *loop = owner;
	return notify_status(&loop->notify, process);
}

static void give_status(void *owner, struct podstatus *status)
{
	const struct loop *loop = owner;
	*status = (struct podstatus){
		.spec = loop->spec,
		.pod = loop->pod,
		.now = clock_monotonic(),
		.realtime = clock_realtime(),
		.words = messages_kept(loop->setup->ground->volumes.messages),
		.orphans = loop->orphans,
		.pid = getpid(),
		.said = said,
		.owner = loop,
	};
}

static void stop_by_control(void *owner, int64_t grace_ns)
{
	loop_feed(owner, &(struct event){.type = EVENT_ASKED_TO_STOP, .grace_ns = grace_ns});
}

static void open_control(struct loop *loop)
{
	if (!loop->setup->control)
		return;
	loop->control_actions = (struct control_actions){
		loop, podstatus_piece_max(loop->spec), give_status, stop_by_control};
	int result = control_open(
		&loop->control, loop->ev, loop->setup->control_path, &loop->control_actions);
	if (result < 0)
		log_line("control socket %s: %s; podctl cannot ask", loop->control.name,
			strerror(-result));
}

/* --- beginning and end --- */

void loop_init_runtime(struct runtime *runtime)
{
	*runtime = (struct runtime){.pidfd = -1, .status.fd = -1, .world = WORLD_NONE};
	watcher_init(&runtime->watcher);
}

/* One result at most per action; who prepared itself meanwhile; and what came from outside. */
int loop_queue_max(const struct pod_spec *spec)
{
	return pod_action_max(spec) + spec->process_count + 1;
}

int loop_furnish(struct runtime *runtime, const struct process_spec *process)
{
	if (process->tty && !(runtime->tty = tty_create()))
		return -ENOMEM;
	bool is_captured = process->message_falls_back && !process->tty;
	if (is_captured && !(runtime->capture = capture_create()))
		return -errno;
	return 0;
}

void loop_unfurnish(struct runtime *runtime, struct ev_loop *ev, int64_t deadline)
{
	if (runtime->tty && ev)
		tty_finish(runtime->tty, ev, deadline);
	if (runtime->capture && ev)
		capture_finish(runtime->capture, deadline);
	tty_destroy(runtime->tty);
	capture_destroy(runtime->capture);
	runtime->tty = NULL;
	runtime->capture = NULL;
}

/* All the memory there will ever be. False: there is not enough. */
static bool allocate(struct loop *loop)
{
	int count = loop->spec->process_count;
	loop->actions.max = pod_action_max(loop->spec);
	loop->queue_max = loop_queue_max(loop->spec);
	loop->pod = malloc(pod_size(loop->spec));
	loop->actions.items = calloc((size_t)loop->actions.max, sizeof(*loop->actions.items));
	loop->queue = calloc((size_t)loop->queue_max, sizeof(*loop->queue));
	loop->processes = calloc((size_t)count + 1, sizeof(*loop->processes));
	if (!loop->pod || !loop->actions.items || !loop->queue || !loop->processes)
		return false;
	pod_init(loop->pod, loop->spec);
	attempts_make(&loop->attempts, loop, loop->spec, NULL);
	for (int i = 0; i < count; i++) {
		loop_init_runtime(&loop->processes[i]);
		int result = loop_furnish(&loop->processes[i], &loop->spec->processes[i]);
		if (result < 0) {
			errno = -result;
			return false;
		}
	}
	return true;
}

static void on_end_of_time(struct ev_loop *ev, struct ev_periodic *periodic, int events)
{
	(void)ev;
	(void)periodic;
	(void)events;
}

/* libev wakes up every minute to see whether somebody has set the clock, unless it has a timerfd to
 * tell it; and that it makes for the first ev_periodic, even one that never comes. */
static void stay_asleep(struct loop *loop)
{
	const ev_tstamp far = 1e10;
	ev_periodic_init(&loop->end_of_time, on_end_of_time, far, 0, NULL);
	ev_periodic_start(loop->ev, &loop->end_of_time);
}

/* Who joined the PID namespace, and ends with it, is nobody's child here. */
static void on_look_again(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	act_look_again(ev_userdata(ev));
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
	int result = spawner_init(&loop->spawner, loop->spec, loop->setup->ground);
	if (result == 0 &&
		!tasks_init(&loop->tasks, loop->ev, &loop->spawner, loop->attempts.task_count))
		result = -ENOMEM;
	int signals_fd = result < 0 ? result : signals_open();
	if (signals_fd < 0) {
		errno = -signals_fd;
		return result < 0 ? "make an empty standard input" : "receive signals";
	}
	ev_io_init(&loop->signals, on_signals, signals_fd, EV_READ);
	ev_set_priority(&loop->signals, EV_MAXPRI); /* before a thousand answers to probes */
	ev_io_start(loop->ev, &loop->signals);
	if (loop->setup->outer_signals_fd >= 0) {
		ev_io_init(&loop->outer_signals, on_outer_signals, loop->setup->outer_signals_fd,
			EV_READ);
		ev_io_start(loop->ev, &loop->outer_signals);
	}
	ev_timer_init(&loop->deadline, on_deadline, 0, 0);
	ev_timer_init(&loop->look_again, on_look_again, 0, LOOK_AGAIN_SECONDS);
	ev_idle_init(&loop->more_work, on_more_work);
	reload_begin(loop);
	stay_asleep(loop);
	result = loop_said_begin(loop);
	if (result < 0) {
		errno = -result;
		return "make the socket on which processes notify";
	}
	evictor_begin(
		&loop->evictor, loop->ev, &loop->setup->ground->volumes, volume_exceeded, loop);
	open_control(loop);
	if (loop->spec->entrypoint)
		terminal_prepare(&loop->spec->entry);
	return NULL;
}

/* Everything has ended, so nobody waits for podinit but whoever waits for its end. Their last words, where a
 * terminal holds them, are worth a moment. */
static void finish(struct loop *loop)
{
	int64_t deadline = clock_monotonic() + NS_PER_SECOND;
	control_close(&loop->control);
	evictor_end(&loop->evictor);
	tasks_finish(&loop->tasks);
	attempts_finish(&loop->attempts, loop->ev, loop->spec);
	loop_said_finish(loop);
	reload_finish(loop);
	for (int i = 0; loop->processes && i < loop->spec->process_count; i++) {
		if (act_is_preparing(&loop->processes[i]))
			act_stop_preparing(loop, &loop->processes[i]);
		watcher_end(loop, i);
		loop_forget(&loop->processes[i]);
		world_close(&loop->processes[i].world);
		loop_unfurnish(&loop->processes[i], loop->ev, deadline);
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

static void say_goodbye(struct loop *loop)
{
	if (loop->setup->log->voice) {
		event_log_finishes(loop->setup->log);
		return;
	}
	const struct goodbye goodbye = {
		.spec = loop->spec,
		.pod = loop->pod,
		.now = clock_monotonic(),
		.stopped_by = loop->stopped_by.signo ? &loop->stopped_by : NULL,
		.killed = loop->killed,
		.is_told = loop->setup->log->level != LOG_QUIET || loop->exit_code,
	};
	goodbye_say(&goodbye);
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
		loop_reap_the_past(&loop);
		loop_feed(&loop, &(struct event){.type = EVENT_BOOT});
		if (!loop.pod->finished)
			ev_run(loop.ev, 0);
		say_goodbye(&loop);
	}
	finish(&loop);
	return loop.exit_code;
}
