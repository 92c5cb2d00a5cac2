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
        pm_hash128 more = write_postings(&docs, &v, threads);
        CHECK(more.lo == one.lo && more.hi == one.hi);
    }
    open_file(file, known, N_KNOWN);
    CHECK(pm_postings_open(&p, file, v.data.n_groups, &err) == PM_OK);
    CHECK(pm_lexicon_open(&lex, file, &err) == PM_OK);
    CHECK(pm_postings_verify(&p, &err) == PM_OK);
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

int main(void) {
    make_test_dir();
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
