/* Bit sets over [0, n), as words in memory and as bytes in a file with rank counts.
 *
 * On file: u64 words (n rounded up), then one u32 for each 512 bits: set bits before
 * it. */
#ifndef PM_CODEC_BITSET_H
#define PM_CODEC_BITSET_H

#include "base/cursor.h"

static inline size_t pm_bits_words(uint64_t n_bits) {
    return (size_t)((n_bits + 63) / 64);
}
static inline void pm_bits_set(uint64_t *words, uint64_t i) {
    words[i >> 6] |= UINT64_C(1) << (i & 63);
}
static inline bool pm_bits_get(const uint64_t *words, uint64_t i) {
    return (words[i >> 6] >> (i & 63)) & 1;
}

/* First set bit i >= from, n_bits where there is none. */
static inline uint32_t pm_bits_next(const uint64_t *words, uint32_t n_bits,
                                    uint32_t from) {
    while (from < n_bits) {
        uint64_t word = words[from >> 6] >> (from & 63);
        if (word != 0) {
            from += (uint32_t)__builtin_ctzll(word);
            return from < n_bits ? from : n_bits;
        }
        from = (from | 63) + 1;
    }
    return n_bits;
}

/* A view of a bit set on file, checked once by pm_bitmap_open: length right. Ranks are
 * checked by pm_bitmap_verify. */
typedef struct pm_bitmap {
    const uint8_t *words; /* 8 bytes each, any alignment */
    const uint8_t *ranks;
    uint64_t n_bits, n_ones;
} pm_bitmap;

void pm_bitmap_encode(pm_buf *out, const uint64_t *words, uint64_t n_bits);
/* False: the size is not that of n_bits. */
bool pm_bitmap_open(pm_bytes bytes, uint64_t n_bits, pm_bitmap *out);
bool pm_bitmap_verify(const pm_bitmap *b);          /* every rank recomputed */
bool pm_bitmap_get(const pm_bitmap *b, uint64_t i); /* i >= n_bits: false */
/* Ones in [0, min(i, n_bits)). */
uint64_t pm_bitmap_rank(const pm_bitmap *b, uint64_t i);
/* Last set bit <= i, or UINT64_MAX; first set bit >= i, or n_bits. */
uint64_t pm_bitmap_before(const pm_bitmap *b, uint64_t i);
uint64_t pm_bitmap_after(const pm_bitmap *b, uint64_t i);

#endif
