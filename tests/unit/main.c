/* Runs every group of unit tests and says in one line how many passed. Fails if one failed. */
#include "unit.h"

#include <string.h>

int unit_count;

/* cmocka tells of each test that it began and that it succeeded, and counts after each group. These
 * two stand before its own functions and let only what failed through. */
void print_message(const char *const format, ...)
{
	va_list arguments;
	if (strncmp(format, "[  FAILED  ]", 12) != 0)
		return;
	va_start(arguments, format);
	vprint_message(format, arguments);
	va_end(arguments);
}

void print_error(const char *const format, ...)
{
	va_list arguments;
	if (contains(format, "PASSED") || contains(format, "FAILED"))
		return;
	va_start(arguments, format);
	vprint_error(format, arguments);
	va_end(arguments);
}

static void say(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vprint_message(format, arguments);
	va_end(arguments);
}

int main(void)
{
	static int (*const groups[])(void) = {
		test_words,
		test_expand,
		test_units,
		test_text,
		test_tail,
		test_keys,
		test_value,
		test_ini,
		test_ini_edges,
		test_ini_write,
		test_ini_random,
		test_value_system,
		test_listen,
		test_check,
		test_security,
		test_resources,
		test_spec,
		test_plan,
		test_process,
		test_restart,
		test_pod,
		test_stop,
		test_drain,
		test_abort,
		test_signals,
		test_asked,
		test_entrypoint,
		test_relay,
		test_last_line,
		test_evicted,
		test_exit_code,
		test_probes,
		test_probe_worker,
		test_probe_results,
		test_hooks,
		test_notify,
		test_daemon,
		test_reload,
		test_meetings,
		test_status,
		test_notice,
		test_podstatus,
		test_timestamp,
		test_random,
	};
	int failed = 0;
	for (int i = 0; i < COUNT(groups); i++)
		failed += groups[i]();
	say("%d passed, %d failed\n", unit_count - failed, failed);
	return failed != 0;
}
