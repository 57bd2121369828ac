/* The words of a verdict. Must not know any kind of probe. */
#include "probe/probe.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void verdict_set(struct verdict *verdict, enum probe_result result, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(verdict->words, sizeof(verdict->words), format, arguments);
	va_end(arguments);
	verdict->result = result;
}

const char *error_words(int error, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s", strerror(error));
	buffer[0] = (char)tolower((unsigned char)buffer[0]);
	return buffer;
}

void authority_write(char *buffer, size_t size, const char *host, const char *port)
{
	snprintf(buffer, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}
