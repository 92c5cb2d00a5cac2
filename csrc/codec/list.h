/* A strictly increasing list of u32 (positions, documents, interval starts), in blocks
 * that can be skipped.
 *
 *   blocks of PM_BLOCK gaps - 1 (codec/block.h), the first gap from "-1"
 *   | for each block but the first { u32 base, u32 offset }
 *     base: last value of the block before; offset: of the block, in the list
 *
 * The table ends the list, so that a writer need not hold the blocks: readers must know
 * where exactly the list ends. The count n is stored by whoever holds the list.
 * Optionally each block is followed by a second block of as many "payload" integers
 * (term frequencies - 1, interval lengths - 1): n_columns is 2 then. Readers borrow the
 * bytes. */
#ifndef PM_CODEC_LIST_H
#define PM_CODEC_LIST_H

#include "codec/block.h"

/* payload may be NULL (one column). values strictly increasing, each <= 0xfffffffe. */
void pm_list_encode(pm_buf *out, const uint32_t *values, const uint32_t *payload,
                    size_t n);

/* The same for values as they come: begin, put in pieces of any size, end. Blocks are
 * appended to out once they are full; the caller may empty out between calls. Holds two
 * blocks and 8 bytes for each block that is out. A failure is out's (at the latest with
 * end). */
typedef struct pm_list_writer {
    bool has_payload;
    uint32_t n, held; /* values of the list; those of them not yet in a block */
    uint32_t last;    /* value before those that are held */
    uint64_t bytes;   /* of the blocks */
    pm_buf table;
    uint32_t values[PM_BLOCK], payload[PM_BLOCK];
} pm_list_writer;

void pm_list_writer_init(pm_list_writer *l);
void pm_list_writer_release(pm_list_writer *l);
void pm_list_begin(pm_list_writer *l, bool has_payload);
/* payload: as many as values; not looked at where the list has none. */
void pm_list_put(pm_list_writer *l, pm_buf *out, const uint32_t *values,
                 const uint32_t *payload, size_t n);
/* Another list may be begun then. */
void pm_list_end(pm_list_writer *l, pm_buf *out);

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
    return blocks * 2 * (uint64_t)n_columns + (n > PM_BLOCK ? 8 * (blocks - 1) : 0);
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
