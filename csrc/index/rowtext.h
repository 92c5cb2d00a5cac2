/* The texts of one row made ready to be taken: valid UTF-8, measured, within limits. */
#ifndef PM_INDEX_ROWTEXT_H
#define PM_INDEX_ROWTEXT_H

#include "base/task.h"
#include "base/types.h"
#include "text/analyzer.h"

enum {
    /* Of one text; it may grow threefold when it is made valid UTF-8. */
    PM_MAX_TEXT_BYTES = 0x3fffffff
};

typedef struct pm_rowtext {
    pm_bytes texts[PM_MAX_FIELDS]; /* as given, or in scratch where not valid */
    pm_buf scratch;
    uint64_t bytes;    /* of all texts */
    uint64_t replaced; /* characters that became U+FFFD */
} pm_rowtext;

void pm_rowtext_init(pm_rowtext *t);
void pm_rowtext_release(pm_rowtext *t);

typedef struct pm_rowtext_rule {
    const char *const *fields;
    uint32_t n_fields;
    uint32_t segment_tokens; /* a document may take so many positions */
    const pm_analyzer *analyzer;
} pm_rowtext_rule;
/* Replaces what t holds; given is borrowed as long as t is used. PM_LIMIT: a text or the
 * document is too large. */
pm_status pm_rowtext_take(pm_rowtext *t, const pm_bytes *given,
                          const pm_rowtext_rule *rule, pm_cancel *cancel,
                          pm_error *err) PM_MUST_CHECK;

#endif
