/* Query text to tree. Hand-written, one pass, bounded depth. Errors: PM_SYNTAX,
 * PM_AMBIGUOUS (hint holds both readings), PM_FIELD, PM_LIMIT, with the place in code
 * points. */
#ifndef PM_QUERY_PARSE_H
#define PM_QUERY_PARSE_H

#include "query/tree.h"

typedef struct pm_limits {
    uint32_t depth;          /* of nesting */
    uint32_t clauses;        /* leaves */
    uint32_t expansions;     /* forms that a pattern may stand for */
    uint32_t query_length;   /* code points */
    uint64_t pairs;          /* pairs of spans looked at in one document */
    uint32_t segment_tokens; /* positions of a segment (building) */
    bool skip_documents;     /* one beyond `pairs` is left out with a note, no error */
} pm_limits;
extern const pm_limits pm_limits_default;

/* What $name stands for: one of the values, each a word (by stem) or several (a
 * phrase), with * and ? as wildcards and never read for operators. */
typedef struct pm_named {
    const char *name;
    const pm_bytes *values;
    size_t n_values;
} pm_named;

/* Names that may stand before ':' or behind $ and IN. NULL schema: any name may, is
 * read as a text field unless a range follows, and $name stays without values. */
typedef struct pm_schema {
    uint32_t n_fields, n_columns, n_named;
    const char *const *fields, *const *columns;
    const pm_named *named; /* a name that stands twice: the first one counts */
} pm_schema;

typedef enum pm_parse_mode {
    /* hits, count, parse: unbalanced brackets and unknown fields are errors */
    PM_PARSE_STRICT,
    /* search: text without operators never fails, whatever its characters (DESIGN
     * section 6, "Text is plain unless") */
    PM_PARSE_SEARCH,
    /* only metadata terms and ranges with AND, OR, NOT (NOT alone too) */
    PM_PARSE_FILTER
} pm_parse_mode;

/* The tree of a text in any bytes (made valid UTF-8 first), in *out: the
 * caller's, by pm_query_release; empty after failure. */
pm_status pm_parse(const char *text, size_t n_bytes, const pm_schema *schema,
                   pm_parse_mode mode, const pm_limits *limits, pm_query *out,
                   pm_error *err) PM_MUST_CHECK;

/* Trees for the Python methods; text is never read for operators. */
/* phrase(text): slots at the layer; slop words in any order or in order. */
pm_status pm_build_phrase(const char *text, size_t n_bytes, pm_layer layer,
                          pm_slop slop, int32_t n, pm_query *out,
                          pm_error *err) PM_MUST_CHECK;
/* near(*operands): alternatives[i] of operand i; one word: by stem, with wildcards;
 * several: a phrase of folded words. Two and more operands: ((a W/n b) W/n c). */
typedef struct pm_operand_text {
    const pm_bytes *alternatives;
    size_t n;
} pm_operand_text;
pm_status pm_build_near(const pm_operand_text *operands, size_t n, int32_t within,
                        bool ordered, pm_scope scope, pm_query *out,
                        pm_error *err) PM_MUST_CHECK;

#endif
