/* Sets of spans in one text field, as proximity operators make them of each other:
 * every span that some assignment of tokens reaches, not only the minimal ones, for an
 * outer operator may need the longer (DESIGN section 5). */
#ifndef PM_QUERY_SPAN_H
#define PM_QUERY_SPAN_H

#include "base/arena.h"
#include "base/types.h"
#include "format/zones.h"

typedef struct pm_taken { /* tokens [lo, hi) that a leaf takes */
    pm_pos lo, hi;
} pm_taken;

/* taken: tokens of those leaves that could share one with another leaf, sorted; others
 * need no check. weight: number of tokens taken by all leaves. */
typedef struct pm_span {
    pm_pos lo, hi;
    uint32_t weight, n_taken;
    const pm_taken *taken;
    /* where each leaf of the query stands, { PM_END, PM_END } for none; NULL where
     * nobody asks */
    const pm_taken *parts;
} pm_span;

typedef struct pm_spans {
    pm_span *at;
    size_t n, capacity;
} pm_spans;
void pm_spans_release(pm_spans *s);
bool pm_spans_add(pm_spans *s, pm_span span); /* false: out of memory */

/* How two spans must stand to each other. */
typedef struct pm_rule {
    int32_t n;     /* distance at most; PM_NEAR_ANY_DISTANCE: any */
    bool ordered;  /* a ends before b begins */
    int32_t scope; /* pm_scope */
    /* of the joint span: tokens beyond those taken, at most; UINT32_MAX: any */
    uint32_t extra;
    const pm_zones *zones; /* for the scope */
    uint32_t n_parts;      /* leaves of the query, where parts are asked for; else 0 */
} pm_rule;

/* Budget of pairs in one document; shared by all operators of a query. */
typedef struct pm_budget {
    uint64_t left;
} pm_budget;

/* All joint spans of a in `a` and b in `b` (each sorted by lo, hi; all within one
 * field) that obey the rule and share no token, appended to out and settled. Arena
 * holds the taken tokens and parts. PM_LIMIT when the budget is spent. */
pm_status pm_spans_join(const pm_spans *a, const pm_spans *b, const pm_rule *rule,
                        pm_arena *arena, pm_budget *budget, pm_spans *out,
                        pm_error *err) PM_MUST_CHECK;
/* Keeps of a the minimal spans to which no span of b is near by the rule, spans of b
 * whose tokens are all a's own aside; of several entries with one span those that
 * survive. Both settled. */
pm_status pm_spans_avoid(pm_spans *a, const pm_spans *b, const pm_rule *rule,
                         pm_budget *budget, pm_error *err) PM_MUST_CHECK;
/* Sorts by (lo, hi, weight, taken) and drops repetitions; of spans that differ in parts
 * alone the one whose parts come first stays, for nothing outside can tell them
 * apart. */
void pm_spans_settle(pm_spans *s, uint32_t n_parts);
/* Order of parts: leaf by leaf, by place; a leaf that is absent comes last. */
int pm_parts_compare(const pm_taken *a, const pm_taken *b, uint32_t n);
/* Keeps the spans that contain no other: sorted by lo and by hi; repetitions dropped. s
 * must be sorted by (lo, hi). */
void pm_spans_minimal(pm_spans *s);

#endif
