/* Writes columns: numbers as multiples of their common divisor above the least, strings
 * as codes of a sorted dictionary. */
#include "format/columns.h"
#include "format/columns_layout.h"
#include "format/strsort.h"

/* ---- values as numbers ---- */

typedef struct numbers {
    uint64_t *at; /* one for each value: (v - least) / step */
    uint64_t max, step;
    int64_t least;
} numbers;

static uint64_t gcd(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void scale_ints(numbers *to, const pm_value *values, uint32_t n) {
    to->least = n > 0 ? values[0].i : 0;
    for (uint32_t i = 1; i < n; i++) {
        to->least = values[i].i < to->least ? values[i].i : to->least;
    }
    uint64_t step = 0;
    for (uint32_t i = 0; i < n; i++) {
        to->at[i] = (uint64_t)values[i].i - (uint64_t)to->least;
        step = step == 1 ? 1 : gcd(to->at[i], step);
    }
    to->step = step > 0 ? step : 1;
    for (uint32_t i = 0; i < n; i++) {
        to->at[i] /= to->step;
        to->max = to->at[i] > to->max ? to->at[i] : to->max;
    }
}

static void copy_floats(numbers *to, const pm_value *values, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&to->at[i], &values[i].f, sizeof values[i].f);
    }
    to->max = UINT64_MAX; /* 64 bits each, whatever they hold */
}

/* Codes by rank among the different strings, which are appended to dictionary. */
static pm_status code_strings(numbers *to, const pm_value *values, uint32_t n,
                              pm_buf *dictionary, pm_error *err) {
    pm_status status = PM_OK;
    pm_bytes *strings = pm_alloc_array(n, 2 * sizeof *strings);
    uint32_t *order = pm_alloc_array(n, sizeof *order), n_different = 0;
    if (strings == NULL || order == NULL) {
        status = pm_fail_nomem(err, (size_t)n * 2 * sizeof *strings);
        goto out;
    }
    pm_bytes *different = strings + n;
    for (uint32_t i = 0; i < n; i++) {
        strings[i] = values[i].s;
    }
    PM_GO(pm_strings_sort(strings, n, order, err));
    for (uint32_t r = 0; r < n; r++) {
        pm_bytes s = strings[order[r]];
        if (n_different == 0 || pm_bytes_compare(different[n_different - 1], s) != 0) {
            different[n_different++] = s;
        }
        to->at[order[r]] = to->max = n_different - 1;
    }
    pm_strings_encode(dictionary, different, n_different);
out:
    pm_free(strings);
    pm_free(order);
    return status;
}

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

static pm_status make_numbers(numbers *to, const pm_column_data *d, uint32_t n,
                              pm_buf *dictionary, pm_error *err) {
    PM_TRY(check_kinds(d, n, err));
    if (d->kind == PM_VALUE_STR) {
        return code_strings(to, d->values, n, dictionary, err);
    }
    if (d->kind == PM_VALUE_FLOAT) {
        copy_floats(to, d->values, n);
    } else {
        scale_ints(to, d->values, n);
    }
    return PM_OK;
}

/* ---- records ---- */

static bool has_several(const pm_column_data *d, uint32_t n_docs) {
    for (uint32_t i = 0; i < n_docs; i++) {
        if (d->starts[i + 1] - d->starts[i] > 1) {
            return true;
        }
    }
    return false;
}

static bool has_times(const pm_column_data *d, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (d->values[i].kind == PM_VALUE_TIME) {
            return true;
        }
    }
    return false;
}

static void put_documents(pm_buf *out, const pm_column_data *d, uint32_t n_docs,
                          bool several, uint64_t *bits) {
    if (several) {
        pm_packed_encode(out, d->starts, (size_t)n_docs + 1, d->starts[n_docs]);
        return;
    }
    for (uint32_t i = 0; i < n_docs; i++) {
        if (d->starts[i + 1] > d->starts[i]) {
            pm_bits_set(bits, i);
        }
    }
    pm_bitmap_encode(out, bits, n_docs);
}

static void put_numbers(pm_buf *out, const numbers *from, uint32_t n) {
    pm_buf_put_u64(out, (uint64_t)from->least);
    pm_buf_put_u64(out, from->step);
    pm_packing to = pm_packed_begin(out, n, pm_packed_width(from->max));
    for (uint32_t i = 0; i < n; i++) {
        pm_packed_put(&to, from->at[i]);
    }
}

static void put_times(pm_buf *out, const pm_column_data *d, uint32_t n,
                      uint64_t *bits) {
    for (uint32_t i = 0; i < n; i++) {
        if (d->values[i].kind == PM_VALUE_TIME) {
            pm_bits_set(bits, i);
        }
    }
    pm_bitmap_encode(out, bits, n);
}

static pm_status put_column(pm_buf *out, const pm_column_data *d, uint32_t n_docs,
                            pm_error *err) {
    uint32_t n = d->starts[n_docs];
    bool several = has_several(d, n_docs), times = has_times(d, n);
    size_t doc_words = pm_bits_words(n_docs), value_words = pm_bits_words(n);
    pm_status status = PM_OK;
    pm_buf dictionary;
    pm_buf_init(&dictionary);
    numbers v = {.at = pm_alloc_array(n, sizeof *v.at), .step = 1};
    uint64_t *bits = pm_calloc(doc_words + value_words, sizeof *bits);
    if (v.at == NULL || bits == NULL) {
        status = pm_fail_nomem(err, n * sizeof *v.at);
        goto out;
    }
    PM_GO(make_numbers(&v, d, n, &dictionary, err));
    pm_buf_put_varint(out, d->name.n);
    pm_buf_put(out, d->name.p, d->name.n);
    pm_buf_put_u8(out, (uint8_t)d->kind);
    pm_buf_put_u8(out, (uint8_t)((several ? PM_COLUMN_SEVERAL : 0) |
                                 (times ? PM_COLUMN_TIMES : 0)));
    put_documents(out, d, n_docs, several, bits);
    put_numbers(out, &v, n);
    if (times) {
        put_times(out, d, n, bits + doc_words);
    }
    out->failed |= dictionary.failed;
    pm_buf_put(out, dictionary.p, dictionary.n);
out:
    pm_buf_release(&dictionary);
    pm_free(v.at);
    pm_free(bits);
    return status;
}

static pm_status put_columns(pm_buf *records, pm_buf *offsets,
                             const pm_column_data *columns, uint32_t n, uint32_t n_docs,
                             pm_error *err) {
    uint64_t base = 4 + 8 * ((uint64_t)n + 1);
    pm_buf_put_u32(offsets, n);
    for (uint32_t i = 0; i < n; i++) {
        pm_buf_put_u64(offsets, base + records->n);
        PM_TRY(put_column(records, &columns[i], n_docs, err));
    }
    pm_buf_put_u64(offsets, base + records->n);
    PM_TRY(pm_buf_status(offsets, err));
    return pm_buf_status(records, err);
}

pm_status pm_columns_write(pm_container_writer *w, const pm_column_data *columns,
                           uint32_t n_columns, uint32_t n_docs, pm_error *err) {
    pm_buf records, offsets;
    pm_buf_init(&records);
    pm_buf_init(&offsets);
    pm_status status = put_columns(&records, &offsets, columns, n_columns, n_docs, err);
    if (status == PM_OK) {
        pm_container_begin(w, PM_SECTION_COLS, PM_SECTION_REQUIRED);
        pm_container_put(w, offsets.p, offsets.n);
        pm_container_put(w, records.p, records.n);
        pm_container_end(w);
    }
    pm_buf_release(&records);
    pm_buf_release(&offsets);
    return status;
}
