/* Values of keys: from text into a field, and from a field into text that reads back the same.
 * Which type a value has is its row's business (keys.h). */
#ifndef PODINIT_SPEC_VALUE_H
#define PODINIT_SPEC_VALUE_H

#include "keys.h"

struct value_context {
	struct arena *arena;
	const char *directory; /* of the file, for KEY_FILE; "" for the current one */
	int line;
};

/* Parses `value` into `field` (of the row's type; NULL: check only). For a repeating key it
 * appends. Returns false and, where `why` is not NULL, adds what is wrong: "must be 1..65535, got
 * '0'". The field is then unchanged. */
bool value_parse(const struct value_context *context, const struct key *key, void *field,
	const char *value, struct text *why);

/* Adds "key = value" lines, one for each item of a repeating key; nothing where the field holds
 * the default. */
void value_write(struct text *out, const struct key *key, const void *field);

/* Is `name` a DNS label (RFC 1123): lower-case letters, digits and '-', at most 63? */
bool name_is_label(const char *name);
/* Is a subPath relative, and without ".."? */
bool sub_path_is_inside(const char *path);

/* An item of dependsOn: "db:ready". */
struct dependency_name {
	size_t length; /* of the name, with which the item begins */
	enum dependency_condition condition;
};
/* False: it is not written so. */
bool dependency_parse(const char *item, struct dependency_name *out);

#endif
