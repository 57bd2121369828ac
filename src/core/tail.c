/* The last bytes of a stream, and the last lines of those. Must not take them for text: any byte may come. */
#include "tail.h"

#include <string.h>

#include "../spec/text.h"

void tail_add(struct tail *tail, const char *bytes, size_t length)
{
	size_t added = length < TAIL_BYTES ? length : TAIL_BYTES;
	size_t room = TAIL_BYTES - added;
	size_t kept = tail->length < room ? tail->length : room;
	tail->is_cut |= added < length || kept < tail->length;
	memmove(tail->bytes, tail->bytes + (tail->length - kept), kept);
	memcpy(tail->bytes + kept, bytes + (length - added), added);
	tail->length = kept + added;
}

void tail_clear(struct tail *tail)
{
	tail->length = 0;
	tail->is_cut = false;
}

/* Where they begin. The newline at the very end begins no line. */
static const char *last_lines(const char *begin, const char *end)
{
	int lines = 0;
	for (const char *s = end - 1; s > begin; s--) {
		if (s[-1] == '\n' && ++lines == TAIL_LINES)
			return s;
	}
	return begin;
}

size_t tail_copy(const struct tail *tail, char *to, size_t max)
{
	size_t length = tail->length < max ? tail->length : max;
	const char *end = tail->bytes + tail->length, *begin = end - length;
	if (!length)
		return 0;
	if (tail->is_cut || length < tail->length)
		begin += text_broken_start(begin, length);
	begin = last_lines(begin, end);
	memcpy(to, begin, (size_t)(end - begin));
	return (size_t)(end - begin);
}
