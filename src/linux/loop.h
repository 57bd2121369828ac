/* The event loop: the one place where events enter the core and actions leave it. */
#ifndef PODINIT_LINUX_LOOP_H
#define PODINIT_LINUX_LOOP_H

#include "../spec/spec.h"
#include "event_log.h"
#include "ground.h"

struct cgroups;

struct loop_setup {
	struct pod_spec *spec;		/* the caller's; a reload puts another one in its place */
	const char *config;		/* the file or directory that it is from; NULL: none */
	const char *message_path;	/* --termination-message-path; NULL: not said */
	uint64_t given_up_capabilities; /* that podinit had until now, a bit each */
	struct ground *ground;
	struct event_log *log;
	const char *control_path; /* NULL: the usual place */
	bool control;		  /* serve podctl? */
	int outer_signals_fd;	  /* from sandbox_enter(); -1: not in a sandbox */
};

/* Runs the pod to its end; returns podinit's exit code. Errors before anything runs are told, and
 * are 125; after that there are none. All signals must be blocked (signals.h). */
int loop_run(const struct loop_setup *setup);

#endif
