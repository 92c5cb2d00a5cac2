/* From rows to the draft: rows are copied into chunks; a batch of full chunks is
 * digested in parallel, placed in order, settled in parallel. When the next chunk would
 * make the final segment larger than it may be, the draft is sealed; chunks of the batch
 * that were digested already are digested again, since their numbers belong to the
 * dictionaries of the sealed draft. Where batches end depends on threads and memory, and
 * nothing else does but when runs are sealed. */
#include "index/intake.h"

#include <inttypes.h>
#include <string.h>

#include "base/sys.h"
#include "index/intake_inner.h"
#include "text/utf8.h"

enum {
    MAX_THREADS = 256,
    FILTER_SHARE = 16,   /* of memory */
    CHUNKS_A_THREAD = 8, /* in a batch: enough that threads end about together */
    /* bytes: keys and dictionaries of a segment stay below 4 GB */
    MAX_SEGMENT_META = 0x7fffffff,
    DEFAULT_MEMORY = 1 << 30,
    LEAST_MEMORY = 1 << 20,
    THREAD_MEMORY = 16 << 20, /* a thread for so much */
    CHUNK_MEMORY = 8 << 20,   /* a chunk in flight for so much */
    ROW_MEMORY = 6,           /* for a byte of a large text */
    SHOWN_BYTES = 200
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
        PM_TRY(pm_intake_begin_run(in, err));
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
    pm_intake_settle(in);
    discount(in, *first);
    return pm_intake_complete(in, cancel, err);
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
    return pm_intake_spill_if_full(in, cancel, err);
}

/* All rows so far are in the draft or in runs. */
static pm_status drain(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    in->cut = (pm_cut){0, 0};
    PM_TRY(take_batch(in, cancel, err));
    pm_intake_settle(in);
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

/* Before a row that is much larger than a chunk the draft gives way, if both together
 * would not fit: nothing else can be spared for it. */
static pm_status make_way(pm_intake *in, pm_cancel *cancel, pm_error *err) {
    uint64_t needed = in->text.bytes * ROW_MEMORY;
    bool large = in->text.bytes > 2 * PM_CHUNK_BYTES;
    return large && in->draft.n_docs > 0 &&
                   pm_intake_peak(in) + needed > in->o.memory_bytes
               ? pm_intake_spill(in, cancel, err)
               : PM_OK;
}

/* The chunk that takes the row, in an empty batch if need be. */
static pm_status make_room(pm_intake *in, uint64_t meta_bytes, pm_cancel *cancel,
                           pm_error *err) {
    PM_TRY(make_way(in, cancel, err));
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
    PM_TRY(pm_intake_seal(in, false, cancel, err));
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
static pm_status finish(pm_intake *in, pm_entry **entries, uint32_t *n,
                        pm_cancel *cancel, pm_error *err) {
    PM_TRY(drain(in, cancel, err));
    bool whole = in->group_positions == 0 && in->keys.n_gone == 0;
    PM_TRY(pm_intake_seal(in, whole, cancel, err));
    pm_memory_trim();
    return pm_intake_end(in, entries, n, cancel, err);
}

pm_status pm_intake_finish(pm_intake *in, pm_entry **entries, uint32_t *n,
                           pm_cancel *cancel, pm_error *err) {
    *entries = NULL;
    *n = 0;
    PM_TRY(check_alive(in, err));
    pm_status status = finish(in, entries, n, cancel, err);
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
