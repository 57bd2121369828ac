/* The pod's volumes on this machine: made (or found) before anything runs, removed at the end. */
#ifndef PODINIT_LINUX_VOLUME_H
#define PODINIT_LINUX_VOLUME_H

#include "../spec/spec.h"
#include "message.h"

struct mount_point {
	char *path;
	size_t root_length; /* of the root file system that it lies in, as part of the path */
};

struct volumes {
	const struct pod_spec *spec;
	char **paths; /* of each volume: absolute, without links */
	bool *shared; /* of each: a mount of its own, whose mounts others see or make */
	char *scratch; /* directory that holds what follows, and the emptyDirs; NULL: none was needed */
	struct messages *messages;	  /* NULL: no process has one */
	struct mount_point *mount_points; /* that were not there, to be removed at the end */
	int mount_point_count;
};

/* Makes every volume of the pod. What goes wrong is added to `problems`, all of it. May block: only
 * before the loop. */
void volumes_prepare(
	struct volumes *volumes, const struct pod_spec *spec, struct problems *problems);

/* The index of a volume by its name; spec_check() made sure that there is one. */
int volumes_index(const struct volumes *volumes, const char *name);

/* Those mount points of a pod with the same volumes that are not there now: adds their bytes. May block. */
void volumes_write_mount_points(const struct pod_spec *spec, struct text *out);
/* Adds them to those to be removed at the end. False: they are not whole. Allocates. */
bool volumes_read_mount_points(struct volumes *volumes, const char *bytes, size_t length);

/* Removes what volumes_prepare() made, and mount points that processes' starts made; for when
 * every process is gone. Zeroed is fine. */
void volumes_finish(struct volumes *volumes);

#endif
