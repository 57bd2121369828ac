/* Looking keys up and printing the table. Must not know any single key. */
#include <string.h>

#include "keys.h"
#include "value.h"

const struct key *key_find(enum key_section section, const char *name)
{
	for (int i = 0; i < KEY_COUNT; i++) {
		if ((KEYS[i].sections & section) && strcmp(KEYS[i].name, name) == 0)
			return &KEYS[i];
	}
	return NULL;
}

enum { NAME_MAX_COMPARED = 64 };

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* Edits (insert, delete, replace, swap neighbours) that turn a into b; case does not count. */
static int edit_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	int rows[3][NAME_MAX_COMPARED + 1], *before = rows[0], *previous = rows[1], *row = rows[2];
	if (n > NAME_MAX_COMPARED || m > NAME_MAX_COMPARED)
		return NAME_MAX_COMPARED;
	for (size_t j = 0; j <= m; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= n; i++) {
		int *oldest = before;
		before = previous;
		previous = row;
		row = oldest;
		row[0] = (int)i;
		for (size_t j = 1; j <= m; j++) {
			bool same = lower(a[i - 1]) == lower(b[j - 1]);
			int best = previous[j - 1] + !same;
			if (previous[j] + 1 < best)
				best = previous[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
				lower(a[i - 2]) == lower(b[j - 1]) && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return row[m];
}

const char *key_nearest(enum key_section section, const char *name)
{
	const char *nearest = NULL;
	size_t length = strlen(name);
	int best = length > 12 ? 5 : length > 5 ? 4 : 3; /* what is further is a guess */
	for (int i = 0; i < KEY_COUNT; i++) {
		if (!(KEYS[i].sections & section))
			continue;
		int distance = edit_distance(name, KEYS[i].name);
		/* "port" for "startupProbe.httpGet.port": the end of a path will do. */
		const char *tail = strrchr(KEYS[i].name, '.');
		if (tail && edit_distance(name, tail + 1) == 0)
			distance = 1;
		if (distance < best) {
			best = distance;
			nearest = KEYS[i].name;
		}
	}
	return nearest;
}

static enum key_holder probe_holder(enum probe_type type)
{
	return HOLDER_STARTUP_PROBE + (int)type;
}

static void *make_probe(enum probe_type type, struct arena *arena)
{
	struct probe_spec *probe = arena_alloc(arena, sizeof(*probe));
	probe->grace_ns = -1;
	probe->handler.sleep_ns = -1;
	keys_set_defaults(IN_MAIN, probe_holder(type), probe, arena);
	return probe;
}

static void *make_hook(enum key_holder holder, struct arena *arena)
{
	struct handler *hook = arena_alloc(arena, sizeof(*hook));
	hook->sleep_ns = -1;
	keys_set_defaults(IN_MAIN, holder, hook, arena);
	return hook;
}

static void *make_limits(struct arena *arena)
{
	struct limits_spec *limits = arena_alloc(arena, sizeof(*limits));
	keys_set_defaults(IN_MAIN, HOLDER_LIMITS, limits, arena);
	return limits;
}

/* Where nothing was written all share one that says nothing. */
static struct lifecycle_spec *lifecycle_of(struct process_spec *process, struct arena *arena)
{
	if (process->lifecycle == &LIFECYCLE_UNSAID && arena) {
		struct lifecycle_spec *lifecycle = arena_alloc(arena, sizeof(*lifecycle));
		process->lifecycle = lifecycle;
		keys_set_defaults(IN_MAIN, HOLDER_LIFECYCLE, lifecycle, arena);
	}
	return (struct lifecycle_spec *)process->lifecycle;
}

void *key_field(const struct key *key, void *section_struct, struct arena *arena)
{
	struct process_spec *process = section_struct;
	void *base = NULL;
	switch ((enum key_holder)key->holder) {
	case HOLDER_NOWHERE:
		return NULL;
	case HOLDER_SECTION:
		base = section_struct;
		break;
	case HOLDER_STARTUP_PROBE:
	case HOLDER_LIVENESS_PROBE:
	case HOLDER_READINESS_PROBE: {
		enum probe_type type = (enum probe_type)(key->holder - HOLDER_STARTUP_PROBE);
		if (!process->probes[type] && arena)
			process->probes[type] = make_probe(type, arena);
		base = process->probes[type];
		break;
	}
	case HOLDER_POST_START:
	case HOLDER_PRE_STOP:
	case HOLDER_PRE_START:
	case HOLDER_POST_STOP:
	case HOLDER_RELOAD: {
		struct handler **hook =
			&lifecycle_of(process, arena)->hooks[key->holder - HOLDER_POST_START];
		if (!*hook && arena)
			*hook = make_hook(key->holder, arena);
		base = *hook;
		break;
	}
	case HOLDER_LIFECYCLE:
		base = lifecycle_of(process, arena);
		break;
	case HOLDER_LIMITS:
		if (!process->limits && arena)
			process->limits = make_limits(arena);
		base = process->limits;
		break;
	case HOLDER_SECURITY:
		if (process->security == &SECURITY_UNSAID && arena)
			process->security = arena_alloc(arena, sizeof(*process->security));
		base = (void *)process->security;
		break;
	case HOLDER_RESOURCES:
		if (process->resources == &RESOURCES_UNSAID && arena)
			process->resources = arena_alloc(arena, sizeof(*process->resources));
		base = (void *)process->resources;
		break;
	}
	return base ? (char *)base + key->offset : NULL;
}

void keys_set_defaults(
	enum key_section section, enum key_holder holder, void *holder_struct, struct arena *arena)
{
	struct value_context context = {.arena = arena, .directory = ""};
	for (int i = 0; i < KEY_COUNT; i++) {
		const struct key *key = &KEYS[i];
		char *field = (char *)holder_struct + key->offset;
		if (!(key->sections & section) || key->holder != holder)
			continue;
		if (key->fallback)
			value_parse(&context, key, field, key->fallback, NULL);
		else if (key->type == KEY_INT || key->type == KEY_OCTAL)
			*(int32_t *)field = INT_UNSET;
	}
}

static const struct {
	const char *name;
	bool repeats;
} TYPES[] = {
	[KEY_FLAG] = {"flag", false},
	[KEY_BOOL] = {"boolean", false},
	[KEY_INT] = {"integer", false},
	[KEY_DURATION] = {"duration", false},
	[KEY_QUANTITY] = {"quantity", false},
	[KEY_STRING] = {"text", false},
	[KEY_PATH] = {"absolute path", false},
	[KEY_FILE] = {"path", false},
	[KEY_PORT] = {"port", false},
	[KEY_USER] = {"user", false},
	[KEY_OCTAL] = {"octal number", false},
	[KEY_ENUM] = {"word", false},
	[KEY_SIGNAL] = {"signal", false},
	[KEY_WORDS] = {"command line", false},
	[KEY_LIST] = {"list", true},
	[KEY_STRINGS] = {"text", true},
	[KEY_ENV] = {"NAME=value", true},
	[KEY_MOUNTS] = {"VOLUME:PATH", true},
	[KEY_RULES] = {"rule", true},
	[KEY_CAPABILITIES] = {"capabilities", true},
	[KEY_LIMIT] = {"SOFT[:HARD]", false},
	[KEY_NUMBERS] = {"numbers and ranges", false},
	[KEY_PORTS] = {"[NAME:]NUMBER[/PROTOCOL]", true},
	[KEY_EXIT_CODES] = {"exit codes", true},
	[KEY_DEPENDENCIES] = {"NAME[:CONDITION]", true},
	[KEY_HEADERS] = {"Name: value", true},
	[KEY_LISTEN] = {"[NAME=]ADDRESS", true},
};
_Static_assert(sizeof(TYPES) / sizeof(*TYPES) == KEY_TYPE_COUNT, "a row per type");

bool key_repeats(const struct key *key)
{
	return TYPES[key->type].repeats;
}

const char *key_type_name(enum key_type type)
{
	return TYPES[type].name;
}

static const struct {
	enum key_section section;
	const char *name;
} SECTIONS[] = {
	{IN_POD, "pod"},
	{IN_VOLUME, "volume"},
	{IN_INIT, "init"},
	{IN_SIDECAR, "sidecar"},
	{IN_MAIN, "main"},
};

enum { SECTION_COUNT = sizeof(SECTIONS) / sizeof(*SECTIONS) };

const char *key_section_name(enum key_section section)
{
	for (int i = 0; i < SECTION_COUNT; i++) {
		if (SECTIONS[i].section == section)
			return SECTIONS[i].name;
	}
	return "";
}

static void print_type(const struct key *key, struct text *out)
{
	if (key->type == KEY_ENUM) {
		for (int i = 0; key->choices[i]; i++) {
			if (*key->choices[i])
				text_add(out, "%s%s", i && *key->choices[i - 1] ? "|" : "",
					key->choices[i]);
		}
		return;
	}
	text_add(out, "%s", key_type_name(key->type));
	if (key->min || key->max) {
		if (key->min == INT32_MIN)
			; /* any */
		else if (key->max == INT32_MAX)
			text_add(out, " from %lld", (long long)key->min);
		else
			text_add(out, " %lld..%lld", (long long)key->min, (long long)key->max);
	}
	if (key->unit)
		text_add(out, ", %s", key->unit);
	if (key_repeats(key))
		text_add(out, ", repeats");
}

/* "sidecar and main" */
static void add_sections(struct text *out, int sections)
{
	int shown = 0;
	for (int s = 0; s < SECTION_COUNT; s++) {
		if (SECTIONS[s].section & sections)
			text_add(out, "%s%s", shown++ ? " and " : "", SECTIONS[s].name);
	}
}

bool key_add_homes(struct text *out, const char *name)
{
	int sections = 0;
	for (int i = 0; i < KEY_COUNT; i++) {
		if (strcmp(KEYS[i].name, name) == 0)
			sections |= KEYS[i].sections;
	}
	add_sections(out, sections);
	return sections != 0;
}

/* "sidecar and main only", of a key that not every process has. */
static void print_sections(const struct key *key, struct text *out)
{
	if ((key->sections & IN_PROCESS) == IN_PROCESS || !(key->sections & IN_PROCESS))
		return;
	text_add(out, "; ");
	add_sections(out, key->sections & IN_PROCESS);
	text_add(out, " only");
}

static void print_key(const struct key *key, struct text *out)
{
	text_add(out, "  %s (", key->name);
	print_type(key, out);
	if (key->fallback && *key->fallback)
		text_add(out, "; default %s", key->fallback);
	text_add(out, "%s", key->required ? "; required" : "");
	print_sections(key, out);
	const char *more = key->later ? "; not supported yet" : key->live ? "; live" : "";
	text_add(out, "%s)\n      %s\n", more, key->doc);
}

void keys_print(struct text *out)
{
	static const struct {
		uint8_t sections;
		const char *title;
	} groups[] = {{IN_POD, "[pod]"}, {IN_VOLUME, "[volume NAME]"},
		{IN_PROCESS, "[init NAME] [sidecar NAME] [main NAME]"}};
	for (size_t g = 0; g < sizeof(groups) / sizeof(*groups); g++) {
		text_add(out, "%s%s\n", g ? "\n" : "", groups[g].title);
		for (int i = 0; i < KEY_COUNT; i++) {
			if (KEYS[i].sections & groups[g].sections)
				print_key(&KEYS[i], out);
		}
	}
}
