/* A new process on its way to a program: what it is to become, and how. */
#ifndef PODINIT_LINUX_CHILD_H
#define PODINIT_LINUX_CHILD_H

#include "../core/notice.h"
#include "identity.h"

struct spawner;
struct world;

/* What it becomes; bits, so that a step can say for whom it is. */
enum child_kind {
	CHILD_PROCESS = 1, /* an instance of a process of the pod */
	CHILD_BESIDE = 2,  /* a command in the namespaces of the instance that runs */
	CHILD_ALONE = 4,   /* a command as if it were the instance: none runs */
	CHILD_HELPER = 8,  /* a program of podinit's own, which may do nothing */
};

struct child {
	enum child_kind kind;
	struct spawner *spawner;
	const struct process_spec *process; /* whose context; NULL: of a helper */
	const struct identity *identity;    /* NULL: podinit's own */
	char *const *argv;
	const struct world *world;     /* of CHILD_BESIDE */
	int cgroup;		       /* to go there first; -1: it is there, or has none */
	int tty_fd;		       /* its terminal; -1: none */
	int output_fds[2];	       /* its standard output and error; -1: podinit's */
	int status_fd;		       /* where to write what failed; -1: only into `error` */
	struct identity_choice choice; /* who it is going to be */
	struct spawn_error error;      /* stage: what is being done, and then what failed */
};

/* Has a child of this kind a view that it makes? (One beside an instance enters that one's.) */
bool child_makes_view(const struct child *child);
/* Does it hand its namespaces to podinit? */
bool child_sends_world(const struct child *child);
/* Does it only make the one that will be the command, and end? That one is podinit's child, too; its number is
 * written to status_fd, as the `error` of a struct spawn_error without a stage. */
bool child_divides(const struct child *child);

/* In the new process; returns only what it is to exit with. */
int child_main(void *data);

#endif
