/* Kernels for AVX2 (with BMI2 and POPCNT). Empty where the compiler was not told to use
 * it. */
#include "codec/kernels.h"

#if defined(__AVX2__) && defined(__POPCNT__)
#include <immintrin.h>
#include <string.h>

enum {
    LANES = 8,
    MAX_SHUFFLED_WIDTH = 25 /* with 7 bits before it, what 4 bytes hold */
};

static inline __m128i load16(const uint8_t *p) {
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
static inline __m256i load32(const void *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}
static inline void store32(void *p, __m256i v) {
    _mm256_storeu_si256((__m256i *)p, v);
}

/* Eight integers take `width` bytes, so every step has the same shape:
 *
 *   load 16 bytes at bit 0, and 16 at the byte of bit 4 * width
 *     -> the two halves of a register
 *   shuffle the 4 bytes around each integer into its lane, shift right by the bits
 *     before it, mask
 *
 * Larger widths are rare (gaps above 2^25) and go the scalar way. */
static void unpack(const uint8_t *in, unsigned width, size_t n, uint32_t *out) {
    if (width == 0) {
        memset(out, 0, n * sizeof *out);
        return;
    }
    if (width > MAX_SHUFFLED_WIDTH) {
        pm_kernels_scalar.unpack(in, width, n, out);
        return;
    }
    const unsigned half = 4 * width;
    const int before = (int)(half & 7);
    const __m256i order = _mm256_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3);
    const __m256i bit =
        _mm256_add_epi32(_mm256_mullo_epi32(order, _mm256_set1_epi32((int)width)),
                         _mm256_setr_epi32(0, 0, 0, 0, before, before, before, before));
    const __m256i byte = _mm256_srli_epi32(bit, 3);
    const __m256i shift = _mm256_and_si256(bit, _mm256_set1_epi32(7));
    const __m256i pick =
        _mm256_add_epi32(_mm256_mullo_epi32(byte, _mm256_set1_epi32(0x01010101)),
                         _mm256_set1_epi32(0x03020100));
    const __m256i mask = _mm256_set1_epi32((1 << width) - 1);
    for (size_t i = 0; i < n; i += LANES, in += width) {
        __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(load16(in)),
                                            load16(in + (half >> 3)), 1);
        v = _mm256_srlv_epi32(_mm256_shuffle_epi8(v, pick), shift);
        store32(out + i, _mm256_and_si256(v, mask));
    }
}

/* Sums within eight do not wait for each other; only the addition of the carry does. */
static void prefix_sum(uint32_t *values, size_t n, uint32_t base) {
    const __m256i one = _mm256_set1_epi32(1);
    const __m256i last = _mm256_set1_epi32(7);
    __m256i carry = _mm256_set1_epi32((int)base);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m256i v = _mm256_add_epi32(load32(values + i), one);
        v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
        v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
        /* low half -> high, zeros below */
        __m256i low = _mm256_permute2x128_si256(v, v, 0x08);
        v = _mm256_add_epi32(v, _mm256_shuffle_epi32(low, 0xff));
        store32(values + i, _mm256_add_epi32(v, carry));
        carry = _mm256_add_epi32(carry, _mm256_permutevar8x32_epi32(v, last));
    }
    if (i < n) {
        base = (uint32_t)_mm256_cvtsi256_si32(carry);
        pm_kernels_scalar.prefix_sum(values + i, n - i, base);
    }
}

/* Nibbles are looked up, bytes summed (Mula, Kurz & Lemire 2018, section 3.1). */
static uint64_t popcount(const uint64_t *words, size_t n) {
    const __m256i table =
        _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, //
                         0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(0x0f);
    const __m256i zero = _mm256_setzero_si256();
    __m256i sum = zero;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i v = load32(words + i);
        __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble));
        __m256i high = _mm256_shuffle_epi8(
            table, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
        sum = _mm256_add_epi64(sum, _mm256_sad_epu8(_mm256_add_epi8(low, high), zero));
    }
    uint64_t lanes[4];
    store32(lanes, sum);
    uint64_t ones = lanes[0] + lanes[1] + lanes[2] + lanes[3];
    for (; i < n; i++) {
        ones += (uint64_t)_mm_popcnt_u64(words[i]);
    }
    return ones;
}

const pm_kernels pm_kernels_avx2 = {"avx2", unpack, prefix_sum, popcount};
#else
const pm_kernels pm_kernels_avx2 = {0};
#endif
