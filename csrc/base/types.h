/* Names of the numbers that several layers speak of. */
#ifndef PM_BASE_TYPES_H
#define PM_BASE_TYPES_H

#include <stdint.h>

/* Document number: within its segment, or over all segments where said. */
typedef uint32_t pm_doc;
typedef uint32_t pm_pos;   /* token position within a segment; sentinels count */
typedef uint32_t pm_unit;  /* one text field of one document: doc * n_fields + field */
typedef uint32_t pm_id;    /* lexicon id of a surface form, in nested order */
typedef uint32_t pm_form;  /* folded form: a range of ids */
typedef uint32_t pm_group; /* stem group: a range of forms, so of ids */

enum {
    PM_MAX_POSITIONS = 0x7fffffff, /* positions of a segment, sentinels included */
    PM_MAX_FIELDS = 255,
    PM_MAX_TOKEN_CODE_POINTS = 255
};
/* Bytes that a decoder may read behind its input (never behind the end of a section's
 * padding, or of a spool's slack). */
enum { PM_READ_SLACK = 64 };
#define PM_END UINT32_MAX /* after the last document, position or unit */

#endif
