/* A change of the pod's file on its way. Included by reload.c and model_reload.c only. */
#ifndef PODINIT_SIM_RELOAD_H
#define PODINIT_SIM_RELOAD_H

#include "sim.h"

struct reload {
	struct pod_spec fresh;
	struct changes changes; /* as podinit found them */
	/* The same by the simulator's own eyes, for each process of `fresh`: */
	int old_of[SIM_PROCESSES_MAX];	  /* -1: it is new */
	uint8_t kinds[SIM_PROCESSES_MAX]; /* enum change_kind; of LIVE and NONE: LIVE */
	bool leaving[SIM_PROCESSES_MAX];  /* of the old pod */
};

#endif
