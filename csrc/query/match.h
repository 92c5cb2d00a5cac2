/* What each leaf of a query asks of tokens, before any segment is known: the words of
 * the query are tokenised, folded and stemmed like text, and the rules for names in
 * capitals, accents, signs and patterns (DESIGN sections 4 and 6) become plain
 * look-ups. */
#ifndef PM_QUERY_MATCH_H
#define PM_QUERY_MATCH_H

#include "query/tree.h"
#include "text/analyzer.h"

typedef enum pm_atom_kind {
    PM_ATOM_GROUP,       /* the stem group of stem `text` */
    PM_ATOM_BARE_GROUPS, /* groups with accents whose accentless stem is `text` */
    PM_ATOM_FORM,        /* the folded form `text`, case classes [case_lo, case_hi] */
    /* forms with accents whose accentless key is `text`, same classes */
    PM_ATOM_BARE_FORMS,
    PM_ATOM_SURFACE, /* ids of folded form `text` whose surface is `surface` */
    PM_ATOM_PATTERN, /* forms that match the pattern `text` (accents as they stand) */
    PM_ATOM_BARE_PATTERN,    /* forms whose accentless key matches `text` */
    PM_ATOM_SURFACE_PATTERN, /* surfaces that match `text` */
    PM_ATOM_FUZZY,           /* forms at most `distance` from `text` (Levenshtein) */
    PM_ATOM_BARE_FUZZY       /* forms whose accentless key is */
} pm_atom_kind;

typedef struct pm_atom {
    pm_atom_kind kind;
    uint8_t case_lo, case_hi;
    uint8_t distance; /* FUZZY */
    char sign;        /* '#' or '@': only surfaces that begin with it; 0: any */
    pm_bytes text, surface;
} pm_atom;

/* One token: any of the atoms; any = every token. left_out: the form whose other cases
 * a name leaves out (for the note). */
typedef struct pm_matcher {
    bool any;
    uint32_t n_atoms;
    pm_atom *atoms;
    const char *word; /* as typed, for notes */
    bool is_name;
} pm_matcher;

/* Tokens in a row. */
typedef struct pm_sequence {
    uint32_t n;
    pm_matcher *slots;
} pm_sequence;

/* One of several sequences (a hyphenated word: its parts in a row, or the joined
 * word). */
typedef struct pm_element {
    uint32_t n;
    pm_sequence *sequences;
} pm_element;

/* A leaf: without slop one element (phrases are multiplied out); with slop one element
 * for each slot. */
typedef struct pm_leaf {
    const pm_node *node;
    uint32_t number; /* in reading order, among all leaves */
    bool positive;   /* not under NOT: has an entry in parts */
    pm_slop slop;
    int32_t n_slop;
    uint32_t n_elements;
    pm_element *elements;
} pm_leaf;

enum { PM_MAX_SEQUENCES = 64, PM_MAX_SEQUENCE_TOKENS = 1024 };

/* Compiles the leaf node (WORD, PHRASE, SET). A leaf of punctuation alone has no
 * element. All memory is the arena's. PM_LIMIT where the alternatives of a phrase
 * multiply beyond PM_MAX_SEQUENCES or it is longer than PM_MAX_SEQUENCE_TOKENS. */
pm_status pm_leaf_compile(const pm_analyzer *an, pm_stemmer *st, const pm_node *node,
                          pm_arena *arena, pm_leaf *out, pm_error *err) PM_MUST_CHECK;

/* Whether text matches a pattern of * (none or more characters) and ? (exactly one code
 * point). O(text * stars). */
bool pm_pattern_match(pm_bytes pattern, pm_bytes text);

#endif
