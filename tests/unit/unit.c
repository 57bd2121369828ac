/* Specs from text, and what tests of text need. Must not test anything by itself. */
#include "unit.h"

#include <string.h>

bool contains(const char *text, const char *part)
{
	size_t length = strlen(part);
	for (; *text; text++) {
		if (strncmp(text, part, length) == 0)
			return true;
	}
	return length == 0;
}

void assert_contains_(const char *text, const char *part, const char *file, int line)
{
	if (contains(text, part))
		return;
	print_error("'%s' is not in '%s'\n", part, text);
	_fail(file, line);
}

uint32_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}

void read_bytes(struct pod_spec *spec, struct problems *problems, const char *text, size_t length,
	bool accept_later)
{
	const struct ini_source source = {
		.name = "pod.ini", .directory = "/etc/pod", .text = text, .length = length};
	spec_init(spec);
	*problems = (struct problems){0};
	ini_read(spec, &source, accept_later, problems);
	spec_check(spec, problems);
}

static char problems_text[1 << 16];
static int problems_count;

const char *problems_of_bytes(const char *ini, size_t length)
{
	struct pod_spec spec;
	struct problems problems;
	read_bytes(&spec, &problems, ini, length, false);
	struct text text = text_in(problems_text, sizeof(problems_text));
	if (problems.text.data)
		text_add(&text, "%s", problems.text.data);
	problems_count = problems.count;
	text_finish(&problems.text);
	spec_finish(&spec);
	return problems_text;
}

const char *problems_of(const char *ini)
{
	return problems_of_bytes(ini, strlen(ini));
}

int problem_count(void)
{
	return problems_count;
}

void good_spec(struct pod_spec *spec, const char *ini)
{
	struct problems problems;
	read_bytes(spec, &problems, ini, strlen(ini), true);
	assert_string_equal(problems.text.data ? problems.text.data : "", "");
	assert_int_equal(problems.count, 0);
	text_finish(&problems.text);
}
