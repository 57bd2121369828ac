/* The types of values that add up when their key repeats: lists, variables, mounts. Must not
 * know any single key. */
#include <string.h>

#include "value_types.h"
#include "words.h"

/* Appended when all of it is known to be good: the array is shared with the field. */
static void append_all(struct arena *arena, struct strings *list, const struct strings *items)
{
	for (int i = 0; i < items->count; i++)
		strings_add(arena, list, items->items[i]);
}

bool value_parse_list(const struct parse *parse)
{
	struct arena *arena = parse->context->arena;
	struct strings items = {0};
	const char *s = parse->value;
	if (!*s)
		return value_must_be(parse, "a list");
	for (bool more = true; more;) {
		s += strspn(s, " \t\n");
		size_t length = strcspn(s, ",\n");
		const char *end = s + length;
		while (length && strchr(" \t", s[length - 1]))
			length--;
		if (!length)
			return value_must_be(parse, "a list without empty items");
		strings_add(arena, &items, arena_strndup(arena, s, length));
		more = *end;
		s = end + more;
	}
	append_all(arena, &parse->field->strings, &items);
	return true;
}

bool value_parse_strings(const struct parse *parse)
{
	struct strings list = parse->field->strings;
	if (!value_parse_string(parse)) {
		parse->field->strings = list;
		return false;
	}
	const char *item = parse->field->text;
	parse->field->strings = list;
	strings_add(parse->context->arena, &parse->field->strings, item);
	return true;
}

bool value_parse_env(const struct parse *parse)
{
	struct arena *arena = parse->context->arena;
	const char *equals = strchr(parse->value, '=');
	size_t length = equals ? (size_t)(equals - parse->value) : 0;
	if (!length || strcspn(parse->value, " \t\n") < length)
		return value_must_be(parse, "NAME=value");
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

bool sub_path_is_inside(const char *path)
{
	return *path && *path != '/' && !goes_up(path);
}

/* The value of "NAME=value", or NULL. */
static const char *option_value(const char *option, const char *name)
{
	size_t length = strlen(name);
	return strncmp(option, name, length) == 0 && option[length] == '=' ? option + length + 1
									   : NULL;
}

static bool choose(uint8_t *out, const char *const *choices, const char *value)
{
	for (uint8_t i = 0; choices[i]; i++) {
		if (strcmp(choices[i], value) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static const char *const PROPAGATIONS[] = {[PROPAGATION_NONE] = "None",
	[PROPAGATION_HOST_TO_CONTAINER] = "HostToContainer",
	[PROPAGATION_BIDIRECTIONAL] = "Bidirectional",
	NULL};
static const char *const RECURSIVES[] = {[RECURSIVE_DISABLED] = "Disabled",
	[RECURSIVE_IF_POSSIBLE] = "IfPossible",
	[RECURSIVE_ENABLED] = "Enabled",
	NULL};
static const char MOUNT_FORM[] = "VOLUME:PATH[:ro][:subPath=DIR]";
static const char MOUNT_OPTIONS[] = "VOLUME:PATH with options ro, subPath=, subPathExpr=, "
				    "mountPropagation=, recursiveReadOnly=";

static bool mount_option(const struct parse *parse, struct volume_mount *mount, const char *option)
{
	const char *value;
	if (strcmp(option, "ro") == 0 || strcmp(option, "rw") == 0) {
		mount->read_only = option[1] == 'o';
	} else if ((value = option_value(option, "subPath"))) {
		if (!sub_path_is_inside(value) || mount->sub_path_expr)
			return value_must_be(
				parse, "a mount whose subPath is relative, without ..");
		mount->sub_path = value;
	} else if ((value = option_value(option, "subPathExpr"))) {
		if (!*value || mount->sub_path)
			return value_must_be(parse, "a mount with one subPath or subPathExpr");
		mount->sub_path_expr = value;
	} else if ((value = option_value(option, "mountPropagation"))) {
		return choose(&mount->propagation, PROPAGATIONS, value) ||
			value_must_be(parse,
				"a mountPropagation of None, HostToContainer or Bidirectional");
	} else if ((value = option_value(option, "recursiveReadOnly"))) {
		return choose(&mount->recursive, RECURSIVES, value) ||
			value_must_be(
				parse, "a recursiveReadOnly of Disabled, IfPossible or Enabled");
	} else {
		return value_must_be(parse, MOUNT_OPTIONS);
	}
	return true;
}

bool value_parse_mount(const struct parse *parse)
{
	enum { PARTS_MAX = 6 };
	struct arena *arena = parse->context->arena;
	struct volume_mount mount = {.line = parse->context->line};
	const char *plain, *problem = text_unquote(arena, parse->value, &plain);
	if (problem || strchr(parse->value, '\n'))
		return value_must_be(parse, MOUNT_FORM);
	char *s = arena_strdup(arena, plain), *part[PARTS_MAX];
	int parts = 0;
	for (; s && parts < PARTS_MAX; parts++) {
		part[parts] = s;
		s = strchr(s, ':');
		if (s)
			*s++ = '\0';
	}
	if (s)
		return value_must_be(parse, MOUNT_FORM);
	if (parts < 2 || !name_is_label(part[0]) || !*part[1] || goes_up(part[1]))
		return value_must_be(parse, MOUNT_FORM);
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

/* Items of a list hold neither commas nor outer blanks: they need no quotes. */
void value_write_list(struct text *out, const struct key *key, const union any_field *field)
{
	for (int i = 0; i < field->strings.count; i++) {
		value_write_name(out, key);
		text_add(out, "%s\n", field->strings.items[i]);
	}
}

void value_write_strings(struct text *out, const struct key *key, const union any_field *field)
{
	for (int i = 0; i < field->strings.count; i++) {
		value_write_name(out, key);
		text_quote(out, field->strings.items[i]);
		text_add(out, "\n");
	}
}

void value_write_env(struct text *out, const struct key *key, const union any_field *field)
{
	for (int i = 0; i < field->strings.count; i++) {
		const char *item = field->strings.items[i], *equals = strchr(item, '=');
		value_write_name(out, key);
		text_add(out, "%.*s=", (int)(equals - item), item);
		text_quote(out, equals + 1);
		text_add(out, "\n");
	}
}

void value_write_mounts(struct text *out, const struct key *key, const union any_field *field)
{
	for (int i = 0; i < field->mounts.count; i++) {
		const struct volume_mount *mount = &field->mounts.items[i];
		struct text value = {0};
		text_add(&value, "%s:%s%s", mount->volume, mount->path,
			mount->read_only ? ":ro" : "");
		if (mount->sub_path_expr)
			text_add(&value, ":subPathExpr=%s", mount->sub_path_expr);
		else if (mount->sub_path)
			text_add(&value, ":subPath=%s", mount->sub_path);
		if (mount->propagation)
			text_add(&value, ":mountPropagation=%s", PROPAGATIONS[mount->propagation]);
		if (mount->recursive)
			text_add(&value, ":recursiveReadOnly=%s", RECURSIVES[mount->recursive]);
		value_write_name(out, key);
		text_quote(out, value.data);
		text_add(out, "\n");
		text_finish(&value);
	}
}
