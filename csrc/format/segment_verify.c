/* Decodes a whole segment and holds each section against the others. Positions are
 * compared with the stream without inverting it: a strictly increasing list whose every
 * position holds an id of its group, and which is as long as the stream has such ids,
 * is the group's list. Memory: a count for each id. */
#include "format/segment.h"

#include <string.h>

#include "base/cursor.h"
#include "base/sys.h"

enum {
    INFO = PM_FOURCC('I', 'N', 'F', 'O'),
    LEXICON = PM_FOURCC('L', 'E', 'X', 'I'),
    STREAM = PM_FOURCC('S', 'T', 'R', 'M'),
    POSITIONS = PM_FOURCC('P', 'O', 'S', 'I'),
    DOCUMENTS = PM_FOURCC('D', 'O', 'C', 'S'),
    SENTENCES = PM_FOURCC('S', 'E', 'N', 'T'),
    PARAGRAPHS = PM_FOURCC('P', 'A', 'R', 'A'),
    QUOTES = PM_FOURCC('Q', 'U', 'O', 'T'),
    DECODE_BATCH = 1024
};

/* ---- INFO ---- */

static bool same_bytes(pm_bytes a, pm_bytes b) {
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static pm_status verify_info(const pm_segment *s, pm_error *err) {
    const pm_bytes *fields = s->info.fields;
    for (uint32_t i = 0; i < s->info.n_fields; i++) {
        if (fields[i].n == 0) {
            return pm_section_corrupt(&s->file, INFO, 0, err, "field %u has no name",
                                      i);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (same_bytes(fields[i], fields[j])) {
                return pm_section_corrupt(&s->file, INFO, 0, err,
                                          "fields %u and %u have the same name", j, i);
            }
        }
    }
    return PM_OK;
}

/* ---- stream, units and counts ---- */

/* Walks the stream beside the unit bounds. */
typedef struct stream_walk {
    const pm_segment *s;
    uint32_t *seen; /* [n_ids] */
    pm_unit unit;
    pm_pos sentinel; /* of that unit */
} stream_walk;

static pm_status walk_ids(stream_walk *w, pm_pos pos, const uint32_t *ids, uint32_t n,
                          pm_error *err) {
    const pm_segment *s = w->s;
    for (uint32_t i = 0; i < n; i++, pos++) {
        if ((ids[i] == PM_END) != (pos == w->sentinel)) {
            return pm_section_corrupt(&s->file, STREAM, 2 * (uint64_t)pos, err,
                                      "position %u: expected a %s, found a %s", pos,
                                      pos == w->sentinel ? "sentinel" : "token",
                                      pos == w->sentinel ? "token" : "sentinel");
        }
        if (pos == w->sentinel) {
            w->sentinel = pm_bounds_end(&s->bounds, ++w->unit);
        } else if (ids[i] < s->info.n_ids) {
            w->seen[ids[i]]++;
        }
    }
    return PM_OK;
}

static pm_status compare_counts(const pm_segment *s, const uint32_t *seen,
                                pm_error *err) {
    for (pm_id id = 0; id < s->info.n_ids; id++) {
        uint32_t count = pm_lexicon_id_count(&s->lexicon, id);
        if (count != seen[id]) {
            return pm_section_corrupt(
                &s->file, LEXICON, 0, err,
                "id %u: expected %u occurrences as in the stream, found %u", id,
                seen[id], count);
        }
    }
    return PM_OK;
}

static pm_status verify_counts(const pm_segment *s, pm_cancel *cancel, pm_error *err) {
    uint32_t ids[DECODE_BATCH];
    uint32_t n = s->info.n_positions;
    stream_walk w = {.s = s, .sentinel = pm_bounds_end(&s->bounds, 0)};
    w.seen = pm_calloc((size_t)s->info.n_ids + 1, sizeof *w.seen);
    if (w.seen == NULL) {
        return pm_fail_nomem(err, ((size_t)s->info.n_ids + 1) * sizeof *w.seen);
    }
    pm_status status = PM_OK;
    for (pm_pos lo = 0; lo < n; lo += DECODE_BATCH) {
        uint32_t m = n - lo < DECODE_BATCH ? n - lo : DECODE_BATCH;
        PM_GO(pm_cancel_check(cancel, 2 * DECODE_BATCH, err));
        pm_stream_decode(&s->stream, lo, lo + m, ids);
        PM_GO(walk_ids(&w, lo, ids, m, err));
    }
    PM_GO(compare_counts(s, w.seen, err));
out:
    pm_free(w.seen);
    return status;
}

/* ---- positions and documents ---- */

/* The documents of a group, gathered from its positions and held against its document
 * list. */
typedef struct doc_walk {
    const pm_segment *s;
    pm_group group;
    bool listed;
    pm_doc doc;
    uint32_t tf; /* 0: before the first document */
    pm_pos end;  /* of the document */
    const uint8_t *impacts;
    pm_list_iter docs;
} doc_walk;

static pm_status open_docs(doc_walk *w, const pm_segment *s, pm_group g, uint64_t count,
                           pm_error *err) {
    pm_list list;
    bool expected = count >= PM_DOC_LIST_MIN;
    *w = (doc_walk){.s = s, .group = g};
    w->listed = pm_postings_docs(&s->postings, g, &list, &w->impacts);
    if (w->listed != expected) {
        return pm_section_corrupt(
            &s->file, DOCUMENTS, 0, err,
            "group %u occurs %llu times: expected %s document list", g,
            (unsigned long long)count, expected ? "a" : "no");
    }
    pm_list_iter_init(&w->docs, list);
    return PM_OK;
}

static bool bounds_document(pm_impact impact, uint32_t tf, uint32_t length) {
    bool under_a = (impact.tf_a == UINT8_MAX || tf <= impact.tf_a) &&
                   length >= pm_length_floor(impact.length_a);
    bool under_b = (impact.tf_b == UINT8_MAX || tf <= impact.tf_b) &&
                   length >= pm_length_floor(impact.length_b);
    return impact.tf_a >= impact.tf_b && (under_a || under_b);
}

static pm_status close_doc(doc_walk *w, pm_error *err) {
    if (!w->listed || w->tf == 0) {
        return PM_OK;
    }
    pm_doc doc = pm_list_iter_value(&w->docs);
    uint64_t tf = (uint64_t)pm_list_iter_payload(&w->docs) + 1;
    uint64_t at = (uint64_t)(w->docs.list.bytes.p - w->s->postings.docs.p);
    if (doc != w->doc || tf != w->tf || w->docs.bad) {
        return pm_section_corrupt(
            &w->s->file, DOCUMENTS, at, err,
            "group %u: expected document %u with %u occurrences as in the "
            "positions, found %u with %llu",
            w->group, w->doc, w->tf, doc, (unsigned long long)tf);
    }
    uint32_t block = pm_list_iter_rank(&w->docs) / PM_BLOCK;
    uint32_t length = pm_bounds_doc_length(&w->s->bounds, doc);
    pm_impact impact = pm_impact_load(w->impacts + 4 * (size_t)block);
    if (!bounds_document(impact, w->tf, length)) {
        return pm_section_corrupt(
            &w->s->file, DOCUMENTS,
            (uint64_t)(w->impacts - w->s->postings.docs.p) + 4 * block, err,
            "group %u: impact (%u, %u), (%u, %u) does not bound document %u "
            "with %u occurrences in %u tokens",
            w->group, impact.tf_a, impact.length_a, impact.tf_b, impact.length_b, doc,
            w->tf, length);
    }
    (void)pm_list_iter_next(&w->docs);
    return PM_OK;
}

static pm_status add_position(doc_walk *w, pm_pos pos, pm_error *err) {
    if (w->tf == 0 || pos >= w->end) {
        PM_TRY(close_doc(w, err));
        const pm_bounds *b = &w->s->bounds;
        w->doc = pm_bounds_unit(b, pos) / b->n_fields;
        w->end = pm_bounds_end(b, w->doc * b->n_fields + b->n_fields - 1);
        w->tf = 0;
    }
    w->tf++;
    return PM_OK;
}

static pm_status close_docs(doc_walk *w, pm_error *err) {
    PM_TRY(close_doc(w, err));
    if (w->listed && (w->docs.bad || pm_list_iter_value(&w->docs) != PM_END)) {
        return pm_section_corrupt(
            &w->s->file, DOCUMENTS,
            (uint64_t)(w->docs.list.bytes.p - w->s->postings.docs.p), err,
            "group %u: expected its document list to end after document %u", w->group,
            w->doc);
    }
    return PM_OK;
}

/* Positions of one group against the stream, and through `docs` against the document
 * list. */
static pm_status verify_group(const pm_segment *s, pm_group g, uint64_t count,
                              pm_cancel *cancel, pm_error *err) {
    pm_range ids = pm_lexicon_group_ids(&s->lexicon, g);
    pm_list list = pm_postings_positions(&s->postings, &s->lexicon, g);
    uint64_t offset = (uint64_t)(list.bytes.p - s->postings.positions.p), seen = 0,
             next = 0;
    doc_walk docs;
    pm_list_iter it;
    PM_TRY(open_docs(&docs, s, g, count, err));
    pm_list_iter_init(&it, list);
    for (pm_pos pos = pm_list_iter_value(&it); pos != PM_END;
         pos = pm_list_iter_next(&it)) {
        pm_id id = pm_stream_at(&s->stream, pos);
        if (pos < next || id < ids.lo || id >= ids.hi) {
            return pm_section_corrupt(
                &s->file, POSITIONS, offset, err,
                "group %u: expected an id of [%u, %u) at position %u >= %llu, "
                "found %u",
                g, ids.lo, ids.hi, pos, (unsigned long long)next, id);
        }
        next = (uint64_t)pos + 1;
        seen++;
        PM_TRY(add_position(&docs, pos, err));
        PM_TRY(pm_cancel_check(cancel, 20, err));
    }
    if (it.bad || seen != count) {
        return pm_section_corrupt(
            &s->file, POSITIONS, offset, err,
            "group %u: expected %llu positions, %llu can be decoded", g,
            (unsigned long long)count, (unsigned long long)seen);
    }
    return close_docs(&docs, err);
}

static pm_status verify_postings(const pm_segment *s, pm_cancel *cancel,
                                 pm_error *err) {
    uint64_t above = UINT64_MAX;
    for (pm_group g = 0; g < s->info.n_groups; g++) {
        uint64_t count =
            pm_lexicon_ids_count(&s->lexicon, pm_lexicon_group_ids(&s->lexicon, g));
        if (count > above) {
            return pm_section_corrupt(
                &s->file, LEXICON, 0, err,
                "group %u: expected at most the %llu occurrences of the group "
                "before, found %llu",
                g, (unsigned long long)above, (unsigned long long)count);
        }
        above = count;
        PM_TRY(pm_cancel_check(cancel, 200, err));
        PM_TRY(verify_group(s, g, count, cancel, err));
    }
    return PM_OK;
}

/* ---- zones ---- */

/* A sentence and a paragraph begin at pos. */
static pm_status expect_start(const pm_segment *s, pm_pos pos, pm_error *err) {
    const pm_zones *z = &s->zones;
    if (!pm_bitmap_get(&z->sentences, pos)) {
        return pm_section_corrupt(&s->file, SENTENCES, pos / 8, err,
                                  "expected a sentence at position %u", pos);
    }
    uint64_t rank = pm_bitmap_rank(&z->sentences, pos);
    if (!pm_bitmap_get(&z->paragraphs, rank)) {
        return pm_section_corrupt(&s->file, PARAGRAPHS, rank / 8, err,
                                  "expected a paragraph at position %u", pos);
    }
    return PM_OK;
}

static pm_status verify_unit_zones(const pm_segment *s, pm_cancel *cancel,
                                   pm_error *err) {
    for (pm_unit u = 0; u < s->bounds.n_units; u++) {
        PM_TRY(pm_cancel_check(cancel, 50, err));
        PM_TRY(expect_start(s, pm_bounds_start(&s->bounds, u), err));
        PM_TRY(expect_start(s, pm_bounds_end(&s->bounds, u), err));
    }
    return PM_OK;
}

static pm_status verify_quote_units(const pm_segment *s, pm_cancel *cancel,
                                    pm_error *err) {
    const pm_bounds *b = &s->bounds;
    pm_list_iter it;
    pm_list_iter_init(&it, s->zones.quotes);
    for (pm_pos at = pm_list_iter_value(&it); at != PM_END;
         at = pm_list_iter_next(&it)) {
        PM_TRY(pm_cancel_check(cancel, 50, err));
        uint64_t end = (uint64_t)at + pm_list_iter_payload(&it) + 1;
        pm_unit unit = pm_bounds_unit(b, at);
        if (unit == PM_END || end > pm_bounds_end(b, unit)) {
            return pm_section_corrupt(
                &s->file, QUOTES, 0, err,
                "expected quotation [%u, %llu) inside the unit that ends at %u", at,
                (unsigned long long)end, pm_bounds_end(b, unit));
        }
    }
    return PM_OK;
}

/* ---- the whole ---- */

/* Each section by itself. */
static pm_status verify_sections(const pm_segment *s, pm_cancel *cancel,
                                 pm_error *err) {
    PM_TRY(pm_container_verify(&s->file, cancel, err));
    PM_TRY(verify_info(s, err));
    PM_TRY(pm_lexicon_verify(&s->lexicon, cancel, err));
    PM_TRY(pm_stream_verify(&s->stream, s->info.n_ids, cancel, err));
    PM_TRY(pm_bounds_verify(&s->bounds, cancel, err));
    PM_TRY(pm_postings_verify(&s->postings, cancel, err));
    PM_TRY(pm_zones_verify(&s->zones, cancel, err));
    PM_TRY(pm_keys_verify(&s->keys, cancel, err));
    PM_TRY(pm_columns_verify(&s->columns, cancel, err));
    return s->store.present ? pm_store_verify(&s->store, cancel, err) : PM_OK;
}

pm_status pm_segment_verify(const pm_segment *s, pm_cancel *cancel, pm_error *err) {
    PM_TRY(verify_sections(s, cancel, err));
    PM_TRY(verify_counts(s, cancel, err));
    PM_TRY(verify_postings(s, cancel, err));
    PM_TRY(verify_unit_zones(s, cancel, err));
    return verify_quote_units(s, cancel, err);
}
