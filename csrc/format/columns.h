/* Typed metadata of documents: none, one or several values each.
 *
 * Section COLS: u32 n | u64 x (n + 1): offset of each column's record from the
 *               section's start, then the last one's end | records:
 *   varint name length, name | u8 kind
 *   | u8 flags (1: several values a document, 2: dates that may have a time of day)
 *   | flags & 1: packed first value of each document, + end;
 *     else bits over documents, set where it has a value (codec/bitset.h)
 *   | i64 least, u64 step, packed (v - least) / step of each value: the codes of
 *     strings, ints, bools, dates; floats: their 64 bits, least 0, step 1
 *   | flags & 2: bits over values, set where it has a time of day
 *   | str: strings (format/strings.h), sorted
 * date: microseconds since 1970-01-01T00:00 (proleptic Gregorian); a value that is a
 * day without time of day has kind PM_VALUE_DATE, with time of day PM_VALUE_TIME. */
#ifndef PM_FORMAT_COLUMNS_H
#define PM_FORMAT_COLUMNS_H

#include "base/spool.h"
#include "base/types.h"
#include "format/container.h"
#include "format/packed.h"
#include "format/strings.h"

typedef enum pm_value_kind {
    PM_VALUE_STR,
    PM_VALUE_INT,
    PM_VALUE_FLOAT,
    PM_VALUE_BOOL,
    PM_VALUE_DATE, /* i: microseconds since 1970 of a day's start */
    /* i: microseconds since 1970, local to the document (no zone); columns of dates may
     * hold both */
    PM_VALUE_TIME
} pm_value_kind;

typedef struct pm_value {
    pm_value_kind kind;
    int64_t i; /* int, bool, date, time */
    double f;
    pm_bytes s;
} pm_value;

typedef struct pm_column_data {
    pm_bytes name;
    /* of the column: PM_VALUE_TIME is never a column's kind, dates are PM_VALUE_DATE */
    pm_value_kind kind;
    const uint32_t *starts; /* [n_docs + 1] values of each document */
    const pm_value *values;
} pm_column_data;
/* Names must differ; a date column may hold both kinds of date; an int column's value
 * may not be a float, nor the other way round (PM_INTERNAL). */
pm_status pm_columns_write(pm_container_writer *w, const pm_column_data *columns,
                           uint32_t n_columns, uint32_t n_docs,
                           pm_error *err) PM_MUST_CHECK;

/* The same column by column, of values that are numbers already: begin, put each
 * column, end (which releases, also after failure). No other section in between. Memory:
 * one column's record as it will stand on file, and a bit a document; records wait in
 * the container writer's scratch (pm_columns_write: for one column, also 8 bytes a
 * value, 72 more where values are strings). */
typedef struct pm_column_numbers {
    pm_bytes name;
    pm_value_kind kind;     /* as in pm_column_data */
    const uint32_t *starts; /* [n_docs + 1] */
    const int64_t *numbers; /* of each value, as pm_column_number */
    const uint64_t *timed;  /* dates: bits over values, set where one has a time of day;
                                NULL: nowhere */
    const pm_bytes *strings; /* str: sorted, all different; numbers are their ranks */
    uint32_t n_strings;
} pm_column_numbers;
typedef struct pm_columns_writer {
    pm_container_writer *to;
    uint32_t n_docs, n;
    pm_buf record, ends; /* ends: u64, of the records */
    pm_spool records;
} pm_columns_writer;
void pm_columns_begin(pm_columns_writer *c, pm_container_writer *w, uint32_t n_docs);
pm_status pm_columns_put(pm_columns_writer *c, const pm_column_numbers *column,
                         pm_error *err) PM_MUST_CHECK;
pm_status pm_columns_end(pm_columns_writer *c, pm_error *err) PM_MUST_CHECK;

typedef struct pm_column {
    pm_bytes name;
    pm_value_kind kind;
    bool several, has_times;
    uint32_t n_docs, n_values;
    pm_packed starts; /* several */
    pm_bitmap has;    /* not several */
    pm_bitmap timed;  /* has_times */
    int64_t least;
    uint64_t step;
    pm_packed values;
    pm_strings dictionary; /* str: sorted */
} pm_column;

typedef struct pm_columns {
    const pm_container *file;
    uint32_t n;
    pm_column *at; /* owned */
} pm_columns;
pm_status pm_columns_open(pm_columns *c, const pm_container *file, uint32_t n_docs,
                          pm_error *err) PM_MUST_CHECK;
void pm_columns_close(pm_columns *c);
pm_status pm_columns_verify(const pm_columns *c, pm_cancel *cancel,
                            pm_error *err) PM_MUST_CHECK;
/* NULL: no such column */
const pm_column *pm_columns_find(const pm_columns *c, pm_bytes name);
/* Values of a document are [lo, hi). */
pm_range pm_column_values(const pm_column *c, pm_doc d);
/* Value i as a number: int, bool, date; the code of a string; a float's bits. 0 for i
 * >= n_values. For loops over many. */
static inline int64_t pm_column_number(const pm_column *c, uint32_t i) {
    return i < c->n_values
               ? (int64_t)((uint64_t)c->least + c->step * pm_packed_get(&c->values, i))
               : 0;
}
/* Value i: i and f are set by kind; a string's code in i (its text by pm_strings_get on
 * the dictionary). */
pm_value pm_column_value(const pm_column *c, uint32_t i);

#endif
