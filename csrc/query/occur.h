/* Where the tokens of a leaf stand in one segment, in increasing order: iterators over
 * the positions of an id set, over the places of a sequence of tokens, and over those
 * of an element. Forward only; a seek skips blocks. Here the planner chooses how a
 * sequence is found. */
#ifndef PM_QUERY_OCCUR_H
#define PM_QUERY_OCCUR_H

#include "query/idset.h"

/* Positions of one id set: of one group through its list, of several merged beforehand,
 * of every token by counting. */
typedef struct pm_occ {
    const pm_segment *seg;
    const pm_idset *ids;
    pm_list_iter *list;     /* one group */
    const uint32_t *merged; /* several groups */
    uint32_t n_merged, at;
    pm_pos pos; /* current position, PM_END at the end */
} pm_occ;

/* Stands on the first position. Arena memory: 2 KB, or 4 bytes a token of the set. */
pm_status pm_occ_init(pm_occ *o, const pm_segment *seg, const pm_idset *ids,
                      pm_arena *arena, pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;
/* First position >= target (never backward). */
pm_pos pm_occ_seek(pm_occ *o, pm_pos target);

/* The planner's arms for tokens in a row, and the constants it chooses by (nanoseconds,
 * measured: docs/ARCHITECTURE.md). */
typedef enum pm_arm {
    /* walk the rarest token's positions, look at its neighbours in the stream */
    PM_ARM_STREAM,
    PM_ARM_MERGE /* walk the rarest, seek in the positions of each other */
} pm_arm;
/* Tests and benchmarks force one: PRESSMARK_ARM=stream|merge. */
pm_arm pm_plan_sequence(const pm_idset *sets, uint32_t n, uint32_t rarest);

typedef struct pm_bound_sequence {
    uint32_t n, rarest;
    pm_arm arm;
    const pm_idset *sets; /* n */
    pm_occ *occs;         /* STREAM: of the rarest alone, at [rarest]; MERGE: all */
    const pm_segment *seg;
    pm_pos pos; /* start of the current place, PM_END at the end */
} pm_bound_sequence;

/* One of several sequences: places as spans [pos, end), by start, then end. */
typedef struct pm_bound_element {
    uint32_t n;
    pm_bound_sequence *sequences;
    pm_pos pos, end;
    uint64_t cost;   /* about the number of places looked at by walking it whole */
    bool one_length; /* all sequences have the same number of tokens */
} pm_bound_element;

/* Resolves and stands on the first place. */
pm_status pm_element_bind(pm_bound_element *b, const pm_segment *seg,
                          const pm_element *e, const pm_limits *limits, pm_arena *arena,
                          pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;
/* First place that starts at or after target; next place. They return its start. */
pm_pos pm_element_seek(pm_bound_element *b, pm_pos target);
pm_pos pm_element_next(pm_bound_element *b);
/* Whether a token could take part in both. */
bool pm_elements_meet(const pm_bound_element *a, const pm_bound_element *b);

#endif
