/* The pod: what happens next. A pure state machine: events and the time in, actions out. No system
 * call, no clock, no allocation, no global. The state is one flat block without pointers, so it can
 * be copied, compared, hashed and handed over.
 *
 * The life of a process (a row each in process.c's table):
 *
 *   NONE -> [PRE_START ->] SPAWNING -> [FORKING ->] [STARTING ->] RUNNING -> [POST_STOP ->] EXITED
 *           preStart          |        a daemon      postStart      |            postStop     ended for good
 *                             |                                     |               \--> WAITING -> SPAWNING ...
 *                             |                                     |                    crash backoff
 *                             |        told to stop: [PRE_STOP ->] [TURN ->] STOPPING -> KILLED -> exited
 *                             \-> ABORTING              preStop      order    signalled   SIGKILL
 *
 * What is wanted (pod->stopping, a process's stop_cause) is set by commands and policy; the state
 * changes only in process_set_state(). Beside it, each probe has a worker (probe.c). Semantics: those of a
 * Kubernetes Pod without a kubelet; docs/design.md names the promises. */
#ifndef PODINIT_CORE_POD_H
#define PODINIT_CORE_POD_H

#include "notice.h"

#define NEVER INT64_MAX

enum process_state {
	PROCESS_NONE,	   /* never started, or given up before it was */
	PROCESS_WAITING,   /* starts (again) at its deadline */
	PROCESS_PRE_START, /* its preStart hook runs */
	PROCESS_SPAWNING,  /* ACT_SPAWN was given */
	PROCESS_ABORTING,  /* ACT_SPAWN was given, then ACT_ABORT */
	PROCESS_FORKING, /* of a daemon: its program runs, or (pid 0) has ended, and the daemon that
			      it left is looked for, until its deadline */
	PROCESS_STARTING, /* runs, and so does its postStart hook */
	PROCESS_RUNNING,
	PROCESS_PRE_STOP,  /* its preStop hook runs, until its deadline */
	PROCESS_TURN,	   /* waits for its turn to stop, until its deadline */
	PROCESS_STOPPING,  /* got its stop signal; SIGKILL at its deadline */
	PROCESS_KILLED,	   /* got SIGKILL */
	PROCESS_POST_STOP, /* has ended; its postStop hook runs, until its deadline */
	PROCESS_EXITED,	   /* ended, and will not start again */
	PROCESS_STATE_COUNT,
};

/* How an instance ended. */
struct termination {
	int64_t started_at, finished_at; /* started_at -1: it did not start */
	struct spawn_error spawn_error;	 /* of a START_ERROR */
	int32_t exit_code; /* 128 + n for signal n; 128 for START_ERROR (as containerd). -1: none */
	uint16_t signo;	   /* 0: it exited */
	uint16_t reason;   /* NOTICE_COMPLETED, _ERROR, _OOM_KILLED or _START_ERROR */
};
_Static_assert(sizeof(struct termination) == 32, "no padding, as above");

struct process {
	int64_t deadline;		   /* when its state changes by itself; NEVER: not */
	int64_t started_at;		   /* of the instance that runs */
	int64_t backoff_ns, backoff_since; /* crash backoff entry; since -1: none */
	int64_t watchdog_at; /* when it must have said WATCHDOG=1; NEVER: it need not */
	int64_t watchdog_ns; /* how often this instance must */
	struct termination last, previous; /* the latest end and the one before */
	int32_t pid;			   /* 0: none runs */
	int32_t instances;		   /* started or tried; restartCount is one less */
	int32_t restarts;		   /* in a row: since it ran for long enough */
	uint8_t state;			   /* enum process_state */
	uint8_t stop_cause;		   /* enum stop_cause: why this instance is being stopped */
	bool post_start_done;		   /* this instance's postStart hook, if any, succeeded */
	bool startup_done;		   /* this instance's startupProbe, if any, succeeded */
	bool notified;	      /* this instance has said READY=1, if it does so at all */
	bool busy;	      /* it has said STOPPING=1, or RELOADING=1 and not READY=1 again */
	bool ready;	      /* the readinessProbe's latest result, if it has one */
	bool is_started;      /* Kubernetes' `started`, as of the last step */
	bool ever_started;    /* some instance was Started: the start gate is open */
	bool group_signalled; /* its process group has been asked to end */
	bool reload_wanted;   /* once it runs, and its last reload is over */
	bool reloading;	      /* its reload hook runs */
	bool all_again;	      /* its end asks for RestartAllContainers */
	bool leaving;	      /* a reload of the pod's file takes this one out */
	bool is_ready;	      /* Kubernetes' `ready`, as of the last step */
	bool touched;	      /* in this step: what follows from its state may differ */
};

/* The worker of one probe of one process: pod-wide, by probe_spec.index. */
struct probe {
	int64_t due;	  /* the next attempt; NEVER: none is to come */
	int64_t fails_at; /* the attempt that is made has failed then; NEVER: none is made */
	int32_t process;  /* index: whose it is */
	int32_t results;  /* equal ones in a row */
	uint32_t attempt; /* number of the latest */
	uint8_t type;	  /* enum probe_type */
	uint8_t last;	  /* enum probe_result of the latest that counted */
	uint8_t tries;	  /* attempts in a row that podinit could not make */
	uint8_t padding;  /* none that the compiler chooses: the state is compared byte by byte */
};

enum pod_condition {
	CONDITION_INITIALIZED,
	CONDITION_CONTAINERS_READY,
	CONDITION_READY,
	CONDITION_ALL_RESTARTING, /* AllContainersRestarting, KEP-5532 */
	CONDITION_COUNT,
};

struct pod {
	int32_t process_count, probe_count;
	int32_t next_init; /* who starts next; init_count: all have */
	int32_t starting; /* the main that is being started, and holds the ones below it up; -1: none */
	uint8_t phase;	      /* enum pod_phase */
	uint8_t stopping;     /* enum stop_cause: why the pod ends; STOP_NONE: it does not */
	uint8_t stop_signals; /* how many SIGTERM and SIGINT came */
	uint8_t stop_signo;   /* the signal that an entrypoint is stopped with; 0: its own */
	bool draining;	      /* every process is gone, or the grace is over: what
			       they left is asked to end */
	bool finished;	      /* ACT_FINISH was given; nothing happens any more */
	bool replacing; /* a reload waits until those that are leaving have ended; nothing starts */
	bool replacement_told; /* ACT_REPLACE was given */
	bool conditions[CONDITION_COUNT];
	int64_t condition_since[CONDITION_COUNT];
	int64_t started_at; /* of the pod; -1: EVENT_BOOT has not come */
	int64_t stop_by;    /* end of the grace; NEVER: not stopping */
	int64_t deadline;   /* when the pod itself goes on: activeDeadlineSeconds; while it ends,
			       the next step of draining, or when it is given up. NEVER: none */
	int64_t restart_all_at; /* all have been told to end, and start again from the first then, or
				   when they have ended; NEVER: not */
	int32_t evicted_volume; /* of STOP_EVICTED: which; else -1 */
	int32_t decider; /* of STOP_MAIN_ENDED: the main; its RestartAllContainers: who asked; else -1 */
	uint32_t seed;		    /* of all chance there is: jitter */
	uint32_t unexpected;	    /* events that made no sense in their state; ignored */
	struct process processes[]; /* and behind them the struct probe: pod_probe() */
};

/* How an attempt of a probe ended. */
enum probe_result {
	PROBE_NO_RESULT,
	PROBE_SUCCESS,
	PROBE_WARNING, /* counts as a success, and is told */
	PROBE_FAILURE,
	PROBE_ERROR, /* podinit could not make it: counts for nothing */
};

/* What a process says of itself: sd_notify(3). */
enum notification {
	NOTIFICATION_READY,
	NOTIFICATION_STOPPING,
	NOTIFICATION_RELOADING,
	NOTIFICATION_WATCHDOG,
	NOTIFICATION_WATCHDOG_TRIGGER,
	NOTIFICATION_WATCHDOG_INTERVAL, /* value_ns */
	NOTIFICATION_EXTEND,		/* value_ns: it needs so much more time to stop */
	NOTIFICATION_COUNT,
};

enum event_type {
	EVENT_BOOT,	     /* the first event: the pod starts. seed */
	EVENT_SPAWNED,	     /* process, pid */
	EVENT_SPAWN_FAILED,  /* process, pid (0: there never was one), spawn_error */
	EVENT_EXITED,	     /* process, pid, exit_code or signo, oom */
	EVENT_ADOPTED,	     /* process, pid: the process's main process is that one now */
	EVENT_PROBED,	     /* process, probe, attempt, result */
	EVENT_HOOK_DONE,     /* process, hook, success */
	EVENT_NOTIFIED,	     /* process, notification, value_ns */
	EVENT_CHANGED,	     /* process: what it reads has changed */
	EVENT_SIGNALLED,     /* signo */
	EVENT_ASKED_TO_STOP, /* grace_ns; -1: the pod's own */
	EVENT_EVICTED,	     /* volume: it is larger than its sizeLimit */
	EVENT_REPLACED,	     /* leaving: these processes end now, for the pod's file has changed */
	EVENT_DRAINED,	     /* podinit has no child left */
	EVENT_TICK,	     /* only the time */
	EVENT_TYPE_COUNT,
};

struct event {
	uint8_t type;	      /* enum event_type */
	uint8_t probe, hook;  /* enum probe_type, enum hook_type */
	uint8_t result;	      /* enum probe_result */
	uint8_t notification; /* enum notification */
	bool success, oom;
	uint8_t exit_code, signo;
	uint32_t attempt;
	int32_t process; /* index */
	int32_t pid;
	int32_t volume; /* index */
	uint32_t seed;
	int64_t grace_ns, value_ns;
	const bool *leaving; /* for each process; the caller's */
	struct spawn_error spawn_error;
};

enum action_type {
	ACT_SPAWN,	  /* process -> EVENT_SPAWNED or EVENT_SPAWN_FAILED */
	ACT_ABORT,	  /* process: give its spawning up -> EVENT_SPAWN_FAILED, or _SPAWNED if it
			    was too late */
	ACT_SIGNAL,	  /* process, signo, group */
	ACT_KILL_TREE,	  /* process, all: SIGKILL to it and what it left */
	ACT_ADOPT,	  /* process: look for the daemon that its program left -> EVENT_ADOPTED */
	ACT_CANCEL_ADOPT, /* process: no more */
	ACT_PROBE,	  /* process, probe, attempt: make one -> EVENT_PROBED */
	ACT_CANCEL_PROBE, /* process, probe: its result no longer matters */
	ACT_RUN_HOOK,	  /* process, hook -> EVENT_HOOK_DONE */
	ACT_CANCEL_HOOK,  /* process, hook: its result no longer matters */
	ACT_DRAIN,	  /* signo: to every descendant left; -> EVENT_DRAINED when none is */
	ACT_REPLACE, /* those that are leaving have ended: pod_transfer(), before any other event */
	ACT_TELL,    /* notice */
	ACT_FINISH,  /* exit_code: podinit ends */
	ACTION_TYPE_COUNT,
};

struct action {
	uint8_t type;	     /* enum action_type */
	uint8_t probe, hook; /* enum probe_type, enum hook_type */
	uint8_t signo;
	uint32_t attempt;
	bool group; /* to its process group, not only to its main process */
	bool all;   /* not only what is in its process group. At the end of the pod that is what
		     * ACT_DRAIN asks first */
	int32_t process;
	int32_t exit_code;
	struct notice notice; /* of ACT_TELL */
};

/* What a step gave, in the order in which to do it. `items` has room for pod_action_max(); the
 * owner allocates it once. */
struct actions {
	struct action *items;
	int count, max;
};

/* The most actions that one step of this pod gives. */
int pod_action_max(const struct pod_spec *spec);
/* Bytes of the state of this pod: what pod_init() fills. */
size_t pod_size(const struct pod_spec *spec);
void pod_init(struct pod *pod, const struct pod_spec *spec);

/* Takes one event at time `now` (monotonic, ns, never going back), changes the state and replaces
 * `actions`. Any event is allowed at any time; one that makes no sense is ignored and counted. */
void pod_step(const struct pod_spec *spec, struct pod *pod, const struct event *event, int64_t now,
	struct actions *actions);

/* When to step with EVENT_TICK at the latest; NEVER: a pod that waits for nothing. */
int64_t pod_next_deadline(const struct pod *pod);

/* --- questions, for status and tests --- */

/* Does an instance of it run (from EVENT_SPAWNED to EVENT_EXITED)? */
bool process_is_alive(const struct process *process);
/* Kubernetes' `started` and `ready` of a container. */
bool process_is_started(const struct process_spec *spec, const struct process *process);
bool process_is_ready(const struct process_spec *spec, const struct process *process);
int process_restart_count(const struct process *process);
/* Of the latest end, as podinit's own exit code would be: that of `codes` for a START_ERROR. */
int termination_exit_code(const struct start_codes *codes, const struct termination *termination);
/* Kubernetes' getPhase, for the state as it is. */
enum pod_phase pod_compute_phase(const struct pod_spec *spec, const struct pod *pod);
/* Did it end well: with 0, or one of its successExitCodes? */
bool termination_is_success(const struct termination *termination);
/* The worker of a process's probe, which it must have. */
struct probe *pod_probe(struct pod *pod, const struct probe_spec *probe);
/* What podinit exits with if the pod ends now. */
int pod_exit_code(const struct pod_spec *spec, const struct pod *pod);

#endif
