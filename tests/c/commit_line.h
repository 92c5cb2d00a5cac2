/* An index in memory that grows by commits, without a writer: its segments are copies of
 * a few that were built, so that a test says itself what each generation names. The clock
 * is the test's. */
#ifndef PM_TESTS_COMMIT_LINE_H
#define PM_TESTS_COMMIT_LINE_H

#include "base/types.h"
#include "index/deletion.h"
#include "index/snapshot.h"
#include "index_corpus.h"
#include "memory_files.h"

enum { KINDS = 2, HOUR = 3600 };

static const int64_t noon = 1700000000;

/* Each kind is one segment; its documents and tokens are its own. */
static struct {
    uint8_t *bytes;
    size_t n;
    pm_entry entry;
} kinds[KINDS];
static uint8_t *empty_manifest; /* of an index without a segment */
static size_t empty_manifest_bytes;

static inline void *copy_of(const char *path, size_t *n) {
    const mem_node *node = mem_find(path);
    CHECK(node != NULL);
    *n = node->n;
    void *copy = malloc(node->n);
    CHECK(copy != NULL);
    memcpy(copy, node->bytes, node->n);
    return copy;
}

static inline void build(size_t n_rows, uint32_t seed) {
    corpus c;
    pm_error err;
    pm_build_options o = corpus_options(1, 0, true);
    mem_clear();
    corpus_make(&c, n_rows, 20, seed);
    CHECK(corpus_build(&c, "index", &o, &err) == PM_OK);
    corpus_free(&c);
}

static inline void make_kind(int kind, size_t n_rows) {
    pm_manifest m;
    pm_error err;
    pm_entry *e;
    uint32_t n;
    build(n_rows, (uint32_t)n_rows);
    kinds[kind].bytes = copy_of("index/0000000001.seg", &kinds[kind].n);
    CHECK(pm_manifest_read(&m, "index", &err) == PM_OK);
    CHECK(m.next_file == 2 && m.retain == PM_RETAIN && m.generations[0].published == 0);
    CHECK(pm_entries_of(&m, NULL, &e, &n, &err) == PM_OK && n == 1);
    kinds[kind].entry = e[0];
    pm_free(e);
    pm_manifest_release(&m);
}

/* ---- an index that grows by commits ---- */

typedef struct line {
    pm_manifest m;
    pm_entry entries[40];
    uint32_t n;
    uint64_t next_file;
} line;

static inline void read_newest(line *l) {
    pm_error err;
    pm_entry *e;
    CHECK(pm_manifest_read(&l->m, "index", &err) == PM_OK);
    CHECK(pm_entries_of(&l->m, NULL, &e, &l->n, &err) == PM_OK);
    memcpy(l->entries, e, l->n * sizeof *e);
    pm_free(e);
    l->next_file = l->m.next_file;
}

/* An index without a segment: generation 1. */
static inline void begin(line *l) {
    mem_clear();
    mem_clock_s = noon;
    CHECK(mem_make_dir("index") == 0);
    mem_set("index/manifest", empty_manifest, empty_manifest_bytes);
    read_newest(l);
}

/* One more segment file, which the next commit will name. */
static inline void add(line *l, int kind) {
    char path[128];
    pm_entry *e = &l->entries[l->n++];
    *e = kinds[kind].entry;
    pm_commit_name(e->file.name, l->next_file++, PM_SEGMENT_SUFFIX);
    snprintf(path, sizeof path, "index/%s", e->file.name);
    mem_set(path, kinds[kind].bytes, kinds[kind].n);
}

static inline void delete_docs(line *l, uint32_t i, uint64_t bits) {
    pm_error err;
    char path[128], name[64];
    pm_segment s;
    snprintf(path, sizeof path, "index/%s", l->entries[i].file.name);
    pm_commit_name(name, l->next_file++, PM_REMOVALS_SUFFIX);
    CHECK(pm_segment_open(&s, path, PM_MAP_NO, &err) == PM_OK);
    CHECK(pm_deletion_write("index", name, &s, &bits, NULL, &l->entries[i], &err) ==
          PM_OK);
    pm_segment_close(&s);
}

static inline pm_status try_commit(line *l, bool *renamed, pm_error *err) {
    pm_manifest next;
    const pm_commit c = {.dir = "index",
                         .base = &l->m,
                         .entries = l->entries,
                         .n_entries = l->n,
                         .next_file = l->next_file,
                         .fingerprint = l->m.fingerprint,
                         .main_field = "text"};
    PM_TRY(pm_commit_publish(&c, &next, renamed, err));
    pm_manifest_release(&l->m);
    l->m = next;
    return PM_OK;
}

static inline void commit(line *l) {
    pm_error err;
    bool renamed = false;
    CHECK(try_commit(l, &renamed, &err) == PM_OK && renamed);
}

static inline void commit_and_sweep(line *l) {
    commit(l);
    pm_commit_sweep("index", &l->m);
}

static inline void end(line *l) {
    pm_manifest_release(&l->m);
    CHECK(atomic_load(&mem_live) == 0 && mem_open_files() == 0);
}

static inline pm_snapshot *open_ok(uint64_t generation) {
    pm_error err;
    pm_snapshot *s;
    pm_status status = pm_snapshot_open("index", generation, PM_MAP_AUTO, &s, &err);
    if (status != PM_OK) {
        fprintf(stderr, "open: %s\n", err.message);
        exit(1);
    }
    return s;
}

static inline bool stands(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "index/%s", name);
    return mem_find(path) != NULL;
}

/* Before all: the kinds, and the empty index that each line begins with. */
static inline void make_kinds(void) {
    pm_sys_replace(&mem_sys);
    make_kind(0, 5);
    make_kind(1, 9);
    build(0, 1);
    empty_manifest = copy_of("index/manifest", &empty_manifest_bytes);
}

static inline void free_kinds(void) {
    mem_clear();
    for (int i = 0; i < KINDS; i++) {
        free(kinds[i].bytes);
    }
    free(empty_manifest);
}

#endif
