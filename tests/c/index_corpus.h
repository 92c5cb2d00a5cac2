/* Made-up news for the tests of the index: the same rows for the same seed. Words are
 * few and frequent or many and rare, with capitals, accents, possessives, acronyms,
 * numbers, quotations, paragraphs and empty texts. */
#ifndef PM_TESTS_INDEX_CORPUS_H
#define PM_TESTS_INDEX_CORPUS_H

#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "index/builder.h"

enum { CORPUS_FIELDS = 2, CORPUS_CELLS = 4 };
static const char *const corpus_fields[CORPUS_FIELDS] = {"title", "text"};

typedef struct corpus {
    size_t n;
    pm_buf bytes; /* all keys and texts */
    size_t *ends; /* [3 n]: key, title, text of each row */
} corpus;

static inline uint32_t corpus_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static inline void corpus_word(pm_buf *b, uint32_t *state) {
    static const char *const common[] = {
        "the",  "of",   "US",     "U.S.",  "Iran's", "said",    "missile", "missiles",
        "base", "élan", "Élysée", "NATO",  "NGOs",   "us",      "don’t",   "5,000",
        "Base", "Iran", "@desk",  "#Iran", "strike", "Strikes", "日本",    "☕"};
    uint32_t r = corpus_random(state);
    if (r % 8 < 6) {
        pm_buf_printf(b, "%s", common[r / 8 % (sizeof common / sizeof *common)]);
    } else {
        pm_buf_printf(b, "w%" PRIu32 "%s", r / 8 % 5000, r % 3 == 0 ? "ing" : "");
    }
}

static inline void corpus_text(pm_buf *b, uint32_t *state, uint32_t n_words) {
    static const char *const gaps[] = {" ",   " ",    " ",  " ",  ", ",  ". ", " \"",
                                       "\" ", "\n\n", " “", "” ", " - ", ".\n"};
    for (uint32_t i = 0; i < n_words; i++) {
        corpus_word(b, state);
        pm_buf_printf(b, "%s",
                      gaps[corpus_random(state) % (sizeof gaps / sizeof *gaps)]);
    }
}

static inline void corpus_make(corpus *c, size_t n, uint32_t words, uint32_t seed) {
    c->n = n;
    pm_buf_init(&c->bytes);
    c->ends = malloc((3 * n + 1) * sizeof *c->ends);
    CHECK(c->ends != NULL);
    for (size_t i = 0; i < n; i++) {
        pm_buf_printf(&c->bytes, "outlet/%zu", i * 7919 % 100003);
        c->ends[3 * i] = c->bytes.n;
        corpus_text(&c->bytes, &seed, i % 5 == 1 ? 0 : 4);
        c->ends[3 * i + 1] = c->bytes.n;
        corpus_text(&c->bytes, &seed,
                    i % 11 == 3 ? 0 : corpus_random(&seed) % (2 * words));
        c->ends[3 * i + 2] = c->bytes.n;
    }
    CHECK(!c->bytes.failed);
}

static inline void corpus_free(corpus *c) {
    pm_buf_release(&c->bytes);
    free(c->ends);
}

/* Part 0: key, 1: title, 2: text. */
static inline pm_bytes corpus_part(const corpus *c, size_t row, size_t part) {
    size_t k = 3 * row + part, lo = k > 0 ? c->ends[k - 1] : 0;
    return (pm_bytes){c->bytes.p + lo, c->ends[k] - lo};
}

typedef struct corpus_row {
    pm_bytes texts[CORPUS_FIELDS];
    pm_cell cells[CORPUS_CELLS];
    pm_row row;
} corpus_row;

typedef struct corpus_columns {
    uint32_t outlet, score, tags;
} corpus_columns;

static inline pm_status corpus_declare(pm_builder *b, corpus_columns *columns,
                                       pm_error *err) {
    PM_TRY(pm_builder_column(b, "outlet", PM_VALUE_STR, &columns->outlet, err));
    PM_TRY(pm_builder_column(b, "score", PM_VALUE_INT, &columns->score, err));
    return pm_builder_column(b, "tags", PM_VALUE_STR, &columns->tags, err);
}

static inline pm_cell corpus_str(uint32_t column, const char *s) {
    return (pm_cell){column,
                     {.kind = PM_VALUE_STR, .s = {(const uint8_t *)s, strlen(s)}}};
}

static inline void corpus_get(const corpus *c, size_t i, const corpus_columns *columns,
                              corpus_row *out) {
    static const char *const outlets[] = {"Reuters", "The Hill", "Tägliche Post"};
    out->texts[0] = corpus_part(c, i, 1);
    out->texts[1] = corpus_part(c, i, 2);
    out->cells[0] = corpus_str(columns->outlet, outlets[i % 3]);
    out->cells[1] =
        (pm_cell){columns->score, {.kind = PM_VALUE_INT, .i = (int64_t)(i % 10) - 3}};
    out->cells[2] = corpus_str(columns->tags, "a");
    out->cells[3] = corpus_str(columns->tags, "b");
    out->row = (pm_row){corpus_part(c, i, 0), out->texts, out->cells,
                        i % 4 == 0 ? CORPUS_CELLS : i % 4};
}

static inline pm_status corpus_add(pm_builder *b, const corpus *c,
                                   const corpus_columns *columns, pm_cancel *cancel,
                                   pm_error *err) {
    for (size_t i = 0; i < c->n; i++) {
        corpus_row r;
        size_t n_added;
        corpus_get(c, i, columns, &r);
        PM_TRY(pm_builder_add(b, &r.row, 1, &n_added, cancel, err));
    }
    return PM_OK;
}

static inline pm_build_options corpus_options(unsigned threads, uint32_t segment_tokens,
                                              bool store) {
    return (pm_build_options){.lang = "english",
                              .fields = corpus_fields,
                              .n_fields = CORPUS_FIELDS,
                              .date_column = "",
                              .key_column = "id",
                              .store = store,
                              .threads = threads,
                              .segment_tokens = segment_tokens,
                              .if_exists = PM_EXISTS_RAISE};
}

/* A build of the whole corpus at path. */
static inline pm_status corpus_build(const corpus *c, const char *path,
                                     const pm_build_options *options, pm_error *err) {
    pm_builder *b;
    corpus_columns columns;
    PM_TRY(pm_builder_new(path, options, &b, err));
    pm_status status = corpus_declare(b, &columns, err);
    if (status == PM_OK) {
        status = corpus_add(b, c, &columns, NULL, err);
    }
    if (status == PM_OK) {
        status = pm_builder_finish(b, NULL, err);
    }
    pm_builder_free(b);
    return status;
}

#endif
