/* The type of value that names a socket: `[NAME=]ADDRESS[ OPTION...]`, words with shell quoting. Must not
 * know any single key, nor whether there is such an address. */
#include <arpa/inet.h>
#include <string.h>

#include "units.h"
#include "value_types.h"
#include "words.h"

static const char FORM[] = "[NAME=]ADDRESS with options dgram, seqpacket, mode=, backlog=, ADDRESS "
			   "80, 0.0.0.0:80, [::]:80, /run/x.sock or @abstract";

enum {
	PATH_ROOM = 108, /* of sockaddr_un, with the NUL */
	BACKLOG_MAX = 65535,
};

bool descriptor_name_is_valid(const char *name)
{
	size_t length = 0;
	for (; name[length]; length++) {
		if (name[length] < ' ' || name[length] >= 127 || name[length] == ':')
			return false;
	}
	return length <= DESCRIPTOR_NAME_MAX;
}

static bool parse_port(const char *text, uint16_t *port)
{
	int64_t number;
	if (!integer_parse(text, &number) || number < 1 || number > 65535)
		return false;
	*port = (uint16_t)number;
	return true;
}

/* "80", "0.0.0.0:80", "[::]:80", "/run/x.sock", "@abstract". */
static bool parse_address(struct arena *arena, const char *text, struct listen_spec *listen)
{
	struct in6_addr ignored;
	if (text[0] == '/' || text[0] == '@') {
		listen->family = LISTEN_UNIX;
		listen->address = text;
		return text[1] && strlen(text) < PATH_ROOM;
	}
	const char *colon = strrchr(text, ':');
	if (!colon)
		return parse_port(text, &listen->port); /* LISTEN_ANY */
	size_t length = (size_t)(colon - text);
	bool in_brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
	listen->family = in_brackets ? LISTEN_IPV6 : LISTEN_IPV4;
	listen->address = arena_strndup(arena, text + in_brackets, length - (in_brackets ? 2 : 0));
	return inet_pton(in_brackets ? AF_INET6 : AF_INET, listen->address, &ignored) == 1 &&
		parse_port(colon + 1, &listen->port);
}

/* A name ends with the first '=', unless what it is in is an address. */
static bool parse_name_and_address(
	struct arena *arena, const char *word, struct listen_spec *listen)
{
	const char *equals = strchr("/@[", word[0]) ? NULL : strchr(word, '=');
	if (equals) {
		listen->name = arena_strndup(arena, word, (size_t)(equals - word));
		if (!*listen->name || !descriptor_name_is_valid(listen->name))
			return false;
		word = equals + 1;
	}
	return *word && parse_address(arena, word, listen);
}

static bool parse_mode(const char *text, int32_t *mode)
{
	int32_t value = 0;
	for (const char *s = text; *s; s++) {
		if (*s < '0' || *s > '7' || s - text > 3)
			return false;
		value = value * 8 + (*s - '0');
	}
	*mode = value;
	return *text && value <= 0777;
}

static bool parse_option(const char *word, struct listen_spec *listen)
{
	static const struct {
		const char *word;
		uint8_t type;
	} types[] = {{"stream", LISTEN_STREAM}, {"tcp", LISTEN_STREAM}, {"dgram", LISTEN_DGRAM},
		{"udp", LISTEN_DGRAM}, {"seqpacket", LISTEN_SEQPACKET}};
	int64_t number;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(word, types[i].word) == 0) {
			listen->type = types[i].type;
			return true;
		}
	}
	if (strncmp(word, "mode=", 5) == 0)
		return parse_mode(word + 5, &listen->mode);
	if (strncmp(word, "backlog=", 8) != 0 || !integer_parse(word + 8, &number) || number < 1 ||
		number > BACKLOG_MAX)
		return false;
	listen->backlog = (int32_t)number;
	return true;
}

/* What no kernel would do, whatever the options' order. */
static const char *why_not(const struct listen_spec *listen)
{
	if (listen->type == LISTEN_SEQPACKET && listen->family != LISTEN_UNIX)
		return "seqpacket is for Unix sockets only";
	if (listen->mode != INT_UNSET &&
		(listen->family != LISTEN_UNIX || listen->address[0] != '/'))
		return "mode= is for paths only";
	if (listen->backlog != INT_UNSET && listen->type == LISTEN_DGRAM)
		return "backlog= is not for datagrams";
	return NULL;
}

bool value_parse_listen(const struct parse *parse)
{
	struct arena *arena = parse->context->arena;
	struct listens *listens = &parse->field->listens;
	struct listen_spec listen = {
		.mode = INT_UNSET, .backlog = INT_UNSET, .line = parse->context->line};
	struct strings words = {0};
	const char *problem = words_split(arena, &words, parse->value);
	bool good =
		!problem && words.count && parse_name_and_address(arena, words.items[0], &listen);
	for (int i = 1; good && i < words.count; i++)
		good = parse_option(words.items[i], &listen);
	if (!good && !problem)
		return value_must_be(parse, FORM);
	if (good)
		problem = why_not(&listen);
	if (!problem && listens->count == LISTEN_MAX)
		problem = "too many sockets";
	if (problem) {
		if (parse->why)
			text_add(parse->why, "%s", problem);
		return false;
	}
	listens->items = arena_grow(arena, listens->items, listens->count, sizeof(listen));
	listens->items[listens->count++] = listen;
	return true;
}

void listen_write_address(struct text *out, const struct listen_spec *listen)
{
	switch ((enum listen_family)listen->family) {
	case LISTEN_ANY:
		text_add(out, "%d", listen->port);
		break;
	case LISTEN_IPV4:
		text_add(out, "%s:%d", listen->address, listen->port);
		break;
	case LISTEN_IPV6:
		text_add(out, "[%s]:%d", listen->address, listen->port);
		break;
	case LISTEN_UNIX:
		text_add(out, "%s", listen->address);
		break;
	}
}

void value_write_listens(struct text *out, const struct key *key, const union any_field *field)
{
	static const char *const types[] = {
		[LISTEN_STREAM] = "", [LISTEN_DGRAM] = " dgram", [LISTEN_SEQPACKET] = " seqpacket"};
	for (int i = 0; i < field->listens.count; i++) {
		const struct listen_spec *listen = &field->listens.items[i];
		struct text word = {0};
		if (listen->name)
			text_add(&word, "%s=", listen->name);
		listen_write_address(&word, listen);
		value_write_name(out, key);
		words_quote(out, word.data);
		text_add(out, "%s", types[listen->type]);
		if (listen->mode != INT_UNSET)
			text_add(out, " mode=%04o", (unsigned)listen->mode);
		if (listen->backlog != INT_UNSET)
			text_add(out, " backlog=%d", (int)listen->backlog);
		text_add(out, "\n");
		text_finish(&word);
	}
}
