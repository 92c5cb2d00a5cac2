/* What an analyzer is made of. Private to csrc/text; immutable after
 * pm_analyzer_new. */
#ifndef PM_TEXT_ANALYZER_INTERNAL_H
#define PM_TEXT_ANALYZER_INTERNAL_H

#include "text/analyzer.h"
#include "text/language_tables.h"

struct pm_analyzer {
    const char *lang; /* of pm_languages() */
    const pm_language *rules;
    uint64_t fingerprint;
    bool stems; /* false for "none" */
};

#endif
