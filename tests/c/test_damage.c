/* A small index, damaged in every way that one byte and one length can be: verify
 * reports each change of each file; opening and walking everything never crashes,
 * whether the checksums fit or not. Run under SAN=1 it also shows that no read leaves
 * the file.
 *   test_damage [rounds [seed]]   rounds of damage in several bytes at once, checksums
 *                                 repaired; default 300 */
#include "container_repair.h"
#include "index/snapshot.h"
#include "index_corpus.h"
#include "memory_files.h"
#include "segment_use.h"

static const char *const file_names[] = {"index/0000000001.seg", "index/manifest"};
enum { SEGMENT, MANIFEST, N_FILES };

static struct {
    uint8_t *bytes;
    size_t n;
} good[N_FILES];

/* ---- files ---- */

static void put_file(int f, const uint8_t *bytes, size_t n) {
    mem_node *node = mem_find(file_names[f]);
    CHECK(node != NULL && n <= node->capacity);
    memcpy(node->bytes, bytes, n);
    node->n = n;
}

static void restore(int f) {
    put_file(f, good[f].bytes, good[f].n);
}

static void make_index(void) {
    corpus c;
    pm_error err;
    pm_build_options o = corpus_options(1, 0, true);
    corpus_make(&c, 9, 14, 11);
    CHECK(corpus_build(&c, "index", &o, &err) == PM_OK);
    corpus_free(&c);
    for (int f = 0; f < N_FILES; f++) {
        const mem_node *node = mem_find(file_names[f]);
        CHECK(node != NULL);
        good[f].n = node->n;
        good[f].bytes = malloc(node->n);
        CHECK(good[f].bytes != NULL);
        memcpy(good[f].bytes, node->bytes, node->n);
    }
}

/* The manifest, good but for the segment's hash and size, which become those of the
 * file as it is. */
static void bless_segment(void) {
    pm_error err;
    pm_manifest m;
    const mem_node *node = mem_find(file_names[SEGMENT]);
    restore(MANIFEST);
    CHECK(pm_manifest_read(&m, "index", &err) == PM_OK);
    m.files[0].size = node->n;
    m.files[0].hash = pm_hash128_of(node->bytes, node->n);
    bool renamed;
    CHECK(pm_manifest_write(&m, "index", &renamed, &err) == PM_OK);
    pm_manifest_release(&m);
}

/* ---- what is tried ---- */

/* Whether the status is one that damage may have. */
static bool is_damage(pm_status s) {
    return s == PM_CORRUPT || s == PM_FOREIGN || s == PM_TOO_OLD || s == PM_TOO_NEW ||
           s == PM_IO || s == PM_LIMIT;
}

static void walk(void) {
    pm_error err;
    pm_snapshot *s;
    pm_doc doc;
    pm_status status = pm_snapshot_open("index", 0, PM_MAP_AUTO, &s, &err);
    if (status != PM_OK) {
        CHECK(is_damage(status) && err.message[0] != 0);
        return;
    }
    for (uint32_t i = 0; i < s->n_parts; i++) {
        use_segment(&s->parts[i].segment);
    }
    for (pm_doc d = 0; d < s->n_docs && d < 1000; d++) {
        CHECK(pm_snapshot_part(s, d, &doc) != NULL);
    }
    status = pm_snapshot_find_key(s, (pm_bytes){(const uint8_t *)"outlet/7919", 11},
                                  &doc, &err);
    CHECK(status == PM_OK || status == PM_CORRUPT);
    pm_snapshot_unref(s);
}

static pm_status verify(void) {
    pm_error err;
    pm_status status = pm_snapshot_verify("index", NULL, &err);
    CHECK(status == PM_OK || (is_damage(status) && err.message[0] != 0));
    return status;
}

static void check_quiet(void) {
    CHECK(mem_open_files() == 0 && atomic_load(&mem_live) == 0);
}

/* ---- the sweeps ---- */

static void test_verify_reports_every_changed_byte_and_open_survives_it(int f) {
    uint8_t *bytes = mem_find(file_names[f])->bytes;
    for (size_t i = 0; i < good[f].n; i++) {
        for (int bit = 0; bit < 8; bit += 7) {
            bytes[i] = (uint8_t)(good[f].bytes[i] ^ 1u << bit);
            CHECK(verify() != PM_OK);
        }
        bytes[i] = (uint8_t)~good[f].bytes[i];
        CHECK(verify() != PM_OK);
        walk();
        bytes[i] = good[f].bytes[i];
    }
    check_quiet();
}

static void test_verify_reports_every_truncation_and_open_survives_it(int f) {
    for (size_t n = 0; n < good[f].n; n++) {
        put_file(f, good[f].bytes, n);
        CHECK(verify() != PM_OK);
        walk();
    }
    restore(f);
    CHECK(verify() == PM_OK);
    check_quiet();
}

static void test_missing_file_is_reported(void) {
    CHECK(pm_path_rename(file_names[SEGMENT], "aside", NULL) == PM_OK);
    CHECK(verify() == PM_CORRUPT);
    walk();
    CHECK(pm_path_rename("aside", file_names[SEGMENT], NULL) == PM_OK);
    CHECK(verify() == PM_OK);
}

static void try_repaired(int f) {
    mem_node *node = mem_find(file_names[f]);
    repair(node->bytes, node->n);
    if (f == SEGMENT) {
        bless_segment();
    }
    (void)verify();
    walk();
}

static void test_damage_with_repaired_checksums_is_survived(int f, size_t step) {
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    for (size_t i = 0; i < good[f].n; i += step) {
        for (size_t k = 0; k < sizeof changes; k++) {
            restore(f);
            mem_find(file_names[f])->bytes[i] ^= changes[k];
            try_repaired(f);
        }
    }
    restore(SEGMENT);
    restore(MANIFEST);
    CHECK(verify() == PM_OK);
    check_quiet();
}

/* Several bytes, some set to values that counts and offsets dislike. */
static void test_scattered_damage_is_survived(int f, unsigned long rounds,
                                              uint32_t seed) {
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x10, 0x40};
    for (unsigned long i = 0; i < rounds; i++) {
        restore(f);
        uint8_t *bytes = mem_find(file_names[f])->bytes;
        for (uint32_t n = 1 + corpus_random(&seed) % 6; n > 0; n--) {
            size_t at = corpus_random(&seed) % good[f].n,
                   run = 1 + corpus_random(&seed) % 4;
            for (size_t k = at; k < at + run && k < good[f].n; k++) {
                bytes[k] = values[corpus_random(&seed) % sizeof values];
            }
        }
        try_repaired(f);
    }
    restore(SEGMENT);
    restore(MANIFEST);
    check_quiet();
}

int main(int argc, char **argv) {
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 300;
    uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
    pm_sys_replace(&mem_sys);
    make_index();
    CHECK(verify() == PM_OK);
    walk();
    test_missing_file_is_reported();
    for (int f = 0; f < N_FILES; f++) {
        test_verify_reports_every_truncation_and_open_survives_it(f);
        test_verify_reports_every_changed_byte_and_open_survives_it(f);
        test_damage_with_repaired_checksums_is_survived(f, rounds > 300 ? 1 : 3);
        test_scattered_damage_is_survived(f, rounds, seed);
    }
    printf("test_damage: ok, %zu and %zu bytes\n", good[SEGMENT].n, good[MANIFEST].n);
    for (int f = 0; f < N_FILES; f++) {
        free(good[f].bytes);
    }
    mem_clear();
    return 0;
}
