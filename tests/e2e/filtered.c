/* Filters itself with podinit's own code, and then is another program, or makes system calls:
 *
 *     filtered FILTER [--user] PROGRAM ARGUMENT...
 *     filtered FILTER [--user] call CALL[:ARGUMENT]...
 *     filtered read PATH | write CAPABILITIES PATH | number CALL...
 *
 * FILTER is "default CAPABILITIES", "file PATH" or "none -". CAPABILITIES is a mask in hexadecimal. --user: becomes user and group 65534 behind the filter, as
 * podinit does. CALL is a name or a number. Each prints a
 * line: "CALL ok", or the error. "read" prints what seccomp_read_file() says,
 * "write" puts the default filter into a file, "number" prints the numbers of calls. */
#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "linux/seccomp.h"

static long make_call(const char *name, const long *arguments)
{
	char *end;
	long number = strtol(name, &end, 0);
	if (*end)
		number = seccomp_syscall_resolve_name(name);
	long result = syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
		arguments[4], arguments[5]);
	return result < 0 ? -errno : result;
}

static void call(const char *word)
{
	char copy[256], *rest = copy;
	long arguments[6] = {0};
	snprintf(copy, sizeof(copy), "%s", word);
	const char *name = strsep(&rest, ":");
	for (int i = 0; rest && i < 6; i++)
		arguments[i] = (long)strtoul(strsep(&rest, ":"), NULL, 0);
	pid_t self = getpid();
	long result = make_call(name, arguments);
	if (getpid() != self)
		_exit(0); /* a new process */
	printf("%s %s\n", word, result >= 0 ? "ok" : strerrorname_np((int)-result));
	fflush(stdout);
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "filtered: %s %s\n", what, why);
	exit(99);
}

static int write_default(uint64_t capabilities, const char *path)
{
	struct seccomp_program program;
	void *bytes = NULL;
	if (seccomp_make_default(capabilities, &program))
		return 1;
	long size = seccomp_write(&program, &bytes);
	FILE *file = fopen(path, "w");
	int result = size < 0 || !file || fwrite(bytes, (size_t)size, 1, file) != 1 || fclose(file);
	free(bytes);
	seccomp_free(&program);
	return result;
}

int main(int argc, char **argv)
{
	struct seccomp_program program;
	signal(SIGCHLD, SIG_IGN);
	if (argc > 2 && strcmp(argv[1], "number") == 0) {
		for (char **name = argv + 2; *name; name++)
			printf("%d\n", seccomp_syscall_resolve_name(*name));
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "write") == 0)
		return write_default(strtoull(argv[2], NULL, 16), argv[3]);
	if (argc < 3)
		fail("usage", "is in filtered.c");
	int from_file = strcmp(argv[1], "default") != 0, none = strcmp(argv[1], "none") == 0;
	int result = none   ? 0
		: from_file ? seccomp_read_file(argv[2], &program)
			    : seccomp_make_default(strtoull(argv[2], NULL, 16), &program);
	if (strcmp(argv[1], "read") == 0) {
		printf("%d %s\n", program.count, result ? strerrorname_np(-result) : "ok");
		if (result && (program.count || program.filters))
			fail(argv[2], "was refused, but there is something");
		seccomp_free(&program);
		return 0;
	}
	if (result)
		fail(argv[2], from_file ? seccomp_read_problem(result) : strerror(-result));
	argv += 3;
	int as_user = *argv && strcmp(*argv, "--user") == 0;
	argv += as_user;
	result = none ? 0 : seccomp_install(&program);
	if (result == -EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
		fputs("needs no_new_privs\n", stderr);
		result = seccomp_install(&program);
	}
	if (result)
		fail("install:", strerror(-result));
	if (as_user &&
		(setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
			setresuid(65534, 65534, 65534)))
		fail("--user:", strerror(errno));
	if (*argv && strcmp(*argv, "call") != 0) {
		execvp(*argv, argv);
		fail(*argv, strerror(errno));
	}
	for (char **word = argv + (*argv != NULL); *word; word++)
		call(*word);
	return 0;
}
