/* A small life of an index: a build of several segments, commits that add, update and
 * delete by key and by filter, so that sidecars, a merge and the sweep of old files
 * occur, and an optimize. For each step the documents that must stand afterwards are
 * known from the rows alone. */
#ifndef PM_TESTS_INDEX_SCRIPT_H
#define PM_TESTS_INDEX_SCRIPT_H

#include "index_state.h"
#include "memory_files.h"

#define SCRIPT_PATH "index"

typedef enum script_kind {
    SCRIPT_ADD,    /* rows [a, b) */
    SCRIPT_UPDATE, /* the key of row a gets the texts and cells of row b */
    SCRIPT_DELETE, /* the key of row a */
    SCRIPT_WHERE,  /* every document of outlet number a */
    SCRIPT_ROLLBACK,
    SCRIPT_COMMIT,
    SCRIPT_OPTIMIZE,
    SCRIPT_END
} script_kind;

typedef struct script_op {
    script_kind kind;
    size_t a, b;
} script_op;

enum { SCRIPT_ROWS = 40, SCRIPT_BUILT = 16, SCRIPT_SEGMENT = 80, SCRIPT_STATES = 8 };
static const char *const script_outlets[] = {"outlet:reuters", "outlet:\"the hill\""};

static const script_op script_ops[] = {
    {SCRIPT_ADD, 16, 19},  {SCRIPT_UPDATE, 2, 30}, {SCRIPT_UPDATE, 17, 31},
    {SCRIPT_DELETE, 0, 0}, {SCRIPT_DELETE, 18, 0}, {SCRIPT_COMMIT, 0, 0},
    {SCRIPT_ADD, 19, 20},  {SCRIPT_WHERE, 1, 0},   {SCRIPT_COMMIT, 0, 0},
    {SCRIPT_ADD, 32, 36},  {SCRIPT_DELETE, 5, 0},  {SCRIPT_ROLLBACK, 0, 0},
    {SCRIPT_ADD, 20, 22},  {SCRIPT_UPDATE, 2, 3},  {SCRIPT_COMMIT, 0, 0},
    {SCRIPT_DELETE, 8, 0}, {SCRIPT_ADD, 22, 24},   {SCRIPT_COMMIT, 0, 0},
    {SCRIPT_WHERE, 0, 0},  {SCRIPT_COMMIT, 0, 0},  {SCRIPT_OPTIMIZE, 0, 0},
    {SCRIPT_END, 0, 0}};

/* ---- what must stand ---- */

typedef struct script_model {
    struct {
        size_t key, text; /* rows of the corpus */
    } docs[SCRIPT_ROWS];
    size_t n;
} script_model;

static inline void model_drop(script_model *m, size_t i) {
    memmove(&m->docs[i], &m->docs[i + 1], (m->n - i - 1) * sizeof m->docs[0]);
    m->n--;
}

static inline void model_delete(script_model *m, size_t key) {
    for (size_t i = 0; i < m->n; i++) {
        if (m->docs[i].key == key) {
            model_drop(m, i);
            return;
        }
    }
}

static inline void model_add(script_model *m, size_t key, size_t text) {
    CHECK(m->n < SCRIPT_ROWS);
    m->docs[m->n].key = key;
    m->docs[m->n++].text = text;
}

static inline void model_step(script_model *m, const script_op *op) {
    switch (op->kind) {
    case SCRIPT_ADD:
        for (size_t i = op->a; i < op->b; i++) {
            model_add(m, i, i);
        }
        break;
    case SCRIPT_UPDATE:
        model_delete(m, op->a);
        model_add(m, op->a, op->b);
        break;
    case SCRIPT_DELETE:
        model_delete(m, op->a);
        break;
    case SCRIPT_WHERE:
        for (size_t i = m->n; i-- > 0;) {
            if (m->docs[i].text % 3 == op->a) { /* corpus_get */
                model_drop(m, i);
            }
        }
        break;
    default:
        break;
    }
}

/* The documents of a model as state_documents tells them. */
static inline uint64_t model_documents(const script_model *m, const corpus *c) {
    pm_buf all;
    pm_buf_init(&all);
    for (size_t i = 0; i < m->n; i++) {
        state_put(&all, corpus_part(c, m->docs[i].key, 0));
        state_put(&all, corpus_part(c, m->docs[i].text, 1));
        state_put(&all, corpus_part(c, m->docs[i].text, 2));
    }
    uint64_t hash = pm_hash64(all.p, all.n);
    pm_buf_release(&all);
    return hash;
}

static inline void model_check(const script_model *m, const corpus *c,
                               const index_state *s) {
    CHECK(s->n_docs == m->n);
    CHECK(s->documents == model_documents(m, c));
}

/* ---- the steps ---- */

static inline pm_build_options script_build_options(uint32_t segment_tokens) {
    return corpus_options(1, segment_tokens, true);
}

static inline pm_status script_build(const corpus *c, size_t rows, pm_error *err) {
    pm_build_options o = script_build_options(SCRIPT_SEGMENT);
    corpus first = *c;
    first.n = rows;
    o.if_exists = PM_EXISTS_REPLACE;
    return corpus_build(&first, SCRIPT_PATH, &o, err);
}

#endif
