#include "query/prox_bind.h"

/* The snapshot's fields as the segment numbers them. */
static pm_status bind_fields(const pm_part *part, const uint8_t *fields, pm_arena *arena, pm_bound *b, pm_error *err) {
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

static pm_status bind_leaf(const pm_plan *plan, const pm_part *part, pm_bound *b, pm_arena *arena, pm_cancel *cancel, pm_error *err) {
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
        PM_TRY(pm_element_bind(&b->elements[i], &part->segment, &leaf->elements[i], plan->limits, arena, cancel, err));
    }
    return bind_fields(part, b->prox->fields, arena, b, err);
}

static pm_status bind(const pm_plan *plan, const pm_part *part, const pm_prox *prox, pm_arena *arena, pm_cancel *cancel,
                      pm_bound **out, pm_error *err) {
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
    if (b->children == NULL) {
        return pm_fail_nomem(err, prox->n_children * sizeof *b->children);
    }
    for (; b->n_children < prox->n_children; b->n_children++) {
        PM_TRY(bind(plan, part, prox->children[b->n_children], arena, cancel, &b->children[b->n_children], err));
    }
    return PM_OK;
}

/* Marks elements of x that meet elements of y, and those of y. */
static void track_leaves(pm_bound *x, pm_bound *y) {
    for (uint32_t i = 0; i < x->n_elements; i++) {
        for (uint32_t j = x == y ? i + 1 : 0; j < y->n_elements; j++) {
            if (!(x->tracked[i] && y->tracked[j]) && pm_elements_meet(&x->elements[i], &y->elements[j])) {
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

pm_status pm_prox_bind(const pm_plan *plan, const pm_part *part, const pm_prox *root, pm_arena *arena, pm_cancel *cancel,
                       pm_bound **out, pm_error *err) {
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

static pm_unit element_unit(const pm_bound *b, const pm_segment *seg, pm_bound_element *e, pm_unit target) {
    pm_pos p = pm_element_seek(e, pm_bounds_start(&seg->bounds, target));
    while (p != PM_END) {
        pm_unit u = pm_bounds_unit(&seg->bounds, p);
        if (u == PM_END || pm_bound_allows(b, seg, u)) {
            return u;
        }
        p = pm_element_seek(e, pm_bounds_start(&seg->bounds, u + 1));
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
    default:
        return or_unit(b, seg, target);
    }
}

/* ---- spans ---- */

static pm_status element_spans(pm_bound *b, uint32_t i, const pm_segment *seg, pm_unit unit, pm_arena *scratch, pm_spans *out,
                               pm_error *err) {
    pm_bound_element *e = &b->elements[i];
    pm_pos end = pm_bounds_end(&seg->bounds, unit);
    out->n = 0;
    for (pm_pos p = pm_element_seek(e, pm_bounds_start(&seg->bounds, unit)); p < end; p = pm_element_next(e)) {
        pm_span span = {.lo = p, .hi = e->end, .weight = e->end - p};
        if (e->end > end) {
            continue; /* only after damage: no sequence holds a sentinel */
        }
        if (b->tracked[i]) {
            pm_taken *taken = pm_arena_alloc(scratch, sizeof *taken);
            if (taken == NULL) {
                return pm_fail_nomem(err, sizeof *taken);
            }
            *taken = (pm_taken){p, e->end};
            span.taken = taken;
            span.n_taken = 1;
        }
        if (!pm_spans_add(out, span)) {
            return pm_fail_nomem(err, sizeof span);
        }
    }
    return PM_OK;
}

static void swap_spans(pm_spans *a, pm_spans *b) {
    pm_spans c = *a;
    *a = *b;
    *b = c;
}

/* Slots joined one by one; a partial join may spare as many tokens as the slots to come can take. */
static pm_status leaf_spans(pm_bound *b, const pm_segment *seg, pm_unit unit, pm_arena *scratch, pm_budget *budget, pm_error *err) {
    const pm_leaf *leaf = b->prox->leaf;
    uint32_t to_come = 0;
    for (uint32_t i = 1; i < b->n_elements; i++) {
        to_come += b->longest[i];
    }
    b->spans.n = 0;
    if (b->n_elements == 0) {
        return PM_OK;
    }
    PM_TRY(element_spans(b, 0, seg, unit, scratch, &b->spans, err));
    for (uint32_t i = 1; i < b->n_elements; i++) {
        to_come -= b->longest[i];
        pm_rule rule = {.n = PM_NEAR_ANY_DISTANCE, .ordered = leaf->slop == PM_SLOP_IN_ORDER, .scope = PM_SCOPE_FIELD,
                        .extra = (uint32_t)leaf->n_slop + to_come};
        PM_TRY(element_spans(b, i, seg, unit, scratch, &b->other, err));
        b->joint.n = 0;
        PM_TRY(pm_spans_join(&b->spans, &b->other, &rule, scratch, budget, &b->joint, err));
        swap_spans(&b->spans, &b->joint);
    }
    return PM_OK;
}

static pm_status near_spans(pm_bound *b, const pm_segment *seg, pm_unit unit, pm_arena *scratch, pm_budget *budget, pm_error *err) {
    const pm_node *node = b->prox->node;
    pm_rule rule = {.n = node->n, .ordered = node->ordered, .scope = (int32_t)node->scope, .extra = UINT32_MAX, .zones = &seg->zones};
    PM_TRY(pm_bound_spans(b->children[0], seg, unit, scratch, budget, err));
    PM_TRY(pm_bound_spans(b->children[1], seg, unit, scratch, budget, err));
    b->spans.n = 0;
    return pm_spans_join(&b->children[0]->spans, &b->children[1]->spans, &rule, scratch, budget, &b->spans, err);
}

static pm_status or_spans(pm_bound *b, const pm_segment *seg, pm_unit unit, pm_arena *scratch, pm_budget *budget, pm_error *err) {
    b->spans.n = 0;
    for (uint32_t i = 0; i < b->n_children; i++) {
        PM_TRY(pm_bound_spans(b->children[i], seg, unit, scratch, budget, err));
        for (size_t j = 0; j < b->children[i]->spans.n; j++) {
            if (!pm_spans_add(&b->spans, b->children[i]->spans.at[j])) {
                return pm_fail_nomem(err, sizeof(pm_span));
            }
        }
    }
    pm_spans_settle(&b->spans);
    return PM_OK;
}

pm_status pm_bound_spans(pm_bound *b, const pm_segment *seg, pm_unit unit, pm_arena *scratch, pm_budget *budget, pm_error *err) {
    switch (b->prox->kind) {
    case PM_PROX_LEAF:
        if (!pm_bound_allows(b, seg, unit)) {
            b->spans.n = 0;
            return PM_OK;
        }
        return leaf_spans(b, seg, unit, scratch, budget, err);
    case PM_PROX_NEAR:
        return near_spans(b, seg, unit, scratch, budget, err);
    default:
        return or_spans(b, seg, unit, scratch, budget, err);
    }
}
