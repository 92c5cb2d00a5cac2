/* Texts of the result. A compressed block all of whose text is live is copied as it is,
 * if a block stands there in the result, too; other blocks are decompressed, cut and
 * compressed anew. Borders of blocks follow from those of chunks, and these from the
 * sizes of rows (index/cut.h), so that the bytes are those of one build. */
#include <string.h>

#include "base/sys.h"
#include "index/cut.h"
#include "index/merge_inner.h"

enum {
    LEAST_KEPT = PM_STORE_BLOCK / 2,
    COPY_NS = 4000,  /* a block */
    COMPRESS_NS = 3, /* a byte */
    DECOMPRESS_NS = 1,
    UNIT_NS = 20,
    CHECKPOINT_NS = 20,
    DOC_NS = 300,
    VALUE_NS = 20
};

/* ---- where chunks begin ---- */

/* What a string of a column counts, by code. */
typedef struct lengths {
    uint32_t **at; /* [n columns]; NULL: no strings */
    uint32_t n;
} lengths;

static void lengths_release(lengths *l) {
    for (uint32_t i = 0; l->at != NULL && i < l->n; i++) {
        pm_free(l->at[i]);
    }
    pm_free(l->at);
}

static pm_status measure_strings(const pm_merging *g, const pm_merge_source *in,
                                 const pm_strings *strings, uint32_t **out,
                                 pm_error *err) {
    uint32_t *at = pm_alloc_array(strings->n, sizeof *at);
    *out = at;
    if (at == NULL) {
        return pm_fail_nomem(err, strings->n * sizeof *at);
    }
    pm_strings_iter it;
    pm_status status = PM_OK;
    pm_strings_iter_init(&it, strings, 0);
    for (uint32_t i = 0; status == PM_OK && i < strings->n; i++) {
        status = pm_strings_iter_next(&it) ? pm_merge_tick(g, VALUE_NS, err)
                 : it.text.failed
                     ? pm_fail_nomem(err, 0)
                     : pm_merge_damaged(in, err, "values of a column cannot be read");
        at[i] = it.text.n < UINT32_MAX ? (uint32_t)it.text.n : UINT32_MAX;
    }
    pm_strings_iter_release(&it);
    return status;
}

static pm_status measure_columns(const pm_merging *g, const pm_merge_source *in,
                                 lengths *l, pm_error *err) {
    const pm_columns *columns = &in->s->columns;
    *l = (lengths){pm_calloc(columns->n, sizeof *l->at), columns->n};
    if (l->at == NULL) {
        return pm_fail_nomem(err, columns->n * sizeof *l->at);
    }
    for (uint32_t i = 0; i < columns->n; i++) {
        if (columns->at[i].kind == PM_VALUE_STR) {
            PM_TRY(measure_strings(g, in, &columns->at[i].dictionary, &l->at[i], err));
        }
    }
    return PM_OK;
}

/* What the values of a document count. */
static uint64_t measure_values(const pm_merge_source *in, const lengths *l, pm_doc d) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        const pm_column *c = &in->s->columns.at[i];
        pm_range values = pm_column_values(c, d);
        bytes += (uint64_t)PM_VALUE_BYTES * (values.hi - values.lo);
        for (uint32_t v = values.lo; l->at[i] != NULL && v < values.hi; v++) {
            int64_t code = pm_column_number(c, v);
            bytes += code >= 0 && code < c->dictionary.n ? l->at[i][code] : 0;
        }
    }
    return bytes;
}

typedef struct texting {
    pm_merging *g;
    pm_error *err;
    pm_packer *packer;
    pm_text_reader *reader; /* of the input at hand */
    pm_buf raw;             /* bytes that wait for their block to be full */
    pm_buf packed, pair;    /* of one block */
    pm_spool starts;        /* u64: of each unit's text */
    pm_spool blocks;        /* u64 pairs: raw and compressed start */
    pm_spool checkpoints;   /* u32 pairs */
    uint64_t n_checkpoints;
    pm_spool borders; /* u64: raw starts of chunks */
    const uint64_t *border;
    size_t n_borders, i_border;
    pm_cut cut;
    uint64_t raw_at, packed_at; /* where the next block begins */
} texting;

/* Raw bytes of the documents [doc, end). */
static pm_status raw_range(texting *t, const pm_merge_source *in, pm_doc doc,
                           pm_doc end, uint64_t *lo, uint64_t *hi) {
    uint64_t ignored;
    uint32_t n = t->g->n_fields;
    if (!pm_store_unit(&in->s->store, doc * n, lo, &ignored) ||
        !pm_store_unit(&in->s->store, end * n - 1, &ignored, hi) || *lo > *hi) {
        return pm_merge_damaged(in, t->err, "a text ends before it begins");
    }
    return PM_OK;
}

static pm_status cut_run(texting *t, const pm_merge_source *in, const pm_merge_run *run,
                         const lengths *l, uint64_t *raw_at) {
    uint32_t limit = t->g->m->segment_tokens;
    for (pm_doc d = run->doc; d < run->doc_end; d++) {
        uint64_t lo, hi;
        PM_TRY(raw_range(t, in, d, d + 1, &lo, &hi));
        if (!pm_keys_get(&in->s->keys, d, &t->packed)) {
            PM_TRY(pm_buf_status(&t->packed, t->err));
            return pm_merge_damaged(in, t->err, "a key cannot be read");
        }
        uint64_t meta = t->packed.n + measure_values(in, l, d);
        if (pm_cut_before(&t->cut, hi - lo, t->g->n_fields, meta,
                          limit != 0 ? limit : PM_MAX_POSITIONS)) {
            pm_spool_put_u64(&t->borders, *raw_at);
        }
        *raw_at += hi - lo;
        PM_TRY(pm_merge_tick(t->g, DOC_NS + VALUE_NS * l->n, t->err));
    }
    return PM_OK;
}

/* Where chunks begin in the result. */
static pm_status find_borders(texting *t) {
    uint64_t raw_at = 0;
    for (size_t i = 0; i < t->g->m->n_inputs && !t->g->m->keep_blocks; i++) {
        const pm_merge_source *in = &t->g->sources[i];
        lengths l = {NULL, 0};
        pm_status status = measure_columns(t->g, in, &l, t->err);
        for (size_t r = 0; status == PM_OK && r < in->n_runs; r++) {
            status = cut_run(t, in, &in->runs[r], &l, &raw_at);
        }
        lengths_release(&l);
        PM_TRY(status);
    }
    t->n_borders = (size_t)(t->borders.n / sizeof *t->border);
    return pm_merge_u64s(&t->borders, &t->border, t->err);
}

/* ---- blocks ---- */

/* Bytes of the block that begins at raw_at, if the text does not end before. */
static size_t block_size(texting *t) {
    while (t->i_border < t->n_borders && t->border[t->i_border] <= t->raw_at) {
        t->i_border++;
    }
    uint64_t left = t->i_border < t->n_borders ? t->border[t->i_border] - t->raw_at
                                               : PM_STORE_BLOCK;
    return left < PM_STORE_BLOCK ? (size_t)left : PM_STORE_BLOCK;
}

static void put_block(texting *t, size_t n_raw, pm_bytes packed) {
    pm_spool_put_u64(&t->blocks, t->raw_at);
    pm_spool_put_u64(&t->blocks, t->packed_at);
    pm_container_put(t->g->w, packed.p, packed.n);
    t->raw_at += n_raw;
    t->packed_at += packed.n;
}

/* Compresses the first n waiting bytes as a block. */
static pm_status pack_block(texting *t, size_t n) {
    pm_buf_clear(&t->packed);
    pm_buf_clear(&t->pair);
    PM_TRY(pm_packer_chunk(t->packer, (pm_bytes){t->raw.p, n}, &t->packed, &t->pair,
                           t->err));
    put_block(t, n, pm_buf_bytes(&t->packed));
    t->raw.n -= n;
    memmove(t->raw.p, t->raw.p + n, t->raw.n);
    return pm_merge_tick(t->g, (uint32_t)n * COMPRESS_NS, t->err);
}

static pm_status pack_full_blocks(texting *t) {
    for (size_t n = block_size(t); t->raw.n >= n; n = block_size(t)) {
        PM_TRY(pack_block(t, n));
    }
    return PM_OK;
}

/* Whether a block of n bytes that is at hand can stand where the text has come to. Kept
 * blocks are at least half full, so that many small commits do not leave many small
 * blocks, which compress badly. */
static bool can_copy(texting *t, uint64_t n) {
    return t->g->m->keep_blocks ? n >= LEAST_KEPT : t->raw.n == 0 && n == block_size(t);
}

/* Raw bytes [lo, hi) of block b. */
static pm_status add_piece(texting *t, uint32_t b, const pm_text_block *block,
                           uint64_t lo, uint64_t hi) {
    if (lo == block->lo && hi == block->hi && can_copy(t, hi - lo)) {
        if (t->raw.n > 0) {
            PM_TRY(pack_block(t, t->raw.n));
        }
        put_block(t, (size_t)(hi - lo), block->packed);
        return pm_merge_tick(t->g, COPY_NS, t->err);
    }
    PM_TRY(pm_text_read_block(t->reader, b, lo, hi, &t->raw, t->err));
    PM_TRY(
        pm_merge_tick(t->g, (uint32_t)(block->hi - block->lo) * DECOMPRESS_NS, t->err));
    return pack_full_blocks(t);
}

static pm_status add_run(texting *t, const pm_merge_source *in,
                         const pm_merge_run *run) {
    uint64_t lo, hi;
    PM_TRY(raw_range(t, in, run->doc, run->doc_end, &lo, &hi));
    uint32_t b = pm_store_find_block(&in->s->store, lo);
    for (; lo < hi; b++) {
        pm_text_block block;
        if (!pm_store_block(&in->s->store, b, &block) || lo < block.lo ||
            lo >= block.hi) {
            return pm_merge_damaged(in, t->err, "blocks of text do not tile it");
        }
        uint64_t end = hi < block.hi ? hi : block.hi;
        PM_TRY(add_piece(t, b, &block, lo, end));
        lo = end;
    }
    return PM_OK;
}

/* ---- units and checkpoints ---- */

static void pad_checkpoints(texting *t, uint64_t n) {
    for (; t->n_checkpoints < n; t->n_checkpoints++) {
        pm_spool_put_u64(&t->checkpoints, 0);
    }
}

static pm_status move_checkpoints(texting *t, const pm_merge_source *in,
                                  const pm_merge_run *run, pm_unit u) {
    pm_pos start = pm_bounds_start(&in->s->bounds, u);
    uint32_t n = pm_bounds_end(&in->s->bounds, u) - start;
    for (uint32_t i = PM_CHECKPOINT; i < n; i += PM_CHECKPOINT) {
        uint32_t pair[2];
        if (!pm_store_checkpoint_item(&in->s->store, (start + i) / PM_CHECKPOINT,
                                      &pair[0], &pair[1])) {
            return pm_merge_damaged(in, t->err, "a checkpoint cannot be read");
        }
        pad_checkpoints(t, (start + run->shift + i) / PM_CHECKPOINT);
        pm_spool_put(&t->checkpoints, pair, sizeof pair);
        t->n_checkpoints++;
        PM_TRY(pm_merge_tick(t->g, CHECKPOINT_NS, t->err));
    }
    return PM_OK;
}

/* raw_at: where the run's text begins in the result. */
static pm_status move_units(texting *t, const pm_merge_source *in,
                            const pm_merge_run *run, uint64_t *raw_at) {
    uint32_t n = t->g->n_fields;
    for (pm_unit u = run->doc * n; u < run->doc_end * n; u++) {
        uint64_t lo, hi;
        if (!pm_store_unit(&in->s->store, u, &lo, &hi)) {
            return pm_merge_damaged(in, t->err, "a text ends before it begins");
        }
        pm_spool_put_u64(&t->starts, *raw_at);
        *raw_at += hi - lo;
        PM_TRY(move_checkpoints(t, in, run, u));
        PM_TRY(pm_merge_tick(t->g, UNIT_NS, t->err));
    }
    return PM_OK;
}

/* ---- the whole ---- */

static pm_status add_source(texting *t, const pm_merge_source *in, uint64_t *raw_at) {
    PM_TRY(pm_text_reader_new(&in->s->store, &t->reader, t->err));
    pm_status status = PM_OK;
    for (size_t r = 0; status == PM_OK && r < in->n_runs; r++) {
        status = move_units(t, in, &in->runs[r], raw_at);
        if (status == PM_OK) {
            status = add_run(t, in, &in->runs[r]);
        }
    }
    pm_text_reader_free(t->reader);
    return status;
}

static pm_status add_all(texting *t) {
    uint64_t raw_at = 0;
    for (size_t i = 0; i < t->g->m->n_inputs; i++) {
        PM_TRY(add_source(t, &t->g->sources[i], &raw_at));
    }
    if (t->raw.n > 0) {
        PM_TRY(pack_block(t, t->raw.n));
    }
    pm_spool_put_u64(&t->starts, raw_at);
    pm_spool_put_u64(&t->blocks, t->raw_at);
    pm_spool_put_u64(&t->blocks, t->packed_at);
    pad_checkpoints(t,
                    ((uint64_t)t->g->n_positions + PM_CHECKPOINT - 1) / PM_CHECKPOINT);
    return PM_OK;
}

static pm_status write_texts(texting *t) {
    pm_store_data d = {.n_units = t->g->n_units};
    PM_TRY(pm_packer_new(&t->packer, t->err));
    PM_TRY(find_borders(t));
    pm_store_begin(t->g->w);
    PM_TRY(add_all(t));
    d.n_blocks = (size_t)(t->blocks.n / 16 - 1);
    d.n_checkpoints = (size_t)t->n_checkpoints;
    PM_TRY(pm_merge_u64s(&t->starts, &d.text_starts, t->err));
    PM_TRY(pm_merge_u64s(&t->blocks, &d.blocks, t->err));
    PM_TRY(pm_merge_u32s(&t->checkpoints, &d.checkpoints, t->err));
    return pm_store_finish(t->g->w, &d, t->err);
}

pm_status pm_merge_texts(pm_merging *g, pm_error *err) {
    texting t = {.g = g, .err = err};
    pm_spool_init(&t.starts, &g->scratch);
    pm_spool_init(&t.blocks, &g->scratch);
    pm_spool_init(&t.checkpoints, &g->scratch);
    pm_spool_init(&t.borders, &g->scratch);
    pm_status status = write_texts(&t);
    pm_spool_release(&t.starts);
    pm_spool_release(&t.blocks);
    pm_spool_release(&t.checkpoints);
    pm_spool_release(&t.borders);
    pm_buf_release(&t.raw);
    pm_buf_release(&t.packed);
    pm_buf_release(&t.pair);
    pm_packer_free(t.packer);
    return status;
}
