/* What differs from language to language: elisions, letters that are no accents,
 * contractions, abbreviations. Written by hand; docs/TOKENS.md gives the reasons.
 * Private to csrc/text. */
#ifndef PM_TEXT_LANGUAGE_TABLES_H
#define PM_TEXT_LANGUAGE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pm_language {
    const char *name; /* libstemmer's */
    /* lower-case ASCII, without the apostrophe; NULL-terminated, or NULL */
    const char *const *elisions;
    /* small letters that are never stripped of accents; 0-terminated, or NULL */
    const uint32_t *own;
    bool english_possessive;
    bool dotless_i; /* I folds to U+0131 */
    /* "3. Oktober": a full stop after one or two digits ends no sentence */
    bool ordinal_dot;
    /* an apostrophe stands between a name and its endings (İstanbul'un) */
    bool apostrophe_ends_stem;
    bool middle_dot_letter; /* U+00B7 stands inside words (col·lecció) */
} pm_language;

/* The row of a language, or the default row. */
const pm_language *pm_language_find(const char *name);

/* Letters that no language takes for accented ones: Cyrillic й ї ў ѓ ќ. */
extern const uint32_t pm_own_everywhere[];

/* Letters that do not decompose, and what people type for them. Ascending. */
typedef struct pm_plain_letter {
    uint32_t cp;
    char plain[4];
} pm_plain_letter;
extern const pm_plain_letter pm_plain_letters[];
extern const size_t pm_n_plain_letters;

/* Whether a folded English word keeps its 's: it's, that's, let's ... */
bool pm_is_contraction(const uint8_t *folded, size_t n);
/* Whether a word before a full stop is an abbreviation, so that the sentence goes on.
 * next_is_digit: some (No., p.) are only before numbers. */
bool pm_is_abbreviation(const uint8_t *word, size_t n, bool next_is_digit);
/* Two-letter code to libstemmer's name, for messages; NULL if unknown. */
const char *pm_language_of_code(const char *code);

#endif
