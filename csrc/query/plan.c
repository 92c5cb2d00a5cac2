/* One walk over the tree in reading order, which numbers leaves, clauses and operands.
 * Recursion is as deep as the tree, which the makers of trees bound. */
#include "query/plan.h"

#include <string.h>

#include "base/sys.h"

typedef struct planner {
    pm_plan *plan;
    pm_stemmer *stemmer;
    const uint8_t *fields; /* restriction in force */
    bool positive;
    bool inside; /* an operand that is found by a clause */
    double boost;
    pm_error *err;
    size_t operands_capacity, leaves_capacity;
} planner;

static pm_status nomem(const planner *p) {
    return pm_fail_nomem(p->err, 0);
}

static pm_status fail_at(const planner *p, const pm_node *node, pm_status code,
                         const char *message) {
    pm_fail(p->err, code, "%s", message);
    if (p->err != NULL) {
        p->err->pos = node->pos;
        p->err->end = node->end;
    }
    return code;
}

/* fields AND the one that the node names, or (but) all others. */
static pm_status restrict_field(planner *p, const pm_node *node, bool but) {
    const pm_manifest *m = &p->plan->snapshot->manifest;
    int field = pm_snapshot_field(
        p->plan->snapshot, (pm_bytes){(const uint8_t *)node->text, strlen(node->text)});
    if (field < 0) {
        return fail_at(p, node, PM_FIELD, "no such text field");
    }
    uint8_t *only = pm_arena_array(&p->plan->arena, m->n_fields, 1);
    if (only == NULL) {
        return nomem(p);
    }
    for (uint32_t i = 0; i < m->n_fields; i++) {
        only[i] = (i == (uint32_t)field) != but && (p->fields == NULL || p->fields[i]);
    }
    p->fields = only;
    return PM_OK;
}

static bool is_quote(const pm_node *in) {
    return strcmp(in->text, "quote") == 0 || strcmp(in->text, "quotes") == 0;
}

/* ---- the token storey ---- */

static pm_status plan_prox(planner *p, const pm_node *node, pm_prox **out);

static pm_status plan_leaf(planner *p, const pm_node *node, pm_prox *out) {
    pm_plan *plan = p->plan;
    out->kind = PM_PROX_LEAF;
    out->fields = p->fields;
    out->leaf = pm_arena_array(&plan->arena, 1, sizeof *out->leaf);
    if (out->leaf == NULL) {
        return nomem(p);
    }
    PM_TRY(pm_leaf_compile(plan->snapshot->analyzer, p->stemmer, node, &plan->arena,
                           out->leaf, p->err));
    out->leaf->positive = p->positive;
    out->leaf->number = plan->n_leaves;
    if (!PM_GROW(plan->leaves, plan->n_leaves, p->leaves_capacity, 1)) {
        return nomem(p);
    }
    plan->leaves[plan->n_leaves++] = out->leaf;
    return PM_OK;
}

static pm_status plan_prox_children(planner *p, const pm_node *node, pm_prox *out) {
    out->children =
        pm_arena_array(&p->plan->arena, node->n_children, sizeof *out->children);
    if (out->children == NULL) {
        return nomem(p);
    }
    for (; out->n_children < node->n_children; out->n_children++) {
        PM_TRY(plan_prox(p, node->children[out->n_children],
                         &out->children[out->n_children]));
    }
    return PM_OK;
}

/* field:( ), x IN field, x NOT IN field. */
static pm_status plan_prox_field(planner *p, const pm_node *node, pm_prox **out) {
    const uint8_t *outer = p->fields;
    PM_TRY(restrict_field(p, node, node->negated));
    pm_status status = plan_prox(p, node->children[0], out);
    p->fields = outer;
    return status;
}

/* What must not be near gives no hits. */
static pm_status plan_not_near(planner *p, const pm_node *node, pm_prox *out) {
    bool outer = p->positive;
    out->kind = PM_PROX_NOT_NEAR;
    out->children = pm_arena_array(&p->plan->arena, 2, sizeof *out->children);
    if (out->children == NULL) {
        return nomem(p);
    }
    PM_TRY(plan_prox(p, node->children[0], &out->children[0]));
    p->positive = false;
    pm_status status = plan_prox(p, node->children[1], &out->children[1]);
    p->positive = outer;
    out->n_children = 2;
    return status;
}

static pm_status plan_prox(planner *p, const pm_node *node, pm_prox **out) {
    if (node->kind == PM_NODE_FIELD || (node->kind == PM_NODE_IN && !is_quote(node))) {
        return plan_prox_field(p, node, out);
    }
    pm_prox *x = pm_arena_array(&p->plan->arena, 1, sizeof *x);
    if (x == NULL) {
        return nomem(p);
    }
    *out = x;
    x->node = node;
    switch (node->kind) {
    case PM_NODE_WORD:
    case PM_NODE_PHRASE:
    case PM_NODE_SET:
        return plan_leaf(p, node, x);
    case PM_NODE_NEAR:
        x->kind = PM_PROX_NEAR;
        return node->negated ? plan_not_near(p, node, x)
                             : plan_prox_children(p, node, x);
    case PM_NODE_IN:
        x->kind = PM_PROX_QUOTE;
        return plan_prox_children(p, node, x);
    case PM_NODE_OR:
        x->kind = PM_PROX_OR;
        return plan_prox_children(p, node, x);
    case PM_NODE_META:
        return fail_at(
            p, node, PM_INVALID,
            "metadata cannot stand inside W/ or PRE/; put it beside with AND");
    default:
        return fail_at(p, node, PM_INVALID,
                       "AND, NOT, ATLEAST, FIRST and n OF cannot stand inside W/, PRE/ "
                       "or IN; write (a W/n c) AND (b W/n c)");
    }
}

static pm_status copy_text(planner *p, const char **text) {
    if (*text == NULL) {
        return PM_OK;
    }
    *text = pm_arena_copy(&p->plan->arena, *text, strlen(*text));
    return *text == NULL ? nomem(p) : PM_OK;
}

static pm_status copy_tree(planner *p, const pm_node *node, pm_node **out) {
    pm_node *copy = pm_node_new(&p->plan->arena, node->kind, node->n_children);
    if (copy == NULL) {
        return nomem(p);
    }
    pm_node **children = copy->children;
    *copy = *node;
    copy->children = children;
    PM_TRY(copy_text(p, &copy->text));
    PM_TRY(copy_text(p, &copy->lo));
    PM_TRY(copy_text(p, &copy->hi));
    for (uint32_t i = 0; i < node->n_children; i++) {
        PM_TRY(copy_tree(p, node->children[i], &children[i]));
    }
    *out = copy;
    return PM_OK;
}

/* ---- the document storey ---- */

static pm_status plan_clause(planner *p, const pm_node *node, pm_clause **out);

static pm_status new_operand(planner *p, pm_clause *out) {
    pm_plan *plan = p->plan;
    out->operand = plan->n_operands;
    if (!PM_GROW(plan->operands, plan->n_operands, p->operands_capacity, 1)) {
        return nomem(p);
    }
    plan->operands[plan->n_operands++] =
        (pm_operand){.positive = p->positive && !p->inside, .boost = p->boost};
    return PM_OK;
}

static pm_status plan_operand(planner *p, const pm_node *node, pm_clause *out) {
    pm_plan *plan = p->plan;
    out->kind = PM_CLAUSE_OPERAND;
    PM_TRY(new_operand(p, out));
    pm_prox *root;
    PM_TRY(plan_prox(p, node, &root));
    plan->operands[out->operand].root = root;
    return PM_OK;
}

static pm_status plan_children(planner *p, const pm_node *node, pm_clause *out) {
    out->children =
        pm_arena_array(&p->plan->arena, node->n_children, sizeof *out->children);
    if (out->children == NULL) {
        return nomem(p);
    }
    for (; out->n_children < node->n_children; out->n_children++) {
        PM_TRY(plan_clause(p, node->children[out->n_children],
                           &out->children[out->n_children]));
    }
    return PM_OK;
}

/* ATLEAST/n, FIRST/n. */
static pm_status plan_some_hits(planner *p, const pm_node *node, pm_clause *out) {
    bool outer = p->inside;
    out->kind = node->kind == PM_NODE_FIRST ? PM_CLAUSE_FIRST : PM_CLAUSE_ATLEAST;
    PM_TRY(new_operand(p, out));
    p->inside = true;
    pm_status status = plan_children(p, node, out);
    p->inside = outer;
    return status;
}

static pm_status plan_not(planner *p, const pm_node *node, pm_clause *out) {
    bool outer = p->positive;
    p->positive = false;
    out->kind = PM_CLAUSE_NOT;
    pm_status status = plan_children(p, node, out);
    p->positive = outer;
    return status;
}

static pm_status plan_field(planner *p, const pm_node *node, pm_clause **out) {
    const uint8_t *outer = p->fields;
    PM_TRY(restrict_field(p, node, false));
    pm_status status = plan_clause(p, node->children[0], out);
    p->fields = outer;
    return status;
}

static pm_status plan_clause_node(planner *p, const pm_node *node, pm_clause **out) {
    if (node->kind == PM_NODE_FIELD) {
        return plan_field(p, node, out);
    }
    pm_clause *c = pm_arena_array(&p->plan->arena, 1, sizeof *c);
    if (c == NULL) {
        return nomem(p);
    }
    *out = c;
    c->node = node;
    c->number = p->plan->n_clauses++;
    switch (node->kind) {
    case PM_NODE_NOTHING:
        c->kind = PM_CLAUSE_NOTHING;
        return PM_OK;
    case PM_NODE_META:
        c->kind = PM_CLAUSE_META;
        return PM_OK;
    case PM_NODE_AND:
        c->kind = PM_CLAUSE_AND;
        return plan_children(p, node, c);
    case PM_NODE_OR:
        c->kind = PM_CLAUSE_OR;
        return plan_children(p, node, c);
    case PM_NODE_NOT:
        return plan_not(p, node, c);
    case PM_NODE_OF:
        c->kind = PM_CLAUSE_OF;
        return plan_children(p, node, c);
    case PM_NODE_ATLEAST:
    case PM_NODE_FIRST:
        return plan_some_hits(p, node, c);
    default:
        return plan_operand(p, node, c);
    }
}

/* Boosts multiply on the way down. */
static pm_status plan_clause(planner *p, const pm_node *node, pm_clause **out) {
    double outer = p->boost;
    p->boost *= (double)node->boost / PM_NO_BOOST;
    pm_status status = plan_clause_node(p, node, out);
    p->boost = outer;
    return status;
}

pm_status pm_plan_new(const pm_snapshot *snapshot, const pm_query *query,
                      const pm_limits *limits, pm_plan **out, pm_error *err) {
    pm_plan *plan = pm_calloc(1, sizeof *plan);
    if (plan == NULL) {
        return pm_fail_nomem(err, sizeof *plan);
    }
    pm_arena_init(&plan->arena);
    plan->snapshot = snapshot;
    plan->limits = *limits;
    planner p = {.plan = plan, .positive = true, .boost = 1, .err = err};
    pm_node *root = NULL;
    pm_status status = pm_stemmer_new(snapshot->analyzer, &p.stemmer, err);
    if (status == PM_OK) {
        status = copy_tree(&p, query->root, &root);
    }
    if (status == PM_OK) {
        status = plan_clause(&p, root, &plan->root);
    }
    pm_stemmer_free(p.stemmer);
    if (status != PM_OK) {
        pm_plan_free(plan);
        return status;
    }
    *out = plan;
    return PM_OK;
}

void pm_plan_free(pm_plan *p) {
    if (p == NULL) {
        return;
    }
    pm_free(p->operands);
    pm_free(p->leaves);
    pm_arena_release(&p->arena);
    pm_free(p);
}
