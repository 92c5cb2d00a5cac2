/* The definition of each kernel, and what runs where there is no better one. */
#include <string.h>

#include "base/cursor.h"
#include "codec/kernels.h"

/* An integer of 32 bits that starts within a byte ends within the 39 bits behind it:
 * one load of 64 holds it. */
static void unpack(const uint8_t *in, unsigned width, size_t n, uint32_t *out) {
    if (width == 0) {
        memset(out, 0, n * sizeof *out);
        return;
    }
    uint64_t mask = (UINT64_C(1) << width) - 1;
    size_t bit = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint32_t)((pm_load64(in + (bit >> 3)) >> (bit & 7)) & mask);
        bit += width;
    }
}

static void prefix_sum(uint32_t *values, size_t n, uint32_t base) {
    for (size_t i = 0; i < n; i++) {
        base += values[i] + 1;
        values[i] = base;
    }
}

/* Bits are counted in pairs, nibbles and bytes side by side (Warren, Hacker's Delight,
 * section 5-1). */
static uint64_t popcount(const uint64_t *words, size_t n) {
    uint64_t ones = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t w = words[i];
        w -= (w >> 1) & UINT64_C(0x5555555555555555);
        w = (w & UINT64_C(0x3333333333333333)) +
            ((w >> 2) & UINT64_C(0x3333333333333333));
        w = (w + (w >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
        ones += (w * UINT64_C(0x0101010101010101)) >> 56;
    }
    return ones;
}

const pm_kernels pm_kernels_scalar = {"scalar", unpack, prefix_sum, popcount};
