/* Base: errors, memory, files, cursors and threads, with every call failed in turn. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "base/sys.h"
#include "base/task.h"
#include "check.h"

/* ---- a table that fails its k-th call, and counts what is open ---- */

static struct {
    long calls, fail_at; /* fail_at 0: none fails */
    long blocks, files, maps;
    int interrupts; /* so many calls answer EINTR first */
    size_t at_most; /* bytes moved by one read or write; 0: all */
    bool remote;
} fake;

static bool fails(int os_errno) {
    fake.calls++;
    if (fake.calls == fake.fail_at) {
        errno = os_errno;
        return true;
    }
    return false;
}

static bool interrupted(void) {
    if (fake.interrupts > 0) {
        fake.interrupts--;
        errno = EINTR;
        return true;
    }
    return false;
}

static void *fake_alloc(size_t bytes) {
    void *p = fails(ENOMEM) ? NULL : pm_sys_posix.alloc(bytes);
    fake.blocks += p != NULL;
    return p;
}

static void *fake_resize(void *old, size_t bytes) {
    void *p = fails(ENOMEM) ? NULL : pm_sys_posix.resize(old, bytes);
    fake.blocks += p != NULL && old == NULL;
    return p;
}

static void fake_release(void *p) {
    fake.blocks--;
    pm_sys_posix.release(p);
}

static int fake_open(const char *path, int flags, int mode) {
    if (interrupted() || fails(EACCES)) {
        return -1;
    }
    CHECK((flags & O_CLOEXEC) != 0);
    int fd = pm_sys_posix.open(path, flags, mode);
    fake.files += fd >= 0;
    return fd;
}

static int fake_close(int fd) {
    fake.files--;
    int answer = pm_sys_posix.close(fd);
    return fails(EIO) ? -1 : answer;
}

static size_t cut(size_t n) {
    return fake.at_most != 0 && n > fake.at_most ? fake.at_most : n;
}

static int64_t fake_read_at(int fd, void *to, size_t n, uint64_t offset) {
    return interrupted() || fails(EIO) ? -1
                                       : pm_sys_posix.read_at(fd, to, cut(n), offset);
}

static int64_t fake_write(int fd, const void *from, size_t n) {
    return interrupted() || fails(ENOSPC) ? -1 : pm_sys_posix.write(fd, from, cut(n));
}

static int fake_sync(int fd) {
    return interrupted() || fails(EIO) ? -1 : pm_sys_posix.sync(fd);
}

static int fake_stat_fd(int fd, pm_stat *out) {
    return fails(EIO) ? -1 : pm_sys_posix.stat_fd(fd, out);
}

static int fake_stat_path(const char *path, pm_stat *out) {
    return fails(EACCES) ? -1 : pm_sys_posix.stat_path(path, out);
}

static int fake_rename(const char *from, const char *to) {
    return fails(EACCES) ? -1 : pm_sys_posix.rename(from, to);
}

static int fake_make_dir(const char *path) {
    return fails(EACCES) ? -1 : pm_sys_posix.make_dir(path);
}

static void *fake_map(int fd, size_t bytes) {
    void *p = fails(ENOMEM) ? NULL : pm_sys_posix.map(fd, bytes);
    fake.maps += p != NULL;
    return p;
}

static int fake_unmap(void *p, size_t bytes) {
    fake.maps--;
    return pm_sys_posix.unmap(p, bytes);
}

static bool fake_is_local(int fd) {
    return !fake.remote && pm_sys_posix.is_local(fd);
}

static pm_sys fake_table(void) {
    pm_sys t = pm_sys_posix;
    t.alloc = fake_alloc;
    t.resize = fake_resize;
    t.release = fake_release;
    t.open = fake_open;
    t.close = fake_close;
    t.read_at = fake_read_at;
    t.write = fake_write;
    t.sync = fake_sync;
    t.stat_fd = fake_stat_fd;
    t.stat_path = fake_stat_path;
    t.rename = fake_rename;
    t.make_dir = fake_make_dir;
    t.map = fake_map;
    t.unmap = fake_unmap;
    t.is_local = fake_is_local;
    return t;
}

static void fail_call(long k) {
    fake.calls = 0;
    fake.fail_at = k;
}

static void check_nothing_left(void) {
    CHECK(fake.blocks == 0 && fake.files == 0 && fake.maps == 0);
}

/* ---- errors ---- */

static void test_errors_hold_code_place_and_message(void) {
    pm_error err;
    CHECK(pm_fail(&err, PM_LIMIT, "at most %d", 7) == PM_LIMIT);
    CHECK(err.code == PM_LIMIT && strcmp(err.message, "at most 7") == 0 &&
          err.offset == PM_NO_OFFSET);
    CHECK(err.pos == PM_NO_OFFSET && err.end == PM_NO_OFFSET && err.file[0] == 0 &&
          err.hint[0] == 0);
    pm_error_hint(&err, "ask for %s", "less");
    CHECK(strcmp(err.hint, "ask for less") == 0);
    CHECK(pm_fail_corrupt(&err, "dir/seg.lex", 12, "%s", "bad") == PM_CORRUPT);
    CHECK(err.offset == 12 && strcmp(err.file, "seg.lex") == 0 && err.hint[0] == 0);
    CHECK(pm_fail_io(&err, ENOENT, "dir/a", "cannot open") == PM_IO &&
          err.os_errno == ENOENT);
    CHECK(strstr(err.message, "cannot open dir/a: ") == err.message &&
          strlen(err.message) > 20);
    CHECK(pm_fail_nomem(&err, 99) == PM_NOMEM && strstr(err.message, "99") != NULL);
    pm_error_clear(&err);
    CHECK(err.code == PM_OK && err.message[0] == 0);
}

static void test_errors_may_be_null_and_long(void) {
    CHECK(pm_fail(NULL, PM_INVALID, "x") == PM_INVALID &&
          pm_fail_corrupt(NULL, "f", 0, "x") == PM_CORRUPT);
    CHECK(pm_fail_io(NULL, EIO, "f", "cannot read") == PM_IO &&
          pm_fail_nomem(NULL, 1) == PM_NOMEM);
    pm_error_hint(NULL, "x");
    pm_error_clear(NULL);
    char text[3000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    pm_error err;
    CHECK(pm_fail_corrupt(&err, text, 0, "%s", text) == PM_CORRUPT);
    CHECK(strlen(err.file) == sizeof err.file - 1 &&
          strlen(err.message) == sizeof err.message - 1);
}

/* ---- memory ---- */

static void test_memory_of_zero_bytes_is_valid_and_overflow_fails(void) {
    void *p = pm_alloc(0);
    void *q = pm_alloc_array(0, 8);
    CHECK(p != NULL && q != NULL);
    q = pm_resize_array(q, 0, 8);
    CHECK(q != NULL);
    pm_free(p);
    pm_free(q);
    pm_free(NULL);
    CHECK(pm_alloc_array(SIZE_MAX / 2, 4) == NULL &&
          pm_calloc(SIZE_MAX / 2, 4) == NULL);
    CHECK(pm_resize_array(NULL, SIZE_MAX / 2, 4) == NULL);
    uint8_t *large = pm_alloc_array(40 << 20, 1); /* goes the way of huge pages */
    CHECK(large != NULL);
    large[0] = large[(40 << 20) - 1] = 1;
    large = pm_resize_array(large, 80 << 20, 1);
    CHECK(large != NULL && large[0] == 1 && large[(40 << 20) - 1] == 1);
    pm_free(large);
    uint32_t *zeros = pm_calloc(1000, sizeof *zeros);
    CHECK(zeros != NULL && zeros[0] == 0 && zeros[999] == 0);
    pm_free(zeros);
}

static void test_arena_gives_aligned_separate_memory(void) {
    pm_arena a;
    pm_arena_init(&a);
    for (int round = 0; round < 3; round++) {
        uint8_t *parts[300];
        size_t sizes[300];
        for (size_t i = 0; i < 300; i++) {
            sizes[i] = i * i % 3001 + (i == 200 ? 100000 : 0);
            parts[i] = pm_arena_alloc(&a, sizes[i]);
            CHECK(parts[i] != NULL && (uintptr_t)parts[i] % 16 == 0);
            memset(parts[i], (int)i, sizes[i]);
        }
        for (size_t i = 0; i < 300; i++) {
            CHECK(sizes[i] == 0 ||
                  (parts[i][0] == (uint8_t)i && parts[i][sizes[i] - 1] == (uint8_t)i));
        }
        pm_arena_reset(&a);
    }
    const uint64_t *zeros = pm_arena_array(&a, 100, sizeof *zeros);
    CHECK(zeros != NULL && zeros[0] == 0 && zeros[99] == 0);
    CHECK(pm_arena_array(&a, SIZE_MAX / 2, 4) == NULL &&
          pm_arena_alloc(&a, SIZE_MAX - 3) == NULL);
    CHECK(pm_arena_copy(&a, "x", SIZE_MAX) == NULL);
    CHECK(strcmp(pm_arena_copy(&a, "word", 3), "wor") == 0 &&
          strcmp(pm_arena_copy(&a, NULL, 0), "") == 0);
    pm_arena_release(&a);
    pm_arena_release(&a);
    check_nothing_left();
}

static void test_arena_that_was_reset_allocates_nothing(void) {
    pm_arena a;
    pm_arena_init(&a);
    CHECK(pm_arena_alloc(&a, 100000) != NULL);
    pm_arena_reset(&a);
    fail_call(1);
    CHECK(pm_arena_alloc(&a, 90000) != NULL && fake.calls == 0);
    CHECK(pm_arena_alloc(&a, 90000) == NULL && pm_arena_alloc(&a, 16) != NULL);
    fail_call(0);
    pm_arena_release(&a);
    check_nothing_left();
}

/* ---- buffers and cursors ---- */

static void put_everything(pm_buf *b) {
    pm_buf_put_u8(b, 0x12);
    pm_buf_put_u16(b, 0x3456);
    pm_buf_put_u32(b, 0x789abcde);
    pm_buf_put_u64(b, UINT64_C(0x0123456789abcdef));
    for (unsigned shift = 0; shift < 64; shift++) {
        pm_buf_put_varint(b, UINT64_C(1) << shift);
    }
    pm_buf_put_varint(b, UINT64_MAX);
    pm_buf_put_varint(b, 5);
    pm_buf_put(b, "hello", 5);
    pm_buf_put(b, NULL, 0);
    pm_buf_printf(b, "%s-%d", "abc", 42);
    pm_buf_pad(b, 64);
    pm_buf_pad(b, 64);
}

static void check_everything(const pm_buf *b) {
    pm_cursor c = pm_cursor_of(pm_buf_bytes(b));
    CHECK(b->n % 64 == 0 && b->p[0] == 0x12 && b->p[1] == 0x56 && b->p[2] == 0x34);
    CHECK(pm_cursor_u8(&c) == 0x12 && pm_cursor_u16(&c) == 0x3456 &&
          pm_cursor_u32(&c) == 0x789abcde);
    CHECK(pm_cursor_u64(&c) == UINT64_C(0x0123456789abcdef));
    for (unsigned shift = 0; shift < 64; shift++) {
        CHECK(pm_cursor_varint(&c) == UINT64_C(1) << shift);
    }
    CHECK(pm_cursor_varint(&c) == UINT64_MAX);
    pm_bytes s = pm_cursor_string(&c);
    CHECK(s.n == 5 && memcmp(s.p, "hello", 5) == 0);
    const uint8_t *text = pm_cursor_take(&c, 6);
    CHECK(text != NULL && memcmp(text, "abc-42", 6) == 0);
    while (pm_cursor_left(&c) > 0) {
        CHECK(pm_cursor_u8(&c) == 0);
    }
    CHECK(!c.bad && pm_cursor_u8(&c) == 0 && c.bad);
}

static void test_buffer_fails_once_and_for_all_when_memory_does(void) {
    bool done = false;
    for (long k = 1; !done; k++) {
        pm_buf b;
        pm_buf_init(&b);
        fail_call(k);
        put_everything(&b);
        done = fake.calls < k;
        fail_call(0);
        pm_error err;
        if (done) {
            CHECK(pm_buf_status(&b, &err) == PM_OK);
            check_everything(&b);
        } else {
            size_t n = b.n;
            pm_buf_put_u8(&b, 1);
            pm_buf_printf(&b, "x");
            CHECK(b.n == n && pm_buf_room(&b, 1) == NULL &&
                  pm_buf_status(&b, &err) == PM_NOMEM);
            pm_buf_clear(&b);
            put_everything(&b);
            CHECK(pm_buf_status(&b, NULL) == PM_OK);
            check_everything(&b);
        }
        pm_buf_release(&b);
        check_nothing_left();
        CHECK(k < 100);
    }
}

static void test_buffer_refuses_sizes_that_overflow(void) {
    pm_buf b;
    pm_buf_init(&b);
    CHECK(pm_buf_room(&b, 0) != NULL && b.n == 0);
    pm_buf_put_u8(&b, 1);
    CHECK(pm_buf_room(&b, SIZE_MAX) == NULL && b.failed && b.n == 1);
    pm_buf_release(&b);
    uint32_t *array = NULL;
    size_t capacity = 0;
    for (size_t n = 0; n < 1000; n++) {
        CHECK(PM_GROW(array, n, capacity, 1));
        array[n] = (uint32_t)n;
    }
    CHECK(array[0] == 0 && array[999] == 999 && capacity < 2100);
    CHECK(!PM_GROW(array, 1000, capacity, SIZE_MAX - 10) &&
          !PM_GROW(array, 1000, capacity, SIZE_MAX / 3));
    CHECK(array[999] == 999);
    pm_free(array);
    check_nothing_left();
}

static void check_bad_varint(const char *bytes, size_t n) {
    pm_cursor c = pm_cursor_of((pm_bytes){(const uint8_t *)bytes, n});
    CHECK(pm_cursor_varint(&c) == 0 && c.bad && pm_cursor_left(&c) == 0);
}

static void test_cursor_never_passes_the_end(void) {
    /* its own allocation: a sanitizer sees a read too many */
    uint8_t *bytes = pm_alloc(7);
    CHECK(bytes != NULL);
    memset(bytes, 0xff, 7);
    for (size_t n = 0; n <= 7; n++) {
        pm_bytes b = {bytes + 7 - n, n};
        pm_cursor c = pm_cursor_of(b);
        CHECK(pm_cursor_u64(&c) == 0 && c.bad);
        c = pm_cursor_of(b);
        CHECK((pm_cursor_u32(&c) == 0) == (n < 4) && c.bad == (n < 4));
        c = pm_cursor_of(b);
        CHECK((pm_cursor_u16(&c) == 0) == (n < 2) && c.bad == (n < 2));
        c = pm_cursor_of(b);
        CHECK(pm_cursor_take(&c, SIZE_MAX) == NULL && c.bad &&
              pm_cursor_take(&c, 1) == NULL);
        check_bad_varint((const char *)bytes + 7 - n, n);
        c = pm_cursor_of(b);
        CHECK(pm_cursor_string(&c).n == 0 && c.bad);
    }
    pm_free(bytes);
    check_bad_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10); /* bit 64 */
    check_bad_varint("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11);
    pm_cursor c = pm_cursor_of((pm_bytes){(const uint8_t *)"\x05"
                                                           "abcd",
                                          5});
    CHECK(pm_cursor_string(&c).n == 0 && c.bad);
    c = pm_cursor_of((pm_bytes){NULL, 0});
    CHECK(pm_cursor_left(&c) == 0 && pm_cursor_take(&c, 0) != NULL && !c.bad);
}

static void test_hashes_are_the_published_ones(void) {
    CHECK(pm_hash64("", 0) == UINT64_C(0x2d06800538d394c2));
    pm_hash128 h = pm_hash128_of("", 0);
    CHECK(h.hi == UINT64_C(0x99aa06d3014798d8) && h.lo == UINT64_C(0x6001c324468d497f));
    CHECK(pm_hash64("a", 1) != pm_hash64("b", 1));
}

/* ---- files ---- */

static char dir[64];

static void path_of(char out[256], const char *name) {
    CHECK(pm_path_join(out, 256, dir, name, NULL) == PM_OK);
}

static pm_status write_file(const char *path, const void *bytes, size_t n,
                            pm_error *err) {
    pm_file f;
    PM_TRY(pm_file_create(path, &f, err));
    pm_status status = pm_file_write(&f, bytes, n, err);
    if (status != PM_OK) {
        pm_file_close(&f);
        return status;
    }
    return pm_file_commit(&f, err);
}

static void check_blob(const char *path, pm_map_mode mode, const void *bytes, size_t n,
                       bool mapped) {
    pm_blob b;
    CHECK(pm_blob_open(path, mode, &b, NULL) == PM_OK);
    CHECK(b.n == n && b.bytes != NULL && memcmp(b.bytes, bytes, n) == 0 &&
          b.mapped == mapped);
    CHECK(strcmp(b.name, "blob") == 0);
    pm_blob_close(&b);
    pm_blob_close(&b);
}

static void test_files_are_written_once_and_read_whole(void) {
    char path[256];
    path_of(path, "blob");
    uint8_t bytes[10000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    pm_error err;
    fake.interrupts = 3;
    fake.at_most = 999;
    CHECK(write_file(path, bytes, sizeof bytes, &err) == PM_OK && fake.interrupts == 0);
    CHECK(write_file(path, bytes, sizeof bytes, &err) == PM_EXISTS &&
          err.code == PM_EXISTS);
    fake.interrupts = 3;
    check_blob(path, PM_MAP_NO, bytes, sizeof bytes, false);
    check_blob(path, PM_MAP_AUTO, bytes, sizeof bytes, true);
    check_blob(path, PM_MAP_YES, bytes, sizeof bytes, true);
    fake.at_most = 0;
    fake.remote = true;
    check_blob(path, PM_MAP_AUTO, bytes, sizeof bytes, false);
    fake.remote = false;
    CHECK(pm_sys_posix.unlink(path) == 0 && write_file(path, NULL, 0, &err) == PM_OK);
    check_blob(path, PM_MAP_YES, "", 0, false);
    CHECK(pm_sys_posix.unlink(path) == 0);
    check_nothing_left();
}

static void test_what_is_no_file_is_refused(void) {
    pm_error err;
    pm_blob b;
    CHECK(pm_blob_open(dir, PM_MAP_AUTO, &b, &err) == PM_FOREIGN && b.bytes == NULL);
    char path[256];
    path_of(path, "missing");
    CHECK(pm_blob_open(path, PM_MAP_AUTO, &b, &err) == PM_IO && err.os_errno == ENOENT);
    CHECK(strcmp(err.file, "missing") == 0);
    pm_blob_close(&b);
    char small[8];
    CHECK(pm_path_join(small, sizeof small, "/abc", "efg", &err) == PM_LIMIT);
    CHECK(pm_path_join(small, sizeof small, "/ab/", "efg", &err) == PM_OK &&
          strcmp(small, "/ab/efg") == 0);
    CHECK(pm_path_join(small, sizeof small, "", "efg", &err) == PM_OK &&
          strcmp(small, "efg") == 0);
    check_nothing_left();
}

static void check_content(const char *path, const char *expected) {
    pm_blob b;
    CHECK(pm_blob_open(path, PM_MAP_AUTO, &b, NULL) == PM_OK);
    CHECK(b.n == strlen(expected) && memcmp(b.bytes, expected, b.n) == 0);
    pm_blob_close(&b);
}

static void test_directories_are_made_exchanged_and_removed(void) {
    char one[256], two[256], a[300], b[300];
    path_of(one, "one");
    path_of(two, "two");
    pm_error err;
    bool exists = true;
    CHECK(pm_path_exists(one, &exists, &err) == PM_OK && !exists);
    CHECK(pm_dir_make(one, &err) == PM_OK && pm_dir_make(one, &err) == PM_EXISTS &&
          pm_dir_make(two, &err) == PM_OK);
    CHECK(pm_path_exists(one, &exists, &err) == PM_OK && exists &&
          pm_dir_sync(one, &err) == PM_OK);
    CHECK(pm_path_join(a, sizeof a, one, "f", &err) == PM_OK &&
          write_file(a, "1", 1, &err) == PM_OK);
    CHECK(pm_path_join(b, sizeof b, two, "f", &err) == PM_OK &&
          write_file(b, "2", 1, &err) == PM_OK);
    CHECK(pm_path_exchange(one, two, &err) == PM_OK);
    check_content(a, "2");
    check_content(b, "1");
    CHECK(pm_path_rename(a, b, &err) == PM_OK);
    check_content(b, "2");
    CHECK(pm_path_rename(a, b, &err) == PM_IO && err.os_errno == ENOENT);
    CHECK(pm_path_exchange(one, "/nowhere/at all", &err) == PM_IO &&
          pm_dir_sync("/nowhere", &err) == PM_IO);
    CHECK(pm_path_exists(b, &exists, &err) == PM_OK && exists);
    pm_dir_remove(one);
    pm_dir_remove(two);
    pm_dir_remove(two);
    CHECK(pm_path_exists(two, &exists, &err) == PM_OK && !exists);
    CHECK(pm_path_exists(one, &exists, &err) == PM_OK && !exists);
    check_nothing_left();
}

static pm_status make_and_read(const char *folder, const char *path, pm_map_mode mode,
                               pm_error *err) {
    bool exists;
    PM_TRY(pm_path_exists(folder, &exists, err));
    PM_TRY(pm_dir_make(folder, err));
    PM_TRY(write_file(path, "content", 7, err));
    PM_TRY(pm_dir_sync(folder, err));
    pm_blob b;
    PM_TRY(pm_blob_open(path, mode, &b, err));
    bool good = b.n == 7 && memcmp(b.bytes, "content", 7) == 0;
    pm_blob_close(&b);
    return good ? PM_OK : pm_fail(err, PM_INTERNAL, "wrong bytes");
}

static void test_a_lock_excludes_until_it_is_given_back(void) {
    char path[256];
    const pm_sys *sys = pm_sys_get();
    path_of(path, "lock");
    int a = sys->open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int b = sys->open(path, O_RDWR | O_CLOEXEC, 0);
    CHECK(a >= 0 && b >= 0 && sys->lock(a) == 0);
    CHECK(sys->lock(b) == -1 && errno == EWOULDBLOCK);
    CHECK(sys->unlock(a) == 0 && sys->lock(b) == 0);
    CHECK(sys->lock(a) == -1 && errno == EWOULDBLOCK);
    CHECK(sys->close(b) == 0 && sys->lock(a) == 0); /* the last close gives it back */
    CHECK(sys->close(a) == 0 && sys->unlink(path) == 0);
}

static void test_a_file_is_known_by_its_inode_and_time(void) {
    char path[256], other[256];
    const pm_sys *sys = pm_sys_get();
    pm_stat s, t;
    int64_t before = sys->wall_clock_s();
    CHECK(before > 1600000000);
    path_of(path, "known");
    path_of(other, "known.too");
    CHECK(write_file(path, "0123456789", 10, NULL) == PM_OK);
    CHECK(pm_path_stat(path, &s, NULL) == PM_OK && s.size_bytes == 10 && s.is_regular);
    CHECK(s.modified_s >= before - 1 && s.modified_s <= sys->wall_clock_s() + 1);
    CHECK(pm_path_rename(path, other, NULL) == PM_OK);
    CHECK(pm_path_stat(other, &t, NULL) == PM_OK);
    CHECK(t.inode == s.inode && t.device == s.device);
    CHECK(write_file(path, "", 0, NULL) == PM_OK);
    CHECK(pm_path_stat(path, &t, NULL) == PM_OK && t.inode != s.inode);
    int fd = sys->open(other, O_RDWR | O_CLOEXEC, 0);
    CHECK(sys->truncate(fd, 4) == 0 && sys->stat_fd(fd, &t) == 0);
    CHECK(t.size_bytes == 4 && t.inode == s.inode && sys->close(fd) == 0);
    pm_error err;
    CHECK(sys->unlink(path) == 0 && sys->unlink(other) == 0);
    CHECK(pm_path_stat(path, &t, &err) == PM_IO && err.os_errno == ENOENT);
}

static void test_the_machine_is_named(void) {
    char host[256], cut[3];
    pm_sys_get()->host_name(host, sizeof host);
    pm_sys_get()->host_name(cut, sizeof cut);
    CHECK(strlen(host) > 0 && strlen(cut) < sizeof cut);
    CHECK(pm_sys_get()->process_id() == getpid());
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    pm_sys_get()->pause_ms(20);
    clock_gettime(CLOCK_MONOTONIC, &to);
    CHECK((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 >=
          19);
}

static void test_each_failing_call_is_reported_and_leaks_nothing(void) {
    char folder[256], path[300];
    path_of(folder, "faults");
    CHECK(pm_path_join(path, sizeof path, folder, "f", NULL) == PM_OK);
    for (pm_map_mode mode = PM_MAP_AUTO; mode <= PM_MAP_NO; mode++) {
        long failures = 0;
        for (long k = 1;; k++) {
            pm_error err = {.code = PM_OK};
            fail_call(k);
            pm_status status = make_and_read(folder, path, mode, &err);
            bool done = fake.calls < k;
            fail_call(0);
            pm_dir_remove(folder);
            check_nothing_left();
            CHECK(status == err.code && (status == PM_OK || err.message[0] != 0));
            failures += status != PM_OK;
            CHECK(status != PM_INTERNAL && (!done || status == PM_OK));
            if (done) {
                break;
            }
        }
        /* closing what was read may fail in silence, and AUTO reads where it cannot
         * map */
        CHECK(failures >= 8);
    }
}

/* ---- threads ---- */

typedef struct job {
    atomic_uint runs[1000];
    size_t fail_from, fail_step; /* i >= fail_from with i % fail_step == 0 fails */
    unsigned threads;
    pm_cancel *stop_at; /* told to stop by task 100 */
    atomic_uint begun;
} job;

static pm_status run_job(void *ctx, size_t i, unsigned worker, pm_error *err) {
    job *j = ctx;
    CHECK(worker < j->threads);
    atomic_fetch_add(&j->runs[i], 1);
    atomic_fetch_add(&j->begun, 1);
    if (j->stop_at != NULL && i == 100) {
        atomic_store(&j->stop_at->stop, 1);
    }
    if (i % 3 == 0) {
        usleep(10);
    }
    if (i >= j->fail_from && i % j->fail_step == 0) {
        usleep(i % 2 == 0 ? 300 : 0);
        return pm_fail(err, PM_LIMIT, "task %zu", i);
    }
    return PM_OK;
}

static job new_job(unsigned threads) {
    job j;
    memset(&j, 0, sizeof j);
    j.threads = threads;
    j.fail_from = SIZE_MAX;
    j.fail_step = 1;
    return j;
}

static void test_parallel_for_runs_each_task_once(void) {
    for (unsigned threads = 1; threads <= 9; threads += 2) {
        for (size_t n = 0; n <= 1000; n += n < 3 ? 1 : 997) {
            job j = new_job(threads);
            CHECK(pm_parallel_for(n, threads, run_job, &j, NULL, NULL) == PM_OK);
            for (size_t i = 0; i < 1000; i++) {
                CHECK(atomic_load(&j.runs[i]) == (i < n));
            }
        }
    }
    check_nothing_left();
}

static void test_parallel_for_returns_the_lowest_failure(void) {
    for (unsigned threads = 1; threads <= 8; threads++) {
        for (int round = 0; round < 20; round++) {
            job j = new_job(threads);
            j.fail_from = 200;
            j.fail_step = 1;
            pm_error err;
            CHECK(pm_parallel_for(1000, threads, run_job, &j, NULL, &err) == PM_LIMIT);
            CHECK(strcmp(err.message, "task 200") == 0);
            CHECK(atomic_load(&j.begun) <= 201 + threads - 1 &&
                  atomic_load(&j.begun) >= 201);
            CHECK(pm_parallel_for(1000, threads, run_job, &j, NULL, NULL) == PM_LIMIT);
        }
    }
    check_nothing_left();
}

static void test_parallel_for_begins_nothing_after_stop(void) {
    for (unsigned threads = 1; threads <= 4; threads++) {
        pm_cancel c;
        pm_cancel_init(&c, NULL, NULL);
        job j = new_job(threads);
        j.stop_at = &c;
        pm_error err;
        CHECK(pm_parallel_for(1000, threads, run_job, &j, &c, &err) == PM_CANCELLED &&
              err.code == PM_CANCELLED);
        CHECK(atomic_load(&j.begun) >= 101 && atomic_load(&j.begun) < 1000);
        uint32_t begun = atomic_load(&j.begun);
        CHECK(pm_parallel_for(1000, threads, run_job, &j, &c, NULL) == PM_CANCELLED);
        CHECK(atomic_load(&j.begun) == begun);
    }
}

typedef struct poller {
    pthread_t home;
    int calls, stop_after;
} poller;

static bool poll_at_home(void *ctx) {
    poller *p = ctx;
    CHECK(pthread_equal(pthread_self(), p->home));
    return ++p->calls >= p->stop_after;
}

static pm_status wait_until_stopped(void *ctx, size_t i, unsigned worker,
                                    pm_error *err) {
    (void)i;
    (void)worker;
    const pm_cancel *c = ctx;
    while (!pm_cancel_stopped(c)) {
        usleep(100);
    }
    return pm_fail(err, PM_CANCELLED, "stopped");
}

static void test_the_calling_thread_polls_while_workers_run(void) {
    poller p = {pthread_self(), 0, 3};
    pm_cancel c;
    pm_cancel_init(&c, poll_at_home, &p);
    CHECK(pm_parallel_for(5, 3, wait_until_stopped, &c, &c, NULL) == PM_CANCELLED);
    CHECK(p.calls == 3);
    poller one = {pthread_self(), 0, 1};
    pm_cancel_init(&c, poll_at_home, &one);
    CHECK(pm_parallel_for(1, 2, wait_until_stopped, &c, &c, NULL) == PM_CANCELLED);
}

static void test_ticks_poll_when_their_time_has_come(void) {
    poller p = {pthread_self(), 0, 2};
    pm_cancel c;
    pm_cancel_init(&c, poll_at_home, &p);
    for (int i = 0; i < 100; i++) {
        CHECK(!pm_cancel_tick(&c, 1000) && p.calls == 0);
    }
    c.last_poll_ns = 0;                            /* long ago */
    CHECK(!pm_cancel_tick(&c, 1) && p.calls == 0); /* the budget is not spent */
    CHECK(!pm_cancel_tick(&c, UINT32_MAX) && p.calls == 1);
    CHECK(!pm_cancel_tick(&c, UINT32_MAX) && p.calls == 1);
    c.last_poll_ns = 0;
    CHECK(pm_cancel_tick(&c, UINT32_MAX) && p.calls == 2 && pm_cancel_stopped(&c));
    CHECK(pm_cancel_tick(&c, 0) && p.calls == 2 && !pm_cancel_tick(NULL, 1) &&
          !pm_cancel_stopped(NULL));
}

static void test_parallel_for_without_memory_says_so(void) {
    job j = new_job(4);
    pm_error err;
    fail_call(1);
    CHECK(pm_parallel_for(10, 4, run_job, &j, NULL, &err) == PM_NOMEM &&
          atomic_load(&j.begun) == 0);
    fail_call(0);
    CHECK(pm_cpu_count() >= 1);
}

/* ---- */

int main(void) {
    const pm_sys table = fake_table();
    pm_sys_replace(&table);
    CHECK(pm_sys_get() == &table);
    strcpy(dir, "/tmp/pressmark-test-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);

    test_errors_hold_code_place_and_message();
    test_errors_may_be_null_and_long();
    test_memory_of_zero_bytes_is_valid_and_overflow_fails();
    test_arena_gives_aligned_separate_memory();
    test_arena_that_was_reset_allocates_nothing();
    test_buffer_fails_once_and_for_all_when_memory_does();
    test_buffer_refuses_sizes_that_overflow();
    test_cursor_never_passes_the_end();
    test_hashes_are_the_published_ones();
    test_files_are_written_once_and_read_whole();
    test_what_is_no_file_is_refused();
    test_directories_are_made_exchanged_and_removed();
    test_a_lock_excludes_until_it_is_given_back();
    test_a_file_is_known_by_its_inode_and_time();
    test_the_machine_is_named();
    test_each_failing_call_is_reported_and_leaks_nothing();
    test_parallel_for_runs_each_task_once();
    test_parallel_for_returns_the_lowest_failure();
    test_parallel_for_begins_nothing_after_stop();
    test_the_calling_thread_polls_while_workers_run();
    test_ticks_poll_when_their_time_has_come();
    test_parallel_for_without_memory_says_so();

    pm_dir_remove(dir);
    check_nothing_left();
    printf("base: passed\n");
    return 0;
}
