/* Which face podinit wears, and what those of other inits share. */
#include "face.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct face *const FACES[] = {
	&FACE_PODINIT, &FACE_TINI, &FACE_DUMB_INIT, &FACE_CATATONIT, &FACE_PAUSE};

enum { FACE_COUNT = sizeof(FACES) / sizeof(*FACES) };

const struct face *face_find(const char *name)
{
	const char *slash = strrchr(name, '/');
	for (int i = 0; i < FACE_COUNT; i++) {
		for (const char *const *known = FACES[i]->names; *known; known++) {
			if (strcmp(slash ? slash + 1 : name, *known) == 0)
				return FACES[i];
		}
	}
	return NULL;
}

void face_names(struct text *out)
{
	for (int i = 0; i < FACE_COUNT; i++) {
		for (const char *const *known = FACES[i]->names; *known; known++)
			text_add(out, "%s%s", out->length ? ", " : "", *known);
	}
}

void face_relay(struct start *start, char *const command[])
{
	spec_entrypoint(&start->spec, command);
	start->spec.relay = true;
	start->spec.leftovers = LEFTOVERS_ABANDONED;
	start->spec.entry.keep_all_descriptors = true;
	start->spec.entry.as_execvp = true;
	start->spec.entry.own_signals = FACE_C_LIBRARY;
}

bool face_has_sockets(void)
{
	const char *pid = getenv("LISTEN_PID");
	return pid && atoi(pid) == getpid();
}

void face_vprint(int fd, const char *begin, const char *format, va_list arguments)
{
	char buffer[2048];
	/* One byte is kept for the end of the line, however long it is. */
	struct text text = text_in(buffer, sizeof(buffer) - 1);
	text_add(&text, "%s", begin);
	text_vadd(&text, format, arguments);
	buffer[text.length] = '\n';
	write_now(fd, buffer, text.length + 1);
}

void face_print(int fd, const char *begin, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	face_vprint(fd, begin, format, arguments);
	va_end(arguments);
}

void face_print_licence(const char *name)
{
	printf("podinit in %s's place. Licensed under the Apache License, Version 2.0: "
	       "http://www.apache.org/licenses/LICENSE-2.0\n",
		name);
}
