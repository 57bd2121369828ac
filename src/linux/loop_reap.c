/* What has ended: from zombies to events. Must not decide what follows. */
#include <signal.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "loop_state.h"
#include "reap.h"
#include "received.h"
#include "terminal.h"

enum { REAP_BATCH = 256 }; /* zombies in a row, before others get their turn */

bool loop_is_helper(const struct loop *loop, pid_t pid)
{
	return (loop->evictor.pid && pid == loop->evictor.pid) ||
		(loop->reload.reader && pid == loop->reload.reader) ||
		daemon_is_reader(loop, pid) || watcher_is(loop, pid) ||
		tasks_have(&loop->tasks, pid) || received_is_closer(pid);
}

int loop_helper_count(const struct loop *loop)
{
	return (loop->evictor.pid != 0) + (loop->reload.reader != 0) + daemon_reader_count(loop) +
		watcher_count(loop) + tasks_count(&loop->tasks) + received_closer_count();
}

void loop_forget(struct runtime *runtime)
{
	if (runtime->pidfd >= 0)
		close(runtime->pidfd);
	runtime->pidfd = -1;
	runtime->pid = 0;
}

/* A process that was preparing itself has ended. Whatever is left to be told of that. */
static void end_preparation(struct loop *loop, int index)
{
	struct runtime *runtime = &loop->processes[index];
	struct spawn_error error;
	int done = act_read_preparation(loop, index, &error);
	act_stop_preparing(loop, runtime);
	if (done < 0 && !runtime->aborted)
		runtime->error = error;
	if (runtime->error.stage == STAGE_NONE)
		act_spawn_succeeded(loop, index);
}

/* Did the kernel kill it, because memory ran out? podinit's own SIGKILL is another matter. A reaper (reaper.c)
 * ends with a code where its program was killed. */
static bool ran_out_of_memory(const struct loop *loop, int index, const struct reaped *reaped)
{
	bool by_podinit = index >= 0 && loop->pod->processes[index].state == PROCESS_KILLED;
	bool killed = reaped->signo == SIGKILL ||
		(!loop->spec->share_process_namespace && reaped->exit_code == 128 + SIGKILL);
	return killed && !by_podinit &&
		cgroup_ran_out_of_memory(loop->setup->ground->cgroups, index, clock_monotonic());
}

/* What counts as the message of this end where there is no other; NULL: nothing does. */
static const struct tail *said_last(const struct loop *loop, int index, const struct reaped *reaped)
{
	const struct process_spec *process = &loop->spec->processes[index];
	const struct runtime *runtime = &loop->processes[index];
	int code = reaped->signo ? 128 + reaped->signo : reaped->exit_code;
	if (!process->message_falls_back || exit_code_is_success(process->lifecycle, code))
		return NULL;
	return process->tty ? &runtime->tty->tail : &runtime->capture->tail;
}

/* Its daemon is the process, and lives in the same; it has not ended as long as that one can be found. */
static bool leaves_daemon(const struct loop *loop, int index, const struct reaped *reaped)
{
	return loop->pod->processes[index].state == PROCESS_FORKING && !reaped->signo &&
		!reaped->exit_code;
}

/* `heir`: the daemon, if the program has said who it is; else it is looked for. */
static void forked_away(struct loop *loop, const struct event *exited, pid_t heir)
{
	loop_feed(loop, exited);
	if (heir && loop->pod->processes[exited->process].state == PROCESS_FORKING &&
		daemon_adopt(loop, exited->process, heir))
		daemon_give_up(loop, exited->process);
}

static void instance_ended(
	struct loop *loop, const struct event *exited, const struct tail *said_last)
{
	world_close(&loop->processes[exited->process].world);
	watcher_end(loop, exited->process);
	messages_keep(loop->setup->ground->volumes.messages, exited->process, true, said_last);
	loop_feed(loop, exited);
}

static void process_ended(struct loop *loop, int index, const struct reaped *reaped)
{
	struct runtime *runtime = &loop->processes[index];
	/* While its number is still known: that it runs may not have been told yet. */
	if (act_is_preparing(runtime))
		end_preparation(loop, index);
	loop_forget(runtime);
	if (runtime->tty)
		tty_end(runtime->tty, loop->ev);
	if (runtime->capture)
		capture_end(runtime->capture);
	terminal_take_back(reaped->pid);
	bool oom = ran_out_of_memory(loop, index, reaped);
	if (runtime->error.stage != STAGE_NONE) {
		world_close(&runtime->world);
		act_spawn_failed(loop, index, reaped->pid, &runtime->error);
		return;
	}
	const struct event exited = {.type = EVENT_EXITED,
		.process = index,
		.pid = reaped->pid,
		.exit_code = reaped->exit_code,
		.signo = reaped->signo,
		.oom = oom};
	pid_t heir = notify_take_heir(&loop->notify, index);
	if (leaves_daemon(loop, index, reaped))
		forked_away(loop, &exited, heir);
	else if (!heir || !daemon_adopt(loop, index, heir))
		instance_ended(loop, &exited, said_last(loop, index, reaped));
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
	ran_out_of_memory(loop, -1, reaped); /* that kill was for this one, and for nobody else */
	if (loop->setup->log->level != LOG_VERBOSE && !loop->setup->log->voice)
		return;
	struct sender orphan = {.pid = reaped->pid};
	struct notice notice = notice_of(NOTICE_ORPHAN, -1);
	notice.pid = reaped->pid;
	notice.exit_code = (int16_t)(reaped->signo ? 128 + reaped->signo : reaped->exit_code);
	notice.signo = reaped->signo;
	if (!loop->setup->log->voice) /* no other init says its name */
		proc_name(reaped->pid, orphan.program);
	event_log_tell(loop->setup->log, &notice, &orphan);
}

/* The zombie stays one until the core has decided: so its group is still its group. */
static void reap_one(struct loop *loop, const struct reaped *reaped)
{
	int index = process_of(loop, reaped->pid);
	loop->zombie = reaped->pid;
	if (index >= 0)
		process_ended(loop, index, reaped);
	else if (!tasks_reaped(&loop->tasks, reaped) &&
		!evictor_reaped(&loop->evictor, reaped->pid) && !daemon_reaped(loop, reaped->pid) &&
		!watcher_reaped(loop, reaped) && !reload_reaped(loop, reaped->pid) &&
		!received_reaped(reaped->pid))
		orphan_ended(loop, reaped);
	reap_take(reaped->pid);
	loop->zombie = 0;
	if (loop->drain_signo)
		act_drain(loop);
}

/* REAP_GOT_ONE: there may be more, which come as more work. */
static enum reap_result reap_batch(struct loop *loop)
{
	struct reaped reaped;
	ev_idle_stop(loop->ev, &loop->more_work);
	for (int i = 0; i < REAP_BATCH; i++) {
		enum reap_result result = reap_look(&reaped);
		if (result == REAP_NO_CHILDREN && loop->pod->draining)
			act_look_again(loop);
		if (result != REAP_GOT_ONE)
			return result;
		reap_one(loop, &reaped);
	}
	ev_idle_start(loop->ev, &loop->more_work);
	return REAP_GOT_ONE;
}

void loop_reap_all(struct loop *loop)
{
	notify_read(&loop->notify); /* while it can be told whose they are */
	enum reap_result result = reap_batch(loop);
	if (result != REAP_GOT_ONE)
		event_log_reaped_all(loop->setup->log, result == REAP_NO_CHILDREN);
}

void loop_reap_the_past(struct loop *loop)
{
	loop->leftovers.has_strangers = reap_batch(loop) != REAP_NO_CHILDREN;
}
