/* The order in which a pod's ground is prepared. Must not know how any of it is done. */
#include "ground.h"

#include <string.h>
#include <unistd.h>

#include "admit.h"
#include "attempt.h"
#include "hosts.h"
#include "log.h"
#include "machine.h"
#include "mask.h"
#include "sysctl.h"

/* Only a sandbox has a host name of its own to set. */
static void compare_hostname(const struct pod_spec *spec)
{
	char name[256] = "";
	if (spec->hostname && gethostname(name, sizeof(name) - 1) == 0 &&
		strcmp(name, spec->hostname) != 0)
		log_line("pod: hostname: stays %s, only a sandbox of its own gets another", name);
}

static void hide_proc(struct problems *problems)
{
	const char *path = NULL;
	int result = mask_proc(&path);
	if (result < 0)
		problem_add(
			problems, NULL, 0, "sandbox: cannot mask %s: %s", path, strerror(-result));
}

/* Its failures would look like those of whom it asks. */
void ground_find_podprobe(const struct pod_spec *spec, struct problems *problems)
{
	char path[4096];
	int index;
	if (!attempts_need_podprobe(spec, &index) || task_find_podprobe(path, sizeof(path)))
		return;
	const struct process_spec *process = &spec->processes[index];
	problem_add(problems, spec->sources.items[process->source], process->line,
		"%s %s: its probes and hooks need the program podprobe, which is not installed "
		"(HTTPS, gRPC, and hosts by name)",
		process_kind_name((enum process_kind)process->kind), process->name);
}

void ground_prepare(
	struct ground *ground, const struct ground_site *site, struct problems *problems)
{
	const struct pod_spec *spec = site->spec;
	const struct admission admission = {
		.spec = spec,
		.has_fresh_network = site->has_fresh_network,
		.is_quiet = site->is_quiet,
	};
	compare_hostname(spec);
	sysctls_write(spec, site->is_sandboxed && !site->has_own_network, problems);
	hosts_make(spec, site->is_sandboxed, site->has_own_network, problems);
	filters_prepare(&ground->filters, spec, problems);
	volumes_prepare(&ground->volumes, spec, problems);
	/* When podinit itself needs no more of what this hides. */
	if (site->is_sandboxed)
		hide_proc(problems);
	admit(&admission, problems);
	ground_find_podprobe(spec, problems);
	/* Behind the look at ports, which are in use from now on. */
	listeners_open(&ground->listeners, spec, problems);
	cgroups_furnish(ground->cgroups, spec, problems);
}

void ground_finish(struct ground *ground)
{
	listeners_close(&ground->listeners);
	volumes_finish(&ground->volumes);
	filters_finish(&ground->filters);
	hosts_finish();
}

uint64_t ground_capabilities(const struct ground *ground, const struct pod_spec *spec)
{
	return spec_own_capabilities(spec) | machine_capabilities() |
		cgroups_capabilities(ground->cgroups);
}
