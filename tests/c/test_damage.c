/* An index of several segments, sidecars and two retained generations, damaged in every
 * way that one byte and one length can be, and by files of another index. verify reports
 * each change of each file; opening, walking, asking, writing, merging never crash nor
 * hang, whether the checksums fit or not. Run under SAN=1 it also shows that no read
 * leaves the file.
 *   test_damage [all | step [seed]]   looks at every step-th byte (default 13); all:
 *                                     each one, some minutes */
#include <unistd.h>

#include "container_repair.h"
#include "index_script.h"
#include "segment_use.h"

enum { BUILT = 11, PATIENCE_S = 120, MAX_ALLOC = 1 << 28 };

static corpus rows, other_rows;
static mem_image good, other; /* the index, and another made of other rows */
static long held;
static unsigned long n_tried;

/* ---- files ---- */

static const struct mem_copy *good_file(const mem_image *image, const char *path) {
    for (size_t i = 0; i < image->n; i++) {
        if (strcmp(image->at[i].path, path) == 0) {
            return &image->at[i];
        }
    }
    return NULL;
}

/* The files that verify answers for: all but the lock's. */
static bool is_checked(const struct mem_copy *f) {
    const char *name = mem_entry_of(f->path, SCRIPT_PATH);
    return name != NULL && strcmp(name, PM_LOCK_NAME) != 0;
}

static bool is_manifest(const struct mem_copy *f) {
    return strcmp(f->path, SCRIPT_PATH "/" PM_MANIFEST_NAME) == 0;
}

static void restore(const struct mem_copy *f) {
    mem_set(f->path, f->bytes, f->n);
}

/* Deletes so little of each segment that none is written anew. */
static const script_op first_ops[] = {{SCRIPT_ADD, 16, 18},
                                      {SCRIPT_DELETE, 1, 0},
                                      {SCRIPT_DELETE, 6, 0},
                                      {SCRIPT_COMMIT, 0, 0}};

/* An index as it is after a build and a session. */
static mem_image make_index(const corpus *c) {
    pm_error err;
    mem_clear();
    CHECK(script_build(c, BUILT, 1, &err) == PM_OK);
    CHECK(script_session(c, first_ops, 1, &err) == PM_OK);
    return mem_save();
}

/* What the index must be, to be worth damaging. */
static void check_index(void) {
    pm_error err;
    pm_manifest m;
    uint32_t sidecars = 0;
    CHECK(pm_manifest_read(&m, SCRIPT_PATH, &err) == PM_OK);
    const pm_generation *newest = &m.generations[m.n_generations - 1];
    for (uint32_t i = 0; i < newest->n_segments; i++) {
        sidecars += newest->segments[i].removals != PM_END;
    }
    CHECK(m.n_generations == 2 && newest->n_segments >= 3 && sidecars >= 2);
    pm_manifest_release(&m);
}

/* ---- checksums that fit ---- */

/* The manifest, good but for one file's hash and size, which become those of the file
 * as it is. */
static void bless(const struct mem_copy *f) {
    pm_error err;
    pm_manifest m;
    bool renamed;
    const mem_node *node = mem_find(f->path);
    restore(good_file(&good, SCRIPT_PATH "/" PM_MANIFEST_NAME));
    CHECK(pm_manifest_read(&m, SCRIPT_PATH, &err) == PM_OK);
    for (uint32_t i = 0; i < m.n_files; i++) {
        if (strcmp(m.files[i].name, mem_entry_of(f->path, SCRIPT_PATH)) == 0) {
            m.files[i].size = node->n;
            m.files[i].hash = pm_hash128_of(node->bytes, node->n);
        }
    }
    CHECK(pm_manifest_write(&m, SCRIPT_PATH, &renamed, &err) == PM_OK);
    pm_manifest_release(&m);
}

static void make_fit(const struct mem_copy *f) {
    mem_node *node = mem_find(f->path);
    repair(node->bytes, node->n);
    if (!is_manifest(f)) {
        bless(f);
    }
}

/* ---- what is tried ---- */

/* A status that damage may have, with its message. Damaged keys, columns and fields can
 * also make a row or a query wrong. */
static void check_status(pm_status s, const pm_error *err, bool writing) {
    bool right = s == PM_CORRUPT || s == PM_FOREIGN || s == PM_TOO_OLD ||
                 s == PM_TOO_NEW || s == PM_IO || s == PM_LIMIT || s == PM_GONE;
    right = right || s == PM_FIELD || s == PM_SYNTAX ||
            (writing && (s == PM_DUPLICATE || s == PM_INVALID));
    if (s != PM_OK && (!right || err->code != s || err->message[0] == 0)) {
        fprintf(stderr, "status %d: %s\n", (int)s, err->message);
        exit(1);
    }
}

static void check_quiet(void) {
    CHECK(mem_open_files() == 0 && atomic_load(&mem_live) == held);
}

static void walk_segments(const pm_snapshot *s) {
    pm_doc doc;
    for (uint32_t i = 0; i < s->n_parts; i++) {
        use_segment(&s->parts[i].segment);
        if (s->parts[i].has_removals) {
            const pm_removals *r = &s->parts[i].removals;
            for (uint32_t k = 0; k < 50; k++) {
                sink +=
                    pm_removals_ids(r, (pm_range){k, 5 * k}) + pm_removals_docs(r, k);
            }
        }
    }
    for (pm_doc d = 0; d < s->n_docs && d < 1000; d++) {
        CHECK(pm_snapshot_part(s, d, &doc) != NULL);
    }
}

static void ask(pm_snapshot *s) {
    static const pm_rank_options rank = {.k1 = 1.2, .b = 0.75, .sort = "score"};
    static const char query[] = "missile OR base OR the";
    pm_error err;
    index_state state;
    pm_query q;
    pm_table *t;
    uint64_t total;
    pm_doc doc;
    pm_error_clear(&err);
    check_status(state_of(s, &state, &err), &err, false);
    pm_status status = pm_snapshot_find_key(s, corpus_part(&rows, 1, 0), &doc, &err);
    CHECK(status == PM_OK || status == PM_CORRUPT);
    CHECK(pm_index_parse(s, query, strlen(query), PM_PARSE_STRICT, &pm_limits_default,
                         NULL, 0, &q, &err) == PM_OK);
    status =
        pm_search(s, &q, NULL, 3, &rank, &pm_limits_default, NULL, &t, &total, &err);
    check_status(status, &err, false);
    if (status == PM_OK) {
        pm_table_unref(t);
    }
    pm_query_release(&q);
}

/* Opens both generations, reads all of them, asks. */
static void read_all(void) {
    for (uint64_t generation = 0; generation <= 1; generation++) {
        pm_error err;
        pm_snapshot *s;
        alarm(PATIENCE_S);
        pm_error_clear(&err);
        pm_status status =
            pm_snapshot_open(SCRIPT_PATH, generation, PM_MAP_AUTO, &s, &err);
        check_status(status, &err, false);
        if (status == PM_OK) {
            walk_segments(s);
            ask(s);
            pm_snapshot_unref(s);
        }
    }
}

static pm_status verify(void) {
    pm_error err;
    alarm(PATIENCE_S);
    n_tried++;
    pm_error_clear(&err);
    pm_status status = pm_snapshot_verify(SCRIPT_PATH, NULL, &err);
    check_status(status, &err, false);
    return status;
}

/* A session over the damage, and an optimize; what comes of it is whole or refused. */
static void write_all(void) {
    static const script_op optimize[] = {{SCRIPT_OPTIMIZE, 0, 0}};
    pm_error err;
    index_state state;
    alarm(PATIENCE_S);
    pm_error_clear(&err);
    const script_op *second = script_ops + script_length(script_ops);
    check_status(script_session(&rows, second, 1, &err), &err, true);
    pm_error_clear(&err);
    check_status(script_session(&rows, optimize, 1, &err), &err, true);
    if (verify() == PM_OK) {
        CHECK(state_read(SCRIPT_PATH, 0, &state, &err) == PM_OK);
    }
    check_quiet();
    mem_load(&good);
}

/* Everything, with a file as it is. */
static void try_all(bool writing) {
    (void)verify();
    read_all();
    if (writing) {
        write_all();
    }
}

/* ---- the sweeps ---- */

static const uint8_t changes[] = {0x01, 0x80, 0xff};
enum { N_CHANGES = sizeof changes };

static void test_changed_byte_is_reported_and_survived(const struct mem_copy *f,
                                                       size_t step) {
    for (size_t i = 0, round = 0; i < f->n; i += step, round++) {
        for (size_t k = 0; k < N_CHANGES; k++) {
            mem_find(f->path)->bytes[i] ^= changes[k];
            if (verify() == PM_OK) {
                fprintf(stderr, "%s: byte %zu ^ %x is not reported\n", f->path, i,
                        changes[k]);
                exit(1);
            }
            if (k == round % N_CHANGES) {
                read_all();
                if (round % 4 == 0) {
                    write_all();
                }
            }
            restore(f);
        }
    }
    check_quiet();
}

static void test_truncation_is_reported_and_survived(const struct mem_copy *f,
                                                     size_t step) {
    for (size_t n = 0; n < f->n; n += step) {
        mem_set(f->path, f->bytes, n);
        CHECK(verify() != PM_OK);
        read_all();
        if (n / step % 4 == 0) {
            write_all();
        }
        restore(f);
    }
    check_quiet();
}

static void test_missing_file_is_reported(const struct mem_copy *f) {
    CHECK(mem_unlink(f->path) == 0);
    CHECK(verify() != PM_OK);
    read_all();
    write_all();
}

static void test_damage_that_fits_is_survived(const struct mem_copy *f, size_t step) {
    for (size_t i = 0, round = 0; i < f->n; i += step, round++) {
        for (size_t k = 0; k < N_CHANGES; k++) {
            mem_find(f->path)->bytes[i] ^= changes[k];
            make_fit(f);
            try_all(k == round % N_CHANGES);
            mem_load(&good);
        }
    }
    check_quiet();
}

/* Several bytes, some set to values that counts and offsets dislike. */
static void test_scattered_damage_is_survived(const struct mem_copy *f, size_t rounds,
                                              uint32_t seed) {
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x10, 0x40};
    for (size_t i = 0; i < rounds; i++) {
        uint8_t *bytes = mem_find(f->path)->bytes;
        for (uint32_t n = 1 + corpus_random(&seed) % 6; n > 0; n--) {
            size_t at = corpus_random(&seed) % f->n, run = 1 + corpus_random(&seed) % 4;
            for (size_t k = at; k < at + run && k < f->n; k++) {
                bytes[k] = values[corpus_random(&seed) % sizeof values];
            }
        }
        make_fit(f);
        try_all(true);
        mem_load(&good);
    }
    check_quiet();
}

/* Another file in the place of this one: reported, and survived, also where the
 * manifest says that it belongs there. */
static void test_file_of_another_place(const struct mem_copy *f,
                                       const struct mem_copy *by) {
    if (f->n == by->n && memcmp(f->bytes, by->bytes, f->n) == 0) {
        return;
    }
    mem_set(f->path, by->bytes, by->n);
    CHECK(verify() != PM_OK);
    read_all();
    write_all();
    if (!is_manifest(f)) {
        mem_set(f->path, by->bytes, by->n);
        bless(f);
        try_all(true);
    }
    mem_load(&good);
    check_quiet();
}

static void test_swapped_files(const struct mem_copy *f) {
    for (size_t i = 0; i < good.n; i++) {
        if (is_checked(&good.at[i])) {
            test_file_of_another_place(f, &good.at[i]);
        }
    }
    for (size_t i = 0; i < other.n; i++) {
        if (is_checked(&other.at[i])) {
            test_file_of_another_place(f, &other.at[i]);
        }
    }
}

/* What the lock's file says is no one's business but that of a message. */
static void test_any_lock_file_will_do(void) {
    static const char *const texts[] = {"", "x", "99999999999999999999 \xff\n\n",
                                        "pid -1 host"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        pm_error err;
        mem_set(SCRIPT_PATH "/" PM_LOCK_NAME, (const uint8_t *)texts[i],
                strlen(texts[i]));
        CHECK(script_session(&rows, script_ops + script_length(script_ops), 1, &err) ==
              PM_OK);
        mem_load(&good);
    }
}

static void sweep(size_t step, uint32_t seed) {
    for (size_t i = 0; i < good.n; i++) {
        const struct mem_copy *f = &good.at[i];
        if (is_checked(f)) {
            unsigned long before = n_tried;
            test_missing_file_is_reported(f);
            test_swapped_files(f);
            test_truncation_is_reported_and_survived(f, step);
            test_changed_byte_is_reported_and_survived(f, step);
            test_damage_that_fits_is_survived(f, step);
            test_scattered_damage_is_survived(f, 300 / step, seed);
            printf("test_damage: %s: %zu bytes, %lu tries\n", f->path, f->n,
                   n_tried - before);
            fflush(stdout);
        }
    }
}

/* Memory that no damaged count may ask too much of. */
static void *damage_alloc(size_t bytes) {
    CHECK(bytes <= MAX_ALLOC);
    return mem_alloc(bytes);
}

static void *damage_resize(void *p, size_t bytes) {
    CHECK(bytes <= MAX_ALLOC);
    return mem_resize(p, bytes);
}

int main(int argc, char **argv) {
    size_t step = 13;
    if (argc > 1) {
        step = strcmp(argv[1], "all") == 0 ? 1 : strtoul(argv[1], NULL, 10);
    }
    uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
    pm_sys table = mem_sys;
    table.alloc = damage_alloc;
    table.resize = damage_resize;
    pm_sys_replace(&table);
    CHECK(step > 0);
    corpus_make(&rows, SCRIPT_ROWS, 12, 3);
    corpus_make(&other_rows, SCRIPT_ROWS, 12, 4);
    held = atomic_load(&mem_live);
    other = make_index(&other_rows);
    good = make_index(&rows);
    check_index();
    CHECK(verify() == PM_OK);
    try_all(true);
    test_any_lock_file_will_do();
    sweep(step, seed);
    mem_image_free(&good);
    mem_image_free(&other);
    mem_clear();
    corpus_free(&rows);
    corpus_free(&other_rows);
    printf("test_damage: ok, %lu tries\n", n_tried);
    return 0;
}
