/* tini: one child, its signals, its exit code. Becomes a subreaper only when it is asked to. Must say
 * what tini says where programs or people may look for it; help and licence are our own words. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../core/pod.h"
#include "../linux/boot.h"
#include "../linux/terminal.h"
#include "../spec/units.h"
#include "face.h"

#define VERSION "tini version 0.19.0 - podinit." PODINIT_VERSION

enum { FATAL, WARNING, INFO, DEBUG, TRACE };

static struct {
	unsigned verbosity;
	int parent_death_signal;
	bool subreaper, warn_on_reap, group;
	const char *program;
} tini;

static void say_as(pid_t pid, unsigned level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* tini's child says some of it. */
static void say_as(pid_t pid, unsigned level, const char *format, ...)
{
	static const char *const names[] = {"FATAL", "WARN ", "INFO ", "DEBUG", "TRACE"};
	char begin[48];
	va_list arguments;
	if (level > tini.verbosity && level != FATAL)
		return;
	snprintf(begin, sizeof(begin), "[%s tini (%d)] ", names[level], (int)pid);
	va_start(arguments, format);
	face_vprint(level <= WARNING ? STDERR_FILENO : STDOUT_FILENO, begin, format, arguments);
	va_end(arguments);
}

#define say(level, ...) say_as(getpid(), level, __VA_ARGS__)

/* --- what happens --- */

/* tini's child says it; into a buffer, unless standard output is a terminal, which is written when it
 * ends, but lost when it executes its program. */
static void tell_foreground(pid_t pid)
{
	int error = terminal_state()->foreground_error;
	if (error)
		say_as(pid, DEBUG, "tcsetpgrp failed: %s (ok to proceed)",
			error == ENXIO ? "no such device" : "no tty");
}

static void started(const struct notice *notice)
{
	say(INFO, "Spawned child process '%s' with pid '%d'", tini.program, notice->pid);
	if (isatty(STDOUT_FILENO))
		tell_foreground(notice->pid);
}

static void ended(const struct notice *notice)
{
	say(DEBUG, "Reaped child with pid: '%d'", notice->pid);
	if (notice->signo)
		say(INFO, "Main child exited with signal (with signal '%s')",
			strsignal(notice->signo));
	else
		say(INFO, "Main child exited normally (with status '%d')", notice->exit_code);
}

static const struct start_codes START_CODES = {.not_found = 127, .denied = 126, .other = 1};

/* The program was not executed: tini learns that from the exit code of its child. */
static void start_failed(const struct notice *notice)
{
	const struct termination termination = {
		.reason = NOTICE_START_ERROR, .spawn_error = notice->spawn_error};
	const char *why = strerror(notice->spawn_error.error);
	struct notice end = *notice;
	if (!notice->pid) {
		say(FATAL, "fork failed: %s", why);
		return;
	}
	say(INFO, "Spawned child process '%s' with pid '%d'", tini.program, notice->pid);
	if (notice->spawn_error.stage == STAGE_EXEC) {
		tell_foreground(notice->pid);
		say_as(notice->pid, FATAL, "exec %s failed: %s", tini.program, why);
	} else {
		say_as(notice->pid, FATAL, "tcsetpgrp failed: %s", why);
	}
	say(DEBUG, "Received SIGCHLD");
	end.exit_code = (int16_t)termination_exit_code(&START_CODES, &termination);
	ended(&end);
	say(TRACE, "No child to wait");
}

static void tell(const struct notice *notice)
{
	switch ((int)notice->reason) {
	case NOTICE_STARTED:
		started(notice);
		break;
	case NOTICE_START_ERROR:
		start_failed(notice);
		break;
	case NOTICE_COMPLETED:
	case NOTICE_ERROR:
	case NOTICE_OOM_KILLED:
		ended(notice);
		break;
	case NOTICE_SIGNAL:
		if (notice->signo == SIGCHLD)
			say(DEBUG, "Received SIGCHLD");
		break;
	case NOTICE_ORPHAN:
		say(DEBUG, "Reaped child with pid: '%d'", notice->pid);
		if (tini.warn_on_reap)
			say(WARNING, "Reaped zombie process with pid=%d", notice->pid);
		break;
	default:
		break;
	}
}

static void passed_on(int signo, int as, int error)
{
	if (as)
		say(DEBUG, "Passing signal: '%s'", strsignal(signo));
	if (error == ESRCH)
		say(WARNING, "Child was dead when forwarding signal");
}

static void reaped_all(bool childless)
{
	say(TRACE, childless ? "No child to wait" : "No child to reap");
}

static void finishes(void)
{
	say(TRACE, "Exiting: child has exited");
}

static const struct voice VOICE = {
	.tell = tell,
	.passed_on = passed_on,
	.reaped_all = reaped_all,
	.finishes = finishes,
};

/* --- how it is called --- */

static void print_usage(FILE *stream, const char *name)
{
	const char *slash = strrchr(name, '/');
	name = slash ? slash + 1 : name;
	fprintf(stream, "%s (%s)\n", name, VERSION);
	fprintf(stream, "Usage: %s [OPTIONS] PROGRAM -- [ARGS] | --version\n\n", name);
	fputs("podinit in tini's place: runs PROGRAM, passes signals on, reaps.\n\n"
	      "  -s          adopt orphans, where this is not process 1\n"
	      "  -p SIGNAL   get SIGNAL (as SIGTERM is written) when the parent ends\n"
	      "  -g          signals go to the program's process group\n"
	      "  -e CODE     exit code CODE becomes 0; may be repeated\n"
	      "  -w          warn when an orphan is reaped\n"
	      "  -v          say more; may be repeated, up to three times\n"
	      "  -h, -l      this help; the licence\n"
	      "  --version   the version, as the only argument\n\n"
	      "Environment: TINI_SUBREAPER is -s, TINI_KILL_PROCESS_GROUP is -g, TINI_VERBOSITY=N\n"
	      "stands for N times -v (default: 1).\n\n",
		stream);
}

/* The names that tini knows: those of the standard signals, but for three. */
static int signal_of(const char *name)
{
	static const uint64_t unknown =
		SIGNAL_BIT(SIGSTKFLT) | SIGNAL_BIT(SIGIO) | SIGNAL_BIT(SIGPWR);
	for (int signo = 1; signo <= SIGNAL_STANDARD_MAX; signo++) {
		if (strcmp(signal_name(signo), name) == 0 && !(unknown & SIGNAL_BIT(signo)))
			return signo;
	}
	return 0;
}

static bool add_success_code(struct pod_spec *spec, const char *argument)
{
	char *end;
	long code = strtol(argument, &end, 10);
	if (*end || code < 0 || code > 255)
		return false;
	exit_codes_add(&spec->success_codes, (int)code);
	return true;
}

static int bad_value(char option, const char *value)
{
	say(FATAL, "Not a valid option for -%c: %s", option, value);
	return 1;
}

/* Stops at the first word that is not an option, unlike a tini of glibc: what follows is the program's,
 * and no command line that works there means something else here. */
static int parse(struct start *start, int argc, char **argv)
{
	int option;
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts(VERSION);
		return 0;
	}
	while ((option = getopt(argc, argv, "+p:hvwgle:s")) != -1) {
		switch (option) {
		case 'h':
			print_usage(stdout, argv[0]);
			return 0;
		case 'l':
			face_print_licence("tini");
			return 0;
		case 's':
			tini.subreaper = true;
			break;
		case 'p':
			tini.parent_death_signal = signal_of(optarg);
			if (!tini.parent_death_signal)
				return bad_value('p', optarg);
			break;
		case 'v':
			tini.verbosity++;
			break;
		case 'w':
			tini.warn_on_reap = true;
			break;
		case 'g':
			tini.group = true;
			break;
		case 'e':
			if (!add_success_code(&start->spec, optarg))
				return bad_value('e', optarg);
			break;
		default:
			print_usage(stderr, argv[0]);
			return 1;
		}
	}
	if (!argv[optind]) {
		print_usage(stderr, argv[0]);
		return 1;
	}
	return FACE_RUNS;
}

static void read_environment(void)
{
	const char *verbosity = getenv("TINI_VERBOSITY");
	tini.subreaper |= getenv("TINI_SUBREAPER") != NULL;
	tini.group |= getenv("TINI_KILL_PROCESS_GROUP") != NULL;
	if (verbosity)
		tini.verbosity = (unsigned)atoi(verbosity); /* so -1 is the most there is */
}

/* What tini does to its own process, or 1. */
static int prepare(pid_t parent)
{
	int signo = tini.parent_death_signal;
	int result = signo ? boot_parent_death_signal(signo, parent) : 0;
	if (result < 0) {
		say(FATAL, "Failed to set up parent death signal");
		return 1;
	}
	result = tini.subreaper ? boot_become_subreaper() : 0;
	if (result < 0) {
		say(FATAL, "Failed to register as child subreaper: %s", strerror(-result));
		return 1;
	}
	if (tini.subreaper)
		say(TRACE, "Registered as child subreaper");
	if (getpid() != 1 && !boot_is_subreaper())
		say(WARNING,
			"Tini is not running as PID 1 and isn't registered as a child subreaper.\n"
			"Zombie processes will not be re-parented to Tini, so zombie reaping won't "
			"work.\n"
			"To fix the problem, use the -s option or set the environment variable "
			"TINI_SUBREAPER to register Tini as a child subreaper, or run Tini as PID "
			"1.");
	return FACE_RUNS;
}

static int begin(struct start *start, int argc, char **argv)
{
	struct pod_spec *spec = &start->spec;
	pid_t parent = getppid();
	tini.verbosity = WARNING;
	int code = parse(start, argc, argv);
	if (code != FACE_RUNS)
		return code;
	read_environment();
	face_relay(start, argv + optind);
	tini.program = argv[optind];
	spec->single_child = !tini.group;
	spec->start_codes = START_CODES;
	/* tini ignores these two: so they do not stop it when it is not in the foreground. */
	spec->signal_map[SIGTTIN] = spec->signal_map[SIGTTOU] = 0;
	spec->entry.session = SESSION_GROUP;
	spec->entry.terminal_is_stdin = true;
	spec->entry.hold_descriptors = true;
	spec->entry.own_signals |= FACE_FAULTS;
	start->voice = &VOICE;
	return prepare(parent);
}

const struct face FACE_TINI = {
	.names = (const char *const[]){"tini", "tini-static", "docker-init", NULL},
	.begin = begin,
};
