/* $(VAR) as Kubernetes expands it in command, args and env: one pass, no shell. */
#ifndef PODINIT_SPEC_EXPAND_H
#define PODINIT_SPEC_EXPAND_H

#include "arena.h"

/* The value of NAME (`length` bytes of `name`) among "NAME=value" items, the last one wins; NULL
 * if there is none. */
const char *environment_get(const struct strings *environment, const char *name, size_t length);

/* `text` with each $(NAME) of `environment` replaced; $$ is a $; an unknown $(NAME) stays as it
 * is. Returns `text` itself where nothing changes, else a copy in the arena. */
const char *expand(struct arena *arena, const char *text, const struct strings *environment);

#endif
