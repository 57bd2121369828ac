/* The loop's state: what loop.c (events in), act.c (actions out) and the files beside them share. Nothing
 * else includes it. */
#ifndef PODINIT_LINUX_LOOP_STATE_H
#define PODINIT_LINUX_LOOP_STATE_H

#include <ev.h>

#include "../core/pod.h"
#include "attempt.h"
#include "capture.h"
#include "control.h"
#include "daemon.h"
#include "evict.h"
#include "leftover.h"
#include "loop.h"
#include "notify.h"
#include "ready.h"
#include "reload.h"
#include "spawn.h"
#include "task.h"
#include "tty.h"
#include "watch.h"
#include "world.h"

/* A process of the pod as the kernel knows it. */
struct runtime {
	pid_t pid;    /* 0: none; set from the fork until it is reaped */
	int pidfd;    /* -1: none */
	pid_t group;  /* of its latest instance; what it left behind is still in it. But for an
		       * entrypoint's it is its session, too. 0: podinit's */
	bool aborted; /* killed by ACT_ABORT while it prepared itself */
	uint64_t
		born; /* its latest instance, in ticks: whoever is older does not descend from it. 0: not
			* known */
	uint64_t mount_namespace; /* of its latest instance, where it is one of its own; else 0.
				   * Read at its birth: when it has ended nobody can say it */
	struct spawn_error error; /* of its preparation, to be told when it is reaped */
	struct ev_io status;	  /* its preparation; fd -1: it runs its program, or failed to */
	struct world world;	  /* of its instance, where something runs beside it; else none */
	/* Once made they stay, for what is left in them, also where a reload wants no other. NULL: none. */
	struct tty *tty;
	struct capture *capture;
	struct ready *ready;	/* NULL: it has no notifyFd */
	struct daemon *daemon;	/* NULL: its program does not fork away */
	struct watcher watcher; /* of what it reads */
};

struct loop {
	const struct loop_setup *setup;
	const struct pod_spec *spec;
	struct pod *pod;
	struct actions actions;
	struct event *queue; /* results of actions, waiting for their step; a ring */
	int queue_first, queue_count, queue_max;
	bool stepping;	    /* the queue is being emptied: only add to it */
	pid_t zombie;	    /* that was looked at, and is not yet reaped; 0: none */
	int drain_signo;    /* ACT_DRAIN was given: to be done when no zombie is held; else 0 */
	int leftovers_told; /* how many were last said to be killed */
	int joined;	    /* at the last look: who is not our child, but ends with us */
	int killed;	    /* leftovers that got SIGKILL, at most at once */
	struct signal_record stopped_by; /* the signal that ended the pod; signo 0: none */
	struct leftover_memory leftovers;
	struct runtime *processes;
	struct spawner spawner;
	struct tasks tasks;
	struct attempts attempts;
	uint64_t orphans;
	int exit_code;
	int send_error; /* errno of the latest ACT_SIGNAL; 0: it reached somebody */

	struct ev_loop *ev;
	struct ev_io signals, outer_signals;
	struct ev_timer deadline, look_again;
	struct ev_periodic end_of_time;
	struct ev_idle more_work;
	struct control_actions control_actions;
	struct control control;
	struct evictor evictor;
	struct notify_actions notify_actions;
	struct notify notify;
	struct reload reload;
};

/* Steps the core with an event and with the results of what it decided, until all is done; while
 * that goes on, the event only waits for its turn. */
void loop_feed(struct loop *loop, const struct event *event);

/* How many events wait at most. */
int loop_queue_max(const struct pod_spec *spec);

/* One that never had a process. */
void loop_init_runtime(struct runtime *runtime);
/* What its output needs. 0 or -errno. */
int loop_furnish(struct runtime *runtime, const struct process_spec *process);
/* The end of that: waits for its reader until then (clock_monotonic()). NULL `ev`: it was never used. */
void loop_unfurnish(struct runtime *runtime, struct ev_loop *ev, int64_t deadline);

/* --- loop_reap.c --- */

/* Takes every zombie there is, known or not, but not so many that others wait: more work, then. */
void loop_reap_all(struct loop *loop);
/* The same at the beginning: who ended before there was anyone to listen is told by nobody. */
void loop_reap_the_past(struct loop *loop);
/* Is this child of podinit's one that it has started for itself? How many there are. */
bool loop_is_helper(const struct loop *loop, pid_t pid);
int loop_helper_count(const struct loop *loop);
/* It has no process any more; its world may still be another one's. */
void loop_forget(struct runtime *runtime);

/* --- loop_said.c: what processes say of themselves --- */

/* When there are the processes, the spawner and libev's loop. 0 or -errno. */
int loop_said_begin(struct loop *loop);
void loop_said_finish(struct loop *loop);
/* One process of them. */
void loop_said_forget(struct loop *loop, int index);
/* Room for another pod, whose processes these will be; then it takes place (numbers as of loop_replace.c). */
int loop_said_reserve(struct loop *loop, const struct pod_spec *spec, struct runtime *processes);
void loop_said_replace(struct loop *loop, const int *old_of, const int *new_of);
/* It is process number `index` now. */
void loop_said_renumber(struct runtime *runtime, int index);

/* --- act.c --- */

/* Carries out one action. */
void act(struct loop *loop, const struct action *action);
/* The ACT_DRAIN that was put off while a zombie was held. */
void act_drain(struct loop *loop);
/* Tells the core that nothing is left that ends with podinit, if that is so. */
void act_look_again(struct loop *loop);

/* --- a process with a view of its own, while it prepares itself --- */

bool act_is_preparing(const struct runtime *runtime);
/* Begins, or goes on from another place in memory; its status has its fd. */
void act_watch_preparation(struct loop *loop, int index, struct runtime *runtime);
void act_stop_preparing(struct loop *loop, struct runtime *runtime);
/* 0: not done; 1: it runs its program, or died on the way; -1: it failed, as *error says. */
int act_read_preparation(struct loop *loop, int index, struct spawn_error *error);

/* Looks whether it runs its program now, and feeds what follows: before anything that it says itself is told. */
void act_look_at_preparation(struct loop *loop, int index);

/* Their events. */
void act_spawn_succeeded(struct loop *loop, int index);
void act_spawn_failed(struct loop *loop, int index, pid_t pid, const struct spawn_error *error);

#endif
