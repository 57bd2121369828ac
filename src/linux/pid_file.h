/* A file that holds the number of a process. */
#ifndef PODINIT_LINUX_PID_FILE_H
#define PODINIT_LINUX_PID_FILE_H

#include <stdint.h>
#include <sys/types.h>

struct world;

enum pid_file_problem {
	PID_FILE_GOOD,
	PID_FILE_UNREADABLE, /* `error` says why */
	PID_FILE_NO_FILE,    /* something else than a regular file */
	PID_FILE_WRITABLE,   /* others than root and the process's user could have written it */
	PID_FILE_NO_NUMBER,  /* or more than one */
	PID_FILE_PROBLEM_COUNT,
};

struct pid_file {
	int32_t problem; /* enum pid_file_problem */
	int32_t error;
	pid_t pid; /* of PID_FILE_GOOD, and _WRITABLE */
};

/* Reads it as who lives in that world (NULL: where the caller is) sees it. It may take as long as its file system
 * does, and the caller stays there: only for a process that does nothing else. */
struct pid_file pid_file_read(const struct world *world, const char *path);

#endif
