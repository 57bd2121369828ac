/* Values of a JSON document, by type, for any format in JSON: the reader knows its place in the document
 * ("syscalls[3].args[0]"), and every fault is reported with it. A null is as if its key was not there:
 * Go programs write it for what is empty. */
#ifndef PODINIT_CONVERT_JSON_READER_H
#define PODINIT_CONVERT_JSON_READER_H

#include <jansson.h>

#include "convert.h"

struct json_reader {
	const char *name; /* of the file */
	struct convert_report *report;
	struct text place; /* the owner calls text_finish() */
};

/* Goes down to an item of an array, or to a key; the result is for json_leave(). */
size_t json_enter(struct json_reader *reader, const char *key, size_t index);
size_t json_enter_key(struct json_reader *reader, const char *key);
void json_leave(struct json_reader *reader, size_t mark);

/* Reports about a key in this place or, where it is NULL, about the place itself. */
void json_error_at(struct json_reader *reader, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void json_warn_at(struct json_reader *reader, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The value of a key; NULL if it is not there, or null. */
const json_t *json_get(const json_t *object, const char *key);

/* The value of a key that has this type; NULL if it is not there or, after reporting it, has
 * another. `object` may be NULL. */
const char *json_get_text(struct json_reader *reader, const json_t *object, const char *key);
const json_t *json_get_array(struct json_reader *reader, const json_t *object, const char *key);
const json_t *json_get_object(struct json_reader *reader, const json_t *object, const char *key);

/* 0 to `max`; `missing` if it is not there; -1, after reporting it, if it is no such number. */
json_int_t json_get_number(struct json_reader *reader, const json_t *object, const char *key,
	json_int_t max, json_int_t missing);

/* Warns of each key that is not in the list, which ends with NULL. */
void json_check_keys(struct json_reader *reader, const json_t *object, const char *const *known);

#endif
