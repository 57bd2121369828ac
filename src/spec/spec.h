/* What the user asked for: a Pod, as plain data. Field names are those of the Kubernetes Pod spec
 * (`kubectl explain pod.spec`); each field's key, range, unit and default is its row in keys.c.
 * Filled by ini_read.c, or by spec_entrypoint(); complete once spec_check() found no problem.
 * Everything it points to belongs to its arena. Must not hold state of a running pod. */
#ifndef PODINIT_SPEC_SPEC_H
#define PODINIT_SPEC_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "lifecycle.h"
#include "resources.h"
#include "security.h"
#include "text.h"
#include "units.h"

enum {
	SPEC_PROCESSES_MAX = 4096,
	SPEC_VOLUMES_MAX = 1024,
	SPEC_RULES_MAX = 20, /* KEP-5307 */
};

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)

/* An integer that has no default and was not said. */
#define INT_UNSET INT32_MIN

enum process_kind { KIND_INIT, KIND_SIDECAR, KIND_MAIN, KIND_COUNT };

enum restart_policy {
	RESTART_UNSET, /* only in a process: the pod's policy holds */
	RESTART_ALWAYS,
	RESTART_ON_FAILURE,
	RESTART_NEVER,
};

/* One of containers[].restartPolicyRules: "Restart In 42,43". */
struct restart_rule {
	bool not_in; /* operator NotIn; else In */
	bool all;    /* action RestartAllContainers (KEP-5532); else Restart */
	struct exit_codes codes;
};

struct restart_rules {
	struct restart_rule *items;
	int count;
};

enum mount_propagation {
	PROPAGATION_NONE,	       /* what is mounted on one side is not seen on the other */
	PROPAGATION_HOST_TO_CONTAINER, /* the process sees what podinit's side mounts */
	PROPAGATION_BIDIRECTIONAL,
};

enum recursive_read_only { RECURSIVE_DISABLED, RECURSIVE_IF_POSSIBLE, RECURSIVE_ENABLED };

struct volume_mount {
	const char *volume;	   /* name; spec_check() made sure that it exists */
	const char *path;	   /* absolute, in the process's root */
	const char *sub_path;	   /* relative to the volume, or NULL for all of it */
	const char *sub_path_expr; /* as written, with $(VAR); sub_path is made of it */
	bool read_only;
	uint8_t propagation; /* enum mount_propagation */
	uint8_t recursive;   /* enum recursive_read_only */
	int32_t line;	     /* where it was written, for messages */
};

struct port_spec {
	const char *name; /* NULL: none */
	uint16_t number;
	uint8_t protocol; /* enum port_protocol */
};

enum port_protocol { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP };

struct ports {
	struct port_spec *items;
	int count;
};

struct volume_mounts {
	struct volume_mount *items;
	int count;
};

struct process_spec {
	const char *name;	/* a DNS label, unique in the pod */
	int32_t line;		/* of its section; 0: not from a file */
	uint8_t kind;		/* enum process_kind */
	uint8_t restart_policy; /* enum restart_policy */
	bool read_only_rootfs, privileged;
	uint8_t privilege_escalation; /* enum said: allowPrivilegeEscalation */
	bool proc_unmasked;	      /* procMount Unmasked */
	bool keeps_stdin, tty;
	bool message_falls_back; /* terminationMessagePolicy FallbackToLogsOnError */
	bool is_depended_on;	 /* some dependsOn names it; made by spec_check() */
	uint16_t source;	 /* index of the file it stands in, for messages */
	int64_t backoff_initial_ns, backoff_max_ns, backoff_reset_ns;
	struct strings command, args, env; /* as written */
	const char *working_dir;	   /* NULL: the root of its file system */
	const char *rootfs;		   /* NULL: podinit's own root */
	struct volume_mounts mounts;
	struct restart_rules rules;
	struct ports ports;
	/* Never NULL: SECURITY_UNSAID, RESOURCES_UNSAID. spec_security() adds what the pod says. */
	const struct security_spec *security;
	const struct resources_spec *resources;
	int32_t stop_signal;
	int32_t pids_limit, io_weight, umask;	/* INT_UNSET: none */
	struct limits_spec *limits;		/* NULL: none */
	const char *termination_message_path;	/* NULL: unsaid */
	struct probe_spec *probes[PROBE_COUNT]; /* NULL: none */
	const struct lifecycle_spec *lifecycle; /* never NULL: LIFECYCLE_UNSAID */

	/* Made by spec_check(): $(VAR) expanded, ready for execve(). */
	struct strings argv;
	struct strings environment; /* to be added to podinit's own; a later name wins */
};

enum host_path_type {
	HOST_PATH_ANY,
	HOST_PATH_DIRECTORY_OR_CREATE,
	HOST_PATH_DIRECTORY,
	HOST_PATH_FILE_OR_CREATE,
	HOST_PATH_FILE,
	HOST_PATH_SOCKET,
	HOST_PATH_CHAR_DEVICE,
	HOST_PATH_BLOCK_DEVICE,
};

enum volume_medium { MEDIUM_DEFAULT, MEDIUM_MEMORY };

struct volume_spec {
	const char *name;
	int32_t line;
	uint16_t source;
	uint8_t host_path_type; /* enum host_path_type */
	uint8_t medium;		/* enum volume_medium, of an emptyDir */
	bool empty_dir;
	const char *host_path; /* NULL: not a hostPath */
	int64_t size_limit;    /* emptyDir.sizeLimit, thousandths of a byte; 0: none */
};

/* What becomes of the processes that an ended pod's processes left behind. */
enum leftovers {
	LEFTOVERS_ASKED,     /* SIGTERM, what remains of the grace, SIGKILL */
	LEFTOVERS_SIGNALLED, /* the main's process group gets SIGTERM; nobody waits */
	LEFTOVERS_ABANDONED, /* nothing: they go with the namespace, or stay */
};

/* Where an entrypoint's program runs, as sessions and terminals go. */
enum session {
	SESSION_AUTO,  /* its own session; in a foreground job of a terminal: its own group */
	SESSION_NEW,   /* its own session, with standard input's terminal if that can be had */
	SESSION_GROUP, /* its own process group, in the foreground of the terminal */
	SESSION_SAME,  /* podinit's own process group */
};

/* How an entrypoint's program is started. A signal is bit SIGNO - 1. Zeroed is podinit's own way;
 * the other inits that podinit can be (src/faces) have theirs. */
struct entrypoint_spec {
	uint8_t session;	   /* enum session */
	bool terminal_is_stdin;	   /* else it is /dev/tty, where that can be opened */
	bool keep_all_descriptors; /* else only those of kept_descriptors */
	bool hold_descriptors;	   /* podinit keeps what the program got open, too */
	bool as_execvp; /* found and run as execvp(3) does: what is no program is a shell's script */
	bool rewrite_listen_pid; /* LISTEN_PID is podinit's, and becomes the program's */
	bool reset_signals;	 /* none is blocked or ignored in it, whatever podinit inherited */
	uint64_t kept_descriptors; /* bit per descriptor, 3..63 */
	uint64_t blocked_signals;  /* blocked in it, besides those that podinit inherited so */
	uint64_t own_signals;	   /* podinit leaves them to the kernel, and may die of them */
	uint64_t suspend_signals;  /* after passing one on, podinit stops itself (SIGSTOP) */
};

/* Exit codes for a program that could not be executed, by why. */
struct start_codes {
	uint8_t not_found; /* ENOENT */
	uint8_t denied;	   /* EACCES */
	uint8_t other;
};

struct pod_spec {
	const char *name;	/* never NULL after spec_check() */
	uint8_t restart_policy; /* enum restart_policy, never RESTART_UNSET */
	/* An entrypoint (podinit -- cmd): the one main keeps podinit's standard input and place, and
	 * is stopped with the signal that podinit got. */
	bool entrypoint;
	struct entrypoint_spec entry;
	/* Without processes: hold the namespaces and reap, until a signal ends it. */
	bool pause;
	int64_t grace_ns;    /* terminationGracePeriodSeconds */
	int64_t deadline_ns; /* activeDeadlineSeconds; -1: none */
	/* terminationMessagePath: where podinit's last words go; NULL: the place that Kubernetes
	 * has for them, if it is there. */
	const char *termination_message_path;

	struct security_spec security;
	struct strings supplemental_groups; /* numbers or names */
	bool groups_strict;		    /* supplementalGroupsPolicy Strict: no others */
	const char *fs_group;		    /* NULL: none */
	struct strings sysctls;		    /* NAME=value */
	struct resources_spec resources;
	int64_t overhead[RESOURCE_COUNT];
	bool admission_strict;
	const char *hostname, *subdomain; /* NULL: unsaid */
	struct strings host_aliases;	  /* address and names */
	bool share_process_namespace;
	bool in_sandbox; /* podinit makes the namespaces; no key, but --sandbox */
	bool host_network, host_pid, host_ipc, host_users; /* of a sandbox */

	uint8_t signal_map[SIGNAL_MAX + 1]; /* what each signal is passed on as; 0: it is not */
	bool relay; /* SIGTERM and SIGINT do not end the pod: they are passed on like others */
	bool single_child; /* signals go to the main process, not to its group */
	uint8_t leftovers; /* enum leftovers */
	struct start_codes start_codes;
	struct exit_codes success_codes; /* of podinit, which become 0 */

	/* Entries of initContainers (init and sidecar) in file order, then the mains in file
	 * order: the index order is the start order (spec_check() sorts so). */
	struct process_spec *processes;
	int process_count;
	int init_count;	 /* how many of them are init or sidecar */
	int probe_count; /* of all of them; made by spec_check() */
	struct volume_spec *volumes;
	int volume_count;

	struct strings sources; /* names of the files read, for messages */
	int32_t pod_line;	/* of the [pod] section; 0: none */
	uint16_t pod_source;
	struct arena arena;
};

/* Everything that is wrong with a file, one line each: "pod.ini:12: main web: ...". Zeroed is
 * empty; the owner calls text_finish(&problems->text). */
struct problems {
	struct text text;
	int count;
};

/* Adds "SOURCE:LINE: message"; without the line where it is 0, without both where source is
 * NULL. */
void problem_add(struct problems *problems, const char *source, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

void spec_init(struct pod_spec *spec); /* with every default set */
void spec_finish(struct pod_spec *spec);

/* Appends one with every default set; the pointer holds until the next call. */
struct process_spec *spec_add_process(
	struct pod_spec *spec, enum process_kind kind, const char *name);
struct volume_spec *spec_add_volume(struct pod_spec *spec, const char *name);

/* Makes `spec` (initialised) the pod of `podinit -- argv...`: one main, restartPolicy Never,
 * named after the program. argv is copied. */
void spec_entrypoint(struct pod_spec *spec, char *const argv[]);
/* The main of an entrypoint gets its stop signal this much later (a preStop hook that sleeps). */
void spec_set_drain_delay(struct pod_spec *spec, int64_t delay_ns);
/* Makes it the pod that holds namespaces: no process. */
void spec_pause(struct pod_spec *spec);

/* What no file says, but the command line: as in `from`. */
void spec_take_options(struct pod_spec *spec, const struct pod_spec *from);

/* The checks across keys (each problem with file, line, section and key), then everything that
 * follows from the keys: the start order, the expanded argv and environment. Call once, last. */
void spec_check(struct pod_spec *spec, struct problems *problems);

const struct volume_spec *spec_volume(const struct pod_spec *spec, const char *name);
/* Does it need a file system view, and so a mount namespace, of its own? */
bool spec_needs_view(const struct pod_spec *spec, const struct process_spec *process);
/* Does it see all of /proc and /sys, and may write there what the kernel lets it? */
bool spec_is_unmasked(const struct process_spec *process);
/* Where its view has the file for its termination message; NULL: nowhere. */
const char *spec_message_path(const struct process_spec *process);
/* May it leave a message at all? */
bool spec_leaves_message(const struct process_spec *process);
/* How many bytes of each message count: a pod has only so many. */
size_t spec_message_max(const struct pod_spec *spec);
/* "init", "sidecar" or "main". */
const char *process_kind_name(enum process_kind kind);
/* "Always", "OnFailure", "Never". */
const char *restart_policy_name(enum restart_policy policy);
/* The policy that holds for one process: its own, else the pod's (an init's Always is OnFailure
 * only where the exit code is 0, which never runs again). */
enum restart_policy spec_restart_policy(
	const struct pod_spec *spec, const struct process_spec *process);
bool restart_rule_matches(const struct restart_rule *rule, int exit_code);

/* One reading of --plan: what would run, in which order and how. */
void spec_plan(const struct pod_spec *spec, struct text *out);

#endif
