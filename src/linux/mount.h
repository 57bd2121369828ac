/* Single mounts, with the traps of mount(2) closed. All return 0 or -errno. */
#ifndef PODINIT_LINUX_MOUNT_H
#define PODINIT_LINUX_MOUNT_H

#include <stdbool.h>
#include <sys/stat.h>

/* mkdir -p, or with `file` an empty file (its directories too), where nothing is there yet. */
int mount_point_make(const char *path, bool file, mode_t mode);

/* A copy of the mounts at `path` below `at` ("": of `at` itself), attached nowhere yet. It stays
 * usable when the root is another one. A descriptor, or -errno. */
int mount_take(int at, const char *path);

/* Attaches such a copy at `target`, which is made if missing. The descriptor stays open. Negative
 * `taken`: that -errno again. */
int mount_attach(int taken, const char *target, bool read_only);

/* Makes what is mounted at `path` read-only, and keeps its other flags. */
int mount_read_only(const char *path);

/* Device files there cannot be opened any more, nor (since Linux 5.12) in what is mounted below it. */
int mount_without_devices(const char *path);

/* Makes such a copy read-only, and everything that is mounted below it (Linux 5.12). */
int mount_read_only_tree(int taken);

#endif
