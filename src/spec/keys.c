/* The key table. One row per key; see keys.h for what a row says. Must not hold code for a single
 * key. Rows marked LATER are known, checked and refused: their behaviour is not built yet. */
#include "keys.h"

#define POD(field)     .holder = HOLDER_SECTION, .offset = offsetof(struct pod_spec, field)
#define VOLUME(field)  .holder = HOLDER_SECTION, .offset = offsetof(struct volume_spec, field)
#define PROCESS(field) .holder = HOLDER_SECTION, .offset = offsetof(struct process_spec, field)
#define PROBE(field)   .offset = offsetof(struct probe_spec, field)
#define HANDLER(field) .offset = offsetof(struct handler, field)
#define LIMITS(field)  .holder = HOLDER_LIMITS, .offset = offsetof(struct limits_spec, field)
#define LIFECYCLE(field)                                                                           \
	.holder = HOLDER_LIFECYCLE, .offset = offsetof(struct lifecycle_spec, field)
#define SECONDS .type = KEY_DURATION, .unit = "seconds"
/* In Kubernetes at least 1, since it has whole seconds only. */
#define POSITIVE .min = 1, .max = INT32_MAX, .parts = true
#define LATER	 .later = true
#define LIVE	 .live = true

static const char *const RESTART_POLICIES[] = {"", "Always", "OnFailure", "Never", NULL};
static const char *const HOST_PATH_TYPES[] = {"", "DirectoryOrCreate", "Directory", "FileOrCreate",
	"File", "Socket", "CharDevice", "BlockDevice", NULL};
static const char *const MEDIA[] = {"", "Memory", NULL};
static const char *const SCHEMES[] = {"HTTP", "HTTPS", NULL};
static const char *const PROFILE_TYPES[] = {"", "Unconfined", "RuntimeDefault", "Localhost", NULL};
static const char *const SAID[] = {"", "false", "true", NULL};
static const char *const GROUPS_POLICIES[] = {"Merge", "Strict", NULL};
static const char *const MESSAGE_POLICIES[] = {"File", "FallbackToLogsOnError", NULL};
static const char *const PROC_MOUNTS[] = {"Default", "Unmasked", NULL};
static const char *const SYSTEMS[] = {"linux", NULL};
static const char *const ADMISSIONS[] = {"warn", "strict", NULL};
static const char *const NOTIFIES[] = {"none", "main", "all", NULL};
static const char *const ON_EXITS[] = {"continue", "stop", "stopOnFailure", NULL};
static const char *const CPU_POLICIES[] = {"", "other", "batch", "idle", "fifo", "rr", NULL};
static const char *const IO_CLASSES[] = {"", "realtime", "best-effort", "idle", NULL};
static const char *const NUMA_POLICIES[] = {
	"", "default", "preferred", "bind", "interleave", "local", NULL};
static const char *const LOG_FORMATS[] = {"raw", "name", "time", "json", NULL};

/* Rows are laid out by hand. */
/* clang-format off */

/* A handler: of a probe when P is PROBE_, of a hook when it is empty. */
#define HTTP_KEYS(prefix, in, held, field)                                                         \
	{prefix ".httpGet.path", in, KEY_STRING, held, field(http_path),                           \
		LIVE, .doc = "Path that is fetched with GET, / if not given."},                    \
	{prefix ".httpGet.port", in, KEY_PORT, held, field(http_port),                             \
		LIVE, .doc = "Port, by number or by its name in ports."},                          \
	{prefix ".httpGet.host", in, KEY_STRING, held, field(http_host),                           \
		LIVE, .doc = "Host that is connected to, the pod itself if not given."},           \
	{prefix ".httpGet.scheme", in, KEY_ENUM, held, field(http_https),                          \
		.choices = SCHEMES, .fallback = "HTTP",                                            \
		LIVE, .doc = "HTTPS is spoken without verifying the certificate."},                \
	{prefix ".httpGet.httpHeaders", in, KEY_HEADERS, held, field(http_headers),                \
		LIVE, .doc = "A header of the request, Name: value."}

#define P(field) .offset = offsetof(struct probe_spec, handler.field)
#define H(field) .offset = offsetof(struct handler, field)

#define PROBE_KEYS(prefix, held)                                                                   \
	{prefix ".exec.command", IN_SIDECAR | IN_MAIN, KEY_WORDS, held, P(exec_command),           \
		LIVE, .doc = "Command that succeeds by ending with 0."},                           \
	HTTP_KEYS(prefix, IN_SIDECAR | IN_MAIN, held, P),                                          \
	{prefix ".tcpSocket.port", IN_SIDECAR | IN_MAIN, KEY_PORT, held, P(tcp_port),              \
		LIVE, .doc = "Port that must accept a connection, by number or name."},            \
	{prefix ".tcpSocket.host", IN_SIDECAR | IN_MAIN, KEY_STRING, held, P(tcp_host),            \
		LIVE, .doc = "Host that is connected to, the pod itself if not given."},           \
	{prefix ".grpc.port", IN_SIDECAR | IN_MAIN, KEY_INT, held, P(grpc_port),                   \
		.min = 1, .max = 65535, LIVE, .doc = "Port of a grpc.health.v1.Health service."},  \
	{prefix ".grpc.service", IN_SIDECAR | IN_MAIN, KEY_STRING, held, P(grpc_service),          \
		LIVE, .doc = "Service that the health check asks for."},                           \
	{prefix ".initialDelaySeconds", IN_SIDECAR | IN_MAIN, .holder = held,                      \
		PROBE(initial_delay_ns), SECONDS, .max = INT32_MAX, .fallback = "0",               \
		LIVE, .doc = "Time from the start of the process to the first attempt."},          \
	{prefix ".periodSeconds", IN_SIDECAR | IN_MAIN, .holder = held, PROBE(period_ns),          \
		SECONDS, POSITIVE, .fallback = "10",                             \
		LIVE, .doc = "Time from one attempt to the next."},                                \
	{prefix ".timeoutSeconds", IN_SIDECAR | IN_MAIN, .holder = held, PROBE(timeout_ns),        \
		SECONDS, POSITIVE, .fallback = "1",                              \
		LIVE, .doc = "An attempt that takes longer has failed."},                          \
	{prefix ".successThreshold", IN_SIDECAR | IN_MAIN, KEY_INT, held,                          \
		PROBE(success_threshold), .min = 1, .max = INT32_MAX, .fallback = "1",             \
		LIVE, .doc = "Successes in a row that make a success."},                           \
	{prefix ".failureThreshold", IN_SIDECAR | IN_MAIN, KEY_INT, held,                          \
		PROBE(failure_threshold), .min = 1, .max = INT32_MAX, .fallback = "3",             \
		LIVE, .doc = "Failures in a row that make a failure."}

#define PROBE_GRACE_KEY(prefix, held)                                                              \
	{prefix ".terminationGracePeriodSeconds", IN_SIDECAR | IN_MAIN, .holder = held,            \
		PROBE(grace_ns), SECONDS, POSITIVE,                                              \
		LIVE, .doc = "Grace of a stop that this probe causes, instead of the pod's."}

#define HOOK_KEYS(prefix, held)                                                                    \
	{prefix ".exec.command", IN_SIDECAR | IN_MAIN, KEY_WORDS, held, H(exec_command),           \
		LIVE, .doc = "Command of the hook."},                                              \
	HTTP_KEYS(prefix, IN_SIDECAR | IN_MAIN, held, H),                                          \
	{prefix ".sleep.seconds", IN_SIDECAR | IN_MAIN, .holder = held, H(sleep_ns), SECONDS,      \
	 .max = INT32_MAX, LIVE, .doc = "Only wait."}

/* FIELD says whose: both pod and process have a struct security_spec and a struct resources_spec. */
#define POD_SECURITY(field)  POD(security.field)
#define POD_RESOURCES(field) POD(resources.field)
#define PROCESS_SECURITY(field)                                                                    \
	.holder = HOLDER_SECURITY, .offset = offsetof(struct security_spec, field)
#define PROCESS_RESOURCES(field)                                                                   \
	.holder = HOLDER_RESOURCES, .offset = offsetof(struct resources_spec, field)
#define ONE_OF(list) KEY_ENUM, .choices = list, .min = 1
#define SECURITY_KEYS(in, FIELD)                                                                   \
	{"securityContext.runAsUser", in, KEY_USER, FIELD(user),                          \
		.doc = "User to run as, by number or by name in its own /etc/passwd."},            \
	{"securityContext.runAsGroup", in, KEY_USER, FIELD(group),                        \
		.doc = "Primary group; the user's in /etc/passwd, or 0, if not given."},           \
	{"securityContext.runAsNonRoot", in, ONE_OF(SAID), FIELD(non_root),               \
		.doc = "Refuse to start a process whose user is root."},                           \
	{"securityContext.seccompProfile.type", in, ONE_OF(PROFILE_TYPES),                         \
		FIELD(seccomp), .doc = "System call filter."},                            \
	{"securityContext.seccompProfile.localhostProfile", in, KEY_FILE,                          \
		FIELD(seccomp_file),                                                      \
		.doc = "File of a Localhost filter, as podconv writes it."},                       \
	{"securityContext.appArmorProfile.type", in, ONE_OF(PROFILE_TYPES),                        \
		FIELD(apparmor), .doc = "AppArmor confinement."},                         \
	{"securityContext.appArmorProfile.localhostProfile", in, KEY_STRING,                       \
		FIELD(apparmor_name),                                                     \
		.doc = "Name of a Localhost AppArmor profile that the kernel has."},               \
	{"securityContext.seLinuxOptions.user", in, KEY_STRING, FIELD(selinux_user),      \
		.doc = "SELinux user."},                                                           \
	{"securityContext.seLinuxOptions.role", in, KEY_STRING, FIELD(selinux_role),      \
		.doc = "SELinux role."},                                                           \
	{"securityContext.seLinuxOptions.type", in, KEY_STRING, FIELD(selinux_type),      \
		.doc = "SELinux type."},                                                           \
	{"securityContext.seLinuxOptions.level", in, KEY_STRING, FIELD(selinux_level),    \
		.doc = "SELinux level."}

#define RESOURCE_KEYS(in, FIELD)                                                                   \
	{"resources.requests.cpu", in, KEY_QUANTITY, FIELD(requests[RESOURCE_CPU]),                \
		.unit = "CPUs", LIVE, .doc = "CPU time that is kept for it."},                     \
	{"resources.requests.memory", in, KEY_QUANTITY, FIELD(requests[RESOURCE_MEMORY]),          \
		.unit = "bytes", LIVE, .doc = "Memory that is kept for it."},                      \
	{"resources.limits.cpu", in, KEY_QUANTITY, FIELD(limits[RESOURCE_CPU]),                    \
		.unit = "CPUs", LIVE, .doc = "CPU time that it gets at most."},                    \
	{"resources.limits.memory", in, KEY_QUANTITY, FIELD(limits[RESOURCE_MEMORY]),              \
		.unit = "bytes", LIVE, .doc = "Memory that it gets at most; more is OOMKilled."}

#define RLIMIT_KEY(resource, kind, what)                                                           \
	{"rlimit." resource, IN_PROCESS, KEY_LIMIT, LIMITS(rlimits[kind]),                         \
		.doc = "Limit of " what ", soft[:hard], or unlimited."}

const struct key KEYS[] = {
	/* The pod. */
	{"name", IN_POD, KEY_STRING, POD(name),
		.doc = "Name of the pod, a DNS label; the file's name if not given."},
	{"restartPolicy", IN_POD, KEY_ENUM, POD(restart_policy), .choices = RESTART_POLICIES,
		.min = 1, .fallback = "Always", LIVE, .doc = "Which processes run again after they ended."},
	{"terminationGracePeriodSeconds", IN_POD, POD(grace_ns), SECONDS, .min = INT32_MIN,
		.max = INT32_MAX, .fallback = "30",
		LIVE, .doc = "Time for all processes to end before they are killed; negative means 1."},
	{"activeDeadlineSeconds", IN_POD, POD(deadline_ns), SECONDS, POSITIVE,
		LIVE, .doc = "The pod fails when it is active for longer."},
	{"hostname", IN_POD, KEY_STRING, POD(hostname), 
		.doc = "Host name of a sandbox; the pod's name if not given."},
	{"subdomain", IN_POD, KEY_STRING, POD(subdomain), .doc = "Domain of the host name."},
	{"hostAliases", IN_POD, KEY_STRINGS, POD(host_aliases),
		.doc = "A line of /etc/hosts: address and names."},
	{"shareProcessNamespace", IN_POD, KEY_BOOL, POD(share_process_namespace), .fallback = "true",
		.doc = "All processes see each other; podinit is process 1 of all."},
	{"hostNetwork", IN_POD, KEY_BOOL, POD(host_network), .fallback = "false",
		.doc = "Keep the network of the machine in a sandbox."},
	{"hostPID", IN_POD, KEY_BOOL, POD(host_pid), .fallback = "false",
		.doc = "Keep the process numbers of the machine in a sandbox."},
	{"hostIPC", IN_POD, KEY_BOOL, POD(host_ipc), .fallback = "false",
		.doc = "Keep the IPC objects of the machine in a sandbox."},
	{"hostUsers", IN_POD, KEY_BOOL, POD(host_users), .fallback = "true",
		.doc = "Keep the user numbers of the machine in a sandbox."},
	{"os.name", IN_POD, KEY_ENUM, LATER, .choices = SYSTEMS, .doc = "Operating system."},
	{"readinessGates", IN_POD, KEY_LIST, LATER,
		.doc = "Conditions that must be true as well before the pod is ready."},
	{"overhead.cpu", IN_POD, KEY_QUANTITY, POD(overhead[RESOURCE_CPU]), .unit = "CPUs",
		LIVE, .doc = "CPU time that the pod itself takes."},
	{"overhead.memory", IN_POD, KEY_QUANTITY, POD(overhead[RESOURCE_MEMORY]), .unit = "bytes",
		LIVE, .doc = "Memory that the pod itself takes."},
	{"admission", IN_POD, KEY_ENUM, POD(admission_strict), .choices = ADMISSIONS, .fallback = "warn",
		LIVE, .doc = "strict: a pod that cannot run whole does not start; warn: it is said."},
	{"securityContext.supplementalGroups", IN_POD, KEY_LIST, POD(supplemental_groups),
		.doc = "Further groups of every process."},
	{"securityContext.supplementalGroupsPolicy", IN_POD, KEY_ENUM, POD(groups_strict),
		.choices = GROUPS_POLICIES, .fallback = "Merge",
		.doc = "Whether the groups of /etc/group count too."},
	{"securityContext.fsGroup", IN_POD, KEY_USER, POD(fs_group),
		.doc = "Group that owns the volumes."},
	{"securityContext.sysctls", IN_POD, KEY_STRINGS, POD(sysctls),
		.doc = "A kernel parameter of the pod's namespaces, NAME=value."},
	{"terminationMessagePath", IN_POD, KEY_PATH, POD(termination_message_path),
		LIVE, .doc = "File for podinit's last line, instead of /dev/termination-log."},

	/* Volumes. */
	{"hostPath.path", IN_VOLUME, KEY_FILE, VOLUME(host_path),
		.doc = "Directory or file of the machine; relative to the file that says so."},
	{"hostPath.type", IN_VOLUME, KEY_ENUM, VOLUME(host_path_type), .choices = HOST_PATH_TYPES,
		.fallback = "", .doc = "What must be at that path, or is made there."},
	{"emptyDir", IN_VOLUME, KEY_FLAG, VOLUME(empty_dir), .fallback = "false",
		.doc = "A directory that begins empty and ends with the pod; takes no value."},
	{"emptyDir.medium", IN_VOLUME, KEY_ENUM, VOLUME(medium), .choices = MEDIA, .fallback = "",
		.doc = "Memory keeps the emptyDir in memory."},
	{"emptyDir.sizeLimit", IN_VOLUME, KEY_QUANTITY, VOLUME(size_limit), .unit = "bytes",
		.doc = "Size that evicts the pod when exceeded."},
	{"configMap.name", IN_VOLUME, KEY_STRING, LATER, .doc = "A ConfigMap as files."},
	{"secret.secretName", IN_VOLUME, KEY_STRING, LATER, .doc = "A Secret as files."},
	{"downwardAPI.items", IN_VOLUME, KEY_STRINGS, LATER,
		.doc = "A field of the pod as a file, PATH=fieldPath."},
	{"projected.sources", IN_VOLUME, KEY_STRINGS, LATER,
		.doc = "One of several sources that share a directory."},

	/* Every process: what runs. */
	{"command", IN_PROCESS, KEY_WORDS, PROCESS(command), .required = true,
		.doc = "Program and its first arguments; quoted as in a shell, $(VAR) expanded."},
	{"args", IN_PROCESS, KEY_WORDS, PROCESS(args), .doc = "Arguments behind the command."},
	{"workingDir", IN_PROCESS, KEY_PATH, PROCESS(working_dir),
		.doc = "Directory to start in, / if not given."},
	{"env", IN_PROCESS, KEY_ENV, PROCESS(env),
		.doc = "An environment variable; $(VAR) names those written above it."},
	{"envFile", IN_PROCESS, KEY_STRINGS, LATER,
		.doc = "File of environment variables, one NAME=value a line."},
	{"image", IN_PROCESS, KEY_STRING, LATER, .doc = "Image that Kubernetes would run."},
	{"ports", IN_PROCESS, KEY_PORTS, PROCESS(ports),
		LIVE, .doc = "A port it listens on; TCP, UDP or SCTP, TCP if not given."},
	{"restartPolicy", IN_INIT | IN_MAIN, KEY_ENUM, PROCESS(restart_policy),
		.choices = RESTART_POLICIES, .min = 1, LIVE, .doc = "Instead of the pod's restartPolicy."},
	{"restartPolicyRules", IN_PROCESS, KEY_RULES, PROCESS(rules),
		LIVE, .doc = "Restart|RestartAllContainers In|NotIn CODES: exit codes that restart it, or the "
		       "whole pod, whatever its policy."},
	{"volumeMounts", IN_PROCESS, KEY_MOUNTS, PROCESS(mounts),
		.doc = "VOLUME:PATH[:ro][:subPath=DIR]: where the process sees a volume."},
	{"rootfs", IN_PROCESS, KEY_FILE, PROCESS(rootfs),
		.doc = "Directory that is the root of its file system; relative to the file."},
	{"lifecycle.stopSignal", IN_PROCESS, KEY_SIGNAL, PROCESS(stop_signal),
		.fallback = "SIGTERM", LIVE, .doc = "Signal that asks it to end."},
	{"backoff.initialSeconds", IN_PROCESS, PROCESS(backoff_initial_ns), SECONDS, .max = 300,
		.fallback = "10", LIVE, .doc = "Delay of its second restart; the first has none."},
	{"backoff.maxSeconds", IN_PROCESS, PROCESS(backoff_max_ns), SECONDS, .max = INT32_MAX,
		.fallback = "300", LIVE, .doc = "The delay doubles up to this; less than initialSeconds is both."},
	{"backoff.resetSeconds", IN_PROCESS, PROCESS(backoff_reset_ns), SECONDS, .max = INT32_MAX,
		.fallback = "600", LIVE, .doc = "Running for longer forgets the delay."},
	{"backoff.jitterPercent", IN_PROCESS, KEY_INT, LIFECYCLE(jitter_percent), .max = 100,
		.fallback = "0", LIVE, .doc = "Share by which each delay is made longer at most, by chance."},
	{"backoff.maxRestarts", IN_PROCESS, KEY_INT, LIFECYCLE(max_restarts), .max = INT32_MAX,
		LIVE, .doc = "Restarts in a row, without running for resetSeconds, after which it stays ended."},

	/* Probes and hooks. */
	PROBE_KEYS("startupProbe", HOLDER_STARTUP_PROBE),
	PROBE_GRACE_KEY("startupProbe", HOLDER_STARTUP_PROBE),
	PROBE_KEYS("livenessProbe", HOLDER_LIVENESS_PROBE),
	PROBE_GRACE_KEY("livenessProbe", HOLDER_LIVENESS_PROBE),
	PROBE_KEYS("readinessProbe", HOLDER_READINESS_PROBE),
	HOOK_KEYS("lifecycle.postStart", HOLDER_POST_START),
	HOOK_KEYS("lifecycle.preStop", HOLDER_PRE_STOP),
	{"lifecycle.preStart.exec.command", IN_SIDECAR | IN_MAIN, KEY_WORDS, HOLDER_PRE_START,
		HANDLER(exec_command), LIVE, .doc = "Command that must succeed before each start."},
	{"lifecycle.postStop.exec.command", IN_SIDECAR | IN_MAIN, KEY_WORDS, HOLDER_POST_STOP,
		HANDLER(exec_command), LIVE, .doc = "Command that runs after each end."},
	{"lifecycle.reload.signal", IN_SIDECAR | IN_MAIN, KEY_SIGNAL, LIFECYCLE(reload_signal),
		LIVE, .doc = "Signal that makes it read its configuration again."},
	{"lifecycle.reload.exec.command", IN_SIDECAR | IN_MAIN, KEY_WORDS, HOLDER_RELOAD,
		HANDLER(exec_command), LIVE, .doc = "Command that makes it read its configuration again."},

	/* Identity and isolation. */
	SECURITY_KEYS(IN_POD, POD_SECURITY),
	SECURITY_KEYS(IN_PROCESS, PROCESS_SECURITY),
	{"securityContext.readOnlyRootFilesystem", IN_PROCESS, KEY_BOOL, PROCESS(read_only_rootfs),
		.fallback = "false", .doc = "Its root file system cannot be written."},
	{"securityContext.allowPrivilegeEscalation", IN_PROCESS, ONE_OF(SAID),
		PROCESS(privilege_escalation),
		.doc = "false: no program it runs gains privileges."},
	{"securityContext.privileged", IN_PROCESS, KEY_BOOL, PROCESS(privileged), .fallback = "false",
		.doc = "Every capability and device."},
	{"securityContext.capabilities.add", IN_PROCESS, KEY_CAPABILITIES,
		PROCESS_SECURITY(capabilities_add),
		.doc = "Capabilities beyond the container default; ALL for all."},
	{"securityContext.capabilities.drop", IN_PROCESS, KEY_CAPABILITIES,
		PROCESS_SECURITY(capabilities_drop),
		.doc = "Capabilities less than the container default; ALL for all."},
	{"securityContext.procMount", IN_PROCESS, KEY_ENUM, PROCESS(proc_unmasked), .choices = PROC_MOUNTS,
		.fallback = "Default", .doc = "Whether parts of /proc are hidden."},
	{"stdin", IN_PROCESS, KEY_BOOL, PROCESS(keeps_stdin), .fallback = "false",
		.doc = "Keep podinit's standard input."},
	{"tty", IN_PROCESS, KEY_BOOL, PROCESS(tty), .fallback = "false",
		.doc = "A terminal of its own."},
	{"terminationMessagePath", IN_PROCESS, KEY_PATH, PROCESS(termination_message_path),
		.doc = "File for its last words; /dev/termination-log where it has a rootfs."},
	{"terminationMessagePolicy", IN_PROCESS, KEY_ENUM, PROCESS(message_falls_back),
		.choices = MESSAGE_POLICIES, .fallback = "File",
		.doc = "Whether the end of its output counts as its last words, where it fails without any."},

	/* Resources. */
	RESOURCE_KEYS(IN_POD, POD_RESOURCES),
	RESOURCE_KEYS(IN_PROCESS, PROCESS_RESOURCES),
	{"resources.limits.pids", IN_PROCESS, KEY_INT, PROCESS(pids_limit), .min = 1, .max = INT32_MAX,
		LIVE, .doc = "Processes and threads that it has at most."},
	{"ioWeight", IN_PROCESS, KEY_INT, PROCESS(io_weight), .min = 1, .max = 10000,
		LIVE, .doc = "Share of disk access, beside the others' 100."},
	RLIMIT_KEY("as", LIMIT_AS, "address space"),
	RLIMIT_KEY("core", LIMIT_CORE, "core dumps"),
	RLIMIT_KEY("cpu", LIMIT_CPU, "CPU seconds"),
	RLIMIT_KEY("data", LIMIT_DATA, "data segment"),
	RLIMIT_KEY("fsize", LIMIT_FSIZE, "file size"),
	RLIMIT_KEY("locks", LIMIT_LOCKS, "file locks"),
	RLIMIT_KEY("memlock", LIMIT_MEMLOCK, "locked memory"),
	RLIMIT_KEY("msgqueue", LIMIT_MSGQUEUE, "POSIX message queues"),
	RLIMIT_KEY("nice", LIMIT_NICE, "nice values"),
	RLIMIT_KEY("nofile", LIMIT_NOFILE, "open files"),
	RLIMIT_KEY("nproc", LIMIT_NPROC, "the user's processes"),
	RLIMIT_KEY("rss", LIMIT_RSS, "resident memory"),
	RLIMIT_KEY("rtprio", LIMIT_RTPRIO, "real-time priority"),
	RLIMIT_KEY("rttime", LIMIT_RTTIME, "real-time CPU time"),
	RLIMIT_KEY("sigpending", LIMIT_SIGPENDING, "pending signals"),
	RLIMIT_KEY("stack", LIMIT_STACK, "stack"),
	{"nice", IN_PROCESS, KEY_INT, LIMITS(nice), .min = -20, .max = 19, .doc = "Nice value."},
	{"oomScoreAdj", IN_PROCESS, KEY_INT, LIMITS(oom_score_adj), .min = -1000, .max = 1000,
		.doc = "How soon the kernel kills it when memory ends; follows from resources if not given."},
	{"umask", IN_PROCESS, KEY_OCTAL, PROCESS(umask), .doc = "Permissions that new files lack."},
	{"cpuAffinity", IN_PROCESS, KEY_NUMBERS, LIMITS(cpus), .doc = "CPUs it may run on, 0,2-3."},
	{"cpuSchedulingPolicy", IN_PROCESS, ONE_OF(CPU_POLICIES), LIMITS(cpu_policy),
		.doc = "Scheduling policy."},
	{"cpuSchedulingPriority", IN_PROCESS, KEY_INT, LIMITS(cpu_priority), .min = 1, .max = 99,
		.doc = "Priority of the policies fifo and rr."},
	{"ioSchedulingClass", IN_PROCESS, ONE_OF(IO_CLASSES), LIMITS(io_class),
		.doc = "Class of its disk access."},
	{"ioSchedulingPriority", IN_PROCESS, KEY_INT, LIMITS(io_priority), .max = 7,
		.doc = "Priority of its disk access in its class, 0 is first."},
	{"numaPolicy", IN_PROCESS, ONE_OF(NUMA_POLICIES), LIMITS(numa_policy),
		.doc = "Where its memory comes from on a machine with several nodes."},
	{"numaMask", IN_PROCESS, KEY_NUMBERS, LIMITS(numa_nodes), .doc = "Nodes of that policy, 0-1."},

	/* Beyond Kubernetes. */
	{"dependsOn", IN_SIDECAR | IN_MAIN, KEY_DEPENDENCIES, LIFECYCLE(depends_on),
		LIVE, .doc = "Sidecars and mains that must be started (if not said otherwise), ready or "
		       "completed before it starts."},
	{"successExitCodes", IN_PROCESS, KEY_EXIT_CODES, LIFECYCLE(success_codes),
		LIVE, .doc = "Exit codes that count as 0; 128 and its number for a signal."},
	{"onExit", IN_MAIN, KEY_ENUM, LIFECYCLE(on_exit), .choices = ON_EXITS, .fallback = "continue",
		LIVE, .doc = "What its end does to the pod, when it does not run again."},
	{"daemon", IN_SIDECAR | IN_MAIN, KEY_BOOL, LIFECYCLE(daemon), .fallback = "false",
		.doc = "Its program forks and ends with 0; the daemon that it leaves is the process."},
	{"daemonPidFile", IN_SIDECAR | IN_MAIN, KEY_PATH, LIFECYCLE(pid_file),
		.doc = "File in which a daemon that forks away leaves its process number; says daemon, too."},
	{"notify", IN_SIDECAR | IN_MAIN, KEY_ENUM, LIFECYCLE(notify), .choices = NOTIFIES,
		.fallback = "none", .doc = "Who says READY=1 by sd_notify; all: its descendants, too."},
	{"notifyFd", IN_SIDECAR | IN_MAIN, KEY_INT, LIFECYCLE(notify_fd), .min = 3, .max = 63,
		.doc = "Descriptor on which it writes a line when it is ready, as for s6."},
	{"watchdogSeconds", IN_SIDECAR | IN_MAIN, LIFECYCLE(watchdog_ns), SECONDS, POSITIVE,
		.doc = "It is restarted when it does not say WATCHDOG=1 for so long."},
	{"listen", IN_SIDECAR | IN_MAIN, KEY_LISTEN, LIFECYCLE(listens),
		.doc = "Socket that podinit makes, holds and passes as LISTEN_FDS: 80, 0.0.0.0:80, [::]:80, "
		       "/run/x.sock, @name; dgram, seqpacket, mode=0660, backlog=N behind it."},
	{"watch", IN_SIDECAR | IN_MAIN, KEY_STRINGS, LIFECYCLE(watch),
		LIVE, .doc = "File or directory whose changes reload it; without lifecycle.reload, restart it."},
	{"log.path", IN_PROCESS, KEY_PATH, LATER, .doc = "File for its output."},
	{"log.format", IN_PROCESS, KEY_ENUM, LATER, .choices = LOG_FORMATS,
		.doc = "How its output is marked."},
	{"log.maxSize", IN_PROCESS, KEY_QUANTITY, LATER, .unit = "bytes",
		.doc = "Size at which its file is rotated."},
	{"log.maxFiles", IN_PROCESS, KEY_INT, LATER, .min = 1, .max = 1000,
		.doc = "Rotated files that are kept."},
};

/* clang-format on */

const int KEY_COUNT = sizeof(KEYS) / sizeof(*KEYS);
