/* Reaping: everything that ends below podinit, known or not. */
#ifndef PODINIT_LINUX_REAP_H
#define PODINIT_LINUX_REAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct reaped {
	pid_t pid;
	uint8_t exit_code;
	uint8_t signo; /* 0: it exited */
};

enum reap_result { REAP_GOT_ONE, REAP_NOTHING_YET, REAP_NO_CHILDREN };

/* Looks at a zombie without taking it away: as long as it is one, nobody else can get its process
 * or group number, so its group can still be signalled. reap_take() must follow. */
enum reap_result reap_look(struct reaped *reaped);
void reap_take(pid_t pid);

#endif
