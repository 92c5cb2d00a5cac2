/* Writes columns: numbers as multiples of their common divisor above the least, strings
 * as codes of a sorted dictionary. */
#include "format/columns.h"
#include "format/columns_layout.h"
#include "format/strsort.h"

/* ---- numbers ---- */

typedef struct scale {
    int64_t least;
    uint64_t step, max; /* max: of (number - least) / step */
} scale;

static uint64_t gcd(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static scale scale_ints(const int64_t *numbers, uint32_t n) {
    int64_t least = n > 0 ? numbers[0] : 0, most = least;
    for (uint32_t i = 1; i < n; i++) {
        least = numbers[i] < least ? numbers[i] : least;
        most = numbers[i] > most ? numbers[i] : most;
    }
    uint64_t step = 0;
    for (uint32_t i = 0; i < n && step != 1; i++) {
        step = gcd((uint64_t)numbers[i] - (uint64_t)least, step);
    }
    step = step > 0 ? step : 1;
    return (scale){least, step, ((uint64_t)most - (uint64_t)least) / step};
}

static scale scale_of(const pm_column_numbers *d, uint32_t n) {
    if (d->kind == PM_VALUE_FLOAT) { /* 64 bits each, whatever they hold */
        return (scale){0, 1, UINT64_MAX};
    }
    if (d->kind == PM_VALUE_STR) {
        return (scale){0, 1, d->n_strings > 0 ? d->n_strings - 1 : 0};
    }
    return scale_ints(d->numbers, n);
}

static void put_numbers(pm_buf *out, const pm_column_numbers *d, uint32_t n) {
    scale s = scale_of(d, n);
    pm_buf_put_u64(out, (uint64_t)s.least);
    pm_buf_put_u64(out, s.step);
    pm_packing to = pm_packed_begin(out, n, pm_packed_width(s.max));
    for (uint32_t i = 0; i < n; i++) {
        uint64_t above = (uint64_t)d->numbers[i] - (uint64_t)s.least;
        pm_packed_put(&to, s.step == 1 ? above : above / s.step);
    }
}

/* ---- records ---- */

static bool has_several(const pm_column_numbers *d, uint32_t n_docs) {
    for (uint32_t i = 0; i < n_docs; i++) {
        if (d->starts[i + 1] - d->starts[i] > 1) {
            return true;
        }
    }
    return false;
}

static bool has_times(const pm_column_numbers *d, uint32_t n) {
    return d->timed != NULL && pm_bits_next(d->timed, n, 0) < n;
}

static pm_status put_documents(pm_buf *out, const pm_column_numbers *d, uint32_t n_docs,
                               bool several, pm_error *err) {
    if (several) {
        pm_packed_encode(out, d->starts, (size_t)n_docs + 1, d->starts[n_docs]);
        return PM_OK;
    }
    uint64_t *bits = pm_calloc(pm_bits_words(n_docs), sizeof *bits);
    if (bits == NULL) {
        return pm_fail_nomem(err, pm_bits_words(n_docs) * sizeof *bits);
    }
    for (uint32_t i = 0; i < n_docs; i++) {
        if (d->starts[i + 1] > d->starts[i]) {
            pm_bits_set(bits, i);
        }
    }
    pm_bitmap_encode(out, bits, n_docs);
    pm_free(bits);
    return PM_OK;
}

static pm_status put_record(pm_buf *out, const pm_column_numbers *d, uint32_t n_docs,
                            pm_error *err) {
    uint32_t n = d->starts[n_docs];
    bool several = has_several(d, n_docs), times = has_times(d, n);
    pm_buf_put_varint(out, d->name.n);
    pm_buf_put(out, d->name.p, d->name.n);
    pm_buf_put_u8(out, (uint8_t)d->kind);
    pm_buf_put_u8(out, (uint8_t)((several ? PM_COLUMN_SEVERAL : 0) |
                                 (times ? PM_COLUMN_TIMES : 0)));
    PM_TRY(put_documents(out, d, n_docs, several, err));
    put_numbers(out, d, n);
    if (times) {
        pm_bitmap_encode(out, d->timed, n);
    }
    if (d->kind == PM_VALUE_STR) {
        pm_strings_encode(out, d->strings, d->n_strings);
    }
    return pm_buf_status(out, err);
}

/* ---- the section ---- */

void pm_columns_begin(pm_columns_writer *c, pm_container_writer *w, uint32_t n_docs) {
    *c = (pm_columns_writer){.to = w, .n_docs = n_docs};
    pm_buf_init(&c->record);
    pm_buf_init(&c->ends);
    pm_spool_init(&c->records, w->scratch);
}

pm_status pm_columns_put(pm_columns_writer *c, const pm_column_numbers *column,
                         pm_error *err) {
    pm_buf_clear(&c->record);
    PM_TRY(put_record(&c->record, column, c->n_docs, err));
    pm_spool_put(&c->records, c->record.p, c->record.n);
    pm_buf_put_u64(&c->ends, c->records.n);
    c->n++;
    return PM_OK;
}

static pm_status put_section(pm_columns_writer *c, pm_error *err) {
    pm_bytes records;
    PM_TRY(pm_buf_status(&c->ends, err));
    PM_TRY(pm_spool_view(&c->records, &records, err));
    uint64_t base = 4 + 8 * ((uint64_t)c->n + 1);
    pm_container_begin(c->to, PM_SECTION_COLS, PM_SECTION_REQUIRED);
    pm_container_put(c->to, &c->n, sizeof c->n);
    pm_container_put(c->to, &base, sizeof base);
    for (uint32_t i = 0; i < c->n; i++) {
        uint64_t end = base + pm_load64(c->ends.p + 8 * (size_t)i);
        pm_container_put(c->to, &end, sizeof end);
    }
    pm_container_put(c->to, records.p, records.n);
    pm_container_end(c->to);
    return PM_OK;
}

pm_status pm_columns_end(pm_columns_writer *c, pm_error *err) {
    pm_status status = put_section(c, err);
    pm_buf_release(&c->record);
    pm_buf_release(&c->ends);
    pm_spool_release(&c->records);
    return status;
}

/* ---- from values ---- */

typedef struct values { /* of one column, as numbers */
    int64_t *numbers;
    uint64_t *timed;
    pm_bytes *strings; /* str: the different ones, sorted */
    uint32_t n_strings;
} values;

static pm_status check_kinds(const pm_column_data *d, uint32_t n, pm_error *err) {
    for (uint32_t i = 0; i < n; i++) {
        pm_value_kind kind =
            d->values[i].kind == PM_VALUE_TIME ? PM_VALUE_DATE : d->values[i].kind;
        if (kind != d->kind) {
            return pm_fail(err, PM_INTERNAL,
                           "column %.*s: a value of kind %d in a column of kind %d",
                           (int)d->name.n, (const char *)d->name.p,
                           (int)d->values[i].kind, (int)d->kind);
        }
    }
    return PM_OK;
}

/* Codes by rank among the different strings. */
static pm_status code_strings(values *v, const pm_value *from, uint32_t n,
                              pm_error *err) {
    pm_status status = PM_OK;
    pm_bytes *strings = pm_alloc_array(n, sizeof *strings);
    uint32_t *order = pm_alloc_array(n, sizeof *order);
    v->strings = pm_alloc_array(n, sizeof *v->strings);
    if (strings == NULL || order == NULL || v->strings == NULL) {
        status = pm_fail_nomem(err, (size_t)n * 2 * sizeof *strings);
        goto out;
    }
    for (uint32_t i = 0; i < n; i++) {
        strings[i] = from[i].s;
    }
    PM_GO(pm_strings_sort(strings, n, order, err));
    for (uint32_t r = 0; r < n; r++) {
        pm_bytes s = strings[order[r]];
        if (v->n_strings == 0 ||
            pm_bytes_compare(v->strings[v->n_strings - 1], s) != 0) {
            v->strings[v->n_strings++] = s;
        }
        v->numbers[order[r]] = v->n_strings - 1;
    }
out:
    pm_free(strings);
    pm_free(order);
    return status;
}

static pm_status make_numbers(values *v, const pm_column_data *d, uint32_t n,
                              pm_error *err) {
    PM_TRY(check_kinds(d, n, err));
    v->numbers = pm_alloc_array(n, sizeof *v->numbers);
    v->timed = pm_calloc(pm_bits_words(n), sizeof *v->timed);
    if (v->numbers == NULL || v->timed == NULL) {
        return pm_fail_nomem(err, n * sizeof *v->numbers);
    }
    if (d->kind == PM_VALUE_STR) {
        return code_strings(v, d->values, n, err);
    }
    for (uint32_t i = 0; i < n; i++) {
        v->numbers[i] = d->values[i].i;
        if (d->kind == PM_VALUE_FLOAT) {
            memcpy(&v->numbers[i], &d->values[i].f, sizeof v->numbers[i]);
        }
        if (d->values[i].kind == PM_VALUE_TIME) {
            pm_bits_set(v->timed, i);
        }
    }
    return PM_OK;
}

static pm_status put_values(pm_columns_writer *c, const pm_column_data *d,
                            pm_error *err) {
    values v = {NULL, NULL, NULL, 0};
    pm_status status = make_numbers(&v, d, d->starts[c->n_docs], err);
    if (status == PM_OK) {
        pm_column_numbers numbers = {d->name, d->kind,   d->starts,  v.numbers,
                                     v.timed, v.strings, v.n_strings};
        status = pm_columns_put(c, &numbers, err);
    }
    pm_free(v.numbers);
    pm_free(v.timed);
    pm_free(v.strings);
    return status;
}

pm_status pm_columns_write(pm_container_writer *w, const pm_column_data *columns,
                           uint32_t n_columns, uint32_t n_docs, pm_error *err) {
    pm_columns_writer c;
    pm_error ignored;
    pm_status status = PM_OK;
    pm_columns_begin(&c, w, n_docs);
    for (uint32_t i = 0; status == PM_OK && i < n_columns; i++) {
        status = put_values(&c, &columns[i], err);
    }
    pm_status ended = pm_columns_end(&c, status == PM_OK ? err : &ignored);
    return status != PM_OK ? status : ended;
}
