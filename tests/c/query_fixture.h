/* A small index on disk and the calls that a reader makes of it, for the tests of
 * queries under failing memory and damaged files. */
#ifndef PM_TESTS_QUERY_FIXTURE_H
#define PM_TESTS_QUERY_FIXTURE_H

#include <string.h>

#include "check.h"
#include "deleting.h"
#include "pressmark.h"

static const char *const fixture_fields[] = {"title", "text"};
static const char *const fixture_rows[][2] = {
    {"A slap in the face", "The U.S. said it was a slap in the face. \"Do not harm "
                           "us,\" he said.\n\nNATO and Nato met; US forces left."},
    {"", "Élysée: les élèves. self-defence and selfdefence. The the the of the of."},
    {"Iran’s leader", "Soleimani was killed. Suleimani's death; killing Soleimani W/5. "
                      "5,000 troops at 4pm, $1.5bn."},
    {"Empty", ""},
    {"the face", "of the slap of the face in the the slapped face of it"},
};
enum { FIXTURE_ROWS = sizeof fixture_rows / sizeof *fixture_rows };

static pm_bytes fixture_bytes(const char *text) {
    return (pm_bytes){(const uint8_t *)text, strlen(text)};
}

static pm_status fixture_add(pm_builder *b, uint32_t outlet, uint32_t date,
                             uint32_t size, pm_error *err) {
    for (size_t i = 0; i < FIXTURE_ROWS; i++) {
        char key[8];
        size_t added;
        snprintf(key, sizeof key, "k%zu", i);
        pm_bytes texts[2] = {fixture_bytes(fixture_rows[i][0]),
                             fixture_bytes(fixture_rows[i][1])};
        pm_cell cells[] = {
            {outlet,
             {.kind = PM_VALUE_STR, .s = fixture_bytes(i % 2 ? "The Hill" : "bbc")}},
            {date,
             {.kind = i % 2 ? PM_VALUE_DATE : PM_VALUE_TIME,
              .i = INT64_C(1578441600000000) + (int64_t)i * INT64_C(86400000000)}},
            {size, {.kind = PM_VALUE_INT, .i = (int64_t)i * 10}},
        };
        pm_row row = {fixture_bytes(key), texts, cells, i == 3 ? 0 : 3};
        PM_TRY(pm_builder_add(b, &row, 1, &added, NULL, err));
    }
    return PM_OK;
}

/* Builds the index at path; segments of at most segment_tokens positions. */
static pm_status fixture_build(const char *path, uint32_t segment_tokens, bool store,
                               pm_error *err) {
    pm_build_options o = {.lang = "english",
                          .fields = fixture_fields,
                          .n_fields = 2,
                          .date_column = "date",
                          .key_column = "",
                          .store = store,
                          .threads = 1,
                          .segment_tokens = segment_tokens,
                          .if_exists = PM_EXISTS_REPLACE};
    pm_builder *b;
    uint32_t outlet = 0, date = 0, size = 0;
    PM_TRY(pm_builder_new(path, &o, &b, err));
    pm_status status = pm_builder_column(b, "outlet", PM_VALUE_STR, &outlet, err);
    if (status == PM_OK) {
        status = pm_builder_column(b, "date", PM_VALUE_DATE, &date, err);
    }
    if (status == PM_OK) {
        status = pm_builder_column(b, "size", PM_VALUE_INT, &size, err);
    }
    if (status == PM_OK) {
        status = fixture_add(b, outlet, date, size, err);
    }
    if (status == PM_OK) {
        status = pm_builder_finish(b, NULL, err);
    }
    pm_builder_free(b);
    return status;
}

/* Deletes two rows of a fixture. */
static void fixture_delete(const char *path) {
    static const uint64_t dead = 1 << 1 | 1 << 4;
    pm_error err;
    pm_index *idx;
    CHECK(pm_index_open(path, 0, PM_OPEN_AUTO, &idx, &err) == PM_OK);
    delete_documents(path, idx, &dead);
    pm_index_unref(idx);
}

static const char *const fixture_queries[] = {
    "slap",
    "\"slap in the face\"",
    "slap* PRE/4 face",
    "US",
    "==US",
    "=us",
    "\"the the\"",
    "(the W/3 of) PRE/2 face",
    "the W/5 the",
    "\"the of\"~3",
    "\"slap face\"~>4",
    "elysee OR élèves",
    "self-defence W/4 the",
    "title:(slap OR leader) AND killed",
    "slap AND NOT title:face",
    "face outlet:bbc",
    "the date:2020-01-08..2020-01-10",
    "said W/s us",
    "\"(slap|slapped) * face\"",
    "*e* W/10 ?he",
    "(slap AND face) OR killed",
};
enum { FIXTURE_QUERIES = sizeof fixture_queries / sizeof *fixture_queries };

static pm_status fixture_tables(pm_hits *h, pm_error *err) {
    static const char *const keys[] = {"1R", "hit", "-date", "outlet"};
    const pm_kwic_options kwic[] = {{20, PM_KWIC_CHARS, PM_SCOPE_FIELD, keys, 4},
                                    {3, PM_KWIC_WORDS, PM_SCOPE_SENTENCE, keys, 0}};
    pm_table *t;
    PM_TRY(pm_hits_table(h, NULL, &t, err));
    pm_table_unref(t);
    PM_TRY(pm_hits_parts(h, 0, pm_hits_count(h), &t, err));
    pm_table_unref(t);
    for (size_t i = 0; i < 2; i++) {
        PM_TRY(pm_hits_kwic(h, &kwic[i], NULL, &t, err));
        pm_table_unref(t);
    }
    PM_TRY(pm_hits_by(h, "outlet", &t, err));
    pm_table_unref(t);
    PM_TRY(pm_hits_by(h, "field", &t, err));
    pm_table_unref(t);
    return PM_OK;
}

static pm_status fixture_query(pm_index *idx, const char *text, pm_error *err) {
    static const pm_rank_options rank = {.k1 = 1.2, .b = 0.75, .sort = "score"};
    pm_query q;
    pm_hits *h = NULL;
    pm_counts counts;
    pm_table *t = NULL;
    uint64_t total;
    PM_TRY(pm_index_parse(idx, text, strlen(text), PM_PARSE_STRICT, &pm_limits_default,
                          NULL, 0, &q, err));
    pm_status status = pm_hits_new(idx, &q, NULL, &pm_limits_default, NULL, &h, err);
    if (status == PM_OK) {
        status = fixture_tables(h, err);
    }
    if (status == PM_OK) {
        status = pm_count(idx, &q, NULL, &pm_limits_default, true, NULL, &counts, err);
    }
    if (status == PM_OK) {
        status = pm_search(idx, &q, NULL, 3, &rank, &pm_limits_default, NULL, &t,
                           &total, err);
    }
    pm_table_unref(t);
    pm_hits_unref(h);
    pm_query_release(&q);
    return status;
}

static pm_status fixture_listings(pm_index *idx, pm_error *err) {
    pm_table *t;
    for (int layer = 0; layer < 3; layer++) {
        PM_TRY(pm_index_words(idx, "*", (pm_layer)layer, 10, NULL, &t, err));
        pm_table_unref(t);
    }
    PM_TRY(pm_index_documents(idx, NULL, SIZE_MAX, NULL, 0, NULL, &t, err));
    pm_table_unref(t);
    PM_TRY(pm_index_columns(idx, &t, err));
    pm_table_unref(t);
    PM_TRY(pm_index_sections(idx, &t, err));
    pm_table_unref(t);
    PM_TRY(pm_index_tokens(idx, 0, &t, err));
    pm_table_unref(t);
    PM_TRY(pm_index_values(idx, 0, &t, err));
    pm_table_unref(t);
    return PM_OK;
}

/* Opens, asks everything, closes. The first failure is returned; with keep_on every
 * call is made all the same. */
static pm_status fixture_read(const char *path, bool keep_on, pm_error *err) {
    pm_index *idx;
    pm_status first = PM_OK;
    PM_TRY(pm_index_open(path, 0, PM_OPEN_AUTO, &idx, err));
    for (size_t i = 0; i < FIXTURE_QUERIES && (first == PM_OK || keep_on); i++) {
        pm_status status = fixture_query(idx, fixture_queries[i], err);
        first = first == PM_OK ? status : first;
    }
    if (first == PM_OK || keep_on) {
        pm_status status = fixture_listings(idx, err);
        first = first == PM_OK ? status : first;
    }
    pm_index_unref(idx);
    return first;
}

#endif
