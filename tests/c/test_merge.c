/* Merging against building: the live rows of several segments, merged, must be the
 * bytes of one build of those rows. All files stand in memory, where open descriptors
 * and allocations are counted. */
#include "merge_rows.h"

static pm_buf long_text;

/* What fails: the call number `at`, of memory or of files. */
static struct {
    long calls, at;
    bool memory, met;
} fault;

static void clear_index(const char *path) {
    char name[128];
    static const char *const files[] = {"0000000001.seg", "manifest", "lock"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(name, sizeof name, "%s/%s", path, files[i]);
        (void)mem_unlink(name);
    }
    CHECK(mem_remove_dir(path) == 0);
}

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
    if (merged->store.present && whole->store.n_blocks == 1) { /* however many pieces */
        CHECK(merged->store.n_blocks == 1);
    }
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

/* ---- deletions ---- */

/* Any set of live rows of three small segments. */
static void test_any_set_of_live_rows_becomes_its_build(bool store, bool last) {
    enum { ROWS = 9, PIECES = 3 };
    const size_t starts[PIECES + 1] = {0, 2, 6, ROWS};
    rows r = rows_make(ROWS, 5, 6, 3);
    pieces p;
    pieces_make(&p, &r, starts, PIECES, store, "english", NULL);
    p.merge.last = last;
    for (uint64_t bits = 1; bits < 1 << ROWS; bits++) {
        rows_build(&r, 0, ROWS, &bits, "whole", store, "english", NULL);
        pieces_live(&p, starts, &bits);
        check_merge(&p, true);
        if (bits % 7 == 0) {
            check_merge(&p, false);
        }
        clear_index("whole");
    }
    pieces_free(&p);
    rows_free(&r);
    mem_clear();
}

/* Texts of some 100 KB, so that chunks and blocks end within pieces, between them and
 * at dead rows. */
static void tell_long(const rows *r, size_t i, pm_bytes *texts) {
    size_t lo = i * 1000, n = 60000 + i * 7919 % 90000;
    (void)r;
    texts[1] = (pm_bytes){long_text.p + lo, i % 4 == 2 ? 100 : n};
}

static void test_long_texts(bool same_texts) {
    enum { ROWS = 24, PIECES = 5 };
    const size_t starts[PIECES + 1] = {0, 1, 9, 10, 17, ROWS};
    const uint64_t sets[] = {0xffffff, 0x7ffffe, 0xfe7fbb,
                             0x0f0f55, 0x800000, 0x3e0200};
    uint32_t state = 5;
    pm_buf_init(&long_text);
    corpus_text(&long_text, &state, 40000);
    CHECK(long_text.n > 180000);
    rows r = rows_make(ROWS, 5, 10, 3);
    pieces p;
    pieces_make(&p, &r, starts, PIECES, true, "english", tell_long);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        rows_build(&r, 0, ROWS, &sets[i], "whole", true, "english", tell_long);
        pieces_live(&p, starts, &sets[i]);
        check_merge(&p, same_texts);
        clear_index("whole");
    }
    pieces_free(&p);
    rows_free(&r);
    pm_buf_release(&long_text);
    mem_clear();
}

static pm_status merge_status(pieces *p, pm_error *err) {
    pm_manifest_file file;
    uint32_t n_docs;
    uint64_t n_tokens;
    return pm_merge_write(&p->merge, &file, &n_docs, &n_tokens, err);
}

/* ---- memory, calls that fail, the wish to stop ---- */

/* Two segments with dead rows, and the build of the live ones at "whole". */
static void make_scene(pieces *p, rows *r, size_t n, bool store) {
    const size_t starts[] = {0, n / 3, n};
    uint64_t bits = UINT64_C(0xfffffffffffffb7e);
    *r = rows_make(n, 12, n / 3, 9);
    rows_build(r, 0, n, &bits, "whole", store, "english", NULL);
    pieces_make(p, r, starts, 2, store, "english", NULL);
    pieces_live(p, starts, &bits);
}

static void drop_scene(pieces *p, rows *r) {
    pieces_free(p);
    rows_free(r);
    mem_clear();
}

static void test_memory_changes_no_byte(void) {
    static const size_t budgets[] = {0, 1, 20000, 100000, 1 << 20};
    pieces p;
    rows r;
    make_scene(&p, &r, 40, true);
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        p.merge.memory_bytes = budgets[i];
        check_merge(&p, true);
    }
    drop_scene(&p, &r);
}

static bool fails(bool memory) {
    if (memory != fault.memory || ++fault.calls != fault.at) {
        return false;
    }
    fault.met = true;
    errno = memory ? ENOMEM : EIO;
    return true;
}

static void *f_alloc(size_t n) {
    return fails(true) ? NULL : mem_alloc(n);
}
static void *f_resize(void *p, size_t n) {
    return fails(true) ? NULL : mem_resize(p, n);
}
static int f_open(const char *path, int flags, int mode) {
    return fails(false) ? -1 : mem_open(path, flags, mode);
}
static int64_t f_write(int fd, const void *from, size_t n) {
    return fails(false) ? -1 : mem_write(fd, from, n);
}
static int f_sync(int fd) {
    return fails(false) ? -1 : mem_sync(fd);
}
static int f_stat_fd(int fd, pm_stat *out) {
    return fails(false) ? -1 : mem_stat_fd(fd, out);
}

static bool is_there(const char *path) {
    return mem_find(path) != NULL;
}

/* One merge that fails somewhere: an error, no file, nothing held. */
static bool try_failing(pieces *p) {
    pm_error err;
    pm_manifest_file file;
    uint32_t n_docs;
    uint64_t n_tokens;
    long held = atomic_load(&mem_live);
    int open = mem_open_files();
    pm_status status = pm_merge_write(&p->merge, &file, &n_docs, &n_tokens, &err);
    CHECK(atomic_load(&mem_live) == held && mem_open_files() == open);
    if (status == PM_OK) {
        CHECK(!fault.met && mem_unlink("merged.seg") == 0);
        return false;
    }
    CHECK(fault.met && !is_there("merged.seg") && err.message[0] != 0);
    CHECK(status == (fault.memory ? PM_NOMEM : PM_IO));
    return true;
}

static long test_every_failure_leaves_nothing(bool memory, size_t budget) {
    pm_sys faulty = mem_sys;
    pieces p;
    rows r;
    make_scene(&p, &r, 12, true);
    faulty.alloc = f_alloc;
    faulty.resize = f_resize;
    faulty.open = f_open;
    faulty.write = f_write;
    faulty.sync = f_sync;
    faulty.stat_fd = f_stat_fd;
    p.merge.memory_bytes = budget;
    pm_sys_replace(&faulty);
    long n = 0;
    do {
        fault.calls = 0;
        fault.at = ++n;
        fault.met = false;
        fault.memory = memory;
    } while (try_failing(&p));
    pm_sys_replace(&mem_sys);
    drop_scene(&p, &r);
    return n - 1;
}

static pm_cancel wish;

/* Another thread says stop while memory is asked for. */
static void *stopping_alloc(size_t n) {
    if (++fault.calls == fault.at) {
        atomic_store(&wish.stop, 1);
        wish.work_left = 0;
    }
    return mem_alloc(n);
}

static void test_merge_can_be_cancelled_anywhere(void) {
    pm_sys stopping = mem_sys;
    pieces p;
    rows r;
    make_scene(&p, &r, 12, true);
    stopping.alloc = stopping_alloc;
    p.merge.cancel = &wish;
    p.merge.memory_bytes = 0;
    pm_sys_replace(&stopping);
    long n_stopped = 0;
    fault.at = 0;
    do {
        pm_error err;
        long held = atomic_load(&mem_live);
        int open = mem_open_files();
        pm_cancel_init(&wish, NULL, NULL);
        fault.calls = 0;
        fault.at++;
        pm_status status = merge_status(&p, &err);
        CHECK(status == PM_OK || status == PM_CANCELLED);
        CHECK(is_there("merged.seg") == (status == PM_OK));
        CHECK(status == PM_CANCELLED || mem_unlink("merged.seg") == 0);
        CHECK(atomic_load(&mem_live) == held && mem_open_files() == open);
        n_stopped += status == PM_CANCELLED;
    } while (fault.calls >= fault.at);
    CHECK(n_stopped > fault.at / 2);
    pm_sys_replace(&mem_sys);
    drop_scene(&p, &r);
}

/* ---- stems ---- */

/* Plain words alone: all languages find the same tokens and forms in them. */
static void tell_plain(const rows *r, size_t i, pm_bytes *texts) {
    static const char *const words =
        "runs running runner run missile missiles strike strikes striking relate "
        "relation relational relations base bases based basing national nations nation "
        "generate general generally generation walks walked walking talk talks talked ";
    size_t n = strlen(words), lo = i * 13 % 60;
    (void)r;
    texts[0] = (pm_bytes){(const uint8_t *)words + lo, (i * 29 + 40) % (n - lo)};
    texts[1] = (pm_bytes){(const uint8_t *)words, n - i * 7 % 100};
}

/* Gives a segment another language and fingerprint. */
static void relabel(const char *path, const char *lang, uint64_t fingerprint) {
    pm_error err;
    pm_segment *s = calloc(1, sizeof *s);
    pm_container_writer *w = calloc(1, sizeof *w);
    uint64_t size;
    pm_hash128 hash;
    CHECK(s != NULL && w != NULL);
    CHECK(pm_segment_open(s, path, PM_MAP_AUTO, &err) == PM_OK);
    CHECK(pm_container_create(w, "relabelled", PM_FILE_SEGMENT, &err) == PM_OK);
    for (uint32_t i = 0; i < s->file.n_sections; i++) {
        const pm_section *section = &s->file.sections[i];
        pm_bytes bytes;
        CHECK(pm_container_find(&s->file, section->id, &bytes));
        if (section->id == PM_FOURCC('I', 'N', 'F', 'O')) {
            pm_segment_info info = s->info;
            info.lang = (pm_bytes){(const uint8_t *)lang, strlen(lang)};
            info.fingerprint = fingerprint;
            CHECK(pm_segment_info_write(w, &info, &err) == PM_OK);
        } else {
            pm_container_section(w, section->id, section->flags, bytes);
        }
    }
    CHECK(pm_container_finish(w, &size, &hash, &err) == PM_OK);
    pm_segment_close(s);
    CHECK(mem_unlink(path) == 0 && mem_rename("relabelled", path) == 0);
    free(w);
    free(s);
}

static void relabel_pieces(pieces *p, uint64_t fingerprint) {
    for (size_t i = 0; i < p->n; i++) {
        char path[64];
        pm_segment_close(&p->at[i]);
        snprintf(path, sizeof path, "piece%zu/0000000001.seg", i);
        relabel(path, "english", fingerprint);
        snprintf(path, sizeof path, "piece%zu", i);
        segment_of(&p->at[i], path);
    }
}

/* Segments whose stems another stemmer made: groups part and meet. */
static void test_restem_makes_the_stems_of_the_analyzer(const char *lang,
                                                        size_t memory) {
    enum { ROWS = 30, PIECES = 3 };
    const size_t starts[PIECES + 1] = {0, 7, 19, ROWS};
    uint64_t bits = 0x3f7ffffe;
    rows r = rows_make(ROWS, 5, 10, 3);
    pieces p;
    pm_error err;
    rows_build(&r, 0, ROWS, &bits, "whole", true, "english", tell_plain);
    pieces_make(&p, &r, starts, PIECES, true, lang, tell_plain);
    uint64_t now = pm_analyzer_fingerprint(p.analyzer);
    relabel_pieces(&p, now ^ 1);
    pieces_live(&p, starts, &bits);
    p.merge.memory_bytes = memory;
    CHECK(merge_status(&p, &err) == PM_TOO_OLD && strstr(err.hint, "restem") != NULL);
    p.merge.restem = true;
    check_merge(&p, true);
    relabel_pieces(&p, now ^ UINT64_C(1) << 40);
    CHECK(merge_status(&p, &err) == PM_TOO_OLD &&
          strstr(err.message, "tokenizer") != NULL);
    CHECK(!is_there("merged.seg"));
    pieces_free(&p);
    rows_free(&r);
    mem_clear();
}

/* ---- arguments ---- */

static void test_what_cannot_be_merged_is_refused(void) {
    const size_t starts[] = {0, 3, 6};
    const uint64_t none[] = {0};
    rows r = rows_make(6, 5, 3, 3);
    pieces p, q;
    pm_error err;
    pieces_make(&p, &r, starts, 2, true, "english", NULL);
    pieces_live(&p, starts, none);
    CHECK(merge_status(&p, &err) == PM_INVALID && strstr(err.message, "live") != NULL);
    p.merge.n_inputs = 0;
    CHECK(merge_status(&p, &err) == PM_INVALID);
    p.merge.n_inputs = 2;
    p.inputs[0].live = p.inputs[1].live = NULL;
    p.inputs[1].segment = p.inputs[0].segment; /* one key twice */
    CHECK(merge_status(&p, &err) == PM_CORRUPT && strstr(err.message, "key") != NULL);
    pieces_free(&p);
    mem_clear();
    pieces_make(&p, &r, starts, 1, true, "english", NULL);
    CHECK(mem_rename("piece0", "stored") == 0);
    pieces_make(&q, &r, starts, 2, false, "english", NULL);
    q.inputs[1].segment = p.inputs[0].segment;
    CHECK(merge_status(&q, &err) == PM_INVALID);
    CHECK(!is_there("merged.seg"));
    pieces_free(&p);
    pieces_free(&q);
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
        test_any_set_of_live_rows_becomes_its_build(store != 0, store != 0);
        test_long_texts(store != 0);
    }
    test_memory_changes_no_byte();
    long n = test_every_failure_leaves_nothing(true, 1 << 20);
    n += test_every_failure_leaves_nothing(true, 0);
    n += test_every_failure_leaves_nothing(false, 0);
    test_merge_can_be_cancelled_anywhere();
    test_restem_makes_the_stems_of_the_analyzer("none", 1 << 20);
    test_restem_makes_the_stems_of_the_analyzer("french", 0);
    test_restem_makes_the_stems_of_the_analyzer("german", 1 << 20);
    test_what_cannot_be_merged_is_refused();
    check_quiet();
    printf("merge: ok, %ld failures\n", n);
    return 0;
}
