/* Memory that may end after boot without podinit ending. */
#ifndef PODINIT_LINUX_MEMORY_H
#define PODINIT_LINUX_MEMORY_H

#include <stdbool.h>

/* Calls work(data). False: memory ended meanwhile (arena.h), and the work was left where it was; what it had made
 * until then has to be reachable through `data`. Not from within another one. */
bool memory_try(void (*work)(void *data), void *data);

#endif
