/* An operand tied to a segment: iterators at the leaves, and which leaves could share a
 * token with another. Inner header of query/prox*.c. */
#ifndef PM_QUERY_PROX_BIND_H
#define PM_QUERY_PROX_BIND_H

#include "query/prox.h"

struct pm_bound {
    const pm_prox *prox;
    const uint8_t *fields; /* one byte a field of the segment, NULL: all */
    uint32_t n_elements, n_children;
    pm_bound_element *elements; /* leaf: one, with slop one a slot */
    /* one an element: it could share a token with another element of the operand */
    bool *tracked;
    uint32_t *longest; /* tokens of an element's longest sequence */
    struct pm_bound **children;
    pm_spans spans, other, joint; /* of the unit at hand */
    pm_list_iter *quotes;         /* QUOTE */
};

/* First unit >= target in which the operand may match; PM_END: none. */
pm_unit pm_bound_unit(pm_bound *b, const pm_segment *seg, pm_unit target);
/* Where spans are looked for: tokens [lo, hi) of a unit. */
typedef struct pm_window {
    const pm_segment *seg;
    pm_unit unit;
    pm_pos lo, hi;
    /* read the stream from lo to hi (any window); else go on with the iterators
     * (windows in increasing order) */
    bool scan;
    uint32_t n_parts; /* leaves of the query where parts are wanted, else 0 */
    pm_arena *scratch;
    pm_budget *budget;
} pm_window;
/* Every span of the operand in the window, in b->spans, settled. */
pm_status pm_bound_spans(pm_bound *b, const pm_window *w, pm_error *err) PM_MUST_CHECK;

static inline bool pm_bound_allows(const pm_bound *b, const pm_segment *seg,
                                   pm_unit u) {
    return b->fields == NULL || b->fields[u % seg->info.n_fields];
}

#endif
