/* What the files of the parser share. The query is cut into levels, one for each open
 * parenthesis; a level is a flat list of operands and of what joins each to the one
 * before, so that precedence and the doubtful cases are decided on a list, without
 * recursion. Places are bytes of the text as it was sanitised; they become code points
 * in nodes and errors. */
#ifndef PM_QUERY_PARSE_INNER_H
#define PM_QUERY_PARSE_INNER_H

#include "query/parse.h"

typedef struct pm_extent { /* bytes [lo, hi) of the query */
    size_t lo, hi;
} pm_extent;

typedef enum pm_join {
    PM_JOIN_FIRST,
    PM_JOIN_BESIDE, /* nothing between: AND */
    PM_JOIN_AND,
    PM_JOIN_OR,
    PM_JOIN_NEAR,
    PM_JOIN_IN /* the item is a zone's name, no operand */
} pm_join;

typedef struct pm_near_op {
    int64_t n; /* as written, at most PM_MAX_DISTANCE + 1; or PM_NEAR_ANY_DISTANCE */
    bool ordered, negated;
    pm_scope scope;
} pm_near_op;

/* Far above any article, and far enough below 2^31 that sums of a few of them fit. */
enum { PM_MAX_DISTANCE = 1000000000, PM_MAX_DEPTH = 1000 };

typedef struct pm_name { /* what stands before ':' */
    enum { PM_NAME_NONE, PM_NAME_FIELD, PM_NAME_COLUMN, PM_NAME_EITHER } kind;
    const char *text;
    pm_extent at; /* with the colon */
} pm_name;

/* What the next operand is joined by. */
typedef struct pm_pending {
    pm_join join;
    pm_extent op; /* AND, OR, NEAR; IN with its zone */
    pm_near_op near;
    bool negated; /* IN: NOT IN */
    pm_extent not_at;
    pm_name name; /* read, and nothing after it yet */
} pm_pending;

typedef struct pm_item {
    pm_node *node;
    pm_extent at; /* with parentheses and field */
    pm_pending joined;
    bool bare;        /* a word without parentheses or field */
    bool field_word;  /* field:word */
    const char *zone; /* join IN: its name; node is NULL then */
    uint32_t depth;   /* of node: a leaf has 0 */
    /* AND, NOT or metadata inside: what cannot stand beside W/ */
    const pm_node *documents;
} pm_item;

/* What the parentheses of a level belong to. */
typedef enum pm_wrap {
    PM_WRAP_NONE,
    PM_WRAP_ATLEAST,
    PM_WRAP_FIRST,
    PM_WRAP_OF /* here a comma parts operands */
} pm_wrap;

typedef struct pm_level {
    size_t lo; /* where it begins: at its '(', or at the name of a column before that */
    size_t open;  /* its '('; for the outermost the start */
    size_t first; /* its items begin here */
    pm_pending pending;
    pm_name name; /* field:( or column:( */
    pm_wrap wrap;
    int32_t number;   /* the wrapper's */
    uint32_t n_parts; /* OF: operands that a comma has ended, items before `first` */
} pm_level;

typedef struct pm_parser {
    const uint8_t *text; /* valid UTF-8 without NUL */
    size_t n, at;
    const pm_schema *schema;
    pm_parse_mode mode;
    const pm_limits *limits;
    pm_query *query;
    pm_error *err;
    pm_level *levels;
    size_t n_levels, levels_capacity;
    pm_item *items;
    size_t n_items, items_capacity;
    uint32_t clauses;
    bool plain; /* holds nothing that plain text could not hold */
    /* plain: end of the last word, if its '?' is punctuation; else SIZE_MAX */
    size_t question;
    size_t seen_byte, seen_point; /* the last place turned into code points */
} pm_parser;

/* ---- parse_lex.c: characters and runs ---- */
typedef enum pm_lex_class {
    PM_LEX_END,
    PM_LEX_BLANK,
    PM_LEX_QUOTE,
    PM_LEX_OPEN,
    PM_LEX_CLOSE,
    PM_LEX_BRACKET,
    PM_LEX_COMMA, /* parts the operands of n OF (...); elsewhere it is of a run */
    PM_LEX_RUN
} pm_lex_class;
pm_lex_class pm_lex_at(const pm_parser *p, size_t at, unsigned *len);
size_t pm_lex_skip_blanks(const pm_parser *p, size_t at);
/* A run from lo on: up to a blank, bracket or quotation mark; an address goes on
 * through balanced parentheses. */
pm_extent pm_lex_run(const pm_parser *p, size_t lo);
bool pm_lex_is(const pm_parser *p, pm_extent e, const char *word);
bool pm_lex_is_url(const pm_parser *p, pm_extent e);
bool pm_lex_is_letter(const pm_parser *p, size_t at); /* letter or underscore */
/* Whether a token could begin in e: a letter, digit, character or emoji. */
bool pm_lex_has_word(const pm_parser *p, pm_extent e);
bool pm_lex_has_wildcard(const pm_parser *p, pm_extent e);
/* Keep * and ? at the ends, or take them off too. */
typedef enum pm_trim { PM_TRIM_SIGNS, PM_TRIM_WILDCARDS } pm_trim;
/* Without punctuation at its ends. Idempotent. A full stop stays behind a word that has
 * another (U.S.). */
pm_extent pm_lex_trim(const pm_parser *p, pm_extent e, pm_trim how);
/* W/5, PRE/s, /3p ... */
bool pm_lex_near(const pm_parser *p, pm_extent e, pm_near_op *out);
/* AND, OR, NOT, W/5 ...: what would be read as an operator where an operand stands. */
bool pm_lex_is_operator(const pm_parser *p, pm_extent e);
/* ATLEAST/3, FIRST/100. */
bool pm_lex_is_quorum(const pm_parser *p, pm_extent e);
/* Digits from *at on, which moves behind them; at most PM_MAX_DISTANCE + 1. */
int64_t pm_lex_number(const pm_parser *p, size_t *at);
bool pm_lex_all_digits(const pm_parser *p, pm_extent e);
bool pm_lex_is_zone(const pm_parser *p, pm_extent e);
/* '=' and '==' before a word: how many; 0 where they are punctuation. */
unsigned pm_lex_signs(const pm_parser *p, pm_extent e);
/* The quotation mark that closes the one at `open`, or SIZE_MAX. */
size_t pm_lex_closing(const pm_parser *p, size_t open);

/* ---- parse_error.c ---- */
/* Fills the error with the place, and returns code. */
pm_status pm_parse_fail(pm_parser *p, pm_status code, pm_extent at, const char *format,
                        ...) PM_PRINTF(4, 5);
void pm_parse_hint(pm_parser *p, const char *format, ...) PM_PRINTF(2, 3);
uint32_t pm_parse_point(pm_parser *p, size_t byte); /* in code points */
/* A note, unless it was given already or there are very many. */
pm_status pm_parse_note(pm_parser *p, const char *format, ...)
    PM_PRINTF(2, 3) PM_MUST_CHECK;
/* For %.*s: at most 60 bytes of the query. */
int pm_parse_show(const pm_parser *p, pm_extent e);
#define PM_SHOW(p, e) pm_parse_show((p), (e)), (const char *)(p)->text + (e).lo
pm_status pm_parse_unknown_name(pm_parser *p, pm_extent name);
/* at: IN with the zone; zone: its name, empty where there is none. */
pm_status pm_parse_unknown_zone(pm_parser *p, pm_extent at, pm_extent zone);
pm_status pm_parse_unknown_set(pm_parser *p, pm_extent name); /* without its $ */
/* Both readings of a list of items in which OR (or a word beside a word) stands beside
 * W/n. */
pm_status pm_parse_fail_or_beside_near(pm_parser *p, const pm_item *items, size_t n,
                                       size_t at);
pm_status pm_parse_fail_words_beside_near(pm_parser *p, const pm_item *items, size_t n,
                                          size_t at);
pm_status pm_parse_fail_and_in_near(pm_parser *p, const pm_item *left,
                                    const pm_item *right);
pm_status pm_parse_fail_documents_in_zone(pm_parser *p, const pm_item *left,
                                          const pm_item *zone);
pm_status pm_parse_nomem(pm_parser *p);

/* ---- parse_next.c ---- */
typedef struct pm_lexeme {
    enum {
        PM_IS_NONE,
        PM_IS_END,
        PM_IS_OPEN,
        PM_IS_CLOSE,
        PM_IS_AND,
        PM_IS_OR,
        PM_IS_NOT,
        PM_IS_NEAR,
        PM_IS_IN,
        PM_IS_WRAP, /* ATLEAST/n, FIRST/n, n OF, with its '(' */
        PM_IS_COMMA,
        PM_IS_NAME,
        PM_IS_OPERAND
    } kind;
    pm_extent at;
    pm_node *node; /* OPERAND */
    pm_near_op near;
    const char *zone; /* IN */
    pm_wrap wrap;
    int32_t number; /* WRAP */
    pm_name name;
} pm_lexeme;
/* Operator, parenthesis, name, word or phrase at p->at, which moves behind it. */
pm_status pm_parse_next(pm_parser *p, pm_lexeme *out) PM_MUST_CHECK;

/* ---- parse_word.c: words and phrases ---- */
pm_status pm_parse_node(pm_parser *p, pm_node_kind kind, uint32_t n_children,
                        pm_extent at, pm_node **out) PM_MUST_CHECK;
pm_status pm_parse_copy(pm_parser *p, pm_extent e, const char **out) PM_MUST_CHECK;
/* One leaf more. */
pm_status pm_parse_count_clause(pm_parser *p, pm_extent at) PM_MUST_CHECK;
/* A WORD of the text of e as it stands. */
pm_status pm_parse_word_node(pm_parser *p, pm_extent e, pm_layer layer,
                             bool is_explicit, pm_node **out) PM_MUST_CHECK;
/* The same at the layer of stems; what would read as an operator gets a comma ("AND,"),
 * which is no part of its token. */
pm_status pm_parse_bare_word(pm_parser *p, pm_extent e, pm_node **out) PM_MUST_CHECK;
/* The word of run with its = and wildcards; NULL where run is punctuation alone. */
pm_status pm_parse_term(pm_parser *p, pm_extent run, pm_node **out) PM_MUST_CHECK;
/* The phrase whose opening mark stands at p->at. */
pm_status pm_parse_phrase(pm_parser *p, pm_node **out) PM_MUST_CHECK;
/* stem("..."), whose opening mark stands at p->at. */
pm_status pm_parse_stem(pm_parser *p, pm_node **out) PM_MUST_CHECK;
/* build.c: a SET of the values, none where named is NULL. */
pm_status pm_build_set(pm_parser *p, const pm_named *named,
                       pm_node **out) PM_MUST_CHECK;
/* $name in run, which p->at moves behind. */
pm_status pm_parse_named(pm_parser *p, pm_extent run, pm_node **out) PM_MUST_CHECK;
/* ^2 or ^0.5 at p->at, which moves behind it, on top of the node's own. */
pm_status pm_parse_boost(pm_parser *p, pm_node *node) PM_MUST_CHECK;
/* Capitals mean nothing in n words (or slots) if two have letters and none of the
 * letters is small; sets that on the words. */
bool pm_mark_headline(pm_node *const *words, uint32_t n);

/* ---- parse_meta.c ---- */
/* The name before a ':' at the start of run; PM_NAME_NONE: this is a word. Without a
 * schema names are of kind EITHER. */
pm_status pm_parse_name(pm_parser *p, pm_extent run, pm_name *out) PM_MUST_CHECK;
/* Whether a known name and its ':' stand at the start of run with something behind. */
bool pm_parse_is_name(const pm_parser *p, pm_extent run);
/* The value or range that stands at p->at, after a column's name. */
pm_status pm_parse_value(pm_parser *p, const pm_name *name,
                         pm_node **out) PM_MUST_CHECK;
/* Whether a range stands at p->at: what makes a column of a name when there is no
 * schema. */
bool pm_parse_is_range(const pm_parser *p);

/* ---- parse_group.c ---- */
pm_status pm_parse_check_depth(pm_parser *p, uint32_t depth,
                               pm_extent at) PM_MUST_CHECK;
/* The node of the items from `first` on, which are taken off: W/, then AND, then OR. */
pm_status pm_parse_group(pm_parser *p, size_t first, pm_item *out) PM_MUST_CHECK;

/* ---- parse_plain.c ---- */
/* Sets p->plain and p->question (DESIGN section 6, "Text is plain unless"). */
void pm_parse_look(pm_parser *p);
/* The words of plain text. */
pm_status pm_parse_plain(pm_parser *p, pm_node **out) PM_MUST_CHECK;
/* "the ? behind ... was read as punctuation". */
pm_status pm_parse_note_question(pm_parser *p, pm_extent word) PM_MUST_CHECK;
/* "single quotation marks make no phrase", where they seem to be meant so. */
pm_status pm_parse_note_single(pm_parser *p) PM_MUST_CHECK;
/* Where word is and, or, not: "'or' was searched as a word". */
pm_status pm_parse_note_small(pm_parser *p, const char *word) PM_MUST_CHECK;

#endif
