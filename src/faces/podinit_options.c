/* podinit's own options: a table, and what reads it. Must not do anything but understand them. */
#include "podinit_options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../linux/log.h"
#include "../spec/units.h"

static bool refuse(const char *option, const char *value, const char *must)
{
	log_line("option --%s: must be %s, got '%s'", option, must, value);
	return false;
}

/* --- options with a meaning of their own; false after saying what is wrong --- */

static bool set_duration(int64_t *ns, const char *option, const char *value)
{
	return (duration_parse(value, ns) && *ns >= 0) ||
		refuse(option, value, "a duration (30, 1.5, 500ms)");
}

static bool set_grace(struct options *options, const char *value)
{
	return set_duration(&options->grace_ns, "grace", value);
}

static bool set_drain_delay(struct options *options, const char *value)
{
	return set_duration(&options->drain_delay_ns, "drain-delay", value);
}

static bool set_parent_death_signal(struct options *options, const char *value)
{
	return signal_parse(value, &options->parent_death_signal) ||
		refuse("parent-death-signal", value, "a signal (TERM, SIGTERM, 15)");
}

static bool set_single_child(struct options *options, const char *value)
{
	(void)value;
	options->start->spec.single_child = true;
	return true;
}

static bool add_rewrite(struct options *options, const char *value)
{
	static const char must[] = "FROM:TO, two signals (HUP:QUIT), TO 0 to drop it";
	char from[32];
	const char *colon = strchr(value, ':');
	int signo, as = 0;
	if (!colon || colon - value >= (int)sizeof(from))
		return refuse("rewrite", value, must);
	snprintf(from, sizeof(from), "%.*s", (int)(colon - value), value);
	if (!signal_parse(from, &signo) ||
		(strcmp(colon + 1, "0") != 0 && !signal_parse(colon + 1, &as)))
		return refuse("rewrite", value, must);
	options->start->spec.signal_map[signo] = (uint8_t)as;
	return true;
}

/* Calls add() for each number of a list with commas between. */
static bool each_number(struct options *options, const char *list, long min, long max,
	bool (*add)(struct options *options, int number))
{
	char *end;
	do {
		long number = strtol(list, &end, 10);
		if (end == list || (*end && *end != ',') || number < min || number > max ||
			!add(options, (int)number))
			return false;
		list = end + 1;
	} while (*end);
	return true;
}

static bool add_success_code(struct options *options, int code)
{
	exit_codes_add(&options->start->spec.success_codes, code);
	return true;
}

static bool set_success_codes(struct options *options, const char *value)
{
	return each_number(options, value, 0, 255, add_success_code) ||
		refuse("success-codes", value, "exit codes 0..255 with commas between");
}

static bool add_descriptor(struct options *options, int fd)
{
	options->start->spec.entry.kept_descriptors |= UINT64_C(1) << fd;
	return fcntl(fd, F_GETFD) >= 0;
}

static bool set_keep_fds(struct options *options, const char *value)
{
	return each_number(options, value, 3, 63, add_descriptor) ||
		refuse("keep-fds", value, "open descriptors 3..63 with commas between");
}

static bool set_join(struct options *options, const char *value)
{
	options->join.process = value;
	return (*value && strspn(value, "0123456789") == strlen(value)) ||
		refuse("join", value, "a process number");
}

static bool refuse_compat(struct options *options, const char *value)
{
	(void)options;
	log_line("option --compat %s: must be the first one", value);
	return false;
}

/* --- the table --- */

enum option_for { FOR_ALL, FOR_ENTRYPOINT };

/* One row per option: the parser and --help read it. */
static const struct option_row {
	char letter;		     /* 0: none */
	const char *name, *argument; /* argument NULL: it takes none */
	enum option_for whose;
	/* Where it goes: of a const char * with an argument, else of a bool. */
	size_t offset;
	bool (*set)(struct options *options, const char *value); /* instead of `offset` */
	const char *doc;
} OPTIONS[] = {
#define TO(field) offsetof(struct options, field), NULL
#define BY(set)	  0, set
	{'c', "config", "FILE|DIR|-", FOR_ALL, TO(config),
		"the pod: an INI file, a directory of *.ini, or standard input"},
	{0, "sandbox", NULL, FOR_ALL, TO(sandbox),
		"make the pod's namespaces first: PID, mount, UTS, IPC, network"},
	{0, "net", "none|host", FOR_ALL, TO(net),
		"network of the sandbox: only loopback (none), or the machine's (host)"},
	{0, "join", "PID", FOR_ALL, BY(set_join),
		"enter the network, IPC and UTS namespaces of a process"},
	{0, "join-net", "PATH", FOR_ALL, TO(join.paths[NAMESPACE_NET]),
		"enter this network namespace, as /run/netns/x"},
	{0, "join-ipc", "PATH", FOR_ALL, TO(join.paths[NAMESPACE_IPC]), "enter this IPC namespace"},
	{0, "join-uts", "PATH", FOR_ALL, TO(join.paths[NAMESPACE_UTS]), "enter this UTS namespace"},
	{0, "join-pid", "PATH", FOR_ALL, TO(join.paths[NAMESPACE_PID]),
		"put the sandbox into this PID namespace"},
	{0, "cgroup", "PATH|none", FOR_ALL, TO(cgroup), "cgroups of the pod below PATH, or none"},
	{0, "check", NULL, FOR_ALL, TO(check), "read the file, report every error, run nothing"},
	{0, "plan", NULL, FOR_ALL, TO(plan),
		"say what would run, in which order and how; run nothing"},
	{0, "keys", NULL, FOR_ALL, TO(keys), "list every key of the file"},
	{'g', "grace", "SECONDS", FOR_ENTRYPOINT, BY(set_grace),
		"time to end before SIGKILL: for the program and what it leaves (30)"},
	{0, "drain-delay", "SECONDS", FOR_ENTRYPOINT, BY(set_drain_delay),
		"pass the stop signal on only so much later; a second one at once"},
	{'r', "rewrite", "FROM:TO", FOR_ENTRYPOINT, BY(add_rewrite),
		"pass signal FROM on as TO; as 0, not at all; repeats"},
	{0, "single-child", NULL, FOR_ENTRYPOINT, BY(set_single_child),
		"signals go to the program alone, not to its process group"},
	{'p', "parent-death-signal", "SIGNAL", FOR_ALL, BY(set_parent_death_signal),
		"get SIGNAL when the process ends that started podinit"},
	{'e', "success-codes", "CODES", FOR_ALL, BY(set_success_codes),
		"exit codes (143,130) that become 0; repeats"},
	{0, "keep-fds", "NUMBERS", FOR_ENTRYPOINT, BY(set_keep_fds),
		"descriptors above 2 that the program gets; repeats"},
	{0, "termination-message", "PATH", FOR_ALL, TO(message_path),
		"file for the last line, instead of /dev/termination-log"},
	{0, "install", "DIR", FOR_ALL, TO(install),
		"copy this one file into DIR, as DIR/podinit, and end"},
	{0, "events", "FILE", FOR_ALL, TO(events),
		"append every event to FILE, each a line of JSON"},
	{0, "socket", "PATH", FOR_ALL, TO(socket),
		"where podctl asks; @NAME is an abstract socket"},
	{0, "no-control", NULL, FOR_ALL, TO(no_control), "no socket for podctl"},
	{0, "compat", "NAME", FOR_ALL, BY(refuse_compat),
		"be another init, as by its name; only as the first option"},
	{'q', "quiet", NULL, FOR_ALL, TO(quiet), "say only what went wrong"},
	{'v', "verbose", NULL, FOR_ALL, TO(verbose), "say more: orphans, too"},
	{'h', "help", NULL, FOR_ALL, TO(help), "this"},
	{'V', "version", NULL, FOR_ALL, TO(version), "podinit's version"},
#undef TO
#undef BY
};

enum { OPTION_COUNT = sizeof(OPTIONS) / sizeof(*OPTIONS) };

void options_print_help(void)
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
			printf("  -%c, %-28s %s\n", OPTIONS[i].letter, left, OPTIONS[i].doc);
		else
			printf("  %-32s %s\n", left, OPTIONS[i].doc);
	}
	char buffer[256];
	struct text names = text_in(buffer, sizeof(buffer));
	face_names(&names);
	printf("\nCalled by another name, podinit is that init: %s.\n", buffer);
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

/* `value` is NULL where the option takes none. */
static bool take_option(struct options *options, const struct option_row *row, const char *value)
{
	void *field = (char *)options + row->offset;
	if (row->whose == FOR_ENTRYPOINT)
		options->of_entrypoint = row->name;
	if (row->set)
		return row->set(options, value);
	if (row->argument)
		*(const char **)field = value;
	else
		*(bool *)field = true;
	return true;
}

static bool parse_words(struct options *options, char **argv)
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
		if (!row->argument && equals) {
			log_line("option --%s takes no argument", row->name);
			return false;
		}
		if (row->argument && !equals && !argv[i + 1]) {
			log_line("option --%s needs an argument: %s", row->name, row->argument);
			return false;
		}
		const char *value = !row->argument ? NULL : equals ? equals + 1 : argv[++i];
		if (!take_option(options, row, value))
			return false;
	}
	options->command = argv[i] ? &argv[i] : NULL;
	return true;
}

/* Rules between options. Returns false after saying what is wrong. */
static bool check_options(const struct options *options)
{
	const char *problem = NULL;
	bool is_host = options->net && strcmp(options->net, "host") == 0;
	if (options->config && options->command)
		problem = "give either -c FILE or a program, not both";
	else if ((options->check || options->plan) && options->command)
		problem = "--check and --plan are about a file: -c FILE";
	else if (options->net && !options->sandbox)
		problem = "--net belongs to --sandbox";
	else if (options->net && !is_host && strcmp(options->net, "none") != 0)
		problem = "--net is none or host";
	else if (options->net && (options->join.process || options->join.paths[NAMESPACE_NET]))
		problem = "--net and joining a network exclude each other";
	else if (options->join.paths[NAMESPACE_PID] && !options->sandbox)
		problem = "--join-pid belongs to --sandbox";
	else if (options->quiet && options->verbose)
		problem = "--quiet and --verbose exclude each other";
	else if (options->drain_delay_ns >
		(options->grace_ns >= 0 ? options->grace_ns : options->start->spec.grace_ns))
		problem = "--drain-delay is more than the --grace";
	if (problem)
		log_line("%s", problem);
	else if (options->of_entrypoint && !options->command)
		log_line("option --%s is about a program: podinit --%s ... -- PROGRAM",
			options->of_entrypoint, options->of_entrypoint);
	return !problem && (!options->of_entrypoint || options->command);
}

bool options_parse(struct options *options, char **argv)
{
	options->grace_ns = options->drain_delay_ns = -1;
	return parse_words(options, argv) && check_options(options);
}
