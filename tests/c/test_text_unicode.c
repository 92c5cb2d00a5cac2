/* The tokenizer against Unicode's WordBreakTest.txt, whose every difference must follow
 * from a class of deviations in docs/TOKENS.md, and properties on random text:
 * restartable anywhere, forms stable, nothing read outside the text. PRESSMARK_UNICODE
 * names the folder of the data files (/usr/share/unicode); PRESSMARK_FUZZ the number of
 * random texts. */
#include "text/tokenizer.h"

#include "text/code_point.h"
#include "text_rows.h"

/* ---- expected tokens of one UAX #29 segment ---- */

typedef enum deviation { COLON, COMMA, UNDERSCORE, CJK, EMOJI, NO_DEVIATION } deviation;
static const char *const deviation_names[] = {"colon", "comma", "underscore", "cjk",
                                              "emoji"};

typedef struct expected {
    pm_span32 at[200];
    size_t n;
    size_t done; /* a flag may take an indicator from the next segment */
} expected;

typedef struct line {
    uint8_t text[512];
    size_t n;
    size_t breaks[128];
    size_t n_breaks;
} line;

static bool makes_token(unsigned class) {
    return class == PM_CHAR_LETTER || class == PM_CHAR_HEBREW ||
           class == PM_CHAR_DIGIT || class == PM_CHAR_CJK || class == PM_CHAR_EMOJI ||
           class == PM_CHAR_FLAG;
}

static bool is_picture(unsigned class) {
    return class == PM_CHAR_EMOJI || class == PM_CHAR_FLAG;
}

/* End of a grapheme cluster of an emoji at `at`: GB9, GB11, GB12. */
static size_t emoji_end(const line *l, size_t at, size_t end) {
    pm_cp first = pm_cp_at(l->text, l->n, at), c;
    at += first.len;
    c = pm_cp_at(l->text, l->n, at);
    if (first.class == PM_CHAR_FLAG && c.class == PM_CHAR_FLAG && at < end) {
        at += c.len;
    }
    for (bool zwj = false; at < end; at += c.len) {
        c = pm_cp_at(l->text, l->n, at);
        if (c.class != PM_CHAR_EXTEND && c.class != PM_CHAR_ZWJ &&
            !(zwj && c.class == PM_CHAR_EMOJI)) {
            break;
        }
        zwj = c.class == PM_CHAR_ZWJ;
    }
    return at;
}

typedef struct piece {
    size_t lo, hi; /* hi: behind the last character that counts */
    bool token, open;
} piece;

static void close_piece(expected *e, piece *p) {
    if (p->open && p->token) {
        e->at[e->n++] = (pm_span32){(uint32_t)p->lo, (uint32_t)p->hi};
    }
    *p = (piece){0};
}

/* Adds characters [at, end) to the piece; an underscore only counts once a letter
 * follows. */
static void extend_piece(piece *p, size_t at, size_t end, bool counts) {
    if (!p->open && counts) {
        p->lo = at;
        p->open = true;
    }
    p->hi = counts ? end : p->hi;
}

static bool is_colon(uint32_t cp) {
    return cp == ':' || cp == 0xfe13 || cp == 0xfe55 || cp == 0xff1a;
}

static void read_segment(const line *l, size_t lo, size_t hi, expected *e) {
    piece p = {0};
    /* the last character was an underscore: marks on it do not count either */
    bool pending = false;
    for (size_t at = lo > e->done ? lo : e->done; at < hi;) {
        pm_cp c = pm_cp_at(l->text, l->n, at);
        size_t end = at + c.len;
        if (is_colon(c.cp) || c.class == PM_CHAR_COMMA ||
            c.class == PM_CHAR_PICTURE) { /* no group of three digits here */
            close_piece(e, &p);
        } else if (c.class == PM_CHAR_CJK || is_picture(c.class)) {
            close_piece(e, &p);
            end = is_picture(c.class) ? emoji_end(l, at, l->n) : end;
            while (c.class == PM_CHAR_CJK && end < hi &&
                   pm_class_stays(pm_cp_at(l->text, l->n, end).class)) {
                end += pm_cp_at(l->text, l->n, end).len;
            }
            e->at[e->n++] = (pm_span32){(uint32_t)at, (uint32_t)end};
            e->done = end;
        } else {
            pending =
                c.class == PM_CHAR_UNDERSCORE || (pending && pm_class_stays(c.class));
            bool stray = pm_class_stays(c.class) && !p.open;
            extend_piece(&p, at, end, !pending && !stray);
            p.token |= makes_token(c.class);
        }
        at = end;
    }
    close_piece(e, &p);
}

/* The first class, in the order of the table, whose characters stand in the segment. */
static deviation explain(const line *l, size_t lo, size_t hi) {
    bool has[NO_DEVIATION] = {false};
    for (size_t at = lo; at < hi;) {
        pm_cp c = pm_cp_at(l->text, l->n, at);
        has[COLON] |= is_colon(c.cp);
        has[COMMA] |= c.class == PM_CHAR_COMMA;
        has[UNDERSCORE] |= c.class == PM_CHAR_UNDERSCORE;
        has[CJK] |= c.class == PM_CHAR_CJK;
        has[EMOJI] |= is_picture(c.class) || c.cp == 0x200d;
        at += c.len;
    }
    for (deviation d = COLON; d < NO_DEVIATION; d++) {
        if (has[d]) {
            return d;
        }
    }
    return NO_DEVIATION;
}

static bool segment_makes_token(const line *l, size_t lo, size_t hi) {
    for (size_t at = lo; at < hi;) {
        pm_cp c = pm_cp_at(l->text, l->n, at);
        if (makes_token(c.class)) {
            return true;
        }
        at += c.len;
    }
    return false;
}

/* Fills e with what the classes make of the line's segments; answers the class of the
 * first difference from them. */
static deviation expect(const line *l, expected *e) {
    deviation first = NO_DEVIATION;
    for (size_t i = 0; i + 1 < l->n_breaks; i++) {
        size_t lo = l->breaks[i], hi = l->breaks[i + 1], before = e->n;
        read_segment(l, lo, hi, e);
        bool whole = segment_makes_token(l, lo, hi);
        bool same = whole ? e->n == before + 1 && e->at[before].lo == lo &&
                                e->at[before].hi == hi
                          : e->n == before;
        if (!same && first == NO_DEVIATION) {
            first = explain(l, lo, hi);
            CHECK(first != NO_DEVIATION);
        }
    }
    return first;
}

/* "÷ 0061 × 0308 ÷  # ..." */
static bool read_line(char *source, line *l) {
    l->n = l->n_breaks = 0;
    source[strcspn(source, "#")] = '\0';
    for (char *word = strtok(source, " \t\n"); word != NULL;
         word = strtok(NULL, " \t\n")) {
        if (strcmp(word, "÷") == 0) {
            l->breaks[l->n_breaks++] = l->n;
        } else if (strcmp(word, "×") != 0) {
            l->n += pm_utf8_encode((uint32_t)strtoul(word, NULL, 16), l->text + l->n);
        }
    }
    return l->n > 0;
}

static void check_line(const pm_analyzer *an, const line *l, unsigned *counts) {
    expected e = {.n = 0};
    deviation d = expect(l, &e);
    counts[d]++;
    pm_tokens t;
    pm_error err;
    pm_tokens_init(&t);
    CHECK(pm_tokenize(an, (pm_bytes){l->text, l->n}, &t, &err) == PM_OK);
    bool same = t.n == e.n;
    for (size_t i = 0; same && i < t.n; i++) {
        same = t.at[i].start == e.at[i].lo && t.at[i].end == e.at[i].hi;
    }
    if (!same) {
        fprintf(stderr, "unexplained: %.*s (%zu tokens, expected %zu)\n", (int)l->n,
                (const char *)l->text, t.n, e.n);
        exit(1);
    }
    pm_tokens_release(&t);
}

static void check_count(const row *r, void *ctx) {
    const unsigned *counts = ctx;
    for (deviation d = COLON; d < NO_DEVIATION; d++) {
        if (strcmp(r->cell[0], deviation_names[d]) == 0) {
            if ((unsigned)atoi(r->cell[6]) != counts[d]) {
                fprintf(stderr, "docs/TOKENS.md: %s has %u lines of WordBreakTest\n",
                        deviation_names[d], counts[d]);
                exit(1);
            }
            return;
        }
    }
    CHECK(atoi(r->cell[6]) == 0);
}

static const char *environment(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value != NULL ? value : otherwise;
}

static void test_word_break_test_differs_as_documented(const pm_analyzer *an) {
    char path[1024], version[64], source[4096];
    snprintf(path, sizeof path, "%s/auxiliary/WordBreakTest.txt",
             environment("PRESSMARK_UNICODE", "/usr/share/unicode"));
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        printf("test_text_unicode: WordBreakTest skipped, no %s\n", path);
        return;
    }
    snprintf(version, sizeof version, "-%s.txt", PM_UNICODE_VERSION);
    CHECK(fgets(source, sizeof source, f) != NULL);
    if (strstr(source, version) == NULL) {
        printf("test_text_unicode: WordBreakTest skipped, not of Unicode %s\n",
               PM_UNICODE_VERSION);
        fclose(f);
        return;
    }
    unsigned counts[NO_DEVIATION + 1] = {0};
    static line l;
    while (fgets(source, sizeof source, f) != NULL) {
        if (read_line(source, &l)) {
            check_line(an, &l, counts);
        }
    }
    fclose(f);
    CHECK(rows_of("| class |", check_count, counts) > 15);
    unsigned differ = 0;
    for (deviation d = COLON; d < NO_DEVIATION; d++) {
        differ += counts[d];
    }
    printf("test_text_unicode: WordBreakTest, %u lines equal, %u differ by a listed "
           "class\n",
           counts[NO_DEVIATION], differ);
}

/* ---- properties ---- */

static uint32_t random_bits(uint64_t *seed) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

/* What tokens, addresses, zones and the fast way's borders are made of. */
/* clang-format off */
static const char *const atoms[] = {
    "a", "Iran", "US", "the", "of", "word", "x", "S", "s", "I", "É", "e\u0301", "ß",
    "и", "東", "カ", "น้", "ำ", "한", "א", "\"", "'", "’", "‘", "“", "”", "„", "«", "»",
    "「", "」", ".", ".", ".", ",", ":", ";", "!", "?", "…", "-", "—", "/", "//", "://",
    "http", "www.", "@", "#", "$", "€", "%", "&", "*", "_", "+", "(", ")", " ", " ",
    " ", " ", "  ", "\n", "\n\n", "\r\n", "\r", "\t", "\u00a0", "\u00ad", "\u200b",
    "\u200d", "\u200e", "\u202f", "\u2028", "\u2029", "\ufeff", "\ufe0f", "\u20e3", "👍",
    "🏿", "🇺", "🇸", "❤", "©", "0", "5", "000", "1979", "1,000", "a.b", "U.S.", "p.m.",
    "Mr.", "No.", "com", "l'", "dell’", "it's", "Iran's", "·", "٬", "٥", "\u0301",
    "a long run of plain words that fills more than a block of sixty-four bytes "
    "of text",
};
/* clang-format on */

static size_t random_text(uint64_t *seed, uint8_t *text, size_t room) {
    size_t n = 0, wanted = random_bits(seed) % room;
    while (n < wanted) {
        const char *atom = atoms[random_bits(seed) % (sizeof atoms / sizeof *atoms)];
        size_t len = strlen(atom);
        if (len > room - n) {
            break;
        }
        memcpy(text + n, atom, len);
        n += len;
    }
    return n;
}

static size_t random_bytes(uint64_t *seed, uint8_t *text, size_t room) {
    uint8_t raw[256];
    size_t n = random_bits(seed) % (room / 3 < sizeof raw ? room / 3 : sizeof raw),
           replaced;
    bool lead = random_bits(seed) % 2 == 0; /* half of the texts rich in lead bytes */
    for (size_t i = 0; i < n; i++) {
        raw[i] = (uint8_t)(random_bits(seed) | (lead && i % 2 == 0 ? 0xc0 : 0));
    }
    pm_buf out;
    pm_buf_init(&out);
    pm_utf8_sanitize((pm_bytes){raw, n}, &out, &replaced);
    CHECK(pm_utf8_valid(pm_buf_bytes(&out)) && out.n <= room);
    n = out.n;
    if (n > 0) {
        memcpy(text, out.p, n);
    }
    pm_buf_release(&out);
    return n;
}

static void fail_on(const char *what, const uint8_t *text, size_t n) {
    fprintf(stderr, "%s: ", what);
    for (size_t i = 0; i < n; i++) {
        fprintf(stderr,
                text[i] >= ' ' && text[i] != '\\' && text[i] != '"' ? "%c" : "\\x%02x",
                text[i]);
    }
    fprintf(stderr, "\n");
    exit(1);
}

/* pm_tokenize is pm_token_next repeated, which from any token's start gives that
 * token. */
static void check_restart(const pm_analyzer *an, const uint8_t *text, size_t n,
                          const pm_tokens *t) {
    size_t at = 0;
    pm_token token;
    for (size_t i = 0; i < t->n; i++) {
        if (!pm_token_next(an, text, n, &at, &token) || token.start != t->at[i].start ||
            token.end != t->at[i].end || token.kind != t->at[i].kind ||
            at != token.end) {
            fail_on("the two ways differ", text, n);
        }
        size_t again = t->at[i].start;
        if (!pm_token_next(an, text, n, &again, &token) ||
            token.start != t->at[i].start || token.end != t->at[i].end) {
            fail_on("not restartable", text, n);
        }
    }
    if (pm_token_next(an, text, n, &at, &token)) {
        fail_on("a token more", text, n);
    }
}

static void check_shape(const uint8_t *text, size_t n, const pm_tokens *t) {
    for (size_t i = 0; i < t->n; i++) {
        size_t before = i > 0 ? t->at[i - 1].end : 0;
        if (t->at[i].start < before || t->at[i].end <= t->at[i].start ||
            t->at[i].end > n ||
            pm_utf8_count(text + t->at[i].start, t->at[i].end - t->at[i].start) > 255 ||
            (text[t->at[i].start] & 0xc0) == 0x80 ||
            (t->at[i].end < n && (text[t->at[i].end] & 0xc0) == 0x80)) {
            fail_on("token out of shape", text, n);
        }
    }
    CHECK(t->n == 0 || t->at[0].flags == (PM_TOKEN_SENTENCE | PM_TOKEN_PARAGRAPH));
    for (size_t i = 0; i < t->n_quotes; i++) {
        pm_span32 q = t->quotes[i];
        CHECK(q.lo < q.hi && q.hi <= t->n && (i == 0 || t->quotes[i - 1].hi <= q.lo));
        for (uint32_t k = q.lo + 1; k < q.hi; k++) {
            CHECK((t->at[k].flags & PM_TOKEN_PARAGRAPH) == 0);
        }
    }
}

/* Forms are valid UTF-8, never empty, and fixed points of folding and of losing
 * accents. */
static void check_forms(const pm_analyzer *an, pm_stemmer *st, const uint8_t *text,
                        size_t n, pm_token token) {
    pm_buf b[5];
    pm_error err;
    bool changed;
    for (int i = 0; i < 5; i++) {
        pm_buf_init(&b[i]);
    }
    CHECK(pm_fold(an, text + token.start, token.end - token.start, token.kind, &b[0],
                  &err) == PM_OK);
    CHECK(pm_fold(an, b[0].p, b[0].n, token.kind, &b[1], &err) == PM_OK);
    CHECK(pm_unaccent(an, b[0].p, b[0].n, &b[2], &changed, &err) == PM_OK);
    CHECK(pm_unaccent(an, b[2].p, b[2].n, &b[3], &changed, &err) == PM_OK);
    CHECK(pm_stem(st, b[0].p, b[0].n, &b[4], &err) == PM_OK);
    bool stable = b[0].n == b[1].n && memcmp(b[0].p, b[1].p, b[0].n) == 0 && !changed;
    bool valid =
        b[0].n > 0 && b[2].n > 0 && b[4].n > 0 && pm_utf8_valid(pm_buf_bytes(&b[0])) &&
        pm_utf8_valid(pm_buf_bytes(&b[2])) && pm_utf8_valid(pm_buf_bytes(&b[4]));
    if (!stable || !valid) {
        fprintf(stderr,
                "'%.*s' folds to '%.*s', then to '%.*s'; key '%.*s', then '%.*s'\n",
                (int)(token.end - token.start), (const char *)text + token.start,
                (int)b[0].n, (const char *)b[0].p, (int)b[1].n, (const char *)b[1].p,
                (int)b[2].n, (const char *)b[2].p, (int)b[3].n, (const char *)b[3].p);
        fail_on("forms", text, n);
    }
    for (int i = 0; i < 5; i++) {
        pm_buf_release(&b[i]);
    }
}

static void test_random_texts(const char *lang, unsigned rounds, uint64_t seed) {
    enum { ROOM = 600 };
    pm_analyzer *an;
    pm_stemmer *st;
    pm_tokens t;
    pm_error err;
    CHECK(pm_analyzer_new(lang, &an, &err) == PM_OK &&
          pm_stemmer_new(an, &st, &err) == PM_OK);
    pm_tokens_init(&t);
    for (unsigned round = 0; round < rounds; round++) {
        /* exactly sized below: a sanitizer sees every byte read too far */
        uint8_t *text = malloc(ROOM);
        CHECK(text != NULL);
        size_t n = round % 4 == 0 ? random_bytes(&seed, text, ROOM)
                                  : random_text(&seed, text, ROOM);
        uint8_t *exact = realloc(text, n > 0 ? n : 1);
        CHECK(exact != NULL && pm_utf8_valid((pm_bytes){exact, n}));
        CHECK(pm_tokenize(an, (pm_bytes){exact, n}, &t, &err) == PM_OK);
        check_restart(an, exact, n, &t);
        check_shape(exact, n, &t);
        for (size_t i = 0; i < t.n; i++) {
            check_forms(an, st, exact, n, t.at[i]);
        }
        free(exact);
    }
    pm_tokens_release(&t);
    pm_stemmer_free(st);
    pm_analyzer_free(an);
}

/* Every code point alone, and between letters: forms are stable and nothing fails. */
static void test_every_code_point(const pm_analyzer *an) {
    pm_stemmer *st;
    pm_tokens t;
    pm_error err;
    CHECK(pm_stemmer_new(an, &st, &err) == PM_OK);
    pm_tokens_init(&t);
    for (uint32_t cp = 1; cp < 0x110000; cp++) {
        if (cp >= 0xd800 && cp < 0xe000) {
            continue;
        }
        uint8_t text[16] = {'a'};
        size_t n = 1 + pm_utf8_encode(cp, text + 1);
        text[n++] = 'b';
        CHECK(pm_tokenize(an, (pm_bytes){text, n}, &t, &err) == PM_OK);
        check_restart(an, text, n, &t);
        for (size_t i = 0; i < t.n; i++) {
            check_forms(an, st, text, n, t.at[i]);
        }
    }
    pm_tokens_release(&t);
    pm_stemmer_free(st);
}

int main(void) {
    pm_analyzer *an;
    pm_error err;
    CHECK(pm_analyzer_new("english", &an, &err) == PM_OK);
    test_word_break_test_differs_as_documented(an);
    test_every_code_point(an);
    unsigned rounds = (unsigned)atoi(environment("PRESSMARK_FUZZ", "20000"));
    test_random_texts("english", rounds, 1);
    test_random_texts("french", rounds / 4, 2);
    test_random_texts("turkish", rounds / 4, 3);
    test_random_texts("none", rounds / 4, 4);
    pm_analyzer_free(an);
    printf("test_text_unicode: ok\n");
    return 0;
}
