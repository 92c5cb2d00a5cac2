/* Calls every accessor of an open segment, with arguments in range and just beyond:
 * what a hostile file must survive. */
#ifndef PM_TESTS_SEGMENT_USE_H
#define PM_TESTS_SEGMENT_USE_H

#include <string.h>

#include "check.h"
#include "format/segment.h"

static uint64_t sink; /* what is read is used, so that it is read */

static inline void use(const void *p, size_t n) {
    const uint8_t *at = p;
    for (size_t i = 0; i < n; i++) {
        sink += at[i];
    }
}

static inline void use_list(pm_list list) {
    pm_list_iter it;
    uint64_t before = 0, steps = 0;
    pm_list_iter_init(&it, list);
    for (uint32_t v = pm_list_iter_value(&it); v != PM_END;
         v = pm_list_iter_next(&it)) {
        CHECK(steps == 0 || v > before);
        CHECK(++steps <= list.n);
        before = v;
        sink += pm_list_iter_payload(&it) + pm_list_iter_rank(&it);
    }
    pm_list_iter_init(&it, list);
    for (uint32_t target = 0; target < 3000; target += 1 + target / 3) {
        sink += pm_list_iter_advance(&it, target);
    }
    sink += pm_list_iter_advance(&it, PM_END);
    uint32_t *out = calloc((size_t)list.n + PM_BLOCK, sizeof *out);
    CHECK(out != NULL);
    sink += pm_list_decode(list, out);
    use(out, 4 * (size_t)list.n);
    free(out);
}

static inline void use_postings(const pm_segment *s) {
    for (uint32_t g = 0; g <= s->info.n_groups + 1; g++) {
        pm_list docs;
        const uint8_t *impacts;
        pm_list positions = pm_postings_positions(&s->postings, &s->lexicon, g);
        CHECK(g < s->info.n_groups || positions.n == 0);
        use_list(positions);
        if (pm_postings_docs(&s->postings, g, &docs, &impacts)) {
            use(impacts, 4 * (((size_t)docs.n + PM_BLOCK - 1) / PM_BLOCK));
            use_list(docs);
        }
    }
}

static inline void use_positions(const pm_segment *s) {
    uint32_t n = s->info.n_positions;
    uint32_t *ids = calloc((size_t)n + 10, sizeof *ids);
    CHECK(ids != NULL);
    pm_list_iter it;
    pm_list_iter_init(&it, s->zones.quotes);
    pm_stream_decode(&s->stream, 0, n + 10, ids);
    for (uint32_t pos = 0; pos < n + 10; pos++) {
        pm_pos lo = 0, hi = 0, at;
        uint32_t byte, code_point;
        pm_unit unit = pm_bounds_unit(&s->bounds, pos);
        CHECK(pm_stream_at(&s->stream, pos) == ids[pos]);
        CHECK(unit == PM_END || unit < s->bounds.n_units);
        for (unsigned zone = PM_ZONE_SENTENCE; zone <= PM_ZONE_QUOTE; zone++) {
            pm_list_iter *with = zone == PM_ZONE_QUOTE && pos % 3 != 0 ? &it : NULL;
            bool inside = pm_zone_at(&s->zones, (pm_zone)zone, pos, with, &lo, &hi);
            CHECK(!inside || (lo <= pos && pos < hi && hi <= n));
        }
        pm_store_checkpoint(&s->store, pm_bounds_start(&s->bounds, unit), pos, &at,
                            &byte, &code_point);
        sink += at + byte + code_point;
    }
    for (uint32_t u = 0; u <= s->bounds.n_units + 1; u++) {
        pm_pos start = pm_bounds_start(&s->bounds, u),
               end = pm_bounds_end(&s->bounds, u);
        CHECK(start <= end && end <= n);
        sink += pm_bounds_doc_length(&s->bounds, u);
    }
    free(ids);
}

static inline void use_words(const pm_segment *s, pm_buf *text, pm_buf *scratch) {
    const pm_lexicon *lex = &s->lexicon;
    for (uint32_t i = 0; i <= s->info.n_ids + 1; i++) {
        pm_range r = pm_lexicon_group_ids(lex, i), q = pm_lexicon_form_ids(lex, i);
        pm_form form = pm_lexicon_id_form(lex, i), found;
        CHECK(r.lo <= r.hi && r.hi <= lex->n_ids && q.lo <= q.hi && q.hi <= lex->n_ids);
        r = pm_lexicon_group_forms(lex, i);
        CHECK(r.lo <= r.hi && r.hi <= lex->n_forms);
        sink += form + pm_lexicon_form_group(lex, i) + pm_lexicon_id_count(lex, i);
        sink += pm_lexicon_id_case(lex, i) + pm_lexicon_case_ids(lex, i, 1, 2).hi;
        sink += pm_lexicon_surface(lex, i, text) + pm_lexicon_group_stem(lex, i, text);
        if (pm_lexicon_form_text(lex, i, text)) {
            pm_bytes key = pm_buf_bytes(text);
            sink += pm_lexicon_find_form(lex, key, scratch, &found);
            sink += pm_lexicon_find_group(lex, key, scratch, &found);
            sink += pm_lexicon_find_bare_form(lex, key, scratch).hi;
            r = pm_lexicon_prefix(lex, (pm_bytes){key.p, key.n / 2}, scratch);
            CHECK(r.lo <= r.hi && r.hi <= lex->n_forms);
        }
        sink += pm_lexicon_ranked_form(lex, i) + pm_lexicon_form_rank(lex, i);
    }
}

static inline void use_columns(const pm_segment *s, pm_buf *text) {
    for (uint32_t c = 0; c < s->columns.n; c++) {
        const pm_column *column = &s->columns.at[c];
        use(column->name.p, column->name.n);
        for (uint32_t d = 0; d <= s->info.n_docs + 1; d++) {
            pm_range r = pm_column_values(column, d);
            CHECK(r.lo <= r.hi && r.hi <= column->n_values);
            for (uint32_t i = r.lo; i <= r.hi && i < r.lo + 100; i++) {
                pm_value v = pm_column_value(column, i);
                sink += (uint64_t)v.i;
                if (v.kind == PM_VALUE_STR) {
                    sink += pm_strings_get(&column->dictionary, (uint32_t)v.i, text);
                }
            }
        }
    }
    sink +=
        pm_columns_find(&s->columns, (pm_bytes){(const uint8_t *)"tone", 4}) != NULL;
}

static inline void use_documents(const pm_segment *s, pm_buf *text) {
    pm_error err;
    pm_doc found;
    for (uint32_t d = 0; d <= s->info.n_docs + 1; d++) {
        pm_buf_clear(text);
        if (pm_keys_get(&s->keys, d, text)) {
            sink += (uint64_t)pm_keys_find(&s->keys, pm_buf_bytes(text), &found, &err);
        }
    }
    pm_text_reader *reader;
    if (s->store.present && pm_text_reader_new(&s->store, &reader, &err) == PM_OK) {
        for (uint32_t u = 0; u <= s->bounds.n_units + 1; u++) {
            pm_buf_clear(text);
            sink += (uint64_t)pm_text_read(reader, u, 0, UINT64_MAX, text, &err);
            sink += (uint64_t)pm_text_read(reader, u, 3, 7, text, &err);
            sink += pm_store_length(&s->store, u);
        }
        pm_text_reader_free(reader);
    }
}

static inline void use_segment(const pm_segment *s) {
    pm_buf text, scratch;
    pm_buf_init(&text);
    pm_buf_init(&scratch);
    use(s->info.lang.p, s->info.lang.n);
    for (uint32_t i = 0; i < s->info.n_fields; i++) {
        use(s->info.fields[i].p, s->info.fields[i].n);
    }
    use_postings(s);
    use_positions(s);
    use_words(s, &text, &scratch);
    use_columns(s, &text);
    use_documents(s, &text);
    pm_buf_release(&scratch);
    pm_buf_release(&text);
}

#endif
