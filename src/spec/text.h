/* Text under construction: either growing (while a file is read or printed) or in a fixed buffer
 * (on the event loop's path, where nothing allocates). Must not know what it says. */
#ifndef PODINIT_SPEC_TEXT_H
#define PODINIT_SPEC_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Zeroed is an empty growing text. `data` is NUL-terminated, or NULL while nothing was added. */
struct text {
	char *data;
	size_t length, capacity;
	bool fixed;	/* data is the caller's and does not grow */
	bool truncated; /* fixed, and something did not fit: what was added last is missing whole */
};

/* A text in the caller's buffer of `size` (> 0) bytes, the NUL included. */
struct text text_in(char *buffer, size_t size);

/* Every add is all or nothing: what does not fit a fixed text is left out and marks it. */
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vadd(struct text *text, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
void text_add_bytes(struct text *text, const char *bytes, size_t length);
void text_clear(struct text *text);
/* Frees a growing text. */
void text_finish(struct text *text);

/* Makes one line of bytes[0..length), in place: runs of spaces and control characters become one space, what is
 * not UTF-8 a '?', and what was cut off at the end is left out. bytes[length] is the caller's, too. */
void text_make_line(char *bytes, size_t length);

/* Of bytes that were cut off before: how many at the beginning are the rest of a character. */
size_t text_broken_start(const char *bytes, size_t length);

/* Adds `value` as a JSON string with its quotes. What is not UTF-8 becomes U+FFFD, so the result
 * is valid JSON whatever the bytes. NULL is written as null. */
void text_add_json(struct text *text, const char *value);

/* The same for bytes of which some may be 0, which become U+FFFD, too; bytes[length] must be 0. */
void text_add_json_bytes(struct text *text, const char *bytes, size_t length);

#endif
