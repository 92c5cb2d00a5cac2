/* The manifest: comes back as it was written; says what it refuses, one reason at a
 * time; every byte changed and every length is reported, and with the checksums
 * repaired what is read is sound or refused. */
#include "base/types.h"
#include "container_repair.h"
#include "index/manifest.h"
#include "memory_files.h"

enum { FILES = 5, GENERATIONS = 3 };

/* Two segments and a sidecar of the first, which a second sidecar takes the place of;
 * then one merged segment. */
typedef struct example {
    pm_manifest m;
    char *fields[2];
    pm_manifest_file files[FILES];
    pm_generation generations[GENERATIONS];
    pm_manifest_segment segments[GENERATIONS][2];
} example;

static void make(example *x) {
    memset(x, 0, sizeof *x);
    static const char *const names[FILES] = {"0000000001.seg", "0000000002.seg",
                                             "0000000003.del", "0000000005.del",
                                             "0000000006.seg"};
    for (int i = 0; i < FILES; i++) {
        strcpy(x->files[i].name, names[i]);
        x->files[i].size = 1000 + (uint64_t)i;
        x->files[i].hash = (pm_hash128){UINT64_MAX - (uint64_t)i, 7};
    }
    x->fields[0] = (char *)(uintptr_t) "title";
    x->fields[1] = (char *)(uintptr_t) "text";
    const pm_manifest_segment first = {0, 10, 1000, 2, 3, 99},
                              second = {1, 5, 77, PM_END, 0, 0},
                              again = {0, 10, 1000, 3, 10, 1000},
                              merged = {4, 12, 978, PM_END, 0, 0};
    x->segments[0][0] = first;
    x->segments[0][1] = second;
    x->segments[1][0] = again;
    x->segments[1][1] = second;
    x->segments[2][0] = merged;
    x->generations[0] = (pm_generation){3, 1700000000, 51, 2, x->segments[0]};
    x->generations[1] = (pm_generation){4, 1700000000, 51, 2, x->segments[1]};
    x->generations[2] = (pm_generation){8, 0, 52, 1, x->segments[2]};
    x->m = (pm_manifest){.lang = (char *)(uintptr_t) "english",
                         .main_field = x->fields[1],
                         .date_column = (char *)(uintptr_t) "date",
                         .key_column = (char *)(uintptr_t) "",
                         .n_fields = 2,
                         .fields = x->fields,
                         .store = true,
                         .next_file = 7,
                         .retain = 3,
                         .retain_seconds = 3600,
                         .n_files = FILES,
                         .n_generations = GENERATIONS,
                         .files = x->files,
                         .generations = x->generations};
}

static void write_ok(const example *x) {
    pm_error err;
    bool renamed = false;
    CHECK(pm_manifest_write(&x->m, ".", &renamed, &err) == PM_OK && renamed);
    CHECK(mem_count_nodes() == 1 && mem_open_files() == 0);
}

static bool same_segment(const pm_manifest_segment *a, const pm_manifest_segment *b) {
    return a->file == b->file && a->n_docs == b->n_docs && a->n_tokens == b->n_tokens &&
           a->removals == b->removals && a->n_dead == b->n_dead &&
           a->dead_tokens == b->dead_tokens;
}

static void check_generation(const pm_generation *a, const pm_generation *b) {
    CHECK(a->number == b->number && a->published == b->published &&
          a->fingerprint == b->fingerprint && a->n_segments == b->n_segments);
    for (uint32_t i = 0; i < a->n_segments; i++) {
        CHECK(same_segment(&a->segments[i], &b->segments[i]));
    }
}

static void test_comes_back_as_written(void) {
    pm_error err;
    pm_manifest back;
    example x;
    make(&x);
    write_ok(&x);
    mem_clock_s = 1234567;
    write_ok(&x); /* over the first */
    CHECK(pm_manifest_read(&back, ".", &err) == PM_OK);
    CHECK(strcmp(back.lang, "english") == 0 && strcmp(back.main_field, "text") == 0);
    CHECK(strcmp(back.date_column, "date") == 0 && strcmp(back.key_column, "") == 0);
    CHECK(back.n_fields == 2 && strcmp(back.fields[0], "title") == 0 && back.store);
    CHECK(back.fingerprint == 52 && back.next_file == 7);
    CHECK(back.retain == 3 && back.retain_seconds == 3600 && back.file_time == 1234567);
    CHECK(back.n_files == FILES && back.n_generations == GENERATIONS);
    for (int i = 0; i < FILES; i++) {
        CHECK(strcmp(back.files[i].name, x.files[i].name) == 0 &&
              back.files[i].size == x.files[i].size &&
              back.files[i].hash.lo == x.files[i].hash.lo &&
              back.files[i].hash.hi == x.files[i].hash.hi);
    }
    for (int i = 0; i < GENERATIONS; i++) {
        check_generation(&back.generations[i], &x.generations[i]);
    }
    pm_manifest_release(&back);
    mem_clear();
}

/* ---- what is refused ---- */

static void set_name(example *x, int file, const char *name) {
    memset(x->files[file].name, 0, sizeof x->files[file].name);
    strcpy(x->files[file].name, name);
}

static void name_leads_out(example *x) {
    set_name(x, 0, "../x");
}
static void name_has_a_slash(example *x) {
    set_name(x, 0, "00/x");
}
static void name_is_empty(example *x) {
    set_name(x, 0, "");
}
static void name_is_hidden(example *x) {
    set_name(x, 0, ".hidden");
}
static void name_has_a_capital(example *x) {
    set_name(x, 4, "UPPER");
}
static void names_are_equal(example *x) {
    set_name(x, 1, "0000000001.seg");
}
static void names_fall(example *x) {
    set_name(x, 1, "0000000000.seg");
}
static void file_number_is_not_given_out(example *x) {
    x->m.next_file = 6;
}
static void file_number_overflows(example *x) {
    set_name(x, 4, "99999999999999999999.seg"); /* 7766279631452241919 modulo 2^64 */
    x->m.next_file = UINT64_MAX;
}
static void nothing_is_retained(example *x) {
    x->m.retain = 0;
}
static void no_generation(example *x) {
    x->m.n_generations = x->m.n_files = 0;
}
static void generations_are_equal(example *x) {
    x->generations[1].number = 3;
}
static void generation_zero(example *x) {
    x->generations[0].number = 0;
}
static void generations_fall(example *x) {
    x->generations[2].number = 2;
}
static void published_before_1970(example *x) {
    x->generations[2].published = -1;
}
static void an_old_generation_has_no_time(example *x) {
    x->generations[1].published = 0;
}
static void segment_is_not_there(example *x) {
    x->segments[2][0].file = FILES;
}
static void sidecar_is_not_there(example *x) {
    x->segments[1][0].removals = FILES;
}
static void sidecar_is_its_segment(example *x) {
    x->segments[1][0].removals = 0;
}
static void sidecar_is_another_segment(example *x) {
    x->segments[1][0].removals = 1;
}
static void sidecar_becomes_a_segment(example *x) {
    x->segments[2][0].file = 2;
}
static void sidecar_changes_its_segment(example *x) {
    x->segments[2][0].removals = 2;
    x->segments[2][0].n_dead = 3;
    x->segments[2][0].dead_tokens = 99;
}
static void segment_stands_twice(example *x) {
    x->segments[0][1] = x->segments[0][0];
    x->segments[0][1].removals = PM_END;
    x->segments[0][1].n_dead = 0;
    x->segments[0][1].dead_tokens = 0;
}
static void sidecar_stands_twice(example *x) {
    x->segments[0][1].removals = 2;
    x->segments[0][1].n_dead = 3;
    x->segments[0][1].dead_tokens = 9;
}
static void segment_changes_its_documents(example *x) {
    x->segments[1][1].n_docs++;
}
static void segment_changes_its_tokens(example *x) {
    x->segments[1][1].n_tokens++;
}
static void sidecar_changes_its_documents(example *x) {
    x->segments[1][0].removals = 2;
    x->segments[1][0].n_dead = 4;
    x->segments[1][0].dead_tokens = 99;
}
static void segment_changes_its_analyzer(example *x) {
    x->generations[1].fingerprint++;
}
static void file_of_no_generation(example *x) {
    x->m.n_generations = 2;
}
static void sidecar_deletes_none(example *x) {
    x->segments[1][0].n_dead = 0;
}
static void more_deleted_than_there(example *x) {
    x->segments[1][0].n_dead = 11;
}
static void more_tokens_deleted_than_there(example *x) {
    x->segments[1][0].dead_tokens = 1001;
}
static void deleted_by_no_sidecar(example *x) {
    x->segments[2][0].n_dead = 1;
}
static void tokens_deleted_by_no_sidecar(example *x) {
    x->segments[2][0].dead_tokens = 1;
}
static void too_many_tokens(example *x) {
    x->segments[2][0].n_tokens = (uint64_t)PM_MAX_POSITIONS + 1;
}
static void too_many_documents(example *x) {
    x->segments[0][1].n_docs = x->segments[1][1].n_docs = PM_END - 10;
}

static void test_each_inconsistency_is_refused(void) {
    static const struct {
        void (*spoil)(example *x);
        const char *reason;
    } cases[] = {{name_leads_out, "none of this index"},
                 {name_has_a_slash, "none of this index"},
                 {name_is_empty, "none of this index"},
                 {name_is_hidden, "none of this index"},
                 {name_has_a_capital, "none of this index"},
                 {names_are_equal, "do not increase"},
                 {names_fall, "do not increase"},
                 {file_number_is_not_given_out, "not below"},
                 {file_number_overflows, "not below"},
                 {nothing_is_retained, "to be kept"},
                 {no_generation, "no generation"},
                 {generations_are_equal, "do not increase"},
                 {generation_zero, "do not increase"},
                 {generations_fall, "do not increase"},
                 {published_before_1970, "1970"},
                 {an_old_generation_has_no_time, "no time"},
                 {segment_is_not_there, "not there"},
                 {sidecar_is_not_there, "not there"},
                 {sidecar_is_its_segment, "twice"},
                 {sidecar_is_another_segment, "disagree"},
                 {sidecar_becomes_a_segment, "disagree"},
                 {sidecar_changes_its_segment, "disagree"},
                 {segment_stands_twice, "twice"},
                 {sidecar_stands_twice, "twice"},
                 {segment_changes_its_documents, "disagree"},
                 {segment_changes_its_tokens, "disagree"},
                 {sidecar_changes_its_documents, "disagree"},
                 {segment_changes_its_analyzer, "disagree"},
                 {file_of_no_generation, "by no generation"},
                 {sidecar_deletes_none, "none are deleted"},
                 {more_deleted_than_there, "more than"},
                 {more_tokens_deleted_than_there, "more than"},
                 {deleted_by_no_sidecar, "by no file"},
                 {tokens_deleted_by_no_sidecar, "by no file"},
                 {too_many_tokens, "too many tokens"},
                 {too_many_documents, "too many documents"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        example x;
        pm_manifest back;
        pm_error err;
        make(&x);
        cases[i].spoil(&x);
        write_ok(&x);
        CHECK(pm_manifest_read(&back, ".", &err) == PM_CORRUPT);
        CHECK(strcmp(err.file, "manifest") == 0 && err.offset > 0);
        if (strstr(err.message, cases[i].reason) == NULL) {
            fprintf(stderr, "case %zu: %s\n", i, err.message);
            exit(1);
        }
    }
    CHECK(atomic_load(&mem_live) == 0);
    mem_clear();
}

/* ---- damage ---- */

static pm_status read_only(void) {
    pm_manifest m;
    pm_error err;
    pm_status status = pm_manifest_read(&m, ".", &err);
    if (status == PM_OK) {
        pm_manifest_release(&m);
    } else {
        CHECK(err.code == status && err.message[0] != 0);
    }
    return status;
}

/* What stands in a manifest that was read leads to no wrong index. */
static void check_sound(const pm_manifest *m) {
    CHECK(m->retain > 0 && m->n_generations > 0 && m->n_fields > 0);
    for (uint32_t i = 0; i < m->n_generations; i++) {
        const pm_generation *g = &m->generations[i];
        uint64_t docs = 0;
        CHECK(i == 0 || g->number > g[-1].number);
        for (uint32_t k = 0; k < g->n_segments; k++) {
            const pm_manifest_segment *s = &g->segments[k];
            CHECK(s->file < m->n_files && s->n_dead <= s->n_docs);
            CHECK(s->removals == PM_END
                      ? s->n_dead == 0
                      : s->removals < m->n_files && s->removals != s->file);
            CHECK(s->dead_tokens <= s->n_tokens && s->n_tokens <= PM_MAX_POSITIONS);
            docs += s->n_docs;
        }
        CHECK(docs < PM_END);
    }
}

static void read_repaired(const uint8_t *bytes, size_t n) {
    pm_manifest m;
    pm_error err;
    mem_set(PM_MANIFEST_NAME, bytes, n);
    mem_node *node = mem_find(PM_MANIFEST_NAME);
    repair(node->bytes, node->n);
    pm_status status = pm_manifest_read(&m, ".", &err);
    if (status == PM_OK) {
        check_sound(&m);
        pm_manifest_release(&m);
        return;
    }
    CHECK(status == PM_CORRUPT || status == PM_FOREIGN || status == PM_TOO_NEW ||
          status == PM_TOO_OLD);
}

static void test_damage_is_reported_or_sound(void) {
    static const uint8_t changes[] = {0x01, 0x02, 0x10, 0x80, 0xff};
    example x;
    make(&x);
    write_ok(&x);
    size_t n = mem_find(PM_MANIFEST_NAME)->n;
    uint8_t *bytes = malloc(n);
    CHECK(bytes != NULL);
    memcpy(bytes, mem_find(PM_MANIFEST_NAME)->bytes, n);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof changes; k++) {
            bytes[i] ^= changes[k];
            mem_set(PM_MANIFEST_NAME, bytes, n);
            CHECK(read_only() != PM_OK);
            read_repaired(bytes, n);
            bytes[i] ^= changes[k];
        }
        mem_set(PM_MANIFEST_NAME, bytes, i);
        CHECK(read_only() != PM_OK);
    }
    mem_set(PM_MANIFEST_NAME, bytes, n);
    CHECK(read_only() == PM_OK);
    free(bytes);
    CHECK(atomic_load(&mem_live) == 0 && mem_open_files() == 0);
    mem_clear();
}

int main(void) {
    pm_sys_replace(&mem_sys);
    test_comes_back_as_written();
    test_each_inconsistency_is_refused();
    test_damage_is_reported_or_sound();
    printf("test_manifest: ok\n");
    return 0;
}
