/* The terminal of an entrypoint: who is in its foreground, whose session it belongs to. A pod's
 * processes have none. There is one terminal at most, so its state is here. */
#ifndef PODINIT_LINUX_TERMINAL_H
#define PODINIT_LINUX_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "../spec/spec.h"

/* What was done; errors are errno, 0: none. */
struct terminal {
	uint8_t session;      /* enum session, as it was chosen: not SESSION_AUTO */
	bool was_leader;      /* podinit led the session whose terminal it gave away */
	bool job;	      /* podinit is a shell's job: it stops when its program stops */
	int fd;		      /* of the terminal; -1: none is known */
	int open_error;	      /* of /dev/tty, where that was to be it */
	int detach_error;     /* SESSION_NEW: giving the terminal away */
	int attach_error;     /* SESSION_NEW: taking it, in the program's process */
	int foreground_error; /* SESSION_GROUP: bringing the program to the foreground */
};

/* In podinit, before the program is started: chooses the session, and gives the terminal away where
 * the program is to have it in a session of its own. */
void terminal_prepare(const struct entrypoint_spec *entry);
/* In the program's process, with every signal blocked: its session or group, and the terminal. 0 or
 * -errno. */
int terminal_enter(void);
const struct terminal *terminal_state(void);

/* A child of podinit has changed its state. If it is the program (process `pid`) and was stopped, as
 * by Ctrl-Z, podinit takes the terminal back and stops too, with its own group, so that the shell above
 * sees it; where no shell could continue them, the program goes on. Returns when podinit was continued, or
 * at once. */
void terminal_child_changed(pid_t pid);
/* podinit was continued, perhaps in the foreground (`outer`: so is the outer process of a sandbox): that
 * is the program's. */
void terminal_continued(pid_t group, bool outer);

/* In a sandbox: the shell continues the whole job at once, but when is the outer process's to say. */
bool terminal_is_outer_job(void);

/* Of the outer process of a sandbox, whose group the inner one cannot name. Is it in the foreground? Now
 * the sandbox is made. It has ended: what nobody has now is ours again. With every signal blocked. */
bool terminal_is_in_foreground(void);
void terminal_divide(void);
void terminal_reclaim(void);
/* The program has ended: podinit's own group is in the foreground again, if the program's was. */
void terminal_take_back(pid_t group);

#endif
