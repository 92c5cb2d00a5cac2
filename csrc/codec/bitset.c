/* Ranks come from one count per 512 bits and the ones of at most 8 words. Damaged ranks
 * give wrong numbers within bounds, never a read out of them: a search trusts them only
 * for skipping. */
#include "codec/bitset.h"

#include <assert.h>
#include <string.h>

#include "codec/cpu.h"

enum { GROUP_WORDS = 8, GROUP_BITS = 512 };

static size_t n_groups(uint64_t n_bits) {
    return (size_t)((n_bits + GROUP_BITS - 1) / GROUP_BITS);
}

/* The k lowest bits, k <= 64. */
static uint64_t low_bits(uint64_t k) {
    return k >= 64 ? UINT64_MAX : (UINT64_C(1) << k) - 1;
}

/* Bits of word w that lie below n_bits. */
static uint64_t valid_bits(uint64_t n_bits, size_t w) {
    return low_bits(n_bits - (uint64_t)w * 64);
}

/* Word w < words of n_bits; bits behind the end count as unset. */
static uint64_t word_at(const pm_bitmap *b, size_t w) {
    return pm_load64(b->words + w * 8) & valid_bits(b->n_bits, w);
}

static uint32_t rank_at(const pm_bitmap *b, size_t group) {
    return pm_load32(b->ranks + group * 4);
}

void pm_bitmap_encode(pm_buf *out, const uint64_t *words, uint64_t n_bits) {
    assert(n_bits <= UINT32_MAX);
    size_t n_words = pm_bits_words(n_bits);
    if (n_words == 0) {
        return;
    }
    pm_buf_put(out, words, (n_words - 1) * 8);
    pm_buf_put_u64(out, words[n_words - 1] & valid_bits(n_bits, n_words - 1));
    uint64_t ones = 0;
    for (size_t w = 0; w < n_words; w += GROUP_WORDS) {
        pm_buf_put_u32(out, (uint32_t)ones);
        size_t n = n_words - w < GROUP_WORDS ? n_words - w : GROUP_WORDS;
        ones += pm_kernels_get()->popcount(words + w, n);
    }
}

bool pm_bitmap_open(pm_bytes bytes, uint64_t n_bits, pm_bitmap *out) {
    memset(out, 0, sizeof *out);
    if (n_bits > UINT32_MAX) {
        return false;
    }
    uint64_t words_bytes = (uint64_t)pm_bits_words(n_bits) * 8;
    if (bytes.n != words_bytes + (uint64_t)n_groups(n_bits) * 4) {
        return false;
    }
    if (n_bits > 0) {
        *out = (pm_bitmap){bytes.p, bytes.p + words_bytes, n_bits, 0};
        out->n_ones = pm_bitmap_rank(out, n_bits);
    }
    return true;
}

/* Ones of the group that lie below bit i; i is within the group or its end. */
static uint64_t ones_in_group(const pm_bitmap *b, size_t group, uint64_t i) {
    uint64_t words[GROUP_WORDS];
    size_t first = group * GROUP_WORDS;
    size_t n = pm_bits_words(i) - first; /* at most 8 */
    memcpy(words, b->words + first * 8, n * 8);
    if (n > 0) {
        words[n - 1] &= valid_bits(i, first + n - 1);
    }
    return pm_kernels_get()->popcount(words, n);
}

bool pm_bitmap_verify(const pm_bitmap *b) {
    uint64_t ones = 0;
    for (size_t group = 0; group < n_groups(b->n_bits); group++) {
        uint64_t end = (uint64_t)(group + 1) * GROUP_BITS;
        if (rank_at(b, group) != ones) {
            return false;
        }
        ones += ones_in_group(b, group, end < b->n_bits ? end : b->n_bits);
    }
    size_t n_words = pm_bits_words(b->n_bits);
    bool clean_tail = n_words == 0 || pm_load64(b->words + (n_words - 1) * 8) ==
                                          word_at(b, n_words - 1);
    return ones == b->n_ones && clean_tail;
}

bool pm_bitmap_get(const pm_bitmap *b, uint64_t i) {
    return i < b->n_bits && ((b->words[i >> 3] >> (i & 7)) & 1) != 0;
}

/* Clamped to i: callers size arrays by differences of ranks. */
uint64_t pm_bitmap_rank(const pm_bitmap *b, uint64_t i) {
    i = i < b->n_bits ? i : b->n_bits;
    if (i == 0) {
        return 0;
    }
    size_t group = (size_t)((i - 1) / GROUP_BITS);
    uint64_t rank = rank_at(b, group) + ones_in_group(b, group, i);
    return rank < i ? rank : i;
}

/* Whether the ranks say that the group holds nothing. The last group has no rank behind
 * it. */
static bool is_empty_group(const pm_bitmap *b, size_t group) {
    return group + 1 < n_groups(b->n_bits) &&
           rank_at(b, group) == rank_at(b, group + 1);
}

uint64_t pm_bitmap_before(const pm_bitmap *b, uint64_t i) {
    if (b->n_bits == 0) {
        return UINT64_MAX;
    }
    i = i < b->n_bits ? i : b->n_bits - 1;
    size_t w = (size_t)(i / 64);
    uint64_t word = word_at(b, w) & low_bits(i % 64 + 1);
    while (word == 0) {
        while (w % GROUP_WORDS == 0 && w > 0 &&
               is_empty_group(b, w / GROUP_WORDS - 1)) {
            w -= GROUP_WORDS;
        }
        if (w == 0) {
            return UINT64_MAX;
        }
        word = word_at(b, --w);
    }
    return (uint64_t)w * 64 + 63 - (unsigned)__builtin_clzll(word);
}

uint64_t pm_bitmap_after(const pm_bitmap *b, uint64_t i) {
    if (i >= b->n_bits) {
        return b->n_bits;
    }
    size_t n_words = pm_bits_words(b->n_bits);
    size_t w = (size_t)(i / 64);
    uint64_t word = word_at(b, w) & ~low_bits(i % 64);
    while (word == 0) {
        w++;
        while (w % GROUP_WORDS == 0 && w < n_words &&
               is_empty_group(b, w / GROUP_WORDS)) {
            w += GROUP_WORDS;
        }
        if (w >= n_words) {
            return b->n_bits;
        }
        word = word_at(b, w);
    }
    return (uint64_t)w * 64 + (unsigned)__builtin_ctzll(word);
}
