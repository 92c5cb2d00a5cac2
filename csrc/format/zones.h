/* Sentences, paragraphs and quotations as intervals of positions.
 *
 * Section SENT: bits over positions (codec/bitset.h), set at each sentence's first
 *               token and at each sentinel
 * Section PARA: bits over sentence starts (by rank), set where one starts a paragraph
 *               (sentinels do)
 * Section QUOT: u32 n | list of first positions with payload length - 1
 *               (codec/list.h) */
#ifndef PM_FORMAT_ZONES_H
#define PM_FORMAT_ZONES_H

#include "base/types.h"
#include "codec/bitset.h"
#include "codec/list.h"
#include "format/container.h"

typedef enum pm_zone { PM_ZONE_SENTENCE, PM_ZONE_PARAGRAPH, PM_ZONE_QUOTE } pm_zone;

typedef struct pm_zones_data {
    uint32_t n_positions;
    const uint64_t *sentences; /* bits over positions */
    /* bits over positions, a subset of sentences; or, by_sentence, over the set bits of
     * sentences, in order */
    const uint64_t *paragraphs;
    const uint32_t *quote_starts, *quote_lengths;
    uint32_t n_quotes;
    bool by_sentence;
} pm_zones_data;
/* What the writer keeps, for scratch: a bit a sentence. */
pm_status pm_zones_write(pm_container_writer *w, const pm_zones_data *data,
                         pm_error *err) PM_MUST_CHECK;

typedef struct pm_zones {
    const pm_container *file;
    pm_bitmap sentences, paragraphs;
    pm_list quotes;
    uint32_t n_positions;
} pm_zones;

pm_status pm_zones_open(pm_zones *z, const pm_container *file, uint32_t n_positions,
                        pm_error *err) PM_MUST_CHECK;
pm_status pm_zones_verify(const pm_zones *z, pm_cancel *cancel,
                          pm_error *err) PM_MUST_CHECK;
/* The interval [*lo, *hi) of that zone that holds pos; false where there is none.
 * Sentence and paragraph: O(1) mostly. Quote: O(log), through *it when given (positions
 * asked in increasing order), which must be initialised on z->quotes. */
bool pm_zone_at(const pm_zones *z, pm_zone zone, pm_pos pos, pm_list_iter *it,
                pm_pos *lo, pm_pos *hi);

#endif
