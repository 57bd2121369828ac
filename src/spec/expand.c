/* $(VAR) expansion. The algorithm is the one of kubernetes/kubernetes
 * third_party/forked/golang/expansion. Must not look at podinit's own environment: what a pod
 * means does not depend on where it runs. */
#include "expand.h"

#include <string.h>

#include "text.h"

const char *environment_get(const struct strings *environment, const char *name, size_t length)
{
	/* No name holds a '=': "$(A=B)" is nobody's. */
	if (memchr(name, '=', length))
		return NULL;
	for (int i = environment->count - 1; i >= 0; i--) {
		const char *item = environment->items[i];
		if (strncmp(item, name, length) == 0 && item[length] == '=')
			return item + length + 1;
	}
	return NULL;
}

/* Handles what stands after a '$'; returns what follows it. */
static const char *after_dollar(struct text *out, const char *s, const struct strings *environment)
{
	if (*s == '\0' || *s == '$') {
		text_add_bytes(out, "$", 1);
		return *s ? s + 1 : s;
	}
	if (*s != '(') {
		text_add_bytes(out, s - 1, 2);
		return s + 1;
	}
	const char *name = s + 1, *end = strchr(name, ')');
	if (!end) {
		text_add_bytes(out, "$(", 2);
		return name;
	}
	const char *value = environment_get(environment, name, (size_t)(end - name));
	if (value)
		text_add_bytes(out, value, strlen(value));
	else
		text_add_bytes(out, s - 1, (size_t)(end - s) + 2);
	return end + 1;
}

const char *expand(struct arena *arena, const char *text, const struct strings *environment)
{
	if (!strchr(text, '$'))
		return text;
	struct text out = {0};
	const char *s = text;
	while (*s) {
		if (*s == '$') {
			s = after_dollar(&out, s + 1, environment);
		} else {
			size_t plain = strcspn(s, "$");
			text_add_bytes(&out, s, plain);
			s += plain;
		}
	}
	const char *expanded = text;
	if (strcmp(out.data, text) != 0)
		expanded = arena_strndup(arena, out.data, out.length);
	text_finish(&out);
	return expanded;
}
