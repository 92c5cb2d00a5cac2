/* One operand (a leaf, or words near words) in one segment: the documents that match
 * it, how often, and every minimal span. */
#ifndef PM_QUERY_PROX_H
#define PM_QUERY_PROX_H

#include "query/occur.h"
#include "query/plan.h"
#include "query/span.h"

/* What is found, in the order of the segment. Arrays are pm_alloc'ed, grown as
 * needed. */
typedef struct pm_found {
    uint32_t *docs, *counts; /* documents of the segment, and hits in each */
    size_t n_docs, docs_capacity, counts_capacity;
    pm_pos *lo, *hi; /* spans, where kept */
    size_t n_hits, lo_capacity, hi_capacity;
} pm_found;
void pm_found_release(pm_found *f);

typedef enum pm_want {
    /* documents alone: a document is left at its first hit, counts are 1 */
    PM_WANT_DOCS,
    PM_WANT_COUNTS, /* documents and hits in each */
    PM_WANT_SPANS   /* and the spans */
} pm_want;

/* An operand tied to a segment, its iterators at their first places. Arena memory but
 * for the spans, which pm_bound_release frees. */
typedef struct pm_bound pm_bound;
pm_status pm_prox_bind(const pm_plan *plan, const pm_part *part, const pm_prox *root,
                       pm_arena *arena, pm_cancel *cancel, pm_bound **out,
                       pm_error *err) PM_MUST_CHECK;
void pm_bound_release(pm_bound *b);
/* About the number of places that a run looks at. */
uint64_t pm_bound_cost(const pm_bound *b);
/* The stem group whose document list answers for the operand: it is one word, and the
 * group is all of it. */
bool pm_bound_group(const pm_bound *b, pm_group *out);

/* Walks the operand once. skipped: one bit a document, set where it has more pairs of spans
 * than the limit; NULL: that is PM_LIMIT. allowed: one bit a document of the segment, set where hits
 * are wanted; NULL: all. */
pm_status pm_prox_run(const pm_plan *plan, const pm_part *part, pm_bound *b,
                      const uint64_t *allowed, uint64_t *skipped, pm_want want,
                      pm_cancel *cancel, pm_found *out, pm_error *err) PM_MUST_CHECK;

#endif
