/* Dates by days since 1970 (proleptic Gregorian), without the C library's calendar: no
 * locale, no time zone, the same everywhere. */
#include "query/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- dates ---- */

/* Days from 1970-01-01 of a day of the proleptic Gregorian calendar (Hinnant,
 * "chrono-compatible low-level date algorithms"). */
static int64_t days_of(int64_t y, int64_t m, int64_t d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* Reads up to max digits; -1 where there is none. */
static int64_t digits(const char **p, int max) {
    int64_t v = -1;
    for (int i = 0; i < max && **p >= '0' && **p <= '9'; i++, (*p)++) {
        v = (v < 0 ? 0 : v) * 10 + (**p - '0');
    }
    return v;
}

static bool next_part(const char **p, const char *marks, int max, int64_t *out) {
    if (**p == '\0' || strchr(marks, **p) == NULL) {
        return false;
    }
    (*p)++;
    *out = digits(p, max);
    return true;
}

static const int64_t US = 1000000;

/* The part of a date after the day. */
static bool time_period(const char **p, int64_t day, int64_t *lo, int64_t *hi) {
    int64_t h = 0, m = 0, s = 0, unit = 3600 * US;
    if (!next_part(p, "T t", 2, &h)) {
        *lo = day;
        *hi = day + 24 * 3600 * US;
        return **p == '\0';
    }
    if (next_part(p, ":", 2, &m)) {
        unit = 60 * US;
    }
    if (unit == 60 * US && next_part(p, ":", 2, &s)) {
        unit = US;
    }
    if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59) {
        return false;
    }
    *lo = day + ((h * 60 + m) * 60 + s) * US;
    int64_t fraction = 0, scale = US;
    if (unit == US && **p == '.') {
        for ((*p)++; **p >= '0' && **p <= '9' && scale > 1; (*p)++) {
            scale /= 10;
            fraction += (**p - '0') * scale;
        }
        *lo += fraction;
        unit = scale;
    }
    *hi = *lo + unit;
    return **p == '\0';
}

bool pm_date_period(const char *text, int64_t *lo, int64_t *hi) {
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *p = text;
    int64_t y = digits(&p, 4), m = 0, d = 0;
    if (y < 1 || p - text != 4) {
        return false;
    }
    if (!next_part(&p, "-/", 2, &m)) {
        *lo = days_of(y, 1, 1) * 86400 * US;
        *hi = days_of(y + 1, 1, 1) * 86400 * US;
        return *p == '\0';
    }
    if (m < 1 || m > 12) {
        return false;
    }
    if (!next_part(&p, "-/", 2, &d)) {
        *lo = days_of(y, m, 1) * 86400 * US;
        *hi = (m == 12 ? days_of(y + 1, 1, 1) : days_of(y, m + 1, 1)) * 86400 * US;
        return *p == '\0';
    }
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    if (d < 1 || d > month_days[m - 1] || (m == 2 && d == 29 && !leap)) {
        return false;
    }
    return time_period(&p, days_of(y, m, d) * 86400 * US, lo, hi);
}

/* ---- printing ---- */

/* Day of the calendar from days since 1970-01-01, the inverse of days_of. */
static void civil_of(int64_t days, int64_t *y, int64_t *m, int64_t *d) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097,
            doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp < 10 ? mp + 3 : mp - 9;
    *y = yoe + era * 400 + (*m <= 2);
}

static void print_time(int64_t us, bool timed, pm_buf *out) {
    const int64_t day = 86400 * US;
    int64_t days = us / day - (us % day < 0), rest = us - days * day, y, m, d;
    civil_of(days, &y, &m, &d);
    pm_buf_printf(out, "%04lld-%02lld-%02lld", (long long)y, (long long)m,
                  (long long)d);
    if (!timed) {
        return;
    }
    int64_t s = rest / US, fraction = rest % US;
    pm_buf_printf(out, "T%02lld:%02lld:%02lld", (long long)(s / 3600),
                  (long long)(s / 60 % 60), (long long)(s % 60));
    if (fraction != 0) {
        char text[8];
        snprintf(text, sizeof text, "%06lld",
                 (long long)(fraction < 0 || fraction >= US ? 0 : fraction));
        size_t n = 6;
        while (n > 1 && text[n - 1] == '0') {
            n--;
        }
        pm_buf_printf(out, ".%.*s", (int)n, text);
    }
}

/* The fewest digits that read back as the same number. */
static void print_float(double f, pm_buf *out) {
    char text[32];
    for (int digits_shown = 15; digits_shown <= 17; digits_shown++) {
        snprintf(text, sizeof text, "%.*g", digits_shown, f);
        if (strtod(text, NULL) == f) {
            break;
        }
    }
    pm_buf_put(out, text, strlen(text));
}

void pm_value_print(pm_value v, pm_buf *out) {
    switch (v.kind) {
    case PM_VALUE_STR:
        pm_buf_put(out, v.s.p, v.s.n);
        break;
    case PM_VALUE_INT:
        pm_buf_printf(out, "%lld", (long long)v.i);
        break;
    case PM_VALUE_FLOAT:
        print_float(v.f, out);
        break;
    case PM_VALUE_BOOL:
        pm_buf_printf(out, "%s", v.i ? "true" : "false");
        break;
    default:
        print_time(v.i, v.kind == PM_VALUE_TIME, out);
    }
}

uint64_t pm_value_order(pm_value v, bool as_float) {
    const uint64_t sign = UINT64_C(1) << 63;
    uint64_t bits;
    if (v.kind != PM_VALUE_FLOAT && !as_float) {
        return (uint64_t)v.i ^ sign;
    }
    double f = v.kind == PM_VALUE_FLOAT ? v.f : (double)v.i;
    memcpy(&bits, &f, sizeof bits);
    return bits & sign ? ~bits : bits | sign;
}

pm_status pm_column_text(const pm_column *c, uint32_t i, pm_buf *out, pm_error *err) {
    pm_value v = pm_column_value(c, i);
    pm_buf_clear(out);
    if (v.kind != PM_VALUE_STR) {
        pm_value_print(v, out);
    } else if (v.i < 0 || v.i > UINT32_MAX ||
               !pm_strings_get(&c->dictionary, (uint32_t)v.i, out)) {
        PM_TRY(pm_buf_status(out, err));
        return pm_fail(err, PM_CORRUPT, "a value of column '%.*s' cannot be read",
                       (int)c->name.n, (const char *)c->name.p);
    }
    return pm_buf_status(out, err);
}
