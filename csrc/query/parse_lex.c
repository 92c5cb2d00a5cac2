/* Where runs begin and end and what they look like. Nothing here fails. Which
 * characters can begin a token is the tokenizer's knowledge: the classes of its
 * table. */
#include <string.h>

#include "query/parse_inner.h"
#include "text/code_point.h"

static const uint32_t QUOTES[] = {0x22,   0xab,   0xbb,   0x201c, 0x201d, 0x201e,
                                  0x201f, 0x2e42, 0x301d, 0x301e, 0x301f, 0xff02};

static bool is_quote(uint32_t cp) {
    for (size_t i = 0; i < sizeof QUOTES / sizeof *QUOTES; i++) {
        if (QUOTES[i] == cp) {
            return true;
        }
    }
    return false;
}

static bool is_blank(pm_cp c) {
    return c.class == PM_CHAR_BLANK || c.class == PM_CHAR_NEWLINE || c.cp < 0x20 ||
           c.cp == 0x7f;
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* Between digits it belongs to a number. */
static bool parts_operands(const pm_parser *p, size_t at) {
    bool in_number = at > 0 && is_digit(p->text[at - 1]) && at + 1 < p->n &&
                     is_digit(p->text[at + 1]);
    return p->n_levels > 0 && p->levels[p->n_levels - 1].wrap == PM_WRAP_OF &&
           !in_number;
}

pm_lex_class pm_lex_at(const pm_parser *p, size_t at, unsigned *len) {
    pm_cp c = pm_cp_at(p->text, p->n, at);
    *len = c.len;
    if (c.len == 0) {
        return PM_LEX_END;
    }
    if (is_blank(c)) {
        return PM_LEX_BLANK;
    }
    if (c.cp == '(' || c.cp == ')') {
        return c.cp == '(' ? PM_LEX_OPEN : PM_LEX_CLOSE;
    }
    if (c.cp == '[' || c.cp == ']' || c.cp == '{' || c.cp == '}') {
        return PM_LEX_BRACKET;
    }
    if (c.cp == ',' && parts_operands(p, at)) {
        return PM_LEX_COMMA;
    }
    return is_quote(c.cp) ? PM_LEX_QUOTE : PM_LEX_RUN;
}

size_t pm_lex_skip_blanks(const pm_parser *p, size_t at) {
    unsigned len;
    while (pm_lex_at(p, at, &len) == PM_LEX_BLANK) {
        at += len;
    }
    return at;
}

/* ---- runs ---- */

static uint8_t small(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}
/* Whether e begins with text, which is given in small letters. */
static bool begins(const pm_parser *p, pm_extent e, const char *text) {
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (e.lo + i >= e.hi || small(p->text[e.lo + i]) != (uint8_t)text[i]) {
            return false;
        }
    }
    return true;
}

/* A scheme of letters, then ://, or www. */
bool pm_lex_is_url(const pm_parser *p, pm_extent e) {
    size_t at = e.lo;
    while (at < e.hi && small(p->text[at]) >= 'a' && small(p->text[at]) <= 'z') {
        at++;
    }
    pm_extent rest = {at, e.hi};
    return (at > e.lo && begins(p, rest, "://") && e.hi - at > 3) ||
           (begins(p, e, "www.") && e.hi - e.lo > 4);
}

/* Parentheses inside an address belong to it where they balance. */
static size_t address_end(const pm_parser *p, size_t at) {
    size_t open = 0, outermost = at;
    for (unsigned len;; at += len) {
        pm_lex_class c = pm_lex_at(p, at, &len);
        if (c == PM_LEX_END || c == PM_LEX_BLANK || c == PM_LEX_QUOTE ||
            (c == PM_LEX_CLOSE && open == 0)) {
            return open == 0 ? at : outermost;
        }
        if (c == PM_LEX_OPEN && open++ == 0) {
            outermost = at;
        }
        open -= c == PM_LEX_CLOSE;
    }
}

pm_extent pm_lex_run(const pm_parser *p, size_t lo) {
    size_t at = lo;
    for (unsigned len; pm_lex_at(p, at, &len) == PM_LEX_RUN;) {
        at += len;
    }
    pm_extent run = {lo, at};
    if (pm_lex_is_url(p, run)) {
        run.hi = address_end(p, at);
    }
    return run;
}

bool pm_lex_is(const pm_parser *p, pm_extent e, const char *word) {
    size_t n = strlen(word);
    return e.hi - e.lo == n && memcmp(p->text + e.lo, word, n) == 0;
}

bool pm_lex_is_letter(const pm_parser *p, size_t at) {
    pm_cp c = pm_cp_at(p->text, p->n, at);
    return pm_class_is_letter(c.class) || c.class == PM_CHAR_CJK ||
           c.class == PM_CHAR_CLUSTER || c.class == PM_CHAR_UNDERSCORE;
}

/* ---- words and punctuation ---- */

static bool begins_token(const pm_parser *p, size_t at, pm_cp c) {
    switch (c.class) {
    case PM_CHAR_LETTER:
    case PM_CHAR_HEBREW:
    case PM_CHAR_DIGIT:
    case PM_CHAR_CJK:
    case PM_CHAR_CLUSTER:
    case PM_CHAR_EMOJI:
    case PM_CHAR_FLAG:
        return true;
    case PM_CHAR_PICTURE: /* an emoji only with the selector behind it */
        return pm_cp_at(p->text, p->n, at + c.len).cp == 0xfe0f;
    default:
        return false;
    }
}

bool pm_lex_has_word(const pm_parser *p, pm_extent e) {
    for (size_t at = e.lo; at < e.hi;) {
        pm_cp c = pm_cp_at(p->text, p->n, at);
        if (begins_token(p, at, c)) {
            return true;
        }
        at += c.len;
    }
    return false;
}

bool pm_lex_has_wildcard(const pm_parser *p, pm_extent e) {
    const uint8_t *from = p->text + e.lo;
    return memchr(from, '*', e.hi - e.lo) != NULL ||
           memchr(from, '?', e.hi - e.lo) != NULL;
}

static bool is_wildcard(uint32_t cp) {
    return cp == '*' || cp == '?';
}

/* What a word may begin with: also signs that belong to the token, and wildcards. */
static bool keeps_start(const pm_parser *p, size_t at, pm_cp c, pm_trim how) {
    return begins_token(p, at, c) || c.class == PM_CHAR_AT || c.class == PM_CHAR_HASH ||
           c.class == PM_CHAR_CURRENCY || c.class == PM_CHAR_UNDERSCORE ||
           (is_wildcard(c.cp) && how == PM_TRIM_SIGNS);
}

/* What a word may end with: an apostrophe may be an elision's. */
static bool keeps_end(const pm_parser *p, size_t at, pm_cp c, pm_trim how) {
    return begins_token(p, at, c) || pm_class_stays(c.class) ||
           c.class == PM_CHAR_UNDERSCORE || c.class == PM_CHAR_APOSTROPHE ||
           (is_wildcard(c.cp) && how == PM_TRIM_SIGNS);
}

static size_t before(const pm_parser *p, size_t at) {
    do {
        at--;
    } while ((p->text[at] & 0xc0) == 0x80);
    return at;
}

static size_t trim_end(const pm_parser *p, pm_extent e, pm_trim how) {
    size_t hi = e.hi;
    while (hi > e.lo) {
        size_t at = before(p, hi);
        if (keeps_end(p, at, pm_cp_at(p->text, p->n, at), how)) {
            break;
        }
        hi = at;
    }
    bool one_stop =
        hi < e.hi && p->text[hi] == '.' && !(hi + 1 < e.hi && p->text[hi + 1] == '.');
    if (one_stop && hi > e.lo && memchr(p->text + e.lo, '.', hi - e.lo) != NULL) {
        hi++;
    }
    return hi;
}

/* Of an address only what ends a sentence is taken off. */
static pm_extent trim_url(const pm_parser *p, pm_extent e) {
    while (e.hi > e.lo && strchr(".,;:!?'", p->text[e.hi - 1]) != NULL) {
        e.hi--;
    }
    return e;
}

pm_extent pm_lex_trim(const pm_parser *p, pm_extent e, pm_trim how) {
    while (e.lo < e.hi) {
        pm_cp c = pm_cp_at(p->text, p->n, e.lo);
        if (keeps_start(p, e.lo, c, how)) {
            break;
        }
        e.lo += c.len;
    }
    pm_extent url = pm_lex_is_url(p, e) ? trim_url(p, e) : (pm_extent){0};
    if (pm_lex_is_url(p, url)) {
        return url;
    }
    size_t hi = trim_end(p, e, how);
    bool quoted = e.lo > 0 &&
                  pm_cp_at(p->text, p->n, before(p, e.lo)).class == PM_CHAR_APOSTROPHE;
    if (quoted && hi > e.lo) { /* 'house' */
        size_t at = before(p, hi);
        bool apostrophe = pm_cp_at(p->text, p->n, at).class == PM_CHAR_APOSTROPHE;
        hi = apostrophe ? trim_end(p, (pm_extent){e.lo, at}, how) : hi;
    }
    e.hi = hi;
    return e;
}

/* ---- operators ---- */

int64_t pm_lex_number(const pm_parser *p, size_t *at) {
    int64_t n = 0;
    for (; *at < p->n && is_digit(p->text[*at]); ++*at) {
        n = n <= PM_MAX_DISTANCE ? n * 10 + (p->text[*at] - '0') : n;
    }
    return n <= PM_MAX_DISTANCE ? n : PM_MAX_DISTANCE + 1;
}

static size_t near_prefix(const pm_parser *p, pm_extent e, bool *ordered) {
    static const char *const prefixes[] = {"w/", "near/", "pre/", "/"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (begins(p, e, prefixes[i])) {
            *ordered = i == 2;
            return strlen(prefixes[i]);
        }
    }
    return 0;
}

bool pm_lex_near(const pm_parser *p, pm_extent e, pm_near_op *out) {
    size_t at = e.lo + near_prefix(p, e, &out->ordered), digits = at;
    if (at == e.lo) {
        return false;
    }
    int64_t n = pm_lex_number(p, &at);
    out->n = at == digits ? PM_NEAR_ANY_DISTANCE : n;
    out->negated = false;
    out->scope = PM_SCOPE_FIELD;
    if (e.hi - at == 1) {
        uint8_t c = small(p->text[at]);
        out->scope = c == 's'   ? PM_SCOPE_SENTENCE
                     : c == 'p' ? PM_SCOPE_PARAGRAPH
                                : PM_SCOPE_FIELD;
        return out->scope != PM_SCOPE_FIELD;
    }
    return at == e.hi && out->n != PM_NEAR_ANY_DISTANCE;
}

bool pm_lex_is_operator(const pm_parser *p, pm_extent e) {
    pm_near_op near;
    return pm_lex_is(p, e, "AND") || pm_lex_is(p, e, "OR") || pm_lex_is(p, e, "NOT") ||
           pm_lex_near(p, e, &near) || pm_lex_is_quorum(p, e);
}

bool pm_lex_is_quorum(const pm_parser *p, pm_extent e) {
    size_t n = 0;
    if (e.hi - e.lo > 8 && memcmp(p->text + e.lo, "ATLEAST/", 8) == 0) {
        n = 8;
    } else if (e.hi - e.lo > 6 && memcmp(p->text + e.lo, "FIRST/", 6) == 0) {
        n = 6;
    }
    return n > 0 && pm_lex_all_digits(p, (pm_extent){e.lo + n, e.hi});
}

bool pm_lex_all_digits(const pm_parser *p, pm_extent e) {
    for (size_t at = e.lo; at < e.hi; at++) {
        if (!is_digit(p->text[at])) {
            return false;
        }
    }
    return e.hi > e.lo;
}

static bool is_text_field(const pm_parser *p, pm_extent e) {
    for (uint32_t i = 0; p->schema != NULL && i < p->schema->n_fields; i++) {
        if (pm_lex_is(p, e, p->schema->fields[i])) {
            return true;
        }
    }
    return false;
}

bool pm_lex_is_zone(const pm_parser *p, pm_extent e) {
    static const char *const zones[] = {"quote", "quotes", "boilerplate", "headline",
                                        "lead",  "title",  "body",        "text"};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        if (begins(p, e, zones[i]) && e.hi - e.lo == strlen(zones[i])) {
            return true;
        }
    }
    return is_text_field(p, e);
}

unsigned pm_lex_signs(const pm_parser *p, pm_extent e) {
    size_t at = e.lo;
    while (at < e.hi && p->text[at] == '=') {
        at++;
    }
    pm_extent word = pm_lex_trim(p, (pm_extent){at, e.hi}, PM_TRIM_SIGNS);
    bool is_word =
        word.lo == at && (pm_lex_has_word(p, word) || pm_lex_has_wildcard(p, word));
    return is_word ? (unsigned)(at - e.lo) : 0;
}

size_t pm_lex_closing(const pm_parser *p, size_t open) {
    unsigned len;
    pm_lex_class c = pm_lex_at(p, open, &len);
    for (size_t at = open + len; c != PM_LEX_END; at += len) {
        c = pm_lex_at(p, at, &len);
        if (c == PM_LEX_QUOTE) {
            return at;
        }
    }
    return SIZE_MAX;
}
