/* Token stream: two bytes a position, so that any position is one load away; the ids
 * that do not fit (2 to 3 % of a news text, ids being ordered by frequency) stand in a
 * side array by block. Knows nothing of words. */
#include "format/stream.h"

#include <assert.h>
#include <string.h>

#include "base/cursor.h"
#include "base/sys.h"

enum { SECTION = PM_FOURCC('S', 'T', 'R', 'M'), WRITE_BLOCKS = 16 };

static uint32_t blocks_of(uint32_t n_positions) {
    return n_positions / PM_STREAM_BLOCK + (n_positions % PM_STREAM_BLOCK != 0);
}
static size_t code_bytes_of(uint32_t n_positions) {
    return ((size_t)n_positions * 2 + 7) / 8 * 8;
}

struct pm_stream_writer {
    pm_container_writer *w;
    pm_framing starts; /* first exception of each block */
    pm_spool exceptions;
    uint32_t max;         /* exception */
    uint64_t n_positions; /* put */
    size_t n_ids;         /* of a block that is not full */
    uint32_t ids[PM_STREAM_BLOCK];
    size_t n_codes; /* not yet in the file */
    uint16_t codes[WRITE_BLOCKS * PM_STREAM_BLOCK];
};

static uint64_t exceptions_of(const pm_stream_writer *s) {
    return s->exceptions.n / sizeof(uint32_t);
}

/* Codes of one block of n positions. */
static void encode_block(pm_stream_writer *s, const uint32_t *ids, size_t n) {
    uint16_t *codes = s->codes + s->n_codes;
    uint32_t escaped[PM_STREAM_BLOCK], escapes = 0;
    pm_frames_put(&s->starts, exceptions_of(s));
    for (size_t i = 0; i < n; i++) {
        uint32_t id = ids[i];
        if (id < PM_STREAM_SENTINEL) {
            codes[i] = (uint16_t)id;
        } else if (id == PM_END) {
            codes[i] = PM_STREAM_SENTINEL;
        } else {
            codes[i] = (uint16_t)(PM_STREAM_ESCAPE + escapes);
            uint32_t value = id - PM_STREAM_SENTINEL;
            s->max = value > s->max ? value : s->max;
            escaped[escapes++] = value;
        }
    }
    pm_spool_put(&s->exceptions, escaped, escapes * sizeof *escaped);
    s->n_codes += n;
    if (s->n_codes == WRITE_BLOCKS * PM_STREAM_BLOCK) {
        pm_container_put(s->w, s->codes, s->n_codes * sizeof *s->codes);
        s->n_codes = 0;
    }
}

pm_status pm_stream_begin(pm_container_writer *w, pm_stream_writer **out,
                          pm_error *err) {
    pm_stream_writer *s = pm_alloc(sizeof *s);
    *out = s;
    if (s == NULL) {
        return pm_fail_nomem(err, sizeof *s);
    }
    s->w = w;
    s->max = 0;
    s->n_positions = 0;
    s->n_ids = s->n_codes = 0;
    pm_frames_begin(&s->starts, w->scratch);
    pm_spool_init(&s->exceptions, w->scratch);
    pm_container_begin(w, SECTION, PM_SECTION_REQUIRED);
    return PM_OK;
}

void pm_stream_put(pm_stream_writer *s, const uint32_t *ids, size_t n) {
    assert(n <= PM_MAX_POSITIONS - s->n_positions);
    s->n_positions += n;
    for (size_t at = 0, took; at < n; at += took) {
        if (s->n_ids == 0 && n - at >= PM_STREAM_BLOCK) {
            took = PM_STREAM_BLOCK;
            encode_block(s, ids + at, took);
            continue;
        }
        size_t room = PM_STREAM_BLOCK - s->n_ids;
        took = n - at < room ? n - at : room;
        memcpy(s->ids + s->n_ids, ids + at, took * sizeof *ids);
        s->n_ids += took;
        if (s->n_ids == PM_STREAM_BLOCK) {
            encode_block(s, s->ids, s->n_ids);
            s->n_ids = 0;
        }
    }
}

static void put_exceptions(pm_stream_writer *s) {
    pm_bytes bytes;
    pm_error err;
    pm_status status = pm_spool_view(&s->exceptions, &bytes, &err);
    if (status != PM_OK) {
        pm_container_fail(s->w, status, &err);
        return;
    }
    const uint32_t *values = (const uint32_t *)(const void *)bytes.p;
    pm_packed_write(s->w, values, bytes.n / sizeof *values, s->max);
}

pm_status pm_stream_end(pm_stream_writer *s, pm_error *err) {
    static const uint8_t zeros[8];
    pm_container_writer *w = s->w;
    size_t code_bytes = (size_t)s->n_positions * sizeof *s->codes;
    if (s->n_ids > 0) {
        encode_block(s, s->ids, s->n_ids);
    }
    pm_frames_put(&s->starts, exceptions_of(s));
    pm_container_put(w, s->codes, s->n_codes * sizeof *s->codes);
    pm_container_put(w, zeros, code_bytes_of((uint32_t)s->n_positions) - code_bytes);
    pm_frames_finish_to(&s->starts, w);
    put_exceptions(s);
    pm_container_end(w);
    pm_spool_release(&s->exceptions);
    pm_free(s);
    return pm_container_status(w, err);
}

pm_status pm_stream_write(pm_container_writer *w, const uint32_t *ids,
                          uint32_t n_positions, pm_error *err) {
    pm_stream_writer *s;
    PM_TRY(pm_stream_begin(w, &s, err));
    pm_stream_put(s, ids, n_positions);
    return pm_stream_end(s, err);
}

pm_status pm_stream_open(pm_stream *s, const pm_container *file, uint32_t n_positions,
                         pm_error *err) {
    pm_bytes bytes;
    uint32_t n_blocks = blocks_of(n_positions);
    PM_TRY(pm_container_need(file, SECTION, &bytes, err));
    *s = (pm_stream){.file = file, .n_positions = n_positions};
    pm_cursor c = pm_cursor_of(bytes);
    s->codes = pm_cursor_take(&c, code_bytes_of(n_positions));
    if (c.bad || !pm_frames_open(&c, n_blocks + 1, &s->starts)) {
        return pm_section_corrupt(
            file, SECTION, 0, err,
            "%zu bytes cannot hold the codes and blocks of %u positions", bytes.n,
            n_positions);
    }
    uint64_t n = pm_frames_get(&s->starts, n_blocks), at = (uint64_t)(c.p - bytes.p);
    if (n > n_positions || !pm_packed_open(&c, (uint32_t)n, &s->exceptions) ||
        pm_cursor_left(&c) != 0) {
        return pm_section_corrupt(
            file, SECTION, at, err,
            "expected %llu exceptions for %u positions in the last %llu bytes",
            (unsigned long long)n, n_positions, (unsigned long long)(bytes.n - at));
    }
    return PM_OK;
}

pm_id pm_stream_escaped(const pm_stream *s, pm_pos pos, uint32_t code) {
    if (code < PM_STREAM_ESCAPE || pos >= s->n_positions) {
        return PM_END;
    }
    uint64_t i =
        pm_frames_get(&s->starts, pos / PM_STREAM_BLOCK) + (code - PM_STREAM_ESCAPE);
    if (i >= s->exceptions.n) { /* after damage; a sum that wrapped is some exception */
        return PM_END;
    }
    uint64_t id = pm_packed_get(&s->exceptions, (uint32_t)i) + PM_STREAM_SENTINEL;
    return id < PM_END ? (pm_id)id : PM_END;
}

enum { BATCH = 64 };

/* Bit i of the answer: flags[i] is 1. Eight flags are gathered by one product (no two
 * partial products meet in a bit). */
static uint64_t gather_flags(const uint8_t flags[BATCH]) {
    uint64_t bits = 0;
    for (unsigned i = 0; i < BATCH; i += 8) {
        bits |= (pm_load64(flags + i) * UINT64_C(0x0102040810204080)) >> 56 << i;
    }
    return bits;
}

/* Widens all codes; the answer tells which are no plain ids. Loops of one length, which
 * compilers turn into vectors. */
static uint64_t widen_batch(const uint8_t *codes, uint32_t *out) {
    uint16_t plain[BATCH];
    uint8_t flags[BATCH];
    memcpy(plain, codes, sizeof plain);
    for (unsigned i = 0; i < BATCH; i++) {
        out[i] = plain[i];
    }
    for (unsigned i = 0; i < BATCH; i++) {
        flags[i] = plain[i] >= PM_STREAM_SENTINEL;
    }
    return gather_flags(flags);
}

static uint64_t widen_few(const uint8_t *codes, unsigned n, uint32_t *out) {
    uint64_t special = 0;
    for (unsigned i = 0; i < n; i++) {
        out[i] = pm_load16(codes + 2 * i);
        special |= (uint64_t)(out[i] >= PM_STREAM_SENTINEL) << i;
    }
    return special;
}

/* Widens a batch of codes, then visits only those that are no plain ids. */
void pm_stream_decode(const pm_stream *s, pm_pos lo, pm_pos hi, uint32_t *out) {
    pm_pos end = hi < s->n_positions ? hi : s->n_positions;
    pm_pos at = lo;
    while (at < end) {
        unsigned n = end - at < BATCH ? end - at : BATCH;
        const uint8_t *codes = s->codes + 2 * (size_t)at;
        uint64_t special =
            n == BATCH ? widen_batch(codes, out) : widen_few(codes, n, out);
        for (; special != 0; special &= special - 1) {
            unsigned i = (unsigned)__builtin_ctzll(special);
            out[i] = pm_stream_escaped(s, at + i, out[i]);
        }
        at += n;
        out += n;
    }
    for (; at < hi; at++) {
        *out++ = PM_END;
    }
}

/* One block: every id below n_ids, escapes numbered from 0, as many as the starts say,
 * none that would fit a code. */
static pm_status verify_block(const pm_stream *s, uint32_t block, uint32_t n_ids,
                              pm_error *err) {
    pm_pos lo = block * PM_STREAM_BLOCK;
    pm_pos hi =
        s->n_positions - lo < PM_STREAM_BLOCK ? s->n_positions : lo + PM_STREAM_BLOCK;
    uint32_t escapes = 0;
    for (pm_pos pos = lo; pos < hi; pos++) {
        uint32_t code = pm_load16(s->codes + 2 * (size_t)pos);
        if (code == PM_STREAM_SENTINEL) {
            continue;
        }
        bool escaped = code >= PM_STREAM_ESCAPE;
        uint32_t id = pm_stream_at(s, pos);
        if (id >= n_ids || (escaped && id < PM_STREAM_SENTINEL)) {
            return pm_section_corrupt(
                s->file, SECTION, 2 * (uint64_t)pos, err,
                "position %u: expected an id below %u, found code %u, id %u", pos,
                n_ids, code, id);
        }
        if (escaped && code - PM_STREAM_ESCAPE != escapes++) {
            return pm_section_corrupt(
                s->file, SECTION, 2 * (uint64_t)pos, err,
                "position %u: expected exception %u of its block, found %u", pos,
                escapes - 1, code - PM_STREAM_ESCAPE);
        }
    }
    uint64_t first = pm_frames_get(&s->starts, block),
             next = pm_frames_get(&s->starts, block + 1);
    if (next < first || next - first != escapes) {
        return pm_section_corrupt(
            s->file, SECTION, code_bytes_of(s->n_positions), err,
            "block %u: expected %u exceptions, found [%llu, %llu)", block, escapes,
            (unsigned long long)first, (unsigned long long)next);
    }
    return PM_OK;
}

pm_status pm_stream_verify(const pm_stream *s, uint32_t n_ids, pm_cancel *cancel,
                           pm_error *err) {
    uint64_t tables = code_bytes_of(s->n_positions);
    for (uint64_t at = 2 * (uint64_t)s->n_positions; at < tables; at++) {
        if (s->codes[at] != 0) {
            return pm_section_corrupt(s->file, SECTION, at, err,
                                      "expected padding of zeros, found %u",
                                      s->codes[at]);
        }
    }
    if (!pm_frames_verify(&s->starts) || pm_frames_get(&s->starts, 0) != 0) {
        return pm_section_corrupt(s->file, SECTION, tables, err,
                                  "the starts of exceptions are damaged");
    }
    for (uint32_t block = 0; block < blocks_of(s->n_positions); block++) {
        PM_TRY(pm_cancel_check(cancel, 4 * PM_STREAM_BLOCK, err));
        PM_TRY(verify_block(s, block, n_ids, err));
    }
    return PM_OK;
}
