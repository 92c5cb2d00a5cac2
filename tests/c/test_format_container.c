/* The container: what is written comes back; whatever else a file holds is refused with
 * a reason. */
#include <errno.h>

#include <fcntl.h>

#include "format/container.h"
#include "format_fixture.h"

static const uint32_t known[] = {
    PM_FOURCC('O', 'N', 'E', '1'), PM_FOURCC('T', 'W', 'O', '2'),
    PM_FOURCC('N', 'O', 'N', 'E'), PM_FOURCC('B', 'I', 'G', '1')};
enum { N_KNOWN = sizeof known / sizeof *known };

static uint64_t seed = 7;

/* ---- files as bytes ---- */

typedef struct bytes {
    uint8_t *p;
    size_t n;
} bytes;

static bytes read_bytes(void) {
    FILE *f = fopen(test_path, "rb");
    CHECK(f != NULL && fseek(f, 0, SEEK_END) == 0);
    long n = ftell(f);
    CHECK(n >= 0 && fseek(f, 0, SEEK_SET) == 0);
    bytes b = {room((size_t)n, 1), (size_t)n};
    CHECK(fread(b.p, 1, b.n, f) == b.n);
    fclose(f);
    return b;
}

static void write_bytes(const void *p, size_t n) {
    FILE *f = fopen(test_path, "wb");
    CHECK(f != NULL && fwrite(p, 1, n, f) == n);
    fclose(f);
}

static pm_status try_open(pm_container *c, pm_map_mode mode, pm_error *err) {
    pm_error_clear(err);
    return pm_container_open(c, test_path, PM_FILE_SEGMENT, mode, known, N_KNOWN, err);
}

/* Status of open, then verify. */
static pm_status try_all(pm_error *err) {
    pm_container *c = room(1, sizeof *c);
    pm_status status = try_open(c, PM_MAP_NO, err);
    if (status == PM_OK) {
        status = pm_container_verify(c, NULL, err);
        pm_container_close(c);
    }
    free(c);
    return status;
}

/* ---- writing and reading ---- */

static pm_hash128 write_small(void) {
    pm_container_writer *w = room(1, sizeof *w);
    begin_file(w);
    pm_container_section(w, known[0], PM_SECTION_REQUIRED,
                         (pm_bytes){(const uint8_t *)"hello", 5});
    pm_container_section(w, known[2], 0, (pm_bytes){NULL, 0});
    pm_container_begin(w, known[1], PM_SECTION_REQUIRED);
    for (uint8_t i = 0; i < 130; i++) {
        pm_container_put(w, &i, 1);
    }
    pm_container_end(w);
    pm_hash128 hash = end_file(w);
    free(w);
    return hash;
}

static void test_container_gives_back_sections(pm_map_mode mode) {
    pm_container *c = room(1, sizeof *c);
    pm_error err;
    pm_bytes b;
    pm_hash128 hash = write_small();
    CHECK(try_open(c, mode, &err) == PM_OK);
    CHECK(c->n_sections == 3 && c->kind == PM_FILE_SEGMENT &&
          c->version == PM_FORMAT_VERSION);
    CHECK(pm_container_find(c, known[0], &b) && b.n == 5 &&
          memcmp(b.p, "hello", 5) == 0);
    CHECK(pm_container_find(c, known[1], &b) && b.n == 130 && b.p[129] == 129);
    CHECK(pm_container_find(c, known[2], &b) && b.n == 0);
    CHECK(!pm_container_find(c, known[3], &b) && b.n == 0);
    CHECK(pm_container_need(c, known[3], &b, &err) == PM_CORRUPT);
    CHECK(strstr(err.message, "BIG1") != NULL);
    CHECK(pm_container_verify(c, NULL, &err) == PM_OK);
    for (uint32_t i = 0; i < c->n_sections; i++) {
        CHECK(c->sections[i].offset % 64 == 0);
        CHECK(c->sections[i].offset + c->sections[i].size + 64 <= c->blob.n);
    }
    pm_hash128 again = pm_hash128_of(c->blob.bytes, c->blob.n);
    CHECK(again.lo == hash.lo && again.hi == hash.hi);
    pm_container_close(c);
    free(c);
}

static void test_container_without_sections(void) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_error err;
    begin_file(w);
    end_file(w);
    CHECK(try_all(&err) == PM_OK);
    free(w);
}

static void test_container_large_sections(void) {
    enum { N = 3000000 };
    pm_container_writer *w = room(1, sizeof *w);
    pm_container *c = room(1, sizeof *c);
    uint8_t *big = room(N, 1);
    pm_error err;
    pm_bytes b;
    for (size_t i = 0; i < N; i++) {
        big[i] = (uint8_t)rnd(&seed);
    }
    begin_file(w);
    pm_container_begin(w, known[3], 0);
    for (size_t at = 0, n; at < N; at += n) {
        n = 1 + rnd_below(&seed, at % 3 == 0 ? 100 : 1500000);
        n = n < N - at ? n : N - at;
        pm_container_put(w, big + at, n);
    }
    pm_container_end(w);
    pm_hash128 hash = end_file(w);
    CHECK(try_open(c, PM_MAP_YES, &err) == PM_OK &&
          pm_container_verify(c, NULL, &err) == PM_OK);
    CHECK(pm_container_find(c, known[3], &b) && b.n == N && memcmp(b.p, big, N) == 0);
    pm_hash128 again = pm_hash128_of(c->blob.bytes, c->blob.n);
    CHECK(again.lo == hash.lo && again.hi == hash.hi);
    pm_container_close(c);
    free(big);
    free(c);
    free(w);
}

static void test_container_same_input_same_bytes(void) {
    write_small();
    bytes a = read_bytes();
    write_small();
    bytes b = read_bytes();
    CHECK(a.n == b.n && memcmp(a.p, b.p, a.n) == 0);
    free(a.p);
    free(b.p);
}

/* ---- refusals ---- */

static void test_container_every_change_is_reported(void) {
    pm_error err;
    write_small();
    bytes b = read_bytes();
    for (size_t i = 0; i < b.n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            b.p[i] ^= (uint8_t)(1U << bit);
            write_bytes(b.p, b.n);
            CHECK(try_all(&err) == PM_CORRUPT);
            CHECK(err.message[0] != 0 && err.file[0] != 0 &&
                  err.offset != PM_NO_OFFSET);
            b.p[i] ^= (uint8_t)(1U << bit);
        }
    }
    free(b.p);
}

static void test_container_every_truncation_is_reported(void) {
    pm_error err;
    write_small();
    bytes b = read_bytes();
    for (size_t n = 0; n < b.n; n++) {
        write_bytes(b.p, n);
        CHECK(try_all(&err) == (n == 0 ? PM_FOREIGN : PM_CORRUPT));
        CHECK(n == 0 || strstr(err.message, "truncated") != NULL);
    }
    uint8_t *longer = room(2 * b.n, 1);
    memcpy(longer, b.p, b.n);
    write_bytes(longer, b.n + 1);
    CHECK(try_all(&err) == PM_CORRUPT);
    memcpy(longer + b.n, b.p, b.n); /* two files in one: a footer stands at the end */
    write_bytes(longer, 2 * b.n);
    CHECK(try_all(&err) == PM_CORRUPT && strstr(err.message, "the file has") != NULL);
    free(longer);
    free(b.p);
}

static void check_foreign(const char *content, size_t n, const char *guess) {
    pm_error err;
    write_bytes(content, n);
    CHECK(try_all(&err) == PM_FOREIGN);
    CHECK(strstr(err.message, guess) != NULL);
}

static void test_container_foreign_files_are_named(void) {
    check_foreign("", 0, "an empty file");
    check_foreign("PK\x03\x04....", 8, "zip");
    check_foreign("\x1f\x8b\x08", 3, "gzip");
    check_foreign("SQLite format 3\0...............", 31, "SQLite");
    check_foreign("{\"a\": 1}", 8, "JSON");
    check_foreign("Once upon a time", 16, "text");
    check_foreign("\x01\x02\x03\x04", 4, "unknown kind");
}

static void test_container_versions(void) {
    pm_error err;
    write_small();
    bytes b = read_bytes();
    uint32_t versions[] = {PM_FORMAT_VERSION + 1, PM_FORMAT_OLDEST - 1};
    for (int k = 0; k < 2; k++) {
        memcpy(b.p + 8, &versions[k], 4);
        memcpy(b.p + b.n - 64 + 12, &versions[k], 4);
        write_bytes(b.p, b.n);
        CHECK(try_all(&err) == (k == 0 ? PM_TOO_NEW : PM_TOO_OLD));
        CHECK(err.hint[0] != 0);
    }
    free(b.p);
}

static void test_container_unknown_sections(void) {
    pm_container *c = room(1, sizeof *c);
    pm_error err;
    write_small(); /* ONE1 and TWO2 are required, NONE is not */
    CHECK(pm_container_open(c, test_path, PM_FILE_SEGMENT, PM_MAP_NO, known, 1, &err) ==
          PM_TOO_NEW);
    CHECK(strstr(err.message, "TWO2") != NULL);
    CHECK(pm_container_open(c, test_path, PM_FILE_SEGMENT, PM_MAP_NO, known, 2, &err) ==
          PM_OK);
    pm_container_close(c);
    CHECK(pm_container_open(c, test_path, PM_FILE_MANIFEST, PM_MAP_NO, known, 2,
                            &err) == PM_CORRUPT);
    CHECK(strstr(err.message, "SEGM") != NULL && strstr(err.message, "MANI") != NULL);
    free(c);
}

/* ---- the writer's failures ---- */

static void check_misuse(pm_container_writer *w, const char *what) {
    pm_error err;
    uint64_t size;
    pm_hash128 hash;
    CHECK(pm_container_finish(w, &size, &hash, &err) == PM_INTERNAL);
    CHECK(strstr(err.message, what) != NULL);
    CHECK(access(test_path, F_OK) != 0);
    CHECK(pm_container_finish(w, &size, &hash, &err) == PM_INTERNAL);
}

static void test_writer_misuse_leaves_no_file(void) {
    pm_container_writer *w = room(1, sizeof *w);
    begin_file(w);
    pm_container_begin(w, known[0], 0);
    pm_container_begin(w, known[1], 0);
    check_misuse(w, "inside another");
    begin_file(w);
    pm_container_section(w, known[0], 0, (pm_bytes){NULL, 0});
    pm_container_section(w, known[0], 0, (pm_bytes){NULL, 0});
    check_misuse(w, "twice");
    begin_file(w);
    pm_container_put(w, "x", 1);
    check_misuse(w, "outside");
    begin_file(w);
    pm_container_begin(w, known[0], 0);
    check_misuse(w, "not ended");
    begin_file(w);
    pm_container_end(w);
    check_misuse(w, "not begun");
    begin_file(w);
    for (uint32_t i = 0; i <= PM_MAX_SECTIONS; i++) {
        pm_container_section(w, i, 0, (pm_bytes){NULL, 0});
    }
    check_misuse(w, "limit");
    free(w);
}

/* A section writer's failure is the file's: the first one, whatever comes after. */
static void test_writer_tells_the_failures_of_section_writers(void) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_scratch nowhere = {"/nowhere/at/all", 0};
    pm_error err, why;
    uint64_t size;
    pm_hash128 hash;
    pm_spool s;
    begin_file(w);
    pm_container_begin(w, known[0], 0);
    CHECK(pm_container_status(w, &err) == PM_OK);
    pm_spool_init(&s, &nowhere);
    pm_spool_put(&s, "x", 1);
    pm_container_put_spool(w, &s);
    CHECK(pm_container_status(w, &err) == PM_IO && err.os_errno == ENOENT);
    pm_container_fail(w, pm_fail(&why, PM_LIMIT, "later"), &why);
    pm_container_end(w);
    CHECK(pm_container_finish(w, &size, &hash, &err) == PM_IO &&
          err.os_errno == ENOENT);
    CHECK(access(test_path, F_OK) != 0);
    pm_spool_release(&s);
    free(w);
}

static void test_writer_abandon(void) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_error err;
    begin_file(w);
    pm_container_begin(w, known[0], 0);
    pm_container_abandon(w, test_path);
    CHECK(access(test_path, F_OK) != 0);
    pm_container_abandon(w, test_path);
    write_small();
    CHECK(pm_container_create(w, test_path, PM_FILE_SEGMENT, &err) == PM_EXISTS);
    pm_container_abandon(w, test_path); /* not the writer's file */
    CHECK(access(test_path, F_OK) == 0);
    unlink(test_path);
    begin_file(w);
    end_file(w);
    pm_container_abandon(w, test_path); /* finished: no longer the writer's */
    CHECK(access(test_path, F_OK) == 0);
    free(w);
}

/* The table of the system with one failing call: allocation, creation, write or
 * sync. */
static pm_sys faulty;
static long calls_left;

static bool fails(void) {
    return calls_left-- == 0;
}
static void *faulty_alloc(size_t n) {
    return fails() ? NULL : pm_sys_posix.alloc(n);
}
static void *faulty_resize(void *p, size_t n) {
    return fails() ? NULL : pm_sys_posix.resize(p, n);
}
static int faulty_open(const char *path, int flags, int mode) {
    return fails() ? -1 : pm_sys_posix.open(path, flags, mode);
}
static int64_t faulty_write(int fd, const void *from, size_t n) {
    if (fails()) {
        return -1;
    }
    /* short writes go on */
    return pm_sys_posix.write(fd, from, n < 100000 ? n : 100000);
}
static int faulty_sync(int fd) {
    return fails() ? -1 : pm_sys_posix.sync(fd);
}

static pm_status write_faulty(pm_container_writer *w, const uint8_t *big, size_t n) {
    pm_error err;
    uint64_t size;
    pm_hash128 hash;
    pm_error_clear(&err);
    pm_status status = pm_container_create(w, test_path, PM_FILE_SEGMENT, &err);
    if (status == PM_OK) {
        pm_container_section(w, known[0], 0, (pm_bytes){big, n});
        pm_container_section(w, known[1], 0, (pm_bytes){big, 10});
        status = pm_container_finish(w, &size, &hash, &err);
    }
    CHECK(status == err.code);
    return status;
}

static void test_writer_each_failing_call_leaves_no_file(void) {
    pm_container_writer *w = room(1, sizeof *w);
    uint8_t *big = room(2500000, 1);
    pm_status status = PM_INTERNAL;
    faulty = pm_sys_posix;
    faulty.alloc = faulty_alloc;
    faulty.resize = faulty_resize;
    faulty.open = faulty_open;
    faulty.write = faulty_write;
    faulty.sync = faulty_sync;
    pm_sys_replace(&faulty);
    unlink(test_path);
    long k = 0;
    for (; status != PM_OK; k++) {
        CHECK(k < 1000);
        calls_left = k;
        status = write_faulty(w, big, 2500000);
        CHECK(status == PM_OK || status == PM_NOMEM || status == PM_IO);
        CHECK((access(test_path, F_OK) == 0) == (status == PM_OK));
    }
    CHECK(k > 10);
    pm_sys_replace(NULL);
    free(big);
    free(w);
}

int main(void) {
    make_test_dir();
    test_container_gives_back_sections(PM_MAP_NO);
    test_container_gives_back_sections(PM_MAP_YES);
    test_container_without_sections();
    test_container_large_sections();
    test_container_same_input_same_bytes();
    test_container_every_change_is_reported();
    test_container_every_truncation_is_reported();
    test_container_foreign_files_are_named();
    test_container_versions();
    test_container_unknown_sections();
    test_writer_misuse_leaves_no_file();
    test_writer_tells_the_failures_of_section_writers();
    test_writer_abandon();
    test_writer_each_failing_call_leaves_no_file();
    printf("format_container: ok\n");
    return 0;
}
