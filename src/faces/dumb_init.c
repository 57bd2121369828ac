/* dumb-init: a session for the program, signals to all of it, rewritten where asked. Must say what
 * dumb-init says, all of it on standard error; the help is our own words. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../linux/terminal.h"
#include "face.h"

#define VERSION "dumb-init v1.2.5"

enum { START_FAILED = 2 };

static struct {
	bool is_debugging, is_single;
	const char *program;
	const uint8_t *map;
	uint64_t rewritten; /* also to itself */
} dumb_init;

static void print_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void print_debug(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (dumb_init.is_debugging)
		face_vprint(STDERR_FILENO, "[dumb-init] ", format, arguments);
	va_end(arguments);
}

/* --- what happens --- */

/* What dumb-init itself, and then its child, did to the terminal. */
static void tell_spawned(pid_t pid)
{
	const struct terminal *terminal = terminal_state();
	bool session = !dumb_init.is_single;
	if (session && terminal->detach_error)
		print_debug("Unable to detach from controlling tty (errno=%d %s).",
			terminal->detach_error, strerror(terminal->detach_error));
	else if (session && terminal->was_leader)
		print_debug("Detached from controlling tty, ignoring the first SIGHUP and SIGCONT "
			    "we receive.");
	else if (session)
		print_debug("Detached from controlling tty, but was not session leader.");
	print_debug("Child spawned with PID %d.", (int)pid);
	if (session && terminal->attach_error)
		print_debug("Unable to attach to controlling tty (errno=%d %s).",
			terminal->attach_error, strerror(terminal->attach_error));
	if (session)
		print_debug("setsid complete.");
}

static void passed_on(int signo, int as, int error)
{
	(void)error;
	if (dumb_init.rewritten & SIGNAL_BIT(signo))
		print_debug("Translating signal %d to %d.", signo, as);
	if (as)
		print_debug("Forwarded signal %d to children.", as);
	else
		print_debug("Not forwarding signal %d to children (ignored).", as);
}

static void child_ended(pid_t pid, int exit_code, int signo)
{
	if (signo)
		print_debug("A child with PID %d was terminated by signal %d.", (int)pid, signo);
	else
		print_debug("A child with PID %d exited with exit status %d.", (int)pid, exit_code);
}

static void main_ended(pid_t pid, int exit_code, int signo)
{
	child_ended(pid, exit_code, signo);
	passed_on(SIGTERM, dumb_init.map[SIGTERM], 0);
	print_debug("Child exited with status %d. Goodbye.", exit_code);
}

static void start_failed(const struct notice *notice)
{
	const char *why = strerror(notice->spawn_error.error);
	if (!notice->pid) {
		face_print(STDERR_FILENO, "[dumb-init] ", "Unable to fork. Exiting.");
		return;
	}
	tell_spawned(notice->pid);
	face_print(STDERR_FILENO, "[dumb-init] ", "%s: %s", dumb_init.program, why);
	print_debug("Received signal %d.", SIGCHLD);
	main_ended(notice->pid, START_FAILED, 0);
}

static void tell(const struct notice *notice)
{
	switch ((int)notice->reason) {
	case NOTICE_STARTED:
		tell_spawned(notice->pid);
		break;
	case NOTICE_START_ERROR:
		start_failed(notice);
		break;
	case NOTICE_COMPLETED:
	case NOTICE_ERROR:
	case NOTICE_OOM_KILLED:
		main_ended(notice->pid, notice->exit_code, notice->signo);
		break;
	case NOTICE_SIGNAL:
		print_debug("Received signal %d.", notice->signo);
		break;
	case NOTICE_ORPHAN:
		child_ended(notice->pid, notice->exit_code, notice->signo);
		break;
	default:
		break;
	}
}

static void handed_off(int signo)
{
	print_debug("Ignoring tty hand-off signal %d.", signo);
}

static void suspends(void)
{
	print_debug("Suspending self due to TTY signal.");
}

static const struct voice VOICE = {
	.tell = tell,
	.passed_on = passed_on,
	.handed_off = handed_off,
	.suspends = suspends,
};

/* --- how it is called --- */

static void print_help(const char *name)
{
	fprintf(stderr,
		VERSION
		"\nUsage: %s [option] command [[arg] ...]\n\n"
		"podinit in dumb-init's place: runs a program in a session of its own, passes\n"
		"signals on to all of it, reaps.\n\n"
		"   -c, --single-child   no session; signals go to the program alone\n"
		"   -r, --rewrite s:r    pass signal s on as signal r; as 0: not at all\n"
		"   -v, --verbose        say what happens\n"
		"   -h, --help           this\n"
		"   -V, --version        the version\n",
		name);
}

static bool add_rewrite(struct pod_spec *spec, const char *argument)
{
	int signo, as;
	if (sscanf(argument, "%d:%d", &signo, &as) != 2 || signo < 1 ||
		signo > SIGNAL_STANDARD_MAX || as < 0 || as > SIGNAL_STANDARD_MAX)
		return false;
	spec->signal_map[signo] = (uint8_t)as;
	dumb_init.rewritten |= SIGNAL_BIT(signo);
	return true;
}

static int parse(struct pod_spec *spec, int argc, char **argv)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'},
		{"single-child", no_argument, NULL, 'c'},
		{"rewrite", required_argument, NULL, 'r'},
		{"verbose", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int option;
	while ((option = getopt_long(argc, argv, "+hvVcr:", options, NULL)) != -1) {
		switch (option) {
		case 'h':
			print_help(argv[0]);
			return 0;
		case 'V':
			fputs(VERSION "\n", stderr);
			return 0;
		case 'v':
			dumb_init.is_debugging = true;
			break;
		case 'c':
			dumb_init.is_single = true;
			break;
		case 'r':
			if (add_rewrite(spec, optarg))
				break;
			fputs("Usage: -r option takes <signum>:<signum>, where <signum> is between "
			      "1 and "
			      "31.\nThis option can be specified multiple times.\nUse --help for "
			      "full "
			      "usage.\n",
				stderr);
			return 1;
		default:
			return 1;
		}
	}
	if (argv[optind])
		return FACE_RUNS;
	fprintf(stderr, "Usage: %s [option] program [args]\nTry %s --help for full usage.\n",
		argv[0], argv[0]);
	return 1;
}

static bool variable_is(const char *name, const char *value)
{
	const char *got = getenv(name);
	return got && strcmp(got, value) == 0;
}

/* In a session of its own nobody could continue what Ctrl-Z and its like stop, unless they were told to
 * for sure: the kernel drops them there. */
static void rewrite_stops(struct pod_spec *spec)
{
	static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};
	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++) {
		spec->entry.suspend_signals |= SIGNAL_BIT(stops[i]);
		if (dumb_init.is_single || dumb_init.rewritten & SIGNAL_BIT(stops[i]))
			continue;
		spec->signal_map[stops[i]] = SIGSTOP;
		dumb_init.rewritten |= SIGNAL_BIT(stops[i]);
	}
}

static int begin(struct start *start, int argc, char **argv)
{
	struct pod_spec *spec = &start->spec;
	int code = parse(spec, argc, argv);
	if (code != FACE_RUNS)
		return code;
	if (variable_is("DUMB_INIT_DEBUG", "1")) {
		dumb_init.is_debugging = true;
		print_debug("Running in debug mode.");
	}
	if (variable_is("DUMB_INIT_SETSID", "0")) {
		dumb_init.is_single = true;
		print_debug("Not running in setsid mode.");
	}
	face_relay(start, argv + optind);
	dumb_init.program = argv[optind];
	dumb_init.map = spec->signal_map;
	rewrite_stops(spec);
	spec->single_child = dumb_init.is_single;
	spec->leftovers = LEFTOVERS_SIGNALLED;
	spec->start_codes = (struct start_codes){
		.not_found = START_FAILED, .denied = START_FAILED, .other = START_FAILED};
	spec->entry.session = dumb_init.is_single ? SESSION_SAME : SESSION_NEW;
	spec->entry.terminal_is_stdin = true;
	spec->entry.hold_descriptors = true;
	spec->entry.reset_signals = true;
	start->voice = &VOICE;
	return FACE_RUNS;
}

const struct face FACE_DUMB_INIT = {
	.names = (const char *const[]){"dumb-init", NULL},
	.begin = begin,
};
