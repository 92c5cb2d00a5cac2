/* Keyword in context: hits with what stands left and right of them, sorted by it.
 * Public through pressmark.h. */
#ifndef PM_ANALYSIS_CONCORDANCE_H
#define PM_ANALYSIS_CONCORDANCE_H

#include "query/hits.h"

typedef enum pm_kwic_unit { PM_KWIC_CHARS, PM_KWIC_WORDS } pm_kwic_unit;
/* Sort keys: "1L".."9L", "1R".."9R", "hit", "date", "doc", a metadata column; with a
 * leading '-' falling. n_keys 0: order of hits. */
typedef struct pm_kwic_options {
    size_t width;
    pm_kwic_unit unit;
    pm_scope scope; /* cut contexts at the sentence or paragraph */
    const char *const *keys;
    size_t n_keys;
} pm_kwic_options;
/* doc, left, hit, right (STR): left has at most width characters (words) before the
 * hit, white space shown as single spaces. */
pm_status pm_hits_kwic(const pm_hits *h, const pm_kwic_options *options,
                       pm_cancel *cancel, pm_table **out, pm_error *err) PM_MUST_CHECK;

#endif
