/* Units and zones of the result: those of live stretches, moved. */
#include "index/merge_inner.h"

enum { UNIT_NS = 4, WORD_NS = 4, QUOTE_NS = 30, UNITS_AT_ONCE = 1024 };

/* ---- units ---- */

static pm_status put_units(pm_merging *g, const pm_merge_source *in,
                           const pm_merge_run *run, pm_error *err) {
    uint32_t starts[UNITS_AT_ONCE], n = 0;
    pm_unit end = run->doc_end * g->n_fields;
    for (pm_unit u = run->doc * g->n_fields; u < end; u++) {
        starts[n++] = pm_bounds_start(&in->s->bounds, u) + run->shift;
        if (n == UNITS_AT_ONCE || u + 1 == end) {
            pm_spool_put(&g->unit_starts, starts, n * sizeof *starts);
            PM_TRY(pm_merge_tick(g, n * UNIT_NS, err));
            n = 0;
        }
    }
    return PM_OK;
}

static pm_status write_units(pm_merging *g, pm_error *err) {
    const uint32_t *starts;
    for (size_t i = 0; i < g->m->n_inputs; i++) {
        const pm_merge_source *in = &g->sources[i];
        for (size_t r = 0; r < in->n_runs; r++) {
            PM_TRY(put_units(g, in, &in->runs[r], err));
        }
    }
    pm_spool_put_u32(&g->unit_starts, g->n_positions);
    PM_TRY(pm_merge_u32s(&g->unit_starts, &starts, err));
    return pm_bounds_write(g->w, starts, g->n_units, err);
}

/* ---- bits ---- */

/* n <= 64 bits of a bit map from `at` on. */
static uint64_t load_bits(const pm_bitmap *b, uint64_t at, unsigned n) {
    uint64_t w = at / 64;
    unsigned shift = (unsigned)(at % 64);
    uint64_t word = pm_load64(b->words + 8 * w) >> shift;
    if (shift > 0 && shift + n > 64) {
        word |= pm_load64(b->words + 8 * (w + 1)) << (64 - shift);
    }
    return n < 64 ? word & ((UINT64_C(1) << n) - 1) : word;
}

/* Appends bits [lo, hi), hi <= b->n_bits. */
static pm_status copy_bits(pm_merging *g, pm_merge_bits *to, const pm_bitmap *b,
                           uint64_t lo, uint64_t hi, pm_error *err) {
    for (uint64_t at = lo; at < hi; at += 64) {
        unsigned n = hi - at < 64 ? (unsigned)(hi - at) : 64;
        pm_merge_bits_put(to, load_bits(b, at, n), n);
        PM_TRY(pm_merge_tick(g, WORD_NS, err));
    }
    return PM_OK;
}

/* ---- zones ---- */

typedef struct zoning {
    pm_merge_bits sentences, paragraphs;
    pm_spool quote_starts, quote_lengths; /* u32 */
} zoning;

static pm_status put_sentences(pm_merging *g, const pm_merge_source *in, zoning *z,
                               const pm_merge_run *run, pm_error *err) {
    const pm_bitmap *s = &in->s->zones.sentences, *p = &in->s->zones.paragraphs;
    uint64_t lo = pm_bitmap_rank(s, run->lo), before = z->sentences.ones;
    PM_TRY(copy_bits(g, &z->sentences, s, run->lo, run->hi, err));
    uint64_t hi = lo + (z->sentences.ones - before);
    if (lo > p->n_bits || hi > p->n_bits) {
        return pm_merge_damaged(in, err, "sentences are counted wrong");
    }
    return copy_bits(g, &z->paragraphs, p, lo, hi, err);
}

static pm_status put_quotes(pm_merging *g, const pm_merge_source *in, zoning *z,
                            pm_error *err) {
    pm_list_iter it;
    size_t r = 0;
    pm_list_iter_init(&it, in->s->zones.quotes);
    for (uint32_t at = pm_list_iter_value(&it); at != PM_END;
         at = pm_list_iter_next(&it)) {
        uint64_t length = (uint64_t)pm_list_iter_payload(&it) + 1;
        PM_TRY(pm_merge_tick(g, QUOTE_NS, err));
        while (r < in->n_runs && in->runs[r].hi <= at) {
            r++;
        }
        if (r == in->n_runs || at < in->runs[r].lo) {
            continue;
        }
        if (length > in->runs[r].hi - at) {
            return pm_merge_damaged(in, err, "a quotation goes beyond its document");
        }
        pm_spool_put_u32(&z->quote_starts, at + in->runs[r].shift);
        pm_spool_put_u32(&z->quote_lengths, (uint32_t)length);
    }
    return it.bad ? pm_merge_damaged(in, err, "quotations cannot be read") : PM_OK;
}

static pm_status collect_zones(pm_merging *g, zoning *z, pm_error *err) {
    for (size_t i = 0; i < g->m->n_inputs; i++) {
        const pm_merge_source *in = &g->sources[i];
        for (size_t r = 0; r < in->n_runs; r++) {
            PM_TRY(put_sentences(g, in, z, &in->runs[r], err));
        }
        PM_TRY(put_quotes(g, in, z, err));
    }
    return PM_OK;
}

static pm_status write_zones(pm_merging *g, zoning *z, pm_error *err) {
    pm_zones_data d = {.n_positions = g->n_positions, .by_sentence = true};
    PM_TRY(collect_zones(g, z, err));
    d.n_quotes = (uint32_t)(z->quote_starts.n / 4);
    PM_TRY(pm_merge_bits_view(&z->sentences, &d.sentences, err));
    PM_TRY(pm_merge_bits_view(&z->paragraphs, &d.paragraphs, err));
    PM_TRY(pm_merge_u32s(&z->quote_starts, &d.quote_starts, err));
    PM_TRY(pm_merge_u32s(&z->quote_lengths, &d.quote_lengths, err));
    return pm_zones_write(g->w, &d, err);
}

pm_status pm_merge_places(pm_merging *g, pm_error *err) {
    zoning z;
    PM_TRY(write_units(g, err));
    pm_merge_bits_init(&z.sentences, &g->scratch);
    pm_merge_bits_init(&z.paragraphs, &g->scratch);
    pm_spool_init(&z.quote_starts, &g->scratch);
    pm_spool_init(&z.quote_lengths, &g->scratch);
    pm_status status = write_zones(g, &z, err);
    pm_merge_bits_release(&z.sentences);
    pm_merge_bits_release(&z.paragraphs);
    pm_spool_release(&z.quote_starts);
    pm_spool_release(&z.quote_lengths);
    return status;
}
