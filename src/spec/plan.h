/* What the files of spec_plan() share. Nothing else includes it. */
#ifndef PODINIT_SPEC_PLAN_H
#define PODINIT_SPEC_PLAN_H

#include "spec.h"

/* Begins a line about a process. */
void plan_line(struct text *out, const char *name);
/* "5 s", "1500ms" */
void plan_seconds(struct text *out, int64_t ns);

/* plan_lifecycle.c: what comes before the process runs, and beside it... */
void plan_beside(struct text *out, const struct process_spec *process);
/* ... and what its end means: codes of success, the pod's end. */
void plan_exit(struct text *out, const struct lifecycle_spec *lifecycle);

#endif
