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

enum { SCRIPT_ROWS = 40, SCRIPT_BUILT = 16, SCRIPT_SEGMENT = 80, SCRIPT_SESSIONS = 6 };
static const char *const script_outlets[] = {"outlet:reuters", "outlet:\"the hill\""};

/* The second session writes two runs, which the commit makes one segment: a deletion by
 * filter looks at what was added before. */
static const script_op script_ops[] = {
    {SCRIPT_ADD, 16, 19},  {SCRIPT_UPDATE, 2, 30},  {SCRIPT_UPDATE, 17, 31},
    {SCRIPT_DELETE, 0, 0}, {SCRIPT_DELETE, 18, 0},  {SCRIPT_COMMIT, 0, 0},
    {SCRIPT_ADD, 19, 20},  {SCRIPT_WHERE, 1, 0},    {SCRIPT_ADD, 36, 38},
    {SCRIPT_WHERE, 1, 0},  {SCRIPT_UPDATE, 36, 25}, {SCRIPT_COMMIT, 0, 0},
    {SCRIPT_ADD, 32, 36},  {SCRIPT_DELETE, 5, 0},   {SCRIPT_ROLLBACK, 0, 0},
    {SCRIPT_ADD, 20, 22},  {SCRIPT_UPDATE, 2, 3},   {SCRIPT_COMMIT, 0, 0},
    {SCRIPT_DELETE, 8, 0}, {SCRIPT_ADD, 22, 24},    {SCRIPT_COMMIT, 0, 0},
    {SCRIPT_WHERE, 0, 0},  {SCRIPT_COMMIT, 0, 0},   {SCRIPT_OPTIMIZE, 0, 0},
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

static inline pm_status script_build(const corpus *c, size_t rows, unsigned threads,
                                     pm_error *err) {
    pm_build_options o = corpus_options(threads, SCRIPT_SEGMENT, true);
    corpus first = *c;
    first.n = rows;
    o.if_exists = PM_EXISTS_REPLACE;
    return corpus_build(&first, SCRIPT_PATH, &o, err);
}

static inline pm_writer_options script_writer_options(unsigned threads) {
    return (pm_writer_options){.timeout_s = 0,
                               .memory_bytes = 64 << 20,
                               .threads = threads,
                               .segment_tokens = 0};
}

static inline pm_status script_declare(pm_writer *w, corpus_columns *columns,
                                       pm_error *err) {
    PM_TRY(pm_writer_column(w, "outlet", PM_VALUE_STR, &columns->outlet, err));
    PM_TRY(pm_writer_column(w, "score", PM_VALUE_INT, &columns->score, err));
    return pm_writer_column(w, "tags", PM_VALUE_STR, &columns->tags, err);
}

/* A row with one row's key and another's texts and cells. */
static inline pm_status script_put(pm_writer *w, const corpus *c, pm_write_mode mode,
                                   size_t key, size_t text, pm_error *err) {
    corpus_columns columns;
    corpus_row r;
    size_t n_added;
    PM_TRY(script_declare(w, &columns, err));
    corpus_get(c, text, &columns, &r);
    r.row.key = corpus_part(c, key, 0);
    return pm_writer_add(w, mode, &r.row, 1, &n_added, NULL, err);
}

static inline pm_status script_apply(pm_writer *w, const corpus *c, const script_op *op,
                                     pm_error *err) {
    uint64_t n;
    size_t n_keys;
    switch (op->kind) {
    case SCRIPT_ADD:
        for (size_t i = op->a; i < op->b; i++) {
            PM_TRY(script_put(w, c, PM_WRITE_ADD, i, i, err));
        }
        return PM_OK;
    case SCRIPT_UPDATE:
        return script_put(w, c, PM_WRITE_UPDATE, op->a, op->b, err);
    case SCRIPT_DELETE: {
        pm_bytes key = corpus_part(c, op->a, 0);
        return pm_writer_delete(w, &key, 1, NULL, &n_keys, NULL, err);
    }
    case SCRIPT_WHERE:
        return pm_delete_where(w, script_outlets[op->a], strlen(script_outlets[op->a]),
                               &pm_limits_default, &n, NULL, err);
    case SCRIPT_ROLLBACK:
        return pm_writer_rollback(w, err);
    case SCRIPT_COMMIT:
        return pm_writer_commit(w, NULL, &n, err);
    default:
        CHECK(false);
        return PM_OK;
    }
}

/* How many operations make one session: up to its commit. */
static inline size_t script_length(const script_op *ops) {
    size_t n = 0;
    while (ops[n].kind != SCRIPT_COMMIT && ops[n].kind != SCRIPT_OPTIMIZE) {
        n++;
    }
    return n + 1;
}

/* One session with a writer of its own. */
static inline pm_status script_session(const corpus *c, const script_op *ops,
                                       unsigned threads, pm_error *err) {
    pm_writer_options o = script_writer_options(threads);
    uint64_t generation;
    if (ops[0].kind == SCRIPT_OPTIMIZE) {
        return pm_writer_optimize(SCRIPT_PATH, &o, false, NULL, &generation, err);
    }
    pm_writer *w;
    PM_TRY(pm_writer_new(SCRIPT_PATH, &o, NULL, &w, err));
    pm_status status = PM_OK;
    for (size_t i = 0; i < script_length(ops) && status == PM_OK; i++) {
        status = script_apply(w, c, &ops[i], err);
    }
    pm_writer_free(w);
    return status;
}

/* The model after a session; a rollback takes back what came before it. */
static inline void model_session(script_model *m, const script_op *ops) {
    size_t n = script_length(ops), from = 0;
    for (size_t i = 0; i < n; i++) {
        from = ops[i].kind == SCRIPT_ROLLBACK ? i + 1 : from;
    }
    for (size_t i = from; i < n; i++) {
        model_step(m, &ops[i]);
    }
}

/* The path, where it is neither the index nor a file of it that the manifest names; or
 * NULL. */
static inline const char *script_stray(const char *path, const pm_manifest *m) {
    const char *name = mem_entry_of(path, SCRIPT_PATH);
    if (name == NULL) {
        return strcmp(path, SCRIPT_PATH) == 0 ? NULL : path;
    }
    bool known = strcmp(name, PM_MANIFEST_NAME) == 0 || strcmp(name, PM_LOCK_NAME) == 0;
    for (uint32_t i = 0; i < m->n_files && !known; i++) {
        known = strcmp(name, m->files[i].name) == 0;
    }
    return known ? NULL : path;
}

#endif
