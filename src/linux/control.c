/* The server side of podctl. A client is trusted by its uid, and still gets only so many bytes and
 * so much time. Must not know what a pod is: control_actions does. */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../spec/text.h"
#include "../spec/units.h"
#include "names.h"

static const double CLIENT_SECONDS = 5; /* without progress */

/* Made before podinit became another user; see control_listen_early(). */
static struct {
	int fd; /* -1: it was not */
	char name[108];
} early = {.fd = -1};

static void client_close(struct control_client *client)
{
	ev_io_stop(client->control->loop, &client->io);
	ev_timer_stop(client->control->loop, &client->timeout);
	close(client->fd);
	client->fd = -1;
}

static void on_timeout(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	client_close(timer->data);
}

/* --- commands --- */

static struct text out_text(struct control_client *client)
{
	client->out_sent = 0;
	return text_in(client->out, client->control->room);
}

static void answer_error(struct control_client *client, const char *problem)
{
	struct text out = out_text(client);
	text_add(&out, "{\"error\":");
	text_add_json(&out, problem);
	text_add(&out, "}\n");
	client->out_length = out.length;
}

static void next_status_piece(struct control_client *client)
{
	const struct control_actions *actions = client->control->actions;
	struct podstatus status;
	struct text out = out_text(client);
	actions->status(actions->owner, &status);
	if (podstatus_piece(&status, client->next_piece, &out))
		client->next_piece++;
	else
		client->next_piece = -1;
	client->out_length = out.length;
}

static void command_status(struct control_client *client, const char *argument)
{
	if (*argument) {
		answer_error(client, "status takes no argument");
		return;
	}
	client->next_piece = 0;
	next_status_piece(client);
}

static void command_shutdown(struct control_client *client, const char *argument)
{
	const struct control_actions *actions = client->control->actions;
	int64_t grace = -1;
	if (*argument && (!duration_parse(argument, &grace) || grace < 0)) {
		answer_error(client, "shutdown takes a grace in seconds");
		return;
	}
	struct text out = out_text(client);
	text_add(&out, "{\"stopping\":true}\n");
	client->out_length = out.length;
	actions->stop(actions->owner, grace);
}

static const struct {
	const char *name;
	void (*run)(struct control_client *client, const char *argument);
} COMMANDS[] = {
	{"status", command_status},
	{"shutdown", command_shutdown},
};

/* The line is complete: "shutdown 5". */
static void run_line(struct control_client *client)
{
	char *argument = strchr(client->in, ' ');
	if (argument)
		*argument++ = '\0';
	client->next_piece = -1;
	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(*COMMANDS); i++) {
		if (strcmp(client->in, COMMANDS[i].name) == 0) {
			COMMANDS[i].run(client, argument ? argument : "");
			return;
		}
	}
	answer_error(client, "unknown command");
}

/* --- one client --- */

static bool read_line(struct control_client *client)
{
	size_t room = sizeof(client->in) - client->in_length;
	ssize_t length = recv(client->fd, client->in + client->in_length, room, MSG_DONTWAIT);
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (length <= 0) {
		client_close(client);
		return false;
	}
	client->in_length += (size_t)length;
	char *newline = memchr(client->in, '\n', client->in_length);
	if (newline) {
		*newline = '\0';
		run_line(client);
		return true;
	}
	if (client->in_length == sizeof(client->in)) {
		client->next_piece = -1;
		answer_error(client, "line too long");
		return true;
	}
	return false;
}

/* Sends what the socket takes now; closes after the last byte. */
static void send_out(struct control_client *client)
{
	while (client->out_sent < client->out_length || client->next_piece >= 0) {
		if (client->out_sent == client->out_length) {
			next_status_piece(client);
			continue;
		}
		ssize_t length = send(client->fd, client->out + client->out_sent,
			client->out_length - client->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (length <= 0)
			break;
		client->out_sent += (size_t)length;
	}
	client_close(client);
}

static void on_client(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct control_client *client = io->data;
	ev_timer_again(loop, &client->timeout);
	if (events & EV_READ) {
		if (!read_line(client))
			return;
		ev_io_stop(loop, io);
		ev_io_set(io, client->fd, EV_WRITE);
		ev_io_start(loop, io);
	}
	send_out(client);
}

/* --- the socket --- */

static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	/* Everybody's user number is another one here; but the file lets root connect only. */
	if (early.fd >= 0)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static struct control_client *free_client(struct control *control)
{
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	}
	return NULL;
}

static void refuse(int fd, const char *answer)
{
	/* It fits the socket's buffer; if not, the client finds out anyway. */
	ssize_t ignored = send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)ignored;
	close(fd);
}

static void on_connection(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct control *control = io->data;
	(void)events;
	int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	struct control_client *client = free_client(control);
	if (!is_allowed(fd)) {
		refuse(fd, "{\"error\":\"only podinit's own user and root may ask\"}\n");
		return;
	}
	if (!client) {
		refuse(fd, "{\"error\":\"too many clients\"}\n");
		return;
	}
	client->fd = fd;
	client->in_length = client->out_length = client->out_sent = 0;
	client->next_piece = -1;
	ev_io_init(&client->io, on_client, fd, EV_READ);
	client->io.data = client;
	ev_timer_init(&client->timeout, on_timeout, 0, CLIENT_SECONDS);
	client->timeout.data = client;
	ev_io_start(loop, &client->io);
	ev_timer_again(loop, &client->timeout);
}

/* A socket file that nobody serves any more is what a killed podinit left behind. */
static void remove_stale(const char *path, const struct sockaddr_un *address, socklen_t length)
{
	struct stat status;
	/* A file refuses connections too. */
	if (lstat(path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)address, length) < 0 && errno == ECONNREFUSED)
		unlink(path);
	close(fd);
}

/* The listening socket, or -errno. */
static int listen_at(const char *name)
{
	struct sockaddr_un address;
	socklen_t length = control_address(&address, name);
	if (!length)
		return -ENAMETOOLONG;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (name[0] != '@')
		remove_stale(name, &address, length);
	mode_t mask = umask(0177);
	int result = bind(fd, (struct sockaddr *)&address, length);
	umask(mask);
	if (result == 0)
		result = listen(fd, CONTROL_CLIENTS_MAX);
	if (result == 0)
		return fd;
	result = -errno;
	close(fd);
	return result;
}

void control_listen_early(const char *path)
{
	struct text name = text_in(early.name, sizeof(early.name));
	text_add(&name, "%s", path ? path : CONTROL_PATH);
	if (!name.truncated && early.name[0] != '@')
		early.fd = listen_at(early.name);
}

void control_forget_early(void)
{
	if (early.fd < 0)
		return;
	close(early.fd);
	early.fd = -1;
	unlink(early.name);
}

int control_open(struct control *control, struct ev_loop *loop, const char *path,
	const struct control_actions *actions)
{
	*control = (struct control){.loop = loop, .actions = actions, .fd = -1};
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		control->clients[i].control = control;
		control->clients[i].fd = -1;
	}
	struct text name = text_in(control->name, sizeof(control->name));
	text_add(&name, "%s", path ? path : CONTROL_PATH);
	int fd = name.truncated ? -ENAMETOOLONG
		: early.fd >= 0 ? early.fd
				: listen_at(control->name);
	if (fd < 0 && !path) {
		control_abstract_name(control->name, sizeof(control->name));
		fd = listen_at(control->name);
	}
	if (fd < 0)
		return fd;
	control->buffers = calloc(CONTROL_CLIENTS_MAX, actions->piece_max);
	if (!control->buffers) {
		close(fd);
		return -ENOMEM;
	}
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i].out = control->buffers + actions->piece_max * (size_t)i;
	control->room = actions->piece_max;
	control->fd = fd;
	ev_io_init(&control->io, on_connection, fd, EV_READ);
	control->io.data = control;
	ev_io_start(loop, &control->io);
	return 0;
}

void control_renew(struct control *control, char *buffers, size_t room)
{
	if (control->fd < 0) {
		free(buffers);
		return;
	}
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->clients[i];
		if (client->fd >= 0 && client->next_piece >= 0)
			client_close(client);
		client->out = memcpy(buffers + room * (size_t)i, client->out,
			client->fd >= 0 ? client->out_length : 0);
	}
	free(control->buffers);
	control->buffers = buffers;
	control->room = room;
}

void control_close(struct control *control)
{
	if (control->fd < 0)
		return;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd >= 0)
			client_close(&control->clients[i]);
	}
	ev_io_stop(control->loop, &control->io);
	close(control->fd);
	control->fd = -1;
	free(control->buffers);
	if (control->name[0] != '@')
		unlink(control->name);
}
