/* podinit's last words: one line on standard error, and the same as the container's termination
 * message, where Kubernetes looks for that. */
#ifndef PODINIT_LINUX_GOODBYE_H
#define PODINIT_LINUX_GOODBYE_H

#include "../core/pod.h"
#include "signals.h"

struct goodbye {
	const struct pod_spec *spec;
	const struct pod *pod;
	int64_t now;
	const struct signal_record *stopped_by; /* the signal that ended the pod; NULL: none did */
	int killed;				/* processes left behind that had to be killed */
	bool is_told;				/* on standard error, too */
};

/* Never blocks; what cannot be written is lost. */
void goodbye_say(const struct goodbye *goodbye);

/* Before anything ran: says everything that is wrong, and that nothing was started; as the termination
 * message, too, where something was to run. False if nothing is wrong. The problems are finished. */
bool goodbye_say_problems(const struct pod_spec *spec, struct problems *problems, bool was_to_run);

#endif
