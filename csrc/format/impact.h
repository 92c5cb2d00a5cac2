/* Impacts: what bounds the score of a block of documents of one list, in four bytes. Two
 * pairs (u8 tf, u8 length code); every document of the block has tf <= and length >=
 * those of one of the pairs (tf 255: or more; length code: pm_length_floor). */
#ifndef PM_FORMAT_IMPACT_H
#define PM_FORMAT_IMPACT_H

#include <stddef.h>
#include <stdint.h>

typedef struct pm_impact {
    /* tf_a >= tf_b; the two pairs may be equal */
    uint8_t tf_a, length_a, tf_b, length_b;
} pm_impact;
static inline pm_impact pm_impact_load(const uint8_t *p) {
    return (pm_impact){p[0], p[1], p[2], p[3]};
}
unsigned pm_length_code(uint32_t length); /* greatest code whose floor is <= length */
/* 3 bits of mantissa: 0..15 exact, then steps of 1/8 */
uint64_t pm_length_floor(unsigned code);

/* The tightest impact of n >= 1 documents with these tf - 1 and length codes. average:
 * tokens a document, at least 1. Cost O(n + greatest tf). */
pm_impact pm_impact_choose(const uint32_t *repeats, const uint8_t *length_codes,
                           size_t n, uint64_t average);
/* That average, of the documents of a segment. */
uint64_t pm_impact_average(uint32_t n_docs, uint32_t n_fields, uint32_t n_positions);

#endif
