/* Rows with every kind of metadata, built as a whole and in pieces, for the tests of
 * merging. Columns are declared when a row has them first, as a caller's rows come. */
#ifndef PM_TESTS_MERGE_ROWS_H
#define PM_TESTS_MERGE_ROWS_H

#include "index/merge.h"
#include "index_corpus.h"
#include "memory_files.h"

enum { ROWS_MAX_PIECES = 40, ROWS_CELLS = 10, ROWS_COLUMNS = 8 };

typedef struct rows {
    corpus c;
    size_t n;
    size_t late; /* the first row that has columns "late" and floats in "mixed" */
} rows;

static inline rows rows_make(size_t n, uint32_t words, size_t late, uint32_t seed) {
    rows r = {.n = n, .late = late};
    corpus_make(&r.c, n, words, seed);
    return r;
}

static inline void rows_free(rows *r) {
    corpus_free(&r->c);
}

static inline pm_cell row_cell(pm_builder *b, const char *name, pm_value v) {
    pm_error err;
    pm_cell cell = {.value = v};
    pm_value_kind kind = v.kind == PM_VALUE_TIME ? PM_VALUE_DATE : v.kind;
    CHECK(pm_builder_column(b, name, kind, &cell.column, &err) == PM_OK);
    return cell;
}

static inline pm_value row_str(const char *s) {
    return (pm_value){.kind = PM_VALUE_STR, .s = {(const uint8_t *)s, strlen(s)}};
}

static inline size_t row_cells(const rows *r, size_t i, pm_builder *b, pm_cell *cells) {
    static const char *const outlets[] = {"Reuters", "The Hill", "Tägliche Post",
                                          "",        "Zeit",     "Aftonbladet"};
    const int64_t day = INT64_C(86400) * 1000000;
    size_t n = 0;
    cells[n++] = row_cell(b, "outlet", row_str(outlets[i * 5 % 6]));
    if (i % 3 != 1) {
        int64_t at = day * (18000 + (int64_t)(i * 7 % 50));
        bool timed = i % 6 == 2;
        cells[n++] = row_cell(b, "date",
                              (pm_value){.kind = timed ? PM_VALUE_TIME : PM_VALUE_DATE,
                                         .i = timed ? at + 12345000000 : at});
    }
    for (size_t k = 0; k < i % 4; k++) {
        cells[n++] = row_cell(b, "tags", row_str(outlets[(i + k * k) % 6]));
    }
    cells[n++] = row_cell(b, "flag", (pm_value){.kind = PM_VALUE_BOOL, .i = i % 2});
    cells[n++] =
        i < r->late
            ? row_cell(b, "mixed",
                       (pm_value){.kind = PM_VALUE_INT, .i = (int64_t)i - 5})
            : row_cell(b, "mixed",
                       (pm_value){.kind = PM_VALUE_FLOAT, .f = 0.5 * (double)i});
    if (i >= r->late) {
        cells[n++] = row_cell(b, "late", row_str(i % 2 ? "odd" : "even"));
    }
    return n;
}

/* A text of its own for each row and field, unless `tell` says otherwise. */
typedef void (*rows_tell)(const rows *r, size_t i, pm_bytes *texts);

/* Builds an index of the rows [lo, hi) whose bit is set (NULL: all). */
static inline void rows_build(const rows *r, size_t lo, size_t hi, const uint64_t *bits,
                              const char *path, bool store, const char *lang,
                              rows_tell tell) {
    pm_error err;
    pm_builder *b;
    pm_build_options o = corpus_options(1, 0, store);
    o.lang = lang;
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_OK);
    for (size_t i = lo; i < hi; i++) {
        if (bits != NULL && !pm_bits_get(bits, i)) {
            continue;
        }
        pm_cell cells[ROWS_CELLS];
        pm_bytes texts[] = {corpus_part(&r->c, i, 1), corpus_part(&r->c, i, 2)};
        if (tell != NULL) {
            tell(r, i, texts);
        }
        pm_row row = {corpus_part(&r->c, i, 0), texts, cells,
                      row_cells(r, i, b, cells)};
        size_t added;
        CHECK(pm_builder_add(b, &row, 1, &added, NULL, &err) == PM_OK);
    }
    CHECK(pm_builder_finish(b, NULL, &err) == PM_OK);
    pm_builder_free(b);
}

static inline void segment_of(pm_segment *s, const char *index) {
    char path[512];
    pm_error err;
    snprintf(path, sizeof path, "%s/0000000001.seg", index);
    CHECK(pm_segment_open(s, path, PM_MAP_AUTO, &err) == PM_OK);
}

/* Segments of the rows cut at starts[0 .. n], and what is merged from them. */
typedef struct pieces {
    pm_segment *at; /* [n] */
    pm_merge_input inputs[ROWS_MAX_PIECES];
    uint64_t *live[ROWS_MAX_PIECES];
    size_t n;
    pm_analyzer *analyzer;
    pm_merge_column columns[ROWS_COLUMNS];
    char names[ROWS_COLUMNS][32];
    pm_merge merge;
} pieces;

static inline void pieces_make(pieces *p, const rows *r, const size_t *starts, size_t n,
                               bool store, const char *lang, rows_tell tell) {
    pm_error err;
    *p = (pieces){.n = n, .at = calloc(n, sizeof *p->at)};
    CHECK(p->at != NULL && n <= ROWS_MAX_PIECES);
    CHECK(pm_analyzer_new("english", &p->analyzer, &err) == PM_OK);
    for (size_t i = 0; i < n; i++) {
        char name[64];
        snprintf(name, sizeof name, "piece%zu", i);
        rows_build(r, starts[i], starts[i + 1], NULL, name, store, lang, tell);
        segment_of(&p->at[i], name);
        p->inputs[i] = (pm_merge_input){&p->at[i], NULL};
    }
    p->merge = (pm_merge){.dir = ".",
                          .name = "merged.seg",
                          .inputs = p->inputs,
                          .n_inputs = n,
                          .analyzer = p->analyzer,
                          .last = true,
                          .threads = 1,
                          .memory_bytes = 64 << 20};
}

/* Rows whose bit is not set are dead. */
static inline void pieces_live(pieces *p, const size_t *starts, const uint64_t *bits) {
    for (size_t i = 0; i < p->n; i++) {
        free(p->live[i]);
        p->live[i] = calloc((starts[i + 1] - starts[i]) / 64 + 1, sizeof(uint64_t));
        CHECK(p->live[i] != NULL);
        for (size_t d = starts[i]; d < starts[i + 1]; d++) {
            if (pm_bits_get(bits, d)) {
                pm_bits_set(p->live[i], d - starts[i]);
            }
        }
        p->inputs[i].live = p->live[i];
    }
}

/* The columns that the whole has are those that a caller would list. */
static inline void pieces_columns(pieces *p, const pm_segment *whole) {
    CHECK(whole->columns.n <= ROWS_COLUMNS);
    for (uint32_t i = 0; i < whole->columns.n; i++) {
        const pm_column *c = &whole->columns.at[i];
        snprintf(p->names[i], sizeof p->names[i], "%.*s", (int)c->name.n,
                 (const char *)c->name.p);
        p->columns[i] = (pm_merge_column){p->names[i], c->kind};
    }
    p->merge.columns = p->columns;
    p->merge.n_columns = whole->columns.n;
}

static inline void pieces_free(pieces *p) {
    for (size_t i = 0; i < p->n; i++) {
        pm_segment_close(&p->at[i]);
        free(p->live[i]);
    }
    free(p->at);
    pm_analyzer_free(p->analyzer);
}

static inline pm_bytes file_bytes(const char *path) {
    const mem_node *node = mem_find(path);
    CHECK(node != NULL);
    return (pm_bytes){node->bytes, node->n};
}

#endif
