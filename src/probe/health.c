/* The two messages of grpc.health.v1 as bytes (protobuf: a key that is number and type of a field, and
 * its value). Must not know how they travel. */
#include "probe/health.h"

#include <string.h>

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

#define KEY(field, type) ((field) << 3 | (type))

size_t health_write_request(uint8_t request[HEALTH_REQUEST_MAX], const char *service)
{
	size_t length = strlen(service);
	uint8_t *end = request + HEALTH_PREFIX;
	/* A field with its default value is not sent. */
	if (length > 0) {
		*end++ = KEY(1, WIRE_BYTES);
		if (length >= 0x80)
			*end++ = (uint8_t)(length | 0x80);
		*end++ = (uint8_t)(length >= 0x80 ? length >> 7 : length);
		memcpy(end, service, length);
		end += length;
	}
	size_t message = (size_t)(end - request) - HEALTH_PREFIX;
	memcpy(request, (uint8_t[]){0, 0, 0, (uint8_t)(message >> 8), (uint8_t)message},
		HEALTH_PREFIX);
	return (size_t)(end - request);
}

/* Bytes not yet read. */
struct reader {
	const uint8_t *next, *end;
};

static bool read_varint(struct reader *reader, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 64 && reader->next < reader->end; shift += 7) {
		uint8_t byte = *reader->next++;
		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* A field that this reader does not know; a newer server may send more than the status. */
static bool skip_value(struct reader *reader, enum wire_type type)
{
	uint64_t length = 0;
	switch (type) {
	case WIRE_VARINT:
		return read_varint(reader, &length);
	case WIRE_64:
		length = 8;
		break;
	case WIRE_32:
		length = 4;
		break;
	case WIRE_BYTES:
		if (!read_varint(reader, &length))
			return false;
		break;
	default:
		return false;
	}
	if (length > (uint64_t)(reader->end - reader->next))
		return false;
	reader->next += length;
	return true;
}

bool health_read_response(const uint8_t *bytes, size_t length, uint64_t *status)
{
	if (length < HEALTH_PREFIX || bytes[0] != 0)
		return false;
	size_t message = (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 |
		(size_t)bytes[4];
	if (message != length - HEALTH_PREFIX)
		return false;
	struct reader reader = {bytes + HEALTH_PREFIX, bytes + length};
	*status = 0;
	while (reader.next < reader.end) {
		uint64_t key;
		if (!read_varint(&reader, &key))
			return false;
		if (key == KEY(1, WIRE_VARINT) ? !read_varint(&reader, status)
					       : !skip_value(&reader, (enum wire_type)(key & 7)))
			return false;
	}
	return true;
}

const char *health_status_name(uint64_t status)
{
	static const char *const names[] = {
		[0] = "UNKNOWN",
		[HEALTH_SERVING] = "SERVING",
		[2] = "NOT_SERVING",
		[3] = "SERVICE_UNKNOWN",
	};
	return status < sizeof(names) / sizeof(*names) ? names[status] : NULL;
}
