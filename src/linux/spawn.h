/* Starting one process of the pod: session, terminal, view, limits, identity, directory,
 * program. */
#ifndef PODINIT_LINUX_SPAWN_H
#define PODINIT_LINUX_SPAWN_H

#include <sys/types.h>

#include "../core/notice.h"
#include "environment.h"
#include "ground.h"
#include "handover.h"
#include "identity.h"

struct cgroups;
struct world;

/* What is the same for every start; made once at boot. */
struct spawner {
	const struct pod_spec *spec;
	const struct volumes *volumes;
	struct cgroups *cgroups;  /* NULL: podinit does not look at them */
	struct identity identity; /* of whoever is started; unused for an entrypoint */
	int64_t machine_memory;	  /* bytes */
	bool proc_is_closed; /* podinit may not write its own files in /proc: root of a user namespace that
			      * nobody shall trace. A process needs memory of its own to write its */
	struct environment environment;
	struct handover handover;
	int stdin_fd; /* /dev/null, or whatever reads as empty; -1: podinit's own stdin */
};

struct spawned {
	pid_t pid;     /* with an `error` it has ended; 0: there never was one */
	int pidfd;     /* -1 where the kernel has none */
	int status_fd; /* -1: it runs its program. Else (a process that prepares itself): reads a
			* struct spawn_error, or the end when the program runs */
	struct spawn_error error; /* stage STAGE_NONE: none */
	bool is_between; /* of a command: it only makes the other one, whose number its status tells */
};

/* What a process gets of podinit, which keeps it; -1: nothing. */
struct spawn_descriptors {
	int tty_fd;	   /* its terminal */
	int ready_fd;	   /* becomes its notifyFd */
	int output_fds[2]; /* its standard output and error, instead of podinit's */
};

/* Where a command runs that is no process of the pod. */
enum spawn_place {
	SPAWN_BESIDE, /* the process `index` runs: in its world, and else as it was started */
	SPAWN_ALONE,  /* it does not run: as it would be started */
	SPAWN_HELPER, /* where podinit is, as nobody, with nothing */
};

struct spawn_command {
	enum spawn_place place;
	int index;
	char *const *argv;
	const struct world *world; /* of SPAWN_BESIDE */
	int output_fd;		   /* its standard output and error */
};

/* What a process that prepares itself has told. */
enum spawn_news {
	SPAWN_NO_NEWS,
	SPAWN_RUNS,    /* it runs its program, or died on the way */
	SPAWN_FAILED,  /* as *error says */
	SPAWN_DIVIDED, /* another one goes on, whose number is error->error; there is more to come */
};

/* 0 or -errno (out of memory or descriptors). */
int spawner_init(struct spawner *spawner, const struct pod_spec *spec, const struct ground *ground);
void spawner_finish(struct spawner *spawner);

/* Never blocks, but for an entrypoint's program, which is started as by vfork(). */
struct spawned spawn_process(
	struct spawner *spawner, int index, const struct spawn_descriptors *given);
/* Never blocks. It has no pidfd. */
struct spawned spawn_command(struct spawner *spawner, const struct spawn_command *command);
/* Reads `status_fd`. What it hands over goes to *world; NULL: nowhere. */
enum spawn_news spawn_read_status(int fd, struct spawn_error *error, struct world *world);

#endif
