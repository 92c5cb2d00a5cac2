/* A query made ready for one snapshot, before any segment is touched: leaves compiled
 * to matchers, and the tree cut into two storeys: clauses, which speak of documents
 * (AND, OR, NOT, metadata), and operands, which speak of tokens (leaf, NEAR, OR within
 * NEAR) and are the unit of scoring. */
#ifndef PM_QUERY_PLAN_H
#define PM_QUERY_PLAN_H

#include "index/snapshot.h"
#include "query/match.h"
#include "query/parse.h"

/* A node of the token storey. */
typedef struct pm_prox {
    enum {
        PM_PROX_LEAF,
        PM_PROX_NEAR,
        PM_PROX_NOT_NEAR, /* the first child where the second is not near */
        PM_PROX_QUOTE,    /* its child within one quotation, or (negated) not */
        PM_PROX_OR
    } kind;
    const pm_node *node;
    pm_leaf *leaf; /* LEAF */
    /* LEAF: one byte a field of the snapshot, 1 where it may stand; NULL: all */
    const uint8_t *fields;
    uint32_t n_children;
    struct pm_prox **children;
} pm_prox;

/* A node of the document storey. */
typedef struct pm_clause {
    enum {
        PM_CLAUSE_NOTHING,
        PM_CLAUSE_OPERAND,
        PM_CLAUSE_META,
        PM_CLAUSE_AND,
        PM_CLAUSE_OR,
        PM_CLAUSE_OF,
        PM_CLAUSE_NOT,
        /* ATLEAST/n, FIRST/n: an operand of its own, whose hits are some of the
         * child's */
        PM_CLAUSE_ATLEAST,
        PM_CLAUSE_FIRST
    } kind;
    const pm_node *node;
    uint32_t number;  /* among all clauses */
    uint32_t operand; /* OPERAND, ATLEAST, FIRST: number among operands */
    uint32_t n_children;
    struct pm_clause **children;
} pm_clause;

typedef struct pm_operand {
    pm_prox *root; /* NULL: found by a clause (ATLEAST, FIRST) */
    /* gives hits and scores: not under NOT, nor within another operand */
    bool positive;
    double boost;
} pm_operand;

typedef struct pm_plan {
    pm_arena arena;
    const pm_snapshot *snapshot; /* borrowed */
    pm_limits limits;
    pm_clause *root;
    uint32_t n_clauses, n_operands, n_leaves;
    pm_operand *operands;
    pm_leaf **leaves; /* in reading order */
} pm_plan;

/* The plan keeps its own copy of the tree. PM_INVALID for trees that the parser would
 * refuse (AND within NEAR, metadata within NEAR). */
pm_status pm_plan_new(const pm_snapshot *snapshot, const pm_query *query,
                      const pm_limits *limits, pm_plan **out,
                      pm_error *err) PM_MUST_CHECK;
void pm_plan_free(pm_plan *p);

#endif
