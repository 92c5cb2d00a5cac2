/* What a person is told: errors with their place, readings to paste, notes. Texts are
 * cut at a code point's end, for they hold what the user typed. */
#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "query/parse_inner.h"
#include "text/utf8.h"

enum { SHOWN_BYTES = 60, READING_BYTES = 450, MOST_NOTES = 16 };

/* Forward or back from the last place asked for: places are asked for nearly in
 * order. */
uint32_t pm_parse_point(pm_parser *p, size_t byte) {
    if (byte >= p->seen_byte) {
        p->seen_point += pm_utf8_count(p->text + p->seen_byte, byte - p->seen_byte);
    } else {
        p->seen_point -= pm_utf8_count(p->text + byte, p->seen_byte - byte);
    }
    p->seen_byte = byte;
    return (uint32_t)p->seen_point;
}

static size_t cut(const uint8_t *text, size_t n, size_t most) {
    if (n <= most) {
        return n;
    }
    while (most > 0 && (text[most] & 0xc0) == 0x80) {
        most--;
    }
    return most;
}

int pm_parse_show(const pm_parser *p, pm_extent e) {
    return (int)cut(p->text + e.lo, e.hi - e.lo, SHOWN_BYTES);
}

/* Takes off the beginning of a code point that did not fit. */
static void mend(char *text) {
    size_t n = strlen(text), at = n;
    while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80) {
        at--;
    }
    if (at > 0 &&
        !pm_utf8_valid((pm_bytes){(const uint8_t *)text + at - 1, n - at + 1})) {
        text[at - 1] = '\0';
    }
}

pm_status pm_parse_fail(pm_parser *p, pm_status code, pm_extent at, const char *format,
                        ...) {
    char message[sizeof p->err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    mend(message);
    pm_fail(p->err, code, "%s", message);
    if (p->err != NULL) {
        p->err->pos = pm_parse_point(p, at.lo);
        p->err->end = pm_parse_point(p, at.hi);
    }
    return code;
}

void pm_parse_hint(pm_parser *p, const char *format, ...) {
    char hint[sizeof p->err->hint];
    va_list args;
    va_start(args, format);
    vsnprintf(hint, sizeof hint, format, args);
    va_end(args);
    mend(hint);
    pm_error_hint(p->err, "%s", hint);
}

pm_status pm_parse_nomem(pm_parser *p) {
    return pm_fail_nomem(p->err, 0);
}

pm_status pm_parse_note(pm_parser *p, const char *format, ...) {
    char note[512];
    va_list args;
    va_start(args, format);
    vsnprintf(note, sizeof note, format, args);
    va_end(args);
    mend(note);
    for (uint32_t i = 0; i < p->query->n_notes; i++) {
        if (strcmp(p->query->notes[i], note) == 0) {
            return PM_OK;
        }
    }
    return p->query->n_notes < MOST_NOTES ? pm_query_note(p->query, p->err, "%s", note)
                                          : PM_OK;
}

/* ---- unknown names ---- */

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* Levenshtein distance in bytes, letter case aside; names beyond the row are far from
 * all. */
static unsigned distance(const uint8_t *a, size_t n, const char *b) {
    enum { ROW = 64 };
    unsigned row[ROW];
    size_t m = strlen(b);
    if (n >= ROW || m >= ROW) {
        return ROW;
    }
    for (size_t j = 0; j <= m; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < m; j++) {
            bool same = (a[i] | 0x20) == ((uint8_t)b[j] | 0x20);
            unsigned best = least(diagonal + !same, least(row[j], row[j + 1]) + 1);
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[m];
}

static void nearest(const pm_parser *p, pm_extent name, const char *const *names,
                    uint32_t n, const char **best, unsigned *least_far) {
    for (uint32_t i = 0; i < n; i++) {
        unsigned far = distance(p->text + name.lo, name.hi - name.lo, names[i]);
        if (far < *least_far) {
            *least_far = far;
            *best = names[i];
        }
    }
}

static void put_names(pm_buf *out, const char *head, const char *const *names,
                      uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        pm_buf_printf(out, "%s%s", i == 0 ? head : ", ", names[i]);
    }
}

pm_status pm_parse_unknown_zone(pm_parser *p, pm_extent at, pm_extent zone) {
    pm_status code = zone.hi > zone.lo ? PM_FIELD : PM_SYNTAX;
    pm_buf hint;
    if (code == PM_FIELD) {
        pm_parse_fail(p, code, at, "no zone '%.*s'", PM_SHOW(p, zone));
    } else {
        pm_parse_fail(p, code, at, "IN is followed by the name of a zone");
    }
    pm_buf_init(&hint);
    pm_buf_printf(&hint, "zones: quote");
    if (p->schema != NULL) {
        put_names(&hint, "; text fields: ", p->schema->fields, p->schema->n_fields);
    }
    pm_buf_printf(&hint, ". For the word write in");
    pm_status status = hint.failed ? pm_parse_nomem(p) : code;
    if (!hint.failed) {
        pm_parse_hint(p, "%.*s", (int)hint.n, (const char *)hint.p);
    }
    pm_buf_release(&hint);
    return status;
}

pm_status pm_parse_unknown_set(pm_parser *p, pm_extent name) {
    const pm_schema *s = p->schema;
    const char *best = NULL;
    unsigned far = name.hi - name.lo < 4 ? 2 : 3;
    for (uint32_t i = 0; i < s->n_named; i++) {
        nearest(p, name, &s->named[i].name, 1, &best, &far);
    }
    pm_parse_fail(p, PM_SYNTAX, name, "no parameter and no set '%.*s'",
                  PM_SHOW(p, name));
    if (best != NULL) {
        pm_parse_hint(p, "did you mean $%s?", best);
    } else {
        pm_parse_hint(p,
                      "give it with params={\"%.*s\": [...]}; a sum of money stands "
                      "between quotation marks",
                      PM_SHOW(p, name));
    }
    return PM_SYNTAX;
}

/* name: without its colon. */
pm_status pm_parse_unknown_name(pm_parser *p, pm_extent name) {
    const pm_schema *s = p->schema;
    const char *best = NULL;
    /* so many letters are no typing error any more */
    unsigned far = name.hi - name.lo < 4 ? 2 : 3;
    nearest(p, name, s->fields, s->n_fields, &best, &far);
    nearest(p, name, s->columns, s->n_columns, &best, &far);
    pm_parse_fail(p, PM_FIELD, name, "no field '%.*s'", PM_SHOW(p, name));
    pm_buf hint;
    pm_buf_init(&hint);
    if (best != NULL) {
        pm_buf_printf(&hint, "did you mean '%s'? ", best);
    }
    put_names(&hint, "Text fields: ", s->fields, s->n_fields);
    put_names(&hint, s->n_fields > 0 ? "; metadata: " : "Metadata: ", s->columns,
              s->n_columns);
    pm_buf_printf(&hint, ". To search for the text, put it between quotation marks");
    pm_status status = hint.failed ? pm_parse_nomem(p) : PM_FIELD;
    if (!hint.failed) {
        pm_parse_hint(p, "%.*s", (int)hint.n, (const char *)hint.p);
    }
    pm_buf_release(&hint);
    return status;
}

/* ---- two readings ---- */

static void put_text(const pm_parser *p, pm_buf *out, size_t lo, size_t hi) {
    pm_buf_put(out, p->text + lo, hi - lo);
}

static void put_char(pm_buf *out, char c) {
    pm_buf_put_u8(out, (uint8_t)c);
}

static bool beside(const pm_item *item) {
    return item->joined.join == PM_JOIN_BESIDE && !item->joined.negated && item->bare &&
           item[-1].bare;
}
static bool is_near(const pm_item *item) {
    return item->joined.join == PM_JOIN_NEAR || item->joined.join == PM_JOIN_IN;
}
static bool is_or(const pm_item *item) {
    return item->joined.join == PM_JOIN_OR;
}

typedef bool (*joins)(const pm_item *item);

/* The stretch of items around `at` that are joined by one or the other. */
static void stretch(const pm_item *items, size_t n, size_t at, joins one, joins other,
                    size_t *lo, size_t *hi) {
    *lo = at;
    *hi = at + 1;
    while (*lo > 0 && (one(&items[*lo]) || other(&items[*lo]))) {
        --*lo;
    }
    while (*hi < n && (one(&items[*hi]) || other(&items[*hi]))) {
        ++*hi;
    }
}

/* The stretch with open and close around each part that `inner` joins; between: what is
 * written instead of nothing. */
static void put_reading(const pm_parser *p, pm_buf *out, const pm_item *items,
                        size_t lo, size_t hi, joins inner, const char *open,
                        const char *close, const char *between) {
    for (size_t i = lo; i < hi; i++) {
        bool joined = i > lo && inner(&items[i]);
        bool goes_on = i + 1 < hi && inner(&items[i + 1]);
        if (i > lo) {
            const pm_extent op = items[i].joined.op;
            bool blank = items[i].joined.join == PM_JOIN_BESIDE;
            put_char(out, ' ');
            if (!blank) {
                put_text(p, out, op.lo, op.hi);
                pm_buf_printf(out, "%s", items[i].at.hi > items[i].at.lo ? " " : "");
            } else if (!joined && between[0] != '\0') {
                pm_buf_printf(out, "%s ", between);
            }
        }
        pm_buf_printf(out, "%s", goes_on && !joined ? open : "");
        put_text(p, out, items[i].at.lo, items[i].at.hi);
        pm_buf_printf(out, "%s", joined && !goes_on ? close : "");
    }
}

typedef struct readings {
    const pm_item *items;
    size_t lo, hi;
    joins inner[2];
    const char *open[2], *close[2], *between;
    bool zone; /* IN, which no other language reads in another way */
} readings;

static bool has_zone(const pm_item *items, size_t n) {
    size_t i = 0;
    while (i < n && items[i].joined.join != PM_JOIN_IN) {
        i++;
    }
    return i < n;
}

static const char GENERAL_READINGS[] =
    "put parentheses around what belongs together: (a OR b) W/n c, or a OR (b W/n c)";

/* Both readings of the whole query if that is short, else of the stretch; none where
 * that is long too. */
static pm_status hint_readings(pm_parser *p, const readings *r) {
    static const char *const who[][2] = {{"Lexis reads   ", "\nLucene reads  "},
                                         {"either  ", "\nor      "}};
    pm_extent at = {r->items[r->lo].at.lo, r->items[r->hi - 1].at.hi};
    bool whole = p->n <= READING_BYTES;
    pm_buf hint;
    if (at.hi - at.lo > READING_BYTES) {
        pm_parse_hint(p, "%s", GENERAL_READINGS);
        return PM_AMBIGUOUS;
    }
    pm_buf_init(&hint);
    for (int i = 0; i < 2; i++) {
        pm_buf_printf(&hint, "%s", who[r->zone][i]);
        put_text(p, &hint, whole ? 0 : at.lo, at.lo);
        put_reading(p, &hint, r->items, r->lo, r->hi, r->inner[i], r->open[i],
                    r->close[i], r->between);
        put_text(p, &hint, at.hi, whole ? p->n : at.hi);
    }
    pm_status status = hint.failed ? pm_parse_nomem(p) : PM_AMBIGUOUS;
    if (!hint.failed && hint.n < sizeof p->err->hint) {
        pm_parse_hint(p, "%.*s", (int)hint.n, (const char *)hint.p);
    } else if (!hint.failed) {
        pm_parse_hint(p, "%s", GENERAL_READINGS);
    }
    pm_buf_release(&hint);
    return status;
}

/* The operator W/n of the stretch that stands next to items[at]. */
static pm_extent near_op(const pm_item *items, size_t n, size_t at) {
    return at + 1 < n && is_near(&items[at + 1]) ? items[at + 1].joined.op
                                                 : items[at - 1].joined.op;
}

pm_status pm_parse_fail_or_beside_near(pm_parser *p, const pm_item *items, size_t n,
                                       size_t at) {
    readings r = {.items = items,
                  .inner = {is_or, is_near},
                  .open = {"(", "("},
                  .close = {")", ")"},
                  .between = ""};
    stretch(items, n, at, is_or, is_near, &r.lo, &r.hi);
    r.zone = has_zone(items + r.lo, r.hi - r.lo);
    pm_parse_fail(
        p, PM_AMBIGUOUS, (pm_extent){items[r.lo].at.lo, items[r.hi - 1].at.hi},
        "OR next to %.*s needs parentheses", PM_SHOW(p, near_op(items, n, at)));
    return hint_readings(p, &r);
}

pm_status pm_parse_fail_words_beside_near(pm_parser *p, const pm_item *items, size_t n,
                                          size_t at) {
    readings r = {.items = items,
                  .inner = {beside, is_near},
                  .open = {"\"", "("},
                  .close = {"\"", ")"},
                  .between = "AND"};
    stretch(items, n, at, beside, is_near, &r.lo, &r.hi);
    r.zone = has_zone(items + r.lo, r.hi - r.lo);
    pm_parse_fail(p, PM_AMBIGUOUS,
                  (pm_extent){items[r.lo].at.lo, items[r.hi - 1].at.hi},
                  "two words beside %.*s: a phrase, or both anywhere?",
                  PM_SHOW(p, near_op(items, n, at)));
    return hint_readings(p, &r);
}

/* ---- AND within W/n ---- */

static pm_status put_operand(pm_parser *p, const pm_node *node, pm_buf *out) {
    bool group = node->kind == PM_NODE_NEAR || node->kind == PM_NODE_OR ||
                 node->kind == PM_NODE_AND;
    pm_buf_printf(out, "%s", group ? "(" : "");
    PM_TRY(pm_query_text(node, out, p->err));
    pm_buf_printf(out, "%s", group ? ")" : "");
    return PM_OK;
}

/* (left W/n a) AND (left W/n b) of left W/n (a AND b), or the like of the left side. */
static pm_status put_distributed(pm_parser *p, const pm_item *left,
                                 const pm_item *right, pm_buf *out) {
    bool on_left = left->node->kind == PM_NODE_AND;
    const pm_node *both = on_left ? left->node : right->node;
    for (uint32_t i = 0; i < both->n_children; i++) {
        const pm_node *child = both->children[i];
        bool negated = child->kind == PM_NODE_NOT;
        child = negated ? child->children[0] : child;
        pm_buf_printf(out, "%s%s(", i > 0 ? " AND " : "", negated ? "NOT " : "");
        PM_TRY(put_operand(p, on_left ? child : left->node, out));
        pm_buf_printf(out, " %.*s ", PM_SHOW(p, right->joined.op));
        PM_TRY(put_operand(p, on_left ? right->node : child, out));
        put_char(out, ')');
    }
    return pm_buf_status(out, p->err);
}

static bool all_bare_words(const pm_node *both) {
    for (uint32_t i = 0; i < both->n_children; i++) {
        if (both->children[i]->kind != PM_NODE_WORD) {
            return false;
        }
    }
    return true;
}

static pm_status hint_distributed(pm_parser *p, const pm_item *left,
                                  const pm_item *right) {
    const pm_node *both = left->node->kind == PM_NODE_AND ? left->node : right->node;
    pm_buf out;
    pm_buf_init(&out);
    pm_status status = put_distributed(p, left, right, &out);
    if (status == PM_OK && out.n <= 2 * READING_BYTES) {
        bool words = all_bare_words(both);
        pm_parse_hint(p, "write %.*s%s", (int)out.n, (const char *)out.p,
                      words ? ", or a phrase between quotation marks" : "");
    }
    pm_buf_release(&out);
    return status == PM_OK ? PM_SYNTAX : status;
}

static const char *kind_words(const pm_node *documents) {
    switch (documents->kind) {
    case PM_NODE_META:
        return "metadata";
    case PM_NODE_ATLEAST:
        return "ATLEAST/n";
    case PM_NODE_FIRST:
        return "FIRST/n";
    case PM_NODE_OF:
        return "n OF";
    default:
        return "AND and NOT";
    }
}

pm_status pm_parse_fail_documents_in_zone(pm_parser *p, const pm_item *left,
                                          const pm_item *zone) {
    pm_parse_fail(p, PM_SYNTAX, left->at, "%s cannot stand before %.*s",
                  kind_words(left->documents), PM_SHOW(p, zone->joined.op));
    pm_parse_hint(p, "write (a %.*s) AND (b %.*s)", PM_SHOW(p, zone->joined.op),
                  PM_SHOW(p, zone->joined.op));
    return PM_SYNTAX;
}

/* One of both speaks of documents; right->joined.op is the operator. */
pm_status pm_parse_fail_and_in_near(pm_parser *p, const pm_item *left,
                                    const pm_item *right) {
    const pm_item *bad = left->documents != NULL ? left : right;
    const pm_extent op = right->joined.op;
    pm_node_kind kind = bad->documents->kind;
    pm_parse_fail(p, PM_SYNTAX, bad->at, "%s cannot stand inside %.*s: %s",
                  kind_words(bad->documents), PM_SHOW(p, op),
                  kind == PM_NODE_AND || kind == PM_NODE_NOT
                      ? "they speak of documents, not of places"
                  : kind == PM_NODE_META ? "it speaks of documents, not of words"
                                         : "it speaks of documents, not of places");
    if (kind == PM_NODE_ATLEAST || kind == PM_NODE_FIRST || kind == PM_NODE_OF) {
        pm_parse_hint(p, "put it beside with AND: (a %.*s b) AND %s", PM_SHOW(p, op),
                      kind == PM_NODE_OF      ? "2 OF (c, d, e)"
                      : kind == PM_NODE_FIRST ? "FIRST/100 (c)"
                                              : "ATLEAST/3 (c)");
        return PM_SYNTAX;
    }
    if (kind == PM_NODE_META) {
        pm_parse_hint(p, "put it beside with AND: (a %.*s b) AND %s:...",
                      PM_SHOW(p, op), bad->documents->text);
        return PM_SYNTAX;
    }
    if (bad->node->kind == PM_NODE_AND) {
        return hint_distributed(p, left, right);
    }
    pm_parse_hint(p, "write (a %.*s b) AND (a %.*s c)", PM_SHOW(p, op), PM_SHOW(p, op));
    return PM_SYNTAX;
}
