/* Writes a pod_spec as INI, from the key table. Must not know any single key. */
#include <string.h>

#include "ini.h"
#include "value.h"

static void write_section(
	struct text *out, enum key_section section, const char *name, const void *section_struct)
{
	text_add(out, "%s[%s%s%s]\n", out->length ? "\n" : "", key_section_name(section),
		name ? " " : "", name ? name : "");
	for (int i = 0; i < KEY_COUNT; i++) {
		if (!(KEYS[i].sections & section))
			continue;
		/* Without an arena key_field() only looks. */
		const void *field = key_field(&KEYS[i], (void *)section_struct, NULL);
		if (field)
			value_write(out, &KEYS[i], field);
	}
}

void ini_write(struct text *out, const struct pod_spec *spec)
{
	static const enum key_section sections[] = {
		[KIND_INIT] = IN_INIT, [KIND_SIDECAR] = IN_SIDECAR, [KIND_MAIN] = IN_MAIN};
	write_section(out, IN_POD, NULL, spec);
	for (int i = 0; i < spec->volume_count; i++)
		write_section(out, IN_VOLUME, spec->volumes[i].name, &spec->volumes[i]);
	for (int i = 0; i < spec->process_count; i++) {
		const struct process_spec *process = &spec->processes[i];
		write_section(out, sections[process->kind], process->name, process);
	}
}
