/* The program of every container, exec probe and exec hook of a case that runs for real; its words are in
 * README.md. ACTOR_SCALE: by what all seconds are multiplied; ACTOR_LOG: where its lines go ("NANOSECONDS NAME
 * MESSAGE"), standard output where that cannot be written; ACTOR_DIR: where containers have their files;
 * ACTOR_SERVERS: the script that speaks what this program does not. Like its model in Kubernetes' tests it
 * sleeps in a child, which it leaves behind when it is told to end. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "words.h"

static struct actor_words actor;
static double scale = 1;
static const char *directory = "/tmp";
static atomic_int http_status = 200;
static const char *_Atomic redirect;

static void say_as(const char *name, const char *format, va_list arguments)
{
	char message[400], line[512];
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	vsnprintf(message, sizeof(message), format, arguments);
	int length = snprintf(line, sizeof(line), "%lld %s %s\n",
		(long long)now.tv_sec * 1000000000 + now.tv_nsec, name, message);
	const char *path = getenv("ACTOR_LOG");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
	if (write(fd >= 0 ? fd : 1, line, (size_t)length) < 0 && fd >= 0)
		length = (int)write(1, line, (size_t)length);
	if (fd >= 0)
		close(fd);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say_as(actor.name, format, arguments);
	va_end(arguments);
}

__attribute__((format(printf, 1, 2))) static void say_of_itself(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (!actor.quiet)
		say_as(actor.name, format, arguments);
	va_end(arguments);
}

static struct timespec scaled(int64_t ns)
{
	int64_t real = (int64_t)((double)ns * scale);
	return (struct timespec){.tv_sec = real / 1000000000, .tv_nsec = real % 1000000000};
}

/* Absolute, or in the container's own directory. */
static const char *path_of(const char *file)
{
	static char path[8192]; /* the longest of all three */
	if (*file == '/')
		return file;
	snprintf(path, sizeof(path), "%s/%s/%s", directory, actor.whose, file);
	return path;
}

static void touch(const char *file)
{
	int fd = open(path_of(file), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		say("cannot touch %s: %s", file, strerror(errno));
	else
		close(fd);
}

static void remove_file(const char *file)
{
	if (unlink(path_of(file)) < 0)
		say("cannot remove %s: %s", file, strerror(errno));
}

/* A container begins with the files of its image: none. */
static void begin_container(void)
{
	mkdir(path_of(""), 0777);
	DIR *entries = opendir(path_of(""));
	struct dirent *entry;
	while (entries && (entry = readdir(entries)))
		unlinkat(dirfd(entries), entry->d_name, 0);
	if (entries)
		closedir(entries);
}

static int count_run(void)
{
	char path[4096], text[16] = "";
	snprintf(path, sizeof(path), "%s/%s.runs", directory, actor.name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return 1;
	int run = atoi(text) + 1;
	lseek(fd, 0, SEEK_SET);
	dprintf(fd, "%d", run);
	close(fd);
	return run;
}

/* --- time and signals --- */

static void end(int code)
{
	say_of_itself("Exiting");
	_exit(code);
}

static void told_to_stop(void)
{
	struct timespec rest = scaled(actor.term_ns);
	say_of_itself("Stopping");
	if (actor.term_remove)
		remove_file(actor.term_remove);
	while (nanosleep(&rest, &rest) < 0)
		;
	end(actor.term_exit_code);
}

static void wait_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	if (actor.at_term == TERM_ENDS)
		sigaddset(set, actor.stop_signal);
}

static void begin_signals(void)
{
	sigset_t set;
	wait_signals(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (actor.at_term == TERM_IGNORED)
		signal(actor.stop_signal, SIG_IGN);
}

/* A child that sleeps, with the default actions of a sleep. */
static pid_t sleeper(int64_t ns)
{
	pid_t child = fork();
	if (child)
		return child;
	sigset_t none;
	sigemptyset(&none);
	signal(actor.stop_signal, actor.at_term == TERM_IGNORED ? SIG_IGN : SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	struct timespec time = scaled(ns);
	while (nanosleep(&time, &time) < 0)
		;
	_exit(0);
}

static void sleep_in_child(int64_t ns)
{
	sigset_t set;
	wait_signals(&set);
	pid_t child = ns > 0 ? sleeper(ns) : 0;
	while (child > 0 && waitpid(child, NULL, WNOHANG) == 0) {
		if (sigwaitinfo(&set, NULL) == actor.stop_signal)
			told_to_stop();
	}
	struct timespec at_once = {0};
	if (actor.at_term == TERM_ENDS && sigtimedwait(&set, NULL, &at_once) == actor.stop_signal)
		told_to_stop();
}

static void loop(void)
{
	sigset_t set;
	wait_signals(&set);
	sleeper(INT64_C(3600) * 1000000000);
	for (;;) {
		struct timespec second = scaled(1000000000);
		say_of_itself("Looping");
		if (sigtimedwait(&set, NULL, &second) == actor.stop_signal)
			told_to_stop();
	}
}

/* What upstream's containers leave in the background: nobody's child, in a session of its own. */
static void leave_child(int64_t ns)
{
	pid_t child = fork();
	if (child)
		return;
	char name[256];
	snprintf(name, sizeof(name), "%s-child", actor.name);
	actor.name = name;
	actor.quiet = false;
	setsid();
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	say("Started");
	struct timespec time = scaled(ns);
	while (nanosleep(&time, &time) < 0)
		;
	end(0);
}

/* --- servers --- */

static void answer(int connection)
{
	char request[4096] = "", words[1024], location[512] = "";
	size_t length = 0;
	while (length < sizeof(request) - 1 && !strstr(request, "\r\n\r\n")) {
		ssize_t more = read(connection, request + length, sizeof(request) - 1 - length);
		if (more <= 0)
			return;
		request[length += (size_t)more] = '\0';
	}
	request[strcspn(request, "\r\n")] = '\0';
	request[strlen(request) > 9 ? strlen(request) - 9 : 0] = '\0'; /* " HTTP/1.1" */
	say("%s", request);
	int status = http_status;
	if (redirect && strncmp(request, "GET /redirect", 13) == 0) {
		status = 302;
		snprintf(location, sizeof(location), "Location: %s\r\n", redirect);
	}
	int size = snprintf(words, sizeof(words),
		"HTTP/1.1 %d status\r\n%sContent-Length: 2\r\nConnection: close\r\n\r\nok", status,
		location);
	if (write(connection, words, (size_t)size) < 0)
		return;
	shutdown(connection, SHUT_WR);
}

struct server {
	int fd;
	bool http;
};

static void *serve(void *argument)
{
	const struct server *server = argument;
	for (;;) {
		int connection = accept(server->fd, NULL, NULL);
		if (connection < 0)
			continue;
		if (server->http)
			answer(connection);
		close(connection);
	}
	return NULL;
}

static void begin_server(const struct step_word *step)
{
	char port[16];
	snprintf(port, sizeof(port), "%d", step->number);
	if (strcmp(step->text, "https") == 0 || strcmp(step->text, "grpc") == 0) {
		if (fork() == 0) {
			sigset_t none;
			sigemptyset(&none);
			sigprocmask(SIG_SETMASK, &none, NULL);
			execl("/usr/bin/python3", "python3", getenv("ACTOR_SERVERS"), step->text,
				port, actor.name, (char *)NULL);
			_exit(127);
		}
		return;
	}
	struct server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)step->number),
	};
	int yes = 1;
	pthread_t thread;
	server->http = strcmp(step->text, "http") == 0;
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(server->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(server->fd, 64) < 0)
		say("cannot listen on %d: %s", step->number, strerror(errno));
	else
		pthread_create(&thread, NULL, serve, server);
}

static void get(const struct step_word *step)
{
	char request[600], answer[64] = "";
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)step->number),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int size = snprintf(
		request, sizeof(request), "GET %s HTTP/1.1\r\nHost: pod\r\n\r\n", step->text);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		write(fd, request, (size_t)size) < 0 || read(fd, answer, sizeof(answer) - 1) <= 0) {
		say("cannot get %s: %s", step->text, strerror(errno));
		end(1);
	}
	close(fd);
}

/* --- steps --- */

static void write_words(const char *text)
{
	const char *colon = strchr(text, ':');
	char path[4096];
	snprintf(path, sizeof(path), "%.*s", colon ? (int)(colon - text) : 0, text);
	int fd = open(path_of(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (!colon || fd < 0 || write(fd, colon + 1, strlen(colon + 1)) < 0) {
		say("cannot write %s: %s", path, strerror(errno));
		end(1);
	}
	close(fd);
}

static void say_identity(void)
{
	gid_t groups[64];
	char text[256];
	int count = getgroups(64, groups);
	sprintf(text, " %d", (int)getgid()); /* first, as id -G has it */
	for (int i = 0; i < count && strlen(text) < 200; i++) {
		if (groups[i] != getgid())
			sprintf(text + strlen(text), " %d", (int)groups[i]);
	}
	say("pid %d uid %d euid %d gid %d groups%s", (int)getpid(), (int)getuid(), (int)geteuid(),
		(int)getgid(), text);
}

static void run_command(const char *command)
{
	int status = system(command);
	say("ran %d", status < 0 || !WIFEXITED(status) ? -1 : WEXITSTATUS(status));
}

static void take_step(const struct step_word *step)
{
	int code;
	switch (step->type) {
	case STEP_START_DELAY:
	case STEP_DELAY:
		sleep_in_child(step->seconds_ns);
		break;
	case STEP_LOOP:
		loop();
		break;
	case STEP_TOUCH:
		touch(step->text);
		break;
	case STEP_REMOVE:
		remove_file(step->text);
		break;
	case STEP_EXISTS:
		if (access(path_of(step->text), F_OK) < 0)
			end(1);
		break;
	case STEP_EXITS:
		code = exits_code(step->text, count_run());
		if (code >= 0)
			end(code);
		break;
	case STEP_PRINT:
		say("%s", step->text);
		break;
	case STEP_PRINT_ENV:
		say("%s=%s", step->text, getenv(step->text) ? getenv(step->text) : "");
		break;
	case STEP_CHILD:
		leave_child(step->seconds_ns);
		break;
	case STEP_SERVE:
		begin_server(step);
		break;
	case STEP_STATUS:
		http_status = step->number;
		break;
	case STEP_REDIRECT:
		redirect = step->text;
		break;
	case STEP_GET:
		get(step);
		break;
	case STEP_WRITE:
		write_words(step->text);
		break;
	case STEP_IDENTITY:
		say_identity();
		break;
	case STEP_RUN:
		run_command(step->text);
		break;
	}
}

int main(int argc, char **argv)
{
	const char *bad;
	umask(0);
	if (getenv("ACTOR_SCALE"))
		scale = strtod(getenv("ACTOR_SCALE"), NULL);
	if (getenv("ACTOR_DIR"))
		directory = getenv("ACTOR_DIR");
	if (!actor_read(&actor, argc, (const char *const *)argv, &bad)) {
		fprintf(stderr, "actor: what is '%s'?\n", bad);
		return 2;
	}
	if (actor.whose == actor.name)
		begin_container();
	say_of_itself("Starting");
	begin_signals();
	int i = 0;
	for (; i < actor.step_count && actor.steps[i].type == STEP_START_DELAY; i++)
		take_step(&actor.steps[i]);
	if (actor.whose == actor.name)
		touch("started");
	say_of_itself("Started");
	for (; i < actor.step_count; i++)
		take_step(&actor.steps[i]);
	end(actor.exit_code);
}
