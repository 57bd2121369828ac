/* Walking down a JSON document. Must not know what any document means. */
#include "json_reader.h"

#include <stdarg.h>
#include <string.h>

/* --- places and messages --- */

size_t json_enter(struct json_reader *reader, const char *key, size_t index)
{
	size_t mark = reader->place.length;
	text_add(&reader->place, "%s%s[%zu]", mark ? "." : "", key, index);
	return mark;
}

size_t json_enter_key(struct json_reader *reader, const char *key)
{
	size_t mark = reader->place.length;
	text_add(&reader->place, "%s%s", mark ? "." : "", key);
	return mark;
}

void json_leave(struct json_reader *reader, size_t mark)
{
	reader->place.length = mark;
	reader->place.data[mark] = '\0';
}

/* About `key` in this place; NULL: about the place itself. */
static void add_problem(struct json_reader *reader, struct problems *problems, const char *key,
	const char *format, va_list arguments)
{
	struct text message = {0};
	text_vadd(&message, format, arguments);
	const char *place = reader->place.length ? reader->place.data : "";
	problem_add(problems, reader->name, 0, "%s%s%s: %s", place, *place && key ? "." : "",
		key ? key : "", message.data);
	text_finish(&message);
}

void json_error_at(struct json_reader *reader, const char *key, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add_problem(reader, &reader->report->errors, key, format, arguments);
	va_end(arguments);
}

void json_warn_at(struct json_reader *reader, const char *key, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add_problem(reader, &reader->report->warnings, key, format, arguments);
	va_end(arguments);
}

/* --- values by type --- */

const json_t *json_get(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return json_is_null(value) ? NULL : value;
}

const char *json_get_text(struct json_reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_get(object, key);
	if (value && !json_is_string(value))
		json_error_at(reader, key, "must be text in quotes");
	return json_string_value(value);
}

const json_t *json_get_array(struct json_reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_get(object, key);
	if (!value || json_is_array(value))
		return value;
	json_error_at(reader, key, "must be an array: [...]");
	return NULL;
}

const json_t *json_get_object(struct json_reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_get(object, key);
	if (!value || json_is_object(value))
		return value;
	json_error_at(reader, key, "must be an object: {...}");
	return NULL;
}

json_int_t json_get_number(struct json_reader *reader, const json_t *object, const char *key,
	json_int_t max, json_int_t missing)
{
	const json_t *value = json_get(object, key);
	if (!value)
		return missing;
	json_int_t number = json_integer_value(value);
	if (json_is_integer(value) && number >= 0 && number <= max)
		return number;
	if (max == INT64_MAX)
		json_error_at(reader, key, "must be a whole number, not negative");
	else
		json_error_at(reader, key, "must be a whole number, 0 to %lld", (long long)max);
	return -1;
}

void json_check_keys(struct json_reader *reader, const json_t *object, const char *const *known)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)object, key, value)
	{
		int i = 0;
		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			json_warn_at(reader, key, "there is no such key, so it was left out");
	}
}
