/* Two readings of a pod's file compared. Must not know any single key: whether one can change while the pod runs
 * is in its row. */
#include "change.h"

#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "value.h"

enum {
	LINES_MAX = 200, /* of a diff */
	SIDE_MAX = 160,	 /* bytes of what stands on one side of an arrow */
};

struct comparison {
	const struct pod_spec *old;
	struct pod_spec *fresh;
	struct changes *changes;
	struct problems *problems;
	struct text before, after; /* of one key */
};

/* --- the diff --- */

/* One line, whatever stands in it. */
static void add_line(struct changes *changes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_line(struct changes *changes, const char *format, ...)
{
	va_list arguments;
	size_t begin = changes->diff.length;
	if (changes->differences++ >= LINES_MAX)
		return;
	va_start(arguments, format);
	text_vadd(&changes->diff, format, arguments);
	va_end(arguments);
	for (char *s = changes->diff.data + begin; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
	}
	text_add(&changes->diff, "\n");
}

/* Is this line one of the text's? */
static bool has_line(const struct text *text, const char *line, size_t length)
{
	for (const char *s = text->length ? text->data : ""; *s;) {
		size_t own = strcspn(s, "\n");
		if (own == length && memcmp(s, line, length) == 0)
			return true;
		s += own + (s[own] != '\0');
	}
	return false;
}

/* What a log must not hold: only the name is told. */
static bool is_secret(const struct key *key)
{
	return key->type == KEY_ENV || key->type == KEY_HEADERS;
}

static void add_value(struct text *side, const struct key *key, const char *value, size_t length)
{
	size_t room = SIDE_MAX - side->length, told = length;
	if (is_secret(key)) {
		value += *value == '"';
		told = strcspn(value, key->type == KEY_ENV ? "=" : ":") + 1;
	}
	if (told > room)
		told = room;
	text_add(side, "%s%.*s%s", side->length ? ", " : "", (int)told, value,
		told < length ? "..." : "");
}

/* The values in `lines` that are not in `others`, without the "key = " before each; as much as fits. */
static void add_values(struct text *side, const struct key *key, const struct text *lines,
	const struct text *others)
{
	size_t skip = strlen(key->name) + 3;
	for (const char *s = lines->length ? lines->data : ""; *s;) {
		size_t length = strcspn(s, "\n");
		if (!has_line(others, s, length) && side->length < SIDE_MAX) {
			bool is_first = strncmp(s, key->name, skip - 3) == 0 && length >= skip;
			if (is_first)
				add_value(side, key, s + skip, length - skip);
			else if (!is_secret(key)) /* else the rest of a value of several lines */
				add_value(side, key, s, length);
		}
		s += length + (s[length] != '\0');
	}
}

static void describe(struct comparison *one, const char *section, const char *name,
	const struct key *key, const char *consequence)
{
	struct text removed = {0}, added = {0};
	const char *who = *name ? " " : "",
		   *unset = key->fallback && *key->fallback ? key->fallback : "unset";
	add_values(&removed, key, &one->before, &one->after);
	add_values(&added, key, &one->after, &one->before);
	if (!removed.length && !added.length)
		add_line(one->changes, "%s%s%s: %s: in another order%s", section, who, name,
			key->name, consequence);
	else if (!removed.length && one->before.length)
		add_line(one->changes, "%s%s%s: %s: + %s%s", section, who, name, key->name,
			added.data, consequence);
	else if (!added.length && one->after.length)
		add_line(one->changes, "%s%s%s: %s: - %s%s", section, who, name, key->name,
			removed.data, consequence);
	else
		add_line(one->changes, "%s%s%s: %s: %s -> %s%s", section, who, name, key->name,
			removed.length ? removed.data : unset, added.length ? added.data : unset,
			consequence);
	text_finish(&removed);
	text_finish(&added);
}

/* --- keys --- */

static void write_value(struct text *out, const struct key *key, const void *section_struct)
{
	/* Without an arena key_field() only looks. */
	const void *field = key_field(key, (void *)section_struct, NULL);
	text_clear(out);
	if (field)
		value_write(out, key, field);
}

static bool differs(
	struct comparison *one, const struct key *key, const void *old, const void *fresh)
{
	write_value(&one->before, key, old);
	write_value(&one->after, key, fresh);
	return one->before.length != one->after.length ||
		(one->before.length &&
			memcmp(one->before.data, one->after.data, one->before.length) != 0);
}

static const char *source_of(const struct pod_spec *spec, int index)
{
	return index < spec->sources.count ? spec->sources.items[index] : NULL;
}

static void compare_pod(struct comparison *one)
{
	const struct pod_spec *fresh = one->fresh;
	for (int i = 0; i < KEY_COUNT; i++) {
		if (!(KEYS[i].sections & IN_POD) || !differs(one, &KEYS[i], one->old, fresh))
			continue;
		if (KEYS[i].live)
			describe(one, "pod", "", &KEYS[i], "");
		else
			problem_add(one->problems, source_of(fresh, fresh->pod_source),
				fresh->pod_line, "pod: %s: cannot change while the pod runs",
				KEYS[i].name);
	}
}

/* --- volumes: those that there are, are mounted in who runs --- */

static int find_volume(const struct pod_spec *spec, const char *name)
{
	for (int i = 0; i < spec->volume_count; i++) {
		if (strcmp(spec->volumes[i].name, name) == 0)
			return i;
	}
	return -1;
}

static void compare_volume(
	struct comparison *one, const struct volume_spec *old, const struct volume_spec *fresh)
{
	for (int i = 0; i < KEY_COUNT; i++) {
		if ((KEYS[i].sections & IN_VOLUME) && differs(one, &KEYS[i], old, fresh))
			problem_add(one->problems, source_of(one->fresh, fresh->source),
				fresh->line, "volume %s: %s: cannot change while the pod runs",
				fresh->name, KEYS[i].name);
	}
}

static void compare_volumes(struct comparison *one)
{
	struct pod_spec *fresh = one->fresh;
	for (int i = 0; i < one->old->volume_count; i++) {
		const struct volume_spec *old = &one->old->volumes[i];
		int at = find_volume(fresh, old->name);
		if (at < 0) {
			problem_add(one->problems, source_of(fresh, 0), 0,
				"volume %s: cannot be removed while the pod runs", old->name);
			continue;
		}
		compare_volume(one, old, &fresh->volumes[at]);
		/* Whoever holds volumes holds them by number. */
		struct volume_spec moved = fresh->volumes[at];
		int place = i < fresh->volume_count ? i : at;
		fresh->volumes[at] = fresh->volumes[place];
		fresh->volumes[place] = moved;
	}
	for (int i = 0; i < fresh->volume_count; i++) {
		if (find_volume(one->old, fresh->volumes[i].name) < 0)
			problem_add(one->problems, source_of(fresh, fresh->volumes[i].source),
				fresh->volumes[i].line,
				"volume %s: cannot be added while the pod runs",
				fresh->volumes[i].name);
	}
}

/* --- processes --- */

static void compare_process(struct comparison *one, const struct process_spec *old,
	const struct process_spec *fresh, struct process_change *change)
{
	static const enum key_section sections[] = {
		[KIND_INIT] = IN_INIT, [KIND_SIDECAR] = IN_SIDECAR, [KIND_MAIN] = IN_MAIN};
	const char *kind = process_kind_name((enum process_kind)fresh->kind);
	change->kind = CHANGE_NONE;
	for (int i = 0; i < KEY_COUNT; i++) {
		const struct key *key = &KEYS[i];
		if (!(key->sections & sections[fresh->kind]) || !differs(one, key, old, fresh))
			continue;
		if (key->holder >= HOLDER_STARTUP_PROBE && key->holder <= HOLDER_READINESS_PROBE)
			change->probes |= (uint8_t)(1 << (key->holder - HOLDER_STARTUP_PROBE));
		describe(one, kind, fresh->name, key, key->live ? "" : " (restart)");
		enum change_kind follows = key->live ? CHANGE_LIVE : CHANGE_RESTART;
		if (change->kind < follows)
			change->kind = (uint8_t)follows;
	}
	/* What it takes to join an instance's own file system is taken at its birth. */
	if (change->kind == CHANGE_LIVE && spec_needs_view(one->fresh, fresh) &&
		spec_runs_beside(fresh) && !spec_runs_beside(old)) {
		change->kind = CHANGE_RESTART;
		add_line(one->changes, "%s %s: nothing ran beside it so far (restart)", kind,
			fresh->name);
	}
}

/* The one of the same name and kind. Most often it stands behind the one that was found last. */
static int find_process(const struct pod_spec *spec, const struct process_spec *wanted, int last)
{
	for (int i = 1; i <= spec->process_count; i++) {
		int at = (last + i) % spec->process_count;
		const struct process_spec *process = &spec->processes[at];
		if (process->kind == wanted->kind && strcmp(process->name, wanted->name) == 0)
			return at;
	}
	return -1;
}

static void compare_processes(struct comparison *one)
{
	struct changes *changes = one->changes;
	const struct pod_spec *old = one->old, *fresh = one->fresh;
	int last = -1;
	bool moved = false;
	for (int i = 0; i < fresh->process_count; i++) {
		const struct process_spec *process = &fresh->processes[i];
		int at = find_process(old, process, last);
		changes->items[i] = (struct process_change){.old = at, .kind = CHANGE_NEW};
		if (at < 0) {
			add_line(changes, "%s %s: new",
				process_kind_name((enum process_kind)process->kind), process->name);
			continue;
		}
		compare_process(one, &old->processes[at], process, &changes->items[i]);
		moved |= at < last;
		last = at;
		changes->new_of_old[at] = i;
	}
	for (int i = 0; i < old->process_count; i++) {
		const struct process_spec *process = &old->processes[i];
		if (changes->new_of_old[i] < 0)
			add_line(changes, "%s %s: removed",
				process_kind_name((enum process_kind)process->kind), process->name);
	}
	if (moved)
		add_line(changes, "pod: its processes are in another order");
}

void changes_find(struct changes *changes, const struct pod_spec *old, struct pod_spec *fresh,
	struct problems *problems)
{
	struct comparison one = {old, fresh, changes, problems, {0}, {0}};
	size_t new_size = sizeof(*changes->items) * (size_t)fresh->process_count;
	size_t old_size = sizeof(*changes->new_of_old) * (size_t)old->process_count;
	*changes = (struct changes){
		.items = memory_resize(NULL, new_size),
		.new_of_old = memory_resize(NULL, old_size),
		.new_count = fresh->process_count,
		.old_count = old->process_count,
	};
	memset(changes->new_of_old, 0xff, old_size); /* -1 */
	compare_pod(&one);
	compare_volumes(&one);
	compare_processes(&one);
	if (changes->differences > LINES_MAX)
		text_add(&changes->diff, "and %d more differences\n",
			changes->differences - LINES_MAX);
	text_finish(&one.before);
	text_finish(&one.after);
}

void changes_finish(struct changes *changes)
{
	free(changes->items);
	free(changes->new_of_old);
	text_finish(&changes->diff);
	*changes = (struct changes){0};
}
