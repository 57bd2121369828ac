/* Hooks of processes, carried out: one that sleeps, or a command. */
#ifndef PODINIT_LINUX_HOOK_H
#define PODINIT_LINUX_HOOK_H

#include "../core/notice.h"

struct loop;
struct hook_run;

/* At boot: room for process `index`'s hook that runs, if it has any. False: no memory. */
bool hook_allocate(struct loop *loop, int index);
/* How many processes have one that may be a command. */
int hook_count(const struct pod_spec *spec);

/* -> EVENT_HOOK_DONE. Never blocks. */
void hook_begin(struct loop *loop, int index, enum hook_type type);
void hook_cancel(struct loop *loop, int index);

/* Why it failed, to stand behind a notice that says so; else "". */
const char *hook_words(const struct loop *loop, const struct notice *notice);

#endif
