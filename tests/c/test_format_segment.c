/* Whole small segments: what was written is read, each damage that checksums show is
 * reported, and no file, whatever it holds and whether its checksums fit or not, makes
 * a reader crash, hang or leave its section. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>

#include "format/container_layout.h"
#include "format/segment.h"
#include "format_fixture.h"
#include "segment_use.h"

static uint64_t seed = 3;

/* ---- failing calls ---- */

static atomic_long calls_left = LONG_MAX; /* until one fails; later ones succeed */

static bool fails(void) {
    bool now = atomic_fetch_sub(&calls_left, 1) == 1;
    errno = now ? ENOMEM : errno;
    return now;
}
static void *failing_alloc(size_t n) {
    return fails() ? NULL : pm_sys_posix.alloc(n);
}
static void *failing_resize(void *p, size_t n) {
    return fails() ? NULL : pm_sys_posix.resize(p, n);
}
static int failing_open(const char *path, int flags, int mode) {
    return fails() ? -1 : pm_sys_posix.open(path, flags, mode);
}
static int64_t failing_read_at(int fd, void *to, size_t n, uint64_t offset) {
    return fails() ? -1 : pm_sys_posix.read_at(fd, to, n, offset);
}
static int64_t failing_write(int fd, const void *from, size_t n) {
    return fails() ? -1 : pm_sys_posix.write(fd, from, n);
}
static int failing_sync(int fd) {
    return fails() ? -1 : pm_sys_posix.sync(fd);
}
static int failing_stat(int fd, pm_stat *out) {
    return fails() ? -1 : pm_sys_posix.stat_fd(fd, out);
}

static void install_failing_calls(void) {
    static pm_sys table;
    table = pm_sys_posix;
    table.alloc = failing_alloc;
    table.resize = failing_resize;
    table.open = failing_open;
    table.read_at = failing_read_at;
    table.write = failing_write;
    table.sync = failing_sync;
    table.stat_fd = failing_stat;
    pm_sys_replace(&table);
}

/* ---- a segment as arrays ---- */

enum { N_COLUMNS = 4, TEXT_MAX = 40 };

typedef struct sample {
    plain docs;
    words words;
    uint64_t *sentences, *paragraphs;
    uint32_t *quote_starts, *quote_lengths;
    uint32_t n_quotes;
    char *key_texts;
    pm_bytes *keys;
    uint64_t *text_starts;
    uint8_t *text;
    uint32_t *checkpoints;
    uint32_t *one_each, *some; /* starts of the values of documents */
    pm_value *values[N_COLUMNS];
} sample;

static pm_bytes bytes_of(const char *s) {
    return (pm_bytes){(const uint8_t *)s, strlen(s)};
}

static void make_zones(sample *s) {
    const plain *p = &s->docs;
    s->sentences = room(p->n_positions / 64 + 1, 8);
    s->paragraphs = room(p->n_positions / 64 + 1, 8);
    s->quote_starts = room(p->n_positions, 4);
    s->quote_lengths = room(p->n_positions, 4);
    for (uint32_t u = 0; u < p->n_units; u++) {
        uint32_t first = p->starts[u], end = p->starts[u + 1] - 1;
        for (uint32_t pos = first; pos <= end; pos++) {
            bool edge = pos == first || pos == end;
            if (edge || rnd_below(&seed, 5) == 0) {
                pm_bits_set(s->sentences, pos);
            }
            if (edge || (pm_bits_get(s->sentences, pos) && rnd_below(&seed, 3) == 0)) {
                pm_bits_set(s->paragraphs, pos);
            }
        }
        if (end > first) {
            s->quote_starts[s->n_quotes] = first + rnd_below(&seed, end - first);
            s->quote_lengths[s->n_quotes] =
                1 + rnd_below(&seed, end - s->quote_starts[s->n_quotes]);
            s->n_quotes++;
        }
    }
}

static void make_texts(sample *s) {
    const plain *p = &s->docs;
    s->key_texts = room(p->n_docs, TEXT_BYTES);
    s->keys = room(p->n_docs, sizeof *s->keys);
    for (uint32_t d = 0; d < p->n_docs; d++) {
        char *key = s->key_texts + TEXT_BYTES * (size_t)d;
        snprintf(key, TEXT_BYTES, "article-%03u-%u", (d * 7919) % 1000, d);
        s->keys[d] = bytes_of(key);
    }
    s->text_starts = room(p->n_units + 1, 8);
    s->text = room((size_t)p->n_units * TEXT_MAX, 1);
    for (uint32_t u = 0; u < p->n_units; u++) {
        uint32_t n = rnd_below(&seed, TEXT_MAX);
        s->text_starts[u + 1] = s->text_starts[u] + n;
        for (uint64_t i = s->text_starts[u]; i < s->text_starts[u + 1]; i++) {
            s->text[i] = (uint8_t)('a' + rnd_below(&seed, 6));
        }
    }
    s->checkpoints = room(2 * ((size_t)p->n_positions / PM_CHECKPOINT + 1), 4);
}

static void make_values(sample *s) {
    static const char *const outlets[] = {"Mirror", "The Hill", "Tribune"};
    uint32_t n = s->docs.n_docs;
    s->one_each = room(n + 1, 4);
    s->some = room(n + 1, 4);
    for (unsigned c = 0; c < N_COLUMNS; c++) {
        s->values[c] = room(2 * (size_t)n, sizeof **s->values);
    }
    for (uint32_t d = 0; d < n; d++) {
        s->one_each[d + 1] = d + 1;
        s->some[d + 1] = s->some[d] + d % 3;
        for (uint32_t i = s->some[d]; i < s->some[d + 1]; i++) {
            s->values[0][i] =
                (pm_value){.kind = PM_VALUE_STR, .s = bytes_of(outlets[(d + i) % 3])};
        }
        s->values[1][d] =
            (pm_value){.kind = PM_VALUE_INT, .i = (int64_t)d * 1000 - 5000};
        s->values[2][d] = (pm_value){.kind = PM_VALUE_FLOAT, .f = d / 8.0};
        s->values[3][d] = (pm_value){.kind = d % 2 ? PM_VALUE_TIME : PM_VALUE_DATE,
                                     .i = INT64_C(86400000000) * d + d % 2};
    }
}

static sample make_sample(uint32_t n_docs, uint32_t max_unit, uint32_t n_groups) {
    sample s = {.docs = make_plain(&seed, n_docs, 2, max_unit, n_groups * 8)};
    s.words = make_words(&s.docs, n_groups, 2, 4);
    make_zones(&s);
    make_texts(&s);
    make_values(&s);
    return s;
}

static void free_sample(sample *s) {
    void *owned[] = {s->sentences,   s->paragraphs, s->quote_starts, s->quote_lengths,
                     s->key_texts,   s->keys,       s->text_starts,  s->text,
                     s->checkpoints, s->one_each,   s->some,         s->values[0],
                     s->values[1],   s->values[2],  s->values[3]};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
        free(owned[i]);
    }
    free_words(&s->words);
    free_plain(&s->docs);
}

/* ---- writing ---- */

static pm_status write_texts(pm_container_writer *w, const sample *s, pm_error *err) {
    const plain *p = &s->docs;
    uint64_t raw = s->text_starts[p->n_units];
    pm_packer *packer = NULL;
    pm_buf out, blocks;
    pm_status status;
    pm_buf_init(&out);
    pm_buf_init(&blocks);
    PM_GO(pm_packer_new(&packer, err));
    PM_GO(
        pm_packer_chunk(packer, (pm_bytes){s->text, (size_t)raw}, &out, &blocks, err));
    size_t n_blocks = blocks.n / 16;
    pm_buf_put_u64(&blocks, raw);
    pm_buf_put_u64(&blocks, out.n);
    PM_GO(pm_buf_status(blocks.failed ? &blocks : &out, err));
    pm_bytes part = pm_buf_bytes(&out);
    pm_store_data data = {s->text_starts,
                          p->n_units,
                          (const uint64_t *)(void *)blocks.p,
                          n_blocks,
                          &part,
                          1,
                          s->checkpoints,
                          (p->n_positions + PM_CHECKPOINT - 1) / PM_CHECKPOINT};
    status = pm_store_write(w, &data, err);
out:
    pm_packer_free(packer);
    pm_buf_release(&blocks);
    pm_buf_release(&out);
    return status;
}

static pm_status write_sections(pm_container_writer *w, const sample *s,
                                pm_error *err) {
    const plain *p = &s->docs;
    const words *v = &s->words;
    pm_segment_info info = {p->n_docs,        p->n_fields,
                            p->n_positions,   v->data.n_groups,
                            v->data.n_forms,  v->data.n_ids,
                            p->n_tokens,      0x1234567890abcdef,
                            bytes_of("none"), {bytes_of("title"), bytes_of("body")}};
    pm_postings_data postings = {
        v->data.n_groups, p->n_docs, p->n_fields, v->starts, v->positions,
        p->starts,        1};
    pm_zones_data zones = {
        p->n_positions,   s->sentences, s->paragraphs, s->quote_starts,
        s->quote_lengths, s->n_quotes,  false};
    pm_column_data columns[N_COLUMNS] = {
        {bytes_of("outlet"), PM_VALUE_STR, s->some, s->values[0]},
        {bytes_of("length"), PM_VALUE_INT, s->one_each, s->values[1]},
        {bytes_of("tone"), PM_VALUE_FLOAT, s->one_each, s->values[2]},
        {bytes_of("date"), PM_VALUE_DATE, s->one_each, s->values[3]},
    };
    PM_TRY(pm_segment_info_write(w, &info, err));
    PM_TRY(pm_lexicon_write(w, &v->data, err));
    PM_TRY(pm_stream_write(w, p->ids, p->n_positions, err));
    PM_TRY(pm_postings_write(w, &postings, err));
    PM_TRY(pm_bounds_write(w, p->starts, p->n_units, err));
    PM_TRY(pm_zones_write(w, &zones, err));
    PM_TRY(write_texts(w, s, err));
    PM_TRY(pm_keys_write(w, s->keys, p->n_docs, err));
    return pm_columns_write(w, columns, N_COLUMNS, p->n_docs, err);
}

static pm_status write_segment(const sample *s, pm_error *err) {
    pm_container_writer *w = room(1, sizeof *w);
    uint64_t size;
    pm_hash128 hash;
    unlink(test_path);
    pm_status status = pm_container_create(w, test_path, PM_FILE_SEGMENT, err);
    if (status == PM_OK) {
        status = write_sections(w, s, err);
        if (status == PM_OK) {
            status = pm_container_finish(w, &size, &hash, err);
        } else {
            pm_container_abandon(w, test_path);
        }
    }
    free(w);
    return status;
}

static void write_good_segment(const sample *s) {
    pm_error err;
    pm_status status = write_segment(s, &err);
    if (status != PM_OK) {
        fprintf(stderr, "%s\n", err.message);
    }
    CHECK(status == PM_OK);
}

/* ---- trying a file ---- */

/* Opens, uses and verifies the file at test_path; the status of the first failure. */
static pm_status try_file(bool thoroughly) {
    static pm_segment s;
    pm_error err;
    pm_status status = pm_segment_open(&s, test_path, PM_MAP_NO, &err);
    if (status == PM_OK) {
        if (thoroughly) {
            use_segment(&s);
        }
        status = pm_segment_verify(&s, NULL, &err);
        pm_segment_close(&s);
    }
    CHECK(status == PM_OK || (err.code == status && err.message[0] != 0));
    return status;
}

/* ---- what was written is read ---- */

static void compare_segment(const sample *s) {
    static pm_segment got;
    pm_error err;
    pm_buf text;
    const plain *p = &s->docs;
    pm_buf_init(&text);
    CHECK(pm_segment_open(&got, test_path, PM_MAP_AUTO, &err) == PM_OK);
    CHECK(got.info.n_docs == p->n_docs && got.info.n_fields == 2);
    CHECK(got.info.n_tokens == p->n_tokens &&
          got.info.fingerprint == 0x1234567890abcdef);
    CHECK(got.info.lang.n == 4 && memcmp(got.info.lang.p, "none", 4) == 0);
    CHECK(got.info.fields[1].n == 4 && memcmp(got.info.fields[1].p, "body", 4) == 0);
    for (uint32_t pos = 0; pos < p->n_positions; pos++) {
        CHECK(pm_stream_at(&got.stream, pos) == p->ids[pos]);
    }
    for (uint32_t g = 0; g < s->words.data.n_groups; g++) {
        pm_list list = pm_postings_positions(&got.postings, &got.lexicon, g);
        CHECK(list.n == s->words.starts[g + 1] - s->words.starts[g]);
    }
    for (uint32_t id = 0; id < s->words.data.n_ids; id++) {
        pm_bytes surface = s->words.surfaces[id];
        CHECK(pm_lexicon_surface(&got.lexicon, id, &text));
        CHECK(text.n == surface.n && memcmp(text.p, surface.p, surface.n) == 0);
    }
    pm_segment_close(&got);
    pm_buf_release(&text);
}

static void test_segment_gives_back_what_was_written(uint32_t n_docs, uint32_t max_unit,
                                                     uint32_t n_groups) {
    sample s = make_sample(n_docs, max_unit, n_groups);
    write_good_segment(&s);
    CHECK(try_file(true) == PM_OK);
    compare_segment(&s);
    free_sample(&s);
}

static bool stop_at_once(void *ctx) {
    (void)ctx;
    return true;
}

static void test_verify_can_be_cancelled(void) {
    static pm_segment s;
    pm_error err;
    pm_cancel cancel;
    sample of = make_sample(10, 20, 5);
    write_good_segment(&of);
    CHECK(pm_segment_open(&s, test_path, PM_MAP_AUTO, &err) == PM_OK);
    pm_cancel_init(&cancel, stop_at_once, NULL);
    atomic_store(&cancel.stop, 1);
    CHECK(pm_segment_verify(&s, &cancel, &err) == PM_CANCELLED);
    pm_segment_close(&s);
    free_sample(&of);
}

/* ---- contradictions between sections whose checksums fit ---- */

typedef struct change {
    const char *what;
    void (*make)(sample *s);
} change;

static void swap_two_ids(sample *s) {
    uint32_t *ids = s->docs.ids, i = 0, j;
    while (ids[i] == PM_END) {
        i++;
    }
    for (j = i + 1;
         ids[j] == PM_END || s->words.id_group[ids[j]] == s->words.id_group[ids[i]];) {
        j++;
    }
    uint32_t id = ids[i];
    ids[i] = ids[j];
    ids[j] = id;
}
static void miscount_an_id(sample *s) { /* the sum stays */
    uint32_t id = 0;
    while (s->words.id_counts[id] < 2 ||
           s->words.id_group[id] != s->words.id_group[id + 1]) {
        id++;
    }
    s->words.id_counts[id]--;
    s->words.id_counts[id + 1]++;
}
static void lose_a_sentence(sample *s) {
    s->sentences[0] &= ~UINT64_C(1);
}
static void lose_a_paragraph(sample *s) {
    s->paragraphs[0] &= ~UINT64_C(1);
}
static void let_a_quote_cross_units(sample *s) {
    s->quote_lengths[0] =
        s->docs.starts[1] == 1 ? s->docs.n_positions : s->docs.starts[1];
    s->quote_starts[0] = 0;
    s->n_quotes = 1;
}
static void move_a_sentinel(sample *s) {
    uint32_t unit = 1;
    while (s->docs.starts[unit] + 1 >= s->docs.starts[unit + 1]) {
        unit++;
    }
    s->docs.starts[unit]++;
}
static void move_a_position(sample *s) {
    uint32_t *positions = s->words.positions, k = 0;
    while (k == 0 ? positions[0] == 0 : positions[k] == positions[k - 1] + 1) {
        k++;
    }
    positions[k]--;
}
static void put_a_token_for_a_sentinel(sample *s) {
    s->docs.ids[s->docs.n_positions - 1] = 0;
}

static void test_verify_reports_contradictions(void) {
    static const change changes[] = {
        {"swapped ids", swap_two_ids},
        {"miscounted id", miscount_an_id},
        {"lost sentence", lose_a_sentence},
        {"lost paragraph", lose_a_paragraph},
        {"quotation across units", let_a_quote_cross_units},
        {"moved sentinel", move_a_sentinel},
        {"moved position", move_a_position},
        {"token for a sentinel", put_a_token_for_a_sentinel},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        sample s = make_sample(10, 30, 4);
        changes[i].make(&s);
        write_good_segment(&s);
        if (try_file(true) == PM_OK) {
            fprintf(stderr, "%s: not reported\n", changes[i].what);
            exit(1);
        }
        free_sample(&s);
    }
}

/* ---- damage ---- */

typedef struct image { /* the good file, and a descriptor on it */
    uint8_t *bytes;
    size_t n;
    int fd;
    uint32_t n_sections;
    uint64_t table;
} image;

static image read_image(void) {
    image m = {.fd = open(test_path, O_RDWR)};
    CHECK(m.fd >= 0);
    m.n = (size_t)lseek(m.fd, 0, SEEK_END);
    m.bytes = room(m.n, 1);
    CHECK(pread(m.fd, m.bytes, m.n, 0) == (ssize_t)m.n);
    const uint8_t *footer = m.bytes + m.n - PM_FOOTER_BYTES;
    m.table = pm_load64(footer + PM_FOOTER_TABLE);
    m.n_sections = pm_load32(footer + PM_FOOTER_SECTIONS);
    return m;
}
static void free_image(image *m) {
    close(m->fd);
    free(m->bytes);
}
static void put_back(const image *m) {
    CHECK(ftruncate(m->fd, (off_t)m->n) == 0);
    CHECK(pwrite(m->fd, m->bytes, m->n, 0) == (ssize_t)m->n);
}

/* Writes a changed copy, with checksums that fit what it holds. */
static void write_repaired(const image *m, uint8_t *copy) {
    uint8_t sealed[PM_HEADER_BYTES + PM_FOOTER_HASH],
        *footer = copy + m->n - PM_FOOTER_BYTES;
    for (uint32_t i = 0; i < m->n_sections; i++) {
        uint8_t *entry = copy + m->table + (size_t)i * PM_ENTRY_BYTES;
        uint64_t at = pm_load64(entry + 8), n = pm_load64(entry + 16);
        if (at <= m->n && n <= m->n - at) {
            pm_store64(entry + 24, pm_hash64(copy + at, (size_t)n));
        }
    }
    uint64_t table_hash =
        pm_hash64(copy + m->table, (size_t)m->n_sections * PM_ENTRY_BYTES);
    pm_store64(footer + PM_FOOTER_TABLE_HASH, table_hash);
    memcpy(sealed, copy, PM_HEADER_BYTES);
    memcpy(sealed + PM_HEADER_BYTES, footer, PM_FOOTER_HASH);
    pm_store64(footer + PM_FOOTER_HASH, pm_hash64(sealed, sizeof sealed));
    CHECK(pwrite(m->fd, copy, m->n, 0) == (ssize_t)m->n);
}

static void test_every_change_is_reported(const image *m, size_t step) {
    for (size_t at = 0; at < m->n; at += step) {
        uint8_t changed = m->bytes[at] ^ (uint8_t)(1 + rnd_below(&seed, 255));
        CHECK(pwrite(m->fd, &changed, 1, (off_t)at) == 1);
        if (try_file(at % 8 == 0) == PM_OK) {
            fprintf(stderr, "byte %zu changed from %u to %u: not reported\n", at,
                    m->bytes[at], changed);
            exit(1);
        }
        CHECK(pwrite(m->fd, m->bytes + at, 1, (off_t)at) == 1);
    }
    CHECK(try_file(false) == PM_OK);
}

static void test_every_truncation_is_reported(const image *m, size_t step) {
    static pm_segment s;
    pm_error err;
    for (size_t n = m->n; n-- > 0; n -= n < step ? 0 : step - 1) {
        CHECK(ftruncate(m->fd, (off_t)n) == 0);
        CHECK(pm_segment_open(&s, test_path, PM_MAP_NO, &err) != PM_OK);
    }
    put_back(m);
}

/* The stream's codes and all of the unit bounds are told elsewhere too, so that any
 * change contradicts something. */
static bool told_twice(const sample *of, uint32_t id, uint64_t at) {
    return (id == PM_FOURCC('S', 'T', 'R', 'M') &&
            at < 2 * (uint64_t)of->docs.n_positions) ||
           id == PM_FOURCC('U', 'N', 'I', 'T');
}

/* Changes `width` bytes at each place of each section to random or extreme ones. */
static void test_readers_survive_changed_sections(const image *m, const sample *of,
                                                  size_t width, size_t step) {
    static const uint32_t extremes[] = {0, UINT32_MAX, 0x7fffffff, 0x80000000};
    uint8_t *copy = room(m->n, 1);
    for (uint32_t i = 0; i < m->n_sections; i++) {
        const uint8_t *entry = m->bytes + m->table + (size_t)i * PM_ENTRY_BYTES;
        uint64_t first = pm_load64(entry + 8), end = first + pm_load64(entry + 16);
        for (uint64_t at = first; at + width <= end; at += step) {
            uint32_t v = width == 1 ? rnd(&seed) : extremes[rnd_below(&seed, 4)];
            memcpy(copy, m->bytes, m->n);
            memcpy(copy + at, &v, width);
            bool same = memcmp(copy, m->bytes, m->n) == 0;
            write_repaired(m, copy);
            bool reported = try_file(true) != PM_OK;
            CHECK(reported || same || !told_twice(of, pm_load32(entry), at - first));
        }
    }
    free(copy);
    put_back(m);
}

static void test_readers_survive_cut_sections(const image *m, uint64_t step) {
    uint8_t *copy = room(m->n, 1);
    for (uint32_t i = 0; i < m->n_sections; i++) {
        uint64_t field = m->table + (size_t)i * PM_ENTRY_BYTES + 16;
        uint64_t size = pm_load64(m->bytes + field);
        for (uint64_t n = size; n-- > 0; n -= n < step ? 0 : step - 1) {
            memcpy(copy, m->bytes, m->n);
            pm_store64(copy + field, n);
            write_repaired(m, copy);
            CHECK(try_file(true) != PM_OK);
        }
    }
    free(copy);
    put_back(m);
}

static void test_damage(uint32_t n_docs, uint32_t max_unit, uint32_t n_groups,
                        size_t step) {
    sample s = make_sample(n_docs, max_unit, n_groups);
    write_good_segment(&s);
    CHECK(try_file(true) == PM_OK);
    image m = read_image();
    test_every_change_is_reported(&m, step);
    test_every_truncation_is_reported(&m, step);
    test_readers_survive_changed_sections(&m, &s, 1, step);
    test_readers_survive_changed_sections(&m, &s, 4, step);
    test_readers_survive_cut_sections(&m, step);
    CHECK(try_file(false) == PM_OK);
    free_image(&m);
    free_sample(&s);
}

/* ---- faults ---- */

static void test_every_failing_call_is_told(void) {
    static pm_segment got;
    pm_error err;
    sample s = make_sample(6, 20, 3);
    bool done = false;
    for (long k = 1; !done; k++) {
        atomic_store(&calls_left, k);
        pm_status status = write_segment(&s, &err);
        done = atomic_load(&calls_left) > 0;
        CHECK((status == PM_OK) == done);
        CHECK(done || access(test_path, F_OK) != 0 || status == PM_IO);
    }
    for (long k = 1, last = 0; !last; k++) {
        atomic_store(&calls_left, k);
        pm_status status = pm_segment_open(&got, test_path, PM_MAP_NO, &err);
        if (status == PM_OK) {
            status = pm_segment_verify(&got, NULL, &err);
            pm_segment_close(&got);
        }
        last = atomic_load(&calls_left) > 0;
        CHECK((status == PM_OK) == (last != 0));
    }
    atomic_store(&calls_left, LONG_MAX);
    free_sample(&s);
}

int main(void) {
    make_test_dir();
    install_failing_calls();
    test_segment_gives_back_what_was_written(0, 0, 0);
    test_segment_gives_back_what_was_written(1, 0, 1); /* units without tokens */
    test_segment_gives_back_what_was_written(3, 8, 2);
    test_segment_gives_back_what_was_written(700, 90, 60);
    test_verify_can_be_cancelled();
    test_verify_reports_contradictions();
    test_every_failing_call_is_told();
    test_damage(0, 0, 0, 1);
    test_damage(8, 14, 3, 1);
    test_damage(300, 30, 12, 97); /* lists of several blocks, document lists */
    printf("test_format_segment: ok\n");
    return sink == 1;
}
