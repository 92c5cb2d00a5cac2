/* Token stream: two bytes a position, so that any position is one load away; the ids that do not
 * fit (2 to 3 % of a news text, ids being ordered by frequency) stand in a side array by block.
 * Knows nothing of words. */
#include "format/stream.h"

#include <assert.h>

#include "base/cursor.h"

enum { SECTION = PM_FOURCC('S', 'T', 'R', 'M'), WRITE_BLOCKS = 16 };

static size_t blocks_of(uint32_t n_positions) {
    return ((size_t)n_positions + PM_STREAM_BLOCK - 1) / PM_STREAM_BLOCK;
}
static size_t code_bytes_of(uint32_t n_positions) {
    return ((size_t)n_positions * 2 + 7) / 8 * 8;
}

/* Codes of one block of n positions; ids that need it are appended to exceptions. */
static void encode_block(const uint32_t *ids, size_t n, uint16_t *codes, pm_buf *exceptions) {
    uint32_t escapes = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t id = ids[i];
        if (id < PM_STREAM_SENTINEL) {
            codes[i] = (uint16_t)id;
        } else if (id == PM_END) {
            codes[i] = PM_STREAM_SENTINEL;
        } else {
            codes[i] = (uint16_t)(PM_STREAM_ESCAPE + escapes++);
            pm_buf_put_u32(exceptions, id);
        }
    }
}

static void write_codes(pm_container_writer *w, const uint32_t *ids, size_t n, pm_buf *starts,
                        pm_buf *exceptions) {
    uint16_t codes[WRITE_BLOCKS * PM_STREAM_BLOCK];
    size_t held = 0;
    for (size_t at = 0; at < n; at += PM_STREAM_BLOCK) {
        size_t m = n - at < PM_STREAM_BLOCK ? n - at : PM_STREAM_BLOCK;
        pm_buf_put_u32(starts, (uint32_t)(exceptions->n / 4));
        encode_block(ids + at, m, codes + held, exceptions);
        held += m;
        if (held == WRITE_BLOCKS * PM_STREAM_BLOCK) {
            pm_container_put(w, codes, held * 2);
            held = 0;
        }
    }
    pm_container_put(w, codes, held * 2);
    pm_buf_put_u32(starts, (uint32_t)(exceptions->n / 4));
}

pm_status pm_stream_write(pm_container_writer *w, const uint32_t *ids, uint32_t n_positions,
                          pm_error *err) {
    assert(n_positions <= PM_MAX_POSITIONS);
    static const uint8_t zeros[8];
    pm_buf starts, exceptions;
    pm_buf_init(&starts);
    pm_buf_init(&exceptions);
    pm_container_begin(w, SECTION, PM_SECTION_REQUIRED);
    write_codes(w, ids, n_positions, &starts, &exceptions);
    pm_container_put(w, zeros, code_bytes_of(n_positions) - 2 * (size_t)n_positions);
    pm_container_put(w, starts.p, starts.n);
    pm_container_put(w, exceptions.p, exceptions.n);
    pm_container_end(w);
    pm_status status = pm_buf_status(starts.failed ? &starts : &exceptions, err);
    pm_buf_release(&exceptions);
    pm_buf_release(&starts);
    return status;
}

pm_status pm_stream_open(pm_stream *s, const pm_container *file, uint32_t n_positions,
                         pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_container_need(file, SECTION, &bytes, err));
    size_t blocks = blocks_of(n_positions), codes = code_bytes_of(n_positions);
    size_t least = codes + 4 * (blocks + 1);
    if (bytes.n < least || (bytes.n - least) % 4 != 0 || (bytes.n - least) / 4 > n_positions) {
        return pm_section_corrupt(file, SECTION, 0, err,
                                  "%zu bytes cannot hold %u positions (at least %zu)", bytes.n,
                                  n_positions, least);
    }
    *s = (pm_stream){.file = file,
                     .codes = bytes.p,
                     .starts = bytes.p + codes,
                     .exceptions = bytes.p + least,
                     .n_positions = n_positions,
                     .n_exceptions = (uint32_t)((bytes.n - least) / 4)};
    uint32_t end = pm_load32(s->starts + 4 * blocks);
    if (end != s->n_exceptions) {
        return pm_section_corrupt(file, SECTION, least - 4, err,
                                  "expected %u exceptions by the section's size, found %u",
                                  s->n_exceptions, end);
    }
    return PM_OK;
}

pm_id pm_stream_escaped(const pm_stream *s, pm_pos pos, uint32_t code) {
    if (code < PM_STREAM_ESCAPE || pos >= s->n_positions) {
        return PM_END;
    }
    uint32_t first = pm_load32(s->starts + 4 * (size_t)(pos / PM_STREAM_BLOCK));
    uint32_t j = code - PM_STREAM_ESCAPE;
    if (first > s->n_exceptions || j >= s->n_exceptions - first) {
        return PM_END;
    }
    return pm_load32(s->exceptions + 4 * ((size_t)first + j));
}

/* 64 positions at a time: widen all, remember which are no plain ids, then visit only those. */
void pm_stream_decode(const pm_stream *s, pm_pos lo, pm_pos hi, uint32_t *out) {
    pm_pos end = hi < s->n_positions ? hi : s->n_positions;
    pm_pos at = lo;
    while (at < end) {
        unsigned m = end - at < 64 ? end - at : 64;
        const uint8_t *codes = s->codes + 2 * (size_t)at;
        uint64_t special = 0;
        for (unsigned i = 0; i < m; i++) {
            uint32_t code = pm_load16(codes + 2 * i);
            out[i] = code;
            special |= (uint64_t)(code >= PM_STREAM_SENTINEL) << i;
        }
        for (; special != 0; special &= special - 1) {
            unsigned i = (unsigned)__builtin_ctzll(special);
            out[i] = pm_stream_escaped(s, at + i, out[i]);
        }
        at += m;
        out += m;
    }
    for (; at < hi; at++) {
        *out++ = PM_END;
    }
}

static uint32_t exception_start(const pm_stream *s, size_t block) {
    return pm_load32(s->starts + 4 * block);
}

/* One block: every id below n_ids, escapes numbered from 0, as many as the starts say, none that
 * would fit a code. */
static pm_status verify_block(const pm_stream *s, size_t block, uint32_t n_ids, pm_error *err) {
    pm_pos lo = (pm_pos)(block * PM_STREAM_BLOCK);
    pm_pos hi = s->n_positions - lo < PM_STREAM_BLOCK ? s->n_positions : lo + PM_STREAM_BLOCK;
    uint32_t escapes = 0;
    for (pm_pos pos = lo; pos < hi; pos++) {
        uint32_t code = pm_load16(s->codes + 2 * (size_t)pos);
        if (code == PM_STREAM_SENTINEL) {
            continue;
        }
        bool escaped = code >= PM_STREAM_ESCAPE;
        uint32_t id = pm_stream_at(s, pos);
        if (id >= n_ids || (escaped && id < PM_STREAM_SENTINEL)) {
            return pm_section_corrupt(s->file, SECTION, 2 * (uint64_t)pos, err,
                                      "position %u: expected an id below %u, found code %u, id %u",
                                      pos, n_ids, code, id);
        }
        if (escaped && code - PM_STREAM_ESCAPE != escapes++) {
            return pm_section_corrupt(s->file, SECTION, 2 * (uint64_t)pos, err,
                                      "position %u: expected exception %u of its block, found %u",
                                      pos, escapes - 1, code - PM_STREAM_ESCAPE);
        }
    }
    uint32_t first = exception_start(s, block), next = exception_start(s, block + 1);
    if (next < first || next - first != escapes) {
        return pm_section_corrupt(s->file, SECTION,
                                  (uint64_t)(s->starts - s->codes) + 4 * (uint64_t)block, err,
                                  "block %zu: expected exceptions [%u, %u + %u), found [%u, %u)",
                                  block, first, first, escapes, first, next);
    }
    return PM_OK;
}

pm_status pm_stream_verify(const pm_stream *s, uint32_t n_ids, pm_error *err) {
    for (const uint8_t *p = s->codes + 2 * (size_t)s->n_positions; p < s->starts; p++) {
        if (*p != 0) {
            return pm_section_corrupt(s->file, SECTION, (uint64_t)(p - s->codes), err,
                                      "expected padding of zeros, found %u", *p);
        }
    }
    if (exception_start(s, 0) != 0) {
        return pm_section_corrupt(s->file, SECTION, (uint64_t)(s->starts - s->codes), err,
                                  "expected exceptions from 0 on, found %u", exception_start(s, 0));
    }
    for (size_t block = 0; block < blocks_of(s->n_positions); block++) {
        PM_TRY(verify_block(s, block, n_ids, err));
    }
    return PM_OK;
}
