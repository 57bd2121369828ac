/* A new reading of the pod's file, made by a child, since a file system may hang: it checks all that is checked at
 * boot, and compares. What it found it hands over in a file in memory. */
#ifndef PODINIT_LINUX_READING_H
#define PODINIT_LINUX_READING_H

#include "../spec/change.h"
#include "ground.h"

struct reading_order {
	const char *path;		/* absolute */
	const struct pod_spec *running; /* the pod as it is */
	const struct ground *ground;
	const char *message_path; /* --termination-message-path; NULL: not said */
	uint64_t given_up; /* capabilities that podinit had before the pod began, a bit each */
};

/* In the child: leaves its findings in descriptor `fd`. 0, or what it is to exit with. */
int reading_make(const struct reading_order *order, int fd);

/* What it found. Zeroed is none. */
struct reading {
	bool is_good;	      /* else nothing but `words` is there */
	struct text words;    /* lines: what is wrong, or what is different */
	struct pod_spec spec; /* checked; it has no line numbers */
	struct changes changes;
	struct filters filters;
	struct text mount_points; /* for volumes_read_mount_points() */
	char *bytes;		  /* while it is taken */
};

/* In podinit, when the child has ended. 0, or -errno: -EBADMSG: it is not whole. Allocates by memory_resize(). */
int reading_take(struct reading *reading, int fd, const struct reading_order *order);
void reading_finish(struct reading *reading);

#endif
