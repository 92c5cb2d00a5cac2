/* An operand tied to a segment: iterators at the leaves, and which leaves could share a token with another. Inner header of
 * query/prox*.c. */
#ifndef PM_QUERY_PROX_BIND_H
#define PM_QUERY_PROX_BIND_H

#include "query/prox.h"

typedef struct pm_bound {
    const pm_prox *prox;
    const uint8_t *fields; /* one byte a field of the segment, NULL: all */
    uint32_t n_elements, n_children;
    pm_bound_element *elements; /* leaf: one, with slop one a slot */
    bool *tracked;              /* one an element: it could share a token with another element of the operand */
    uint32_t *longest;          /* tokens of an element's longest sequence */
    struct pm_bound **children;
    pm_spans spans, other, joint; /* of the unit at hand */
} pm_bound;

/* Everything but the spans is arena's; pm_bound_release frees the spans. */
pm_status pm_prox_bind(const pm_plan *plan, const pm_part *part, const pm_prox *root, pm_arena *arena, pm_cancel *cancel,
                       pm_bound **out, pm_error *err) PM_MUST_CHECK;
void pm_bound_release(pm_bound *b);

/* First unit >= target in which the operand may match; PM_END: none. */
pm_unit pm_bound_unit(pm_bound *b, const pm_segment *seg, pm_unit target);
/* Every span of the operand in the unit, in b->spans, sorted. Units must be asked for in increasing order. */
pm_status pm_bound_spans(pm_bound *b, const pm_segment *seg, pm_unit unit, pm_arena *scratch, pm_budget *budget, pm_error *err) PM_MUST_CHECK;

static inline bool pm_bound_allows(const pm_bound *b, const pm_segment *seg, pm_unit u) {
    return b->fields == NULL || b->fields[u % seg->info.n_fields];
}

#endif
