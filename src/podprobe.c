/* podprobe: one attempt of a probe or hook, for podinit: what needs TLS, HTTP/2 or a name that has to be
 * resolved, so that process 1 has none of these in it. A table of kinds. It has no timeout (podinit kills
 * it), and must not live longer than who started it. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "probe/connect.h"
#include "probe/grpc.h"
#include "probe/health.h"
#include "probe/http.h"

enum { HOST_MAX = 255, PATH_MAX_LENGTH = 32 * 1024 };

enum option_bit { CAN_HOOK = 1 << 0, CAN_HEADER = 1 << 1, CAN_USER_AGENT = 1 << 2 };

static const struct kind {
	const char *name, *arguments;
	void (*run)(const struct probe *probe, struct verdict *verdict);
	unsigned options;    /* option_bit */
	size_t what_max;     /* the longest PATH or SERVICE; 0: it takes none */
	const char *what_is; /* its name */
	const char *help;
} KINDS[] = {
	{"http", "HOST PORT [PATH]", http_probe, CAN_HOOK | CAN_HEADER | CAN_USER_AGENT,
		PATH_MAX_LENGTH, "PATH", "GET by HTTP/1.1: 200 to 399 is a success"},
	{"https", "HOST PORT [PATH]", https_probe, CAN_HOOK | CAN_HEADER | CAN_USER_AGENT,
		PATH_MAX_LENGTH, "PATH", "the same by TLS; no certificate is verified"},
	{"grpc", "HOST PORT [SERVICE]", grpc_probe, CAN_USER_AGENT, HEALTH_SERVICE_MAX, "SERVICE",
		"grpc.health.v1.Health/Check: SERVING is a success"},
	{"tcp", "HOST PORT", tcp_probe, 0, 0, "", "connect and close"},
};

enum { KIND_COUNT = sizeof(KINDS) / sizeof(*KINDS) };

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("podprobe: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

static void say_no_memory(void)
{
	complain("no memory");
	_exit(PROBE_ERROR);
}

/* --- the command line --- */

static void print_usage(FILE *stream)
{
	fprintf(stream, "usage: podprobe KIND [OPTION...] HOST PORT [PATH|SERVICE]\n\n");
	for (int i = 0; i < KIND_COUNT; i++)
		fprintf(stream, "  %-6s %-20s %s\n", KINDS[i].name, KINDS[i].arguments,
			KINDS[i].help);
	fprintf(stream,
		"\n"
		"  --header='NAME: VALUE'      http, https: in place of podprobe's own; repeats\n"
		"  --hook                      http, https: a hook: any answer is a success\n"
		"  --user-agent=TEXT           http, https, grpc: default kube-probe/1.32\n"
		"\nExit code: 0 success; 1 failure; 2 success with a warning; 3 not even "
		"tried.\n");
}

static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return false;
	}
	return true;
}

static bool is_header(const char *text)
{
	size_t name = strspn(text,
		"!#$%&'*+-.^_`|~0123456789"
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	return name > 0 && text[name] == ':' && is_plain(text);
}

/* What could not stand in an URL cannot be a host's name, either. */
static bool is_host(const char *text)
{
	size_t length = strlen(text);
	for (const char *c = text; *c; c++) {
		if (*c <= ' ' || *c == 0x7f || strchr("/?#@[]\\\"<>^`{|}", *c))
			return false;
	}
	return length > 0 && length <= HOST_MAX && text[0] != '-';
}

static bool is_port(const char *text)
{
	size_t length = strspn(text, "0123456789");
	return length > 0 && length <= 5 && !text[length] && text[0] != '0' && atoi(text) <= 65535;
}

/* "--NAME" or "--NAME=VALUE": the value, "" if it has none to have; NULL if `word` is another option. */
static const char *option_value(const char *word, const char *name, bool has_value)
{
	size_t length = strlen(name);
	if (strncmp(word + 2, name, length) != 0 || word[2 + length] != (has_value ? '=' : '\0'))
		return NULL;
	return word + 2 + length + has_value;
}

static bool read_option(
	const char *word, const struct kind *kind, struct arena *arena, struct probe *probe)
{
	const char *value;
	if ((kind->options & CAN_HOOK) && option_value(word, "hook", false)) {
		probe->hook = true;
	} else if ((kind->options & CAN_HEADER) && (value = option_value(word, "header", true))) {
		strings_add(arena, &probe->headers, value);
		if (is_header(value))
			return true;
		complain("--header is 'NAME: VALUE', not '%s'", value);
		return false;
	} else if ((kind->options & CAN_USER_AGENT) &&
		(value = option_value(word, "user-agent", true))) {
		probe->user_agent = value;
		if (is_plain(value))
			return true;
		complain("--user-agent has control characters");
		return false;
	} else {
		complain("%s has no option '%s'", kind->name, word);
		return false;
	}
	return true;
}

/* Behind the kind: options, then operands. NULL is the end. */
static bool read_words(
	char **words, const struct kind *kind, struct arena *arena, struct probe *probe)
{
	for (; *words && strncmp(*words, "--", 2) == 0; words++) {
		if (!read_option(*words, kind, arena, probe))
			return false;
	}
	int given = 0, most = kind->what_max ? 3 : 2;
	while (words[given])
		given++;
	if (given < 2 || given > most) {
		complain("%s takes %s", kind->name, kind->arguments);
		return false;
	}
	probe->host = words[0];
	probe->port = words[1];
	probe->what = given > 2 ? words[2] : "";
	if (!is_host(probe->host))
		complain("'%s' is not a host", probe->host);
	else if (!is_port(probe->port))
		complain("PORT is 1 to 65535, not '%s'", probe->port);
	else if (strlen(probe->what) > kind->what_max)
		complain("%s has more than %zu bytes", kind->what_is, kind->what_max);
	else
		return true;
	return false;
}

/* --- the verdict --- */

/* One line of printable ASCII: parts of it are the server's, and it goes into logs and to terminals. */
static void print_verdict(const struct verdict *verdict)
{
	for (const char *c = verdict->words; *c; c++)
		putchar(*c >= ' ' && *c <= '~' ? *c : '?');
	putchar('\n');
}

static int run(const struct kind *kind, char **words)
{
	struct arena arena = {0};
	struct probe probe = {0};
	struct verdict verdict = {.result = PROBE_ERROR};
	if (read_words(words, kind, &arena, &probe)) {
		kind->run(&probe, &verdict);
		print_verdict(&verdict);
	}
	arena_finish(&arena);
	return verdict.result;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	arena_exhausted = say_no_memory;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What is written to a server that is gone is an error there, and not a death. */
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		print_usage(stdout);
		return 0;
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("podprobe %s\n", PODINIT_VERSION);
		return 0;
	}
	for (int i = 0; i < KIND_COUNT; i++) {
		if (strcmp(KINDS[i].name, name) == 0)
			return run(&KINDS[i], argv + 2);
	}
	if (*name)
		complain("unknown kind '%s'; podprobe --help lists them", name);
	else
		print_usage(stderr);
	return PROBE_ERROR;
}
