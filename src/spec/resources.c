/* Sums over the processes of a pod. Must not know what the machine has, nor enforce anything. */
#include "resources.h"

#include "spec.h"

const struct resources_spec RESOURCES_UNSAID;
#include "units.h"

const char *rlimit_name(enum rlimit_kind kind)
{
	static const char *const names[LIMIT_COUNT] = {"as", "core", "cpu", "data", "fsize",
		"locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
		"rttime", "sigpending", "stack"};
	return names[kind];
}

const char *resource_name(enum resource resource)
{
	return resource == RESOURCE_CPU ? "cpu" : "memory";
}

bool number_set_is_empty(const struct number_set *set)
{
	for (int i = 0; i < NUMBER_SET_MAX / 64; i++) {
		if (set->bits[i])
			return false;
	}
	return true;
}

bool number_set_has(const struct number_set *set, int number)
{
	return number >= 0 && number < NUMBER_SET_MAX &&
		(set->bits[number / 64] >> number % 64 & 1);
}

int64_t resource_request(const struct resources_spec *resources, enum resource resource)
{
	int64_t request = resources->requests[resource];
	return request ? request : resources->limits[resource];
}

static int64_t plus(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* The pod's worst moment: one of its inits beside the sidecars above it, or all that stay. */
struct sum {
	int64_t amount;
	int init; /* index of that init; -1: all sidecars and mains together */
};

/* `of` is what one process counts with. */
static struct sum pod_sum(const struct pod_spec *pod, enum resource resource,
	int64_t (*of)(const struct resources_spec *resources, enum resource resource))
{
	struct sum init = {.init = -1};
	int64_t together = 0, sidecars = 0;
	for (int i = 0; i < pod->process_count; i++) {
		const struct process_spec *process = &pod->processes[i];
		int64_t amount = of(process->resources, resource);
		if (process->kind != KIND_INIT)
			together = plus(together, amount);
		if (process->kind == KIND_SIDECAR)
			sidecars = plus(sidecars, amount);
		if (process->kind == KIND_INIT && plus(amount, sidecars) > init.amount)
			init = (struct sum){.amount = plus(amount, sidecars), .init = i};
	}
	return init.amount > together ? init : (struct sum){.amount = together, .init = -1};
}

int64_t spec_pod_request(const struct pod_spec *pod, enum resource resource)
{
	int64_t own = resource_request(&pod->resources, resource);
	int64_t sum = own ? own : pod_sum(pod, resource, resource_request).amount;
	return plus(sum, pod->overhead[resource]);
}

void resource_write(struct text *out, enum resource resource, int64_t amount)
{
	if (resource == RESOURCE_CPU)
		quantity_write(out, amount);
	else
		quantity_write_binary(out, amount);
}

enum { TERMS_MAX = 24 }; /* more of them nobody adds up */

/* A sum under construction: "main a 1 + main b 2". */
struct terms {
	struct text *out;
	enum resource resource;
	int count;
	int64_t others; /* sum of what is beyond TERMS_MAX */
};

/* `name` "": the pod's own. */
static void add_term(struct terms *terms, const char *kind, const char *name, int64_t amount)
{
	if (!amount)
		return;
	if (terms->count++ >= TERMS_MAX) {
		terms->others = plus(terms->others, amount);
		return;
	}
	text_add(terms->out, "%s%s%s%s ", terms->count > 1 ? " + " : "", kind, *name ? " " : "",
		name);
	resource_write(terms->out, terms->resource, amount);
}

static void add_process_terms(struct terms *terms, const struct pod_spec *pod)
{
	int init = pod_sum(pod, terms->resource, resource_request).init;
	for (int i = 0; i < pod->process_count; i++) {
		const struct process_spec *process = &pod->processes[i];
		bool counts = init < 0 ? process->kind != KIND_INIT
				       : i == init || (process->kind == KIND_SIDECAR && i < init);
		if (counts)
			add_term(terms, process_kind_name((enum process_kind)process->kind),
				process->name,
				resource_request(process->resources, terms->resource));
	}
	if (terms->count <= TERMS_MAX)
		return;
	text_add(terms->out, " + %d others ", terms->count - TERMS_MAX);
	resource_write(terms->out, terms->resource, terms->others);
	terms->count = TERMS_MAX - 1; /* the overhead is said in any case */
}

void spec_pod_request_explain(const struct pod_spec *pod, enum resource resource, struct text *out)
{
	struct terms terms = {.out = out, .resource = resource};
	int64_t own = resource_request(&pod->resources, resource);
	if (own)
		add_term(&terms, "resources of the pod", "", own);
	else
		add_process_terms(&terms, pod);
	add_term(&terms, "overhead", "", pod->overhead[resource]);
}

/* More than anything: so that one that has no limit shows in every sum. */
static int64_t limit_or_infinity(const struct resources_spec *resources, enum resource resource)
{
	return resources->limits[resource] ? resources->limits[resource] : INT64_MAX;
}

int64_t spec_pod_limit(const struct pod_spec *pod, enum resource resource)
{
	int64_t own = pod->resources.limits[resource];
	int64_t sum = own ? own : pod_sum(pod, resource, limit_or_infinity).amount;
	return sum == INT64_MAX ? 0 : plus(sum, pod->overhead[resource]);
}

static bool says_nothing(const struct resources_spec *resources)
{
	for (int i = 0; i < RESOURCE_COUNT; i++) {
		if (resources->requests[i] || resources->limits[i])
			return false;
	}
	return true;
}

static bool is_guaranteed(const struct resources_spec *resources)
{
	for (int i = 0; i < RESOURCE_COUNT; i++) {
		if (!resources->limits[i] ||
			resource_request(resources, (enum resource)i) != resources->limits[i])
			return false;
	}
	return true;
}

enum qos_class spec_qos_class(const struct pod_spec *pod)
{
	bool nothing = true, guaranteed = true;
	if (!says_nothing(&pod->resources))
		return is_guaranteed(&pod->resources) ? QOS_GUARANTEED : QOS_BURSTABLE;
	for (int i = 0; i < pod->process_count; i++) {
		nothing &= says_nothing(pod->processes[i].resources);
		guaranteed &= is_guaranteed(pod->processes[i].resources);
	}
	return nothing ? QOS_BEST_EFFORT : guaranteed ? QOS_GUARANTEED : QOS_BURSTABLE;
}

/* The more it asked for, the later it is killed. */
static int burstable_score(int64_t request, int64_t machine_memory)
{
	int64_t bytes = request / 1000;
	int64_t score =
		1000 - (machine_memory > 0 ? 1000 * (bytes / 1024) / (machine_memory / 1024) : 0);
	return score < 3 ? 3 : score == 1000 ? 999 : (int)score;
}

int spec_oom_score_adj(
	const struct pod_spec *pod, const struct process_spec *process, int64_t machine_memory)
{
	enum qos_class qos = spec_qos_class(pod);
	if (qos == QOS_GUARANTEED)
		return -997;
	if (qos == QOS_BEST_EFFORT)
		return 1000;
	int64_t request = resource_request(process->resources, RESOURCE_MEMORY);
	int score = burstable_score(request, machine_memory);
	if (process->kind != KIND_SIDECAR)
		return score;
	int64_t least = INT64_MAX;
	for (int i = pod->init_count; i < pod->process_count; i++) {
		int64_t main = resource_request(pod->processes[i].resources, RESOURCE_MEMORY);
		least = main < least ? main : least;
	}
	int main_score = least == INT64_MAX ? score : burstable_score(least, machine_memory);
	return score < main_score ? score : main_score;
}
