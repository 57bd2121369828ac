/* libFuzzer over what a server sends to a probe, and what a user has it send. The first byte says which: an
 * answer is read alike in whatever pieces it comes; a Location is refused or leads to an URL that reads back
 * as the same; a request is refused or is one request. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "linux/http_answer.h"
#include "linux/http_request.h"
#include "linux/http_url.h"

enum { LOCATION_SIZE = 64, PATH_SIZE = 128, STRINGS_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* as libFuzzer declares it */

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

/* --- answers --- */

/* A room of exactly its size, for AddressSanitizer to watch. */
static void answer_read(struct http_answer *answer, const char *bytes, size_t length, size_t piece)
{
	http_answer_init(answer, malloc(LOCATION_SIZE), LOCATION_SIZE);
	for (size_t i = 0; i < length; i += piece)
		http_answer_feed(answer, bytes + i, piece < length - i ? piece : length - i);
}

static void answer_check(const struct http_answer *answer)
{
	char buffer[512];
	struct text text = text_in(buffer, sizeof(buffer));
	expect(answer->progress == HTTP_WHOLE || answer->progress == HTTP_MALFORMED);
	expect(answer->head_length <= HTTP_HEAD_MAX && answer->body_length <= HTTP_BODY_MAX);
	if (answer->progress == HTTP_WHOLE) {
		expect(answer->status >= 0 && answer->status <= 999);
		expect(answer->status / 100 != 1 || answer->status == 101);
		expect(strlen(answer->location) < LOCATION_SIZE);
	} else {
		http_answer_problem(answer, &text);
		expect(text.length > 0 && !text.truncated && !strchr(text.data, '\n'));
	}
}

static void fuzz_answer(const char *bytes, size_t length)
{
	static const size_t pieces[] = {4096, 1, 7};
	struct http_answer answers[3], ended[3];
	for (int i = 0; i < 3; i++) {
		answer_read(&answers[i], bytes, length, pieces[i]);
		ended[i] = answers[i];
		http_answer_end(&ended[i]);
		answer_check(&ended[i]);
		expect(answers[i].progress == answers[0].progress);
		expect(ended[i].progress == ended[0].progress);
		expect(ended[i].problem == ended[0].problem);
		expect(ended[i].status == ended[0].status);
		if (ended[i].progress == HTTP_WHOLE)
			expect(strcmp(ended[i].location, ended[0].location) == 0);
		if (i)
			free(answers[i].location);
	}
	free(answers[0].location);
}

/* --- Locations --- */

static void fuzz_location(const char *const *strings, int count)
{
	static const char host[] = "127.0.0.1";
	char path[PATH_SIZE], again_path[PATH_SIZE * 3], printed[8192], again_printed[8192];
	struct text text = text_in(printed, sizeof(printed));
	struct text again_text = text_in(again_printed, sizeof(again_printed));
	struct http_url url, again;
	struct http_url base = {
		.host = host,
		.host_length = strlen(host),
		.port = 8080,
		.path = count > 1 ? strings[1] : "/",
	};
	if (http_path_problem(base.path) ||
		http_url_resolve(&base, strings[0], &url, path, sizeof(path)))
		return;
	expect(url.path == path && path[0] == '/' && strlen(path) < sizeof(path));
	expect(!strchr(path, '#') && !http_path_problem(path));
	expect(!strstr(path, "/../") || strchr(path, '?') < strstr(path, "/../"));
	if (!http_url_is_absolute(strings[0]) && strncmp(strings[0], "//", 2) != 0)
		expect(http_url_same_host(&url, &base) && url.port == base.port);
	if (url.scheme == URL_OTHER || !url.host_length || memchr(url.host, '[', url.host_length) ||
		memchr(url.host, ']', url.host_length))
		return;
	http_url_add(&url, &text);
	if (text.truncated)
		return;
	expect(!http_url_resolve(&base, printed, &again, again_path, sizeof(again_path)));
	expect(again.scheme == url.scheme && again.port == url.port);
	http_url_add(&again, &again_text);
	expect(strcmp(strrchr(printed, '/'), strrchr(again_printed, '/')) == 0);
}

/* --- requests --- */

static void fuzz_request(const char **strings, int count)
{
	char buffer[1024];
	struct text text = text_in(buffer, sizeof(buffer));
	struct strings headers = {.items = strings + 1, .count = count - 1};
	const struct http_url url = {
		.host = "::1", .host_length = 3, .port = 80, .path = strings[0]};
	const struct http_request request = {
		.url = &url, .headers = &headers, .user_agent = "kube-probe/1"};
	if (http_request_write(&request, &text))
		return;
	expect(strncmp(buffer, "GET /", 5) == 0 && text.length == strlen(buffer));
	expect(strstr(buffer, "\r\n\r\n") == buffer + text.length - 4);
	expect(strncmp(strchr(buffer + 4, ' '), " HTTP/1.1\r\nHost: ", 17) == 0);
	for (const char *c = buffer; *c; c++) {
		expect(*c != '\r' || c[1] == '\n');
		expect(*c != '\n' || c[-1] == '\r');
		expect((unsigned char)*c >= ' ' || strchr("\r\n\t", *c));
	}
	for (const char *line = buffer; (line = strstr(line, "\r\n")) && line[2]; line += 2)
		expect(line[2] == '\r' || strcspn(line + 2, ":") < strcspn(line + 2, "\r"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *strings[STRINGS_MAX];
	int count = 0;
	if (size == 0)
		return 0;
	char *copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = '\0';
	for (char *at = copy; at < copy + size && count < STRINGS_MAX; at += strlen(at) + 1)
		strings[count++] = at;
	if (data[0] % 3 == 0)
		fuzz_answer(copy, size - 1);
	else if (data[0] % 3 == 1)
		fuzz_location(strings, count);
	else
		fuzz_request(strings, count);
	free(copy);
	return 0;
}
