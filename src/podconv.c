/* podconv: the converter. A table of formats: each row reads one and writes another. Must not know
 * what is in them: src/convert does. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "convert/convert.h"
#include "convert/seccomp_json.h"
#include "convert/seccomp_names.h"
#include "linux/seccomp.h"
#include "spec/security.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2 };

enum { INPUT_MAX = 8 << 20 /* bytes */ };

struct request {
	const char *from, *to;
	const char *output; /* NULL: standard output */
	char **paths;	    /* behind the options; ends with NULL */
	uint64_t capabilities;
	bool strict;
};

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("podconv: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

static void cannot_allocate(void)
{
	complain("out of memory");
	exit(EXIT_REFUSED);
}

/* --- files --- */

/* "-" is standard input. False after saying why. */
static bool read_input(const char *path, struct text *text)
{
	char buffer[65536];
	size_t length;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!file) {
		complain("%s: %s", path, strerror(errno));
		return false;
	}
	while ((length = fread(buffer, 1, sizeof(buffer), file)) > 0 && text->length <= INPUT_MAX)
		text_add_bytes(text, buffer, length);
	int error = ferror(file) ? errno : 0;
	if (file != stdin)
		fclose(file);
	if (error)
		complain("%s: %s", path, strerror(error));
	else if (text->length > INPUT_MAX)
		complain("%s: larger than 8 MiB", path);
	return !error && text->length <= INPUT_MAX;
}

/* Whole, or not at all as far as can be seen before it is opened. False after saying why not. */
static bool write_output(const struct request *request, const void *bytes, size_t length)
{
	FILE *file = request->output ? fopen(request->output, "we") : stdout;
	bool good = file && fwrite(bytes, 1, length, file) == length && fflush(file) == 0;
	int error = errno;
	if (file && request->output && fclose(file) != 0 && good) {
		good = false;
		error = errno;
	}
	if (!good)
		complain("%s: %s", request->output ? request->output : "standard output",
			strerror(error));
	return good;
}

/* The exit code. */
static int print_report(const struct request *request, struct convert_report *report)
{
	struct text *warnings = &report->warnings.text;
	int errors = report->errors.count + (request->strict ? report->warnings.count : 0);
	if (report->errors.count)
		fputs(report->errors.text.data, stderr);
	for (char *line = warnings->data, *end; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		fprintf(stderr, "%s%s\n", request->strict ? "" : "warning: ", line);
	}
	if (errors)
		complain("%d error%s; nothing was written", errors, errors > 1 ? "s" : "");
	text_finish(&report->errors.text);
	text_finish(warnings);
	return errors ? EXIT_REFUSED : 0;
}

/* --- conversions --- */

static int write_program(const struct request *request, const struct seccomp_program *program)
{
	void *bytes;
	if (!request->output && isatty(STDOUT_FILENO)) {
		complain("a filter is not for a terminal; -o FILE writes it to a file");
		return EXIT_USAGE;
	}
	long length = seccomp_write(program, &bytes);
	if (length < 0)
		cannot_allocate();
	bool good = write_output(request, bytes, (size_t)length);
	free(bytes);
	return good ? 0 : EXIT_REFUSED;
}

static int convert_seccomp(const struct request *request)
{
	struct convert_report report = {0};
	struct seccomp_program program;
	struct text text = {0};
	if (request->paths[1]) {
		complain("a filter is made of one profile, not of more");
		return EXIT_USAGE;
	}
	if (!read_input(request->paths[0], &text)) {
		text_finish(&text);
		return EXIT_REFUSED;
	}
	struct seccomp_json profile = {
		.name = request->paths[0],
		.text = text.data ? text.data : "",
		.length = text.length,
		.capabilities = request->capabilities,
	};
	seccomp_json_convert(&profile, &report, &program);
	int exit_code = print_report(request, &report);
	if (exit_code == 0)
		exit_code = write_program(request, &program);
	seccomp_free(&program);
	text_finish(&text);
	return exit_code;
}

static const struct conversion {
	const char *from, *to;
	int (*run)(const struct request *request);
	const char *help;
} CONVERSIONS[] = {
	{"seccomp", "bpf", convert_seccomp,
		"a seccomp profile (JSON of OCI runtimes and Docker) to a filter for podinit"},
};

enum { CONVERSION_COUNT = sizeof(CONVERSIONS) / sizeof(*CONVERSIONS) };

static int convert(const struct request *request)
{
	for (int i = 0; i < CONVERSION_COUNT; i++) {
		if (strcmp(CONVERSIONS[i].from, request->from) == 0 &&
			strcmp(CONVERSIONS[i].to, request->to) == 0)
			return CONVERSIONS[i].run(request);
	}
	complain("cannot convert from %s to %s; podconv --help lists what it can", request->from,
		request->to);
	return EXIT_USAGE;
}

/* --- the command line --- */

enum { OPTION_FROM = 256, OPTION_TO, OPTION_STRICT, OPTION_CAPS };

static const struct option OPTIONS[] = {
	{"from", required_argument, NULL, OPTION_FROM},
	{"to", required_argument, NULL, OPTION_TO},
	{"strict", no_argument, NULL, OPTION_STRICT},
	{"caps", required_argument, NULL, OPTION_CAPS},
	{"output", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static void print_usage(FILE *stream)
{
	fprintf(stream, "usage: podconv --from FORMAT --to FORMAT [OPTION...] PATH...\n\n");
	for (int i = 0; i < CONVERSION_COUNT; i++)
		fprintf(stream, "  --from %s --to %s   %s\n", CONVERSIONS[i].from,
			CONVERSIONS[i].to, CONVERSIONS[i].help);
	fprintf(stream,
		"\n"
		"  -o, --output FILE   write there, not to standard output\n"
		"  --strict            every warning is an error\n"
		"  --caps LIST         seccomp: the capabilities that the process will have, by\n"
		"                      name, with commas, or ALL or NONE (default: a container's)\n"
		"  -h, --help          this\n"
		"  -V, --version       the version\n"
		"\nA PATH of - is standard input. Exit code: 0; 1 refused; 2 wrong usage.\n");
}

/* False after saying what is wrong. */
static bool read_capabilities(const char *list, uint64_t *out)
{
	char name[32];
	*out = strcasecmp(list, "ALL") == 0 ? UINT64_MAX : 0;
	if (*out || strcasecmp(list, "NONE") == 0)
		return true;
	do {
		size_t length = strcspn(list, ",");
		snprintf(name, sizeof(name), "%.*s", (int)length, list);
		int capability = length < sizeof(name) ? seccomp_capability_find(name) : -1;
		if (capability < 0) {
			complain("--caps: there is no capability '%.*s'", (int)length, list);
			return false;
		}
		*out |= UINT64_C(1) << capability;
		list += length;
	} while (*list++ == ',');
	return true;
}

/* The exit code; -1: go on. */
static int read_options(int argc, char **argv, struct request *request)
{
	int option;
	while ((option = getopt_long(argc, argv, "o:hV", OPTIONS, NULL)) != -1) {
		switch (option) {
		case OPTION_FROM:
			request->from = optarg;
			break;
		case OPTION_TO:
			request->to = optarg;
			break;
		case OPTION_STRICT:
			request->strict = true;
			break;
		case OPTION_CAPS:
			if (!read_capabilities(optarg, &request->capabilities))
				return EXIT_USAGE;
			break;
		case 'o':
			request->output = optarg;
			break;
		case 'h':
			print_usage(stdout);
			return 0;
		case 'V':
			printf("podconv %s\n", PODINIT_VERSION);
			return 0;
		default: /* getopt has said why */
			return EXIT_USAGE;
		}
	}
	request->paths = argv + optind;
	return -1;
}

int main(int argc, char **argv)
{
	const struct process_spec container = {.security = &SECURITY_UNSAID};
	struct request request = {.capabilities = spec_capabilities(&container)};
	arena_exhausted = cannot_allocate;
	int exit_code = read_options(argc, argv, &request);
	if (exit_code >= 0)
		return exit_code;
	if (!request.from || !request.to || !request.paths[0]) {
		complain("%s is missing; podconv --help says more",
			!request.from	      ? "--from"
				: !request.to ? "--to"
					      : "a PATH");
		return EXIT_USAGE;
	}
	return convert(&request);
}
