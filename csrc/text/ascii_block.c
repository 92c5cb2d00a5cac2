/* Byte classes by comparison, 16 (SSE2, part of every x86-64), 32 (AVX2) or 64
 * (AVX-512BW) bytes at a time. Which body runs is asked of the processor for each text:
 * that is one load, and there is no state to set up. */
#include "text/ascii_block.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

static uint64_t bit(int condition, unsigned i) {
    return (uint64_t)(condition != 0) << i;
}

void pm_ascii_block_scalar(const uint8_t *p, pm_ascii_block *b) {
    *b = (pm_ascii_block){0};
    for (unsigned i = 0; i < 64; i++) {
        uint8_t c = p[i];
        int upper = c >= 'A' && c <= 'Z';
        b->upper |= bit(upper, i);
        b->letter |= bit(upper || (c >= 'a' && c <= 'z'), i);
        b->odd |= bit((c >= '0' && c <= '9') || c == '_' || c == '@' || c == '#' ||
                          c == '$' || c == '*',
                      i);
        b->high |= bit(c >= 0x80, i);
        b->apostrophe |= bit(c == '\'', i);
        b->dot |= bit(c == '.', i);
        b->colon |= bit(c == ':', i);
        b->zone |= bit(c == '.' || c == '!' || c == '?' || c == '"' ||
                           (c >= '\n' && c <= '\r'),
                       i);
    }
}

#ifdef __x86_64__

/* One body for two widths: V is the vector type, OP(name) the intrinsic. Comparisons
 * are signed, so bytes from 0x80 on are below everything. MASK gives the bits of the
 * comparison at byte i of the block. */
#define BETWEEN(v, lo, hi) AND(GREATER(v, ALL((lo)-1)), GREATER(ALL((hi) + 1), v))
#define EQUAL(v, c) SAME(v, ALL(c))
#define LOAD_BLOCK(WIDTH, V)                                                           \
    *b = (pm_ascii_block){0};                                                          \
    for (unsigned i = 0; i < 64; i += (WIDTH)) {                                       \
        V v = LOAD(p + i);                                                             \
        V dot = EQUAL(v, '.');                                                         \
        V odd = OR(BETWEEN(v, '0', '9'), OR(BETWEEN(v, '#', '$'), EQUAL(v, '*')));     \
        V ends = OR(BETWEEN(v, '\n', '\r'), OR(EQUAL(v, '!'), EQUAL(v, '?')));         \
        b->letter |= MASK(BETWEEN(OR(v, ALL(0x20)), 'a', 'z')) << i;                   \
        b->upper |= MASK(BETWEEN(v, 'A', 'Z')) << i;                                   \
        b->odd |= MASK(OR(odd, OR(EQUAL(v, '_'), EQUAL(v, '@')))) << i;                \
        b->high |= MASK(v) << i;                                                       \
        b->apostrophe |= MASK(EQUAL(v, '\'')) << i;                                    \
        b->dot |= MASK(dot) << i;                                                      \
        b->colon |= MASK(EQUAL(v, ':')) << i;                                          \
        b->zone |= MASK(OR(OR(dot, EQUAL(v, '"')), ends)) << i;                        \
    }

#define AND _mm_and_si128
#define OR _mm_or_si128
#define GREATER _mm_cmpgt_epi8
#define SAME _mm_cmpeq_epi8
#define ALL(c) _mm_set1_epi8((char)(c))
#define LOAD(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define MASK(v) (uint64_t)(uint32_t) _mm_movemask_epi8(v)
static void load_sse2(const uint8_t *p, pm_ascii_block *b) {
    LOAD_BLOCK(16, __m128i)
}
#undef AND
#undef OR
#undef GREATER
#undef SAME
#undef ALL
#undef LOAD
#undef MASK

#define AND _mm256_and_si256
#define OR _mm256_or_si256
#define GREATER _mm256_cmpgt_epi8
#define SAME _mm256_cmpeq_epi8
#define ALL(c) _mm256_set1_epi8((char)(c))
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define MASK(v) (uint64_t)(uint32_t) _mm256_movemask_epi8(v)
__attribute__((target("avx2"))) static void load_avx2(const uint8_t *p,
                                                      pm_ascii_block *b) {
    LOAD_BLOCK(32, __m256i)
}

#define EQUAL64(c) _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)(c)))
#define BETWEEN64(v, lo, hi)                                                           \
    _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8((char)(lo))),           \
                           _mm512_set1_epi8((char)((hi) - (lo))))
__attribute__((target("avx512f,avx512bw"))) static void load_avx512(const uint8_t *p,
                                                                    pm_ascii_block *b) {
    __m512i v = _mm512_loadu_si512((const void *)p);
    b->letter = BETWEEN64(_mm512_or_si512(v, _mm512_set1_epi8(0x20)), 'a', 'z');
    b->upper = BETWEEN64(v, 'A', 'Z');
    b->odd = BETWEEN64(v, '0', '9') | BETWEEN64(v, '#', '$') | EQUAL64('*') |
             EQUAL64('_') | EQUAL64('@');
    b->high = _mm512_movepi8_mask(v);
    b->apostrophe = EQUAL64('\'');
    b->dot = EQUAL64('.');
    b->colon = EQUAL64(':');
    b->zone =
        b->dot | EQUAL64('!') | EQUAL64('?') | EQUAL64('"') | BETWEEN64(v, '\n', '\r');
}

unsigned pm_ascii_block_loads(pm_ascii_block_load at[PM_MAX_BLOCK_LOADS]) {
    unsigned n = 0;
    at[n++] = pm_ascii_block_scalar;
    at[n++] = load_sse2;
    if (__builtin_cpu_supports("avx2")) {
        at[n++] = load_avx2;
        if (__builtin_cpu_supports("avx512bw")) {
            at[n++] = load_avx512;
        }
    }
    return n;
}

#else

unsigned pm_ascii_block_loads(pm_ascii_block_load at[PM_MAX_BLOCK_LOADS]) {
    at[0] = pm_ascii_block_scalar;
    return 1;
}

#endif

pm_ascii_block_load pm_ascii_block_fastest(void) {
    pm_ascii_block_load at[PM_MAX_BLOCK_LOADS];
    return at[pm_ascii_block_loads(at) - 1];
}
