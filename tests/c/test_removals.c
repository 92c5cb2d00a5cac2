/* The sidecar of deletions: what it says is what the segment's tokens say, it survives
 * any bytes, and verify finds every number that is not so. */
#include "container_repair.h"
#include "index/deletion.h"
#include "index/snapshot.h"
#include "index_corpus.h"
#include "memory_files.h"

static const char *const sidecar = "index/7.del";

static pm_snapshot *make_index(size_t n_docs, uint32_t words, uint32_t seed) {
    corpus c;
    pm_error err;
    pm_snapshot *s;
    pm_build_options o = corpus_options(1, 0, false);
    corpus_make(&c, n_docs, words, seed);
    CHECK(corpus_build(&c, "index", &o, &err) == PM_OK);
    CHECK(pm_snapshot_open("index", 0, PM_MAP_NO, &s, &err) == PM_OK);
    corpus_free(&c);
    CHECK(s->n_parts == 1);
    return s;
}

static uint64_t *make_bits(uint32_t n) {
    uint64_t *bits = calloc(pm_bits_words(n) + 1, sizeof *bits);
    CHECK(bits != NULL);
    return bits;
}

/* Every document with a chance of percent in 100, and at least one. */
static uint64_t *make_dead(const pm_segment *s, uint32_t percent, uint32_t *seed) {
    uint64_t *dead = make_bits(s->info.n_docs);
    for (pm_doc d = 0; d < s->info.n_docs; d++) {
        if (corpus_random(seed) % 100 < percent) {
            pm_bits_set(dead, d);
        }
    }
    pm_bits_set(dead, corpus_random(seed) % s->info.n_docs);
    return dead;
}

static void drop_sidecar(void) {
    if (mem_find(sidecar) != NULL) {
        CHECK(mem_unlink(sidecar) == 0);
    }
}

/* ---- what it says ---- */

/* One pass over all positions: what dead documents hold of ids [lo, hi), and how many
 * of them hold any. */
static void count_plainly(const pm_segment *s, const uint64_t *dead, pm_range ids,
                          uint64_t *tokens, uint32_t *docs) {
    pm_doc last = PM_END;
    *tokens = *docs = 0;
    for (pm_pos pos = 0; pos < s->info.n_positions; pos++) {
        pm_id id = pm_stream_at(&s->stream, pos);
        pm_doc doc = pm_bounds_unit(&s->bounds, pos) / s->info.n_fields;
        if (id >= ids.lo && id < ids.hi && pm_bits_get(dead, doc)) {
            ++*tokens;
            *docs += doc != last;
            last = doc;
        }
    }
}

static void check_answers(const pm_removals *r, const pm_segment *s,
                          const uint64_t *dead, uint32_t *seed) {
    uint64_t tokens;
    uint32_t docs, n_listed = 0, n_ids = s->info.n_ids;
    for (int i = 0; i < 50; i++) {
        pm_id a = corpus_random(seed) % (n_ids + 3), b = corpus_random(seed) % n_ids;
        pm_range ids = {a < b ? a : b, a < b ? b : a};
        count_plainly(s, dead, ids, &tokens, &docs);
        CHECK(pm_removals_ids(r, ids) == tokens);
    }
    for (pm_group g = 0; g < s->info.n_groups && g < 40; g++) {
        pm_list list;
        const uint8_t *impacts;
        bool listed = pm_postings_docs(&s->postings, g, &list, &impacts);
        count_plainly(s, dead, pm_lexicon_group_ids(&s->lexicon, g), &tokens, &docs);
        CHECK(pm_removals_docs(r, g) == (listed ? docs : 0));
        n_listed += listed;
    }
    CHECK(n_listed > 5);
    count_plainly(s, dead, (pm_range){0, n_ids}, &tokens, &docs);
    CHECK(r->dead_tokens == tokens);
    CHECK(pm_removals_ids(r, (pm_range){0, UINT32_MAX}) == tokens);
    CHECK(pm_removals_ids(NULL, (pm_range){0, n_ids}) == 0);
    CHECK(pm_removals_docs(r, PM_END) == 0 && pm_removals_docs(NULL, 0) == 0);
}

static void test_sidecar_says_what_the_dead_documents_hold(uint32_t percent,
                                                           uint32_t seed) {
    pm_error err;
    pm_entry entry = {.n_docs = 1};
    pm_removals r;
    pm_snapshot *s = make_index(90, 60, seed);
    const pm_segment *segment = &s->parts[0].segment;
    uint64_t *dead = make_dead(segment, percent, &seed);
    uint32_t n_dead = 0;
    CHECK(pm_deletion_write("index", "7.del", segment, dead, NULL, &entry, &err) ==
          PM_OK);
    CHECK(pm_removals_open(&r, sidecar, PM_MAP_NO, &err) == PM_OK);
    for (pm_doc d = 0; d < segment->info.n_docs; d++) {
        CHECK(pm_bitmap_get(&r.dead, d) == pm_bits_get(dead, d));
        n_dead += pm_bits_get(dead, d);
    }
    CHECK(r.n_docs == segment->info.n_docs && r.n_dead == n_dead);
    CHECK(entry.n_dead == n_dead && entry.dead_tokens == r.dead_tokens);
    CHECK(strcmp(entry.removals.name, "7.del") == 0 && entry.n_docs == 1);
    const mem_node *node = mem_find(sidecar);
    pm_hash128 hash = pm_hash128_of(node->bytes, node->n);
    CHECK(entry.removals.size == node->n && entry.removals.hash.lo == hash.lo &&
          entry.removals.hash.hi == hash.hi);
    check_answers(&r, segment, dead, &seed);
    CHECK(pm_removals_verify(&r, segment, NULL, &err) == PM_OK);
    pm_removals_close(&r);
    pm_removals_close(&r);
    free(dead);
    pm_snapshot_unref(s);
    mem_clear();
}

static void test_writing_over_a_file_is_refused(void) {
    pm_error err;
    pm_entry entry = {.n_dead = 0};
    pm_snapshot *s = make_index(5, 10, 3);
    uint64_t dead = 3;
    mem_set(sidecar, (const uint8_t *)"x", 1);
    CHECK(pm_deletion_write("index", "7.del", &s->parts[0].segment, &dead, NULL, &entry,
                            &err) == PM_EXISTS);
    CHECK(entry.removals.name[0] == 0 && entry.n_dead == 0);
    pm_snapshot_unref(s);
    mem_clear();
}

static void test_counting_can_be_interrupted(void) {
    pm_error err;
    pm_losses losses;
    pm_cancel cancel;
    pm_snapshot *s = make_index(200, 400, 3);
    uint64_t dead[4] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    pm_cancel_init(&cancel, NULL, NULL);
    atomic_store(&cancel.stop, 1);
    CHECK(pm_losses_count(&losses, &s->parts[0].segment, dead, &cancel, &err) ==
          PM_CANCELLED);
    pm_snapshot_unref(s);
    mem_clear();
}

/* ---- damage ---- */

typedef struct image {
    pm_snapshot *s;
    uint8_t *bytes; /* of a good sidecar */
    size_t n;
} image;

static image make_image(uint32_t n_docs, uint32_t seed) {
    pm_error err;
    pm_entry entry;
    image m = {.s = make_index(n_docs, 40, seed)};
    uint64_t *dead = make_dead(&m.s->parts[0].segment, 30, &seed);
    CHECK(pm_deletion_write("index", "7.del", &m.s->parts[0].segment, dead, NULL,
                            &entry, &err) == PM_OK);
    const mem_node *node = mem_find(sidecar);
    m.n = node->n;
    m.bytes = malloc(m.n);
    CHECK(m.bytes != NULL);
    memcpy(m.bytes, node->bytes, m.n);
    free(dead);
    return m;
}

static void free_image(image *m) {
    free(m->bytes);
    pm_snapshot_unref(m->s);
    mem_clear();
}

/* Opens what stands in the file, asks everything, verifies. */
static pm_status look(const image *m) {
    pm_error err;
    pm_removals r;
    pm_status status = pm_removals_open(&r, sidecar, PM_MAP_NO, &err);
    if (status != PM_OK) {
        return status;
    }
    uint32_t n = m->s->parts[0].segment.info.n_ids;
    for (uint32_t i = 0; i <= n; i += 7) {
        (void)pm_removals_ids(&r, (pm_range){i, i + 5});
        (void)pm_removals_ids(&r, (pm_range){0, UINT32_MAX - i});
        CHECK(pm_removals_docs(&r, i) <= r.n_dead);
        (void)pm_bitmap_get(&r.dead, i);
    }
    status = pm_removals_verify(&r, &m->s->parts[0].segment, NULL, &err);
    pm_removals_close(&r);
    return status;
}

static void put(const uint8_t *bytes, size_t n) {
    mem_set(sidecar, bytes, n);
}

static void expect_damage(pm_status status) {
    CHECK(status == PM_CORRUPT || status == PM_FOREIGN || status == PM_TOO_NEW ||
          status == PM_TOO_OLD);
}

static void test_every_changed_byte_is_found(const image *m) {
    uint8_t *copy = malloc(m->n);
    CHECK(copy != NULL);
    for (size_t i = 0; i < m->n; i++) {
        memcpy(copy, m->bytes, m->n);
        copy[i] ^= (uint8_t)(1u << i % 8);
        put(copy, m->n);
        expect_damage(look(m));
        put(m->bytes, i);
        expect_damage(look(m));
    }
    free(copy);
}

static void test_changed_bytes_with_repaired_checksums_are_survived(const image *m) {
    static const uint8_t changes[] = {0x01, 0x02, 0x10, 0x40, 0x80, 0xff};
    uint8_t *copy = malloc(m->n);
    CHECK(copy != NULL);
    for (size_t i = 0; i < m->n; i++) {
        for (size_t k = 0; k < sizeof changes; k++) {
            memcpy(copy, m->bytes, m->n);
            copy[i] ^= changes[k];
            repair(copy, m->n);
            put(copy, m->n);
            pm_status status = look(m);
            if (status != PM_OK) {
                expect_damage(status);
            }
        }
    }
    free(copy);
}

/* The section's size in the table, cut at each length. */
static void test_cut_sections_are_survived(const image *m) {
    uint8_t *copy = malloc(m->n);
    CHECK(copy != NULL);
    uint64_t table = pm_load64(m->bytes + m->n - PM_FOOTER_BYTES + PM_FOOTER_TABLE);
    for (uint64_t entry = table; entry < m->n - PM_FOOTER_BYTES;
         entry += PM_ENTRY_BYTES) {
        uint64_t size = pm_load64(m->bytes + entry + 16);
        for (uint64_t cut = 0; cut < size; cut++) {
            memcpy(copy, m->bytes, m->n);
            pm_store64(copy + entry + 16, cut);
            repair(copy, m->n);
            put(copy, m->n);
            expect_damage(look(m));
        }
    }
    free(copy);
}

static void test_damage(void) {
    image m = make_image(60, 5);
    test_every_changed_byte_is_found(&m);
    test_changed_bytes_with_repaired_checksums_are_survived(&m);
    test_cut_sections_are_survived(&m);
    put(m.bytes, m.n);
    CHECK(look(&m) == PM_OK);
    free_image(&m);
}

/* ---- numbers that are not so ---- */

typedef void (*spoil)(pm_losses *l, uint64_t *dead);

static void spoil_nothing(pm_losses *l, uint64_t *dead) {
    (void)l;
    (void)dead;
}
static void spoil_docs(pm_losses *l, uint64_t *dead) {
    (void)dead;
    l->n_docs--;
}
static void spoil_dead(pm_losses *l, uint64_t *dead) {
    (void)dead;
    l->n_dead++;
}
static void spoil_tokens(pm_losses *l, uint64_t *dead) {
    (void)dead;
    l->dead_tokens++;
}
static void spoil_tokens_and_sum(pm_losses *l, uint64_t *dead) {
    (void)dead;
    l->dead_tokens++;
    l->id_losses[l->n_ids / 2]++;
}
/* Document 0 is dead and 1 is not: as many, but others. */
static void spoil_bits(pm_losses *l, uint64_t *dead) {
    (void)l;
    dead[0] ^= 3;
}
static void spoil_balance(pm_losses *l, uint64_t *dead) {
    (void)dead;
    l->id_losses[0]--;
    l->id_losses[l->n_ids - 1]++;
}
static void spoil_last_id(pm_losses *l, uint64_t *dead) {
    (void)dead;
    l->ids[l->n_ids - 1]++;
}
static void spoil_fewer_ids(pm_losses *l, uint64_t *dead) {
    (void)dead;
    l->id_losses[l->n_ids - 2] += l->id_losses[l->n_ids - 1];
    l->n_ids--;
}
static void spoil_group_loss(pm_losses *l, uint64_t *dead) {
    (void)dead;
    l->group_losses[l->n_groups - 1]++;
}
static void spoil_group(pm_losses *l, uint64_t *dead) {
    (void)dead;
    l->groups[l->n_groups - 1] += 1000;
}
static void spoil_fewer_groups(pm_losses *l, uint64_t *dead) {
    (void)dead;
    l->n_groups--;
}

static void test_verify_finds_numbers_that_are_not_so(void) {
    static const spoil spoils[] = {
        spoil_nothing,        spoil_docs,       spoil_dead,    spoil_tokens,
        spoil_tokens_and_sum, spoil_bits,       spoil_balance, spoil_last_id,
        spoil_fewer_ids,      spoil_group_loss, spoil_group,   spoil_fewer_groups};
    image m = make_image(60, 8);
    const pm_segment *segment = &m.s->parts[0].segment;
    uint32_t seed = 4;
    uint64_t *dead = make_dead(segment, 40, &seed);
    dead[0] = (dead[0] & ~UINT64_C(2)) | 1;
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
        pm_error err;
        pm_losses l;
        uint64_t size;
        pm_hash128 hash;
        uint64_t *bits = make_bits(segment->info.n_docs);
        memcpy(bits, dead, pm_bits_words(segment->info.n_docs) * sizeof *bits);
        CHECK(pm_losses_count(&l, segment, dead, NULL, &err) == PM_OK);
        CHECK(l.n_groups > 2 && l.n_ids > PM_BLOCK);
        spoils[i](&l, bits);
        drop_sidecar();
        CHECK(pm_removals_write(sidecar, &l, bits, &size, &hash, &err) == PM_OK);
        CHECK(look(&m) == (i == 0 ? PM_OK : PM_CORRUPT));
        pm_losses_release(&l);
        free(bits);
    }
    free(dead);
    free_image(&m);
}

static void test_verify_finds_a_sidecar_of_another_segment(void) {
    image other = make_image(60, 8);
    uint8_t *bytes = malloc(other.n);
    size_t n = other.n;
    CHECK(bytes != NULL);
    memcpy(bytes, other.bytes, n);
    free_image(&other);
    image m = make_image(60, 9);
    put(bytes, n);
    CHECK(look(&m) == PM_CORRUPT);
    free(bytes);
    free_image(&m);
}

int main(void) {
    pm_sys_replace(&mem_sys);
    for (uint32_t seed = 1; seed <= 5; seed++) {
        test_sidecar_says_what_the_dead_documents_hold(seed * 7, seed);
    }
    test_sidecar_says_what_the_dead_documents_hold(100, 6);
    test_sidecar_says_what_the_dead_documents_hold(0, 7);
    test_writing_over_a_file_is_refused();
    test_counting_can_be_interrupted();
    test_damage();
    test_verify_finds_numbers_that_are_not_so();
    test_verify_finds_a_sidecar_of_another_segment();
    CHECK(atomic_load(&mem_live) == 0 && mem_open_files() == 0);
    printf("test_removals: ok\n");
    return 0;
}
