/* Drives src/linux/request.c for test_requests.py: many attempts side by side in one loop, or (bench) many, and
 * how much CPU they take. Asserts nothing but what no attempt may do to its caller. Links request.c itself, with
 * a send() that takes only SEND_MAX bytes, and nothing every other time. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/request.h"

enum { ATTEMPTS_MAX = 4096, HEADERS_MAX = 64 };

static const char *const RESULTS[] = {
	[REQUEST_SUCCESS] = "success",
	[REQUEST_WARNING] = "warning",
	[REQUEST_FAILURE] = "failure",
	[REQUEST_ERROR] = "error",
	[REQUEST_ELSEWHERE] = "elsewhere",
};

struct attempt {
	struct request request;
	struct ev_timer timeout;
	struct request_target target;
	const char *name;
	const char *header_items[HEADERS_MAX + 1];
	struct strings headers;
	double began;
	bool is_cancelled, is_over;
};

static struct attempt attempts[ATTEMPTS_MAX];
static int attempt_count, open_count;
static bool in_begin;
static struct ev_loop *loop;

ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
	static unsigned calls;
	const char *max = getenv("SEND_MAX");
	if (max && ++calls % 2) {
		errno = EAGAIN;
		return -1;
	}
	if (max && length > strtoul(max, NULL, 10))
		length = strtoul(max, NULL, 10);
	return __real_send(fd, bytes, length, flags);
}

static void over(struct attempt *attempt, const char *result, const char *text)
{
	assert(!in_begin && !attempt->is_over && !strchr(text, '\n'));
	attempt->is_over = true;
	ev_timer_stop(loop, &attempt->timeout);
	printf("%s\t%s\t%.0f\t%s\n", attempt->name, result, (ev_time() - attempt->began) * 1000,
		text);
	if (--open_count == 0)
		ev_break(loop, EVBREAK_ALL);
}

static void on_done(struct request *request, enum request_result result, const char *text)
{
	struct attempt *attempt = request->owner;
	assert(!attempt->is_cancelled && request->io.fd == -1);
	over(attempt, RESULTS[result], text);
}

static void on_timeout(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	struct attempt *attempt = timer->data;
	char text[REQUEST_TEXT_MAX];
	(void)ev;
	(void)events;
	request_timeout_text(&attempt->request, text, sizeof(text));
	request_cancel(&attempt->request);
	request_cancel(&attempt->request);
	attempt->is_cancelled = true;
	over(attempt, "timeout", text);
}

static const char *or_null(const char *field)
{
	return field && strcmp(field, "-") == 0 ? NULL : field;
}

/* name, tcp|http|hook|cancel, host, port, path, ms, User-Agent, headers; between bytes 0x1f. */
static void attempt_read(struct attempt *attempt, char *record)
{
	const char *kind, *field;
	attempt->name = strsep(&record, "\x1f");
	kind = strsep(&record, "\x1f");
	attempt->target = (struct request_target){
		.kind = strcmp(kind, "tcp") == 0 ? REQUEST_TCP : REQUEST_HTTP,
		.any_status = strcmp(kind, "hook") == 0,
		.headers = &attempt->headers,
	};
	attempt->is_cancelled = strcmp(kind, "cancel") == 0;
	attempt->target.host = or_null(strsep(&record, "\x1f"));
	attempt->target.port = (uint16_t)atoi(strsep(&record, "\x1f"));
	attempt->target.path = or_null(strsep(&record, "\x1f"));
	ev_timer_init(&attempt->timeout, on_timeout, atof(strsep(&record, "\x1f")) / 1000, 0);
	attempt->timeout.data = attempt;
	attempt->target.user_agent = strsep(&record, "\x1f");
	attempt->headers.items = attempt->header_items;
	while ((field = strsep(&record, "\x1f")) && attempt->headers.count < HEADERS_MAX)
		attempt->header_items[attempt->headers.count++] = field;
}

static void attempt_begin(struct attempt *attempt)
{
	struct request_target target = attempt->target;
	in_begin = true;
	attempt->began = ev_time();
	request_init(&attempt->request, attempt);
	request_begin(&attempt->request, loop, &target, on_done);
	in_begin = false;
	if (attempt->is_cancelled) {
		request_cancel(&attempt->request);
		return;
	}
	ev_timer_start(loop, &attempt->timeout);
	open_count++;
}

/* Records come on standard input, each ended by a byte 0x1e. */
static int run(void)
{
	char *record = NULL;
	size_t size = 0;
	ssize_t length;
	while ((length = getdelim(&record, &size, 0x1e, stdin)) > 0) {
		assert(attempt_count < ATTEMPTS_MAX);
		record[length - 1] = '\0';
		attempt_read(&attempts[attempt_count++], strdup(record));
	}
	free(record);
	for (int i = 0; i < attempt_count; i++)
		attempt_begin(&attempts[i]);
	if (open_count)
		ev_run(loop, 0);
	ev_run(loop, EVRUN_NOWAIT);
	/* The loop has its own; of the attempts none is left. */
	int lowest = dup(0);
	printf("sizeof\t%zu\nlowest\t%d\n", sizeof(struct request), lowest);
	return 0;
}

/* --- bench --- */

static long bench_left, bench_bad;

static void serve(int listener, const char *answer)
{
	char request[4096];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (*answer && recv(fd, request, sizeof(request), 0) > 0)
			__real_send(fd, answer, strlen(answer), MSG_NOSIGNAL);
		close(fd);
	}
}

static void bench_done(struct request *request, enum request_result result, const char *text)
{
	struct attempt *attempt = request->owner;
	(void)text;
	bench_bad += result != REQUEST_SUCCESS;
	if (--bench_left == 0)
		ev_break(loop, EVBREAK_ALL);
	else if (bench_left >= open_count)
		request_begin(request, loop, &attempt->target, bench_done);
}

/* bench KIND ATTEMPTS SIDE_BY_SIDE: prints attempts, those that failed, CPU seconds, seconds. */
static int bench(const char *kind, long count, int side_by_side)
{
	bool is_http = strcmp(kind, "http") == 0;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	struct rusage usage;
	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 512) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		return 1;
	pid_t server = fork();
	if (server == 0)
		serve(listener, is_http ? "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n" : "");
	double began = ev_time();
	bench_left = count;
	open_count = side_by_side;
	for (int i = 0; i < side_by_side; i++) {
		attempts[i].target = (struct request_target){
			.kind = is_http ? REQUEST_HTTP : REQUEST_TCP,
			.port = ntohs(address.sin_port),
			.path = "/healthz",
			.user_agent = "kube-probe/1.33",
		};
		request_init(&attempts[i].request, &attempts[i]);
		request_begin(&attempts[i].request, loop, &attempts[i].target, bench_done);
	}
	ev_run(loop, 0);
	getrusage(RUSAGE_SELF, &usage);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	printf("%ld\t%ld\t%.3f\t%.3f\n", count, bench_bad,
		(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
		ev_time() - began);
	return 0;
}

int main(int argc, char **argv)
{
	const char *files = getenv("NOFILE");
	loop = ev_loop_new(EVFLAG_AUTO);
	if (files) {
		struct rlimit limit = {strtoul(files, NULL, 10), strtoul(files, NULL, 10)};
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (argc == 5 && strcmp(argv[1], "bench") == 0)
		return bench(argv[2], atol(argv[3]), atoi(argv[4]));
	return run();
}
