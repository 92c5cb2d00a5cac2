/* A plan in one segment: which documents satisfy each clause, what each operand found,
 * and the hits of the whole. */
#ifndef PM_QUERY_EVAL_H
#define PM_QUERY_EVAL_H

#include "query/prox.h"

typedef struct pm_eval {
    const pm_plan *plan;
    const pm_part *part;
    pm_arena arena;
    pm_bound **bounds; /* one an operand */
    /* one an operand: over the documents that were still possible when it was run */
    pm_found *found;
    /* one a clause: bits of the documents that satisfy it, among those asked for */
    uint64_t **docs;
    uint64_t *
        skipped; /* documents beyond the limit of pairs, where they are to be skipped */
    size_t n_words; /* of each */
    pm_cancel *cancel;
} pm_eval;

/* allowed: bits of live documents, NULL for all of them. prune: operands of an AND are run on what
 * the cheaper ones left (their counts are then not those of the whole segment).
 * pm_eval_release also after failure. */
pm_status pm_eval_run(pm_eval *e, const pm_plan *plan, const pm_part *part,
                      const uint64_t *allowed, bool prune, pm_want want,
                      pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;
void pm_eval_release(pm_eval *e);
const uint64_t *pm_eval_docs(const pm_eval *e); /* of the whole query */
/* Bits of documents in which operand i gives hits: through branches that the document
 * satisfies. Arena memory, NULL: none. */
pm_status pm_eval_branches(pm_eval *e, const uint64_t **bits,
                           pm_error *err) PM_MUST_CHECK;
/* Minimal spans of the whole query, in order, appended to out (docs and counts too).
 * Needs PM_WANT_SPANS. */
pm_status pm_eval_hits(pm_eval *e, pm_found *out, pm_error *err) PM_MUST_CHECK;

#endif
