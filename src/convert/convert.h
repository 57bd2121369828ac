/* What the formats' readers share: what they find fault with. They do not print, and do not open files. */
#ifndef PODINIT_CONVERT_CONVERT_H
#define PODINIT_CONVERT_CONVERT_H

#include "../spec/spec.h"

/* Zeroed is empty; the owner calls text_finish() for the texts of both. */
struct convert_report {
	struct problems errors;	  /* with any of them there is no result */
	struct problems warnings; /* what was left out of the result; --strict: errors */
};

#endif
