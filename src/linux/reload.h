/* SIGHUP: the pod's file is read again, and the pod becomes what it says now. First a child reads (reading.h); then
 * those end that are changed or removed (the core); then the state moves over, all of it at once. */
#ifndef PODINIT_LINUX_RELOAD_H
#define PODINIT_LINUX_RELOAD_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

struct loop;
struct replacement;
struct retired;

/* Zeroed: never asked. */
struct reload {
	pid_t reader; /* the child; 0: none, or it has been reaped */
	int fd;	      /* its findings, while there is a reader */
	bool is_late; /* the reader was killed: it took too long */
	bool again;   /* asked for once more meanwhile */
	struct ev_timer patience, swap;
	struct replacement *next; /* what the pod is to become; NULL: nothing */
	struct retired *retired;  /* what it was, while hooks of that time run */
};

/* Once, when the loop has its ev. */
void reload_begin(struct loop *loop);
/* The pod ends: nothing is read or replaced any more. May be called more than once. */
void reload_give_up(struct loop *loop);
/* Frees everything. */
void reload_finish(struct loop *loop);

/* Is the pod one whose file can be read again (not an entrypoint)? Says so if it cannot. */
bool reload_is_possible(const struct loop *loop);
/* SIGHUP came. Never blocks. */
void reload_ask(struct loop *loop);
/* Was this process, which has ended, the reader? */
bool reload_reaped(struct loop *loop, pid_t pid);

/* ACT_REPLACE. */
void reload_go_on(struct loop *loop);

/* --- loop_replace.c --- */

/* All that the pod will need when it becomes another one. NULL: there is not enough memory. *error: 0, or -errno if
 * the findings cannot be used. */
struct replacement *replacement_make(struct loop *loop, int fd, int *error);
void replacement_free(struct replacement *replacement);
/* What it says: lines. */
const char *replacement_words(const struct replacement *replacement);
bool replacement_is_good(const struct replacement *replacement);
bool replacement_changes_anything(const struct replacement *replacement);
/* Of each process of the pod as it is. */
const bool *replacement_leaving(const struct replacement *replacement);
/* The pod becomes it, now; not from within a step. Frees it, and what the pod was. */
void replacement_take_place(struct loop *loop, struct replacement *replacement);
void retired_free(struct retired *retired);

#endif
