/* Keys and columns of the result. Sorted lists of strings are walked as one; what no
 * live document has is left out. */
#include <inttypes.h>
#include <string.h>

#include "base/sys.h"
#include "format/strmerge.h"
#include "index/merge_inner.h"
#include "index/rowkeys.h"

enum { KEY_NS = 100, STRING_NS = 100, VALUE_NS = 20, NAME_NS = 20 };

static pm_status merge_end(const pm_merging *g, const pm_strmerge *m,
                           const uint32_t *sources, const char *what, pm_error *err) {
    pm_status status = pm_strmerge_status(m);
    const pm_merge_source *in =
        &g->sources[sources != NULL ? sources[m->list] : m->list];
    return status == PM_NOMEM ? pm_fail_nomem(err, 0)
           : status != PM_OK  ? pm_merge_damaged(in, err, what)
                              : PM_OK;
}

/* pm_bytes of strings in their order. */
static pm_status refer(pm_merging *g, pm_merge_strings *strings, pm_spool *refs,
                       const pm_bytes **out, pm_error *err) {
    PM_TRY(pm_merge_strings_view(strings, err));
    for (uint32_t i = 0; i < strings->n; i++) {
        pm_bytes s = pm_merge_strings_get(strings, i);
        pm_spool_put(refs, &s, sizeof s);
        PM_TRY(pm_merge_tick(g, 5, err));
    }
    return pm_merge_refs(refs, out, err);
}

/* ---- keys ---- */

typedef struct keying {
    pm_merging *g;
    pm_error *err;
    pm_merge_strings keys; /* sorted */
    pm_spool refs, order;
} keying;

static pm_status take_key(keying *k, const pm_strmerge *m, bool *taken) {
    const pm_merge_source *in = &k->g->sources[m->list];
    pm_doc doc = pm_dict_item(&in->s->keys.dict, m->rank);
    if (doc == PM_END || m->text.n > PM_MAX_KEY_BYTES) {
        return pm_merge_damaged(in, k->err, "a key is none of a document");
    }
    const pm_merge_run *run = pm_merge_run_of(in, doc);
    if (run == NULL) {
        return PM_OK;
    }
    if (*taken) {
        return pm_merge_damaged(in, k->err, "two documents have one key");
    }
    *taken = true;
    pm_spool_put_u32(&k->order, run->new_doc + (doc - run->doc));
    return pm_merge_strings_put(&k->keys, m->text, k->err);
}

static pm_status take_keys(keying *k, pm_strmerge *m) {
    bool taken = false; /* a live document has the key at hand */
    for (size_t i = 0; i < k->g->m->n_inputs; i++) {
        pm_strmerge_add(m, &k->g->sources[i].s->keys.dict.sorted);
    }
    while (pm_strmerge_next(m)) {
        taken = taken && !m->is_new;
        PM_TRY(take_key(k, m, &taken));
        PM_TRY(pm_merge_tick(k->g, KEY_NS, k->err));
    }
    return merge_end(k->g, m, NULL, "keys cannot be read, or are out of order", k->err);
}

static pm_status write_keys(keying *k) {
    const pm_bytes *sorted;
    const uint32_t *order;
    pm_strmerge m = {0};
    PM_TRY(pm_strmerge_init(&m, (uint32_t)k->g->m->n_inputs, k->err));
    pm_status status = take_keys(k, &m);
    pm_strmerge_release(&m);
    PM_TRY(status);
    if (k->keys.n != k->g->n_docs) {
        return pm_merge_damaged(&k->g->sources[0], k->err,
                                "there is not a key for each document");
    }
    PM_TRY(refer(k->g, &k->keys, &k->refs, &sorted, k->err));
    PM_TRY(pm_merge_u32s(&k->order, &order, k->err));
    return pm_keys_write_sorted(k->g->w, sorted, order, k->g->n_docs, k->err);
}

pm_status pm_merge_keys(pm_merging *g, pm_error *err) {
    keying k = {.g = g, .err = err};
    pm_merge_strings_init(&k.keys, &g->scratch);
    pm_spool_init(&k.refs, &g->scratch);
    pm_spool_init(&k.order, &g->scratch);
    pm_status status = write_keys(&k);
    pm_merge_strings_release(&k.keys);
    pm_spool_release(&k.refs);
    pm_spool_release(&k.order);
    return status;
}

/* ---- columns ---- */

typedef struct columning { /* one column */
    pm_merging *g;
    pm_error *err;
    pm_bytes name;
    pm_value_kind kind;
    /* what the inputs have that have values of it */
    const pm_column **parts; /* [n_parts <= n_inputs] */
    uint32_t *sources;       /* whose each is */
    uint32_t n_parts;
    uint32_t **codes; /* [n_parts] str: by code, 0 or PM_END, then the new code */
    pm_spool starts, numbers, refs;
    pm_merge_bits timed;
    pm_merge_strings strings;
    uint32_t n_values;
} columning;

static const char *kind_name(pm_value_kind kind) {
    static const char *const names[] = {"str", "int", "float", "bool", "date", "time"};
    return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

/* Whether a live document has a value. */
static pm_status has_values(const columning *c, const pm_merge_source *in,
                            const pm_column *column, bool *out) {
    *out = false;
    for (size_t r = 0; r < in->n_runs; r++) {
        for (pm_doc d = in->runs[r].doc; d < in->runs[r].doc_end; d++) {
            pm_range values = pm_column_values(column, d);
            if (values.lo < values.hi) {
                *out = true;
                return PM_OK;
            }
            PM_TRY(pm_merge_tick(c->g, VALUE_NS, c->err));
        }
    }
    return PM_OK;
}

/* The kind that values of two kinds can have together. */
static pm_status join_kinds(const columning *c, pm_value_kind a, pm_value_kind b,
                            pm_value_kind *out) {
    bool numbers = (a == PM_VALUE_INT || a == PM_VALUE_FLOAT) &&
                   (b == PM_VALUE_INT || b == PM_VALUE_FLOAT);
    if (a != b && !numbers) {
        return pm_fail(c->err, PM_INVALID,
                       "column \"%.*s\" holds %s values in one segment and %s values "
                       "in another",
                       c->name.n < 200 ? (int)c->name.n : 200, (const char *)c->name.p,
                       kind_name(a), kind_name(b));
    }
    *out = a == b ? a : PM_VALUE_FLOAT;
    return PM_OK;
}

/* Finds the inputs that have values. listed: the column of the caller's list, or
 * NULL. */
static pm_status find_parts(columning *c, const pm_merge_column *listed) {
    bool kept = listed != NULL && c->g->m->last, any = kept;
    c->kind = kept ? listed->kind : PM_VALUE_STR;
    c->n_parts = 0;
    for (uint32_t i = 0; i < c->g->m->n_inputs; i++) {
        const pm_merge_source *in = &c->g->sources[i];
        const pm_column *column = pm_columns_find(&in->s->columns, c->name);
        bool has = false;
        if (column != NULL) {
            PM_TRY(has_values(c, in, column, &has));
        }
        if (!has) {
            continue;
        }
        PM_TRY(join_kinds(c, any ? c->kind : column->kind, column->kind, &c->kind));
        any = true;
        c->parts[c->n_parts] = column;
        c->sources[c->n_parts++] = i;
    }
    return PM_OK;
}

/* ---- strings of a column ---- */

/* Marks the codes that live documents have. */
static pm_status mark_codes(columning *c, const pm_merge_source *in,
                            const pm_column *column, uint32_t *codes) {
    memset(codes, 0xff, column->dictionary.n * sizeof *codes);
    for (size_t r = 0; r < in->n_runs; r++) {
        for (pm_doc d = in->runs[r].doc; d < in->runs[r].doc_end; d++) {
            pm_range values = pm_column_values(column, d);
            PM_TRY(pm_merge_tick(c->g, VALUE_NS, c->err));
            for (uint32_t v = values.lo; v < values.hi; v++) {
                int64_t code = pm_column_number(column, v);
                if (code < 0 || code >= column->dictionary.n) {
                    return pm_merge_damaged(in, c->err, "a value has no string");
                }
                codes[code] = 0;
                PM_TRY(pm_merge_tick(c->g, VALUE_NS, c->err));
            }
        }
    }
    return PM_OK;
}

static pm_status number_strings(columning *c, pm_strmerge *m) {
    bool taken = false; /* a live document has the string at hand */
    for (uint32_t i = 0; i < c->n_parts; i++) {
        pm_strmerge_add(m, &c->parts[i]->dictionary);
    }
    while (pm_strmerge_next(m)) {
        uint32_t *code = &c->codes[m->list][m->rank];
        taken = taken && !m->is_new;
        if (*code != PM_END) {
            if (!taken) {
                PM_TRY(pm_merge_strings_put(&c->strings, m->text, c->err));
            }
            taken = true;
            *code = c->strings.n - 1;
        }
        PM_TRY(pm_merge_tick(c->g, STRING_NS + (uint32_t)(m->text.n / 8), c->err));
    }
    return merge_end(c->g, m, c->sources, "values of a column cannot be read", c->err);
}

static pm_status code_strings(columning *c) {
    for (uint32_t i = 0; i < c->n_parts; i++) {
        uint32_t n = c->parts[i]->dictionary.n;
        c->codes[i] = pm_alloc_array(n, sizeof **c->codes);
        if (c->codes[i] == NULL) {
            return pm_fail_nomem(c->err, n * sizeof **c->codes);
        }
        PM_TRY(mark_codes(c, &c->g->sources[c->sources[i]], c->parts[i], c->codes[i]));
    }
    pm_strmerge m = {0};
    PM_TRY(pm_strmerge_init(&m, c->n_parts, c->err));
    pm_status status = number_strings(c, &m);
    pm_strmerge_release(&m);
    return status;
}

/* ---- numbers of a column ---- */

static int64_t number_of(const columning *c, uint32_t part, uint32_t v) {
    const pm_column *column = c->parts[part];
    int64_t number = pm_column_number(column, v);
    if (c->kind == PM_VALUE_STR) { /* marked, so in range */
        return c->codes[part][number];
    }
    if (c->kind == PM_VALUE_FLOAT && column->kind == PM_VALUE_INT) {
        double f = (double)number;
        memcpy(&number, &f, sizeof number);
    }
    return number;
}

static pm_status put_values(columning *c, uint32_t part, pm_doc d) {
    const pm_column *column = c->parts[part];
    pm_range values = pm_column_values(column, d);
    if (values.hi - values.lo > UINT32_MAX - 1 - c->n_values) {
        return pm_fail(c->err, PM_LIMIT, "a column of a segment has too many values");
    }
    for (uint32_t v = values.lo; v < values.hi; v++) {
        int64_t number = number_of(c, part, v);
        pm_spool_put(&c->numbers, &number, sizeof number);
        if (c->kind == PM_VALUE_DATE) {
            bool timed = column->has_times && pm_bitmap_get(&column->timed, v);
            pm_merge_bits_put(&c->timed, timed, 1);
        }
        PM_TRY(pm_merge_tick(c->g, VALUE_NS, c->err));
    }
    c->n_values += values.hi - values.lo;
    return PM_OK;
}

static pm_status put_documents(columning *c, const pm_merge_source *in, uint32_t part) {
    for (size_t r = 0; r < in->n_runs; r++) {
        for (pm_doc d = in->runs[r].doc; d < in->runs[r].doc_end; d++) {
            pm_spool_put_u32(&c->starts, c->n_values);
            if (part != PM_END) {
                PM_TRY(put_values(c, part, d));
            }
            PM_TRY(pm_merge_tick(c->g, VALUE_NS, c->err));
        }
    }
    return PM_OK;
}

static pm_status put_numbers(columning *c) {
    uint32_t part = 0;
    for (uint32_t i = 0; i < c->g->m->n_inputs; i++) {
        bool has = part < c->n_parts && c->sources[part] == i;
        PM_TRY(put_documents(c, &c->g->sources[i], has ? part : PM_END));
        part += has;
    }
    pm_spool_put_u32(&c->starts, c->n_values);
    return PM_OK;
}

static pm_status put_column(columning *c, pm_columns_writer *to) {
    pm_column_numbers d = {.name = c->name, .kind = c->kind};
    pm_bytes numbers;
    if (c->kind == PM_VALUE_STR) {
        PM_TRY(code_strings(c));
        PM_TRY(refer(c->g, &c->strings, &c->refs, &d.strings, c->err));
        d.n_strings = c->strings.n;
    }
    PM_TRY(put_numbers(c));
    PM_TRY(pm_merge_u32s(&c->starts, &d.starts, c->err));
    PM_TRY(pm_spool_view(&c->numbers, &numbers, c->err));
    d.numbers = (const int64_t *)(const void *)numbers.p;
    if (c->kind == PM_VALUE_DATE) {
        PM_TRY(pm_merge_bits_view(&c->timed, &d.timed, c->err));
    }
    return pm_columns_put(to, &d, c->err);
}

static void column_release(columning *c) {
    for (uint32_t i = 0; c->codes != NULL && i < c->n_parts; i++) {
        pm_free(c->codes[i]);
    }
    pm_free(c->codes);
    pm_free(c->parts);
    pm_free(c->sources);
    pm_spool_release(&c->starts);
    pm_spool_release(&c->numbers);
    pm_spool_release(&c->refs);
    pm_merge_bits_release(&c->timed);
    pm_merge_strings_release(&c->strings);
}

static pm_status merge_column(pm_merging *g, pm_bytes name,
                              const pm_merge_column *listed, pm_columns_writer *to,
                              pm_error *err) {
    size_t n = g->m->n_inputs;
    columning c = {.g = g, .err = err, .name = name};
    pm_status status = PM_OK;
    pm_spool_init(&c.starts, &g->scratch);
    pm_spool_init(&c.numbers, &g->scratch);
    pm_spool_init(&c.refs, &g->scratch);
    pm_merge_bits_init(&c.timed, &g->scratch);
    pm_merge_strings_init(&c.strings, &g->scratch);
    c.parts = pm_calloc(n, sizeof *c.parts);
    c.sources = pm_calloc(n, sizeof *c.sources);
    c.codes = pm_calloc(n, sizeof *c.codes);
    if (c.parts == NULL || c.sources == NULL || c.codes == NULL) {
        status = pm_fail_nomem(err, n * sizeof *c.parts);
        goto out;
    }
    PM_GO(find_parts(&c, listed));
    if (c.n_parts > 0 || (listed != NULL && g->m->last)) {
        PM_GO(put_column(&c, to));
    }
out:
    column_release(&c);
    return status;
}

/* ---- all columns ---- */

static pm_bytes listed_name(const pm_merge *m, size_t i) {
    return (pm_bytes){(const uint8_t *)m->columns[i].name, strlen(m->columns[i].name)};
}

/* Whether the caller's list, or an input before this one, has the column. */
static bool is_known(const pm_merging *g, size_t input, pm_bytes name) {
    for (size_t i = 0; i < g->m->n_columns; i++) {
        if (pm_bytes_compare(listed_name(g->m, i), name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < input; i++) {
        if (pm_columns_find(&g->sources[i].s->columns, name) != NULL) {
            return true;
        }
    }
    return false;
}

static pm_status merge_columns(pm_merging *g, pm_columns_writer *to, pm_error *err) {
    for (size_t i = 0; i < g->m->n_columns; i++) {
        PM_TRY(merge_column(g, listed_name(g->m, i), &g->m->columns[i], to, err));
    }
    for (size_t i = 0; i < g->m->n_inputs; i++) {
        const pm_columns *columns = &g->sources[i].s->columns;
        for (uint32_t k = 0; k < columns->n; k++) {
            pm_bytes name = columns->at[k].name;
            PM_TRY(pm_merge_tick(g, NAME_NS * columns->n, err));
            /* of two with one name, which damage makes, the first counts */
            if (!is_known(g, i, name) &&
                pm_columns_find(columns, name) == &columns->at[k]) {
                PM_TRY(merge_column(g, name, NULL, to, err));
            }
        }
    }
    return PM_OK;
}

pm_status pm_merge_columns(pm_merging *g, pm_error *err) {
    pm_columns_writer to;
    pm_error ignored;
    pm_columns_begin(&to, g->w, g->n_docs);
    pm_status status = merge_columns(g, &to, err);
    pm_status ended = pm_columns_end(&to, status == PM_OK ? err : &ignored);
    return status != PM_OK ? status : ended;
}
