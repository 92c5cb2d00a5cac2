/* Three ways to walk an operand: a single leaf by its places, two leaves that share no
 * token by merging their places, anything else unit by unit with sets of spans
 * (query/span.h), which is the definition of the other two. */
#include "query/prox.h"

#include <string.h>

#include "base/sys.h"
#include "codec/cpu.h"
#include "query/prox_bind.h"

void pm_found_release(pm_found *f) {
    pm_free(f->docs);
    pm_free(f->counts);
    pm_free(f->lo);
    pm_free(f->hi);
    *f = (pm_found){0};
}

typedef struct runner {
    const pm_plan *plan;
    const pm_segment *seg;
    const uint64_t *allowed;
    uint64_t *skipped;
    pm_want want;
    pm_cancel *cancel;
    pm_found *out;
    pm_error *err;
    pm_doc doc;      /* of the last unit looked up */
    pm_pos unit_end; /* its end */
    pm_unit unit;
} runner;

static pm_status add_doc(runner *r, pm_doc doc) {
    pm_found *f = r->out;
    if (f->n_docs > 0 && f->docs[f->n_docs - 1] == doc) {
        f->counts[f->n_docs - 1]++;
        return PM_OK;
    }
    if (!PM_GROW(f->docs, f->n_docs, f->docs_capacity, 1) ||
        !PM_GROW(f->counts, f->n_docs, f->counts_capacity, 1)) {
        return pm_fail_nomem(r->err, f->n_docs * sizeof *f->docs);
    }
    f->docs[f->n_docs] = doc;
    f->counts[f->n_docs++] = 1;
    return PM_OK;
}

static pm_status add_hit(runner *r, pm_doc doc, pm_pos lo, pm_pos hi) {
    pm_found *f = r->out;
    PM_TRY(add_doc(r, doc));
    if (r->want != PM_WANT_SPANS) {
        return PM_OK;
    }
    if (!PM_GROW(f->lo, f->n_hits, f->lo_capacity, 1) ||
        !PM_GROW(f->hi, f->n_hits, f->hi_capacity, 1)) {
        return pm_fail_nomem(r->err, f->n_hits * sizeof *f->lo);
    }
    f->lo[f->n_hits] = lo;
    f->hi[f->n_hits++] = hi;
    return PM_OK;
}

/* First allowed document >= doc, PM_END if none. */
static pm_doc next_allowed(const runner *r, pm_doc doc) {
    uint32_t n = r->seg->info.n_docs;
    pm_doc next = pm_bits_next(r->allowed, n, doc);
    return next < n ? next : PM_END;
}

static bool is_allowed(const runner *r, pm_doc doc) {
    return r->allowed == NULL || pm_bits_get(r->allowed, doc);
}

/* Looks up the unit of p where it is not the one at hand. */
static bool find_unit(runner *r, pm_pos p) {
    if (p < r->unit_end) {
        return true;
    }
    r->unit = pm_bounds_unit(&r->seg->bounds, p);
    if (r->unit == PM_END) {
        return false;
    }
    r->unit_end = pm_bounds_end(&r->seg->bounds, r->unit);
    r->doc = r->unit / r->seg->info.n_fields;
    return true;
}

/* Where to go on after position p of a document that is done with: the start of the
 * next allowed one, and in damaged bounds forward. */
static pm_pos after_doc(const runner *r, pm_pos p) {
    pm_doc next = r->allowed == NULL ? r->doc + 1 : next_allowed(r, r->doc + 1);
    if (next == PM_END || next >= r->seg->info.n_docs) {
        return PM_END;
    }
    pm_pos start = pm_bounds_start(&r->seg->bounds, next * r->seg->info.n_fields);
    return start > p ? start : p + 1;
}

static pm_status interrupted(const runner *r) {
    return pm_fail(r->err, PM_CANCELLED, "interrupted");
}

/* ---- arm: one stem group, and nobody asks for places: its document list ---- */

static bool has_doc_list(const pm_bound *b, const pm_segment *seg, pm_list *out) {
    pm_group group;
    const uint8_t *impacts;
    return pm_bound_group(b, &group) &&
           pm_postings_docs(&seg->postings, group, out, &impacts);
}

static pm_status run_docs(runner *r, pm_list docs) {
    pm_list_iter it;
    pm_list_iter_init(&it, docs);
    for (pm_doc doc = pm_list_iter_value(&it); doc < r->seg->info.n_docs;
         doc = pm_list_iter_next(&it)) {
        if (pm_cancel_tick(r->cancel, 5)) {
            return interrupted(r);
        }
        if (is_allowed(r, doc)) {
            PM_TRY(add_doc(r, doc));
            r->out->counts[r->out->n_docs - 1] =
                r->want == PM_WANT_DOCS ? 1 : pm_list_iter_payload(&it) + 1;
        }
    }
    return PM_OK;
}

/* ---- arm: one leaf of one element and one length ----
 * Every place is a minimal span. */

static pm_status run_leaf(runner *r, pm_bound *b) {
    pm_bound_element *e = &b->elements[0];
    pm_pos p = e->pos;
    while (p != PM_END) {
        if (!find_unit(r, p)) {
            break;
        }
        if (pm_cancel_tick(r->cancel, 10)) {
            return interrupted(r);
        }
        if (!is_allowed(r, r->doc)) {
            p = pm_element_seek(e, after_doc(r, p));
            continue;
        }
        if (!pm_bound_allows(b, r->seg, r->unit)) {
            p = pm_element_seek(e, r->unit_end > p ? r->unit_end : p + 1);
            continue;
        }
        PM_TRY(add_hit(r, r->doc, p, e->end));
        p = r->want == PM_WANT_DOCS ? pm_element_seek(e, after_doc(r, p))
                                    : pm_element_next(e);
    }
    return PM_OK;
}

/* ---- arm: two leaves that share no token ----
 * In the order of their places, neighbours of different leaves are the minimal spans,
 * for any other pair holds a closer one. */

typedef struct place {
    pm_pos lo, hi;
    int side; /* 0, 1; -1: none yet */
} place;

static bool pair_fits(const runner *r, const pm_node *near, const place *first,
                      const place *second) {
    if (near->ordered && first->side != 0) {
        return false;
    }
    if (near->n != PM_NEAR_ANY_DISTANCE &&
        second->lo - (first->hi - 1) > (uint32_t)near->n) {
        return false;
    }
    pm_pos from, to;
    pm_zone zone =
        near->scope == PM_SCOPE_SENTENCE ? PM_ZONE_SENTENCE : PM_ZONE_PARAGRAPH;
    return near->scope == PM_SCOPE_FIELD ||
           (pm_zone_at(&r->seg->zones, zone, first->lo, NULL, &from, &to) &&
            second->hi <= to);
}

/* Adds the pair where it lies in one unit of an allowed document. */
static pm_status add_pair(runner *r, pm_bound *b, const place *first,
                          const place *second) {
    if (!find_unit(r, first->lo) || second->hi > r->unit_end ||
        !is_allowed(r, r->doc) || !pm_bound_allows(b->children[0], r->seg, r->unit) ||
        !pm_bound_allows(b->children[1], r->seg, r->unit)) {
        return PM_OK;
    }
    return add_hit(r, r->doc, first->lo, second->hi);
}

/* Where the side that is behind goes on: at its next place, or at the first from which
 * the other's is within reach. */
static void pass(pm_bound_element *behind, pm_pos other, const pm_node *near) {
    pm_pos len = behind->end - behind->pos, next = behind->pos + 1;
    uint64_t reach = (uint64_t)(uint32_t)near->n + len - 1;
    if (near->n != PM_NEAR_ANY_DISTANCE && other != PM_END && other > reach &&
        other - (pm_pos)reach > next) {
        pm_element_seek(behind, other - (pm_pos)reach);
    } else {
        pm_element_next(behind);
    }
}

static pm_status run_pair(runner *r, pm_bound *b) {
    pm_bound_element *sides[2] = {&b->children[0]->elements[0],
                                  &b->children[1]->elements[0]};
    const pm_node *near = b->prox->node;
    place last = {0, 0, -1};
    for (;;) {
        int side = sides[1]->pos < sides[0]->pos;
        place here = {sides[side]->pos, sides[side]->end, side};
        if (here.lo == PM_END ||
            (sides[!side]->pos == PM_END && (last.side == -1 || last.side == side))) {
            return PM_OK;
        }
        if (pm_cancel_tick(r->cancel, 10)) {
            return interrupted(r);
        }
        if (last.side == !side && pair_fits(r, near, &last, &here)) {
            PM_TRY(add_pair(r, b, &last, &here));
        }
        last = here;
        pass(sides[side], sides[!side]->pos, near);
    }
}

/* ---- arm: any operand, unit by unit ---- */

static pm_status too_many(const runner *r, pm_doc doc) {
    pm_buf key;
    pm_buf_init(&key);
    bool named = pm_keys_get(&r->seg->keys, doc, &key);
    pm_status status = pm_fail(r->err, PM_LIMIT,
                               "document '%.*s' has more than %llu pairs of spans for "
                               "this query; narrow it or raise pm.limits.pairs",
                               named ? (int)(key.n < 200 ? key.n : 200) : 1,
                               named ? (const char *)key.p : "?",
                               (unsigned long long)r->plan->limits.pairs);
    pm_buf_release(&key);
    return status;
}

static pm_status add_spans(runner *r, pm_bound *b, pm_doc doc) {
    pm_spans_minimal(&b->spans);
    for (size_t i = 0; i < b->spans.n; i++) {
        PM_TRY(add_hit(r, doc, b->spans.at[i].lo, b->spans.at[i].hi));
    }
    return PM_OK;
}

static pm_status run_units(runner *r, pm_bound *b, pm_arena *scratch) {
    uint32_t n_fields = r->seg->info.n_fields;
    pm_budget budget = {0};
    pm_doc budget_doc = PM_END;
    pm_unit u = pm_bound_unit(b, r->seg, 0);
    while (u != PM_END) {
        pm_doc doc = u / n_fields;
        if (pm_cancel_tick(r->cancel, 200)) {
            return interrupted(r);
        }
        if (!is_allowed(r, doc)) {
            pm_doc next = next_allowed(r, doc);
            u = next == PM_END ? PM_END : pm_bound_unit(b, r->seg, next * n_fields);
            continue;
        }
        if (doc != budget_doc) {
            budget.left = r->plan->limits.pairs;
            budget_doc = doc;
        }
        pm_arena_reset(scratch);
        pm_window w = {.seg = r->seg,
                       .unit = u,
                       .lo = pm_bounds_start(&r->seg->bounds, u),
                       .hi = pm_bounds_end(&r->seg->bounds, u),
                       .scratch = scratch,
                       .budget = &budget};
        pm_status status = pm_bound_spans(b, &w, r->err);
        bool beyond = status == PM_LIMIT;
        if (beyond && r->skipped == NULL) {
            return too_many(r, doc);
        }
        if (beyond) {
            pm_bits_set(r->skipped, doc);
            b->spans.n = 0;
        } else {
            PM_TRY(status);
        }
        bool done = beyond || (r->want == PM_WANT_DOCS && b->spans.n > 0);
        PM_TRY(add_spans(r, b, doc));
        u = pm_bound_unit(b, r->seg, done ? (doc + 1) * n_fields : u + 1);
    }
    return PM_OK;
}

static bool is_single(const pm_bound *b) {
    return b->prox->kind == PM_PROX_LEAF && b->n_elements == 1 &&
           b->elements[0].one_length;
}

static bool is_disjoint_pair(const pm_bound *b) {
    return b->prox->kind == PM_PROX_NEAR && is_single(b->children[0]) &&
           is_single(b->children[1]) && !b->children[0]->tracked[0] &&
           !b->children[1]->tracked[0];
}

/* Merging two lists reads all of both; unit by unit, what is not allowed is leapt over.
 * On the news of docs/ARCHITECTURE.md the two cost the same where 3 documents in 10 are
 * allowed; where all but 1 % are, merging takes half the time. */
static bool allows_many(const runner *r) {
    uint32_t n = r->seg->info.n_docs;
    return r->allowed == NULL ||
           10 * pm_kernels_get()->popcount(r->allowed, pm_bits_words(n)) >=
               3 * (uint64_t)n;
}

pm_status pm_prox_run(const pm_plan *plan, const pm_part *part, pm_bound *b,
                      const uint64_t *allowed, uint64_t *skipped, pm_want want,
                      pm_cancel *cancel, pm_found *out, pm_error *err) {
    runner r = {.plan = plan,
                .seg = &part->segment,
                .allowed = allowed,
                .skipped = skipped,
                .want = want,
                .cancel = cancel,
                .out = out,
                .err = err};
    pm_list docs;
    if (want != PM_WANT_SPANS && has_doc_list(b, r.seg, &docs)) {
        return run_docs(&r, docs);
    }
    if (is_single(b)) {
        return run_leaf(&r, b);
    }
    if (is_disjoint_pair(b) && allows_many(&r)) {
        return run_pair(&r, b);
    }
    pm_arena scratch;
    pm_arena_init(&scratch);
    pm_status status = run_units(&r, b, &scratch);
    pm_arena_release(&scratch);
    return status;
}
