/* A strictly increasing list of u32 (positions, documents, interval starts), in blocks
 * that can be skipped.
 *
 *   if n > PM_BLOCK: ceil(n / PM_BLOCK) entries { u32 base, u32 offset }
 *                    base: last value of the block before (first block: 0xffffffff,
 *                    that is "-1"); offset: of the block from the end of this table
 *   blocks of gaps - 1 (codec/block.h), the first gap from "-1"
 *
 * The count n is stored by whoever holds the list. Optionally each block is followed by
 * a second block of as many "payload" integers (term frequencies - 1, interval lengths
 * - 1): n_columns is 2 then. Readers borrow the bytes. */
#ifndef PM_CODEC_LIST_H
#define PM_CODEC_LIST_H

#include "codec/block.h"

/* payload may be NULL (one column). values strictly increasing, each <= 0xfffffffe. */
void pm_list_encode(pm_buf *out, const uint32_t *values, const uint32_t *payload,
                    size_t n);

typedef struct pm_list { /* immutable view; copies are free */
    pm_bytes bytes;
    uint32_t n;
    bool has_payload;
} pm_list;

/* Bytes below which no list of n can be: what a reader checks before it believes a
 * count from a file, so that room for the decoded values stays within about 100 times
 * the file. */
static inline uint64_t pm_list_least_bytes(uint64_t n, unsigned n_columns) {
    uint64_t blocks = (n + PM_BLOCK - 1) / PM_BLOCK;
    return blocks * ((n > PM_BLOCK ? 8 : 0) + 2 * (uint64_t)n_columns);
}

/* Walks a list forward. After damage: at the end, with bad set. About 2 KB; lives on
 * the stack or in an arena. */
typedef struct pm_list_iter {
    pm_list list;
    uint32_t block, n_blocks; /* decoded block, n_blocks before the first */
    uint32_t at, count;       /* within the decoded block */
    bool bad, payload_decoded;
    const uint8_t *payload_at; /* where the payload block starts, or NULL */
    uint32_t values[PM_BLOCK];
    uint32_t payload[PM_BLOCK];
} pm_list_iter;

/* The list's bytes are borrowed. */
void pm_list_iter_init(pm_list_iter *it, pm_list list);
/* Current value, UINT32_MAX at the end or before the first advance of an empty list.
 * init stands on the first value. */
static inline uint32_t pm_list_iter_value(const pm_list_iter *it) {
    return it->at < it->count ? it->values[it->at] : UINT32_MAX;
}
/* Payload of the current value; decodes that block on first use. */
uint32_t pm_list_iter_payload(pm_list_iter *it);
/* False at the end or after damage. */
bool pm_list_iter_load(pm_list_iter *it, uint32_t block);
static inline uint32_t pm_list_iter_next(pm_list_iter *it) {
    if (++it->at >= it->count && !pm_list_iter_load(it, it->block + 1)) {
        return UINT32_MAX;
    }
    return it->values[it->at];
}
/* Moves to the first value >= target (never backward) and returns it. Cost O(log blocks
 * + one block decoded). */
uint32_t pm_list_iter_advance(pm_list_iter *it, uint32_t target);
/* Rank of the current value in the list, n at the end. */
uint32_t pm_list_iter_rank(const pm_list_iter *it);
/* Decodes all n values to out (room: n rounded up to PM_BLOCK). False after damage: not
 * increasing, or not n values. */
bool pm_list_decode(pm_list list, uint32_t *out);
/* Number of values < target. Sets *bad after damage, and never clears it. */
uint32_t pm_list_rank(pm_list list, uint32_t target, bool *bad);

#endif
