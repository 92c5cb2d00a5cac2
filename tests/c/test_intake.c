/* Rows through an intake: whatever memory there is, whatever was taken out again, the
 * final segments are those of one build of the rows that are left. Files stand in
 * memory. */
#include "fault_files.h"
#include "format/segment.h"
#include "index/filter.h"
#include "index/intake.h"
#include "index/rowkeys.h"
#include "index_corpus.h"

static long n_runs; /* made since a test set it to 0 */

static int count_open(const char *path, int flags, int mode) {
    size_t n = strlen(path);
    n_runs += (flags & O_CREAT) != 0 && n > 4 && strcmp(path + n - 4, ".run") == 0;
    return mem_open(path, flags, mode);
}

/* ---- files compared ---- */

static void check_same_file(const char *a, const char *b) {
    const mem_node *x = mem_find(a), *y = mem_find(b);
    if (x == NULL || y == NULL || x->n != y->n ||
        memcmp(x->bytes, y->bytes, x->n) != 0) {
        size_t at = 0;
        while (x != NULL && y != NULL && at < x->n && at < y->n &&
               x->bytes[at] == y->bytes[at]) {
            at++;
        }
        fprintf(stderr, "%s (%zu bytes) and %s (%zu bytes) differ from byte %zu on\n",
                a, x != NULL ? x->n : 0, b, y != NULL ? y->n : 0, at);
        exit(1);
    }
}

/* All files below two directories. */
static void check_same(const char *a, const char *b) {
    int n_a = 0, n_b = 0;
    for (size_t i = 0; i < mem_n_names; i++) {
        const char *in_a = mem_entry_of(mem_names[i].path, a);
        if (in_a != NULL) {
            char other[2 * MEM_PATH];
            snprintf(other, sizeof other, "%s/%s", b, in_a);
            check_same_file(mem_names[i].path, other);
        }
        n_a += in_a != NULL;
        n_b += mem_entry_of(mem_names[i].path, b) != NULL;
    }
    CHECK(n_a == n_b);
}

/* ---- builds ---- */

static void build(const corpus *c, const char *path, pm_build_options o,
                  uint64_t memory) {
    pm_error err;
    o.memory_bytes = memory;
    if (corpus_build(c, path, &o, &err) != PM_OK) {
        fprintf(stderr, "build: %s\n", err.message);
        exit(1);
    }
}

static void test_build_spills_without_a_trace(void) {
    static const uint32_t limits[] = {0, 150000, 20000};
    static const unsigned threads[] = {1, 2, 5};
    corpus c;
    corpus_make(&c, 1500, 150, 7);
    for (int store = 0; store < 2; store++) {
        for (int i = 0; i < 3; i++) {
            build(&c, "whole", corpus_options(2, limits[i], store != 0),
                  UINT64_C(4) << 30);
            for (int t = 0; t < 3; t++) {
                n_runs = 0;
                build(&c, "spilled", corpus_options(threads[t], limits[i], store != 0),
                      1 << 20);
                CHECK(n_runs > 5);
                check_same("whole", "spilled");
                pm_dir_remove("spilled");
            }
            pm_dir_remove("whole");
        }
    }
    corpus_free(&c);
}

/* ---- an intake with small rows ---- */

typedef struct taking {
    pm_intake *in;
    pm_analyzer *analyzer;
    uint64_t next_file;
    uint32_t number, mixed, late;
    bool has_late;
} taking;

static const char *const fields[] = {"title", "text"};

static pm_status take_begin(taking *t, const char *dir, uint32_t segment_tokens,
                            pm_error *err) {
    *t = (taking){.next_file = 5};
    PM_TRY(pm_analyzer_new("english", &t->analyzer, err));
    pm_intake_options o = {.dir = dir,
                           .next_file = &t->next_file,
                           .analyzer = t->analyzer,
                           .fields = fields,
                           .n_fields = 2,
                           .store = true,
                           .threads = 1,
                           .segment_tokens = segment_tokens,
                           .memory_bytes = 1 << 30};
    PM_TRY(pm_intake_new(&o, &t->in, err));
    PM_TRY(pm_intake_column(t->in, "number", PM_VALUE_INT, &t->number, err));
    return pm_intake_column(t->in, "mixed", PM_VALUE_INT, &t->mixed, err);
}

static void take_end(taking *t) {
    pm_intake_free(t->in);
    if (t->analyzer != NULL) {
        pm_analyzer_free(t->analyzer);
    }
}

/* Columns that are known before row i: one becomes one of floats at row 20, another is
 * new at row 30. */
static pm_status take_columns(taking *t, int i, pm_error *err) {
    if (i == 20) {
        PM_TRY(pm_intake_column(t->in, "mixed", PM_VALUE_FLOAT, &t->mixed, err));
    }
    if (i >= 30 && !t->has_late) {
        PM_TRY(pm_intake_column(t->in, "late", PM_VALUE_STR, &t->late, err));
        t->has_late = true;
    }
    return PM_OK;
}

/* Row i with the key k<key>: some with values. */
static pm_status take_row(taking *t, int key, int i, bool update, pm_error *err) {
    char name[32], text[200];
    size_t n_cells = 0, n_added;
    pm_cell cells[3];
    snprintf(name, sizeof name, "k%d", key);
    snprintf(text, sizeof text, "Row %d says: the strikes of w%d. \"Yes\", and é%d.", i,
             i % 7, i);
    pm_bytes texts[2] = {{(const uint8_t *)name, strlen(name)},
                         {(const uint8_t *)text, i % 9 == 4 ? 0 : strlen(text)}};
    PM_TRY(take_columns(t, i, err));
    if (i % 3 != 0) {
        cells[n_cells++] =
            (pm_cell){t->number, {.kind = PM_VALUE_INT, .i = 100 - i * 7}};
    }
    if (i % 4 == 0) {
        pm_value whole = {.kind = PM_VALUE_INT, .i = i};
        pm_value half = {.kind = PM_VALUE_FLOAT, .f = i + 0.5};
        cells[n_cells++] = (pm_cell){t->mixed, i >= 20 && i % 8 == 0 ? half : whole};
    }
    if (t->has_late && i % 5 == 0) {
        cells[n_cells++] = corpus_str(t->late, i % 2 == 0 ? "even" : "odd");
    }
    pm_row row = {{(const uint8_t *)name, strlen(name)}, texts, cells, n_cells};
    return update ? pm_intake_update(t->in, &row, NULL, err)
                  : pm_intake_add(t->in, &row, 1, &n_added, NULL, err);
}

static pm_status take_rows(taking *t, int lo, int hi, pm_error *err) {
    for (int i = lo; i < hi; i++) {
        PM_TRY(take_row(t, i, i, false, err));
    }
    return PM_OK;
}

static pm_status take_flush(taking *t, uint32_t *n, pm_error *err) {
    const pm_entry *entries;
    const uint64_t *const *dead;
    return pm_intake_flush(t->in, &entries, &dead, n, NULL, err);
}

static pm_status take_finish(taking *t, uint32_t *n, pm_error *err) {
    pm_entry *entries;
    pm_status status = pm_intake_finish(t->in, &entries, n, NULL, err);
    pm_free(entries);
    return status;
}

static void ok(pm_status status, const pm_error *err) {
    if (status != PM_OK) {
        fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
}
#define OK(call) ok((call), &err)

/* The rows of [0, n) that keep says, in one go. */
static void take_whole(const char *dir, int n, bool (*keep)(int), uint32_t tokens) {
    taking t;
    pm_error err;
    uint32_t n_segments;
    CHECK(mem_make_dir(dir) == 0);
    OK(take_begin(&t, dir, tokens, &err));
    for (int i = 0; i < n; i++) {
        OK(take_columns(&t, i, &err));
        if (keep(i)) {
            OK(take_row(&t, i, i, false, &err));
        }
    }
    OK(take_finish(&t, &n_segments, &err));
    take_end(&t);
}

static bool keep_all(int i) {
    return i >= 0;
}

static void test_flushes_leave_no_trace_in_the_final_segment(void) {
    taking t;
    pm_error err;
    uint32_t n;
    take_whole("whole", 40, keep_all, 0);
    /* so that ints and floats, and columns with and without values, meet in one
     * segment; the last flush leaves nothing for finish */
    static const int ends[] = {1, 12, 13, 20, 25, 40};
    CHECK(mem_make_dir("runs") == 0);
    OK(take_begin(&t, "runs", 0, &err));
    for (int k = 0, at = 0; k < 6; at = ends[k++]) {
        OK(take_rows(&t, at, ends[k], &err));
        OK(take_flush(&t, &n, &err));
        CHECK(n == (uint32_t)k + 1);
    }
    OK(take_flush(&t, &n, &err));
    CHECK(n == 6); /* nothing was added */
    OK(take_finish(&t, &n, &err));
    CHECK(n == 1 && t.next_file == 6);
    take_end(&t);
    check_same("whole", "runs");
    pm_dir_remove("whole");
    pm_dir_remove("runs");
}

/* One flush before the end: the run must get the columns that the last segment has. */
static void test_a_flush_before_the_end_leaves_no_trace(void) {
    for (int n_rows = 10; n_rows <= 40; n_rows += 15) {
        taking t;
        pm_error err;
        uint32_t n;
        take_whole("whole", n_rows, keep_all, 0);
        CHECK(mem_make_dir("runs") == 0);
        OK(take_begin(&t, "runs", 0, &err));
        OK(take_rows(&t, 0, n_rows, &err));
        OK(take_flush(&t, &n, &err));
        OK(take_finish(&t, &n, &err));
        CHECK(n == 1);
        take_end(&t);
        check_same("whole", "runs");
        pm_dir_remove("whole");
        pm_dir_remove("runs");
    }
}

/* ---- rows taken out ---- */

static bool keep_some(int i) {
    return i % 6 != 1 && (i < 8 || i >= 16);
}

static uint64_t find(taking *t, int key) {
    pm_error err;
    char name[32];
    uint64_t doc;
    snprintf(name, sizeof name, "k%d", key);
    OK(pm_intake_find(t->in, (pm_bytes){(const uint8_t *)name, strlen(name)}, &doc,
                      &err));
    return doc;
}

/* Takes rows out at different moments: before their run is sealed, after, all of a
 * run. */
static void test_rows_taken_out_leave_no_trace(void) {
    for (int flushes = 0; flushes < 4; flushes++) {
        taking t;
        pm_error err;
        uint32_t n;
        take_whole("whole", 40, keep_some, 0);
        CHECK(mem_make_dir("runs") == 0);
        OK(take_begin(&t, "runs", 0, &err));
        for (int i = 0; i < 40; i++) {
            OK(take_row(&t, i, i, false, &err));
            if (!keep_some(i) && (i + flushes) % 2 == 0) {
                OK(pm_intake_remove(t.in, find(&t, i), &err));
            }
            if (flushes > 0 && (i == 7 || i == 15 || i % (10 * flushes) == 5)) {
                OK(take_flush(&t, &n, &err));
            }
        }
        for (int i = 0; i < 40; i++) {
            if (!keep_some(i) && find(&t, i) != PM_END) {
                OK(pm_intake_remove(t.in, (uint64_t)i, &err));
                OK(pm_intake_remove(t.in, (uint64_t)i, &err)); /* again: nothing */
            }
            CHECK(find(&t, i) == (keep_some(i) ? (uint64_t)i : PM_END));
        }
        CHECK(pm_intake_remove(t.in, 40, &err) == PM_INVALID);
        OK(take_finish(&t, &n, &err));
        CHECK(n == 1);
        take_end(&t);
        check_same("whole", "runs");
        pm_dir_remove("whole");
        pm_dir_remove("runs");
    }
}

static bool keep_first(int i) {
    return i < 12;
}

/* The segment before becomes the last one, with the columns that the last has. */
static void test_segments_of_which_nothing_is_left_go(void) {
    taking t;
    pm_error err;
    uint32_t n;
    CHECK(mem_make_dir("runs") == 0);
    OK(take_begin(&t, "runs", 0, &err));
    OK(take_rows(&t, 0, 3, &err));
    for (uint64_t i = 0; i < 3; i++) {
        OK(pm_intake_remove(t.in, i, &err));
    }
    OK(take_finish(&t, &n, &err));
    CHECK(n == 0 && t.next_file == 5 && mem_count_nodes() == 1);
    OK(take_rows(&t, 0, 40, &err));
    for (uint64_t i = 12; i < 40; i++) {
        OK(pm_intake_remove(t.in, i, &err));
    }
    OK(take_finish(&t, &n, &err));
    CHECK(n == 1);
    take_end(&t);
    take_whole("whole", 40, keep_first, 0);
    check_same("whole", "runs");
    pm_dir_remove("whole");
    pm_dir_remove("runs");
}

/* ---- keys ---- */

static pm_status add_key(taking *t, int key, pm_error *err) {
    return take_row(t, key, key, false, err);
}

static void test_keys_are_unique_among_live_rows_of_all_runs(void) {
    taking t;
    pm_error err;
    uint32_t n;
    CHECK(mem_make_dir("runs") == 0);
    OK(take_begin(&t, "runs", 0, &err));
    for (int i = 0; i < 30; i++) {
        OK(add_key(&t, i, &err));
        if (i % 10 == 9) {
            OK(take_flush(&t, &n, &err));
        }
    }
    for (int i = 0; i < 30; i += 29) { /* in the first run and in the last */
        char said[100];
        snprintf(said, sizeof said, "the key \"k%d\" is that of document %d already", i,
                 i);
        CHECK(add_key(&t, i, &err) == PM_DUPLICATE && strcmp(err.message, said) == 0);
    }
    OK(pm_intake_remove(t.in, 4, &err));
    CHECK(find(&t, 4) == PM_END);
    OK(add_key(&t, 4, &err)); /* not sealed yet */
    CHECK(find(&t, 4) == 30 && add_key(&t, 4, &err) == PM_DUPLICATE);
    OK(pm_intake_remove(t.in, 30, &err));
    OK(add_key(&t, 4, &err)); /* twice in one run, dead and live */
    OK(take_flush(&t, &n, &err));
    CHECK(find(&t, 4) == 31 && add_key(&t, 4, &err) == PM_DUPLICATE);
    OK(take_finish(&t, &n, &err));
    CHECK(n == 1 && find(&t, 4) == PM_END); /* the intake is empty */
    OK(add_key(&t, 4, &err));
    CHECK(find(&t, 4) == 0 && pm_intake_docs(t.in) == 33);
    OK(take_finish(&t, &n, &err));
    CHECK(n == 1 && t.next_file == 7);
    take_end(&t);
    pm_dir_remove("runs");
}

/* One row after the other takes the place of an earlier one. */
static void test_updates_keep_the_newest_of_each_key(void) {
    taking t;
    pm_error err;
    uint32_t n;
    pm_entry *entries;
    CHECK(mem_make_dir("runs") == 0);
    OK(take_begin(&t, "runs", 0, &err));
    for (int i = 0; i < 3000; i++) {
        OK(take_row(&t, i % 5, i, true, &err));
        if (i % 1000 == 700) {
            OK(take_flush(&t, &n, &err));
        }
    }
    CHECK(find(&t, 3) == 2998);
    OK(pm_intake_finish(t.in, &entries, &n, NULL, &err));
    CHECK(n == 1 && entries[0].n_docs == 5);
    pm_free(entries);
    take_end(&t);
    pm_dir_remove("runs");
}

static void test_an_update_that_cannot_be_added_changes_nothing(void) {
    taking t;
    pm_error err;
    uint32_t n;
    CHECK(mem_make_dir("runs") == 0);
    OK(take_begin(&t, "runs", 10, &err));
    pm_bytes texts[2] = {{(const uint8_t *)"a b", 3}, {NULL, 0}};
    pm_row row = {{(const uint8_t *)"key", 3}, texts, NULL, 0};
    size_t n_added;
    uint64_t doc;
    OK(pm_intake_add(t.in, &row, 1, &n_added, NULL, &err));
    texts[1] = (pm_bytes){(const uint8_t *)"a b c d e f g h i", 17};
    CHECK(pm_intake_update(t.in, &row, NULL, &err) == PM_LIMIT);
    OK(pm_intake_find(t.in, row.key, &doc, &err));
    CHECK(doc == 0);
    row.key.n = 0;
    CHECK(pm_intake_update(t.in, &row, NULL, &err) == PM_INVALID);
    OK(take_finish(&t, &n, &err));
    CHECK(n == 1);
    take_end(&t);
    pm_dir_remove("runs");
}

/* ---- what a flush shows ---- */

static void test_flush_lists_runs_with_their_dead(void) {
    taking t;
    pm_error err;
    const pm_entry *entries;
    const uint64_t *const *dead;
    uint32_t n;
    CHECK(mem_make_dir("runs") == 0);
    OK(take_begin(&t, "runs", 0, &err));
    OK(take_rows(&t, 0, 6, &err));
    OK(pm_intake_remove(t.in, 2, &err));
    OK(take_flush(&t, &n, &err));
    OK(take_rows(&t, 6, 10, &err));
    OK(pm_intake_flush(t.in, &entries, &dead, &n, NULL, &err));
    CHECK(n == 2 && entries[0].n_docs == 6 && entries[1].n_docs == 4);
    CHECK(dead[0] != NULL && dead[0][0] == 1 << 2 && dead[1] == NULL);
    OK(pm_intake_remove(t.in, 9, &err));
    OK(pm_intake_flush(t.in, &entries, &dead, &n, NULL, &err));
    CHECK(n == 2 && dead[1] != NULL && dead[1][0] == 1 << 3);
    char path[MEM_PATH];
    snprintf(path, sizeof path, "runs/%s", entries[0].file.name);
    pm_segment *s = malloc(sizeof *s);
    CHECK(s != NULL);
    OK(pm_segment_open(s, path, PM_MAP_AUTO, &err));
    CHECK(s->info.n_docs == 6 && s->info.n_tokens == entries[0].n_tokens);
    pm_segment_close(s);
    free(s);
    take_end(&t);
    CHECK(mem_count_nodes() == 1); /* not finished: nothing is left but the directory */
    pm_dir_remove("runs");
}

/* ---- segment limits ---- */

/* Neighbouring segments with rows taken out: the same however often it was flushed,
 * once rows come in the same chunks. */
static void test_segments_end_where_rows_say(void) {
    for (int round = 0; round < 2; round++) {
        taking t;
        pm_error err;
        uint32_t n;
        const char *dir = round == 0 ? "whole" : "runs";
        CHECK(mem_make_dir(dir) == 0);
        OK(take_begin(&t, dir, 80, &err));
        for (int i = 0; i < 60; i++) {
            OK(take_row(&t, i, i, false, &err));
            if (round == 1 && i % 4 == 2) {
                OK(pm_intake_remove(t.in, (uint64_t)i, &err));
            }
        }
        for (int i = 2; round == 0 && i < 60; i += 4) {
            OK(pm_intake_remove(t.in, (uint64_t)i, &err));
        }
        OK(take_finish(&t, &n, &err));
        CHECK(n > 5);
        take_end(&t);
    }
    check_same("whole", "runs");
    pm_dir_remove("whole");
    pm_dir_remove("runs");
}

/* ---- a large document ---- */

static void test_a_document_larger_than_memory_is_taken(void) {
    corpus c;
    corpus_make(&c, 30, 100, 3);
    pm_buf text;
    pm_buf_init(&text);
    for (int i = 0; i < 200000; i++) {
        pm_buf_printf(&text, "word%d ", i % 999);
    }
    for (int round = 0; round < 2; round++) {
        pm_error err;
        pm_builder *b;
        corpus_columns columns;
        size_t n_added;
        pm_build_options o = corpus_options(1, 0, true);
        o.memory_bytes = round == 0 ? 1 << 20 : 1 << 30;
        OK(pm_builder_new(round == 0 ? "spilled" : "whole", &o, &b, &err));
        OK(corpus_declare(b, &columns, &err));
        for (size_t i = 0; i < c.n; i++) {
            corpus_row r;
            corpus_get(&c, i, &columns, &r);
            if (i % 10 == 5) {
                r.texts[1] = pm_buf_bytes(&text);
            }
            OK(pm_builder_add(b, &r.row, 1, &n_added, NULL, &err));
        }
        OK(pm_builder_finish(b, NULL, &err));
        pm_builder_free(b);
    }
    check_same("whole", "spilled");
    pm_dir_remove("whole");
    pm_dir_remove("spilled");
    pm_buf_release(&text);
    corpus_free(&c);
}

/* ---- stopping and failing ---- */

static void test_cancel_leaves_nothing(void) {
    for (int step = 0; step < 3; step++) {
        taking t;
        pm_error err;
        uint32_t n;
        pm_cancel cancel;
        pm_entry *entries;
        const pm_entry *listed;
        const uint64_t *const *dead;
        CHECK(mem_make_dir("runs") == 0);
        OK(take_begin(&t, "runs", 0, &err));
        OK(take_rows(&t, 0, 10, &err));
        if (step == 2) { /* in the merge */
            OK(take_flush(&t, &n, &err));
            OK(take_rows(&t, 10, 20, &err));
            OK(take_flush(&t, &n, &err));
        }
        pm_cancel_init(&cancel, NULL, NULL);
        atomic_store(&cancel.stop, 1);
        cancel.work_left = 0;
        pm_status status =
            step == 0 ? pm_intake_flush(t.in, &listed, &dead, &n, &cancel, &err)
                      : pm_intake_finish(t.in, &entries, &n, &cancel, &err);
        CHECK(status == PM_CANCELLED);
        CHECK(pm_intake_finish(t.in, &entries, &n, NULL, &err) == PM_INVALID);
        take_end(&t);
        CHECK(mem_count_nodes() == 1);
        pm_dir_remove("runs");
    }
}

static int64_t process = 1;
static int64_t which_process(void) {
    return process;
}

static void test_a_forked_child_leaves_the_files_alone(void) {
    pm_sys sys = mem_sys;
    taking t;
    pm_error err;
    uint32_t n;
    sys.process_id = which_process;
    pm_sys_replace(&sys);
    CHECK(mem_make_dir("runs") == 0);
    OK(take_begin(&t, "runs", 0, &err));
    OK(take_rows(&t, 0, 10, &err));
    OK(take_flush(&t, &n, &err));
    OK(take_rows(&t, 10, 20, &err));
    process = 2;
    take_end(&t);
    CHECK(mem_count_nodes() == 2 && mem_find("runs/0000000001.run") != NULL);
    process = 1;
    pm_sys_replace(&mem_sys);
    pm_dir_remove("runs");
}

/* All that an intake does, in little. */
static pm_status live(pm_error *err) {
    taking t;
    uint32_t n;
    pm_status status = take_begin(&t, "runs", 120, err);
    if (status != PM_OK) {
        take_end(&t);
        return status;
    }
    PM_GO(take_rows(&t, 0, 14, err));
    PM_GO(take_flush(&t, &n, err));
    PM_GO(take_rows(&t, 14, 22, err));
    PM_GO(pm_intake_remove(t.in, 3, err));
    PM_GO(pm_intake_remove(t.in, 15, err));
    PM_GO(take_flush(&t, &n, err));
    PM_GO(take_row(&t, 5, 22, true, err));
    PM_GO(take_row(&t, 23, 23, true, err));
    PM_GO(take_finish(&t, &n, err));
    CHECK(n == 3);
out:
    take_end(&t);
    return status;
}

static long fail_each(fault_sort sort, int why, bool for_ever) {
    long i = 0;
    for (bool met = true; met; i++) {
        pm_error err;
        CHECK(mem_make_dir("runs") == 0);
        fault_begin((fault_plan){sort, i, for_ever, why, 0});
        pm_status status = live(&err);
        met = atomic_load(&fault_met);
        fault_over = true;
        CHECK(!atomic_load(&fault_must_tell) ||
              status == (sort == FAULT_MEMORY ? PM_NOMEM : PM_IO));
        CHECK(mem_open_files() == 0 && atomic_load(&mem_live) == 0);
        if (status != PM_OK && sort == FAULT_MEMORY) {
            CHECK(mem_count_nodes() == 1);
        }
        pm_dir_remove("runs");
        CHECK(mem_count_nodes() == 0);
    }
    return i - 1;
}

static long test_every_failure_is_told_and_leaves_nothing(void) {
    pm_sys sys = fault_sys();
    pm_sys_replace(&sys);
    long n = fail_each(FAULT_MEMORY, 0, false) + fail_each(FAULT_FILES, EIO, false) +
             fail_each(FAULT_FILES, ENOSPC, true);
    pm_sys_replace(&mem_sys);
    return n;
}

/* ---- parts ---- */

static uint64_t mixed(uint64_t i) {
    i = (i ^ i >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    i = (i ^ i >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return i ^ i >> 32;
}

static void test_filter_forgets_nothing_and_errs_rarely(void) {
    enum { KEYS = 20000 };
    pm_filter f = {.n_blocks = 0};
    pm_error err;
    CHECK(!pm_filter_may_have(&f, 1));
    OK(pm_filter_renew(&f, pm_filter_bytes(KEYS), &err));
    for (uint64_t i = 0; i < KEYS; i++) {
        pm_filter_add(&f, mixed(i));
    }
    int wrong = 0;
    for (uint64_t i = 0; i < KEYS; i++) {
        CHECK(pm_filter_may_have(&f, mixed(i)));
        wrong += pm_filter_may_have(&f, mixed(i + (UINT64_C(1) << 40)));
    }
    CHECK(wrong < KEYS / 100);
    pm_filter_release(&f);
}

/* Against a list of which row has which key. */
static void test_rowkeys_follow_a_model(void) {
    enum { KEYS = 50, STEPS = 20000 };
    uint32_t rows[KEYS], n = 0, seed = 5;
    pm_rowkeys k;
    pm_error err;
    memset(rows, 0xff, sizeof rows);
    pm_rowkeys_init(&k);
    for (int step = 0; step < STEPS; step++) {
        uint32_t r = corpus_random(&seed), i = r % KEYS;
        char name[32];
        snprintf(name, sizeof name, "key %" PRIu32, i);
        pm_bytes key = {(const uint8_t *)name, strlen(name)};
        CHECK(pm_rowkeys_find(&k, key) == rows[i]);
        if (rows[i] != PM_END) {
            CHECK(!pm_rowkeys_gone(&k, rows[i]));
            pm_rowkeys_remove(&k, rows[i]);
            CHECK(pm_rowkeys_gone(&k, rows[i]));
            rows[i] = PM_END;
        } else {
            OK(pm_rowkeys_add(&k, key, &err));
            rows[i] = n++;
        }
        if (r / KEYS % 100 == 0) {
            uint32_t gone = n > 0 ? corpus_random(&seed) % (n + 1) : 0;
            pm_rowkeys_advance(&k, gone);
            n -= gone;
            for (int j = 0; j < KEYS; j++) {
                rows[j] = rows[j] == PM_END || rows[j] < gone ? PM_END : rows[j] - gone;
            }
        }
        CHECK(k.n == n);
    }
    pm_rowkeys_release(&k);
}

int main(void) {
    pm_sys sys = mem_sys;
    sys.open = count_open;
    pm_sys_replace(&sys);
    test_build_spills_without_a_trace();
    test_a_document_larger_than_memory_is_taken();
    pm_sys_replace(&mem_sys);
    test_flushes_leave_no_trace_in_the_final_segment();
    test_a_flush_before_the_end_leaves_no_trace();
    test_rows_taken_out_leave_no_trace();
    test_segments_of_which_nothing_is_left_go();
    test_keys_are_unique_among_live_rows_of_all_runs();
    test_updates_keep_the_newest_of_each_key();
    test_an_update_that_cannot_be_added_changes_nothing();
    test_flush_lists_runs_with_their_dead();
    test_segments_end_where_rows_say();
    test_cancel_leaves_nothing();
    test_a_forked_child_leaves_the_files_alone();
    test_filter_forgets_nothing_and_errs_rarely();
    test_rowkeys_follow_a_model();
    CHECK(mem_count_nodes() == 0 && mem_open_files() == 0 &&
          atomic_load(&mem_live) == 0);
    long n = test_every_failure_is_told_and_leaves_nothing();
    mem_clear();
    printf("test_intake: ok, %ld failures\n", n);
    return 0;
}
