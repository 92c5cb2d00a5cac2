/* Codec: every kernel equals the scalar one, lists and bit sets equal plain arrays, and
 * no damage reads out of bounds. Run once per kernel table: each in a child, since the
 * choice is made once in a process. */
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "check.h"
#include "codec/bitset.h"
#include "codec/list.h"

static uint64_t random_state = 88172645463325252u;

/* xorshift64 (Marsaglia 2003): the same numbers in every run. */
static uint64_t random64(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint32_t random_bits(unsigned width) {
    return width == 0 ? 0 : (uint32_t)(random64() >> (64 - width));
}

/* Bytes in an allocation of their own with the promised slack behind, so that a
 * sanitizer sees each wrong read. */
static uint8_t *with_slack(const uint8_t *from, size_t n) {
    uint8_t *p = pm_calloc(n + PM_READ_SLACK, 1);
    CHECK(p != NULL);
    if (n > 0) {
        memcpy(p, from, n);
    }
    memset(p + n, 0xa5, PM_READ_SLACK);
    return p;
}

/* ---- kernels ---- */

static void test_unpack_equals_scalar_at_every_width_and_length(const pm_kernels *k) {
    const pm_kernels *scalar = pm_kernels_of(PM_CPU_SCALAR);
    uint8_t random[4 * PM_BLOCK];
    for (size_t i = 0; i < sizeof random; i++) {
        random[i] = (uint8_t)random64();
    }
    for (unsigned width = 0; width <= 32; width++) {
        for (size_t n = 1; n <= PM_BLOCK; n++) {
            uint32_t expected[PM_BLOCK], got[PM_BLOCK];
            uint8_t *in = with_slack(random, (n * width + 7) / 8);
            scalar->unpack(in, width, n, expected);
            k->unpack(in, width, n, got);
            CHECK(memcmp(expected, got, n * sizeof *got) == 0);
            pm_free(in);
        }
    }
}

static void test_scalar_unpack_reads_bits_in_order(void) {
    const pm_kernels *scalar = pm_kernels_of(PM_CPU_SCALAR);
    uint8_t in[4 * PM_BLOCK + PM_READ_SLACK];
    for (size_t i = 0; i < sizeof in; i++) {
        in[i] = (uint8_t)random64();
    }
    for (unsigned width = 1; width <= 32; width++) {
        uint32_t out[PM_BLOCK];
        scalar->unpack(in, width, PM_BLOCK, out);
        for (size_t i = 0; i < PM_BLOCK * (size_t)width; i++) {
            unsigned expected = ((unsigned)in[i / 8] >> (i % 8)) & 1u;
            CHECK(((out[i / width] >> (i % width)) & 1u) == expected);
        }
    }
}

static void test_prefix_sum_equals_scalar(const pm_kernels *k) {
    const pm_kernels *scalar = pm_kernels_of(PM_CPU_SCALAR);
    for (size_t n = 0; n <= PM_BLOCK; n++) {
        uint32_t *a = pm_alloc_array(n, sizeof *a);
        uint32_t *b = pm_alloc_array(n, sizeof *b);
        CHECK(a != NULL && b != NULL);
        for (size_t i = 0; i < n; i++) {
            a[i] = b[i] = random_bits(32);
        }
        uint32_t base = random_bits(32);
        scalar->prefix_sum(a, n, base);
        k->prefix_sum(b, n, base);
        CHECK(memcmp(a, b, n * sizeof *a) == 0);
        CHECK(n < 2 || a[1] - a[0] != 0 || b[1] == a[1]);
        pm_free(a);
        pm_free(b);
    }
}

static void test_popcount_equals_scalar(const pm_kernels *k) {
    const pm_kernels *scalar = pm_kernels_of(PM_CPU_SCALAR);
    for (size_t n = 0; n <= 100; n++) {
        uint64_t *words = pm_alloc_array(n, sizeof *words);
        CHECK(words != NULL);
        uint64_t ones = 0;
        for (size_t i = 0; i < n; i++) {
            words[i] = i % 7 == 0 ? UINT64_MAX : random64() & random64();
            for (unsigned bit = 0; bit < 64; bit++) {
                ones += (words[i] >> bit) & 1;
            }
        }
        CHECK(k->popcount(words, n) == ones);
        CHECK(scalar->popcount(words, n) == ones);
        pm_free(words);
    }
}

/* ---- blocks ---- */

/* Size at the best width, found by trying each as the format describes it. */
static size_t cheapest_bytes(const uint32_t *values, size_t n) {
    size_t best = SIZE_MAX;
    for (unsigned width = 0; width <= 32; width++) {
        size_t patches = 0, patch_bytes = 0;
        for (size_t i = 0; i < n; i++) {
            uint64_t high = (uint64_t)values[i] >> width;
            size_t needs = high == 0         ? 0
                           : high < 1u << 8  ? 1
                           : high < 1u << 16 ? 2
                           : high < 1u << 24 ? 3
                                             : 4;
            patches += needs > 0;
            patch_bytes = needs > patch_bytes ? needs : patch_bytes;
        }
        size_t bytes = 2 + (n * width + 7) / 8 +
                       (patches > 0 ? 1 + patches * (1 + patch_bytes) : 0);
        if (patches <= 255 && bytes < best) {
            best = bytes;
        }
    }
    return best;
}

static void check_block(const uint32_t *values, size_t n) {
    pm_buf b;
    pm_buf_init(&b);
    pm_block_encode(&b, values, n);
    CHECK(!b.failed && b.n == cheapest_bytes(values, n));
    uint8_t *bytes = with_slack(b.p, b.n);
    uint32_t out[PM_BLOCK];
    pm_cursor c = pm_cursor_of((pm_bytes){bytes, b.n});
    uint32_t bound = pm_block_decode_bound(&c, n, out);
    CHECK(!c.bad && c.p == c.end);
    CHECK(memcmp(out, values, n * sizeof *values) == 0);
    for (size_t i = 0; i < n; i++) {
        CHECK(values[i] <= bound);
    }
    c = pm_cursor_of((pm_bytes){bytes, b.n});
    pm_block_skip(&c, n);
    CHECK(!c.bad && c.p == c.end);
    pm_free(bytes);
    pm_buf_release(&b);
}

static void test_block_returns_what_was_encoded_in_the_fewest_bytes(void) {
    static const size_t lengths[] = {1,  2,   3,   7,   8,   15,  16, 17,
                                     31, 100, 127, 128, 129, 255, 256};
    uint32_t values[PM_BLOCK];
    for (unsigned width = 0; width <= 32; width++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            for (unsigned outliers = 0; outliers <= 64; outliers += 8) {
                for (size_t i = 0; i < PM_BLOCK; i++) {
                    values[i] = random_bits(width);
                }
                for (unsigned k = 0; k < outliers; k++) {
                    values[random64() % PM_BLOCK] = random_bits(32) >> random_bits(5);
                }
                check_block(values, lengths[l]);
            }
        }
    }
    memset(values, 0xff, sizeof values);
    check_block(values, PM_BLOCK);
    memset(values, 0, sizeof values);
    check_block(values, PM_BLOCK);
}

static void test_block_refuses_each_field_out_of_range(void) {
    static const struct {
        const char *what;
        uint8_t bytes[16];
        size_t size, n;
    } damaged[] = {
        {"width above 32", {33, 0, 1, 1, 1, 1, 1}, 16, 1},
        {"more patches than integers", {1, 3, 0, 1, 0, 1, 0, 1, 1, 1}, 16, 2},
        {"patch bytes of 0", {1, 1, 0, 0, 0, 1}, 16, 8},
        {"patch bytes of 5", {1, 1, 0, 5, 0, 1}, 16, 8},
        {"patch index beyond the block", {1, 1, 0, 1, 8, 1}, 16, 8},
        {"high part beyond 32 bits", {31, 1, 0, 0, 0, 0, 1, 0, 2}, 16, 1},
        {"packed bytes missing", {8, 0, 1, 2, 3}, 5, 4},
        {"no bytes", {0}, 0, 4},
        {"half a head", {0}, 1, 4},
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        uint8_t *bytes = with_slack(damaged[i].bytes, damaged[i].size);
        uint32_t out[PM_BLOCK];
        memset(out, 0xee, sizeof out);
        pm_cursor c = pm_cursor_of((pm_bytes){bytes, damaged[i].size});
        pm_block_decode(&c, damaged[i].n, out);
        CHECK(c.bad && damaged[i].what != NULL);
        for (size_t k = 0; k < PM_BLOCK; k++) {
            CHECK(out[k] == 0);
        }
        pm_free(bytes);
    }
}

static void decode_block_copy(const uint8_t *bytes, size_t size, size_t n) {
    uint8_t *copy = with_slack(bytes, size);
    uint32_t out[PM_BLOCK];
    pm_cursor c = pm_cursor_of((pm_bytes){copy, size});
    pm_block_decode(&c, n, out);
    CHECK(c.p <= c.end);
    c = pm_cursor_of((pm_bytes){copy, size});
    pm_block_skip(&c, n);
    CHECK(c.p <= c.end);
    pm_free(copy);
}

static void test_damaged_blocks_are_decoded_within_bounds(void) {
    static const size_t lengths[] = {1, 5, 33, 256};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        uint32_t values[PM_BLOCK];
        size_t n = lengths[l];
        for (size_t i = 0; i < n; i++) {
            values[i] = i % 11 == 3 ? random_bits(30) : random_bits(3);
        }
        pm_buf b;
        pm_buf_init(&b);
        pm_block_encode(&b, values, n);
        for (size_t cut = 0; cut <= b.n; cut++) {
            decode_block_copy(b.p, cut, n);
        }
        for (size_t at = 0; at < b.n; at++) {
            for (unsigned change = 1; change < 256; change += at < 4 ? 1 : 17) {
                b.p[at] ^= (uint8_t)change;
                decode_block_copy(b.p, b.n, n);
                b.p[at] ^= (uint8_t)change;
            }
        }
        pm_buf_release(&b);
    }
}

static void test_random_bytes_are_decoded_within_bounds(void) {
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (uint8_t)random64();
        }
        bytes[0] %= 40;
        bytes[1] %= 20;
        decode_block_copy(bytes, random64() % (sizeof bytes + 1),
                          1 + random64() % PM_BLOCK);
    }
}

/* ---- lists ---- */

typedef struct sample { /* a list, its plain arrays and its bytes */
    size_t n;
    uint32_t *values, *payload;
    uint8_t *bytes;
    size_t size;
    pm_list list;
} sample;

static sample make_sample(size_t n, unsigned gap_bits, bool has_payload) {
    sample s = {.n = n};
    s.values = pm_alloc_array(n, sizeof *s.values);
    s.payload = pm_alloc_array(n, sizeof *s.payload);
    CHECK(s.values != NULL && s.payload != NULL);
    uint32_t value = random_bits(4);
    for (size_t i = 0; i < n; i++) {
        s.values[i] = value;
        value +=
            1 + random_bits(gap_bits) + (i % 100 == 50 ? random_bits(gap_bits + 6) : 0);
        s.payload[i] = random_bits(i % 50 == 0 ? 20 : 3);
    }
    pm_buf b;
    pm_buf_init(&b);
    pm_list_encode(&b, s.values, has_payload ? s.payload : NULL, n);
    CHECK(!b.failed);
    s.bytes = with_slack(b.p, b.n);
    s.size = b.n;
    s.list = (pm_list){{s.bytes, s.size}, (uint32_t)n, has_payload};
    pm_buf_release(&b);
    return s;
}

static void free_sample(sample *s) {
    pm_free(s->values);
    pm_free(s->payload);
    pm_free(s->bytes);
}

static uint32_t *decode_room(uint32_t n) {
    uint32_t *out =
        pm_alloc_array(((size_t)n + PM_BLOCK - 1) / PM_BLOCK * PM_BLOCK, sizeof *out);
    CHECK(out != NULL);
    return out;
}

static size_t lower_bound(const sample *s, uint32_t target) {
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (s->values[middle] < target) {
            lo = middle + 1;
        } else {
            hi = middle;
        }
    }
    return lo;
}

static uint32_t value_or_end(const sample *s, size_t i) {
    return i < s->n ? s->values[i] : UINT32_MAX;
}

static void check_next_walks_all(const sample *s) {
    pm_list_iter it;
    pm_list_iter_init(&it, s->list);
    for (size_t i = 0; i < s->n; i++) {
        CHECK(pm_list_iter_value(&it) == s->values[i]);
        CHECK(pm_list_iter_rank(&it) == i);
        CHECK(pm_list_iter_payload(&it) == (s->list.has_payload ? s->payload[i] : 0));
        CHECK(pm_list_iter_next(&it) == value_or_end(s, i + 1));
    }
    for (int again = 0; again < 3; again++) {
        CHECK(pm_list_iter_value(&it) == UINT32_MAX && pm_list_iter_rank(&it) == s->n);
        CHECK(pm_list_iter_next(&it) == UINT32_MAX && pm_list_iter_payload(&it) == 0);
        CHECK(pm_list_iter_advance(&it, 0) == UINT32_MAX);
    }
    CHECK(!it.bad);
}

static void check_advance_with_strides(const sample *s, uint32_t stride) {
    pm_list_iter it;
    pm_list_iter_init(&it, s->list);
    uint32_t target = 0;
    size_t at = 0;
    for (int step = 0; step < 3000 && at < s->n; step++) {
        size_t expected = lower_bound(s, target);
        at = expected > at ? expected : at;
        CHECK(pm_list_iter_advance(&it, target) == value_or_end(s, at));
        CHECK(pm_list_iter_rank(&it) == at);
        if (at < s->n && s->list.has_payload && step % 3 == 0) {
            CHECK(pm_list_iter_payload(&it) == s->payload[at]);
        }
        if (step % 5 == 4 && at < s->n) {
            at++;
            CHECK(pm_list_iter_next(&it) == value_or_end(s, at));
        }
        uint32_t by = (uint32_t)(random64() % stride);
        target = step % 7 == 6              ? target
                 : target > UINT32_MAX - by ? UINT32_MAX
                                            : target + by;
    }
    CHECK(pm_list_iter_advance(&it, UINT32_MAX) == UINT32_MAX);
    CHECK(!it.bad && pm_list_iter_rank(&it) == s->n);
}

static void check_rank_and_decode(const sample *s) {
    uint32_t *out = decode_room(s->list.n);
    CHECK(pm_list_decode(s->list, out));
    CHECK(memcmp(out, s->values, s->n * sizeof *out) == 0);
    pm_free(out);
    bool bad = false;
    for (int i = 0; i < 500; i++) {
        uint32_t near = s->n > 0 ? s->values[random64() % s->n] : 7;
        uint32_t target = near + (uint32_t)(random64() % 3) - 1;
        CHECK(pm_list_rank(s->list, target, &bad) == lower_bound(s, target));
    }
    CHECK(pm_list_rank(s->list, 0, &bad) == 0);
    CHECK(pm_list_rank(s->list, UINT32_MAX, &bad) == s->n);
    CHECK(!bad);
}

static void test_lists_equal_plain_arrays(void) {
    static const size_t sizes[] = {0, 1, 2, 255, 256, 257, 511, 512, 513, 1000, 100000};
    static const unsigned gap_bits[] = {0, 1, 7, 13};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t g = 0; g < sizeof gap_bits / sizeof *gap_bits; g++) {
            for (int payload = 0; payload < 2; payload++) {
                sample s = make_sample(sizes[i], gap_bits[g], payload);
                check_next_walks_all(&s);
                check_advance_with_strides(&s, 3);
                check_advance_with_strides(&s, 1u << (gap_bits[g] + 2));
                check_advance_with_strides(&s, 1u << (gap_bits[g] + 11));
                check_rank_and_decode(&s);
                free_sample(&s);
            }
        }
    }
}

static void check_values(const uint32_t *values, size_t n, bool good) {
    pm_buf b;
    pm_buf_init(&b);
    pm_list_encode(&b, values, NULL, n);
    uint8_t *bytes = with_slack(b.p, b.n);
    pm_list list = {{bytes, b.n}, (uint32_t)n, false};
    uint32_t *out = decode_room(list.n);
    CHECK(pm_list_decode(list, out) == good);
    CHECK(!good || memcmp(out, values, n * sizeof *out) == 0);
    pm_list_iter it;
    pm_list_iter_init(&it, list);
    for (size_t i = 1; i < n && !it.bad; i++) {
        (void)pm_list_iter_next(&it);
    }
    CHECK(it.bad == !good);
    bool bad = false;
    (void)pm_list_rank(list, values[n - 1], &bad);
    CHECK(bad == !good);
    pm_free(out);
    pm_free(bytes);
    pm_buf_release(&b);
}

/* Values that do not ascend are what gaps that overflow 32 bits decode to. */
static void test_lists_end_below_uint32_max_and_do_not_wrap(void) {
    check_values((uint32_t[]){0}, 1, true);
    check_values((uint32_t[]){0xfffffffe}, 1, true);
    check_values((uint32_t[]){0, 0xfffffffe}, 2, true);
    check_values((uint32_t[]){0xfffffffd, 0xfffffffe}, 2, true);
    check_values((uint32_t[]){UINT32_MAX}, 1, false);
    check_values((uint32_t[]){5, UINT32_MAX}, 2, false);
    check_values((uint32_t[]){5, 5}, 2, false);
    check_values((uint32_t[]){5, 4}, 2, false);
    check_values((uint32_t[]){0xfffffff0, 0x10}, 2, false);
    check_values((uint32_t[]){0x80000000, 0x7fffffff, 0x90000000}, 3, false);
    uint32_t values[PM_BLOCK]; /* gaps below 2^24 that wrap at the very end */
    for (uint32_t i = 0; i < PM_BLOCK; i++) {
        values[i] = 0xffffff00 + i;
    }
    check_values(values, PM_BLOCK, false);
    check_values(values, PM_BLOCK - 1, true);
    for (uint32_t i = 0; i < PM_BLOCK; i++) {
        values[i] = (i << 24) - 1 + (1 << 24);
    }
    check_values(values, PM_BLOCK - 1, true);
    check_values(values, PM_BLOCK, false);
}

static void walk_all(pm_list list) {
    pm_list_iter it;
    pm_list_iter_init(&it, list);
    uint64_t steps = 0;
    uint32_t value = pm_list_iter_value(&it);
    while (value != UINT32_MAX) {
        (void)pm_list_iter_payload(&it);
        uint32_t after = pm_list_iter_next(&it);
        CHECK(after > value);
        value = after;
        CHECK(++steps <= list.n);
    }
    CHECK(pm_list_iter_next(&it) == UINT32_MAX &&
          pm_list_iter_value(&it) == UINT32_MAX);
}

static void walk_by_advance(pm_list list, uint32_t stride) {
    pm_list_iter it;
    pm_list_iter_init(&it, list);
    uint32_t value = pm_list_iter_value(&it);
    while (value != UINT32_MAX) {
        uint32_t target = value < UINT32_MAX - stride ? value + stride : UINT32_MAX;
        value = pm_list_iter_advance(&it, target);
        CHECK(value >= target && pm_list_iter_rank(&it) <= list.n);
        (void)pm_list_iter_payload(&it);
    }
}

/* Whatever the bytes: answers ascend, ends are ends, and a list that decodes as a whole
 * walks without damage. */
static void check_damaged(const uint8_t *bytes, size_t size, uint32_t n,
                          bool has_payload) {
    uint8_t *copy = with_slack(bytes, size);
    pm_list list = {{copy, size}, n, has_payload};
    walk_all(list);
    walk_by_advance(list, 1);
    walk_by_advance(list, 3000);
    bool bad = false;
    CHECK(pm_list_rank(list, 2500, &bad) <= n);
    uint32_t *out = decode_room(n);
    if (pm_list_decode(list, out)) {
        for (uint32_t i = 1; i < n; i++) {
            CHECK(out[i] > out[i - 1]);
        }
        CHECK(!bad);
    }
    pm_free(out);
    pm_free(copy);
}

static void test_damaged_lists_are_read_within_bounds(void) {
    static const size_t sizes[] = {1, 20, 256, 257, 600};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int payload = 0; payload < 2; payload++) {
            sample s = make_sample(sizes[i], 5, payload);
            uint32_t n = (uint32_t)s.n;
            for (size_t cut = 0; cut < s.size; cut++) {
                check_damaged(s.bytes, cut, n, payload);
            }
            for (size_t at = 0; at < s.size; at++) {
                for (unsigned change = 1; change < 256; change = change * 2 + 1) {
                    s.bytes[at] ^= (uint8_t)change;
                    check_damaged(s.bytes, s.size, n, payload);
                    s.bytes[at] ^= (uint8_t)change;
                }
            }
            check_damaged(s.bytes, s.size, n + 1, payload);
            check_damaged(s.bytes, s.size, 5000, payload);
            check_damaged(s.bytes, s.size, n, !payload);
            free_sample(&s);
        }
    }
}

static void expect_bad_table(sample *s, size_t at, uint32_t value) {
    uint32_t kept = pm_load32(s->bytes + at);
    memcpy(s->bytes + at, &value, sizeof value);
    uint32_t *out = decode_room(s->list.n);
    CHECK(!pm_list_decode(s->list, out));
    pm_list_iter it;
    pm_list_iter_init(&it, s->list);
    while (pm_list_iter_next(&it) != UINT32_MAX) {
    }
    CHECK(it.bad && pm_list_iter_rank(&it) == s->n && !pm_list_iter_load(&it, 0));
    pm_free(out);
    memcpy(s->bytes + at, &kept, sizeof kept);
}

/* Three entries end the bytes: { u32 base, u32 offset } of blocks 1 to 3. */
static void test_list_table_out_of_range_is_damage(void) {
    sample s = make_sample(1000, 4, false);
    size_t table = s.size - 3 * 8;
    expect_bad_table(&s, table, UINT32_MAX); /* the first block's base */
    /* not where the block before it ends */
    expect_bad_table(&s, table, s.values[255] + 1);
    expect_bad_table(&s, table, s.values[255] - 1);
    expect_bad_table(&s, table + 16, s.values[767] + 1);
    expect_bad_table(&s, table + 8, 0);               /* descending */
    expect_bad_table(&s, table + 4, (uint32_t)table); /* at the end of the blocks */
    expect_bad_table(&s, table + 20, UINT32_MAX);     /* far beyond */
    free_sample(&s);
}

/* Bytes between blocks and table, or behind a list without one. */
static void test_list_with_bytes_left_over_does_not_decode(void) {
    static const size_t sizes[] = {0, 5, 256, 257, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        sample s = make_sample(sizes[i], 4, true);
        size_t table = sizes[i] > 256 ? (sizes[i] - 1) / 256 * 8 : 0;
        uint8_t *longer = pm_alloc(s.size + 1 + PM_READ_SLACK);
        uint32_t *out = decode_room(s.list.n);
        CHECK(longer != NULL);
        memset(longer, 0, s.size + 1 + PM_READ_SLACK);
        memcpy(longer, s.bytes, s.size - table);
        memcpy(longer + s.size - table + 1, s.bytes + s.size - table, table);
        CHECK(pm_list_decode(s.list, out));
        CHECK(!pm_list_decode((pm_list){{longer, s.size + 1}, s.list.n, true}, out));
        pm_free(out);
        pm_free(longer);
        free_sample(&s);
    }
}

/* In pieces of each size, the buffer emptied after each. */
static void check_list_writer(pm_list_writer *l, const sample *s, size_t piece) {
    pm_buf all, out;
    pm_buf_init(&all);
    pm_buf_init(&out);
    pm_list_begin(l, s->list.has_payload);
    for (size_t at = 0; at < s->n; at += piece) {
        size_t n = s->n - at < piece ? s->n - at : piece;
        pm_list_put(l, &out, s->values + at, s->payload + at, n);
        CHECK(l->n == at + n && l->held < PM_BLOCK);
        pm_buf_put(&all, out.p, out.n);
        pm_buf_clear(&out);
    }
    pm_list_end(l, &out);
    pm_buf_put(&all, out.p, out.n);
    CHECK(all.n == s->size && l->n == s->n &&
          (s->size == 0 || memcmp(all.p, s->bytes, s->size) == 0));
    pm_buf_release(&all);
    pm_buf_release(&out);
}

static void test_list_writer_in_pieces_makes_the_same_bytes(void) {
    static const size_t sizes[] = {0, 1, 63, 64, 255, 256, 257, 512, 513, 5000};
    static const size_t pieces[] = {1, 7, 255, 256, 257, 600, 100000};
    pm_list_writer l;
    pm_list_writer_init(&l);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            for (int payload = 0; payload < 2; payload++) {
                sample s = make_sample(sizes[i], 6, payload);
                check_list_writer(&l, &s, pieces[k]);
                free_sample(&s);
            }
        }
    }
    pm_list_writer_release(&l);
}

static void test_list_encoding_fails_without_memory(void) {
    uint32_t values[600];
    for (uint32_t i = 0; i < 600; i++) {
        values[i] = 3 * i;
    }
    pm_buf b;
    pm_buf_init(&b);
    b.failed = true;
    pm_list_encode(&b, values, NULL, 600);
    CHECK(b.failed && b.n == 0);
    pm_buf_release(&b);
}

/* ---- bit sets ---- */

static void check_bitmap(const uint64_t *words, uint64_t n_bits) {
    pm_buf b;
    pm_buf_init(&b);
    pm_bitmap_encode(&b, words, n_bits);
    CHECK(!b.failed);
    uint8_t *bytes = pm_alloc(b.n + 1); /* odd, and not a byte behind it */
    CHECK(bytes != NULL);
    if (b.n > 0) {
        memcpy(bytes + 1, b.p, b.n);
    }
    pm_bitmap map;
    CHECK(pm_bitmap_open((pm_bytes){bytes + 1, b.n}, n_bits, &map) &&
          pm_bitmap_verify(&map));
    uint64_t rank = 0, before = UINT64_MAX;
    for (uint64_t i = 0; i < n_bits; i++) {
        bool bit = pm_bits_get(words, i);
        CHECK(pm_bitmap_get(&map, i) == bit && pm_bitmap_rank(&map, i) == rank);
        rank += bit;
        before = bit ? i : before;
        CHECK(pm_bitmap_before(&map, i) == before);
    }
    CHECK(map.n_ones == rank && pm_bitmap_rank(&map, n_bits) == rank &&
          pm_bitmap_rank(&map, UINT64_MAX) == rank);
    CHECK(pm_bitmap_before(&map, n_bits) == before &&
          pm_bitmap_before(&map, UINT64_MAX) == before);
    uint64_t after = n_bits;
    CHECK(pm_bitmap_after(&map, n_bits) == n_bits &&
          pm_bitmap_after(&map, UINT64_MAX) == n_bits);
    for (uint64_t i = n_bits; i-- > 0;) {
        after = pm_bits_get(words, i) ? i : after;
        CHECK(pm_bitmap_after(&map, i) == after);
    }
    CHECK(!pm_bitmap_get(&map, n_bits) && !pm_bitmap_get(&map, UINT64_MAX));
    CHECK(!pm_bitmap_open((pm_bytes){bytes + 1, b.n + 1}, n_bits, &map));
    CHECK(!pm_bitmap_open((pm_bytes){bytes + 1, b.n}, n_bits + 64, &map));
    pm_free(bytes);
    pm_buf_release(&b);
}

static void test_bitmaps_equal_plain_bits(void) {
    static const uint64_t sizes[] = {0,   1,   63,   64,   65,   511,
                                     512, 513, 1024, 1025, 5000, 20001};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (unsigned sparse = 0; sparse < 5; sparse++) {
            uint64_t words[320];
            for (size_t w = 0; w < 320; w++) { /* garbage behind the last bit too */
                words[w] = sparse == 0 ? 0 : sparse == 1 ? UINT64_MAX : random64();
                for (unsigned k = 2; k < sparse && sparse < 4; k++) {
                    words[w] &= random64() & random64();
                }
                words[w] = sparse == 4 && random64() % 40 != 0 ? 0 : words[w];
            }
            check_bitmap(words, sizes[i]);
        }
    }
}

static void test_bitmap_damage_is_found_and_stays_in_bounds(void) {
    uint64_t words[32];
    for (size_t w = 0; w < 32; w++) {
        words[w] = w % 9 == 0 ? random64() : 0;
    }
    const uint64_t n_bits = 2000;
    pm_buf b;
    pm_buf_init(&b);
    pm_bitmap_encode(&b, words, n_bits);
    for (size_t at = 0; at < b.n; at++) {
        b.p[at] ^= 0x10;
        uint8_t *copy = pm_alloc(b.n);
        CHECK(copy != NULL);
        memcpy(copy, b.p, b.n);
        pm_bitmap map;
        CHECK(pm_bitmap_open((pm_bytes){copy, b.n}, n_bits, &map));
        /* no rank stands behind the last group */
        bool uncounted = at >= 3 * 64 && at < n_bits / 8;
        CHECK(pm_bitmap_verify(&map) == uncounted);
        for (uint64_t i = 0; i <= n_bits; i += 37) {
            CHECK(pm_bitmap_rank(&map, i) <= i && pm_bitmap_after(&map, i) <= n_bits);
            uint64_t before = pm_bitmap_before(&map, i);
            CHECK(before <= i || before == UINT64_MAX);
        }
        pm_free(copy);
        b.p[at] ^= 0x10;
    }
    pm_buf_release(&b);
}

/* ---- */

static void run_all(const pm_kernels *k) {
    test_scalar_unpack_reads_bits_in_order();
    test_unpack_equals_scalar_at_every_width_and_length(k);
    test_prefix_sum_equals_scalar(k);
    test_popcount_equals_scalar(k);
    test_block_returns_what_was_encoded_in_the_fewest_bytes();
    test_block_refuses_each_field_out_of_range();
    test_damaged_blocks_are_decoded_within_bounds();
    test_random_bytes_are_decoded_within_bounds();
    test_lists_equal_plain_arrays();
    test_lists_end_below_uint32_max_and_do_not_wrap();
    test_damaged_lists_are_read_within_bounds();
    test_list_table_out_of_range_is_damage();
    test_list_with_bytes_left_over_does_not_decode();
    test_list_writer_in_pieces_makes_the_same_bytes();
    test_list_encoding_fails_without_memory();
    test_bitmaps_equal_plain_bits();
    test_bitmap_damage_is_found_and_stays_in_bounds();
}

static bool test_forced_kernels_pass_in_a_process_of_their_own(const pm_kernels *k) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(setenv("PRESSMARK_CPU", k->name, 1) == 0);
        CHECK(pm_kernels_get() == k && pm_kernels_get() == k);
        run_all(k);
        exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void) {
    char names[64] = "";
    for (pm_cpu cpu = PM_CPU_SCALAR; cpu <= PM_CPU_AVX512; cpu++) {
        const pm_kernels *k = pm_kernels_of(cpu);
        if (k != NULL) {
            CHECK(test_forced_kernels_pass_in_a_process_of_their_own(k));
            strcat(strcat(names, " "), k->name);
        }
    }
    CHECK(setenv("PRESSMARK_CPU", "unheard of", 1) == 0 && pm_kernels_get() != NULL);
    printf("codec: passed with%s\n", names);
    return 0;
}
