/* Which tokens a span took need only be remembered for leaves that could share one with
 * another leaf; the rest go without. Spans are made bottom up within one unit.
 * Recursion is as deep as the tree, which the makers of trees bound. */
#include "query/prox_bind.h"

/* The snapshot's fields as the segment numbers them. */
static pm_status bind_fields(const pm_part *part, const uint8_t *fields,
                             pm_arena *arena, pm_bound *b, pm_error *err) {
    if (fields == NULL) {
        return PM_OK;
    }
    uint32_t n = part->segment.info.n_fields;
    uint8_t *own = pm_arena_array(arena, n, 1);
    if (own == NULL) {
        return pm_fail_nomem(err, n);
    }
    for (uint32_t i = 0; i < n; i++) {
        own[i] = fields[part->field_to_index[i]];
    }
    b->fields = own;
    return PM_OK;
}

static uint32_t longest_sequence(const pm_element *e) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        n = e->sequences[i].n > n ? e->sequences[i].n : n;
    }
    return n;
}

static pm_status bind_leaf(const pm_plan *plan, const pm_part *part, pm_bound *b,
                           pm_arena *arena, pm_cancel *cancel, pm_error *err) {
    const pm_leaf *leaf = b->prox->leaf;
    b->n_elements = leaf->n_elements;
    b->elements = pm_arena_array(arena, b->n_elements, sizeof *b->elements);
    b->tracked = pm_arena_array(arena, b->n_elements, sizeof *b->tracked);
    b->longest = pm_arena_array(arena, b->n_elements, sizeof *b->longest);
    if (b->elements == NULL || b->tracked == NULL || b->longest == NULL) {
        return pm_fail_nomem(err, b->n_elements * sizeof *b->elements);
    }
    for (uint32_t i = 0; i < b->n_elements; i++) {
        b->longest[i] = longest_sequence(&leaf->elements[i]);
        PM_TRY(pm_element_bind(&b->elements[i], &part->segment, &leaf->elements[i],
                               &plan->limits, arena, cancel, err));
    }
    return bind_fields(part, b->prox->fields, arena, b, err);
}

static pm_status bind(const pm_plan *plan, const pm_part *part, const pm_prox *prox,
                      pm_arena *arena, pm_cancel *cancel, pm_bound **out,
                      pm_error *err) {
    pm_bound *b = pm_arena_array(arena, 1, sizeof *b);
    if (b == NULL) {
        return pm_fail_nomem(err, sizeof *b);
    }
    *out = b;
    b->prox = prox;
    if (prox->kind == PM_PROX_LEAF) {
        return bind_leaf(plan, part, b, arena, cancel, err);
    }
    b->children = pm_arena_array(arena, prox->n_children, sizeof *b->children);
    if (prox->kind == PM_PROX_QUOTE) {
        b->quotes = pm_arena_array(arena, 1, sizeof *b->quotes);
    }
    if (b->children == NULL || (prox->kind == PM_PROX_QUOTE && b->quotes == NULL)) {
        return pm_fail_nomem(err, prox->n_children * sizeof *b->children);
    }
    if (b->quotes != NULL) {
        pm_list_iter_init(b->quotes, part->segment.zones.quotes);
    }
    for (; b->n_children < prox->n_children; b->n_children++) {
        PM_TRY(bind(plan, part, prox->children[b->n_children], arena, cancel,
                    &b->children[b->n_children], err));
    }
    return PM_OK;
}

/* Marks elements of x that meet elements of y, and those of y. */
static void track_leaves(pm_bound *x, pm_bound *y) {
    for (uint32_t i = 0; i < x->n_elements; i++) {
        for (uint32_t j = x == y ? i + 1 : 0; j < y->n_elements; j++) {
            if (!(x->tracked[i] && y->tracked[j]) &&
                pm_elements_meet(&x->elements[i], &y->elements[j])) {
                x->tracked[i] = y->tracked[j] = true;
            }
        }
    }
}

static void track_against(pm_bound *leaf, pm_bound *tree) {
    if (tree->prox->kind == PM_PROX_LEAF) {
        track_leaves(leaf, tree);
    }
    for (uint32_t i = 0; i < tree->n_children; i++) {
        track_against(leaf, tree->children[i]);
    }
}

static void track(pm_bound *b, pm_bound *root) {
    if (b->prox->kind == PM_PROX_LEAF) {
        track_against(b, root);
    }
    for (uint32_t i = 0; i < b->n_children; i++) {
        track(b->children[i], root);
    }
}

pm_status pm_prox_bind(const pm_plan *plan, const pm_part *part, const pm_prox *root,
                       pm_arena *arena, pm_cancel *cancel, pm_bound **out,
                       pm_error *err) {
    PM_TRY(bind(plan, part, root, arena, cancel, out, err));
    track(*out, *out);
    return PM_OK;
}

void pm_bound_release(pm_bound *b) {
    if (b == NULL) {
        return;
    }
    pm_spans_release(&b->spans);
    pm_spans_release(&b->other);
    pm_spans_release(&b->joint);
    for (uint32_t i = 0; i < b->n_children; i++) {
        pm_bound_release(b->children[i]);
    }
}

/* ---- units ---- */

static pm_unit element_unit(const pm_bound *b, const pm_segment *seg,
                            pm_bound_element *e, pm_unit target) {
    pm_pos p = pm_element_seek(e, pm_bounds_start(&seg->bounds, target));
    while (p != PM_END) {
        pm_unit u = pm_bounds_unit(&seg->bounds, p);
        if (u == PM_END || u < target) {
            return PM_END; /* damaged bounds: nothing may go backward */
        }
        if (pm_bound_allows(b, seg, u)) {
            return u;
        }
        pm_pos next = pm_bounds_start(&seg->bounds, u + 1);
        p = pm_element_seek(e, next > p ? next : p + 1);
    }
    return PM_END;
}

/* All elements in one unit: each is moved to the furthest until they agree. */
static pm_unit leaf_unit(pm_bound *b, const pm_segment *seg, pm_unit target) {
    uint32_t agreed = 0;
    for (uint32_t i = 0; agreed < b->n_elements; i = (i + 1) % b->n_elements) {
        pm_unit u = element_unit(b, seg, &b->elements[i], target);
        if (u == PM_END) {
            return PM_END;
        }
        agreed = u == target ? agreed + 1 : 1;
        target = u;
    }
    return b->n_elements == 0 ? PM_END : target;
}

static pm_unit near_unit(pm_bound *b, const pm_segment *seg, pm_unit target) {
    uint32_t agreed = 0;
    for (uint32_t i = 0; agreed < b->n_children; i = (i + 1) % b->n_children) {
        pm_unit u = pm_bound_unit(b->children[i], seg, target);
        if (u == PM_END) {
            return PM_END;
        }
        agreed = u == target ? agreed + 1 : 1;
        target = u;
    }
    return target;
}

static pm_unit or_unit(pm_bound *b, const pm_segment *seg, pm_unit target) {
    pm_unit least = PM_END;
    for (uint32_t i = 0; i < b->n_children; i++) {
        pm_unit u = pm_bound_unit(b->children[i], seg, target);
        least = u < least ? u : least;
    }
    return least;
}

pm_unit pm_bound_unit(pm_bound *b, const pm_segment *seg, pm_unit target) {
    switch (b->prox->kind) {
    case PM_PROX_LEAF:
        return leaf_unit(b, seg, target);
    case PM_PROX_NEAR:
        return near_unit(b, seg, target);
    case PM_PROX_NOT_NEAR:
    case PM_PROX_QUOTE:
        return pm_bound_unit(b->children[0], seg, target);
    default:
        return or_unit(b, seg, target);
    }
}

/* ---- costs ---- */

uint64_t pm_bound_cost(const pm_bound *b) {
    uint64_t least = UINT64_MAX, sum = 0;
    if (b->prox->kind == PM_PROX_NOT_NEAR) {
        return pm_bound_cost(b->children[0]);
    }
    for (uint32_t i = 0; i < b->n_elements; i++) {
        least = b->elements[i].cost < least ? b->elements[i].cost : least;
    }
    for (uint32_t i = 0; i < b->n_children; i++) {
        uint64_t cost = pm_bound_cost(b->children[i]);
        sum += cost;
        least = cost < least ? cost : least;
    }
    if (b->prox->kind == PM_PROX_OR) {
        return sum;
    }
    return least == UINT64_MAX ? 0 : least;
}

bool pm_bound_group(const pm_bound *b, pm_group *out) {
    if (b->prox->kind != PM_PROX_LEAF || b->fields != NULL || b->n_elements != 1 ||
        b->elements[0].n != 1) {
        return false;
    }
    const pm_bound_sequence *s = &b->elements[0].sequences[0];
    if (s->n != 1 || s->sets[0].any || s->sets[0].n_groups != 1 || !s->sets[0].whole) {
        return false;
    }
    *out = s->sets[0].groups[0];
    return true;
}

/* ---- spans ---- */

/* Adds the place [lo, hi) of element i. */
static pm_status add_place(pm_bound *b, uint32_t i, const pm_window *w, pm_pos lo,
                           pm_pos hi, pm_spans *out, pm_error *err) {
    pm_span span = {.lo = lo, .hi = hi, .weight = hi - lo};
    if (b->tracked[i]) {
        pm_taken *taken = pm_arena_alloc(w->scratch, sizeof *taken);
        if (taken == NULL) {
            return pm_fail_nomem(err, sizeof *taken);
        }
        *taken = (pm_taken){lo, hi};
        span.taken = taken;
        span.n_taken = 1;
    }
    return pm_spans_add(out, span) ? PM_OK : pm_fail_nomem(err, sizeof span);
}

static bool stands_at(const pm_bound_sequence *s, const pm_segment *seg, pm_pos start) {
    for (uint32_t i = 0; i < s->n; i++) {
        if (!pm_idset_has(&s->sets[i], pm_stream_at(&seg->stream, start + i))) {
            return false;
        }
    }
    return true;
}

/* Places of element i by reading every token of the window. */
static pm_status scan_places(pm_bound *b, uint32_t i, const pm_window *w, pm_spans *out,
                             pm_error *err) {
    const pm_bound_element *e = &b->elements[i];
    for (pm_pos p = w->lo; p < w->hi; p++) {
        for (uint32_t k = 0; k < e->n; k++) {
            const pm_bound_sequence *s = &e->sequences[k];
            if (s->n <= w->hi - p && stands_at(s, w->seg, p)) {
                PM_TRY(add_place(b, i, w, p, p + s->n, out, err));
            }
        }
    }
    return PM_OK;
}

static pm_status element_spans(pm_bound *b, uint32_t i, const pm_window *w,
                               pm_spans *out, pm_error *err) {
    out->n = 0;
    if (w->scan) {
        PM_TRY(scan_places(b, i, w, out, err));
    } else {
        pm_bound_element *e = &b->elements[i];
        for (pm_pos p = pm_element_seek(e, w->lo); p < w->hi; p = pm_element_next(e)) {
            /* always, but after damage: no sequence holds a sentinel */
            if (e->end <= w->hi) {
                PM_TRY(add_place(b, i, w, p, e->end, out, err));
            }
        }
    }
    pm_spans_settle(out, 0);
    return PM_OK;
}

static void swap_spans(pm_spans *a, pm_spans *b) {
    pm_spans c = *a;
    *a = *b;
    *b = c;
}

/* Slots joined one by one; a partial join may spare as many tokens as the slots to come
 * can take. */
static pm_status join_slots(pm_bound *b, const pm_window *w, pm_error *err) {
    const pm_leaf *leaf = b->prox->leaf;
    uint32_t to_come = 0;
    for (uint32_t i = 1; i < b->n_elements; i++) {
        to_come += b->longest[i];
    }
    PM_TRY(element_spans(b, 0, w, &b->spans, err));
    for (uint32_t i = 1; i < b->n_elements; i++) {
        to_come -= b->longest[i];
        pm_rule rule = {.n = PM_NEAR_ANY_DISTANCE,
                        .ordered = leaf->slop == PM_SLOP_IN_ORDER,
                        .scope = PM_SCOPE_FIELD,
                        .extra = (uint32_t)leaf->n_slop + to_come};
        PM_TRY(element_spans(b, i, w, &b->other, err));
        b->joint.n = 0;
        PM_TRY(pm_spans_join(&b->spans, &b->other, &rule, w->scratch, w->budget,
                             &b->joint, err));
        swap_spans(&b->spans, &b->joint);
    }
    return PM_OK;
}

/* Gives each span the parts of this leaf alone. */
static pm_status name_parts(pm_bound *b, const pm_window *w, pm_error *err) {
    for (size_t i = 0; i < b->spans.n && w->n_parts > 0; i++) {
        pm_span *span = &b->spans.at[i];
        pm_taken *parts = pm_arena_alloc(w->scratch, w->n_parts * sizeof *parts);
        if (parts == NULL) {
            return pm_fail_nomem(err, w->n_parts * sizeof *parts);
        }
        for (uint32_t k = 0; k < w->n_parts; k++) {
            parts[k] = (pm_taken){PM_END, PM_END};
        }
        parts[b->prox->leaf->number] = (pm_taken){span->lo, span->hi};
        span->parts = parts;
    }
    return PM_OK;
}

static pm_status leaf_spans(pm_bound *b, const pm_window *w, pm_error *err) {
    b->spans.n = 0;
    if (b->n_elements == 0 || !pm_bound_allows(b, w->seg, w->unit)) {
        return PM_OK;
    }
    PM_TRY(join_slots(b, w, err));
    return name_parts(b, w, err);
}

static pm_status near_spans(pm_bound *b, const pm_window *w, pm_error *err) {
    const pm_node *node = b->prox->node;
    pm_rule rule = {.n = node->n,
                    .ordered = node->ordered,
                    .scope = (int32_t)node->scope,
                    .extra = UINT32_MAX,
                    .zones = &w->seg->zones,
                    .n_parts = w->n_parts};
    PM_TRY(pm_bound_spans(b->children[0], w, err));
    PM_TRY(pm_bound_spans(b->children[1], w, err));
    b->spans.n = 0;
    return pm_spans_join(&b->children[0]->spans, &b->children[1]->spans, &rule,
                         w->scratch, w->budget, &b->spans, err);
}

/* What must not be near is looked for in the whole field, also where only a hit's own
 * tokens are read again. */
static pm_status not_near_spans(pm_bound *b, const pm_window *w, pm_error *err) {
    const pm_node *node = b->prox->node;
    pm_rule rule = {.n = node->n,
                    .ordered = node->ordered,
                    .scope = (int32_t)node->scope,
                    .extra = UINT32_MAX,
                    .zones = &w->seg->zones};
    pm_window field = *w;
    field.lo = pm_bounds_start(&w->seg->bounds, w->unit);
    field.hi = pm_bounds_end(&w->seg->bounds, w->unit);
    PM_TRY(pm_bound_spans(b->children[0], w, err));
    swap_spans(&b->spans, &b->children[0]->spans);
    if (b->spans.n == 0) {
        return PM_OK;
    }
    PM_TRY(pm_bound_spans(b->children[1], &field, err));
    return pm_spans_avoid(&b->spans, &b->children[1]->spans, &rule, w->budget, err);
}

static pm_status quote_spans(pm_bound *b, const pm_window *w, pm_error *err) {
    bool negated = b->prox->node->negated;
    size_t kept = 0;
    PM_TRY(pm_bound_spans(b->children[0], w, err));
    swap_spans(&b->spans, &b->children[0]->spans);
    for (size_t i = 0; i < b->spans.n; i++) {
        pm_pos lo, hi;
        bool in = pm_zone_at(&w->seg->zones, PM_ZONE_QUOTE, b->spans.at[i].lo,
                             w->scan ? NULL : b->quotes, &lo, &hi) &&
                  b->spans.at[i].hi <= hi;
        if (in != negated) {
            b->spans.at[kept++] = b->spans.at[i];
        }
    }
    b->spans.n = kept;
    return PM_OK;
}

static pm_status or_spans(pm_bound *b, const pm_window *w, pm_error *err) {
    b->spans.n = 0;
    for (uint32_t i = 0; i < b->n_children; i++) {
        PM_TRY(pm_bound_spans(b->children[i], w, err));
        for (size_t j = 0; j < b->children[i]->spans.n; j++) {
            if (!pm_spans_add(&b->spans, b->children[i]->spans.at[j])) {
                return pm_fail_nomem(err, sizeof(pm_span));
            }
        }
    }
    pm_spans_settle(&b->spans, w->n_parts);
    return PM_OK;
}

pm_status pm_bound_spans(pm_bound *b, const pm_window *w, pm_error *err) {
    switch (b->prox->kind) {
    case PM_PROX_LEAF:
        return leaf_spans(b, w, err);
    case PM_PROX_NEAR:
        return near_spans(b, w, err);
    case PM_PROX_NOT_NEAR:
        return not_near_spans(b, w, err);
    case PM_PROX_QUOTE:
        return quote_spans(b, w, err);
    default:
        return or_spans(b, w, err);
    }
}
