/* Commands that podinit runs and waits for without standing still: hooks, probes, its own helpers. How long one
 * may take is its owner's to say, who cancels it. */
#ifndef PODINIT_LINUX_TASK_H
#define PODINIT_LINUX_TASK_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "reap.h"
#include "spawn.h"

struct proc_stat;
struct task;

enum { TASK_WORDS_MAX = 200 }; /* bytes of its output that are kept */

/* How it ended. */
struct task_result {
	struct spawn_error error; /* stage STAGE_NONE: it ran */
	uint8_t exit_code;
	uint8_t signo;	   /* 0: it exited */
	bool oom;	   /* the kernel killed it, because memory ran out */
	const char *words; /* what it said first: one line, UTF-8; may be "" */
};

/* Once, from the loop, never before task_begin() has returned; it may begin anew at once. Not, if it was killed
 * along with the instance that it ran beside: that one's end says all. */
typedef void task_done(struct task *task, const struct task_result *result);

/* One command at a time. Its owner's memory; zeroed is one that does not run. */
struct task {
	struct task *next, *previous; /* of those that run */
	task_done *done;
	pid_t pid;		  /* 0: not known (yet) */
	pid_t between;		  /* who only makes it, and ends; 0: nobody */
	int status_fd;		  /* of its preparation; -1: none */
	struct ev_io output;	  /* fd -1: it has ended */
	struct spawn_error error; /* it could not begin */
	int32_t index;		  /* of the process; -1: none */
	pid_t instance;		  /* that it runs beside; 0: none */
	bool runs;
	uint8_t length;
	char words[TASK_WORDS_MAX + 1];
};

/* Who was told to end, and has not been reaped yet. */
struct task_ending {
	pid_t pid;
	int status_fd; /* it may still tell the number of another one; -1: it cannot */
};

/* All of them. Zeroed: there are none, and never were. */
struct tasks {
	struct ev_loop *ev;
	struct spawner *spawner;
	struct task *first;
	struct task_ending *ending; /* room for `ending_max`; past that they are orphans like others */
	int ending_count, ending_max;
};

struct task_order {
	enum spawn_place place;
	int index;		   /* of the process; -1: of SPAWN_HELPER */
	const struct strings *argv; /* $(VAR) is expanded */
	const struct world *world; /* of SPAWN_BESIDE: of the instance that runs */
	pid_t instance;		   /* the same: its number */
	task_done *done;
};

/* At boot, for `count` tasks. False: no memory. */
bool tasks_init(struct tasks *tasks, struct ev_loop *ev, struct spawner *spawner, int count);
/* Room for as many more. False: no memory, and there is as much as before. */
bool tasks_grow(struct tasks *tasks, int count);
/* Cancels all of them. */
void tasks_cancel(struct tasks *tasks);
void tasks_finish(struct tasks *tasks);

/* Never blocks. What goes wrong is told as its result. One that runs is cancelled first. */
void task_begin(struct tasks *tasks, struct task *task, const struct task_order *order);
/* Kills it, if it runs: done() will not be called. */
void task_cancel(struct tasks *tasks, struct task *task);

/* Somebody has ended, and is still a zombie. False: it was none of them. */
bool tasks_reaped(struct tasks *tasks, const struct reaped *reaped);
/* Is it one of them, or in the session of one? */
bool tasks_own(const struct tasks *tasks, const struct proc_stat *stat);
/* The same of a process or group number alone. */
bool tasks_have(const struct tasks *tasks, pid_t pid);
/* How many children podinit has because of them. */
int tasks_count(const struct tasks *tasks);

/* Adds "cannot execute /x: No such file or directory", "exit code 1: words", "killed by SIGKILL". */
void task_result_add(struct text *out, const struct pod_spec *spec, const struct task_order *order,
	const struct task_result *result);

/* The program beside podinit's own, or where it is installed; NULL: nowhere. At boot: it may block. */
const char *task_find_podprobe(char *path, size_t size);

#endif
