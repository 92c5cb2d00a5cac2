/* Packed arrays, frames, starts, string lists and dictionaries against plain arrays. */
#include "format/dict.h"
#include "format/packed.h"
#include "format/strings.h"
#include "format/strsort.h"
#include "format_fixture.h"

static uint64_t seed = 11;

static uint64_t rnd64(void) {
    return (uint64_t)rnd(&seed) << 32 | rnd(&seed);
}

/* The buffer's bytes in an allocation of their size, so that a read beyond is seen. */
static pm_bytes exact(pm_buf *b) {
    CHECK(!b->failed);
    uint8_t *p = malloc(b->n + !b->n);
    CHECK(p != NULL);
    if (b->n > 0) {
        memcpy(p, b->p, b->n);
    }
    pm_bytes out = {p, b->n};
    pm_buf_release(b);
    return out;
}

static void release(pm_bytes b) {
    union {
        const uint8_t *read;
        uint8_t *own;
    } p = {b.p};
    free(p.own);
}

/* ---- sections ---- */

enum { SECTION = PM_FOURCC('T', 'E', 'S', 'T') };
static const uint32_t known[] = {SECTION};

typedef struct arrays { /* what is written; each writer looks at its own */
    const uint64_t *numbers;
    const uint32_t *values;
    const pm_bytes *items;
    const uint32_t *order;
    uint32_t n;
    unsigned width;
} arrays;
typedef void (*section_writer)(pm_container_writer *w, const arrays *a);

/* The bytes of the file's one section. */
static pm_bytes section_of_file(pm_container_writer *w) {
    pm_container *file = room(1, sizeof *file);
    pm_bytes bytes;
    pm_buf copy = {0};
    (void)end_file(w);
    open_file(file, known, 1);
    CHECK(pm_container_find(file, SECTION, &bytes));
    pm_buf_put(&copy, bytes.p, bytes.n);
    pm_container_close(file);
    free(file);
    return exact(&copy);
}

/* What is written to a section, from memory and from files, is what was encoded. */
static void check_section(pm_bytes expected, section_writer write, const arrays *a) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_scratch files = {test_dir, 0};
    for (int spilled = 0; spilled < 2; spilled++) {
        begin_file(w);
        w->scratch = spilled ? &files : NULL;
        pm_container_begin(w, SECTION, PM_SECTION_REQUIRED);
        write(w, a);
        pm_container_end(w);
        pm_bytes bytes = section_of_file(w);
        CHECK(bytes.n == expected.n && memcmp(bytes.p, expected.p, bytes.n) == 0);
        release(bytes);
    }
    free(w);
}

static void write_packed(pm_container_writer *w, const arrays *a) {
    pm_packed_writer p;
    pm_packed_writer_begin(&p, w, a->width);
    for (uint32_t i = 0; i < a->n; i++) {
        pm_packed_writer_put(&p, a->numbers[i]);
    }
    pm_packed_writer_end(&p);
}

static void write_frames(pm_container_writer *w, const arrays *a) {
    pm_framing f;
    pm_frames_begin(&f, w->scratch);
    for (uint32_t i = 0; i < a->n; i++) {
        pm_frames_put(&f, a->numbers[i]);
    }
    pm_frames_finish_to(&f, w);
}

static void write_starts(pm_container_writer *w, const arrays *a) {
    pm_starts_write(w, a->values, a->n);
}

static void write_bits(pm_container_writer *w, const arrays *a) {
    pm_bits_write(w, a->numbers, a->n);
}

static void write_strings(pm_container_writer *w, const arrays *a) {
    pm_strings_write(w, a->items, a->order, a->n);
}

/* A dictionary as bytes: items in any order, or sorted ones with theirs. */
static pm_bytes dict_bytes(const pm_bytes *items, const uint32_t *order, uint32_t n,
                           bool by_rank) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_error err;
    begin_file(w);
    CHECK((by_rank ? pm_dict_write_sorted(w, SECTION, items, order, n, &err)
                   : pm_dict_write(w, SECTION, items, order, n, &err)) == PM_OK);
    pm_bytes bytes = section_of_file(w);
    free(w);
    return bytes;
}

/* ---- integers ---- */

static void test_packed_gives_back_values(unsigned width, uint32_t n) {
    uint64_t mask = width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
    uint64_t *values = room(n, sizeof *values);
    pm_buf b;
    pm_buf_init(&b);
    pm_packing to = pm_packed_begin(&b, n, width);
    for (uint32_t i = 0; i < n; i++) {
        values[i] = i % 5 == 0 ? mask : rnd64() & mask;
        pm_packed_put(&to, values[i]);
    }
    pm_bytes bytes = exact(&b);
    check_section(bytes, write_packed,
                  &(arrays){.numbers = values, .n = n, .width = width});
    pm_cursor c = pm_cursor_of(bytes);
    pm_packed a;
    CHECK(pm_packed_open(&c, n, &a) && pm_cursor_left(&c) == 0);
    for (uint32_t i = 0; i < n; i++) {
        CHECK(pm_packed_get(&a, i) == values[i]);
    }
    CHECK(pm_packed_get(&a, n) == 0 && pm_packed_get(&a, UINT32_MAX) == 0);
    c = pm_cursor_of((pm_bytes){bytes.p, bytes.n - 1});
    CHECK(!pm_packed_open(&c, n, &a) && c.bad && a.n == 0);
    release(bytes);
    free(values);
}

static void test_packed_widths(void) {
    for (unsigned width = 0; width <= 64; width++) {
        if (width <= 57 || width == 64) {
            test_packed_gives_back_values(width, 0);
            test_packed_gives_back_values(width, 1);
            test_packed_gives_back_values(width, 1001);
        }
        uint64_t max = width == 0 ? 0 : UINT64_MAX >> (64 - width);
        CHECK(pm_packed_width(max) == (width > 57 ? 64 : width));
    }
    uint8_t wrong[20] = {58};
    pm_packed a;
    pm_cursor c = pm_cursor_of((pm_bytes){wrong, sizeof wrong});
    CHECK(!pm_packed_open(&c, 0, &a));
}

static void test_frames_give_back_values(uint32_t n, unsigned shape) {
    uint64_t *values = room(n, sizeof *values), sum = 0;
    pm_framing f;
    pm_buf b;
    pm_buf_init(&b);
    pm_frames_begin(&f, NULL);
    for (uint32_t i = 0; i < n; i++) {
        sum += rnd_below(&seed, 1000);
        values[i] = shape == 0   ? sum
                    : shape == 1 ? rnd64()
                    : shape == 2 ? 7
                                 : rnd_below(&seed, i + 1);
        pm_frames_put(&f, values[i]);
    }
    pm_frames_finish(&f, &b);
    pm_bytes bytes = exact(&b);
    check_section(bytes, write_frames, &(arrays){.numbers = values, .n = n});
    pm_cursor c = pm_cursor_of(bytes);
    pm_frames a;
    CHECK(pm_frames_open(&c, n, &a) && pm_cursor_left(&c) == 0 && pm_frames_verify(&a));
    for (uint32_t i = 0; i < n; i++) {
        CHECK(pm_frames_get(&a, i) == values[i]);
    }
    CHECK(pm_frames_get(&a, n) == 0);
    release(bytes);
    free(values);
}

static void test_starts_give_back_ranges(uint32_t n, uint32_t max_step) {
    uint32_t *starts = room(n + 1, sizeof *starts);
    for (uint32_t i = 0; i < n; i++) {
        starts[i + 1] = starts[i] + 1 + rnd_below(&seed, max_step);
    }
    pm_buf b;
    pm_buf_init(&b);
    pm_starts_encode(&b, starts, n);
    pm_bytes bytes = exact(&b);
    check_section(bytes, write_starts, &(arrays){.values = starts, .n = n});
    pm_cursor c = pm_cursor_of(bytes);
    pm_starts s;
    CHECK(pm_starts_open(&c, n, starts[n], &s) && pm_cursor_left(&c) == 0 &&
          pm_starts_verify(&s, NULL));
    for (uint32_t i = 0; i < n; i++) {
        pm_range r = pm_starts_get(&s, i);
        CHECK(r.lo == starts[i] && r.hi == starts[i + 1]);
        CHECK(pm_starts_item(&s, r.lo) == i && pm_starts_item(&s, r.hi - 1) == i);
    }
    pm_range none = pm_starts_get(&s, n);
    CHECK(none.lo == none.hi && pm_starts_item(&s, starts[n]) == UINT32_MAX);
    c = pm_cursor_of(bytes);
    CHECK(!pm_starts_open(&c, n + 1, starts[n], &s) && s.n == 0);
    release(bytes);
    free(starts);
}

static void test_bits_are_written_as_they_are_encoded(uint32_t n_bits) {
    size_t n = pm_bits_words(n_bits);
    uint64_t *bits = room(n, sizeof *bits);
    pm_buf b = {0};
    for (size_t i = 0; i < n; i++) {
        bits[i] = rnd64() & rnd64(); /* some behind the end, too */
    }
    pm_bitmap_encode(&b, bits, n_bits);
    pm_bytes bytes = exact(&b);
    check_section(bytes, write_bits, &(arrays){.numbers = bits, .n = n_bits});
    release(bytes);
    free(bits);
}

/* ---- strings ---- */

typedef struct texts {
    pm_bytes *items;
    uint8_t *bytes;
    uint32_t n;
} texts;

/* n random strings; letters: size of the alphabet. Long common prefixes, zero bytes,
 * empty strings. */
static texts make_texts(uint32_t n, uint32_t letters, uint32_t max) {
    texts t = {room(n, sizeof(pm_bytes)), room((size_t)n * (max + 24), 1), n};
    uint8_t *at = t.bytes;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t length = rnd_below(&seed, max + 1), shared = rnd_below(&seed, 3) * 12;
        memset(at, 'p', shared);
        for (uint32_t k = 0; k < length; k++) {
            at[shared + k] =
                (uint8_t)(letters < 256 ? rnd_below(&seed, letters) * 3 : rnd(&seed));
        }
        t.items[i] = (pm_bytes){at, shared + length};
        at += shared + length;
    }
    return t;
}

static void free_texts(texts *t) {
    free(t->items);
    free(t->bytes);
}

static int compare_items(const void *a, const void *b) {
    const pm_bytes *x = a, *y = b;
    return pm_bytes_compare(*x, *y);
}

/* Sorts the texts and drops those that stand twice. */
static void make_set(texts *t) {
    uint32_t n = 0;
    qsort(t->items, t->n, sizeof *t->items, compare_items);
    for (uint32_t i = 0; i < t->n; i++) {
        if (n == 0 || pm_bytes_compare(t->items[n - 1], t->items[i]) != 0) {
            t->items[n++] = t->items[i];
        }
    }
    t->n = n;
}

static void test_sort_orders_strings(uint32_t n, uint32_t letters, uint32_t max) {
    texts t = make_texts(n, letters, max);
    uint32_t *order = room(n, sizeof *order);
    uint8_t *seen = room(n, 1);
    pm_error err;
    CHECK(pm_strings_sort(t.items, n, order, &err) == PM_OK);
    for (uint32_t i = 0; i < n; i++) {
        CHECK(order[i] < n && !seen[order[i]]);
        seen[order[i]] = 1;
        int c = i > 0 ? pm_bytes_compare(t.items[order[i - 1]], t.items[order[i]]) : -1;
        CHECK(c < 0 || (c == 0 && order[i - 1] < order[i]));
    }
    free(seen);
    free(order);
    free_texts(&t);
}

static bool is_text(const pm_buf *b, pm_bytes text) {
    return pm_bytes_compare(pm_buf_bytes(b), text) == 0;
}

static void test_strings_give_back_items(texts *t) {
    pm_buf b, out;
    pm_buf_init(&b);
    pm_buf_init(&out);
    pm_strings_encode(&b, t->items, t->n);
    pm_bytes bytes = exact(&b);
    check_section(bytes, write_strings, &(arrays){.items = t->items, .n = t->n});
    pm_strings s;
    CHECK(pm_strings_open(bytes, t->n, &s) && s.n == t->n &&
          pm_strings_open(bytes, UINT32_MAX, &s));
    CHECK(!pm_strings_open(bytes, t->n + 1, &s) && pm_strings_open(bytes, t->n, &s));
    CHECK(pm_strings_verify(&s, false, &out, NULL));
    for (uint32_t i = 0; i < t->n; i++) {
        CHECK(pm_strings_get(&s, i, &out) && is_text(&out, t->items[i]));
    }
    CHECK(!pm_strings_get(&s, t->n, &out) && !pm_strings_get(&s, UINT32_MAX, &out));
    for (uint32_t from = 0; from <= t->n && from < 40; from++) {
        pm_strings_iter it;
        pm_strings_iter_init(&it, &s, from);
        for (uint32_t i = from; i < t->n; i++) {
            CHECK(pm_strings_iter_next(&it) && is_text(&it.text, t->items[i]));
        }
        CHECK(!pm_strings_iter_next(&it) && !it.bad);
        pm_strings_iter_release(&it);
    }
    pm_buf_release(&out);
    release(bytes);
}

static uint32_t plain_rank(const texts *set, pm_bytes key) {
    uint32_t rank = 0;
    while (rank < set->n && pm_bytes_compare(set->items[rank], key) < 0) {
        rank++;
    }
    return rank;
}

static void test_strings_find_as_a_scan_does(texts *set, const texts *keys) {
    pm_buf b, scratch;
    pm_buf_init(&b);
    pm_buf_init(&scratch);
    make_set(set);
    pm_strings_encode(&b, set->items, set->n);
    pm_bytes bytes = exact(&b);
    pm_strings s;
    CHECK(pm_strings_open(bytes, set->n, &s) &&
          pm_strings_verify(&s, true, &scratch, NULL));
    for (uint32_t i = 0; i < keys->n; i++) {
        uint32_t rank, expected = plain_rank(set, keys->items[i]);
        bool equal, is = expected < set->n &&
                         pm_bytes_compare(set->items[expected], keys->items[i]) == 0;
        CHECK(pm_strings_find(&s, keys->items[i], &scratch, &rank, &equal));
        CHECK(rank == expected && equal == is);
    }
    for (uint32_t i = 0; i < set->n; i++) {
        uint32_t rank;
        bool equal;
        CHECK(pm_strings_find(&s, set->items[i], &scratch, &rank, &equal) &&
              rank == i && equal);
    }
    release(bytes);
    pm_buf_release(&scratch);
}

static void test_strings_of_all_shapes(void) {
    static const uint32_t sizes[] = {0, 1, 2, 15, 16, 17, 33, 500, 3000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (uint32_t letters = 1; letters <= 256; letters = letters * 4 + 12) {
            texts t = make_texts(sizes[i], letters, 30),
                  keys = make_texts(200, letters, 30);
            test_strings_give_back_items(&t);
            test_strings_find_as_a_scan_does(&t, &keys);
            free_texts(&t);
            free_texts(&keys);
            test_sort_orders_strings(sizes[i], letters, 30);
        }
    }
    test_sort_orders_strings(60000, 4, 6);
    test_sort_orders_strings(60000, 256, 40);
    pm_bytes none = {NULL, 0};
    texts nothing = {&none, NULL, 1};
    test_strings_give_back_items(&nothing);
}

static void test_strings_unsorted_lists_fail_verification(void) {
    pm_bytes items[] = {{(const uint8_t *)"b", 1}, {(const uint8_t *)"a", 1}};
    pm_buf b, scratch;
    pm_buf_init(&b);
    pm_buf_init(&scratch);
    pm_strings_encode(&b, items, 2);
    pm_strings s;
    CHECK(pm_strings_open(pm_buf_bytes(&b), 2, &s));
    CHECK(pm_strings_verify(&s, false, &scratch, NULL) &&
          !pm_strings_verify(&s, true, &scratch, NULL));
    pm_buf_put_u8(&b, 0);
    CHECK(pm_strings_open(pm_buf_bytes(&b), 2, &s) &&
          !pm_strings_verify(&s, false, &scratch, NULL));
    pm_buf_release(&b);
    pm_buf_release(&scratch);
}

/* ---- dictionaries ---- */

static void shuffle(texts *t) {
    for (uint32_t i = t->n; i > 1; i--) {
        uint32_t k = rnd_below(&seed, i);
        pm_bytes swap = t->items[i - 1];
        t->items[i - 1] = t->items[k];
        t->items[k] = swap;
    }
}

static void check_prefix(const pm_dict *d, const texts *sorted, pm_bytes prefix,
                         pm_buf *scratch) {
    pm_range r = pm_dict_prefix(d, prefix, scratch);
    uint32_t lo = plain_rank(sorted, prefix), hi = lo;
    while (hi < sorted->n && sorted->items[hi].n >= prefix.n &&
           memcmp(sorted->items[hi].p, prefix.p, prefix.n) == 0) {
        hi++;
    }
    CHECK(r.lo == lo && r.hi == hi);
}

/* Whoever knows the order gets the same bytes. */
static void check_known_order(const texts *t, const texts *sorted, pm_bytes expected) {
    uint32_t *order = room(t->n, 4);
    pm_error err;
    CHECK(pm_strings_sort(t->items, t->n, order, &err) == PM_OK);
    for (int by_rank = 0; by_rank < 2; by_rank++) {
        pm_bytes bytes =
            dict_bytes(by_rank ? sorted->items : t->items, order, t->n, by_rank);
        CHECK(bytes.n == expected.n && memcmp(bytes.p, expected.p, bytes.n) == 0);
        release(bytes);
    }
    pm_buf b = {0};
    pm_strings_encode(&b, sorted->items, t->n);
    pm_bytes strings = exact(&b);
    check_section(strings, write_strings,
                  &(arrays){.items = t->items, .order = order, .n = t->n});
    release(strings);
    free(order);
}

static void test_dict_finds_items(uint32_t n, bool sorted) {
    texts t = make_texts(n, 8, 12);
    pm_buf out;
    pm_buf_init(&out);
    make_set(&t);
    texts set = {room(t.n, sizeof(pm_bytes)), NULL, t.n};
    memcpy(set.items, t.items, t.n * sizeof(pm_bytes));
    if (!sorted) {
        shuffle(&t);
    }
    pm_bytes bytes = dict_bytes(t.items, NULL, t.n, false);
    check_known_order(&t, &set, bytes);
    pm_dict d;
    CHECK(pm_dict_open(bytes, t.n, &d) && pm_dict_verify(&d, &out, NULL));
    CHECK(d.is_sorted == (memcmp(set.items, t.items, t.n * sizeof *t.items) == 0));
    CHECK(!sorted || d.is_sorted);
    for (uint32_t i = 0; i < t.n; i++) {
        uint32_t item;
        CHECK(pm_dict_get(&d, i, &out) && is_text(&out, t.items[i]));
        CHECK(pm_dict_find(&d, t.items[i], &out, &item) && item == i);
        CHECK(pm_dict_item(&d, pm_dict_rank(&d, i)) == i);
        check_prefix(&d, &set, (pm_bytes){t.items[i].p, t.items[i].n / 2}, &out);
    }
    CHECK(!pm_dict_get(&d, t.n, &out) && pm_dict_item(&d, t.n) == UINT32_MAX);
    check_prefix(&d, &set, (pm_bytes){(const uint8_t *)"\xff\xff", 2}, &out);
    pm_buf_release(&out);
    release(bytes);
    free(set.items);
    free_texts(&t);
}

static void test_dict_refuses_equal_items_and_a_wrong_order(void) {
    static const pm_bytes items[] = {{(const uint8_t *)"x", 1},
                                     {(const uint8_t *)"a", 1},
                                     {(const uint8_t *)"x", 1}};
    static const uint32_t orders[][3] = {{1, 0, 2}, {0, 1, 2}};
    pm_container_writer *w = room(1, sizeof *w);
    pm_error err;
    begin_file(w);
    CHECK(pm_dict_write(w, SECTION, items, NULL, 3, &err) == PM_DUPLICATE &&
          err.offset == 2);
    CHECK(pm_dict_write(w, SECTION, items, orders[0], 3, &err) == PM_INTERNAL);
    CHECK(pm_dict_write(w, SECTION, items, orders[1], 2, &err) == PM_INTERNAL);
    CHECK(pm_dict_write_sorted(w, SECTION, items, orders[1], 2, &err) == PM_INTERNAL);
    CHECK(w->n_sections == 0 && !w->open && w->status == PM_OK);
    pm_container_abandon(w, NULL);
    free(w);
}

/* ---- damage: any answer will do, but no read out of bounds and an end ---- */

static void probe_dict(pm_bytes bytes, uint32_t n) {
    pm_dict d;
    pm_buf out;
    pm_buf_init(&out);
    if (pm_dict_open(bytes, n, &d)) {
        for (uint32_t i = 0; i < n + 2; i++) {
            uint32_t item;
            (void)pm_dict_get(&d, i, &out);
            (void)pm_dict_find(&d,
                               (pm_bytes){(const uint8_t *)"ppppp\x03\x06", 4 + i % 4},
                               &out, &item);
            (void)pm_dict_prefix(&d, (pm_bytes){(const uint8_t *)"pp", i % 3}, &out);
        }
        (void)pm_dict_verify(&d, &out, NULL);
        pm_strings_iter it;
        pm_strings_iter_init(&it, &d.sorted, 3);
        while (pm_strings_iter_next(&it)) {
        }
        pm_strings_iter_release(&it);
    }
    pm_buf_release(&out);
}

static void probe_arrays(pm_bytes bytes, uint32_t n) {
    pm_cursor c = pm_cursor_of(bytes), d = pm_cursor_of(bytes);
    pm_frames f;
    pm_starts s;
    pm_starts_open(&d, n, n * 2, &s);
    pm_frames_open(&c, n, &f);
    for (uint32_t i = 0; i < n + 2; i++) {
        (void)pm_frames_get(&f, i);
        (void)pm_starts_get(&s, i);
        (void)pm_starts_item(&s, i);
    }
    (void)pm_frames_verify(&f);
    (void)pm_starts_verify(&s, NULL);
}

static void sweep(pm_buf *b, uint32_t n, void (*probe)(pm_bytes bytes, uint32_t n)) {
    for (size_t i = 0; i < b->n; i++) {
        pm_buf cut = {0};
        pm_buf_put(&cut, b->p, i);
        pm_bytes shorter = exact(&cut);
        probe(shorter, n);
        release(shorter);
        for (unsigned change = 1; change < 256; change = change * 3 + 1) {
            pm_buf changed = {0};
            pm_buf_put(&changed, b->p, b->n);
            changed.p[i] ^= (uint8_t)change;
            pm_bytes bytes = exact(&changed);
            probe(bytes, n);
            release(bytes);
        }
    }
    pm_buf_release(b);
}

static void test_damaged_arrays(void) {
    pm_buf b = {0};
    texts t = make_texts(40, 8, 12);
    make_set(&t);
    shuffle(&t);
    pm_bytes dict = dict_bytes(t.items, NULL, t.n, false);
    pm_buf_put(&b, dict.p, dict.n);
    release(dict);
    sweep(&b, t.n, probe_dict);
    free_texts(&t);
    uint32_t starts[101];
    pm_framing f;
    pm_frames_begin(&f, NULL);
    for (uint32_t i = 0; i <= 100; i++) {
        starts[i] = 2 * i;
        pm_frames_put(&f, i * 37 % 50);
    }
    pm_frames_finish(&f, &b);
    sweep(&b, 101, probe_arrays);
    pm_starts_encode(&b, starts, 100);
    sweep(&b, 100, probe_arrays);
}

int main(void) {
    make_test_dir();
    test_packed_widths();
    for (unsigned shape = 0; shape < 4; shape++) {
        test_frames_give_back_values(0, shape);
        test_frames_give_back_values(1, shape);
        test_frames_give_back_values(64, shape);
        test_frames_give_back_values(5000, shape);
    }
    for (uint32_t step = 1; step < 5000; step *= 7) {
        test_starts_give_back_ranges(0, step);
        test_starts_give_back_ranges(1, step);
        test_starts_give_back_ranges(3000, step);
    }
    static const uint32_t bits[] = {0, 1, 63, 64, 65, 511, 512, 513, 600000};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        test_bits_are_written_as_they_are_encoded(bits[i]);
    }
    test_strings_of_all_shapes();
    test_strings_unsorted_lists_fail_verification();
    static const uint32_t sizes[] = {0, 1, 2, 17, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        test_dict_finds_items(sizes[i], false);
        test_dict_finds_items(sizes[i], true);
    }
    test_dict_refuses_equal_items_and_a_wrong_order();
    test_damaged_arrays();
    printf("format_packed: ok\n");
    return 0;
}
