/* The labels of the kernel's security modules, for the program that a process executes next. */
#ifndef PODINIT_LINUX_LABEL_H
#define PODINIT_LINUX_LABEL_H

#include "../spec/security.h"

/* At boot, in podinit's own root: a process's may not show it. */
bool label_has_apparmor(void);
bool label_has_selinux(void);

/* Both: 0 (nothing was asked for, too), or -errno: -EOPNOTSUPP where the kernel does not have such a module. In
 * the new process, with /proc in its root, and while it still is podinit's user. */
int label_set_apparmor(const struct security_spec *security, bool has);
int label_set_selinux(const struct security_spec *security, bool has);

#endif
