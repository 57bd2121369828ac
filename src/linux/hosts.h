/* The pod's /etc/hosts, as the kubelet writes it. There is one at most, so its state is here. */
#ifndef PODINIT_LINUX_HOSTS_H
#define PODINIT_LINUX_HOSTS_H

#include "../spec/spec.h"

/* Makes it where the pod has one: in a sandbox with a network of its own, and where there are hostAliases.
 * `in_sandbox`: it then is /etc/hosts for podinit and all that share its mount namespace, if that file is
 * there; `own_network`: the names of the pod, else those of podinit's own /etc/hosts. Before anything runs;
 * after the host name is set. What goes wrong is added to `problems`. */
void hosts_make(
	const struct pod_spec *spec, bool in_sandbox, bool own_network, struct problems *problems);

/* The file, in podinit's root: what a process with a root of its own gets as /etc/hosts, unless it mounts
 * a volume there. NULL: the pod has none. */
const char *hosts_path(void);
/* podinit's own /etc/hosts is another one: so a process without a root of its own needs it mounted, too. */
bool hosts_is_elsewhere(void);

/* Removes what hosts_make() left on the file system; for when every process is gone. */
void hosts_finish(void);

#endif
