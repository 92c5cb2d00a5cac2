/* From texts to numbers: the hot part of a build. Nothing is allocated for a token, and
 * nothing but the tokenizer and the dictionary is called for a text. */
#include "index/chunk.h"

#include <string.h>

#include "base/sys.h"
#include "base/types.h"
#include "codec/bitset.h"

enum {
    LARGE_TEXT_BYTES = 4 * PM_CHUNK_BYTES, /* and tokens: memory is not kept */
    PACKER_BYTES = 1 << 20                 /* of the compressor, about */
};

void pm_chunk_init(pm_chunk *c) {
    memset(c, 0, sizeof *c);
}

void pm_chunk_release(pm_chunk *c) {
    pm_buf_release(&c->text);
    pm_free(c->unit_bytes);
    pm_free(c->ids);
    pm_free(c->starts);
    pm_free(c->unit_tokens);
    pm_free(c->sentences);
    pm_free(c->paragraphs);
    pm_free(c->quotes);
    pm_buf_release(&c->packed);
    pm_buf_release(&c->blocks);
    pm_chunk_init(c);
}

static void clear_output(pm_chunk *c) {
    c->n_positions = 0;
    c->n_quotes = 0;
    pm_buf_clear(&c->packed);
    pm_buf_clear(&c->blocks);
}

uint64_t pm_chunk_memory(const pm_chunk *c) {
    uint64_t positions = c->ids_capacity * sizeof *c->ids +
                         c->starts_capacity * sizeof *c->starts +
                         c->sentences_capacity * sizeof *c->sentences +
                         c->paragraphs_capacity * sizeof *c->paragraphs +
                         c->quotes_capacity * sizeof *c->quotes;
    uint64_t units = c->unit_bytes_capacity * sizeof *c->unit_bytes +
                     c->unit_tokens_capacity * sizeof *c->unit_tokens;
    return positions + units + c->text.capacity + c->packed.capacity +
           c->blocks.capacity;
}

void pm_chunk_clear(pm_chunk *c) {
    if (c->text.capacity > LARGE_TEXT_BYTES) {
        pm_chunk_release(c);
    }
    pm_buf_clear(&c->text);
    c->n_units = 0;
    c->n_docs = 0;
    c->meta_bytes = 0;
    clear_output(c);
}

pm_status pm_chunk_add(pm_chunk *c, const pm_bytes *texts, uint32_t n, pm_error *err) {
    if (!PM_GROW(c->unit_bytes, c->n_units, c->unit_bytes_capacity, n)) {
        return pm_fail_nomem(err, n * sizeof *c->unit_bytes);
    }
    for (uint32_t i = 0; i < n; i++) {
        pm_buf_put(&c->text, texts[i].p, texts[i].n);
        c->unit_bytes[c->n_units++] = (uint32_t)texts[i].n;
    }
    c->n_docs++;
    return pm_buf_status(&c->text, err);
}

/* ---- one worker ---- */

pm_status pm_digester_init(pm_digester *d, bool store, pm_error *err) {
    memset(d, 0, sizeof *d);
    pm_surfaces_init(&d->surfaces);
    pm_tokens_init(&d->tokens);
    return store ? pm_packer_new(&d->packer, err) : PM_OK;
}

void pm_digester_release(pm_digester *d) {
    pm_surfaces_release(&d->surfaces);
    pm_tokens_release(&d->tokens);
    if (d->packer != NULL) {
        pm_packer_free(d->packer);
    }
    memset(d, 0, sizeof *d);
}

/* ---- tokens ---- */

uint64_t pm_digester_memory(const pm_digester *d) {
    const pm_tokens *t = &d->tokens;
    return pm_surfaces_word_memory(&d->surfaces) + t->capacity * sizeof *t->at +
           t->quotes_capacity * sizeof *t->quotes +
           t->marks_capacity * sizeof *t->marks +
           (d->packer != NULL ? PACKER_BYTES : 0);
}

static pm_status add_slack(pm_buf *text, pm_error *err) {
    uint8_t *slack = pm_buf_room(text, PM_TEXT_SLACK);
    if (slack != NULL) {
        memset(slack, 0, PM_TEXT_SLACK);
    }
    return pm_buf_status(text, err);
}

bool pm_grow_bits(uint64_t **words, size_t *capacity, size_t old_bits, size_t n_bits) {
    size_t old = pm_bits_words(old_bits), more = pm_bits_words(n_bits) - old;
    if (!PM_GROW(*words, old, *capacity, more)) {
        return false;
    }
    memset(*words + old, 0, more * sizeof **words);
    return true;
}

static pm_status make_room(pm_chunk *c, size_t n_tokens, size_t n_quotes, bool store,
                           pm_error *err) {
    size_t n = n_tokens + 1;
    bool ok = PM_GROW(c->ids, c->n_positions, c->ids_capacity, n) &&
              PM_GROW(c->quotes, c->n_quotes, c->quotes_capacity, n_quotes) &&
              pm_grow_bits(&c->sentences, &c->sentences_capacity, c->n_positions,
                           c->n_positions + n) &&
              pm_grow_bits(&c->paragraphs, &c->paragraphs_capacity, c->n_positions,
                           c->n_positions + n) &&
              (!store || PM_GROW(c->starts, c->n_positions, c->starts_capacity, n));
    return ok ? PM_OK : pm_fail_nomem(err, n * sizeof *c->ids);
}

static void mark(pm_chunk *c, const pm_tokens *t, bool store) {
    size_t base = c->n_positions;
    for (size_t i = 0; i < t->n; i++) {
        if (t->at[i].flags != 0) {
            pm_bits_set(c->sentences, base + i);
            if (t->at[i].flags & PM_TOKEN_PARAGRAPH) {
                pm_bits_set(c->paragraphs, base + i);
            }
        }
    }
    for (size_t i = 0; i < t->n_quotes; i++) {
        pm_span32 q = t->quotes[i];
        c->quotes[c->n_quotes++] =
            (pm_span32){(uint32_t)base + q.lo, (uint32_t)base + q.hi};
    }
    for (size_t i = 0; store && i < t->n; i++) {
        c->starts[base + i] = t->at[i].start;
    }
}

static void end_unit(pm_chunk *c, size_t n_tokens, bool store) {
    size_t at = c->n_positions + n_tokens;
    c->ids[at] = PM_END;
    pm_bits_set(c->sentences, at);
    pm_bits_set(c->paragraphs, at);
    if (store) {
        c->starts[at] = 0;
    }
    c->n_positions = at + 1;
}

static pm_status digest_unit(pm_chunk *c, pm_digester *d, const pm_analyzer *an,
                             size_t unit, size_t at, pm_error *err) {
    pm_tokens *t = &d->tokens;
    const uint8_t *text = c->text.p + at;
    bool store = d->packer != NULL;
    PM_TRY(pm_tokenize(an, (pm_bytes){text, c->unit_bytes[unit]}, t, err));
    PM_TRY(make_room(c, t->n, t->n_quotes, store, err));
    PM_TRY(pm_surfaces_number(&d->surfaces, text, t->at, t->n, c->ids + c->n_positions,
                              err));
    mark(c, t, store);
    end_unit(c, t->n, store);
    c->unit_tokens[unit] = (uint32_t)t->n;
    return PM_OK;
}

pm_status pm_chunk_digest(pm_chunk *c, pm_digester *d, unsigned worker,
                          const pm_analyzer *an, pm_error *err) {
    clear_output(c);
    c->worker = worker;
    if (!PM_GROW(c->unit_tokens, 0, c->unit_tokens_capacity, c->n_units)) {
        return pm_fail_nomem(err, c->n_units * sizeof *c->unit_tokens);
    }
    PM_TRY(add_slack(&c->text, err));
    size_t at = 0;
    for (size_t u = 0; u < c->n_units; u++) {
        PM_TRY(digest_unit(c, d, an, u, at, err));
        at += c->unit_bytes[u];
    }
    if (d->tokens.capacity > LARGE_TEXT_BYTES) {
        pm_tokens_release(&d->tokens);
    }
    if (d->packer == NULL) {
        return PM_OK;
    }
    return pm_packer_chunk(d->packer, pm_buf_bytes(&c->text), &c->packed, &c->blocks,
                           err);
}
