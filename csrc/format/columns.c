/* Reads columns in place. The records are walked once, at opening; values cost one load
 * each. */
#include "format/columns.h"

#include <inttypes.h>

#include "format/columns_layout.h"

/* ---- opening ---- */

static pm_status broken(const pm_columns *c, uint64_t at, pm_error *err,
                        const char *what) {
    return pm_section_corrupt(c->file, PM_SECTION_COLS, at, err, "expected %s", what);
}

static bool open_documents(pm_cursor *c, pm_column *col) {
    if (!col->several) {
        if (!pm_bits_open(c, col->n_docs, &col->has)) {
            return false;
        }
        col->n_values = (uint32_t)col->has.n_ones;
        return true;
    }
    if (col->n_docs == UINT32_MAX ||
        !pm_packed_open(c, col->n_docs + 1, &col->starts)) {
        return false;
    }
    uint64_t n = pm_packed_get(&col->starts, col->n_docs);
    col->n_values = (uint32_t)n;
    return n < UINT32_MAX;
}

/* What did not fit, or NULL. */
static const char *open_column(pm_cursor *c, pm_column *col) {
    col->name = pm_cursor_string(c);
    unsigned kind = pm_cursor_u8(c), flags = pm_cursor_u8(c);
    unsigned possible =
        PM_COLUMN_SEVERAL | (kind == PM_VALUE_DATE ? PM_COLUMN_TIMES : 0);
    if (c->bad || kind > PM_VALUE_DATE || (flags & ~possible) != 0) {
        return "a column's name, kind (0 to 4) and flags";
    }
    col->kind = (pm_value_kind)kind;
    col->several = (flags & PM_COLUMN_SEVERAL) != 0;
    col->has_times = (flags & PM_COLUMN_TIMES) != 0;
    if (!open_documents(c, col)) {
        return "the documents that have values";
    }
    col->least = (int64_t)pm_cursor_u64(c);
    col->step = pm_cursor_u64(c);
    if (!pm_packed_open(c, col->n_values, &col->values) || col->step == 0) {
        return "least, step and values";
    }
    if (col->has_times && !pm_bits_open(c, col->n_values, &col->timed)) {
        return "a bit for each date";
    }
    pm_bytes rest = {c->p, pm_cursor_left(c)};
    bool good = kind == PM_VALUE_STR
                    ? pm_strings_open(rest, UINT32_MAX, &col->dictionary)
                    : rest.n == 0;
    return good                   ? NULL
           : kind == PM_VALUE_STR ? "a list of strings"
                                  : "the column's end";
}

static pm_status open_record(pm_columns *c, uint32_t i, pm_bytes section,
                             uint32_t n_docs, pm_error *err) {
    const uint8_t *entry = section.p + 4 + (size_t)i * 8;
    uint64_t lo = pm_load64(entry), hi = pm_load64(entry + 8),
             least = 4 + 8 * ((uint64_t)c->n + 1);
    if (lo < least || lo > hi || hi > section.n) {
        return pm_section_corrupt(c->file, PM_SECTION_COLS, 4 + (uint64_t)i * 8, err,
                                  "column %" PRIu32 " at [%" PRIu64 ", %" PRIu64
                                  "), expected within [%" PRIu64 ", %zu)",
                                  i, lo, hi, least, section.n);
    }
    pm_cursor at = pm_cursor_of((pm_bytes){section.p + lo, (size_t)(hi - lo)});
    c->at[i].n_docs = n_docs;
    const char *wrong = open_column(&at, &c->at[i]);
    return wrong == NULL ? PM_OK : broken(c, (uint64_t)(at.p - section.p), err, wrong);
}

pm_status pm_columns_open(pm_columns *c, const pm_container *file, uint32_t n_docs,
                          pm_error *err) {
    memset(c, 0, sizeof *c);
    pm_bytes section;
    PM_TRY(pm_container_need(file, PM_SECTION_COLS, &section, err));
    c->file = file;
    pm_cursor at = pm_cursor_of(section);
    uint32_t n = pm_cursor_u32(&at);
    if (at.bad || 8 * ((uint64_t)n + 1) > pm_cursor_left(&at)) {
        return broken(c, 0, err, "a count and offsets of columns");
    }
    c->at = pm_calloc(n, sizeof *c->at);
    if (c->at == NULL) {
        return pm_fail_nomem(err, n * sizeof *c->at);
    }
    c->n = n;
    for (uint32_t i = 0; i < n; i++) {
        pm_status status = open_record(c, i, section, n_docs, err);
        if (status != PM_OK) {
            pm_columns_close(c);
            return status;
        }
    }
    return PM_OK;
}

void pm_columns_close(pm_columns *c) {
    pm_free(c->at);
    c->at = NULL;
    c->n = 0;
}

const pm_column *pm_columns_find(const pm_columns *c, pm_bytes name) {
    for (uint32_t i = 0; i < c->n; i++) {
        if (pm_bytes_compare(c->at[i].name, name) == 0) {
            return &c->at[i];
        }
    }
    return NULL;
}

/* ---- values ---- */

pm_range pm_column_values(const pm_column *c, pm_doc d) {
    if (d >= c->n_docs) {
        return (pm_range){0, 0};
    }
    uint64_t lo, hi;
    if (c->several) {
        lo = pm_packed_get(&c->starts, d);
        hi = pm_packed_get(&c->starts, d + 1);
    } else {
        bool is_full = c->n_values == c->n_docs;
        lo = is_full ? d : pm_bitmap_rank(&c->has, d);
        hi = lo + (is_full || pm_bitmap_get(&c->has, d));
    }
    return lo <= hi && hi <= c->n_values ? (pm_range){(uint32_t)lo, (uint32_t)hi}
                                         : (pm_range){0, 0};
}

pm_value pm_column_value(const pm_column *c, uint32_t i) {
    pm_value v = {.kind = c->kind, .i = pm_column_number(c, i)};
    if (c->kind == PM_VALUE_FLOAT) {
        memcpy(&v.f, &v.i, sizeof v.f);
        v.i = 0;
    }
    if (c->has_times && pm_bitmap_get(&c->timed, i)) {
        v.kind = PM_VALUE_TIME;
    }
    return v;
}

/* ---- verifying ---- */

static const char *check_documents(const pm_column *col, pm_cancel *cancel) {
    if (!col->several) {
        return pm_bitmap_verify(&col->has) ? NULL
                                           : "ranks that fit the bits of the documents";
    }
    uint64_t before = 0;
    for (uint32_t d = 0; d <= col->n_docs; d++) {
        uint64_t start = pm_packed_get(&col->starts, d);
        if (pm_cancel_tick(cancel, 5) || start < before || (d == 0 && start != 0)) {
            return "starts of values from 0 on, none falling";
        }
        before = start;
    }
    return NULL;
}

static const char *check_values(const pm_column *col, pm_cancel *cancel) {
    bool is_code = col->kind == PM_VALUE_STR, is_bool = col->kind == PM_VALUE_BOOL;
    int64_t end = is_code ? (int64_t)col->dictionary.n : 2;
    if (col->kind == PM_VALUE_FLOAT &&
        (col->values.width != 64 || col->least != 0 || col->step != 1)) {
        return "floats of 64 bits";
    }
    for (uint32_t i = 0; i < col->n_values && (is_code || is_bool); i++) {
        int64_t v = pm_column_number(col, i);
        if (pm_cancel_tick(cancel, 5) || v < 0 || v >= end) {
            return is_code ? "codes of the dictionary" : "0 or 1";
        }
    }
    return col->has_times && !pm_bitmap_verify(&col->timed)
               ? "ranks that fit the bits of the dates"
               : NULL;
}

static pm_status check_column(const pm_columns *c, uint32_t i, pm_buf *scratch,
                              pm_cancel *cancel, pm_error *err) {
    const pm_column *col = &c->at[i];
    pm_bytes section;
    PM_TRY(pm_container_need(c->file, PM_SECTION_COLS, &section, err));
    const char *wrong = check_documents(col, cancel);
    if (wrong == NULL) {
        wrong = check_values(col, cancel);
    }
    if (wrong == NULL && col->kind == PM_VALUE_STR &&
        !pm_strings_verify(&col->dictionary, true, scratch, cancel)) {
        wrong = "strings in order";
    }
    if (scratch->failed) {
        return pm_fail_nomem(err, 0);
    }
    PM_TRY(pm_cancel_check(cancel, 0, err));
    if (wrong == NULL && pm_columns_find(c, col->name) != col) {
        wrong = "different names of columns";
    }
    return wrong == NULL ? PM_OK
                         : broken(c, (uint64_t)(col->name.p - section.p), err, wrong);
}

pm_status pm_columns_verify(const pm_columns *c, pm_cancel *cancel, pm_error *err) {
    pm_status status = PM_OK;
    pm_buf scratch;
    pm_buf_init(&scratch);
    for (uint32_t i = 0; i < c->n && status == PM_OK; i++) {
        status = check_column(c, i, &scratch, cancel, err);
    }
    if (status == PM_CORRUPT && scratch.failed) {
        status = pm_fail_nomem(err, scratch.n);
    }
    pm_buf_release(&scratch);
    return status;
}
