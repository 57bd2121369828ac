/* The types of values about a process's life: exit codes, restart rules, dependencies, headers. Must not
 * know any single key. */
#include <stdlib.h>
#include <string.h>

#include "value_types.h"

/* "42,43" up to the end of the text. */
static bool parse_codes(const char *s, struct exit_codes *codes)
{
	while (*s) {
		char *end;
		long code = strtol(s, &end, 10);
		if (end == s || code < 0 || code > 255)
			return false;
		exit_codes_add(codes, (int)code);
		s = end + strspn(end, " ");
		if (*s == ',' && s[1])
			s += 1 + strspn(s + 1, " ");
		else if (*s)
			return false;
	}
	return true;
}

static void write_codes(struct text *out, const struct exit_codes *codes)
{
	const char *before = " ";
	for (int code = 0; code < 256; code++) {
		if (exit_codes_have(codes, code)) {
			text_add(out, "%s%d", before, code);
			before = ",";
		}
	}
}

bool value_parse_exit_codes(const struct parse *parse)
{
	return (*parse->value && parse_codes(parse->value, &parse->field->codes)) ||
		value_must_be(parse, "codes 0..255 with commas between");
}

void value_write_exit_codes(struct text *out, const struct key *key, const union any_field *field)
{
	static const struct exit_codes none;
	if (memcmp(&field->codes, &none, sizeof(none)) == 0)
		return;
	text_add(out, "%s =", key->name);
	write_codes(out, &field->codes);
	text_add(out, "\n");
}

/* The next word of *s, which it passes, is `word`. */
static bool take_word(const char **s, const char *word)
{
	size_t length = strcspn(*s, " ");
	if (strlen(word) != length || strncmp(*s, word, length) != 0)
		return false;
	*s += length;
	*s += strspn(*s, " ");
	return true;
}

bool value_parse_rule(const struct parse *parse)
{
	static const char form[] = "'Restart In CODES', 'Restart NotIn CODES' or the same with "
				   "RestartAllContainers, codes 0..255 with commas between";
	struct restart_rule rule = {0};
	const char *s = parse->value;
	rule.all = take_word(&s, "RestartAllContainers");
	if (!rule.all && !take_word(&s, "Restart"))
		return value_must_be(parse, form);
	rule.not_in = take_word(&s, "NotIn");
	/* "NotIn" of nothing matches every code. */
	if ((!rule.not_in && !take_word(&s, "In")) || !parse_codes(s, &rule.codes))
		return value_must_be(parse, form);
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

void value_write_rules(struct text *out, const struct key *key, const union any_field *field)
{
	for (int i = 0; i < field->rules.count; i++) {
		const struct restart_rule *rule = &field->rules.items[i];
		value_write_name(out, key);
		text_add(out, "%s %s", rule->all ? "RestartAllContainers" : "Restart",
			rule->not_in ? "NotIn" : "In");
		write_codes(out, &rule->codes);
		text_add(out, "\n");
	}
}

bool dependency_parse(const char *item, struct dependency_name *out)
{
	const char *colon = strchr(item, ':');
	out->length = colon ? (size_t)(colon - item) : strlen(item);
	out->condition = DEPENDENCY_STARTED;
	for (int i = DEPENDENCY_STARTED; colon && i <= DEPENDENCY_COMPLETED; i++) {
		if (strcmp(colon + 1, dependency_condition_name(i)) == 0) {
			out->condition = (enum dependency_condition)i;
			return out->length > 0;
		}
	}
	return !colon && out->length > 0;
}

bool value_parse_dependencies(const struct parse *parse)
{
	struct dependency_name name;
	int before = parse->field->strings.count;
	if (!value_parse_list(parse))
		return false;
	for (int i = before; i < parse->field->strings.count; i++) {
		if (!dependency_parse(parse->field->strings.items[i], &name))
			return value_must_be(
				parse, "NAME, NAME:started, NAME:ready or NAME:completed");
	}
	return true;
}

/* The characters of a token, RFC 9110. */
static bool is_token(const char *s, size_t length)
{
	static const char more[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < length; i++) {
		char c = s[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && !(c && strchr(more, c)))
			return false;
	}
	return length > 0;
}

/* A line break in it would be another header. */
bool value_parse_headers(const struct parse *parse)
{
	static const char form[] = "a header, Name: value";
	struct strings list = parse->field->strings;
	if (!value_parse_strings(parse))
		return false;
	const char *item = parse->field->strings.items[list.count];
	const char *colon = strchr(item, ':');
	bool good = colon && is_token(item, (size_t)(colon - item));
	for (const char *s = item; *s; s++)
		good &= (unsigned char)*s >= 0x20 || *s == '\t';
	if (!good) {
		parse->field->strings = list;
		return value_must_be(parse, form);
	}
	return true;
}
