/* The key table: every key of every section is one row, and the row is all there is to know. The
 * reader, the writer, `podinit --keys`, the man page and the converter's report read it.
 * Must not hold code for a single key: a meaning that no type has becomes a new type. */
#ifndef PODINIT_SPEC_KEYS_H
#define PODINIT_SPEC_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec.h"

/* How a value is written and what it is stored as. */
enum key_type {
	KEY_FLAG,	  /* no value or a boolean             bool */
	KEY_BOOL,	  /* true, false                       bool */
	KEY_INT,	  /* min..max                          int32_t */
	KEY_DURATION,	  /* seconds, or with a unit           int64_t, nanoseconds */
	KEY_QUANTITY,	  /* 500m, 256Mi                       int64_t, thousandths */
	KEY_STRING,	  /* any text, not empty               const char * */
	KEY_PATH,	  /* absolute                          const char * */
	KEY_FILE,	  /* a path, relative to the file's    const char *, absolute */
	KEY_PORT,	  /* 1..65535 or a port's name         const char * */
	KEY_USER,	  /* number or name                    const char * */
	KEY_OCTAL,	  /* 0..0777                           int32_t */
	KEY_ENUM,	  /* one of choices                    uint8_t, index of the choice */
	KEY_SIGNAL,	  /* SIGTERM, TERM, 15, RTMIN+3        int32_t */
	KEY_WORDS,	  /* words with shell quoting          struct strings */
	KEY_LIST,	  /* words between commas; repeats     struct strings */
	KEY_STRINGS,	  /* one text each; repeats            struct strings */
	KEY_ENV,	  /* NAME=value; repeats               struct strings */
	KEY_MOUNTS,	  /* VOLUME:PATH[:ro]...; repeats      struct volume_mounts */
	KEY_RULES,	  /* Restart In 42,43; repeats         struct restart_rules */
	KEY_CAPABILITIES, /* NET_ADMIN, ALL; repeats       uint64_t, bits */
	KEY_LIMIT,	  /* SOFT[:HARD], unlimited            struct rlimit_spec */
	KEY_NUMBERS,	  /* 0,2-3                             struct number_set */
	KEY_PORTS,	  /* [NAME:]NUMBER[/PROTOCOL]; repeats struct ports */
	KEY_EXIT_CODES,	  /* 1,143; repeats                    struct exit_codes */
	KEY_DEPENDENCIES, /* NAME[:CONDITION], ...; repeats    struct strings */
	KEY_HEADERS,	  /* Name: value; repeats              struct strings */
	KEY_LISTEN,	  /* [NAME=]ADDRESS[ OPTION...]; repeats struct listens */
	KEY_TYPE_COUNT,
};

enum key_section {
	IN_POD = 1,
	IN_VOLUME = 2,
	IN_INIT = 4,
	IN_SIDECAR = 8,
	IN_MAIN = 16,
	IN_PROCESS = IN_INIT | IN_SIDECAR | IN_MAIN,
};

/* Where the value is stored: in the section's struct (pod_spec, volume_spec, process_spec), or in
 * a struct hanging off the process that exists once one of its keys was written. */
enum key_holder {
	HOLDER_NOWHERE, /* checked, not stored: nothing reads it yet */
	HOLDER_SECTION,
	HOLDER_STARTUP_PROBE,
	HOLDER_LIVENESS_PROBE,
	HOLDER_READINESS_PROBE,
	HOLDER_POST_START,
	HOLDER_PRE_STOP,
	HOLDER_PRE_START,
	HOLDER_POST_STOP,
	HOLDER_RELOAD,
	HOLDER_LIFECYCLE,
	HOLDER_LIMITS,
	HOLDER_SECURITY,
	HOLDER_RESOURCES,
};

struct key {
	const char *name;
	uint8_t sections; /* enum key_section, or-ed */
	uint8_t type;	  /* enum key_type */
	uint8_t holder;	  /* enum key_holder */
	bool later;	  /* refused: "not supported yet" */
	bool required;	  /* of its section */
	bool parts;	  /* KEY_DURATION from 1: a part of a second will do, too */
	bool live; /* a pod that runs can be told of another value without a restart (change.h) */
	size_t offset;		    /* in the holder */
	int64_t min, max;	    /* KEY_INT: the value; KEY_DURATION: seconds; KEY_ENUM: min is
			  * the first choice that may be written. Both 0: any */
	const char *fallback;	    /* the default, as one would write it; NULL: unset */
	const char *const *choices; /* KEY_ENUM; NULL-terminated */
	const char *unit;	    /* NULL: none */
	const char *doc;	    /* one sentence */
};

extern const struct key KEYS[];
extern const int KEY_COUNT;

/* The row of `name` in a section (one bit of enum key_section), or NULL. */
const struct key *key_find(enum key_section section, const char *name);
/* The known name nearest to a misspelt one, or NULL if none is near. */
const char *key_nearest(enum key_section section, const char *name);

/* The address of the key's value in a section's struct. NULL where its holder is HOLDER_NOWHERE,
 * or does not exist (`arena` NULL) or is not to be made. With an arena a missing holder is made,
 * with its defaults. */
void *key_field(const struct key *key, void *section_struct, struct arena *arena);
/* Stores the default of every key of a section's struct; returns nothing to undo. */
void keys_set_defaults(
	enum key_section section, enum key_holder holder, void *holder_struct, struct arena *arena);

/* May the key be written more than once? */
bool key_repeats(const struct key *key);
/* Adds "sidecar and main": every section that has a key of this name. Returns whether any has. */
bool key_add_homes(struct text *out, const char *name);
/* "integer", "duration", ... for people. */
const char *key_type_name(enum key_type type);
/* Word for a section: "pod", "volume", "init", "sidecar", "main". */
const char *key_section_name(enum key_section section);

/* The table for people: `podinit --keys`. */
void keys_print(struct text *out);

#endif
