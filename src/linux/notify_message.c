/* Reading a datagram of sd_notify(3): lines KEY=value. What is not known is not for podinit, a line that is
 * wrong costs only itself. Pure: must not call the system, nor know who sent it. */
#include "notify_message.h"

#include <string.h>

#include "../spec/units.h"

/* A line, of which nothing is behind `length`; value is its own, ended by a NUL. */
struct line {
	const char *key;
	size_t key_length;
	const char *value;
};

static bool parse_microseconds(const char *text, int64_t *ns)
{
	int64_t usec;
	if (!integer_parse(text, &usec) || usec < 0 || usec > INT64_MAX / 1000)
		return false;
	*ns = usec * 1000;
	return true;
}

static bool parse_pid(const char *text, pid_t *pid)
{
	int64_t number;
	if (!integer_parse(text, &number) || number < 1 || number > INT32_MAX)
		return false;
	*pid = (pid_t)number;
	return true;
}

/* Bytes of a whole character of UTF-8 at s, or 0: it is none. Of the C1 controls (U+0080 to U+009F) too, which
 * a terminal could obey. */
static size_t character_length(const unsigned char *s)
{
	size_t length = *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return *s == 0xc2 && s[1] < 0xa0 ? 0 : length;
}

static void take_status(struct notify_message *message, const char *value)
{
	size_t used = 0;
	for (const unsigned char *s = (const unsigned char *)value; *s;) {
		size_t length = *s < 0x80 ? 1 : character_length(s);
		bool is_shown = length > 1 || (length == 1 && *s >= ' ' && *s != 0x7f);
		size_t step = length ? length : 1;
		if (used + step > NOTIFY_STATUS_MAX)
			break;
		if (is_shown)
			memcpy(message->status + used, s, step);
		else
			message->status[used] = '?';
		used += is_shown ? step : 1;
		s += step;
	}
	message->status[used] = '\0';
	message->has_status = true;
}

static bool is_key(const struct line *line, const char *key)
{
	return strlen(key) == line->key_length && memcmp(line->key, key, line->key_length) == 0;
}

/* "1", which sets a flag. Any other value says nothing. */
static bool take_flag(const struct line *line, bool *flag)
{
	if (strcmp(line->value, "1") != 0)
		return false;
	*flag = true;
	return true;
}

static bool take_watchdog(struct notify_message *message, const struct line *line)
{
	if (strcmp(line->value, "trigger") != 0)
		return take_flag(line, &message->watchdog);
	message->watchdog_trigger = true;
	return true;
}

static bool take_name(struct notify_message *message, const char *value)
{
	if (!*value || !descriptor_name_is_valid(value))
		return false;
	strcpy(message->name, value); /* at most DESCRIPTOR_NAME_MAX, as the line above says */
	return true;
}

/* False: the line is of no use. */
static bool take_line(struct notify_message *message, const struct line *line)
{
	if (is_key(line, "READY"))
		return take_flag(line, &message->ready);
	if (is_key(line, "STOPPING"))
		return take_flag(line, &message->stopping);
	if (is_key(line, "RELOADING"))
		return take_flag(line, &message->reloading);
	if (is_key(line, "WATCHDOG"))
		return take_watchdog(message, line);
	if (is_key(line, "WATCHDOG_USEC"))
		return parse_microseconds(line->value, &message->watchdog_ns);
	if (is_key(line, "EXTEND_TIMEOUT_USEC"))
		return parse_microseconds(line->value, &message->extend_ns);
	if (is_key(line, "MAINPID"))
		return parse_pid(line->value, &message->main_pid);
	if (is_key(line, "FDSTORE"))
		return take_flag(line, &message->stores);
	if (is_key(line, "FDSTOREREMOVE"))
		return take_flag(line, &message->removes);
	if (is_key(line, "FDPOLL"))
		message->keeps_hung_up = strcmp(line->value, "0") == 0;
	if (is_key(line, "FDNAME"))
		return take_name(message, line->value);
	if (is_key(line, "STATUS"))
		take_status(message, line->value);
	return true;
}

void notify_message_read(struct notify_message *message, const char *bytes, size_t length)
{
	char text[NOTIFY_MESSAGE_MAX + 1];
	*message = (struct notify_message){.watchdog_ns = -1, .extend_ns = -1};
	if (length > NOTIFY_MESSAGE_MAX) {
		message->malformed = 1;
		return;
	}
	memcpy(text, bytes, length);
	text[length] = '\0';
	for (char *s = text, *end = text + length; s < end;) {
		char *stop = memchr(s, '\n', (size_t)(end - s));
		if (!stop)
			stop = end;
		*stop = '\0';
		char *equals = strchr(s, '=');
		const struct line line = {
			s, equals ? (size_t)(equals - s) : 0, equals ? equals + 1 : ""};
		/* A NUL in a line would hide what is behind it. */
		bool is_line = equals && equals > s && strlen(s) == (size_t)(stop - s);
		if (s < stop && (!is_line || !take_line(message, &line)))
			message->malformed++;
		s = stop + 1;
	}
}
