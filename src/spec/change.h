/* What differs between the pod that runs and a new reading of its file, and what that means for each process.
 * Compares by the key table, in the words in which values are written. Must not know what state a process is
 * in: core/transfer.h does. */
#ifndef PODINIT_SPEC_CHANGE_H
#define PODINIT_SPEC_CHANGE_H

#include "spec.h"

enum change_kind {
	CHANGE_NONE,
	CHANGE_LIVE,	/* goes on, and is told nothing: only podinit does otherwise from now on */
	CHANGE_RESTART, /* another instance, made anew */
	CHANGE_NEW,	/* there was none of this name and kind */
};

/* Of a process of the new pod. */
struct process_change {
	int32_t old;	/* index of the same one in the old pod; -1: CHANGE_NEW */
	uint8_t kind;	/* enum change_kind */
	uint8_t probes; /* bit per enum probe_type: that one is another */
	uint16_t padding;
};

struct changes {
	struct process_change *items; /* of each process of the new pod */
	int32_t *new_of_old;	      /* index; -1: it is removed */
	int new_count, old_count;
	int differences;  /* lines of `diff`, were there no maximum */
	struct text diff; /* a line each, for people: "main web: env: A=1 -> A=2 (restart)" */
};

/* Both are checked. What cannot be had while the pod runs is added to `problems`; then the rest is not
 * complete. The volumes of `fresh` are put in the order of `old`. */
void changes_find(struct changes *changes, const struct pod_spec *old, struct pod_spec *fresh,
	struct problems *problems);
/* Zeroed is fine. */
void changes_finish(struct changes *changes);

#endif
