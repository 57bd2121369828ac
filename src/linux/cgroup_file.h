/* The small files of a cgroup, by its directory. Fixed buffers, no blocking: fit for the loop and, but
 * for what lists directories, for a child that shares our memory. */
#ifndef PODINIT_LINUX_CGROUP_FILE_H
#define PODINIT_LINUX_CGROUP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* All of a file that fits, as a string. Its length, or -errno. */
ssize_t cgroup_read(int directory, const char *file, char *buffer, size_t size);
/* 0 or -errno. */
int cgroup_write(int directory, const char *file, const char *text);
/* Writes a process's number; 0 is the caller itself. 0 or -errno. */
int cgroup_move(int directory, pid_t pid);
/* The number behind KEY in a file of lines "KEY NUMBER"; -1: there is none. */
int64_t cgroup_number(int directory, const char *file, const char *key);
/* Does a file of words between spaces have this one? */
bool cgroup_has_word(int directory, const char *file, const char *word);

/* Calls visit() for each process in it, until that returns false. Number 0 is a process of another PID
 * namespace, of which nobody can say more. 0 or -errno. */
int cgroup_each_process(int directory, bool (*visit)(pid_t pid, void *data), void *data);
/* Calls visit() for each cgroup below it, with its name. */
void cgroup_each_child(int directory, void (*visit)(int directory, const char *name));

/* Is a process in it, or below it, that still runs? */
bool cgroup_is_running(int directory);
/* The cgroup of this name below another, made if it is missing. A descriptor or -errno. */
int cgroup_make(int parent, const char *name);
/* Removes it with all cgroups below it; those where a process is left stay. */
void cgroup_remove(int parent, const char *name);
/* Moves every process that can be moved. */
void cgroup_move_all(int from, int to);
/* Makes a file, or the directory and all files in it, that user's. 0 or -errno. */
int cgroup_set_owner(int directory, const char *file, uid_t uid);
int cgroup_set_owner_of_all(int directory, uid_t uid);

#endif
