/* The words of an index with their frequencies, counted in one pass over the stream:
 * the last document in which each word was seen tells whether this one is new. */
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "query/hits_inner.h"
#include "query/listing.h"
#include "text/casefold.h"
#include "text/utf8.h"

typedef struct word {
    pm_bytes text;
    uint64_t freq, documents;
} word;

typedef struct counter {
    const pm_snapshot *idx;
    pm_layer layer;
    pm_bytes pattern;
    bool unaccented; /* the pattern has no accents: words are matched without theirs */
    pm_buf bare;
    pm_arena arena; /* texts */
    word *words;
    size_t n, capacity;
    pm_cancel *cancel;
    pm_error *err;
} counter;

static uint32_t n_words(const pm_lexicon *lex, pm_layer layer) {
    return layer == PM_LAYER_STEM     ? lex->n_groups
           : layer == PM_LAYER_FOLDED ? lex->n_forms
                                      : lex->n_ids;
}

/* Number of the id's word on the layer. */
static uint32_t word_of(const pm_lexicon *lex, pm_layer layer, pm_id id) {
    if (layer == PM_LAYER_SURFACE) {
        return id;
    }
    pm_form f = pm_lexicon_id_form(lex, id);
    return layer == PM_LAYER_FOLDED ? f : pm_lexicon_form_group(lex, f);
}

static bool text_of(const pm_lexicon *lex, pm_layer layer, uint32_t word_number,
                    pm_buf *out) {
    if (layer == PM_LAYER_SURFACE) {
        return pm_lexicon_surface(lex, word_number, out);
    }
    return layer == PM_LAYER_FOLDED ? pm_lexicon_form_text(lex, word_number, out)
                                    : pm_lexicon_group_stem(lex, word_number, out);
}

/* What is counted of one word of a segment; tokens of a segment fit into 32 bits. */
typedef struct tally {
    uint32_t last; /* 1 + the last document with it */
    uint32_t freq, documents;
} tally;

/* Tokens of live documents. ids of the lexicon are looked up once, in words[id]. */
static pm_status count_tokens(counter *c, const pm_part *part, const uint32_t *words,
                              tally *tallies) {
    enum { BATCH = 1024 };
    const pm_segment *seg = &part->segment;
    uint32_t ids[BATCH];
    pm_doc doc = 0;
    bool lives = pm_part_lives(part, doc);
    pm_pos doc_end = pm_bounds_start(&seg->bounds, seg->info.n_fields);
    for (pm_pos lo = 0; lo < seg->info.n_positions; lo += BATCH) {
        pm_pos hi =
            seg->info.n_positions - lo > BATCH ? lo + BATCH : seg->info.n_positions;
        if (pm_cancel_tick(c->cancel, BATCH * 4)) {
            return pm_hits_interrupted(c->err);
        }
        pm_stream_decode(&seg->stream, lo, hi, ids);
        for (pm_pos p = lo; p < hi; p++) {
            while (p >= doc_end && doc + 1 < seg->info.n_docs) {
                lives = pm_part_lives(part, ++doc);
                doc_end = pm_bounds_start(&seg->bounds, (doc + 1) * seg->info.n_fields);
            }
            uint32_t w = ids[p - lo] < seg->info.n_ids ? words[ids[p - lo]] : PM_END;
            if (w != PM_END && lives) {
                tally *t = &tallies[w];
                t->documents += t->last != doc + 1;
                t->last = doc + 1;
                t->freq++;
            }
        }
    }
    return PM_OK;
}

/* Whether the word is asked for; an accentless pattern is held against its accentless form. */
static pm_status is_wanted(counter *c, pm_bytes text, bool *out) {
    bool changed;
    if (!pm_utf8_valid(text)) {
        return pm_fail(c->err, PM_CORRUPT, "a word of the lexicon is not UTF-8");
    }
    if (c->unaccented) {
        pm_buf_clear(&c->bare);
        PM_TRY(
            pm_unaccent(c->idx->analyzer, text.p, text.n, &c->bare, &changed, c->err));
        text = pm_buf_bytes(&c->bare);
    }
    *out = pm_pattern_match(c->pattern, text);
    return PM_OK;
}

static pm_status add_words(counter *c, const pm_lexicon *lex, const tally *tallies) {
    uint32_t n = n_words(lex, c->layer);
    pm_status status = PM_OK;
    pm_buf text;
    pm_buf_init(&text);
    for (uint32_t w = 0; w < n && status == PM_OK; w++) {
        if (pm_cancel_tick(c->cancel, 300)) {
            status = pm_hits_interrupted(c->err);
        }
        if (tallies[w].freq == 0) { /* deleted documents alone have it */
            continue;
        }
        if (status == PM_OK && !text_of(lex, c->layer, w, &text)) {
            status = pm_buf_status(&text, c->err);
            continue;
        }
        bool wanted = false;
        if (status == PM_OK) {
            status = is_wanted(c, pm_buf_bytes(&text), &wanted);
        }
        if (!wanted) {
            continue;
        }
        char *copy = pm_arena_copy(&c->arena, text.p, text.n);
        if (copy == NULL || !PM_GROW(c->words, c->n, c->capacity, 1)) {
            status = pm_fail_nomem(c->err, text.n);
            continue;
        }
        c->words[c->n++] = (word){
            {(const uint8_t *)copy, text.n}, tallies[w].freq, tallies[w].documents};
    }
    pm_buf_release(&text);
    return status;
}

static pm_status count_part(counter *c, const pm_part *part) {
    const pm_lexicon *lex = &part->segment.lexicon;
    uint32_t n = n_words(lex, c->layer);
    uint32_t *words = pm_alloc_array((size_t)lex->n_ids + 1, sizeof *words);
    tally *tallies = pm_calloc((size_t)n + 1, sizeof *tallies);
    pm_status status = PM_OK;
    if (words == NULL || tallies == NULL) {
        status = pm_fail_nomem(c->err, lex->n_ids * sizeof *words);
    } else {
        for (pm_id id = 0; id < lex->n_ids; id++) {
            words[id] = word_of(lex, c->layer, id);
        }
        status = count_tokens(c, part, words, tallies);
    }
    if (status == PM_OK) {
        status = add_words(c, lex, tallies);
    }
    pm_free(words);
    pm_free(tallies);
    return status;
}

static int by_text(const void *a, const void *b) {
    const word *x = a, *y = b;
    size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
    int order = n == 0 ? 0 : memcmp(x->text.p, y->text.p, n);
    return order != 0 ? order : (x->text.n > y->text.n) - (x->text.n < y->text.n);
}

static int by_freq(const void *a, const void *b) {
    const word *x = a, *y = b;
    if (x->freq != y->freq) {
        return x->freq > y->freq ? -1 : 1;
    }
    return by_text(a, b);
}

/* One row a word over all segments. */
static void merge_words(counter *c) {
    size_t n = 0;
    if (c->idx->n_parts < 2 || c->n == 0) {
        return;
    }
    qsort(c->words, c->n, sizeof *c->words, by_text);
    for (size_t i = 1; i < c->n; i++) {
        if (by_text(&c->words[n], &c->words[i]) == 0) {
            c->words[n].freq += c->words[i].freq;
            c->words[n].documents += c->words[i].documents;
        } else {
            c->words[++n] = c->words[i];
        }
    }
    c->n = n + 1;
}

static pm_status put_words(counter *c, size_t k, pm_table **out) {
    static const char *const names[] = {"word", "freq", "documents"};
    static const pm_type types[] = {PM_TYPE_STR, PM_TYPE_I64, PM_TYPE_I64};
    size_t n = k < c->n ? k : c->n;
    pm_table *t;
    PM_TRY(pm_table_new(n, 3, names, types, &t, c->err));
    for (size_t i = 0; i < n; i++) {
        pm_table_put_str(t, 0, c->words[i].text.p, c->words[i].text.n);
        pm_table_put_i64(t, 1, (int64_t)c->words[i].freq);
        pm_table_put_i64(t, 2, (int64_t)c->words[i].documents);
    }
    pm_status status = pm_table_check(t, c->err);
    if (status != PM_OK) {
        pm_table_unref(t);
        return status;
    }
    *out = t;
    return PM_OK;
}

static pm_status count_all(counter *c, size_t k, pm_table **out) {
    for (uint32_t p = 0; p < c->idx->n_parts; p++) {
        PM_TRY(count_part(c, &c->idx->parts[p]));
    }
    merge_words(c);
    if (c->n > 1) {
        qsort(c->words, c->n, sizeof *c->words, by_freq);
    }
    return put_words(c, k, out);
}

pm_status pm_index_words(const pm_snapshot *idx, const char *pattern, pm_layer layer,
                         size_t k, pm_cancel *cancel, pm_table **out, pm_error *err) {
    counter c = {.idx = idx, .layer = layer, .cancel = cancel, .err = err};
    pm_bytes text = {(const uint8_t *)pattern, strlen(pattern)};
    pm_buf folded;
    bool accents = true;
    pm_buf_init(&folded);
    pm_buf_init(&c.bare);
    pm_arena_init(&c.arena);
    pm_status status = pm_casefold(text, &folded, err);
    c.pattern = layer == PM_LAYER_SURFACE ? text : pm_buf_bytes(&folded);
    if (status == PM_OK && layer != PM_LAYER_SURFACE) {
        status = pm_unaccent(idx->analyzer, folded.p, folded.n, &c.bare, &accents, err);
        c.unaccented = !accents;
    }
    if (status == PM_OK) {
        status = count_all(&c, k, out);
    }
    pm_buf_release(&c.bare);
    pm_free(c.words);
    pm_arena_release(&c.arena);
    pm_buf_release(&folded);
    return status;
}
