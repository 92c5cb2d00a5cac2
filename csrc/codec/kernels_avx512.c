/* Kernels for AVX-512 of Ice Lake and Zen 4 on (F, BW, VL, DQ, VBMI, VBMI2, BITALG,
 * VPOPCNTDQ). Empty where the compiler was not told to use it. */
#include "codec/kernels.h"

#if defined(__AVX512VBMI__) && defined(__AVX512VBMI2__) && defined(__AVX512BW__) &&    \
    defined(__AVX512VPOPCNTDQ__)
#include <immintrin.h>
#include <string.h>

enum {
    LANES = 16,
    MAX_SINGLE_WIDTH = 25 /* with 7 bits before it, what 4 bytes hold */
};

static inline __mmask16 first_lanes(size_t n) {
    return (__mmask16)((1u << n) - 1);
}

/* Sixteen integers take 2 * width bytes, at most one register, so every step has the
 * same shape: the 4 bytes around each integer are picked into its lane, then shifted
 * right by the bits before it and masked. Above 25 bits a fifth byte is needed: a
 * second register of picked bytes is shifted in from above. */
static void unpack(const uint8_t *in, unsigned width, size_t n, uint32_t *out) {
    if (width == 0) {
        memset(out, 0, n * sizeof *out);
        return;
    }
    const __m512i order =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i bit = _mm512_mullo_epi32(order, _mm512_set1_epi32((int)width));
    const __m512i shift = _mm512_and_si512(bit, _mm512_set1_epi32(7));
    const __m512i byte =
        _mm512_mullo_epi32(_mm512_srli_epi32(bit, 3), _mm512_set1_epi32(0x01010101));
    const __m512i pick = _mm512_add_epi32(byte, _mm512_set1_epi32(0x03020100));
    const __m512i mask = _mm512_set1_epi32((int)(0xffffffffu >> (32 - width)));
    const size_t step = 2 * (size_t)width;
    if (width <= MAX_SINGLE_WIDTH) {
        for (size_t i = 0; i < n; i += LANES, in += step) {
            __m512i v = _mm512_permutexvar_epi8(pick, _mm512_loadu_si512(in));
            _mm512_storeu_si512(out + i,
                                _mm512_and_si512(_mm512_srlv_epi32(v, shift), mask));
        }
        return;
    }
    const __m512i above = _mm512_add_epi32(byte, _mm512_set1_epi32(0x07060504));
    for (size_t i = 0; i < n; i += LANES, in += step) {
        __m512i v = _mm512_loadu_si512(in);
        v = _mm512_shrdv_epi32(_mm512_permutexvar_epi8(pick, v),
                               _mm512_permutexvar_epi8(above, v), shift);
        _mm512_storeu_si512(out + i, _mm512_and_si512(v, mask));
    }
}

/* Sums of (v + 1) within sixteen, in log 16 steps. */
static inline __m512i sum_lanes(__m512i v) {
    const __m512i zero = _mm512_setzero_si512();
    v = _mm512_add_epi32(v, _mm512_set1_epi32(1));
    v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, zero, 15));
    v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, zero, 14));
    v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, zero, 12));
    return _mm512_add_epi32(v, _mm512_alignr_epi32(v, zero, 8));
}

/* Steps do not wait for each other; only the addition of the carry does. */
static void prefix_sum(uint32_t *values, size_t n, uint32_t base) {
    const __m512i last = _mm512_set1_epi32(15);
    __m512i carry = _mm512_set1_epi32((int)base);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        __m512i v = sum_lanes(_mm512_loadu_si512(values + i));
        _mm512_storeu_si512(values + i, _mm512_add_epi32(v, carry));
        carry = _mm512_add_epi32(carry, _mm512_permutexvar_epi32(last, v));
    }
    if (i < n) {
        __mmask16 rest = first_lanes(n - i);
        __m512i v = sum_lanes(_mm512_maskz_loadu_epi32(rest, values + i));
        _mm512_mask_storeu_epi32(values + i, rest, _mm512_add_epi32(v, carry));
    }
}

static uint64_t popcount(const uint64_t *words, size_t n) {
    __m512i sum = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_loadu_si512(words + i)));
    }
    if (i < n) {
        __mmask8 rest = (__mmask8)first_lanes(n - i);
        sum = _mm512_add_epi64(
            sum, _mm512_popcnt_epi64(_mm512_maskz_loadu_epi64(rest, words + i)));
    }
    return (uint64_t)_mm512_reduce_add_epi64(sum);
}

const pm_kernels pm_kernels_avx512 = {"avx512", unpack, prefix_sum, popcount};
#else
const pm_kernels pm_kernels_avx512 = {0};
#endif
