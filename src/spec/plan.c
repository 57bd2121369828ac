/* `podinit --plan`: the pod in the order in which it would run, in words. Must not run anything or
 * look at the machine. */
#include "plan.h"
#include "keys.h"
#include "units.h"
#include "value.h"
#include "words.h"

void plan_line(struct text *out, const char *name)
{
	text_add(out, "     %-9s ", name);
}

void plan_seconds(struct text *out, int64_t ns)
{
	duration_write(out, ns);
	text_add(out, ns % NS_PER_SECOND ? "" : " s");
}

/* "0, 10, 20, 40 ... 300 s" */
static void plan_delays(struct text *out, const struct process_spec *process)
{
	int64_t delay = process->backoff_initial_ns;
	text_add(out, "0");
	if (!delay) {
		text_add(out, " s after each end");
		return;
	}
	for (int i = 0; i < 3 && delay < process->backoff_max_ns; i++) {
		text_add(out, ", ");
		duration_write(out, delay);
		delay = delay * 2;
	}
	text_add(out, delay < process->backoff_max_ns ? " ... " : ", ");
	plan_seconds(out, process->backoff_max_ns);
	text_add(out, " after each end");
	if (process->lifecycle->jitter_percent)
		text_add(out, ", up to %d %% more", process->lifecycle->jitter_percent);
	text_add(out, "; forgotten after ");
	plan_seconds(out, process->backoff_reset_ns);
	text_add(out, " of running");
}

static const char *when_it_runs_again(enum process_kind kind, enum restart_policy policy)
{
	if (policy == RESTART_NEVER)
		return "never";
	if (policy == RESTART_ALWAYS && kind != KIND_INIT)
		return "always";
	return "on failure";
}

static void plan_restart(
	struct text *out, const struct pod_spec *spec, const struct process_spec *process)
{
	enum restart_policy policy = spec_restart_policy(spec, process);
	plan_line(out, "restart");
	text_add(out, "%s", when_it_runs_again((enum process_kind)process->kind, policy));
	if (process->rules.count)
		text_add(out, ", %d rules first", process->rules.count);
	if (policy != RESTART_NEVER || process->rules.count) {
		text_add(out, "; delays ");
		plan_delays(out, process);
		if (process->lifecycle->max_restarts != INT_UNSET)
			text_add(out, "; %d in a row at most", process->lifecycle->max_restarts);
	}
	text_add(out, "\n");
}

static void plan_mounts(
	struct text *out, const struct pod_spec *spec, const struct process_spec *process)
{
	for (int i = 0; i < process->mounts.count; i++) {
		const struct volume_mount *mount = &process->mounts.items[i];
		const struct volume_spec *volume = spec_volume(spec, mount->volume);
		plan_line(out, "mount");
		text_add(out, "%s at %s%s", mount->volume, mount->path,
			mount->read_only ? ", read-only" : "");
		if (mount->sub_path)
			text_add(out, ", only %s of it", mount->sub_path);
		if (volume && volume->host_path)
			text_add(out, " (hostPath %s)\n", volume->host_path);
		else
			text_add(out, " (emptyDir%s)\n",
				volume && volume->medium ? " in memory" : "");
	}
}

static const char *profile_name(enum profile_type type, const char *localhost)
{
	static const char *const names[] = {[PROFILE_UNSAID] = "podinit's own",
		[PROFILE_UNCONFINED] = "none",
		[PROFILE_RUNTIME_DEFAULT] = "the runtime's default"};
	return type == PROFILE_LOCALHOST ? localhost : names[type];
}

static void plan_identity(
	struct text *out, const struct pod_spec *spec, const struct process_spec *process)
{
	const struct security_spec security = spec_security(spec, process);
	bool is_root = security_is_root(&security);
	plan_line(out, "as");
	text_add(out, "user %s", security.user ? security.user : "as podinit");
	if (security.group || security.user)
		text_add(out, ", group %s",
			security.group ? security.group : "as in /etc/passwd, or 0");
	for (int i = 0; i < spec->supplemental_groups.count; i++)
		text_add(out, ", %s", spec->supplemental_groups.items[i]);
	text_add(out, "%s\n", security.non_root == SAID_TRUE ? "; not if that is root" : "");
	plan_line(out, "may");
	capabilities_write(out, is_root ? spec_capabilities(process) : spec_ambient(process));
	if (!is_root) {
		text_add(out, "; at most, by file: ");
		capabilities_write(out, spec_capabilities(process));
	}
	text_add(out, "%s\n",
		process->privilege_escalation == SAID_FALSE ? "; gains no privileges" : "");
	if (security.seccomp || security.apparmor) {
		plan_line(out, "filter");
		text_add(out, "seccomp %s, AppArmor %s\n",
			profile_name((enum profile_type)security.seccomp, security.seccomp_file),
			profile_name((enum profile_type)security.apparmor, security.apparmor_name));
	}
}

/* umask is a process's own: every process has one, as it need not have limits. */
static bool is_limit(const struct key *key, const struct process_spec *process)
{
	return key->holder == HOLDER_LIMITS ? process->limits != NULL : key->type == KEY_OCTAL;
}

/* The keys as they were written: they have no other words. */
static void plan_limits(struct text *out, const struct process_spec *process)
{
	struct text keys = {0};
	for (int i = 0; i < KEY_COUNT; i++) {
		if (!is_limit(&KEYS[i], process))
			continue;
		text_clear(&keys);
		value_write(&keys, &KEYS[i], key_field(&KEYS[i], (void *)process, NULL));
		if (!keys.length)
			continue;
		plan_line(out, "limit");
		text_add(out, "%s", keys.data);
	}
	text_finish(&keys);
}

static void plan_resources(struct text *out, const struct process_spec *process)
{
	static const char *const units[] = {[RESOURCE_CPU] = "CPUs", [RESOURCE_MEMORY] = "bytes"};
	for (int i = 0; i < RESOURCE_COUNT; i++) {
		int64_t request = resource_request(process->resources, (enum resource)i);
		if (!request)
			continue;
		plan_line(out, resource_name((enum resource)i));
		quantity_write(out, request);
		text_add(out, " %s requested", units[i]);
		if (process->resources->limits[i]) {
			text_add(out, ", at most ");
			quantity_write(out, process->resources->limits[i]);
		}
		text_add(out, "\n");
	}
}

static void plan_process(struct text *out, const struct pod_spec *spec, int index)
{
	static const char *const ends[] = {[KIND_INIT] = "must end with 0 before the next starts",
		[KIND_SIDECAR] = "must have started before the next starts",
		[KIND_MAIN] = "starts when everything above is done or started"};
	const struct process_spec *process = &spec->processes[index];
	text_add(out, "%3d. %s %s: %s\n", index + 1,
		process_kind_name((enum process_kind)process->kind), process->name,
		ends[process->kind]);
	plan_line(out, "run");
	words_join(out, &process->argv);
	text_add(out, "\n");
	plan_line(out, "in");
	text_add(out, "%s of %s%s\n", process->working_dir ? process->working_dir : "/",
		process->rootfs ? process->rootfs : "podinit's own root",
		process->read_only_rootfs ? ", read-only" : "");
	plan_identity(out, spec, process);
	plan_limits(out, process);
	plan_resources(out, process);
	for (int i = 0; i < process->environment.count; i++) {
		plan_line(out, "env");
		words_quote(out, process->environment.items[i]);
		text_add(out, "\n");
	}
	plan_mounts(out, spec, process);
	plan_beside(out, process);
	plan_restart(out, spec, process);
	plan_exit(out, process->lifecycle);
	plan_line(out, "stop");
	text_add(out, "%s, SIGKILL at the end of the grace\n", signal_name(process->stop_signal));
}

/* "2 CPUs, 1073741824 bytes of memory"; `none` instead of 0. */
static void plan_sums(struct text *out, const struct pod_spec *spec,
	int64_t (*sum)(const struct pod_spec *pod, enum resource resource), const char *none)
{
	static const char *const units[] = {
		[RESOURCE_CPU] = "CPUs", [RESOURCE_MEMORY] = "bytes of memory"};
	for (int i = 0; i < RESOURCE_COUNT; i++) {
		int64_t amount = sum(spec, (enum resource)i);
		text_add(out, i ? ", " : "");
		if (amount || !none)
			quantity_write(out, amount);
		else
			text_add(out, "%s", none);
		text_add(out, " %s", units[i]);
	}
}

static void plan_pod(struct text *out, const struct pod_spec *spec)
{
	if (!spec->process_count)
		return;
	text_add(out, "Needs: ");
	plan_sums(out, spec, spec_pod_request, NULL);
	text_add(out, ".\nAt most: ");
	plan_sums(out, spec, spec_pod_limit, "any number of");
	text_add(out, ".\npodinit keeps: ");
	capabilities_write(out, spec_own_capabilities(spec));
	text_add(out, ".\n");
}

static bool some_wait_for_others(const struct pod_spec *spec)
{
	for (int i = 0; i < spec->process_count; i++) {
		if (spec->processes[i].lifecycle->dependencies.count)
			return true;
	}
	return false;
}

static void plan_end(struct text *out, const struct pod_spec *spec)
{
	text_add(out, "Stop: ");
	if (spec->process_count > spec->init_count)
		text_add(out, "the mains together");
	for (int i = spec->init_count - 1; i >= 0; i--) {
		if (spec->processes[i].kind == KIND_SIDECAR)
			text_add(out, ", then %s", spec->processes[i].name);
	}
	if (some_wait_for_others(spec))
		text_add(out, ", each after those that depend on it");
	text_add(out, "; whatever is left gets SIGTERM; SIGKILL after ");
	plan_seconds(out, spec->grace_ns);
	text_add(out, ", all gone within 2 s more.\n");
}

void spec_plan(const struct pod_spec *spec, struct text *out)
{
	text_add(out, "Pod %s: restartPolicy %s, grace ", spec->name,
		restart_policy_name((enum restart_policy)spec->restart_policy));
	plan_seconds(out, spec->grace_ns);
	if (spec->deadline_ns >= 0) {
		text_add(out, ", fails after ");
		plan_seconds(out, spec->deadline_ns);
	}
	text_add(out, "\n");
	for (int i = 0; i < spec->process_count; i++)
		plan_process(out, spec, i);
	plan_pod(out, spec);
	plan_end(out, spec);
}
