/* libFuzzer over the INI reader: no input may crash it, leak, or be accepted and then written as
 * something that reads back differently. Links spec only. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spec/ini.h"
#include "spec/spec.h"

static void read_text(
	struct pod_spec *spec, struct problems *problems, const char *text, size_t length)
{
	struct ini_source source = {
		.name = "fuzz.ini",
		.directory = "/fuzz",
		.text = text,
		.length = length,
	};
	spec_init(spec);
	ini_read(spec, &source, true, problems);
	spec_check(spec, problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* as libFuzzer declares it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pod_spec first, second;
	struct problems problems = {0}, none = {0};
	struct text once = {0}, twice = {0}, plan = {0};
	read_text(&first, &problems, (const char *)data, size);
	if (!problems.count) {
		spec_plan(&first, &plan);
		ini_write(&once, &first);
		read_text(&second, &none, once.data, once.length);
		if (none.count)
			abort();
		ini_write(&twice, &second);
		if (strcmp(once.data, twice.data) != 0 ||
			first.process_count != second.process_count)
			abort();
		spec_finish(&second);
	}
	spec_finish(&first);
	text_finish(&problems.text);
	text_finish(&none.text);
	text_finish(&once);
	text_finish(&twice);
	text_finish(&plan);
	return 0;
}
