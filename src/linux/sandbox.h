/* `podinit --sandbox`: the namespaces of a pod where no container runtime made them. podinit
 * divides: the outer one stays behind, hands signals in and the exit code out; the inner one is
 * process 1 of the pod, or, where the pod's PID namespace is not its own, a subreaper in it. */
#ifndef PODINIT_LINUX_SANDBOX_H
#define PODINIT_LINUX_SANDBOX_H

#include <stdbool.h>

#include "idmap.h"
#include "namespace.h"
#include "signals.h"

struct cgroups;

struct sandbox {
	const char *hostname; /* not set where the UTS namespace is joined */
	bool host
		[NAMESPACE_COUNT]; /* keep podinit's own; else a new one, unless one is joined. A new
				     * network has only loopback */
	bool own_users;		 /* a user namespace even for root: the pod's root is nobody on the
				     * machine. For others it has to be */
	struct strings paths;	 /* of the machine's, with own_users of root: their files shall not
				     * be nobody's */
	struct cgroups *cgroups; /* NULL: none are looked at */
	bool is_verbose;	 /* say which users the pod's are */
};

enum { SANDBOX_INSIDE = -1 };

/* Call with every signal blocked; `joined` is what `join` names, opened. Returns SANDBOX_INSIDE in the
 * inner process, with *signals_fd set to where signals come from (see sandbox_read_signal). In the outer
 * process it returns when the pod has ended: the exit code. Errors are told on standard error, and are
 * exit code 125. */
int sandbox_enter(const struct sandbox *sandbox, const struct join *join,
	const struct joined *joined, int *signals_fd);

/* Inside: takes one signal that the outer process handed in. 1, 0: none now, -1: it is gone. */
int sandbox_read_signal(int signals_fd, struct signal_record *record);

#endif
