/* RFC 3339 in UTC, from a number. */
#include "timestamp.h"

#include "../spec/spec.h"

enum { SECONDS_A_DAY = 86400 };

/* The proleptic Gregorian calendar counted from 1 March of year 0, where a leap day is the last
 * day of a year: 146097 days are 400 years. */
static void date_of(int64_t days_since_1970, int *year, int *month, int *day)
{
	int64_t days = days_since_1970 + 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t of_era = days - era * 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t march_month = (5 * of_year + 2) / 153;
	*day = (int)(of_year - (153 * march_month + 2) / 5 + 1);
	*month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

void timestamp_add(struct text *out, int64_t realtime_ns, bool fraction)
{
	int64_t seconds = realtime_ns / NS_PER_SECOND, rest = realtime_ns % NS_PER_SECOND;
	if (rest < 0) {
		rest += NS_PER_SECOND;
		seconds--;
	}
	int64_t days = seconds / SECONDS_A_DAY, of_day = seconds % SECONDS_A_DAY;
	if (of_day < 0) {
		of_day += SECONDS_A_DAY;
		days--;
	}
	int year, month, day;
	date_of(days, &year, &month, &day);
	text_add(out, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, (int)(of_day / 3600),
		(int)(of_day / 60 % 60), (int)(of_day % 60));
	if (fraction)
		text_add(out, ".%06d", (int)(rest / 1000));
	text_add(out, "Z");
}
