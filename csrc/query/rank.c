/* BM25 (Robertson & Zaragoza 2009, eq. 3.15, with Lucene's idf and without the constant
 * k1 + 1), fields weighted as in BM25F. Each operand of the query (a word, a phrase,
 * words near words) is one term: its frequency in a document is its number of hits
 * there. Contributions are rounded to fixed point at one scale for the query and added
 * as integers, so that order of addition changes nothing. */
#include "query/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "query/hits_inner.h"
#include "query/value.h"

typedef struct ranker {
    pm_snapshot *snapshot;
    pm_plan *plan;
    uint64_t **allowed; /* one a part */
    const pm_rank_options *options;
    pm_cancel *cancel;
    pm_error *err;
    pm_eval *evals; /* one a part */
    uint32_t n_evals;
    uint64_t *dfs; /* one an operand */
    double *idfs;  /* with boosts */
    double scale, mean_length;
    uint64_t *scores; /* one a document of the snapshot, fixed point */
} ranker;

/* ---- frequencies and lengths ---- */

/* Tokens of a document, each field by its weight. */
static double doc_length(const ranker *r, const pm_part *part, pm_doc local) {
    const pm_bounds *b = &part->segment.bounds;
    if (r->options->weights == NULL) {
        return pm_bounds_doc_length(b, local);
    }
    double length = 0;
    for (uint32_t f = 0; f < b->n_fields; f++) {
        pm_unit u = local * b->n_fields + f;
        length += r->options->weights[part->field_to_index[f]] *
                  (double)(pm_bounds_end(b, u) - pm_bounds_start(b, u));
    }
    return length;
}

static void measure_lengths(ranker *r) {
    double sum = 0;
    if (r->options->weights == NULL) {
        sum = (double)r->snapshot->live_tokens;
    }
    for (uint32_t p = 0; p < r->snapshot->n_parts && r->options->weights != NULL; p++) {
        const pm_part *part = &r->snapshot->parts[p];
        for (pm_doc d = 0; d < part->segment.info.n_docs; d++) {
            sum += pm_part_lives(part, d) ? doc_length(r, part, d) : 0;
        }
    }
    r->mean_length = r->snapshot->live_docs > 0 ? sum / r->snapshot->live_docs : 0;
}

/* Hits of a document with each field's weight: spans [*hit, *hit + n) of found, which
 * moves on. */
static double weigh_hits(const ranker *r, const pm_part *part, const pm_found *f,
                         size_t *hit, uint32_t n) {
    double tf = 0;
    for (uint32_t i = 0; i < n; i++) {
        pm_unit u = pm_bounds_unit(&part->segment.bounds, f->lo[(*hit)++]);
        tf +=
            r->options->weights[part->field_to_index[u % part->segment.info.n_fields]];
    }
    return tf;
}

/* ---- scores ---- */

/* Lucene's idf, never negative. */
static double idf_of(uint64_t n_docs, uint64_t df) {
    return log(1 + ((double)(n_docs - df) + 0.5) / ((double)df + 0.5));
}

/* A power of two such that no sum of contributions reaches 2^31: each is below its
 * idf. */
static void choose_scale(ranker *r) {
    double most = 1e-9;
    int exponent;
    for (uint32_t i = 0; i < r->plan->n_operands; i++) {
        most += r->plan->operands[i].positive ? r->idfs[i] : 0;
    }
    frexp(most, &exponent);
    r->scale = ldexp(1, 31 - exponent);
}

/* What an operand found tf times adds to the document's score, in fixed point. */
static uint64_t contribution_of(const ranker *r, const pm_part *part, pm_doc local,
                                uint32_t operand, double tf) {
    double relative =
        r->mean_length > 0 ? doc_length(r, part, local) / r->mean_length : 1;
    double norm = r->options->k1 * (1 - r->options->b + r->options->b * relative),
           sum = tf + norm;
    double contribution = sum > 0 ? r->idfs[operand] * (tf / sum) : 0;
    return (uint64_t)llround(contribution * r->scale);
}

/* bits: documents in which the operand stands in a branch that is satisfied; elsewhere
 * it counts for nothing. */
static void score_operand(ranker *r, uint32_t p, uint32_t operand,
                          const uint64_t *bits) {
    const pm_part *part = &r->snapshot->parts[p];
    const pm_found *f = &r->evals[p].found[operand];
    size_t hit = 0;
    for (size_t i = 0; i < f->n_docs; i++) {
        double tf = r->options->weights == NULL
                        ? f->counts[i]
                        : weigh_hits(r, part, f, &hit, f->counts[i]);
        if (pm_bits_get(bits, f->docs[i])) {
            r->scores[part->doc_base + f->docs[i]] +=
                contribution_of(r, part, f->docs[i], operand, tf);
        }
    }
}

/* Every operand over every segment: its document frequency is that of all live
 * documents, whatever the filter. */
static pm_status evaluate(ranker *r) {
    pm_want want = r->options->weights == NULL ? PM_WANT_COUNTS : PM_WANT_SPANS;
    r->evals = pm_calloc((size_t)r->snapshot->n_parts + 1, sizeof *r->evals);
    r->dfs = pm_calloc((size_t)r->plan->n_operands + 1, sizeof *r->dfs);
    r->idfs = pm_calloc((size_t)r->plan->n_operands + 1, sizeof *r->idfs);
    r->scores = pm_calloc((size_t)r->snapshot->n_docs + 1, sizeof *r->scores);
    if (r->evals == NULL || r->dfs == NULL || r->idfs == NULL || r->scores == NULL) {
        return pm_fail_nomem(r->err, r->snapshot->n_docs * sizeof *r->scores);
    }
    for (uint32_t p = 0; p < r->snapshot->n_parts; p++) {
        r->n_evals = p + 1;
        PM_TRY(pm_eval_run(&r->evals[p], r->plan, &r->snapshot->parts[p], NULL, false,
                           want, r->cancel, r->err));
        for (uint32_t i = 0; i < r->plan->n_operands; i++) {
            r->dfs[i] += r->evals[p].found[i].n_docs;
        }
    }
    return PM_OK;
}

static pm_status score_part(ranker *r, uint32_t p) {
    pm_eval *e = &r->evals[p];
    const uint64_t **bits =
        pm_arena_array(&e->arena, r->plan->n_operands, sizeof *bits);
    if (bits == NULL) {
        return pm_fail_nomem(r->err, r->plan->n_operands * sizeof *bits);
    }
    PM_TRY(pm_eval_branches(e, bits, r->err));
    for (uint32_t i = 0; i < r->plan->n_operands; i++) {
        if (bits[i] != NULL) {
            score_operand(r, p, i, bits[i]);
        }
    }
    return PM_OK;
}

static void weigh_operands(ranker *r) {
    for (uint32_t i = 0; i < r->plan->n_operands; i++) {
        r->idfs[i] =
            idf_of(r->snapshot->live_docs, r->dfs[i]) * r->plan->operands[i].boost;
    }
    choose_scale(r);
}

static pm_status score(ranker *r) {
    weigh_operands(r);
    for (uint32_t p = 0; p < r->snapshot->n_parts; p++) {
        PM_TRY(score_part(r, p));
    }
    return PM_OK;
}

/* Narrows each segment's documents to those that the filter lets through; how many. */
static uint64_t match(ranker *r) {
    uint64_t total = 0;
    for (uint32_t p = 0; p < r->snapshot->n_parts; p++) {
        uint64_t *docs = r->evals[p].docs[r->plan->root->number];
        for (size_t i = 0; r->allowed[p] != NULL && i < r->evals[p].n_words; i++) {
            docs[i] &= r->allowed[p][i];
        }
        total += pm_kernels_get()->popcount(docs, r->evals[p].n_words);
    }
    return total;
}

/* ---- order ---- */

typedef struct entry {
    uint64_t number; /* sort key, rising: complement for falling orders */
    pm_bytes text;   /* string key */
    pm_doc doc;
    bool none; /* no value: last in either direction */
} entry;

static int by_number(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->none != y->none) {
        return x->none ? 1 : -1;
    }
    if (x->number != y->number) {
        return x->number < y->number ? -1 : 1;
    }
    return (x->doc > y->doc) - (x->doc < y->doc);
}

static int compare_text(const entry *x, const entry *y) {
    size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
    int order = n == 0 ? 0 : memcmp(x->text.p, y->text.p, n);
    return order != 0 ? order : (x->text.n > y->text.n) - (x->text.n < y->text.n);
}

static int by_text(const void *a, const void *b) {
    const entry *x = a, *y = b;
    int order = x->none == y->none && !x->none ? compare_text(x, y) : 0;
    return order != 0 ? order : by_number(a, b);
}

static int by_text_falling(const void *a, const void *b) {
    const entry *x = a, *y = b;
    int order = x->none == y->none && !x->none ? compare_text(y, x) : 0;
    return order != 0 ? order : by_number(a, b);
}

typedef struct order {
    const char *column; /* NULL: score */
    bool falling, text;
    bool as_float;  /* some segment has floats in the column */
    pm_arena arena; /* string keys */
} order;

/* The document's first value decides; none where it has none. */
static pm_status column_key(const order *o, const pm_column *c, pm_doc local,
                            pm_buf *scratch, pm_arena *arena, entry *e, pm_error *err) {
    pm_range values = c == NULL ? (pm_range){0, 0} : pm_column_values(c, local);
    e->none = values.lo >= values.hi;
    if (e->none) {
        return PM_OK;
    }
    pm_value v = pm_column_value(c, values.lo);
    if (v.kind == PM_VALUE_STR) {
        PM_TRY(pm_column_text(c, values.lo, scratch, err));
        e->text.n = scratch->n;
        e->text.p = (const uint8_t *)pm_arena_copy(arena, scratch->p, scratch->n);
        return e->text.p == NULL ? pm_fail_nomem(err, scratch->n) : PM_OK;
    }
    uint64_t key = pm_value_order(v, o->as_float);
    e->number = o->falling ? ~key : key;
    return PM_OK;
}

static pm_status fill_entries(ranker *r, order *o, entry *entries, pm_buf *scratch) {
    size_t n = 0;
    for (uint32_t p = 0; p < r->snapshot->n_parts; p++) {
        const pm_part *part = &r->snapshot->parts[p];
        const pm_column *c = NULL;
        if (o->column != NULL) {
            c = pm_columns_find(
                &part->segment.columns,
                (pm_bytes){(const uint8_t *)o->column, strlen(o->column)});
            o->text = o->text || (c != NULL && c->kind == PM_VALUE_STR);
        }
        const uint64_t *docs = pm_eval_docs(&r->evals[p]);
        uint32_t n_docs = part->segment.info.n_docs;
        for (pm_doc d = pm_bits_next(docs, n_docs, 0); d < n_docs;
             d = pm_bits_next(docs, n_docs, d + 1)) {
            pm_doc doc = part->doc_base + d;
            entry *e = &entries[n++];
            *e = (entry){.doc = doc, .number = ~r->scores[doc]};
            if (o->column != NULL) {
                PM_TRY(column_key(o, c, d, scratch, &o->arena, e, r->err));
            }
        }
    }
    return PM_OK;
}

/* Moves entry i of a heap whose root is the last in order down to its place. */
static void sift(entry *heap, size_t n, size_t i,
                 int (*compare)(const void *, const void *)) {
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) {
            return;
        }
        if (child + 1 < n && compare(&heap[child], &heap[child + 1]) < 0) {
            child++;
        }
        if (compare(&heap[i], &heap[child]) >= 0) {
            return;
        }
        entry swap = heap[i];
        heap[i] = heap[child];
        heap[child] = swap;
        i = child;
    }
}

/* Brings the first k in order to the front, sorted: a heap of k, then a sort of
 * those. */
static void first_k(entry *entries, size_t n, size_t k,
                    int (*compare)(const void *, const void *)) {
    if (k < n) {
        for (size_t i = k; i-- > 0;) {
            sift(entries, k, i, compare);
        }
        for (size_t i = k; i < n && k > 0; i++) {
            if (compare(&entries[i], &entries[0]) < 0) {
                entries[0] = entries[i];
                sift(entries, k, 0, compare);
            }
        }
    }
    qsort(entries, k < n ? k : n, sizeof *entries, compare);
}

static pm_status put_rows(ranker *r, const entry *entries, size_t n, pm_table **out) {
    static const char *const names[] = {"doc", "score", "key"};
    static const pm_type types[] = {PM_TYPE_I64, PM_TYPE_F64, PM_TYPE_STR};
    pm_table *t;
    pm_buf key;
    pm_status status = PM_OK;
    PM_TRY(pm_table_new(n, 3, names, types, &t, r->err));
    pm_buf_init(&key);
    for (size_t i = 0; i < n && status == PM_OK; i++) {
        pm_doc local;
        const pm_part *part = pm_snapshot_part(r->snapshot, entries[i].doc, &local);
        status = pm_doc_key(part, local, &key, r->err);
        pm_table_put_i64(t, 0, entries[i].doc);
        pm_table_put_f64(t, 1, (double)r->scores[entries[i].doc] / r->scale);
        pm_table_put_str(t, 2, key.p, key.n);
    }
    pm_buf_release(&key);
    status = status == PM_OK ? pm_table_check(t, r->err) : status;
    if (status != PM_OK) {
        pm_table_unref(t);
        return status;
    }
    *out = t;
    return PM_OK;
}

static pm_status read_order(ranker *r, order *o) {
    const char *sort = r->options->sort;
    bool by_date = strcmp(sort, "newest") == 0 || strcmp(sort, "oldest") == 0;
    pm_arena_init(&o->arena);
    if (strcmp(sort, "score") == 0) {
        return PM_OK;
    }
    o->falling = sort[0] == '-' || strcmp(sort, "newest") == 0;
    o->column = by_date ? r->snapshot->manifest.date_column : sort + (sort[0] == '-');
    if (by_date && o->column[0] == '\0') {
        return pm_fail(r->err, PM_INVALID, "the index has no date column to sort by");
    }
    bool known = by_date || r->snapshot->live_docs == 0;
    for (uint32_t p = 0; p < r->snapshot->n_parts; p++) {
        const pm_column *c =
            pm_columns_find(&r->snapshot->parts[p].segment.columns,
                            (pm_bytes){(const uint8_t *)o->column, strlen(o->column)});
        known = known || c != NULL;
        o->as_float = o->as_float || (c != NULL && c->kind == PM_VALUE_FLOAT);
    }
    return known ? PM_OK
                 : pm_fail(r->err, PM_FIELD, "no metadata column '%s' to sort by",
                           o->column);
}

static pm_status pick(ranker *r, uint64_t total, size_t k, pm_table **out) {
    order o = {0};
    pm_buf scratch;
    pm_buf_init(&scratch);
    entry *entries = pm_alloc_array((size_t)total + 1, sizeof *entries);
    pm_status status = entries == NULL ? pm_fail_nomem(r->err, total * sizeof *entries)
                                       : read_order(r, &o);
    if (status == PM_OK) {
        status = fill_entries(r, &o, entries, &scratch);
    }
    if (status == PM_OK) {
        int (*compare)(const void *, const void *) = !o.text     ? by_number
                                                     : o.falling ? by_text_falling
                                                                 : by_text;
        first_k(entries, (size_t)total, k, compare);
        status = put_rows(r, entries, k < total ? k : (size_t)total, out);
    }
    pm_free(entries);
    pm_buf_release(&scratch);
    pm_arena_release(&o.arena);
    return status;
}

/* ---- the call ---- */

static pm_status run(ranker *r, const pm_where *where, const pm_limits *limits,
                     size_t k, pm_table **out, uint64_t *total) {
    PM_TRY(pm_where_bits(r->snapshot, where, limits, r->cancel, &r->allowed, r->err));
    PM_TRY(evaluate(r));
    measure_lengths(r);
    PM_TRY(score(r));
    *total = match(r);
    return pick(r, *total, k, out);
}

static pm_status open_ranker(ranker *r, const pm_query *query,
                             const pm_limits *limits) {
    const pm_rank_options *o = r->options;
    if (!(o->k1 >= 0) || !(o->b >= 0 && o->b <= 1)) {
        return pm_fail(r->err, PM_INVALID, "k1 must be at least 0 and b from 0 to 1");
    }
    /* Plain words side by side are ranked by any of them. */
    pm_node root = *query->root;
    pm_query read = {.root = &root};
    if (query->plain && !o->all && root.kind == PM_NODE_AND) {
        root.kind = PM_NODE_OR;
    }
    return pm_plan_new(r->snapshot, &read, limits, &r->plan, r->err);
}

static void close_ranker(ranker *r) {
    for (uint32_t i = 0; i < r->n_evals; i++) {
        pm_eval_release(&r->evals[i]);
    }
    pm_where_free(r->snapshot, r->allowed);
    pm_free(r->evals);
    pm_free(r->dfs);
    pm_free(r->idfs);
    pm_free(r->scores);
    pm_plan_free(r->plan);
}

pm_status pm_search(pm_snapshot *idx, const pm_query *query, const pm_where *where,
                    size_t k, const pm_rank_options *options, const pm_limits *limits,
                    pm_cancel *cancel, pm_table **out, uint64_t *total, pm_error *err) {
    ranker r = {.snapshot = idx, .options = options, .cancel = cancel, .err = err};
    PM_TRY(open_ranker(&r, query, limits));
    pm_status status = run(&r, where, limits, k, out, total);
    close_ranker(&r);
    return status;
}

/* ---- the parts of one score ---- */

/* Hits of an operand in a document, by their fields' weights. */
static double frequency(const ranker *r, const pm_part *part, const pm_found *f,
                        pm_doc local) {
    size_t hit = 0;
    for (size_t i = 0; i < f->n_docs; i++) {
        if (f->docs[i] == local) {
            return r->options->weights == NULL
                       ? f->counts[i]
                       : weigh_hits(r, part, f, &hit, f->counts[i]);
        }
        hit += f->counts[i];
    }
    return 0;
}

static pm_status put_operand(ranker *r, pm_table *t, uint32_t operand,
                             const pm_clause *c, const pm_part *part, pm_doc local,
                             double tf) {
    pm_buf text;
    double boost = r->plan->operands[operand].boost;
    pm_buf_init(&text);
    pm_status status = pm_query_text(c->node, &text, r->err);
    pm_table_put_str(t, 0, text.p, text.n);
    pm_table_put_f64(t, 1, tf);
    pm_table_put_i64(t, 2, (int64_t)r->dfs[operand]);
    pm_table_put_f64(t, 3, idf_of(r->snapshot->live_docs, r->dfs[operand]));
    pm_table_put_f64(t, 4, boost);
    pm_table_put_f64(t, 5, doc_length(r, part, local));
    pm_table_put_f64(t, 6, r->mean_length);
    pm_table_put_f64(t, 7,
                     (double)contribution_of(r, part, local, operand, tf) / r->scale);
    pm_buf_release(&text);
    return status;
}

/* The clause that is operand number `operand`. Recursion is as deep as the tree. */
static const pm_clause *clause_of(const pm_clause *c, uint32_t operand) {
    bool is_operand = c->kind == PM_CLAUSE_OPERAND || c->kind == PM_CLAUSE_ATLEAST ||
                      c->kind == PM_CLAUSE_FIRST;
    if (is_operand && c->operand == operand) {
        return c;
    }
    const pm_clause *found = NULL;
    for (uint32_t i = 0; found == NULL && i < c->n_children; i++) {
        found = clause_of(c->children[i], operand);
    }
    return found;
}

static bool counts_in(const uint64_t *const *bits, uint32_t operand, pm_doc local) {
    return bits[operand] != NULL && pm_bits_get(bits[operand], local);
}

static pm_status explain_part(ranker *r, uint32_t p, pm_doc local, pm_table **out) {
    static const char *const names[] = {"operand", "frequency", "documents",   "idf",
                                        "boost",   "length",    "mean_length", "score"};
    static const pm_type types[] = {PM_TYPE_STR, PM_TYPE_F64, PM_TYPE_I64, PM_TYPE_F64,
                                    PM_TYPE_F64, PM_TYPE_F64, PM_TYPE_F64, PM_TYPE_F64};
    pm_eval *e = &r->evals[p];
    const uint64_t **bits =
        pm_arena_array(&e->arena, r->plan->n_operands, sizeof *bits);
    if (bits == NULL) {
        return pm_fail_nomem(r->err, r->plan->n_operands * sizeof *bits);
    }
    PM_TRY(pm_eval_branches(e, bits, r->err));
    size_t n = 0;
    for (uint32_t i = 0; i < r->plan->n_operands; i++) {
        n += counts_in(bits, i, local);
    }
    PM_TRY(pm_table_new(n, 8, names, types, out, r->err));
    const pm_part *part = &r->snapshot->parts[p];
    for (uint32_t i = 0; i < r->plan->n_operands; i++) {
        const pm_clause *c = clause_of(r->plan->root, i);
        if (counts_in(bits, i, local) && c != NULL) {
            PM_TRY(put_operand(r, *out, i, c, part, local,
                               frequency(r, part, &e->found[i], local)));
        }
    }
    return pm_table_check(*out, r->err);
}

pm_status pm_explain_score(pm_snapshot *idx, const pm_query *query, pm_doc doc,
                           const pm_rank_options *options, const pm_limits *limits,
                           pm_cancel *cancel, pm_table **out, pm_error *err) {
    ranker r = {.snapshot = idx, .options = options, .cancel = cancel, .err = err};
    pm_doc local;
    pm_table *t = NULL;
    const pm_part *part = pm_snapshot_part(idx, doc, &local);
    if (part == NULL || !pm_part_lives(part, local)) {
        return pm_fail(err, PM_INVALID, "there is no document %u", doc);
    }
    PM_TRY(open_ranker(&r, query, limits));
    pm_status status = evaluate(&r);
    if (status == PM_OK) {
        measure_lengths(&r);
        weigh_operands(&r);
        status = explain_part(&r, (uint32_t)(part - idx->parts), local, &t);
    }
    close_ranker(&r);
    if (status != PM_OK) {
        pm_table_unref(t);
        return status;
    }
    *out = t;
    return PM_OK;
}
