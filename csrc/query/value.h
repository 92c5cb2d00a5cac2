/* Metadata values as people write and read them. */
#ifndef PM_QUERY_VALUE_H
#define PM_QUERY_VALUE_H

#include "format/columns.h"

/* Microseconds [*lo, *hi) of the period that a date names: 2020, 2020-01, 2020-01-08,
 * 2020-01-08T12, ...T12:30, ...T12:30:15[.5]. */
bool pm_date_period(const char *text, int64_t *lo, int64_t *hi);

/* Appends a number, true or false, 2020-01-08, 2020-01-08T12:30:00, or
 * 2020-01-08T12:30:00.5. Strings: pm_column_text. */
void pm_value_print(pm_value v, pm_buf *out);
/* A number, date or truth value as an unsigned integer of the same order; as_float:
 * compared with floats of the same column in other segments. Not for strings. */
uint64_t pm_value_order(pm_value v, bool as_float);
/* Replaces out's content with value i of a column. */
pm_status pm_column_text(const pm_column *c, uint32_t i, pm_buf *out,
                         pm_error *err) PM_MUST_CHECK;

#endif
