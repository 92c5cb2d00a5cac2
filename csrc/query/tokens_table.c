/* Token tables: of any text, and of a document as it was indexed. */
#include "query/listing.h"
#include "query/locate.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

enum {
    COL_START,
    COL_END,
    COL_SURFACE,
    COL_FOLDED,
    COL_STEM,
    COL_KIND,
    COL_SENTENCE,
    COL_PARAGRAPH,
    COL_QUOTE,
    N_COLUMNS
};

static const char *const names[] = {"field", "start", "end",      "surface",   "folded",
                                    "stem",  "kind",  "sentence", "paragraph", "quote"};
static const pm_type types[] = {PM_TYPE_STR, PM_TYPE_I64, PM_TYPE_I64, PM_TYPE_STR,
                                PM_TYPE_STR, PM_TYPE_STR, PM_TYPE_STR, PM_TYPE_I64,
                                PM_TYPE_I64, PM_TYPE_I64};

typedef struct lister {
    const pm_analyzer *an;
    pm_stemmer *stemmer;
    pm_table *table;
    size_t base; /* number of the column start */
    pm_buf folded, stem;
    pm_error *err;
} lister;

static pm_status put_forms(lister *l, pm_bytes surface, unsigned kind) {
    pm_buf_clear(&l->folded);
    pm_buf_clear(&l->stem);
    PM_TRY(pm_fold(l->an, surface.p, surface.n, kind, &l->folded, l->err));
    PM_TRY(pm_stem(l->stemmer, l->folded.p, l->folded.n, &l->stem, l->err));
    const char *name = pm_kind_name((pm_kind)kind);
    size_t n = 0;
    while (name[n] != '\0') {
        n++;
    }
    pm_table_put_str(l->table, l->base + COL_SURFACE, surface.p, surface.n);
    pm_table_put_str(l->table, l->base + COL_FOLDED, l->folded.p, l->folded.n);
    pm_table_put_str(l->table, l->base + COL_STEM, l->stem.p, l->stem.n);
    pm_table_put_str(l->table, l->base + COL_KIND, name, n);
    return PM_OK;
}

/* One row a token of the text. */
static pm_status put_tokens(lister *l, pm_bytes text, const pm_tokens *t) {
    size_t byte = 0, quote = 0;
    int64_t points = 0, sentence = -1, paragraph = -1;
    for (size_t i = 0; i < t->n; i++) {
        pm_token k = t->at[i];
        points += (int64_t)pm_utf8_count(text.p + byte, k.start - byte);
        pm_table_put_i64(l->table, l->base + COL_START, points);
        points += (int64_t)pm_utf8_count(text.p + k.start, k.end - k.start);
        pm_table_put_i64(l->table, l->base + COL_END, points);
        byte = k.end;
        PM_TRY(put_forms(l, (pm_bytes){text.p + k.start, k.end - k.start}, k.kind));
        sentence += (k.flags & PM_TOKEN_SENTENCE) != 0;
        paragraph += (k.flags & PM_TOKEN_PARAGRAPH) != 0;
        pm_table_put_i64(l->table, l->base + COL_SENTENCE, sentence);
        pm_table_put_i64(l->table, l->base + COL_PARAGRAPH, paragraph);
        while (quote < t->n_quotes && t->quotes[quote].hi <= i) {
            quote++;
        }
        if (quote < t->n_quotes && t->quotes[quote].lo <= i) {
            pm_table_put_i64(l->table, l->base + COL_QUOTE, (int64_t)quote);
        } else {
            pm_table_put_null(l->table, l->base + COL_QUOTE);
        }
    }
    return PM_OK;
}

static pm_status lister_open(lister *l, const pm_analyzer *an, size_t base,
                             pm_error *err) {
    *l = (lister){.an = an, .base = base, .err = err};
    pm_buf_init(&l->folded);
    pm_buf_init(&l->stem);
    return pm_stemmer_new(an, &l->stemmer, err);
}

/* Releases everything; the table goes to *out, or away after a failure. */
static pm_status lister_close(lister *l, pm_status status, pm_table **out) {
    pm_stemmer_free(l->stemmer);
    pm_buf_release(&l->folded);
    pm_buf_release(&l->stem);
    if (status == PM_OK) {
        status = pm_table_check(l->table, l->err);
    }
    if (status != PM_OK) {
        pm_table_unref(l->table);
        return status;
    }
    *out = l->table;
    return PM_OK;
}

static pm_status tokenize_into(lister *l, pm_bytes text) {
    pm_buf clean;
    pm_tokens tokens;
    size_t replaced;
    pm_buf_init(&clean);
    pm_tokens_init(&tokens);
    pm_utf8_sanitize(text, &clean, &replaced);
    pm_status status = pm_buf_status(&clean, l->err);
    if (status == PM_OK) {
        status = pm_tokenize(l->an, pm_buf_bytes(&clean), &tokens, l->err);
    }
    if (status == PM_OK) {
        status =
            pm_table_new(tokens.n, N_COLUMNS, names + 1, types + 1, &l->table, l->err);
    }
    if (status == PM_OK) {
        status = put_tokens(l, pm_buf_bytes(&clean), &tokens);
    }
    pm_tokens_release(&tokens);
    pm_buf_release(&clean);
    return status;
}

pm_status pm_tokenize_table(const char *lang, pm_bytes text, pm_table **out,
                            pm_error *err) {
    pm_analyzer *an;
    lister l;
    PM_TRY(pm_analyzer_new(lang, &an, err));
    pm_status status = lister_open(&l, an, 0, err);
    if (status == PM_OK) {
        status = tokenize_into(&l, text);
    }
    status = lister_close(&l, status, out);
    pm_analyzer_free(an);
    return status;
}

/* ---- a document's tokens ---- */

static pm_status put_unit(lister *l, pm_locator *loc, const pm_part *part, pm_unit unit,
                          pm_tokens *tokens) {
    pm_bytes field = part->segment.info.fields[unit % part->segment.info.n_fields];
    PM_TRY(pm_locator_text(loc, part, unit, l->err));
    PM_TRY(pm_tokenize(l->an, pm_buf_bytes(&loc->text), tokens, l->err));
    uint32_t expected = pm_bounds_end(&part->segment.bounds, unit) -
                        pm_bounds_start(&part->segment.bounds, unit);
    if (tokens->n != expected) {
        return pm_fail_corrupt(
            l->err, part->segment.file.blob.name, PM_NO_OFFSET,
            "the index has %u tokens for field %u, its stored text %zu", expected, unit,
            tokens->n);
    }
    for (size_t i = 0; i < tokens->n; i++) {
        pm_table_put_str(l->table, 0, field.p, field.n);
    }
    return put_tokens(l, pm_buf_bytes(&loc->text), tokens);
}

/* Without stored text: what lexicon and stream hold; kinds are not among it. */
static pm_status put_stream_unit(lister *l, const pm_segment *seg, pm_unit unit) {
    pm_bytes field = seg->info.fields[unit % seg->info.n_fields];
    pm_pos start = pm_bounds_start(&seg->bounds, unit),
           end = pm_bounds_end(&seg->bounds, unit), lo, hi;
    int64_t sentence = -1, paragraph = -1;
    pm_status status = PM_OK;
    pm_buf surface;
    pm_buf_init(&surface);
    for (pm_pos p = start; p < end && status == PM_OK; p++) {
        if (!pm_lexicon_surface(&seg->lexicon, pm_stream_at(&seg->stream, p),
                                &surface)) {
            status = pm_buf_status(&surface, l->err);
        }
        pm_table_put_str(l->table, 0, field.p, field.n);
        pm_table_put_i64(l->table, l->base + COL_START, p - start);
        pm_table_put_i64(l->table, l->base + COL_END, p - start + 1);
        pm_form f = pm_lexicon_id_form(&seg->lexicon, pm_stream_at(&seg->stream, p));
        pm_table_put_str(l->table, l->base + COL_SURFACE, surface.p, surface.n);
        if (!pm_lexicon_form_text(&seg->lexicon, f, &l->folded) && status == PM_OK) {
            status = pm_buf_status(&l->folded, l->err);
        }
        pm_buf_clear(&l->stem);
        if (status == PM_OK) {
            status = pm_stem(l->stemmer, l->folded.p, l->folded.n, &l->stem, l->err);
        }
        pm_table_put_str(l->table, l->base + COL_FOLDED, l->folded.p, l->folded.n);
        pm_table_put_str(l->table, l->base + COL_STEM, l->stem.p, l->stem.n);
        pm_table_put_null(l->table, l->base + COL_KIND);
        sentence +=
            pm_zone_at(&seg->zones, PM_ZONE_SENTENCE, p, NULL, &lo, &hi) && lo == p;
        paragraph +=
            pm_zone_at(&seg->zones, PM_ZONE_PARAGRAPH, p, NULL, &lo, &hi) && lo == p;
        pm_table_put_i64(l->table, l->base + COL_SENTENCE, sentence);
        pm_table_put_i64(l->table, l->base + COL_PARAGRAPH, paragraph);
        pm_table_put_null(l->table, l->base + COL_QUOTE);
    }
    pm_buf_release(&surface);
    return status;
}

/* Numbers of the field's quotations into the column, which put_stream_unit leaves
 * null. */
static void number_quotes(lister *l, const pm_segment *seg, pm_unit unit,
                          size_t first_row) {
    pm_table_column *c = &l->table->columns[l->base + COL_QUOTE];
    pm_pos start = pm_bounds_start(&seg->bounds, unit),
           end = pm_bounds_end(&seg->bounds, unit), lo, hi, last = PM_END;
    int64_t quote = -1;
    for (pm_pos p = start; p < end && !l->table->failed; p++) {
        if (pm_zone_at(&seg->zones, PM_ZONE_QUOTE, p, NULL, &lo, &hi)) {
            quote += lo != last;
            last = lo;
            c->valid[first_row + (p - start)] = 1;
            c->i64[first_row + (p - start)] = quote;
        }
    }
}

static pm_status put_document(lister *l, const pm_snapshot *idx, const pm_part *part,
                              pm_doc local) {
    const pm_segment *seg = &part->segment;
    pm_locator loc;
    pm_tokens tokens;
    pm_status status = PM_OK;
    pm_locator_init(&loc, idx);
    pm_tokens_init(&tokens);
    size_t row = 0;
    for (uint32_t f = 0; f < seg->info.n_fields && status == PM_OK; f++) {
        pm_unit unit = local * seg->info.n_fields + f;
        if (seg->store.present) {
            status = put_unit(l, &loc, part, unit, &tokens);
        } else {
            status = put_stream_unit(l, seg, unit);
            number_quotes(l, seg, unit, row);
        }
        row += pm_bounds_end(&seg->bounds, unit) - pm_bounds_start(&seg->bounds, unit);
    }
    pm_tokens_release(&tokens);
    pm_locator_release(&loc);
    return status;
}

pm_status pm_index_tokens(const pm_snapshot *idx, uint32_t doc, pm_table **out,
                          pm_error *err) {
    pm_doc local;
    lister l;
    const pm_part *part = pm_snapshot_part(idx, doc, &local);
    if (part == NULL || !pm_part_lives(part, local)) {
        return pm_fail(err, PM_INVALID, "there is no document %u", doc);
    }
    uint32_t n_tokens = pm_bounds_doc_length(&part->segment.bounds, local);
    if (n_tokens > part->segment.info.n_positions) {
        return pm_fail_corrupt(err, part->segment.file.blob.name, PM_NO_OFFSET,
                               "document %u has more tokens than the file", local);
    }
    pm_status status = lister_open(&l, idx->analyzer, 1, err);
    if (status == PM_OK) {
        status = pm_table_new(n_tokens, N_COLUMNS + 1, names, types, &l.table, err);
    }
    if (status == PM_OK) {
        status = put_document(&l, idx, part, local);
    }
    return lister_close(&l, status, out);
}
