/* From token positions to the original text: the text of a unit is read and tokenised
 * again from the nearest checkpoint. Asked in the order of the text it reads each block
 * and each token about once. One locator a thread. */
#ifndef PM_QUERY_LOCATE_H
#define PM_QUERY_LOCATE_H

#include "index/snapshot.h"
#include "text/tokenizer.h"

typedef struct pm_locator {
    const pm_snapshot *snapshot;
    const pm_part *part; /* of the unit at hand, NULL before the first */
    pm_text_reader *reader;
    pm_unit unit;
    pm_pos unit_start;
    pm_buf text; /* of the unit, valid UTF-8 */
    pm_pos pos;  /* the token that `token` is */
    pm_token token;
    bool has_token;
    size_t counted_bytes; /* code points before this byte: counted_points */
    int64_t counted_points;
} pm_locator;

typedef struct pm_place { /* of a span, in the unit's text */
    size_t start_byte, end_byte;
    int64_t start, end; /* code points */
} pm_place;

void pm_locator_init(pm_locator *l, const pm_snapshot *snapshot);
void pm_locator_release(pm_locator *l);
/* Tokens [lo, hi), lo < hi, of one unit. Where the index keeps no text: start and end
 * are token numbers in the field, bytes 0 and the text empty. l->text is that of the
 * unit until the next call. */
pm_status pm_locate(pm_locator *l, const pm_part *part, pm_unit unit, pm_pos lo,
                    pm_pos hi, pm_place *out, pm_error *err) PM_MUST_CHECK;
/* The unit's text alone. */
pm_status pm_locator_text(pm_locator *l, const pm_part *part, pm_unit unit,
                          pm_error *err) PM_MUST_CHECK;

#endif
