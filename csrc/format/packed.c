/* Integer arrays that take few bits and are read in place. Frame of reference by 64
 * values (Goldstein et al. 1998); select by binary search in the rank directory of a
 * bit map, then popcount of at most eight words. */
#include "format/packed.h"

#include "base/sys.h"
#include "codec/cpu.h"

enum { FRAME_ENTRY_BYTES = 13, SLACK = 8, RANK_BITS = 512, PIECE = 1024 };

/* ---- one width ---- */

static uint64_t width_mask(unsigned width) {
    return width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
}

static bool width_possible(unsigned width) {
    return width <= 57 || width == 64;
}

unsigned pm_packed_width(uint64_t max) {
    unsigned width = 0;
    while (width < 64 && max >> width != 0) {
        width++;
    }
    return width_possible(width) ? width : 64;
}

pm_packing pm_packed_begin(pm_buf *out, size_t n, unsigned width) {
    pm_packing to = {NULL, 0, width};
    size_t bytes = (n * width + 7) / 8 + SLACK;
    pm_buf_put_u8(out, (uint8_t)width);
    uint8_t *bits = pm_buf_room(out, bytes);
    if (bits != NULL) {
        memset(bits, 0, bytes);
        pm_buf_grew(out, bytes);
        to.bits = bits;
    }
    return to;
}

void pm_packed_encode(pm_buf *out, const uint32_t *values, size_t n, uint32_t max) {
    pm_packing to = pm_packed_begin(out, n, pm_packed_width(max));
    for (size_t i = 0; i < n; i++) {
        pm_packed_put(&to, values[i]);
    }
}

void pm_packed_writer_begin(pm_packed_writer *p, pm_container_writer *w,
                            unsigned width) {
    uint8_t first = (uint8_t)width;
    p->w = w;
    p->to = (pm_packing){p->bits, 0, width};
    p->n = 0;
    memset(p->bits, 0, sizeof p->bits);
    pm_container_put(w, &first, sizeof first);
}

/* A whole piece ends on a whole byte, since it is a multiple of 8 values. */
void pm_packed_writer_flush(pm_packed_writer *p) {
    size_t n = (size_t)((p->to.at + 7) / 8);
    pm_container_put(p->w, p->bits, n);
    memset(p->bits, 0, n);
    p->to.at = 0;
    p->n = 0;
}

void pm_packed_writer_end(pm_packed_writer *p) {
    pm_packed_writer_flush(p);
    pm_container_put(p->w, p->bits, SLACK); /* zeros */
}

void pm_packed_write(pm_container_writer *w, const uint32_t *values, size_t n,
                     uint32_t max) {
    pm_packed_writer p;
    pm_packed_writer_begin(&p, w, pm_packed_width(max));
    for (size_t i = 0; i < n; i++) {
        pm_packed_writer_put(&p, values[i]);
    }
    pm_packed_writer_end(&p);
}

bool pm_packed_open(pm_cursor *c, uint32_t n, pm_packed *out) {
    memset(out, 0, sizeof *out);
    unsigned width = pm_cursor_u8(c);
    if (!width_possible(width)) {
        c->bad = true;
        return false;
    }
    uint64_t bytes = ((uint64_t)n * width + 7) / 8 + SLACK;
    const uint8_t *bits =
        bytes <= pm_cursor_left(c) ? pm_cursor_take(c, (size_t)bytes) : NULL;
    if (bits == NULL) {
        c->bad = true;
        return false;
    }
    *out = (pm_packed){bits, width_mask(width), n, width};
    return true;
}

/* ---- a width for each 64 values ---- */

void pm_frames_begin(pm_framing *f, const pm_scratch *scratch) {
    pm_spool_init(&f->directory, scratch);
    pm_spool_init(&f->words, scratch);
    f->n = 0;
}

void pm_frames_release(pm_framing *f) {
    pm_spool_release(&f->directory);
    pm_spool_release(&f->words);
}

static void frame_close(pm_framing *f) {
    uint64_t base = f->values[0], max = f->values[0];
    for (unsigned i = 1; i < f->n; i++) {
        base = f->values[i] < base ? f->values[i] : base;
        max = f->values[i] > max ? f->values[i] : max;
    }
    unsigned width = pm_packed_width(max - base);
    uint64_t word = f->words.n / 8;
    if (word > UINT32_MAX - 64 && f->words.status == PM_OK) {
        f->words.status = pm_fail(&f->words.error, PM_LIMIT,
                                  "an array of numbers takes more than 32 GB");
    }
    uint8_t entry[FRAME_ENTRY_BYTES], bits[PM_FRAME * 8 + SLACK] = {0};
    memcpy(entry, &base, 8);
    memcpy(entry + 8, &(uint32_t){(uint32_t)word}, 4);
    entry[12] = (uint8_t)width;
    pm_spool_put(&f->directory, entry, sizeof entry);
    pm_packing to = {bits, 0, width};
    for (unsigned i = 0; i < f->n; i++) {
        pm_packed_put(&to, f->values[i] - base);
    }
    pm_spool_put(&f->words, bits, (size_t)width * 8);
    f->n = 0;
}

void pm_frames_put(pm_framing *f, uint64_t v) {
    f->values[f->n++] = v;
    if (f->n == PM_FRAME) {
        frame_close(f);
    }
}

void pm_frames_finish(pm_framing *f, pm_buf *out) {
    pm_bytes directory, words;
    if (f->n > 0) {
        frame_close(f);
    }
    out->failed |= pm_spool_view(&f->directory, &directory, NULL) != PM_OK;
    out->failed |= pm_spool_view(&f->words, &words, NULL) != PM_OK;
    pm_buf_put_u32(out, (uint32_t)(words.n / 8));
    pm_buf_put(out, directory.p, directory.n);
    pm_buf_put(out, words.p, words.n);
    pm_buf_put_u64(out, 0);
    pm_frames_release(f);
}

void pm_frames_finish_to(pm_framing *f, pm_container_writer *w) {
    if (f->n > 0) {
        frame_close(f);
    }
    uint32_t n_words = (uint32_t)(f->words.n / 8);
    uint64_t zero = 0;
    pm_container_put(w, &n_words, sizeof n_words);
    pm_container_put_spool(w, &f->directory);
    pm_container_put_spool(w, &f->words);
    pm_container_put(w, &zero, sizeof zero);
    pm_frames_release(f);
}

bool pm_frames_open(pm_cursor *c, uint32_t n, pm_frames *out) {
    memset(out, 0, sizeof *out);
    uint32_t n_words = pm_cursor_u32(c);
    uint64_t entries = ((uint64_t)n + PM_FRAME - 1) / PM_FRAME;
    uint64_t bytes = entries * FRAME_ENTRY_BYTES + (uint64_t)n_words * 8 + SLACK;
    const uint8_t *p =
        bytes <= pm_cursor_left(c) ? pm_cursor_take(c, (size_t)bytes) : NULL;
    if (p == NULL) {
        c->bad = true;
        return false;
    }
    *out = (pm_frames){p, p + entries * FRAME_ENTRY_BYTES, n, n_words};
    return true;
}

uint64_t pm_frames_get(const pm_frames *a, uint32_t i) {
    if (i >= a->n) {
        return 0;
    }
    const uint8_t *entry = a->directory + (size_t)(i / PM_FRAME) * FRAME_ENTRY_BYTES;
    uint32_t word = pm_load32(entry + 8);
    unsigned width = entry[12];
    if (!width_possible(width) || word > a->n_words || width > a->n_words - word) {
        return 0;
    }
    unsigned bit = i % PM_FRAME * width;
    const uint8_t *p = a->words + (size_t)word * 8 + (bit >> 3);
    return pm_load64(entry) + (pm_load64(p) >> (bit & 7) & width_mask(width));
}

bool pm_frames_verify(const pm_frames *a) {
    uint32_t entries = (uint32_t)(((uint64_t)a->n + PM_FRAME - 1) / PM_FRAME);
    uint64_t words = 0;
    for (uint32_t i = 0; i < entries; i++) {
        const uint8_t *entry = a->directory + (size_t)i * FRAME_ENTRY_BYTES;
        if (!width_possible(entry[12]) || pm_load32(entry + 8) != words) {
            return false;
        }
        words += entry[12];
    }
    return words == a->n_words;
}

/* ---- starts ---- */

void pm_bits_write(pm_container_writer *w, const uint64_t *words, uint64_t n_bits) {
    uint32_t ranks[PIECE], held = 0;
    uint64_t ones = 0;
    size_t n_words = pm_bits_words(n_bits);
    if (n_words == 0) {
        return;
    }
    unsigned over = (unsigned)(n_bits % 64);
    uint64_t last = words[n_words - 1] & (UINT64_MAX >> (over > 0 ? 64 - over : 0));
    pm_container_put(w, words, (n_words - 1) * 8);
    pm_container_put(w, &last, sizeof last);
    for (size_t at = 0; at < n_words; at += RANK_BITS / 64) {
        size_t n = n_words - at < RANK_BITS / 64 ? n_words - at : RANK_BITS / 64;
        ranks[held++] = (uint32_t)ones;
        ones += pm_kernels_get()->popcount(words + at, n);
        if (held == PIECE) {
            pm_container_put(w, ranks, sizeof ranks);
            held = 0;
        }
    }
    pm_container_put(w, ranks, held * sizeof *ranks);
}

bool pm_bits_open(pm_cursor *c, uint32_t n_bits, pm_bitmap *out) {
    memset(out, 0, sizeof *out);
    uint64_t ranks = ((uint64_t)n_bits + RANK_BITS - 1) / RANK_BITS;
    size_t n = pm_bits_words(n_bits) * 8 + (size_t)ranks * 4;
    const uint8_t *p = pm_cursor_take(c, n);
    if (p == NULL || !pm_bitmap_open((pm_bytes){p, n}, n_bits, out)) {
        memset(out, 0, sizeof *out);
        c->bad = true;
        return false;
    }
    return true;
}

/* Position of set bit k of one word, which has more than k. */
static unsigned select_in_word(uint64_t word, unsigned k) {
    while (k-- > 0) {
        word &= word - 1;
    }
    return (unsigned)__builtin_ctzll(word);
}

/* Last 512-bit block with at most k ones before it. */
static uint64_t select_block(const pm_bitmap *b, uint64_t k) {
    uint64_t lo = 0, hi = (b->n_bits + RANK_BITS - 1) / RANK_BITS;
    while (hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (pm_load32(b->ranks + mid * 4) <= k) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return lo;
}

uint64_t pm_bits_select(const pm_bitmap *b, uint64_t k) {
    if (b->n_bits == 0 || k >= b->n_ones) {
        return b->n_bits;
    }
    uint64_t block = select_block(b, k);
    uint64_t before = pm_load32(b->ranks + block * 4);
    if (before > k) {
        return b->n_bits;
    }
    uint64_t words = pm_bits_words(b->n_bits), end = (block + 1) * (RANK_BITS / 64);
    end = end < words ? end : words;
    for (uint64_t w = block * (RANK_BITS / 64); w < end; w++) {
        uint64_t word = pm_load64(b->words + w * 8);
        unsigned ones = (unsigned)__builtin_popcountll(word);
        if (k - before < ones) {
            uint64_t at = w * 64 + select_in_word(word, (unsigned)(k - before));
            return at < b->n_bits ? at : b->n_bits;
        }
        before += ones;
    }
    return b->n_bits;
}

/* Bits set at starts[0, n); NULL without memory. */
static uint64_t *starts_bits(const uint32_t *starts, uint32_t n) {
    uint64_t *words = pm_calloc(pm_bits_words(starts[n]), sizeof *words);
    for (uint32_t i = 0; words != NULL && i < n; i++) {
        pm_bits_set(words, starts[i]);
    }
    return words;
}

static void starts_frames(pm_framing *f, const pm_scratch *scratch,
                          const uint32_t *starts, uint32_t n) {
    pm_frames_begin(f, scratch);
    for (size_t i = 0; i <= n; i++) {
        pm_frames_put(f, starts[i]);
    }
}

void pm_starts_encode(pm_buf *out, const uint32_t *starts, uint32_t n) {
    uint64_t *words = starts_bits(starts, n);
    if (words == NULL) {
        out->failed = true;
        return;
    }
    pm_bitmap_encode(out, words, starts[n]);
    pm_free(words);
    pm_framing f;
    starts_frames(&f, NULL, starts, n);
    pm_frames_finish(&f, out);
}

void pm_starts_write(pm_container_writer *w, const uint32_t *starts, uint32_t n) {
    uint64_t *words = starts_bits(starts, n);
    if (words == NULL) {
        pm_error err;
        pm_container_fail(w, pm_fail_nomem(&err, starts[n] / 8), &err);
        return;
    }
    pm_bits_write(w, words, starts[n]);
    pm_free(words);
    pm_framing f;
    starts_frames(&f, w->scratch, starts, n);
    pm_frames_finish_to(&f, w);
}

bool pm_starts_open(pm_cursor *c, uint32_t n, uint32_t n_total, pm_starts *out) {
    out->n = 0;
    if (n == UINT32_MAX || !pm_bits_open(c, n_total, &out->bits) ||
        out->bits.n_ones != n || !pm_frames_open(c, n + 1, &out->starts)) {
        memset(out, 0, sizeof *out);
        c->bad = true;
        return false;
    }
    out->n = n;
    return true;
}

pm_range pm_starts_get(const pm_starts *s, uint32_t i) {
    if (i >= s->n) {
        return (pm_range){0, 0};
    }
    uint64_t lo = pm_frames_get(&s->starts, i), hi = pm_frames_get(&s->starts, i + 1);
    return lo <= hi && hi <= s->bits.n_bits ? (pm_range){(uint32_t)lo, (uint32_t)hi}
                                            : (pm_range){0, 0};
}

uint32_t pm_starts_item(const pm_starts *s, uint32_t pos) {
    if (pos >= s->bits.n_bits) {
        return UINT32_MAX;
    }
    uint64_t rank = pm_bitmap_rank(&s->bits, (uint64_t)pos + 1);
    return rank > 0 && rank <= s->n ? (uint32_t)(rank - 1) : UINT32_MAX;
}

bool pm_starts_verify(const pm_starts *s, pm_cancel *cancel) {
    if (!pm_bitmap_verify(&s->bits) || s->bits.n_ones != s->n ||
        !pm_frames_verify(&s->starts)) {
        return false;
    }
    uint64_t at = 0;
    for (uint32_t i = 0; i <= s->n; i++) {
        if (pm_cancel_tick(cancel, 20) || pm_frames_get(&s->starts, i) != at ||
            (i < s->n && !pm_bitmap_get(&s->bits, at))) {
            return false;
        }
        at = pm_bitmap_after(&s->bits, at + 1);
    }
    return true;
}
