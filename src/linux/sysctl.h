/* securityContext.sysctls: kernel parameters of the namespaces that podinit is in. */
#ifndef PODINIT_LINUX_SYSCTL_H
#define PODINIT_LINUX_SYSCTL_H

#include "../spec/spec.h"

/* Writes all of them; before anything runs, and before /proc/sys is masked. What cannot be written is
 * added to `problems`; with `keeps_network`, which --net host can say, those of the network are not
 * written either. */
void sysctls_write(const struct pod_spec *spec, bool keeps_network, struct problems *problems);

#endif
