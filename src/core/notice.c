/* Notices as text, from two tables: the reasons, and the stages of starting a process. */
#include "notice.h"

#include <string.h>

#include "../spec/units.h"

static const struct {
	const char *name;
	bool warning;
} REASONS[] = {
	[NOTICE_STARTED] = {"Started", false},
	[NOTICE_COMPLETED] = {"Completed", false},
	[NOTICE_ERROR] = {"Error", true},
	[NOTICE_OOM_KILLED] = {"OOMKilled", true},
	[NOTICE_START_ERROR] = {"StartError", true},
	[NOTICE_BACK_OFF] = {"BackOff", true},
	[NOTICE_KILLING] = {"Killing", false},
	[NOTICE_PHASE] = {"Phase", false},
	[NOTICE_SIGNAL] = {"Signal", false},
	[NOTICE_ORPHAN] = {"Orphan", false},
	[NOTICE_ADOPTED] = {"Adopted", false},
	[NOTICE_RESTART_LIMIT] = {"RestartLimit", true},
	[NOTICE_RESTART_ALL] = {"RestartAllContainers", false},
	[NOTICE_UNHEALTHY] = {"Unhealthy", true},
	[NOTICE_PROBE_WARNING] = {"ProbeWarning", true},
	[NOTICE_FAILED_POST_START_HOOK] = {"FailedPostStartHook", true},
	[NOTICE_FAILED_PRE_STOP_HOOK] = {"FailedPreStopHook", true},
	[NOTICE_FAILED_POST_STOP_HOOK] = {"FailedPostStopHook", true},
	[NOTICE_RELOADING] = {"Reloading", false},
	[NOTICE_FAILED_RELOAD_HOOK] = {"FailedReloadHook", true},
	[NOTICE_DEADLINE_EXCEEDED] = {"DeadlineExceeded", true},
	[NOTICE_EVICTED] = {"Evicted", true},
	[NOTICE_STOPPING] = {"Stopping", false},
	[NOTICE_LEFTOVER] = {"Leftover", true},
};
_Static_assert(sizeof(REASONS) / sizeof(*REASONS) == NOTICE_REASON_COUNT, "a row per reason");

struct notice notice_of(enum notice_reason reason, int process)
{
	return (struct notice){
		.reason = (uint8_t)reason,
		.process = (int16_t)process,
		.exit_code = -1,
		.restart_count = -1,
		.delay_ns = -1,
	};
}

const char *notice_reason_name(enum notice_reason reason)
{
	return REASONS[reason].name;
}

bool notice_is_warning(const struct notice *notice)
{
	bool failed = notice->reason == NOTICE_PHASE && notice->phase == PHASE_FAILED;
	bool killed = notice->reason == NOTICE_KILLING && notice->signo == 9;
	return REASONS[notice->reason].warning || failed || killed;
}

const char *pod_phase_name(enum pod_phase phase)
{
	static const char *const names[PHASE_COUNT] = {[PHASE_PENDING] = "Pending",
		[PHASE_RUNNING] = "Running",
		[PHASE_SUCCEEDED] = "Succeeded",
		[PHASE_FAILED] = "Failed"};
	return names[phase];
}

const char *stop_cause_text(enum stop_cause cause)
{
	static const char *const texts[STOP_CAUSE_COUNT] = {
		[STOP_NONE] = "nothing",
		[STOP_COMPLETED] = "every main has ended",
		[STOP_INIT_FAILED] = "an init failed",
		[STOP_DEADLINE] = "the pod was active longer than its activeDeadlineSeconds",
		[STOP_EVICTED] = "a volume was larger than its sizeLimit",
		[STOP_SIGNAL] = "podinit was signalled",
		[STOP_ASKED] = "podctl asked for it",
		[STOP_STARTUP_PROBE] = "its startupProbe failed",
		[STOP_LIVENESS_PROBE] = "its livenessProbe failed",
		[STOP_POST_START] = "its postStart hook failed",
		[STOP_WATCHDOG] = "it did not say WATCHDOG=1 in time",
		[STOP_CHANGED] = "its configuration has changed",
		[STOP_RESTART_ALL] = "all are to start again",
		[STOP_MAIN_ENDED] = "a main has ended that the pod cannot do without",
	};
	return texts[cause];
}

/* What could not be done, and what of the process's spec it was about. */
enum stage_object {
	NOTHING,
	COMMAND,
	DIRECTORY,
	ROOT,
	MOUNT,
	MESSAGE_PATH,
	RLIMIT,
	USER,
	AS_USER,
	GROUP,
	SUPPLEMENTAL_GROUP,
	CAPABILITY,
	SECCOMP,
	APPARMOR,
	OTHER,
};

static const struct {
	const char *text;
	enum stage_object object;
} STAGES[] = {
	[STAGE_NONE] = {"cannot start", NOTHING},
	[STAGE_FORK] = {"cannot make a process", NOTHING},
	[STAGE_CGROUP] = {"cannot enter its cgroup", NOTHING},
	[STAGE_SESSION] = {"cannot make a session", NOTHING},
	[STAGE_STDIN] = {"cannot open standard input", NOTHING},
	[STAGE_TTY] = {"cannot make a terminal", NOTHING},
	[STAGE_DESCRIPTORS] = {"cannot hand over its descriptors", NOTHING},
	[STAGE_MOUNT_NAMESPACE] = {"cannot make a mount namespace", NOTHING},
	[STAGE_ROOTFS] = {"cannot use the root file system", ROOT},
	[STAGE_PROC] = {"cannot mount /proc in", ROOT},
	[STAGE_SYS] = {"cannot mount /sys in", ROOT},
	[STAGE_DEV] = {"cannot make /dev in", ROOT},
	[STAGE_MASK] = {"cannot hide parts of /proc and /sys in", ROOT},
	[STAGE_VOLUME] = {"cannot mount", MOUNT},
	[STAGE_SUB_PATH] = {"the subPath leads out of its volume: cannot mount", MOUNT},
	[STAGE_HOSTS] = {"cannot mount /etc/hosts in", ROOT},
	[STAGE_MESSAGE] = {"cannot mount terminationMessagePath", MESSAGE_PATH},
	[STAGE_READ_ONLY] = {"cannot make its root file system read-only", NOTHING},
	[STAGE_PID_NAMESPACE] = {"cannot make a PID namespace", NOTHING},
	[STAGE_JOIN] = {"cannot enter its namespaces", NOTHING},
	[STAGE_RLIMIT] = {"cannot set rlimit", RLIMIT},
	[STAGE_NICE] = {"cannot set nice", NOTHING},
	[STAGE_OOM_SCORE] = {"cannot set oomScoreAdj", NOTHING},
	[STAGE_CPU_AFFINITY] = {"cannot set cpuAffinity", NOTHING},
	[STAGE_CPU_SCHEDULING] = {"cannot set cpuSchedulingPolicy", NOTHING},
	[STAGE_IO_SCHEDULING] = {"cannot set ioSchedulingClass", NOTHING},
	[STAGE_NUMA] = {"cannot set numaPolicy", NOTHING},
	[STAGE_USER] = {"its /etc/passwd has no user", USER},
	[STAGE_GROUP] = {"its /etc/group has no group", GROUP},
	[STAGE_SUPPLEMENTAL_GROUP] = {"its /etc/group has no group", SUPPLEMENTAL_GROUP},
	[STAGE_NON_ROOT] = {"runAsNonRoot, but its user is root", NOTHING},
	[STAGE_SET_USER] = {"cannot become user", USER},
	[STAGE_SET_GROUPS] = {"cannot set its groups", AS_USER},
	[STAGE_UNMAPPED] = {"this user namespace does not have its user and groups", NOTHING},
	[STAGE_CAPABILITY] = {"podinit does not have, and cannot give, capability", CAPABILITY},
	[STAGE_CAPABILITIES] = {"cannot set its capabilities", NOTHING},
	[STAGE_NO_NEW_PRIVILEGES] = {"cannot set no_new_privs", NOTHING},
	[STAGE_SECCOMP] =
		{"cannot install its seccompProfile (which takes SYS_ADMIN of podinit, or "
		 "allowPrivilegeEscalation = false)",
			SECCOMP},
	[STAGE_APPARMOR] = {"cannot set its appArmorProfile", APPARMOR},
	[STAGE_SELINUX] = {"cannot set its seLinuxOptions", NOTHING},
	[STAGE_CHDIR] = {"cannot change to directory", DIRECTORY},
	[STAGE_EXEC] = {"cannot execute", COMMAND},
	[STAGE_PRE_START] = {"its preStart hook failed", NOTHING},
	[STAGE_DAEMON] = {"its program ended, and left no daemon", NOTHING},
	[STAGE_DEPENDENCY] = {"never becomes what dependsOn asks for:", OTHER},
	[STAGE_ABORTED] = {"given up", NOTHING},
};
_Static_assert(sizeof(STAGES) / sizeof(*STAGES) == STAGE_COUNT, "a row per stage");

static void add_mount(struct text *out, const struct process_spec *process, int item)
{
	if (item >= process->mounts.count)
		return;
	const struct volume_mount *mount = &process->mounts.items[item];
	text_add(out, " volume %s", mount->volume);
	if (mount->sub_path)
		text_add(out, " (subPath %s)", mount->sub_path);
	text_add(out, " at %s", mount->path);
}

/* What it was about. A user or profile may be what the pod says for all. */
static void add_object(struct text *out, enum stage_object object, const struct pod_spec *spec,
	const struct process_spec *process, int item)
{
	const struct security_spec security = spec_security(spec, process);
	const char *name = NULL;
	switch (object) {
	case NOTHING:
		return;
	case COMMAND:
		name = process->argv.count ? process->argv.items[0] : "";
		break;
	case DIRECTORY:
		name = process->working_dir ? process->working_dir : "/";
		break;
	case ROOT:
		name = process->rootfs ? process->rootfs : "/";
		break;
	case MOUNT:
		add_mount(out, process, item);
		return;
	case MESSAGE_PATH:
		name = spec_message_path(process);
		break;
	case RLIMIT:
		name = item < LIMIT_COUNT ? rlimit_name((enum rlimit_kind)item) : NULL;
		break;
	case USER:
		name = security.user;
		break;
	case AS_USER:
		if (security.user)
			text_add(out, " as user %s", security.user);
		return;
	case GROUP:
		name = security.group;
		break;
	case SUPPLEMENTAL_GROUP:
		name = item < spec->supplemental_groups.count
			? spec->supplemental_groups.items[item]
			: NULL;
		break;
	case CAPABILITY:
		name = capability_name(item);
		break;
	case SECCOMP:
		name = security.seccomp_file;
		break;
	case APPARMOR:
		name = security.apparmor_name;
		break;
	case OTHER:
		name = item < spec->process_count ? spec->processes[item].name : NULL;
		break;
	}
	if (name)
		text_add(out, " %s", name);
}

void spawn_error_message(struct text *out, const struct pod_spec *spec,
	const struct process_spec *process, const struct spawn_error *error)
{
	int stage = error->stage < STAGE_COUNT ? error->stage : STAGE_NONE;
	text_add(out, "%s", STAGES[stage].text);
	add_object(out, STAGES[stage].object, spec, process, error->item);
	if (error->error != SPAWN_STAGE_SAYS_IT)
		text_add(out, ": %s", strerror(error->error));
}

/* "1Mi", "1500m": as people write it. */
static void add_bytes(struct text *out, int64_t milli)
{
	static const char units[] = "KMGTPE";
	int64_t bytes = milli / 1000;
	int unit = 0;
	if (milli % 1000) {
		text_add(out, "%lldm", (long long)milli);
		return;
	}
	for (; bytes && bytes % 1024 == 0 && units[unit]; unit++)
		bytes /= 1024;
	text_add(out, "%lld", (long long)bytes);
	if (unit)
		text_add(out, "%ci", units[unit - 1]);
}

void evicted_message(struct text *out, const struct pod_spec *spec, int volume)
{
	if (volume < 0 || volume >= spec->volume_count)
		return;
	text_add(out, "Usage of EmptyDir volume \"%s\" exceeds the limit \"",
		spec->volumes[volume].name);
	add_bytes(out, spec->volumes[volume].size_limit);
	text_add(out, "\".");
}

void notice_add_seconds(struct text *out, int64_t ns)
{
	if (ns < 0)
		ns = 0; /* it is late already */
	if (ns > 0 && ns < NS_PER_SECOND) {
		text_add(out, "%lld ms", (long long)(ns / NS_PER_MS));
		return;
	}
	long long unit = 100 * NS_PER_MS, tenths = ns / unit + (ns % unit >= unit / 2);
	if (tenths % 10 && tenths < 600)
		text_add(out, "%lld.%lld s", tenths / 10, tenths % 10);
	else
		text_add(out, "%lld s", tenths / 10);
}

void notice_add_end(struct text *out, const struct notice *notice)
{
	if (notice->reason == NOTICE_OOM_KILLED)
		text_add(out, "killed because memory ended (%s)", signal_name(notice->signo));
	else if (notice->signo)
		text_add(out, "killed by %s", signal_name(notice->signo));
	else
		text_add(out, "ended with exit code %d", notice->exit_code);
	if (notice->delay_ns >= 0) {
		text_add(out, " after ");
		notice_add_seconds(out, notice->delay_ns);
	}
}

static void add_stopping(struct text *out, const struct pod_spec *spec, const struct notice *notice)
{
	if (notice->cause == STOP_MAIN_ENDED)
		text_add(out, "ends because main %s has ended, which the pod cannot do without",
			spec->processes[notice->count].name);
	else
		text_add(out, "ends because %s", stop_cause_text((enum stop_cause)notice->cause));
	text_add(out, ", within ");
	notice_add_seconds(out, notice->delay_ns);
}

static void add_killing(struct text *out, const struct notice *notice)
{
	if (notice->signo == 9 && notice->delay_ns < 0) {
		text_add(out, "did not end in time: SIGKILL");
		return;
	}
	text_add(out, "stopping with %s, because %s; killed in ", signal_name(notice->signo),
		stop_cause_text((enum stop_cause)notice->cause));
	notice_add_seconds(out, notice->delay_ns);
}

static void add_leftover(struct text *out, const struct notice *notice)
{
	const char *noun = notice->count == 1 ? "process" : "processes";
	if (notice->signo)
		text_add(out, "%d %s left behind %s %s", notice->count, noun,
			notice->count == 1 ? "gets" : "get", signal_name(notice->signo));
	else
		text_add(out, "left %d %s behind that may be others' and so %s until the pod ends",
			notice->count, noun, notice->count == 1 ? "stays" : "stay");
}

static void add_unhealthy(
	struct text *out, const struct pod_spec *spec, const struct notice *notice)
{
	if (notice->cause == STOP_WATCHDOG || notice->probe >= PROBE_COUNT) {
		text_add(out, "%s", stop_cause_text((enum stop_cause)notice->cause));
		return;
	}
	const struct probe_spec *probe = spec->processes[notice->process].probes[notice->probe];
	text_add(out, "%s failed", probe_key_name((enum probe_type)notice->probe));
	if (notice->timed_out && probe) {
		text_add(out, ": timed out after ");
		notice_add_seconds(out, probe->timeout_ns);
	}
}

static void add_failed_hook(struct text *out, const struct notice *notice, const char *hook)
{
	text_add(out, "%s hook failed%s", hook,
		notice->timed_out ? ": it was not over in time" : "");
}

static void add_reloading(struct text *out, const struct notice *notice)
{
	if (notice->signo)
		text_add(out, "is told to reload by %s", signal_name(notice->signo));
	else
		text_add(out, "is told to reload by its hook");
}

static void add_text(struct text *out, const struct pod_spec *spec, const struct notice *notice)
{
	switch ((enum notice_reason)notice->reason) {
	case NOTICE_STARTED:
		text_add(out, "started as process %d", notice->pid);
		if (notice->restart_count > 0)
			text_add(out, ", restart %d", notice->restart_count);
		break;
	case NOTICE_COMPLETED:
	case NOTICE_ERROR:
	case NOTICE_OOM_KILLED:
		notice_add_end(out, notice);
		break;
	case NOTICE_START_ERROR:
		spawn_error_message(
			out, spec, &spec->processes[notice->process], &notice->spawn_error);
		break;
	case NOTICE_BACK_OFF:
		text_add(out, "starts again in ");
		notice_add_seconds(out, notice->delay_ns);
		break;
	case NOTICE_KILLING:
		add_killing(out, notice);
		break;
	case NOTICE_PHASE:
		text_add(out, "%s", pod_phase_name((enum pod_phase)notice->phase));
		break;
	case NOTICE_SIGNAL:
		text_add(out, "got %s", signal_name(notice->signo));
		break;
	case NOTICE_ORPHAN:
		text_add(out, "reaped process %d, which podinit did not start", notice->pid);
		break;
	case NOTICE_ADOPTED:
		text_add(out, "is process %d now", notice->pid);
		break;
	case NOTICE_RESTART_LIMIT:
		text_add(out, "stays ended: it has been started again %d times in a row",
			notice->count);
		break;
	case NOTICE_RESTART_ALL:
		text_add(out, "exited with code %d, triggering pod restart", notice->exit_code);
		break;
	case NOTICE_UNHEALTHY:
		add_unhealthy(out, spec, notice);
		break;
	case NOTICE_PROBE_WARNING:
		text_add(out, "%s warned", probe_key_name((enum probe_type)notice->probe));
		break;
	case NOTICE_FAILED_POST_STOP_HOOK:
		add_failed_hook(out, notice, "postStop");
		break;
	case NOTICE_RELOADING:
		add_reloading(out, notice);
		break;
	case NOTICE_FAILED_RELOAD_HOOK:
		add_failed_hook(out, notice, "reload");
		break;
	case NOTICE_FAILED_POST_START_HOOK:
		add_failed_hook(out, notice, "postStart");
		break;
	case NOTICE_FAILED_PRE_STOP_HOOK:
		add_failed_hook(out, notice, "preStop");
		break;
	case NOTICE_EVICTED:
		evicted_message(out, spec, notice->count);
		text_add(out, " Ends within ");
		notice_add_seconds(out, notice->delay_ns);
		break;
	case NOTICE_DEADLINE_EXCEEDED:
	case NOTICE_STOPPING:
		add_stopping(out, spec, notice);
		break;
	case NOTICE_LEFTOVER:
		add_leftover(out, notice);
		break;
	case NOTICE_REASON_COUNT:
		break;
	}
}

void notice_message(struct text *out, const struct pod_spec *spec, const struct notice *notice)
{
	bool known = notice->process >= 0 && notice->process < spec->process_count;
	text_add(out, "%s: ", known ? spec->processes[notice->process].name : "pod");
	add_text(out, spec, notice);
}
