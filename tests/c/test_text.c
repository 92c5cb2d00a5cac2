/* Tokens, folded forms, accents, stems and zones: every row of docs/TOKENS.md, and what
 * has no row there. */
#include "text/tokenizer.h"

#include "base/sys.h"
#include "text/ascii_block.h"
#include "text_rows.h"

enum { N_CACHED = 40 };

static const pm_analyzer *analyzer(const char *lang) {
    static pm_analyzer *cache[N_CACHED];
    pm_error err;
    for (int i = 0; i < N_CACHED; i++) {
        if (cache[i] == NULL) {
            CHECK(pm_analyzer_new(lang, &cache[i], &err) == PM_OK);
        }
        if (strcmp(pm_analyzer_lang(cache[i]), lang) == 0) {
            return cache[i];
        }
    }
    fprintf(stderr, "more languages than the cache holds\n");
    exit(1);
}

static pm_bytes bytes_of(const char *text) {
    return (pm_bytes){(const uint8_t *)text, strlen(text)};
}

static void tokenize(const char *lang, pm_bytes text, pm_tokens *t) {
    pm_error err;
    CHECK(pm_tokenize(analyzer(lang), text, t, &err) == PM_OK);
}

static void fold(const char *lang, pm_bytes surface, unsigned kind, pm_buf *out) {
    pm_error err;
    CHECK(pm_fold(analyzer(lang), surface.p, surface.n, kind, out, &err) == PM_OK);
}

/* ---- rows of the page ---- */

typedef enum part { SURFACE, FOLDED, KIND } part;

/* All tokens of a text, " · " between them. */
static void join_tokens(const char *lang, const char *text, part what, pm_buf *out) {
    pm_tokens t;
    pm_tokens_init(&t);
    tokenize(lang, bytes_of(text), &t);
    for (size_t i = 0; i < t.n; i++) {
        pm_bytes surface = {(const uint8_t *)text + t.at[i].start,
                            t.at[i].end - t.at[i].start};
        pm_buf_put(out, " · ", i > 0 ? strlen(" · ") : 0);
        if (what == SURFACE) {
            pm_buf_put(out, surface.p, surface.n);
        } else if (what == FOLDED) {
            fold(lang, surface, t.at[i].kind, out);
        } else {
            pm_buf_printf(out, "%s", pm_kind_name(t.at[i].kind));
        }
    }
    pm_tokens_release(&t);
}

static void check_text(const char *where, const pm_buf *got, const char *want) {
    if (got->n != strlen(want) || (got->n > 0 && memcmp(got->p, want, got->n) != 0)) {
        fprintf(stderr, "%s\n  got  %.*s\n  want %s\n", where, (int)got->n,
                (const char *)got->p, want);
        exit(1);
    }
}

static void check_tokens(const char *lang, const char *text, part what,
                         const char *want) {
    pm_buf got;
    pm_buf_init(&got);
    join_tokens(lang, text, what, &got);
    check_text(text, &got, want);
    pm_buf_release(&got);
}

static void visit_tokens(const row *r, void *ctx) {
    (void)ctx;
    CHECK(r->n == 5);
    check_tokens(r->cell[0], r->cell[1], SURFACE, r->cell[2]);
    check_tokens(r->cell[0], r->cell[1], FOLDED, r->cell[3]);
    check_tokens(r->cell[0], r->cell[1], KIND, r->cell[4]);
}

static void visit_deviation(const row *r, void *ctx) {
    (void)ctx;
    CHECK(r->n == 7);
    check_tokens(r->cell[3], r->cell[4], SURFACE, r->cell[5]);
}

static void visit_accents(const row *r, void *ctx) {
    (void)ctx;
    CHECK(r->n == 3);
    pm_buf got;
    pm_buf_init(&got);
    pm_error err;
    char text[CELL_BYTES];
    strcpy(text, r->cell[1]);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        pm_buf_put(&got, " · ", got.n > 0 ? strlen(" · ") : 0);
        size_t before = got.n;
        bool changed;
        CHECK(pm_unaccent(analyzer(r->cell[0]), (uint8_t *)word, strlen(word), &got,
                          &changed, &err) == PM_OK);
        CHECK(changed == (got.n - before != strlen(word) ||
                          memcmp(got.p + before, word, strlen(word)) != 0));
    }
    check_text(r->cell[1], &got, r->cell[2]);
    pm_buf_release(&got);
}

static void join_zones(const char *text, const pm_tokens *t, pm_buf *out) {
    size_t quote = 0;
    for (size_t i = 0; i < t->n; i++) {
        unsigned flags = t->at[i].flags;
        pm_buf_printf(out, "%s%s", i > 0 ? " " : "",
                      flags & PM_TOKEN_PARAGRAPH  ? "// "
                      : flags & PM_TOKEN_SENTENCE ? "/ "
                                                  : "");
        CHECK((flags & PM_TOKEN_PARAGRAPH) == 0 || (flags & PM_TOKEN_SENTENCE) != 0);
        bool quoted = quote < t->n_quotes;
        pm_buf_printf(out, "%s%.*s", quoted && t->quotes[quote].lo == i ? "[ " : "",
                      (int)(t->at[i].end - t->at[i].start), text + t->at[i].start);
        if (quoted && t->quotes[quote].hi == i + 1) {
            pm_buf_printf(out, " ]");
            quote++;
        }
    }
    CHECK(quote == t->n_quotes);
}

static void visit_zones(const row *r, void *ctx) {
    (void)ctx;
    CHECK(r->n == 3);
    pm_tokens t;
    pm_buf got;
    pm_tokens_init(&t);
    pm_buf_init(&got);
    tokenize(r->cell[0], bytes_of(r->cell[1]), &t);
    join_zones(r->cell[1], &t, &got);
    check_text(r->cell[1], &got, r->cell[2]);
    pm_tokens_release(&t);
    pm_buf_release(&got);
}

static void test_page_rows_hold(void) {
    CHECK(rows_of("| lang | text | tokens |", visit_tokens, NULL) > 25);
    CHECK(rows_of("| class |", visit_deviation, NULL) > 15);
    CHECK(rows_of("| lang | text | key |", visit_accents, NULL) > 10);
    CHECK(rows_of("| lang | zones of |", visit_zones, NULL) > 20);
}

/* ---- UTF-8 ---- */

static void check_sanitized(const char *in, size_t n, const char *want,
                            size_t replaced) {
    pm_buf out;
    pm_buf_init(&out);
    size_t count;
    pm_utf8_sanitize((pm_bytes){(const uint8_t *)in, n}, &out, &count);
    check_text("sanitize", &out, want);
    CHECK(count == replaced);
    CHECK(pm_utf8_valid((pm_bytes){(const uint8_t *)in, n}) == (replaced == 0));
    CHECK(pm_utf8_valid(pm_buf_bytes(&out)));
    pm_buf_release(&out);
}

static void test_sanitize_replaces_maximal_subparts_and_surrogates_once(void) {
#define SANITIZE(in, want, replaced) check_sanitized(in, sizeof in - 1, want, replaced)
    SANITIZE("", "", 0);
    SANITIZE("plain ASCII of more than sixteen bytes, é € 😀",
             "plain ASCII of more than sixteen bytes, é € 😀", 0);
    SANITIZE("a\xed\xa0\x80z", "a\uFFFDz", 1); /* a lone surrogate */
    /* a pair: two code points before, two after */
    SANITIZE("\xed\xa0\xbd\xed\xb8\x80", "\uFFFD\uFFFD", 2);
    SANITIZE("\xed\xa0", "\uFFFD\uFFFD", 2);
    /* Unicode 15, table 3-11: C0 AF, E0 80 BF, F0 81 82 41 */
    SANITIZE("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41",
             "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA", 8);
    /* table 3-8: truncated sequences are one each */
    SANITIZE("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "\uFFFD\uFFFD\uFFFD\uFFFDA", 4);
    SANITIZE("\xf4\x90\x80\x80\xff", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD", 5);
    SANITIZE("\x80", "\uFFFD", 1);
}

static void test_code_points_are_counted_and_coded(void) {
    const char *text = "a é € 😀 and a longer tail of words";
    CHECK(pm_utf8_count((const uint8_t *)text, strlen(text)) ==
          strlen(text) - 1 - 2 - 3);
    static const uint32_t points[] = {0,     0x7f,   0x80,    0x7ff,
                                      0x800, 0xffff, 0x10000, 0x10ffff};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        uint8_t utf8[8] = {'x'};
        unsigned len, n = pm_utf8_encode(points[i], utf8 + 1);
        CHECK(pm_utf8_decode(utf8, 1, &len) == points[i] && len == n);
        CHECK(pm_utf8_before(utf8, 1 + n) == 1);
    }
}

/* ---- letter case ---- */

static void test_case_classes(void) {
    static const struct {
        const char *surface;
        pm_case want;
    } cases[] = {
        {"iran", PM_CASE_LOWER},      {"Iran", PM_CASE_CAPITAL},
        {"YouTube", PM_CASE_CAPITAL}, {"US", PM_CASE_ACRONYM},
        {"U.S.", PM_CASE_ACRONYM},    {"u.s.", PM_CASE_ACRONYM},
        {"U.S", PM_CASE_ACRONYM},     {"US's", PM_CASE_ACRONYM},
        {"U.S.’s", PM_CASE_ACRONYM},  {"IRAN'S", PM_CASE_ACRONYM},
        {"it's", PM_CASE_LOWER},      {"Iran’s", PM_CASE_CAPITAL},
        {"NGOs", PM_CASE_PLURAL},     {"NGOs'", PM_CASE_PLURAL},
        {"As", PM_CASE_CAPITAL},      {"I", PM_CASE_CAPITAL},
        {"I's", PM_CASE_CAPITAL},     {"a", PM_CASE_LOWER},
        {"#US", PM_CASE_ACRONYM},     {"@nato", PM_CASE_LOWER},
        {"4pm", PM_CASE_LOWER},       {"G7", PM_CASE_CAPITAL},
        {"MI6", PM_CASE_ACRONYM},     {"ÄÖ", PM_CASE_ACRONYM},
        {"Élysée", PM_CASE_CAPITAL},  {"США", PM_CASE_ACRONYM},
        {"США’s", PM_CASE_ACRONYM},   {"العربية", PM_CASE_LOWER},
        {"東", PM_CASE_LOWER},        {"", PM_CASE_LOWER},
        {"5,000", PM_CASE_LOWER},     {"'s", PM_CASE_LOWER},
        {"ǅ", PM_CASE_CAPITAL},       {"aB", PM_CASE_CAPITAL},
        {"DON'T", PM_CASE_ACRONYM},   {"e.g", PM_CASE_ACRONYM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pm_case got =
            pm_case_class((const uint8_t *)cases[i].surface, strlen(cases[i].surface));
        if (got != cases[i].want) {
            fprintf(stderr, "%s: case %d, not %d\n", cases[i].surface, (int)got,
                    (int)cases[i].want);
            exit(1);
        }
    }
}

/* ---- folding ---- */

static void check_fold(const char *lang, const char *surface, unsigned kind,
                       const char *want) {
    pm_buf got;
    pm_buf_init(&got);
    fold(lang, bytes_of(surface), kind, &got);
    check_text(surface, &got, want);
    pm_buf again;
    pm_buf_init(&again);
    fold(lang, pm_buf_bytes(&got), kind, &again);
    check_text("folded twice", &again, want);
    pm_buf_release(&got);
    pm_buf_release(&again);
}

/* Surfaces that the tokenizer does not make, but a caller's own may. */
static void test_fold_of_odd_surfaces(void) {
    check_fold("english", "'s", PM_KIND_WORD, "'s");
    check_fold("english", "s's", PM_KIND_WORD, "s");
    check_fold("english", "Iran's's", PM_KIND_WORD, "iran");
    check_fold("english", "workers'", PM_KIND_WORD, "workers");
    check_fold("english", "IT'S", PM_KIND_ACRONYM, "it's");
    check_fold("english", "two words", PM_KIND_WORD, "two words");
    check_fold("english", "\u00ad\u200d", PM_KIND_WORD, "\u00ad\u200d");
    check_fold("english", "e\u0301\u00ad", PM_KIND_WORD, "\u00e9");
    check_fold("english", "ŉ", PM_KIND_WORD, "'n");
    check_fold("english", "ᾼ", PM_KIND_WORD, "αι");
    check_fold("english", "#", PM_KIND_HASHTAG, "#");
    check_fold("english", "HTTP://A.B/5,000's", PM_KIND_URL, "http://a.b/5,000's");
    check_fold("english", "", PM_KIND_WORD, "");
    check_fold("turkish", "I", PM_KIND_WORD, "ı");
    check_fold("french", "L’", PM_KIND_WORD, "l'");
    check_fold("english", "٥٬٠٠٠", PM_KIND_NUMBER, "٥٠٠٠");
}

static void test_fold_of_a_long_surface(void) {
    enum { N = 100000 };
    char *text = malloc(2 * N + 1);
    CHECK(text != NULL);
    for (int i = 0; i < N; i++) {
        memcpy(text + (size_t)i * 2, "É", 2);
    }
    text[2 * N] = '\0';
    pm_buf got;
    pm_buf_init(&got);
    fold("english", bytes_of(text), PM_KIND_WORD, &got);
    CHECK(got.n == 2 * N && memcmp(got.p, "é", 2) == 0 &&
          memcmp(got.p + 2 * N - 2, "é", 2) == 0);
    pm_buf_release(&got);
    free(text);
}

/* ---- stems and languages ---- */

static void check_stem(const char *lang, const char *folded, const char *want) {
    pm_stemmer *st;
    pm_error err;
    pm_buf got;
    pm_buf_init(&got);
    CHECK(pm_stemmer_new(analyzer(lang), &st, &err) == PM_OK);
    CHECK(pm_stem(st, (const uint8_t *)folded, strlen(folded), &got, &err) == PM_OK);
    check_text(folded, &got, want);
    pm_stemmer_free(st);
    pm_buf_release(&got);
}

static void test_stems(void) {
    check_stem("english", "killings", "kill");
    check_stem("english", "it's", "it");
    check_stem("english", "5000", "5000");
    check_stem("english", "covid19s", "covid19s");
    check_stem("english", "x_ings", "x_ings");
    check_stem("english", "a.b@c.ings", "a.b@c.ings");
    check_stem("english", "", "");
    check_stem("none", "killings", "killings");
    check_stem("french", "élèves", "élev");
    check_stem("german", "strassen", "strass");
    check_stem("turkish", "istanbul'un", "istanbul");
    check_stem("catalan", "col·leccions", "col.lec");
    check_stem("hindi", "लड़कियाँ", "लड़क");
}

static void test_languages_have_distinct_fingerprints(void) {
    const char *const *names = pm_languages();
    uint64_t seen[128];
    size_t n = 0;
    for (; names[n] != NULL; n++) {
        CHECK(n < 128);
        seen[n] = pm_analyzer_fingerprint(analyzer(names[n]));
        for (size_t i = 0; i < n; i++) {
            CHECK(seen[i] != seen[n]);
        }
    }
    CHECK(n > 10 && strcmp(names[n - 1], "none") == 0);
    pm_analyzer *again;
    pm_error err;
    CHECK(pm_analyzer_new("english", &again, &err) == PM_OK);
    CHECK(pm_analyzer_fingerprint(again) ==
          pm_analyzer_fingerprint(analyzer("english")));
    pm_analyzer_free(again);
}

static void test_unknown_language_names_the_nearest(void) {
    pm_analyzer *an;
    pm_error err;
    CHECK(pm_analyzer_new("inglish", &an, &err) == PM_INVALID && an == NULL);
    CHECK(strstr(err.message, "'inglish'") != NULL &&
          strstr(err.hint, "english") != NULL);
    CHECK(pm_analyzer_new("de", &an, &err) == PM_INVALID &&
          strstr(err.hint, "german") != NULL);
    CHECK(pm_analyzer_new("", &an, &err) == PM_INVALID);
    CHECK(pm_analyzer_new("an-impossibly-long-name-of-a-language-of-no-land", &an,
                          &err) == PM_INVALID);
}

/* ---- limits ---- */

static void check_cut(const char *unit, size_t times, size_t first_tokens_bytes,
                      size_t n_tokens) {
    size_t len = strlen(unit), n = len * times;
    char *text = malloc(n + 1);
    CHECK(text != NULL);
    for (size_t i = 0; i < times; i++) {
        memcpy(text + i * len, unit, len);
    }
    pm_tokens t;
    pm_tokens_init(&t);
    tokenize("english", (pm_bytes){(uint8_t *)text, n}, &t);
    if (t.n != n_tokens || (t.n > 0 && t.at[0].end != first_tokens_bytes)) {
        fprintf(stderr, "%s x %zu: %zu tokens, first ends at %u\n", unit, times, t.n,
                t.n > 0 ? t.at[0].end : 0);
        exit(1);
    }
    pm_tokens_release(&t);
    free(text);
}

static void test_long_tokens_are_cut_at_255_code_points(void) {
    check_cut("a", 255, 255, 1);
    check_cut("a", 256, 255, 2);
    check_cut("é", 510, 510, 2);
    check_cut("1", 256, 255, 2);
    check_cut("a'", 200, 255, 2);
    check_cut("_", 1000, 0, 0);
    check_cut("a_", 1000, 255, 8);
    check_cut("A.", 1000, 255, 8);
    check_cut("\u0301", 1000, 0, 0);
    check_cut("http://a.b/", 100, 255, 7);
    check_cut("👨\u200d", 300, 893, 3);
}

/* A million of one thing: tokens are bounded and reading is linear, or these would not
 * end. */
static void test_monotonous_texts_take_linear_time(void) {
    enum { MILLION = 1000000 };
    check_cut("a", MILLION, 255, 3922);
    check_cut("a.", MILLION, 255, 7813);
    check_cut("@", MILLION, 0, 0);
    check_cut("#1", MILLION, 2, MILLION);
    check_cut("a@", MILLION, 1, MILLION);
    check_cut("a-", MILLION, 1, MILLION);
    check_cut("http:", MILLION, 4, MILLION);
    check_cut("www.", MILLION, 255, 15625);
    check_cut("\"", MILLION, 0, 0);
    check_cut("\n", MILLION, 0, 0);
    check_cut(" .\r\n", MILLION, 0, 0);
    check_cut("*", MILLION, 0, 0);
    check_cut("$", MILLION, 0, 0);
    check_cut("_'", MILLION, 0, 0);
    check_cut("1,", MILLION, 1, MILLION);
    check_cut("1'", MILLION, 255, 7813);
    check_cut("\u200d", MILLION, 0, 0);
    check_cut("🇺", MILLION, 8, MILLION / 2);
    check_cut("東", MILLION, 3, MILLION);
    check_cut("a “", MILLION, 1, MILLION);
}

static void test_text_of_4_gb_is_refused(void) {
    pm_tokens t;
    pm_error err;
    pm_tokens_init(&t);
    CHECK(pm_tokenize(analyzer("english"), (pm_bytes){(const uint8_t *)"", UINT32_MAX},
                      &t, &err) == PM_LIMIT);
    CHECK(strstr(err.message, "4 GB") != NULL);
    pm_tokens_release(&t);
}

/* ---- memory that runs out ---- */

static int allocations_left;

static void *failing_alloc(size_t bytes) {
    return allocations_left-- > 0 ? pm_sys_posix.alloc(bytes) : NULL;
}

static void *failing_resize(void *p, size_t bytes) {
    return allocations_left-- > 0 ? pm_sys_posix.resize(p, bytes) : NULL;
}

/* Everything that the layer does to a text, once. */
static pm_status use_all(const char *text, pm_error *err) {
    pm_analyzer *an = NULL;
    pm_stemmer *st = NULL;
    pm_tokens t;
    pm_buf forms;
    bool changed;
    pm_status status = PM_OK;
    pm_tokens_init(&t);
    pm_buf_init(&forms);
    PM_GO(pm_analyzer_new("turkish", &an, err));
    PM_GO(pm_stemmer_new(an, &st, err));
    PM_GO(pm_tokenize(an, bytes_of(text), &t, err));
    for (size_t i = 0; i < t.n; i++) {
        const uint8_t *p = (const uint8_t *)text + t.at[i].start;
        size_t n = t.at[i].end - t.at[i].start;
        PM_GO(pm_fold(an, p, n, t.at[i].kind, &forms, err));
        PM_GO(pm_unaccent(an, p, n, &forms, &changed, err));
        PM_GO(pm_stem(st, p, n, &forms, err));
    }
out:
    pm_stemmer_free(st);
    pm_analyzer_free(an);
    pm_tokens_release(&t);
    pm_buf_release(&forms);
    return status;
}

static void test_every_failed_allocation_is_reported(void) {
    char text[8192] = "“Türkiye’nin” I élysée 5,000 ";
    /* more marks than fit inside pm_points */
    for (size_t n = strlen(text); n < 7000; n++) {
        memcpy(text + n, "\u0301", 2);
        text[++n + 1] = '\0';
    }
    pm_sys table = pm_sys_posix;
    table.alloc = failing_alloc;
    table.resize = failing_resize;
    pm_sys_replace(&table);
    int k = 0;
    for (pm_status status = PM_NOMEM; status != PM_OK; k++) {
        pm_error err;
        pm_error_clear(&err);
        allocations_left = k;
        status = use_all(text, &err);
        CHECK(status == PM_OK || (status == PM_NOMEM && err.code == PM_NOMEM));
        CHECK(k < 100000);
    }
    CHECK(k > 10);
    pm_sys_replace(&pm_sys_posix);
}

static void test_block_bodies_agree(void) {
    pm_ascii_block_load loads[PM_MAX_BLOCK_LOADS];
    unsigned n = pm_ascii_block_loads(loads);
    uint8_t text[64];
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        for (int i = 0; i < 64; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = round < 4 ? (uint8_t)(round * 64 + i) : (uint8_t)(seed >> 24);
        }
        pm_ascii_block want, got;
        loads[0](text, &want);
        for (unsigned k = 1; k < n; k++) {
            loads[k](text, &got);
            CHECK(memcmp(&want, &got, sizeof want) == 0);
        }
    }
}

int main(void) {
    test_page_rows_hold();
    test_sanitize_replaces_maximal_subparts_and_surrogates_once();
    test_code_points_are_counted_and_coded();
    test_case_classes();
    test_fold_of_odd_surfaces();
    test_fold_of_a_long_surface();
    test_stems();
    test_languages_have_distinct_fingerprints();
    test_unknown_language_names_the_nearest();
    test_long_tokens_are_cut_at_255_code_points();
    test_monotonous_texts_take_linear_time();
    test_text_of_4_gb_is_refused();
    test_block_bodies_agree();
    test_every_failed_allocation_is_reported();
    printf("test_text: ok\n");
    return 0;
}
