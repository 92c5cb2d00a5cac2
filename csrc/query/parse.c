/* The driver: a stack of levels that grows at '(' and is resolved at ')', so that no
 * nesting of the text becomes one of the C stack. */
#include "query/parse.h"

#include <string.h>

#include "base/sys.h"
#include "base/types.h"
#include "query/parse_inner.h"
#include "text/utf8.h"

/* depth: what a person can still read, with room for chains of W/ that programs write.
 * clauses: Lucene's number. expansions: forms of one pattern: at 10,000 a pattern is
 * too broad to mean anything. pairs: about a tenth of a second in one document. */
const pm_limits pm_limits_default = {.depth = 100,
                                     .clauses = 1024,
                                     .expansions = 10000,
                                     .query_length = 100000,
                                     .pairs = 10000000,
                                     .segment_tokens = PM_MAX_POSITIONS};

static pm_level *level_of(const pm_parser *p) {
    return &p->levels[p->n_levels - 1];
}

static pm_status push_level(pm_parser *p, size_t lo, size_t open, pm_name name) {
    uint32_t most = p->limits->depth < PM_MAX_DEPTH ? p->limits->depth : PM_MAX_DEPTH;
    if (p->n_levels > most) {
        return pm_parse_fail(p, PM_LIMIT, (pm_extent){open, open + 1},
                             "parentheses nested more than %u deep; %s", (unsigned)most,
                             most < PM_MAX_DEPTH ? "raise pm.limits.depth"
                                                 : "there is no more");
    }
    if (!PM_GROW(p->levels, p->n_levels, p->levels_capacity, 1)) {
        return pm_parse_nomem(p);
    }
    p->levels[p->n_levels++] =
        (pm_level){.lo = lo, .open = open, .first = p->n_items, .name = name};
    return PM_OK;
}

/* ---- operands ---- */

static pm_status wrap_field(pm_parser *p, const pm_name *name, pm_item *item) {
    pm_node *field;
    pm_extent at = {name->at.lo, item->at.hi};
    PM_TRY(pm_parse_node(p, PM_NODE_FIELD, 1, at, &field));
    field->text = name->text;
    field->children[0] = item->node;
    item->field_word = item->bare;
    item->bare = false;
    item->node = field;
    item->at = at;
    item->depth++;
    return pm_parse_check_depth(p, item->depth, at);
}

static pm_status check_filter(pm_parser *p, const pm_item *item) {
    if (p->mode != PM_PARSE_FILTER ||
        (item->node->kind != PM_NODE_WORD && item->node->kind != PM_NODE_PHRASE)) {
        return PM_OK;
    }
    pm_parse_fail(p, PM_SYNTAX, item->at, "a filter takes metadata, not %ss",
                  item->node->kind == PM_NODE_WORD ? "word" : "phrase");
    pm_parse_hint(p, "write field:value, as in outlet:bbc AND date:2020-01; words "
                     "belong to the query itself");
    return PM_SYNTAX;
}

static pm_status check_value_list(pm_parser *p, const pm_level *level,
                                  const pm_item *item) {
    if (level->name.kind != PM_NAME_COLUMN || item->joined.join != PM_JOIN_BESIDE ||
        item->joined.negated) {
        return PM_OK;
    }
    pm_parse_fail(p, PM_SYNTAX, item->at, "two values side by side");
    pm_parse_hint(p,
                  "write %.60s:\"the hill\" for one value of two words, %.60s:(a OR b) "
                  "for either",
                  level->name.text, level->name.text);
    return PM_SYNTAX;
}

static pm_status add_item(pm_parser *p, pm_item item) {
    pm_level *level = level_of(p);
    item.joined = level->pending;
    if (item.joined.name.kind == PM_NAME_FIELD ||
        item.joined.name.kind == PM_NAME_EITHER) {
        PM_TRY(wrap_field(p, &item.joined.name, &item));
    }
    PM_TRY(check_filter(p, &item));
    PM_TRY(check_value_list(p, level, &item));
    if (!PM_GROW(p->items, p->n_items, p->items_capacity, 1)) {
        return pm_parse_nomem(p);
    }
    p->items[p->n_items++] = item;
    level->pending = (pm_pending){.join = PM_JOIN_BESIDE};
    return PM_OK;
}

static pm_status add_operand(pm_parser *p, const pm_lexeme *x) {
    pm_node *node = x->node;
    const pm_node *documents = node->kind == PM_NODE_META ? node : NULL;
    return add_item(p, (pm_item){.node = node,
                                 .at = x->at,
                                 .bare = node->kind == PM_NODE_WORD,
                                 .documents = documents});
}

/* ---- operators ---- */

static pm_status fail_dangling(pm_parser *p, pm_extent op, const char *side) {
    pm_parse_fail(p, PM_SYNTAX, op, "%.*s has nothing %s it", PM_SHOW(p, op), side);
    if (pm_lex_is(p, op, "AND") || pm_lex_is(p, op, "OR") || pm_lex_is(p, op, "NOT")) {
        pm_parse_hint(p, "operators are written in capitals; for the word write it in "
                         "small letters");
    }
    return PM_SYNTAX;
}

/* Nothing may follow an operator or a name but an operand. */
static pm_status check_complete(pm_parser *p) {
    const pm_pending *now = &level_of(p)->pending;
    if (now->name.kind != PM_NAME_NONE) {
        return pm_parse_fail(p, PM_SYNTAX, now->name.at, "nothing follows %.*s",
                             PM_SHOW(p, now->name.at));
    }
    if (now->negated) {
        return fail_dangling(p, now->not_at, "behind");
    }
    bool open = now->join == PM_JOIN_AND || now->join == PM_JOIN_OR ||
                now->join == PM_JOIN_NEAR;
    return open ? fail_dangling(p, now->op, "behind") : PM_OK;
}

static pm_status add_not(pm_parser *p, const pm_lexeme *x) {
    pm_pending *now = &level_of(p)->pending;
    if (now->name.kind != PM_NAME_NONE) {
        return check_complete(p);
    }
    if (now->negated) {
        return pm_parse_fail(p, PM_SYNTAX, x->at, "NOT twice in a row");
    }
    if (now->join == PM_JOIN_NEAR) {
        pm_parse_fail(p, PM_SYNTAX, x->at, "NOT cannot stand inside %.*s",
                      PM_SHOW(p, now->op));
        pm_parse_hint(p, "write a AND NOT (a %.*s b)", PM_SHOW(p, now->op));
        return PM_SYNTAX;
    }
    now->negated = true;
    now->not_at = x->at;
    return PM_OK;
}

/* The NOT of NOT W/n and NOT IN: read before, and belonging to what follows. */
static bool take_not(pm_parser *p, const pm_lexeme *x, pm_extent *op) {
    pm_pending *now = &level_of(p)->pending;
    *op = x->at;
    if (!now->negated || now->join != PM_JOIN_BESIDE ||
        now->name.kind != PM_NAME_NONE) {
        return false;
    }
    now->negated = false;
    op->lo = now->not_at.lo;
    return true;
}

static pm_status check_no_filter(pm_parser *p, const pm_lexeme *x) {
    return p->mode != PM_PARSE_FILTER
               ? PM_OK
               : pm_parse_fail(p, PM_SYNTAX, x->at,
                               "a filter takes metadata with AND, OR and NOT, no "
                               "distances, zones or numbers of words");
}

static pm_status add_near(pm_parser *p, const pm_lexeme *x) {
    pm_extent op;
    pm_pending *now = &level_of(p)->pending;
    PM_TRY(check_no_filter(p, x));
    bool negated = take_not(p, x, &op);
    PM_TRY(check_complete(p));
    if (now->join == PM_JOIN_FIRST) {
        return fail_dangling(p, x->at, "before");
    }
    now->join = PM_JOIN_NEAR;
    now->op = op;
    now->near = x->near;
    now->near.negated = negated;
    return PM_OK;
}

/* An item without operand, which pm_parse_group puts around what stands before. */
static pm_status add_in(pm_parser *p, const pm_lexeme *x) {
    pm_level *level = level_of(p);
    pm_item item = {.zone = x->zone};
    PM_TRY(check_no_filter(p, x));
    item.joined.negated = take_not(p, x, &item.joined.op);
    item.joined.join = PM_JOIN_IN;
    item.at = (pm_extent){item.joined.op.hi, item.joined.op.hi};
    PM_TRY(check_complete(p));
    if (!PM_GROW(p->items, p->n_items, p->items_capacity, 1)) {
        return pm_parse_nomem(p);
    }
    p->items[p->n_items++] = item;
    level->pending = (pm_pending){.join = PM_JOIN_BESIDE};
    return PM_OK;
}

static pm_status add_operator(pm_parser *p, const pm_lexeme *x) {
    pm_pending *now = &level_of(p)->pending;
    PM_TRY(check_complete(p));
    if (now->join == PM_JOIN_FIRST) {
        return fail_dangling(p, x->at, "before");
    }
    now->join = x->kind == PM_IS_AND ? PM_JOIN_AND : PM_JOIN_OR;
    now->op = x->at;
    return PM_OK;
}

/* ---- names ---- */

/* A value behind a column's name; a text field waits for its operand. */
static pm_status add_name(pm_parser *p, const pm_lexeme *x) {
    pm_level *level = level_of(p);
    unsigned len;
    if (level->pending.name.kind != PM_NAME_NONE) {
        return pm_parse_fail(p, PM_SYNTAX, x->name.at, "two fields in a row");
    }
    p->at = pm_lex_skip_blanks(p, p->at);
    level->pending.name = x->name;
    pm_name *name = &level->pending.name;
    bool is_value = name->kind == PM_NAME_COLUMN ||
                    (name->kind == PM_NAME_EITHER && pm_parse_is_range(p));
    if (!is_value || pm_lex_at(p, p->at, &len) == PM_LEX_OPEN) {
        return PM_OK;
    }
    pm_lexeme value = {.kind = PM_IS_OPERAND, .at = x->at};
    PM_TRY(pm_parse_value(p, name, &value.node));
    value.at.hi = p->at;
    value.node->pos = pm_parse_point(p, x->at.lo);
    name->kind = PM_NAME_NONE;
    return add_operand(p, &value);
}

/* ---- parentheses ---- */

static pm_status open_level(pm_parser *p, const pm_lexeme *x) {
    pm_level *outer = level_of(p);
    pm_name name = outer->pending.name;
    if (name.kind == PM_NAME_NONE && outer->name.kind == PM_NAME_COLUMN) {
        name = outer->name;
    }
    size_t lo = x->at.lo;
    if (outer->pending.name.kind == PM_NAME_COLUMN) {
        lo = name.at.lo;
        outer->pending.name.kind = PM_NAME_NONE;
    }
    return push_level(p, lo, x->at.lo, name);
}

/* ATLEAST/n (, FIRST/n (, n OF (. */
static pm_status open_wrap(pm_parser *p, const pm_lexeme *x) {
    PM_TRY(check_no_filter(p, x));
    PM_TRY(push_level(p, x->at.lo, x->at.hi - 1, level_of(p)->name));
    level_of(p)->wrap = x->wrap;
    level_of(p)->number = x->number;
    return PM_OK;
}

/* The items of the level since the last comma become one. */
static pm_status close_part(pm_parser *p, pm_extent at) {
    pm_level *level = level_of(p);
    pm_item item;
    PM_TRY(check_complete(p));
    if (p->n_items == level->first) {
        return pm_parse_fail(p, PM_SYNTAX, at, "nothing %s",
                             level->wrap == PM_WRAP_OF ? "before the comma or ')'"
                                                       : "between the parentheses");
    }
    PM_TRY(pm_parse_group(p, level->first, &item));
    item.joined = (pm_pending){.join = PM_JOIN_FIRST};
    p->items[p->n_items++] = item; /* in the place of one that it came from */
    level->first = p->n_items;
    level->n_parts++;
    level->pending = (pm_pending){.join = PM_JOIN_FIRST};
    return PM_OK;
}

/* The node of a level whose parts all stand as items. */
static pm_status wrap_level(pm_parser *p, const pm_level *level, pm_extent at,
                            pm_item *out) {
    static const pm_node_kind kinds[] = {[PM_WRAP_ATLEAST] = PM_NODE_ATLEAST,
                                         [PM_WRAP_FIRST] = PM_NODE_FIRST,
                                         [PM_WRAP_OF] = PM_NODE_OF};
    const pm_item *parts = p->items + (level->first - level->n_parts);
    pm_node *node;
    *out = (pm_item){.at = at};
    if (level->wrap == PM_WRAP_OF && (uint32_t)level->number > level->n_parts) {
        pm_parse_fail(p, PM_SYNTAX, at, "%d of %u operands can never be there",
                      (int)level->number, (unsigned)level->n_parts);
        pm_parse_hint(p, "operands are parted by commas: 2 OF (iran, iraq, syria)");
        return PM_SYNTAX;
    }
    PM_TRY(pm_parse_node(p, kinds[level->wrap], level->n_parts, at, &node));
    node->n = level->number;
    for (uint32_t i = 0; i < level->n_parts; i++) {
        node->children[i] = parts[i].node;
        out->depth = parts[i].depth > out->depth ? parts[i].depth : out->depth;
    }
    out->depth++;
    out->node = node;
    out->documents = node;
    p->n_items = level->first - level->n_parts;
    return pm_parse_check_depth(p, out->depth, at);
}

static pm_status close_level(pm_parser *p, const pm_lexeme *x) {
    pm_item item;
    if (p->n_levels == 1) {
        return pm_parse_fail(p, PM_SYNTAX, x->at, "')' without its '('");
    }
    PM_TRY(close_part(p, (pm_extent){level_of(p)->open, x->at.hi}));
    pm_level closed = *level_of(p);
    pm_extent at = {closed.lo, x->at.hi};
    if (closed.wrap == PM_WRAP_NONE) {
        item = p->items[--p->n_items];
        item.at = at;
        item.bare = item.field_word = false;
    } else {
        PM_TRY(wrap_level(p, &closed, at, &item));
    }
    p->n_levels--;
    PM_TRY(pm_parse_boost(p, item.node));
    item.at.hi = p->at;
    return add_item(p, item);
}

/* ---- the whole ---- */

static pm_status take(pm_parser *p, const pm_lexeme *x) {
    switch (x->kind) {
    case PM_IS_OPEN:
        return open_level(p, x);
    case PM_IS_CLOSE:
        return close_level(p, x);
    case PM_IS_NOT:
        return add_not(p, x);
    case PM_IS_AND:
    case PM_IS_OR:
        return add_operator(p, x);
    case PM_IS_NEAR:
        return add_near(p, x);
    case PM_IS_IN:
        return add_in(p, x);
    case PM_IS_WRAP:
        return open_wrap(p, x);
    case PM_IS_COMMA:
        return close_part(p, x->at);
    case PM_IS_NAME:
        return add_name(p, x);
    default:
        return add_operand(p, x);
    }
}

static pm_status finish(pm_parser *p, pm_node **out) {
    pm_item item;
    if (p->n_levels > 1) {
        size_t open = level_of(p)->open;
        return pm_parse_fail(p, PM_SYNTAX, (pm_extent){open, open + 1},
                             "missing ')': opened here");
    }
    PM_TRY(check_complete(p));
    if (p->n_items == 0 && p->mode == PM_PARSE_FILTER) {
        return pm_parse_fail(p, PM_SYNTAX, (pm_extent){0, p->n}, "an empty filter");
    }
    if (p->n_items == 0) {
        return pm_parse_node(p, PM_NODE_NOTHING, 0, (pm_extent){0, p->n}, out);
    }
    PM_TRY(pm_parse_group(p, 0, &item));
    *out = item.node;
    return PM_OK;
}

static pm_status parse_strict(pm_parser *p, pm_node **out) {
    PM_TRY(push_level(p, 0, 0, (pm_name){PM_NAME_NONE, NULL, {0, 0}}));
    for (;;) {
        pm_lexeme x;
        PM_TRY(pm_parse_next(p, &x));
        if (x.kind == PM_IS_END) {
            return finish(p, out);
        }
        PM_TRY(take(p, &x));
    }
}

/* The capitals of a plain query: of all its words or of none. */
static pm_status settle_plain(pm_parser *p, pm_node *root) {
    bool words = root->kind == PM_NODE_WORD || root->kind == PM_NODE_AND;
    p->query->plain = p->plain && (words || root->kind == PM_NODE_NOTHING);
    if (!p->query->plain || root->kind != PM_NODE_AND ||
        !pm_mark_headline(root->children, root->n_children)) {
        return PM_OK;
    }
    return pm_parse_note(p, "a query in capitals throughout: they mean nothing, US "
                            "finds us too; write ==US for the name alone");
}

static pm_status parse_source(pm_parser *p) {
    pm_node *root = NULL;
    size_t points = pm_utf8_count(p->text, p->n);
    if (points > p->limits->query_length) {
        return pm_parse_fail(
            p, PM_LIMIT, (pm_extent){0, p->n},
            "a query of %zu characters, more than %u; raise pm.limits.query_length",
            points, (unsigned)p->limits->query_length);
    }
    pm_parse_look(p);
    if (p->plain) {
        PM_TRY(pm_parse_note_single(p));
    }
    if (p->mode == PM_PARSE_SEARCH && p->plain) {
        PM_TRY(pm_parse_plain(p, &root));
    } else {
        PM_TRY(parse_strict(p, &root));
    }
    PM_TRY(settle_plain(p, root));
    p->query->root = root;
    return PM_OK;
}

/* Valid UTF-8 with blanks for NUL, since nodes hold C strings. */
static pm_status clean(const char *text, size_t n_bytes, pm_buf *out, pm_error *err) {
    size_t replaced;
    pm_utf8_sanitize((pm_bytes){(const uint8_t *)text, n_bytes}, out, &replaced);
    PM_TRY(pm_buf_status(out, err));
    for (uint8_t *at = out->p;
         out->n > 0 && (at = memchr(at, 0, out->n - (size_t)(at - out->p))) != NULL;) {
        *at = ' ';
    }
    return PM_OK;
}

pm_status pm_parse(const char *text, size_t n_bytes, const pm_schema *schema,
                   pm_parse_mode mode, const pm_limits *limits, pm_query *out,
                   pm_error *err) {
    pm_query_init(out);
    if (n_bytes / 4 > limits->query_length) {
        return pm_fail(
            err, PM_LIMIT,
            "a query of more than %u characters; raise pm.limits.query_length",
            (unsigned)limits->query_length);
    }
    pm_buf source;
    pm_buf_init(&source);
    pm_status status = clean(text, n_bytes, &source, err);
    if (status == PM_OK) {
        pm_parser p = {.text = source.p,
                       .n = source.n,
                       .schema = schema,
                       .mode = mode,
                       .limits = limits,
                       .query = out,
                       .err = err};
        p.text = source.n > 0 ? source.p : (const uint8_t *)"";
        status = parse_source(&p);
        pm_free(p.levels);
        pm_free(p.items);
    }
    pm_buf_release(&source);
    if (status != PM_OK) {
        pm_query_release(out);
    }
    return status;
}
