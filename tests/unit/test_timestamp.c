/* RFC 3339 from a number: fixed points, and every day of the range against a plain calendar. */
#include "unit.h"

#include "../../src/core/timestamp.h"

static const char *stamp(int64_t realtime_ns, bool fraction)
{
	static char buffer[64];
	struct text text = text_in(buffer, sizeof(buffer));
	timestamp_add(&text, realtime_ns, fraction);
	return buffer;
}

static void fixed_points(void **state)
{
	(void)state;
	assert_string_equal(stamp(0, false), "1970-01-01T00:00:00Z");
	assert_string_equal(stamp(0, true), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(stamp(951782400 * S, false), "2000-02-29T00:00:00Z");
	assert_string_equal(stamp(1709251199 * S, false), "2024-02-29T23:59:59Z");
	assert_string_equal(stamp(INT64_C(4107542400) * S, false), "2100-03-01T00:00:00Z");
	assert_string_equal(stamp(1795471906 * S + 123456789, true), "2026-11-23T22:11:46.123456Z");
	assert_string_equal(stamp(-1, true), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(stamp(-S, false), "1969-12-31T23:59:59Z");
	assert_string_equal(stamp(INT64_MAX, true), "2262-04-11T23:47:16.854775Z");
	assert_string_equal(stamp(INT64_MIN, true), "1677-09-21T00:12:43.145224Z");
}

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return days[month - 1] + (leap && month == 2);
}

static void every_day(void **state)
{
	(void)state;
	int year = 1970, month = 1, day = 1;
	for (int64_t number = 0; number < 106000; number++) {
		char expected[32];
		struct text text = text_in(expected, sizeof(expected));
		text_add(&text, "%04d-%02d-%02dT12:34:56Z", year, month, day);
		assert_string_equal(stamp((number * 86400 + 45296) * S, false), expected);
		if (++day > days_of(year, month)) {
			day = 1;
			month++;
		}
		if (month > 12) {
			month = 1;
			year++;
		}
	}
}

int test_timestamp(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_points),
		cmocka_unit_test(every_day),
	};
	return UNIT_RUN("timestamp", tests);
}
