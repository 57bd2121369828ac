/* Integers, durations, quantities and signals: what is read, what is refused, and the way back. */
#include "unit.h"

#include <signal.h>
#include <string.h>

#include "../../src/spec/units.h"

enum { UNTOUCHED = 77 };

static void integers(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = {{"0", 0}, {"-0", 0}, {"7", 7}, {"-7", -7}, {"007", 7},
		{"2147483648", 2147483648}, {"9223372036854775807", INT64_MAX},
		{"-9223372036854775807", -INT64_MAX}};
	static const char *const bad[] = {"", "-", "+", "--1", "1-", " 1", "1 ", "1.0", "0x1",
		"1e3", "a", "9223372036854775808", "-9223372036854775809", "99999999999999999999",
		"18446744073709551617"};
	(void)state;
	int64_t value;
	for (int i = 0; i < COUNT(good); i++) {
		assert_true(integer_parse(good[i].text, &value));
		assert_true(value == good[i].value);
	}
	for (int i = 0; i < COUNT(bad); i++) {
		value = UNTOUCHED;
		assert_false(integer_parse(bad[i], &value));
		assert_int_equal(value, UNTOUCHED);
	}
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {{"0", 0}, {"30", 30 * S}, {"1.5", 1500 * MS}, {".5", 500 * MS},
		{"500ms", 500 * MS}, {"1h30m", 5400 * S}, {"1h", 3600 * S}, {"1m", 60 * S},
		{"1m30s", 90 * S}, {"10s", 10 * S}, {"1us", 1000}, {"1.5us", 1500},
		{"0.5h", 1800 * S}, {"1.5ms", 1500000}, {"-5", -5 * S}, {"-1m", -60 * S},
		{"0.000000001", 1}, {"1h1m1s1ms1us", 3661001001000},
		{"9223372036", 9223372036 * S}};
	static const char *const bad[] = {"", "-", "s", "ms", ".", "5.", "1m30", "1 s", " 1", "1 ",
		"1d", "1H", "1S", "1e3", "+1", "--1", "1-1", "0x1", "1.2.3", "1s30", "1.0000000001",
		"9223372037", "99999999999999999999", "2562048h", "-", "1m-1s"};
	(void)state;
	int64_t ns;
	for (int i = 0; i < COUNT(good); i++) {
		assert_true(duration_parse(good[i].text, &ns));
		assert_true(ns == good[i].ns);
	}
	for (int i = 0; i < COUNT(bad); i++) {
		ns = UNTOUCHED;
		if (duration_parse(bad[i], &ns))
			fail_msg("'%s' was read as %lld ns", bad[i], (long long)ns);
		assert_int_equal(ns, UNTOUCHED);
	}
}

static void assert_duration_survives(int64_t ns)
{
	struct text text = {0};
	int64_t back;
	duration_write(&text, ns);
	assert_true(duration_parse(text.data, &back));
	if (back != ns)
		fail_msg("%lld ns was written as '%s'", (long long)ns, text.data);
	text_finish(&text);
}

static void durations_survive(void **state)
{
	static const int64_t some[] = {0, 1, 999, 1000, MS - 1, MS, MS + 1, S - 1, S, S + 1,
		1500 * MS, 90 * S, 3600 * S, INT32_MAX * S, INT64_MAX, INT64_MAX / S * S};
	(void)state;
	for (int i = 0; i < COUNT(some); i++) {
		assert_duration_survives(some[i]);
		assert_duration_survives(-some[i]);
	}
	uint64_t seed = 3;
	for (int i = 0; i < 5000; i++) {
		int64_t ns = (int64_t)next_random(&seed) << 31 | next_random(&seed) >> 1;
		assert_duration_survives(ns >> next_random(&seed) % 63);
	}
}

static void quantities(void **state)
{
	static const struct {
		const char *text;
		int64_t milli;
	} good[] = {{"0", 0}, {"2", 2000}, {"500m", 500}, {"0.5", 500}, {"1.5", 1500},
		{"1k", 1000000}, {"1M", 1000000000}, {"1G", INT64_C(1000000000000)},
		{"1T", INT64_C(1000000000000000)}, {"1P", INT64_C(1000000000000000000)},
		{"1Ki", 1024000}, {"256Mi", 268435456000}, {"1Gi", 1073741824000},
		{"1Ti", INT64_C(1) * 1024 * 1073741824000},
		{"1Pi", INT64_C(1024) * 1024 * 1073741824000}, {"0.5Gi", 536870912000},
		{"1.5Ki", 1536000}, {"1e3", 1000000}, {"1E3", 1000000}, {"1e+3", 1000000},
		{"1.5e3", 1500000}, {"1e0", 1000},
		/* rounded up */
		{"0.0001", 1}, {"1.0001", 1001}, {"1.5m", 2}, {"0.1m", 1}, {"0.000000001", 1}};
	static const char *const bad[] = {"", "m", "Mi", "-1", "1mi", "1 Mi", "1MI", "1K", "1ki",
		"1B", "1MB", "e3", "1e", "1e-", "1e99", "1ee3", "1e3Mi", "1.2.3", " 1", "1 ", "x",
		"9223372036854775808", "9223372036854775807", "10000P", "10000Pi", "1e15e", "1Mi5"};
	(void)state;
	int64_t milli;
	for (int i = 0; i < COUNT(good); i++) {
		assert_true(quantity_parse(good[i].text, &milli));
		if (milli != good[i].milli)
			fail_msg("%s is %lld", good[i].text, (long long)milli);
	}
	for (int i = 0; i < COUNT(bad); i++) {
		milli = UNTOUCHED;
		if (quantity_parse(bad[i], &milli))
			fail_msg("'%s' was read as %lld", bad[i], (long long)milli);
		assert_int_equal(milli, UNTOUCHED);
	}
	assert_true(quantity_parse("9223372036854775807m", &milli));
	assert_true(milli == INT64_MAX);
	assert_false(quantity_parse("9223372036854775807.5m", &milli));
}

static void every_signal_survives(void **state)
{
	(void)state;
	for (int signo = 1; signo <= SIGNAL_MAX; signo++) {
		const char *name = signal_name(signo);
		char number[8];
		struct text text = text_in(number, sizeof(number));
		text_add(&text, "%d", signo);
		int back = 0;
		assert_non_null(name);
		assert_int_equal(strncmp(name, "SIG", 3), 0);
		assert_true(signal_parse(name, &back));
		assert_int_equal(back, signo);
		back = 0;
		assert_true(signal_parse(name + 3, &back) || signo == 32 || signo == 33);
		back = 0;
		assert_true(signal_parse(number, &back));
		assert_int_equal(back, signo);
	}
	assert_string_equal(signal_name(0), "signal 0");
	assert_string_equal(signal_name(-1), "signal 0");
	assert_string_equal(signal_name(65), "signal 0");
}

static void signal_spellings(void **state)
{
	static const struct {
		const char *text;
		int signo;
	} good[] = {{"TERM", SIGTERM}, {"SIGTERM", SIGTERM}, {"sigterm", SIGTERM},
		{"Term", SIGTERM}, {"15", 15}, {"9", 9}, {"64", 64}, {"CLD", SIGCHLD},
		{"SIGCLD", SIGCHLD}, {"CHLD", SIGCHLD}, {"POLL", SIGIO}, {"SIGPOLL", SIGIO},
		{"IO", SIGIO}, {"IOT", SIGABRT}, {"ABRT", SIGABRT}, {"STKFLT", SIGSTKFLT},
		{"PWR", SIGPWR}, {"SYS", SIGSYS}, {"RTMIN", 34}, {"SIGRTMIN", 34}, {"RTMIN+0", 34},
		{"SIGRTMIN+15", 49}, {"rtmin+30", 64}, {"RTMAX", 64}, {"SIGRTMAX-14", 50},
		{"RTMAX-30", 34}, {"USR1", SIGUSR1}, {"WINCH", SIGWINCH}};
	static const char *const bad[] = {"", "0", "65", "-1", "SIG", "SIG15", "TERMINATE", "TER",
		"TERM ", " TERM", "RTMIN+", "RTMIN-1", "RTMIN+31", "RTMAX+1", "RTMAX-31", "RTMIN3",
		"15x", "1.5", "99999999999999999999", "SIGSIGTERM", "RTMIN+-1", "RTMIN++1", "RT"};
	(void)state;
	int signo;
	for (int i = 0; i < COUNT(good); i++) {
		assert_true(signal_parse(good[i].text, &signo));
		assert_int_equal(signo, good[i].signo);
	}
	for (int i = 0; i < COUNT(bad); i++) {
		signo = UNTOUCHED;
		if (signal_parse(bad[i], &signo))
			fail_msg("'%s' was read as signal %d", bad[i], signo);
		assert_int_equal(signo, UNTOUCHED);
	}
}

int test_units(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(durations),
		cmocka_unit_test(durations_survive),
		cmocka_unit_test(quantities),
		cmocka_unit_test(every_signal_survives),
		cmocka_unit_test(signal_spellings),
	};
	return UNIT_RUN("units", tests);
}
