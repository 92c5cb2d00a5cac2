/* verify over several generations with sidecars: every file, once, against each other; a
 * file that is missing; a stop at any moment. And an index that is replaced while others
 * write to it. */
#include "commit_line.h"
#include "index/lock.h"

/* ---- verify ---- */

/* Generation 2 has a segment and a sidecar that 3 and 4 have not. */
static void make_generations(line *l) {
    begin(l);
    add(l, 0);
    delete_docs(l, 0, 1);
    add(l, 1);
    commit(l);
    delete_docs(l, 1, 7);
    commit(l);
    l->entries[0] = l->entries[1];
    l->n = 1;
    commit(l);
    pm_error err;
    CHECK(pm_snapshot_verify("index", NULL, &err) == PM_OK);
}

static void test_verify_reads_every_file_of_every_generation(void) {
    line l;
    pm_error err;
    make_generations(&l);
    CHECK(l.m.n_files == 4);
    for (uint32_t f = 0; f < l.m.n_files; f++) {
        char path[128];
        snprintf(path, sizeof path, "index/%s", l.m.files[f].name);
        mem_node *node = mem_find(path);
        for (size_t i = 0; i < node->n; i += 61) {
            node->bytes[i] ^= 4;
            CHECK(pm_snapshot_verify("index", NULL, &err) == PM_CORRUPT);
            CHECK(strcmp(err.file, l.m.files[f].name) == 0);
            node->bytes[i] ^= 4;
        }
        CHECK(mem_rename(path, "aside") == 0);
        CHECK(pm_snapshot_verify("index", NULL, &err) == PM_CORRUPT);
        CHECK(strcmp(err.file, l.m.files[f].name) == 0);
        CHECK(strstr(err.message, "not there") != NULL);
        CHECK(mem_rename("aside", path) == 0);
    }
    CHECK(pm_snapshot_verify("index", NULL, &err) == PM_OK);
    end(&l);
}

/* A sidecar that is sound by itself, and of another state of its segment; the manifest
 * has its size and hash, and what the right one deletes. */
static void test_verify_holds_sidecars_against_their_segments(void) {
    line l;
    pm_error err;
    size_t n;
    bool renamed;
    make_generations(&l);
    delete_docs(&l, 0, 11); /* three documents, too */
    uint8_t *other = copy_of("index/0000000005.del", &n);
    mem_set("index/0000000004.del", other, n);
    free(other);
    CHECK(l.entries[0].dead_tokens != l.m.generations[3].segments[0].dead_tokens);
    l.m.files[3].size = l.entries[0].removals.size;
    l.m.files[3].hash = l.entries[0].removals.hash;
    CHECK(pm_manifest_write(&l.m, "index", &renamed, &err) == PM_OK);
    CHECK(pm_snapshot_verify("index", NULL, &err) == PM_CORRUPT);
    CHECK(strcmp(err.file, "0000000004.del") == 0);
    end(&l);
}

/* Wherever the wish to stop is seen, the answer is that, not damage. */
static void test_verify_can_be_stopped_anywhere(void) {
    line l;
    pm_error err;
    pm_cancel cancel;
    make_generations(&l);
    uint32_t stops = 0;
    for (uint32_t work = 0;; work += 500) {
        pm_cancel_init(&cancel, NULL, NULL);
        atomic_store(&cancel.stop, 1);
        cancel.work_left = work;
        pm_status status = pm_snapshot_verify("index", &cancel, &err);
        CHECK(mem_open_files() == 0);
        if (status == PM_OK) {
            break;
        }
        CHECK(status == PM_CANCELLED && err.code == PM_CANCELLED);
        stops++;
    }
    CHECK(stops > 1000);
    end(&l);
}

/* ---- an index that is replaced ---- */

static pm_status replace(size_t n_rows, pm_cancel *cancel, pm_error *err) {
    pm_builder *b;
    corpus c;
    corpus_columns columns;
    pm_build_options o = corpus_options(1, 0, true);
    o.if_exists = PM_EXISTS_REPLACE;
    corpus_make(&c, n_rows, 20, 1);
    CHECK(pm_builder_new("index", &o, &b, err) == PM_OK);
    CHECK(corpus_declare(b, &columns, err) == PM_OK);
    CHECK(corpus_add(b, &c, &columns, NULL, err) == PM_OK);
    pm_status status = pm_builder_finish(b, cancel, err);
    pm_builder_free(b);
    corpus_free(&c);
    return status;
}

static bool stop_at_third(void *ctx) {
    return ++*(int *)ctx == 3;
}

static void test_an_index_that_is_written_to_is_not_replaced(void) {
    line l;
    pm_error err;
    pm_lock lock;
    begin(&l);
    add(&l, 0);
    commit(&l);
    CHECK(pm_lock_take(&lock, "index", 0, NULL, &err) == PM_OK);
    CHECK(replace(4, NULL, &err) == PM_LOCKED);
    CHECK(strstr(err.message, "index is locked by ") != NULL);
    pm_snapshot *s = open_ok(0);
    CHECK(s->generation == 2 && mem_find("index.building-1-0") == NULL);
    CHECK(pm_lock_check(&lock, "index", &err) == PM_OK);
    int polls = 0;
    pm_cancel cancel;
    pm_cancel_init(&cancel, stop_at_third, &polls);
    pm_sys eager = mem_sys;
    eager.pause_ms = pm_sys_posix.pause_ms;
    pm_sys_replace(&eager);
    CHECK(replace(4, &cancel, &err) == PM_CANCELLED && polls == 3);
    pm_sys_replace(&mem_sys);
    pm_lock_drop(&lock);
    CHECK(replace(4, NULL, &err) == PM_OK);
    CHECK(!stands(PM_LOCK_NAME));
    pm_snapshot_unref(s);
    s = open_ok(0);
    CHECK(s->generation == 1 && s->n_docs == 4);
    pm_snapshot_unref(s);
    CHECK(pm_lock_take(&lock, "index", 0, NULL, &err) == PM_OK);
    pm_lock_drop(&lock);
    end(&l);
}

static void test_a_missing_file_is_damage(void) {
    line l;
    pm_error err;
    pm_snapshot *s;
    begin(&l);
    add(&l, 0);
    delete_docs(&l, 0, 2);
    commit(&l);
    static const char *const names[] = {"0000000001.seg", "0000000002.del"};
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof path, "index/%s", names[i]);
        CHECK(mem_rename(path, "aside") == 0);
        CHECK(pm_snapshot_open("index", 0, PM_MAP_AUTO, &s, &err) == PM_CORRUPT);
        CHECK(strcmp(err.file, names[i]) == 0 && strstr(err.message, "not there"));
        CHECK(mem_rename("aside", path) == 0);
    }
    pm_snapshot_unref(open_ok(0));
    end(&l);
}

int main(void) {
    make_kinds();
    test_verify_reads_every_file_of_every_generation();
    test_verify_holds_sidecars_against_their_segments();
    test_verify_can_be_stopped_anywhere();
    test_a_missing_file_is_damage();
    test_an_index_that_is_written_to_is_not_replaced();
    free_kinds();
    printf("test_verify: ok\n");
    return 0;
}
