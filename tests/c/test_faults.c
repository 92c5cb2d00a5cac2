/* Build, open and verify with the i-th allocation, then the i-th file call failing, for
 * every i until none fails: each time an error (or, for calls that may fail unnoticed,
 * success), never a crash, no memory and no descriptor left, the path as it was.
 *   test_faults [threads]   default 1, where the i-th call is the same in each run */
#include "index/snapshot.h"
#include "index_corpus.h"
#include "memory_files.h"

/* What fails: the call number `fault_at` among those of one sort. */
typedef enum sort { SORT_MEMORY, SORT_FILES } sort;
static sort fault_sort;
static atomic_long fault_at, fault_calls; /* threads of the core count too */
static atomic_bool fault_met, fault_may_pass;

/* may_pass: the core may go on after the failure (cleaning up, or another way to the
 * same end). */
static bool fails(sort of, bool may_pass) {
    if (of != fault_sort ||
        atomic_fetch_add(&fault_calls, 1) != atomic_load(&fault_at)) {
        return false;
    }
    atomic_store(&fault_met, true);
    atomic_store(&fault_may_pass, may_pass);
    errno = of == SORT_MEMORY ? ENOMEM : EIO;
    return true;
}

static void *f_alloc(size_t n) {
    return fails(SORT_MEMORY, false) ? NULL : mem_alloc(n);
}
static void *f_resize(void *p, size_t n) {
    return fails(SORT_MEMORY, false) ? NULL : mem_resize(p, n);
}
static int f_open(const char *path, int flags, int mode) {
    return fails(SORT_FILES, false) ? -1 : mem_open(path, flags, mode);
}
/* the descriptor is gone all the same; readers do not mind */
static int f_close(int fd) {
    int done = mem_close(fd);
    return fails(SORT_FILES, true) ? -1 : done;
}
static int64_t f_read_at(int fd, void *to, size_t n, uint64_t at) {
    return fails(SORT_FILES, false) ? -1 : mem_read_at(fd, to, n, at);
}
/* what stands in the lock's file, opened for both, is for messages alone */
static int64_t f_write(int fd, const void *from, size_t n) {
    bool is_lock = (mem_of(fd)->flags & O_ACCMODE) == O_RDWR;
    return fails(SORT_FILES, is_lock) ? -1 : mem_write(fd, from, n);
}
/* what the lock's file says is for messages alone */
static int f_truncate(int fd, uint64_t n) {
    return fails(SORT_FILES, true) ? -1 : mem_truncate(fd, n);
}
static int f_lock(int fd) {
    return fails(SORT_FILES, false) ? -1 : mem_lock(fd);
}
static int f_sync(int fd) {
    return fails(SORT_FILES, false) ? -1 : mem_sync(fd);
}
static int f_stat_fd(int fd, pm_stat *out) {
    return fails(SORT_FILES, false) ? -1 : mem_stat_fd(fd, out);
}
static int f_stat_path(const char *path, pm_stat *out) {
    return fails(SORT_FILES, false) ? -1 : mem_stat_path(path, out);
}
static int f_rename(const char *a, const char *b) {
    return fails(SORT_FILES, false) ? -1 : mem_rename(a, b);
}
static int f_exchange(const char *a, const char *b) {
    return fails(SORT_FILES, false) ? -1 : mem_exchange(a, b);
}
static int f_unlink(const char *path) {
    return fails(SORT_FILES, true) ? -1 : mem_unlink(path);
}
static int f_make_dir(const char *path) {
    return fails(SORT_FILES, false) ? -1 : mem_make_dir(path);
}
static int f_remove_dir(const char *path) {
    return fails(SORT_FILES, true) ? -1 : mem_remove_dir(path);
}
static int f_list_dir(const char *path, int (*visit)(void *, const char *), void *ctx) {
    return fails(SORT_FILES, true) ? -1 : mem_list_dir(path, visit, ctx);
}
static void *f_map(int fd, size_t n) {
    return fails(SORT_FILES, true) ? NULL : mem_map(fd, n);
}
static bool f_is_local(int fd) {
    return !fails(SORT_FILES, true) && mem_is_local(fd);
}

static const pm_sys faulty = {.alloc = f_alloc,
                              .resize = f_resize,
                              .release = mem_release,
                              .open = f_open,
                              .close = f_close,
                              .read_at = f_read_at,
                              .write = f_write,
                              .truncate = f_truncate,
                              .sync = f_sync,
                              .lock = f_lock,
                              .unlock = mem_unlock,
                              .stat_fd = f_stat_fd,
                              .stat_path = f_stat_path,
                              .rename = f_rename,
                              .exchange = f_exchange,
                              .unlink = f_unlink,
                              .make_dir = f_make_dir,
                              .remove_dir = f_remove_dir,
                              .list_dir = f_list_dir,
                              .map = f_map,
                              .unmap = mem_unmap,
                              .is_local = f_is_local,
                              .wall_clock_s = mem_wall_clock_s,
                              .pause_ms = mem_pause_ms,
                              .process_id = mem_process_id,
                              .host_name = mem_host_name};

/* ---- what is done under faults ---- */

typedef struct scene {
    const corpus *c;
    pm_build_options options;
    uint32_t old_docs; /* of the index that stands at the path before, 0: none */
} scene;

static pm_status run_build(const scene *s, pm_error *err) {
    return corpus_build(s->c, "index", &s->options, err);
}

static pm_status run_open(const scene *s, pm_error *err) {
    pm_snapshot *snapshot;
    (void)s;
    PM_TRY(pm_snapshot_open("index", 0, PM_MAP_AUTO, &snapshot, err));
    pm_snapshot_unref(snapshot);
    return PM_OK;
}

static pm_status run_verify(const scene *s, pm_error *err) {
    (void)s;
    return pm_snapshot_verify("index", NULL, err);
}

/* ---- after each ---- */

static void check_old_index(const scene *s) {
    pm_error err;
    pm_snapshot *snapshot;
    fault_at = -1;
    CHECK(pm_snapshot_open("index", 0, PM_MAP_AUTO, &snapshot, &err) == PM_OK);
    CHECK(snapshot->n_docs == s->old_docs);
    pm_snapshot_unref(snapshot);
}

/* A failed build: the path as it was, nothing beside it, unless it was the cleaning up
 * that failed. */
static void check_failed_build(const scene *s, int nodes_before) {
    int nodes = mem_count_nodes() - (mem_find("index/lock") != NULL);
    CHECK(atomic_load(&fault_may_pass) || nodes == nodes_before);
    if (s->old_docs > 0) {
        check_old_index(s);
    } else {
        CHECK(mem_find("index") == NULL);
    }
}

static void check_quiet(long live_before) {
    CHECK(mem_open_files() == 0);
    CHECK(atomic_load(&mem_live) == live_before);
}

static void begin(sort of, long at) {
    fault_sort = of;
    atomic_store(&fault_at, at);
    atomic_store(&fault_calls, 0);
    atomic_store(&fault_met, false);
    atomic_store(&fault_may_pass, false);
}

/* Sets the stage: an old index at the path, or nothing. */
static void set_stage(const scene *s, const corpus *old) {
    begin(SORT_FILES, -1);
    mem_clear();
    if (s->old_docs > 0) {
        pm_error err;
        pm_build_options o = corpus_options(1, 0, true);
        CHECK(corpus_build(old, "index", &o, &err) == PM_OK);
    }
}

static long sweep_build(const scene *s, const corpus *old, sort of) {
    for (long i = 0;; i++) {
        pm_error err;
        pm_error_clear(&err);
        set_stage(s, old);
        int nodes = mem_count_nodes();
        long live = atomic_load(&mem_live);
        begin(of, i);
        pm_status status = run_build(s, &err);
        bool met = atomic_load(&fault_met);
        check_quiet(live);
        CHECK(status == PM_OK || status == err.code);
        CHECK(status == PM_OK || (met && err.message[0] != 0));
        CHECK(status != PM_OK || !met || atomic_load(&fault_may_pass));
        if (status != PM_OK) {
            CHECK(status == (of == SORT_MEMORY ? PM_NOMEM : PM_IO));
            check_failed_build(s, nodes);
        }
        if (!met) {
            return i;
        }
    }
}

static long sweep_reader(pm_status (*run)(const scene *, pm_error *), const scene *s,
                         sort of) {
    for (long i = 0;; i++) {
        pm_error err;
        pm_error_clear(&err);
        long live = atomic_load(&mem_live);
        begin(of, i);
        pm_status status = run(s, &err);
        bool met = atomic_load(&fault_met);
        check_quiet(live);
        CHECK(status == PM_OK || status == err.code);
        CHECK(met || status == PM_OK);
        CHECK(status != PM_OK || !met || atomic_load(&fault_may_pass));
        CHECK(status == PM_OK || status == (of == SORT_MEMORY ? PM_NOMEM : PM_IO));
        if (!met) {
            return i;
        }
    }
}

int main(int argc, char **argv) {
    unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    corpus c, old;
    long n = 0;
    pm_sys_replace(&faulty);
    begin(SORT_FILES, -1);
    corpus_make(&c, 12, 20, 5);
    corpus_make(&old, 3, 5, 6);
    scene fresh = {.c = &c, .options = corpus_options(threads, 150, true)};
    scene replace = {
        .c = &c, .options = corpus_options(threads, 0, false), .old_docs = 3};
    replace.options.if_exists = PM_EXISTS_REPLACE;
    for (sort of = SORT_MEMORY; of <= SORT_FILES; of++) {
        n += sweep_build(&replace, &old, of);
        n += sweep_build(&fresh, &old, of); /* leaves the index for the readers */
        n += sweep_reader(run_open, &fresh, of);
        n += sweep_reader(run_verify, &fresh, of);
    }
    mem_clear();
    corpus_free(&c);
    corpus_free(&old);
    CHECK(atomic_load(&mem_live) == 0);
    printf("test_faults: ok, %ld failures\n", n);
    return 0;
}
