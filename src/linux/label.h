/* The labels of the kernel's security modules, for the program that a process executes next. */
#ifndef PODINIT_LINUX_LABEL_H
#define PODINIT_LINUX_LABEL_H

#include "../spec/security.h"

/* Both: 0 (nothing was asked for, too), or -errno: -EOPNOTSUPP where the kernel has no such module. In
 * the new process, with /proc in its root, and while it still is podinit's user. */
int label_set_apparmor(const struct security_spec *security);
int label_set_selinux(const struct security_spec *security);

#endif
