/* The index layer from rows to an opened snapshot, held against a naive model: every
 * token by pm_tokenize and pm_fold, every position list by a scan. Files stand in a
 * fresh directory under $TMPDIR. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/snapshot.h"
#include "index_corpus.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

static char root[512];

static const char *path_of(char out[1024], const char *name) {
    snprintf(out, 1024, "%s/%s", root, name);
    return out;
}

static int count_entries(const char *path) {
    DIR *dir = opendir(path);
    CHECK(dir != NULL);
    int n = 0;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        n += e->d_name[0] != '.';
    }
    closedir(dir);
    return n;
}

static void remove_all(const char *path) {
    DIR *dir = opendir(path);
    if (dir == NULL) {
        unlink(path);
        return;
    }
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char child[2048];
        snprintf(child, sizeof child, "%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            remove_all(child);
        }
    }
    closedir(dir);
    rmdir(path);
}

static bool equal(pm_bytes a, pm_bytes b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool is(pm_bytes a, const char *s) {
    return equal(a, (pm_bytes){(const uint8_t *)s, strlen(s)});
}

static void build_ok(const corpus *c, const char *path, const pm_build_options *o) {
    pm_error err;
    if (corpus_build(c, path, o, &err) != PM_OK) {
        fprintf(stderr, "build: %s\n", err.message);
        exit(1);
    }
}

static pm_snapshot *open_ok(const char *path) {
    pm_error err;
    pm_snapshot *s;
    if (pm_snapshot_open(path, 0, PM_MAP_AUTO, &s, &err) != PM_OK) {
        fprintf(stderr, "open: %s\n", err.message);
        exit(1);
    }
    return s;
}

/* ---- the model ---- */

typedef struct model {
    const corpus *c;
    const pm_snapshot *s;
    const pm_part *part;
    pm_stemmer *stemmer;
    pm_tokens tokens;
    pm_buf a, b;
    pm_group *groups; /* of each position of the part, PM_END at sentinels */
} model;

static void check_word(model *m, pm_bytes surface, unsigned kind, pm_pos pos) {
    const pm_segment *s = &m->part->segment;
    pm_error err;
    pm_id id = pm_stream_at(&s->stream, pos);
    CHECK(id < s->info.n_ids);
    CHECK(pm_lexicon_surface(&s->lexicon, id, &m->a) &&
          equal(pm_buf_bytes(&m->a), surface));
    CHECK(pm_lexicon_id_case(&s->lexicon, id) == pm_case_class(surface.p, surface.n));
    pm_form form = pm_lexicon_id_form(&s->lexicon, id), found_form;
    pm_group group = pm_lexicon_form_group(&s->lexicon, form), found_group;
    pm_buf_clear(&m->a);
    CHECK(pm_fold(m->s->analyzer, surface.p, surface.n, kind, &m->a, &err) == PM_OK);
    CHECK(pm_lexicon_form_text(&s->lexicon, form, &m->b) &&
          equal(pm_buf_bytes(&m->a), pm_buf_bytes(&m->b)));
    CHECK(pm_lexicon_find_form(&s->lexicon, pm_buf_bytes(&m->a), &m->b, &found_form) &&
          found_form == form);
    pm_buf_clear(&m->b);
    CHECK(pm_stem(m->stemmer, m->a.p, m->a.n, &m->b, &err) == PM_OK);
    CHECK(
        pm_lexicon_find_group(&s->lexicon, pm_buf_bytes(&m->b), &m->a, &found_group) &&
        found_group == group);
    m->groups[pos] = group;
}

static bool starts_zone(const pm_segment *s, pm_zone zone, pm_pos pos) {
    pm_pos lo, hi;
    CHECK(pm_zone_at(&s->zones, zone, pos, NULL, &lo, &hi));
    CHECK(lo <= pos && pos < hi);
    return lo == pos;
}

static void check_zones(const model *m, pm_pos start) {
    const pm_segment *s = &m->part->segment;
    size_t q = 0;
    for (uint32_t i = 0; i < m->tokens.n; i++) {
        pm_pos lo, hi;
        unsigned flags = m->tokens.at[i].flags;
        CHECK(starts_zone(s, PM_ZONE_SENTENCE, start + i) ==
              ((flags & PM_TOKEN_SENTENCE) != 0));
        CHECK(starts_zone(s, PM_ZONE_PARAGRAPH, start + i) ==
              ((flags & PM_TOKEN_PARAGRAPH) != 0));
        while (q < m->tokens.n_quotes && m->tokens.quotes[q].hi <= i) {
            q++;
        }
        bool inside = q < m->tokens.n_quotes && m->tokens.quotes[q].lo <= i;
        CHECK(pm_zone_at(&s->zones, PM_ZONE_QUOTE, start + i, NULL, &lo, &hi) ==
              inside);
        CHECK(!inside || (lo == start + m->tokens.quotes[q].lo &&
                          hi == start + m->tokens.quotes[q].hi));
    }
}

/* From a checkpoint the tokenizer finds the token at the same place as from the
 * start. */
static void check_checkpoints(const model *m, pm_bytes text, pm_pos start) {
    for (uint32_t i = 0; i < m->tokens.n; i += 7) {
        pm_pos at;
        uint32_t byte, code_point;
        pm_store_checkpoint(&m->part->segment.store, start, start + i, &at, &byte,
                            &code_point);
        CHECK(at >= start && at <= start + i && i - (at - start) < PM_CHECKPOINT);
        CHECK(pm_utf8_count(text.p, byte) == code_point);
        pm_token t;
        size_t from = byte;
        for (pm_pos p = at; p <= start + i; p++) {
            CHECK(pm_token_next(m->s->analyzer, text.p, text.n, &from, &t));
        }
        CHECK(t.start == m->tokens.at[i].start && t.end == m->tokens.at[i].end);
    }
}

static void check_unit(model *m, pm_bytes text, pm_unit unit) {
    const pm_segment *s = &m->part->segment;
    pm_error err;
    pm_pos start = pm_bounds_start(&s->bounds, unit),
           end = pm_bounds_end(&s->bounds, unit);
    CHECK(pm_tokenize(m->s->analyzer, text, &m->tokens, &err) == PM_OK);
    CHECK(end - start == m->tokens.n);
    CHECK(pm_stream_at(&s->stream, end) == PM_END);
    m->groups[end] = PM_END;
    for (uint32_t i = 0; i < m->tokens.n; i++) {
        const pm_token *t = &m->tokens.at[i];
        check_word(m, (pm_bytes){text.p + t->start, t->end - t->start}, t->kind,
                   start + i);
    }
    check_zones(m, start);
    if (s->store.present) {
        check_checkpoints(m, text, start);
    }
}

static void check_values(const pm_segment *s, size_t row, pm_doc local) {
    static const char *const outlets[] = {"Reuters", "The Hill", "Tägliche Post"};
    size_t n_cells = row % 4 == 0 ? CORPUS_CELLS : row % 4;
    const pm_column *outlet =
        pm_columns_find(&s->columns, (pm_bytes){(const uint8_t *)"outlet", 6});
    const pm_column *score =
        pm_columns_find(&s->columns, (pm_bytes){(const uint8_t *)"score", 5});
    const pm_column *tags =
        pm_columns_find(&s->columns, (pm_bytes){(const uint8_t *)"tags", 4});
    CHECK(outlet != NULL && score != NULL && tags != NULL);
    pm_range v = pm_column_values(outlet, local);
    pm_buf text;
    pm_buf_init(&text);
    CHECK(v.hi - v.lo == 1);
    CHECK(pm_strings_get(&outlet->dictionary, (uint32_t)pm_column_value(outlet, v.lo).i,
                         &text));
    CHECK(is(pm_buf_bytes(&text), outlets[row % 3]));
    v = pm_column_values(score, local);
    CHECK(v.hi - v.lo == (n_cells > 1));
    CHECK(n_cells == 1 || pm_column_value(score, v.lo).i == (int64_t)(row % 10) - 3);
    v = pm_column_values(tags, local);
    CHECK(v.hi - v.lo == (n_cells > 2 ? n_cells - 2 : 0));
    pm_buf_release(&text);
}

static void check_doc(model *m, size_t row, pm_doc local) {
    const pm_segment *s = &m->part->segment;
    pm_error err;
    pm_doc found;
    pm_text_reader *reader = NULL;
    for (uint32_t f = 0; f < CORPUS_FIELDS; f++) {
        pm_bytes text = corpus_part(m->c, row, f + 1);
        check_unit(m, text, local * CORPUS_FIELDS + f);
        if (s->store.present) {
            CHECK(pm_text_reader_new(&s->store, &reader, &err) == PM_OK);
            pm_buf_clear(&m->a);
            CHECK(pm_text_read(reader, local * CORPUS_FIELDS + f, 0, UINT64_MAX, &m->a,
                               &err) == PM_OK);
            CHECK(equal(pm_buf_bytes(&m->a), text));
            pm_text_reader_free(reader);
        }
    }
    CHECK(pm_keys_get(&s->keys, local, &m->a) &&
          equal(pm_buf_bytes(&m->a), corpus_part(m->c, row, 0)));
    CHECK(pm_snapshot_find_key(m->s, corpus_part(m->c, row, 0), &found, &err) ==
              PM_OK &&
          found == row);
    check_values(s, row, local);
}

/* Position and document lists against a scan of the model's groups. */
static void check_group(const model *m, pm_group g) {
    const pm_segment *s = &m->part->segment;
    pm_list docs;
    const uint8_t *impacts;
    pm_list_iter at, doc;
    pm_list_iter_init(&at, pm_postings_positions(&s->postings, &s->lexicon, g));
    bool listed = pm_postings_docs(&s->postings, g, &docs, &impacts);
    if (listed) {
        pm_list_iter_init(&doc, docs);
    }
    uint32_t tf = 0;
    for (pm_pos pos = 0; pos < s->info.n_positions; pos++) {
        if (m->groups[pos] == g) {
            CHECK(pm_list_iter_value(&at) == pos);
            (void)pm_list_iter_next(&at);
            tf++;
        }
        uint32_t u = pm_bounds_unit(&s->bounds, pos);
        if (m->groups[pos] == PM_END && u % CORPUS_FIELDS == CORPUS_FIELDS - 1 &&
            tf > 0) {
            CHECK(!listed || (pm_list_iter_value(&doc) == u / CORPUS_FIELDS &&
                              pm_list_iter_payload(&doc) == tf - 1));
            if (listed) {
                (void)pm_list_iter_next(&doc);
            }
            tf = 0;
        }
    }
    CHECK(pm_list_iter_value(&at) == PM_END && !at.bad);
    CHECK(!listed || pm_list_iter_value(&doc) == PM_END);
}

static void check_part(model *m, const pm_part *part, size_t first_row) {
    const pm_segment *s = &part->segment;
    m->part = part;
    m->groups = malloc(((size_t)s->info.n_positions + 1) * sizeof *m->groups);
    CHECK(m->groups != NULL);
    CHECK(part->doc_base == first_row);
    CHECK(part->field_to_index[0] == 0 && part->field_from_index[1] == 1 &&
          part->field_from_index[2] == 255);
    for (pm_doc d = 0; d < s->info.n_docs; d++) {
        check_doc(m, first_row + d, d);
    }
    for (pm_group g = 0; g < s->info.n_groups; g += 1 + g / 50) {
        check_group(m, g);
    }
    free(m->groups);
}

static void check_against_model(const char *path, const corpus *c) {
    pm_error err;
    pm_snapshot *s = open_ok(path);
    model m = {.c = c, .s = s};
    pm_tokens_init(&m.tokens);
    CHECK(s->n_docs == c->n && !s->analyzer_differs && s->generation == 1);
    CHECK(strcmp(s->manifest.main_field, "text") == 0 &&
          strcmp(s->manifest.key_column, "id") == 0);
    CHECK(pm_snapshot_field(s, (pm_bytes){(const uint8_t *)"text", 4}) == 1);
    CHECK(pm_snapshot_field(s, (pm_bytes){(const uint8_t *)"tex", 3}) == -1);
    CHECK(pm_stemmer_new(s->analyzer, &m.stemmer, &err) == PM_OK);
    size_t row = 0;
    uint64_t tokens = 0;
    for (uint32_t p = 0; p < s->n_parts; p++) {
        CHECK(s->parts[p].token_base == tokens);
        check_part(&m, &s->parts[p], row);
        row += s->parts[p].segment.info.n_docs;
        tokens += s->parts[p].segment.info.n_tokens;
    }
    CHECK(row == c->n && tokens == s->n_tokens);
    pm_doc local;
    CHECK(pm_snapshot_part(s, (pm_doc)c->n, &local) == NULL);
    const pm_part *last = pm_snapshot_part(s, (pm_doc)c->n - 1, &local);
    CHECK(last == &s->parts[s->n_parts - 1] && last->doc_base + local == c->n - 1);
    pm_stemmer_free(m.stemmer);
    pm_tokens_release(&m.tokens);
    pm_buf_release(&m.a);
    pm_buf_release(&m.b);
    pm_snapshot_unref(s);
}

static void test_build_holds_what_a_naive_model_holds(void) {
    char path[1024];
    corpus c;
    corpus_make(&c, 150, 60, 1);
    static const uint32_t limits[] = {0, 400, 2000};
    for (size_t i = 0; i < 2 * sizeof limits / sizeof *limits; i++) {
        pm_build_options o =
            corpus_options(1 + (unsigned)i % 3, limits[i / 2], i % 2 == 0);
        pm_error err;
        build_ok(&c, path_of(path, "model"), &o);
        check_against_model(path, &c);
        CHECK(pm_snapshot_verify(path, NULL, &err) == PM_OK);
        remove_all(path);
    }
    corpus_free(&c);
}

/* ---- threads ---- */

static void read_file(const char *path, pm_buf *out) {
    pm_error err;
    pm_blob b;
    CHECK(pm_blob_open(path, PM_MAP_NO, &b, &err) == PM_OK);
    pm_buf_clear(out);
    pm_buf_put(out, b.bytes, b.n);
    pm_blob_close(&b);
}

static void check_same_directory(const char *a, const char *b) {
    pm_buf x, y;
    pm_buf_init(&x);
    pm_buf_init(&y);
    CHECK(count_entries(a) == count_entries(b));
    DIR *dir = opendir(a);
    CHECK(dir != NULL);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char file[2048];
        if (e->d_name[0] == '.') {
            continue;
        }
        snprintf(file, sizeof file, "%s/%s", a, e->d_name);
        read_file(file, &x);
        snprintf(file, sizeof file, "%s/%s", b, e->d_name);
        read_file(file, &y);
        CHECK(equal(pm_buf_bytes(&x), pm_buf_bytes(&y)));
    }
    closedir(dir);
    pm_buf_release(&x);
    pm_buf_release(&y);
}

static void test_build_gives_the_same_bytes_at_any_number_of_threads(void) {
    static const unsigned threads[] = {2, 3, 8};
    static const uint32_t limits[] = {0, 150000, 3000};
    char path[1024], other[1024];
    corpus c;
    corpus_make(&c, 2500, 150, 2);
    for (size_t k = 0; k < 3; k++) {
        pm_build_options o = corpus_options(1, limits[k], k != 1);
        build_ok(&c, path_of(path, "one"), &o);
        CHECK(k == 0 || count_entries(path) > 3);
        for (size_t i = 0; i < 3; i++) {
            o.threads = threads[i];
            build_ok(&c, path_of(other, "many"), &o);
            check_same_directory(path, other);
            remove_all(other);
        }
        remove_all(path);
    }
    corpus_free(&c);
}

/* ---- rows at fault ---- */

static pm_builder *new_builder(const char *path, uint32_t segment_tokens,
                               pm_if_exists if_exists) {
    pm_builder *b;
    pm_error err;
    pm_build_options o = corpus_options(1, segment_tokens, true);
    o.if_exists = if_exists;
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_OK);
    return b;
}

static pm_status add_text(pm_builder *b, const char *key, const char *text,
                          const pm_cell *cell, pm_error *err) {
    pm_bytes texts[CORPUS_FIELDS] = {{NULL, 0}, {(const uint8_t *)text, strlen(text)}};
    pm_row row = {{(const uint8_t *)key, strlen(key)}, texts, cell, cell != NULL};
    size_t n_added;
    pm_status status = pm_builder_add(b, &row, 1, &n_added, NULL, err);
    CHECK(n_added == (status == PM_OK));
    return status;
}

static void finish_ok(pm_builder *b) {
    pm_error err;
    if (pm_builder_finish(b, NULL, &err) != PM_OK) {
        fprintf(stderr, "finish: %s\n", err.message);
        exit(1);
    }
    pm_builder_free(b);
}

static void test_add_refuses_bad_rows_and_goes_on(void) {
    char path[1024];
    pm_error err;
    uint32_t column;
    pm_builder *b = new_builder(path_of(path, "rows"), 10, PM_EXISTS_RAISE);
    CHECK(pm_builder_column(b, "n", PM_VALUE_INT, &column, &err) == PM_OK);
    pm_cell wrong = corpus_str(column, "x"), none = {7, {.kind = PM_VALUE_INT}};
    CHECK(add_text(b, "a", "one two three", NULL, &err) == PM_OK);
    CHECK(add_text(b, "a", "four", NULL, &err) == PM_DUPLICATE &&
          strstr(err.message, "\"a\"") != NULL);
    CHECK(add_text(b, "", "four", NULL, &err) == PM_INVALID);
    CHECK(add_text(b, "\xff", "four", NULL, &err) == PM_INVALID);
    CHECK(add_text(b, "b", "four", &wrong, &err) == PM_INVALID);
    CHECK(add_text(b, "b", "four", &none, &err) == PM_INVALID);
    CHECK(add_text(b, "b", "1 2 3 4 5 6 7 8 9", NULL, &err) == PM_LIMIT);
    CHECK(strstr(err.hint, "segment_tokens") != NULL &&
          strstr(err.message, "11") != NULL);
    /* exactly a segment */
    CHECK(add_text(b, "b", "1 2 3 4 5 6 7 8", NULL, &err) == PM_OK);
    CHECK(add_text(b, "c", "", NULL, &err) == PM_OK);
    CHECK(pm_builder_docs(b) == 3);
    finish_ok(b);
    pm_snapshot *s = open_ok(path);
    CHECK(s->n_docs == 3 && s->n_tokens == 11 && s->n_parts == 3);
    pm_snapshot_unref(s);
    remove_all(path);
}

static void test_add_takes_rows_until_the_first_at_fault(void) {
    char path[1024];
    pm_error err;
    pm_bytes texts[CORPUS_FIELDS] = {{(const uint8_t *)"x", 1}, {NULL, 0}};
    pm_row rows[3];
    static const char *const keys[] = {"a", "a", "b"};
    size_t n_added;
    for (int i = 0; i < 3; i++) {
        rows[i] = (pm_row){{(const uint8_t *)keys[i], 1}, texts, NULL, 0};
    }
    pm_builder *b = new_builder(path_of(path, "rows"), 0, PM_EXISTS_RAISE);
    CHECK(pm_builder_add(b, rows, 3, &n_added, NULL, &err) == PM_DUPLICATE &&
          n_added == 1);
    CHECK(pm_builder_add(b, rows + 2, 1, &n_added, NULL, &err) == PM_OK &&
          n_added == 1);
    pm_builder_free(b);
    CHECK(count_entries(root) == 0); /* abandoned: nothing is left */
}

static void test_add_makes_text_valid_and_counts(void) {
    char path[1024];
    pm_error err;
    uint32_t column;
    pm_doc doc;
    pm_text_reader *reader;
    pm_builder *b = new_builder(path_of(path, "bad-text"), 0, PM_EXISTS_RAISE);
    CHECK(pm_builder_column(b, "tag", PM_VALUE_STR, &column, &err) == PM_OK);
    pm_cell cell = corpus_str(column, "x\xff");
    CHECK(add_text(b, "good", "plain", NULL, &err) == PM_OK);
    CHECK(add_text(b, "bad", "a\xed\xa0\x80 b\xc3", &cell, &err) == PM_OK);
    CHECK(pm_builder_text_bytes(b) == 14 && pm_builder_replaced(b) == 3);
    CHECK(pm_builder_finish(b, NULL, &err) == PM_OK);
    pm_builder_free(b);
    pm_snapshot *s = open_ok(path);
    CHECK(pm_snapshot_find_key(s, (pm_bytes){(const uint8_t *)"bad", 3}, &doc, &err) ==
              PM_OK &&
          doc == 1);
    pm_buf text;
    pm_buf_init(&text);
    CHECK(pm_text_reader_new(&s->parts[0].segment.store, &reader, &err) == PM_OK);
    CHECK(pm_text_read(reader, doc * CORPUS_FIELDS + 1, 0, UINT64_MAX, &text, &err) ==
          PM_OK);
    CHECK(is(pm_buf_bytes(&text), "a\xef\xbf\xbd b\xef\xbf\xbd"));
    pm_text_reader_free(reader);
    pm_buf_release(&text);
    pm_snapshot_unref(s);
    CHECK(pm_snapshot_verify(path, NULL, &err) == PM_OK);
    remove_all(path);
}

/* ---- columns ---- */

static void test_columns_may_come_late_and_turn_to_float(void) {
    char path[1024];
    pm_error err;
    uint32_t n, late, again;
    pm_builder *b = new_builder(path_of(path, "columns"), 0, PM_EXISTS_RAISE);
    CHECK(pm_builder_column(b, "n", PM_VALUE_INT, &n, &err) == PM_OK);
    CHECK(pm_builder_column(b, "text", PM_VALUE_INT, &again, &err) ==
          PM_INVALID); /* a text field */
    CHECK(pm_builder_column(b, "n", PM_VALUE_STR, &again, &err) == PM_INVALID);
    pm_cell whole = {n, {.kind = PM_VALUE_INT, .i = 7}},
            real = {n, {.kind = PM_VALUE_FLOAT, .f = 2.5}};
    CHECK(add_text(b, "a", "x", &whole, &err) == PM_OK);
    CHECK(add_text(b, "b", "x", &real, &err) == PM_INVALID);
    CHECK(pm_builder_column(b, "n", PM_VALUE_FLOAT, &again, &err) == PM_OK &&
          again == n);
    CHECK(pm_builder_column(b, "late", PM_VALUE_DATE, &late, &err) == PM_OK);
    pm_cell time = {late, {.kind = PM_VALUE_TIME, .i = 1000000}};
    CHECK(add_text(b, "b", "x", &real, &err) == PM_OK);
    CHECK(add_text(b, "c", "x", &time, &err) == PM_OK);
    finish_ok(b);
    pm_snapshot *s = open_ok(path);
    const pm_columns *columns = &s->parts[0].segment.columns;
    const pm_column *c = pm_columns_find(columns, (pm_bytes){(const uint8_t *)"n", 1});
    CHECK(columns->n == 2 && c->kind == PM_VALUE_FLOAT);
    CHECK(pm_column_value(c, 0).f == 7.0 && pm_column_value(c, 1).f == 2.5);
    c = pm_columns_find(columns, (pm_bytes){(const uint8_t *)"late", 4});
    CHECK(pm_column_values(c, 0).hi == 0 &&
          pm_column_value(c, 0).kind == PM_VALUE_TIME);
    pm_snapshot_unref(s);
    remove_all(path);
}

/* ---- places ---- */

static void write_file(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void test_empty_corpus_is_a_valid_index(void) {
    char path[1024];
    pm_error err;
    pm_doc doc;
    finish_ok(new_builder(path_of(path, "empty"), 0, PM_EXISTS_RAISE));
    CHECK(count_entries(path) == 1);
    pm_snapshot *s = open_ok(path);
    CHECK(s->n_docs == 0 && s->n_parts == 0 && s->manifest.n_fields == CORPUS_FIELDS);
    CHECK(strcmp(s->manifest.main_field, "title") == 0);
    CHECK(pm_snapshot_part(s, 0, &doc) == NULL);
    CHECK(pm_snapshot_find_key(s, (pm_bytes){(const uint8_t *)"a", 1}, &doc, &err) ==
              PM_OK &&
          doc == PM_END);
    pm_snapshot_unref(s);
    CHECK(pm_snapshot_verify(path, NULL, &err) == PM_OK);
    remove_all(path);
}

static void test_options_are_checked(void) {
    char path[1024];
    pm_error err;
    pm_builder *b;
    path_of(path, "options");
    static const char *const twice[] = {"a", "a"}, *const unnamed[] = {""};
    pm_build_options o = corpus_options(1, 0, true);
    o.lang = "klingon";
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_INVALID && b == NULL);
    o = corpus_options(1, 0, true);
    o.fields = twice;
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_INVALID);
    o.fields = unnamed;
    o.n_fields = 1;
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_INVALID);
    o.n_fields = 0;
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_INVALID);
    o = corpus_options(1, 1, true);
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_INVALID);
    o = corpus_options(1, 0, true);
    CHECK(pm_builder_new("", &o, &b, &err) == PM_INVALID);
    CHECK(pm_builder_new(path_of(path, "no/such/place"), &o, &b, &err) == PM_IO &&
          err.os_errno == ENOENT);
    CHECK(count_entries(root) == 0);
}

static void test_existing_paths_are_respected(void) {
    char path[1024], file[1100];
    pm_error err;
    pm_builder *b;
    pm_build_options o = corpus_options(1, 0, true);
    CHECK(mkdir(path_of(path, "there"), 0777) == 0);
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_EXISTS);
    o.if_exists = PM_EXISTS_REPLACE;
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_FOREIGN);
    snprintf(file, sizeof file, "%s/manifest", path);
    write_file(file, "text");
    CHECK(pm_builder_new(path, &o, &b, &err) == PM_FOREIGN);
    CHECK(pm_builder_new(file, &o, &b, &err) == PM_FOREIGN);
    CHECK(count_entries(root) == 1);
    remove_all(path);
    b = new_builder(path, 0, PM_EXISTS_RAISE);
    CHECK(mkdir(path, 0777) == 0); /* appears while the index is built */
    CHECK(pm_builder_finish(b, NULL, &err) == PM_EXISTS);
    CHECK(pm_builder_finish(b, NULL, &err) == PM_INVALID);
    pm_builder_free(b);
    CHECK(count_entries(root) == 1 && count_entries(path) == 0);
    remove_all(path);
}

static void test_replace_exchanges_and_failure_leaves_the_old(void) {
    char path[1024];
    pm_error err;
    pm_builder *b = new_builder(path_of(path, "index"), 0, PM_EXISTS_RAISE);
    CHECK(add_text(b, "old", "x", NULL, &err) == PM_OK);
    finish_ok(b);
    pm_snapshot *old = open_ok(path);
    b = new_builder(path, 0, PM_EXISTS_REPLACE);
    CHECK(add_text(b, "new", "x y", NULL, &err) == PM_OK);
    pm_builder_free(b); /* abandoned */
    pm_snapshot *s = open_ok(path);
    CHECK(s->n_tokens == 1);
    pm_snapshot_unref(s);
    b = new_builder(path, 0, PM_EXISTS_REPLACE);
    CHECK(add_text(b, "new", "x y", NULL, &err) == PM_OK);
    finish_ok(b);
    s = open_ok(path);
    CHECK(s->n_tokens == 2 && count_entries(root) == 1);
    pm_snapshot_unref(s);
    /* a reader keeps what it opened */
    CHECK(pm_stream_at(&old->parts[0].segment.stream, 1) == 0);
    pm_snapshot_unref(pm_snapshot_ref(old));
    pm_snapshot_unref(old);
    remove_all(path);
}

static bool always_stop(void *ctx) {
    ++*(int *)ctx;
    return true;
}

static void test_cancelled_build_leaves_nothing(void) {
    char path[1024];
    corpus c;
    pm_error err;
    pm_cancel cancel;
    int polls = 0;
    corpus_make(&c, 600, 150, 3);
    for (unsigned threads = 1; threads <= 2; threads++) {
        pm_builder *b;
        corpus_columns columns;
        pm_build_options o = corpus_options(threads, 0, true);
        CHECK(pm_builder_new(path_of(path, "cancelled"), &o, &b, &err) == PM_OK);
        CHECK(corpus_declare(b, &columns, &err) == PM_OK);
        pm_cancel_init(&cancel, always_stop, &polls);
        cancel.last_poll_ns = 0;
        pm_status status = corpus_add(b, &c, &columns, &cancel, &err);
        status = status == PM_OK ? pm_builder_finish(b, &cancel, &err) : status;
        CHECK(status == PM_CANCELLED && polls > 0);
        pm_builder_free(b);
        CHECK(count_entries(root) == 0);
    }
    corpus_free(&c);
}

static void test_open_says_what_is_wrong(void) {
    char path[1024], file[1100];
    pm_error err;
    pm_snapshot *s;
    CHECK(pm_snapshot_open(path_of(path, "nothing"), 0, PM_MAP_AUTO, &s, &err) ==
              PM_IO &&
          err.os_errno == ENOENT);
    CHECK(pm_snapshot_verify(path, NULL, &err) == PM_IO && err.os_errno == ENOENT);
    CHECK(mkdir(path, 0777) == 0);
    CHECK(pm_snapshot_open(path, 0, PM_MAP_AUTO, &s, &err) == PM_FOREIGN &&
          strstr(err.message, "manifest") != NULL);
    snprintf(file, sizeof file, "%s/manifest", path);
    write_file(file, "not ours");
    CHECK(pm_snapshot_open(path, 0, PM_MAP_AUTO, &s, &err) == PM_FOREIGN);
    CHECK(pm_snapshot_open(file, 0, PM_MAP_AUTO, &s, &err) == PM_FOREIGN &&
          strstr(err.message, "file") != NULL);
    remove_all(path);
    finish_ok(new_builder(path, 0, PM_EXISTS_RAISE));
    CHECK(pm_snapshot_open(path, 2, PM_MAP_AUTO, &s, &err) == PM_GONE &&
          strstr(err.message, "1") != NULL);
    remove_all(path);
}

int main(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/pm-test-index-XXXXXX", tmp != NULL ? tmp : "/tmp");
    CHECK(mkdtemp(root) != NULL);
    test_options_are_checked();
    test_open_says_what_is_wrong();
    test_existing_paths_are_respected();
    test_empty_corpus_is_a_valid_index();
    test_add_refuses_bad_rows_and_goes_on();
    test_add_takes_rows_until_the_first_at_fault();
    test_add_makes_text_valid_and_counts();
    test_columns_may_come_late_and_turn_to_float();
    test_replace_exchanges_and_failure_leaves_the_old();
    test_cancelled_build_leaves_nothing();
    test_build_holds_what_a_naive_model_holds();
    test_build_gives_the_same_bytes_at_any_number_of_threads();
    remove_all(root);
    printf("test_index: ok\n");
    return 0;
}
