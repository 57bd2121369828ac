/* The termination messages of processes: one file each, which its view has at terminationMessagePath
 * (view.h), and what it had written there when it ended. A process may write as much as it likes, and
 * keep the file open; it is podinit that holds the file, and reads only its end. */
#ifndef PODINIT_LINUX_MESSAGE_H
#define PODINIT_LINUX_MESSAGE_H

#include "../core/podstatus.h"

struct messages;

bool messages_are_needed(const struct pod_spec *spec);

/* At boot: the files, in a directory of their own below `directory`, and all the memory that they will
 * take. NULL, and errno, if that cannot be had. */
struct messages *messages_create(const struct pod_spec *spec, const char *directory);
/* NULL is fine. */
void messages_destroy(struct messages *messages);

/* In a process that prepares itself, before it leaves podinit's root: empties its file, and takes it as
 * mount_take() does. -ENOENT: it has none. */
int messages_take(const struct messages *messages, const struct process_spec *process);

/* It has ended; `ran`: its program had run, and may have left a message. Never blocks. */
void messages_keep(struct messages *messages, int index, bool ran);

/* Of each process what it has left; NULL: this pod has no messages. */
const struct last_words *messages_kept(const struct messages *messages);

#endif
