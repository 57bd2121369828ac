/* The command line of an actor, the program that every container, probe and hook of a case runs: read here
 * once, for the real one (actor.c) and for the one that only exists on the virtual clock (virtual.c).
 * README.md says what each word means. */
#ifndef PODINIT_CONFORMANCE_WORDS_H
#define PODINIT_CONFORMANCE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

enum step_type {
	STEP_START_DELAY, /* seconds_ns, before Started */
	STEP_DELAY,	  /* seconds_ns */
	STEP_LOOP,	  /* until it is told to stop */
	STEP_TOUCH,	  /* text */
	STEP_REMOVE,	  /* text */
	STEP_EXISTS,	  /* text; not: ends with 1 */
	STEP_EXITS,	  /* text: codes of the first runs */
	STEP_PRINT,	  /* text */
	STEP_PRINT_ENV,	  /* text */
	STEP_CHILD,	  /* seconds_ns that a child stays */
	STEP_SERVE,	  /* text: kind, number: port */
	STEP_STATUS,	  /* number: of HTTP */
	STEP_REDIRECT,	  /* text: where /redirect leads */
	STEP_GET,	  /* text: a path, number: port */
	STEP_WRITE,	  /* text: PATH:WORDS */
	STEP_IDENTITY,
	STEP_RUN, /* text: a command of the shell */
};

struct step_word {
	enum step_type type;
	int number;
	int64_t seconds_ns;
	const char *text;
};

enum at_term { TERM_ENDS, TERM_IGNORED, TERM_DEFAULT };

enum { STEPS_MAX = 24 };

struct actor_words {
	const char *name;	       /* in its lines */
	const char *whose;	       /* the container whose files it sees */
	bool quiet;		       /* says nothing of itself */
	int exit_code, term_exit_code; /* of its own end; of that on a stop signal */
	enum at_term at_term;
	int stop_signal;
	int64_t term_ns;	 /* from the stop signal to the end */
	const char *term_remove; /* NULL: nothing is removed at the stop signal */
	struct step_word steps[STEPS_MAX];
	int step_count;
};

/* False: *bad is the word that nobody understands. The words must outlive it. */
bool actor_read(struct actor_words *actor, int argc, const char *const *argv, const char **bad);
/* How the run-th instance (from 1) ends by "exits=1,-,0"; -1: it goes on, as by a "-". */
int exits_code(const char *text, int run);

#endif
