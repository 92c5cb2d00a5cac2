/* Answers over an index with deleted documents are, to the bit, those over an index of
 * the live rows alone: hits, parts, counts, scores, orders, lists, tables, notes.
 *   test_deletions [rounds [seed]]   default 12 rounds */
#include "deleting.h"
#include "index_corpus.h"
#include "memory_files.h"
#include "pressmark.h"

/* ---- rows ---- */

enum { MAX_CELLS = 6 };
typedef struct columns {
    uint32_t outlet, score, tags, day, rare;
} columns;

/* Row i of the corpus with metadata: of "tags" some have two, "rare" few have at all. */
static pm_status add_row(pm_builder *b, const corpus *c, const columns *k, size_t i,
                         pm_error *err) {
    static const char *const outlets[] = {"Reuters", "The Hill", "bbc", "Épingle"};
    pm_bytes texts[] = {corpus_part(c, i, 1), corpus_part(c, i, 2)};
    pm_cell cells[MAX_CELLS];
    size_t n = 0, added;
    int64_t day = INT64_C(86400000000) * (int64_t)(18000 + i % 40);
    cells[n++] = corpus_str(k->outlet, outlets[i * i % 4]);
    if (i % 3 != 0) {
        cells[n++] = (pm_cell){k->score, {.kind = PM_VALUE_INT, .i = (int64_t)(i % 7)}};
        cells[n++] = (pm_cell){
            k->day, {.kind = i % 2 ? PM_VALUE_DATE : PM_VALUE_TIME, .i = day}};
    }
    if (i % 5 < 2) {
        cells[n++] = corpus_str(k->tags, i % 2 ? "odd" : "even");
    }
    if (i % 10 == 1) {
        cells[n++] = corpus_str(k->tags, "second");
    }
    if (i % 29 == 3) {
        cells[n++] = (pm_cell){k->rare, {.kind = PM_VALUE_FLOAT, .f = (double)i / 4}};
    }
    pm_row row = {corpus_part(c, i, 0), texts, cells, n};
    return pm_builder_add(b, &row, 1, &added, NULL, err);
}

static pm_status add_rows(pm_builder *b, const corpus *c, const uint64_t *dead,
                          pm_error *err) {
    columns k;
    PM_TRY(pm_builder_column(b, "outlet", PM_VALUE_STR, &k.outlet, err));
    PM_TRY(pm_builder_column(b, "score", PM_VALUE_INT, &k.score, err));
    PM_TRY(pm_builder_column(b, "tags", PM_VALUE_STR, &k.tags, err));
    PM_TRY(pm_builder_column(b, "day", PM_VALUE_DATE, &k.day, err));
    PM_TRY(pm_builder_column(b, "rare", PM_VALUE_FLOAT, &k.rare, err));
    for (size_t i = 0; i < c->n; i++) {
        if (dead == NULL || !pm_bits_get(dead, i)) {
            PM_TRY(add_row(b, c, &k, i, err));
        }
    }
    return PM_OK;
}

/* The rows that are not dead, as an index. */
static pm_index *build(const corpus *c, const char *path, const uint64_t *dead,
                       uint32_t segment_tokens) {
    pm_error err;
    pm_builder *b;
    pm_index *idx;
    pm_build_options o = corpus_options(1, segment_tokens, true);
    o.date_column = "day";
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_OK);
    CHECK(add_rows(b, c, dead, &err) == PM_OK);
    CHECK(pm_builder_finish(b, NULL, &err) == PM_OK);
    pm_builder_free(b);
    CHECK(pm_index_open(path, 0, PM_OPEN_READ, &idx, &err) == PM_OK);
    return idx;
}

/* The next generation, in which the dead are deleted. Takes idx. */
static pm_index *kill(pm_index *idx, const uint64_t *dead) {
    pm_error err;
    pm_index *killed;
    delete_documents("with", idx, dead);
    pm_index_unref(idx);
    CHECK(pm_index_verify("with", NULL, &err) == PM_OK);
    CHECK(pm_index_open("with", 0, PM_OPEN_READ, &killed, &err) == PM_OK);
    CHECK(killed->generation == 2);
    return killed;
}

/* ---- comparing ---- */

typedef struct pair { /* what is asked, with deletions and of the live rows alone */
    pm_index *with, *alone;
    const uint64_t *dead; /* over with's documents */
    /* documents of each, for where: any of with's, and the same of alone's */
    uint32_t *some, *some_alone;
    size_t n_some, n_some_alone;
} pair;

static bool same_value(const pm_table_column *a, size_t i, const pm_table_column *b,
                       size_t j) {
    bool there = a->valid == NULL || a->valid[i];
    if (there != (b->valid == NULL || b->valid[j]) || !there) {
        return there == (b->valid == NULL || b->valid[j]);
    }
    switch (a->type) {
    case PM_TYPE_I64:
    case PM_TYPE_TIME:
        return a->i64[i] == b->i64[j];
    case PM_TYPE_F64:
        return memcmp(&a->f64[i], &b->f64[j], sizeof(double)) == 0;
    case PM_TYPE_BOOL:
        return a->flags[i] == b->flags[j];
    default: {
        int64_t n = a->offsets[i + 1] - a->offsets[i];
        return n == b->offsets[j + 1] - b->offsets[j] &&
               memcmp(a->chars.p + a->offsets[i], b->chars.p + b->offsets[j],
                      (size_t)n) == 0;
    }
    }
}

/* Columns from `first` on, row for row. Takes both tables. */
static void same_tables(pm_table *a, pm_table *b, size_t first) {
    CHECK(a->n_rows == b->n_rows && a->n_columns == b->n_columns);
    for (size_t c = first; c < a->n_columns; c++) {
        CHECK(strcmp(a->columns[c].name, b->columns[c].name) == 0);
        CHECK(a->columns[c].type == b->columns[c].type);
        for (size_t i = 0; i < a->n_rows; i++) {
            CHECK(same_value(&a->columns[c], i, &b->columns[c], i));
        }
    }
    pm_table_unref(a);
    pm_table_unref(b);
}

/* The same rows in any order, known by their first column. */
static void same_rows(pm_table *a, pm_table *b) {
    CHECK(a->n_rows == b->n_rows && a->n_columns == b->n_columns);
    for (size_t i = 0; i < a->n_rows; i++) {
        size_t j = 0;
        while (j < b->n_rows && !same_value(&a->columns[0], i, &b->columns[0], j)) {
            j++;
        }
        CHECK(j < b->n_rows);
        for (size_t c = 1; c < a->n_columns; c++) {
            CHECK(same_value(&a->columns[c], i, &b->columns[c], j));
        }
    }
    pm_table_unref(a);
    pm_table_unref(b);
}

static pm_query parse(pm_index *idx, const char *text, pm_parse_mode mode) {
    pm_error err;
    pm_query q;
    pm_status status = pm_index_parse(idx, text, strlen(text), mode, &pm_limits_default,
                                      NULL, 0, &q, &err);
    if (status != PM_OK) {
        fprintf(stderr, "%s: %s\n", text, err.message);
    }
    CHECK(status == PM_OK);
    return q;
}

/* ---- one query ---- */

static void same_notes(const pm_hits *a, const pm_hits *b) {
    CHECK(pm_hits_n_notes(a) == pm_hits_n_notes(b));
    for (size_t i = 0; i < pm_hits_n_notes(a); i++) {
        CHECK(strcmp(pm_hits_note(a, i), pm_hits_note(b, i)) == 0);
    }
}

static void same_groups(const pm_hits *a, const pm_hits *b) {
    static const char *const by[] = {"doc", "field", "outlet", "score", "tags", "rare"};
    pm_error err;
    pm_table *x, *y;
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        CHECK(pm_hits_by(a, by[i], &x, &err) == PM_OK);
        CHECK(pm_hits_by(b, by[i], &y, &err) == PM_OK);
        same_tables(x, y, 0);
    }
}

static void same_hits(const pm_hits *a, const pm_hits *b) {
    static const char *const keys[] = {"1R", "-day", "outlet", "1L", "doc"};
    const pm_kwic_options o = {25, PM_KWIC_CHARS, PM_SCOPE_FIELD, keys, 5};
    pm_error err;
    pm_table *x, *y;
    CHECK(pm_hits_count(a) == pm_hits_count(b));
    CHECK(pm_hits_documents(a) == pm_hits_documents(b));
    CHECK(pm_hits_table(a, NULL, &x, &err) == PM_OK);
    CHECK(pm_hits_table(b, NULL, &y, &err) == PM_OK);
    same_tables(x, y, 0);
    CHECK(pm_hits_parts(a, 0, pm_hits_count(a), &x, &err) == PM_OK);
    CHECK(pm_hits_parts(b, 0, pm_hits_count(b), &y, &err) == PM_OK);
    same_tables(x, y, 0);
    CHECK(pm_hits_kwic(a, &o, NULL, &x, &err) == PM_OK);
    CHECK(pm_hits_kwic(b, &o, NULL, &y, &err) == PM_OK);
    same_tables(x, y, 0);
    same_notes(a, b);
    same_groups(a, b);
}

static void same_counts(const pair *p, const pm_query *q, const pm_query *r,
                        const pm_where *w, const pm_where *v) {
    pm_error err;
    for (int documents = 0; documents < 2; documents++) {
        pm_counts a, b;
        CHECK(pm_count(p->with, q, w, &pm_limits_default, documents, NULL, &a, &err) ==
              PM_OK);
        CHECK(pm_count(p->alone, r, v, &pm_limits_default, documents, NULL, &b, &err) ==
              PM_OK);
        CHECK(a.hits == b.hits && a.documents == b.documents);
    }
}

static void same_rankings(const pair *p, const pm_query *q, const pm_query *r,
                          const pm_where *w, const pm_where *v) {
    static const char *const sorts[] = {"score",   "newest", "oldest", "outlet",
                                        "-outlet", "score",  "-rare",  "rare"};
    static const double weights[] = {2.3, 0.7};
    pm_error err;
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
        pm_rank_options o = {.k1 = 1.2,
                             .b = 0.75,
                             .all = i % 2 == 0,
                             .sort = sorts[i],
                             .weights = i == 5 ? weights : NULL};
        pm_table *x, *y;
        uint64_t n, m;
        size_t k = i == 0 ? 1000 : 7;
        CHECK(pm_search(p->with, q, w, k, &o, &pm_limits_default, NULL, &x, &n, &err) ==
              PM_OK);
        CHECK(pm_search(p->alone, r, v, k, &o, &pm_limits_default, NULL, &y, &m,
                        &err) == PM_OK);
        CHECK(n == m);
        same_tables(x, y, 1); /* but for the documents' numbers */
    }
}

static void same_answers(const pair *p, const char *text, const char *filter,
                         bool some) {
    pm_error err;
    pm_hits *a, *b;
    pm_query q = parse(p->with, text, PM_PARSE_STRICT),
             r = parse(p->alone, text, PM_PARSE_STRICT), f = {.root = NULL},
             g = {.root = NULL};
    pm_where w = {.docs = some ? p->some : NULL, .n_docs = p->n_some},
             v = {.docs = some ? p->some_alone : NULL, .n_docs = p->n_some_alone};
    if (filter != NULL) {
        f = parse(p->with, filter, PM_PARSE_FILTER);
        g = parse(p->alone, filter, PM_PARSE_FILTER);
        w.filter = &f;
        v.filter = &g;
    }
    CHECK(pm_hits_new(p->with, &q, &w, &pm_limits_default, NULL, &a, &err) == PM_OK);
    CHECK(pm_hits_new(p->alone, &r, &v, &pm_limits_default, NULL, &b, &err) == PM_OK);
    same_hits(a, b);
    same_counts(p, &q, &r, &w, &v);
    same_rankings(p, &q, &r, &w, &v);
    pm_hits_unref(a);
    pm_hits_unref(b);
    pm_query_release(&q);
    pm_query_release(&r);
    if (filter != NULL) {
        pm_query_release(&f);
        pm_query_release(&g);
    }
}

/* ---- lists ---- */

static void same_documents(const pair *p) {
    static const char *const filters[] = {NULL, "outlet:bbc", "NOT score:1..3",
                                          "day:2019-05", "rare:0..1000"};
    static const char *const asked[] = {"rare", "tags", "score"};
    pm_error err;
    pm_table *x, *y;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        pm_query f = {.root = NULL}, g = {.root = NULL};
        if (filters[i] != NULL) {
            f = parse(p->with, filters[i], PM_PARSE_FILTER);
            g = parse(p->alone, filters[i], PM_PARSE_FILTER);
        }
        CHECK(pm_index_documents(p->with, asked, 3, NULL, 0,
                                 filters[i] != NULL ? &f : NULL, &x, &err) == PM_OK);
        CHECK(pm_index_documents(p->alone, asked, 3, NULL, 0,
                                 filters[i] != NULL ? &g : NULL, &y, &err) == PM_OK);
        same_tables(x, y, 0);
        if (filters[i] != NULL) {
            pm_query_release(&f);
            pm_query_release(&g);
        }
    }
    CHECK(pm_index_columns(p->with, &x, &err) == PM_OK);
    CHECK(pm_index_columns(p->alone, &y, &err) == PM_OK);
    same_rows(x, y);
}

static void same_words(const pair *p) {
    static const char *const patterns[] = {"*", "w1*", "US", "é*", "nothing"};
    pm_error err;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (int layer = 0; layer < 3; layer++) {
            pm_table *x, *y;
            size_t k = i == 1 ? 5 : SIZE_MAX;
            CHECK(pm_index_words(p->with, patterns[i], (pm_layer)layer, k, NULL, &x,
                                 &err) == PM_OK);
            CHECK(pm_index_words(p->alone, patterns[i], (pm_layer)layer, k, NULL, &y,
                                 &err) == PM_OK);
            same_tables(x, y, 0);
        }
    }
}

static pm_status explain(pm_index *idx, uint32_t doc, pm_table **out) {
    static const pm_rank_options o = {.k1 = 1.2, .b = 0.75, .sort = "score"};
    pm_error err;
    pm_query q = parse(idx, "missile OR (the W/3 us)", PM_PARSE_STRICT);
    pm_status status =
        pm_explain_score(idx, &q, doc, &o, &pm_limits_default, NULL, out, &err);
    pm_query_release(&q);
    return status;
}

/* A document that lives is the same in both; of a dead one nothing is told. */
static void same_document(const pair *p, uint32_t doc, uint32_t alone) {
    pm_error err;
    pm_table *x, *y;
    pm_buf text, other;
    pm_buf_init(&text);
    pm_buf_init(&other);
    CHECK(pm_index_documents(p->with, NULL, 0, &doc, 1, NULL, &x, &err) == PM_OK);
    CHECK(pm_index_documents(p->alone, NULL, 0, &alone, 1, NULL, &y, &err) == PM_OK);
    same_tables(x, y, 0);
    CHECK(pm_index_values(p->with, doc, &x, &err) == PM_OK);
    CHECK(pm_index_values(p->alone, alone, &y, &err) == PM_OK);
    same_tables(x, y, 0);
    CHECK(pm_index_tokens(p->with, doc, &x, &err) == PM_OK);
    CHECK(pm_index_tokens(p->alone, alone, &y, &err) == PM_OK);
    same_tables(x, y, 0);
    CHECK(explain(p->with, doc, &x) == PM_OK && explain(p->alone, alone, &y) == PM_OK);
    same_tables(x, y, 0);
    CHECK(pm_index_text(p->with, doc, 1, &text, &err) == PM_OK);
    CHECK(pm_index_text(p->alone, alone, 1, &other, &err) == PM_OK);
    CHECK(text.n == other.n && memcmp(text.p, other.p, text.n) == 0);
    pm_buf_release(&text);
    pm_buf_release(&other);
}

static void nothing_of(const pair *p, uint32_t doc) {
    pm_error err;
    pm_table *t;
    pm_buf text;
    pm_buf_init(&text);
    CHECK(pm_index_documents(p->with, NULL, 0, &doc, 1, NULL, &t, &err) == PM_INVALID);
    CHECK(pm_index_values(p->with, doc, &t, &err) == PM_INVALID);
    CHECK(pm_index_tokens(p->with, doc, &t, &err) == PM_INVALID);
    CHECK(explain(p->with, doc, &t) == PM_INVALID);
    CHECK(pm_index_text(p->with, doc, 0, &text, &err) == PM_INVALID);
    CHECK(text.n == 0);
    pm_buf_release(&text);
}

static void same_facts(const pair *p, const corpus *c) {
    pm_index_facts f, g;
    pm_error err;
    uint32_t alone = 0, doc;
    pm_index_get_facts(p->with, &f);
    pm_index_get_facts(p->alone, &g);
    CHECK(f.n_docs == g.n_docs && f.n_tokens == g.n_tokens);
    CHECK(f.doc_bound == c->n);
    for (uint32_t d = 0; d < c->n; d++) {
        CHECK(pm_index_find(p->with, corpus_part(c, d, 0), &doc, &err) == PM_OK);
        if (pm_bits_get(p->dead, d)) {
            nothing_of(p, d);
            CHECK(doc == PM_END);
        } else {
            same_document(p, d, alone++);
            CHECK(doc == d);
        }
    }
    CHECK(alone == g.n_docs);
}

/* ---- rounds ---- */

static const char *const queries[] = {
    "missile",
    "US",
    "us",
    "==US",
    "=base",
    "élan OR iran",
    "\"the missile\"",
    "\"of the\"",
    "missile W/5 base",
    "the W/3 of",
    "said PRE/8 (strike OR us)",
    "the W/s of",
    "iran W/p said",
    "title:(the W/4 said)",
    "\"the of\"~3",
    "\"said the base\"~>4",
    "the W/5 the",
    "(the W/10 of) PRE/1 said",
    "missile AND NOT base",
    "(missile AND title:the) OR strike",
    "missile AND w12* AND NOT outlet:bbc",
    "w1* W/4 the",
    "*ing",
    "missile score:2..5",
    "(NATO W/4 US) AND the",
    "nothing",
    "\"the * of\"",
    "5,000 OR #Iran OR @desk",
    "ATLEAST/2 (the)",
    "FIRST/3 (the OR said)",
    "2 OF (missile, us, said W/4 the)",
    "missle~1 OR strke~2",
    "the IN quote",
    "the NOT W/3 said",
    "missile^2 OR base",
};

static void choose_some(pair *p, const corpus *c, uint32_t *seed) {
    uint32_t alone = 0;
    p->some = malloc((c->n + 1) * sizeof *p->some);
    p->some_alone = malloc((c->n + 1) * sizeof *p->some_alone);
    CHECK(p->some != NULL && p->some_alone != NULL);
    for (uint32_t d = 0; d < c->n; d++) {
        bool lives = !pm_bits_get(p->dead, d);
        if (corpus_random(seed) % 3 == 0) {
            p->some[p->n_some++] = d;
            p->some_alone[p->n_some_alone] = alone;
            p->n_some_alone += lives;
        }
        alone += lives;
    }
}

static void same_index(pair *p, const corpus *c, uint32_t *seed) {
    static const char *const filters[] = {NULL, "outlet:bbc", "outlet:re* OR tags:even",
                                          "NOT tags:odd", "rare:0..1000"};
    choose_some(p, c, seed);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        size_t n = sizeof filters / sizeof *filters;
        same_answers(p, queries[i], NULL, false);
        same_answers(p, queries[i], filters[corpus_random(seed) % n],
                     corpus_random(seed) % 2);
    }
    same_documents(p);
    same_words(p);
    same_facts(p, c);
    free(p->some);
    free(p->some_alone);
}

/* Which documents die: each by a chance of percent in 100, or whole stretches; never all
 * below 100. */
static uint64_t *choose_dead(const corpus *c, uint32_t percent, uint32_t *seed) {
    uint64_t *dead = calloc(pm_bits_words(c->n) + 1, sizeof *dead);
    uint32_t stretch = corpus_random(seed) % 3 == 0 ? 40 : 1;
    CHECK(dead != NULL);
    for (size_t d = 0; d < c->n; d += stretch) {
        bool gone = corpus_random(seed) % 100 < percent;
        for (size_t i = d; gone && i < d + stretch && i < c->n; i++) {
            pm_bits_set(dead, i);
        }
    }
    if (percent < 100) {
        size_t spared = corpus_random(seed) % c->n;
        dead[spared / 64] &= ~(UINT64_C(1) << spared % 64);
    }
    return dead;
}

static void test_deleted_documents_change_no_answer(uint32_t round, uint32_t seed) {
    static const uint32_t percents[] = {1, 10, 30, 50, 80, 95};
    corpus c;
    corpus_make(&c, 60 + 50 * (round % 3), 30, seed);
    uint64_t *dead =
        choose_dead(&c, percents[round % (sizeof percents / sizeof *percents)], &seed);
    pair p = {.with = build(&c, "with", NULL, round % 2 ? 700 : 0), .dead = dead};
    CHECK(round % 2 ? p.with->n_parts > 2 : p.with->n_parts == 1);
    p.alone = build(&c, "alone", dead, 0);
    p.with = kill(p.with, dead);
    same_index(&p, &c, &seed);
    pm_index_unref(p.with);
    pm_index_unref(p.alone);
    mem_clear();
    free(dead);
    corpus_free(&c);
}

/* Columns are known as long as the files have them; nothing else is there. */
static void test_nothing_is_left(uint32_t segment_tokens) {
    pm_error err;
    corpus c;
    pm_table *t;
    uint64_t total;
    const pm_rank_options o = {.k1 = 1.2, .b = 0.75, .sort = "-outlet"};
    corpus_make(&c, 130, 30, 5);
    uint64_t *dead = choose_dead(&c, 100, (uint32_t[]){3});
    pm_index *idx = build(&c, "with", NULL, segment_tokens);
    idx = kill(idx, dead);
    CHECK(idx->live_docs == 0 && idx->live_tokens == 0);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        pm_hits *h;
        pm_query q = parse(idx, queries[i], PM_PARSE_STRICT);
        CHECK(pm_hits_new(idx, &q, NULL, &pm_limits_default, NULL, &h, &err) == PM_OK);
        CHECK(pm_hits_count(h) == 0 && pm_hits_n_notes(h) == 0);
        CHECK(pm_hits_by(h, "tags", &t, &err) == PM_OK && t->n_rows == 0);
        pm_table_unref(t);
        CHECK(pm_search(idx, &q, NULL, 9, &o, &pm_limits_default, NULL, &t, &total,
                        &err) == PM_OK);
        CHECK(t->n_rows == 0 && total == 0);
        pm_table_unref(t);
        pm_hits_unref(h);
        pm_query_release(&q);
    }
    CHECK(pm_index_documents(idx, NULL, SIZE_MAX, NULL, 0, NULL, &t, &err) == PM_OK);
    CHECK(t->n_rows == 0);
    pm_table_unref(t);
    CHECK(pm_index_words(idx, "*", PM_LAYER_STEM, 9, NULL, &t, &err) == PM_OK);
    CHECK(t->n_rows == 0);
    pm_table_unref(t);
    CHECK(pm_index_columns(idx, &t, &err) == PM_OK);
    CHECK(t->n_rows == 5);
    for (size_t i = 0; i < t->n_rows; i++) {
        CHECK(t->columns[3].i64[i] == 0 && t->columns[2].flags[i] == 0);
    }
    pm_table_unref(t);
    pm_index_unref(idx);
    mem_clear();
    free(dead);
    corpus_free(&c);
}

int main(int argc, char **argv) {
    uint32_t rounds = argc > 1 ? (uint32_t)atoi(argv[1]) : 12,
             seed = argc > 2 ? (uint32_t)atoi(argv[2]) : 1;
    pm_sys_replace(&mem_sys);
    for (uint32_t i = 0; i < rounds; i++) {
        test_deleted_documents_change_no_answer(i, seed + i);
        CHECK(atomic_load(&mem_live) == 0 && mem_open_files() == 0);
    }
    test_nothing_is_left(0);
    test_nothing_is_left(700);
    CHECK(atomic_load(&mem_live) == 0 && mem_open_files() == 0);
    printf("test_deletions: %u indexes answered as those of their live rows\n", rounds);
    return 0;
}
