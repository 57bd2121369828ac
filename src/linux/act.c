/* Actions carried out: from the core to the kernel. Must not decide anything. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "cgroup.h"
#include "loop_state.h"
#include "reap.h"
#include "received.h"
#include "terminal.h"

void act_spawn_succeeded(struct loop *loop, int index)
{
	watcher_begin(loop, index);
	loop_feed(loop,
		&(struct event){.type = EVENT_SPAWNED,
			.process = index,
			.pid = loop->processes[index].pid});
}

void act_spawn_failed(struct loop *loop, int index, pid_t pid, const struct spawn_error *error)
{
	/* What was given up counts as never tried. */
	if (error->stage != STAGE_ABORTED)
		messages_keep(loop->setup->ground->volumes.messages, index, false, NULL);
	loop_feed(loop,
		&(struct event){.type = EVENT_SPAWN_FAILED,
			.process = index,
			.pid = pid,
			.spawn_error = *error});
}

bool act_is_preparing(const struct runtime *runtime)
{
	return runtime->status.fd >= 0;
}

void act_stop_preparing(struct loop *loop, struct runtime *runtime)
{
	ev_io_stop(loop->ev, &runtime->status);
	close(runtime->status.fd);
	runtime->status.fd = -1;
}

int act_read_preparation(struct loop *loop, int index, struct spawn_error *error)
{
	struct runtime *runtime = &loop->processes[index];
	enum spawn_news news = spawn_read_status(runtime->status.fd, error, &runtime->world);
	leftover_expect_in(loop, index);
	if (!world_is_needed(loop->spec, &loop->spec->processes[index]))
		world_close(&runtime->world);
	switch (news) {
	case SPAWN_NO_NEWS:
		return 0;
	case SPAWN_FAILED:
		return -1;
	case SPAWN_RUNS:
	case SPAWN_DIVIDED: /* no process does */
		break;
	}
	return 1;
}

/* A failure is told when the process is reaped: it ends at once, and its successor must not come
 * before. (The end of the descriptor may mean, too, that it died on the way to its program; then
 * it has "run", and how it ended follows.) */
void act_look_at_preparation(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	if (!act_is_preparing(runtime))
		return;
	int done = act_read_preparation(loop, index, &runtime->error);
	if (done)
		act_stop_preparing(loop, runtime);
	if (done > 0 && !runtime->aborted)
		act_spawn_succeeded(loop, index);
}

static void on_prepared(struct ev_loop *ev, struct ev_io *io, int events)
{
	(void)events;
	act_look_at_preparation(ev_userdata(ev), (int)(intptr_t)io->data);
}

void act_watch_preparation(struct loop *loop, int index, struct runtime *runtime)
{
	ev_io_init(&runtime->status, on_prepared, runtime->status.fd, EV_READ);
	runtime->status.data = (void *)(intptr_t)index;
	ev_io_start(loop->ev, &runtime->status);
}

static struct spawned cannot_spawn(enum spawn_stage stage, int error)
{
	return (struct spawned){
		.pidfd = -1,
		.status_fd = -1,
		.error = {.stage = (uint16_t)stage, .error = error},
	};
}

/* With its terminal, of which the process's end is only the process's. */
static struct spawned spawn_with_tty(struct loop *loop, int index, struct spawn_descriptors *given)
{
	struct runtime *runtime = &loop->processes[index];
	int master;
	int result = tty_make(&master, &given->tty_fd);
	if (result < 0)
		return cannot_spawn(STAGE_TTY, -result);
	struct spawned spawned = spawn_process(&loop->spawner, index, given);
	close(given->tty_fd);
	if (spawned.error.stage != STAGE_NONE)
		close(master);
	else
		tty_begin(runtime->tty, loop->ev, master, loop->spec->processes[index].keeps_stdin);
	return spawned;
}

static struct spawned spawn_with_output(
	struct loop *loop, int index, struct spawn_descriptors *given)
{
	const struct process_spec *process = &loop->spec->processes[index];
	struct capture *capture = loop->processes[index].capture;
	if (process->tty)
		return spawn_with_tty(loop, index, given);
	if (process->message_falls_back) {
		capture_begin(capture, loop->ev);
		memcpy(given->output_fds, capture->writers, sizeof(given->output_fds));
	}
	return spawn_process(&loop->spawner, index, given);
}

/* With the pipe of its notifyFd, of which the other end is podinit's. */
static struct spawned spawn(struct loop *loop, int index)
{
	struct ready *ready = loop->processes[index].ready;
	struct spawn_descriptors given = {
		.tty_fd = -1,
		.ready_fd = ready ? ready_open(ready, loop->ev) : -1,
		.output_fds = {-1, -1},
	};
	if (ready && given.ready_fd < 0)
		return cannot_spawn(STAGE_DESCRIPTORS, -given.ready_fd);
	notify_begin(&loop->notify, index);
	struct spawned spawned = spawn_with_output(loop, index, &given);
	if (given.ready_fd >= 0)
		close(given.ready_fd);
	return spawned;
}

static void do_spawn(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	world_close(&runtime->world);
	struct spawned spawned = spawn(loop, index);
	if (loop->spec->entrypoint)
		boot_let_go(loop->spec);
	if (spawned.error.stage != STAGE_NONE) {
		terminal_take_back(spawned.pid);
		act_spawn_failed(loop, index, spawned.pid, &spawned.error);
		return;
	}
	bool same_group = loop->spec->entrypoint && terminal_state()->session == SESSION_SAME;
	runtime->pid = spawned.pid;
	runtime->group = same_group ? 0 : spawned.pid;
	runtime->pidfd = spawned.pidfd;
	leftover_expect(loop, index);
	runtime->aborted = false;
	runtime->error = (struct spawn_error){0};
	if (spawned.status_fd < 0) {
		act_spawn_succeeded(loop, index);
		return;
	}
	runtime->status.fd = spawned.status_fd;
	act_watch_preparation(loop, index, runtime);
}

static void do_abort(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	if (!act_is_preparing(runtime))
		return; /* its result is in the queue, or comes with its end */
	int done = act_read_preparation(loop, index, &runtime->error);
	if (done)
		act_stop_preparing(loop, runtime);
	if (done > 0) {
		act_spawn_succeeded(loop, index);
	} else if (!done) {
		/* Not yet the user's program: nothing is lost by killing it. */
		runtime->aborted = true;
		runtime->error = (struct spawn_error){.stage = STAGE_ABORTED, .error = ECANCELED};
		signals_send(runtime->pid, runtime->pidfd, SIGKILL, false);
	}
}

/* As long as anybody is in a group no process gets its number: so when somebody has it, nobody is. */
static void forget_lost_group(const struct loop *loop, struct runtime *runtime)
{
	bool is_held = runtime->pid || runtime->group == loop->zombie;
	if (runtime->group && !is_held && (kill(runtime->group, 0) == 0 || errno == EPERM))
		runtime->group = 0;
}

static void do_signal(struct loop *loop, const struct action *action)
{
	struct runtime *runtime = &loop->processes[action->process];
	int result = 0;
	forget_lost_group(loop, runtime);
	if (action->group && runtime->group)
		result = signals_send(runtime->group, -1, action->signo, true);
	else if (runtime->pid)
		result = signals_send(runtime->pid, runtime->pidfd, action->signo, false);
	loop->send_error = -result;
}

static void do_kill_tree(struct loop *loop, const struct action *action)
{
	struct runtime *runtime = &loop->processes[action->process];
	if (action->all && cgroup_kill(loop->setup->ground->cgroups, action->process) &&
		!act_is_preparing(runtime))
		return;
	forget_lost_group(loop, runtime);
	/* First, while it lives, and shows who descends from it. */
	if (action->all)
		leftover_kill(loop, action->process);
	if (runtime->group)
		signals_send(runtime->group, -1, SIGKILL, true);
	if (runtime->pid)
		signals_send(runtime->pid, runtime->pidfd, SIGKILL, false);
}

/* --- what is left behind --- */

struct drain {
	const struct loop *loop;
	int signo;	   /* 0: only look */
	int count, joined; /* how many there were; how many of them are no descendants */
	struct text names;
};

/* What descends from a live process of the pod is that process's, not left behind; unless that one
 * was killed, and is as good as gone. */
static bool is_spared(const struct drain *drain, const struct dependent *dependent)
{
	const struct loop *loop = drain->loop;
	for (int i = 0; i < loop->spec->process_count; i++) {
		const struct runtime *runtime = &loop->processes[i];
		bool killed = loop->pod->processes[i].state == PROCESS_KILLED;
		if (runtime->pid && runtime->pid == dependent->child &&
			(!killed || runtime->pid == dependent->pid))
			return true;
	}
	return false;
}

/* Who was asked once, with its group, is not asked again: to many programs a second time means "at
 * once". */
static bool was_asked(const struct drain *drain, const struct dependent *dependent)
{
	const struct loop *loop = drain->loop;
	for (int i = 0; i < loop->spec->process_count && drain->signo != SIGKILL; i++) {
		if (loop->pod->processes[i].group_signalled &&
			loop->processes[i].group == dependent->group)
			return true;
	}
	return false;
}

static void drain_one(const struct dependent *dependent, void *data)
{
	struct drain *drain = data;
	drain->joined += !dependent->child;
	if (loop_is_helper(drain->loop, dependent->pid) ||
		tasks_have(&drain->loop->tasks, dependent->group))
		return; /* podinit's own: killed already */
	if (dependent->is_dying && drain->signo != SIGKILL)
		return; /* what was left of a command, and is killed with it */
	if (!drain->signo || is_spared(drain, dependent) || was_asked(drain, dependent))
		return;
	text_add(&drain->names, "%s%d (%s)", drain->count ? ", " : ": ", (int)dependent->pid,
		dependent->program);
	drain->count++;
	signals_send(dependent->pid, dependent->pidfd, drain->signo, false);
}

/* Who has no child has no descendant either: orphans come to podinit. */
static bool is_childless(void)
{
	struct reaped reaped;
	return reap_look(&reaped) == REAP_NO_CHILDREN;
}

static bool nothing_lives(const struct loop *loop)
{
	for (int i = 0; i < loop->spec->process_count; i++) {
		if (loop->processes[i].pid)
			return false;
	}
	return true;
}

/* Killing is tried again and again: told is only what is news. */
static void tell_leftovers(struct loop *loop, const struct drain *drain)
{
	struct notice notice = notice_of(NOTICE_LEFTOVER, -1);
	notice.count = drain->count;
	notice.signo = (uint8_t)drain->signo;
	if (drain->count && drain->count != loop->leftovers_told)
		event_log_tell_more(loop->setup->log, &notice, drain->names.data);
	loop->leftovers_told = drain->signo == SIGKILL ? drain->count : 0;
	if (drain->signo == SIGKILL && drain->count > loop->killed)
		loop->killed = drain->count;
}

/* Who forks faster than anyone can walk is killed all the same. */
static void kill_cgroups(const struct loop *loop)
{
	for (int i = 0; i < loop->spec->process_count; i++) {
		if (!loop->processes[i].pid && cgroup_is_populated(loop->setup->ground->cgroups, i))
			cgroup_kill(loop->setup->ground->cgroups, i);
	}
}

/* Signals (0: only counts) what ends with podinit. That of others' children it ends is told to
 * nobody: so it must be looked for again. False: whoever is left, nobody can name them. */
static bool walk(struct loop *loop, int signo)
{
	char names[256];
	struct drain drain = {.loop = loop, .signo = signo, .names = text_in(names, sizeof(names))};
	if (getpid() != 1 && is_childless())
		return true;
	/* Without a /proc that shows them, all there are: for process 1 these are those that will
	 * be killed with it anyway. And that there are any, whoever's children. */
	bool seen = proc_each_dependent(drain_one, &drain);
	if (!seen && getpid() == 1 && nothing_lives(loop))
		drain.joined = kill(-1, signo) == 0;
	loop->joined = drain.joined;
	if (signo)
		tell_leftovers(loop, &drain);
	if (signo == SIGKILL) {
		kill_cgroups(loop);
		received_kill_closers();
	}
	return seen || getpid() == 1;
}

static void tell_if_drained(struct loop *loop)
{
	if (!loop->joined && is_childless())
		loop_feed(loop, &(struct event){.type = EVENT_DRAINED});
	else if (loop->joined)
		ev_timer_again(loop->ev, &loop->look_again);
}

void act_drain(struct loop *loop)
{
	int signo = loop->drain_signo;
	loop->drain_signo = 0;
	/* Who could not be asked had the grace; who cannot be killed is not waited for. */
	if (!walk(loop, signo) && signo == SIGKILL && nothing_lives(loop))
		loop_feed(loop, &(struct event){.type = EVENT_DRAINED});
	else
		tell_if_drained(loop);
}

void act_look_again(struct loop *loop)
{
	ev_timer_stop(loop->ev, &loop->look_again);
	if (loop->joined)
		walk(loop, 0);
	tell_if_drained(loop);
}

/* What went wrong with a probe or hook, its attempt knows. */
static void tell(struct loop *loop, const struct notice *notice)
{
	char more[ATTEMPT_TEXT_MAX + 2] = "";
	struct text text = text_in(more, sizeof(more));
	const char *words = attempt_text(loop, notice);
	if (*words)
		text_add(&text, ": %s", words);
	event_log_tell_more(loop->setup->log, notice, more);
}

void act(struct loop *loop, const struct action *action)
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
		do_kill_tree(loop, action);
		break;
	case ACT_PROBE:
	case ACT_RUN_HOOK:
		attempt_begin(loop, action);
		break;
	case ACT_CANCEL_PROBE:
	case ACT_CANCEL_HOOK:
		attempt_cancel(loop, action);
		break;
	case ACT_ADOPT:
		daemon_look_for(loop, action->process);
		break;
	case ACT_CANCEL_ADOPT:
		/* So the end of its program was the instance's. */
		messages_keep(loop->setup->ground->volumes.messages, action->process, true, NULL);
		daemon_give_up(loop, action->process);
		break;
	case ACT_REPLACE:
		reload_go_on(loop);
		break;
	case ACT_DRAIN:
		loop->drain_signo = action->signo;
		break;
	case ACT_TELL:
		tell(loop, &action->notice);
		break;
	case ACT_FINISH:
		loop->exit_code = action->exit_code;
		ev_break(loop->ev, EVBREAK_ALL);
		break;
	case ACTION_TYPE_COUNT:
		break;
	}
}
