/* Numbers as people write them. Must not know which key a number belongs to. */
#include "units.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spec.h"

static const char *read_digits(const char *s, int64_t *value)
{
	const char *start = s;
	for (*value = 0; isdigit((unsigned char)*s); s++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
			__builtin_add_overflow(*value, *s - '0', value))
			return NULL;
	}
	return s == start ? NULL : s;
}

bool integer_parse(const char *text, int64_t *out)
{
	int64_t value;
	bool negative = *text == '-';
	const char *end = read_digits(text + negative, &value);
	if (!end || *end)
		return false;
	*out = negative ? -value : value;
	return true;
}

/* A decimal number with up to nine digits behind the point, in billionths. */
static const char *read_decimal(const char *s, int64_t *whole, int64_t *billionths)
{
	*whole = 0;
	*billionths = 0;
	const char *end = *s == '.' ? s : read_digits(s, whole);
	if (!end || *end != '.')
		return end;
	int64_t scale = NS_PER_SECOND;
	const char *digits = ++end;
	for (; isdigit((unsigned char)*end); end++) {
		scale /= 10;
		*billionths += (*end - '0') * scale;
		if (end - digits >= 9)
			return NULL;
	}
	return end == digits ? NULL : end;
}

static const struct {
	const char *name;
	int64_t ns;
} DURATION_UNITS[] = {
	{"h", 3600 * NS_PER_SECOND},
	{"ms", NS_PER_MS},
	{"m", 60 * NS_PER_SECOND},
	{"s", NS_PER_SECOND},
	{"us", 1000},
	{"", NS_PER_SECOND},
};

enum { DURATION_UNIT_COUNT = sizeof(DURATION_UNITS) / sizeof(*DURATION_UNITS) };

bool duration_parse(const char *text, int64_t *ns)
{
	bool negative = *text == '-';
	const char *s = text + negative;
	int64_t sum = 0;
	bool first = true;
	do {
		int64_t whole, billionths, part;
		s = read_decimal(s, &whole, &billionths);
		if (!s)
			return false;
		int i = 0;
		while (strncmp(s, DURATION_UNITS[i].name, strlen(DURATION_UNITS[i].name)) != 0)
			i++;
		/* No unit means seconds, and only where the text ends: "1m30" is not clear. */
		if (i == DURATION_UNIT_COUNT - 1 && (*s || !first))
			return false;
		s += strlen(DURATION_UNITS[i].name);
		int64_t unit = DURATION_UNITS[i].ns;
		/* billionths < 1e9 and unit <= 3.6e12: their product fits when the unit is
		 * split into seconds and what is below. */
		int64_t fraction = unit >= NS_PER_SECOND ? billionths * (unit / NS_PER_SECOND)
							 : billionths / (NS_PER_SECOND / unit);
		if (__builtin_mul_overflow(whole, unit, &part) ||
			__builtin_add_overflow(part, fraction, &part) ||
			__builtin_add_overflow(sum, part, &sum))
			return false;
		first = false;
	} while (*s);
	*ns = negative ? -sum : sum;
	return true;
}

void duration_write(struct text *out, int64_t ns)
{
	if (ns % NS_PER_SECOND == 0)
		text_add(out, "%lld", (long long)(ns / NS_PER_SECOND));
	else if (ns % NS_PER_MS == 0)
		text_add(out, "%lldms", (long long)(ns / NS_PER_MS));
	else
		text_add(out, "%s%lld.%09lld", ns < 0 ? "-" : "",
			(long long)llabs(ns / NS_PER_SECOND), (long long)llabs(ns % NS_PER_SECOND));
}

static const struct {
	const char *suffix;
	int64_t factor; /* 0: milli */
} QUANTITY_UNITS[] = {
	{"", 1},
	{"m", 0},
	{"k", 1000},
	{"M", 1000000},
	{"G", 1000000000},
	{"T", INT64_C(1000000000000)},
	{"P", INT64_C(1000000000000000)},
	{"Ki", INT64_C(1) << 10},
	{"Mi", INT64_C(1) << 20},
	{"Gi", INT64_C(1) << 30},
	{"Ti", INT64_C(1) << 40},
	{"Pi", INT64_C(1) << 50},
};

/* "e3" or "E3": a power of ten. */
static bool read_exponent(const char *s, int64_t *factor)
{
	int64_t exponent;
	if ((*s != 'e' && *s != 'E') || !integer_parse(s + 1 + (s[1] == '+'), &exponent) ||
		exponent < 0 || exponent > 15)
		return false;
	for (*factor = 1; exponent > 0; exponent--)
		*factor *= 10;
	return true;
}

bool quantity_parse(const char *text, int64_t *milli)
{
	int64_t whole, billionths, factor = -1;
	const char *s = read_decimal(text, &whole, &billionths);
	if (!s)
		return false;
	for (size_t i = 0; i < sizeof(QUANTITY_UNITS) / sizeof(*QUANTITY_UNITS); i++) {
		if (strcmp(s, QUANTITY_UNITS[i].suffix) == 0)
			factor = QUANTITY_UNITS[i].factor;
	}
	if (factor < 0 && !read_exponent(s, &factor))
		return false;
	if (factor == 0) {
		if (__builtin_add_overflow(whole, billionths > 0, milli))
			return false;
		return true;
	}
	/* whole * factor * 1000 + ceil(billionths * factor * 1000 / 1e9), without overflow. */
	int64_t thousandths, low, result;
	if (__builtin_mul_overflow(factor, 1000, &thousandths) ||
		__builtin_mul_overflow(whole, thousandths, &result))
		return false;
	__int128 fraction = (__int128)billionths * thousandths;
	low = (int64_t)((fraction + NS_PER_SECOND - 1) / NS_PER_SECOND);
	if (__builtin_add_overflow(result, low, &result))
		return false;
	*milli = result;
	return true;
}

void quantity_write(struct text *out, int64_t milli)
{
	if (milli % 1000)
		text_add(out, "%lldm", (long long)milli);
	else
		text_add(out, "%lld", (long long)(milli / 1000));
}

void quantity_write_binary(struct text *out, int64_t milli)
{
	static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	int unit = 0;
	int64_t number = milli / 1000;
	if (milli % 1000 || !number) {
		quantity_write(out, milli);
		return;
	}
	for (; number % 1024 == 0; number /= 1024)
		unit++;
	text_add(out, "%lld%s", (long long)number, units[unit]);
}

/* Names as in signal(7). Synonyms (CLD, POLL, IOT) only parse. */
static const char *const SIGNAL_NAMES[] = {
	[SIGHUP] = "SIGHUP",
	[SIGINT] = "SIGINT",
	[SIGQUIT] = "SIGQUIT",
	[SIGILL] = "SIGILL",
	[SIGTRAP] = "SIGTRAP",
	[SIGABRT] = "SIGABRT",
	[SIGBUS] = "SIGBUS",
	[SIGFPE] = "SIGFPE",
	[SIGKILL] = "SIGKILL",
	[SIGUSR1] = "SIGUSR1",
	[SIGSEGV] = "SIGSEGV",
	[SIGUSR2] = "SIGUSR2",
	[SIGPIPE] = "SIGPIPE",
	[SIGALRM] = "SIGALRM",
	[SIGTERM] = "SIGTERM",
	[SIGSTKFLT] = "SIGSTKFLT",
	[SIGCHLD] = "SIGCHLD",
	[SIGCONT] = "SIGCONT",
	[SIGSTOP] = "SIGSTOP",
	[SIGTSTP] = "SIGTSTP",
	[SIGTTIN] = "SIGTTIN",
	[SIGTTOU] = "SIGTTOU",
	[SIGURG] = "SIGURG",
	[SIGXCPU] = "SIGXCPU",
	[SIGXFSZ] = "SIGXFSZ",
	[SIGVTALRM] = "SIGVTALRM",
	[SIGPROF] = "SIGPROF",
	[SIGWINCH] = "SIGWINCH",
	[SIGIO] = "SIGIO",
	[SIGPWR] = "SIGPWR",
	[SIGSYS] = "SIGSYS",
	/* 32 and 33 are the C library's own; 34 is what it calls SIGRTMIN. */
	[32] = "SIG32",
	[33] = "SIG33",
	[34] = "SIGRTMIN",
	[35] = "SIGRTMIN+1",
	[36] = "SIGRTMIN+2",
	[37] = "SIGRTMIN+3",
	[38] = "SIGRTMIN+4",
	[39] = "SIGRTMIN+5",
	[40] = "SIGRTMIN+6",
	[41] = "SIGRTMIN+7",
	[42] = "SIGRTMIN+8",
	[43] = "SIGRTMIN+9",
	[44] = "SIGRTMIN+10",
	[45] = "SIGRTMIN+11",
	[46] = "SIGRTMIN+12",
	[47] = "SIGRTMIN+13",
	[48] = "SIGRTMIN+14",
	[49] = "SIGRTMIN+15",
	[50] = "SIGRTMAX-14",
	[51] = "SIGRTMAX-13",
	[52] = "SIGRTMAX-12",
	[53] = "SIGRTMAX-11",
	[54] = "SIGRTMAX-10",
	[55] = "SIGRTMAX-9",
	[56] = "SIGRTMAX-8",
	[57] = "SIGRTMAX-7",
	[58] = "SIGRTMAX-6",
	[59] = "SIGRTMAX-5",
	[60] = "SIGRTMAX-4",
	[61] = "SIGRTMAX-3",
	[62] = "SIGRTMAX-2",
	[63] = "SIGRTMAX-1",
	[64] = "SIGRTMAX",
};
_Static_assert(sizeof(SIGNAL_NAMES) / sizeof(*SIGNAL_NAMES) == SIGNAL_MAX + 1, "64 signals");

const char *signal_name(int signo)
{
	return signo > 0 && signo <= SIGNAL_MAX ? SIGNAL_NAMES[signo] : "signal 0";
}

/* "+3" or "-3" behind RTMIN or RTMAX. */
static bool read_offset(const char *s, char sign, int64_t *offset)
{
	*offset = 0;
	return !*s || (*s == sign && isdigit((unsigned char)s[1]) && integer_parse(s + 1, offset));
}

bool signal_parse(const char *text, int *signo)
{
	static const struct {
		const char *name;
		int signo;
	} synonyms[] = {{"CLD", SIGCHLD}, {"POLL", SIGIO}, {"IOT", SIGABRT}};
	int64_t number;
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	if (name == text && isdigit((unsigned char)*text)) {
		if (!integer_parse(text, &number))
			return false;
	} else if (strncasecmp(name, "RTMIN", 5) == 0) {
		if (!read_offset(name + 5, '+', &number) || number > 30)
			return false;
		number += 34;
	} else if (strncasecmp(name, "RTMAX", 5) == 0) {
		if (!read_offset(name + 5, '-', &number) || number > 30)
			return false;
		number = SIGNAL_MAX - number;
	} else {
		for (number = SIGNAL_MAX; number > 0; number--) {
			if (strcasecmp(name, SIGNAL_NAMES[number] + 3) == 0)
				break;
		}
		for (size_t i = 0; i < sizeof(synonyms) / sizeof(*synonyms); i++) {
			if (strcasecmp(name, synonyms[i].name) == 0)
				number = synonyms[i].signo;
		}
	}
	if (number < 1 || number > SIGNAL_MAX)
		return false;
	*signo = (int)number;
	return true;
}
