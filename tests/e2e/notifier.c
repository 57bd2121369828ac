/* A process that says how it is, as sd_notify(3), s6 and daemons do. Its arguments are what it does, one after
 * the other; see COMMANDS. In texts a % is a line break. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 20 };

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(99);
}

/* `to`: NULL is whom the socket is connected with. */
static void send_with(
	int fd, const struct sockaddr_un *to, const char *text, const int *fds, int count)
{
	char control[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)] = "";
	struct iovec part = {(char *)text, strlen(text)};
	struct msghdr header = {.msg_name = (void *)to, .msg_iov = &part, .msg_iovlen = 1};
	if (to)
		header.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			strlen(to->sun_path + 1));
	if (count) {
		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
		struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
		memcpy(CMSG_DATA(rights), fds, sizeof(int) * (size_t)count);
	}
	if (sendmsg(fd, &header, 0) < 0)
		fail("sendmsg");
}

static void notify(const char *text, const int *fds, int count)
{
	static int fd = -1;
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char copy[8192];
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *s = copy; (s = strchr(s, '%'));)
		*s = '\n';
	if (!name)
		fail("no NOTIFY_SOCKET");
	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, name);
	address.sun_path[0] = '\0';
	send_with(fd, &address, copy, fds, count);
}

static void say(const char *text)
{
	notify(text, NULL, 0);
}

static void many(const char *count)
{
	for (int i = atoi(count); i > 0; i--)
		notify("STATUS=busy%junk%WATCHDOG=1", NULL, 0);
}

/* A file in memory that holds its own name. */
static void store(const char *name)
{
	char text[512];
	int fd = memfd_create(name, 0);
	if (write(fd, name, strlen(name)) < 0)
		fail("write");
	snprintf(text, sizeof(text), "FDSTORE=1%%FDNAME=%s", name);
	notify(text, &fd, 1);
	close(fd);
}

static void store_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	notify("FDSTORE=1%FDNAME=file", &fd, 1);
	close(fd);
}

static void store_many(const char *count)
{
	int fds[DESCRIPTORS_MAX];
	for (int i = 0; i < atoi(count); i++)
		fds[i] = memfd_create("many", 0);
	notify("FDSTORE=1", fds, atoi(count));
}

/* One end of a pipe, of which the other one is gone. */
static void store_hung_up(const char *name)
{
	int ends[2];
	char text[512];
	if (pipe(ends) < 0)
		fail("pipe");
	snprintf(text, sizeof(text), "FDSTORE=1%%FDNAME=%s", name);
	notify(text, &ends[0], 1);
	close(ends[0]);
	close(ends[1]);
}

/* Descriptors of all kinds that nobody has asked for. */
static void litter(const char *count)
{
	for (int i = 0; i < atoi(count); i++) {
		int fds[3] = {open("/etc/passwd", O_RDONLY), memfd_create("litter", 0),
			socket(AF_UNIX, SOCK_STREAM, 0)};
		notify("STATUS=litter", fds, 3);
		for (int k = 0; k < 3; k++)
			close(fds[k]);
	}
}

/* A connection with much to be sent, that nobody reads: its last owner would wait for that when it closes it. */
static int lingering(const char *seconds)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	struct linger lasting = {.l_onoff = 1, .l_linger = atoi(seconds)};
	static char bytes[65536];
	int server = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(server, (struct sockaddr *)&address, size) < 0 || listen(server, 1) < 0 ||
		getsockname(server, (struct sockaddr *)&address, &size) < 0 ||
		connect(fd, (struct sockaddr *)&address, size) < 0 ||
		accept(server, NULL, NULL) < 0)
		fail("connect");
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &lasting, sizeof(lasting));
	return fd;
}

static void on_alarm(int signo)
{
	(void)signo;
}

/* What podinit has, too. Whoever closes it last would wait: here it is cut short, should podinit have been quicker. */
static void close_too(const int *fds, int count)
{
	const struct itimerval often = {{.tv_usec = 1000}, {.tv_usec = 1000}}, never = {0};
	const struct sigaction action = {.sa_handler = on_alarm};
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < count; i++)
		close(fds[i]);
	setitimer(ITIMER_REAL, &never, NULL);
}

static void linger(const char *seconds)
{
	int fd = lingering(seconds);
	notify("STATUS=linger", &fd, 1);
	close_too(&fd, 1);
}

/* More than can be stored. */
static void linger_many(const char *seconds)
{
	int fds[DESCRIPTORS_MAX];
	for (int i = 0; i < DESCRIPTORS_MAX; i++)
		fds[i] = lingering(seconds);
	notify("STATUS=linger", fds, DESCRIPTORS_MAX);
	close_too(fds, DESCRIPTORS_MAX);
}

/* A socket in which one waits to be received: both end together. */
static void linger_within(const char *seconds)
{
	int pair[2], fd = lingering(seconds);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		fail("socketpair");
	send_with(pair[0], NULL, "within", &fd, 1);
	close(fd);
	close(pair[0]);
	many("200"); /* behind which its message still waits when it is closed here */
	notify("STATUS=linger", &pair[1], 1);
	close_too(&pair[1], 1);
}

static void barrier(const char *text)
{
	int ends[2];
	if (pipe(ends) < 0)
		fail("pipe");
	notify("BARRIER=1", &ends[1], 1);
	close(ends[1]);
	struct pollfd end = {.fd = ends[0]};
	if (poll(&end, 1, 20000) == 1 && end.revents & POLLHUP)
		puts(text);
	close(ends[0]);
}

static void line(const char *fd)
{
	if (write(atoi(fd), "\n", 1) != 1)
		fail("write");
}

static void write_byte(const char *fd)
{
	if (write(atoi(fd), "x", 1) != 1)
		fail("write");
}

static void close_fd(const char *fd)
{
	close(atoi(fd));
}

/* What it was given: "LISTEN_FDS=2 for me a:b", and a line for each descriptor. */
static void report(const char *title)
{
	const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	const char *names = getenv("LISTEN_FDNAMES");
	printf("%s: LISTEN_FDS=%s %s %s\n", title, count ? count : "",
		pid && atoi(pid) == getpid() ? "for me" : "", names ? names : "");
	for (int i = 0; count && i < atoi(count); i++) {
		char bytes[300] = "";
		int type = -1;
		socklen_t size = sizeof(type);
		if (getsockopt(3 + i, SOL_SOCKET, SO_TYPE, &type, &size) == 0)
			printf("%d: socket of type %d\n", 3 + i, type);
		else if (pread(3 + i, bytes, sizeof(bytes) - 1, 0) >= 0)
			printf("%d: %s\n", 3 + i, bytes);
		else
			printf("%d: %s\n", 3 + i, strerror(errno));
	}
}

static void variable(const char *name)
{
	const char *value = getenv(name);
	const char *is = value && atoi(value) == getpid() ? "my number" : value;
	printf("%s is %s\n", name, is ? is : "not there");
}

/* Answers one connection with a text, and its own number. */
static void answer(const char *text)
{
	char bytes[300];
	int fd = accept(3, NULL, NULL);
	if (fd < 0)
		fail("accept");
	int length = snprintf(bytes, sizeof(bytes), "%s %d\n", text, (int)getpid());
	if (write(fd, bytes, (size_t)length) != length)
		fail("write");
	close(fd);
}

static void print(const char *text)
{
	puts(text);
}

static void until(const char *path)
{
	while (access(path, F_OK) < 0)
		usleep(2000);
}

static void session(const char *ignored)
{
	(void)ignored;
	if (setsid() < 0)
		fail("setsid");
}

static void pid_file(const char *path)
{
	FILE *file = fopen(path, "w");
	if (!file)
		fail(path);
	fprintf(file, "%d\n", (int)getpid());
	fclose(file);
}

static void say_main_pid(const char *number)
{
	char text[64];
	snprintf(text, sizeof(text), "MAINPID=%s", strcmp(number, "me") == 0 ? "" : number);
	if (strcmp(number, "me") == 0)
		snprintf(text, sizeof(text), "MAINPID=%d", (int)getpid());
	notify(text, NULL, 0);
}

static void end(const char *code)
{
	exit(atoi(code));
}

/* Until a signal. */
static void stay(const char *text)
{
	puts(text);
	for (;;)
		pause();
}

static const struct {
	const char *name;
	void (*run)(const char *argument);
} COMMANDS[] = {{"say", say}, {"many", many}, {"store", store}, {"store-many", store_many},
	{"store-file", store_file}, {"store-hung-up", store_hung_up}, {"litter", litter},
	{"linger", linger}, {"linger-many", linger_many}, {"linger-within", linger_within},
	{"barrier", barrier}, {"line", line}, {"write", write_byte}, {"close", close_fd},
	{"report", report}, {"variable", variable}, {"answer", answer}, {"print", print},
	{"until", until}, {"session", session}, {"pid-file", pid_file}, {"main-pid", say_main_pid},
	{"exit", end}, {"stay", stay}};

/* "child WORD": a child does what comes up to "WORD -", and the parent what comes behind it. */
static int skip(char **argv, int at, const char *word)
{
	while (argv[at] && argv[at + 1] &&
		!(strcmp(argv[at], word) == 0 && strcmp(argv[at + 1], "-") == 0))
		at += 2;
	return at;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i + 1], "-") == 0)
			return 0; /* the end of a child */
		if (strcmp(argv[i], "child") == 0) {
			pid_t pid = fork();
			if (pid < 0)
				fail("fork");
			if (pid > 0)
				i = skip(argv, i + 2, argv[i + 1]);
			continue;
		}
		for (size_t k = 0; k < sizeof(COMMANDS) / sizeof(*COMMANDS); k++) {
			if (strcmp(COMMANDS[k].name, argv[i]) == 0)
				COMMANDS[k].run(argv[i + 1]);
		}
	}
	return 0;
}
