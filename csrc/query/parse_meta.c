/* Names before ':' and the values and ranges behind the names of metadata columns. */
#include <string.h>

#include "query/parse_inner.h"
#include "text/code_point.h"

/* The text before the first ':' of run; empty: none. */
static pm_extent name_of(const pm_parser *p, pm_extent run) {
    const uint8_t *colon = memchr(p->text + run.lo, ':', run.hi - run.lo);
    return (pm_extent){run.lo, colon != NULL ? (size_t)(colon - p->text) : run.lo};
}

static bool listed(const pm_parser *p, pm_extent name, const char *const *names,
                   uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (pm_lex_is(p, name, names[i])) {
            return true;
        }
    }
    return false;
}

/* Begins with a letter; holds letters, digits, _ - and full stops. */
static bool is_identifier(const pm_parser *p, pm_extent name) {
    for (size_t at = name.lo; at < name.hi;) {
        pm_cp c = pm_cp_at(p->text, p->n, at);
        if (!pm_class_is_word(c.class) && !pm_class_stays(c.class) && c.cp != '-' &&
            c.cp != '.') {
            return false;
        }
        at += c.len;
    }
    return name.hi > name.lo && pm_lex_is_letter(p, name.lo);
}

/* Something stands directly behind the colon that is no blank, and no // of an
 * address. */
static bool is_attached(const pm_parser *p, size_t colon) {
    unsigned len;
    pm_lex_class c = pm_lex_at(p, colon + 1, &len);
    bool address = p->n - colon > 2 && memcmp(p->text + colon + 1, "//", 2) == 0;
    return c != PM_LEX_END && c != PM_LEX_BLANK && c != PM_LEX_CLOSE && !address;
}

static int kind_of(const pm_parser *p, pm_extent name) {
    if (p->schema == NULL) {
        bool any = is_identifier(p, name) && is_attached(p, name.hi);
        return !any                         ? PM_NAME_NONE
               : p->mode == PM_PARSE_FILTER ? PM_NAME_COLUMN
                                            : PM_NAME_EITHER;
    }
    if (listed(p, name, p->schema->fields, p->schema->n_fields)) {
        return PM_NAME_FIELD;
    }
    return listed(p, name, p->schema->columns, p->schema->n_columns) ? PM_NAME_COLUMN
                                                                     : PM_NAME_NONE;
}

bool pm_parse_is_name(const pm_parser *p, pm_extent run) {
    unsigned len;
    pm_extent name = name_of(p, run);
    if (name.hi == name.lo || pm_lex_is_url(p, run) ||
        kind_of(p, name) == PM_NAME_NONE) {
        return false;
    }
    return pm_lex_at(p, pm_lex_skip_blanks(p, name.hi + 1), &len) != PM_LEX_END;
}

/* A name that is none: an error before a word, a colon of prose before a blank. */
static pm_status fail_or_note(pm_parser *p, pm_extent name, pm_extent run) {
    if (p->schema == NULL || !is_identifier(p, name)) {
        return PM_OK;
    }
    if (is_attached(p, name.hi)) {
        return pm_parse_unknown_name(p, name);
    }
    bool last = name.hi + 1 == run.hi;
    return last ? pm_parse_note(
                      p, "'%.*s' before ':' is no field and was searched as a word",
                      PM_SHOW(p, name))
                : PM_OK;
}

pm_status pm_parse_name(pm_parser *p, pm_extent run, pm_name *out) {
    pm_extent name = name_of(p, run);
    out->kind = PM_NAME_NONE;
    if (name.hi == name.lo || pm_lex_is_url(p, run)) {
        return PM_OK;
    }
    int kind = kind_of(p, name);
    if (kind == PM_NAME_NONE) {
        return fail_or_note(p, name, run);
    }
    if (kind == PM_NAME_FIELD && p->mode == PM_PARSE_FILTER) {
        return pm_parse_fail(p, PM_SYNTAX, name,
                             "'%.*s' is a text field; a filter takes metadata",
                             PM_SHOW(p, name));
    }
    out->at = (pm_extent){name.lo, name.hi + 1};
    PM_TRY(pm_parse_copy(p, name, &out->text));
    switch (kind) {
    case PM_NAME_FIELD:
        out->kind = PM_NAME_FIELD;
        break;
    case PM_NAME_COLUMN:
        out->kind = PM_NAME_COLUMN;
        break;
    default:
        out->kind = PM_NAME_EITHER;
        break;
    }
    return PM_OK;
}

/* ---- values ---- */

typedef struct value {
    const char *text;
    pm_extent at;
    bool quoted;
} value;

static pm_status fail_value(pm_parser *p, pm_extent at, const pm_name *name,
                            const char *what) {
    pm_parse_fail(p, PM_SYNTAX, at, "%s", what);
    pm_parse_hint(p,
                  "write %.40s:\"daily mirror\", %.40s:[2020-01 TO 2020-03], "
                  "%.40s:>=2020-01 or %.40s:2020-01..2020-03",
                  name->text, name->text, name->text, name->text);
    return PM_SYNTAX;
}

static pm_status quoted_value(pm_parser *p, const pm_name *name, value *out) {
    unsigned len;
    size_t open = p->at, close = pm_lex_closing(p, open);
    pm_lex_at(p, open, &len);
    if (close == SIZE_MAX) {
        return pm_parse_fail(p, PM_SYNTAX, (pm_extent){open, open + len},
                             "quotation mark without its partner");
    }
    pm_extent inside = {open + len, close};
    pm_lex_at(p, close, &len);
    p->at = close + len;
    out->at = (pm_extent){open, p->at};
    out->quoted = true;
    if (inside.hi == inside.lo) {
        return fail_value(p, out->at, name, "an empty value");
    }
    return pm_parse_copy(p, inside, &out->text);
}

/* Up to a blank, bracket or quotation mark, in addresses too: what holds those stands
 * between quotation marks. */
static pm_extent value_run(const pm_parser *p, size_t lo) {
    pm_extent run = {lo, lo};
    for (unsigned len; pm_lex_at(p, run.hi, &len) == PM_LEX_RUN;) {
        run.hi += len;
    }
    return run;
}

/* A run, cut at most at hi. */
static pm_status bare_value(pm_parser *p, const pm_name *name, size_t hi, value *out) {
    pm_extent run = value_run(p, p->at);
    run.hi = run.hi < hi ? run.hi : hi;
    out->at = run;
    out->quoted = false;
    if (run.hi == run.lo) {
        return fail_value(p, name->at, name, "a value is missing");
    }
    p->at = run.hi;
    return pm_parse_copy(p, run, &out->text);
}

static pm_status any_value(pm_parser *p, const pm_name *name, value *out) {
    unsigned len;
    p->at = pm_lex_skip_blanks(p, p->at);
    if (pm_lex_at(p, p->at, &len) == PM_LEX_QUOTE) {
        return quoted_value(p, name, out);
    }
    return bare_value(p, name, SIZE_MAX, out);
}

/* A bound of [a TO b]: a bare * is none. */
static pm_status read_bound(pm_parser *p, const pm_name *name, const char **out) {
    value v;
    PM_TRY(any_value(p, name, &v));
    *out = v.quoted || strcmp(v.text, "*") != 0 ? v.text : NULL;
    return PM_OK;
}

static pm_status read_brackets(pm_parser *p, const pm_name *name, pm_node *meta) {
    size_t open = p->at++;
    pm_extent word;
    if (p->text[open] != '[') {
        return fail_value(p, (pm_extent){open, open + 1}, name,
                          "a range is written [a TO b]");
    }
    PM_TRY(read_bound(p, name, &meta->lo));
    word = pm_lex_run(p, pm_lex_skip_blanks(p, p->at));
    if (!pm_lex_is(p, word, "TO")) {
        return fail_value(p, (pm_extent){open, word.hi}, name,
                          "a range is written [a TO b], with TO in capitals");
    }
    p->at = word.hi;
    PM_TRY(read_bound(p, name, &meta->hi));
    p->at = pm_lex_skip_blanks(p, p->at);
    if (p->at >= p->n || p->text[p->at] != ']') {
        return fail_value(p, (pm_extent){open, open + 1}, name,
                          "missing ']' of the range that begins here");
    }
    p->at++;
    return PM_OK;
}

static pm_status read_comparison(pm_parser *p, const pm_name *name, pm_node *meta) {
    value v;
    bool lower = p->text[p->at] == '>';
    p->at++;
    bool open = p->at >= p->n || p->text[p->at] != '=';
    p->at += !open;
    PM_TRY(any_value(p, name, &v));
    if (lower) {
        meta->lo = v.text;
        meta->lo_open = open;
    } else {
        meta->hi = v.text;
        meta->hi_open = open;
    }
    return PM_OK;
}

/* Where the .. of a bare range stands in run, or SIZE_MAX. */
static size_t find_dots(const pm_parser *p, pm_extent run) {
    for (size_t at = run.lo; at + 1 < run.hi; at++) {
        if (p->text[at] == '.' && p->text[at + 1] == '.') {
            return at;
        }
    }
    return SIZE_MAX;
}

static pm_status read_dots(pm_parser *p, const pm_name *name, pm_extent run,
                           size_t dots, pm_node *meta) {
    value lo, hi;
    pm_extent behind = {dots + 2, run.hi};
    if (run.hi - run.lo == 2 || find_dots(p, behind) != SIZE_MAX) {
        return fail_value(p, run, name, "a range is written a..b, a.. or ..b");
    }
    if (dots > run.lo) {
        PM_TRY(bare_value(p, name, dots, &lo));
        meta->lo = lo.text;
    }
    p->at = behind.lo;
    if (behind.hi > behind.lo) {
        PM_TRY(bare_value(p, name, run.hi, &hi));
        meta->hi = hi.text;
    }
    return PM_OK;
}

static pm_status read_value(pm_parser *p, const pm_name *name, pm_node *meta) {
    unsigned len;
    pm_lex_class class = pm_lex_at(p, p->at, &len);
    pm_extent run = value_run(p, p->at);
    size_t dots = find_dots(p, run);
    value v;
    meta->op = PM_META_RANGE;
    if (class == PM_LEX_BRACKET) {
        return read_brackets(p, name, meta);
    }
    if (class == PM_LEX_RUN && (p->text[p->at] == '<' || p->text[p->at] == '>')) {
        return read_comparison(p, name, meta);
    }
    if (class == PM_LEX_RUN && dots != SIZE_MAX) {
        return read_dots(p, name, run, dots, meta);
    }
    meta->op = PM_META_IS;
    PM_TRY(any_value(p, name, &v));
    meta->lo = v.text;
    return PM_OK;
}

pm_status pm_parse_value(pm_parser *p, const pm_name *name, pm_node **out) {
    p->at = pm_lex_skip_blanks(p, p->at);
    pm_extent at = {p->at, p->at};
    PM_TRY(pm_parse_count_clause(p, name->at));
    PM_TRY(pm_parse_node(p, PM_NODE_META, 0, at, out));
    (*out)->text = name->text;
    PM_TRY(read_value(p, name, *out));
    (*out)->end = pm_parse_point(p, p->at);
    return PM_OK;
}

bool pm_parse_is_range(const pm_parser *p) {
    unsigned len;
    pm_lex_class class = pm_lex_at(p, p->at, &len);
    if (class == PM_LEX_BRACKET) {
        return true;
    }
    return class == PM_LEX_RUN && (p->text[p->at] == '<' || p->text[p->at] == '>' ||
                                   find_dots(p, value_run(p, p->at)) != SIZE_MAX);
}
