/* A disk that fills: each session of an index's life, on disks that have room for ever
 * more of it. Where it does not fit: ENOSPC, the last commit stands; after a rollback
 * and with room again, the same writer does the same session.
 *   test_full_disk [sizes]   for each session; default 25 */
#include "index_script.h"

static corpus rows;
static long held;
static unsigned long n_full;

static pm_status apply(pm_writer *w, const script_op *ops, pm_error *err) {
    for (size_t i = 0; i < script_length(ops); i++) {
        PM_TRY(script_apply(w, &rows, &ops[i], err));
    }
    return PM_OK;
}

static void check_state(const index_state *right) {
    pm_error err;
    index_state found;
    CHECK(state_read(SCRIPT_PATH, 0, &found, &err) == PM_OK);
    CHECK(found.generation == right->generation && state_same(&found, right));
    CHECK(pm_snapshot_verify(SCRIPT_PATH, NULL, &err) == PM_OK);
}

/* The session with one writer that finds the disk full and is given room then. */
static void fill_session(const script_op *ops, const index_state *old,
                         const index_state *new) {
    pm_error err;
    pm_writer *w;
    pm_writer_options o = script_writer_options(1);
    pm_error_clear(&err);
    pm_status status = pm_writer_new(SCRIPT_PATH, &o, NULL, &w, &err);
    if (status == PM_OK) {
        status = apply(w, ops, &err);
        if (status != PM_OK) {
            CHECK(status == PM_IO && err.os_errno == ENOSPC);
            check_state(old);
            CHECK(pm_writer_rollback(w, &err) == PM_OK);
            mem_disk = SIZE_MAX;
            CHECK(apply(w, ops, &err) == PM_OK);
            n_full++;
        }
        pm_writer_free(w);
        check_state(new);
    } else {
        CHECK(status == PM_IO && err.os_errno == ENOSPC);
        check_state(old);
        n_full++;
    }
}

static void fill_optimize(const script_op *ops, const index_state *old,
                          const index_state *new) {
    pm_error err;
    pm_error_clear(&err);
    pm_status status = script_session(&rows, ops, 1, &err);
    if (status != PM_OK) {
        CHECK(status == PM_IO && err.os_errno == ENOSPC);
        check_state(old);
        mem_disk = SIZE_MAX;
        CHECK(script_session(&rows, ops, 1, &err) == PM_OK);
        n_full++;
    }
    check_state(new);
}

/* One session on disks with room for k / sizes of what it writes at most. */
static void test_session(const script_op *ops, size_t sizes) {
    pm_error err;
    index_state old, new;
    mem_image before = mem_save();
    CHECK(state_read(SCRIPT_PATH, 0, &old, &err) == PM_OK);
    size_t used = mem_peak = mem_used;
    CHECK(script_session(&rows, ops, 1, &err) == PM_OK);
    CHECK(state_read(SCRIPT_PATH, 0, &new, &err) == PM_OK);
    mem_image after = mem_save();
    size_t most = mem_peak; /* with files that go later */
    for (size_t k = 0; k <= sizes; k++) {
        mem_load(&before);
        mem_disk = used + k * (most - used) / sizes;
        if (ops->kind == SCRIPT_OPTIMIZE) {
            fill_optimize(ops, &old, &new);
        } else {
            fill_session(ops, &old, &new);
        }
        mem_disk = SIZE_MAX;
        CHECK(mem_open_files() == 0 && atomic_load(&mem_live) == held);
    }
    mem_load(&after);
    mem_image_free(&before);
    mem_image_free(&after);
}

static void test_build(size_t sizes) {
    pm_error err;
    CHECK(script_build(&rows, SCRIPT_BUILT, 1, &err) == PM_OK);
    size_t most = mem_peak;
    for (size_t k = 0; k < sizes; k++) {
        mem_clear();
        mem_disk = k * most / sizes;
        CHECK(script_build(&rows, SCRIPT_BUILT, 1, &err) == PM_IO);
        CHECK(err.os_errno == ENOSPC && mem_count_nodes() == 0);
        CHECK(mem_open_files() == 0 && atomic_load(&mem_live) == held);
        n_full++;
    }
    mem_disk = SIZE_MAX;
    CHECK(script_build(&rows, SCRIPT_BUILT, 1, &err) == PM_OK);
}

int main(int argc, char **argv) {
    size_t sizes = argc > 1 ? strtoul(argv[1], NULL, 10) : 25;
    pm_sys_replace(&mem_sys);
    corpus_make(&rows, SCRIPT_ROWS, 12, 3);
    held = atomic_load(&mem_live);
    test_build(sizes);
    for (const script_op *op = script_ops; op->kind != SCRIPT_END;
         op += script_length(op)) {
        mem_clock_s += 4000;
        test_session(op, sizes);
    }
    mem_clear();
    corpus_free(&rows);
    CHECK(n_full >= SCRIPT_SESSIONS * sizes); /* all but those with room enough */
    printf("test_full_disk: ok, %lu full disks\n", n_full);
    return 0;
}
