/* From a token's surface to what it is found by: folded form, stem, accentless key,
 * case class. One analyzer per language, immutable and shared by threads; each thread
 * has its own pm_stemmer. */
#ifndef PM_TEXT_ANALYZER_H
#define PM_TEXT_ANALYZER_H

#include "base/buffer.h"

typedef struct pm_analyzer pm_analyzer;
typedef struct pm_stemmer pm_stemmer;

/* lang: a libstemmer algorithm ("english"), or "none" (stem = folded form). PM_INVALID
 * for others, with the nearest names. */
pm_status pm_analyzer_new(const char *lang, pm_analyzer **out,
                          pm_error *err) PM_MUST_CHECK;
void pm_analyzer_free(pm_analyzer *an);
const char *pm_analyzer_lang(const pm_analyzer *an);
/* High 32 bits, XXH3 over what makes tokens and folded forms: version of the chain,
 * Unicode version, hash of the generated tables, language, folded and accentless forms
 * of a fixed word list. Low 32 bits: of the stems of that list. Two builds with equal
 * fingerprints make equal tokens, forms and stems. */
uint64_t pm_analyzer_fingerprint(const pm_analyzer *an);
/* Whether analyzers of these two fingerprints make equal tokens and forms: then at most
 * the stems differ, which can be made anew from the forms. */
bool pm_fingerprint_same_text(uint64_t a, uint64_t b);
/* NULL-terminated list of languages, "none" last. */
const char *const *pm_languages(void);

/* One a thread. The analyzer must outlive it. */
pm_status pm_stemmer_new(const pm_analyzer *an, pm_stemmer **out,
                         pm_error *err) PM_MUST_CHECK;
void pm_stemmer_free(pm_stemmer *st);

/* Letter-case classes of a surface, in the order of ids within a folded form. A
 * possessive ending does not count, nor does a sign (#, @, $). */
typedef enum pm_case {
    PM_CASE_LOWER,   /* no capital */
    PM_CASE_CAPITAL, /* some capital: Iran, YouTube */
    PM_CASE_PLURAL,  /* two and more capitals, then s: NGOs */
    /* two and more letters, all capital (US), or single letters with full stops (U.S.,
     * u.s.) */
    PM_CASE_ACRONYM
} pm_case;
pm_case pm_case_class(const uint8_t *surface, size_t n);

/* Appends the folded form of a token's surface (DESIGN section 4: invisible characters
 * dropped, NFC, case folding by language, apostrophes unified, possessive and sign and
 * acronym dots and digit commas removed). kind: a pm_kind. Never empty for a token:
 * where nothing would be left, the surface itself in NFC. */
pm_status pm_fold(const pm_analyzer *an, const uint8_t *surface, size_t n,
                  unsigned kind, pm_buf *out, pm_error *err) PM_MUST_CHECK;
/* Appends the stem of a folded form; the form itself unless it consists of letters and
 * apostrophes. A function of the folded form alone. */
pm_status pm_stem(pm_stemmer *st, const uint8_t *folded, size_t n, pm_buf *out,
                  pm_error *err) PM_MUST_CHECK;
/* Appends the form without accents (letters that the language counts as its own keep
 * theirs). *changed tells whether that differs from the form. */
pm_status pm_unaccent(const pm_analyzer *an, const uint8_t *folded, size_t n,
                      pm_buf *out, bool *changed, pm_error *err) PM_MUST_CHECK;

#endif
