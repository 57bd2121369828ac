/* The checks of the descriptors that a process is given, and of how it says that it is ready. Must not look
 * at the machine: whether a port is free is found out when the socket is made. */
#include <string.h>

#include "check.h"

static bool is_same(const struct listen_spec *a, const struct listen_spec *b)
{
	bool same_address = a->family == b->family && a->port == b->port &&
		(!a->address || strcmp(a->address, b->address) == 0);
	/* A path is there once, whatever its socket's type. */
	return same_address && (a->type == b->type || a->family == LISTEN_UNIX);
}

/* Who else is given `listen`, of those up to this one. */
static const struct process_spec *find_other(
	const struct pod_spec *spec, int index, const struct listen_spec *listen)
{
	for (int i = 0; i <= index; i++) {
		const struct listens *others = &spec->processes[i].lifecycle->listens;
		for (int k = 0; k < others->count; k++) {
			if (&others->items[k] == listen)
				return NULL;
			if (is_same(&others->items[k], listen))
				return &spec->processes[i];
		}
	}
	return NULL;
}

static void check_listens(const struct check *check, int index)
{
	const struct process_spec *process = &check->spec->processes[index];
	const struct listens *listens = &process->lifecycle->listens;
	int notify_fd = process->lifecycle->notify_fd;
	for (int i = 0; i < listens->count; i++) {
		const struct listen_spec *listen = &listens->items[i];
		const struct process_spec *other = find_other(check->spec, index, listen);
		struct text address = {0};
		listen_write_address(&address, listen);
		if (other)
			check_says(check, process, listen->line, "listen: %s is %s %s's already",
				address.data, process_kind_name((enum process_kind)other->kind),
				other->name);
		text_finish(&address);
	}
	if (notify_fd != INT_UNSET && notify_fd < LISTEN_FIRST_FD + listens->count)
		check_says(check, process, 0,
			"notifyFd: %d is the number of a socket of listen, which has %d to %d",
			(int)notify_fd, LISTEN_FIRST_FD, LISTEN_FIRST_FD + listens->count - 1);
}

void check_sockets(const struct check *check)
{
	for (int i = 0; i < check->spec->process_count; i++) {
		const struct process_spec *process = &check->spec->processes[i];
		check_listens(check, i);
		/* Process 1 of it ends when the program does, and takes the daemon along. */
		if (lifecycle_is_daemon(process->lifecycle) &&
			!check->spec->share_process_namespace)
			check_says(check, process, 0,
				"daemon: needs shareProcessNamespace, else what its program leaves "
				"ends with it");
	}
}
