#include "fed/roster.h"

#include <stdio.h>
#include <string.h>

enum {
    SECONDS_A_DAY = 86400
};

/* Days from 1970-01-01 in the Gregorian calendar; years that begin in March make leap days last
 * (H. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil). */
static uint64_t
days_from_date(uint32_t year, uint32_t month, uint32_t day)
{
    if (month <= 2)
        year--;
    uint32_t era = year / 400, year_of_era = year % 400;
    uint32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    uint32_t day_of_era  = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (uint64_t)era * 146097 + day_of_era - 719468;
}

static void
date_from_days(uint32_t *year, uint32_t *month, uint32_t *day, uint32_t days)
{
    days += 719468;
    uint32_t era = days / 146097, day_of_era = days % 146097;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t shifted     = (5 * day_of_year + 2) / 153;
    *day                 = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month               = shifted < 10 ? shifted + 3 : shifted - 9;
    *year                = year_of_era + era * 400 + (*month <= 2);
}

void
fed_time_text(char out[static FED_TIME_SIZE], uint64_t seconds)
{
    const uint64_t last = 253402300799u; /* 9999-12-31T23:59:59Z */
    uint32_t       year, month, day;
    if (seconds > last)
        seconds = last;
    date_from_days(&year, &month, &day, (uint32_t)(seconds / SECONDS_A_DAY));
    uint32_t rest = (uint32_t)(seconds % SECONDS_A_DAY);
    /* SAFE: the modulos change nothing; they show the compiler that the text fits. */
    snprintf(out, FED_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", year % 10000, month % 100,
             day % 100, rest / 3600 % 100, rest / 60 % 60, rest % 60);
}

bool
fed_time_parse(uint64_t *seconds, const char *text)
{
    static const char shape[]  = "0000-00-00T00:00:00Z";
    uint32_t          field[6] = {0};
    size_t            at = 0, len = strlen(text);
    if (len != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (shape[i] == '0') {
            if (text[i] < '0' || text[i] > '9')
                return false;
            field[at] = field[at] * 10 + (uint32_t)(text[i] - '0');
        } else if (text[i] != shape[i]) {
            return false;
        } else if (++at == 6) {
            break;
        }
    }
    if (field[0] < 1970 || field[1] < 1 || field[1] > 12 || field[2] < 1)
        return false;
    uint64_t value = days_from_date(field[0], field[1], field[2]) * SECONDS_A_DAY +
                     field[3] * 3600 + field[4] * 60 + field[5];
    /* A date or an hour that does not exist is written as another one. */
    char again[FED_TIME_SIZE];
    fed_time_text(again, value);
    if (strcmp(again, text) != 0)
        return false;
    *seconds = value;
    return true;
}
