/* The virtual world of a case: what its files share. */
#ifndef PODINIT_CONFORMANCE_VIRTUAL_H
#define PODINIT_CONFORMANCE_VIRTUAL_H

#include "../../src/core/pod.h"
#include "../../src/spec/ini.h"
#include "words.h"

enum { TASKS_MAX = 128, FILES_MAX = 256, ORDERS_MAX = 32, EVENTS_MAX = 1024, MARK_MAX = 160 };

enum task_kind { TASK_NONE, TASK_MAIN, TASK_PROBE, TASK_HOOK, TASK_CHILD };
enum task_phase { TASK_BEGINS, TASK_RUNS, TASK_LOOPS, TASK_TERM, TASK_SLEEPS };

/* A simulated process: of a container, of a probe or hook beside it, or what one left behind. */
struct task {
	enum task_kind kind;
	enum task_phase phase;
	struct actor_words actor;
	int process, pid, step;
	uint8_t type;	  /* of a probe or hook */
	uint32_t attempt; /* of a probe */
	int64_t wake;	  /* when it goes on; NEVER: it does not */
	int http_status;
	const char *redirect;
	bool out_of_memory; /* the kernel kills it for that */
};

/* One `do` line. */
struct order {
	int64_t at;	     /* NEVER: when its mark has come */
	char mark[MARK_MAX]; /* "regular-1:Started" */
	int nth;	     /* which of them; counts down */
	int64_t offset;	     /* from the mark */
	char action[MARK_MAX];
};

struct world {
	struct pod_spec spec;
	struct pod *pod;
	struct actions actions;
	int64_t start, now, end;
	struct task tasks[TASKS_MAX];
	struct event queue[EVENTS_MAX];
	int queued;
	struct order orders[ORDERS_MAX];
	int order_count;
	char files[FILES_MAX][MARK_MAX];
	char runs[FILES_MAX][MARK_MAX]; /* names of actors, one for each run so far */
	int file_count, run_count;
	int32_t next_pid;
	bool draining, finished;
	bool was_ready[SPEC_PROCESSES_MAX];
	struct text status; /* the latest that was written */
};

/* --- world.c: what happens in it --- */

void world_act(struct world *world, const struct action *action);
/* Tasks that are due go on. */
void world_run_tasks(struct world *world);
int64_t world_next_wake(const struct world *world);
/* A signal to a container's process, as from outside podinit. */
void world_signal(struct world *world, int process, int signo);
/* The kernel kills a container's process for memory. */
void world_oom(struct world *world, int process);
void world_touch(struct world *world, const char *whose, const char *file, bool remove);

/* --- servers.c: what requests find --- */

enum probe_result world_request(struct world *world, const struct handler *handler, bool is_hook);
/* A container's own request; false: nobody answers. */
bool world_get(struct world *world, int port, const char *path);

/* --- virtual.c: the clock and the record --- */

void world_feed(struct world *world, const struct event *event);
/* "NAME MESSAGE" into the record; and it is a mark for orders. */
void world_say(struct world *world, const char *name, const char *message);
/* The case cannot be judged here. */
void world_refuse(struct world *world, const char *why);

#endif
