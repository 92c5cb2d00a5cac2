/* Where words begin and end, in what kind, and where sentences, paragraphs and
 * quotations do (DESIGN section 4). The tokenizer is a function of the text alone,
 * restartable at any token's start with one code point of look-behind, so that a
 * displayed document can be tokenised again from a checkpoint. Knows nothing of
 * folding, lexicon or files. */
#ifndef PM_TEXT_TOKENIZER_H
#define PM_TEXT_TOKENIZER_H

#include "base/buffer.h"
#include "text/analyzer.h"

typedef enum pm_kind {
    PM_KIND_WORD,
    PM_KIND_NUMBER,
    /* U.S. or US: single letters with full stops, or two and more capitals */
    PM_KIND_ACRONYM,
    PM_KIND_HANDLE,
    PM_KIND_HASHTAG,
    PM_KIND_URL,
    PM_KIND_EMAIL,
    PM_KIND_EMOJI,
    PM_KIND_CJK,    /* one Han or kana character */
    PM_KIND_CLUSTER /* one grapheme cluster of a script without spaces */
} pm_kind;
const char *pm_kind_name(pm_kind kind); /* "word", "number", ... */

/* Flags: the token starts one; a paragraph start is a sentence start. */
enum { PM_TOKEN_SENTENCE = 1, PM_TOKEN_PARAGRAPH = 2 };

typedef struct pm_token {
    uint32_t start, end; /* bytes of the text, [start, end) */
    uint8_t kind;        /* pm_kind */
    uint8_t flags;
} pm_token;

typedef struct pm_span32 { /* half-open */
    uint32_t lo, hi;
} pm_span32;

/* What tokenising one text gives; reused from text to text. */
typedef struct pm_tokens {
    pm_token *at;
    size_t n, capacity;
    /* token numbers of quotations, in order, not empty, not overlapping */
    pm_span32 *quotes;
    size_t n_quotes, quotes_capacity;
    /* scratch: tokens before which a zone may begin or end, ascending */
    uint32_t *marks;
    size_t n_marks, marks_capacity;
} pm_tokens;

void pm_tokens_init(pm_tokens *t);
void pm_tokens_release(pm_tokens *t);

/* Next token at or after *at of a valid UTF-8 text; *at moves behind it. False at the
 * end. Looks at most one code point behind *at. flags are 0. Cost O(token), amortised
 * O(text). n < 2^32 - 64. */
bool pm_token_next(const pm_analyzer *an, const uint8_t *text, size_t n, size_t *at,
                   pm_token *out);
/* All tokens, with flags, and the quotations. PM_NOMEM, or PM_LIMIT for a text of 4 GB
 * or more. */
pm_status pm_tokenize(const pm_analyzer *an, pm_bytes text, pm_tokens *out,
                      pm_error *err) PM_MUST_CHECK;

#endif
