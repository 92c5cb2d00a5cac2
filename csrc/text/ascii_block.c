/* Byte classes by comparison, 16 bytes at a time. */
#include "text/ascii_block.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static uint64_t bit(int condition, unsigned i) { return (uint64_t)(condition != 0) << i; }

void pm_ascii_block_scalar(const uint8_t *p, pm_ascii_block *b) {
    *b = (pm_ascii_block){0};
    for (unsigned i = 0; i < 64; i++) {
        uint8_t c = p[i];
        int upper = c >= 'A' && c <= 'Z';
        b->upper |= bit(upper, i);
        b->letter |= bit(upper || (c >= 'a' && c <= 'z'), i);
        b->odd |= bit((c >= '0' && c <= '9') || c == '_' || c == '@' || c == '#' || c == '$' || c == '*', i);
        b->high |= bit(c >= 0x80, i);
        b->apostrophe |= bit(c == '\'', i);
        b->dot |= bit(c == '.', i);
        b->colon |= bit(c == ':', i);
        b->slash |= bit(c == '/', i);
        b->zone |= bit(c == '.' || c == '!' || c == '?' || c == '"' || (c >= '\n' && c <= '\r'), i);
    }
}

#ifdef __SSE2__

static __m128i between(__m128i v, char lo, char hi) { /* signed: bytes from 0x80 on are below everything */
    return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8((char)(lo - 1))), _mm_cmplt_epi8(v, _mm_set1_epi8((char)(hi + 1))));
}
static __m128i equal(__m128i v, char c) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(c)); }
static __m128i either(__m128i a, __m128i b) { return _mm_or_si128(a, b); }
static uint64_t mask(__m128i v, unsigned shift) { return (uint64_t)(uint32_t)_mm_movemask_epi8(v) << shift; }

void pm_ascii_block_load(const uint8_t *p, pm_ascii_block *b) {
    *b = (pm_ascii_block){0};
    for (unsigned i = 0; i < 64; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i dot = equal(v, '.');
        b->letter |= mask(between(either(v, _mm_set1_epi8(0x20)), 'a', 'z'), i);
        b->upper |= mask(between(v, 'A', 'Z'), i);
        __m128i odd = either(between(v, '0', '9'), either(between(v, '#', '$'), equal(v, '*')));
        b->odd |= mask(either(odd, either(equal(v, '_'), equal(v, '@'))), i);
        b->high |= mask(v, i);
        b->apostrophe |= mask(equal(v, '\''), i);
        b->dot |= mask(dot, i);
        b->colon |= mask(equal(v, ':'), i);
        b->slash |= mask(equal(v, '/'), i);
        __m128i ends = either(between(v, '\n', '\r'), either(equal(v, '!'), equal(v, '?')));
        b->zone |= mask(either(either(dot, equal(v, '"')), ends), i);
    }
}

#else

void pm_ascii_block_load(const uint8_t *p, pm_ascii_block *b) { pm_ascii_block_scalar(p, b); }

#endif
