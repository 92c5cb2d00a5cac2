/* One operand (a leaf, or words near words) in one segment: the documents that match it, how often, and every minimal span. */
#ifndef PM_QUERY_PROX_H
#define PM_QUERY_PROX_H

#include "query/occur.h"
#include "query/plan.h"
#include "query/span.h"

/* What is found, in the order of the segment. Arrays are pm_alloc'ed, grown as needed. */
typedef struct pm_found {
    uint32_t *docs, *counts; /* documents of the segment, and hits in each */
    size_t n_docs, docs_capacity, counts_capacity;
    pm_pos *lo, *hi;         /* spans, where kept */
    size_t n_hits, lo_capacity, hi_capacity;
} pm_found;
void pm_found_release(pm_found *f);

typedef enum pm_want {
    PM_WANT_DOCS,   /* documents alone: a document is left at its first hit, counts are 1 */
    PM_WANT_COUNTS, /* documents and hits in each */
    PM_WANT_SPANS   /* and the spans */
} pm_want;

/* allowed: one bit a document of the segment, set where hits are wanted; NULL: all. Everything temporary is arena's. */
pm_status pm_prox_run(const pm_plan *plan, const pm_part *part, const pm_prox *root, const uint64_t *allowed, pm_want want,
                      pm_arena *arena, pm_cancel *cancel, pm_found *out, pm_error *err) PM_MUST_CHECK;

/* Whether the operand is one stem group with nothing left out, so that its document list answers for it. */
bool pm_prox_is_group(const pm_plan *plan, const pm_part *part, const pm_prox *root, pm_arena *arena, pm_group *out);

#endif
