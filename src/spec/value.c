/* Parsing and writing the value of one key by its type. Must not know any single key. */
#include "value.h"

#include <stdlib.h>
#include <string.h>

#include "units.h"
#include "words.h"

/* The widest field there is: where values are checked that nothing stores. */
union any_field {
	bool boolean;
	uint8_t choice;
	int32_t integer;
	int64_t wide;
	const char *text;
	struct strings strings;
	struct volume_mounts mounts;
	struct restart_rules rules;
};

bool name_is_label(const char *name)
{
	static const char inner[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t length = strlen(name);
	return length >= 1 && length <= 63 && strspn(name, inner) == length && name[0] != '-' &&
		name[length - 1] != '-';
}

struct parse {
	const struct value_context *context;
	const struct key *key;
	union any_field *field;
	const char *value;
	struct text *why;
};

/* Says what a value must be; returns false, so that a parser can end with it. */
static bool must_be(const struct parse *parse, const char *what)
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

static bool out_of_range(const struct parse *parse)
{
	char range[64];
	struct text text = text_in(range, sizeof(range));
	if (parse->key->max == INT32_MAX)
		text_add(&text, "at least %lld", (long long)parse->key->min);
	else
		text_add(&text, "%lld..%lld", (long long)parse->key->min,
			(long long)parse->key->max);
	if (parse->key->unit)
		text_add(&text, " %s", parse->key->unit);
	return must_be(parse, range);
}

static bool parse_bool(const struct parse *parse)
{
	bool yes = strcmp(parse->value, "true") == 0;
	if (!yes && strcmp(parse->value, "false") != 0)
		return must_be(parse, "true or false");
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
		return must_be(parse, "empty, true or false");
	parse->field->boolean = yes;
	return true;
}

static bool parse_int(const struct parse *parse)
{
	int64_t value;
	if (!integer_parse(parse->value, &value))
		return must_be(parse, "an integer");
	if (value < parse->key->min || value > parse->key->max)
		return out_of_range(parse);
	parse->field->integer = (int32_t)value;
	return true;
}

static bool parse_duration(const struct parse *parse)
{
	int64_t ns;
	if (!duration_parse(parse->value, &ns))
		return must_be(parse, "a duration like 30, 500ms or 1m30s");
	if (ns < parse->key->min * NS_PER_SECOND || ns > parse->key->max * NS_PER_SECOND)
		return out_of_range(parse);
	parse->field->wide = ns;
	return true;
}

static bool parse_quantity(const struct parse *parse)
{
	return quantity_parse(parse->value, &parse->field->wide) ||
		must_be(parse, "a quantity like 2, 500m or 256Mi");
}

static bool parse_string(const struct parse *parse)
{
	const char *plain;
	const char *problem = text_unquote(parse->context->arena, parse->value, &plain);
	if (problem) {
		if (parse->why)
			text_add(parse->why, "%s", problem);
		return false;
	}
	if (!*plain)
		return must_be(parse, "a text");
	parse->field->text = arena_strdup(parse->context->arena, plain);
	return true;
}

static bool parse_path(const struct parse *parse)
{
	if (parse->value[0] != '/' && strncmp(parse->value, "$'/", 3) != 0)
		return must_be(parse, "an absolute path");
	return parse_string(parse);
}

static bool parse_file(const struct parse *parse)
{
	if (!parse_string(parse))
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
			return must_be(parse, "1..65535");
	} else if (!name_is_label(parse->value) || strlen(parse->value) > 15) {
		/* IANA_SVC_NAME, as Kubernetes names ports */
		return must_be(parse, "1..65535 or a port's name");
	}
	return parse_string(parse);
}

static bool parse_user(const struct parse *parse)
{
	int64_t number;
	if (integer_parse(parse->value, &number)) {
		if (number < 0 || number > INT32_MAX)
			return must_be(parse, "0..2147483647 or a name");
	} else if (strpbrk(parse->value, " :,\t/") || parse->value[0] == '-') {
		return must_be(parse, "a number or a name");
	}
	return parse_string(parse);
}

static bool parse_octal(const struct parse *parse)
{
	char *end;
	long value = strtol(parse->value, &end, 8);
	if (end == parse->value || *end || value < 0 || value > 0777)
		return must_be(parse, "an octal number 0..0777");
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
			text_add(&list, "%s%s", !list.length ? "" : choices[i + 1] ? ", " : " or ",
				choices[i]);
	}
	must_be(parse, list.data);
	text_finish(&list);
	return false;
}

static bool parse_signal(const struct parse *parse)
{
	int signo;
	if (!signal_parse(parse->value, &signo))
		return must_be(parse, "a signal like TERM, SIGUSR1, RTMIN+3 or 15");
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
		return must_be(parse, "a command");
	parse->field->strings = words;
	return true;
}

static bool parse_list(const struct parse *parse)
{
	struct arena *arena = parse->context->arena;
	const char *s = parse->value;
	if (!*s)
		return must_be(parse, "a list");
	for (bool more = true; more;) {
		s += strspn(s, " \t\n");
		size_t length = strcspn(s, ",\n");
		const char *end = s + length;
		while (length && strchr(" \t", s[length - 1]))
			length--;
		if (!length)
			return must_be(parse, "a list without empty items");
		strings_add(arena, &parse->field->strings, arena_strndup(arena, s, length));
		more = *end;
		s = end + more;
	}
	return true;
}

static bool parse_strings(const struct parse *parse)
{
	struct strings list = parse->field->strings;
	if (!parse_string(parse)) {
		parse->field->strings = list;
		return false;
	}
	const char *item = parse->field->text;
	parse->field->strings = list;
	strings_add(parse->context->arena, &parse->field->strings, item);
	return true;
}

static bool parse_env(const struct parse *parse)
{
	struct arena *arena = parse->context->arena;
	const char *equals = strchr(parse->value, '=');
	size_t length = equals ? (size_t)(equals - parse->value) : 0;
	if (!length || strcspn(parse->value, " \t\n") < length)
		return must_be(parse, "NAME=value");
	const char *plain;
	const char *problem = text_unquote(arena, equals + 1, &plain);
	if (problem) {
		if (parse->why)
			text_add(parse->why, "%s", problem);
		return false;
	}
	struct text item = {0};
	text_add(&item, "%.*s=%s", (int)length, parse->value, plain);
	strings_add(arena, &parse->field->strings, arena_strdup(arena, item.data));
	text_finish(&item);
	return true;
}

/* Does one component of the path equal ".."? */
static bool goes_up(const char *path)
{
	for (const char *s = path; *s; s += strspn(s, "/")) {
		size_t length = strcspn(s, "/");
		if (length == 2 && strncmp(s, "..", 2) == 0)
			return true;
		s += length;
	}
	return false;
}

static bool mount_option(const struct parse *parse, struct volume_mount *mount, const char *option)
{
	if (strcmp(option, "ro") == 0 || strcmp(option, "rw") == 0) {
		mount->read_only = option[1] == 'o';
	} else if (strncmp(option, "subPath=", 8) == 0) {
		if (!option[8] || option[8] == '/' || goes_up(option + 8))
			return must_be(parse, "a mount whose subPath is relative, without ..");
		mount->sub_path = option + 8;
	} else {
		static const char *const later[] = {"subPathExpr=", "recursiveReadOnly=",
			"mountPropagation="};
		for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++) {
			if (strncmp(option, later[i], strlen(later[i])) == 0) {
				if (parse->why)
					text_add(parse->why, "'%s' is not supported yet", option);
				return false;
			}
		}
		return must_be(parse, "VOLUME:PATH[:ro][:subPath=DIR]");
	}
	return true;
}

static bool parse_mount(const struct parse *parse)
{
	struct arena *arena = parse->context->arena;
	struct volume_mount mount = {.line = parse->context->line};
	char *copy = arena_strdup(arena, parse->value), *part[8];
	int parts = 0;
	for (char *s = copy; s && parts < 8; parts++) {
		part[parts] = s;
		s = strchr(s, ':');
		if (s)
			*s++ = '\0';
	}
	if (parts < 2 || !name_is_label(part[0]) || !*part[1] || goes_up(part[1]))
		return must_be(parse, "VOLUME:PATH[:ro][:subPath=DIR]");
	mount.volume = part[0];
	mount.path = part[1];
	if (mount.path[0] != '/') {
		/* as Kubernetes does */
		char *absolute = arena_alloc(arena, strlen(mount.path) + 2);
		absolute[0] = '/';
		strcpy(absolute + 1, mount.path);
		mount.path = absolute;
	}
	for (int i = 2; i < parts; i++) {
		if (!mount_option(parse, &mount, part[i]))
			return false;
	}
	struct volume_mounts *mounts = &parse->field->mounts;
	mounts->items = arena_grow(arena, mounts->items, mounts->count, sizeof(mount));
	mounts->items[mounts->count++] = mount;
	return true;
}

static bool parse_rule(const struct parse *parse)
{
	static const char form[] = "'Restart In CODES' or 'Restart NotIn CODES', codes 0..255 "
				   "with commas between";
	struct restart_rule rule = {0};
	const char *s = parse->value;
	if (strncmp(s, "RestartAllContainers", 20) == 0) {
		if (parse->why)
			text_add(parse->why, "action RestartAllContainers is not supported yet");
		return false;
	}
	if (strncmp(s, "Restart ", 8) != 0)
		return must_be(parse, form);
	s += 8 + strspn(s + 8, " ");
	size_t word = strcspn(s, " ");
	rule.not_in = word == 5 && strncmp(s, "NotIn", 5) == 0;
	if (!rule.not_in && !(word == 2 && strncmp(s, "In", 2) == 0))
		return must_be(parse, form);
	s += word;
	s += strspn(s, " ");
	/* "NotIn" of nothing matches every code. */
	while (*s) {
		char *end;
		long code = strtol(s, &end, 10);
		if (end == s || code < 0 || code > 255)
			return must_be(parse, form);
		rule.codes[code / 8] |= (uint8_t)(1 << code % 8);
		s = end + strspn(end, " ");
		if (*s == ',' && s[1])
			s += 1 + strspn(s + 1, " ");
		else if (*s)
			return must_be(parse, form);
	}
	struct restart_rules *rules = &parse->field->rules;
	if (rules->count >= SPEC_RULES_MAX) {
		if (parse->why)
			text_add(parse->why, "more than %d rules", SPEC_RULES_MAX);
		return false;
	}
	rules->items = arena_grow(parse->context->arena, rules->items, rules->count, sizeof(rule));
	rules->items[rules->count++] = rule;
	return true;
}

/* --- writing --- */

static void write_line(struct text *out, const struct key *key)
{
	text_add(out, "%s = ", key->name);
}

static void write_bool(struct text *out, const struct key *key, const union any_field *field)
{
	write_line(out, key);
	text_add(out, "%s\n", field->boolean ? "true" : "false");
}

static void write_flag(struct text *out, const struct key *key, const union any_field *field)
{
	if (field->boolean)
		text_add(out, "%s =\n", key->name);
}

static void write_int(struct text *out, const struct key *key, const union any_field *field)
{
	write_line(out, key);
	text_add(out, key->type == KEY_OCTAL ? "0%o\n" : "%d\n", field->integer);
}

static void write_duration(struct text *out, const struct key *key, const union any_field *field)
{
	if (field->wide < 0 && key->min >= 0)
		return; /* unset */
	write_line(out, key);
	duration_write(out, field->wide);
	text_add(out, "\n");
}

static void write_quantity(struct text *out, const struct key *key, const union any_field *field)
{
	write_line(out, key);
	text_add(out, field->wide % 1000 ? "%lldm\n" : "%lld\n",
		(long long)(field->wide % 1000 ? field->wide : field->wide / 1000));
}

static void write_string(struct text *out, const struct key *key, const union any_field *field)
{
	if (!field->text)
		return;
	write_line(out, key);
	text_quote(out, field->text);
	text_add(out, "\n");
}

static void write_enum(struct text *out, const struct key *key, const union any_field *field)
{
	if (!*key->choices[field->choice])
		return; /* unset */
	write_line(out, key);
	text_add(out, "%s\n", key->choices[field->choice]);
}

static void write_signal(struct text *out, const struct key *key, const union any_field *field)
{
	if (!field->integer)
		return;
	write_line(out, key);
	text_add(out, "%s\n", signal_name(field->integer));
}

static void write_words(struct text *out, const struct key *key, const union any_field *field)
{
	if (!field->strings.count)
		return;
	write_line(out, key);
	words_join(out, &field->strings);
	text_add(out, "\n");
}

static void write_list(struct text *out, const struct key *key, const union any_field *field)
{
	for (int i = 0; i < field->strings.count; i++) {
		write_line(out, key);
		text_quote(out, field->strings.items[i]);
		text_add(out, "\n");
	}
}

static void write_env(struct text *out, const struct key *key, const union any_field *field)
{
	for (int i = 0; i < field->strings.count; i++) {
		const char *item = field->strings.items[i], *equals = strchr(item, '=');
		write_line(out, key);
		text_add(out, "%.*s=", (int)(equals - item), item);
		text_quote(out, equals + 1);
		text_add(out, "\n");
	}
}

static void write_mounts(struct text *out, const struct key *key, const union any_field *field)
{
	for (int i = 0; i < field->mounts.count; i++) {
		const struct volume_mount *mount = &field->mounts.items[i];
		write_line(out, key);
		text_add(out, "%s:%s%s", mount->volume, mount->path,
			mount->read_only ? ":ro" : "");
		if (mount->sub_path)
			text_add(out, ":subPath=%s", mount->sub_path);
		text_add(out, "\n");
	}
}

static void write_rules(struct text *out, const struct key *key, const union any_field *field)
{
	for (int i = 0; i < field->rules.count; i++) {
		const struct restart_rule *rule = &field->rules.items[i];
		write_line(out, key);
		text_add(out, "Restart %s", rule->not_in ? "NotIn" : "In");
		const char *before = " ";
		for (int code = 0; code < 256; code++) {
			if (rule->codes[code / 8] & 1 << code % 8) {
				text_add(out, "%s%d", before, code);
				before = ",";
			}
		}
		text_add(out, "\n");
	}
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
	[KEY_STRING] = {parse_string, write_string, sizeof(char *)},
	[KEY_PATH] = {parse_path, write_string, sizeof(char *)},
	[KEY_FILE] = {parse_file, write_string, sizeof(char *)},
	[KEY_PORT] = {parse_port, write_string, sizeof(char *)},
	[KEY_USER] = {parse_user, write_string, sizeof(char *)},
	[KEY_OCTAL] = {parse_octal, write_int, sizeof(int32_t)},
	[KEY_ENUM] = {parse_enum, write_enum, sizeof(uint8_t)},
	[KEY_SIGNAL] = {parse_signal, write_signal, sizeof(int32_t)},
	[KEY_WORDS] = {parse_words, write_words, sizeof(struct strings)},
	[KEY_LIST] = {parse_list, write_list, sizeof(struct strings)},
	[KEY_STRINGS] = {parse_strings, write_list, sizeof(struct strings)},
	[KEY_ENV] = {parse_env, write_env, sizeof(struct strings)},
	[KEY_MOUNTS] = {parse_mount, write_mounts, sizeof(struct volume_mounts)},
	[KEY_RULES] = {parse_rule, write_rules, sizeof(struct restart_rules)},
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
