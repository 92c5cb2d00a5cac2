/* A block for each column, of a known size; only the bytes of strings grow. A row too
 * many or a value of another type is a bug of the caller (asserted); running out of
 * memory fails the table for good. */
#include "base/table.h"

#include <assert.h>
#include <string.h>

#include "base/sys.h"

static void free_column(pm_table_column *c) {
    pm_free(c->name);
    pm_free(c->i64);
    pm_free(c->f64);
    pm_free(c->flags);
    pm_free(c->offsets);
    pm_buf_release(&c->chars);
    pm_free(c->valid);
}

static void free_table(pm_table *t) {
    for (size_t i = 0; i < t->n_columns; i++) {
        free_column(&t->columns[i]);
    }
    pm_free(t->columns);
    pm_free(t);
}

/* The array of values that the type asks for; all else stays NULL. */
static bool init_column(pm_table_column *c, const char *name, pm_type type,
                        size_t n_rows) {
    size_t length = strlen(name) + 1;
    c->type = type;
    pm_buf_init(&c->chars);
    c->name = pm_alloc(length);
    if (c->name == NULL) {
        return false;
    }
    memcpy(c->name, name, length);
    switch (type) {
    case PM_TYPE_I64:
    case PM_TYPE_TIME:
        return (c->i64 = pm_alloc_array(n_rows, sizeof *c->i64)) != NULL;
    case PM_TYPE_F64:
        return (c->f64 = pm_alloc_array(n_rows, sizeof *c->f64)) != NULL;
    case PM_TYPE_BOOL:
        return (c->flags = pm_alloc_array(n_rows, 1)) != NULL;
    case PM_TYPE_STR:
        c->offsets =
            n_rows < SIZE_MAX ? pm_alloc_array(n_rows + 1, sizeof *c->offsets) : NULL;
        if (c->offsets != NULL) {
            c->offsets[0] = 0;
        }
        return c->offsets != NULL;
    }
    return false;
}

pm_status pm_table_new(size_t n_rows, size_t n_columns, const char *const *names,
                       const pm_type *types, pm_table **out, pm_error *err) {
    pm_table *t = pm_calloc(1, sizeof *t);
    if (t == NULL) {
        return pm_fail_nomem(err, sizeof *t);
    }
    atomic_init(&t->refs, 1);
    t->n_rows = n_rows;
    t->columns = pm_calloc(n_columns, sizeof *t->columns);
    if (t->columns == NULL) {
        free_table(t);
        return pm_fail_nomem(err, n_columns * sizeof *t->columns);
    }
    for (; t->n_columns < n_columns; t->n_columns++) {
        size_t i = t->n_columns;
        if (!init_column(&t->columns[i], names[i], types[i], n_rows)) {
            t->n_columns++; /* free what this column has got */
            free_table(t);
            return pm_fail_nomem(err, n_rows * sizeof(int64_t));
        }
    }
    *out = t;
    return PM_OK;
}

/* Taking a reference needs no order: whoever takes one already holds one. */
pm_table *pm_table_ref(pm_table *t) {
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

/* Release, then acquire by the last owner: its free comes after every other owner's
 * last read. */
void pm_table_unref(pm_table *t) {
    if (t != NULL &&
        atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1) {
        free_table(t);
    }
}

/* The column's next row, or NULL when the table has failed. */
static pm_table_column *next_row(pm_table *t, size_t c) {
    assert(c < t->n_columns && t->columns[c].filled < t->n_rows);
    return t->failed ? NULL : &t->columns[c];
}

static void row_done(pm_table_column *c) {
    if (c->valid != NULL) {
        c->valid[c->filled] = 1;
    }
    c->filled++;
}

void pm_table_put_i64(pm_table *t, size_t c, int64_t v) {
    pm_table_column *column = next_row(t, c);
    if (column != NULL) {
        assert(column->type == PM_TYPE_I64 || column->type == PM_TYPE_TIME);
        column->i64[column->filled] = v;
        row_done(column);
    }
}

void pm_table_put_f64(pm_table *t, size_t c, double v) {
    pm_table_column *column = next_row(t, c);
    if (column != NULL) {
        assert(column->type == PM_TYPE_F64);
        column->f64[column->filled] = v;
        row_done(column);
    }
}

void pm_table_put_bool(pm_table *t, size_t c, bool v) {
    pm_table_column *column = next_row(t, c);
    if (column != NULL) {
        assert(column->type == PM_TYPE_BOOL);
        column->flags[column->filled] = v;
        row_done(column);
    }
}

void pm_table_put_str(pm_table *t, size_t c, const void *bytes, size_t n) {
    pm_table_column *column = next_row(t, c);
    if (column == NULL) {
        return;
    }
    assert(column->type == PM_TYPE_STR);
    pm_buf_put(&column->chars, bytes, n);
    t->failed = column->chars.failed;
    if (!t->failed) {
        column->offsets[column->filled + 1] = (int64_t)column->chars.n;
        row_done(column);
    }
}

/* The value of a missing row is defined too (0, ""), for readers that look at the array
 * alone. */
static void put_zero(pm_table_column *c) {
    switch (c->type) {
    case PM_TYPE_I64:
    case PM_TYPE_TIME:
        c->i64[c->filled] = 0;
        break;
    case PM_TYPE_F64:
        c->f64[c->filled] = 0;
        break;
    case PM_TYPE_BOOL:
        c->flags[c->filled] = 0;
        break;
    case PM_TYPE_STR:
        c->offsets[c->filled + 1] = (int64_t)c->chars.n;
        break;
    }
}

void pm_table_put_null(pm_table *t, size_t c) {
    pm_table_column *column = next_row(t, c);
    if (column == NULL) {
        return;
    }
    if (column->valid == NULL) {
        column->valid = pm_alloc_array(t->n_rows, 1);
        if (column->valid == NULL) {
            t->failed = true;
            return;
        }
        memset(column->valid, 1, t->n_rows);
    }
    put_zero(column);
    column->valid[column->filled++] = 0;
}

pm_status pm_table_check(const pm_table *t, pm_error *err) {
    if (t->failed) {
        return pm_fail_nomem(err, 0);
    }
    for (size_t i = 0; i < t->n_columns; i++) {
        const pm_table_column *c = &t->columns[i];
        if (c->filled != t->n_rows) {
            return pm_fail(err, PM_INTERNAL, "column %s has %zu of %zu rows", c->name,
                           c->filled, t->n_rows);
        }
    }
    return PM_OK;
}
