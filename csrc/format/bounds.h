/* Where each unit (a text field of a document) lies. Units are laid end to end, a
 * sentinel position after each.
 *
 * Section UNIT: u32 start x (n_units + 1), the last is n_positions
 *               | u32 unit that holds position 512 k, for each k */
#ifndef PM_FORMAT_BOUNDS_H
#define PM_FORMAT_BOUNDS_H

#include "base/types.h"
#include "format/container.h"

/* starts[n_units + 1], strictly increasing from 0; the last is the number of
 * positions. */
pm_status pm_bounds_write(pm_container_writer *w, const uint32_t *starts,
                          uint32_t n_units, pm_error *err) PM_MUST_CHECK;

typedef struct pm_bounds {
    const pm_container *file;
    const uint8_t *starts, *directory;
    uint32_t n_units, n_positions, n_fields;
} pm_bounds;

/* Checks sizes only, O(1). */
pm_status pm_bounds_open(pm_bounds *b, const pm_container *file, uint32_t n_docs,
                         uint32_t n_fields, uint32_t n_positions,
                         pm_error *err) PM_MUST_CHECK;
pm_status pm_bounds_verify(const pm_bounds *b, pm_cancel *cancel,
                           pm_error *err) PM_MUST_CHECK;
/* First position of a unit; n_positions for u >= n_units. */
pm_pos pm_bounds_start(const pm_bounds *b, pm_unit u);
/* Tokens of a unit are [start, end); the sentinel stands at end. */
pm_pos pm_bounds_end(const pm_bounds *b, pm_unit u);
/* The unit of a position (a sentinel belongs to the unit before it); PM_END beyond the
 * end or after damage. O(1). */
pm_unit pm_bounds_unit(const pm_bounds *b, pm_pos pos);
/* Tokens over all fields. */
uint32_t pm_bounds_doc_length(const pm_bounds *b, pm_doc d);

#endif
