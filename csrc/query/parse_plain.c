/* Plain text: what people paste. Whether a text is plain is decided by one look at its
 * runs (DESIGN section 6, "Text is plain unless"); if it is, a search takes its words
 * and lets everything else be punctuation. */
#include <string.h>

#include "base/sys.h"
#include "query/parse_inner.h"
#include "text/code_point.h"
#include "text/utf8.h"

static uint8_t byte_at(const pm_parser *p, size_t at) {
    return at < p->n ? p->text[at] : 0;
}
static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static bool next_is(const pm_parser *p, size_t at, pm_lex_class class) {
    unsigned len;
    return pm_lex_at(p, pm_lex_skip_blanks(p, at), &len) == class;
}

/* The next run at or after *at that holds a word or wildcard; *at moves behind it.
 * False at the end. */
static bool next_run(const pm_parser *p, size_t *at, pm_extent *run) {
    unsigned len;
    for (;;) {
        pm_lex_class class = pm_lex_at(p, *at, &len);
        if (class == PM_LEX_END) {
            return false;
        }
        if (class == PM_LEX_RUN) {
            *run = pm_lex_run(p, *at);
            *at = run->hi;
            return true;
        }
        *at += len;
    }
}

/* ---- is it plain? ---- */

/* A word between two quotation marks. */
static bool has_quotation(const pm_parser *p) {
    unsigned len;
    for (size_t at = 0; at < p->n; at += len) {
        if (pm_lex_at(p, at, &len) != PM_LEX_QUOTE) {
            continue;
        }
        size_t close = pm_lex_closing(p, at);
        if (close == SIZE_MAX) {
            return false;
        }
        if (pm_lex_has_word(p, (pm_extent){at, close})) {
            return true;
        }
        at = close;
        pm_lex_at(p, at, &len);
    }
    return false;
}

/* word~, word~1. */
static bool is_fuzzy(const pm_parser *p, pm_extent run) {
    size_t at = run.hi;
    while (at > run.lo && is_digit(p->text[at - 1])) {
        at--;
    }
    return at > run.lo && p->text[at - 1] == '~' &&
           pm_lex_has_word(p, (pm_extent){run.lo, at - 1});
}

/* Operators that look around themselves. */
static bool is_phrase_operator(const pm_parser *p, pm_extent run, bool first) {
    size_t after = run.hi;
    pm_extent next = {0};
    bool more = next_run(p, &after, &next);
    if (pm_lex_is(p, run, "IN")) {
        pm_extent word = pm_lex_trim(p, next, PM_TRIM_WILDCARDS);
        return !first && more && pm_lex_is_zone(p, word);
    }
    if (pm_lex_is(p, run, "stem")) {
        return byte_at(p, run.hi) == '(' && next_is(p, run.hi + 1, PM_LEX_QUOTE);
    }
    return pm_lex_all_digits(p, run) && more && pm_lex_is(p, next, "OF") &&
           next_is(p, next.hi, PM_LEX_OPEN);
}

static bool is_sign_of_query(const pm_parser *p, pm_extent run) {
    unsigned signs = pm_lex_signs(p, run);
    bool signed_word = (signs == 1 || signs == 2) && pm_lex_has_word(p, run);
    return pm_lex_is_operator(p, run) || signed_word || is_fuzzy(p, run) ||
           (p->text[run.lo] == '$' && pm_lex_is_letter(p, run.lo + 1)) ||
           pm_parse_is_name(p, run);
}

static bool begins_with_capital(const pm_parser *p, pm_extent run) {
    pm_extent word = pm_lex_trim(p, run, PM_TRIM_WILDCARDS);
    return (pm_cp_at(p->text, p->n, word.lo).bits & PM_CHAR_UPPER) != 0;
}

/* A ? that ends the last word ends a question; in a search one before a capital does
 * too. */
static bool ends_question(const pm_parser *p, pm_extent run, pm_extent word) {
    pm_extent without = pm_lex_trim(p, run, PM_TRIM_WILDCARDS);
    if (p->text[word.hi - 1] != '?' || without.lo != word.lo ||
        pm_lex_has_wildcard(p, without)) {
        return false;
    }
    pm_extent next;
    for (size_t at = run.hi; next_run(p, &at, &next);) {
        if (pm_lex_has_word(p, next)) {
            return p->mode == PM_PARSE_SEARCH && begins_with_capital(p, next);
        }
    }
    return true;
}

static bool means_something(const pm_parser *p, pm_extent run, pm_cp c) {
    pm_near_op near;
    if (c.cp == '/') {
        return pm_lex_near(p, run, &near);
    }
    return c.class == PM_CHAR_CURRENCY ||
           (c.cp < 0x80 && strchr("#@_*?", (int)c.cp) != NULL) ||
           pm_lex_has_word(p, (pm_extent){run.lo, run.lo + c.len});
}

/* Run behind punctuation that begins no operator. */
static pm_extent without_lead(const pm_parser *p, pm_extent run) {
    while (run.lo < run.hi) {
        pm_cp c = pm_cp_at(p->text, p->n, run.lo);
        unsigned signs = c.cp == '=' ? pm_lex_signs(p, run) : 0;
        if (signs == 1 || signs == 2 || means_something(p, run, c)) {
            break;
        }
        do { /* all = at once: they were looked at all at once */
            run.lo += c.len;
        } while (c.cp == '=' && run.lo < run.hi && p->text[run.lo] == '=');
    }
    return run;
}

static bool is_plain_run(pm_parser *p, pm_extent run, bool first) {
    run = without_lead(p, run);
    pm_extent word = pm_lex_trim(p, run, PM_TRIM_SIGNS);
    if (run.lo == run.hi || pm_lex_is_url(p, word)) {
        return true;
    }
    if (is_sign_of_query(p, run) || is_fuzzy(p, word) ||
        is_phrase_operator(p, run, first)) {
        return false;
    }
    if (pm_lex_has_wildcard(p, word) && pm_lex_has_word(p, word)) {
        bool question = ends_question(p, run, word);
        p->question = question ? run.hi : p->question;
        return question;
    }
    return true;
}

void pm_parse_look(pm_parser *p) {
    pm_extent run;
    bool first = true;
    p->question = SIZE_MAX;
    p->plain = p->mode != PM_PARSE_FILTER && !has_quotation(p);
    for (size_t at = 0; p->plain && next_run(p, &at, &run);) {
        p->plain = is_plain_run(p, run, first);
        first = first && !pm_lex_has_word(p, run);
    }
}

/* ---- notes ---- */

pm_status pm_parse_note_question(pm_parser *p, pm_extent word) {
    return pm_parse_note(p,
                         "the ? behind '%.*s' was read as punctuation; write \"%.*s?\" "
                         "for exactly one more character",
                         PM_SHOW(p, word), PM_SHOW(p, word));
}

pm_status pm_parse_note_small(pm_parser *p, const char *word) {
    if (strcmp(word, "and") == 0) {
        return pm_parse_note(p, "'and' was searched as a word; write AND for both");
    }
    if (strcmp(word, "or") == 0) {
        return pm_parse_note(p, "'or' was searched as a word; write OR for either/or");
    }
    if (strcmp(word, "not") == 0) {
        return pm_parse_note(
            p, "'not' was searched as a word; write NOT to leave documents out");
    }
    return PM_OK;
}

static bool is_apostrophe(const pm_parser *p, size_t at) {
    return pm_cp_at(p->text, p->n, at).class == PM_CHAR_APOSTROPHE;
}

/* 'white house': single marks make no phrase. */
pm_status pm_parse_note_single(pm_parser *p) {
    pm_extent run;
    bool opened = false;
    for (size_t at = 0; next_run(p, &at, &run);) {
        size_t last = pm_utf8_before(p->text, run.hi);
        if (opened && last > run.lo && is_apostrophe(p, last)) {
            return pm_parse_note(
                p, "single quotation marks make no phrase; write \"white house\"");
        }
        opened = opened ||
                 (is_apostrophe(p, run.lo) &&
                  pm_lex_is_letter(p, run.lo + pm_cp_at(p->text, p->n, run.lo).len));
        opened = opened && !is_apostrophe(p, last);
    }
    return PM_OK;
}

/* Brackets and quotation marks that do not balance. */
static pm_status note_balance(pm_parser *p) {
    unsigned len;
    size_t open = 0, marks = 0;
    bool lonely = false;
    for (size_t at = 0; at < p->n; at += len) {
        pm_lex_class class = pm_lex_at(p, at, &len);
        bool opens =
            class == PM_LEX_OPEN ||
            (class == PM_LEX_BRACKET && (p->text[at] == '[' || p->text[at] == '{'));
        bool closes = class == PM_LEX_CLOSE || (class == PM_LEX_BRACKET && !opens);
        marks += class == PM_LEX_QUOTE;
        open += opens;
        lonely |= closes && open == 0;
        open -= closes && open > 0;
    }
    if (lonely || open > 0) {
        PM_TRY(
            pm_parse_note(p, "brackets that do not balance were read as punctuation"));
    }
    return marks % 2 == 1
               ? pm_parse_note(
                     p, "a quotation mark without its partner was read as punctuation")
               : PM_OK;
}

/* && || + - before words. */
static pm_status note_signs(pm_parser *p, pm_extent run) {
    uint8_t sign = p->text[run.lo], next = byte_at(p, run.lo + 1);
    bool and_or = pm_lex_is(p, run, "&&") || pm_lex_is(p, run, "||");
    if (and_or) {
        return pm_parse_note(p, "'%.*s' is no operator and was left out; write %s",
                             PM_SHOW(p, run), sign == '&' ? "AND" : "OR");
    }
    bool signed_word = (sign == '+' || sign == '-') && !is_digit(next) &&
                       pm_lex_has_word(p, (pm_extent){run.lo + 1, run.hi});
    return signed_word
               ? pm_parse_note(p,
                               "'%c' before a word was read as punctuation; write %s",
                               sign, sign == '+' ? "AND" : "NOT")
               : PM_OK;
}

/* ---- the words ---- */

typedef struct words {
    pm_node **at;
    size_t n, capacity;
    bool full;
} words;

/* Bytes at `at` that part two words although no blank does: what strict text would read
 * as an operator. part: begins after the last such place. */
static size_t parting(const pm_parser *p, pm_extent part, size_t at) {
    bool time = is_digit(p->text[part.lo]) && at > part.lo &&
                is_digit(p->text[at - 1]) && is_digit(byte_at(p, at + 1));
    switch (p->text[at]) {
    case '|':
    case '~':
    case '^':
        return 1;
    case ':':
        return time ? 0 : 1;
    case '&':
        return byte_at(p, at + 1) == '&' ? 2 : 0;
    case '.':
        return byte_at(p, at + 1) == '.' && at + 1 < part.hi ? 2 : 0;
    default:
        return 0;
    }
}

static pm_status add_word(pm_parser *p, pm_extent part, words *w) {
    pm_extent e = pm_lex_trim(p, part, PM_TRIM_WILDCARDS);
    if (!pm_lex_has_word(p, e)) {
        return PM_OK;
    }
    if (p->text[e.lo] == '$' && pm_lex_is_letter(p, e.lo + 1)) { /* x:$name */
        e = pm_lex_trim(p, (pm_extent){e.lo + 1, part.hi}, PM_TRIM_WILDCARDS);
    }
    if (p->clauses >= p->limits->clauses) {
        w->full = true;
        return PM_OK;
    }
    p->clauses++;
    if (!PM_GROW(w->at, w->n, w->capacity, 1)) {
        return pm_parse_nomem(p);
    }
    return pm_parse_bare_word(p, e, &w->at[w->n++]);
}

static pm_status add_run(pm_parser *p, pm_extent run, words *w) {
    pm_extent part = without_lead(p, run);
    if (pm_lex_is_url(p, part)) {
        return add_word(p, part, w);
    }
    for (size_t at = part.lo; at < part.hi;) {
        size_t n = parting(p, part, at);
        if (n > 0) {
            PM_TRY(add_word(p, (pm_extent){part.lo, at}, w));
            part.lo = at + n;
        }
        at += n > 0 ? n : 1;
    }
    return add_word(p, part, w);
}

static pm_status note_run(pm_parser *p, pm_extent run) {
    pm_extent word = pm_lex_trim(p, run, PM_TRIM_SIGNS);
    pm_extent without = pm_lex_trim(p, run, PM_TRIM_WILDCARDS);
    bool question = pm_lex_has_word(p, without) && p->text[word.hi - 1] == '?' &&
                    !pm_lex_is_url(p, word);
    PM_TRY(note_signs(p, run));
    return question ? pm_parse_note_question(p, without) : PM_OK;
}

static pm_status read_words(pm_parser *p, words *w) {
    pm_extent run;
    for (size_t at = 0; next_run(p, &at, &run);) {
        PM_TRY(note_run(p, run));
        PM_TRY(add_run(p, run, w));
    }
    for (size_t i = 1; i + 1 < w->n; i++) {
        PM_TRY(pm_parse_note_small(p, w->at[i]->text));
    }
    if (w->full) {
        PM_TRY(pm_parse_note(
            p,
            "only the first %u words were searched; raise pm.limits.clauses for more",
            (unsigned)p->limits->clauses));
    }
    return PM_OK;
}

static pm_status words_node(pm_parser *p, const words *w, pm_node **out) {
    if (w->n == 0) {
        return pm_parse_node(p, PM_NODE_NOTHING, 0, (pm_extent){0, p->n}, out);
    }
    if (w->n == 1) {
        *out = w->at[0];
        return PM_OK;
    }
    PM_TRY(pm_parse_node(p, PM_NODE_AND, (uint32_t)w->n, (pm_extent){0, 0}, out));
    memcpy((*out)->children, w->at, w->n * sizeof *w->at);
    (*out)->pos = w->at[0]->pos;
    (*out)->end = w->at[w->n - 1]->end;
    return PM_OK;
}

pm_status pm_parse_plain(pm_parser *p, pm_node **out) {
    words w = {0};
    pm_status status = note_balance(p);
    if (status == PM_OK) {
        status = read_words(p, &w);
    }
    if (status == PM_OK) {
        status = words_node(p, &w, out);
    }
    pm_free(w.at);
    return status;
}
