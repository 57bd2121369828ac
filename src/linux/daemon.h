/* Daemons that fork away: the program of the process (`daemon`) has ended, and what it left is the process. Found
 * by its daemonPidFile; or, without one, it is podinit's only child that this program left, and of several the
 * oldest that leads a session (systemd guesses much the same), once it is the same in two looks: what lies
 * between a program and its daemon lives for less. */
#ifndef PODINIT_LINUX_DAEMON_H
#define PODINIT_LINUX_DAEMON_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;

/* The search for one. */
struct daemon {
	struct ev_timer again;
	struct ev_io result; /* of who reads the pid file; fd -1: nobody does */
	pid_t reader;	     /* who does, until it is reaped; 0: nobody */
	pid_t guess;	     /* of the look before; 0: none */
	uint64_t guess_born;
	int cause, looks; /* why the latest was refused, and in how many looks so far */
	uint32_t told;	  /* bit per cause of a refusal, which is said once */
};

/* The daemon of a process that has one; NULL: there is not enough memory. */
struct daemon *daemon_create(void);

/* Its program has ended: looks for what it left until that is found (EVENT_ADOPTED) or daemon_give_up(). Never
 * blocks. */
void daemon_look_for(struct loop *loop, int process);
void daemon_give_up(struct loop *loop, int process);
/* Was this process, which has ended, one that reads a pid file? */
bool daemon_reaped(struct loop *loop, pid_t pid);
/* Is it one? */
bool daemon_is_reader(const struct loop *loop, pid_t pid);
int daemon_reader_count(const struct loop *loop);
/* It is process number `process` now. */
void daemon_renumber(struct daemon *daemon, int process);
/* Gives up, and frees; NULL is fine. */
void daemon_destroy(struct loop *loop, int process);

/* From now on `pid`, a child of podinit, is the main process of `process`: EVENT_ADOPTED. False: it is gone, or
 * podinit has started it for itself. */
bool daemon_adopt(struct loop *loop, int process, pid_t pid);

#endif
