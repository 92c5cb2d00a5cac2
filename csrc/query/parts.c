/* Which leaf stands where in a hit: of all assignments whose span the hit is, the one
 * whose leaves come first (DESIGN section 5). The tokens of the hit are read from the
 * stream and joined again, this time with the leaves' places carried along. */
#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "query/hits_inner.h"
#include "query/prox_bind.h"

typedef struct finder {
    const pm_hits *hits;
    const pm_plan *plan;
    pm_eval eval; /* of the part at hand */

    bool open;
    const pm_part *part;
    pm_arena scratch;
    pm_locator locator;
    pm_taken *best; /* one a leaf */
    pm_table *table;
    pm_error *err;
} finder;

static void close_part(finder *f) {
    if (f->open) {
        pm_eval_release(&f->eval);
    }
    f->open = false;
    f->part = NULL;
}

/* Evaluates the query on the documents of hits [first, end) that lie in the part. */
static pm_status open_part(finder *f, const pm_part *part, size_t first, size_t end) {
    close_part(f);
    uint32_t n_docs = part->segment.info.n_docs;
    uint64_t *allowed = pm_calloc(pm_bits_words(n_docs) + 1, sizeof *allowed);
    if (allowed == NULL) {
        return pm_fail_nomem(f->err, n_docs / 8);
    }
    for (size_t i = first; i < end; i++) {
        uint32_t doc = f->hits->docs[i] - part->doc_base;
        if (doc < n_docs) {
            pm_bits_set(allowed, doc);
        }
    }
    f->open = true;
    pm_status status = pm_eval_run(&f->eval, f->plan, part, allowed, false,
                                   PM_WANT_DOCS, NULL, f->err);
    pm_free(allowed);
    f->part = part;
    return status;
}

/* Takes the operand's first assignment over the hit's very span into best, if it comes
 * before. */
static pm_status try_operand(finder *f, uint32_t operand, pm_unit unit, pm_pos lo,
                             pm_pos hi) {
    pm_bound *b = f->eval.bounds[operand];
    pm_budget budget = {f->plan->limits.pairs};
    pm_window w = {.seg = &f->part->segment,
                   .unit = unit,
                   .lo = lo,
                   .hi = hi,
                   .scan = true,
                   .n_parts = f->plan->n_leaves,
                   .scratch = &f->scratch,
                   .budget = &budget};
    pm_arena_reset(&f->scratch);
    PM_TRY(pm_bound_spans(b, &w, f->err));
    for (size_t i = 0; i < b->spans.n; i++) {
        const pm_span *span = &b->spans.at[i];
        if (span->lo == lo && span->hi == hi &&
            pm_parts_compare(span->parts, f->best, w.n_parts) < 0) {
            memcpy(f->best, span->parts, w.n_parts * sizeof *f->best);
        }
    }
    return PM_OK;
}

/* Whether [lo, hi) is one of the operand's hits. */
static bool has_hit(const pm_found *f, pm_pos lo, pm_pos hi) {
    size_t first = 0, end = f->n_hits;
    while (first < end) {
        size_t mid = first + (end - first) / 2;
        if (f->lo[mid] < lo) {
            first = mid + 1;
        } else {
            end = mid;
        }
    }
    return first < f->n_hits && f->lo[first] == lo && f->hi[first] == hi;
}

/* Tries the operands of the branches that the document satisfies. ATLEAST and FIRST
 * give a hit through what is inside them, where it is one of theirs. Recursion is as
 * deep as the tree. */
static pm_status try_clause(finder *f, const pm_clause *c, uint32_t doc, pm_unit unit,
                            pm_pos lo, pm_pos hi) {
    const uint64_t *docs = f->eval.docs[c->number];
    if (c->kind == PM_CLAUSE_NOT || docs == NULL || !pm_bits_get(docs, doc)) {
        return PM_OK;
    }
    if (c->kind == PM_CLAUSE_OPERAND) {
        return try_operand(f, c->operand, unit, lo, hi);
    }
    if ((c->kind == PM_CLAUSE_ATLEAST || c->kind == PM_CLAUSE_FIRST) &&
        !has_hit(&f->eval.found[c->operand], lo, hi)) {
        return PM_OK;
    }
    for (uint32_t i = 0; i < c->n_children; i++) {
        PM_TRY(try_clause(f, c->children[i], doc, unit, lo, hi));
    }
    return PM_OK;
}

static pm_status put_parts(finder *f, size_t hit, pm_unit unit) {
    int64_t leaf = 0;
    for (uint32_t i = 0; i < f->plan->n_leaves; i++) {
        pm_place place;
        if (!f->plan->leaves[i]->positive) {
            continue;
        }
        pm_table_put_i64(f->table, 0, (int64_t)hit);
        pm_table_put_i64(f->table, 1, leaf++);
        if (f->best[i].lo == PM_END) {
            pm_table_put_null(f->table, 2);
            pm_table_put_null(f->table, 3);
            continue;
        }
        PM_TRY(pm_locate(&f->locator, f->part, unit, f->best[i].lo, f->best[i].hi,
                         &place, f->err));
        pm_table_put_i64(f->table, 2, place.start);
        pm_table_put_i64(f->table, 3, place.end);
    }
    return PM_OK;
}

static pm_status find_parts(finder *f, size_t i, size_t first, size_t end) {
    pm_unit unit;
    const pm_part *part = pm_hits_place(f->hits, i, &unit);
    if (part != f->part) {
        PM_TRY(open_part(f, part, first, end));
    }
    for (uint32_t k = 0; k < f->plan->n_leaves; k++) {
        f->best[k] = (pm_taken){PM_END, PM_END};
    }
    uint32_t doc = f->hits->docs[i] - part->doc_base;
    PM_TRY(try_clause(f, f->plan->root, doc, unit, f->hits->lo[i], f->hits->hi[i]));
    return put_parts(f, i, unit);
}

static size_t count_positive(const pm_plan *plan) {
    size_t n = 0;
    for (uint32_t i = 0; i < plan->n_leaves; i++) {
        n += plan->leaves[i]->positive;
    }
    return n;
}

static pm_status run(finder *f, size_t first, size_t n) {
    static const char *const names[] = {"hit", "leaf", "start", "end"};
    static const pm_type types[] = {PM_TYPE_I64, PM_TYPE_I64, PM_TYPE_I64, PM_TYPE_I64};
    PM_TRY(
        pm_table_new(n * count_positive(f->plan), 4, names, types, &f->table, f->err));
    f->best = pm_alloc_array(f->plan->n_leaves, sizeof *f->best);
    if (f->best == NULL) {
        return pm_fail_nomem(f->err, f->plan->n_leaves * sizeof *f->best);
    }
    for (size_t i = first; i < first + n; i++) {
        PM_TRY(find_parts(f, i, first, first + n));
    }
    return pm_table_check(f->table, f->err);
}

pm_status pm_hits_parts(const pm_hits *h, size_t first, size_t n, pm_table **out,
                        pm_error *err) {
    if (first > h->n || n > h->n - first) {
        return pm_fail(err, PM_INVALID, "hits %zu to %zu of %zu", first, first + n,
                       h->n);
    }
    finder f = {.hits = h, .plan = h->answer->plan, .err = err};
    pm_arena_init(&f.scratch);
    pm_locator_init(&f.locator, h->answer->snapshot);
    pm_status status = run(&f, first, n);
    close_part(&f);
    pm_locator_release(&f.locator);
    pm_arena_release(&f.scratch);
    pm_free(f.best);
    if (status != PM_OK) {
        pm_table_unref(f.table);
        return status;
    }
    *out = f.table;
    return PM_OK;
}
