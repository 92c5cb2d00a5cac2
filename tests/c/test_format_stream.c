/* Stream, unit bounds and zones against the arrays that they were written from. */
#include "format/bounds.h"
#include "format/stream.h"
#include "format/zones.h"
#include "format_fixture.h"

static const uint32_t known[] = {
    PM_FOURCC('S', 'T', 'R', 'M'), PM_FOURCC('U', 'N', 'I', 'T'),
    PM_FOURCC('S', 'E', 'N', 'T'), PM_FOURCC('P', 'A', 'R', 'A'),
    PM_FOURCC('Q', 'U', 'O', 'T'),
};
enum { N_KNOWN = sizeof known / sizeof *known };

static uint64_t seed = 1;

/* ---- stream ---- */

static void compare_stream(const pm_stream *s, const uint32_t *ids, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        CHECK(pm_stream_at(s, i) == ids[i]);
    }
    CHECK(pm_stream_at(s, n) == PM_END && pm_stream_at(s, PM_END) == PM_END);
    uint32_t *out = room(n + 100, sizeof *out);
    pm_stream_decode(s, 0, n, out);
    CHECK(memcmp(out, ids, n * sizeof *out) == 0);
    for (int k = 0; k < 50 && n > 0; k++) {
        uint32_t lo = rnd_below(&seed, n), hi = lo + rnd_below(&seed, n - lo + 1);
        pm_stream_decode(s, lo, hi, out);
        CHECK(memcmp(out, ids + lo, (hi - lo) * sizeof *out) == 0);
    }
    pm_stream_decode(s, n, n + 100, out);
    CHECK(out[0] == PM_END && out[99] == PM_END);
    free(out);
}

static void test_stream_gives_back_every_id(uint32_t n, uint32_t n_ids) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_container *file = room(1, sizeof *file);
    uint32_t *ids = room(n, sizeof *ids);
    pm_error err;
    pm_stream s;
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = rnd_below(&seed, 10) == 0 ? PM_END : rnd_below(&seed, n_ids);
    }
    begin_file(w);
    CHECK(pm_stream_write(w, ids, n, &err) == PM_OK);
    end_file(w);
    open_file(file, known, N_KNOWN);
    CHECK(pm_stream_open(&s, file, n, &err) == PM_OK);
    CHECK(pm_stream_verify(&s, n_ids, NULL, &err) == PM_OK);
    CHECK(n < 64 || pm_stream_verify(&s, 1, NULL, &err) == PM_CORRUPT);
    compare_stream(&s, ids, n);
    CHECK(pm_stream_open(&s, file, n + PM_STREAM_BLOCK * 64, &err) == PM_CORRUPT ||
          n_ids > 2);
    pm_container_close(file);
    free(ids);
    free(file);
    free(w);
}

/* In pieces, with exceptions in a file, or in memory: the bytes of one call. */
static void test_stream_in_pieces_is_the_same(uint32_t n, uint32_t n_ids) {
    static const size_t pieces[] = {1, 3, 255, 256, 257, 5000};
    pm_container_writer *w = room(1, sizeof *w);
    uint32_t *ids = room(n, sizeof *ids);
    pm_scratch files = {test_dir, 100};
    pm_error err;
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = rnd_below(&seed, 10) == 0 ? PM_END : rnd_below(&seed, n_ids);
    }
    begin_file(w);
    CHECK(pm_stream_write(w, ids, n, &err) == PM_OK);
    pm_hash128 one = end_file(w);
    for (size_t k = 0; k < 2 * sizeof pieces / sizeof *pieces; k++) {
        size_t piece = pieces[k / 2];
        pm_stream_writer *s;
        begin_file(w);
        w->scratch = k % 2 == 0 ? &files : NULL;
        CHECK(pm_stream_begin(w, &s, &err) == PM_OK);
        for (size_t at = 0; at < n; at += piece) {
            pm_stream_put(s, ids + at, n - at < piece ? n - at : piece);
        }
        CHECK(pm_stream_end(s, &err) == PM_OK);
        pm_hash128 hash = end_file(w);
        CHECK(hash.lo == one.lo && hash.hi == one.hi);
    }
    free(ids);
    free(w);
}

static void test_stream_sizes(void) {
    const uint32_t sizes[] = {0,   1,   3,   4,    63,   64,   65,
                              255, 256, 257, 4095, 4096, 4097, 9000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        test_stream_gives_back_every_id(sizes[i], 2);
        test_stream_gives_back_every_id(sizes[i], PM_STREAM_SENTINEL + 2);
        /* nearly all are exceptions */
        test_stream_gives_back_every_id(sizes[i], 1 << 20);
        test_stream_in_pieces_is_the_same(sizes[i], 2);
        test_stream_in_pieces_is_the_same(sizes[i], 1 << 17);
    }
}

/* ---- bounds ---- */

static void compare_bounds(const pm_bounds *b, const plain *p) {
    uint32_t unit = 0;
    for (uint32_t pos = 0; pos < p->n_positions; pos++) {
        while (p->starts[unit + 1] <= pos) {
            unit++;
        }
        CHECK(pm_bounds_unit(b, pos) == unit);
    }
    for (uint32_t u = 0; u < p->n_units; u++) {
        CHECK(pm_bounds_start(b, u) == p->starts[u]);
        CHECK(pm_bounds_end(b, u) == p->starts[u + 1] - 1);
    }
    for (uint32_t d = 0; d < p->n_docs; d++) {
        uint32_t length = p->starts[(d + 1) * p->n_fields] - p->starts[d * p->n_fields];
        CHECK(pm_bounds_doc_length(b, d) == length - p->n_fields);
    }
    CHECK(pm_bounds_unit(b, p->n_positions) == PM_END &&
          pm_bounds_unit(b, PM_END) == PM_END);
    CHECK(pm_bounds_start(b, p->n_units) == p->n_positions);
    CHECK(pm_bounds_start(b, PM_END) == p->n_positions);
    CHECK(pm_bounds_end(b, PM_END) == p->n_positions);
    CHECK(pm_bounds_doc_length(b, p->n_docs) == 0 &&
          pm_bounds_doc_length(b, PM_END) == 0);
}

static void test_bounds(uint32_t n_docs, uint32_t n_fields, uint32_t max_unit) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_container *file = room(1, sizeof *file);
    plain p = make_plain(&seed, n_docs, n_fields, max_unit, 100);
    pm_error err;
    pm_bounds b;
    begin_file(w);
    CHECK(pm_bounds_write(w, p.starts, p.n_units, &err) == PM_OK);
    end_file(w);
    open_file(file, known, N_KNOWN);
    CHECK(pm_bounds_open(&b, file, n_docs + 1, n_fields, p.n_positions, &err) ==
          PM_CORRUPT);
    CHECK(pm_bounds_open(&b, file, n_docs, n_fields, p.n_positions, &err) == PM_OK);
    CHECK(pm_bounds_verify(&b, NULL, &err) == PM_OK);
    compare_bounds(&b, &p);
    pm_container_close(file);
    free_plain(&p);
    free(file);
    free(w);
}

/* ---- zones ---- */

typedef struct zone_arrays {
    uint64_t *sentences, *paragraphs;
    uint32_t *quote_starts, *quote_lengths;
    uint32_t n_quotes;
} zone_arrays;

/* Sentences begin at each unit's start, at sentinels, and at one token in `sparse`; one
 * in three begins a paragraph, or one in sparse. Quotations are longer and denser where
 * sparse is small. */
static zone_arrays make_zones(const plain *p, uint32_t sparse) {
    uint32_t n = p->n_positions;
    zone_arrays z = {room(n / 64 + 1, 8), room(n / 64 + 1, 8), room(n, 4), room(n, 4),
                     0};
    for (uint32_t u = 0; u < p->n_units; u++) {
        uint32_t quote_end = p->starts[u];
        for (uint32_t pos = p->starts[u]; pos < p->starts[u + 1]; pos++) {
            bool edge = pos == p->starts[u] || pos + 1 == p->starts[u + 1];
            if (edge || rnd_below(&seed, sparse) == 0) {
                pm_bits_set(z.sentences, pos);
                if (edge || rnd_below(&seed, sparse > 20 ? 3 : 30) == 0) {
                    pm_bits_set(z.paragraphs, pos);
                }
            }
            uint32_t left = p->starts[u + 1] - 1 - pos;
            if (pos >= quote_end && left > 0 && rnd_below(&seed, 3) == 0) {
                uint32_t length = 1 + rnd_below(&seed, left < sparse ? left : sparse);
                z.quote_starts[z.n_quotes] = pos;
                z.quote_lengths[z.n_quotes++] = length;
                quote_end = pos + length;
            }
        }
    }
    return z;
}

static void compare_tiling(const pm_zones *z, pm_zone zone, const uint64_t *bits,
                           uint32_t n) {
    for (uint32_t pos = 0; pos < n; pos++) {
        uint32_t first = pos, next = pos + 1, lo = 0, hi = 0;
        while (!pm_bits_get(bits, first)) {
            first--;
        }
        while (next < n && !pm_bits_get(bits, next)) {
            next++;
        }
        CHECK(pm_zone_at(z, zone, pos, NULL, &lo, &hi) && lo == first && hi == next);
    }
}

static void compare_quotes(const pm_zones *z, const zone_arrays *a, uint32_t n) {
    for (uint32_t step = 1; step < 2000; step = step * 3 + 1) {
        pm_list_iter it;
        uint32_t q = 0;
        pm_list_iter_init(&it, z->quotes);
        for (uint32_t pos = 0; pos < n; pos += step) {
            uint32_t lo = 0, hi = 0, alone_lo = 0, alone_hi = 0;
            while (q < a->n_quotes && a->quote_starts[q] + a->quote_lengths[q] <= pos) {
                q++;
            }
            bool inside = q < a->n_quotes && a->quote_starts[q] <= pos;
            CHECK(pm_zone_at(z, PM_ZONE_QUOTE, pos, &it, &lo, &hi) == inside);
            CHECK(pm_zone_at(z, PM_ZONE_QUOTE, pos, NULL, &alone_lo, &alone_hi) ==
                  inside);
            CHECK(!inside ||
                  (lo == a->quote_starts[q] && hi == lo + a->quote_lengths[q]));
            CHECK(!inside || (alone_lo == lo && alone_hi == hi));
        }
    }
}

static void test_zones(uint32_t n_docs, uint32_t max_unit, uint32_t sparse) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_container *file = room(1, sizeof *file);
    plain p = make_plain(&seed, n_docs, 2, max_unit, 100);
    zone_arrays a = make_zones(&p, sparse);
    uint32_t n = p.n_positions, lo, hi;
    pm_zones_data data = {.n_positions = n,
                          .sentences = a.sentences,
                          .paragraphs = a.paragraphs,
                          .quote_starts = a.quote_starts,
                          .quote_lengths = a.quote_lengths,
                          .n_quotes = a.n_quotes};
    pm_error err;
    pm_zones z;
    begin_file(w);
    CHECK(pm_zones_write(w, &data, &err) == PM_OK);
    end_file(w);
    open_file(file, known, N_KNOWN);
    CHECK(pm_zones_open(&z, file, n, &err) == PM_OK);
    CHECK(pm_zones_verify(&z, NULL, &err) == PM_OK);
    compare_tiling(&z, PM_ZONE_SENTENCE, a.sentences, n);
    compare_tiling(&z, PM_ZONE_PARAGRAPH, a.paragraphs, n);
    compare_quotes(&z, &a, n);
    for (unsigned zone = PM_ZONE_SENTENCE; zone <= PM_ZONE_QUOTE; zone++) {
        CHECK(!pm_zone_at(&z, (pm_zone)zone, n, NULL, &lo, &hi));
        CHECK(!pm_zone_at(&z, (pm_zone)zone, PM_END, NULL, &lo, &hi));
    }
    pm_container_close(file);
    free(a.sentences);
    free(a.paragraphs);
    free(a.quote_starts);
    free(a.quote_lengths);
    free_plain(&p);
    free(file);
    free(w);
}

int main(void) {
    make_test_dir();
    test_stream_sizes();
    test_bounds(0, 1, 10);
    test_bounds(1, 1, 0);
    test_bounds(1, 255, 3);
    test_bounds(700, 2, 0); /* sentinels only: 512 units between directory entries */
    test_bounds(300, 3, 40);
    test_bounds(5, 2, 3000);
    test_zones(0, 10, 3);
    test_zones(1, 0, 3);
    test_zones(60, 100, 2);
    test_zones(10, 2000, 5);
    test_zones(10, 2000, 100);
    test_zones(2, 20000, 900);
    printf("test_format_stream: ok\n");
    return 0;
}
