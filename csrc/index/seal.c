/* Inversion is one counting sort: every group's place in the position array is known
 * from its count, so positions are dropped there in one pass over the stream, in order.
 * On several threads the stream is cut into as many ranges, each of which first counts
 * its groups, so that its places in every group are known too. */
#include "index/seal.h"

#include <string.h>

#include "base/sys.h"
#include "base/types.h"
#include "format/bounds.h"
#include "format/columns.h"
#include "format/keys.h"
#include "format/postings.h"
#include "format/segment.h"
#include "format/store.h"
#include "format/stream.h"
#include "format/zones.h"
#include "index/vocabulary.h"

enum { MIN_RANGE = 1 << 16, TICK_POSITIONS = 1 << 16, POSITION_NS = 6 };
enum { PAGE_BYTES = 4096, PAGE_NS = 500 };
/* Bytes that sealing takes at most, by measurement. */
enum {
    KEY_MEMORY = 88,         /* a key, sorted and coded */
    WORD_MEMORY = 240,       /* a distinct word, while words are ordered */
    PLACE_MEMORY = 32,       /* a distinct word, while positions are */
    DOC_MEMORY = 24,         /* a document, while positions are */
    ENCODER_MEMORY = 4 << 20 /* a thread that encodes lists */
};

/* ---- inversion ---- */

typedef struct inversion {
    const pm_seal *s;
    const pm_vocabulary *v;
    pm_container_writer *w;
    unsigned n_ranges;
    uint32_t *cursors; /* [n_ranges][n_groups] counts, then places */
    uint32_t *positions;
} inversion;

static uint32_t range_start(const inversion *inv, size_t r) {
    return (uint32_t)((uint64_t)inv->s->draft->n_positions * r / inv->n_ranges);
}

static uint32_t *range_cursors(const inversion *inv, size_t r) {
    return inv->cursors + r * inv->v->lexicon.n_groups;
}

/* Last piece that begins at or before pos. */
static size_t piece_at(const pm_draft *d, uint32_t pos) {
    size_t lo = 0, hi = d->n_pieces;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (d->pieces[mid].start <= pos) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static uint32_t piece_end(const pm_draft *d, size_t piece, uint32_t limit) {
    uint32_t end =
        piece + 1 < d->n_pieces ? d->pieces[piece + 1].start : d->n_positions;
    return end < limit ? end : limit;
}

/* Renumbers [lo, hi) and counts groups. */
static void renumber_and_count(uint32_t *stream, const pm_number *numbers, uint32_t lo,
                               uint32_t hi, uint32_t *counts) {
    for (uint32_t i = lo; i < hi; i++) {
        if (stream[i] != PM_END) {
            pm_number n = numbers[stream[i]];
            stream[i] = n.id;
            counts[n.group]++;
        }
    }
}

/* Renumbers [lo, hi) and drops the positions in their places. */
static void renumber_and_drop(uint32_t *stream, const pm_number *numbers, uint32_t lo,
                              uint32_t hi, uint32_t *cursors, uint32_t *positions) {
    for (uint32_t i = lo; i < hi; i++) {
        if (stream[i] != PM_END) {
            pm_number n = numbers[stream[i]];
            stream[i] = n.id;
            positions[cursors[n.group]++] = i;
        }
    }
}

static bool must_stop(const inversion *inv) {
    pm_cancel *c = inv->s->cancel;
    return inv->n_ranges == 1 ? pm_cancel_tick(c, TICK_POSITIONS * POSITION_NS)
                              : pm_cancel_stopped(c);
}

/* First pass over a range; with one range it is the only one. */
static pm_status renumber_range(void *ctx, size_t r, unsigned worker, pm_error *err) {
    const inversion *inv = ctx;
    const pm_draft *d = inv->s->draft;
    uint32_t at = range_start(inv, r), end = range_start(inv, r + 1);
    uint32_t *cursors = range_cursors(inv, r);
    (void)worker;
    for (size_t piece = piece_at(d, at); at < end; piece++) {
        uint32_t to = piece_end(d, piece, end);
        const pm_number *numbers = inv->v->numbers[d->pieces[piece].worker];
        if (must_stop(inv)) {
            return pm_fail(err, PM_CANCELLED, "cancelled by the caller");
        }
        if (inv->n_ranges == 1) {
            renumber_and_drop(d->stream, numbers, at, to, cursors, inv->positions);
        } else {
            renumber_and_count(d->stream, numbers, at, to, cursors);
        }
        at = to;
    }
    return PM_OK;
}

static pm_status drop_range(void *ctx, size_t r, unsigned worker, pm_error *err) {
    const inversion *inv = ctx;
    uint32_t *cursors = range_cursors(inv, r);
    uint32_t lo = range_start(inv, r), hi = range_start(inv, r + 1);
    (void)worker;
    for (uint32_t i = lo; i < hi; i++) {
        if (i % TICK_POSITIONS == 0 && must_stop(inv)) {
            return pm_fail(err, PM_CANCELLED, "cancelled by the caller");
        }
        uint32_t id = inv->s->draft->stream[i];
        if (id != PM_END) {
            inv->positions[cursors[inv->v->id_groups[id]]++] = i;
        }
    }
    return PM_OK;
}

/* Counts of ranges become the places where each range's positions of a group begin. */
static void place_cursors(const inversion *inv) {
    for (uint32_t g = 0; g < inv->v->lexicon.n_groups; g++) {
        uint32_t at = (uint32_t)inv->v->group_starts[g];
        for (unsigned r = 0; r < inv->n_ranges; r++) {
            uint32_t *cursor = range_cursors(inv, r) + g;
            uint32_t n = *cursor;
            *cursor = at;
            at += n;
        }
    }
}

static pm_status write_stream(const inversion *inv, pm_error *err) {
    const pm_draft *d = inv->s->draft;
    pm_stream_writer *out;
    pm_status status = PM_OK;
    PM_TRY(pm_stream_begin(inv->w, &out, err));
    for (uint32_t at = 0; at < d->n_positions && status == PM_OK;) {
        uint32_t left = d->n_positions - at;
        uint32_t n = left < TICK_POSITIONS ? left : TICK_POSITIONS;
        pm_stream_put(out, d->stream + at, n);
        at += n;
        if (must_stop(inv)) {
            status = pm_fail(err, PM_CANCELLED, "cancelled by the caller");
        }
    }
    pm_status ended = pm_stream_end(out, status == PM_OK ? err : NULL);
    return status != PM_OK ? status : ended;
}

/* The stream is final by now: one thread writes it while the others drop positions. */
static pm_status write_or_drop(void *ctx, size_t i, unsigned worker, pm_error *err) {
    return i == 0 ? write_stream(ctx, err) : drop_range(ctx, i - 1, worker, err);
}

/* Positions are dropped all over the array from the first on; the system would clear all
 * of its pages then, without a look at whether to stop. */
static pm_status touch_positions(const inversion *inv, size_t n, pm_error *err) {
    for (size_t i = 0; i < n; i += PAGE_BYTES / sizeof *inv->positions) {
        inv->positions[i] = 0;
        PM_TRY(pm_cancel_check(inv->s->cancel, PAGE_NS, err));
    }
    return PM_OK;
}

static pm_status run_inversion(inversion *inv, pm_error *err) {
    const pm_seal *s = inv->s;
    if (inv->n_ranges == 1) {
        place_cursors(inv);
        PM_TRY(pm_parallel_for(1, 1, renumber_range, inv, s->cancel, err));
        return write_stream(inv, err);
    }
    PM_TRY(pm_parallel_for(inv->n_ranges, s->threads, renumber_range, inv, s->cancel,
                           err));
    place_cursors(inv);
    return pm_parallel_for(inv->n_ranges + 1, s->threads, write_or_drop, inv, s->cancel,
                           err);
}

/* Renumbers the stream and writes it; *positions: of pm_pages_alloc. */
static pm_status invert(const pm_seal *s, const pm_vocabulary *v,
                        pm_container_writer *w, uint32_t **positions, pm_error *err) {
    inversion inv = {.s = s, .v = v, .w = w, .n_ranges = s->threads};
    uint32_t n = s->draft->n_positions;
    if (n / MIN_RANGE < inv.n_ranges) {
        inv.n_ranges = n / MIN_RANGE > 0 ? n / MIN_RANGE : 1;
    }
    size_t n_tokens = n - s->draft->n_units;
    *positions = inv.positions = pm_pages_alloc(n_tokens, sizeof *inv.positions);
    if (inv.positions == NULL) {
        return pm_fail_nomem(err, n_tokens * sizeof *inv.positions);
    }
    inv.cursors =
        pm_calloc((size_t)inv.n_ranges * v->lexicon.n_groups, sizeof *inv.cursors);
    if (inv.cursors == NULL) {
        return pm_fail_nomem(err, (size_t)inv.n_ranges * v->lexicon.n_groups *
                                      sizeof *inv.cursors);
    }
    pm_status status = touch_positions(&inv, n_tokens, err);
    if (status == PM_OK) {
        status = run_inversion(&inv, err);
    }
    pm_free(inv.cursors);
    return status;
}

/* ---- sections ---- */

static pm_status finish_store(pm_container_writer *w, const pm_draft *d,
                              pm_error *err) {
    pm_store_data data = {
        .text_starts = d->text_starts,
        .n_units = d->n_units,
        .blocks = d->blocks,
        .n_blocks = d->n_blocks,
        .checkpoints = d->checkpoints,
        .n_checkpoints = ((size_t)d->n_positions + PM_CHECKPOINT - 1) / PM_CHECKPOINT};
    return pm_store_finish(w, &data, err);
}

static pm_status write_zones(pm_container_writer *w, const pm_draft *d, pm_error *err) {
    pm_zones_data data = {.n_positions = d->n_positions,
                          .sentences = d->sentences,
                          .paragraphs = d->paragraphs,
                          .quote_starts = d->quote_starts,
                          .quote_lengths = d->quote_lengths,
                          .n_quotes = (uint32_t)d->n_quotes};
    return pm_zones_write(w, &data, err);
}

static pm_status write_postings(pm_container_writer *w, const pm_seal *s,
                                const pm_vocabulary *v, const uint32_t *positions,
                                pm_error *err) {
    pm_postings_data data = {.n_groups = v->lexicon.n_groups,
                             .n_docs = s->draft->n_docs,
                             .n_fields = s->draft->n_fields,
                             .starts = v->group_starts,
                             .positions = positions,
                             .unit_starts = s->draft->unit_starts,
                             .threads = s->threads};
    return pm_postings_write(w, &data, err);
}

static pm_status write_places(pm_container_writer *w, const pm_seal *s,
                              const pm_vocabulary *v, pm_error *err) {
    uint32_t *positions = NULL;
    w->cancel = NULL; /* the stream may be put by a worker */
    pm_status status = invert(s, v, w, &positions, err);
    w->cancel = s->cancel;
    if (status == PM_OK) {
        status = write_postings(w, s, v, positions, err);
    }
    size_t n_tokens = s->draft->n_positions - s->draft->n_units;
    pm_pages_free(positions, n_tokens, sizeof *positions);
    return status;
}

static pm_status write_info(pm_container_writer *w, const pm_seal *s,
                            const pm_vocabulary *v, pm_error *err) {
    const char *lang = pm_analyzer_lang(s->analyzer);
    pm_segment_info info = {.n_docs = s->draft->n_docs,
                            .n_fields = s->draft->n_fields,
                            .n_positions = s->draft->n_positions,
                            .n_groups = v->lexicon.n_groups,
                            .n_forms = v->lexicon.n_forms,
                            .n_ids = v->lexicon.n_ids,
                            .n_tokens = s->draft->n_positions - s->draft->n_units,
                            .fingerprint = pm_analyzer_fingerprint(s->analyzer),
                            .lang = {(const uint8_t *)lang, strlen(lang)}};
    for (uint32_t f = 0; f < info.n_fields; f++) {
        info.fields[f] =
            (pm_bytes){(const uint8_t *)s->fields[f], strlen(s->fields[f])};
    }
    return pm_segment_info_write(w, &info, err);
}

static pm_status write_documents(pm_container_writer *w, const pm_seal *s,
                                 pm_error *err) {
    const pm_metadata_view *m = s->metadata;
    if (s->draft->store) {
        PM_TRY(finish_store(w, s->draft, err));
    }
    PM_TRY(pm_keys_write(w, s->keys, m->n_docs, err));
    PM_TRY(pm_columns_write(w, m->columns, m->n_columns, m->n_docs, err));
    PM_TRY(pm_bounds_write(w, s->draft->unit_starts, s->draft->n_units, err));
    return write_zones(w, s->draft, err);
}

static pm_status write_words(pm_container_writer *w, const pm_seal *s, pm_vocabulary *v,
                             pm_error *err) {
    PM_TRY(pm_vocabulary_make(v, s->dictionaries, s->n_dictionaries, s->analyzer,
                              s->threads, s->cancel, err));
    PM_TRY(pm_lexicon_write(w, &v->lexicon, err));
    pm_vocabulary_drop_words(v);
    pm_memory_trim(); /* positions are one block, which finds no room among those */
    PM_TRY(write_places(w, s, v, err));
    return write_info(w, s, v, err);
}

/* ---- memory ---- */

uint64_t pm_seal_memory(const pm_draft *d, pm_surfaces *const *dictionaries,
                        unsigned n_dictionaries, uint64_t key_bytes, unsigned threads) {
    uint64_t n_words = 0, word_bytes = 0;
    for (unsigned i = 0; i < n_dictionaries; i++) {
        n_words += dictionaries[i]->n;
        word_bytes += dictionaries[i]->bytes.n;
    }
    uint64_t keys = d->n_docs * (uint64_t)KEY_MEMORY + 2 * key_bytes;
    uint64_t words = n_words * WORD_MEMORY + 2 * word_bytes;
    uint64_t places = (uint64_t)d->n_positions * sizeof(uint32_t) +
                      n_words * (PLACE_MEMORY + threads * sizeof(uint32_t)) +
                      d->n_docs * (uint64_t)(DOC_MEMORY + 8 * threads) +
                      threads * (uint64_t)ENCODER_MEMORY;
    uint64_t most = keys > words ? keys : words;
    return most > places ? most : places;
}

pm_status pm_seal_begin(pm_container_writer *w, const char *path, bool store,
                        pm_error *err) {
    PM_TRY(pm_container_create(w, path, PM_FILE_SEGMENT, err));
    if (store) {
        pm_store_begin(w);
    }
    return PM_OK;
}

pm_status pm_seal_finish(const pm_seal *s, pm_container_writer *w, uint64_t *size,
                         pm_hash128 *hash, pm_error *err) {
    pm_vocabulary v = {0};
    pm_memory_trim(); /* slots of dictionaries */
    w->cancel = s->cancel;
    pm_status status = write_documents(w, s, err);
    if (status == PM_OK) {
        status = write_words(w, s, &v, err);
    }
    pm_vocabulary_release(&v);
    if (status != PM_OK) {
        pm_container_abandon(w, NULL);
        return status;
    }
    return pm_container_finish(w, size, hash, err);
}
