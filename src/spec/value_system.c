/* The types of values that name what the kernel has: capabilities, limits, sets of CPUs, ports. Must
 * not know any single key. */
#include <stdlib.h>
#include <string.h>

#include "security.h"
#include "units.h"
#include "value_types.h"

/* Calls add() for each word of a list with commas; false as soon as that is. */
static bool each_word(const struct parse *parse, bool (*add)(const struct parse *parse, char *word))
{
	char *copy = arena_strdup(parse->context->arena, parse->value);
	for (char *s = copy, *end; s; s = end) {
		end = strpbrk(s, ",\n");
		if (end)
			*end++ = '\0';
		s += strspn(s, " \t");
		size_t length = strlen(s);
		while (length && strchr(" \t", s[length - 1]))
			s[--length] = '\0';
		if (!add(parse, s))
			return false;
	}
	return true;
}

static bool add_capability(const struct parse *parse, char *word)
{
	int capability = capability_find(strncmp(word, "CAP_", 4) == 0 ? word + 4 : word);
	if (strcmp(word, "ALL") == 0)
		parse->field->bits = CAPABILITIES_ALL;
	else if (capability >= 0)
		parse->field->bits |= UINT64_C(1) << capability;
	return capability >= 0 || strcmp(word, "ALL") == 0;
}

bool value_parse_capabilities(const struct parse *parse)
{
	uint64_t before = parse->field->bits;
	if (each_word(parse, add_capability))
		return true;
	parse->field->bits = before;
	return value_must_be(parse, "capabilities like NET_ADMIN, or ALL");
}

void value_write_capabilities(struct text *out, const struct key *key, const union any_field *field)
{
	if (field->bits == CAPABILITIES_ALL) {
		value_write_name(out, key);
		text_add(out, "ALL\n");
		return;
	}
	for (int i = 0; i < CAPABILITY_COUNT; i++) {
		if (!(field->bits >> i & 1))
			continue;
		value_write_name(out, key);
		text_add(out, "%s\n", capability_name(i));
	}
}

/* "1024" or "unlimited"; false for anything else. */
static bool parse_amount(const char *text, size_t length, uint64_t *out)
{
	char copy[32];
	int64_t number;
	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (strcmp(copy, "unlimited") == 0 || strcmp(copy, "infinity") == 0) {
		*out = LIMIT_UNLIMITED;
		return true;
	}
	if (!integer_parse(copy, &number) || number < 0)
		return false;
	*out = (uint64_t)number;
	return true;
}

bool value_parse_limit(const struct parse *parse)
{
	struct rlimit_spec limit = {.said = true};
	size_t soft = strcspn(parse->value, ":");
	const char *hard = parse->value[soft] ? parse->value + soft + 1 : parse->value;
	size_t hard_length = parse->value[soft] ? strlen(hard) : soft;
	if (!parse_amount(parse->value, soft, &limit.soft) ||
		!parse_amount(hard, hard_length, &limit.hard))
		return value_must_be(parse, "SOFT[:HARD], numbers or unlimited");
	if (limit.soft > limit.hard)
		return value_must_be(parse, "a soft limit of at most the hard one");
	parse->field->limit = limit;
	return true;
}

static void write_amount(struct text *out, uint64_t amount)
{
	if (amount == LIMIT_UNLIMITED)
		text_add(out, "unlimited");
	else
		text_add(out, "%llu", (unsigned long long)amount);
}

void value_write_limit(struct text *out, const struct key *key, const union any_field *field)
{
	if (!field->limit.said)
		return;
	value_write_name(out, key);
	write_amount(out, field->limit.soft);
	if (field->limit.hard != field->limit.soft) {
		text_add(out, ":");
		write_amount(out, field->limit.hard);
	}
	text_add(out, "\n");
}

static bool add_range(const struct parse *parse, char *word)
{
	char *end;
	long first = strtol(word, &end, 10), last = first;
	if (end == word || *word == '-' || *word == '+')
		return false;
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		last = strtol(end + 1, &end, 10);
	if (*end || first > last || last >= NUMBER_SET_MAX)
		return false;
	for (long i = first; i <= last; i++)
		parse->field->numbers.bits[i / 64] |= UINT64_C(1) << i % 64;
	return true;
}

bool value_parse_numbers(const struct parse *parse)
{
	parse->field->numbers = (struct number_set){0};
	return each_word(parse, add_range) ||
		value_must_be(parse, "numbers and ranges like 0,2-3, at most 1023");
}

void value_write_numbers(struct text *out, const struct key *key, const union any_field *field)
{
	const struct number_set *set = &field->numbers;
	const char *before = "";
	if (number_set_is_empty(set))
		return;
	value_write_name(out, key);
	for (int first = 0; first < NUMBER_SET_MAX; first++) {
		int last = first;
		if (!number_set_has(set, first))
			continue;
		while (number_set_has(set, last + 1))
			last++;
		text_add(out, first == last ? "%s%d" : "%s%d-%d", before, first, last);
		before = ",";
		first = last;
	}
	text_add(out, "\n");
}

static const char *const PROTOCOLS[] = {
	[PROTOCOL_TCP] = "TCP", [PROTOCOL_UDP] = "UDP", [PROTOCOL_SCTP] = "SCTP"};

static bool add_port(const struct parse *parse, char *word)
{
	struct arena *arena = parse->context->arena;
	struct ports *ports = &parse->field->ports;
	struct port_spec port = {.protocol = PROTOCOL_TCP};
	int64_t number;
	char *colon = strchr(word, ':'), *slash = strchr(word, '/');
	if (slash) {
		*slash++ = '\0';
		while (port.protocol <= PROTOCOL_SCTP &&
			strcmp(PROTOCOLS[port.protocol], slash) != 0)
			port.protocol++;
	}
	if (colon) {
		*colon = '\0';
		if (!name_is_label(word) || strlen(word) > 15)
			return false;
		port.name = word;
		word = colon + 1;
	}
	if (port.protocol > PROTOCOL_SCTP || !integer_parse(word, &number) || number < 1 ||
		number > 65535)
		return false;
	port.number = (uint16_t)number;
	ports->items = arena_grow(arena, ports->items, ports->count, sizeof(port));
	ports->items[ports->count++] = port;
	return true;
}

bool value_parse_ports(const struct parse *parse)
{
	int before = parse->field->ports.count;
	if (each_word(parse, add_port))
		return true;
	parse->field->ports.count = before;
	return value_must_be(parse, "[NAME:]NUMBER[/TCP|/UDP|/SCTP]");
}

void value_write_ports(struct text *out, const struct key *key, const union any_field *field)
{
	for (int i = 0; i < field->ports.count; i++) {
		const struct port_spec *port = &field->ports.items[i];
		value_write_name(out, key);
		text_add(out, "%s%s%d", port->name ? port->name : "", port->name ? ":" : "",
			port->number);
		text_add(out, port->protocol ? "/%s\n" : "\n", PROTOCOLS[port->protocol]);
	}
}
