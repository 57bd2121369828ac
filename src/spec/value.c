/* Parsing and writing the value of one key by its type: the table of types, and those that hold one
 * value. Must not know any single key. */
#include "value_types.h"

#include <stdlib.h>
#include <string.h>

#include "units.h"
#include "words.h"

bool name_is_label(const char *name)
{
	static const char inner[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t length = strlen(name);
	return length >= 1 && length <= 63 && strspn(name, inner) == length && name[0] != '-' &&
		name[length - 1] != '-';
}

bool value_must_be(const struct parse *parse, const char *what)
{
	if (!parse->why)
		return false;
	text_add(parse->why, "must be %s, got '", what);
	if (strlen(parse->value) > 60)
		text_add(parse->why, "%.57s...'", parse->value);
	else
		text_add(parse->why, "%s'", parse->value);
	return false;
}

/* Where Kubernetes' least is one whole second a part of one will do, as long as it keeps nobody busy. */
static int64_t shortest(const struct key *key)
{
	return key->parts ? 10 * NS_PER_MS : key->min * NS_PER_SECOND;
}

static bool out_of_range(const struct parse *parse)
{
	char range[64];
	struct text text = text_in(range, sizeof(range));
	if (parse->key->parts)
		text_add(&text, "at least 0.01");
	else if (parse->key->max == INT32_MAX)
		text_add(&text, "at least %lld", (long long)parse->key->min);
	else
		text_add(&text, "%lld..%lld", (long long)parse->key->min,
			(long long)parse->key->max);
	if (parse->key->unit)
		text_add(&text, " %s", parse->key->unit);
	return value_must_be(parse, range);
}

static bool parse_bool(const struct parse *parse)
{
	bool yes = strcmp(parse->value, "true") == 0;
	if (!yes && strcmp(parse->value, "false") != 0)
		return value_must_be(parse, "true or false");
	parse->field->boolean = yes;
	return true;
}

static bool parse_flag(const struct parse *parse)
{
	/* "emptyDir = {}" is what Kubernetes writes. */
	if (!*parse->value || strcmp(parse->value, "{}") == 0) {
		parse->field->boolean = true;
		return true;
	}
	bool yes = strcmp(parse->value, "true") == 0;
	if (!yes && strcmp(parse->value, "false") != 0)
		return value_must_be(parse, "empty, true or false");
	parse->field->boolean = yes;
	return true;
}

static bool parse_int(const struct parse *parse)
{
	int64_t value;
	if (!integer_parse(parse->value, &value))
		return value_must_be(parse, "an integer");
	if (value < parse->key->min || value > parse->key->max)
		return out_of_range(parse);
	parse->field->integer = (int32_t)value;
	return true;
}

static bool parse_duration(const struct parse *parse)
{
	int64_t ns;
	if (!duration_parse(parse->value, &ns))
		return value_must_be(parse, "a duration like 30, 500ms or 1m30s");
	if (ns < shortest(parse->key) || ns > parse->key->max * NS_PER_SECOND)
		return out_of_range(parse);
	parse->field->wide = ns;
	return true;
}

static bool parse_quantity(const struct parse *parse)
{
	return quantity_parse(parse->value, &parse->field->wide) ||
		value_must_be(parse, "a quantity like 2, 500m or 256Mi");
}

bool value_parse_string(const struct parse *parse)
{
	const char *plain;
	const char *problem = text_unquote(parse->context->arena, parse->value, &plain);
	if (problem) {
		if (parse->why)
			text_add(parse->why, "%s", problem);
		return false;
	}
	if (!*plain)
		return value_must_be(parse, "a text");
	parse->field->text = arena_strdup(parse->context->arena, plain);
	return true;
}

static bool parse_path(const struct parse *parse)
{
	if (*parse->value && !value_parse_string(parse))
		return false;
	if (!*parse->value || parse->field->text[0] != '/')
		return value_must_be(parse, "an absolute path");
	return true;
}

static bool parse_file(const struct parse *parse)
{
	if (!value_parse_string(parse))
		return false;
	const char *path = parse->field->text, *directory = parse->context->directory;
	if (path[0] != '/' && *directory) {
		struct text joined = {0};
		text_add(&joined, "%s/%s", directory, path);
		parse->field->text = arena_strdup(parse->context->arena, joined.data);
		text_finish(&joined);
	}
	return true;
}

static bool parse_port(const struct parse *parse)
{
	int64_t number;
	if (integer_parse(parse->value, &number)) {
		if (number < 1 || number > 65535)
			return value_must_be(parse, "1..65535");
	} else if (!name_is_label(parse->value) || strlen(parse->value) > 15) {
		/* IANA_SVC_NAME, as Kubernetes names ports */
		return value_must_be(parse, "1..65535 or a port's name");
	}
	return value_parse_string(parse);
}

static bool parse_user(const struct parse *parse)
{
	int64_t number;
	if (integer_parse(parse->value, &number)) {
		if (number < 0 || number > INT32_MAX)
			return value_must_be(parse, "0..2147483647 or a name");
	} else if (strpbrk(parse->value, " :,\t/") || parse->value[0] == '-') {
		return value_must_be(parse, "a number or a name");
	}
	return value_parse_string(parse);
}

static bool parse_octal(const struct parse *parse)
{
	char *end;
	long value = strtol(parse->value, &end, 8);
	if (end == parse->value || *end || value < 0 || value > 0777)
		return value_must_be(parse, "an octal number 0..0777");
	parse->field->integer = (int32_t)value;
	return true;
}

static bool parse_enum(const struct parse *parse)
{
	const char *const *choices = parse->key->choices;
	struct text list = {0};
	/* min 1: the empty choice is "unset" and cannot be written. */
	for (int i = (int)parse->key->min; choices[i]; i++) {
		if (strcmp(choices[i], parse->value) == 0) {
			parse->field->choice = (uint8_t)i;
			text_finish(&list);
			return true;
		}
		if (*choices[i])
			text_add(&list, "%s%s",
				!list.length		 ? ""
					: choices[i + 1] ? ", "
							 : " or ",
				choices[i]);
	}
	value_must_be(parse, list.data);
	text_finish(&list);
	return false;
}

static bool parse_signal(const struct parse *parse)
{
	int signo;
	if (!signal_parse(parse->value, &signo))
		return value_must_be(parse, "a signal like TERM, SIGUSR1, RTMIN+3 or 15");
	parse->field->integer = signo;
	return true;
}

static bool parse_words(const struct parse *parse)
{
	struct strings words = {0};
	const char *problem = words_split(parse->context->arena, &words, parse->value);
	if (problem) {
		if (parse->why)
			text_add(parse->why, "%s", problem);
		return false;
	}
	if (!words.count)
		return value_must_be(parse, "a command");
	parse->field->strings = words;
	return true;
}

/* --- writing --- */

void value_write_name(struct text *out, const struct key *key)
{
	text_add(out, "%s = ", key->name);
}

static void write_bool(struct text *out, const struct key *key, const union any_field *field)
{
	value_write_name(out, key);
	text_add(out, "%s\n", field->boolean ? "true" : "false");
}

static void write_flag(struct text *out, const struct key *key, const union any_field *field)
{
	if (field->boolean)
		text_add(out, "%s =\n", key->name);
}

static void write_int(struct text *out, const struct key *key, const union any_field *field)
{
	bool is_less = key->min > 0 && field->integer < key->min;
	if (field->integer == INT_UNSET || is_less)
		return; /* unset: less than could be read back */
	value_write_name(out, key);
	text_add(out, key->type == KEY_OCTAL ? "0%o\n" : "%d\n", field->integer);
}

static void write_duration(struct text *out, const struct key *key, const union any_field *field)
{
	if (key->min >= 0 && field->wide < shortest(key))
		return; /* unset: less than could be read back */
	value_write_name(out, key);
	duration_write(out, field->wide);
	text_add(out, "\n");
}

static void write_quantity(struct text *out, const struct key *key, const union any_field *field)
{
	if (!field->wide)
		return; /* unset */
	value_write_name(out, key);
	quantity_write(out, field->wide);
	text_add(out, "\n");
}

static void write_string(struct text *out, const struct key *key, const union any_field *field)
{
	if (!field->text)
		return;
	value_write_name(out, key);
	text_quote(out, field->text);
	text_add(out, "\n");
}

static void write_enum(struct text *out, const struct key *key, const union any_field *field)
{
	if (!*key->choices[field->choice])
		return; /* unset */
	value_write_name(out, key);
	text_add(out, "%s\n", key->choices[field->choice]);
}

static void write_signal(struct text *out, const struct key *key, const union any_field *field)
{
	if (!field->integer)
		return;
	value_write_name(out, key);
	text_add(out, "%s\n", signal_name(field->integer));
}

static void write_words(struct text *out, const struct key *key, const union any_field *field)
{
	if (!field->strings.count)
		return;
	value_write_name(out, key);
	words_join(out, &field->strings);
	text_add(out, "\n");
}

static const struct {
	bool (*parse)(const struct parse *parse);
	void (*write)(struct text *out, const struct key *key, const union any_field *field);
	size_t size;
} TYPES[] = {
	[KEY_FLAG] = {parse_flag, write_flag, sizeof(bool)},
	[KEY_BOOL] = {parse_bool, write_bool, sizeof(bool)},
	[KEY_INT] = {parse_int, write_int, sizeof(int32_t)},
	[KEY_DURATION] = {parse_duration, write_duration, sizeof(int64_t)},
	[KEY_QUANTITY] = {parse_quantity, write_quantity, sizeof(int64_t)},
	[KEY_STRING] = {value_parse_string, write_string, sizeof(char *)},
	[KEY_PATH] = {parse_path, write_string, sizeof(char *)},
	[KEY_FILE] = {parse_file, write_string, sizeof(char *)},
	[KEY_PORT] = {parse_port, write_string, sizeof(char *)},
	[KEY_USER] = {parse_user, write_string, sizeof(char *)},
	[KEY_OCTAL] = {parse_octal, write_int, sizeof(int32_t)},
	[KEY_ENUM] = {parse_enum, write_enum, sizeof(uint8_t)},
	[KEY_SIGNAL] = {parse_signal, write_signal, sizeof(int32_t)},
	[KEY_WORDS] = {parse_words, write_words, sizeof(struct strings)},
	[KEY_LIST] = {value_parse_list, value_write_list, sizeof(struct strings)},
	[KEY_STRINGS] = {value_parse_strings, value_write_strings, sizeof(struct strings)},
	[KEY_ENV] = {value_parse_env, value_write_env, sizeof(struct strings)},
	[KEY_MOUNTS] = {value_parse_mount, value_write_mounts, sizeof(struct volume_mounts)},
	[KEY_RULES] = {value_parse_rule, value_write_rules, sizeof(struct restart_rules)},
	[KEY_CAPABILITIES] = {value_parse_capabilities, value_write_capabilities, sizeof(uint64_t)},
	[KEY_LIMIT] = {value_parse_limit, value_write_limit, sizeof(struct rlimit_spec)},
	[KEY_NUMBERS] = {value_parse_numbers, value_write_numbers, sizeof(struct number_set)},
	[KEY_PORTS] = {value_parse_ports, value_write_ports, sizeof(struct ports)},
	[KEY_EXIT_CODES] = {value_parse_exit_codes, value_write_exit_codes,
		sizeof(struct exit_codes)},
	[KEY_DEPENDENCIES] = {value_parse_dependencies, value_write_list, sizeof(struct strings)},
	[KEY_HEADERS] = {value_parse_headers, value_write_strings, sizeof(struct strings)},
	[KEY_LISTEN] = {value_parse_listen, value_write_listens, sizeof(struct listens)},
};
_Static_assert(sizeof(TYPES) / sizeof(*TYPES) == KEY_TYPE_COUNT, "a row per type");

bool value_parse(const struct value_context *context, const struct key *key, void *field,
	const char *value, struct text *why)
{
	/* Parsed beside the field, so that a bad value leaves it as it was. */
	union any_field parsed = {0};
	if (field)
		memcpy(&parsed, field, TYPES[key->type].size);
	const struct parse parse = {context, key, &parsed, value, why};
	if (!TYPES[key->type].parse(&parse))
		return false;
	if (field)
		memcpy(field, &parsed, TYPES[key->type].size);
	return true;
}

void value_write(struct text *out, const struct key *key, const void *field)
{
	union any_field stored = {0}, fallback = {0};
	memcpy(&stored, field, TYPES[key->type].size);
	if (key->fallback && !key_repeats(key)) {
		struct arena arena = {0};
		struct value_context context = {.arena = &arena, .directory = ""};
		value_parse(&context, key, &fallback, key->fallback, NULL);
		bool same = memcmp(&stored, &fallback, TYPES[key->type].size) == 0;
		arena_finish(&arena);
		if (same)
			return;
	}
	TYPES[key->type].write(out, key, &stored);
}
