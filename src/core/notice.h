/* What podinit tells: one row per reason, in the words of Kubernetes' events where it has them. A
 * notice is data; its text is made where it is shown. Must not know where that is. */
#ifndef PODINIT_CORE_NOTICE_H
#define PODINIT_CORE_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "../spec/spec.h"

enum notice_reason {
	NOTICE_STARTED,
	NOTICE_COMPLETED, /* ended with 0 */
	NOTICE_ERROR,	  /* ended otherwise */
	NOTICE_OOM_KILLED,
	NOTICE_START_ERROR,   /* could not be started */
	NOTICE_BACK_OFF,      /* will start again, after a delay */
	NOTICE_KILLING,	      /* is told to stop, or killed */
	NOTICE_PHASE,	      /* the pod is in another phase */
	NOTICE_SIGNAL,	      /* podinit got a signal */
	NOTICE_ORPHAN,	      /* one reaped that podinit did not start */
	NOTICE_ADOPTED,	      /* its main process is another one now */
	NOTICE_RESTART_LIMIT, /* it has been started again too often */
	NOTICE_RESTART_ALL,   /* RestartAllContainers */
	NOTICE_UNHEALTHY,     /* a probe, or the watchdog, failed */
	NOTICE_PROBE_WARNING,
	NOTICE_FAILED_POST_START_HOOK,
	NOTICE_FAILED_PRE_STOP_HOOK,
	NOTICE_FAILED_POST_STOP_HOOK,
	NOTICE_RELOADING, /* it is told to read its configuration again */
	NOTICE_FAILED_RELOAD_HOOK,
	NOTICE_DEADLINE_EXCEEDED,
	NOTICE_EVICTED,	 /* a volume is larger than it may be */
	NOTICE_STOPPING, /* the pod ends; no Kubernetes word */
	NOTICE_LEFTOVER, /* processes that a process left behind are told to end, or stay */
	NOTICE_REASON_COUNT,
};

/* Where starting a process failed. */
enum spawn_stage {
	STAGE_NONE,
	STAGE_FORK,
	STAGE_CGROUP,
	STAGE_SESSION,
	STAGE_STDIN,
	STAGE_TTY,
	STAGE_DESCRIPTORS, /* of listen, notifyFd, and stored ones */
	STAGE_MOUNT_NAMESPACE,
	STAGE_ROOTFS,
	STAGE_PROC,
	STAGE_SYS,
	STAGE_DEV,
	STAGE_MASK,	/* parts of /proc and /sys */
	STAGE_VOLUME,	/* item: index of the mount */
	STAGE_SUB_PATH, /* the same */
	STAGE_HOSTS,	/* /etc/hosts */
	STAGE_MESSAGE,	/* terminationMessagePath */
	STAGE_READ_ONLY,
	STAGE_PID_NAMESPACE,
	STAGE_JOIN,   /* of a command beside it */
	STAGE_RLIMIT, /* item: enum rlimit_kind */
	STAGE_NICE,
	STAGE_OOM_SCORE,
	STAGE_CPU_AFFINITY,
	STAGE_CPU_SCHEDULING,
	STAGE_IO_SCHEDULING,
	STAGE_NUMA,
	STAGE_USER,
	STAGE_GROUP,
	STAGE_SUPPLEMENTAL_GROUP, /* item: index of it */
	STAGE_NON_ROOT,		  /* runAsNonRoot */
	STAGE_SET_USER,
	STAGE_SET_GROUPS,
	STAGE_UNMAPPED,	  /* in a user namespace */
	STAGE_CAPABILITY, /* item: its number */
	STAGE_CAPABILITIES,
	STAGE_NO_NEW_PRIVILEGES,
	STAGE_SECCOMP,
	STAGE_APPARMOR,
	STAGE_SELINUX,
	STAGE_CHDIR,
	STAGE_EXEC,
	STAGE_PRE_START,  /* its hook failed */
	STAGE_DAEMON,	  /* none was left */
	STAGE_DEPENDENCY, /* item: index of the process that will not be what it must be */
	STAGE_ABORTED,	  /* given up because the pod ends */
	STAGE_COUNT,
};

struct spawn_error {
	uint16_t stage; /* enum spawn_stage; STAGE_NONE: none */
	uint16_t item;
	int32_t error; /* errno; SPAWN_STAGE_SAYS_IT: none that would say more */
};
enum { SPAWN_STAGE_SAYS_IT = -4096 }; /* what no -errno is, either */
_Static_assert(sizeof(struct spawn_error) == 8, "no padding: the state is compared byte by byte");

/* Why the pod, or one process of it, is being stopped. */
enum stop_cause {
	STOP_NONE,
	STOP_COMPLETED, /* no main runs or will run again */
	STOP_INIT_FAILED,
	STOP_DEADLINE, /* activeDeadlineSeconds */
	STOP_EVICTED,  /* a volume is larger than its sizeLimit */
	STOP_SIGNAL,   /* podinit was sent SIGTERM or SIGINT */
	STOP_ASKED,    /* by podctl */
	STOP_STARTUP_PROBE,
	STOP_LIVENESS_PROBE,
	STOP_POST_START,
	STOP_WATCHDOG,
	STOP_CHANGED,	  /* what it reads, or what it is, has changed */
	STOP_RESTART_ALL, /* RestartAllContainers */
	STOP_MAIN_ENDED,  /* a main with onExit */
	STOP_CAUSE_COUNT,
};

enum pod_phase { PHASE_PENDING, PHASE_RUNNING, PHASE_SUCCEEDED, PHASE_FAILED, PHASE_COUNT };

struct notice {
	uint8_t reason;	       /* enum notice_reason */
	uint8_t phase;	       /* enum pod_phase, of NOTICE_PHASE */
	uint8_t cause;	       /* enum stop_cause, of KILLING, STOPPING and UNHEALTHY (STOP_NONE: it
				  goes on) */
	uint8_t signo;	       /* 0: none */
	uint8_t probe;	       /* enum probe_type, of UNHEALTHY and PROBE_WARNING */
	bool timed_out;	       /* of UNHEALTHY and failed hooks: their time was over */
	int16_t exit_code;     /* -1: none */
	int16_t process;       /* index; -1: the pod */
	int32_t pid;	       /* 0: none */
	int32_t restart_count; /* -1: none */
	int32_t count; /* of LEFTOVER (signo 0: they stay, and end with the pod); of EVICTED:
				 * index of the volume; of STOPPING by a main: its index; of RESTART_LIMIT: how often */
	struct spawn_error spawn_error; /* of START_ERROR */
	int64_t delay_ns; /* of BACK_OFF, KILLING and STOPPING: until it happens; of COMPLETED,
			      ERROR, OOM_KILLED: how long it ran. -1: none */
};

/* A notice about a process (-1: the pod) that says nothing else yet. */
struct notice notice_of(enum notice_reason reason, int process);

/* "Started", "BackOff", ... */
const char *notice_reason_name(enum notice_reason reason);
/* Is its type Warning (else Normal)? */
bool notice_is_warning(const struct notice *notice);
/* "Pending", ... */
const char *pod_phase_name(enum pod_phase phase);
/* "the pod completed", ... */
const char *stop_cause_text(enum stop_cause cause);

/* Adds "killed by SIGKILL after 3 s": how a process ended (COMPLETED, ERROR, OOM_KILLED). */
void notice_add_end(struct text *out, const struct notice *notice);
/* Adds "26 ms", "1.5 s", "10 s". */
void notice_add_seconds(struct text *out, int64_t ns);

/* Adds "web: cannot execute /bin/nope: No such file or directory": one line, without newline,
 * beginning with the process's name (with "pod" where it is about the pod). */
void notice_message(struct text *out, const struct pod_spec *spec, const struct notice *notice);
/* Why the pod was evicted, in the kubelet's words. */
void evicted_message(struct text *out, const struct pod_spec *spec, int volume);
/* Only what went wrong: "cannot execute /bin/nope: No such file or directory". */
void spawn_error_message(struct text *out, const struct pod_spec *spec,
	const struct process_spec *process, const struct spawn_error *error);

#endif
