/* Stored texts and columns against what was written. */
#include <math.h>

#include "format/columns.h"
#include "format/store.h"
#include "format_damage.h"

static const uint32_t known[] = {
    PM_FOURCC('T', 'O', 'F', 'F'), PM_FOURCC('T', 'B', 'L', 'K'),
    PM_FOURCC('T', 'E', 'X', 'T'), PM_FOURCC('C', 'H', 'K', 'P'),
    PM_FOURCC('C', 'O', 'L', 'S')};
enum { N_KNOWN = sizeof known / sizeof *known };

static uint64_t seed = 3;

/* ---- texts ---- */

typedef struct texts {
    uint8_t *raw;
    uint64_t *starts; /* [n_units + 1] */
    uint32_t *checkpoints;
    uint32_t n_units, n_positions;
} texts;

/* Texts of up to max bytes, every fourth empty, that compress a little. */
static texts make_texts(uint32_t n_units, uint32_t max) {
    texts t = {.starts = room(n_units + 1, sizeof *t.starts), .n_units = n_units};
    for (uint32_t u = 0; u < n_units; u++) {
        t.starts[u + 1] = t.starts[u] + (u % 4 == 3 ? 0 : rnd_below(&seed, max + 1));
    }
    t.raw = room(t.starts[n_units], 1);
    for (uint64_t i = 0; i < t.starts[n_units]; i++) {
        t.raw[i] = (uint8_t)("etaoin shrdlu"[rnd_below(&seed, 13)]);
    }
    t.n_positions = n_units * 50;
    uint32_t n = t.n_positions / PM_CHECKPOINT + 1;
    t.checkpoints = room(n, 2 * sizeof *t.checkpoints);
    for (uint32_t k = 0; k < n; k++) {
        t.checkpoints[2 * k] = k % 3 == 0 ? 0 : rnd_below(&seed, 70000);
        t.checkpoints[2 * k + 1] =
            t.checkpoints[2 * k] - rnd_below(&seed, t.checkpoints[2 * k] / 8 + 1);
    }
    return t;
}

static void free_texts(texts *t) {
    free(t->raw);
    free(t->starts);
    free(t->checkpoints);
}

/* Packs the texts in chunks of so many units, and writes the store. */
static void write_store(const texts *t, uint32_t units_a_chunk) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_buf packed = {0}, blocks = {0};
    pm_packer *packer;
    pm_error err;
    CHECK(pm_packer_new(&packer, &err) == PM_OK);
    for (uint32_t u = 0; u < t->n_units; u += units_a_chunk) {
        uint32_t end = t->n_units - u < units_a_chunk ? t->n_units : u + units_a_chunk;
        uint64_t lo = t->starts[u], compressed = packed.n;
        size_t first = blocks.n;
        pm_bytes raw = {t->raw + lo, (size_t)(t->starts[end] - lo)};
        CHECK(pm_packer_chunk(packer, raw, &packed, &blocks, &err) == PM_OK);
        for (size_t at = first; at < blocks.n; at += 16) {
            uint64_t pair[2] = {pm_load64(blocks.p + at) + lo,
                                pm_load64(blocks.p + at + 8) + compressed};
            memcpy(blocks.p + at, pair, sizeof pair);
        }
    }
    size_t n_blocks = blocks.n / 16;
    pm_buf_put_u64(&blocks, t->starts[t->n_units]);
    pm_buf_put_u64(&blocks, packed.n);
    uint64_t *pairs = room(2 * (n_blocks + 1), sizeof *pairs);
    memcpy(pairs, blocks.p, blocks.n);
    size_t half = packed.n / 2;
    pm_bytes parts[2] = {{packed.p, half}};
    if (packed.n > 0) {
        parts[1] = (pm_bytes){packed.p + half, packed.n - half};
    }
    uint32_t n_checkpoints = (t->n_positions + PM_CHECKPOINT - 1) / PM_CHECKPOINT;
    pm_store_data d = {t->starts, t->n_units,           pairs,          n_blocks,
                       parts,     packed.n > 0 ? 2 : 0, t->checkpoints, n_checkpoints};
    begin_file(w);
    CHECK(pm_store_write(w, &d, &err) == PM_OK);
    end_file(w);
    pm_packer_free(packer);
    pm_buf_release(&packed);
    pm_buf_release(&blocks);
    free(pairs);
    free(w);
}

static void check_read(pm_text_reader *r, const texts *t, pm_unit u, uint64_t lo,
                       uint64_t hi) {
    uint64_t length = t->starts[u + 1] - t->starts[u], end = hi < length ? hi : length;
    pm_buf out = {0};
    pm_error err;
    pm_buf_put(&out, "before", 6);
    CHECK(pm_text_read(r, u, lo, hi, &out, &err) == PM_OK);
    CHECK(out.n == 6 + (lo < end ? end - lo : 0) && memcmp(out.p, "before", 6) == 0);
    CHECK(lo >= end || memcmp(out.p + 6, t->raw + t->starts[u] + lo, end - lo) == 0);
    pm_buf_release(&out);
}

static void compare_texts(const pm_store *s, const texts *t) {
    pm_text_reader *r;
    pm_error err;
    pm_buf out = {0};
    CHECK(pm_text_reader_new(s, &r, &err) == PM_OK);
    for (pm_unit u = 0; u < t->n_units; u++) {
        CHECK(pm_store_length(s, u) == t->starts[u + 1] - t->starts[u]);
        check_read(r, t, u, 0, UINT64_MAX);
    }
    for (int k = 0; k < 300 && t->n_units > 0; k++) {
        uint64_t lo = rnd_below(&seed, 3000);
        check_read(r, t, rnd_below(&seed, t->n_units), lo,
                   lo + rnd_below(&seed, 50000));
    }
    CHECK(pm_store_length(s, t->n_units) == 0);
    CHECK(pm_text_read(r, t->n_units, 0, 1, &out, &err) == PM_INVALID);
    pm_text_reader_free(r);
    pm_buf_release(&out);
}

static void compare_checkpoints(const pm_store *s, const texts *t) {
    for (pm_pos pos = 0; pos < t->n_positions; pos += 7) {
        pm_pos start = pos - rnd_below(&seed, pos + 1), at;
        pm_pos checked = start + (pos - start) / PM_CHECKPOINT * PM_CHECKPOINT;
        uint32_t k = checked / PM_CHECKPOINT, byte, code_point;
        pm_store_checkpoint(s, start, pos, &at, &byte, &code_point);
        CHECK(at == checked && checked <= pos && pos - checked < PM_CHECKPOINT);
        if (checked == start) {
            CHECK(byte == 0 && code_point == 0);
        } else {
            CHECK(byte == t->checkpoints[2 * k]);
            CHECK(code_point == t->checkpoints[2 * k + 1]);
        }
    }
}

static void test_store_gives_back_texts(uint32_t n_units, uint32_t max,
                                        uint32_t units_a_chunk) {
    texts t = make_texts(n_units, max);
    pm_container *file = room(1, sizeof *file);
    pm_store s;
    pm_error err;
    write_store(&t, units_a_chunk);
    open_file(file, known, N_KNOWN);
    CHECK(pm_store_open(&s, file, n_units, t.n_positions, &err) == PM_OK && s.present);
    CHECK(pm_store_verify(&s, NULL, &err) == PM_OK);
    compare_texts(&s, &t);
    compare_checkpoints(&s, &t);
    CHECK(pm_store_open(&s, file, n_units + 64, t.n_positions, &err) == PM_CORRUPT);
    pm_container_close(file);
    free_texts(&t);
    free(file);
}

static void test_store_absent(void) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_container *file = room(1, sizeof *file);
    pm_store s;
    pm_error err;
    begin_file(w);
    end_file(w);
    open_file(file, known, N_KNOWN);
    CHECK(pm_store_open(&s, file, 10, 100, &err) == PM_OK && !s.present);
    CHECK(pm_store_verify(&s, NULL, &err) == PM_OK && pm_store_length(&s, 0) == 0);
    pm_text_reader *r;
    pm_buf out = {0};
    CHECK(pm_text_reader_new(&s, &r, &err) == PM_OK);
    CHECK(pm_text_read(r, 0, 0, 1, &out, &err) == PM_INVALID);
    pm_pos at;
    uint32_t byte, code_point;
    pm_store_checkpoint(&s, 3, 70, &at, &byte, &code_point);
    CHECK(at == 3 && byte == 0 && code_point == 0);
    pm_text_reader_free(r);
    pm_container_close(file);
    free(file);
    free(w);
}

static void probe_store(const pm_container *file, void *ctx) {
    const texts *t = ctx;
    pm_store s;
    pm_error err;
    if (pm_store_open(&s, file, t->n_units, t->n_positions, &err) != PM_OK) {
        return;
    }
    pm_text_reader *r;
    pm_buf out = {0};
    CHECK(pm_text_reader_new(&s, &r, &err) == PM_OK);
    for (pm_unit u = 0; u < t->n_units; u++) {
        pm_pos at;
        uint32_t byte, code_point;
        CHECK(pm_store_length(&s, u) <= UINT64_MAX / 2);
        pm_status status = pm_text_read(r, u, 0, UINT64_MAX, &out, &err);
        CHECK(status == PM_OK || status == PM_CORRUPT ||
              (status == PM_INVALID && !s.present));
        pm_store_checkpoint(&s, u, u * 50, &at, &byte, &code_point);
        CHECK(code_point <= byte && at <= u * 50);
    }
    damage_any(pm_store_verify(&s, NULL, &err));
    CHECK(out.n < (1U << 20)); /* however large a damaged table makes a text */
    pm_text_reader_free(r);
    pm_buf_release(&out);
}

static void test_store_damage_is_survived(void) {
    texts t = make_texts(7, 60);
    pm_container *file = room(1, sizeof *file);
    write_store(&t, 3);
    open_file(file, known, N_KNOWN);
    damage_sweep(file, probe_store, &t);
    pm_container_close(file);
    free_texts(&t);
    free(file);
}

/* A frame that claims, or decompresses to, more than its block may hold. */
static void test_store_blocks_are_capped(void) {
    static const uint8_t claim[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0x0f, 0x0b, 0x00, 0x00, 'x'};
    uint64_t starts[] = {0, 100}, blocks[] = {0, 0, 100, sizeof claim};
    pm_bytes part = {claim, sizeof claim};
    pm_store_data d = {starts, 1, blocks, 1, &part, 1, NULL, 0};
    pm_container_writer *w = room(1, sizeof *w);
    pm_container *file = room(1, sizeof *file);
    pm_store s;
    pm_error err;
    begin_file(w);
    CHECK(pm_store_write(w, &d, &err) == PM_OK);
    end_file(w);
    open_file(file, known, N_KNOWN);
    CHECK(pm_store_open(&s, file, 1, 0, &err) == PM_OK);
    CHECK(pm_store_verify(&s, NULL, &err) == PM_CORRUPT &&
          strstr(err.message, "100 bytes") != NULL);
    pm_container_close(file);
    free(file);
    free(w);
}

/* ---- columns ---- */

enum { N_COLUMNS = 7, MAX_VALUES = 3 };

typedef struct table {
    pm_column_data columns[N_COLUMNS];
    uint32_t *starts[N_COLUMNS];
    pm_value *values[N_COLUMNS];
    char (*words)[16];
    uint32_t n_docs;
} table;

static const struct {
    const char *name;
    pm_value_kind kind;
    uint32_t most; /* values a document */
} shapes[N_COLUMNS] = {
    {"outlet", PM_VALUE_STR, 1},          {"tags", PM_VALUE_STR, MAX_VALUES},
    {"views", PM_VALUE_INT, 1},           {"score", PM_VALUE_FLOAT, 1},
    {"paid", PM_VALUE_BOOL, 1},           {"date", PM_VALUE_DATE, 1},
    {"numbers", PM_VALUE_INT, MAX_VALUES}};

static pm_value make_value(table *t, pm_value_kind kind, uint32_t i) {
    const int64_t day = INT64_C(86400000000);
    pm_value v = {.kind = kind};
    if (kind == PM_VALUE_STR) {
        char *s = t->words[i];
        int n = snprintf(s, 16, "w%u", rnd_below(&seed, 30));
        v.s = (pm_bytes){(const uint8_t *)s, i % 17 == 0 ? 0 : (size_t)n};
    } else if (kind == PM_VALUE_FLOAT) {
        v.f = i % 9 == 0 ? (double)NAN : (double)rnd(&seed) / 7 - 1e8;
    } else if (kind == PM_VALUE_BOOL) {
        v.i = rnd_below(&seed, 2);
    } else if (kind == PM_VALUE_DATE) {
        v.i = ((int64_t)rnd_below(&seed, 20000) - 5000) * day;
        if (i % 3 == 0) {
            v.kind = PM_VALUE_TIME;
            v.i += rnd(&seed);
        }
    } else {
        v.i = i % 11 == 0   ? INT64_MIN
              : i % 11 == 1 ? INT64_MAX
                            : (int64_t)rnd(&seed) - INT32_MAX;
    }
    return v;
}

/* dense: every document has a value (at least one). */
static table make_table(uint32_t n_docs, bool dense) {
    table t = {.words = room((size_t)n_docs * MAX_VALUES * N_COLUMNS, sizeof *t.words),
               .n_docs = n_docs};
    uint32_t n_words = 0;
    for (int c = 0; c < N_COLUMNS; c++) {
        t.starts[c] = room(n_docs + 1, 4);
        t.values[c] = room((size_t)n_docs * MAX_VALUES, sizeof(pm_value));
        for (uint32_t d = 0; d < n_docs; d++) {
            uint32_t n = shapes[c].most == 1 ? rnd_below(&seed, 3) > 0
                                             : rnd_below(&seed, MAX_VALUES + 1);
            n = dense && n == 0 ? 1 : n;
            t.starts[c][d + 1] = t.starts[c][d] + n;
            for (uint32_t i = t.starts[c][d]; i < t.starts[c][d + 1]; i++) {
                t.values[c][i] = make_value(&t, shapes[c].kind, n_words++);
            }
        }
        pm_bytes name = {(const uint8_t *)shapes[c].name, strlen(shapes[c].name)};
        t.columns[c] = (pm_column_data){name, shapes[c].kind, t.starts[c], t.values[c]};
    }
    return t;
}

static void free_table(table *t) {
    for (int c = 0; c < N_COLUMNS; c++) {
        free(t->starts[c]);
        free(t->values[c]);
    }
    free(t->words);
}

static void compare_value(const pm_column *col, uint32_t i, const pm_value *expected) {
    pm_value v = pm_column_value(col, i);
    CHECK(v.kind == expected->kind);
    if (v.kind == PM_VALUE_STR) {
        pm_buf text = {0};
        CHECK(v.i >= 0 && v.i < col->dictionary.n);
        CHECK(pm_strings_get(&col->dictionary, (uint32_t)v.i, &text));
        CHECK(pm_bytes_compare(pm_buf_bytes(&text), expected->s) == 0);
        pm_buf_release(&text);
    } else if (v.kind == PM_VALUE_FLOAT) {
        CHECK(memcmp(&v.f, &expected->f, sizeof v.f) == 0);
    } else {
        CHECK(v.i == expected->i && pm_column_number(col, i) == v.i);
    }
}

static void write_and_open_columns(const table *t, uint32_t n, pm_container *file) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_error err;
    begin_file(w);
    CHECK(pm_columns_write(w, t->columns, n, t->n_docs, &err) == PM_OK);
    end_file(w);
    open_file(file, known, N_KNOWN);
    free(w);
}

static void test_columns_give_back_values(uint32_t n_docs, bool dense) {
    table t = make_table(n_docs, dense);
    pm_container *file = room(1, sizeof *file);
    pm_columns columns;
    pm_error err;
    write_and_open_columns(&t, N_COLUMNS, file);
    CHECK(pm_columns_open(&columns, file, n_docs, &err) == PM_OK &&
          columns.n == N_COLUMNS);
    CHECK(pm_columns_verify(&columns, NULL, &err) == PM_OK);
    for (int c = 0; c < N_COLUMNS; c++) {
        const pm_column *col = pm_columns_find(&columns, t.columns[c].name);
        CHECK(col == &columns.at[c] && col->kind == shapes[c].kind &&
              col->n_docs == n_docs);
        CHECK(col->n_values == t.starts[c][n_docs]);
        for (pm_doc d = 0; d < n_docs; d++) {
            pm_range r = pm_column_values(col, d);
            CHECK(r.hi - r.lo == t.starts[c][d + 1] - t.starts[c][d]);
            CHECK(r.lo == r.hi || r.lo == t.starts[c][d]);
            for (uint32_t i = r.lo; i < r.hi; i++) {
                compare_value(col, i, &t.values[c][i]);
            }
        }
        pm_range none = pm_column_values(col, n_docs);
        CHECK(none.lo == none.hi && pm_column_number(col, col->n_values) == 0);
    }
    CHECK(pm_columns_find(&columns, (pm_bytes){(const uint8_t *)"outle", 5}) == NULL);
    pm_columns_close(&columns);
    pm_container_close(file);
    free_table(&t);
    free(file);
}

static void test_columns_none(void) {
    table t = make_table(5, true);
    pm_container *file = room(1, sizeof *file);
    pm_columns columns;
    pm_error err;
    write_and_open_columns(&t, 0, file);
    CHECK(pm_columns_open(&columns, file, 5, &err) == PM_OK && columns.n == 0);
    CHECK(pm_columns_verify(&columns, NULL, &err) == PM_OK);
    pm_columns_close(&columns);
    pm_container_close(file);
    free_table(&t);
    free(file);
}

static void test_columns_same_names_fail_verification(void) {
    table t = make_table(5, true);
    pm_container *file = room(1, sizeof *file);
    pm_columns columns;
    pm_error err;
    t.columns[1].name = t.columns[0].name;
    write_and_open_columns(&t, 2, file);
    CHECK(pm_columns_open(&columns, file, 5, &err) == PM_OK);
    CHECK(pm_columns_verify(&columns, NULL, &err) == PM_CORRUPT);
    pm_columns_close(&columns);
    pm_container_close(file);
    free_table(&t);
    free(file);
}

static void test_columns_of_mixed_kinds_are_not_written(void) {
    table t = make_table(5, true);
    pm_container_writer *w = room(1, sizeof *w);
    pm_error err;
    t.values[2][3].kind = PM_VALUE_FLOAT;
    begin_file(w);
    CHECK(pm_columns_write(w, t.columns, N_COLUMNS, 5, &err) == PM_INTERNAL);
    CHECK(strstr(err.message, "views") != NULL);
    pm_container_abandon(w, test_path);
    free_table(&t);
    free(w);
}

static void probe_columns(const pm_container *file, void *ctx) {
    const table *t = ctx;
    pm_columns columns;
    pm_error err;
    if (pm_columns_open(&columns, file, t->n_docs, &err) != PM_OK) {
        CHECK(columns.at == NULL);
        return;
    }
    for (uint32_t c = 0; c < columns.n; c++) {
        const pm_column *col = &columns.at[c];
        pm_buf text = {0};
        for (pm_doc d = 0; d < t->n_docs + 1; d++) {
            pm_range r = pm_column_values(col, d);
            CHECK(r.lo <= r.hi && r.hi <= col->n_values);
            for (uint32_t i = r.lo; i < r.hi && i < r.lo + 10; i++) {
                pm_value v = pm_column_value(col, i);
                (void)pm_strings_get(&col->dictionary, (uint32_t)v.i, &text);
            }
        }
        pm_buf_release(&text);
    }
    damage_any(pm_columns_verify(&columns, NULL, &err));
    pm_columns_close(&columns);
}

static void test_columns_damage_is_survived(void) {
    table t = make_table(9, false);
    pm_container *file = room(1, sizeof *file);
    write_and_open_columns(&t, N_COLUMNS, file);
    damage_sweep(file, probe_columns, &t);
    pm_container_close(file);
    free_table(&t);
    free(file);
}

int main(void) {
    make_test_dir();
    test_store_gives_back_texts(0, 0, 1);
    test_store_gives_back_texts(1, 0, 1);
    test_store_gives_back_texts(1, 100, 1);
    test_store_gives_back_texts(5, 200000, 2);
    test_store_gives_back_texts(700, 5000, 50);
    test_store_absent();
    test_store_blocks_are_capped();
    test_store_damage_is_survived();
    static const uint32_t sizes[] = {0, 1, 2, 63, 64, 65, 1500};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        test_columns_give_back_values(sizes[i], false);
        test_columns_give_back_values(sizes[i], true);
    }
    test_columns_none();
    test_columns_same_names_fail_verification();
    test_columns_of_mixed_kinds_are_not_written();
    test_columns_damage_is_survived();
    printf("format_store: ok\n");
    return 0;
}
