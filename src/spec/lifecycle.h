/* What happens in the life of a process besides running: hooks, who it waits for, how it says that it is
 * ready. Most processes say nothing of it, and share LIFECYCLE_UNSAID. Must not hold state. */
#ifndef PODINIT_SPEC_LIFECYCLE_H
#define PODINIT_SPEC_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "listen.h"

struct check;
struct pod_spec;
struct process_spec;

/* Exit codes, a bit each. Zeroed is none. */
struct exit_codes {
	uint8_t bits[256 / 8];
};

enum handler_type {
	HANDLER_NONE,
	HANDLER_EXEC,
	HANDLER_HTTP,
	HANDLER_TCP,
	HANDLER_GRPC,
	HANDLER_SLEEP
};

/* What a probe or a hook does. Which of the fields are set follows from spec_handler_type(). */
struct handler {
	struct strings exec_command;		       /* as written */
	const char *http_path, *http_host, *http_port; /* a number or the name of a port */
	struct strings http_headers;		       /* "Name: value" */
	bool http_https;
	const char *tcp_host, *tcp_port;
	const char *grpc_service;
	int32_t grpc_port; /* 0 or INT_UNSET: no gRPC */
	int64_t sleep_ns;  /* -1: no sleep */

	/* Made by spec_check(). */
	struct strings exec_argv; /* $(VAR) expanded */
	uint16_t port;		  /* of http, tcp and grpc: its number */
};

enum hook_type {
	HOOK_POST_START, /* beside the process, when it was started */
	HOOK_PRE_STOP,	 /* beside it, before its stop signal */
	HOOK_PRE_START,	 /* before it is started */
	HOOK_POST_STOP,	 /* when it has ended */
	HOOK_RELOAD,	 /* beside it */
	HOOK_COUNT,
};

enum probe_type { PROBE_STARTUP, PROBE_LIVENESS, PROBE_READINESS, PROBE_COUNT };

struct probe_spec {
	struct handler handler;
	int64_t initial_delay_ns, period_ns, timeout_ns;
	int64_t grace_ns; /* of a kill by this probe; -1: the pod's */
	int32_t success_threshold, failure_threshold;
	int32_t index; /* made by spec_check(): of all probes of the pod */
};

/* Who may say READY=1 for a process. */
enum notify_access {
	NOTIFY_NONE,
	NOTIFY_MAIN, /* only its main process */
	NOTIFY_ALL,  /* and whoever descends from it */
};

/* What the end of a main does to the pod, when it will not run again. */
enum on_exit {
	ON_EXIT_CONTINUE,
	ON_EXIT_STOP,		 /* the pod ends */
	ON_EXIT_STOP_ON_FAILURE, /* the pod ends if it failed */
};

/* What must hold of another process before one starts for the first time. */
enum dependency_condition {
	DEPENDENCY_STARTED,
	DEPENDENCY_READY,
	DEPENDENCY_COMPLETED, /* ended with success, and does not run again */
};

struct dependency {
	int32_t process;   /* index: of a sidecar or a main */
	uint8_t condition; /* enum dependency_condition */
};

struct dependencies {
	struct dependency *items;
	int count;
};

struct lifecycle_spec {
	struct handler *hooks[HOOK_COUNT]; /* NULL: none */
	struct strings depends_on;	   /* as written */
	struct dependencies dependencies;  /* made of it by spec_check() */
	struct exit_codes success_codes;   /* that count as 0 does */
	int64_t watchdog_ns;		   /* 0: none */
	const char *pid_file;		   /* of a daemon, in its own root; NULL: it is guessed */
	struct strings watch;		   /* files and directories in its own root */
	struct listens listens;		   /* sockets that are made for it */
	int32_t reload_signal;		   /* 0: none */
	int32_t notify_fd;	/* s6: a line written there says ready; INT_UNSET: none */
	int32_t max_restarts;	/* in a row; INT_UNSET: no limit */
	int32_t jitter_percent; /* by which a restart is delayed further at most */
	uint8_t notify;		/* enum notify_access */
	uint8_t on_exit;	/* enum on_exit */
	bool daemon;		/* said of it; ask lifecycle_is_daemon() */
};

extern const struct lifecycle_spec LIFECYCLE_UNSAID;

enum handler_type spec_handler_type(const struct handler *handler);
/* "startupProbe", "lifecycle.preStop": the keys' prefix. */
const char *probe_key_name(enum probe_type type);
const char *hook_key_name(enum hook_type type);
/* "started", "ready", "completed". */
const char *dependency_condition_name(enum dependency_condition condition);
/* Is it what its program leaves, and not its program? */
bool lifecycle_is_daemon(const struct lifecycle_spec *lifecycle);
/* Does it say by itself when it is ready? */
bool spec_notifies(const struct process_spec *process);
/* Does anything of podinit's go where it is, into its file system: the command of a probe or a hook, who watches, or
 * who reads its pid file? */
bool spec_runs_beside(const struct process_spec *process);

/* `code` to be added: 0..255; to be asked for: any. */
void exit_codes_add(struct exit_codes *codes, int code);
bool exit_codes_have(const struct exit_codes *codes, int code);
/* 0, or one that counts as 0 does. */
bool exit_code_is_success(const struct lifecycle_spec *lifecycle, int code);

#endif
