/* The checks across keys of what the kernel enforces: securityContext, resources, limits, ports,
 * sysctls. Must not look at the machine. */
#include <string.h>

#include "check.h"

static void check_profiles(const struct check *check, const struct process_spec *process,
	const struct security_spec *security)
{
	bool file = security->seccomp_file, name = security->apparmor_name;
	if (file != (security->seccomp == PROFILE_LOCALHOST))
		check_says(check, process, 0,
			"securityContext.seccompProfile: localhostProfile "
			"and type Localhost belong together");
	if (name != (security->apparmor == PROFILE_LOCALHOST))
		check_says(check, process, 0,
			"securityContext.appArmorProfile: localhostProfile "
			"and type Localhost belong together");
}

static void check_security(const struct check *check, const struct process_spec *process)
{
	const uint64_t sys_admin = capability_bit("SYS_ADMIN");
	check_profiles(check, process, process->security);
	/* As Kubernetes refuses it: what may do everything escalates by itself. */
	if (process->privilege_escalation == SAID_FALSE &&
		(process->privileged || (process->security->capabilities_add & sys_admin)))
		check_says(check, process, 0,
			"securityContext.allowPrivilegeEscalation: cannot be false with "
			"privileged or SYS_ADMIN");
}

static void check_resources(const struct check *check, const struct process_spec *process,
	const struct resources_spec *resources)
{
	for (int i = 0; i < RESOURCE_COUNT; i++) {
		if (resources->limits[i] && resources->requests[i] > resources->limits[i])
			check_says(check, process, 0,
				"resources.requests.%s: is more than resources.limits.%s",
				resource_name((enum resource)i), resource_name((enum resource)i));
	}
}

static void check_limits(const struct check *check, const struct process_spec *process)
{
	const struct limits_spec *limits = process->limits;
	if (!limits)
		return;
	bool real_time = limits->cpu_policy == CPU_FIFO || limits->cpu_policy == CPU_RR;
	if (real_time != (limits->cpu_priority != INT_UNSET))
		check_says(check, process, 0,
			"cpuSchedulingPriority: belongs to a "
			"cpuSchedulingPolicy of fifo or rr, which need it");
	if (limits->io_priority != INT_UNSET && !limits->io_class)
		check_says(
			check, process, 0, "ioSchedulingPriority: belongs to an ioSchedulingClass");
	bool has_nodes = !number_set_is_empty(&limits->numa_nodes);
	bool needs_nodes =
		limits->numa_policy >= NUMA_PREFERRED && limits->numa_policy <= NUMA_INTERLEAVE;
	if (has_nodes != needs_nodes)
		check_says(check, process, 0,
			"numaMask: belongs to a numaPolicy of preferred, "
			"bind or interleave, which need it");
}

static void check_ports(const struct check *check, const struct process_spec *process)
{
	const struct ports *ports = &process->ports;
	for (int i = 0; i < ports->count; i++) {
		for (int k = 0; k < i; k++) {
			const struct port_spec *a = &ports->items[i], *b = &ports->items[k];
			if (a->name && b->name && strcmp(a->name, b->name) == 0)
				check_says(check, process, 0, "ports: the name %s is given twice",
					a->name);
			else if (a->number == b->number && a->protocol == b->protocol)
				check_says(
					check, process, 0, "ports: %d is given twice", a->number);
		}
	}
}

/* Those that a namespace has for itself, as Kubernetes allows them. */
static bool is_namespaced(const char *name)
{
	static const char *const prefixes[] = {
		"kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.", "net."};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return !strstr(name, "..") && !strchr(name, '/');
	}
	return false;
}

/* The key that leaves it to the machine, or NULL. */
static const char *keeper_of(const struct pod_spec *spec, const char *sysctl)
{
	if (strncmp(sysctl, "net.", 4) == 0)
		return spec->host_network ? "hostNetwork" : NULL;
	return spec->host_ipc ? "hostIPC" : NULL;
}

static void check_pod_strings(const struct check *check)
{
	const struct pod_spec *spec = check->spec;
	for (int i = 0; i < spec->sysctls.count; i++) {
		const char *item = spec->sysctls.items[i], *equals = strchr(item, '=');
		if (!equals || equals == item || !equals[1])
			check_says(check, NULL, 0,
				"securityContext.sysctls: must be NAME=value, got '%s'", item);
		else if (!is_namespaced(item))
			check_says(check, NULL, 0,
				"securityContext.sysctls: '%.*s' is not of a pod's namespaces "
				"(kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*, net.*)",
				(int)(equals - item), item);
		else if (keeper_of(spec, item))
			check_says(check, NULL, 0,
				"securityContext.sysctls: '%.*s' is the machine's with %s",
				(int)(equals - item), item, keeper_of(spec, item));
	}
	for (int i = 0; i < spec->host_aliases.count; i++) {
		const char *item = spec->host_aliases.items[i];
		size_t address = strspn(item, "0123456789abcdefABCDEF.:%");
		if (!address || item[address] != ' ' ||
			!item[address + strspn(item + address, " ")])
			check_says(check, NULL, 0,
				"hostAliases: must be an address and names, got '%s'", item);
	}
}

void check_system(const struct check *check)
{
	const struct pod_spec *spec = check->spec;
	const char *keeps_stdin = NULL;
	check_profiles(check, NULL, &spec->security);
	check_resources(check, NULL, &spec->resources);
	check_pod_strings(check);
	if (!spec->share_process_namespace && spec->host_pid)
		check_says(check, NULL, 0, "shareProcessNamespace: cannot be false with hostPID");
	for (int i = 0; i < spec->process_count; i++) {
		const struct process_spec *process = &spec->processes[i];
		check_security(check, process);
		check_resources(check, process, process->resources);
		check_limits(check, process);
		check_ports(check, process);
		if (process->keeps_stdin && keeps_stdin)
			check_says(check, process, 0, "stdin: %s has it already", keeps_stdin);
		else if (process->keeps_stdin)
			keeps_stdin = process->name;
	}
}
