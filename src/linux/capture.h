/* The standard output and error of a process whose last words may be the end of what it said there
 * (terminationMessagePolicy FallbackToLogsOnError): pipes to podinit, which relays them and remembers the end. Of a
 * process that has a terminal it is that terminal instead (tty.h). */
#ifndef PODINIT_LINUX_CAPTURE_H
#define PODINIT_LINUX_CAPTURE_H

#include <ev.h>
#include <stdint.h>

#include "../core/tail.h"

struct relay;

/* Of a process, over all its instances: so what they leave behind can go on to write. */
struct capture {
	struct tail tail;	 /* what the latest instance said */
	int writers[2];		 /* the process's standard output and error */
	struct relay *relays[2]; /* [1] NULL: podinit's are one, and so are the process's */
};

/* NULL, and errno. */
struct capture *capture_create(void);
/* NULL is fine. */
void capture_destroy(struct capture *capture);

/* A new instance, which gets capture->writers. */
void capture_begin(struct capture *capture, struct ev_loop *ev);
/* It has ended: all that it said is in the tail. */
void capture_end(struct capture *capture);
/* The end of podinit: as of relay_finish(). */
void capture_finish(struct capture *capture, int64_t deadline);

#endif
