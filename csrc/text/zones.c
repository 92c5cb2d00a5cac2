/* One pass over the gaps between tokens. A gap is read as a small automaton over its
 * characters: line ends and blanks make paragraphs, full stops and their like make
 * sentences, double quotation marks open and close quotations. */
#include "text/zones.h"

#include <string.h>

#include "text/code_point.h"
#include "text/utf8.h"

enum { LONG_LINE_CODE_POINTS = 100, NO_OPENER = 0 };

/* What ends a paragraph is decided once for a text. */
typedef enum paragraph_rule {
    BY_BLANK_LINE, /* the text has a blank line between others */
    BY_LINE,       /* it has none, and a line of more than 100 code points */
    BY_INDENT      /* it has none, and is hard-wrapped */
} paragraph_rule;

typedef struct zones {
    const pm_analyzer *an;
    const uint8_t *text;
    size_t n;
    pm_tokens *t;
    paragraph_rule rule;
    uint32_t opener; /* quotation mark that is open, or NO_OPENER */
    uint32_t quote_lo;
    bool failed;
} zones;

/* What a gap has shown so far. */
typedef struct gap {
    size_t lo;       /* its first byte */
    uint32_t token;  /* number of the token behind it */
    unsigned stops;  /* terminators */
    bool dot;        /* the first terminator is a full stop ... */
    bool adjacent;   /* ... and stands at the end of the word */
    bool wide;       /* a terminator that needs no blank behind it: 。 । ؟ */
    bool blank;      /* a blank or line end behind the first terminator */
    bool line_start; /* nothing but blanks since a line end */
    bool indented;   /* ... and at least one of them */
    bool paragraph;
} gap;

/* ---- which rule ---- */

static bool is_blank_byte(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_blank_line(const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n;) {
        pm_cp c = pm_cp_at(p, n, i);
        if (!is_blank_byte(p[i]) && c.class != PM_CHAR_BLANK) {
            return false;
        }
        i += c.len;
    }
    return true;
}

static bool is_long_line(const uint8_t *p, size_t n) {
    return n > LONG_LINE_CODE_POINTS && (n > 4 * LONG_LINE_CODE_POINTS ||
                                         pm_utf8_count(p, n) > LONG_LINE_CODE_POINTS);
}

/* Lines end at LF, or at CR where the text has no LF. Blank lines before the first
 * other line and behind the last do not count. */
static paragraph_rule find_rule(const uint8_t *text, size_t n) {
    int line_end = n > 0 && memchr(text, '\n', n) == NULL ? '\r' : '\n';
    bool started = false, blank = false, has_long = false;
    for (size_t at = 0; at < n;) {
        const uint8_t *p = text + at, *end = memchr(p, line_end, n - at);
        size_t len = end == NULL ? n - at : (size_t)(end - p);
        if (is_blank_line(p, len)) {
            blank = started;
        } else if (blank) {
            return BY_BLANK_LINE;
        } else {
            started = true;
            has_long |= is_long_line(p, len);
        }
        at += len + 1;
    }
    return has_long ? BY_LINE : BY_INDENT;
}

/* ---- quotations ---- */

static void open_quote(zones *z, uint32_t mark, uint32_t token) {
    z->opener = mark;
    z->quote_lo = token;
}

static void close_quote(zones *z, uint32_t token) {
    pm_tokens *t = z->t;
    if (z->opener != NO_OPENER && token > z->quote_lo && !z->failed) {
        if (PM_GROW(t->quotes, t->n_quotes, t->quotes_capacity, 1)) {
            t->quotes[t->n_quotes++] = (pm_span32){z->quote_lo, token};
        } else {
            z->failed = true;
        }
    }
    z->opener = NO_OPENER;
}

typedef enum mark { NO_MARK, OPENING, CLOSING, STRAIGHT } mark;

static mark mark_of(uint32_t cp) {
    switch (cp) {
    case 0x201c:
    case 0x201e:
    case 0x201f:
    case 0xab:
    case 0x300c:
    case 0x300e:
    case 0x301d:
        return OPENING;
    case 0x201d:
    case 0xbb:
    case 0x300d:
    case 0x300f:
    case 0x301e:
    case 0x301f:
        return CLOSING;
    case 0x22:
    case 0xff02:
        return STRAIGHT;
    default:
        return NO_MARK;
    }
}

static bool is_space(unsigned class) {
    return class == PM_CHAR_BLANK || class == PM_CHAR_NEWLINE;
}

/* At the start, or behind a blank or an opening bracket. */
static bool is_free_before(const zones *z, size_t at) {
    if (at == 0) {
        return true;
    }
    pm_cp c = pm_cp_at(z->text, z->n, pm_utf8_before(z->text, at));
    return is_space(c.class) || c.class == PM_CHAR_BRACKET;
}

static bool is_free_behind(const zones *z, size_t at) {
    return at >= z->n || is_space(pm_cp_at(z->text, z->n, at).class);
}

/* 「 and 『 close with their own kind; „ also with “ (German), » with « (»so«); a “ at a
 * word's end is a slip for ”. */
static bool closes(const zones *z, size_t at, pm_cp c, mark m) {
    if (z->opener == 0x300c || z->opener == 0x300e) {
        return c.cp == z->opener + 1;
    }
    if (m != OPENING) {
        return true;
    }
    return (z->opener == 0x201e && c.cp == 0x201c) ||
           (z->opener == 0xbb && c.cp == 0xab) ||
           (c.cp == 0x201c && !is_free_before(z, at) && is_free_behind(z, at + c.len));
}

/* ” and » open too where they stand free before a word: Swedish ”…”, German »…«. */
static void see_quote(zones *z, const gap *g, size_t at, pm_cp c, mark m) {
    if (z->opener != NO_OPENER) {
        if (closes(z, at, c, m)) {
            close_quote(z, g->token);
        }
    } else if (m == OPENING || (is_free_before(z, at) &&
                                (m == STRAIGHT || !is_free_behind(z, at + c.len)))) {
        open_quote(z, c.cp, g->token);
    }
}

/* ---- paragraphs ---- */

static void end_paragraph(zones *z, gap *g) {
    g->paragraph = true;
    close_quote(z, g->token);
}

static void see_line_end(zones *z, gap *g, uint32_t cp) {
    g->blank = g->stops > 0;
    if (cp == 0x2029 || z->rule == BY_LINE ||
        (z->rule == BY_BLANK_LINE && g->line_start)) {
        end_paragraph(z, g);
    }
    g->line_start = true;
    g->indented = false;
}

/* Something that is no blank: the token itself, or punctuation. */
static void see_ink(zones *z, gap *g) {
    if (z->rule == BY_INDENT && g->line_start && g->indented) {
        end_paragraph(z, g);
    }
    g->line_start = false;
}

/* ---- sentences ---- */

static bool is_terminator(pm_cp c) {
    return c.class == PM_CHAR_STOP || c.class == PM_CHAR_DOT || c.cp == 0x203c ||
           c.cp == 0x2049;
}

static void see_terminator(gap *g, size_t at, pm_cp c) {
    if (g->stops == 0) {
        g->dot = c.class == PM_CHAR_DOT;
        g->adjacent = at == g->lo;
    }
    g->stops++;
    g->wide |=
        c.class == PM_CHAR_STOP && c.cp >= 0x80 && (c.cp < 0x2026 || c.cp > 0x2049);
}

/* Bits of a token's first character behind its sign. */
static pm_cp first_character(const zones *z, pm_token t) {
    pm_cp c = pm_cp_at(z->text, z->n, t.start);
    bool sign =
        c.class == PM_CHAR_AT || c.class == PM_CHAR_HASH || c.class == PM_CHAR_CURRENCY;
    return sign ? pm_cp_at(z->text, z->n, t.start + c.len) : c;
}

/* Mr. J. Smith, 3. Oktober: a single full stop right behind `word` that ends no
 * sentence. */
static bool is_shortened(const zones *z, pm_token word, pm_cp next) {
    const uint8_t *p = z->text + word.start;
    size_t n = word.end - word.start;
    pm_cp c = pm_cp_at(z->text, z->n, word.start);
    if (c.len == n && (c.bits & PM_CHAR_UPPER) != 0) {
        return true;
    }
    if (z->an->rules->ordinal_dot && word.kind == PM_KIND_NUMBER && n <= 2) {
        return true;
    }
    return pm_is_abbreviation(p, n, next.class == PM_CHAR_DIGIT);
}

static bool ends_sentence(const zones *z, const gap *g) {
    const pm_token *next = &z->t->at[g->token];
    pm_cp first = first_character(z, *next);
    if (g->stops == 0 || (first.bits & PM_CHAR_LOWER) != 0) {
        return false;
    }
    if (g->stops == 1 && g->dot && g->adjacent && is_shortened(z, next[-1], first)) {
        return false;
    }
    if (g->blank || g->wide) {
        return true;
    }
    /* "the region.In Tehran": no blank, but a small letter before and a capital
     * behind. */
    pm_cp before = pm_cp_at(z->text, z->n, pm_utf8_before(z->text, g->lo));
    return (before.bits & PM_CHAR_LOWER) != 0 && (first.bits & PM_CHAR_UPPER) != 0;
}

/* ---- the pass ---- */

static void see(zones *z, gap *g, size_t at, pm_cp c) {
    mark m;
    if (c.class == PM_CHAR_NEWLINE) {
        if (c.cp != '\r' || at + 1 >= z->n || z->text[at + 1] != '\n') {
            see_line_end(z, g, c.cp);
        }
        return;
    }
    if (c.class == PM_CHAR_BLANK) {
        g->blank = g->stops > 0;
        g->indented = g->line_start;
        return;
    }
    if (pm_class_stays(c.class)) {
        return;
    }
    see_ink(z, g);
    if (is_terminator(c)) {
        see_terminator(g, at, c);
    } else if ((m = mark_of(c.cp)) != NO_MARK) {
        see_quote(z, g, at, c, m);
    }
}

/* g is written in place: a struct that was filled byte by byte is dear to copy. */
static void read_gap(zones *z, gap *g, size_t hi) {
    for (size_t at = g->lo; at < hi;) {
        pm_cp c = pm_cp_at(z->text, z->n, at);
        see(z, g, at, c);
        at += c.len;
    }
}

static void start_zones(zones *z, uint32_t token) {
    pm_token *t = z->t->at + token;
    gap g = {.lo = token > 0 ? t[-1].end : 0, .token = token};
    read_gap(z, &g, t->start);
    see_ink(z, &g);
    if (token == 0 || g.paragraph) {
        t->flags = PM_TOKEN_PARAGRAPH | PM_TOKEN_SENTENCE;
    } else if (ends_sentence(z, &g)) {
        t->flags = PM_TOKEN_SENTENCE;
    }
}

pm_status pm_zones_find(const pm_analyzer *an, pm_bytes text, pm_tokens *t,
                        pm_error *err) {
    if (t->n == 0) {
        return PM_OK;
    }
    zones z = {.an = an,
               .text = text.p,
               .n = text.n,
               .t = t,
               .rule = find_rule(text.p, text.n)};
    if (t->n_marks == 0 || t->marks[0] != 0) {
        start_zones(&z, 0);
    }
    for (size_t i = 0; i < t->n_marks; i++) {
        start_zones(&z, t->marks[i]);
    }
    gap last = {.lo = t->at[t->n - 1].end, .token = (uint32_t)t->n};
    read_gap(&z, &last, text.n);
    close_quote(&z, (uint32_t)t->n);
    return z.failed ? pm_fail_nomem(err, t->quotes_capacity * 2 * sizeof *t->quotes)
                    : PM_OK;
}
