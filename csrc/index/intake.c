/* Rows are copied into chunks; a batch of full chunks is digested in parallel, placed
 * in order, settled in parallel. When the next chunk would make the final segment
 * larger than it may be, the draft is sealed; chunks of the batch that were digested
 * already are digested again, since their numbers belong to the dictionaries of the
 * sealed draft. Where batches end depends on the number of threads, and nothing else
 * does. */
#include "index/intake.h"

#include <inttypes.h>
#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "index/rowkeys.h"
#include "index/rowtext.h"
#include "index/runs.h"
#include "index/seal.h"
#include "text/utf8.h"

enum {
    MAX_THREADS = 256,
    FILTER_SHARE = 16,   /* of memory */
    TRIM_SHARE = 8,      /* of memory: growth after which free memory is given back */
    CHUNKS_A_THREAD = 8, /* in a batch: enough that threads end about together */
    /* bytes: keys and dictionaries of a segment stay below 4 GB */
    MAX_SEGMENT_META = 0x7fffffff,
    DEFAULT_MEMORY = 1 << 30,
    LEAST_MEMORY = 1 << 20,
    THREAD_MEMORY = 16 << 20, /* a thread for so much */
    CHUNK_MEMORY = 8 << 20,   /* a chunk in flight for so much */
    FIXED_MEMORY = 5 << 20,   /* whatever the rows: buffers of files, free lists */
    ROW_MEMORY = 6,           /* for a byte of a large text */
    MAX_PATH_BYTES = 4096,
    SHOWN_BYTES = 200
};

struct pm_intake {
    pm_arena arena;
    pm_intake_options o; /* threads and segment_tokens as they are in force */
    int64_t process;     /* that made it */
    bool dead;
    pm_metadata metadata;
    pm_rowkeys keys; /* of rows that no run holds */
    pm_rowtext text; /* of the row that is being added */
    pm_cut cut;
    pm_chunk *chunks; /* [max_chunks]; the last of n_chunks is open */
    size_t n_chunks, max_chunks;
    pm_digester *digesters; /* [threads] */
    pm_surfaces **dictionaries;
    pm_draft draft;
    /* of the draft's file; texts go there as chunks settle */
    pm_container_writer writer;
    bool writing;      /* it is open */
    char run_name[64]; /* of its file */
    pm_runs runs;
    uint32_t group; /* number of the final segment that the draft belongs to */
    uint64_t group_positions, group_meta; /* of its runs, the draft left out */
    uint64_t last_peak; /* bytes that sealing would have taken a batch ago */
    uint64_t n_docs, text_bytes, replaced; /* of all rows ever added */
    uint64_t *field_bytes;                 /* [n_fields] */
};

/* ---- life ---- */

static uint64_t at_most(uint64_t n, uint64_t limit) {
    return n < limit ? n : limit;
}

/* On one thread a chunk is digested as soon as it is full, while it is in the cache.
 * With small segments a batch is a part of one, so that little is digested twice. */
static size_t batch_size(const pm_intake *in) {
    uint64_t n = in->o.threads > 1 ? (uint64_t)in->o.threads * CHUNKS_A_THREAD : 1;
    n = at_most(n, in->o.segment_tokens / 2 / PM_CHUNK_BYTES + 1);
    return (size_t)at_most(n, in->o.memory_bytes / CHUNK_MEMORY + 1);
}

static pm_status make_workers(pm_intake *in, pm_error *err) {
    size_t n = batch_size(in), threads = in->o.threads;
    in->chunks = pm_arena_array(&in->arena, n, sizeof *in->chunks);
    in->digesters = pm_arena_array(&in->arena, threads, sizeof *in->digesters);
    in->dictionaries = pm_arena_array(&in->arena, threads, sizeof *in->dictionaries);
    in->field_bytes =
        pm_arena_array(&in->arena, in->o.n_fields, sizeof *in->field_bytes);
    if (in->chunks == NULL || in->digesters == NULL || in->dictionaries == NULL ||
        in->field_bytes == NULL) {
        return pm_fail_nomem(err, n * sizeof *in->chunks);
    }
    in->max_chunks = n;
    for (size_t i = 0; i < n; i++) {
        pm_chunk_init(&in->chunks[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        in->dictionaries[i] = &in->digesters[i].surfaces;
        PM_TRY(pm_digester_init(&in->digesters[i], in->o.store, err));
    }
    return PM_OK;
}

static pm_status take_options(pm_intake *in, const pm_intake_options *o,
                              pm_error *err) {
    in->o = *o;
    in->o.threads = o->threads != 0 ? o->threads : pm_cpu_count();
    in->o.memory_bytes = o->memory_bytes != 0 ? o->memory_bytes : DEFAULT_MEMORY;
    uint64_t threads = at_most(in->o.memory_bytes / THREAD_MEMORY + 1, MAX_THREADS);
    in->o.threads = (unsigned)at_most(in->o.threads, threads);
    in->o.segment_tokens =
        o->segment_tokens != 0 ? o->segment_tokens : PM_MAX_POSITIONS;
    if (in->o.segment_tokens > PM_MAX_POSITIONS || in->o.segment_tokens < o->n_fields) {
        return pm_fail(err, PM_INVALID,
                       "segment_tokens is %" PRIu32
                       "; it must be at least the number of fields and at most %d",
                       in->o.segment_tokens, PM_MAX_POSITIONS);
    }
    if (in->o.memory_bytes < LEAST_MEMORY) {
        return pm_fail(err, PM_INVALID, "memory is %" PRIu64 " bytes; at least 1 MB",
                       in->o.memory_bytes);
    }
    in->runs.max_filter_bytes = (size_t)in->o.memory_bytes / FILTER_SHARE;
    return PM_OK;
}

pm_status pm_intake_new(const pm_intake_options *options, pm_intake **out,
                        pm_error *err) {
    pm_intake *in = pm_calloc(1, sizeof *in);
    *out = NULL;
    if (in == NULL) {
        return pm_fail_nomem(err, sizeof *in);
    }
    pm_arena_init(&in->arena);
    pm_metadata_init(&in->metadata);
    pm_rowkeys_init(&in->keys);
    pm_rowtext_init(&in->text);
    pm_draft_init(&in->draft, options->n_fields, options->store);
    pm_runs_init(&in->runs, options->dir, 0);
    in->process = pm_sys_get()->process_id();
    pm_status status = take_options(in, options, err);
    if (status == PM_OK) {
        status = make_workers(in, err);
    }
    if (status != PM_OK) {
        pm_intake_free(in);
        return status;
    }
    *out = in;
    return PM_OK;
}

static void abandon_run(pm_intake *in, bool unlink) {
    if (!in->writing) {
        return;
    }
    in->writing = false;
    if (!unlink) { /* it is the parent's */
        pm_free(in->writer.path);
        in->writer.path = NULL;
    }
    pm_container_abandon(&in->writer, NULL);
}

void pm_intake_free(pm_intake *in) {
    if (in == NULL) {
        return;
    }
    bool ours = in->process == pm_sys_get()->process_id();
    for (size_t i = 0; i < in->max_chunks; i++) {
        pm_chunk_release(&in->chunks[i]);
    }
    for (unsigned i = 0; in->digesters != NULL && i < in->o.threads; i++) {
        pm_digester_release(&in->digesters[i]);
    }
    abandon_run(in, ours);
    pm_runs_release(&in->runs, ours);
    pm_draft_release(&in->draft);
    pm_metadata_release(&in->metadata);
    pm_rowkeys_release(&in->keys);
    pm_rowtext_release(&in->text);
    pm_arena_release(&in->arena);
    pm_free(in);
    pm_memory_trim();
}

/* ---- memory ---- */

/* What stands while the draft is sealed. */
static uint64_t held_memory(const pm_intake *in) {
    uint64_t bytes = pm_draft_memory(&in->draft) + pm_rowkeys_memory(&in->keys) +
                     pm_metadata_memory(&in->metadata) +
                     in->runs.filter.n_blocks * UINT64_C(64) +
                     in->runs.capacity * sizeof *in->runs.at + FIXED_MEMORY;
    for (size_t i = 0; i < in->max_chunks; i++) {
        bytes += pm_chunk_memory(&in->chunks[i]);
    }
    for (unsigned i = 0; i < in->o.threads; i++) {
        bytes += pm_digester_memory(&in->digesters[i]);
    }
    return bytes;
}

/* The most that sealing the draft would take from here on, the slots of dictionaries
 * counted: these are freed before, but not given back at once. */
static uint64_t peak_memory(const pm_intake *in) {
    uint64_t sealing = pm_seal_memory(&in->draft, in->dictionaries, in->o.threads,
                                      in->keys.bytes.n, in->o.threads);
    uint64_t columns = pm_metadata_seal_memory(&in->metadata);
    return held_memory(in) + (sealing > columns ? sealing : columns);
}

/* ---- sealing ---- */

/* The draft's file, once it has a chunk. */
static pm_status begin_run(pm_intake *in, pm_error *err) {
    char path[MAX_PATH_BYTES];
    pm_runs_name(&in->runs, in->run_name);
    PM_TRY(pm_path_join(path, sizeof path, in->o.dir, in->run_name, err));
    PM_TRY(pm_seal_begin(&in->writer, path, in->o.store, err));
    in->writing = true;
    return PM_OK;
}

/* Keys of the draft's documents, and bits of those that were taken out. A key may have
 * been used again, so the latter get keys that no row can have. */
typedef struct draft_keys {
    pm_arena arena;
    pm_bytes *keys;
    uint64_t *dead; /* pm_alloc'ed; NULL: none */
    uint32_t n_dead;
} draft_keys;

static pm_status kill_key(draft_keys *k, uint32_t doc, pm_error *err) {
    uint8_t key[1 + sizeof doc] = {0xff}; /* never in UTF-8 */
    memcpy(key + 1, &doc, sizeof doc);
    k->keys[doc].p = (const uint8_t *)pm_arena_copy(&k->arena, key, sizeof key);
    k->keys[doc].n = sizeof key;
    if (k->keys[doc].p == NULL) {
        return pm_fail_nomem(err, sizeof key);
    }
    pm_bits_set(k->dead, doc);
    k->n_dead++;
    return PM_OK;
}

static pm_status take_keys(const pm_intake *in, draft_keys *k, pm_error *err) {
    uint32_t n = in->draft.n_docs;
    *k = (draft_keys){.n_dead = 0};
    pm_arena_init(&k->arena);
    k->keys = pm_arena_array(&k->arena, n, sizeof *k->keys);
    k->dead = in->keys.n_gone > 0 ? pm_calloc(pm_bits_words(n), sizeof *k->dead) : NULL;
    if (k->keys == NULL || (in->keys.n_gone > 0 && k->dead == NULL)) {
        return pm_fail_nomem(err, n * sizeof *k->keys);
    }
    for (uint32_t doc = 0; doc < n; doc++) {
        k->keys[doc] = pm_rowkeys_get(&in->keys, doc);
        if (pm_rowkeys_gone(&in->keys, doc)) {
            PM_TRY(kill_key(k, doc, err));
        }
    }
    return PM_OK;
}

static pm_status write_run(pm_intake *in, const draft_keys *k,
                           const pm_metadata_view *metadata, pm_cancel *cancel,
                           pm_entry *entry, pm_error *err) {
    pm_draft *d = &in->draft;
    *entry = (pm_entry){.n_docs = d->n_docs, .n_tokens = d->n_positions - d->n_units};
    memcpy(entry->file.name, in->run_name, sizeof in->run_name);
    pm_seal seal = {.draft = d,
                    .dictionaries = in->dictionaries,
                    .n_dictionaries = in->o.threads,
                    .threads = in->o.threads,
                    .analyzer = in->o.analyzer,
                    .fields = in->o.fields,
                    .keys = k->keys,
                    .metadata = metadata,
                    .cancel = cancel};
    in->writing = false; /* closed in any case */
    return pm_seal_finish(&seal, &in->writer, &entry->file.size, &entry->file.hash,
                          err);
}

static pm_status write_draft(pm_intake *in, draft_keys *k, bool last, pm_cancel *cancel,
                             pm_error *err) {
    pm_metadata_view view;
    pm_entry entry;
    pm_status status =
        pm_metadata_look(&in->metadata, in->draft.n_docs, last, &view, err);
    if (status == PM_OK) {
        status = write_run(in, k, &view, cancel, &entry, err);
    }
    pm_metadata_view_release(&view);
    PM_TRY(status);
    uint64_t *dead = k->dead;
    k->dead = NULL;
    return pm_runs_add(&in->runs, &entry, in->group, dead, k->n_dead, err);
}

static void settle_dictionaries(pm_intake *in) {
    for (unsigned i = 0; i < in->o.threads; i++) {
        pm_surfaces_settle(in->dictionaries[i]);
    }
}

static void clear_draft(pm_intake *in) {
    in->group_positions += in->draft.n_positions;
    in->group_meta += in->draft.meta_bytes;
    pm_draft_release(&in->draft);
    for (unsigned i = 0; i < in->o.threads; i++) {
        pm_surfaces_release(in->dictionaries[i]);
    }
    in->last_peak = peak_memory(in);
}

/* Writes the draft as a run of its group; an empty one stands there then. The
 * dictionaries are settled. last: no rows follow, and the group has no run yet. */
static pm_status seal(pm_intake *in, bool last, pm_cancel *cancel, pm_error *err) {
    draft_keys k;
    uint32_t n_docs = in->draft.n_docs;
    if (n_docs == 0) {
        clear_draft(in);
        return PM_OK;
    }
    pm_status status = take_keys(in, &k, err);
    if (status == PM_OK) {
        status = write_draft(in, &k, last, cancel, err);
    }
    pm_free(k.dead);
    pm_arena_release(&k.arena);
    PM_TRY(status);
    PM_TRY(pm_metadata_advance(&in->metadata, n_docs, err));
    pm_rowkeys_advance(&in->keys, n_docs);
    clear_draft(in);
    return PM_OK;
}

/* ---- memory running short ---- */

static pm_status spill(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    settle_dictionaries(in);
    PM_TRY(seal(in, false, cancel, err));
    pm_memory_trim();
    return PM_OK;
}

/* Seals a run if memory might not last for another batch like the last one. All chunks
 * are in the draft. */
static pm_status spill_if_full(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    uint64_t peak = peak_memory(in);
    uint64_t growth = peak > in->last_peak ? peak - in->last_peak : 0;
    uint64_t step = in->o.memory_bytes / TRIM_SHARE;
    if (peak / step > in->last_peak / step) {
        pm_memory_trim(); /* what arrays left behind as they grew */
    }
    in->last_peak = peak;
    if (peak + growth + growth / 4 < in->o.memory_bytes) {
        return PM_OK;
    }
    return spill(in, cancel, err);
}

/* ---- groups ---- */

/* What is left for a merge, with no draft there. */
static size_t merge_memory(const pm_intake *in) {
    uint64_t held = held_memory(in), all = in->o.memory_bytes;
    return (size_t)(held < all / 2 ? all - held : all / 2);
}

/* What all merges of this intake have in common. */
static pm_status merge_of(pm_intake *in, pm_arena *arena, pm_cancel *cancel,
                          pm_merge *out, pm_error *err) {
    size_t n = in->metadata.n_columns;
    pm_merge_column *columns = pm_arena_array(arena, n, sizeof *columns);
    if (columns == NULL) {
        return pm_fail_nomem(err, n * sizeof *columns);
    }
    for (size_t i = 0; i < n; i++) {
        columns[i].name = pm_metadata_name(&in->metadata, i);
        columns[i].kind = pm_metadata_kind(&in->metadata, i);
    }
    *out = (pm_merge){.dir = in->o.dir,
                      .analyzer = in->o.analyzer,
                      .columns = columns,
                      .n_columns = n,
                      .segment_tokens = in->o.segment_tokens,
                      .threads = in->o.threads,
                      .memory_bytes = merge_memory(in),
                      .cancel = cancel};
    return PM_OK;
}

/* The final segment that the draft belongs to is complete. */
static pm_status complete_group(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    pm_arena arena;
    pm_merge how;
    PM_TRY(spill(in, cancel, err));
    pm_arena_init(&arena);
    pm_status status = merge_of(in, &arena, cancel, &how, err);
    if (status == PM_OK) {
        status = pm_runs_unite(&in->runs, in->group, &how, err);
    }
    pm_arena_release(&arena);
    in->group++;
    in->group_positions = in->group_meta = 0;
    return status;
}

/* ---- batches ---- */

typedef struct batch {
    pm_intake *in;
    size_t first, first_piece, n;
} batch;

static pm_status digest_one(void *ctx, size_t i, unsigned worker, pm_error *err) {
    const batch *t = ctx;
    pm_intake *in = t->in;
    return pm_chunk_digest(&in->chunks[t->first + i], &in->digesters[worker], worker,
                           in->o.analyzer, err);
}

/* Compressed texts in the order of chunks. A failed write is sticky; place_chunks
 * looks. */
static void write_texts(const batch *t) {
    for (size_t i = 0; t->in->o.store && i < t->n; i++) {
        const pm_chunk *c = &t->in->chunks[t->first + i];
        pm_container_put(&t->in->writer, c->packed.p, c->packed.n);
    }
}

/* One thread writes while the others copy. */
static pm_status write_or_settle(void *ctx, size_t i, unsigned worker, pm_error *err) {
    const batch *t = ctx;
    (void)worker;
    (void)err;
    if (i == 0) {
        write_texts(t);
    } else {
        pm_draft_settle(&t->in->draft, t->first_piece + i - 1,
                        &t->in->chunks[t->first + i - 1]);
    }
    return PM_OK;
}

/* How many of the chunks from first on the draft's final segment can take. */
static size_t count_fitting(const pm_intake *in, size_t first) {
    uint64_t positions = in->group_positions + in->draft.n_positions;
    uint64_t meta = in->group_meta + in->draft.meta_bytes;
    size_t n = 0;
    for (; first + n < in->n_chunks; n++) {
        positions += in->chunks[first + n].n_positions;
        meta += in->chunks[first + n].meta_bytes;
        if (positions > in->o.segment_tokens || meta > MAX_SEGMENT_META) {
            break;
        }
    }
    return n;
}

/* Digested chunks from `first` on that the draft did not take: their words are none of
 * its own. */
static void discount(pm_intake *in, size_t first) {
    for (size_t i = first; i < in->n_chunks; i++) {
        const pm_chunk *c = &in->chunks[i];
        pm_surfaces_discount(in->dictionaries[c->worker], c->ids, c->n_positions);
    }
}

/* Moves digested chunks to the draft and its file. */
static pm_status place_chunks(batch *t, pm_cancel *cancel, pm_error *err) {
    pm_intake *in = t->in;
    if (t->n == 0) {
        return PM_OK;
    }
    if (!in->writing) {
        PM_TRY(begin_run(in, err));
    }
    PM_TRY(
        pm_draft_place(&in->draft, in->chunks + t->first, t->n, &t->first_piece, err));
    PM_TRY(pm_parallel_for(t->n + 1, in->o.threads, write_or_settle, t, cancel, err));
    if (in->writer.status != PM_OK && err != NULL) {
        *err = in->writer.error;
    }
    return in->writer.status;
}

/* Digests the chunks from *first on and moves those that fit into the draft; completes
 * its final segment if some do not. */
static pm_status take_chunks(pm_intake *in, size_t *first, pm_cancel *cancel,
                             pm_error *err) {
    batch t = {.in = in, .first = *first};
    PM_TRY(pm_parallel_for(in->n_chunks - *first, in->o.threads, digest_one, &t, cancel,
                           err));
    t.n = count_fitting(in, *first);
    PM_TRY(place_chunks(&t, cancel, err));
    *first += t.n;
    if (*first == in->n_chunks) {
        return PM_OK;
    }
    if (in->group_positions + in->draft.n_positions == 0) {
        return pm_fail(err, PM_INTERNAL, "a chunk is larger than a segment");
    }
    settle_dictionaries(in);
    discount(in, *first);
    return complete_group(in, cancel, err);
}

static pm_status take_batch(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    size_t first = 0;
    while (first < in->n_chunks) {
        PM_TRY(take_chunks(in, &first, cancel, err));
    }
    for (size_t i = 0; i < in->n_chunks; i++) {
        pm_chunk_clear(&in->chunks[i]);
    }
    in->n_chunks = 0;
    return spill_if_full(in, cancel, err);
}

/* All rows so far are in the draft or in runs. */
static pm_status drain(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    in->cut = (pm_cut){0, 0};
    PM_TRY(take_batch(in, cancel, err));
    settle_dictionaries(in);
    return PM_OK;
}

/* ---- what a row may be ---- */

pm_status pm_intake_column(pm_intake *in, const char *name, pm_value_kind kind,
                           uint32_t *column, pm_error *err) {
    for (uint32_t f = 0; f < in->o.n_fields; f++) {
        if (strcmp(in->o.fields[f], name) == 0) {
            return pm_fail(err, PM_INVALID,
                           "\"%s\" is a text field and cannot be a column too", name);
        }
    }
    return pm_metadata_column(&in->metadata, name, kind, column, err);
}

static pm_status check_key(pm_bytes key, pm_error *err) {
    if (key.n == 0) {
        return pm_fail(err, PM_INVALID, "the key is empty");
    }
    if (key.n > PM_MAX_KEY_BYTES) {
        return pm_fail(err, PM_LIMIT, "the key has %zu bytes; the limit is %d", key.n,
                       PM_MAX_KEY_BYTES);
    }
    return pm_utf8_valid(key) ? PM_OK
                              : pm_fail(err, PM_INVALID, "the key is not valid UTF-8");
}

static pm_status find_row(pm_intake *in, pm_bytes key, uint64_t *row, pm_cancel *cancel,
                          pm_error *err) {
    uint32_t unsealed = pm_rowkeys_find(&in->keys, key);
    if (unsealed != PM_END) {
        *row = in->runs.n_rows + unsealed;
        return PM_OK;
    }
    return pm_runs_find(&in->runs, key, row, cancel, err);
}

static pm_status check_new(pm_intake *in, pm_bytes key, pm_cancel *cancel,
                           pm_error *err) {
    uint64_t row;
    PM_TRY(find_row(in, key, &row, cancel, err));
    if (row == PM_END) {
        return PM_OK;
    }
    int shown = key.n < SHOWN_BYTES ? (int)key.n : SHOWN_BYTES;
    return pm_fail(err, PM_DUPLICATE,
                   "the key \"%.*s\" is that of document %" PRIu64 " already", shown,
                   (const char *)key.p, row);
}

/* ---- rows ---- */

/* The chunk that takes the row, in an empty batch if need be. */
static pm_status make_room(pm_intake *in, uint64_t meta_bytes, pm_cancel *cancel,
                           pm_error *err) {
    if (!pm_cut_before(&in->cut, in->text.bytes, in->o.n_fields, meta_bytes,
                       in->o.segment_tokens)) {
        return PM_OK;
    }
    if (in->n_chunks == in->max_chunks) {
        PM_TRY(take_batch(in, cancel, err));
    }
    in->n_chunks++;
    return PM_OK;
}

/* What is measured and checked of a row before anything of it is added; *meta_bytes:
 * what its key and values count as. */
static pm_status check_row(pm_intake *in, const pm_row *row, uint64_t *meta_bytes,
                           pm_error *err) {
    if (in->runs.n_rows + in->keys.n >= PM_END - 1) {
        return pm_fail(err, PM_LIMIT, "an index holds at most 2^32 - 2 documents");
    }
    PM_TRY(pm_metadata_check(&in->metadata, row, meta_bytes, err));
    PM_TRY(check_key(row->key, err));
    *meta_bytes += row->key.n;
    return PM_OK;
}

static pm_status check_text(pm_intake *in, const pm_row *row, pm_cancel *cancel,
                            pm_error *err) {
    pm_rowtext_rule rule = {in->o.fields, in->o.n_fields, in->o.segment_tokens,
                            in->o.analyzer};
    return pm_rowtext_take(&in->text, row->texts, &rule, cancel, err);
}

/* Adds a row that was checked; a full batch goes at once: it need not wait for the next
 * row. */
static pm_status add_row(pm_intake *in, const pm_row *row, uint64_t meta_bytes,
                         pm_cancel *cancel, pm_error *err) {
    PM_TRY(make_room(in, meta_bytes, cancel, err));
    pm_chunk *c = &in->chunks[in->n_chunks - 1];
    PM_TRY(pm_chunk_add(c, in->text.texts, in->o.n_fields, err));
    c->meta_bytes += meta_bytes;
    PM_TRY(pm_metadata_add(&in->metadata, row, err));
    PM_TRY(pm_rowkeys_add(&in->keys, row->key, err));
    in->n_docs++;
    in->text_bytes += in->text.bytes;
    in->replaced += in->text.replaced;
    for (uint32_t f = 0; f < in->o.n_fields; f++) {
        in->field_bytes[f] += in->text.texts[f].n;
    }
    return PM_OK;
}

/* A full batch at once: it need not wait for the next row. */
static pm_status take_full_batch(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    bool full = in->n_chunks == in->max_chunks && in->cut.bytes >= PM_CHUNK_BYTES;
    return full ? take_batch(in, cancel, err) : PM_OK;
}

static bool is_fatal(pm_status status) {
    return status == PM_NOMEM || status == PM_IO || status == PM_CANCELLED ||
           status == PM_INTERNAL || status == PM_CORRUPT;
}

static pm_status check_alive(const pm_intake *in, pm_error *err) {
    return in->dead ? pm_fail(err, PM_INVALID, "the build has failed or is finished")
                    : PM_OK;
}

static pm_status try_row(pm_intake *in, const pm_row *row, pm_cancel *cancel,
                         pm_error *err) {
    uint64_t meta_bytes;
    PM_TRY(check_row(in, row, &meta_bytes, err));
    PM_TRY(check_new(in, row->key, cancel, err));
    PM_TRY(check_text(in, row, cancel, err));
    pm_status status = add_row(in, row, meta_bytes, cancel, err);
    in->dead = status != PM_OK;
    return status;
}

pm_status pm_intake_add(pm_intake *in, const pm_row *rows, size_t n, size_t *n_added,
                        pm_cancel *cancel, pm_error *err) {
    *n_added = 0;
    PM_TRY(check_alive(in, err));
    for (size_t i = 0; i < n; i++) {
        pm_status status = try_row(in, &rows[i], cancel, err);
        if (status == PM_OK) {
            ++*n_added;
            status = take_full_batch(in, cancel, err);
            in->dead = status != PM_OK;
        }
        if (status != PM_OK) {
            in->dead = in->dead || is_fatal(status);
            return status;
        }
    }
    return PM_OK;
}

static pm_status remove_row(pm_intake *in, uint64_t row, pm_error *err) {
    uint64_t n_sealed = in->runs.n_rows;
    if (row < n_sealed) {
        return pm_runs_remove(&in->runs, row, err);
    }
    if (!pm_rowkeys_gone(&in->keys, (uint32_t)(row - n_sealed))) {
        pm_rowkeys_remove(&in->keys, (uint32_t)(row - n_sealed));
    }
    return PM_OK;
}

static pm_status replace_row(pm_intake *in, const pm_row *row, pm_cancel *cancel,
                             pm_error *err) {
    uint64_t meta_bytes, old;
    PM_TRY(check_row(in, row, &meta_bytes, err));
    PM_TRY(find_row(in, row->key, &old, cancel, err));
    PM_TRY(check_text(in, row, cancel, err));
    if (old != PM_END) {
        PM_TRY(remove_row(in, old, err));
    }
    pm_status status = add_row(in, row, meta_bytes, cancel, err);
    if (status == PM_OK) {
        status = take_full_batch(in, cancel, err);
    }
    in->dead = status != PM_OK;
    return status;
}

pm_status pm_intake_update(pm_intake *in, const pm_row *row, pm_cancel *cancel,
                           pm_error *err) {
    PM_TRY(check_alive(in, err));
    pm_status status = replace_row(in, row, cancel, err);
    in->dead = in->dead || is_fatal(status);
    return status;
}

pm_status pm_intake_find(pm_intake *in, pm_bytes key, uint64_t *doc, pm_error *err) {
    PM_TRY(check_alive(in, err));
    return find_row(in, key, doc, NULL, err);
}

pm_status pm_intake_remove(pm_intake *in, uint64_t doc, pm_error *err) {
    PM_TRY(check_alive(in, err));
    if (doc >= in->runs.n_rows + in->keys.n) {
        return pm_fail(err, PM_INVALID, "there is no row number %" PRIu64, doc);
    }
    return remove_row(in, doc, err);
}

/* ---- the end ---- */

static pm_status flush(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    PM_TRY(drain(in, cancel, err));
    PM_TRY(seal(in, false, cancel, err));
    return pm_runs_list(&in->runs, err);
}

pm_status pm_intake_flush(pm_intake *in, const pm_entry **entries,
                          const uint64_t *const **dead, uint32_t *n, pm_cancel *cancel,
                          pm_error *err) {
    PM_TRY(check_alive(in, err));
    pm_status status = flush(in, cancel, err);
    in->dead = status != PM_OK;
    *entries = in->runs.entries;
    *dead = in->runs.dead;
    *n = (uint32_t)in->runs.n;
    return status;
}

/* A draft that is all of its final segment is sealed as such. */
static pm_status finish(pm_intake *in, pm_arena *arena, pm_entry **entries, uint32_t *n,
                        pm_cancel *cancel, pm_error *err) {
    pm_merge how;
    PM_TRY(drain(in, cancel, err));
    PM_TRY(seal(in, in->group_positions == 0 && in->keys.n_gone == 0, cancel, err));
    pm_memory_trim();
    PM_TRY(merge_of(in, arena, cancel, &how, err));
    PM_TRY(pm_runs_finish(&in->runs, &how, in->o.next_file, entries, n, err));
    in->group++;
    in->group_positions = in->group_meta = 0;
    pm_memory_trim();
    return PM_OK;
}

pm_status pm_intake_finish(pm_intake *in, pm_entry **entries, uint32_t *n,
                           pm_cancel *cancel, pm_error *err) {
    pm_arena arena;
    *entries = NULL;
    *n = 0;
    PM_TRY(check_alive(in, err));
    pm_arena_init(&arena);
    pm_status status = finish(in, &arena, entries, n, cancel, err);
    pm_arena_release(&arena);
    in->dead = status != PM_OK;
    return status;
}

/* ---- facts ---- */

uint64_t pm_intake_replaced(const pm_intake *in) {
    return in->replaced + in->metadata.replaced;
}

uint64_t pm_intake_docs(const pm_intake *in) {
    return in->n_docs;
}

uint64_t pm_intake_text_bytes(const pm_intake *in) {
    return in->text_bytes;
}

const uint64_t *pm_intake_field_bytes(const pm_intake *in) {
    return in->field_bytes;
}
