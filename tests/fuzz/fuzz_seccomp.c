/* libFuzzer over the reader of seccomp profiles: no input may crash it or leak; it is either refused with
 * an error, or a filter of a size that the kernel takes. */
#include <stdint.h>
#include <stdlib.h>

#include "convert/convert.h"
#include "convert/seccomp_json.h"
#include "linux/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* as libFuzzer declares it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct convert_report report = {0};
	struct seccomp_program program;
	struct seccomp_json profile = {
		.name = "fuzz.json",
		.text = (const char *)data,
		.length = size,
		.capabilities = UINT64_C(1) << 21 | 1,
	};
	bool good = seccomp_json_convert(&profile, &report, &program);
	if (good != (report.errors.count == 0) || good != (program.count > 0) ||
		program.count > BPF_MAXINSNS)
		abort();
	seccomp_free(&program);
	text_finish(&report.errors.text);
	text_finish(&report.warnings.text);
	return 0;
}
