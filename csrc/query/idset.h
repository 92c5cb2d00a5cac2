/* What a matcher is in one segment: a set of lexicon ids, as sorted disjoint ranges,
 * with the stem groups whose position lists hold them. Membership of a token is one
 * subtract and one compare for the usual single range. */
#ifndef PM_QUERY_IDSET_H
#define PM_QUERY_IDSET_H

#include "base/task.h"
#include "index/snapshot.h"
#include "query/match.h"
#include "query/parse.h"

typedef struct pm_idset {
    bool any; /* every token */
    uint32_t n_ranges;
    pm_range *ranges; /* sorted, disjoint, not touching, not empty */
    uint64_t *bits;   /* one bit an id where there are many ranges, else NULL */
    uint32_t n_ids;   /* size of bits */
    uint32_t n_groups;
    pm_group *groups; /* increasing; exactly those that have an id of the set */
    /* the ranges are those of the groups: positions need no look into the stream */
    bool whole;
    uint64_t count; /* tokens of the segment in the set, deleted ones too */
} pm_idset;

/* Arena memory. PM_LIMIT beyond limits->expansions forms. */
pm_status pm_idset_resolve(const pm_segment *seg, const pm_matcher *m,
                           const pm_limits *limits, pm_arena *arena, pm_cancel *cancel,
                           pm_idset *out, pm_error *err) PM_MUST_CHECK;
bool pm_idset_search(const pm_idset *s, pm_id id);
static inline bool pm_idset_has(const pm_idset *s, pm_id id) {
    if (s->n_ranges == 1) {
        return id - s->ranges[0].lo < s->ranges[0].hi - s->ranges[0].lo;
    }
    return pm_idset_search(s, id);
}
/* Whether some token could be in both. */
bool pm_idset_meet(const pm_idset *a, const pm_idset *b);
/* Live tokens of the forms that a name stands for which it leaves out (lower case): for
 * the note. */
uint64_t pm_matcher_left_out(const pm_part *part, const pm_matcher *m, pm_buf *scratch);

#endif
