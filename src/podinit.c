/* podinit: process 1 of a pod. From the command line to a pod_spec, from there into the loop, and
 * out with its exit code. Must not know how anything is done: src/linux does. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/boot.h"
#include "linux/config.h"
#include "linux/event_log.h"
#include "linux/loop.h"
#include "linux/sandbox.h"
#include "linux/signals.h"
#include "linux/volume.h"
#include "spec/keys.h"
#include "spec/spec.h"

enum { EXIT_CANNOT_BEGIN = 125 };

#define DEFAULT_CONFIG "/etc/podinit/pod.ini"

struct options {
	const char *config, *events, *net, *socket;
	bool check, plan, keys, sandbox, help, version, quiet, verbose, no_control;
	char **command; /* of an entrypoint; NULL: none */
};

/* One row per option: the parser and --help read it. */
static const struct option_row {
	char letter;		     /* 0: none */
	const char *name, *argument; /* argument NULL: it takes none */
	size_t offset;		     /* of a const char * with an argument, else of a bool */
	const char *doc;
} OPTIONS[] = {
	{'c', "config", "FILE|DIR|-", offsetof(struct options, config),
		"the pod: an INI file, a directory of *.ini, or standard input"},
	{0, "sandbox", NULL, offsetof(struct options, sandbox),
		"make the pod's namespaces first: PID, mount, UTS, IPC, network"},
	{0, "net", "none|host", offsetof(struct options, net),
		"network of the sandbox: only loopback (none), or the machine's (host)"},
	{0, "check", NULL, offsetof(struct options, check),
		"read the file, report every error, run nothing"},
	{0, "plan", NULL, offsetof(struct options, plan),
		"say what would run, in which order and how; run nothing"},
	{0, "keys", NULL, offsetof(struct options, keys), "list every key of the file"},
	{0, "events", "FILE", offsetof(struct options, events),
		"append every event to FILE, each a line of JSON"},
	{0, "socket", "PATH", offsetof(struct options, socket),
		"where podctl asks; @NAME is an abstract socket"},
	{0, "no-control", NULL, offsetof(struct options, no_control), "no socket for podctl"},
	{'q', "quiet", NULL, offsetof(struct options, quiet), "say only what went wrong"},
	{'v', "verbose", NULL, offsetof(struct options, verbose), "say more: orphans, too"},
	{'h', "help", NULL, offsetof(struct options, help), "this"},
	{'V', "version", NULL, offsetof(struct options, version), "podinit's version"},
};

enum { OPTION_COUNT = sizeof(OPTIONS) / sizeof(*OPTIONS) };

static void print_help(void)
{
	printf("usage: podinit [OPTION...] [--] PROGRAM [ARG...]   run one program as its init\n"
	       "       podinit [OPTION...] -c FILE|DIR|-           run a pod\n"
	       "       podinit                                     run %s, else hold the "
	       "namespaces\n"
	       "\n",
		DEFAULT_CONFIG);
	for (int i = 0; i < OPTION_COUNT; i++) {
		char left[40];
		snprintf(left, sizeof(left), "%s--%s%s%s", OPTIONS[i].letter ? "" : "    ",
			OPTIONS[i].name, OPTIONS[i].argument ? " " : "",
			OPTIONS[i].argument ? OPTIONS[i].argument : "");
		if (OPTIONS[i].letter)
			printf("  -%c, %-24s %s\n", OPTIONS[i].letter, left, OPTIONS[i].doc);
		else
			printf("  %-28s %s\n", left, OPTIONS[i].doc);
	}
	printf("\nExit code: the pod's (see podinit(8)); 124 activeDeadlineSeconds; 125 podinit\n"
	       "could not begin; 126, 127 a program could not be executed, was not found.\n");
}

static const struct option_row *find_option(const char *word, size_t length)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &OPTIONS[i];
		bool is_short = length == 2 && word[0] == '-' && word[1] == row->letter;
		bool is_long = length > 2 && strncmp(word, "--", 2) == 0 &&
			strlen(row->name) == length - 2 &&
			strncmp(word + 2, row->name, length - 2) == 0;
		if (is_short || is_long)
			return row;
	}
	return NULL;
}

/* Options stop at the first word that is not one: what follows is the user's command. Returns
 * false after saying what is wrong. */
static bool parse_options(struct options *options, char **argv)
{
	int i = 1;
	for (; argv[i] && argv[i][0] == '-' && argv[i][1]; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		const char *equals = strncmp(argv[i], "--", 2) == 0 ? strchr(argv[i], '=') : NULL;
		size_t length = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);
		const struct option_row *row = find_option(argv[i], length);
		if (!row) {
			log_line("unknown option %s; podinit --help lists them", argv[i]);
			return false;
		}
		void *field = (char *)options + row->offset;
		if (!row->argument) {
			if (equals) {
				log_line("option --%s takes no argument", row->name);
				return false;
			}
			*(bool *)field = true;
		} else if (equals || argv[i + 1]) {
			*(const char **)field = equals ? equals + 1 : argv[++i];
		} else {
			log_line("option --%s needs an argument: %s", row->name, row->argument);
			return false;
		}
	}
	options->command = argv[i] ? &argv[i] : NULL;
	return true;
}

/* Rules between options. Returns false after saying what is wrong. */
static bool check_options(const struct options *options)
{
	const char *problem = NULL;
	if (options->config && options->command)
		problem = "give either -c FILE or a program, not both";
	else if ((options->check || options->plan) && options->command)
		problem = "--check and --plan are about a file: -c FILE";
	else if (options->net && !options->sandbox)
		problem = "--net belongs to --sandbox";
	else if (options->net && strcmp(options->net, "none") != 0 &&
		strcmp(options->net, "host") != 0)
		problem = "--net is none or host";
	else if (options->quiet && options->verbose)
		problem = "--quiet and --verbose exclude each other";
	if (problem)
		log_line("%s", problem);
	return !problem;
}

static void cannot_allocate(void)
{
	log_line("out of memory");
	exit(EXIT_CANNOT_BEGIN);
}

/* Prints a growing text and frees it. */
static void print_text(FILE *stream, struct text *text)
{
	if (text->data)
		fwrite(text->data, 1, text->length, stream);
	fflush(stream);
	text_finish(text);
}

/* The pod that the command line asks for. */
static void make_spec(
	struct pod_spec *spec, const struct options *options, struct problems *problems)
{
	const char *config = options->config;
	if (!config && !options->command && access(DEFAULT_CONFIG, F_OK) == 0)
		config = DEFAULT_CONFIG;
	if (options->command) {
		spec_entrypoint(spec, options->command);
		spec_check(spec, problems);
	} else if (config) {
		config_read(spec, config, problems);
	} else {
		spec_pause(spec);
		spec_check(spec, problems);
	}
}

/* Says everything that is wrong. True if there was something. */
static bool report(struct problems *problems)
{
	if (!problems->count)
		return false;
	int count = problems->count;
	print_text(stderr, &problems->text);
	log_line("%d problem%s; nothing was started", count, count == 1 ? "" : "s");
	return true;
}

static enum log_level log_level_of(const struct options *options, const struct pod_spec *spec)
{
	if (options->verbose)
		return LOG_VERBOSE;
	return options->quiet || spec->entrypoint ? LOG_QUIET : LOG_NORMAL;
}

/* podinit leaves its directory; what the user named relative to it must not move. NULL for NULL; the
 * caller frees it. */
static char *absolute(const char *path)
{
	struct text text = {0};
	if (!path)
		return NULL;
	char *directory = path[0] == '/' || path[0] == '@' ? NULL : getcwd(NULL, 0);
	text_add(&text, "%s%s%s", directory ? directory : "", directory ? "/" : "", path);
	free(directory);
	return text.data;
}

/* Everything that runs: volumes, loop, and what remains of them. Returns the exit code. */
static int run_pod(const struct pod_spec *spec, const struct options *options, int outer_signals_fd)
{
	struct problems problems = {0};
	struct volumes volumes = {0};
	struct event_log log;
	int result = event_log_open(&log, spec, options->events, log_level_of(options, spec));
	if (result < 0) {
		log_line("--events %s: %s", options->events, strerror(-result));
		return EXIT_CANNOT_BEGIN;
	}
	char *control_path = absolute(options->socket);
	result = boot_prepare(spec->entrypoint);
	if (result < 0)
		log_line("orphans will not be reaped here: neither process 1 nor a subreaper: %s",
			strerror(-result));
	volumes_prepare(&volumes, spec, &problems);
	const struct loop_setup setup = {
		.spec = spec,
		.volumes = &volumes,
		.log = &log,
		.control_path = control_path,
		.control = !options->no_control,
		.outer_signals_fd = outer_signals_fd,
	};
	int exit_code = report(&problems) ? EXIT_CANNOT_BEGIN : loop_run(&setup);
	volumes_finish(&volumes);
	free(control_path);
	return exit_code;
}

static int run(const struct pod_spec *spec, const struct options *options)
{
	int outer_signals_fd = -1;
	signals_block();
	signals_reset(spec->entrypoint);
	log_open();
	if (options->sandbox) {
		const struct sandbox sandbox = {
			.hostname = spec->name,
			.host_network = options->net && strcmp(options->net, "host") == 0,
		};
		int exit_code = sandbox_enter(&sandbox, &outer_signals_fd);
		if (exit_code != SANDBOX_INSIDE)
			return exit_code;
	}
	return run_pod(spec, options, outer_signals_fd);
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct pod_spec spec;
	struct problems problems = {0};
	struct text out = {0};
	int exit_code = 0;

	(void)argc;
	if (getpid() == 1)
		signals_block();
	boot_standard_descriptors();
	arena_exhausted = cannot_allocate;
	if (!parse_options(&options, argv) || !check_options(&options))
		return EXIT_CANNOT_BEGIN;
	if (options.help) {
		print_help();
		return 0;
	}
	if (options.version) {
		printf("podinit %s\n", PODINIT_VERSION);
		return 0;
	}
	if (options.keys) {
		keys_print(&out);
		print_text(stdout, &out);
		return 0;
	}
	spec_init(&spec);
	make_spec(&spec, &options, &problems);
	if (report(&problems)) {
		exit_code = EXIT_CANNOT_BEGIN;
	} else if (options.check || options.plan) {
		if (options.plan)
			spec_plan(&spec, &out);
		print_text(stdout, &out);
	} else {
		exit_code = run(&spec, &options);
	}
	spec_finish(&spec);
	return exit_code;
}
