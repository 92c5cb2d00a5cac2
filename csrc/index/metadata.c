/* A value is kept with the number of its document, so that a column that becomes known
 * late costs nothing for the documents before. Strings that repeat (outlets, sections)
 * are shared through a small table of recent ones. */
#include "index/metadata.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/sys.h"
#include "index/cut.h"
#include "text/utf8.h"

enum {
    RECENT = 64,
    STRING_BYTES = 16, /* a string's end and the room between two */
    WRITE_BYTES = 80   /* of a value, while its column is written */
};

typedef struct pm_draft_column {
    char *name;
    pm_value_kind kind;
    pm_value *values;
    uint32_t *docs; /* ascending */
    size_t n, values_capacity, docs_capacity;
    pm_bytes recent[RECENT];
} column;

void pm_metadata_init(pm_metadata *m) {
    memset(m, 0, sizeof *m);
}

void pm_metadata_release(pm_metadata *m) {
    for (size_t i = 0; i < m->n_columns; i++) {
        pm_free(m->columns[i].values);
        pm_free(m->columns[i].docs);
    }
    pm_free(m->columns);
    pm_arena_release(&m->strings);
    pm_arena_release(&m->names);
    pm_metadata_init(m);
}

/* ---- columns ---- */

pm_status pm_check_name(const char *what, const char *name, pm_error *err) {
    size_t n = strlen(name);
    if (n == 0) {
        return pm_fail(err, PM_INVALID, "the name of a %s is empty", what);
    }
    if (n > PM_MAX_NAME_BYTES || !pm_utf8_valid((pm_bytes){(const uint8_t *)name, n})) {
        return pm_fail(err, PM_INVALID,
                       "the name of a %s is too long or not valid UTF-8", what);
    }
    return PM_OK;
}

static const char *kind_name(pm_value_kind kind) {
    static const char *const names[] = {"str", "int", "float", "bool", "date", "time"};
    return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

static pm_status add_column(pm_metadata *m, const char *name, pm_value_kind kind,
                            pm_error *err) {
    if (!PM_GROW(m->columns, m->n_columns, m->columns_capacity, 1)) {
        return pm_fail_nomem(err, sizeof *m->columns);
    }
    char *copy = pm_arena_copy(&m->names, name, strlen(name));
    if (copy == NULL) {
        return pm_fail_nomem(err, strlen(name));
    }
    m->columns[m->n_columns++] = (column){.name = copy, .kind = kind};
    return PM_OK;
}

pm_status pm_metadata_column(pm_metadata *m, const char *name, pm_value_kind kind,
                             uint32_t *out, pm_error *err) {
    size_t i = 0;
    PM_TRY(pm_check_name("column", name, err));
    while (i < m->n_columns && strcmp(m->columns[i].name, name) != 0) {
        i++;
    }
    *out = (uint32_t)i;
    if (kind > PM_VALUE_DATE) {
        return pm_fail(err, PM_INVALID, "column \"%s\": %s is no kind of a column",
                       name, kind_name(kind));
    }
    if (i == m->n_columns) {
        return add_column(m, name, kind, err);
    }
    pm_value_kind had = m->columns[i].kind;
    if (had == PM_VALUE_INT && kind == PM_VALUE_FLOAT) {
        m->columns[i].kind = kind;
    } else if (had != kind && !(had == PM_VALUE_FLOAT && kind == PM_VALUE_INT)) {
        return pm_fail(err, PM_INVALID,
                       "column \"%s\" holds %s values and cannot hold %s values", name,
                       kind_name(had), kind_name(kind));
    }
    return PM_OK;
}

const char *pm_metadata_name(const pm_metadata *m, size_t i) {
    return m->columns[i].name;
}

pm_value_kind pm_metadata_kind(const pm_metadata *m, size_t i) {
    return m->columns[i].kind;
}

/* ---- rows ---- */

static pm_status check_cell(const pm_metadata *m, const pm_cell *cell, pm_error *err) {
    if (cell->column >= m->n_columns) {
        return pm_fail(err, PM_INVALID, "there is no column number %" PRIu32,
                       cell->column);
    }
    pm_value_kind had = m->columns[cell->column].kind, kind = cell->value.kind;
    if (had == kind || (had == PM_VALUE_DATE && kind == PM_VALUE_TIME) ||
        (had == PM_VALUE_FLOAT && kind == PM_VALUE_INT)) {
        return PM_OK;
    }
    return pm_fail(err, PM_INVALID, "column \"%s\" holds %s values; this is a %s value",
                   m->columns[cell->column].name, kind_name(had), kind_name(kind));
}

pm_status pm_metadata_check(const pm_metadata *m, const pm_row *row, uint64_t *bytes,
                            pm_error *err) {
    *bytes = 0;
    for (size_t i = 0; i < row->n_cells; i++) {
        const pm_value *v = &row->cells[i].value;
        PM_TRY(check_cell(m, &row->cells[i], err));
        *bytes += PM_VALUE_BYTES;
        *bytes += v->kind == PM_VALUE_STR ? pm_utf8_sanitized_bytes(v->s) : 0;
        if (*bytes > PM_MAX_META_BYTES) {
            return pm_fail(err, PM_LIMIT,
                           "the metadata of the row takes more than 1 GB");
        }
    }
    return PM_OK;
}

static bool same_bytes(pm_bytes a, pm_bytes b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* A copy of s in the strings, or an equal one met lately. */
static pm_status keep_string(pm_metadata *m, column *c, pm_bytes *s, pm_error *err) {
    pm_bytes *slot = &c->recent[pm_hash64(s->p, s->n) % RECENT];
    if (slot->p == NULL || !same_bytes(*slot, *s)) {
        const char *copy = pm_arena_copy(&m->strings, s->p, s->n);
        if (copy == NULL) {
            return pm_fail_nomem(err, s->n);
        }
        *slot = (pm_bytes){(const uint8_t *)copy, s->n};
        m->string_bytes += s->n + STRING_BYTES;
    }
    *s = *slot;
    return PM_OK;
}

static pm_status keep_text(pm_metadata *m, column *c, pm_bytes *s, pm_error *err) {
    if (pm_utf8_valid(*s)) {
        return keep_string(m, c, s, err);
    }
    pm_buf clean;
    size_t replaced = 0;
    pm_buf_init(&clean);
    pm_utf8_sanitize(*s, &clean, &replaced);
    m->replaced += replaced;
    pm_status status = pm_buf_status(&clean, err);
    if (status == PM_OK) {
        *s = pm_buf_bytes(&clean);
        status = keep_string(m, c, s, err);
    }
    pm_buf_release(&clean);
    return status;
}

static pm_status add_cell(pm_metadata *m, const pm_cell *cell, pm_error *err) {
    column *c = &m->columns[cell->column];
    if (!PM_GROW(c->values, c->n, c->values_capacity, 1) ||
        !PM_GROW(c->docs, c->n, c->docs_capacity, 1)) {
        return pm_fail_nomem(err, (c->n + 1) * sizeof *c->values);
    }
    pm_value v = cell->value;
    if (v.kind == PM_VALUE_STR) {
        PM_TRY(keep_text(m, c, &v.s, err));
    }
    c->values[c->n] = v;
    c->docs[c->n++] = m->n_docs;
    return PM_OK;
}

pm_status pm_metadata_add(pm_metadata *m, const pm_row *row, pm_error *err) {
    for (size_t i = 0; i < row->n_cells; i++) {
        PM_TRY(add_cell(m, &row->cells[i], err));
    }
    m->n_docs++;
    return PM_OK;
}

/* ---- memory ---- */

uint64_t pm_metadata_memory(const pm_metadata *m) {
    uint64_t bytes = m->string_bytes;
    for (size_t i = 0; i < m->n_columns; i++) {
        bytes += m->columns[i].n * (sizeof(pm_value) + sizeof(uint32_t));
    }
    return bytes;
}

/* Of the columns together where their values begin, and what is written; of one at a
 * time its sort. */
uint64_t pm_metadata_seal_memory(const pm_metadata *m) {
    uint64_t most = 0, all = m->string_bytes;
    for (size_t i = 0; i < m->n_columns; i++) {
        uint64_t n = m->columns[i].n;
        most = n > most ? n : most;
        all += m->n_docs * sizeof(uint32_t) + n * sizeof(uint64_t);
    }
    return all + most * WRITE_BYTES;
}

/* ---- segments ---- */

/* Number of values of the first n_docs documents. */
static size_t count_values(const column *c, uint32_t n_docs) {
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->docs[mid] < n_docs) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static bool has_float(const column *c, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (c->values[i].kind == PM_VALUE_FLOAT) {
            return true;
        }
    }
    return false;
}

static void make_floats(column *c, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (c->values[i].kind == PM_VALUE_INT) {
            c->values[i].f = (double)c->values[i].i;
            c->values[i].kind = PM_VALUE_FLOAT;
        }
    }
}

static pm_status look_column(column *c, uint32_t n_docs, bool last,
                             pm_metadata_view *out, pm_error *err) {
    size_t n = count_values(c, n_docs);
    if (n == 0 && !last) {
        return PM_OK;
    }
    uint32_t *starts = pm_arena_array(&out->arena, (size_t)n_docs + 1, sizeof *starts);
    if (starts == NULL) {
        return pm_fail_nomem(err, n_docs * sizeof *starts);
    }
    for (size_t i = 0; i < n; i++) {
        starts[c->docs[i] + 1]++;
    }
    for (uint32_t d = 0; d < n_docs; d++) {
        starts[d + 1] += starts[d];
    }
    pm_value_kind kind = c->kind;
    if (kind == PM_VALUE_FLOAT && !last && !has_float(c, n)) {
        kind = PM_VALUE_INT;
    } else if (kind == PM_VALUE_FLOAT) {
        make_floats(c, n);
    }
    out->columns[out->n_columns++] = (pm_column_data){
        {(const uint8_t *)c->name, strlen(c->name)}, kind, starts, c->values};
    return PM_OK;
}

pm_status pm_metadata_look(pm_metadata *m, uint32_t n_docs, bool last,
                           pm_metadata_view *out, pm_error *err) {
    memset(out, 0, sizeof *out);
    pm_arena_init(&out->arena);
    out->n_docs = n_docs;
    out->columns = pm_arena_array(&out->arena, m->n_columns, sizeof *out->columns);
    if (out->columns == NULL) {
        return pm_fail_nomem(err, m->n_columns * sizeof *out->columns);
    }
    for (size_t i = 0; i < m->n_columns; i++) {
        PM_TRY(look_column(&m->columns[i], n_docs, last, out, err));
    }
    return PM_OK;
}

void pm_metadata_view_release(pm_metadata_view *v) {
    pm_arena_release(&v->arena);
    memset(v, 0, sizeof *v);
}

/* Drops the values of the first n_docs documents and moves the strings of the others to
 * m->strings. */
static pm_status advance_column(pm_metadata *m, column *c, uint32_t n_docs,
                                pm_error *err) {
    size_t n = count_values(c, n_docs);
    memset(c->recent, 0, sizeof c->recent);
    for (size_t i = n; i < c->n; i++) {
        c->values[i - n] = c->values[i];
        c->docs[i - n] = c->docs[i] - n_docs;
        if (c->values[i - n].kind == PM_VALUE_STR) {
            PM_TRY(keep_string(m, c, &c->values[i - n].s, err));
        }
    }
    c->n -= n;
    return PM_OK;
}

pm_status pm_metadata_advance(pm_metadata *m, uint32_t n_docs, pm_error *err) {
    pm_arena old = m->strings;
    pm_arena_init(&m->strings);
    m->string_bytes = 0;
    pm_status status = PM_OK;
    for (size_t i = 0; status == PM_OK && i < m->n_columns; i++) {
        status = advance_column(m, &m->columns[i], n_docs, err);
    }
    m->n_docs -= n_docs;
    pm_arena_release(&old);
    return status;
}
