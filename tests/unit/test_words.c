/* Words and texts: every quoting, every error, and the way back. */
#include "unit.h"

#include <string.h>

#include "../../src/spec/words.h"

/* The words of `line` as "[one][two]", or "!what is wrong". */
static const char *split(const char *line)
{
	static char buffer[4096];
	struct text out = text_in(buffer, sizeof(buffer));
	struct arena arena = {0};
	struct strings words = {0};
	const char *problem = words_split(&arena, &words, line);
	if (problem) {
		text_add(&out, "!%s", problem);
	} else {
		for (int i = 0; i < words.count; i++)
			text_add(&out, "[%s]", words.items[i]);
		if (words.count)
			assert_null(words.items[words.count]);
	}
	arena_finish(&arena);
	return buffer;
}

static void plain_words(void **state)
{
	(void)state;
	assert_string_equal(split(""), "");
	assert_string_equal(split(" \t\n "), "");
	assert_string_equal(split("a"), "[a]");
	assert_string_equal(split("  a   b\tc\nd  "), "[a][b][c][d]");
	assert_string_equal(
		split("$HOME $(VAR) ${X} `x` * ; # ~"), "[$HOME][$(VAR)][${X}][`x`][*][;][#][~]");
	assert_string_equal(split("\xff\xfe \xc3\xa9"), "[\xff\xfe][\xc3\xa9]");
}

static void single_quotes(void **state)
{
	(void)state;
	assert_string_equal(split("''"), "[]");
	assert_string_equal(split("'a b'"), "[a b]");
	assert_string_equal(split("'a\\'"), "[a\\]");
	assert_string_equal(split("'\"$x\"'"), "[\"$x\"]");
	assert_string_equal(split("a'b c'd"), "[ab cd]");
	assert_string_equal(split("'a\nb'"), "[a\nb]");
	assert_string_equal(split("'' ''"), "[][]");
	assert_string_equal(split("'a"), "!a ' is not closed");
	assert_string_equal(split("a '"), "!a ' is not closed");
}

static void double_quotes(void **state)
{
	(void)state;
	assert_string_equal(split("\"\""), "[]");
	assert_string_equal(split("\"a b\"c"), "[a bc]");
	assert_string_equal(split("\"it's\""), "[it's]");
	assert_string_equal(split("\"a\\\"b\\\\c\\$d\\`e\""), "[a\"b\\c$d`e]");
	/* any other backslash stays */
	assert_string_equal(split("\"a\\nb\\ c\""), "[a\\nb\\ c]");
	assert_string_equal(split("\"a\\\nb\""), "[ab]");
	assert_string_equal(split("\"$'a'\""), "[$'a']");
	assert_string_equal(split("\"a"), "!a \" is not closed");
	assert_string_equal(split("\"a\\"), "!a \" is not closed");
	assert_string_equal(split("\"a\\\""), "!a \" is not closed");
}

static void backslashes(void **state)
{
	(void)state;
	assert_string_equal(split("a\\ b"), "[a b]");
	assert_string_equal(split("\\'"), "[']");
	assert_string_equal(split("\\\\"), "[\\]");
	assert_string_equal(split("\\$'a'"), "[$a]");
	assert_string_equal(split("a\\\nb"), "[ab]");
	assert_string_equal(split("a\\n"), "[an]");
	assert_string_equal(split("a\\"), "!a \\ ends the value");
}

static void dollar_quotes(void **state)
{
	(void)state;
	assert_string_equal(split("$''"), "[]");
	assert_string_equal(split("$'a b'"), "[a b]");
	assert_string_equal(
		split("$'\\a\\b\\e\\f\\n\\r\\t\\v\\\\\\'\\\"'"), "[\a\b\033\f\n\r\t\v\\'\"]");
	assert_string_equal(split("$'\\x41\\x4a\\x4A\\x7'"), "[AJJ\a]");
	assert_string_equal(split("$'\\101\\7z\\0617'"), "[A\az\0617]");
	assert_string_equal(split("$'\\xff\\377'"), "[\xff\xff]");
	/* two hexadecimal digits, three octal ones, no more */
	assert_string_equal(split("$'\\x414'"), "[A4]");
	assert_string_equal(split("$'\\1011'"), "[A1]");
	assert_string_equal(split("a$'b c'd"), "[ab cd]");
	assert_string_equal(split("$'a"), "!a $' is not closed");
	assert_string_equal(split("$'a\\'"), "!a $' is not closed");
	/* a $ that no quote follows is a character */
	assert_string_equal(split("$ a$ $\"b\""), "[$][a$][$b]");
}

static void bad_escapes(void **state)
{
	static const char *const lines[] = {"$'\\q'", "$'\\0'", "$'\\000'", "$'\\x0'", "$'\\x00'",
		"$'\\xg'", "$'\\x'", "$'\\8'", "$'\\400'", "$'\\777'", "$'\\", "$'\\u0041'"};
	(void)state;
	for (int i = 0; i < COUNT(lines); i++)
		assert_contains(split(lines[i]), "!an escape in $'...'");
}

static void many_words(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct strings words = {0};
	struct text line = {0};
	for (int i = 0; i < 5000; i++)
		text_add(&line, "w%d ", i);
	assert_null(words_split(&arena, &words, line.data));
	assert_int_equal(words.count, 5000);
	assert_string_equal(words.items[4999], "w4999");
	assert_null(words.items[5000]);
	text_finish(&line);
	arena_finish(&arena);
}

static const char *const NASTY[] = {"", " ", "a", "a b", "\n", "\t", "a\nb\n", " a ", "'", "\"",
	"it's", "\\", "\\\\", "$'a'", "$'", "$", "$(VAR)", "$$", "#", ";x", " ;", "a # b", "=",
	"a=b", "[x]", "\xff\xfe", "\xc3\xa9", "\x01\x7f\x1b", "\r", "a\r", "\v\f", "-", "--x=y",
	"*?[]{}~!", "`x`", "\"$x\"", "\\n", "\\'", "'\\''", "a'b\"c\\d$e f\ng"};

static void assert_survives(const char *word)
{
	struct arena arena = {0};
	struct strings words = {0};
	struct text line = {0};
	words_quote(&line, word);
	text_add(&line, " ");
	words_quote(&line, word);
	assert_null(strchr(line.data, '\n'));
	assert_null(words_split(&arena, &words, line.data));
	assert_int_equal(words.count, 2);
	assert_string_equal(words.items[0], word);
	assert_string_equal(words.items[1], word);
	text_finish(&line);
	arena_finish(&arena);
}

static void quoted_words_survive(void **state)
{
	(void)state;
	for (int i = 0; i < COUNT(NASTY); i++)
		assert_survives(NASTY[i]);
	for (int byte = 1; byte < 256; byte++) {
		const char word[] = {(char)byte, '\0'}, framed[] = {'a', (char)byte, 'b', '\0'};
		assert_survives(word);
		assert_survives(framed);
	}
	uint64_t seed = 7;
	for (int i = 0; i < 2000; i++) {
		char word[24];
		int length = (int)(next_random(&seed) % (sizeof(word) - 1));
		for (int k = 0; k < length; k++)
			word[k] = (char)(1 + next_random(&seed) % 255);
		word[length] = '\0';
		assert_survives(word);
	}
}

static void plain_words_stay_readable(void **state)
{
	(void)state;
	struct text line = {0};
	const char *items[] = {"/bin/sh", "-c", "echo hi", "a=b", ""};
	words_join(&line, &(struct strings){.items = items, .count = COUNT(items)});
	assert_string_equal(line.data, "/bin/sh -c 'echo hi' a=b ''");
	text_finish(&line);
}

static void assert_text_survives(const char *plain)
{
	struct arena arena = {0};
	struct text line = {0};
	const char *back = NULL;
	text_quote(&line, plain);
	assert_null(text_unquote(&arena, line.data ? line.data : "", &back));
	assert_string_equal(back, plain);
	/* what inih strips from a line must be inside the quotes */
	if (line.length) {
		assert_null(strchr(line.data, '\n'));
		assert_null(strchr(" \t\n\r\v\f", line.data[0]));
		assert_null(strchr(" \t\n\r\v\f", line.data[line.length - 1]));
	}
	text_finish(&line);
	arena_finish(&arena);
}

static void quoted_texts_survive(void **state)
{
	(void)state;
	for (int i = 0; i < COUNT(NASTY); i++)
		assert_text_survives(NASTY[i]);
	for (int byte = 1; byte < 256; byte++) {
		const char text[] = {(char)byte, 'x', (char)byte, '\0'};
		assert_text_survives(text);
	}
}

static void texts_are_literal(void **state)
{
	(void)state;
	struct arena arena = {0};
	const char *plain = NULL;
	assert_null(text_unquote(&arena, "a 'b' \\n \"c\" ; # $x", &plain));
	assert_string_equal(plain, "a 'b' \\n \"c\" ; # $x");
	assert_null(text_unquote(&arena, "$'a\\tb'", &plain));
	assert_string_equal(plain, "a\tb");
	assert_null(text_unquote(&arena, "$''", &plain));
	assert_string_equal(plain, "");
	assert_null(text_unquote(&arena, "$'a", &plain));
	assert_string_equal(plain, "$'a");
	assert_null(text_unquote(&arena, "$'", &plain));
	assert_string_equal(plain, "$'");
	assert_non_null(text_unquote(&arena, "$'a' 'b'", &plain));
	assert_non_null(text_unquote(&arena, "$'\\q'", &plain));
	assert_non_null(text_unquote(&arena, "$'a\\'", &plain));
	arena_finish(&arena);
}

int test_words(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_words),
		cmocka_unit_test(single_quotes),
		cmocka_unit_test(double_quotes),
		cmocka_unit_test(backslashes),
		cmocka_unit_test(dollar_quotes),
		cmocka_unit_test(bad_escapes),
		cmocka_unit_test(many_words),
		cmocka_unit_test(quoted_words_survive),
		cmocka_unit_test(plain_words_stay_readable),
		cmocka_unit_test(quoted_texts_survive),
		cmocka_unit_test(texts_are_literal),
	};
	return UNIT_RUN("words", tests);
}
