/* What the files of the values' types share. Nothing else includes it. */
#ifndef PODINIT_SPEC_VALUE_TYPES_H
#define PODINIT_SPEC_VALUE_TYPES_H

#include "value.h"

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
	struct ports ports;
	struct rlimit_spec limit;
	struct number_set numbers;
	uint64_t bits;
	struct exit_codes codes;
	struct listens listens;
};

/* One value on its way into its field. */
struct parse {
	const struct value_context *context;
	const struct key *key;
	union any_field *field;
	const char *value;
	struct text *why;
};

/* Says what a value must be; returns false, so that a parser can end with it. */
bool value_must_be(const struct parse *parse, const char *what);
/* Adds "key = ". */
void value_write_name(struct text *out, const struct key *key);

/* A parser reads parse->value into parse->field, or says why not and returns false. */
bool value_parse_string(const struct parse *parse);
bool value_parse_list(const struct parse *parse);
bool value_parse_strings(const struct parse *parse);
bool value_parse_env(const struct parse *parse);
bool value_parse_mount(const struct parse *parse);
bool value_parse_rule(const struct parse *parse);
bool value_parse_capabilities(const struct parse *parse);
bool value_parse_limit(const struct parse *parse);
bool value_parse_numbers(const struct parse *parse);
bool value_parse_ports(const struct parse *parse);
bool value_parse_exit_codes(const struct parse *parse);
bool value_parse_dependencies(const struct parse *parse);
bool value_parse_headers(const struct parse *parse);
bool value_parse_listen(const struct parse *parse);

void value_write_capabilities(
	struct text *out, const struct key *key, const union any_field *field);
void value_write_limit(struct text *out, const struct key *key, const union any_field *field);
void value_write_numbers(struct text *out, const struct key *key, const union any_field *field);

/* A writer adds a line for each item. */
void value_write_ports(struct text *out, const struct key *key, const union any_field *field);
void value_write_listens(struct text *out, const struct key *key, const union any_field *field);
void value_write_list(struct text *out, const struct key *key, const union any_field *field);
void value_write_strings(struct text *out, const struct key *key, const union any_field *field);
void value_write_env(struct text *out, const struct key *key, const union any_field *field);
void value_write_mounts(struct text *out, const struct key *key, const union any_field *field);
void value_write_exit_codes(struct text *out, const struct key *key, const union any_field *field);
void value_write_rules(struct text *out, const struct key *key, const union any_field *field);

#endif
