/* `watch`: a process is told when what it reads has changed. While it runs, a child of podinit's looks at the
 * paths (lookout.h) as the process sees them; what it tells becomes EVENT_CHANGED. */
#ifndef PODINIT_LINUX_WATCH_H
#define PODINIT_LINUX_WATCH_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "../spec/spec.h"

struct loop;
struct reaped;

/* Who looks, for one process. */
struct watcher {
	pid_t pid;	       /* until it is reaped; 0: nobody */
	bool is_wanted;	       /* the process runs */
	bool is_killed;	       /* by podinit */
	struct ev_io news;     /* what it tells; fd -1: nobody listens */
	struct ev_timer again; /* until another one begins */
};

void watcher_init(struct watcher *watcher);
/* The process runs its program. Never blocks. Nothing for one that watches nothing. */
void watcher_begin(struct loop *loop, int process);
/* It does not run any more, or is not to be told. */
void watcher_end(struct loop *loop, int process);
/* Was this process, which has ended, one that looks? */
bool watcher_reaped(struct loop *loop, const struct reaped *reaped);
/* Is it one? How many there are. */
bool watcher_is(const struct loop *loop, pid_t pid);
int watcher_count(const struct loop *loop);

/* The pod becomes another one: `to` is process number `index`'s from now on. */
void watcher_move(struct loop *loop, struct watcher *to, struct watcher *from, int index);
/* The pod is another one: who watches other paths than as process `old` of `before` begins anew. */
void watcher_renew(struct loop *loop, int process, const struct process_spec *before);

#endif
