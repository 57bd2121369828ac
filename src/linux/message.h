/* The termination messages of processes: one file each, which its view has at terminationMessagePath
 * (view.h), and what it had written there when it ended, or else what the end of its output was. A process may
 * write as much as it likes, and keep the file open; it is podinit that holds the file, and reads only its end. */
#ifndef PODINIT_LINUX_MESSAGE_H
#define PODINIT_LINUX_MESSAGE_H

#include "../core/podstatus.h"

struct messages;
struct tail;

/* Does any process have such a file? */
bool messages_need_files(const struct pod_spec *spec);

/* At boot: the files, in a directory of their own below `directory` (NULL: none are needed), and all the memory
 * that the messages will take. NULL, and errno, if that cannot be had. */
struct messages *messages_create(const struct pod_spec *spec, const char *directory);
/* NULL is fine. */
void messages_destroy(struct messages *messages);

/* Room for those of another pod (`old_of`: whose they were, or -1), which messages_replace() puts in their place.
 * 0 or -ENOMEM. */
int messages_reserve(struct messages *messages, const struct pod_spec *spec);
/* Allocates nothing. The words of a process stay its own. What cannot be made is none, and why is returned:
 * -errno; -ENOENT: no file was needed when the pod began. NULL is fine. */
int messages_replace(struct messages *messages, const struct pod_spec *spec, const int *old_of);

/* In a process that prepares itself, before it leaves podinit's root: empties its file, and takes it as
 * mount_take() does. -ENOENT: it has none. */
int messages_take(const struct messages *messages, const struct process_spec *process);

/* It has ended; `ran`: its program had run, and may have left a message. `said`: what counts where it left none;
 * NULL: nothing does. Never blocks. */
void messages_keep(struct messages *messages, int index, bool ran, const struct tail *said);

/* Of each process what it has left; NULL: this pod has no messages. */
const struct last_words *messages_kept(const struct messages *messages);

#endif
