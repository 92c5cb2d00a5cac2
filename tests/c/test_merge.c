/* Merging against building: the live rows of several segments, merged, must be the
 * bytes of one build of those rows. All files stand in memory, where open descriptors
 * and allocations are counted. */
#include "merge_rows.h"

static void check_quiet(void) {
    CHECK(mem_open_files() == 0);
}

/* ---- comparing ---- */

static void name_section(uint32_t id, char out[5]) {
    memcpy(out, &id, 4);
    out[4] = 0;
}

/* Every section the same, but for those where texts lie. */
static void check_sections(const pm_segment *a, const pm_segment *b) {
    CHECK(a->file.n_sections == b->file.n_sections);
    for (uint32_t i = 0; i < a->file.n_sections; i++) {
        char name[5];
        pm_bytes x, y;
        uint32_t id = a->file.sections[i].id;
        name_section(id, name);
        CHECK(b->file.sections[i].id == id);
        CHECK(pm_container_find(&a->file, id, &x) &&
              pm_container_find(&b->file, id, &y));
        if (strcmp(name, "TEXT") == 0 || strcmp(name, "TBLK") == 0) {
            continue;
        }
        if (x.n != y.n || (x.n > 0 && memcmp(x.p, y.p, x.n) != 0)) {
            fprintf(stderr, "section %s differs: %zu and %zu bytes\n", name, x.n, y.n);
            CHECK(false);
        }
    }
}

static void check_texts(const pm_segment *a, const pm_segment *b) {
    pm_text_reader *ra, *rb;
    pm_error err;
    pm_buf x = {0}, y = {0};
    CHECK(pm_text_reader_new(&a->store, &ra, &err) == PM_OK);
    CHECK(pm_text_reader_new(&b->store, &rb, &err) == PM_OK);
    for (pm_unit u = 0; a->store.present && u < a->bounds.n_units; u++) {
        pm_buf_clear(&x);
        pm_buf_clear(&y);
        CHECK(pm_text_read(ra, u, 0, UINT64_MAX, &x, &err) == PM_OK);
        CHECK(pm_text_read(rb, u, 0, UINT64_MAX, &y, &err) == PM_OK);
        CHECK(x.n == y.n && (x.n == 0 || memcmp(x.p, y.p, x.n) == 0));
    }
    pm_text_reader_free(ra);
    pm_text_reader_free(rb);
    pm_buf_release(&x);
    pm_buf_release(&y);
}

static void check_same_file(const char *a, const char *b) {
    pm_bytes x = file_bytes(a), y = file_bytes(b);
    CHECK(x.n == y.n && memcmp(x.p, y.p, x.n) == 0);
}

/* Merges and holds the result against the build at "whole". */
static void check_merge(pieces *p, bool same_texts) {
    pm_error err;
    pm_segment *whole = calloc(2, sizeof *whole), *merged = whole + 1;
    pm_manifest_file file;
    uint32_t n_docs;
    uint64_t n_tokens;
    CHECK(whole != NULL);
    segment_of(whole, "whole");
    pieces_columns(p, whole);
    p->merge.keep_blocks = !same_texts;
    pm_status status = pm_merge_write(&p->merge, &file, &n_docs, &n_tokens, &err);
    if (status != PM_OK) {
        fprintf(stderr, "merging: %d %s: %s\n", (int)status, err.file, err.message);
        CHECK(false);
    }
    CHECK(n_docs == whole->info.n_docs && n_tokens == whole->info.n_tokens);
    CHECK(strcmp(file.name, "merged.seg") == 0);
    CHECK(file.size == file_bytes("merged.seg").n);
    CHECK(pm_segment_open(merged, "merged.seg", PM_MAP_AUTO, &err) == PM_OK);
    check_sections(whole, merged);
    check_texts(whole, merged);
    status = pm_segment_verify(merged, NULL, &err);
    if (status != PM_OK) {
        fprintf(stderr, "verify: %s: %s\n", err.file, err.message);
        CHECK(false);
    }
    pm_segment_close(merged);
    pm_segment_close(whole);
    if (same_texts) {
        check_same_file("whole/0000000001.seg", "merged.seg");
        CHECK(file.hash.lo == pm_hash128_of(file_bytes("merged.seg").p, file.size).lo);
    }
    CHECK(mem_unlink("merged.seg") == 0);
    free(whole);
}

static void cut_evenly(size_t *starts, size_t n_rows, size_t n) {
    for (size_t i = 0; i <= n; i++) {
        starts[i] = n_rows * i / n;
    }
}

/* ---- tests ---- */

static void test_pieces_become_the_whole(size_t n_rows, uint32_t words, size_t n,
                                         bool store) {
    size_t starts[ROWS_MAX_PIECES + 1];
    rows r = rows_make(n_rows, words, n_rows / 2, (uint32_t)(7 + n));
    pieces p;
    cut_evenly(starts, n_rows, n);
    rows_build(&r, 0, n_rows, NULL, "whole", store, "english", NULL);
    pieces_make(&p, &r, starts, n, store, "english", NULL);
    check_merge(&p, true);
    check_merge(&p, false);
    pieces_free(&p);
    rows_free(&r);
    mem_clear();
}

int main(void) {
    pm_sys_replace(&mem_sys);
    for (int store = 0; store < 2; store++) {
        test_pieces_become_the_whole(60, 40, 2, store != 0);
        test_pieces_become_the_whole(60, 40, 3, store != 0);
        test_pieces_become_the_whole(60, 40, 17, store != 0);
        test_pieces_become_the_whole(9, 4, 9, store != 0);
    }
    check_quiet();
    puts("merge: ok");
    return 0;
}
