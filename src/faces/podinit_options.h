/* podinit's own options, as they were given. */
#ifndef PODINIT_FACES_PODINIT_OPTIONS_H
#define PODINIT_FACES_PODINIT_OPTIONS_H

#include "face.h"

#define DEFAULT_CONFIG "/etc/podinit/pod.ini"

/* What is about how signals and exit codes are passed on goes into start->spec at once. */
struct options {
	struct start *start;
	const char *config, *net, *install, *message_path, *events, *socket, *cgroup;
	struct join join;
	bool sandbox, check, plan, keys, help, version, quiet, verbose, no_control;
	const char *of_entrypoint; /* an option that was given and is about one; NULL: none */
	int64_t grace_ns, drain_delay_ns; /* -1: not said */
	int parent_death_signal;
	char **command; /* of an entrypoint; NULL: none */
};

/* `options` has its `start`. Options stop at the first word that is not one: what follows is the
 * user's command. False after saying what is wrong. */
bool options_parse(struct options *options, char **argv);
void options_print_help(void);

#endif
