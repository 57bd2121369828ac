/* Capabilities by name and set, and who may have which. */
#include "security.h"

#include <string.h>

#include "spec.h"

/* By number, as in <linux/capability.h>. */
static const char *const NAMES[CAPABILITY_COUNT] = {"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH",
	"FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
	"NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
	"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT",
	"SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE",
	"AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
	"BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE"};

enum {
	CHOWN = 0,
	DAC_OVERRIDE = 1,
	FOWNER = 3,
	FSETID = 4,
	KILL = 5,
	SETGID = 6,
	SETUID = 7,
	SETPCAP = 8,
	NET_BIND_SERVICE = 10,
	NET_RAW = 13,
	SYS_CHROOT = 18,
	SYS_ADMIN = 21,
	SYS_NICE = 23,
	SYS_RESOURCE = 24,
	MKNOD = 27,
	AUDIT_WRITE = 29,
	SETFCAP = 31,
	MAC_ADMIN = 33,
};

#define BIT(capability) (UINT64_C(1) << (capability))

/* What a container gets where nothing is said (containerd, CRI-O). */
#define CONTAINER_DEFAULT                                                                          \
	(BIT(CHOWN) | BIT(DAC_OVERRIDE) | BIT(FSETID) | BIT(FOWNER) | BIT(MKNOD) | BIT(NET_RAW) |  \
		BIT(SETGID) | BIT(SETUID) | BIT(SETFCAP) | BIT(SETPCAP) | BIT(NET_BIND_SERVICE) |  \
		BIT(SYS_CHROOT) | BIT(KILL) | BIT(AUDIT_WRITE))

const struct security_spec SECURITY_UNSAID;

int capability_find(const char *name)
{
	for (int i = 0; i < CAPABILITY_COUNT; i++) {
		if (strcmp(NAMES[i], name) == 0)
			return i;
	}
	return -1;
}

uint64_t capability_bit(const char *name)
{
	int capability = capability_find(name);
	return capability < 0 ? 0 : BIT(capability);
}

const char *capability_name(int capability)
{
	return capability >= 0 && capability < CAPABILITY_COUNT ? NAMES[capability] : NULL;
}

void capabilities_write(struct text *out, uint64_t capabilities)
{
	const uint64_t known = BIT(CAPABILITY_COUNT) - 1;
	const char *before = "";
	if ((capabilities & known) == known) {
		text_add(out, "all");
		return;
	}
	for (int i = 0; i < CAPABILITY_COUNT; i++) {
		if (capabilities & BIT(i)) {
			text_add(out, "%s%s", before, NAMES[i]);
			before = ", ";
		}
	}
	if (!*before)
		text_add(out, "none");
}

static const char *text_or(const char *own, const char *otherwise)
{
	return own ? own : otherwise;
}

struct security_spec spec_security(const struct pod_spec *pod, const struct process_spec *process)
{
	const struct security_spec *above = &pod->security;
	struct security_spec result = *process->security;
	result.user = text_or(result.user, above->user);
	result.group = text_or(result.group, above->group);
	result.non_root = result.non_root ? result.non_root : above->non_root;
	/* A profile and its file are one value. */
	if (!result.seccomp) {
		result.seccomp = above->seccomp;
		result.seccomp_file = above->seccomp_file;
	}
	if (!result.apparmor) {
		result.apparmor = above->apparmor;
		result.apparmor_name = above->apparmor_name;
	}
	result.selinux_user = text_or(result.selinux_user, above->selinux_user);
	result.selinux_role = text_or(result.selinux_role, above->selinux_role);
	result.selinux_type = text_or(result.selinux_type, above->selinux_type);
	result.selinux_level = text_or(result.selinux_level, above->selinux_level);
	return result;
}

bool security_is_root(const struct security_spec *security)
{
	return !security->user || strcmp(security->user, "0") == 0 ||
		strcmp(security->user, "root") == 0;
}

/* In the order in which container runtimes do it, so that ALL in one list and names in the other
 * mean what people expect. */
uint64_t spec_capabilities(const struct process_spec *process)
{
	uint64_t set = CONTAINER_DEFAULT;
	if (process->privileged || process->security->capabilities_add == CAPABILITIES_ALL)
		set = CAPABILITIES_ALL;
	if (process->privileged)
		return set;
	if (process->security->capabilities_drop == CAPABILITIES_ALL)
		set = 0;
	if (process->security->capabilities_add != CAPABILITIES_ALL)
		set |= process->security->capabilities_add;
	if (process->security->capabilities_drop != CAPABILITIES_ALL)
		set &= ~process->security->capabilities_drop;
	return set;
}

uint64_t spec_ambient(const struct process_spec *process)
{
	return process->security->capabilities_add & spec_capabilities(process);
}

uint64_t spec_needed_capabilities(const struct pod_spec *pod, const struct process_spec *process)
{
	const struct security_spec security = spec_security(pod, process);
	const struct limits_spec *limits = process->limits;
	uint64_t set = spec_capabilities(process);
	if (spec_needs_view(pod, process))
		set |= BIT(SYS_ADMIN) | BIT(DAC_OVERRIDE) | BIT(FOWNER);
	/* Where the first mount of a machine is the root, the new one is laid over it. */
	if (process->rootfs)
		set |= BIT(SYS_CHROOT);
	/* The kernel's word for entering somebody's view. */
	if (spec_needs_view(pod, process) && spec_runs_beside(process))
		set |= BIT(SYS_CHROOT);
	/* Its files may be nobody's but its own. */
	if (process->lifecycle->watch.count)
		set |= BIT(DAC_OVERRIDE);
	/* A filter is installed by who may, or by who can gain nothing any more. */
	if (security.seccomp > PROFILE_UNCONFINED && process->privilege_escalation != SAID_FALSE)
		set |= BIT(SYS_ADMIN);
	if (security.selinux_type || security.apparmor == PROFILE_LOCALHOST)
		set |= BIT(MAC_ADMIN);
	/* It is to own its terminal, or the pipes that are its output. */
	if ((process->tty || process->message_falls_back) && security.user)
		set |= BIT(CHOWN);
	if (limits)
		set |= BIT(SYS_NICE) | BIT(SYS_RESOURCE);
	return set;
}

uint64_t spec_own_capabilities(const struct pod_spec *pod)
{
	/* To become others, to give less than it has, and to signal whatever they became. */
	uint64_t set = BIT(SETUID) | BIT(SETGID) | BIT(SETPCAP) | BIT(KILL);
	for (int i = 0; i < pod->process_count; i++)
		set |= spec_needed_capabilities(pod, &pod->processes[i]);
	/* Its processes are killed later than those who asked for less. */
	if (spec_qos_class(pod) == QOS_GUARANTEED)
		set |= BIT(SYS_RESOURCE);
	/* Emptying and unmounting them at the end. */
	for (int i = 0; i < pod->volume_count; i++) {
		if (pod->volumes[i].empty_dir)
			set |= BIT(DAC_OVERRIDE) | BIT(FOWNER);
		if (pod->volumes[i].medium == MEDIUM_MEMORY)
			set |= BIT(SYS_ADMIN);
	}
	return set;
}
