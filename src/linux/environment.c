/* The merging of two environments. Must not expand or read anything: the spec's values are ready. */
#include "environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handover.h"

static const char LISTEN_PID[] = "LISTEN_PID=";

static int count_items(char *const *items)
{
	int count = 0;
	while (items[count])
		count++;
	return count;
}

int environment_open(struct environment *environment, const struct pod_spec *spec)
{
	int most = 0;
	for (int i = 0; i < spec->process_count; i++) {
		if (spec->processes[i].environment.count > most)
			most = spec->processes[i].environment.count;
	}
	size_t room = (size_t)(count_items(environ) + most + HANDOVER_VARIABLES + 1);
	*environment = (struct environment){.items = malloc(room * sizeof(char *))};
	return environment->items ? 0 : -ENOMEM;
}

void environment_close(struct environment *environment)
{
	free(environment->items);
	*environment = (struct environment){0};
}

void environment_replace(struct environment *environment, struct environment *next)
{
	free(environment->items);
	*environment = *next;
	*next = (struct environment){0};
}

static bool same_name(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");
	return strncmp(a, b, length) == 0 && b[length] == '=';
}

/* Is `item` overridden by one of the list's items from `from` on? */
static bool is_overridden(const struct strings *list, int from, const char *item)
{
	for (int i = from; i < list->count; i++) {
		if (same_name(item, list->items[i]))
			return true;
	}
	return false;
}

/* LISTEN_PID says for whom the sockets of LISTEN_FDS are: if for podinit, then for its program, whose
 * number is not known yet. */
static char *own_item(struct environment *environment, const struct pod_spec *spec, char *item)
{
	if (!spec->entry.rewrite_listen_pid ||
		strncmp(item, LISTEN_PID, sizeof(LISTEN_PID) - 1) != 0)
		return item;
	strcpy(environment->listen_pid, LISTEN_PID);
	return environment->listen_pid;
}

/* What whoever started podinit has told it is not for the processes of a pod, which are podinit's. */
static bool is_podinits(const struct pod_spec *spec, const char *item)
{
	static const char *const names[] = {"NOTIFY_SOCKET=", "LISTEN_FDS=", "LISTEN_PID=",
		"LISTEN_FDNAMES=", "WATCHDOG_USEC=", "WATCHDOG_PID="};
	for (size_t i = 0; !spec->entrypoint && i < sizeof(names) / sizeof(*names); i++) {
		if (strncmp(item, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

void environment_merge(struct environment *environment, const struct pod_spec *spec,
	const struct process_spec *process)
{
	const struct strings *own = &process->environment;
	int count = 0;
	for (char **item = environ; *item; item++) {
		if (!is_overridden(own, 0, *item) && !is_podinits(spec, *item))
			environment->items[count++] = own_item(environment, spec, *item);
	}
	for (int i = 0; i < own->count; i++) {
		if (!is_overridden(own, i + 1, own->items[i]))
			environment->items[count++] = (char *)own->items[i];
	}
	environment->items[count] = NULL;
	environment->count = count;
}

void environment_add(
	struct environment *environment, const struct process_spec *process, char *item)
{
	if (is_overridden(&process->environment, 0, item))
		return;
	environment->items[environment->count++] = item;
	environment->items[environment->count] = NULL;
}

void environment_name_process(struct environment *environment)
{
	if (environment->listen_pid[0])
		snprintf(environment->listen_pid, sizeof(environment->listen_pid), "%s%d",
			LISTEN_PID, (int)getpid());
}
