/* A list that grows. Must not know what is looked for, nor print. */
#include "finding.h"

#include <stdio.h>
#include <stdlib.h>

void findings_add(struct findings *findings, int process, const char *format, ...)
{
	va_list arguments;
	int count = findings->count++;
	findings->items =
		memory_resize(findings->items, sizeof(*findings->items) * (size_t)(count + 1));
	struct finding *finding = &findings->items[count];
	finding->process = process;
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
}

/* In place, and stable: there are few, and most stand right already. */
void findings_sort(struct findings *findings)
{
	for (int i = 1; i < findings->count; i++) {
		struct finding one = findings->items[i];
		int k = i;
		for (; k > 0 && findings->items[k - 1].process > one.process; k--)
			findings->items[k] = findings->items[k - 1];
		findings->items[k] = one;
	}
}
