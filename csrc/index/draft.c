/* Checkpoints are found when a chunk settles: only then are its positions known, and
 * its text is still at hand. Most items have one; those without stay 0. */
#include "index/draft.h"

#include <string.h>

#include "base/sys.h"
#include "base/types.h"
#include "codec/bitset.h"
#include "text/utf8.h"

void pm_draft_init(pm_draft *d, uint32_t n_fields, bool store) {
    memset(d, 0, sizeof *d);
    d->n_fields = n_fields;
    d->store = store;
}

void pm_draft_release(pm_draft *d) {
    pm_free(d->stream);
    pm_free(d->sentences);
    pm_free(d->paragraphs);
    pm_free(d->quote_starts);
    pm_free(d->quote_lengths);
    pm_free(d->unit_starts);
    pm_free(d->pieces);
    pm_free(d->text_starts);
    pm_free(d->blocks);
    pm_free(d->checkpoints);
    pm_draft_init(d, d->n_fields, d->store);
}

uint64_t pm_draft_memory(const pm_draft *d) {
    uint64_t positions = (uint64_t)d->n_positions * sizeof *d->stream +
                         d->n_positions / 4 + /* two bits */
                         d->n_quotes * (sizeof *d->quote_starts * 2) +
                         d->n_pieces * sizeof *d->pieces;
    uint64_t text = (uint64_t)d->n_units * sizeof *d->text_starts +
                    d->n_blocks * (sizeof *d->blocks * 2) +
                    d->n_positions / PM_CHECKPOINT * (sizeof *d->checkpoints * 2);
    return positions + d->n_units * sizeof *d->unit_starts + (d->store ? text : 0);
}

/* ---- places ---- */

/* Ors n bits of from to position `at`; whatever lies there and beyond was 0. */
static void put_bits(uint64_t *to, size_t at, const uint64_t *from, size_t n) {
    unsigned shift = (unsigned)(at & 63);
    uint64_t *w = to + (at >> 6);
    for (size_t i = 0; i < pm_bits_words(n); i++) {
        w[i] |= from[i] << shift;
        if (shift != 0 && (at + n - 1) >> 6 > (at >> 6) + i) {
            w[i + 1] |= from[i] >> (64 - shift);
        }
    }
}

/* Pairs for the checkpoints of n_positions. */
static size_t checkpoint_numbers(uint32_t n_positions) {
    return ((size_t)n_positions + PM_CHECKPOINT - 1) / PM_CHECKPOINT * 2;
}

static bool grow_text(pm_draft *d, const pm_chunk *c) {
    size_t old = checkpoint_numbers(d->n_positions);
    size_t n = checkpoint_numbers(d->n_positions + (uint32_t)c->n_positions);
    if (!PM_GROW(d->text_starts, d->n_units, d->text_starts_capacity, c->n_units + 1) ||
        !PM_GROW(d->blocks, 2 * d->n_blocks, d->blocks_capacity,
                 c->blocks.n / sizeof *d->blocks + 2) ||
        !PM_GROW(d->checkpoints, old, d->checkpoints_capacity, n - old)) {
        return false;
    }
    memset(d->checkpoints + old, 0, (n - old) * sizeof *d->checkpoints);
    return true;
}

static pm_status make_room(pm_draft *d, const pm_chunk *c, pm_error *err) {
    size_t at = d->n_positions, n = c->n_positions;
    bool ok =
        PM_GROW(d->stream, at, d->stream_capacity, n) &&
        pm_grow_bits(&d->sentences, &d->sentences_capacity, at, at + n) &&
        pm_grow_bits(&d->paragraphs, &d->paragraphs_capacity, at, at + n) &&
        PM_GROW(d->quote_starts, d->n_quotes, d->quote_starts_capacity, c->n_quotes) &&
        PM_GROW(d->quote_lengths, d->n_quotes, d->quote_lengths_capacity,
                c->n_quotes) &&
        PM_GROW(d->unit_starts, d->n_units, d->unit_starts_capacity, c->n_units + 1) &&
        PM_GROW(d->pieces, d->n_pieces, d->pieces_capacity, 1) &&
        (!d->store || grow_text(d, c));
    return ok ? PM_OK : pm_fail_nomem(err, n * sizeof *d->stream);
}

static void place_text(pm_draft *d, const pm_chunk *c) {
    uint64_t at = d->text_bytes;
    for (size_t u = 0; u < c->n_units; u++) {
        d->text_starts[d->n_units + u] = at;
        at += c->unit_bytes[u];
    }
    d->text_starts[d->n_units + c->n_units] = at;
    for (size_t i = 0; i < c->blocks.n / 16; i++) {
        uint64_t pair[2];
        memcpy(pair, c->blocks.p + 16 * i, sizeof pair);
        d->blocks[2 * d->n_blocks] = d->text_bytes + pair[0];
        d->blocks[2 * d->n_blocks + 1] = d->packed_bytes + pair[1];
        d->n_blocks++;
    }
    d->text_bytes = at;
    d->packed_bytes += c->packed.n;
    d->blocks[2 * d->n_blocks] = d->text_bytes;
    d->blocks[2 * d->n_blocks + 1] = d->packed_bytes;
}

static void place(pm_draft *d, const pm_chunk *c) {
    uint32_t base = d->n_positions, at = base;
    for (size_t u = 0; u < c->n_units; u++) {
        d->unit_starts[d->n_units + u] = at;
        at += c->unit_tokens[u] + 1;
    }
    d->unit_starts[d->n_units + c->n_units] = at;
    for (size_t i = 0; i < c->n_quotes; i++) {
        d->quote_starts[d->n_quotes] = base + c->quotes[i].lo;
        d->quote_lengths[d->n_quotes++] = c->quotes[i].hi - c->quotes[i].lo;
    }
    put_bits(d->sentences, base, c->sentences, c->n_positions);
    put_bits(d->paragraphs, base, c->paragraphs, c->n_positions);
    if (d->store) {
        place_text(d, c);
    }
    d->pieces[d->n_pieces++] = (pm_piece){base, c->worker};
    d->n_positions += (uint32_t)c->n_positions;
    d->n_units += (uint32_t)c->n_units;
    d->n_docs += c->n_docs;
    d->meta_bytes += c->meta_bytes;
}

pm_status pm_draft_place(pm_draft *d, const pm_chunk *chunks, size_t n,
                         size_t *first_piece, pm_error *err) {
    *first_piece = d->n_pieces;
    for (size_t i = 0; i < n; i++) {
        PM_TRY(make_room(d, &chunks[i], err));
        place(d, &chunks[i]);
    }
    return PM_OK;
}

/* ---- copies ---- */

/* Checkpoints of the unit of n tokens at position lo of its chunk, which stands at base;
 * its text begins at text. */
static void check_unit(pm_draft *d, uint32_t base, const pm_chunk *c, size_t lo,
                       size_t n, const uint8_t *text) {
    uint32_t byte = 0, code_point = 0;
    for (size_t i = PM_CHECKPOINT; i < n; i += PM_CHECKPOINT) {
        uint32_t start = c->starts[lo + i];
        size_t k = (base + lo + i) / PM_CHECKPOINT;
        code_point += (uint32_t)pm_utf8_count(text + byte, start - byte);
        byte = start;
        d->checkpoints[2 * k] = byte;
        d->checkpoints[2 * k + 1] = code_point;
    }
}

static void check_chunk(pm_draft *d, size_t piece, const pm_chunk *c) {
    size_t lo = 0, byte = 0;
    for (size_t u = 0; u < c->n_units; u++) {
        check_unit(d, d->pieces[piece].start, c, lo, c->unit_tokens[u],
                   c->text.p + byte);
        lo += c->unit_tokens[u] + 1;
        byte += c->unit_bytes[u];
    }
}

void pm_draft_settle(pm_draft *d, size_t piece, const pm_chunk *c) {
    memcpy(d->stream + d->pieces[piece].start, c->ids, c->n_positions * sizeof *c->ids);
    if (d->store) {
        check_chunk(d, piece, c);
    }
}
