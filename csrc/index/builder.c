/* Rows are copied into chunks; a batch of full chunks is digested in parallel, placed
 * in order, settled in parallel. When the next chunk would make the draft larger than a
 * segment may be, the draft is sealed; chunks of the batch that were digested already
 * are digested again, since their numbers belong to the dictionaries of the sealed
 * segment. Where batches end depends on the number of threads, and nothing else
 * does. */
#include "index/builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "index/publish.h"
#include "index/seal.h"
#include "text/utf8.h"

enum {
    MAX_THREADS = 256,
    CHUNKS_A_THREAD = 8, /* in a batch: enough that threads end about together */
    /* bytes: keys and dictionaries of a segment stay below 4 GB */
    MAX_DRAFT_META = 0x7fffffff,
    MAX_PATH_BYTES = 4096,
    TICK_TOKENS = 1024
};

struct pm_builder {
    pm_arena arena; /* copies of the options */
    pm_site site;
    pm_analyzer *analyzer;
    const char *date_column, *key_column;
    const char **fields;
    uint64_t *field_bytes; /* [n_fields] text given */
    uint32_t n_fields;
    uint32_t segment_tokens, retain;
    unsigned threads;
    bool store, dead;
    pm_metadata metadata;
    pm_chunk *chunks; /* [max_chunks]; the last of n_chunks is open */
    size_t n_chunks, max_chunks;
    bool open;              /* the last chunk takes documents */
    pm_digester *digesters; /* [threads] */
    pm_surfaces **dictionaries;
    pm_draft draft;
    /* of the draft's file; texts go there as chunks settle */
    pm_container_writer writer;
    bool writing; /* it is open */
    char segment_name[32];
    pm_positions positions;
    pm_manifest_file *files; /* sealed segments */
    pm_manifest_segment *segments;
    size_t n_segments, files_capacity, segments_capacity;
    uint64_t replaced, text_bytes;
};

/* ---- options ---- */

static pm_status check_name(const char *what, const char *name, pm_error *err) {
    size_t n = strlen(name);
    if (n == 0) {
        return pm_fail(err, PM_INVALID, "the name of a %s is empty", what);
    }
    if (n > PM_MAX_KEY_BYTES || !pm_utf8_valid((pm_bytes){(const uint8_t *)name, n})) {
        return pm_fail(err, PM_INVALID,
                       "the name of a %s is too long or not valid UTF-8", what);
    }
    return PM_OK;
}

static bool has_field(const pm_builder *b, uint32_t n, const char *name) {
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(b->fields[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static pm_status keep_string(pm_builder *b, const char *s, const char **out,
                             pm_error *err) {
    *out = pm_arena_copy(&b->arena, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
    return *out != NULL ? PM_OK : pm_fail_nomem(err, 1);
}

static pm_status keep_fields(pm_builder *b, const pm_build_options *o, pm_error *err) {
    if (o->n_fields < 1 || o->n_fields > PM_MAX_FIELDS) {
        return pm_fail(err, PM_INVALID,
                       "%" PRIu32 " text fields; there must be 1 to %d", o->n_fields,
                       PM_MAX_FIELDS);
    }
    b->n_fields = o->n_fields;
    b->fields = pm_arena_array(&b->arena, o->n_fields, sizeof *b->fields);
    b->field_bytes = pm_arena_array(&b->arena, o->n_fields, sizeof *b->field_bytes);
    if (b->fields == NULL || b->field_bytes == NULL) {
        return pm_fail_nomem(err, o->n_fields * sizeof *b->fields);
    }
    for (uint32_t i = 0; i < o->n_fields; i++) {
        PM_TRY(check_name("text field", o->fields[i], err));
        if (has_field(b, i, o->fields[i])) {
            return pm_fail(err, PM_INVALID, "text field \"%s\" is named twice",
                           o->fields[i]);
        }
        PM_TRY(keep_string(b, o->fields[i], &b->fields[i], err));
    }
    return PM_OK;
}

static pm_status keep_options(pm_builder *b, const pm_build_options *o, pm_error *err) {
    PM_TRY(keep_fields(b, o, err));
    PM_TRY(keep_string(b, o->date_column, &b->date_column, err));
    PM_TRY(keep_string(b, o->key_column, &b->key_column, err));
    b->store = o->store;
    b->threads = o->threads != 0 ? o->threads : pm_cpu_count();
    b->threads = b->threads < MAX_THREADS ? b->threads : MAX_THREADS;
    b->retain = o->retain != 0 ? o->retain : PM_RETAIN;
    b->segment_tokens = o->segment_tokens != 0 ? o->segment_tokens : PM_MAX_POSITIONS;
    if (b->segment_tokens > PM_MAX_POSITIONS || b->segment_tokens < b->n_fields) {
        return pm_fail(err, PM_INVALID,
                       "segment_tokens is %" PRIu32
                       "; it must be at least the number of fields and at most %d",
                       b->segment_tokens, PM_MAX_POSITIONS);
    }
    return PM_OK;
}

/* ---- life ---- */

/* On one thread a chunk is digested as soon as it is full, while it is in the cache.
 * With small segments a batch is a part of one, so that little is digested twice. */
static size_t batch_size(const pm_builder *b) {
    size_t n = b->threads > 1 ? (size_t)b->threads * CHUNKS_A_THREAD : 1;
    size_t part = b->segment_tokens / 2 / PM_CHUNK_BYTES + 1;
    return n < part ? n : part;
}

static pm_status make_workers(pm_builder *b, pm_error *err) {
    size_t n = batch_size(b);
    b->chunks = pm_arena_array(&b->arena, n, sizeof *b->chunks);
    b->digesters = pm_arena_array(&b->arena, b->threads, sizeof *b->digesters);
    b->dictionaries = pm_arena_array(&b->arena, b->threads, sizeof *b->dictionaries);
    if (b->chunks == NULL || b->digesters == NULL || b->dictionaries == NULL) {
        return pm_fail_nomem(err, n * sizeof *b->chunks);
    }
    b->max_chunks = n;
    for (size_t i = 0; i < n; i++) {
        pm_chunk_init(&b->chunks[i]);
    }
    for (unsigned i = 0; i < b->threads; i++) {
        b->dictionaries[i] = &b->digesters[i].surfaces;
        PM_TRY(pm_digester_init(&b->digesters[i], b->store, err));
    }
    return PM_OK;
}

static pm_status set_up(pm_builder *b, const char *path, const pm_build_options *o,
                        pm_error *err) {
    PM_TRY(keep_options(b, o, err));
    PM_TRY(pm_analyzer_new(o->lang, &b->analyzer, err));
    PM_TRY(make_workers(b, err));
    pm_draft_init(&b->draft, b->n_fields, b->store);
    return pm_site_open(&b->site, path, o->if_exists, err);
}

pm_status pm_builder_new(const char *path, const pm_build_options *options,
                         pm_builder **out, pm_error *err) {
    pm_builder *b = pm_calloc(1, sizeof *b);
    *out = NULL;
    if (b == NULL) {
        return pm_fail_nomem(err, sizeof *b);
    }
    pm_arena_init(&b->arena);
    pm_metadata_init(&b->metadata);
    pm_status status = set_up(b, path, options, err);
    if (status != PM_OK) {
        pm_builder_free(b);
        return status;
    }
    *out = b;
    return PM_OK;
}

void pm_builder_free(pm_builder *b) {
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->max_chunks; i++) {
        pm_chunk_release(&b->chunks[i]);
    }
    for (unsigned i = 0; b->digesters != NULL && i < b->threads; i++) {
        pm_digester_release(&b->digesters[i]);
    }
    if (b->writing) {
        pm_container_abandon(&b->writer, NULL);
    }
    pm_draft_release(&b->draft);
    pm_metadata_release(&b->metadata);
    pm_free(b->positions.at);
    pm_free(b->files);
    pm_free(b->segments);
    if (b->analyzer != NULL) {
        pm_analyzer_free(b->analyzer);
    }
    pm_site_close(&b->site);
    pm_arena_release(&b->arena);
    pm_free(b);
}

/* ---- sealing ---- */

static pm_status note_segment(pm_builder *b, const pm_manifest_file *f, pm_error *err) {
    if (!PM_GROW(b->files, b->n_segments, b->files_capacity, 1) ||
        !PM_GROW(b->segments, b->n_segments, b->segments_capacity, 1)) {
        return pm_fail_nomem(err, (b->n_segments + 1) * sizeof *b->files);
    }
    const pm_draft *d = &b->draft;
    b->files[b->n_segments] = *f;
    b->segments[b->n_segments] =
        (pm_manifest_segment){.file = (uint32_t)b->n_segments,
                              .n_docs = d->n_docs,
                              .n_tokens = d->n_positions - d->n_units,
                              .removals = PM_END};
    b->n_segments++;
    return PM_OK;
}

/* The draft's file, once it has a chunk. */
static pm_status begin_segment(pm_builder *b, pm_error *err) {
    char path[MAX_PATH_BYTES];
    snprintf(b->segment_name, sizeof b->segment_name, "%010zu.seg", b->n_segments + 1);
    PM_TRY(pm_path_join(path, sizeof path, b->site.directory, b->segment_name, err));
    PM_TRY(pm_seal_begin(&b->writer, path, b->store, err));
    b->writing = true;
    return PM_OK;
}

static pm_status finish_segment(pm_builder *b, const pm_metadata_view *metadata,
                                pm_cancel *cancel, pm_error *err) {
    pm_manifest_file f = {.size = 0};
    memcpy(f.name, b->segment_name, sizeof b->segment_name);
    pm_seal seal = {.draft = &b->draft,
                    .dictionaries = b->dictionaries,
                    .n_dictionaries = b->threads,
                    .threads = b->threads,
                    .analyzer = b->analyzer,
                    .fields = b->fields,
                    .metadata = metadata,
                    .positions = &b->positions,
                    .cancel = cancel};
    b->writing = false; /* closed in any case */
    PM_TRY(pm_seal_finish(&seal, &b->writer, &f.size, &f.hash, err));
    return note_segment(b, &f, err);
}

/* Writes the draft as a segment; the builder stands before an empty one then. The
 * dictionaries are settled. */
static pm_status seal(pm_builder *b, bool last, pm_cancel *cancel, pm_error *err) {
    pm_metadata_view view;
    pm_status status =
        pm_metadata_look(&b->metadata, b->draft.n_docs, last, &view, err);
    if (status == PM_OK) {
        status = finish_segment(b, &view, cancel, err);
    }
    pm_metadata_view_release(&view);
    PM_TRY(status);
    PM_TRY(pm_metadata_advance(&b->metadata, b->draft.n_docs, err));
    pm_draft_clear(&b->draft);
    for (unsigned i = 0; i < b->threads; i++) {
        pm_surfaces_clear(b->dictionaries[i]);
    }
    return PM_OK;
}

/* ---- batches ---- */

typedef struct batch {
    pm_builder *b;
    size_t first, first_run, n;
} batch;

static pm_status digest_one(void *ctx, size_t i, unsigned worker, pm_error *err) {
    const batch *t = ctx;
    pm_builder *b = t->b;
    return pm_chunk_digest(&b->chunks[t->first + i], &b->digesters[worker], worker,
                           b->analyzer, err);
}

/* Compressed texts in the order of chunks. A failed write is sticky; take_chunks
 * looks. */
static void write_texts(const batch *t) {
    for (size_t i = 0; t->b->store && i < t->n; i++) {
        const pm_chunk *c = &t->b->chunks[t->first + i];
        pm_container_put(&t->b->writer, c->packed.p, c->packed.n);
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
        pm_draft_settle(&t->b->draft, t->first_run + i - 1,
                        &t->b->chunks[t->first + i - 1]);
    }
    return PM_OK;
}

static bool fits(const pm_builder *b, const pm_chunk *c, uint64_t positions,
                 uint64_t meta) {
    return positions + c->n_positions <= b->segment_tokens &&
           meta + c->meta_bytes <= MAX_DRAFT_META;
}

/* How many of the chunks from first on the draft can take. */
static size_t count_fitting(const pm_builder *b, size_t first) {
    uint64_t positions = b->draft.n_positions, meta = b->draft.meta_bytes;
    size_t n = 0;
    while (first + n < b->n_chunks && fits(b, &b->chunks[first + n], positions, meta)) {
        positions += b->chunks[first + n].n_positions;
        meta += b->chunks[first + n].meta_bytes;
        n++;
    }
    return n;
}

static void note_text(pm_builder *b, const pm_chunk *c) {
    for (size_t u = 0; u < c->n_units; u++) {
        b->field_bytes[u % b->n_fields] += c->unit_bytes[u];
    }
    b->replaced += c->replaced;
}

static void settle_dictionaries(pm_builder *b) {
    for (unsigned i = 0; i < b->threads; i++) {
        pm_surfaces_settle(b->dictionaries[i]);
    }
}

/* Digested chunks from `first` on that the draft did not take: their words are none of
 * this segment. */
static void discount(pm_builder *b, size_t first) {
    for (size_t i = first; i < b->n_chunks; i++) {
        const pm_chunk *c = &b->chunks[i];
        pm_surfaces_discount(b->dictionaries[c->worker], c->ids, c->n_positions);
    }
}

/* Moves digested chunks to the draft and its file. */
static pm_status place_chunks(batch *t, pm_cancel *cancel, pm_error *err) {
    pm_builder *b = t->b;
    if (t->n > 0 && !b->writing) {
        PM_TRY(begin_segment(b, err));
    }
    PM_TRY(pm_draft_place(&b->draft, b->chunks + t->first, t->n, &t->first_run, err));
    PM_TRY(pm_parallel_for(t->n + 1, b->threads, write_or_settle, t, cancel, err));
    for (size_t i = 0; i < t->n; i++) {
        note_text(b, &b->chunks[t->first + i]);
    }
    if (b->writing && b->writer.status != PM_OK) {
        if (err != NULL) {
            *err = b->writer.error;
        }
        return b->writer.status;
    }
    return PM_OK;
}

/* Digests the chunks from *first on and moves those that fit into the draft; seals it
 * if some do not. */
static pm_status take_chunks(pm_builder *b, size_t *first, pm_cancel *cancel,
                             pm_error *err) {
    batch t = {.b = b, .first = *first};
    PM_TRY(
        pm_parallel_for(b->n_chunks - *first, b->threads, digest_one, &t, cancel, err));
    t.n = count_fitting(b, *first);
    PM_TRY(place_chunks(&t, cancel, err));
    *first += t.n;
    if (*first == b->n_chunks) {
        return PM_OK;
    }
    if (b->draft.n_docs == 0) {
        return pm_fail(err, PM_INTERNAL, "a chunk is larger than a segment");
    }
    settle_dictionaries(b);
    discount(b, *first);
    return seal(b, false, cancel, err);
}

static pm_status flush(pm_builder *b, pm_cancel *cancel, pm_error *err) {
    size_t first = 0;
    while (first < b->n_chunks) {
        PM_TRY(take_chunks(b, &first, cancel, err));
    }
    for (size_t i = 0; i < b->n_chunks; i++) {
        pm_chunk_clear(&b->chunks[i]);
    }
    b->n_chunks = 0;
    return PM_OK;
}

/* ---- rows ---- */

pm_status pm_builder_column(pm_builder *b, const char *name, pm_value_kind kind,
                            uint32_t *column, pm_error *err) {
    PM_TRY(check_name("column", name, err));
    if (has_field(b, b->n_fields, name)) {
        return pm_fail(err, PM_INVALID,
                       "\"%s\" is a text field and cannot be a column too", name);
    }
    return pm_metadata_column(&b->metadata, name, kind, column, err);
}

static pm_status count_tokens(const pm_builder *b, pm_bytes text, uint64_t *n,
                              pm_cancel *cancel, pm_error *err) {
    pm_token t;
    for (size_t at = 0; pm_token_next(b->analyzer, text.p, text.n, &at, &t);) {
        if (++*n % TICK_TOKENS == 0 && pm_cancel_tick(cancel, TICK_TOKENS * 20)) {
            return pm_fail(err, PM_CANCELLED, "cancelled by the caller");
        }
    }
    return PM_OK;
}

/* Positions of a document that may be too large, by tokenising it. */
static pm_status count_positions(const pm_builder *b, const pm_row *row, uint64_t *n,
                                 pm_cancel *cancel, pm_error *err) {
    pm_buf clean;
    pm_buf_init(&clean);
    pm_status status = PM_OK;
    *n = b->n_fields;
    for (uint32_t f = 0; status == PM_OK && f < b->n_fields; f++) {
        size_t replaced = 0;
        pm_buf_clear(&clean);
        pm_utf8_sanitize(row->texts[f], &clean, &replaced);
        status = pm_buf_status(&clean, err);
        if (status == PM_OK) {
            status = count_tokens(b, pm_buf_bytes(&clean), n, cancel, err);
        }
    }
    pm_buf_release(&clean);
    return status;
}

static pm_status too_large(const pm_builder *b, uint64_t positions, pm_error *err) {
    pm_fail(err, PM_LIMIT,
            "the document takes %" PRIu64 " positions; a segment holds %" PRIu32,
            positions, b->segment_tokens);
    pm_error_hint(err, b->segment_tokens < PM_MAX_POSITIONS
                           ? "raise pm.limits.segment_tokens"
                           : "split the document");
    return PM_LIMIT;
}

/* Positions of a document at most: a token has a byte, a text its sentinel. */
static uint64_t bound_of(const pm_builder *b, const pm_row *row) {
    uint64_t bound = b->n_fields;
    for (uint32_t f = 0; f < b->n_fields; f++) {
        bound += row->texts[f].n;
    }
    return bound;
}

static pm_status check_texts(const pm_builder *b, const pm_row *row, pm_cancel *cancel,
                             pm_error *err) {
    for (uint32_t f = 0; f < b->n_fields; f++) {
        if (row->texts[f].n > PM_MAX_TEXT_BYTES) {
            return pm_fail(err, PM_LIMIT,
                           "the text of field \"%s\" has %zu bytes; the limit is %d",
                           b->fields[f], row->texts[f].n, PM_MAX_TEXT_BYTES);
        }
    }
    if (bound_of(b, row) <= b->segment_tokens) {
        return PM_OK;
    }
    uint64_t n;
    PM_TRY(count_positions(b, row, &n, cancel, err));
    return n <= b->segment_tokens ? PM_OK : too_large(b, n, err);
}

static bool is_full(const pm_chunk *c) {
    return c->text.n + c->meta_bytes >= PM_CHUNK_BYTES;
}

/* The open chunk with room for a document of so many positions, in an empty batch if
 * need be. */
static pm_status make_room(pm_builder *b, uint64_t bound, pm_cancel *cancel,
                           pm_error *err) {
    if (b->open && b->chunks[b->n_chunks - 1].bound + bound <= b->segment_tokens) {
        return PM_OK;
    }
    if (b->n_chunks == b->max_chunks) {
        PM_TRY(flush(b, cancel, err));
    }
    b->n_chunks++;
    b->open = true;
    return PM_OK;
}

static pm_status add_row(pm_builder *b, const pm_row *row, uint64_t meta_bytes,
                         pm_cancel *cancel, pm_error *err) {
    uint64_t bound = bound_of(b, row);
    PM_TRY(make_room(b, bound, cancel, err));
    pm_chunk *c = &b->chunks[b->n_chunks - 1];
    PM_TRY(pm_chunk_add(c, row->texts, b->n_fields, err));
    PM_TRY(pm_metadata_add(&b->metadata, row, err));
    c->meta_bytes += meta_bytes;
    b->text_bytes += bound - b->n_fields;
    if (is_full(c)) {
        b->open = false;
    }
    return PM_OK;
}

static pm_status check_row(const pm_builder *b, const pm_row *row, uint64_t *meta_bytes,
                           pm_cancel *cancel, pm_error *err) {
    if (b->metadata.n_docs >= PM_END - 1) {
        return pm_fail(err, PM_LIMIT, "an index holds at most 2^32 - 2 documents");
    }
    PM_TRY(pm_metadata_check(&b->metadata, row, meta_bytes, err));
    return check_texts(b, row, cancel, err);
}

/* A full batch at once: it need not wait for the next row. */
static pm_status flush_full(pm_builder *b, pm_cancel *cancel, pm_error *err) {
    return !b->open && b->n_chunks == b->max_chunks ? flush(b, cancel, err) : PM_OK;
}

static bool is_fatal(pm_status status) {
    return status == PM_NOMEM || status == PM_IO || status == PM_CANCELLED ||
           status == PM_INTERNAL;
}

static pm_status check_alive(const pm_builder *b, pm_error *err) {
    return b->dead ? pm_fail(err, PM_INVALID, "the build has failed or is finished")
                   : PM_OK;
}

pm_status pm_builder_add(pm_builder *b, const pm_row *rows, size_t n, size_t *n_added,
                         pm_cancel *cancel, pm_error *err) {
    *n_added = 0;
    PM_TRY(check_alive(b, err));
    for (size_t i = 0; i < n; i++) {
        uint64_t meta_bytes;
        pm_status status = check_row(b, &rows[i], &meta_bytes, cancel, err);
        if (status != PM_OK) {
            b->dead = is_fatal(status);
            return status;
        }
        status = add_row(b, &rows[i], meta_bytes, cancel, err);
        *n_added += status == PM_OK;
        if (status == PM_OK) {
            status = flush_full(b, cancel, err);
        }
        if (status != PM_OK) {
            b->dead = true;
            return status;
        }
    }
    return PM_OK;
}

uint64_t pm_builder_replaced(const pm_builder *b) {
    return b->replaced + b->metadata.replaced;
}

uint64_t pm_builder_docs(const pm_builder *b) {
    return b->metadata.n_docs;
}

uint64_t pm_builder_text_bytes(const pm_builder *b) {
    return b->text_bytes;
}

/* ---- finishing ---- */

static const char *main_field(const pm_builder *b) {
    uint32_t best = 0;
    for (uint32_t f = 1; f < b->n_fields; f++) {
        if (b->field_bytes[f] > b->field_bytes[best]) {
            best = f;
        }
    }
    return b->fields[best];
}

static char *unconst(const char *s) {
    /* the manifest owns its strings only when it was read */
    return (char *)(uintptr_t)s;
}

static pm_status publish(pm_builder *b, pm_error *err) {
    pm_generation generation = {.number = 1,
                                .fingerprint = pm_analyzer_fingerprint(b->analyzer),
                                .n_segments = (uint32_t)b->n_segments,
                                .segments = b->segments};
    char *fields[PM_MAX_FIELDS];
    for (uint32_t f = 0; f < b->n_fields; f++) {
        fields[f] = unconst(b->fields[f]);
    }
    pm_manifest m = {.lang = unconst(pm_analyzer_lang(b->analyzer)),
                     .main_field = unconst(main_field(b)),
                     .date_column = unconst(b->date_column),
                     .key_column = unconst(b->key_column),
                     .n_fields = b->n_fields,
                     .fields = fields,
                     .store = b->store,
                     .next_file = b->n_segments + 1,
                     .retain = b->retain,
                     .retain_seconds = PM_RETAIN_SECONDS,
                     .n_files = (uint32_t)b->n_segments,
                     .n_generations = 1,
                     .files = b->files,
                     .generations = &generation};
    return pm_site_publish(&b->site, &m, err);
}

static pm_status finish(pm_builder *b, pm_cancel *cancel, pm_error *err) {
    PM_TRY(flush(b, cancel, err));
    settle_dictionaries(b);
    if (b->draft.n_docs > 0) {
        PM_TRY(seal(b, true, cancel, err));
    }
    if (cancel != NULL && pm_cancel_look(cancel)) {
        return pm_fail(err, PM_CANCELLED, "cancelled by the caller");
    }
    return publish(b, err);
}

pm_status pm_builder_finish(pm_builder *b, pm_cancel *cancel, pm_error *err) {
    PM_TRY(check_alive(b, err));
    b->dead = true;
    return finish(b, cancel, err);
}
