/* What the programs of a random world are like, and what comes to podinit from outside. Must not
 * change the world: world.c does. */
#include <errno.h>

#include "sim.h"

struct habits random_habits(struct life *life, enum process_kind kind)
{
	struct rng *rng = &life->rng;
	struct habits habits = {
		.good_permille = (int)rng_between(rng, 0, 4) * 250,
		.spawn_fail_permille = rng_chance(rng, 150) ? 600 : 30,
		.spawn_slow_permille = rng_chance(rng, 300) ? 700 : 50,
		.leave_permille = rng_chance(rng, 200) ? 700 : 30,
		.unkillable_permille = rng_chance(rng, 10) ? 500 : 0,
		.hook_hang_permille = rng_chance(rng, 200) ? 700 : 50,
		.run_max = rng_time(rng, 4000 * SECOND),
		.stop_max = rng_time(rng, 40 * SECOND),
		.runs_for_ever = rng_chance(rng, 400),
		.is_silent = rng_chance(rng, 200),
		.probe_good_permille = {rng_chance(rng, 800) ? 800 : 0,
			rng_chance(rng, 700) ? 950 : 300, (int)rng_between(rng, 0, 4) * 250},
		.probe_late_permille = rng_chance(rng, 200) ? 600 : 30,
		.found_permille = rng_chance(rng, 250) ? 0 : 900,
		.obedience = (uint8_t)rng_between(rng, OBEYS, OBEDIENCE_COUNT),
	};
	if (kind == KIND_INIT) {
		/* Most pods should get beyond their inits. */
		habits.runs_for_ever = rng_chance(rng, 50);
		habits.good_permille = rng_chance(rng, 750) ? 990 : 400;
	}
	if (rng_chance(rng, 300)) {
		/* Stays at its edge: ends just when a crash backoff is forgotten. */
		int64_t reset =
			life->spec.process_count ? life->spec.processes[0].backoff_reset_ns : 0;
		habits.run_max = reset + rng_between(rng, 0, SECOND);
	}
	return habits;
}

struct event random_end(struct rng *rng, const struct habits *habits)
{
	static const uint8_t codes[] = {1, 2, 3, 42, 43, 127, 128, 137, 255};
	static const uint8_t signals[] = {6, 9, 11, 15, 37};
	struct event event = {.type = EVENT_EXITED};
	if (rng_chance(rng, habits->good_permille))
		return event;
	if (rng_chance(rng, 700)) {
		event.exit_code = codes[rng_between(rng, 0, sizeof(codes) - 1)];
	} else {
		event.signo = signals[rng_between(rng, 0, sizeof(signals) - 1)];
		event.oom = event.signo == SIGNAL_KILL && rng_chance(rng, 500);
	}
	return event;
}

struct spawn_error random_spawn_error(struct rng *rng)
{
	static const int errors[] = {ENOENT, EACCES, ENOMEM, ENOEXEC, EAGAIN, EIO};
	return (struct spawn_error){
		.stage = rng_chance(rng, 500) ? STAGE_EXEC
					      : (uint16_t)rng_between(rng, STAGE_FORK, STAGE_EXEC),
		.item = (uint16_t)rng_between(rng, 0, 3),
		.error = errors[rng_between(rng, 0, 5)],
	};
}

/* A process's number, now and then one that does not exist. */
static int32_t random_index(struct life *life)
{
	static const int32_t wild[] = {-1, INT32_MIN, INT32_MAX, 4096};
	int count = life->spec.process_count;
	if (!count || rng_chance(&life->rng, 80))
		return rng_chance(&life->rng, 500) ? count : wild[rng_between(&life->rng, 0, 3)];
	return (int32_t)rng_between(&life->rng, 0, count - 1);
}

struct event random_nonsense(struct life *life)
{
	struct rng *rng = &life->rng;
	struct event event = {
		.type = (uint8_t)(rng_chance(rng, 50) ? rng_between(rng, EVENT_TYPE_COUNT, 255)
						      : rng_between(rng, 0, EVENT_TYPE_COUNT - 1)),
		.probe = (uint8_t)rng_between(rng, 0, PROBE_COUNT),
		.hook = (uint8_t)rng_between(rng, 0, HOOK_COUNT),
		.result = (uint8_t)rng_between(rng, 0, PROBE_ERROR + 1),
		.attempt = (uint32_t)rng_between(rng, 0, 20),
		.notification = (uint8_t)rng_between(rng, 0, NOTIFICATION_COUNT),
		.value_ns = rng_between(rng, -1, 40 * SECOND),
		.success = rng_chance(rng, 500),
		.oom = rng_chance(rng, 100),
		.exit_code = (uint8_t)rng_between(rng, 0, 255),
		.signo = rng_chance(rng, 500) ? 0 : (uint8_t)rng_between(rng, 1, 64),
		.process = random_index(life),
		.volume = (int32_t)rng_between(rng, -1, 3),
		.grace_ns = rng_between(rng, -1, 40 * SECOND),
	};
	if (rng_chance(rng, 30))
		event.probe = 255;
	if (event.type == EVENT_SPAWN_FAILED)
		event.spawn_error = random_spawn_error(rng);
	/* A pid that it had once is the likeliest mistake. */
	if (event.process >= 0 && event.process < life->model.process_count)
		event.pid = life->model.processes[event.process].last_pid;
	if (rng_chance(rng, 400))
		event.pid = (int32_t)rng_between(rng, -1, 200);
	return event;
}

struct event random_word(struct rng *rng, int process)
{
	static const int64_t values[] = {INT64_MIN, -1, 0, 1, SECOND, 90 * SECOND, INT64_MAX};
	struct event event = {
		.type = EVENT_NOTIFIED,
		.process = process,
		.notification = (uint8_t)rng_between(rng, 0, NOTIFICATION_COUNT - 1),
		.value_ns = values[rng_between(rng, 0, 6)],
	};
	/* The end of a watchdog ends an instance: not all too often. */
	if (event.notification == NOTIFICATION_WATCHDOG_TRIGGER && rng_chance(rng, 500))
		event.notification = NOTIFICATION_READY;
	return event;
}

/* Its configuration changed, or it says something. */
static struct event process_event(const struct life *life, struct rng *rng)
{
	int process = (int)rng_between(rng, 0, life->spec.process_count - 1);
	if (rng_chance(rng, 500))
		return (struct event){.type = EVENT_CHANGED, .process = process};
	return random_word(rng, process);
}

static struct event stop_event(const struct life *life, struct rng *rng)
{
	static const int64_t graces[] = {-1, -1, 0, SECOND, 5 * SECOND, 60 * SECOND, INT64_MAX};
	if (rng_chance(rng, 250))
		return (struct event){
			.type = EVENT_ASKED_TO_STOP, .grace_ns = graces[rng_between(rng, 0, 6)]};
	if (life->spec.volume_count && rng_chance(rng, 300))
		return (struct event){.type = EVENT_EVICTED,
			.volume = (int32_t)rng_between(rng, 0, life->spec.volume_count - 1)};
	return (struct event){
		.type = EVENT_SIGNALLED, .signo = rng_chance(rng, 700) ? SIGNAL_TERM : SIGNAL_INT};
}

void random_requests(struct life *life, void (*add)(struct life *, int64_t, struct event))
{
	static const uint8_t others[] = {SIGNAL_HUP, SIGNAL_USR1, 12, 28, 64};
	struct rng *rng = &life->rng;
	int64_t end = life->now + rng_time(rng, 4 * 3600 * SECOND);
	if (rng_chance(rng, 150))
		end = life->now + (rng_chance(rng, 300) ? 0 : rng_time(rng, 2 * SECOND));
	add(life, end, stop_event(life, rng));
	if (rng_chance(rng, 250))
		add(life, end + rng_time(rng, 40 * SECOND), stop_event(life, rng));
	if (rng_chance(rng, 80))
		add(life, end + rng_time(rng, 40 * SECOND), stop_event(life, rng));
	for (int64_t i = rng_between(rng, -3, 3); i > 0; i--)
		add(life, life->now + rng_time(rng, end - life->now + 20 * SECOND),
			(struct event){.type = EVENT_SIGNALLED,
				.signo = others[rng_between(rng, 0, sizeof(others) - 1)]});
	bool is_plain = life->spec.entrypoint || !life->spec.process_count;
	for (int64_t i = rng_between(rng, -3, 3); i > 0 && !is_plain; i--)
		add(life, life->now + rng_time(rng, end - life->now), process_event(life, rng));
	for (int64_t i = rng_between(rng, -8, 2); i > 0 && !is_plain; i--)
		add(life, life->now + rng_time(rng, end - life->now),
			(struct event){.type = EVENT_REPLACED});
}
