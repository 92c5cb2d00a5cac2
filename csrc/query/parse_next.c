/* The next thing of a query. A run is tried as operator, as name, and is else a word;
 * punctuation in front of it is passed over, with a note where it means something
 * elsewhere. */
#include <string.h>

#include "query/parse_inner.h"
#include "text/code_point.h"

static uint8_t byte_at(const pm_parser *p, size_t at) {
    return at < p->n ? p->text[at] : 0;
}

static const pm_level *level_of(const pm_parser *p) {
    return &p->levels[p->n_levels - 1];
}

/* An operand stands before, and no operator behind it. */
static bool after_operand(const pm_parser *p) {
    const pm_pending *now = &level_of(p)->pending;
    return now->join == PM_JOIN_BESIDE && now->name.kind == PM_NAME_NONE;
}

static bool next_is(const pm_parser *p, size_t at, pm_lex_class class) {
    unsigned len;
    return pm_lex_at(p, at, &len) == class;
}

/* ---- operators ---- */

static pm_status lex_near(pm_parser *p, pm_extent run, pm_lexeme *out) {
    if (out->near.n == 0) {
        pm_parse_fail(p, PM_SYNTAX, run, "no two words are at distance 0");
        pm_parse_hint(p, "W/1 is the next word");
        return PM_SYNTAX;
    }
    if (out->near.n > PM_MAX_DISTANCE) {
        return pm_parse_fail(p, PM_LIMIT, run, "a distance is at most %d",
                             PM_MAX_DISTANCE);
    }
    out->kind = PM_IS_NEAR;
    return PM_OK;
}

static pm_status lex_operator(pm_parser *p, pm_extent run, pm_lexeme *out) {
    if (pm_lex_is(p, run, "AND")) {
        out->kind = PM_IS_AND;
    } else if (pm_lex_is(p, run, "OR")) {
        out->kind = PM_IS_OR;
    } else if (pm_lex_is(p, run, "NOT")) {
        out->kind = PM_IS_NOT;
    } else if (pm_lex_near(p, run, &out->near)) {
        PM_TRY(lex_near(p, run, out));
    }
    p->at = out->kind != PM_IS_NONE ? run.hi : p->at;
    return PM_OK;
}

static bool no_small_letter(const pm_parser *p) {
    for (size_t at = 0; at < p->n;) {
        pm_cp c = pm_cp_at(p->text, p->n, at);
        if ((c.bits & PM_CHAR_LOWER) != 0) {
            return false;
        }
        at += c.len;
    }
    return true;
}

/* IN and the name of a zone behind an operand; in a text all in capitals (MADE IN
 * CHINA) only before a zone that is known. */
static pm_status lex_in(pm_parser *p, pm_extent run, pm_lexeme *out) {
    pm_extent next = pm_lex_run(p, pm_lex_skip_blanks(p, run.hi));
    pm_extent zone = pm_lex_trim(p, next, PM_TRIM_WILDCARDS);
    bool known = pm_lex_is_zone(p, zone);
    bool operand = next.hi > next.lo || next_is(p, next.lo, PM_LEX_OPEN);
    if (!after_operand(p) || !operand || (no_small_letter(p) && !known)) {
        return PM_OK;
    }
    if (!known && (p->schema != NULL || zone.hi == zone.lo)) {
        size_t hi = zone.hi > zone.lo ? next.hi : run.hi;
        return pm_parse_unknown_zone(p, (pm_extent){run.lo, hi}, zone);
    }
    PM_TRY(pm_parse_copy(p, zone, &out->zone));
    out->at = (pm_extent){run.lo, zone.hi};
    out->kind = PM_IS_IN;
    p->at = zone.hi;
    return PM_OK;
}

/* The number of a wrapper, and its '(', behind which p->at moves. digits: where the
 * number stands; open: where the parenthesis must. */
static pm_status lex_wrap(pm_parser *p, pm_wrap wrap, pm_extent word, size_t digits,
                          size_t open, pm_lexeme *out) {
    int64_t n = pm_lex_number(p, &digits);
    if (!next_is(p, open, PM_LEX_OPEN)) {
        pm_parse_fail(p, PM_SYNTAX, word, "%.*s stands before parentheses",
                      PM_SHOW(p, word));
        pm_parse_hint(p, "write %.*s (missile OR rocket)", PM_SHOW(p, word));
        return PM_SYNTAX;
    }
    if (n < 1 || n > PM_MAX_DISTANCE) {
        return pm_parse_fail(p, PM_SYNTAX, word, "the number of %.*s is 1 to %d",
                             PM_SHOW(p, word), PM_MAX_DISTANCE);
    }
    *out = (pm_lexeme){.kind = PM_IS_WRAP,
                       .at = {word.lo, open + 1},
                       .wrap = wrap,
                       .number = (int32_t)n};
    p->at = open + 1;
    return PM_OK;
}

/* ATLEAST/n (, FIRST/n (, n OF (. */
static pm_status lex_wrapper(pm_parser *p, pm_extent run, pm_lexeme *out) {
    size_t behind = pm_lex_skip_blanks(p, run.hi);
    pm_extent next = pm_lex_run(p, behind);
    if (pm_lex_is_quorum(p, run)) {
        bool first = p->text[run.lo] == 'F';
        return lex_wrap(p, first ? PM_WRAP_FIRST : PM_WRAP_ATLEAST, run,
                        run.lo + (first ? 6 : 8), behind, out);
    }
    size_t open = pm_lex_skip_blanks(p, next.hi);
    if (pm_lex_all_digits(p, run) && pm_lex_is(p, next, "OF") &&
        next_is(p, open, PM_LEX_OPEN)) {
        return lex_wrap(p, PM_WRAP_OF, (pm_extent){run.lo, next.hi}, run.lo, open, out);
    }
    return PM_OK;
}

/* stem("..."). */
static pm_status lex_stem(pm_parser *p, pm_extent run, pm_lexeme *out) {
    size_t mark = pm_lex_skip_blanks(p, run.hi + 1);
    if (!pm_lex_is(p, run, "stem") || !next_is(p, run.hi, PM_LEX_OPEN) ||
        !next_is(p, mark, PM_LEX_QUOTE)) {
        return PM_OK;
    }
    p->at = mark;
    PM_TRY(pm_parse_stem(p, &out->node));
    out->node->pos = pm_parse_point(p, run.lo);
    out->node->end = pm_parse_point(p, p->at);
    out->kind = PM_IS_OPERAND;
    return PM_OK;
}

/* What is an operator or more than a word although it begins like one. */
static pm_status lex_more(pm_parser *p, pm_extent run, pm_lexeme *out) {
    PM_TRY(lex_wrapper(p, run, out));
    if (out->kind == PM_IS_NONE) {
        PM_TRY(lex_stem(p, run, out));
    }
    if (out->kind == PM_IS_NONE && p->text[run.lo] == '$' &&
        pm_lex_is_letter(p, run.lo + 1)) {
        PM_TRY(pm_parse_named(p, run, &out->node));
        out->kind = PM_IS_OPERAND;
    }
    return out->kind == PM_IS_NONE && pm_lex_is(p, run, "IN") ? lex_in(p, run, out)
                                                              : PM_OK;
}

/* NEAR, ADJ, near5, adj5: operators of other languages. */
static pm_status note_foreign(pm_parser *p, pm_extent run) {
    size_t n = run.hi - run.lo;
    const uint8_t *c = p->text + run.lo;
    bool capitals = pm_lex_is(p, run, "NEAR") || pm_lex_is(p, run, "ADJ");
    bool near = n > 4 && (memcmp(c, "near", 4) == 0 || memcmp(c, "NEAR", 4) == 0);
    bool adj = n > 3 && (memcmp(c, "adj", 3) == 0 || memcmp(c, "ADJ", 3) == 0);
    bool number = (near && pm_lex_all_digits(p, (pm_extent){run.lo + 4, run.hi})) ||
                  (adj && pm_lex_all_digits(p, (pm_extent){run.lo + 3, run.hi}));
    if (!after_operand(p) || !(capitals || number)) {
        return PM_OK;
    }
    return pm_parse_note(
        p,
        "'%.*s' was searched as a word; distances are written W/5, or PRE/5 in order",
        PM_SHOW(p, run));
}

/* ---- punctuation ---- */

/* Signs that are looked at one by one in front of a word. */
static bool is_sign(uint32_t cp) {
    return cp < 0x80 && strchr("=~^<>|+-!&/", (int)cp) != NULL;
}

/* Where run begins to mean something. */
static size_t skip_punctuation(const pm_parser *p, pm_extent run) {
    size_t at = run.lo;
    while (at < run.hi) {
        pm_cp c = pm_cp_at(p->text, p->n, at);
        pm_extent one = {at, at + c.len};
        bool starts = c.class == PM_CHAR_AT || c.class == PM_CHAR_HASH ||
                      c.class == PM_CHAR_CURRENCY || c.class == PM_CHAR_UNDERSCORE;
        if (starts || is_sign(c.cp) || pm_lex_has_word(p, one) || c.cp == '*' ||
            c.cp == '?') {
            break;
        }
        at += c.len;
    }
    return at;
}

static pm_status note_left_out(pm_parser *p, pm_extent run) {
    if (pm_lex_is(p, run, "&&") || pm_lex_is(p, run, "||")) {
        return pm_parse_note(p, "'%.*s' is no operator and was left out; write %s",
                             PM_SHOW(p, run), p->text[run.lo] == '&' ? "AND" : "OR");
    }
    return pm_parse_note(p, "'%.*s' was left out: it holds no letter or digit",
                         PM_SHOW(p, run));
}

/* Lucene's + - ! before a word, phrase or group. A number may have a sign. */
static pm_status skip_lucene(pm_parser *p, pm_extent run) {
    uint8_t sign = p->text[run.lo], next = byte_at(p, run.lo + 1);
    bool number = next >= '0' && next <= '9';
    p->at = run.lo + 1;
    if (number) {
        return PM_OK;
    }
    return pm_parse_note(p, "'%c' before a word was read as punctuation; %s", sign,
                         sign == '+' ? "words side by side must all be there"
                                     : "write NOT to leave documents out");
}

/* Lexis cuts words by '!'. */
static pm_status note_exclamation(pm_parser *p, pm_extent run, const pm_node *word) {
    bool cut =
        p->text[run.hi - 1] == '!' && word != NULL && byte_at(p, run.hi - 2) != '!';
    return cut ? pm_parse_note(p,
                               "'!' was read as punctuation; write %s* for all endings",
                               word->text)
               : PM_OK;
}

/* = that is not in front of a word. */
static pm_status skip_equals(pm_parser *p, pm_extent run) {
    size_t at = run.lo;
    while (byte_at(p, at) == '=') {
        at++;
    }
    if (at == run.hi && (next_is(p, at, PM_LEX_QUOTE) || next_is(p, at, PM_LEX_OPEN))) {
        pm_parse_fail(p, PM_SYNTAX, run, "'%.*s' stands before a word",
                      PM_SHOW(p, run));
        pm_parse_hint(p, "within a phrase too: \"%.*swhite %.*shouse\"",
                      PM_SHOW(p, run), PM_SHOW(p, run));
        return PM_SYNTAX;
    }
    p->at = at;
    return PM_OK;
}

/* A sign at the start of run that begins no operator: passed over, or an error where it
 * promises one. */
static pm_status lex_sign(pm_parser *p, pm_extent run) {
    pm_extent rest = {run.lo + 1, run.hi};
    bool before_word = pm_lex_has_word(p, rest);
    bool before_group = rest.lo == rest.hi && (next_is(p, rest.hi, PM_LEX_QUOTE) ||
                                               next_is(p, rest.hi, PM_LEX_OPEN));
    switch (p->text[run.lo]) {
    case '+':
    case '-':
    case '!':
        if (before_word || before_group) {
            return skip_lucene(p, run);
        }
        break;
    case '<':
    case '>':
        if (before_word) {
            pm_parse_fail(p, PM_SYNTAX, run, "'%c' follows a metadata field",
                          p->text[run.lo]);
            pm_parse_hint(p, "write date:%c2020-01", p->text[run.lo]);
            return PM_SYNTAX;
        }
        break;
    case '~':
        if (before_word) {
            pm_parse_fail(p, PM_SYNTAX, run, "~ follows a phrase at once");
            pm_parse_hint(p, "write \"missile base\"~3");
            return PM_SYNTAX;
        }
        break;
    case '^':
        if (before_word) {
            pm_parse_fail(p, PM_SYNTAX, run, "^ follows what it weighs at once");
            pm_parse_hint(p, "write missile^2, \"white house\"^0.5 or (a OR b)^3");
            return PM_SYNTAX;
        }
        break;
    case '|':
        if (before_word) {
            pm_parse_fail(
                p, PM_SYNTAX, run,
                "| stands between alternatives in a phrase, within parentheses");
            pm_parse_hint(p, "write OR");
            return PM_SYNTAX;
        }
        break;
    case '=':
        return skip_equals(p, run);
    default:
        break;
    }
    p->at = before_word ? rest.lo : run.hi;
    return before_word ? PM_OK : note_left_out(p, run);
}

/* ---- runs ---- */

static pm_status lex_term(pm_parser *p, pm_extent run, pm_lexeme *out) {
    PM_TRY(lex_more(p, run, out));
    if (out->kind != PM_IS_NONE) {
        return PM_OK;
    }
    PM_TRY(note_foreign(p, run));
    PM_TRY(pm_parse_term(p, run, &out->node));
    PM_TRY(note_exclamation(p, run, out->node));
    out->kind = out->node != NULL ? PM_IS_OPERAND : PM_IS_NONE;
    return PM_OK;
}

static pm_status lex_value(pm_parser *p, pm_lexeme *out) {
    PM_TRY(pm_parse_value(p, &level_of(p)->name, &out->node));
    out->kind = PM_IS_OPERAND;
    return PM_OK;
}

/* kind stays NONE where something was passed over. */
static pm_status lex_run(pm_parser *p, pm_lexeme *out) {
    pm_extent run = pm_lex_run(p, p->at);
    bool in_column = level_of(p)->name.kind == PM_NAME_COLUMN;
    out->at = run;
    PM_TRY(lex_operator(p, run, out));
    if (out->kind != PM_IS_NONE) {
        return PM_OK;
    }
    if (in_column && !pm_parse_is_name(p, run)) {
        return lex_value(p, out);
    }
    size_t start = skip_punctuation(p, run);
    if (start > run.lo) {
        p->at = start;
        return start == run.hi ? note_left_out(p, run) : PM_OK;
    }
    if (is_sign(p->text[run.lo]) && pm_lex_signs(p, run) == 0) {
        return lex_sign(p, run);
    }
    PM_TRY(pm_parse_name(p, run, &out->name));
    if (out->name.kind != PM_NAME_NONE) {
        out->kind = PM_IS_NAME;
        p->at = out->name.at.hi;
        return PM_OK;
    }
    return lex_term(p, run, out);
}

static pm_status fail_bracket(pm_parser *p, pm_extent at) {
    pm_parse_fail(p, PM_SYNTAX, at, "'%.*s' has no meaning here", PM_SHOW(p, at));
    pm_parse_hint(
        p, "brackets hold a range after a metadata field: date:[2020-01 TO 2020-03]");
    return PM_SYNTAX;
}

static pm_status lex_one(pm_parser *p, pm_lexeme *out) {
    unsigned len;
    size_t from = p->at;
    pm_lex_class class = pm_lex_at(p, from, &len);
    out->at = (pm_extent){from, from + len};
    switch (class) {
    case PM_LEX_END:
        out->kind = PM_IS_END;
        return PM_OK;
    case PM_LEX_OPEN:
    case PM_LEX_CLOSE:
        out->kind = class == PM_LEX_OPEN ? PM_IS_OPEN : PM_IS_CLOSE;
        p->at += len;
        return PM_OK;
    case PM_LEX_COMMA:
        out->kind = PM_IS_COMMA;
        p->at += len;
        return PM_OK;
    case PM_LEX_QUOTE:
        if (level_of(p)->name.kind == PM_NAME_COLUMN) {
            return lex_value(p, out);
        }
        PM_TRY(pm_parse_phrase(p, &out->node));
        out->kind = PM_IS_OPERAND;
        return PM_OK;
    case PM_LEX_BRACKET:
        return level_of(p)->name.kind == PM_NAME_COLUMN ? lex_value(p, out)
                                                        : fail_bracket(p, out->at);
    default:
        return lex_run(p, out);
    }
}

pm_status pm_parse_next(pm_parser *p, pm_lexeme *out) {
    do {
        *out = (pm_lexeme){.kind = PM_IS_NONE};
        p->at = pm_lex_skip_blanks(p, p->at);
        out->at.lo = p->at;
        PM_TRY(lex_one(p, out));
    } while (out->kind == PM_IS_NONE);
    if (out->kind == PM_IS_OPERAND) {
        out->at.hi = p->at;
    }
    return PM_OK;
}
