/* catatonit: one child, its signals, its exit code; or none, and it only reaps. Every failure is exit
 * code 1. Must say what catatonit says; help and licence are our own words. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../linux/boot.h"
#include "../linux/terminal.h"
#include "face.h"

enum { FAILED = 1 };

static struct {
	bool is_debugging, is_group;
	pid_t main;
	const char *program;
} catatonit;

static void say_as(pid_t pid, const char *level, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

static void say_as(pid_t pid, const char *level, const char *format, va_list arguments)
{
	char begin[48];
	snprintf(begin, sizeof(begin), "%s (catatonit:%d): ", level, (int)pid);
	face_vprint(STDERR_FILENO, begin, format, arguments);
}

static void print_error(pid_t pid, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print_error(pid_t pid, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say_as(pid, "ERROR", format, arguments);
	va_end(arguments);
}

static void print_debug_as(pid_t pid, const char *level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void print_debug_as(pid_t pid, const char *level, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (catatonit.is_debugging)
		say_as(pid, level, format, arguments);
	va_end(arguments);
}

#define print_debug(...) print_debug_as(getpid(), "DEBUG", __VA_ARGS__)

/* --- what happens --- */

/* What its child says before it executes the program. */
static void tell_child(pid_t pid)
{
	const struct terminal *terminal = terminal_state();
	int error = terminal->foreground_error;
	if (terminal->open_error)
		print_debug_as(pid, "INFO", "using stdin as tty fd: could not open /dev/tty: %s",
			strerror(terminal->open_error));
	if (error == ENXIO)
		print_debug_as(pid, "DEBUG", "setting foreground process failed: no such device");
	else if (error)
		print_debug_as(pid, "DEBUG",
			"setting foreground process failed: no tty present: %s", strerror(error));
}

static void orphan_ended(const struct notice *notice)
{
	if (notice->signo)
		print_debug("child process %d exited due to signal %d", notice->pid, notice->signo);
	else
		print_debug("child process %d exited with code %d", notice->pid, notice->exit_code);
}

static void start_failed(const struct notice *notice)
{
	const char *what = notice->spawn_error.stage == STAGE_EXEC
		? "failed to exec pid1"
		: "setting foreground process failed";
	const char *why = strerror(notice->spawn_error.error);
	if (!notice->pid) {
		print_error(getpid(), "failed to spawn pid1: %s", why);
		return;
	}
	print_debug("pid1 (%d) spawned: %s", notice->pid, catatonit.program);
	if (notice->spawn_error.stage == STAGE_EXEC)
		tell_child(notice->pid);
	print_error(notice->pid, "%s: %s", what, why);
	print_debug("got ECHILD: no children left to monitor");
}

static void tell(const struct notice *notice)
{
	switch ((int)notice->reason) {
	case NOTICE_STARTED:
		print_debug("pid1 (%d) spawned: %s", notice->pid, catatonit.program);
		catatonit.main = notice->pid;
		tell_child(notice->pid);
		break;
	case NOTICE_ORPHAN:
		orphan_ended(notice);
		break;
	case NOTICE_START_ERROR:
		start_failed(notice);
		break;
	default:
		break;
	}
}

static void passed_on(int signo, int as, int error)
{
	if (!as && (signo == SIGTSTP || signo == SIGTTOU || signo == SIGTTIN))
		print_debug("ignoring kernel attempting to stop us: tty has TOSTOP set");
	if (as && error)
		print_debug_as(getpid(), "WARN", "forwarding of signal %d to pid1 (%d) failed: %s",
			signo, (int)(catatonit.is_group ? -catatonit.main : catatonit.main),
			strerror(error));
}

static void reaped_all(bool childless)
{
	if (childless)
		print_debug("got ECHILD: no children left to monitor");
}

static const struct voice VOICE = {
	.tell = tell,
	.passed_on = passed_on,
	.reaped_all = reaped_all,
};

/* --- how it is called --- */

static int print_usage(void)
{
	fputs("usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]\n", stderr);
	return FAILED;
}

static void print_help(void)
{
	print_usage();
	fputs("\npodinit in catatonit's place: runs a program, passes signals on, reaps.\n\n"
	      "  -g              signals go to the program's process group\n"
	      "  -h              this help\n"
	      "  -L              the licence\n"
	      "  -P              run nothing, only reap; SIGTERM and SIGINT end it\n"
	      "  -V, --version   the version\n",
		stderr);
}

static int parse(int argc, char **argv, bool *group, bool *pause)
{
	static const struct option options[] = {{"version", no_argument, NULL, 'V'}, {0}};
	int option;
	while ((option = getopt_long(argc, argv, "+ghLPV", options, NULL)) != -1) {
		switch (option) {
		case 'g':
			*group = true;
			break;
		case 'P':
			*pause = true;
			break;
		case 'h':
			print_help();
			return 0;
		case 'L':
			face_print_licence("catatonit");
			return 0;
		case 'V':
			/* Docker asks its init for the version, and knows this one only. */
			puts("tini version " PODINIT_VERSION "_catatonit");
			return 0;
		default:
			return print_usage();
		}
	}
	if (argv[optind] || *pause)
		return FACE_RUNS;
	print_error(getpid(), "missing program name");
	return print_usage();
}

static void make_relay(struct start *start, char **command, bool group)
{
	struct pod_spec *spec = &start->spec;
	face_relay(start, command);
	catatonit.program = command[0];
	spec->single_child = !group;
	catatonit.is_group = group;
	spec->start_codes =
		(struct start_codes){.not_found = FAILED, .denied = FAILED, .other = FAILED};
	spec->entry.session = SESSION_GROUP;
	spec->entry.rewrite_listen_pid = face_has_sockets();
	spec->entry.blocked_signals =
		SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU);
}

static int become_reaper(void)
{
	int result = getpid() == 1 ? 0 : boot_become_subreaper();
	if (result == 0)
		return FACE_RUNS;
	print_error(getpid(), "failed to set child-reaper as non-pid1: %s", strerror(-result));
	return FAILED;
}

static int begin(struct start *start, int argc, char **argv)
{
	struct pod_spec *spec = &start->spec;
	bool group = false, pause = false;
	catatonit.is_debugging = getenv("CATATONIT_DEBUG") != NULL;
	if (getenv("CATATONIT_LOG")) {
		print_error(getpid(), "CATATONIT_LOG is reserved for future use");
		return FAILED;
	}
	int code = parse(argc, argv, &group, &pause);
	if (code != FACE_RUNS)
		return code;
	start->voice = &VOICE;
	if (pause) {
		spec_pause(spec);
		spec->leftovers = LEFTOVERS_ABANDONED;
	} else {
		make_relay(start, argv + optind, group);
	}
	spec->signal_map[SIGTSTP] = spec->signal_map[SIGTTIN] = spec->signal_map[SIGTTOU] = 0;
	spec->entry.own_signals = FACE_C_LIBRARY | FACE_FAULTS;
	return become_reaper();
}

const struct face FACE_CATATONIT = {
	.names = (const char *const[]){"catatonit", NULL},
	.begin = begin,
};
