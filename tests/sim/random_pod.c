/* Random numbers, and a random pod: a legal spec built through spec.h alone. Must not know what
 * the pod will do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

uint64_t rng_next(struct rng *rng) /* splitmix64 */
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int64_t rng_between(struct rng *rng, int64_t low, int64_t high)
{
	return low + (int64_t)(rng_next(rng) % ((uint64_t)(high - low) + 1));
}

bool rng_chance(struct rng *rng, int permille)
{
	return rng_between(rng, 0, 999) < permille;
}

int64_t rng_time(struct rng *rng, int64_t max)
{
	enum { ORDERS = 24 };
	int bits = 0;
	while (bits < 62 && max >> bits)
		bits++;
	int order = (int)rng_between(rng, bits > ORDERS ? bits - ORDERS : 0, bits);
	int64_t top = INT64_C(1) << order;
	return rng_chance(rng, 20) ? 0 : rng_between(rng, 0, top < max ? top : max);
}

static void random_process(
	struct rng *rng, struct pod_spec *spec, enum process_kind kind, int number)
{
	static const int stop_signals[] = {SIGNAL_INT, 3, SIGNAL_USR1, 37};
	char name[32];
	snprintf(name, sizeof(name), "%s-%d", process_kind_name(kind), number);
	struct process_spec *process = spec_add_process(spec, kind, name);
	strings_add(&spec->arena, &process->command, "run");
	if (rng_chance(rng, 150))
		process->stop_signal = stop_signals[rng_between(rng, 0, 3)];
	random_backoff(rng, process);
	if (kind != KIND_SIDECAR && rng_chance(rng, 350))
		process->restart_policy = (uint8_t)rng_between(rng,
			kind == KIND_INIT ? RESTART_ON_FAILURE : RESTART_ALWAYS, RESTART_NEVER);
	if ((process->restart_policy || kind == KIND_SIDECAR) && rng_chance(rng, 400))
		random_rules(rng, &spec->arena, process);
	random_life(rng, &spec->arena, process);
}

static int64_t random_grace(struct rng *rng)
{
	switch (rng_between(rng, 0, 9)) {
	case 0:
		return 0;
	case 1:
		return -5 * SECOND;
	case 2:
		return INT32_MAX * SECOND;
	case 3:
		return rng_time(rng, 10 * SECOND);
	case 4:
		return SECOND;
	case 5:
	case 6:
		return SECOND * rng_between(rng, 2, 10);
	default:
		return 30 * SECOND;
	}
}

static void random_processes(struct rng *rng, struct pod_spec *spec)
{
	int inits = (int)rng_between(rng, 0, 3), sidecars = (int)rng_between(rng, 0, 3);
	int mains = rng_chance(rng, 15) ? 20 : (int)rng_between(rng, 1, 4);
	if (rng_chance(rng, 400))
		inits = 0;
	if (rng_chance(rng, 300))
		sidecars = 0;
	/* In any order: spec_check() sorts. */
	for (int number = 0; inits + sidecars + mains > 0; number++) {
		int64_t which = rng_between(rng, 1, inits + sidecars + mains);
		enum process_kind kind = which <= inits ? KIND_INIT
			: which <= inits + sidecars	? KIND_SIDECAR
							: KIND_MAIN;
		int *left = kind == KIND_INIT ? &inits : kind == KIND_SIDECAR ? &sidecars : &mains;
		(*left)--;
		random_process(rng, spec, kind, number);
	}
}

/* Only their number matters: they may become too large. */
static void random_volumes(struct rng *rng, struct pod_spec *spec)
{
	char name[32];
	for (int64_t i = rng_between(rng, -2, 2); i > 0; i--) {
		snprintf(name, sizeof(name), "volume-%d", (int)i);
		struct volume_spec *volume = spec_add_volume(spec, name);
		volume->empty_dir = true;
		volume->size_limit = 1000 * rng_between(rng, 1, 1 << 20);
	}
}

/* What the other inits do, and what an entrypoint's options can say. */
static void random_entrypoint(struct rng *rng, struct pod_spec *spec)
{
	static const uint8_t signals[] = {SIGNAL_TERM, SIGNAL_INT, 1, 10, 12};
	char program[] = "/bin/run";
	char *argv[] = {program, "it", NULL};
	spec_entrypoint(spec, argv);
	for (size_t i = 0; i < sizeof(signals); i++) {
		if (rng_chance(rng, 150))
			spec->signal_map[signals[i]] = (uint8_t)rng_between(rng, 0, SIGNAL_MAX);
	}
	spec->single_child = rng_chance(rng, 300);
	if (rng_chance(rng, 300))
		spec->start_codes = (struct start_codes){2, 3, 4};
	if (rng_chance(rng, 300))
		memset(&spec->success_codes, (int)rng_between(rng, 0, 255),
			sizeof(spec->success_codes));
	if (rng_chance(rng, 300))
		spec_set_drain_delay(spec, spec->grace_ns > 0 ? rng_time(rng, spec->grace_ns) : 0);
	spec->relay = rng_chance(rng, 400);
	if (rng_chance(rng, 500))
		spec->leftovers = (uint8_t)rng_between(rng, LEFTOVERS_ASKED, LEFTOVERS_ABANDONED);
}

/* All but the last check. */
static void build(struct pod_spec *spec, struct rng *rng)
{
	spec_init(spec);
	spec->restart_policy = (uint8_t)rng_between(rng, RESTART_ALWAYS, RESTART_NEVER);
	spec->grace_ns = random_grace(rng);
	if (rng_chance(rng, 120))
		spec->deadline_ns = 1 + rng_time(rng, 3600 * SECOND);
	int64_t what = rng_between(rng, 0, 99);
	if (what < 12) {
		random_entrypoint(rng, spec);
	} else if (what < 14) {
		spec_pause(spec);
	} else {
		if (rng_chance(rng, 300)) /* then each has a file system view of its own */
			strings_add(&spec->arena, &spec->host_aliases, "10.0.0.1 name");
		random_processes(rng, spec);
		random_volumes(rng, spec);
		random_dependencies(rng, spec);
	}
}

void random_pod(struct life *life, uint64_t spec_seed)
{
	struct problems problems = {0};
	if (life->has_spec && life->spec_seed == spec_seed)
		return;
	if (life->has_spec)
		spec_finish(&life->spec);
	life->has_spec = true;
	life->spec_seed = spec_seed;
	build(&life->spec, &(struct rng){spec_seed});
	spec_check(&life->spec, &problems);
	if (problems.count) {
		fprintf(stderr, "sim: the random pod is not legal:\n%s", problems.text.data);
		exit(2);
	}
	text_finish(&problems.text);
}

/* --- the same pod, changed --- */

static void remove_process(struct pod_spec *spec, int index)
{
	spec->process_count--;
	memmove(&spec->processes[index], &spec->processes[index + 1],
		sizeof(*spec->processes) * (size_t)(spec->process_count - index));
}

/* The word that it runs tells another instance from the one before. */
static void change_process(struct rng *rng, struct pod_spec *spec, struct process_spec *process)
{
	static const char *const programs[] = {"run-1", "run-2", "run-3"};
	if (rng_chance(rng, 150)) {
		process->command = (struct strings){0};
		strings_add(&spec->arena, &process->command, programs[rng_between(rng, 0, 2)]);
	}
	if (rng_chance(rng, 250))
		random_live_change(rng, &spec->arena, process);
}

bool random_change(struct pod_spec *spec, uint64_t spec_seed, struct rng *rng)
{
	enum { NEW_NUMBERS = 100 };
	struct problems problems = {0};
	build(spec, &(struct rng){spec_seed});
	for (int i = spec->process_count - 1; i >= 0; i--) {
		if (rng_chance(rng, 150))
			remove_process(spec, i);
		else
			change_process(rng, spec, &spec->processes[i]);
	}
	for (int64_t n = rng_between(rng, -2, 2); n > 0; n--)
		random_process(rng, spec, (enum process_kind)rng_between(rng, 0, KIND_COUNT - 1),
			NEW_NUMBERS + (int)n);
	if (spec->process_count > 1 && rng_chance(rng, 300)) { /* in another order */
		int at = (int)rng_between(rng, 1, spec->process_count - 1);
		struct process_spec moved = spec->processes[at];
		spec->processes[at] = spec->processes[at - 1];
		spec->processes[at - 1] = moved;
	}
	if (rng_chance(rng, 200))
		spec->grace_ns = random_grace(rng);
	if (rng_chance(rng, 200))
		spec->deadline_ns = rng_chance(rng, 500) ? -1 : 1 + rng_time(rng, 7200 * SECOND);
	spec_check(spec, &problems);
	text_finish(&problems.text);
	return problems.count == 0;
}
