/* Sentences, paragraphs and quotations of a tokenised text (DESIGN section 4). Private
 * to csrc/text. */
#ifndef PM_TEXT_ZONES_H
#define PM_TEXT_ZONES_H

#include "text/analyzer_internal.h"
#include "text/tokenizer.h"

/* Sets the flags of the tokens and fills the quotations. Looks only at the gaps before
 * the tokens t->marks names, and behind the last token; everywhere else a gap ends
 * nothing. PM_NOMEM. */
pm_status pm_zones_find(const pm_analyzer *an, pm_bytes text, pm_tokens *t,
                        pm_error *err) PM_MUST_CHECK;

#endif
