/* What the core's state says of each process, and of the pod, against the model. Must not change
 * either. */
#include "sim.h"

static void check_process(const struct life *life, int index)
{
	const struct process_spec *spec = &life->spec.processes[index];
	const struct model_process *process = &life->model.processes[index];
	const struct process *real = &life->pod->processes[index];
	int restarts = process->instances ? process->instances - 1 : 0;
	bool started = model_is_started(&life->spec, process, index);
	bool ready = model_is_ready(&life->spec, process, index);
	if (process_is_alive(real) != process->alive)
		promise_broken(life, PROMISE_ONE_INSTANCE, "%s should%s be alive", spec->name,
			process->alive ? "" : " not");
	if (process->alive && real->pid != process->pid)
		promise_broken(life, PROMISE_ONE_INSTANCE, "%s should be process %d, not %d",
			spec->name, process->pid, real->pid);
	if (process_restart_count(real) != restarts)
		promise_broken(life, PROMISE_ONE_INSTANCE, "%s: restartCount %d, not %d",
			spec->name, process_restart_count(real), restarts);
	if (process_is_started(spec, real) != started || real->is_started != started)
		promise_broken(life, PROMISE_STATUS, "%s should%s be started", spec->name,
			started ? "" : " not");
	bool is_current = spec->kind == KIND_INIT || real->is_ready == ready;
	if (process_is_ready(spec, real) != ready || !is_current)
		promise_broken(life, PROMISE_STATUS, "%s should%s be ready", spec->name,
			ready ? "" : " not");
}

static void check_condition(const struct life *life, enum pod_condition condition, bool expected)
{
	static const char *const names[CONDITION_COUNT] = {
		"Initialized", "ContainersReady", "Ready", "AllContainersRestarting"};
	if (life->pod->conditions[condition] != expected)
		promise_broken(life, PROMISE_STATUS, "the pod should%s be %s",
			expected ? "" : " not", names[condition]);
}

void status_check(const struct life *life)
{
	const struct model *model = &life->model;
	bool all_ready = true;
	promise_looked_at(PROMISE_STATUS);
	for (int i = 0; i < model->process_count; i++) {
		check_process(life, i);
		all_ready &= life->spec.processes[i].kind == KIND_INIT ||
			model_is_ready(&life->spec, &model->processes[i], i);
	}
	if (!model->booted)
		return;
	check_condition(life, CONDITION_INITIALIZED, model->initialized);
	check_condition(life, CONDITION_CONTAINERS_READY, all_ready);
	check_condition(life, CONDITION_READY, all_ready);
	check_condition(life, CONDITION_ALL_RESTARTING, model->restarting_all);
}
