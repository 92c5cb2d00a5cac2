/* The width is found from a histogram of bit lengths: 33 candidates, each costed in
 * O(1). */
#include "codec/block.h"

#include <assert.h>
#include <string.h>

enum {
    HEAD_BYTES = 2,
    MAX_WIDTH = 32,
    MAX_PATCHES = 255, /* what their u8 holds */
    /* The dearest layout that is ever written is 32 bits each; both writers store whole
     * words beyond their end. */
    ROOM_BYTES = HEAD_BYTES + 4 * PM_BLOCK + 16
};

static size_t packed_bytes(size_t n, unsigned width) {
    return (n * width + 7) / 8;
}

static unsigned bits_of(uint32_t v) {
    return 63 - (unsigned)__builtin_clzll((uint64_t)v << 1 | 1);
}

static uint32_t low_mask(unsigned width) {
    return (uint32_t)((UINT64_C(1) << width) - 1);
}

/* ---- writing ---- */

typedef struct plan {
    unsigned width, n_patches, patch_bytes;
    size_t bytes;
} plan;

/* Neighbours are mostly of one length: counters of their own spare them the wait for
 * each other's store. */
static unsigned count_lengths(const uint32_t *values, size_t n,
                              unsigned of_length[MAX_WIDTH + 1]) {
    unsigned counts[4][MAX_WIDTH + 1] = {{0}};
    uint32_t all = 0;
    for (size_t i = 0; i < n; i++) {
        counts[i & 3][bits_of(values[i])]++;
        all |= values[i];
    }
    for (size_t b = 0; b <= MAX_WIDTH; b++) {
        of_length[b] = counts[0][b] + counts[1][b] + counts[2][b] + counts[3][b];
    }
    return bits_of(all);
}

/* Fewest bytes; among equals the largest width, which has the fewest patches to
 * decode. */
static plan cheapest(const uint32_t *values, size_t n) {
    unsigned of_length[MAX_WIDTH + 1];
    unsigned longest = count_lengths(values, n, of_length);
    plan best = {longest, 0, 0, packed_bytes(n, longest)};
    unsigned larger = 0;
    for (unsigned width = longest; width-- > 0;) {
        larger += of_length[width + 1];
        if (larger > MAX_PATCHES) {
            break;
        }
        unsigned patch_bytes = (longest - width + 7) / 8;
        size_t bytes = packed_bytes(n, width) + 1 + (size_t)larger * (1 + patch_bytes);
        if (bytes < best.bytes) {
            best = (plan){width, larger, patch_bytes, bytes};
        }
    }
    return best;
}

typedef struct bit_writer {
    uint8_t *to;
    uint64_t pending;
    unsigned n_pending; /* below 8 between calls */
} bit_writer;

/* bits <= 56. Writes 8 bytes, most of them beyond the end: no branch depends on the
 * position. */
static inline void put_bits(bit_writer *w, uint64_t v, unsigned bits) {
    w->pending |= v << w->n_pending;
    w->n_pending += bits;
    memcpy(w->to, &w->pending, sizeof w->pending);
    w->to += w->n_pending >> 3;
    w->pending >>= w->n_pending & ~7u;
    w->n_pending &= 7;
}

static void pack(uint8_t *to, const uint32_t *values, size_t n, unsigned width) {
    uint32_t mask = low_mask(width);
    bit_writer w = {to, 0, 0};
    size_t i = 0;
    /* two at once: each call waits for the one before */
    for (; width <= 28 && i + 2 <= n; i += 2) {
        put_bits(&w, (values[i] & mask) | (uint64_t)(values[i + 1] & mask) << width,
                 2 * width);
    }
    for (; i < n; i++) {
        put_bits(&w, values[i] & mask, width);
    }
}

/* Which integers are patched cannot be foretold, so they are found without a branch. */
static void write_patches(uint8_t *to, const uint32_t *values, size_t n,
                          const plan *p) {
    uint8_t index[PM_BLOCK + 1];
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        index[found] = (uint8_t)i;
        found += values[i] >> p->width != 0;
    }
    *to++ = (uint8_t)p->patch_bytes;
    memcpy(to, index, found);
    to += found;
    for (size_t k = 0; k < found; k++) {
        uint32_t high = values[index[k]] >> p->width;
        memcpy(to, &high, sizeof high);
        to += p->patch_bytes;
    }
}

void pm_block_encode(pm_buf *out, const uint32_t *values, size_t n) {
    assert(n >= 1 && n <= PM_BLOCK);
    uint8_t *to = pm_buf_room(out, ROOM_BYTES);
    if (to == NULL) {
        return;
    }
    plan p = cheapest(values, n);
    to[0] = (uint8_t)p.width;
    to[1] = (uint8_t)p.n_patches;
    if (p.width > 0) {
        pack(to + HEAD_BYTES, values, n, p.width);
    }
    if (p.n_patches > 0) {
        write_patches(to + HEAD_BYTES + packed_bytes(n, p.width), values, n, &p);
    }
    pm_buf_grew(out, HEAD_BYTES + p.bytes);
}

/* ---- reading ---- */

typedef struct view {
    unsigned width, n_patches, patch_bytes;
    const uint8_t *packed, *index, *high;
} view;

/* Everything but the patches' contents is checked here. */
static bool take_block(pm_cursor *c, size_t n, view *v) {
    v->width = pm_cursor_u8(c);
    v->n_patches = pm_cursor_u8(c);
    if (n == 0 || n > PM_BLOCK || v->width > MAX_WIDTH || v->n_patches > n) {
        c->bad = true;
    }
    if (c->bad) {
        return false;
    }
    v->packed = pm_cursor_take(c, packed_bytes(n, v->width));
    if (v->n_patches == 0) {
        return !c->bad;
    }
    v->patch_bytes = pm_cursor_u8(c);
    if (v->patch_bytes < 1 || v->patch_bytes > 4) {
        c->bad = true;
        return false;
    }
    v->index = pm_cursor_take(c, v->n_patches);
    v->high = pm_cursor_take(c, (size_t)v->n_patches * v->patch_bytes);
    return !c->bad;
}

/* Indexes are bytes, so they fall within out[PM_BLOCK] even where they are not below n,
 * which is damage. High parts are loaded 4 bytes at a time. Returns all high parts
 * ored; false where one does not fit. */
static bool apply_patches(const view *v, size_t n, uint32_t *out, uint32_t *all_high) {
    uint32_t mask = low_mask(8 * v->patch_bytes);
    unsigned largest = 0;
    uint64_t all = 0;
    for (unsigned k = 0; k < v->n_patches; k++) {
        uint64_t high =
            (uint64_t)(pm_load32(v->high + (size_t)k * v->patch_bytes) & mask)
            << v->width;
        largest = v->index[k] > largest ? v->index[k] : largest;
        all |= high;
        out[v->index[k]] |= (uint32_t)high;
    }
    *all_high = (uint32_t)all;
    return largest < n && all <= UINT32_MAX;
}

uint32_t pm_block_decode_bound(pm_cursor *c, size_t n, uint32_t *out) {
    view v;
    uint32_t high = 0;
    if (!take_block(c, n, &v)) {
        goto bad;
    }
    pm_kernels_get()->unpack(v.packed, v.width, n, out);
    if (v.n_patches > 0 && !apply_patches(&v, n, out, &high)) {
        goto bad;
    }
    return high | low_mask(v.width);
bad:
    c->bad = true;
    memset(out, 0, PM_BLOCK * sizeof *out);
    return 0;
}

void pm_block_decode(pm_cursor *c, size_t n, uint32_t *out) {
    (void)pm_block_decode_bound(c, n, out);
}

void pm_block_skip(pm_cursor *c, size_t n) {
    view v;
    (void)take_block(c, n, &v);
}
