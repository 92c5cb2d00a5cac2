/* From the flat list of a level to its node: what can be read in two ways is refused
 * first, then operands are joined, W/ before AND before OR. Each pass writes over the
 * front of the list. */
#include <string.h>

#include "query/parse_inner.h"

static uint32_t more(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static pm_extent over(pm_extent a, pm_extent b) {
    return (pm_extent){a.lo, b.hi};
}

pm_status pm_parse_check_depth(pm_parser *p, uint32_t depth, pm_extent at) {
    if (depth > p->limits->depth || depth > PM_MAX_DEPTH) {
        bool most = p->limits->depth >= PM_MAX_DEPTH;
        return pm_parse_fail(p, PM_LIMIT, at, "operators nested more than %u deep; %s",
                             (unsigned)(most ? PM_MAX_DEPTH : p->limits->depth),
                             most ? "there is no more" : "raise pm.limits.depth");
    }
    return PM_OK;
}

/* ---- what can be read in two ways ---- */

static bool is_near(const pm_item *items, size_t n, size_t i) {
    return i < n &&
           (items[i].joined.join == PM_JOIN_NEAR || items[i].joined.join == PM_JOIN_IN);
}

static bool words_side_by_side(const pm_item *item) {
    return item->joined.join == PM_JOIN_BESIDE && !item->joined.negated && item->bare &&
           item[-1].bare;
}

static pm_status check_readings(pm_parser *p, const pm_item *items, size_t n) {
    for (size_t i = 1; i < n; i++) {
        bool beside_near = is_near(items, n, i - 1) || is_near(items, n, i + 1);
        if (!beside_near) {
            continue;
        }
        if (items[i].joined.join == PM_JOIN_OR) {
            return pm_parse_fail_or_beside_near(p, items, n, i);
        }
        if (words_side_by_side(&items[i])) {
            return pm_parse_fail_words_beside_near(p, items, n, i);
        }
    }
    return PM_OK;
}

/* ---- notes ---- */

static pm_status note_precedence(pm_parser *p, const pm_item *items, size_t n) {
    bool has_and = false, has_or = false;
    for (size_t i = 1; i < n; i++) {
        pm_join join = items[i].joined.join;
        has_and |= join == PM_JOIN_AND || join == PM_JOIN_BESIDE;
        has_or |= join == PM_JOIN_OR;
    }
    return has_and && has_or
               ? pm_parse_note(p,
                               "AND was read before OR: a AND b OR c is (a AND b) OR c")
               : PM_OK;
}

static pm_status note_words(pm_parser *p, const pm_item *items, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const pm_item *next = i + 1 < n ? &items[i + 1] : NULL;
        bool beside_word = next != NULL && next->joined.join == PM_JOIN_BESIDE &&
                           !next->joined.negated && next->bare;
        if (items[i].bare && i > 0 && i + 1 < n &&
            items[i].node->layer == PM_LAYER_STEM) {
            PM_TRY(pm_parse_note_small(p, items[i].node->text));
        }
        if (items[i].field_word && beside_word) {
            PM_TRY(pm_parse_note(
                p, "%.60s: holds for one word; write %.60s:( ) around several",
                items[i].node->text, items[i].node->text));
        }
    }
    return PM_OK;
}

/* ---- W/ and IN ---- */

static pm_status join_near(pm_parser *p, pm_item *left, const pm_item *right) {
    pm_node *near;
    if (left->documents != NULL || right->documents != NULL) {
        return pm_parse_fail_and_in_near(p, left, right);
    }
    PM_TRY(pm_parse_node(p, PM_NODE_NEAR, 2, over(left->at, right->at), &near));
    near->children[0] = left->node;
    near->children[1] = right->node;
    near->n = (int32_t)right->joined.near.n;
    near->ordered = right->joined.near.ordered;
    near->negated = right->joined.near.negated;
    near->scope = right->joined.near.scope;
    left->depth = 1 + more(left->depth, right->depth);
    left->node = near;
    left->at.hi = right->at.hi;
    left->bare = left->field_word = false;
    return pm_parse_check_depth(p, left->depth, left->at);
}

static bool is_text_field(const pm_parser *p, const char *name) {
    for (uint32_t i = 0; p->schema != NULL && i < p->schema->n_fields; i++) {
        if (strcmp(p->schema->fields[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* left IN zone. In a text field it is what field:( ) is. */
static pm_status join_in(pm_parser *p, pm_item *left, const pm_item *zone) {
    pm_node *in;
    bool negated = zone->joined.negated;
    bool field = !negated && is_text_field(p, zone->zone);
    if (left->documents != NULL && !field) {
        return pm_parse_fail_documents_in_zone(p, left, zone);
    }
    PM_TRY(pm_parse_node(p, field ? PM_NODE_FIELD : PM_NODE_IN, 1,
                         over(left->at, zone->joined.op), &in));
    in->text = zone->zone;
    in->negated = negated;
    in->children[0] = left->node;
    left->node = in;
    left->depth++;
    left->at.hi = zone->joined.op.hi;
    left->bare = left->field_word = false;
    return pm_parse_check_depth(p, left->depth, left->at);
}

static pm_status group_near(pm_parser *p, pm_item *items, size_t *n) {
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (items[i].joined.join == PM_JOIN_NEAR) {
            PM_TRY(join_near(p, &items[kept - 1], &items[i]));
        } else if (items[i].joined.join == PM_JOIN_IN) {
            PM_TRY(join_in(p, &items[kept - 1], &items[i]));
        } else {
            items[kept++] = items[i];
        }
    }
    *n = kept;
    return PM_OK;
}

/* ---- NOT, AND, OR ---- */

static pm_status negate(pm_parser *p, pm_item *item) {
    pm_node *node;
    if (!item->joined.negated) {
        return PM_OK;
    }
    pm_extent at = over(item->joined.not_at, item->at);
    PM_TRY(pm_parse_node(p, PM_NODE_NOT, 1, at, &node));
    node->children[0] = item->node;
    item->node = node;
    item->at = at;
    item->depth++;
    item->documents = node;
    return pm_parse_check_depth(p, item->depth, at);
}

/* An item of the same kind as what it goes into gives its children, unless they share
 * a boost. */
static bool is_flat(const pm_node *node, pm_node_kind kind) {
    return node->kind == kind && node->boost == PM_NO_BOOST;
}

static uint32_t count_flat(const pm_item *items, size_t n, pm_node_kind kind) {
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += is_flat(items[i].node, kind) ? items[i].node->n_children : 1;
    }
    return count;
}

/* One node of kind over items. */
static pm_status join_list(pm_parser *p, pm_node_kind kind, const pm_item *items,
                           size_t n, pm_item *out) {
    pm_node *node;
    pm_item all = items[0];
    all.at = over(items[0].at, items[n - 1].at);
    PM_TRY(pm_parse_node(p, kind, count_flat(items, n, kind), all.at, &node));
    uint32_t at = 0;
    all.documents = NULL;
    for (size_t i = 0; i < n; i++) {
        bool flat = is_flat(items[i].node, kind);
        uint32_t depth = items[i].depth + !flat;
        const pm_node *one = items[i].node;
        memcpy(node->children + at,
               flat ? (pm_node *const *)one->children : &items[i].node,
               (flat ? one->n_children : 1) * sizeof(pm_node *));
        at += flat ? one->n_children : 1;
        all.depth = more(i == 0 ? 0 : all.depth, depth);
        all.documents = all.documents != NULL ? all.documents : items[i].documents;
    }
    all.node = node;
    all.bare = all.field_word = false;
    all.documents = kind == PM_NODE_AND ? node : all.documents;
    *out = all;
    return pm_parse_check_depth(p, all.depth, all.at);
}

static pm_status check_not_alone(pm_parser *p, const pm_item *items, size_t n) {
    bool positive = p->mode == PM_PARSE_FILTER;
    for (size_t i = 0; i < n; i++) {
        positive |= items[i].node->kind != PM_NODE_NOT;
    }
    if (positive) {
        return PM_OK;
    }
    pm_parse_fail(p, PM_SYNTAX, over(items[0].at, items[n - 1].at),
                  "NOT alone: nearly every document would match");
    pm_parse_hint(p, "say what to find as well: missile AND NOT test");
    return PM_SYNTAX;
}

/* [from, to) joined by AND or nothing. */
static pm_status group_and(pm_parser *p, pm_item *items, size_t from, size_t to,
                           pm_item *out) {
    pm_pending joined = items[from].joined;
    for (size_t i = from; i < to; i++) {
        PM_TRY(negate(p, &items[i]));
    }
    PM_TRY(check_not_alone(p, items + from, to - from));
    if (to - from == 1) {
        *out = items[from];
    } else {
        PM_TRY(join_list(p, PM_NODE_AND, items + from, to - from, out));
    }
    out->joined = joined;
    return PM_OK;
}

pm_status pm_parse_group(pm_parser *p, size_t first, pm_item *out) {
    pm_item *items = p->items + first;
    size_t n = p->n_items - first, kept = 0;
    PM_TRY(check_readings(p, items, n));
    PM_TRY(note_precedence(p, items, n));
    PM_TRY(note_words(p, items, n));
    PM_TRY(group_near(p, items, &n));
    for (size_t from = 0; from < n;) {
        size_t to = from + 1;
        while (to < n && items[to].joined.join != PM_JOIN_OR) {
            to++;
        }
        pm_item one;
        PM_TRY(group_and(p, items, from, to, &one));
        items[kept++] = one;
        from = to;
    }
    if (kept == 1) {
        *out = items[0];
    } else {
        PM_TRY(join_list(p, PM_NODE_OR, items, kept, out));
    }
    p->n_items = first;
    return PM_OK;
}
