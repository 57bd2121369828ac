/* podctl: asks a podinit. A table of commands: each sends a line and shows the JSON that comes
 * back. Must not know what the answers are made of beyond what it prints. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "linux/names.h"
#include "spec/text.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NO_PODINIT = 3 };

struct request {
	const char *socket; /* NULL: find it */
	bool json;
	char **arguments; /* behind the command */
	const char *name; /* of the command */
};

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("podctl: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

/* --- asking --- */

static int connect_to(const char *name)
{
	struct sockaddr_un address;
	socklen_t length = control_address(&address, name);
	int fd = length ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, length) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* The socket that was named, else the usual one, else the abstract one of this PID namespace. */
static int find_podinit(const struct request *request)
{
	char abstract[64];
	const char *name = request->socket ? request->socket : getenv("PODINIT_SOCKET");
	if (name) {
		int fd = connect_to(name);
		if (fd < 0)
			complain("%s: %s", name, strerror(errno));
		return fd;
	}
	control_abstract_name(abstract, sizeof(abstract));
	int fd = connect_to(CONTROL_PATH);
	int error = errno;
	if (fd < 0)
		fd = connect_to(abstract);
	if (fd < 0)
		complain("no podinit answers: %s: %s; %s: %s", CONTROL_PATH, strerror(error),
			abstract, strerror(errno));
	return fd;
}

static void send_line(int fd, const struct request *request)
{
	struct text line = {0};
	text_add(&line, "%s", request->name);
	for (char **word = request->arguments; *word; word++)
		text_add(&line, " %s", *word);
	text_add(&line, "\n");
	ssize_t ignored = send(fd, line.data, line.length, MSG_NOSIGNAL);
	(void)ignored; /* the answer will be missing then */
	text_finish(&line);
}

/* Asks and reads the whole answer. NULL after saying what went wrong; *exit_code says how. */
static json_t *ask(const struct request *request, struct text *raw, int *exit_code)
{
	char buffer[4096];
	ssize_t length;
	*exit_code = EXIT_NO_PODINIT;
	int fd = find_podinit(request);
	if (fd < 0)
		return NULL;
	/* A podinit that refuses us may have closed already, but said why. */
	send_line(fd, request);
	while ((length = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		text_add_bytes(raw, buffer, (size_t)length);
	close(fd);
	json_error_t error;
	json_t *answer = raw->data ? json_loads(raw->data, 0, &error) : NULL;
	if (!answer) {
		complain("podinit's answer is not complete");
		return NULL;
	}
	const char *refusal = json_string_value(json_object_get(answer, "error"));
	if (refusal) {
		complain("%s", refusal);
		json_decref(answer);
		*exit_code = EXIT_REFUSED;
		return NULL;
	}
	*exit_code = 0;
	return answer;
}

/* --- status --- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

/* Seconds since an RFC 3339 time; -1 if it is none. */
static long seconds_since(const char *time_text)
{
	struct tm then = {0};
	if (!strptime(time_text, "%Y-%m-%dT%H:%M:%SZ", &then))
		return -1;
	return (long)difftime(time(NULL), timegm(&then));
}

/* As kubectl writes an age: 5s, 3m, 2h, 4d. */
static void print_age(const char *since, char *age, size_t size)
{
	static const struct {
		long seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	long seconds = seconds_since(since);
	snprintf(age, size, seconds < 0 ? "-" : "0s");
	for (size_t i = 0; seconds > 0 && i < sizeof(units) / sizeof(*units); i++) {
		if (seconds >= units[i].seconds) {
			snprintf(age, size, "%ld%c", seconds / units[i].seconds, units[i].unit);
			return;
		}
	}
}

/* "Running", "CrashLoopBackOff", "Error (3)", and since when. */
static void describe_state(const json_t *state, char *text, size_t size, const char **since)
{
	const json_t *running = json_object_get(state, "running");
	const json_t *waiting = json_object_get(state, "waiting");
	const json_t *terminated = json_object_get(state, "terminated");
	*since = "";
	if (running) {
		snprintf(text, size, "Running");
		*since = text_of(running, "startedAt");
	} else if (terminated) {
		snprintf(text, size, "%s (%lld)", text_of(terminated, "reason"),
			(long long)json_integer_value(json_object_get(terminated, "exitCode")));
		*since = text_of(terminated, "finishedAt");
	} else {
		snprintf(text, size, "%s", text_of(waiting, "reason"));
	}
}

static void print_processes(const json_t *statuses)
{
	size_t index;
	const json_t *status;
	json_array_foreach(statuses, index, status)
	{
		char state[64], age[24];
		const char *since, *id = text_of(status, "containerID");
		const json_t *own = json_object_get(status, "podinit");
		const char *waits_for = text_of(own, "waitsFor"), *says = text_of(own, "says");
		bool has_words = *waits_for || *says;
		describe_state(json_object_get(status, "state"), state, sizeof(state), &since);
		print_age(since, age, sizeof(age));
		printf("%-24s %-7s %-20s %-6s %8lld %6s %-*s%s%s%s\n", text_of(status, "name"),
			text_of(own, "kind"), state,
			json_is_true(json_object_get(status, "ready")) ? "yes" : "no",
			(long long)json_integer_value(json_object_get(status, "restartCount")), age,
			has_words ? 8 : 0, strncmp(id, "podinit://", 10) == 0 ? id + 10 : "-",
			*waits_for ? "waits for " : "", waits_for, says);
	}
}

static void print_status(const json_t *status)
{
	const json_t *podinit = json_object_get(status, "podinit");
	char age[24];
	print_age(text_of(status, "startTime"), age, sizeof(age));
	printf("Pod %s: %s%s%s, %s old\n", text_of(podinit, "name"), text_of(status, "phase"),
		*text_of(status, "reason") ? ", " : "", text_of(status, "reason"), age);
	printf("%-24s %-7s %-20s %-6s %8s %6s %-7s %s\n", "NAME", "KIND", "STATE", "READY",
		"RESTARTS", "SINCE", "PID", "SAYS");
	print_processes(json_object_get(status, "initContainerStatuses"));
	print_processes(json_object_get(status, "containerStatuses"));
}

static int show_status(const struct request *request)
{
	int exit_code;
	struct text raw = {0};
	json_t *status = ask(request, &raw, &exit_code);
	if (status && request->json)
		fputs(raw.data, stdout);
	else if (status)
		print_status(status);
	json_decref(status);
	text_finish(&raw);
	return exit_code;
}

static int only_ask(const struct request *request)
{
	int exit_code;
	struct text raw = {0};
	json_t *answer = ask(request, &raw, &exit_code);
	if (answer && request->json)
		fputs(raw.data, stdout);
	json_decref(answer);
	text_finish(&raw);
	return exit_code;
}

/* podctl may run in the pod; then what it asks for is told to itself, too, before it has said that it
 * was done. */
static int shut_down(const struct request *request)
{
	signal(SIGTERM, SIG_IGN);
	return only_ask(request);
}

/* --- the command line --- */

static const struct command {
	const char *name, *arguments;
	int (*run)(const struct request *request);
	const char *help;
	int max_arguments;
} COMMANDS[] = {
	{"status", "", show_status, "the pod and its processes; -o json: as a PodStatus", 0},
	{"shutdown", "[GRACE]", shut_down, "end the pod in order, within GRACE seconds", 1},
};

enum { COMMAND_COUNT = sizeof(COMMANDS) / sizeof(*COMMANDS) };

static void print_usage(FILE *stream)
{
	fprintf(stream, "usage: podctl [-s SOCKET] COMMAND [-o json] [ARGUMENT...]\n\n");
	for (int i = 0; i < COMMAND_COUNT; i++)
		fprintf(stream, "  %-10s %-8s %s\n", COMMANDS[i].name, COMMANDS[i].arguments,
			COMMANDS[i].help);
	fprintf(stream,
		"\nWithout -s (or PODINIT_SOCKET) podctl finds the podinit of this machine or "
		"PID namespace.\nExit code: 0; 1 podinit refused; 2 wrong usage; 3 no podinit "
		"answers.\n");
}

static int run_command(struct request *request)
{
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(COMMANDS[i].name, request->name) != 0)
			continue;
		int count = 0;
		while (request->arguments[count])
			count++;
		if (count > COMMANDS[i].max_arguments) {
			complain("%s takes %s", request->name,
				COMMANDS[i].max_arguments ? "one argument" : "no argument");
			return EXIT_USAGE;
		}
		return COMMANDS[i].run(request);
	}
	complain("unknown command %s; podctl --help lists them", request->name);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct request request = {0};
	int option;
	/* Permuting, so that "podctl status -o json" reads as one would type it. */
	while ((option = getopt(argc, argv, "s:o:hV-:")) != -1) {
		if (option == 's') {
			request.socket = optarg;
		} else if (option == 'o' && strcmp(optarg, "json") == 0) {
			request.json = true;
		} else if (option == 'o') {
			complain("-o knows json only, not %s", optarg);
			return EXIT_USAGE;
		} else if (option == 'h' || (option == '-' && strcmp(optarg, "help") == 0)) {
			print_usage(stdout);
			return 0;
		} else if (option == 'V' || (option == '-' && strcmp(optarg, "version") == 0)) {
			printf("podctl %s\n", PODINIT_VERSION);
			return 0;
		} else {
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (!argv[optind]) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	request.name = argv[optind];
	request.arguments = argv + optind + 1;
	return run_command(&request);
}
