/* Text under construction, growing or fixed. Must not know what it says. */
#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

struct text text_in(char *buffer, size_t size)
{
	buffer[0] = '\0';
	return (struct text){.data = buffer, .capacity = size, .fixed = true};
}

/* Room for `more` bytes and a NUL. */
static bool reserve(struct text *text, size_t more)
{
	if (text->capacity - text->length > more)
		return true;
	if (text->fixed) {
		text->truncated = true;
		return false;
	}
	size_t capacity = text->capacity ? text->capacity : 128;
	while (capacity - text->length <= more)
		capacity *= 2;
	text->data = memory_resize(text->data, capacity);
	text->capacity = capacity;
	return true;
}

void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
	if (!reserve(text, length))
		return;
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_vadd(struct text *text, const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	if (length >= 0 && reserve(text, (size_t)length)) {
		vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
		text->length += (size_t)length;
	}
	va_end(again);
}

void text_add(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	text_vadd(text, format, arguments);
	va_end(arguments);
}

void text_clear(struct text *text)
{
	text->length = 0;
	text->truncated = false;
	if (text->data)
		text->data[0] = '\0';
}

void text_finish(struct text *text)
{
	if (!text->fixed)
		free(text->data);
	*text = (struct text){0};
}

/* Length of the valid UTF-8 sequence at s, or 0. Overlong forms, surrogates and code points above
 * U+10FFFF are not valid (RFC 3629). */
static size_t utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char lead_mask, lead, first_low, first_high;
		size_t length;
	} forms[] = {
		{0xff, 0xe0, 0xa0, 0xbf, 3},
		{0xff, 0xed, 0x80, 0x9f, 3},
		{0xf0, 0xe0, 0x80, 0xbf, 3},
		{0xff, 0xf0, 0x90, 0xbf, 4},
		{0xff, 0xf4, 0x80, 0x8f, 4},
		{0xfc, 0xf0, 0x80, 0xbf, 4},
		{0xe0, 0xc0, 0x80, 0xbf, 2},
	};
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if ((s[0] & forms[i].lead_mask) != forms[i].lead)
			continue;
		if (s[1] < forms[i].first_low || s[1] > forms[i].first_high)
			return 0;
		for (size_t k = 2; k < forms[i].length; k++) {
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		}
		return forms[i].length;
	}
	return 0;
}

/* A control character: of ASCII, or the second byte says that it is one of U+0080..U+009F. */
static bool is_blank(const unsigned char *s)
{
	return *s <= ' ' || *s == 0x7f || (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0);
}

/* Does a sequence begin here that would go on behind the end? */
static bool is_cut_off(const unsigned char *s, size_t left)
{
	size_t whole = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || left >= whole)
		return false;
	for (size_t i = 1; i < left; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return false;
	}
	return true;
}

void text_make_line(char *bytes, size_t length)
{
	unsigned char *s = (unsigned char *)bytes, *out = s;
	s[length] = '\0';
	for (size_t i = 0, step; i < length; i += step) {
		step = s[i] ? utf8_length(s + i) : 1;
		bool is_valid = step > 0;
		if (!is_valid && is_cut_off(s + i, length - i))
			break;
		step = is_valid ? step : 1;
		if (is_valid && is_blank(s + i)) {
			if (out > (unsigned char *)bytes && out[-1] != ' ')
				*out++ = ' ';
			continue;
		}
		memmove(out, is_valid ? (const void *)(s + i) : "?", step);
		out += step;
	}
	if (out > (unsigned char *)bytes && out[-1] == ' ')
		out--;
	*out = '\0';
}

size_t text_broken_start(const char *bytes, size_t length)
{
	size_t broken = 0;
	while (broken < 3 && broken < length && (bytes[broken] & 0xc0) == 0x80)
		broken++;
	return broken;
}

static void add_json_string(struct text *text, const unsigned char *s, size_t size)
{
	const unsigned char *end = s + size;
	text_add_bytes(text, "\"", 1);
	while (s < end) {
		/* Many a reader of JSON takes no \u0000. */
		size_t length = *s ? utf8_length(s) : 0;
		if (*s == '"' || *s == '\\')
			text_add(text, "\\%c", *s);
		else if (*s == '\n')
			text_add_bytes(text, "\\n", 2);
		else if (*s == '\t')
			text_add_bytes(text, "\\t", 2);
		else if ((*s && *s < 0x20) || *s == 0x7f)
			text_add(text, "\\u%04x", *s);
		else if (length)
			text_add_bytes(text, (const char *)s, length);
		else
			text_add_bytes(text, "\xef\xbf\xbd", 3);
		s += length ? length : 1;
	}
	text_add_bytes(text, "\"", 1);
}

void text_add_json_bytes(struct text *text, const char *bytes, size_t length)
{
	size_t before = text->length;
	bool was_truncated = text->truncated;
	text->truncated = false;
	add_json_string(text, (const unsigned char *)bytes, length);
	/* All or nothing, like every other add. */
	if (text->truncated) {
		text->length = before;
		text->data[before] = '\0';
	}
	text->truncated |= was_truncated;
}

void text_add_json(struct text *text, const char *value)
{
	if (value)
		text_add_json_bytes(text, value, strlen(value));
	else
		text_add(text, "null");
}
