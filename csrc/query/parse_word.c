/* Words and phrases, with what stands in front of them (=, ==) and behind (~1, ^2). */
#include <string.h>

#include "base/sys.h"
#include "query/parse_inner.h"
#include "text/code_point.h"
#include "text/utf8.h"

pm_status pm_parse_node(pm_parser *p, pm_node_kind kind, uint32_t n_children,
                        pm_extent at, pm_node **out) {
    pm_node *node = pm_node_new(&p->query->arena, kind, n_children);
    if (node == NULL) {
        return pm_parse_nomem(p);
    }
    node->pos = pm_parse_point(p, at.lo);
    node->end = pm_parse_point(p, at.hi);
    *out = node;
    return PM_OK;
}

pm_status pm_parse_copy(pm_parser *p, pm_extent e, const char **out) {
    *out = pm_arena_copy(&p->query->arena, p->text + e.lo, e.hi - e.lo);
    return *out == NULL ? pm_parse_nomem(p) : PM_OK;
}

pm_status pm_parse_count_clause(pm_parser *p, pm_extent at) {
    if (p->clauses >= p->limits->clauses) {
        return pm_parse_fail(
            p, PM_LIMIT, at,
            "a query of more than %u words, phrases and terms; raise pm.limits.clauses",
            (unsigned)p->limits->clauses);
    }
    p->clauses++;
    return PM_OK;
}

pm_status pm_parse_word_node(pm_parser *p, pm_extent e, pm_layer layer,
                             bool is_explicit, pm_node **out) {
    PM_TRY(pm_parse_node(p, PM_NODE_WORD, 0, e, out));
    (*out)->layer = layer;
    (*out)->explicit_layer = is_explicit;
    (*out)->literal = pm_lex_is_url(p, e);
    (*out)->capitals_plain = !(*out)->literal && pm_lex_has_wildcard(p, e);
    return pm_parse_copy(p, e, &(*out)->text);
}

static uint8_t byte_at(const pm_parser *p, size_t at) {
    return at < p->n ? p->text[at] : 0;
}
static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* ---- boosts ---- */

static pm_status fail_boost(pm_parser *p, pm_extent at) {
    pm_parse_fail(p, PM_SYNTAX, at,
                  "a boost is a number up to %d, with at most three decimals, and ends "
                  "what it weighs",
                  PM_MAX_BOOST / 1000);
    pm_parse_hint(p, "write missile^2, \"white house\"^0.5 or (a OR b)^3");
    return PM_SYNTAX;
}

/* Thousandths of the number at *at, which moves behind it; -1: none that may be. */
static int64_t read_thousandths(const pm_parser *p, size_t *at) {
    int64_t n = pm_lex_number(p, at) * 1000;
    if (byte_at(p, *at) != '.' || !is_digit(byte_at(p, *at + 1))) {
        return n <= PM_MAX_BOOST ? n : -1;
    }
    ++*at;
    for (int64_t unit = 100; is_digit(byte_at(p, *at)); unit /= 10) {
        if (unit == 0) {
            return -1;
        }
        n += unit * (p->text[(*at)++] - '0');
    }
    return n <= PM_MAX_BOOST ? n : -1;
}

pm_status pm_parse_boost(pm_parser *p, pm_node *node) {
    size_t from = p->at, at = from + 1;
    if (byte_at(p, from) != '^' || !is_digit(byte_at(p, at))) {
        return PM_OK;
    }
    int64_t thousandths = read_thousandths(p, &at);
    uint64_t product =
        (uint64_t)node->boost * (uint64_t)(thousandths < 0 ? 0 : thousandths) / 1000;
    if (thousandths < 0 || product > PM_MAX_BOOST ||
        pm_lex_has_word(p, (pm_extent){at, pm_lex_run(p, from).hi})) {
        return fail_boost(p, pm_lex_run(p, from));
    }
    node->boost = (uint32_t)product;
    p->at = at;
    return PM_OK;
}

/* Where the ^2 begins that ends run, behind a word; run.hi where there is none. */
static size_t boost_of(const pm_parser *p, pm_extent run) {
    size_t at = run.hi;
    while (at > run.lo && p->text[at - 1] != '^') {
        at--;
    }
    bool behind_word = at > run.lo && pm_lex_has_word(p, (pm_extent){run.lo, at - 1});
    return behind_word && is_digit(byte_at(p, at)) && !pm_lex_is_url(p, run) ? at - 1
                                                                             : run.hi;
}

/* ---- one word ---- */

/* Where in e the bytes stand, or SIZE_MAX. */
static size_t find(const pm_parser *p, pm_extent e, const char *bytes) {
    size_t n = strlen(bytes);
    for (size_t at = e.lo; at + n <= e.hi; at++) {
        if (memcmp(p->text + at, bytes, n) == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

static pm_status fail_fuzzy(pm_parser *p, pm_extent e, bool in_phrase) {
    pm_parse_fail(p, PM_SYNTAX, e,
                  in_phrase
                      ? "no fuzzy words in a phrase"
                      : "~, ~1 or ~2 ends a word: at most so many letters differ");
    pm_parse_hint(p, "%s",
                  in_phrase ? "write its words near each other: soleimani~1 PRE/1 said"
                            : "write soleimani~1; for words near each other \"missile "
                              "base\"~3 or missile W/3 base");
    return PM_SYNTAX;
}

/* A sign in a wrong place, or of another language, inside a word. e is trimmed. */
static pm_status check_word(pm_parser *p, pm_extent e, bool in_phrase) {
    if (pm_lex_is_url(p, e)) {
        return PM_OK;
    }
    if (pm_lex_has_wildcard(p, e) && !pm_lex_has_word(p, e)) {
        pm_parse_fail(p, PM_SYNTAX, e,
                      "a pattern needs a letter or digit besides * and ?");
        pm_parse_hint(
            p, "inside a phrase a lone * stands for any one word: \"closed * door\"");
        return PM_SYNTAX;
    }
    if (find(p, e, "~") != SIZE_MAX) {
        return fail_fuzzy(p, e, in_phrase);
    }
    if (find(p, e, "|") != SIZE_MAX) {
        pm_parse_fail(p, PM_SYNTAX, e,
                      "| stands between alternatives in a phrase, within parentheses");
        pm_parse_hint(p, "%s",
                      in_phrase ? "write \"(closed|shut) a door\"" : "write OR");
        return PM_SYNTAX;
    }
    size_t caret = find(p, e, "^");
    if (!in_phrase && caret != SIZE_MAX && is_digit(byte_at(p, caret + 1))) {
        return fail_boost(p, e);
    }
    size_t dots = find(p, e, "..");
    bool range = dots != SIZE_MAX && dots > e.lo && is_digit(p->text[dots - 1]) &&
                 is_digit(byte_at(p, dots + 2));
    if (!in_phrase && (range || find(p, e, "&&") != SIZE_MAX)) {
        pm_parse_fail(p, PM_SYNTAX, e,
                      range ? "a range follows a metadata field" : "&& is no operator");
        pm_parse_hint(p, "%s", range ? "write date:2020-01..2020-03" : "write AND");
        return PM_SYNTAX;
    }
    return PM_OK;
}

pm_status pm_parse_bare_word(pm_parser *p, pm_extent e, pm_node **out) {
    PM_TRY(pm_parse_word_node(p, e, PM_LAYER_STEM, false, out));
    if (!pm_lex_is_operator(p, e)) {
        return PM_OK;
    }
    size_t n = e.hi - e.lo;
    char *marked = pm_arena_alloc(&p->query->arena, n + 2);
    if (marked == NULL) {
        return pm_parse_nomem(p);
    }
    memcpy(marked, p->text + e.lo, n);
    memcpy(marked + n, ",", 2);
    (*out)->text = marked;
    return PM_OK;
}

/* = and == in front of run: their number; run is moved behind them. */
static pm_status take_signs(pm_parser *p, pm_extent *run, unsigned *signs) {
    *signs = pm_lex_signs(p, *run);
    if (*signs > 2) {
        return pm_parse_fail(p, PM_SYNTAX, *run, "at most two = stand before a word");
    }
    run->lo += *signs;
    return PM_OK;
}

static pm_status note_wildcard_end(pm_parser *p, pm_extent e) {
    if (e.hi == e.lo || p->text[e.hi - 1] != '?' || pm_lex_is_url(p, e)) {
        return PM_OK;
    }
    return pm_parse_note(p,
                         "the ? in '%.*s' stands for exactly one character; leave it "
                         "out if it is punctuation",
                         PM_SHOW(p, e));
}

/* ~, ~1, ~2 at the end of run: the distance, and run without it. */
static pm_status take_fuzzy(pm_parser *p, pm_extent *run, unsigned signs,
                            uint8_t *fuzzy) {
    size_t tilde = find(p, *run, "~");
    *fuzzy = 0;
    if (tilde == SIZE_MAX || pm_lex_is_url(p, *run)) {
        return PM_OK;
    }
    pm_extent number = {tilde + 1, run->hi}, word = {run->lo, tilde};
    while (number.hi > number.lo && strchr(".,;:!?", p->text[number.hi - 1]) != NULL) {
        number.hi--;
    }
    bool one = number.hi == number.lo || pm_lex_is(p, number, "1");
    if ((!one && !pm_lex_is(p, number, "2")) || !pm_lex_has_word(p, word)) {
        return fail_fuzzy(p, *run, false);
    }
    if (pm_lex_has_wildcard(p, word) || signs == 2) {
        pm_parse_fail(p, PM_SYNTAX, *run, "a fuzzy word has no %s",
                      signs == 2 ? "==: letters that differ are its point"
                                 : "wildcards besides");
        return PM_SYNTAX;
    }
    run->hi = tilde;
    *fuzzy = one ? 1 : 2;
    return PM_OK;
}

static pm_status term_node(pm_parser *p, pm_extent e, unsigned signs, uint8_t fuzzy,
                           pm_node **out) {
    PM_TRY(pm_parse_count_clause(p, e));
    if (signs == 0 && fuzzy == 0) {
        return pm_parse_bare_word(p, e, out);
    }
    PM_TRY(pm_parse_word_node(p, e, signs == 2 ? PM_LAYER_SURFACE : PM_LAYER_FOLDED,
                              signs > 0, out));
    (*out)->fuzzy = fuzzy;
    (*out)->capitals_plain |= fuzzy > 0;
    return PM_OK;
}

/* p->at moves behind what was read of run. */
pm_status pm_parse_term(pm_parser *p, pm_extent run, pm_node **out) {
    unsigned signs;
    uint8_t fuzzy;
    bool question = p->plain && run.hi == p->question;
    *out = NULL;
    size_t boost = boost_of(p, run), end = run.hi;
    run.hi = boost;
    PM_TRY(take_signs(p, &run, &signs));
    PM_TRY(take_fuzzy(p, &run, signs, &fuzzy));
    pm_extent e = pm_lex_trim(p, run, question ? PM_TRIM_WILDCARDS : PM_TRIM_SIGNS);
    p->at = end;
    if (!pm_lex_has_word(p, e) && !pm_lex_has_wildcard(p, e)) {
        return pm_parse_note(p, "'%.*s' was left out: it holds no letter or digit",
                             PM_SHOW(p, run));
    }
    PM_TRY(check_word(p, e, false));
    PM_TRY(question ? pm_parse_note_question(p, e) : note_wildcard_end(p, e));
    PM_TRY(term_node(p, e, signs, fuzzy, out));
    p->at = boost;
    PM_TRY(pm_parse_boost(p, *out));
    p->at = end;
    return PM_OK;
}

/* ---- phrases ---- */

typedef struct slots {
    pm_node **at;
    size_t n, capacity;
} slots;

static pm_status add_slot(pm_parser *p, slots *s, pm_node *node) {
    if (!PM_GROW(s->at, s->n, s->capacity, 1)) {
        return pm_parse_nomem(p);
    }
    s->at[s->n++] = node;
    return PM_OK;
}

/* NULL where run is punctuation alone. */
static pm_status slot_word(pm_parser *p, pm_extent run, pm_node **out) {
    unsigned signs;
    *out = NULL;
    PM_TRY(take_signs(p, &run, &signs));
    pm_extent e = pm_lex_trim(p, run, PM_TRIM_SIGNS);
    if (!pm_lex_has_word(p, e) && !pm_lex_has_wildcard(p, e)) {
        return PM_OK;
    }
    PM_TRY(check_word(p, e, true));
    PM_TRY(note_wildcard_end(p, e));
    return pm_parse_word_node(p, e, signs == 2 ? PM_LAYER_SURFACE : PM_LAYER_FOLDED,
                              signs > 0, out);
}

static pm_status fail_alternatives(pm_parser *p, pm_extent at, const char *why) {
    pm_parse_fail(p, PM_SYNTAX, at, "alternatives in a phrase %s", why);
    pm_parse_hint(p, "write \"(closed|shut) a door\", or two phrases with OR");
    return PM_SYNTAX;
}

/* The words of (a|b), e being what is between the parentheses. */
static pm_status read_alternatives(pm_parser *p, pm_extent e, slots *words) {
    size_t at = e.lo;
    while (at <= e.hi) {
        const uint8_t *bar = memchr(p->text + at, '|', e.hi - at);
        size_t end = bar != NULL ? (size_t)(bar - p->text) : e.hi;
        size_t lo = pm_lex_skip_blanks(p, at);
        pm_extent run = {lo, lo};
        unsigned len;
        while (run.hi < end && pm_lex_at(p, run.hi, &len) == PM_LEX_RUN) {
            run.hi += len;
        }
        pm_node *word = NULL;
        if (lo < end && pm_lex_skip_blanks(p, run.hi) < end) {
            return fail_alternatives(p, e, "are single words");
        }
        if (lo < end) {
            PM_TRY(slot_word(p, run, &word));
        }
        if (word == NULL) {
            return fail_alternatives(p, e, "must not be empty");
        }
        PM_TRY(add_slot(p, words, word));
        at = end + 1;
    }
    return PM_OK;
}

static pm_status alternatives_slot(pm_parser *p, pm_extent inside, slots *to) {
    slots words = {0};
    pm_node *node = NULL;
    pm_status status = read_alternatives(p, inside, &words);
    if (status == PM_OK) {
        status = pm_parse_node(p, PM_NODE_ALTERNATIVES, (uint32_t)words.n,
                               (pm_extent){inside.lo - 1, inside.hi + 1}, &node);
    }
    if (status == PM_OK) {
        memcpy(node->children, words.at, words.n * sizeof(pm_node *));
        status = add_slot(p, to, node);
    }
    pm_free(words.at);
    return status;
}

static bool behind_blank(const pm_parser *p, size_t at) {
    unsigned len;
    return pm_lex_at(p, pm_utf8_before(p->text, at), &len) == PM_LEX_BLANK;
}

/* What stands at the '(' at `at` in a phrase that ends at hi. Parentheses without | are
 * punctuation. */
static pm_status open_slot(pm_parser *p, pm_extent phrase, size_t *at, slots *s) {
    const uint8_t *close = memchr(p->text + *at, ')', phrase.hi - *at);
    size_t end = close != NULL ? (size_t)(close - p->text) : *at;
    unsigned len;
    if (close == NULL || memchr(p->text + *at, '|', end - *at) == NULL) {
        ++*at;
        return PM_OK;
    }
    pm_extent after = {end + 1, end + 1};
    while (after.hi < phrase.hi && pm_lex_at(p, after.hi, &len) == PM_LEX_RUN) {
        after.hi += len;
    }
    if ((*at > phrase.lo && !behind_blank(p, *at)) || pm_lex_has_word(p, after)) {
        return fail_alternatives(p, (pm_extent){*at, end + 1},
                                 "stand by themselves, between blanks");
    }
    pm_extent inside = {*at + 1, end};
    *at = end + 1;
    return alternatives_slot(p, inside, s);
}

static pm_status run_slot(pm_parser *p, pm_extent run, slots *s) {
    pm_node *node = NULL;
    if (pm_lex_is(p, run, "*")) {
        PM_TRY(pm_parse_node(p, PM_NODE_ANY, 0, run, &node));
    } else {
        PM_TRY(slot_word(p, run, &node));
    }
    return node == NULL ? PM_OK : add_slot(p, s, node);
}

static pm_status read_slots(pm_parser *p, pm_extent phrase, slots *s) {
    for (size_t at = phrase.lo; at < phrase.hi;) {
        unsigned len;
        pm_lex_class c = pm_lex_at(p, at, &len);
        if (c == PM_LEX_RUN) {
            pm_extent run = pm_lex_run(p, at);
            at = run.hi;
            PM_TRY(run_slot(p, run, s));
        } else if (c == PM_LEX_OPEN) {
            PM_TRY(open_slot(p, phrase, &at, s));
        } else {
            at += len;
        }
    }
    return PM_OK;
}

static bool any_word(const slots *s) {
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i]->kind != PM_NODE_ANY) {
            return true;
        }
    }
    return false;
}

/* ~n or ~>n behind the closing mark; *at moves behind it. */
static pm_status read_slop(pm_parser *p, size_t *at, pm_node *phrase) {
    size_t from = *at;
    if (byte_at(p, from) != '~') {
        return PM_OK;
    }
    bool in_order = byte_at(p, from + 1) == '>';
    size_t digits = from + 1 + in_order, end = digits;
    int64_t n = pm_lex_number(p, &end);
    pm_extent run = pm_lex_run(p, from);
    bool more = byte_at(p, end) != '^' && pm_lex_has_word(p, (pm_extent){end, run.hi});
    if (end == digits || more) {
        pm_parse_fail(p, PM_SYNTAX, run, "%s needs a number of words",
                      in_order ? "~>" : "~");
        pm_parse_hint(p, "\"a b\"~3: any order, at most 3 other words between; \"a "
                         "b\"~>3: in order");
        return PM_SYNTAX;
    }
    if (n > PM_MAX_DISTANCE) {
        return pm_parse_fail(p, PM_LIMIT, run, "a distance is at most %d",
                             PM_MAX_DISTANCE);
    }
    phrase->slop = in_order ? PM_SLOP_IN_ORDER : PM_SLOP_ANY_ORDER;
    phrase->n = (int32_t)n;
    *at = end;
    return PM_OK;
}

/* A mark behind a blank and before a letter opens a quotation rather than closes
 * one. */
static pm_status check_closing(pm_parser *p, size_t open, size_t close, unsigned len) {
    if (!behind_blank(p, close) || !pm_lex_is_letter(p, close + len)) {
        return PM_OK;
    }
    pm_parse_fail(p, PM_SYNTAX, (pm_extent){open, close + len},
                  "a quotation mark inside a quotation");
    pm_parse_hint(p, "leave the inner quotation marks out: they are not searched");
    return PM_SYNTAX;
}

static pm_status phrase_node(pm_parser *p, pm_extent inside, const slots *s,
                             size_t open, pm_node **out) {
    unsigned len;
    pm_lex_at(p, inside.hi, &len);
    size_t end = inside.hi + len;
    if (!any_word(s)) {
        return pm_parse_fail(p, PM_SYNTAX, (pm_extent){open, end},
                             "no word between the quotation marks");
    }
    PM_TRY(
        pm_parse_node(p, PM_NODE_PHRASE, (uint32_t)s->n, (pm_extent){open, end}, out));
    memcpy((*out)->children, s->at, s->n * sizeof(pm_node *));
    if (pm_mark_headline((*out)->children, (*out)->n_children)) {
        PM_TRY(pm_parse_note(
            p, "a phrase in capitals throughout: they mean nothing, US finds us too"));
    }
    PM_TRY(read_slop(p, &end, *out));
    (*out)->end = pm_parse_point(p, end);
    p->at = end;
    PM_TRY(pm_parse_boost(p, *out));
    return pm_parse_count_clause(p, (pm_extent){open, end});
}

pm_status pm_parse_phrase(pm_parser *p, pm_node **out) {
    unsigned len;
    size_t open = p->at, close = pm_lex_closing(p, open);
    pm_lex_at(p, open, &len);
    pm_extent inside = {open + len, close};
    if (close == SIZE_MAX) {
        return pm_parse_fail(p, PM_SYNTAX, (pm_extent){open, open + len},
                             "quotation mark without its partner");
    }
    pm_lex_at(p, close, &len);
    if (close > inside.lo) {
        PM_TRY(check_closing(p, open, close, len));
    }
    slots s = {0};
    pm_status status = read_slots(p, inside, &s);
    if (status == PM_OK) {
        status = phrase_node(p, inside, &s, open, out);
    }
    pm_free(s.at);
    return status;
}

/* ---- names of sets ---- */

/* Letters, digits and _ behind the $. */
static pm_extent set_name(const pm_parser *p, pm_extent run) {
    pm_extent name = {run.lo + 1, run.lo + 1};
    while (name.hi < run.hi) {
        pm_cp c = pm_cp_at(p->text, p->n, name.hi);
        if (!pm_class_is_word(c.class) && !pm_class_stays(c.class)) {
            break;
        }
        name.hi += c.len;
    }
    return name;
}

static const pm_named *find_named(const pm_parser *p, pm_extent name) {
    for (uint32_t i = 0; i < p->schema->n_named; i++) {
        if (pm_lex_is(p, name, p->schema->named[i].name)) {
            return &p->schema->named[i];
        }
    }
    return NULL;
}

pm_status pm_parse_named(pm_parser *p, pm_extent run, pm_node **out) {
    pm_extent name = set_name(p, run), rest = {name.hi, run.hi};
    const pm_named *named = p->schema != NULL ? find_named(p, name) : NULL;
    if (p->schema != NULL && named == NULL) {
        return pm_parse_unknown_set(p, name);
    }
    if (byte_at(p, name.hi) != '^' && pm_lex_has_word(p, rest)) {
        return pm_parse_fail(p, PM_SYNTAX, run, "$%.*s ends before '%.*s'",
                             PM_SHOW(p, name), PM_SHOW(p, rest));
    }
    PM_TRY(pm_parse_count_clause(p, run));
    PM_TRY(pm_build_set(p, named, out));
    PM_TRY(pm_parse_copy(p, name, &(*out)->text));
    (*out)->pos = pm_parse_point(p, run.lo);
    (*out)->end = pm_parse_point(p, name.hi);
    p->at = name.hi;
    PM_TRY(pm_parse_boost(p, *out));
    p->at = p->at > name.hi ? p->at : run.hi;
    return PM_OK;
}

/* ---- stems ---- */

/* Slots without = or == match by stem. */
static void stem_slots(pm_node *const *nodes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (nodes[i]->kind == PM_NODE_ALTERNATIVES) { /* of words alone */
            stem_slots(nodes[i]->children, nodes[i]->n_children);
        } else if (nodes[i]->kind == PM_NODE_WORD && !nodes[i]->explicit_layer) {
            nodes[i]->layer = PM_LAYER_STEM;
        }
    }
}

pm_status pm_parse_stem(pm_parser *p, pm_node **out) {
    size_t open = p->at;
    PM_TRY(pm_parse_phrase(p, out));
    p->at = pm_lex_skip_blanks(p, p->at);
    if (byte_at(p, p->at) != ')') {
        return pm_parse_fail(p, PM_SYNTAX, (pm_extent){open, p->at},
                             "stem(\"...\") holds one phrase and ends in ')'");
    }
    p->at++;
    stem_slots((*out)->children, (*out)->n_children);
    return pm_parse_boost(p, *out);
}

/* ---- capitals throughout ---- */

static void look_at_letters(const char *text, bool *letters, bool *any_small) {
    const uint8_t *bytes = (const uint8_t *)text;
    size_t n = strlen(text);
    for (size_t at = 0; at < n;) {
        pm_cp c = pm_cp_at(bytes, n, at);
        at += c.len;
        bool letter = pm_class_is_letter(c.class) || c.class == PM_CHAR_CJK ||
                      c.class == PM_CHAR_CLUSTER;
        *letters |= letter;
        *any_small |= letter && (c.bits & PM_CHAR_LOWER) != 0;
    }
}

static void count_letters(pm_node *const *words, uint32_t n, unsigned *with_letters,
                          bool *any_small) {
    for (uint32_t i = 0; i < n; i++) {
        if (words[i]->kind == PM_NODE_ALTERNATIVES) {
            count_letters(words[i]->children, words[i]->n_children, with_letters,
                          any_small);
        } else if (words[i]->kind == PM_NODE_WORD) {
            bool letters = false;
            look_at_letters(words[i]->text, &letters, any_small);
            *with_letters += letters;
        }
    }
}

static void set_capitals_plain(pm_node *const *words, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (words[i]->kind == PM_NODE_ALTERNATIVES) {
            set_capitals_plain(words[i]->children, words[i]->n_children);
        } else if (words[i]->kind == PM_NODE_WORD) {
            words[i]->capitals_plain = true;
        }
    }
}

/* Alternatives hold words alone, so the recursion is one level deep. */
bool pm_mark_headline(pm_node *const *words, uint32_t n) {
    unsigned with_letters = 0;
    bool any_small = false;
    count_letters(words, n, &with_letters, &any_small);
    if (with_letters < 2 || any_small) {
        return false;
    }
    set_capitals_plain(words, n);
    return true;
}
