/* Documents first: each clause is a bit set, an AND runs its cheapest child first and
 * the others on what is left. Hits afterwards: the operands' spans in the branches that
 * a document satisfies, merged, those that hold another dropped. */
#include "query/eval.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "query/meta.h"

static pm_status eval_clause(pm_eval *e, const pm_clause *c, const uint64_t *allowed,
                             bool prune, pm_want want, pm_error *err);

static uint64_t *new_bits(pm_eval *e, pm_error *err, pm_status *status) {
    uint64_t *bits = pm_arena_array(&e->arena, e->n_words, sizeof *bits);
    *status = bits == NULL ? pm_fail_nomem(err, e->n_words * sizeof *bits) : PM_OK;
    return bits;
}

/* ---- clauses ---- */

static pm_status eval_operand(pm_eval *e, const pm_clause *c, const uint64_t *allowed,
                              pm_want want, pm_error *err) {
    pm_found *found = &e->found[c->operand];
    PM_TRY(pm_prox_run(e->plan, e->part, e->bounds[c->operand], allowed, e->skipped,
                       want, e->cancel, found, err));
    for (size_t i = 0; i < found->n_docs; i++) {
        pm_bits_set(e->docs[c->number], found->docs[i]);
    }
    return PM_OK;
}

static uint64_t clause_cost(const pm_eval *e, const pm_clause *c) {
    uint64_t sum = 0, least = UINT64_MAX;
    if (c->kind == PM_CLAUSE_OPERAND) {
        return pm_bound_cost(e->bounds[c->operand]);
    }
    for (uint32_t i = 0; i < c->n_children; i++) {
        uint64_t cost = clause_cost(e, c->children[i]);
        sum += cost;
        least = cost < least ? cost : least;
    }
    return c->kind == PM_CLAUSE_AND ? least : sum;
}

/* The positive child not yet done that costs least; NULL when none is left. */
static const pm_clause *cheapest(const pm_eval *e, const pm_clause *c, const bool *done,
                                 uint32_t *which) {
    const pm_clause *best = NULL;
    uint64_t best_cost = 0;
    for (uint32_t i = 0; i < c->n_children; i++) {
        if (done[i] || c->children[i]->kind == PM_CLAUSE_NOT) {
            continue;
        }
        uint64_t cost = clause_cost(e, c->children[i]);
        if (best == NULL || cost < best_cost) {
            best = c->children[i];
            best_cost = cost;
            *which = i;
        }
    }
    return best;
}

static void keep_both(uint64_t *to, const uint64_t *with, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[i] &= with[i];
    }
}

static void set_all(pm_eval *e, uint64_t *bits, const uint64_t *allowed) {
    uint32_t n_docs = e->part->segment.info.n_docs;
    if (allowed != NULL) {
        memcpy(bits, allowed, e->n_words * sizeof *bits);
        return;
    }
    memset(bits, 0xff, e->n_words * sizeof *bits);
    if (n_docs % 64 != 0) {
        bits[e->n_words - 1] = (UINT64_C(1) << (n_docs % 64)) - 1;
    }
}

/* Cheapest operands first, each on the documents that the ones before left; what NOT
 * speaks of last, for documents alone. */
static pm_status eval_and(pm_eval *e, const pm_clause *c, const uint64_t *allowed,
                          bool prune, pm_want want, pm_error *err) {
    uint64_t *bits = e->docs[c->number];
    bool *done = pm_arena_array(&e->arena, c->n_children, sizeof *done);
    uint32_t which = 0;
    if (done == NULL) {
        return pm_fail_nomem(err, c->n_children);
    }
    set_all(e, bits, allowed);
    bool narrowed = allowed != NULL;
    for (const pm_clause *child; (child = cheapest(e, c, done, &which)) != NULL;
         done[which] = true) {
        PM_TRY(eval_clause(e, child, prune && narrowed ? bits : allowed, prune, want,
                           err));
        keep_both(bits, e->docs[child->number], e->n_words);
        narrowed = true;
    }
    for (uint32_t i = 0; i < c->n_children; i++) {
        if (c->children[i]->kind == PM_CLAUSE_NOT) {
            PM_TRY(eval_clause(e, c->children[i], bits, prune, PM_WANT_DOCS, err));
            keep_both(bits, e->docs[c->children[i]->number], e->n_words);
        }
    }
    return PM_OK;
}

static pm_status eval_or(pm_eval *e, const pm_clause *c, const uint64_t *allowed,
                         bool prune, pm_want want, pm_error *err) {
    uint64_t *bits = e->docs[c->number];
    for (uint32_t i = 0; i < c->n_children; i++) {
        PM_TRY(eval_clause(e, c->children[i], allowed, prune, want, err));
        const uint64_t *child = e->docs[c->children[i]->number];
        for (size_t k = 0; k < e->n_words; k++) {
            bits[k] |= child[k];
        }
    }
    return PM_OK;
}

/* n and more of the children: counted a document. */
static pm_status eval_of(pm_eval *e, const pm_clause *c, const uint64_t *allowed,
                         bool prune, pm_want want, pm_error *err) {
    uint32_t n_docs = e->part->segment.info.n_docs;
    uint32_t *counts = pm_calloc((size_t)n_docs + 1, sizeof *counts);
    pm_status status = counts != NULL ? PM_OK : pm_fail_nomem(err, 4 * (size_t)n_docs);
    for (uint32_t i = 0; status == PM_OK && i < c->n_children; i++) {
        status = eval_clause(e, c->children[i], allowed, prune, want, err);
        const uint64_t *child = e->docs[c->children[i]->number];
        for (pm_doc d = 0; status == PM_OK && d < n_docs; d++) {
            d = pm_bits_next(child, n_docs, d);
            counts[d]++; /* one more than there are documents: the end's */
        }
    }
    for (pm_doc d = 0; status == PM_OK && d < n_docs; d++) {
        if (counts[d] >= (uint32_t)c->node->n) {
            pm_bits_set(e->docs[c->number], d);
        }
    }
    pm_free(counts);
    return status;
}

/* FIRST/n: drops spans that end behind the first n tokens of their field. */
static void keep_first(const pm_eval *e, uint32_t n, pm_found *f) {
    const pm_bounds *bounds = &e->part->segment.bounds;
    size_t hit = 0, kept = 0, n_docs = 0;
    for (size_t d = 0; d < f->n_docs; d++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < f->counts[d]; i++, hit++) {
            pm_unit unit = pm_bounds_unit(bounds, f->lo[hit]);
            if (f->hi[hit] - pm_bounds_start(bounds, unit) <= n) {
                f->lo[kept] = f->lo[hit];
                f->hi[kept++] = f->hi[hit];
                count++;
            }
        }
        if (count > 0) {
            f->docs[n_docs] = f->docs[d];
            f->counts[n_docs++] = count;
        }
    }
    f->n_docs = n_docs;
    f->n_hits = kept;
}

/* ATLEAST/n: drops documents with fewer hits. */
static void keep_many(uint32_t n, pm_found *f) {
    size_t hit = 0, kept = 0, n_docs = 0;
    for (size_t d = 0; d < f->n_docs; d++) {
        uint32_t count = f->counts[d];
        if (count >= n) {
            memmove(f->lo + kept, f->lo + hit, count * sizeof *f->lo);
            memmove(f->hi + kept, f->hi + hit, count * sizeof *f->hi);
            kept += count;
            f->docs[n_docs] = f->docs[d];
            f->counts[n_docs++] = count;
        }
        hit += count;
    }
    f->n_docs = n_docs;
    f->n_hits = kept;
}

static pm_status clause_hits(pm_eval *e, const pm_clause *c, pm_found *out,
                             pm_error *err);

/* The hits of the child, of which those that count are the operand's. */
static pm_status eval_some_hits(pm_eval *e, const pm_clause *c, const uint64_t *allowed,
                                bool prune, pm_error *err) {
    pm_found *found = &e->found[c->operand];
    PM_TRY(eval_clause(e, c->children[0], allowed, prune, PM_WANT_SPANS, err));
    PM_TRY(clause_hits(e, c->children[0], found, err));
    if (c->kind == PM_CLAUSE_FIRST) {
        keep_first(e, (uint32_t)c->node->n, found);
    } else {
        keep_many((uint32_t)c->node->n, found);
    }
    for (size_t i = 0; i < found->n_docs; i++) {
        pm_bits_set(e->docs[c->number], found->docs[i]);
    }
    return PM_OK;
}

static pm_status eval_not(pm_eval *e, const pm_clause *c, const uint64_t *allowed,
                          bool prune, pm_error *err) {
    uint64_t *bits = e->docs[c->number];
    PM_TRY(eval_clause(e, c->children[0], allowed, prune, PM_WANT_DOCS, err));
    set_all(e, bits, allowed);
    for (size_t i = 0; i < e->n_words; i++) {
        bits[i] &= ~e->docs[c->children[0]->number][i];
    }
    return PM_OK;
}

static pm_status eval_meta(pm_eval *e, const pm_clause *c, const uint64_t *allowed,
                           pm_error *err) {
    uint64_t *bits = e->docs[c->number];
    PM_TRY(pm_meta_docs(e->plan->snapshot, e->part, c->node, bits, err));
    if (allowed != NULL) {
        keep_both(bits, allowed, e->n_words);
    }
    return PM_OK;
}

static pm_status eval_clause(pm_eval *e, const pm_clause *c, const uint64_t *allowed,
                             bool prune, pm_want want, pm_error *err) {
    pm_status status;
    e->docs[c->number] = new_bits(e, err, &status);
    PM_TRY(status);
    switch (c->kind) {
    case PM_CLAUSE_NOTHING:
        return PM_OK;
    case PM_CLAUSE_OPERAND:
        return eval_operand(e, c, allowed, want, err);
    case PM_CLAUSE_META:
        return eval_meta(e, c, allowed, err);
    case PM_CLAUSE_AND:
        return eval_and(e, c, allowed, prune, want, err);
    case PM_CLAUSE_OR:
        return eval_or(e, c, allowed, prune, want, err);
    case PM_CLAUSE_NOT:
        return eval_not(e, c, allowed, prune, err);
    case PM_CLAUSE_OF:
        return eval_of(e, c, allowed, prune, want, err);
    case PM_CLAUSE_ATLEAST:
    case PM_CLAUSE_FIRST:
        return eval_some_hits(e, c, allowed, prune, err);
    }
    return pm_fail(err, PM_INTERNAL, "unknown kind of clause");
}

pm_status pm_eval_run(pm_eval *e, const pm_plan *plan, const pm_part *part,
                      const uint64_t *allowed, bool prune, pm_want want,
                      pm_cancel *cancel, pm_error *err) {
    *e = (pm_eval){.plan = plan, .part = part, .cancel = cancel};
    allowed = allowed != NULL ? allowed : part->live;
    pm_arena_init(&e->arena);
    e->n_words = pm_bits_words(part->segment.info.n_docs);
    e->bounds = pm_arena_array(&e->arena, plan->n_operands, sizeof *e->bounds);
    e->docs = pm_arena_array(&e->arena, plan->n_clauses, sizeof *e->docs);
    e->found = pm_arena_array(&e->arena, plan->n_operands, sizeof *e->found);
    if (e->bounds == NULL || e->docs == NULL || e->found == NULL) {
        return pm_fail_nomem(err, plan->n_operands * sizeof *e->found);
    }
    for (uint32_t i = 0; i < plan->n_operands; i++) {
        if (plan->operands[i].root == NULL) {
            continue;
        }
        PM_TRY(pm_prox_bind(plan, part, plan->operands[i].root, &e->arena, cancel,
                            &e->bounds[i], err));
    }
    pm_status status = PM_OK;
    if (plan->limits.skip_documents) {
        e->skipped = new_bits(e, err, &status);
        PM_TRY(status);
    }
    PM_TRY(eval_clause(e, plan->root, allowed, prune, want, err));
    for (size_t i = 0; e->skipped != NULL && i < e->n_words; i++) {
        e->docs[plan->root->number][i] &= ~e->skipped[i];
    }
    return PM_OK;
}

void pm_eval_release(pm_eval *e) {
    for (uint32_t i = 0; e->plan != NULL && i < e->plan->n_operands; i++) {
        if (e->bounds != NULL && e->found != NULL) {
            pm_bound_release(e->bounds[i]);
            pm_found_release(&e->found[i]);
        }
    }
    pm_arena_release(&e->arena);
    *e = (pm_eval){0};
}

const uint64_t *pm_eval_docs(const pm_eval *e) {
    return e->docs[e->plan->root->number];
}

/* ---- hits ---- */

/* Goes down the tree with the documents in which the clause takes part. */
static pm_status branch(pm_eval *e, const pm_clause *c, const uint64_t *above,
                        const uint64_t **bits, pm_error *err) {
    pm_status status = PM_OK;
    if (c->kind == PM_CLAUSE_NOT || e->docs[c->number] == NULL) {
        return PM_OK;
    }
    uint64_t *here = new_bits(e, err, &status);
    PM_TRY(status);
    memcpy(here, e->docs[c->number], e->n_words * sizeof *here);
    keep_both(here, above, e->n_words);
    if (c->kind == PM_CLAUSE_ATLEAST || c->kind == PM_CLAUSE_FIRST) {
        bits[c->operand] = here;
        return PM_OK; /* what is inside gives no hits of its own */
    }
    if (c->kind == PM_CLAUSE_OPERAND) {
        bits[c->operand] = here;
    }
    for (uint32_t i = 0; i < c->n_children; i++) {
        PM_TRY(branch(e, c->children[i], here, bits, err));
    }
    return PM_OK;
}

pm_status pm_eval_branches(pm_eval *e, const uint64_t **bits, pm_error *err) {
    memset(bits, 0, e->plan->n_operands * sizeof *bits);
    return branch(e, e->plan->root, pm_eval_docs(e), bits, err);
}

typedef struct pairs { /* spans as lo << 32 | hi */
    uint64_t *at;
    size_t n;
} pairs;

/* The operand's spans in those documents, as an increasing array in the arena. */
static pm_status take_spans(pm_eval *e, const pm_found *f, const uint64_t *bits,
                            pairs *out, pm_error *err) {
    out->n = 0;
    out->at = pm_arena_alloc(&e->arena, (f->n_hits + 1) * sizeof *out->at);
    if (out->at == NULL) {
        return pm_fail_nomem(err, f->n_hits * sizeof *out->at);
    }
    size_t hit = 0;
    for (size_t d = 0; d < f->n_docs; d++) {
        bool in = pm_bits_get(bits, f->docs[d]);
        for (uint32_t i = 0; i < f->counts[d] && hit < f->n_hits; i++, hit++) {
            if (in) {
                out->at[out->n++] = (uint64_t)f->lo[hit] << 32 | f->hi[hit];
            }
        }
    }
    return PM_OK;
}

/* Both arrays as one, increasing, without repetitions. */
static pm_status merge_spans(pm_eval *e, pairs *all, const pairs *more, pm_error *err) {
    if (all->n == 0) {
        *all = *more;
        return PM_OK;
    }
    pairs out = {pm_arena_alloc(&e->arena, (all->n + more->n + 1) * sizeof(uint64_t)),
                 0};
    if (out.at == NULL) {
        return pm_fail_nomem(err, (all->n + more->n) * sizeof(uint64_t));
    }
    size_t i = 0, j = 0;
    while (i < all->n || j < more->n) {
        uint64_t x = i < all->n ? all->at[i] : UINT64_MAX,
                 y = j < more->n ? more->at[j] : UINT64_MAX;
        out.at[out.n++] = x < y ? x : y;
        i += x <= y;
        j += y <= x;
    }
    *all = out;
    return PM_OK;
}

/* Keeps spans that hold no other; one pass from the right, as pm_spans_minimal. */
static void keep_minimal(pairs *s) {
    size_t to = s->n;
    uint32_t least = UINT32_MAX;
    for (size_t i = s->n; i-- > 0;) {
        bool first_of_start = i == 0 || s->at[i - 1] >> 32 != s->at[i] >> 32;
        if (first_of_start && (uint32_t)s->at[i] < least) {
            least = (uint32_t)s->at[i];
            s->at[--to] = s->at[i];
        }
    }
    s->n -= to;
    s->at = to > 0 ? s->at + to : s->at;
}

static bool room_for(pm_found *out, size_t n) {
    return PM_GROW(out->lo, out->n_hits, out->lo_capacity, n) &&
           PM_GROW(out->hi, out->n_hits, out->hi_capacity, n) &&
           PM_GROW(out->docs, out->n_docs, out->docs_capacity, n) &&
           PM_GROW(out->counts, out->n_docs, out->counts_capacity, n);
}

static pm_status put_spans(const pm_eval *e, const pairs *s, pm_found *out,
                           pm_error *err) {
    const pm_bounds *bounds = &e->part->segment.bounds;
    pm_pos doc_end = 0;
    if (!room_for(out, s->n)) {
        return pm_fail_nomem(err, s->n * sizeof *out->lo);
    }
    for (size_t i = 0; i < s->n; i++) {
        pm_pos lo = (pm_pos)(s->at[i] >> 32);
        if (lo >= doc_end) {
            pm_unit unit = pm_bounds_unit(bounds, lo);
            if (unit == PM_END) {
                return pm_fail_corrupt(err, e->part->segment.file.blob.name,
                                       PM_NO_OFFSET, "position %u lies in no field",
                                       lo);
            }
            pm_doc doc = unit / bounds->n_fields;
            doc_end = pm_bounds_start(bounds, (doc + 1) * bounds->n_fields);
            out->docs[out->n_docs] = doc;
            out->counts[out->n_docs++] = 0;
        }
        out->counts[out->n_docs - 1]++;
        out->lo[out->n_hits] = lo;
        out->hi[out->n_hits++] = (pm_pos)s->at[i];
    }
    return PM_OK;
}

/* Minimal spans of a clause in the documents that satisfy it. */
static pm_status clause_hits(pm_eval *e, const pm_clause *c, pm_found *out,
                             pm_error *err) {
    const uint64_t **bits =
        pm_arena_array(&e->arena, e->plan->n_operands, sizeof *bits);
    pairs all = {NULL, 0}, more;
    if (bits == NULL) {
        return pm_fail_nomem(err, e->plan->n_operands * sizeof *bits);
    }
    PM_TRY(branch(e, c, e->docs[c->number], bits, err));
    for (uint32_t i = 0; i < e->plan->n_operands; i++) {
        if (bits[i] != NULL && e->found[i].n_hits > 0) {
            PM_TRY(take_spans(e, &e->found[i], bits[i], &more, err));
            PM_TRY(merge_spans(e, &all, &more, err));
        }
    }
    keep_minimal(&all);
    return put_spans(e, &all, out, err);
}

pm_status pm_eval_hits(pm_eval *e, pm_found *out, pm_error *err) {
    return clause_hits(e, e->plan->root, out, err);
}
