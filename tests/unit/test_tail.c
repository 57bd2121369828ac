/* The end of what was said: bytes, lines, whole characters, however it came. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "core/tail.h"

/* What is left of `text`, which comes `step` bytes at a time; the caller frees it. */
static char *end_of(const char *text, size_t step, size_t max)
{
	struct tail tail = {0};
	char *end = malloc(max + 1);
	for (size_t at = 0, length = strlen(text); at < length; at += step)
		tail_add(&tail, text + at, length - at < step ? length - at : step);
	size_t length = tail_copy(&tail, end, max);
	assert_true(length <= max);
	end[length] = '\0';
	return end;
}

static void assert_end(const char *text, const char *expected)
{
	static const size_t steps[] = {1, 7, 2047, 2048, 2049, 4096, 100000};
	for (int i = 0; i < COUNT(steps); i++) {
		char *end = end_of(text, steps[i], TAIL_BYTES);
		assert_string_equal(end, expected);
		free(end);
	}
}

/* `before`, then so many of `middle`, then `after`; the caller frees it. */
static char *repeated(const char *before, const char *middle, int count, const char *after)
{
	struct text text = {0};
	text_add(&text, "%s", before);
	for (int i = 0; i < count; i++)
		text_add(&text, "%s", middle);
	text_add(&text, "%s", after);
	return text.data;
}

static void what_is_short_is_whole(void **state)
{
	(void)state;
	assert_end("", "");
	assert_end("\n", "\n");
	assert_end("DONE", "DONE");
	assert_end("one\ntwo\n", "one\ntwo\n");
	assert_end("one\n\ntwo", "one\n\ntwo");
}

static void bytes_are_the_last_2048(void **state)
{
	(void)state;
	char *most = repeated("", "x", TAIL_BYTES - 3, "END");
	char *one_more = repeated("y", "x", TAIL_BYTES - 3, "END");
	char *many = repeated("begin", "x", 50000, "END");
	assert_end(most, most);
	assert_end(one_more, most);
	assert_end(many, most);
	free(most);
	free(one_more);
	free(many);
}

static void lines_are_the_last_80(void **state)
{
	(void)state;
	static const char *const ends[] = {"last", "last\n", "", "\n"};
	for (int i = 0; i < COUNT(ends); i++) {
		/* The end is a line of its own, but for the empty one. */
		int others = *ends[i] ? TAIL_LINES - 1 : TAIL_LINES;
		char *expected = repeated("", "line\n", others, ends[i]);
		char *text = repeated("first\n", "line\n", others, ends[i]);
		char *long_text = repeated("first\n", "line\n", 10000, ends[i]);
		assert_end(expected, expected);
		assert_end(text, expected);
		assert_end(long_text, expected);
		free(expected);
		free(text);
		free(long_text);
	}
}

static void a_character_that_was_cut_is_left_out(void **state)
{
	(void)state;
	/* 2048 is no multiple of 3: two bytes are left of the first. */
	char *text = repeated("", "\xe2\x82\xac", 1000, "");
	char *expected = repeated("", "\xe2\x82\xac", TAIL_BYTES / 3, "");
	assert_end(text, expected);
	free(text);
	free(expected);
	/* What begins like that by itself is not cut; and no character has more than three such bytes. */
	assert_end("\x82\xac.", "\x82\xac.");
	text = repeated("", "\x82", 5000, ".");
	expected = repeated("", "\x82", TAIL_BYTES - 3 - 1, ".");
	assert_end(text, expected);
	free(text);
	free(expected);
}

static void there_may_be_less_room(void **state)
{
	(void)state;
	char *end = end_of("1 \xe2\x82\xac 2", 100, 4);
	assert_string_equal(end, " 2");
	free(end);
	end = end_of("word", 100, 0);
	assert_string_equal(end, "");
	free(end);
}

static void zeros_are_bytes_like_others(void **state)
{
	(void)state;
	struct tail tail = {0};
	char end[TAIL_BYTES];
	tail_add(&tail, "a\0b", 3);
	assert_int_equal(tail_copy(&tail, end, sizeof(end)), 3);
	assert_memory_equal(end, "a\0b", 3);
}

static void what_is_cleared_was_never_said(void **state)
{
	(void)state;
	struct tail tail = {0};
	char end[TAIL_BYTES];
	char *text = repeated("", "x", 5000, "");
	tail_add(&tail, text, 5000);
	tail_clear(&tail);
	assert_int_equal(tail_copy(&tail, end, sizeof(end)), 0);
	tail_add(&tail, "\xac", 1);
	assert_int_equal(tail_copy(&tail, end, sizeof(end)), 1); /* nothing stands before it */
	free(text);
}

int test_tail(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_short_is_whole),
		cmocka_unit_test(bytes_are_the_last_2048),
		cmocka_unit_test(lines_are_the_last_80),
		cmocka_unit_test(a_character_that_was_cut_is_left_out),
		cmocka_unit_test(there_may_be_less_room),
		cmocka_unit_test(zeros_are_bytes_like_others),
		cmocka_unit_test(what_is_cleared_was_never_said),
	};
	return UNIT_RUN("tail", tests);
}
