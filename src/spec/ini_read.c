/* Reads the INI form of a pod with inih, and closes inih's traps: it would cut long lines and
 * names silently, gives the handler no line number, never mentions an empty section, and reports
 * only the first bad line. So inih gets its lines from next_line(), which counts them and refuses
 * (and blanks) what inih would not read as written.
 * Must not open files: it is given text. */
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "ini.h"
#include "value.h"
#include "words.h"

struct reader {
	struct pod_spec *spec;
	const struct ini_source *source;
	struct problems *problems;
	bool accept_later;
	size_t position; /* in source->text */
	int line;

	/* The section that keys go to. */
	enum key_section section; /* 0: none, or one that was refused */
	const char *name;	  /* "" for [pod] */
	bool refused;		  /* its keys are not even looked at */
	int process, volume;	  /* index of the section's struct */
	int *seen;		  /* line of each row's first value in this section, by row */

	/* The key whose value may go on in the next line. */
	char key[INI_NAME_MAX + 1];
	struct text value;
	int key_line;

	bool line_owed;	   /* the line is "key = value", and inih has not called the handler */
	bool line_refused; /* and so are the indented lines below it */
	bool told_processes, told_volumes, told_carriage_return; /* once a file is enough */
};

static void problem(struct reader *reader, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void problem(struct reader *reader, int line, const char *format, ...)
{
	struct text message = {0};
	va_list arguments;
	va_start(arguments, format);
	text_vadd(&message, format, arguments);
	va_end(arguments);
	problem_add(reader->problems, reader->source->name, line, "%s", message.data);
	text_finish(&message);
}

static void *section_struct(struct reader *reader)
{
	switch (reader->section) {
	case IN_POD:
		return reader->spec;
	case IN_VOLUME:
		return &reader->spec->volumes[reader->volume];
	case IN_INIT:
	case IN_SIDECAR:
	case IN_MAIN:
	case IN_PROCESS:
		break;
	}
	return &reader->spec->processes[reader->process];
}

/* "main web: " before a message about the section, "pod: " for [pod]. */
static void key_problem(struct reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void key_problem(struct reader *reader, const char *format, ...)
{
	struct text message = {0};
	va_list arguments;
	va_start(arguments, format);
	text_vadd(&message, format, arguments);
	va_end(arguments);
	problem(reader, reader->key_line, "%s%s%s: %s: %s", key_section_name(reader->section),
		*reader->name ? " " : "", reader->name, reader->key, message.data);
	text_finish(&message);
}

static void unknown_key(struct reader *reader)
{
	const char *nearest = key_nearest(reader->section, reader->key);
	struct text homes = {0};
	if (key_add_homes(&homes, reader->key))
		key_problem(reader, "is a key of %s only", homes.data);
	else if (nearest)
		key_problem(reader, "unknown key; did you mean %s?", nearest);
	else
		key_problem(reader, "unknown key (podinit --keys lists them)");
	text_finish(&homes);
}

/* The value is complete: store it. */
static void finish_key(struct reader *reader)
{
	if (!reader->key[0])
		return;
	const struct key *key = key_find(reader->section, reader->key);
	if (!key) {
		unknown_key(reader);
	} else if (!key_repeats(key) && reader->seen[key - KEYS]) {
		key_problem(reader, "given twice, first in line %d", reader->seen[key - KEYS]);
	} else {
		bool refuse = key->later && !reader->accept_later;
		reader->seen[key - KEYS] = reader->key_line;
		void *field = refuse ? NULL
				     : key_field(key, section_struct(reader), &reader->spec->arena);
		struct value_context context = {
			.arena = &reader->spec->arena,
			.directory = reader->source->directory,
			.line = reader->key_line,
		};
		struct text why = {0};
		if (!value_parse(&context, key, field, reader->value.data, &why))
			key_problem(reader, "%s", why.data);
		else if (refuse)
			key_problem(reader, "not supported yet");
		text_finish(&why);
	}
	reader->key[0] = '\0';
}

static bool too_many(struct reader *reader, int count, int max, bool *told, const char *what)
{
	if (count < max)
		return false;
	if (!*told)
		problem(reader, reader->line, "more than %d %s", max, what);
	*told = true;
	return true;
}

/* Is there no room for another section of this kind? */
static bool is_full(struct reader *reader)
{
	const struct pod_spec *spec = reader->spec;
	if (reader->section == IN_VOLUME)
		return too_many(reader, spec->volume_count, SPEC_VOLUMES_MAX, &reader->told_volumes,
			"volumes");
	return (reader->section & IN_PROCESS) &&
		too_many(reader, spec->process_count, SPEC_PROCESSES_MAX, &reader->told_processes,
			"processes");
}

/* Where a section of the same name stands, as "pod.ini:3", or false. */
static bool find_double(struct reader *reader, struct text *where)
{
	const struct pod_spec *spec = reader->spec;
	int line = 0, source = 0;
	if (reader->section == IN_POD && spec->pod_line) {
		line = spec->pod_line;
		source = spec->pod_source;
	}
	for (int i = 0; reader->section == IN_VOLUME && i < spec->volume_count; i++) {
		if (strcmp(spec->volumes[i].name, reader->name) == 0) {
			line = spec->volumes[i].line;
			source = spec->volumes[i].source;
		}
	}
	for (int i = 0; (reader->section & IN_PROCESS) && i < spec->process_count; i++) {
		if (strcmp(spec->processes[i].name, reader->name) == 0) {
			line = spec->processes[i].line;
			source = spec->processes[i].source;
		}
	}
	if (!line)
		return false;
	text_add(where, "%s:%d", spec->sources.items[source], line);
	return true;
}

static void add_section(struct reader *reader)
{
	struct pod_spec *spec = reader->spec;
	uint16_t source = (uint16_t)(spec->sources.count - 1);
	if (reader->section == IN_POD) {
		spec->pod_line = reader->line;
		spec->pod_source = source;
	} else if (reader->section == IN_VOLUME) {
		reader->volume = spec->volume_count;
		struct volume_spec *volume = spec_add_volume(spec, reader->name);
		volume->line = reader->line;
		volume->source = source;
	} else {
		enum process_kind kind = reader->section == IN_INIT ? KIND_INIT
			: reader->section == IN_SIDECAR		    ? KIND_SIDECAR
								    : KIND_MAIN;
		reader->process = spec->process_count;
		struct process_spec *process = spec_add_process(spec, kind, reader->name);
		process->line = reader->line;
		process->source = source;
	}
}

static enum key_section section_of(const char *kind)
{
	for (int section = IN_POD; section <= IN_MAIN; section <<= 1) {
		if (strcmp(kind, key_section_name((enum key_section)section)) == 0)
			return (enum key_section)section;
	}
	return 0;
}

/* `header` is what stands between the brackets, e.g. "main web". */
static void begin_section(struct reader *reader, const char *header)
{
	struct arena *arena = &reader->spec->arena;
	struct strings words = {0};
	struct text where = {0};
	finish_key(reader);
	memset(reader->seen, 0, sizeof(*reader->seen) * (size_t)KEY_COUNT);
	reader->refused = true;
	const char *bad = words_split(arena, &words, header);
	reader->section = !bad && words.count ? section_of(words.items[0]) : 0;
	reader->name = words.count > 1 ? words.items[1] : "";
	if (!reader->section || words.count != (reader->section == IN_POD ? 1 : 2)) {
		problem(reader, reader->line,
			"[%s]: a section is [pod], [volume NAME], [init NAME], [sidecar NAME] or "
			"[main NAME]",
			header);
	} else if (reader->section != IN_POD && !name_is_label(reader->name)) {
		problem(reader, reader->line,
			"%s %s: a name has only a-z, 0-9 and -, and no - at its ends",
			words.items[0], reader->name);
	} else if (find_double(reader, &where)) {
		problem(reader, reader->line, "%s%s%s: name already used in %s", words.items[0],
			*reader->name ? " " : "", reader->name, where.data);
	} else if (!is_full(reader)) {
		add_section(reader);
		reader->refused = false;
	}
	text_finish(&where);
}

/* inih's handler: a key with its value or, for an indented line, once more with a further line of
 * its value. */
static int handle(void *user, const char *section, const char *name, const char *value)
{
	struct reader *reader = user;
	(void)section; /* next_line() knows better: inih tells of no empty section */
	bool continues = !reader->line_owed;
	reader->line_owed = false;
	if (reader->refused)
		return 1;
	if (continues) {
		text_add(&reader->value, "\n%s", value);
		return 1;
	}
	finish_key(reader);
	if (!reader->section) {
		problem(reader, reader->line, "%s: stands before the first section", name);
		return 1;
	}
	strncpy(reader->key, name, INI_NAME_MAX);
	reader->key_line = reader->line;
	text_clear(&reader->value);
	text_add(&reader->value, "%s", value);
	return 1;
}

static void complain_if_owed(struct reader *reader)
{
	if (reader->line_owed)
		problem(reader, reader->line, "expected [section] or key = value");
	reader->line_owed = false;
}

/* A line that starts with '['. True if inih may have it. */
static bool section_line(struct reader *reader, const char *line, size_t length)
{
	char header[INI_NAME_MAX + 1];
	const char *end = memchr(line, ']', length);
	if (!end) {
		problem(reader, reader->line, "a [ is not closed with ]");
	} else if (end - line - 1 > INI_NAME_MAX) {
		problem(reader, reader->line, "[%.20s...: longer than %d bytes", line + 1,
			INI_NAME_MAX);
	} else if (end + 1 != line + length) {
		problem(reader, reader->line, "something follows the ] of a section");
	} else {
		memcpy(header, line + 1, (size_t)(end - line - 1));
		header[end - line - 1] = '\0';
		begin_section(reader, header);
		return true;
	}
	finish_key(reader);
	reader->refused = true;
	return false;
}

/* A line that should be "key = value". True if inih may have it. */
static bool key_line(struct reader *reader, const char *line, size_t length)
{
	size_t name = 0;
	while (name < length && line[name] != '=' && line[name] != ':')
		name++;
	size_t end = name;
	while (end && strchr(" \t", line[end - 1]))
		end--;
	finish_key(reader);
	if (end > INI_NAME_MAX && name < length) {
		problem(reader, reader->line, "key %.20s...: longer than %d bytes", line,
			INI_NAME_MAX);
		return false;
	}
	if (end == 0 && name < length) {
		problem(reader, reader->line, "no key before the %c", line[name]);
		return false;
	}
	reader->line_owed = true;
	return true;
}

/* Looks at the line before inih does. True if inih may have it. */
static bool accept_line(struct reader *reader, const char *line, size_t length)
{
	bool indented = length && (line[0] == ' ' || line[0] == '\t');
	while (length && strchr(" \t", line[length - 1]))
		length--;
	while (length && strchr(" \t", *line)) {
		line++;
		length--;
	}
	if (!length || *line == ';' || *line == '#')
		return true;
	if (indented && (reader->line_refused || reader->refused))
		return false;
	if (indented && reader->key[0])
		return true; /* goes on with the value above */
	if (indented) {
		/* inih would take it for a key, and the next indented one for its value. */
		problem(reader, reader->line,
			"an indented line continues the value above it, and there is none");
		return false;
	}
	bool accepted =
		*line == '[' ? section_line(reader, line, length) : key_line(reader, line, length);
	reader->line_refused = !accepted;
	return accepted;
}

/* Windows line ends are refused once, and read on, so that every other problem is told too. */
static size_t without_carriage_return(struct reader *reader, const char *line, size_t length)
{
	if (!length || line[length - 1] != '\r')
		return length;
	if (!reader->told_carriage_return)
		problem(reader, reader->line,
			"the line ends with a carriage return; save the file with Unix line ends");
	reader->told_carriage_return = true;
	return length - 1;
}

/* What inih would not read as written, or NULL. */
static const char *refuse_line(const char *line, size_t length, size_t size)
{
	static const char blanks[] = "\v\f\r"; /* to inih; nobody writes them for that */
	size_t first = 0;
	if (length > INI_LINE_MAX || length + 2 > size)
		return "line longer than 65535 bytes";
	if (memchr(line, '\0', length))
		return "a NUL byte in the line";
	while (first < length && strchr(" \t", line[first]))
		first++;
	while (length > first && strchr(" \t", line[length - 1]))
		length--;
	if (length > first && (strchr(blanks, line[first]) || strchr(blanks, line[length - 1])))
		return "a control character at an end of the line";
	return NULL;
}

/* Whatever the refused line began ends, and nothing below goes on with it. */
static void skip_after_refusal(struct reader *reader, const char *line, size_t length)
{
	finish_key(reader);
	reader->line_refused = true;
	while (length && strchr(" \t", *line)) {
		line++;
		length--;
	}
	if (length && *line == '[')
		reader->refused = true;
}

/* inih's ini_reader: fills `buffer` with the next line, or with an empty one in place of a line
 * that was refused. NULL at the end. */
static char *next_line(char *buffer, int size, void *stream)
{
	struct reader *reader = stream;
	const struct ini_source *source = reader->source;
	complain_if_owed(reader);
	if (reader->position >= source->length)
		return NULL;
	const char *line = source->text + reader->position;
	size_t left = source->length - reader->position;
	const char *newline = memchr(line, '\n', left);
	size_t length = newline ? (size_t)(newline - line) : left;
	reader->position += length + (newline != NULL);
	reader->line++;
	length = without_carriage_return(reader, line, length);
	strcpy(buffer, "\n");
	const char *refusal = refuse_line(line, length, (size_t)size);
	if (refusal) {
		problem(reader, reader->line, "%s", refusal);
		skip_after_refusal(reader, line, length);
	} else if (accept_line(reader, line, length)) {
		memcpy(buffer, line, length);
		strcpy(buffer + length, "\n");
	}
	return buffer;
}

void ini_read(struct pod_spec *spec, const struct ini_source *source, bool accept_later,
	struct problems *problems)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct reader reader = {
		.spec = spec,
		.source = source,
		.problems = problems,
		.accept_later = accept_later,
		.name = "",
		.seen = memory_resize(NULL, sizeof(int) * (size_t)KEY_COUNT),
	};
	int before = problems->count;
	strings_add(&spec->arena, &spec->sources, arena_strdup(&spec->arena, source->name));
	if (source->length >= 3 && memcmp(source->text, mark, 3) == 0) {
		problem(&reader, 1,
			"a byte order mark begins the file; save it as UTF-8 without one");
		reader.position = 3;
	}
	/* Whole lines on the heap; a line holds everything the user wrote. */
	ini_use_stack = false;
	ini_allow_realloc = false;
	ini_initial_alloc = INI_LINE_MAX + 2;
	ini_max_line = INI_LINE_MAX + 2;
	ini_allow_multiline = true;
	ini_allow_inline_comments = false;
	ini_allow_bom = false;
	ini_stop_on_first_error = false;
	int result = ini_parse_stream(next_line, &reader, handle, &reader);
	finish_key(&reader);
	/* Whatever inih did not like and we did not see. */
	if (result && problems->count == before)
		problem(&reader, result > 0 ? result : 0, "cannot be read as INI");
	text_finish(&reader.value);
	free(reader.seen);
}
