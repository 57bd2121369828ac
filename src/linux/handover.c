/* Handing descriptors to a new process. Must not decide who gets what: the spec and the store do. */
#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"

static const char NAMES[] = "LISTEN_FDNAMES=";

enum { NAMES_ROOM = sizeof(NAMES) + HANDOVER_MAX * (DESCRIPTOR_NAME_MAX + 1) };

int handover_reserve(struct handover *handover, const struct pod_spec *spec)
{
	bool any = false;
	for (int i = 0; i < spec->process_count; i++)
		any = any || spec->processes[i].lifecycle->listens.count ||
			spec->processes[i].lifecycle->notify;
	if (!any || handover->names)
		return 0;
	handover->names = malloc(NAMES_ROOM);
	return handover->names ? 0 : -ENOMEM;
}

int handover_open(
	struct handover *handover, const struct pod_spec *spec, const struct listeners *listeners)
{
	*handover = (struct handover){
		.spec = spec, .listeners = listeners, .ready_fd = -1, .ready_number = -1};
	return handover_reserve(handover, spec);
}

void handover_close(struct handover *handover)
{
	free(handover->names);
	*handover = (struct handover){.ready_fd = -1, .ready_number = -1};
}

static void add(struct handover *handover, struct text *names, int fd, const char *name)
{
	text_add(names, "%s%s", handover->count ? ":" : "", name);
	handover->fds[handover->count++] = fd;
}

static void collect(struct handover *handover, int index)
{
	const struct process_spec *process = &handover->spec->processes[index];
	const struct listens *listens = &process->lifecycle->listens;
	struct text names = text_in(handover->names, NAMES_ROOM);
	text_add(&names, "%s", NAMES);
	for (int i = 0; i < listens->count; i++) {
		const char *name = listens->items[i].name;
		add(handover, &names, listeners_of(handover->listeners, index)[i].fd,
			name ? name : process->name);
	}
	if (!handover->store)
		return;
	fdstore_prune(handover->store, index);
	const struct stored *one;
	/* A reload may have left less room than there was. */
	int room = fdstore_room(process->lifecycle);
	for (int n = 0; n < room && (one = fdstore_item(handover->store, index, n)); n++)
		add(handover, &names, one->fd, one->name);
}

static void add_variables(struct handover *handover, const struct process_spec *process,
	struct environment *environment)
{
	const struct lifecycle_spec *life = process->lifecycle;
	if (handover->count) {
		snprintf(handover->fd_count, sizeof(handover->fd_count), "LISTEN_FDS=%d",
			handover->count);
		strcpy(handover->listen_pid, "LISTEN_PID=");
		environment_add(environment, process, handover->fd_count);
		environment_add(environment, process, handover->listen_pid);
		environment_add(environment, process, handover->names);
	}
	if (life->notify && handover->notify_socket) {
		snprintf(handover->socket, sizeof(handover->socket), "NOTIFY_SOCKET=%s",
			handover->notify_socket);
		environment_add(environment, process, handover->socket);
	}
	if (life->notify && life->watchdog_ns) {
		snprintf(handover->watchdog_usec, sizeof(handover->watchdog_usec),
			"WATCHDOG_USEC=%" PRId64, life->watchdog_ns / 1000);
		strcpy(handover->watchdog_pid, "WATCHDOG_PID=");
		environment_add(environment, process, handover->watchdog_usec);
		environment_add(environment, process, handover->watchdog_pid);
	}
}

void handover_prepare(
	struct handover *handover, int index, int ready_fd, struct environment *environment)
{
	const struct process_spec *process = &handover->spec->processes[index];
	handover->count = 0;
	handover->ready_fd = ready_fd;
	handover->ready_number = ready_fd < 0 ? -1 : process->lifecycle->notify_fd;
	handover->listen_pid[0] = handover->watchdog_pid[0] = '\0';
	if (handover->names)
		collect(handover, index);
	add_variables(handover, process, environment);
}

/* Out of the way of those that get numbers below `free`. */
static int move_up(int *fd, int free)
{
	if (*fd < 0 || *fd >= free)
		return 0;
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, free);
	if (moved < 0)
		return -errno;
	*fd = moved;
	return 0;
}

static int place(int fd, int number)
{
	return fd >= 0 && dup2(fd, number) < 0 ? -errno : 0;
}

int handover_take(struct handover *handover, int *keep)
{
	int end = LISTEN_FIRST_FD + handover->count;
	int free = handover->ready_number < end ? end : handover->ready_number + 1;
	if (free == LISTEN_FIRST_FD)
		return 0;
	int result = move_up(keep, free);
	for (int i = 0; i < handover->count && result == 0; i++)
		result = move_up(&handover->fds[i], free);
	if (result == 0)
		result = move_up(&handover->ready_fd, free);
	for (int i = 0; i < handover->count && result == 0; i++)
		result = place(handover->fds[i], LISTEN_FIRST_FD + i);
	return result < 0 ? result : place(handover->ready_fd, handover->ready_number);
}

static void name_process(char *variable)
{
	char *equals = strchr(variable, '=');
	if (equals)
		sprintf(equals + 1, "%d", (int)getpid());
}

void handover_name_process(struct handover *handover)
{
	name_process(handover->listen_pid);
	name_process(handover->watchdog_pid);
}
