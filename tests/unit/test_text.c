/* Texts that grow and texts that do not; JSON strings whatever the bytes. */
#include "unit.h"

#include <string.h>

static void growing_text(void **state)
{
	(void)state;
	struct text text = {0};
	struct text expected = {0};
	assert_null(text.data);
	for (int i = 0; i < 3000; i++) {
		text_add(&text, "%d,", i % 10);
		text_add(&expected, "%c", "0123456789"[i % 10]);
		text_add_bytes(&expected, ",", 1);
	}
	assert_int_equal(text.length, 6000);
	assert_string_equal(text.data, expected.data);
	assert_false(text.truncated);
	text_clear(&text);
	assert_string_equal(text.data, "");
	assert_int_equal(text.length, 0);
	text_finish(&text);
	text_finish(&expected);
	assert_null(text.data);
	text_finish(&text);
}

static void empty_additions(void **state)
{
	(void)state;
	struct text text = {0};
	text_clear(&text);
	text_add(&text, "%s", "");
	assert_string_equal(text.data, "");
	text_add_bytes(&text, "x", 0);
	assert_int_equal(text.length, 0);
	text_finish(&text);
}

/* Every size: the text never touches what is behind the buffer, and an addition is there whole or
 * not at all. */
static void fixed_text_is_all_or_nothing(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 12; size++) {
		char buffer[16];
		memset(buffer, '#', sizeof(buffer));
		struct text text = text_in(buffer, size);
		assert_string_equal(buffer, "");
		text_add(&text, "%s-%d", "abc", 42); /* 6 bytes */
		assert_string_equal(buffer, size > 6 ? "abc-42" : "");
		assert_int_equal(text.truncated, size <= 6);
		for (size_t i = size; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], '#');
		assert_int_equal(text.length, strlen(buffer));
	}
}

static void fixed_text_goes_on(void **state)
{
	(void)state;
	char buffer[8];
	struct text text = text_in(buffer, sizeof(buffer));
	text_add(&text, "12345");
	text_add(&text, "678");
	assert_true(text.truncated);
	assert_string_equal(buffer, "12345");
	text_add_bytes(&text, "67", 2);
	assert_string_equal(buffer, "1234567");
	text_add_bytes(&text, "8", 1);
	assert_string_equal(buffer, "1234567");
	text_clear(&text);
	assert_false(text.truncated);
	assert_string_equal(buffer, "");
	text_add(&text, "1234567");
	assert_false(text.truncated);
}

static const char *json(const char *value)
{
	static char buffer[4096];
	struct text text = text_in(buffer, sizeof(buffer));
	text_add_json(&text, value);
	return buffer;
}

static void json_of_every_byte(void **state)
{
	static const char hex[] = "0123456789abcdef";
	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		const char value[] = {(char)byte, '\0'}, plain[] = {'"', (char)byte, '"', '\0'};
		char expected[] = "\"\\u00..\"";
		expected[5] = hex[byte >> 4];
		expected[6] = hex[byte & 15];
		if (byte == '"')
			assert_string_equal(json(value), "\"\\\"\"");
		else if (byte == '\\')
			assert_string_equal(json(value), "\"\\\\\"");
		else if (byte == '\n')
			assert_string_equal(json(value), "\"\\n\"");
		else if (byte == '\t')
			assert_string_equal(json(value), "\"\\t\"");
		else if (byte < 0x20 || byte == 0x7f)
			assert_string_equal(json(value), expected);
		else if (byte < 0x80)
			assert_string_equal(json(value), plain);
		else
			assert_string_equal(json(value), "\"\xef\xbf\xbd\"");
	}
	assert_string_equal(json(""), "\"\"");
	assert_string_equal(json(NULL), "null");
}

#define BAD "\xef\xbf\xbd"

static void json_of_utf8(void **state)
{
	/* RFC 3629: first and last of each length stay; overlong forms, surrogates and what is
	 * above U+10FFFF do not; a cut sequence does not eat what follows. */
	static const char *const good[] = {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xec\x80\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf3\xbf\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xc3\xa9t\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", BAD};
	static const struct {
		const char *value, *inside;
	} bad[] = {
		{"\xc0\x80", BAD BAD},
		{"\xc1\xbf", BAD BAD},
		{"\xe0\x80\x80", BAD BAD BAD},
		{"\xe0\x9f\xbf", BAD BAD BAD},
		{"\xed\xa0\x80", BAD BAD BAD},
		{"\xed\xbf\xbf", BAD BAD BAD},
		{"\xf0\x8f\xbf\xbf", BAD BAD BAD BAD},
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD},
		{"\xf5\x80\x80\x80", BAD BAD BAD BAD},
		{"\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD},
		{"\xff\xfe", BAD BAD},
		{"\x80", BAD},
		{"\xc3", BAD},
		{"\xc3z", BAD "z"},
		{"\xe2\x82", BAD BAD},
		{"\xe2\x82z", BAD BAD "z"},
		{"\xe2z\x82", BAD "z" BAD},
		{"\xf0\x9f\x98", BAD BAD BAD},
		{"\xf0\x9f\x98\"", BAD BAD BAD "\\\""},
		{"\xc3\xc3\xa9", BAD "\xc3\xa9"},
	};
	(void)state;
	char expected[64];
	for (int i = 0; i < COUNT(good); i++) {
		struct text text = text_in(expected, sizeof(expected));
		text_add(&text, "\"%s\"", good[i]);
		assert_string_equal(json(good[i]), expected);
	}
	for (int i = 0; i < COUNT(bad); i++) {
		struct text text = text_in(expected, sizeof(expected));
		text_add(&text, "\"%s\"", bad[i].inside);
		assert_string_equal(json(bad[i].value), expected);
	}
}

/* "Every add is all or nothing": half a JSON string, or one with a hole, is no JSON. */
static void json_is_all_or_nothing(void **state)
{
	static const char value[] = "ab\xe2\x82\xac\n\x01z\xff";
	(void)state;
	struct text whole = {0};
	text_add_json(&whole, value);
	for (size_t size = 1; size <= whole.length + 2; size++) {
		char buffer[64];
		memset(buffer, '#', sizeof(buffer));
		struct text text = text_in(buffer, size);
		text_add_json(&text, value);
		assert_string_equal(buffer, size > whole.length ? whole.data : "");
		assert_int_equal(text.truncated, size <= whole.length);
		for (size_t i = size; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], '#');
	}
	text_finish(&whole);
}

static void one_line_of_anything(void **state)
{
	static const struct {
		const char *bytes, *line;
	} rows[] = {
		{"", ""},
		{"\n\t \r\n", ""},
		{"one\ntwo\n", "one two"},
		{"  a  b  ", "a b"},
		{"\033[1mred\033[0m\a", "[1mred [0m"},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
			"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"a\xff\xc0\xaf"
		 "b",
			"a???b"},
		{"a\xc2\x85z", "a z"},
		{"cut \xe2\x82", "cut"},
		{"cut \xf0\x9f\x98", "cut"},
		{"not \xe2(\x82 cut", "not ?(? cut"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char buffer[64];
		memset(buffer, '#', sizeof(buffer));
		memcpy(buffer, rows[i].bytes, strlen(rows[i].bytes));
		text_make_line(buffer, strlen(rows[i].bytes));
		assert_string_equal(buffer, rows[i].line);
	}
	char zeros[] = {'a', 0, 0, 'b', '#'};
	text_make_line(zeros, 4);
	assert_string_equal(zeros, "a b");
}

int test_text(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growing_text),
		cmocka_unit_test(empty_additions),
		cmocka_unit_test(fixed_text_is_all_or_nothing),
		cmocka_unit_test(fixed_text_goes_on),
		cmocka_unit_test(json_of_every_byte),
		cmocka_unit_test(one_line_of_anything),
		cmocka_unit_test(json_of_utf8),
		cmocka_unit_test(json_is_all_or_nothing),
	};
	return UNIT_RUN("text", tests);
}
