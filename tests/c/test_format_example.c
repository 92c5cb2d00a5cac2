/* The worked example of docs/FORMAT.md: the segment that the text there describes,
 * written by the core, is the hex dump there, byte for byte; and the core reads it.
 *   build/core/tests/test_format_example --print
 * makes the dump anew after a change of format. */
#include <ctype.h>

#include "format/segment.h"
#include "format_fixture.h"

#define DOCUMENT "docs/FORMAT.md"
#define OPENING "```hexdump\n"

enum { N_GROUPS = 4, N_FORMS = 4, N_IDS = 7, N_POSITIONS = 10, MAX_FILE = 1 << 16 };

static pm_bytes text_of(const char *s) {
    return (pm_bytes){(const uint8_t *)s, strlen(s)};
}

#define DOC_0 "\xe2\x80\x9cIran\xe2\x80\x99s caf\xc3\xa9s\xe2\x80\x9d US"
#define DOC_1 "Iran said us. U.S. said"

/* ---- the segment ---- */

static void write_words(pm_container_writer *w, pm_error *err) {
    static const uint32_t group_forms[] = {0, 1, 2, 3, 4}, form_ids[] = {0, 3, 5, 6, 7};
    static const uint32_t counts[N_IDS] = {1, 1, 1, 1, 1, 2, 1};
    static const uint8_t cases[N_IDS] = {0, 3, 3, 1, 1, 0, 0};
    const pm_bytes none = {NULL, 0};
    const pm_bytes stems[] = {text_of("us"), text_of("iran"), text_of("said"),
                              text_of("caf\xc3\xa9")};
    const pm_bytes forms[] = {text_of("us"), text_of("iran"), text_of("said"),
                              text_of("caf\xc3\xa9s")};
    const pm_bytes surfaces[N_IDS] = {text_of("us"),
                                      text_of("U.S."),
                                      text_of("US"),
                                      text_of("Iran"),
                                      text_of("Iran\xe2\x80\x99s"),
                                      text_of("said"),
                                      text_of("caf\xc3\xa9s")};
    const pm_bytes bare_stems[] = {none, none, none, text_of("cafe")};
    const pm_bytes bare_forms[] = {none, none, none, text_of("cafes")};
    pm_lexicon_data d = {N_GROUPS,   N_FORMS,    N_IDS, group_forms, form_ids,
                         counts,     cases,      stems, forms,       surfaces,
                         bare_stems, bare_forms, NULL};
    CHECK(pm_lexicon_write(w, &d, err) == PM_OK);
}

static void write_positions(pm_container_writer *w, pm_error *err) {
    static const uint32_t ids[N_POSITIONS] = {4, 6, 2, PM_END, 3, 5, 0, 1, 5, PM_END};
    static const uint32_t units[] = {0, 4, 10};
    static const uint64_t starts[] = {0, 3, 5, 7, 8};
    static const uint32_t positions[] = {2, 6, 7, 0, 4, 5, 8, 1};
    static const uint64_t sentences = 0x299, paragraphs = 0x219;
    static const uint32_t quote_start = 0, quote_length = 2;
    pm_postings_data p = {N_GROUPS, 2, 1, starts, positions, units, 1};
    pm_zones_data z = {N_POSITIONS,   &sentences, &paragraphs, &quote_start,
                       &quote_length, 1,          false};
    CHECK(pm_stream_write(w, ids, N_POSITIONS, err) == PM_OK);
    CHECK(pm_postings_write(w, &p, err) == PM_OK);
    CHECK(pm_bounds_write(w, units, 2, err) == PM_OK);
    CHECK(pm_zones_write(w, &z, err) == PM_OK);
}

static void write_texts(pm_container_writer *w, pm_error *err) {
    pm_packer *packer;
    pm_buf packed = {0}, blocks = {0};
    CHECK(pm_packer_new(&packer, err) == PM_OK);
    CHECK(pm_packer_chunk(packer, text_of(DOC_0 DOC_1), &packed, &blocks, err) ==
          PM_OK);
    const uint64_t starts[] = {0, strlen(DOC_0), strlen(DOC_0 DOC_1)};
    const uint64_t pairs[] = {0, 0, strlen(DOC_0 DOC_1), packed.n};
    const uint32_t checkpoint[] = {0, 0}; /* for texts of less than 65 tokens */
    pm_bytes part = pm_buf_bytes(&packed);
    CHECK(blocks.n == 16);
    pm_store_data d = {starts, 2, pairs, 1, &part, 1, checkpoint, 1};
    CHECK(pm_store_write(w, &d, err) == PM_OK);
    pm_packer_free(packer);
    pm_buf_release(&packed);
    pm_buf_release(&blocks);
}

static void write_documents(pm_container_writer *w, pm_error *err) {
    static const uint32_t outlet_starts[] = {0, 1, 1}, date_starts[] = {0, 1, 2};
    const pm_bytes keys[] = {text_of("b/2"), text_of("a/1")};
    const pm_value outlet = {.kind = PM_VALUE_STR, .s = text_of("wire")};
    const pm_value dates[] = {{.kind = PM_VALUE_DATE, .i = INT64_C(1578441600000000)},
                              {.kind = PM_VALUE_TIME, .i = INT64_C(1578573000000000)}};
    const pm_column_data columns[] = {
        {text_of("outlet"), PM_VALUE_STR, outlet_starts, &outlet},
        {text_of("date"), PM_VALUE_DATE, date_starts, dates}};
    CHECK(pm_keys_write(w, keys, 2, err) == PM_OK);
    CHECK(pm_columns_write(w, columns, 2, 2, err) == PM_OK);
}

static void write_segment(void) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_error err;
    pm_segment_info info = {.n_docs = 2,
                            .n_fields = 1,
                            .n_positions = N_POSITIONS,
                            .n_groups = N_GROUPS,
                            .n_forms = N_FORMS,
                            .n_ids = N_IDS,
                            .n_tokens = 8,
                            .fingerprint = UINT64_C(0x0123456789abcdef),
                            .lang = text_of("english"),
                            .fields = {text_of("text")}};
    begin_file(w);
    CHECK(pm_segment_info_write(w, &info, &err) == PM_OK);
    write_words(w, &err);
    write_positions(w, &err);
    write_texts(w, &err);
    write_documents(w, &err);
    end_file(w);
    free(w);
}

static size_t read_segment(uint8_t *to) {
    FILE *f = fopen(test_path, "rb");
    CHECK(f != NULL);
    size_t n = fread(to, 1, MAX_FILE, f);
    fclose(f);
    CHECK(n < MAX_FILE);
    return n;
}

/* ---- the document ---- */

/* Lines of 16 bytes; those of zeros alone are left out. */
static void print_dump(const uint8_t *p, size_t n) {
    static const uint8_t zeros[16];
    printf(OPENING);
    for (size_t at = 0; at < n; at += 16) {
        if (memcmp(p + at, zeros, 16) != 0) {
            printf("%04zx ", at);
            for (size_t i = at; i < at + 16; i++) {
                printf(" %02x", p[i]);
            }
            printf("\n");
        }
    }
    printf("```\n");
}

static size_t parse_dump(uint8_t *to) {
    FILE *f = fopen(DOCUMENT, "rb");
    CHECK(f != NULL);
    char line[4096];
    size_t n = 0;
    while (fgets(line, sizeof line, f) != NULL && strcmp(line, OPENING) != 0) {
    }
    while (fgets(line, sizeof line, f) != NULL && isxdigit((unsigned char)line[0])) {
        char *at = line;
        n = strtoul(at, &at, 16);
        CHECK(n + 16 < MAX_FILE);
        for (int i = 0; i < 16; i++) {
            to[n++] = (uint8_t)strtoul(at, &at, 16);
        }
    }
    fclose(f);
    return n;
}

static void test_example_is_what_the_core_writes(void) {
    uint8_t *written = room(MAX_FILE, 1), *shown = room(MAX_FILE, 1);
    write_segment();
    size_t n = read_segment(written);
    CHECK(parse_dump(shown) == n);
    for (size_t i = 0; i < n; i++) {
        if (written[i] != shown[i]) {
            fprintf(stderr, "%s: byte %#zx is %02x, the core writes %02x\n", DOCUMENT,
                    i, shown[i], written[i]);
        }
        CHECK(written[i] == shown[i]);
    }
    free(written);
    free(shown);
}

static void test_example_is_a_sound_segment(void) {
    pm_segment *s = room(1, sizeof *s);
    pm_error err;
    pm_status status = pm_segment_open(s, test_path, PM_MAP_NO, &err);
    if (status == PM_OK) {
        status = pm_segment_verify(s, NULL, &err);
        pm_segment_close(s);
    }
    if (status != PM_OK) {
        fprintf(stderr, "%s\n", err.message);
    }
    CHECK(status == PM_OK);
    free(s);
}

int main(int argc, char **argv) {
    make_test_dir();
    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        uint8_t *p = room(MAX_FILE, 1);
        write_segment();
        print_dump(p, read_segment(p));
        free(p);
        return 0;
    }
    test_example_is_what_the_core_writes();
    test_example_is_a_sound_segment();
    printf("format_example: ok\n");
    return 0;
}
