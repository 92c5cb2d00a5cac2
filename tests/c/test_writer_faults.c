/* A session in which the i-th allocation fails, for every i: an error each time, nothing
 * kept, the index as it was or as it was to be, and the next session works. */
#include "failing_memory.h"
#include "writer_model.h"

static char path[512];

enum { PUT_ROWS = 4 };
static model_row rows[PUT_ROWS]; /* made before memory fails */

static void make_rows(void) {
    for (uint32_t i = 0; i < PUT_ROWS; i++) {
        pm_buf_init(&rows[i].bytes);
        model_fill(&rows[i], (model_id){3 * i, 500 + i});
    }
}

static pm_status put_rows(pm_writer *w, pm_error *err) {
    for (uint32_t i = 0; i < PUT_ROWS; i++) {
        size_t added;
        PM_TRY(pm_writer_add(w, PM_WRITE_UPDATE, &rows[i].row, 1, &added, NULL, err));
    }
    return PM_OK;
}

static pm_status delete_some(pm_writer *w, pm_error *err) {
    const pm_bytes keys[] = {{(const uint8_t *)"k1", 2}, {(const uint8_t *)"none", 4}};
    size_t n_deleted;
    uint64_t n;
    PM_TRY(pm_writer_delete(w, keys, 2, NULL, &n_deleted, NULL, err));
    return pm_delete_where(w, "score:4", 7, &pm_limits_default, &n, NULL, err);
}

/* Its effect is the same however often it is done. */
static pm_status change(pm_writer *w, pm_error *err) {
    uint64_t generation;
    PM_TRY(model_columns(w, err));
    PM_TRY(put_rows(w, err));
    PM_TRY(delete_some(w, err));
    PM_TRY(pm_writer_commit(w, NULL, &generation, err));
    return pm_writer_rollback(w, err);
}

static pm_status session(pm_error *err) {
    const pm_writer_options o = {.memory_bytes = 64 << 20, .threads = 1};
    pm_writer *w;
    uint64_t generation;
    PM_TRY(pm_writer_new(path, &o, NULL, &w, err));
    pm_status status = change(w, err);
    pm_writer_free(w);
    return status == PM_OK ? pm_writer_optimize(path, &o, false, NULL, &generation, err)
                           : status;
}

static void say(pm_buf *out) {
    pm_error err;
    if (dump_path(out, path, &err) != PM_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
}

static void make_index(void) {
    static model m;
    pm_error err;
    for (uint32_t i = 0; i < 12; i++) {
        model_put(&m, (model_id){i, 1000 + i});
    }
    CHECK(model_build(&m, path, 0, &err) == PM_OK);
}

static uint64_t newest(void) {
    pm_error err;
    pm_index *idx;
    pm_index_facts facts;
    CHECK(pm_index_open(path, 0, PM_OPEN_AUTO, &idx, &err) == PM_OK);
    pm_index_get_facts(idx, &facts);
    pm_index_unref(idx);
    return facts.generation;
}

/* Whether all allocations before the i-th were asked for. */
static bool fail_at(long i) {
    pm_error err = {.code = PM_OK};
    const long blocks = fake.blocks;
    fake.calls = 0;
    fake.fail_at = i;
    pm_status status = session(&err);
    const bool reached = fake.calls >= i;
    fake.fail_at = 0;
    if (fake.blocks != blocks || (status != PM_OK && status != PM_NOMEM)) {
        fprintf(stderr, "allocation %ld: %d, %ld blocks left: %s\n", i, status,
                fake.blocks - blocks, err.message);
    }
    CHECK(fake.blocks == blocks);
    CHECK(status == PM_OK || (status == PM_NOMEM && err.code == PM_NOMEM && reached));
    return reached;
}

/* Until a whole session passes without a failure; returns how many failed. What the
 * index says is looked at where it is another generation, and now and then. */
static long sweep(const pm_buf *before, const pm_buf *after) {
    pm_buf now;
    uint64_t generation = newest();
    bool changed = false, reached = true;
    long i = 0;
    pm_buf_init(&now);
    while (reached) {
        reached = fail_at(++i);
        if (newest() != generation || i % 64 == 0 || !reached) {
            generation = newest();
            say(&now);
            changed = changed || same_text(&now, after);
            CHECK(same_text(&now, changed ? after : before));
        }
    }
    CHECK(changed);
    pm_buf_release(&now);
    return i - 1;
}

/* Hours pass between two looks at it, so that generations do not pile up. */
static int64_t fast_clock(void) {
    static int64_t now = 1;
    return now += 7200;
}

int main(void) {
    const char *tmp = getenv("TMPDIR");
    pm_sys failing = pm_sys_posix;
    pm_error err;
    pm_buf before, after;
    failing.alloc = fake_alloc;
    failing.resize = fake_resize;
    failing.release = fake_release;
    failing.wall_clock_s = fast_clock;
    snprintf(path, sizeof path, "%s/pm_writer_faults_XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    CHECK(mkdtemp(path) != NULL && rmdir(path) == 0);
    pm_sys_replace(&failing);
    pm_buf_init(&before);
    pm_buf_init(&after);
    make_rows();
    make_index();
    CHECK(session(&err) == PM_OK);
    say(&after);
    make_index();
    say(&before);
    CHECK(!same_text(&before, &after));
    printf("writer_faults: ok, %ld failures\n", sweep(&before, &after));
    pm_buf_release(&before);
    pm_buf_release(&after);
    for (size_t i = 0; i < PUT_ROWS; i++) {
        pm_buf_release(&rows[i].bytes);
    }
    CHECK(fake.blocks == 0);
    remove_dir(path);
    return 0;
}
