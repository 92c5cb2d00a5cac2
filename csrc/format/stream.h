/* The token stream: the id of every position in text order, u16 with escapes, random
 * access in O(1).
 *
 * Section STRM: u16 code x n_positions (padded to 8 bytes)
 *               | frames of the first exception of each block of 256 positions, + end
 *               | packed exceptions: id - 0xfeff   (frames, packed: format/packed.h)
 * code < 0xfeff: the id; 0xfeff: sentinel; 0xff00 + j: exception j of the block. Ids
 * are not compared with the lexicon's count when they are read: whoever indexes an
 * array by them does that first. */
#ifndef PM_FORMAT_STREAM_H
#define PM_FORMAT_STREAM_H

#include "base/types.h"
#include "format/container.h"
#include "format/packed.h"

enum { PM_STREAM_SENTINEL = 0xfeff, PM_STREAM_ESCAPE = 0xff00, PM_STREAM_BLOCK = 256 };

/* ids[i] == PM_END marks a sentinel. */
pm_status pm_stream_write(pm_container_writer *w, const uint32_t *ids,
                          uint32_t n_positions, pm_error *err) PM_MUST_CHECK;

/* The same, ids as they come: begin, put any number of times, end (which releases, also
 * after failure). No other section in between. What must wait for the end goes to the
 * container writer's scratch: 4 bytes an exception, and 2 to 4 a block. */
typedef struct pm_stream_writer pm_stream_writer;
pm_status pm_stream_begin(pm_container_writer *w, pm_stream_writer **out,
                          pm_error *err) PM_MUST_CHECK;
void pm_stream_put(pm_stream_writer *s, const uint32_t *ids, size_t n);
pm_status pm_stream_end(pm_stream_writer *s, pm_error *err) PM_MUST_CHECK;

typedef struct pm_stream {
    const pm_container *file;
    const uint8_t *codes;
    pm_frames starts;
    pm_packed exceptions;
    uint32_t n_positions;
} pm_stream;

pm_status pm_stream_open(pm_stream *s, const pm_container *file, uint32_t n_positions,
                         pm_error *err) PM_MUST_CHECK;
pm_status pm_stream_verify(const pm_stream *s, uint32_t n_ids, pm_cancel *cancel,
                           pm_error *err) PM_MUST_CHECK;
pm_id pm_stream_escaped(const pm_stream *s, pm_pos pos, uint32_t code);
/* Id at pos; PM_END for a sentinel, beyond the end, or after damage. */
static inline pm_id pm_stream_at(const pm_stream *s, pm_pos pos) {
    if (pos >= s->n_positions) {
        return PM_END;
    }
    uint32_t code = (uint32_t)s->codes[2 * (size_t)pos] |
                    (uint32_t)s->codes[2 * (size_t)pos + 1] << 8;
    return code < PM_STREAM_SENTINEL ? code : pm_stream_escaped(s, pos, code);
}
/* Ids of [lo, hi) into out; hi <= n_positions. */
void pm_stream_decode(const pm_stream *s, pm_pos lo, pm_pos hi, uint32_t *out);

#endif
