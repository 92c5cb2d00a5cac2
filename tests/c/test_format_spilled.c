/* Section writers that spill: with scratch files the same bytes as from memory, and
 * every failing call told, with nothing left behind. */
#include "format/bounds.h"
#include "format/keys.h"
#include "format/postings.h"
#include "format/store.h"
#include "format/stream.h"
#include "format/zones.h"
#include "format_fixture.h"
#include "memory_files.h"

/* ---- the files in memory, with the k-th call failing ---- */

static struct { long calls, fail_at; } fake; /* 0: none fails */

static bool fails(int why) {
    errno = why;
    return ++fake.calls == fake.fail_at;
}
static void *f_alloc(size_t n) {
    return fails(ENOMEM) ? NULL : mem_alloc(n);
}
static void *f_resize(void *p, size_t n) {
    return fails(ENOMEM) ? NULL : mem_resize(p, n);
}
static int f_open(const char *path, int flags, int mode) {
    return fails(EMFILE) ? -1 : mem_open(path, flags, mode);
}
static int64_t f_write(int fd, const void *from, size_t n) {
    return fails(ENOSPC) ? -1 : mem_write(fd, from, n);
}
static void *f_map(int fd, size_t n) {
    return fails(ENODEV) ? NULL : mem_map(fd, n);
}
static int64_t f_read_at(int fd, void *to, size_t n, uint64_t offset) {
    return fails(EIO) ? -1 : mem_read_at(fd, to, n, offset);
}

/* ---- one of each section that has something to wait for ---- */

enum { TEXT = 3000, BLOCKS = 40 };

typedef struct corpus {
    plain docs;
    words v;
    uint64_t *sentences;
    uint32_t *quote_starts, *quote_lengths, n_quotes;
    uint64_t text_starts[700], blocks[2 * BLOCKS + 2];
    uint32_t *checkpoints;
    pm_bytes *keys;
} corpus;

static corpus make_corpus(void) {
    uint64_t seed = 5;
    corpus c = {.docs = make_plain(&seed, 120, 2, 150, 90000)};
    c.v = make_words(&c.docs, 30000, 3, 1);
    uint32_t n = c.docs.n_positions;
    c.sentences = room(n / 64 + 1, 8);
    c.quote_starts = room(n, 4);
    c.quote_lengths = room(n, 4);
    c.checkpoints = room(n / PM_CHECKPOINT + 1, 8);
    c.keys = room(c.docs.n_docs, sizeof *c.keys);
    for (uint32_t i = 0; i < n; i += 9) {
        pm_bits_set(c.sentences, i);
        c.quote_starts[c.n_quotes] = i;
        c.quote_lengths[c.n_quotes++] = 1 + i % 7;
    }
    for (uint32_t u = 0; u <= c.docs.n_units; u++) {
        c.text_starts[u] = u * UINT64_C(1000);
    }
    for (uint32_t b = 0; b <= BLOCKS; b++) {
        c.blocks[2 * b] = b * UINT64_C(6000);
        c.blocks[2 * b + 1] = b * UINT64_C(75);
    }
    for (uint32_t d = 0; d < c.docs.n_docs; d++) {
        c.keys[d] = c.v.data.surfaces[(d * 7) % 120];
    }
    return c;
}

static void free_corpus(corpus *c) {
    free_plain(&c->docs);
    free_words(&c->v);
    free(c->sentences);
    free(c->quote_starts);
    free(c->quote_lengths);
    free(c->checkpoints);
    free(c->keys);
}

static pm_status write_stream(pm_container_writer *w, const corpus *c, pm_error *err) {
    pm_stream_writer *s;
    PM_TRY(pm_stream_begin(w, &s, err));
    pm_stream_put(s, c->docs.ids, c->docs.n_positions);
    return pm_stream_end(s, err);
}

static pm_status push_postings(pm_container_writer *w, const corpus *c, pm_error *err) {
    pm_postings_writer *p;
    PM_TRY(pm_postings_begin(w, c->v.data.n_groups, c->docs.n_docs, c->docs.starts, 2,
                             &p, err));
    for (uint32_t g = 0; g < c->v.data.n_groups; g++) {
        uint64_t n = c->v.starts[g + 1] - c->v.starts[g];
        pm_postings_group(p, n);
        pm_postings_put(p, c->v.positions + c->v.starts[g], (size_t)n);
    }
    return pm_postings_end(p, err);
}

static pm_status write_rest(pm_container_writer *w, const corpus *c, pm_error *err) {
    uint32_t n = c->docs.n_positions;
    pm_zones_data zones = {.n_positions = n,
                           .sentences = c->sentences,
                           .paragraphs = c->sentences,
                           .quote_starts = c->quote_starts,
                           .quote_lengths = c->quote_lengths,
                           .n_quotes = c->n_quotes};
    pm_store_data store = {.text_starts = c->text_starts,
                           .n_units = c->docs.n_units,
                           .blocks = c->blocks,
                           .n_blocks = BLOCKS,
                           .checkpoints = c->checkpoints,
                           .n_checkpoints = (n + PM_CHECKPOINT - 1) / PM_CHECKPOINT};
    pm_store_begin(w);
    PM_TRY(pm_store_finish(w, &store, err));
    PM_TRY(pm_zones_write(w, &zones, err));
    PM_TRY(pm_keys_write(w, c->keys, c->docs.n_docs, err));
    PM_TRY(pm_bounds_write(w, c->docs.starts, c->docs.n_units, err));
    return pm_lexicon_write(w, &c->v.data, err);
}

static pm_status write_sections(pm_container_writer *w, const corpus *c,
                                pm_error *err) {
    PM_TRY(write_stream(w, c, err));
    PM_TRY(push_postings(w, c, err));
    return write_rest(w, c, err);
}

static pm_status write_file(const corpus *c, const pm_scratch *scratch,
                            pm_hash128 *hash) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_error err;
    uint64_t size;
    pm_error_clear(&err);
    pm_status status = pm_container_create(w, "dir/file", PM_FILE_SEGMENT, &err);
    if (status == PM_OK) {
        w->scratch = scratch;
        status = write_sections(w, c, &err);
        if (status == PM_OK) {
            status = pm_container_finish(w, &size, hash, &err);
        }
        pm_container_abandon(w, NULL);
    }
    CHECK(status == err.code);
    free(w);
    return status;
}

/* ---- */

static void test_spilled_sections_are_the_same(const corpus *c) {
    pm_hash128 memory, spilled;
    fake.fail_at = 0;
    CHECK(write_file(c, NULL, &memory) == PM_OK);
    mem_unlink("dir/file");
    for (size_t keep = 0; keep < 100000; keep = 10 * keep + 1) {
        pm_scratch files = {"dir", keep};
        CHECK(write_file(c, &files, &spilled) == PM_OK);
        CHECK(memory.lo == spilled.lo && memory.hi == spilled.hi);
        CHECK(mem_count_nodes() == 2 && mem_open_files() == 0 && mem_live == 0);
        mem_unlink("dir/file");
    }
}

/* A map that fails is none: the file is read then. */
static void test_each_failing_call_is_told_and_leaves_nothing(const corpus *c) {
    pm_scratch files = {"dir", 0};
    long failed = 0;
    pm_hash128 hash;
    for (long k = 1; k == 1 || fake.calls >= fake.fail_at; k++) {
        fake.calls = 0;
        fake.fail_at = k;
        pm_status status = write_file(c, &files, &hash);
        failed += status != PM_OK;
        CHECK(mem_open_files() == 0 && mem_live == 0);
        CHECK(mem_count_nodes() == (status == PM_OK ? 2 : 1));
        if (status == PM_OK) {
            mem_unlink("dir/file");
        }
    }
    CHECK(failed > 100);
}

int main(void) {
    pm_sys table = mem_sys;
    table.alloc = f_alloc;
    table.resize = f_resize;
    table.open = f_open;
    table.write = f_write;
    table.map = f_map;
    table.read_at = f_read_at;
    pm_sys_replace(&table);
    CHECK(mem_make_dir("dir") == 0);
    corpus c = make_corpus();
    test_spilled_sections_are_the_same(&c);
    test_each_failing_call_is_told_and_leaves_nothing(&c);
    free_corpus(&c);
    CHECK(mem_remove_dir("dir") == 0);
    mem_clear();
    printf("format_spilled: ok\n");
    return 0;
}
