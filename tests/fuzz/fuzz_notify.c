/* libFuzzer over the reader of sd_notify's datagrams: no input may crash it, and whatever comes out is
 * bounded, printable, and in range. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "linux/notify_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* as libFuzzer declares it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notify_message message;
	notify_message_read(&message, (const char *)data, size);
	size_t status = strnlen(message.status, sizeof(message.status));
	if (status > NOTIFY_STATUS_MAX || (status && !message.has_status) ||
		!descriptor_name_is_valid(message.name) || message.watchdog_ns < -1 ||
		message.extend_ns < -1 || message.main_pid < 0 || message.malformed < 0)
		abort();
	for (size_t i = 0; i < status; i++) {
		unsigned char c = (unsigned char)message.status[i];
		bool is_c1 = c == 0xc2 && (unsigned char)message.status[i + 1] < 0xa0;
		if (c < ' ' || c == 0x7f || is_c1)
			abort();
	}
	return 0;
}
