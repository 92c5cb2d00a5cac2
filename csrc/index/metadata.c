/* A value is kept with the number of its document, so that a column that becomes known
 * late costs nothing for the documents before. Strings that repeat (outlets, sections)
 * are shared through a small table of recent ones. */
#include "index/metadata.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/sys.h"
#include "text/utf8.h"

enum { RECENT = 64, FIRST_TABLE = 1024, SHOWN_BYTES = 200, VALUE_BYTES = 8 };

typedef struct pm_draft_column {
    char *name;
    pm_value_kind kind;
    pm_value *values;
    uint32_t *docs; /* counted from first_doc, ascending */
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
    pm_free(m->table);
    pm_free(m->key_ends);
    pm_buf_release(&m->key_bytes);
    pm_arena_release(&m->strings);
    pm_arena_release(&m->names);
    pm_metadata_init(m);
}

/* ---- columns ---- */

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

/* ---- keys ---- */

static pm_bytes key_of(const pm_metadata *m, size_t doc) {
    uint64_t lo = doc > 0 ? m->key_ends[doc - 1] : 0;
    return (pm_bytes){m->key_bytes.p + lo, (size_t)(m->key_ends[doc] - lo)};
}

static bool same_bytes(pm_bytes a, pm_bytes b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t key_slot(const pm_metadata *m, pm_bytes key, uint32_t hash) {
    size_t i = hash & (m->table_size - 1);
    for (; m->table[i] != 0; i = (i + 1) & (m->table_size - 1)) {
        if (m->table[i] >> 32 == hash &&
            same_bytes(key_of(m, (uint32_t)m->table[i] - 1), key)) {
            break;
        }
    }
    return i;
}

static uint32_t key_hash(pm_bytes key) {
    return (uint32_t)(pm_hash64(key.p, key.n) >> 32);
}

static pm_status grow_table(pm_metadata *m, pm_error *err) {
    if (m->n_docs * 3 < m->table_size * 2) {
        return PM_OK;
    }
    size_t size = m->table_size > 0 ? 2 * m->table_size : FIRST_TABLE;
    uint64_t *table = pm_calloc(size, sizeof *table);
    if (table == NULL) {
        return pm_fail_nomem(err, size * sizeof *table);
    }
    for (size_t i = 0; i < m->table_size; i++) {
        if (m->table[i] != 0) {
            size_t j = (size_t)(m->table[i] >> 32) & (size - 1);
            while (table[j] != 0) {
                j = (j + 1) & (size - 1);
            }
            table[j] = m->table[i];
        }
    }
    pm_free(m->table);
    m->table = table;
    m->table_size = size;
    return PM_OK;
}

static pm_status add_key(pm_metadata *m, pm_bytes key, pm_error *err) {
    PM_TRY(grow_table(m, err));
    if (!PM_GROW(m->key_ends, m->n_docs, m->key_ends_capacity, 1)) {
        return pm_fail_nomem(err, (m->n_docs + 1) * sizeof *m->key_ends);
    }
    uint32_t hash = key_hash(key);
    size_t slot = key_slot(m, key, hash);
    pm_buf_put(&m->key_bytes, key.p, key.n);
    PM_TRY(pm_buf_status(&m->key_bytes, err));
    m->key_ends[m->n_docs++] = m->key_bytes.n;
    m->table[slot] = (uint64_t)hash << 32 | (uint32_t)m->n_docs;
    return PM_OK;
}

static pm_status check_key(const pm_metadata *m, pm_bytes key, pm_error *err) {
    if (key.n == 0) {
        return pm_fail(err, PM_INVALID, "the key is empty");
    }
    if (key.n > PM_MAX_KEY_BYTES) {
        return pm_fail(err, PM_LIMIT, "the key has %zu bytes; the limit is %d", key.n,
                       PM_MAX_KEY_BYTES);
    }
    if (!pm_utf8_valid(key)) {
        return pm_fail(err, PM_INVALID, "the key is not valid UTF-8");
    }
    if (m->table_size > 0) {
        uint64_t found = m->table[key_slot(m, key, key_hash(key))];
        if (found != 0) {
            int shown = key.n < SHOWN_BYTES ? (int)key.n : SHOWN_BYTES;
            return pm_fail(err, PM_DUPLICATE,
                           "the key \"%.*s\" is that of document %" PRIu64 " already",
                           shown, (const char *)key.p, (uint64_t)(uint32_t)found - 1);
        }
    }
    return PM_OK;
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
    *bytes = row->key.n;
    for (size_t i = 0; i < row->n_cells; i++) {
        PM_TRY(check_cell(m, &row->cells[i], err));
        bool is_str = row->cells[i].value.kind == PM_VALUE_STR;
        *bytes += VALUE_BYTES + (is_str ? row->cells[i].value.s.n : 0);
        if (*bytes > PM_MAX_META_BYTES) {
            return pm_fail(err, PM_LIMIT,
                           "the metadata of the row takes more than 1 GB");
        }
    }
    return check_key(m, row->key, err);
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
    c->docs[c->n++] = (uint32_t)(m->n_docs - m->first_doc);
    return PM_OK;
}

pm_status pm_metadata_add(pm_metadata *m, const pm_row *row, pm_error *err) {
    for (size_t i = 0; i < row->n_cells; i++) {
        PM_TRY(add_cell(m, &row->cells[i], err));
    }
    return add_key(m, row->key, err);
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
    out->keys = pm_arena_array(&out->arena, n_docs, sizeof *out->keys);
    out->columns = pm_arena_array(&out->arena, m->n_columns, sizeof *out->columns);
    if (out->keys == NULL || out->columns == NULL) {
        return pm_fail_nomem(err, n_docs * sizeof *out->keys);
    }
    for (uint32_t d = 0; d < n_docs; d++) {
        out->keys[d] = key_of(m, m->first_doc + d);
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
    pm_status status = PM_OK;
    for (size_t i = 0; status == PM_OK && i < m->n_columns; i++) {
        status = advance_column(m, &m->columns[i], n_docs, err);
    }
    m->first_doc += n_docs;
    pm_arena_release(&old);
    return status;
}
