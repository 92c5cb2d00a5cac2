/* What a writer's tests hold an index against: a list of rows, built from scratch, and
 * all that a reader can be told of an index, put into words without document numbers, so
 * that two indexes of the same live documents give the same text. */
#ifndef PM_TESTS_WRITER_MODEL_H
#define PM_TESTS_WRITER_MODEL_H

#include <dirent.h>
#include <ftw.h>
#include <unistd.h>

#include "index_corpus.h"
#include "pressmark.h"

/* ---- rows ---- */

enum { MODEL_ROWS = 2000, MODEL_CELLS = 5 };

typedef struct model_id { /* a row's text and cells are made of its seed */
    uint32_t key, seed;
} model_id;

typedef struct model { /* live documents in order */
    model_id at[MODEL_ROWS];
    size_t n;
} model;

typedef struct model_row {
    pm_buf bytes;
    char key[16];
    pm_bytes texts[2];
    pm_cell cells[MODEL_CELLS];
    pm_row row;
} model_row;

/* In the order of declaration. */
enum { COL_OUTLET, COL_SCORE, COL_DATE, COL_TAGS };

static inline int64_t model_score(model_id id) {
    return (int64_t)(id.seed % 10);
}

static inline void model_fill(model_row *r, model_id id) {
    static const char *const outlets[] = {"Reuters", "The Hill", "Tägliche Post"};
    uint32_t state = id.seed;
    pm_buf_clear(&r->bytes);
    corpus_text(&r->bytes, &state, id.seed % 5);
    const size_t title = r->bytes.n;
    corpus_text(&r->bytes, &state, id.seed % 7 == 0 ? 0 : corpus_random(&state) % 40);
    CHECK(!r->bytes.failed);
    snprintf(r->key, sizeof r->key, "k%" PRIu32, id.key);
    r->texts[0] = (pm_bytes){r->bytes.p, title};
    r->texts[1] = (pm_bytes){r->bytes.p + title, r->bytes.n - title};
    r->cells[0] = corpus_str(COL_OUTLET, outlets[id.seed % 3]);
    r->cells[1] = (pm_cell){COL_SCORE, {.kind = PM_VALUE_INT, .i = model_score(id)}};
    r->cells[2] = (pm_cell){
        COL_DATE,
        {.kind = PM_VALUE_DATE, .i = INT64_C(86400000000) * (id.seed % 1000)}};
    r->cells[3] = corpus_str(COL_TAGS, "a");
    r->cells[4] = corpus_str(COL_TAGS, id.seed % 2 ? "b" : "c");
    r->row = (pm_row){
        {(const uint8_t *)r->key, strlen(r->key)}, r->texts, r->cells, 3 + id.seed % 3};
}

static inline size_t model_find(const model *m, uint32_t key) {
    size_t i = 0;
    while (i < m->n && m->at[i].key != key) {
        i++;
    }
    return i;
}

static inline void model_remove(model *m, size_t i) {
    m->n--;
    memmove(m->at + i, m->at + i + 1, (m->n - i) * sizeof *m->at);
}

static inline void model_put(model *m, model_id id) {
    size_t i = model_find(m, id.key);
    if (i < m->n) {
        model_remove(m, i);
    }
    CHECK(m->n < MODEL_ROWS);
    m->at[m->n++] = id;
}

static inline pm_build_options model_options(uint32_t segment_tokens) {
    pm_build_options o = corpus_options(1, segment_tokens, true);
    o.date_column = "date";
    o.if_exists = PM_EXISTS_REPLACE;
    return o;
}

/* The model as one build. */
static inline pm_status model_build(const model *m, const char *path,
                                    uint32_t segment_tokens, pm_error *err) {
    static const char *const names[] = {"outlet", "score", "date", "tags"};
    static const pm_value_kind kinds[] = {PM_VALUE_STR, PM_VALUE_INT, PM_VALUE_DATE,
                                          PM_VALUE_STR};
    const pm_build_options o = model_options(segment_tokens);
    pm_builder *b;
    model_row r;
    pm_status status = PM_OK;
    PM_TRY(pm_builder_new(path, &o, &b, err));
    pm_buf_init(&r.bytes);
    for (uint32_t i = 0, column; status == PM_OK && i < 4; i++) {
        status = pm_builder_column(b, names[i], kinds[i], &column, err);
    }
    for (size_t i = 0, added; status == PM_OK && i < m->n; i++) {
        model_fill(&r, m->at[i]);
        status = pm_builder_add(b, &r.row, 1, &added, NULL, err);
    }
    if (status == PM_OK) {
        status = pm_builder_finish(b, NULL, err);
    }
    pm_builder_free(b);
    pm_buf_release(&r.bytes);
    return status;
}

static inline pm_status model_columns(pm_writer *w, pm_error *err) {
    static const char *const names[] = {"outlet", "score", "date", "tags"};
    static const pm_value_kind kinds[] = {PM_VALUE_STR, PM_VALUE_INT, PM_VALUE_DATE,
                                          PM_VALUE_STR};
    for (uint32_t i = 0, column; i < 4; i++) {
        PM_TRY(pm_writer_column(w, names[i], kinds[i], &column, err));
        CHECK(column == i);
    }
    return PM_OK;
}

/* ---- an index in words ---- */

static inline void dump_cell(pm_buf *out, const pm_table_column *c, size_t i) {
    if (c->valid != NULL && !c->valid[i]) {
        pm_buf_printf(out, "-");
    } else if (c->type == PM_TYPE_STR) {
        pm_buf_put(out, c->chars.p + c->offsets[i],
                   (size_t)(c->offsets[i + 1] - c->offsets[i]));
    } else if (c->type == PM_TYPE_F64) {
        pm_buf_printf(out, "%a", c->f64[i]);
    } else if (c->type == PM_TYPE_BOOL) {
        pm_buf_printf(out, "%d", c->flags[i]);
    } else {
        pm_buf_printf(out, "%" PRId64, c->i64[i]);
    }
    pm_buf_printf(out, "|");
}

/* Every column but "doc", whose numbers count dead documents. */
static inline void dump_table(pm_buf *out, const char *title, pm_table *t) {
    pm_buf_printf(out, "== %s\n", title);
    for (size_t i = 0; i < t->n_rows; i++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            if (strcmp(t->columns[c].name, "doc") != 0) {
                dump_cell(out, &t->columns[c], i);
            }
        }
        pm_buf_printf(out, "\n");
    }
    pm_table_unref(t);
}

static const char *const dump_queries[] = {"missile",
                                           "\"the of\"",
                                           "US W/5 base",
                                           "Iran OR strike",
                                           "said AND NOT title:base",
                                           "w1*",
                                           "NATO score:2..5"};
enum { DUMP_QUERIES = sizeof dump_queries / sizeof *dump_queries };

static inline pm_status dump_hits(pm_buf *out, pm_index *idx, const pm_query *q,
                                  const char *text, pm_error *err) {
    pm_hits *h;
    pm_table *t;
    PM_TRY(pm_hits_new(idx, q, NULL, &pm_limits_default, NULL, &h, err));
    pm_buf_printf(out, "hits %zu documents %zu\n", pm_hits_count(h),
                  pm_hits_documents(h));
    pm_status status = pm_hits_table(h, NULL, &t, err);
    if (status == PM_OK) {
        dump_table(out, text, t);
        status = pm_index_documents(idx, NULL, 0, pm_hits_docs(h), pm_hits_count(h),
                                    NULL, &t, err);
    }
    if (status == PM_OK) {
        dump_table(out, "of", t);
        status = pm_hits_by(h, "outlet", &t, err);
    }
    if (status == PM_OK) {
        dump_table(out, "by outlet", t);
    }
    pm_hits_unref(h);
    return status;
}

static inline pm_status dump_answers(pm_buf *out, pm_index *idx, const pm_query *q,
                                     const char *text, pm_error *err) {
    static const pm_rank_options rank = {.k1 = 1.2, .b = 0.75, .sort = "score"};
    pm_counts counts;
    pm_table *t;
    uint64_t total;
    PM_TRY(dump_hits(out, idx, q, text, err));
    PM_TRY(pm_count(idx, q, NULL, &pm_limits_default, false, NULL, &counts, err));
    pm_buf_printf(out, "count %" PRIu64 " in %" PRIu64, counts.hits, counts.documents);
    PM_TRY(pm_count(idx, q, NULL, &pm_limits_default, true, NULL, &counts, err));
    pm_buf_printf(out, ", %" PRIu64 "\n", counts.documents);
    PM_TRY(
        pm_search(idx, q, NULL, 10, &rank, &pm_limits_default, NULL, &t, &total, err));
    pm_buf_printf(out, "total %" PRIu64 "\n", total);
    dump_table(out, "ranked", t);
    return PM_OK;
}

static inline pm_status dump_query(pm_buf *out, pm_index *idx, const char *text,
                                   pm_error *err) {
    pm_query q;
    PM_TRY(pm_index_parse(idx, text, strlen(text), PM_PARSE_STRICT, &pm_limits_default,
                          NULL, 0, &q, err));
    pm_status status = dump_answers(out, idx, &q, text, err);
    pm_query_release(&q);
    return status;
}

static inline pm_status dump_documents(pm_buf *out, pm_index *idx, pm_error *err) {
    static const char *const columns[] = {"outlet", "score"};
    pm_table *t;
    PM_TRY(pm_index_documents(idx, columns, 2, NULL, 0, NULL, &t, err));
    for (size_t i = 0; i < t->n_rows; i++) {
        const pm_table_column *key = &t->columns[0];
        const int64_t lo = key->offsets[i];
        uint32_t doc;
        PM_TRY(pm_index_find(
            idx, (pm_bytes){key->chars.p + lo, (size_t)(key->offsets[i + 1] - lo)},
            &doc, err));
        CHECK(doc != PM_END);
        PM_TRY(pm_index_text(idx, doc, 0, out, err));
        pm_buf_printf(out, "//");
        PM_TRY(pm_index_text(idx, doc, 1, out, err));
        pm_buf_printf(out, "\n");
    }
    dump_table(out, "documents", t);
    return PM_OK;
}

/* Replaces out's content. An index without a document has no column to ask for. */
static inline pm_status dump_index(pm_buf *out, pm_index *idx, pm_error *err) {
    pm_index_facts facts;
    pm_table *t;
    pm_buf_clear(out);
    pm_index_get_facts(idx, &facts);
    pm_buf_printf(out, "%" PRIu32 " documents %" PRIu64 " tokens\n", facts.n_docs,
                  facts.n_tokens);
    if (facts.n_docs > 0) {
        PM_TRY(dump_documents(out, idx, err));
        for (size_t i = 0; i < DUMP_QUERIES; i++) {
            PM_TRY(dump_query(out, idx, dump_queries[i], err));
        }
    }
    for (int layer = 0; layer < 3; layer++) {
        PM_TRY(pm_index_words(idx, "*", (pm_layer)layer, 200, NULL, &t, err));
        dump_table(out, "words", t);
    }
    return pm_buf_status(out, err);
}

static inline pm_status dump_path(pm_buf *out, const char *path, pm_error *err) {
    pm_index *idx;
    PM_TRY(pm_index_open(path, 0, PM_OPEN_AUTO, &idx, err));
    pm_status status = dump_index(out, idx, err);
    pm_index_unref(idx);
    return status;
}

static inline bool same_text(const pm_buf *a, const pm_buf *b) {
    return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* ---- directories ---- */

static inline int remove_entry(const char *path, const struct stat *s, int kind,
                               struct FTW *at) {
    (void)s;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void remove_dir(const char *path) {
    (void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int count_files(const char *path) {
    DIR *dir = opendir(path);
    int n = 0;
    CHECK(dir != NULL);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        n += e->d_name[0] != '.';
    }
    closedir(dir);
    return n;
}

#endif
