/* Position and document lists against a slow inversion; impacts against every document;
 * bytes at any number of threads. */
#include "format/postings.h"
#include "format_fixture.h"

static const uint32_t known[] = {
    PM_FOURCC('P', 'O', 'S', 'I'), PM_FOURCC('D', 'O', 'C', 'S'),
    PM_FOURCC('L', 'E', 'X', 'I'), PM_FOURCC('S', 'T', 'E', 'M'),
    PM_FOURCC('F', 'O', 'R', 'M'), PM_FOURCC('S', 'U', 'R', 'F'),
    PM_FOURCC('U', 'N', 'A', 'C'),
};
enum { N_KNOWN = sizeof known / sizeof *known };

static uint64_t seed = 2;

/* ---- length codes ---- */

static void test_length_code_is_the_greatest_not_above(void) {
    for (unsigned code = 0; code < 255; code++) {
        CHECK(pm_length_floor(code) < pm_length_floor(code + 1));
        CHECK(code >= 16 || pm_length_floor(code) == code);
        CHECK(pm_length_floor(code + 1) - pm_length_floor(code) <=
              1 + pm_length_floor(code) / 8);
    }
    for (int k = 0; k < 200000; k++) {
        uint32_t length = rnd(&seed) >> rnd_below(&seed, 32);
        length = k < 5000 ? (uint32_t)k : k == 5000 ? UINT32_MAX : length;
        unsigned code = pm_length_code(length);
        CHECK(code < 255 && pm_length_floor(code) <= length &&
              pm_length_floor(code + 1) > length);
    }
}

/* ---- writing ---- */

/* The lexicon is written too where there is one. */
static pm_hash128 write_postings(const plain *p, const words *v, unsigned threads) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_error err;
    pm_postings_data data = {v->data.n_groups, p->n_docs, p->n_fields, v->starts,
                             v->positions,     p->starts, threads};
    begin_file(w);
    CHECK(v->data.stems == NULL || pm_lexicon_write(w, &v->data, &err) == PM_OK);
    CHECK(pm_postings_write(w, &data, &err) == PM_OK);
    pm_hash128 hash = end_file(w);
    free(w);
    return hash;
}

/* The same group by group, each in pieces of up to so many positions. */
static void push_groups(pm_postings_writer *to, const words *v, uint32_t piece) {
    for (uint32_t g = 0; g < v->data.n_groups; g++) {
        uint64_t end = v->starts[g + 1];
        pm_postings_group(to, end - v->starts[g]);
        for (uint64_t at = v->starts[g]; at < end;) {
            uint64_t n = 1 + rnd_below(&seed, piece);
            n = n < end - at ? n : end - at;
            pm_postings_put(to, v->positions + at, (size_t)n);
            at += n;
        }
    }
}

static pm_hash128 push_postings(const plain *p, const words *v,
                                const pm_scratch *scratch, uint32_t piece) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_postings_writer *to;
    pm_error err;
    begin_file(w);
    w->scratch = scratch;
    CHECK(v->data.stems == NULL || pm_lexicon_write(w, &v->data, &err) == PM_OK);
    CHECK(pm_postings_begin(w, v->data.n_groups, p->n_docs, p->starts, p->n_fields, &to,
                            &err) == PM_OK);
    push_groups(to, v, piece);
    CHECK(pm_postings_end(to, &err) == PM_OK);
    pm_hash128 hash = end_file(w);
    free(w);
    return hash;
}

static bool equal_hashes(pm_hash128 a, pm_hash128 b) {
    return a.lo == b.lo && a.hi == b.hi;
}

/* ---- comparing ---- */

static void compare_positions(const pm_postings *p, const pm_lexicon *lex,
                              const words *v) {
    for (uint32_t g = 0; g < v->data.n_groups; g++) {
        pm_list list = pm_postings_positions(p, lex, g);
        uint32_t n = (uint32_t)(v->starts[g + 1] - v->starts[g]);
        uint32_t *out = room(n + PM_BLOCK, 4);
        CHECK(list.n == n);
        CHECK(pm_list_decode(list, out));
        CHECK(memcmp(out, v->positions + v->starts[g], n * sizeof *out) == 0);
        free(out);
    }
    CHECK(pm_postings_positions(p, lex, v->data.n_groups).n == 0);
    CHECK(pm_postings_positions(p, lex, PM_END).n == 0);
}

static bool under(uint8_t tf_most, uint8_t length_least, uint32_t tf, uint32_t length) {
    return (tf_most == 255 || tf <= tf_most) && length >= pm_length_floor(length_least);
}

static uint32_t *all_docs; /* document of each position */

static void compare_docs(const pm_postings *p, const plain *docs, const words *v,
                         uint32_t g) {
    pm_list list;
    const uint8_t *impacts;
    bool listed = pm_postings_docs(p, g, &list, &impacts);
    CHECK(listed == ((uint32_t)(v->starts[g + 1] - v->starts[g]) >= PM_DOC_LIST_MIN));
    pm_list_iter it;
    pm_list_iter_init(&it, list);
    uint64_t end = v->starts[g + 1];
    uint32_t df = 0;
    for (uint64_t i = v->starts[g], next; listed && i < end; i = next, df++) {
        uint32_t doc = all_docs[v->positions[i]];
        for (next = i; next < end && all_docs[v->positions[next]] == doc;) {
            next++;
        }
        uint32_t tf = (uint32_t)(next - i);
        CHECK(pm_list_iter_value(&it) == doc);
        CHECK(pm_list_iter_payload(&it) == tf - 1);
        uint32_t length = docs->starts[(doc + 1) * docs->n_fields] -
                          docs->starts[doc * docs->n_fields] - docs->n_fields;
        pm_impact m = pm_impact_load(impacts + 4 * (size_t)(df / PM_BLOCK));
        CHECK(under(m.tf_a, m.length_a, tf, length) ||
              under(m.tf_b, m.length_b, tf, length));
        CHECK(m.tf_a >= m.tf_b);
        (void)pm_list_iter_next(&it);
    }
    CHECK(pm_list_iter_value(&it) == PM_END && !it.bad && list.n == df);
}

static void test_postings(uint32_t n_docs, uint32_t n_fields, uint32_t max_unit,
                          uint32_t n_ids) {
    plain docs = make_plain(&seed, n_docs, n_fields, max_unit, n_ids);
    words v = make_words(&docs, n_ids, 1, 1);
    pm_lexicon lex;
    pm_container *file = room(1, sizeof *file);
    pm_error err;
    pm_postings p;
    pm_list list;
    const uint8_t *impacts;
    all_docs = room(docs.n_positions, 4);
    for (uint32_t u = 0; u < docs.n_units; u++) {
        for (uint32_t pos = docs.starts[u]; pos < docs.starts[u + 1]; pos++) {
            all_docs[pos] = u / n_fields;
        }
    }
    pm_hash128 one = write_postings(&docs, &v, 1);
    for (unsigned threads = 2; threads < 9; threads += 3) {
        CHECK(equal_hashes(one, write_postings(&docs, &v, threads)));
    }
    pm_scratch files = {test_dir, 1000};
    CHECK(equal_hashes(one, push_postings(&docs, &v, &files, 300)));
    CHECK(equal_hashes(one, push_postings(&docs, &v, NULL, 100000)));
    open_file(file, known, N_KNOWN);
    CHECK(pm_postings_open(&p, file, v.data.n_groups, &err) == PM_OK);
    CHECK(pm_lexicon_open(&lex, file, &err) == PM_OK);
    CHECK(pm_postings_verify(&p, NULL, &err) == PM_OK);
    compare_positions(&p, &lex, &v);
    for (uint32_t g = 0; g < v.data.n_groups; g++) {
        compare_docs(&p, &docs, &v, g);
    }
    CHECK(!pm_postings_docs(&p, v.data.n_groups, &list, &impacts) && list.n == 0);
    CHECK(pm_postings_open(&p, file, v.data.n_groups + PM_FRAME, &err) == PM_CORRUPT);
    pm_container_close(file);
    free(all_docs);
    free_words(&v);
    free_plain(&docs);
    free(file);
}

/* ---- impacts ---- */

/* One block of three kinds of documents: few occurrences in a short one, many in a long
 * one, and neither. The greatest BM25 bound of the two pairs is then that of a
 * document. */
static void test_impacts_keep_the_block_maximum(void) {
    const uint32_t tf[] = {2, 9, 1}, length[] = {20, 480, 240};
    enum { DOCS = 90 };
    plain p = {.n_docs = DOCS, .n_fields = 1, .n_units = DOCS};
    p.starts = room(DOCS + 1, 4);
    uint32_t *positions = room(DOCS * 9, 4);
    uint64_t starts[2] = {0, 0};
    for (uint32_t d = 0; d < DOCS; d++) {
        p.starts[d + 1] = p.starts[d] + length[d % 3] + 1;
        for (uint32_t i = 0; i < tf[d % 3]; i++) {
            positions[starts[1]++] = p.starts[d] + 2 * i;
        }
    }
    words v = {.data.n_groups = 1, .starts = starts, .positions = positions};
    (void)write_postings(&p, &v, 1);
    pm_container *file = room(1, sizeof *file);
    pm_postings got;
    pm_error err;
    pm_list list;
    const uint8_t *impacts;
    open_file(file, known, N_KNOWN);
    CHECK(pm_postings_open(&got, file, 1, &err) == PM_OK);
    CHECK(pm_postings_docs(&got, 0, &list, &impacts) && list.n == DOCS);
    pm_impact m = pm_impact_load(impacts);
    CHECK(m.tf_a == 9 && m.length_a == pm_length_code(480));
    CHECK(m.tf_b == 2 && m.length_b == pm_length_code(20));
    pm_container_close(file);
    free(file);
    free(positions);
    free(p.starts);
}

/* ---- sizes of lists ---- */

/* Lists about as long as a block, and as a list must be to have documents; every
 * document holds two positions of a list, or one. */
static void test_lists_of_each_size_are_pushed_the_same(uint32_t stride) {
    static const uint32_t sizes[] = {1025, 1024, 513, 512, 511, 257, 256,
                                     255,  128,  65,  64,  63,  2,   1};
    enum { GROUPS = sizeof sizes / sizeof *sizes, DOCS = 1100 };
    plain p = {.n_docs = DOCS, .n_fields = 1, .n_units = DOCS};
    uint64_t starts[GROUPS + 1] = {0};
    p.starts = room(DOCS + 1, 4);
    for (uint32_t d = 0; d < DOCS; d++) {
        p.starts[d + 1] = p.starts[d] + 41 + d % 7;
    }
    uint32_t *positions = room(GROUPS * DOCS, 4);
    for (uint32_t g = 0; g < GROUPS; g++) {
        starts[g + 1] = starts[g] + sizes[g];
        for (uint32_t i = 0; i < sizes[g]; i++) {
            positions[starts[g] + i] = p.starts[0] + g + stride * i;
        }
    }
    words v = {.data.n_groups = GROUPS, .starts = starts, .positions = positions};
    pm_scratch files = {test_dir, 0};
    pm_hash128 one = write_postings(&p, &v, 1);
    CHECK(equal_hashes(one, push_postings(&p, &v, NULL, 1)));
    CHECK(equal_hashes(one, push_postings(&p, &v, &files, 1)));
    CHECK(equal_hashes(one, push_postings(&p, &v, &files, 2000)));
    free(positions);
    free(p.starts);
}

/* ---- what a push writer refuses ---- */

/* Three groups of 80, 3 and 1 positions in one unit of 200, changed in one place. */
static void check_refused(uint32_t at, uint32_t position, uint32_t counted) {
    static const uint32_t starts[] = {0, 200};
    pm_container_writer *w = room(1, sizeof *w);
    uint32_t positions[84];
    pm_postings_writer *to;
    pm_error err;
    for (uint32_t i = 0; i < 84; i++) {
        positions[i] = 2 * i;
    }
    positions[at] = position;
    begin_file(w);
    CHECK(pm_postings_begin(w, 3, 1, starts, 1, &to, &err) == PM_OK);
    pm_postings_group(to, 80);
    pm_postings_put(to, positions, 80);
    pm_postings_group(to, counted);
    pm_postings_put(to, positions + 80, 3);
    if (counted != 0) {
        pm_postings_group(to, 1);
        pm_postings_put(to, positions + 83, 1);
    }
    bool good = at == 0 && position == 0 && counted == 3;
    CHECK(pm_postings_end(to, &err) == (good ? PM_OK : PM_INTERNAL));
    CHECK(good || strstr(err.message, "list ") == err.message);
    pm_container_abandon(w, NULL);
    free(w);
}

static void test_lists_that_could_not_be_read_are_not_written(void) {
    check_refused(0, 0, 3);
    check_refused(5, 8, 3);    /* the one before again */
    check_refused(5, 7, 3);    /* below it */
    check_refused(79, 200, 3); /* beyond the end */
    check_refused(79, UINT32_MAX, 3);
    check_refused(82, 162, 3);
    check_refused(0, 0, 2); /* more than was said */
    check_refused(0, 0, 4); /* fewer */
    check_refused(0, 0, 0); /* and a group less */
}

int main(void) {
    make_test_dir();
    test_lists_of_each_size_are_pushed_the_same(40);
    test_lists_of_each_size_are_pushed_the_same(20);
    test_lists_that_could_not_be_read_are_not_written();
    test_length_code_is_the_greatest_not_above();
    test_impacts_keep_the_block_maximum();
    test_postings(0, 1, 0, 0);
    test_postings(0, 3, 0, 0);
    test_postings(1, 1, 300, 1);
    test_postings(40, 2, 64, 5);
    test_postings(3000, 1, 40, 3);   /* document lists of many blocks */
    test_postings(20, 2, 9000, 700); /* frequencies above 255 */
    test_postings(900, 2, 150, 2000);
    test_postings(12000, 1, 500, 40); /* more than one round of chunks */
    printf("test_format_postings: ok\n");
    return 0;
}
