/* The text left and right of a hit, cut and smoothed for one line. Inner header of
 * analysis/. */
#ifndef PM_ANALYSIS_CONTEXT_H
#define PM_ANALYSIS_CONTEXT_H

#include "analysis/concordance.h"
#include "query/hits_inner.h"

/* Appends hit i's left context, the hit and its right context to the three buffers. */
pm_status pm_context_cut(const pm_hits *h, size_t i, const pm_kwic_options *o,
                         pm_locator *l, pm_buf *left, pm_buf *hit, pm_buf *right,
                         pm_error *err) PM_MUST_CHECK;

#endif
