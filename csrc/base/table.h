/* A result: named columns of numbers or strings, one reference-counted block. Laid out
 * as Arrow wants it, so that it is exported without a copy. Immutable once handed out;
 * shared by threads. */
#ifndef PM_BASE_TABLE_H
#define PM_BASE_TABLE_H

#include <stdatomic.h>

#include "base/buffer.h"

typedef enum pm_type {
    PM_TYPE_I64,
    PM_TYPE_F64,
    PM_TYPE_BOOL, /* one byte a value, 0 or 1 */
    PM_TYPE_TIME, /* i64 microseconds since 1970-01-01T00:00, no zone */
    /* valid UTF-8; value i is bytes [offsets[i], offsets[i + 1]) of chars */
    PM_TYPE_STR
} pm_type;

typedef struct pm_table_column {
    char *name;
    pm_type type;
    int64_t *i64; /* I64, TIME */
    double *f64;
    uint8_t *flags;   /* BOOL */
    int64_t *offsets; /* STR: n_rows + 1 */
    pm_buf chars;     /* STR */
    uint8_t *valid;   /* one byte a row, or NULL: all values are there */
    size_t filled;    /* rows written so far */
} pm_table_column;

typedef struct pm_table {
    atomic_uint refs; /* counts owners; only the thread that takes it to 0 frees */
    size_t n_rows, n_columns;
    pm_table_column *columns;
    bool failed; /* sticky: an append ran out of memory */
} pm_table;

/* An empty table of n_rows rows to be filled column by column, row by row, by the
 * append calls. */
pm_status pm_table_new(size_t n_rows, size_t n_columns, const char *const *names,
                       const pm_type *types, pm_table **out,
                       pm_error *err) PM_MUST_CHECK;
pm_table *pm_table_ref(pm_table *t);
void pm_table_unref(pm_table *t);
/* Appends the next value of column c; sticky failure. The type must be the column's. */
void pm_table_put_i64(pm_table *t, size_t c, int64_t v);
void pm_table_put_f64(pm_table *t, size_t c, double v);
void pm_table_put_bool(pm_table *t, size_t c, bool v);
void pm_table_put_str(pm_table *t, size_t c, const void *bytes, size_t n);
void pm_table_put_null(pm_table *t, size_t c);
/* PM_NOMEM if an append failed, PM_INTERNAL if a column is not full. */
pm_status pm_table_check(const pm_table *t, pm_error *err) PM_MUST_CHECK;

#endif
