/* From the spec to the files of a cgroup. The numbers are those of the kubelet and runc. Must not know
 * where cgroups are. */
#include "cgroup_limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cgroup_file.h"
#include "log.h"

static const char *const CONTROLLERS[CONTROLLER_COUNT] = {
	[CONTROLLER_CPU] = "cpu",
	[CONTROLLER_MEMORY] = "memory",
	[CONTROLLER_PIDS] = "pids",
	[CONTROLLER_IO] = "io",
};

/* --- controllers --- */

static int set_controller(int directory, char sign, int controller)
{
	char word[16];
	snprintf(word, sizeof(word), "%c%s", sign, CONTROLLERS[controller]);
	return cgroup_write(directory, "cgroup.subtree_control", word);
}

unsigned cgroup_controllers_enable(int directory, struct cgroup_controllers *controllers)
{
	unsigned changed = 0;
	/* One by one: in a list of words the kernel takes all or none. */
	for (int i = 0; i < CONTROLLER_COUNT; i++) {
		controllers->errors[i] = ENODEV;
		if (!cgroup_has_word(directory, "cgroup.controllers", CONTROLLERS[i]))
			continue;
		bool was_on = cgroup_has_word(directory, "cgroup.subtree_control", CONTROLLERS[i]);
		controllers->errors[i] = was_on ? 0 : -set_controller(directory, '+', i);
		if (!was_on && !controllers->errors[i])
			changed |= 1U << i;
	}
	return changed;
}

void cgroup_controllers_disable(int directory, unsigned changed)
{
	for (int i = 0; i < CONTROLLER_COUNT; i++) {
		if (changed >> i & 1)
			set_controller(directory, '-', i);
	}
}

/* --- values; -1: nothing is said --- */

struct asked {
	const struct resources_spec *resources;
	const struct process_spec *process; /* NULL: it is the pod */
};

enum {
	CPU_PERIOD_US = 100000,
	CPU_QUOTA_MIN_US = 1000, /* the kernel takes no less */
	SHARES_PER_CPU = 1024,
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	WEIGHT_MAX = 10000,
};

static int64_t cpu_quota(const struct asked *asked)
{
	int64_t milli = asked->resources->limits[RESOURCE_CPU];
	if (!milli)
		return -1;
	if (milli > INT64_MAX / CPU_PERIOD_US)
		return INT64_MAX; /* for the kernel to refuse */
	int64_t quota = milli * CPU_PERIOD_US / 1000;
	return quota < CPU_QUOTA_MIN_US ? CPU_QUOTA_MIN_US : quota;
}

/* From 2..262144 of v1 to 1..10000 of v2: as whole a scale, not the same proportions. */
static int64_t weight_of(int64_t milli)
{
	int64_t shares = milli > SHARES_MAX ? SHARES_MAX : milli * SHARES_PER_CPU / 1000;
	if (shares < SHARES_MIN)
		shares = SHARES_MIN;
	if (shares > SHARES_MAX)
		shares = SHARES_MAX;
	return 1 + (shares - SHARES_MIN) * (WEIGHT_MAX - 1) / (SHARES_MAX - SHARES_MIN);
}

static int64_t cpu_weight(const struct asked *asked)
{
	int64_t milli = asked->resources->requests[RESOURCE_CPU];
	return milli ? weight_of(milli) : -1;
}

static int64_t memory_max(const struct asked *asked)
{
	int64_t thousandths = asked->resources->limits[RESOURCE_MEMORY];
	return thousandths ? thousandths / 1000 + (thousandths % 1000 > 0) : -1;
}

static int64_t pids_max(const struct asked *asked)
{
	bool is_said = asked->process && asked->process->pids_limit != INT_UNSET;
	return is_said ? asked->process->pids_limit : -1;
}

static int64_t io_weight(const struct asked *asked)
{
	bool is_said = asked->process && asked->process->io_weight != INT_UNSET;
	return is_said ? asked->process->io_weight : -1;
}

static const struct limit_row {
	const char *key;
	enum cgroup_controller controller;
	const char *file, *suffix; /* the suffix follows the value */
	const char *unsaid;	   /* the kernel's own value */
	int64_t (*value)(const struct asked *asked);
} ROWS[] = {
	{"resources.limits.cpu", CONTROLLER_CPU, "cpu.max", " 100000", "max", cpu_quota},
	{"resources.requests.cpu", CONTROLLER_CPU, "cpu.weight", "", "100", cpu_weight},
	{"resources.limits.memory", CONTROLLER_MEMORY, "memory.max", "", "max", memory_max},
	{"resources.limits.pids", CONTROLLER_PIDS, "pids.max", "", "max", pids_max},
	{"ioWeight", CONTROLLER_IO, "io.weight", "", "100", io_weight},
};
_Static_assert(sizeof(ROWS) / sizeof(*ROWS) == LIMIT_ROW_COUNT, "as the header says");

/* --- writing --- */

static void refused(const struct cgroup_limits *limits, const struct process_spec *process,
	const struct limit_row *row, const char *value, int error)
{
	const struct pod_spec *spec = limits->spec;
	int source = process ? process->source : spec->pod_source;
	problem_add(limits->problems,
		source < spec->sources.count ? spec->sources.items[source] : NULL,
		process ? process->line : spec->pod_line,
		"%s%s%s: %s: the kernel refuses '%s' as %s: %s",
		process ? process_kind_name((enum process_kind)process->kind) : "pod",
		process ? " " : "", process ? process->name : "", row->key, value, row->file,
		strerror(error));
}

static void not_enforced(
	struct cgroup_limits *limits, int row, const struct process_spec *process, int error)
{
	struct text *names = &limits->names[row];
	text_add(names, "%s%s", names->length ? ", " : "", process ? process->name : "the pod");
	limits->errors[row] = error;
}

/* Weights are proportions: as soon as one process of the pod has its own, all must have one, and as in
 * Kubernetes the least is that of who requests nothing. */
static bool has_weights(const struct pod_spec *spec)
{
	for (int i = 0; i < spec->process_count; i++) {
		if (resource_request(spec->processes[i].resources, RESOURCE_CPU))
			return true;
	}
	return false;
}

/* What follows from something else than a key. Kernels that have no such file have no such feature. */
static void write_consequences(
	const struct cgroup_limits *limits, int directory, const struct process_spec *process)
{
	char weight[16];
	int64_t request = resource_request(process->resources, RESOURCE_CPU);
	snprintf(weight, sizeof(weight), "%" PRId64, weight_of(request));
	if (has_weights(limits->spec))
		cgroup_write(directory, "cpu.weight", weight);
	else if (limits->again)
		cgroup_write(directory, "cpu.weight", "100");
	/* Half a process is worse than none: all of it dies, and is restarted. */
	cgroup_write(directory, "memory.oom.group", "1");
	if (process->resources->limits[RESOURCE_MEMORY])
		cgroup_write(directory, "memory.swap.max", "0");
	else if (limits->again)
		cgroup_write(directory, "memory.swap.max", "max");
}

void cgroup_limits_write(
	struct cgroup_limits *limits, int directory, const struct process_spec *process)
{
	const struct cgroup_controllers *controllers = limits->controllers;
	const struct asked asked = {
		.resources = process ? process->resources : &limits->spec->resources,
		.process = process,
	};
	if (controllers && process)
		write_consequences(limits, directory, process);
	for (int i = 0; i < LIMIT_ROW_COUNT; i++) {
		char text[48];
		int64_t value = ROWS[i].value(&asked);
		bool is_consequence = process && ROWS[i].value == cpu_weight;
		if (value < 0) {
			if (limits->again && controllers && !is_consequence)
				cgroup_write(directory, ROWS[i].file, ROWS[i].unsaid);
			continue;
		}
		snprintf(text, sizeof(text), "%" PRId64 "%s", value, ROWS[i].suffix);
		int missing = controllers ? controllers->errors[ROWS[i].controller] : ENODEV;
		int result = missing ? 0 : cgroup_write(directory, ROWS[i].file, text);
		/* The controller is there, but this kernel's has no such file. */
		if (result == -ENOENT)
			missing = ENOENT;
		if (missing)
			not_enforced(limits, i, process, missing);
		else if (result < 0)
			refused(limits, process, &ROWS[i], text, -result);
	}
}

static void add_reason(struct text *line, const struct cgroup_limits *limits,
	const struct limit_row *row, int error)
{
	const char *controller = CONTROLLERS[row->controller];
	if (error == ENODEV)
		text_add(line, "%s has no %s controller", limits->path, controller);
	else if (error == ENOENT)
		text_add(line, "the kernel has no %s", row->file);
	else
		text_add(line, "cannot enable the %s controller in %s: %s", controller,
			limits->path, strerror(error));
}

void cgroup_limits_say(struct cgroup_limits *limits, const char *why)
{
	for (int i = 0; i < LIMIT_ROW_COUNT; i++) {
		struct text line = {0};
		if (!limits->names[i].length)
			continue;
		text_add(&line, "%s of %s is not enforced: ", ROWS[i].key, limits->names[i].data);
		if (limits->controllers)
			add_reason(&line, limits, &ROWS[i], limits->errors[i]);
		else
			text_add(&line, "no cgroup is delegated (%s)", why);
		log_line("%s", line.data);
		text_finish(&line);
		text_finish(&limits->names[i]);
	}
}
