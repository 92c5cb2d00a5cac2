/* Arrays of unsigned integers on file, read in place with O(1) access: of one bit
 * width, of one width for each 64 values, and increasing starts as a bit map. No value
 * read from them is trusted: an index beyond the end gives 0 or an empty range.
 *
 *   packed:  u8 width (0..57 or 64) | ceil(n * width / 8) bytes, value i at bit
 *            i * width of a little-endian bit stream | 8 zeros
 *   frames:  u32 words | ceil(n / 64) x { u64 base, u32 word, u8 width }
 *            | words x 8 bytes | 8 zeros
 *            value i = base + item i % 64 of the width-bit stream that begins at that
 *            word (always 64 items long)
 *   starts:  bits over n_total positions (codec/bitset.h), set where an item starts
 *            | frames of the n starts, then n_total
 *            item i is [start i, start i + 1)
 *
 * The count n is stored by whoever holds the array. */
#ifndef PM_FORMAT_PACKED_H
#define PM_FORMAT_PACKED_H

#include "base/cursor.h"
#include "codec/bitset.h"
#include "format/container.h"

typedef struct pm_range { /* half-open */
    uint32_t lo, hi;
} pm_range;

/* ---- one width ---- */

typedef struct pm_packed { /* immutable view */
    const uint8_t *bits;
    uint64_t mask;
    uint32_t n, width;
} pm_packed;

/* Bits that hold every value up to max, and that pm_packed can have: 58 to 63 become
 * 64. */
unsigned pm_packed_width(uint64_t max);

/* Appends an array to a buffer value by value: begin with the count, then put each
 * one. */
typedef struct pm_packing {
    uint8_t *bits; /* NULL after failure of the buffer */
    uint64_t at;   /* bit */
    unsigned width;
} pm_packing;
pm_packing pm_packed_begin(pm_buf *out, size_t n, unsigned width);
static inline void pm_packed_put(pm_packing *to, uint64_t v) {
    if (to->bits != NULL) {
        uint8_t *p = to->bits + (to->at >> 3);
        uint64_t word = pm_load64(p) | v << (to->at & 7);
        memcpy(p, &word, sizeof word);
        to->at += to->width;
    }
}
/* All at once. max: the greatest value. */
void pm_packed_encode(pm_buf *out, const uint32_t *values, size_t n, uint32_t max);
/* The same straight to an open section: begin, put each value, end. */
enum { PM_PACKED_PIECE = 512 };
typedef struct pm_packed_writer {
    pm_container_writer *w;
    pm_packing to;
    unsigned n; /* values in bits, which holds so many of 64 bits and slack */
    uint8_t bits[PM_PACKED_PIECE * 8 + 8];
} pm_packed_writer;
void pm_packed_writer_begin(pm_packed_writer *p, pm_container_writer *w,
                            unsigned width);
void pm_packed_writer_flush(pm_packed_writer *p);
static inline void pm_packed_writer_put(pm_packed_writer *p, uint64_t v) {
    pm_packed_put(&p->to, v);
    if (++p->n == PM_PACKED_PIECE) {
        pm_packed_writer_flush(p);
    }
}
void pm_packed_writer_end(pm_packed_writer *p);
void pm_packed_write(pm_container_writer *w, const uint32_t *values, size_t n,
                     uint32_t max);

/* Takes an array of n from c. False: damage (c is bad, or the width is impossible);
 * *out is empty then. */
bool pm_packed_open(pm_cursor *c, uint32_t n, pm_packed *out);
static inline uint64_t pm_packed_get(const pm_packed *a, uint32_t i) {
    if (i >= a->n) {
        return 0;
    }
    uint64_t bit = (uint64_t)i * a->width;
    return pm_load64(a->bits + (bit >> 3)) >> (bit & 7) & a->mask;
}

/* ---- a width for each 64 values ---- */

enum { PM_FRAME = 64 };

typedef struct pm_frames { /* immutable view */
    const uint8_t *directory, *words;
    uint32_t n, n_words;
} pm_frames;

/* Collects values. Sticky: a failure is told by what finish hands the array to. */
typedef struct pm_framing {
    pm_spool directory, words;
    uint64_t values[PM_FRAME];
    unsigned n;
} pm_framing;
/* scratch: borrowed until finish or release; NULL keeps the array in memory. */
void pm_frames_begin(pm_framing *f, const pm_scratch *scratch);
void pm_frames_put(pm_framing *f, uint64_t v);
/* Appends the array to a buffer or an open section, and releases f. The buffer's one
 * failure is memory: for framings without scratch. */
void pm_frames_finish(pm_framing *f, pm_buf *out);
void pm_frames_finish_to(pm_framing *f, pm_container_writer *w);
void pm_frames_release(pm_framing *f); /* instead of finish, or after it */

/* As pm_packed_open; directory entries are checked on use. */
bool pm_frames_open(pm_cursor *c, uint32_t n, pm_frames *out);
/* 0 where i >= n or the entry is damaged */
uint64_t pm_frames_get(const pm_frames *a, uint32_t i);
/* Every entry: width possible, words in order and used up. */
bool pm_frames_verify(const pm_frames *a);

/* ---- starts ---- */

typedef struct pm_starts { /* immutable view */
    pm_bitmap bits;        /* from a position to its item */
    pm_frames starts;      /* from an item to its positions */
    uint32_t n;            /* items */
} pm_starts;

/* starts[n + 1], starts[0] == 0, strictly increasing. Memory: a bit a position. */
void pm_starts_encode(pm_buf *out, const uint32_t *starts, uint32_t n);
void pm_starts_write(pm_container_writer *w, const uint32_t *starts, uint32_t n);
/* False: damage. */
bool pm_starts_open(pm_cursor *c, uint32_t n, uint32_t n_total, pm_starts *out);
/* Empty for i >= n or after damage; never beyond n_total. O(1). */
pm_range pm_starts_get(const pm_starts *s, uint32_t i);
/* The item that holds pos, UINT32_MAX if none. O(1). */
uint32_t pm_starts_item(const pm_starts *s, uint32_t pos);
/* Both ways lead to the same. False when stopped, too: pm_cancel_stopped tells. */
bool pm_starts_verify(const pm_starts *s, pm_cancel *cancel);

/* A bit map straight to a section. */
void pm_bits_write(pm_container_writer *w, const uint64_t *words, uint64_t n_bits);
/* Takes a bit map of n_bits from c; false: damage. */
bool pm_bits_open(pm_cursor *c, uint32_t n_bits, pm_bitmap *out);
/* Position of set bit k (from 0), n_bits where there is none. Cost O(log(n_bits /
 * 512)). */
uint64_t pm_bits_select(const pm_bitmap *b, uint64_t k);

#endif
