/* Whole strings compared without regard to case: metadata values. */
#ifndef PM_TEXT_CASEFOLD_H
#define PM_TEXT_CASEFOLD_H

#include "base/buffer.h"

/* Appends valid UTF-8 text in NFC and full case folding, nothing else changed. */
pm_status pm_casefold(pm_bytes text, pm_buf *out, pm_error *err) PM_MUST_CHECK;

#endif
