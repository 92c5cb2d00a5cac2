/* Spools: what was put is what is viewed, in memory and from a scratch file; scratch
 * files have no name; every failing call is told and leaks nothing. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/spool.h"
#include "check.h"

static char dir[64];

/* ---- the machine's files, with every call failed in turn ---- */

static struct {
    long calls, fail_at; /* 0: none fails */
    long blocks, files, maps, made;
    int interrupts; /* so many calls answer EINTR first */
    size_t at_most; /* bytes moved by one write; 0: all */
    bool no_map, remote;
} fake;

static bool fails(int why) {
    errno = why;
    return ++fake.calls == fake.fail_at;
}

static bool interrupted(void) {
    errno = EINTR;
    return fake.interrupts > 0 && fake.interrupts-- > 0;
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
    if (interrupted() || fails(EMFILE)) {
        return -1;
    }
    int fd = pm_sys_posix.open(path, flags, mode);
    fake.files += fd >= 0;
    fake.made += fd >= 0;
    return fd;
}

static int fake_close(int fd) {
    fake.files--;
    return pm_sys_posix.close(fd);
}

static int64_t fake_write(int fd, const void *from, size_t n) {
    n = fake.at_most > 0 && n > fake.at_most ? fake.at_most : n;
    return interrupted() || fails(ENOSPC) ? -1 : pm_sys_posix.write(fd, from, n);
}

static int64_t fake_read_at(int fd, void *to, size_t n, uint64_t offset) {
    return fails(EIO) ? -1 : pm_sys_posix.read_at(fd, to, n, offset);
}

static int fake_unlink(const char *path) {
    return interrupted() || fails(EACCES) ? -1 : pm_sys_posix.unlink(path);
}

static void *fake_map(int fd, size_t bytes) {
    void *p = fails(ENODEV) || fake.no_map ? NULL : pm_sys_posix.map(fd, bytes);
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

static int count_entry(void *ctx, const char *name) {
    (void)name;
    ++*(int *)ctx;
    return 0;
}

static int entries(void) {
    int n = 0;
    CHECK(pm_sys_posix.list_dir(dir, count_entry, &n) == 0);
    return n;
}

static void check_nothing_left(void) {
    CHECK(fake.blocks == 0 && fake.files == 0 && fake.maps == 0 && entries() == 0);
}

/* ---- */

enum { N = 300000 };
static uint8_t bytes[N];

/* Puts bytes[0, n) in pieces of 1, 2, 3 ... bytes, one of them large. */
static void put_all(pm_spool *s, size_t n) {
    size_t piece = 1;
    for (size_t at = 0; at < n; piece++) {
        size_t m = piece == 100 ? 70000 : piece;
        m = m < n - at ? m : n - at;
        pm_spool_put(s, bytes + at, m);
        at += m;
    }
}

static void check_view(pm_spool *s, size_t n) {
    static const uint8_t zeros[PM_READ_SLACK];
    pm_error err;
    for (int round = 0; round < 2; round++) {
        pm_bytes b;
        CHECK(pm_spool_view(s, &b, &err) == PM_OK && b.n == n && s->n == n);
        CHECK((uintptr_t)b.p % 8 == 0 && memcmp(b.p, bytes, n) == 0 &&
              memcmp(b.p + n, zeros, sizeof zeros) == 0);
    }
}

/* n bytes with so much kept: whether they are in a file must be as told. */
static void check_spool(size_t n, size_t keep, bool spills) {
    pm_scratch scratch = {dir, keep};
    pm_spool s;
    fake.made = 0;
    pm_spool_init(&s, &scratch);
    put_all(&s, n);
    CHECK(fake.made == spills && fake.files == spills && entries() == 0);
    check_view(&s, n);
    CHECK(fake.files == 0 && fake.maps == (spills && !fake.no_map && !fake.remote));
    pm_spool_release(&s);
    pm_spool_release(&s);
    check_nothing_left();
}

static void test_bytes_are_kept_up_to_the_border_and_in_a_file_beyond(void) {
    check_spool(0, 0, false);
    check_spool(1, 0, true);
    check_spool(1000, 1000, false);
    check_spool(1001, 1000, true);
    check_spool(4096, 100, true); /* the last page is full */
    check_spool(4096 - PM_READ_SLACK, 100, true);
    check_spool(N, N, false);
    check_spool(N, N - 1, true);
    check_spool(N, 0, true);
}

static void test_without_scratch_all_stays_in_memory(void) {
    pm_spool s;
    fake.made = 0;
    pm_spool_init(&s, NULL);
    put_all(&s, N);
    check_view(&s, N);
    CHECK(fake.made == 0);
    pm_spool_release(&s);
    memset(&s, 0, sizeof s);
    pm_spool_release(&s);
    check_nothing_left();
}

static void test_numbers_are_little_endian(void) {
    static const uint8_t expected[] = {4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1};
    pm_bytes b;
    pm_spool s;
    pm_spool_init(&s, NULL);
    pm_spool_put_u32(&s, 0x01020304);
    pm_spool_put_u64(&s, 0x0102030405060708);
    CHECK(pm_spool_view(&s, &b, NULL) == PM_OK && b.n == sizeof expected &&
          memcmp(b.p, expected, b.n) == 0);
    pm_spool_release(&s);
}

static void test_short_and_interrupted_calls_are_repeated(void) {
    fake.at_most = 1000;
    fake.interrupts = 9;
    check_spool(N, 5000, true);
    CHECK(fake.interrupts == 0);
    fake.at_most = 0;
}

static void test_files_that_cannot_be_mapped_are_read(void) {
    fake.no_map = true;
    check_spool(N, 5000, true);
    fake.no_map = false;
    fake.remote = true;
    check_spool(N, 5000, true);
    fake.remote = false;
}

/* Other threads' scratch files, or one left by a death: they stay. */
static void test_names_that_are_taken_are_passed_over(void) {
    char path[100];
    pm_scratch scratch = {dir, 0};
    pm_spool s;
    for (int n = 0; n < 2; n++) {
        snprintf(path, sizeof path, "%s/scratch-%ld-%d", dir, (long)getpid(), n);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    pm_spool_init(&s, &scratch);
    put_all(&s, 10);
    CHECK(entries() == 2);
    check_view(&s, 10);
    pm_spool_release(&s);
    for (int n = 0; n < 2; n++) {
        snprintf(path, sizeof path, "%s/scratch-%ld-%d", dir, (long)getpid(), n);
        CHECK(unlink(path) == 0);
    }
    check_nothing_left();
}

static void test_a_missing_directory_is_told_by_view(void) {
    pm_scratch scratch = {"/nowhere/at/all", 0};
    pm_error err;
    pm_bytes b;
    pm_spool s;
    pm_spool_init(&s, &scratch);
    put_all(&s, 10);
    for (int round = 0; round < 2; round++) {
        pm_error_clear(&err);
        CHECK(pm_spool_view(&s, &b, &err) == PM_IO && b.n == 0 &&
              err.os_errno == ENOENT);
    }
    pm_spool_release(&s);
}

/* The k-th call fails, k = 1, 2 ... until none does. A map that fails is no failure:
 * the file is read. */
static void test_each_failing_call_is_told_and_leaks_nothing(void) {
    pm_scratch scratch = {dir, 100};
    long k = 0, failed = 0;
    do {
        pm_error err;
        pm_bytes b;
        pm_spool s;
        fake.calls = 0;
        fake.fail_at = ++k;
        pm_spool_init(&s, &scratch);
        put_all(&s, N);
        pm_error_clear(&err);
        pm_status status = pm_spool_view(&s, &b, &err);
        CHECK(status == err.code && (status == PM_OK) == (b.n == N));
        failed += status != PM_OK;
        pm_spool_release(&s);
        if (entries() > 0) { /* the one that could not be unlinked */
            CHECK(status == PM_IO && err.os_errno == EACCES && entries() == 1);
            char path[100];
            snprintf(path, sizeof path, "%s/scratch-%ld-0", dir, (long)getpid());
            CHECK(unlink(path) == 0);
        }
        check_nothing_left();
    } while (fake.calls >= k);
    CHECK(failed > 5);
    fake.fail_at = 0;
}

int main(void) {
    pm_sys table = pm_sys_posix;
    table.alloc = fake_alloc;
    table.resize = fake_resize;
    table.release = fake_release;
    table.open = fake_open;
    table.close = fake_close;
    table.write = fake_write;
    table.read_at = fake_read_at;
    table.unlink = fake_unlink;
    table.map = fake_map;
    table.unmap = fake_unmap;
    table.is_local = fake_is_local;
    pm_sys_replace(&table);
    strcpy(dir, "/tmp/pressmark-spool-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
    for (size_t i = 0; i < N; i++) {
        bytes[i] = (uint8_t)(i * 2654435761U >> 13);
    }

    test_bytes_are_kept_up_to_the_border_and_in_a_file_beyond();
    test_without_scratch_all_stays_in_memory();
    test_numbers_are_little_endian();
    test_short_and_interrupted_calls_are_repeated();
    test_files_that_cannot_be_mapped_are_read();
    test_names_that_are_taken_are_passed_over();
    test_a_missing_directory_is_told_by_view();
    test_each_failing_call_is_told_and_leaks_nothing();

    rmdir(dir);
    printf("spool: passed\n");
    return 0;
}
