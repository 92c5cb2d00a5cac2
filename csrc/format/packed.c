/* Integer arrays that take few bits and are read in place. Frame of reference by 64
 * values (Goldstein et al. 1998); select by binary search in the rank directory of a
 * bit map, then popcount of at most eight words. */
#include "format/packed.h"

#include "base/sys.h"

enum { FRAME_ENTRY_BYTES = 13, SLACK = 8, RANK_BITS = 512 };

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

void pm_frames_begin(pm_framing *f) {
    pm_buf_init(&f->directory);
    pm_buf_init(&f->words);
    f->n = 0;
}

static void frame_close(pm_framing *f) {
    uint64_t base = f->values[0], max = f->values[0];
    for (unsigned i = 1; i < f->n; i++) {
        base = f->values[i] < base ? f->values[i] : base;
        max = f->values[i] > max ? f->values[i] : max;
    }
    unsigned width = pm_packed_width(max - base);
    if (f->words.n / 8 > UINT32_MAX - 64) {
        f->words.failed = true;
    }
    pm_buf_put_u64(&f->directory, base);
    pm_buf_put_u32(&f->directory, (uint32_t)(f->words.n / 8));
    pm_buf_put_u8(&f->directory, (uint8_t)width);
    size_t bytes = (size_t)width * 8;
    uint8_t *bits = pm_buf_room(&f->words, bytes + SLACK);
    if (bits != NULL) {
        memset(bits, 0, bytes + SLACK);
        pm_packing to = {bits, 0, width};
        for (unsigned i = 0; i < f->n; i++) {
            pm_packed_put(&to, f->values[i] - base);
        }
        pm_buf_grew(&f->words, bytes);
    }
    f->n = 0;
}

void pm_frames_put(pm_framing *f, uint64_t v) {
    f->values[f->n++] = v;
    if (f->n == PM_FRAME) {
        frame_close(f);
    }
}

void pm_frames_finish(pm_framing *f, pm_buf *out) {
    if (f->n > 0) {
        frame_close(f);
    }
    out->failed |= f->directory.failed || f->words.failed;
    pm_buf_put_u32(out, (uint32_t)(f->words.n / 8));
    pm_buf_put(out, f->directory.p, f->directory.n);
    pm_buf_put(out, f->words.p, f->words.n);
    pm_buf_put_u64(out, 0);
    pm_buf_release(&f->directory);
    pm_buf_release(&f->words);
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

void pm_starts_encode(pm_buf *out, const uint32_t *starts, uint32_t n) {
    size_t n_words = pm_bits_words(starts[n]);
    uint64_t *words = pm_calloc(n_words, sizeof *words);
    if (words == NULL) {
        out->failed = true;
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        pm_bits_set(words, starts[i]);
    }
    pm_bitmap_encode(out, words, starts[n]);
    pm_free(words);
    pm_framing f;
    pm_frames_begin(&f);
    for (size_t i = 0; i <= n; i++) {
        pm_frames_put(&f, starts[i]);
    }
    pm_frames_finish(&f, out);
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

bool pm_starts_verify(const pm_starts *s) {
    if (!pm_bitmap_verify(&s->bits) || s->bits.n_ones != s->n ||
        !pm_frames_verify(&s->starts)) {
        return false;
    }
    uint64_t at = 0;
    for (uint32_t i = 0; i <= s->n; i++) {
        if (pm_frames_get(&s->starts, i) != at ||
            (i < s->n && !pm_bitmap_get(&s->bits, at))) {
            return false;
        }
        at = pm_bitmap_after(&s->bits, at + 1);
    }
    return true;
}
