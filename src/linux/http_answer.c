/* The reader of HTTP/1.x answers. As strict as Go's net/http, and so the kubelet, where that decides between
 * success and failure; what decides nothing is skipped. Must not make a system call. */
#include "http_answer.h"

#include <string.h>
#include <strings.h>

#include "http_url.h"

enum part {
	PART_STATUS,
	PART_NAME,
	PART_VALUE,
	PART_IGNORED /* up to the end of the line */
};

enum header { HEADER_OTHER, HEADER_LOCATION, HEADER_CONTENT_LENGTH, HEADER_TRANSFER_ENCODING };

static const char *const HEADERS[] = {
	[HEADER_LOCATION] = "location",
	[HEADER_CONTENT_LENGTH] = "content-length",
	[HEADER_TRANSFER_ENCODING] = "transfer-encoding",
};

#define BROKEN "net/http: HTTP/1.x transport connection broken: "

static void answer_begin(struct http_answer *answer)
{
	answer->part = PART_STATUS;
	answer->line_length = 0;
	answer->location_seen = answer->location_cut = answer->chunked = false;
	answer->location_length = 0;
	answer->body_left = -1;
}

void http_answer_init(struct http_answer *answer, char *location, size_t location_size)
{
	*answer = (struct http_answer){
		.location = location, .location_size = location_size, .chunk_size = -1};
	answer_begin(answer);
}

static void fail(struct http_answer *answer, const char *problem, bool has_line)
{
	answer->progress = HTTP_MALFORMED;
	answer->problem = problem;
	answer->problem_has_line = has_line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* --- the head --- */

static void keep(struct http_answer *answer, const char *bytes, const char *end)
{
	size_t room = sizeof(answer->line) - 1 - (size_t)answer->line_length;
	size_t length = (size_t)(end - bytes) < room ? (size_t)(end - bytes) : room;
	memcpy(answer->line + answer->line_length, bytes, length);
	answer->line_length = (int8_t)(answer->line_length + (int)length);
}

static void location_add(struct http_answer *answer, const char *bytes, const char *end)
{
	size_t room = answer->location_size - 1 - answer->location_length;
	size_t length = (size_t)(end - bytes);
	answer->location_cut |= length > room;
	length = length < room ? length : room;
	memcpy(answer->location + answer->location_length, bytes, length);
	answer->location_length += (uint32_t)length;
}

/* Takes white space off the end, and makes it a string. */
static size_t trim(char *bytes, size_t length)
{
	while (length && (is_blank(bytes[length - 1]) || bytes[length - 1] == '\r'))
		length--;
	bytes[length] = '\0';
	return length;
}

static enum header header_of(const struct http_answer *answer)
{
	size_t length = (size_t)answer->line_length;
	for (size_t i = HEADER_LOCATION; i < sizeof(HEADERS) / sizeof(*HEADERS); i++) {
		if (strlen(HEADERS[i]) == length &&
			strncasecmp(HEADERS[i], answer->line, length) == 0)
			return i == HEADER_LOCATION && answer->location_seen ? HEADER_OTHER : i;
	}
	return HEADER_OTHER;
}

/* A part of a line, without its end. */
static void line_add(struct http_answer *answer, const char *bytes, const char *end)
{
	if (answer->part == PART_NAME) {
		const char *colon = memchr(bytes, ':', (size_t)(end - bytes));
		keep(answer, bytes, colon ? colon : end);
		if (!colon)
			return;
		answer->header = header_of(answer);
		answer->part = answer->header == HEADER_OTHER ? PART_IGNORED : PART_VALUE;
		answer->line_length = 0;
		bytes = colon + 1;
	}
	if (answer->part == PART_IGNORED)
		return;
	if (answer->part == PART_VALUE) {
		while (answer->line_length == 0 && bytes < end && is_blank(*bytes))
			bytes++;
		if (answer->header == HEADER_LOCATION)
			location_add(answer, bytes, end);
	}
	keep(answer, bytes, end);
}

/* "HTTP/1.1 200 OK", of which the end may be missing. */
static void status_line(struct http_answer *answer)
{
	const char *line = answer->line;
	answer->line_length = (int8_t)trim(answer->line, (size_t)answer->line_length);
	if (strncmp(line, "HTTP/", 5) != 0 || !is_digit(line[5]) || line[6] != '.' ||
		!is_digit(line[7]) || line[8] != ' ') {
		fail(answer, BROKEN "malformed HTTP response ", true);
		return;
	}
	line += 8;
	line += strspn(line, " ");
	if (strcspn(line, " ") != 3 || strspn(line, "0123456789") != 3) {
		fail(answer, BROKEN "malformed HTTP status code in ", true);
		return;
	}
	answer->status = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

static void content_length(struct http_answer *answer)
{
	int32_t length = 0;
	for (const char *c = answer->line; *c; c++) {
		if (!is_digit(*c)) {
			fail(answer, BROKEN "bad Content-Length ", true);
			return;
		}
		length = length * 10 + (*c - '0');
		if (length > HTTP_BODY_MAX)
			length = HTTP_BODY_MAX + 1;
	}
	if (!answer->line_length || (answer->body_left >= 0 && answer->body_left != length))
		fail(answer, BROKEN "bad Content-Length ", true);
	answer->body_left = length;
}

static void value_end(struct http_answer *answer)
{
	answer->line_length = (int8_t)trim(answer->line, (size_t)answer->line_length);
	if (answer->header == HEADER_LOCATION) {
		answer->location_seen = true;
	} else if (answer->header == HEADER_CONTENT_LENGTH) {
		content_length(answer);
	} else if (strcasecmp(answer->line, "chunked") == 0) {
		answer->chunked = true;
	} else {
		fail(answer, BROKEN "unsupported transfer encoding: ", true);
	}
}

static void head_end(struct http_answer *answer)
{
	bool switches = answer->status == 101;
	if (answer->status / 100 == 1 && !switches) {
		answer_begin(answer);
		return;
	}
	trim(answer->location, answer->location_length);
	if (answer->chunked)
		answer->body_left = 0;
	bool has_body = !switches && answer->status != 204 && answer->status != 304 &&
		(answer->chunked || answer->body_left != 0);
	answer->progress = has_body ? HTTP_IN_BODY : HTTP_WHOLE;
}

/* A line of the headers that has no colon: the empty one is the last. */
static void name_end(struct http_answer *answer)
{
	bool continues = answer->line_length && is_blank(answer->line[0]);
	answer->line_length = (int8_t)trim(answer->line, (size_t)answer->line_length);
	if (answer->line_length == 0 && !continues)
		head_end(answer);
	else if (!continues)
		fail(answer, BROKEN "malformed MIME header line: ", true);
}

static void line_end(struct http_answer *answer)
{
	enum part part = answer->part;
	answer->part = PART_NAME;
	if (part == PART_STATUS)
		status_line(answer);
	else if (part == PART_NAME)
		name_end(answer);
	else if (part == PART_VALUE)
		value_end(answer);
	if (answer->progress != HTTP_MALFORMED)
		answer->line_length = 0;
}

static const char *head_take(struct http_answer *answer, const char *bytes, const char *end)
{
	const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
	const char *next = newline ? newline + 1 : end;
	if ((size_t)(next - bytes) > HTTP_HEAD_MAX - answer->head_length) {
		fail(answer, "net/http: server response headers exceeded 65536 bytes; aborted",
			false);
		return end;
	}
	answer->head_length += (uint32_t)(next - bytes);
	line_add(answer, bytes, newline ? newline : end);
	if (newline) {
		line_end(answer);
	} else if (answer->part == PART_STATUS && answer->line_length == sizeof(answer->line) - 1) {
		/* Who speaks another protocol may never end a line. */
		answer->part = PART_IGNORED;
		status_line(answer);
	}
	return next;
}

/* --- the body --- */

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind a chunk there is an empty line, which says nothing; what is no number ends the body. */
static void chunk_line_end(struct http_answer *answer)
{
	if (answer->chunk_size == 0 || (answer->chunk_size < 0 && answer->chunk_extended))
		answer->progress = HTTP_WHOLE;
	else if (answer->chunk_size > 0)
		answer->body_left = answer->chunk_size;
	answer->chunk_size = -1;
	answer->chunk_extended = false;
}

static void chunk_line_add(struct http_answer *answer, char c)
{
	int digit = hex_digit(c);
	if (c == '\n') {
		chunk_line_end(answer);
	} else if (digit >= 0 && !answer->chunk_extended) {
		int32_t size = answer->chunk_size < 0 ? 0 : answer->chunk_size;
		size = size * 16 + digit;
		answer->chunk_size = size > HTTP_BODY_MAX ? HTTP_BODY_MAX + 1 : size;
	} else if (c != '\r') {
		answer->chunk_extended = true;
	}
}

static const char *body_take(struct http_answer *answer, const char *bytes, const char *end)
{
	int32_t length = HTTP_BODY_MAX - answer->body_length;
	if (end - bytes < length)
		length = (int32_t)(end - bytes);
	if (answer->chunked && answer->body_left == 0) {
		chunk_line_add(answer, *bytes);
		length = 1;
	} else if (answer->body_left >= 0) {
		length = length < answer->body_left ? length : answer->body_left;
		answer->body_left -= length;
		if (answer->body_left == 0 && !answer->chunked)
			answer->progress = HTTP_WHOLE;
	}
	answer->body_length += length;
	if (answer->body_length == HTTP_BODY_MAX)
		answer->progress = HTTP_WHOLE;
	return bytes + length;
}

/* --- both --- */

enum http_progress http_answer_feed(struct http_answer *answer, const char *bytes, size_t length)
{
	const char *end = bytes + length;
	while (bytes < end && answer->progress < HTTP_WHOLE) {
		if (answer->progress == HTTP_IN_HEAD)
			bytes = head_take(answer, bytes, end);
		else
			bytes = body_take(answer, bytes, end);
	}
	return answer->progress;
}

enum http_progress http_answer_end(struct http_answer *answer)
{
	if (answer->progress == HTTP_IN_BODY) {
		answer->progress = HTTP_WHOLE;
	} else if (answer->progress == HTTP_IN_HEAD) {
		bool nothing = answer->head_length == 0;
		if (answer->part == PART_STATUS && answer->line_length)
			status_line(answer);
		if (answer->progress == HTTP_IN_HEAD)
			fail(answer, nothing ? "EOF" : BROKEN "unexpected EOF", false);
	}
	return answer->progress;
}

/* --- what it means --- */

bool http_answer_is_redirect(const struct http_answer *answer)
{
	return answer->location[0] && answer->status >= 301 && answer->status <= 308 &&
		(answer->status <= 303 || answer->status >= 307);
}

enum http_meaning http_answer_judge(const struct http_answer *answer, struct text *text)
{
	int status = answer->status;
	if (status / 100 == 2) {
		text_add(text, "HTTP probe succeeded with statuscode: %d", status);
		return HTTP_MEANS_SUCCESS;
	}
	if (status / 100 != 3) {
		text_add(text, "HTTP probe failed with statuscode: %d", status);
		return HTTP_MEANS_FAILURE;
	}
	text_add(text, "Probe terminated redirects, statuscode: %d", status);
	if (answer->location[0] && !http_path_problem(answer->location))
		text_add(text, ", Location: %.256s", answer->location);
	return HTTP_MEANS_WARNING;
}

/* As Go's %q, for bytes. */
static void add_quoted(struct text *text, const char *bytes, int length)
{
	text_add(text, "\"");
	for (int i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c == '"' || c == '\\')
			text_add(text, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			text_add(text, "\\x%02x", c);
		else
			text_add(text, "%c", c);
	}
	text_add(text, "\"");
}

void http_answer_problem(const struct http_answer *answer, struct text *text)
{
	text_add(text, "%s", answer->problem);
	if (answer->problem_has_line)
		add_quoted(text, answer->line, answer->line_length);
}
