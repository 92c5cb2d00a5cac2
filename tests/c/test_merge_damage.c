/* Merging a damaged segment with a sound one: each byte changed, then several at once,
 * with checksums that fit, so that nothing but the merge itself looks. Any answer but a
 * crash, a leak or a bug's will do; what is written can be opened and verified, whatever
 * that says. To be run under SAN=1.
 *   test_merge_damage [rounds [seed]]   default 2000 rounds of several bytes */
#include "container_repair.h"
#include "merge_rows.h"

static struct {
    uint8_t *bytes;
    size_t n;
} good;

static const char file_name[] = "piece0/0000000001.seg";
static long n_merged, n_refused;

static uint8_t *damaged(void) {
    mem_set(file_name, good.bytes, good.n);
    return mem_find(file_name)->bytes;
}

static bool may_be(pm_status status) {
    return status == PM_CORRUPT || status == PM_LIMIT || status == PM_INVALID ||
           status == PM_TOO_OLD;
}

static void look_at_result(void) {
    pm_error err;
    pm_segment *s = calloc(1, sizeof *s);
    CHECK(s != NULL);
    CHECK(pm_segment_open(s, "merged.seg", PM_MAP_AUTO, &err) == PM_OK);
    pm_status status = pm_segment_verify(s, NULL, &err);
    CHECK(status == PM_OK || status == PM_CORRUPT);
    pm_segment_close(s);
    free(s);
}

/* The file as it stands is merged, if it can be opened. */
static void try(pieces *p, unsigned how) {
    static const uint64_t live[] = {0x2d};
    pm_error err;
    pm_manifest_file file;
    uint32_t n_docs;
    uint64_t n_tokens;
    long held = atomic_load(&mem_live);
    if (pm_segment_open(&p->at[0], file_name, PM_MAP_NO, &err) != PM_OK) {
        return;
    }
    p->inputs[0].live = how % 2 == 0 ? NULL : live;
    p->merge.keep_blocks = how % 4 < 2;
    p->merge.restem = how % 8 < 2;
    p->merge.last = how % 16 < 8;
    pm_status status = pm_merge_write(&p->merge, &file, &n_docs, &n_tokens, &err);
    pm_segment_close(&p->at[0]);
    CHECK(atomic_load(&mem_live) == held);
    if (status != PM_OK) {
        if (!may_be(status) || err.message[0] == 0) {
            fprintf(stderr, "%d: %s\n", (int)status, err.message);
            CHECK(false);
        }
        CHECK(mem_find("merged.seg") == NULL);
        n_refused++;
        return;
    }
    look_at_result();
    CHECK(mem_unlink("merged.seg") == 0);
    n_merged++;
}

static void test_each_byte(pieces *p) {
    for (size_t i = 0; i < good.n; i++) {
        for (unsigned k = 0; k < 2; k++) {
            uint8_t *bytes = damaged();
            bytes[i] = (uint8_t)(bytes[i] ^ (k == 0 ? 1u << i % 8 : 0xff));
            repair(bytes, good.n);
            try(p, (unsigned)(i + k * 7));
        }
    }
}

static void test_several_bytes(pieces *p, long rounds, uint32_t state) {
    for (long i = 0; i < rounds; i++) {
        uint8_t *bytes = damaged();
        for (uint32_t k = corpus_random(&state) % 6; k < 7; k++) {
            size_t at = corpus_random(&state) % good.n;
            bytes[at] = (uint8_t)(corpus_random(&state) % 3 == 0
                                      ? corpus_random(&state)
                                      : bytes[at] ^ 1u << corpus_random(&state) % 8);
        }
        repair(bytes, good.n);
        try(p, corpus_random(&state));
    }
}

int main(int argc, char **argv) {
    const size_t starts[] = {0, 6, 9};
    long rounds = argc > 1 ? atol(argv[1]) : 2000;
    uint32_t seed = argc > 2 ? (uint32_t)atol(argv[2]) : 1;
    pm_sys_replace(&mem_sys);
    rows r = rows_make(9, 14, 4, 3);
    pieces p;
    pieces_make(&p, &r, starts, 2, true, "english", NULL);
    p.merge.memory_bytes = 1 << 20;
    good.n = file_bytes(file_name).n;
    good.bytes = malloc(good.n);
    CHECK(good.bytes != NULL);
    memcpy(good.bytes, file_bytes(file_name).p, good.n);
    pm_segment_close(&p.at[0]);
    test_each_byte(&p);
    test_several_bytes(&p, rounds, seed);
    pm_error err;
    CHECK(n_merged > 0 && n_refused > 0);
    (void)damaged();
    CHECK(pm_segment_open(&p.at[0], file_name, PM_MAP_AUTO, &err) == PM_OK);
    pieces_free(&p);
    rows_free(&r);
    free(good.bytes);
    mem_clear();
    printf("merge_damage: ok, %ld merged, %ld refused\n", n_merged, n_refused);
    return 0;
}
