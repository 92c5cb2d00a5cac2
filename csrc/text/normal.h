/* Unicode normalisation and case folding by utf8proc, within memory of the core's own.
 * Private to csrc/text. */
#ifndef PM_TEXT_NORMAL_H
#define PM_TEXT_NORMAL_H

#include "base/buffer.h"

/* Code points of a string that is worked on. Small ones stay in the struct. */
typedef struct pm_points {
    int32_t *at;
    size_t n, capacity;
    int32_t inside[512];
} pm_points;

void pm_points_init(pm_points *p);
void pm_points_release(pm_points *p);

/* Sets p to the canonical decomposition of utf8 (valid), case-folded (full folding) if
 * fold. PM_NOMEM. */
pm_status pm_points_decompose(pm_points *p, const uint8_t *utf8, size_t n, bool fold,
                              pm_error *err) PM_MUST_CHECK;
/* Composes p (canonically: NFC) and appends it as UTF-8. PM_NOMEM. */
pm_status pm_points_compose(pm_points *p, pm_buf *out, pm_error *err) PM_MUST_CHECK;
/* The code point that two compose to, or 0. */
uint32_t pm_compose_pair(uint32_t base, uint32_t mark);
/* Whether bytes are ASCII alone. */
bool pm_is_ascii(const uint8_t *p, size_t n);

#endif
