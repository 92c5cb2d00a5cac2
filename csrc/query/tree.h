/* The syntax tree of a query: what the parser and the builders make, what explain
 * shows, what the evaluator reads. Built in one arena, immutable afterwards. Knows no
 * index. Meaning of each node: DESIGN sections 5 and 6. */
#ifndef PM_QUERY_TREE_H
#define PM_QUERY_TREE_H

#include "base/arena.h"
#include "base/buffer.h"

typedef enum pm_node_kind {
    PM_NODE_NOTHING, /* matches no document: the empty query */
    /* leaf: text, layer; wildcards unless literal. Its text may hold several tokens
     * (self-defence, reuters.com) */
    PM_NODE_WORD,
    PM_NODE_ANY, /* only as a phrase's slot: a lone *, exactly one token */
    /* leaf: children are slots: WORD, ANY or ALTERNATIVES; slop and order */
    PM_NODE_PHRASE,
    PM_NODE_ALTERNATIVES, /* only as a phrase's slot: (a|b), children WORD */
    /* leaf: one of its children, WORD or PHRASE: a list in near(), or $name (text: the
     * name; without children where no values were given to the parser) */
    PM_NODE_SET,
    /* two children: W/n (ordered false) or PRE/n (ordered true), scope; negated: the
     * first where the second is not near */
    PM_NODE_NEAR,
    PM_NODE_IN,  /* one child within one interval of the zone `text`; negated: not */
    PM_NODE_OR,  /* two and more children */
    PM_NODE_AND, /* two and more children, some of which may be NOT, not all */
    PM_NODE_NOT, /* one child; only under AND, or in a filter */
    /* one child, restricted to the text field `text` (unknown field names stay until an
     * index is met) */
    PM_NODE_FIELD,
    PM_NODE_META,    /* a document predicate: column `text`, op, lo, hi */
    PM_NODE_ATLEAST, /* one child, in documents where it has n hits and more */
    PM_NODE_FIRST,   /* one child: its hits that end within a field's first n tokens */
    PM_NODE_OF       /* n and more of the children */
} pm_node_kind;

typedef enum pm_layer {
    PM_LAYER_STEM,
    PM_LAYER_FOLDED,
    PM_LAYER_SURFACE
} pm_layer; /* word, =word, ==word */
typedef enum pm_scope {
    PM_SCOPE_FIELD,
    PM_SCOPE_SENTENCE,
    PM_SCOPE_PARAGRAPH
} pm_scope;
typedef enum pm_slop {
    PM_SLOP_NONE,
    PM_SLOP_ANY_ORDER,
    PM_SLOP_IN_ORDER
} pm_slop; /* "..", "..."~n, "..."~>n */
/* IS: whole value, * allowed; RANGE: lo .. hi */
typedef enum pm_meta_op { PM_META_IS, PM_META_RANGE } pm_meta_op;

enum { PM_NEAR_ANY_DISTANCE = -1 }; /* W/s, W/p: no bound but the scope */
enum { PM_NO_BOOST = 1000, PM_MAX_BOOST = 1000000000 };

typedef struct pm_node {
    pm_node_kind kind;
    /* code points of the query text, [pos, end); 0, 0 for built trees */
    uint32_t pos, end;
    /* WORD: without = and quotes; FIELD, META: the name; else NULL. NUL-terminated,
     * valid UTF-8 */
    const char *text;
    /* WORD: in a phrase FOLDED or SURFACE (stem for phrase(stem=True)) */
    pm_layer layer;
    /* WORD: written with = or ==, so that capitals make no name of it */
    bool explicit_layer;
    bool literal; /* WORD: * and ? are no wildcards */
    /* WORD: letters in capitals mean nothing here (a headline, a pattern) */
    bool capitals_plain;
    uint8_t fuzzy;  /* WORD: Levenshtein distance at most, 0: none */
    uint32_t boost; /* weight of what it finds in scores, in thousandths; 1000: none */
    pm_slop slop;   /* PHRASE */
    /* NEAR: distance or PM_NEAR_ANY_DISTANCE; PHRASE: words of slop; ATLEAST, FIRST,
     * OF: the number written */
    int32_t n;
    bool ordered;          /* NEAR */
    bool negated;          /* NEAR, IN */
    pm_scope scope;        /* NEAR */
    pm_meta_op op;         /* META */
    const char *lo, *hi;   /* META: IS: lo is the value; RANGE: bounds, NULL for open */
    bool lo_open, hi_open; /* META RANGE: bound itself excluded */
    uint32_t n_children;
    struct pm_node **children;
} pm_node;

typedef struct pm_query {
    pm_arena arena;
    pm_node *root;
    /* no operator in it: idx.search ranks documents with any of its words */
    bool plain;
    uint32_t n_notes;
    /* for a person: what was read differently from what one might expect */
    char **notes;
} pm_query;

/* A node with room for n_children in the arena; NULL when memory runs out. */
pm_node *pm_node_new(pm_arena *arena, pm_node_kind kind, uint32_t n_children);
const char *pm_node_kind_name(pm_node_kind kind); /* "word", "phrase", "near", ... */
/* Adds a note; a failure to allocate is PM_NOMEM. */
pm_status pm_query_note(pm_query *q, pm_error *err, const char *format, ...)
    PM_PRINTF(3, 4) PM_MUST_CHECK;
void pm_query_init(pm_query *q);
void pm_query_release(pm_query *q);
/* Canonical text: parses to an equal tree (pos and end aside). */
pm_status pm_query_text(const pm_node *root, pm_buf *out, pm_error *err) PM_MUST_CHECK;
bool pm_node_equal(const pm_node *a, const pm_node *b); /* pos and end aside */

#endif
