/* Zones: bit maps for what tiles the text (sentences, paragraphs), an interval list for
 * what does not (quotations). Quotations are disjoint, so that only the last one that
 * begins at or before a position can hold it. */
#include "format/zones.h"

#include "base/buffer.h"
#include "format/packed.h"

enum {
    SENTENCES = PM_FOURCC('S', 'E', 'N', 'T'),
    PARAGRAPHS = PM_FOURCC('P', 'A', 'R', 'A'),
    QUOTES = PM_FOURCC('Q', 'U', 'O', 'T'),
    NEAR_STEPS = 8 /* sentences walked one by one before the ranks are searched */
};

/* ---- writing ---- */

static uint64_t count_sentences(const pm_zones_data *d) {
    uint64_t n = 0;
    for (size_t i = 0; i < pm_bits_words(d->n_positions); i++) {
        n += (uint64_t)__builtin_popcountll(d->sentences[i]);
    }
    return n;
}

/* Bits of paragraphs at the set bits of sentences, in their order; returns their
 * number. */
static uint64_t collect_paragraphs(pm_spool *to, const pm_zones_data *d) {
    size_t n_words = pm_bits_words(d->n_positions);
    uint64_t rank = 0, word = 0;
    for (size_t i = 0; i < n_words; i++) {
        for (uint64_t left = d->sentences[i]; left != 0; left &= left - 1, rank++) {
            bool starts = (d->paragraphs[i] & left & (~left + 1)) != 0;
            word |= (uint64_t)starts << (rank & 63);
            if ((rank & 63) == 63) {
                pm_spool_put_u64(to, word);
                word = 0;
            }
        }
    }
    if ((rank & 63) != 0) {
        pm_spool_put_u64(to, word);
    }
    return rank;
}

static void put_paragraphs(pm_container_writer *w, const uint64_t *bits, uint64_t n) {
    pm_container_begin(w, PARAGRAPHS, PM_SECTION_REQUIRED);
    pm_bits_write(w, bits, n);
    pm_container_end(w);
}

static void write_paragraphs(pm_container_writer *w, const pm_zones_data *d) {
    pm_spool bits;
    pm_bytes bytes;
    pm_error err;
    if (d->by_sentence) {
        put_paragraphs(w, d->paragraphs, count_sentences(d));
        return;
    }
    pm_spool_init(&bits, w->scratch);
    uint64_t n = collect_paragraphs(&bits, d);
    pm_status status = pm_spool_view(&bits, &bytes, &err);
    if (status != PM_OK) {
        pm_container_fail(w, status, &err);
    } else {
        put_paragraphs(w, (const uint64_t *)(const void *)bytes.p, n);
    }
    pm_spool_release(&bits);
}

static pm_status write_quotes(pm_container_writer *w, const pm_zones_data *d,
                              pm_error *err) {
    uint32_t payload[PM_BLOCK];
    pm_list_writer list;
    pm_buf out;
    pm_list_writer_init(&list);
    pm_buf_init(&out);
    pm_container_begin(w, QUOTES, PM_SECTION_REQUIRED);
    pm_container_put(w, &d->n_quotes, sizeof d->n_quotes);
    pm_list_begin(&list, true);
    for (uint32_t at = 0; at < d->n_quotes; at += PM_BLOCK) {
        uint32_t n = d->n_quotes - at < PM_BLOCK ? d->n_quotes - at : PM_BLOCK;
        for (uint32_t i = 0; i < n; i++) {
            payload[i] = d->quote_lengths[at + i] - 1;
        }
        pm_list_put(&list, &out, d->quote_starts + at, payload, n);
        pm_container_put(w, out.p, out.n);
        out.n = 0;
    }
    pm_list_end(&list, &out);
    pm_container_put(w, out.p, out.n);
    pm_status status = pm_buf_status(&out, err);
    pm_container_end(w);
    pm_buf_release(&out);
    pm_list_writer_release(&list);
    return status;
}

pm_status pm_zones_write(pm_container_writer *w, const pm_zones_data *d,
                         pm_error *err) {
    pm_container_begin(w, SENTENCES, PM_SECTION_REQUIRED);
    pm_bits_write(w, d->sentences, d->n_positions);
    pm_container_end(w);
    write_paragraphs(w, d);
    PM_TRY(write_quotes(w, d, err));
    return pm_container_status(w, err);
}

/* ---- opening ---- */

static pm_status open_bits(pm_bitmap *b, const pm_container *file, uint32_t id,
                           uint64_t n_bits, pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_container_need(file, id, &bytes, err));
    if (!pm_bitmap_open(bytes, n_bits, b)) {
        return pm_section_corrupt(file, id, 0, err,
                                  "%zu bytes are not a bit map of %llu bits", bytes.n,
                                  (unsigned long long)n_bits);
    }
    return PM_OK;
}

static pm_status open_quotes(pm_list *list, const pm_container *file,
                             uint32_t n_positions, pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_container_need(file, QUOTES, &bytes, err));
    pm_cursor c = pm_cursor_of(bytes);
    uint32_t n = pm_cursor_u32(&c);
    if (c.bad || n > n_positions || pm_cursor_left(&c) < pm_list_least_bytes(n, 2)) {
        return pm_section_corrupt(
            file, QUOTES, 0, err,
            "%u quotations in %u positions do not fit into %zu bytes", n, n_positions,
            bytes.n);
    }
    *list = (pm_list){.bytes = {c.p, pm_cursor_left(&c)}, .n = n, .has_payload = true};
    return PM_OK;
}

pm_status pm_zones_open(pm_zones *z, const pm_container *file, uint32_t n_positions,
                        pm_error *err) {
    *z = (pm_zones){.file = file, .n_positions = n_positions};
    PM_TRY(open_bits(&z->sentences, file, SENTENCES, n_positions, err));
    PM_TRY(open_bits(&z->paragraphs, file, PARAGRAPHS, z->sentences.n_ones, err));
    return open_quotes(&z->quotes, file, n_positions, err);
}

/* ---- asking ---- */

/* The set bit `steps` before (after, if forward) that at `from`, whose rank is
 * given. */
static uint64_t walk(const pm_bitmap *b, uint64_t from, uint64_t rank, uint64_t steps,
                     bool forward) {
    if (steps > NEAR_STEPS) {
        return pm_bits_select(b, forward ? rank + steps : rank - steps);
    }
    uint64_t at = from;
    for (; steps > 0 && at < b->n_bits; steps--) {
        if (!forward && at == 0) {
            return UINT64_MAX;
        }
        at = forward ? pm_bitmap_after(b, at + 1) : pm_bitmap_before(b, at - 1);
    }
    return at;
}

static bool interval(const pm_zones *z, pm_pos pos, uint64_t first, uint64_t next,
                     pm_pos *lo, pm_pos *hi) {
    if (first > pos || next <= pos || next > z->n_positions) {
        return false;
    }
    *lo = (pm_pos)first;
    *hi = (pm_pos)next;
    return true;
}

static bool paragraph_at(const pm_zones *z, pm_pos pos, uint64_t sentence, pm_pos *lo,
                         pm_pos *hi) {
    uint64_t rank = pm_bitmap_rank(&z->sentences, sentence);
    uint64_t first = pm_bitmap_before(&z->paragraphs, rank);
    if (rank >= z->paragraphs.n_bits || first > rank) {
        return false;
    }
    uint64_t next = pm_bitmap_after(&z->paragraphs, rank + 1);
    uint64_t start = walk(&z->sentences, sentence, rank, rank - first, false);
    uint64_t end = next >= z->paragraphs.n_bits
                       ? z->n_positions
                       : walk(&z->sentences, sentence, rank, next - rank, true);
    return interval(z, pos, start, end, lo, hi);
}

/* From the first start > pos back to the one before it. */
static void step_back(pm_list_iter *it) {
    if (it->at > 0 && it->at < it->count) {
        it->at--;
        return;
    }
    uint32_t block = it->block < it->n_blocks ? it->block : it->n_blocks;
    if (block > 0 && pm_list_iter_load(it, block - 1)) {
        it->at = it->count - 1;
    }
}

/* it stands on the first quotation, or on the last that begins at or before the
 * position asked before. */
static bool quote_at(const pm_zones *z, pm_pos pos, pm_list_iter *it, pm_pos *lo,
                     pm_pos *hi) {
    if (pm_list_iter_value(it) > pos) {
        return false;
    }
    bool more_here = it->at + 1 < it->count;
    if (more_here ? it->values[it->at + 1] <= pos : it->block + 1 < it->n_blocks) {
        (void)pm_list_iter_advance(it, pos + 1);
        if (it->bad) {
            return false;
        }
        step_back(it);
    }
    uint32_t start = pm_list_iter_value(it);
    if (start > pos) {
        return false;
    }
    uint64_t end = (uint64_t)start + pm_list_iter_payload(it) + 1;
    return interval(z, pos, start, end < z->n_positions ? end : z->n_positions, lo, hi);
}

bool pm_zone_at(const pm_zones *z, pm_zone zone, pm_pos pos, pm_list_iter *it,
                pm_pos *lo, pm_pos *hi) {
    if (pos >= z->n_positions) {
        return false;
    }
    if (zone == PM_ZONE_QUOTE) {
        if (it != NULL) {
            return quote_at(z, pos, it, lo, hi);
        }
        pm_list_iter local;
        pm_list_iter_init(&local, z->quotes);
        return quote_at(z, pos, &local, lo, hi);
    }
    uint64_t sentence = pm_bitmap_before(&z->sentences, pos);
    if (sentence > pos) {
        return false;
    }
    if (zone == PM_ZONE_PARAGRAPH) {
        return paragraph_at(z, pos, sentence, lo, hi);
    }
    return interval(z, pos, sentence, pm_bitmap_after(&z->sentences, (uint64_t)pos + 1),
                    lo, hi);
}

/* ---- verifying ---- */

static pm_status verify_quotes(const pm_zones *z, pm_cancel *cancel, pm_error *err) {
    pm_list_iter it;
    uint64_t end = 0;
    uint32_t seen = 0;
    pm_list_iter_init(&it, z->quotes);
    for (uint32_t at = pm_list_iter_value(&it); at != PM_END;
         at = pm_list_iter_next(&it)) {
        PM_TRY(pm_cancel_check(cancel, 10, err));
        uint64_t next = (uint64_t)at + pm_list_iter_payload(&it) + 1;
        if (at < end || next > z->n_positions || it.bad) {
            return pm_section_corrupt(
                z->file, QUOTES, 0, err,
                "quotation %u: expected one between positions %llu and %u, "
                "found [%u, %llu)",
                seen, (unsigned long long)end, z->n_positions, at,
                (unsigned long long)next);
        }
        end = next;
        seen++;
    }
    if (it.bad || seen != z->quotes.n) {
        return pm_section_corrupt(z->file, QUOTES, 0, err,
                                  "expected %u quotations, %u can be decoded",
                                  z->quotes.n, seen);
    }
    return PM_OK;
}

pm_status pm_zones_verify(const pm_zones *z, pm_cancel *cancel, pm_error *err) {
    if (!pm_bitmap_verify(&z->sentences)) {
        return pm_section_corrupt(z->file, SENTENCES, 0, err,
                                  "expected the rank counts of its bits");
    }
    if (!pm_bitmap_verify(&z->paragraphs)) {
        return pm_section_corrupt(z->file, PARAGRAPHS, 0, err,
                                  "expected the rank counts of its bits");
    }
    return verify_quotes(z, cancel, err);
}
