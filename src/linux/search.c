/* The directories of a PATH, one by one. Must not look into them. */
#include "search.h"

#include <stdio.h>
#include <string.h>

static const char NAME[] = "PATH=";

const char *search_path(const struct strings *own, char *const *environment)
{
	for (int i = own ? own->count - 1 : -1; i >= 0; i--) {
		if (strncmp(own->items[i], NAME, sizeof(NAME) - 1) == 0)
			return own->items[i] + sizeof(NAME) - 1;
	}
	for (; *environment; environment++) {
		if (strncmp(*environment, NAME, sizeof(NAME) - 1) == 0)
			return *environment + sizeof(NAME) - 1;
	}
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

bool search_next(const char **rest, const char *name, char *path, size_t size)
{
	while (*rest) {
		const char *begin = *rest, *end = begin + strcspn(begin, ":");
		int length = snprintf(path, size, "%.*s%s%s", (int)(end - begin), begin,
			end == begin ? "" : "/", name);
		*rest = *end ? end + 1 : NULL;
		if (length >= 0 && (size_t)length < size)
			return true;
	}
	return false;
}
