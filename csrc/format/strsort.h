/* The bytewise order of many strings, for the writers of sorted lists. */
#ifndef PM_FORMAT_STRSORT_H
#define PM_FORMAT_STRSORT_H

#include "base/buffer.h"

/* order[0, n): item numbers in increasing order of their strings, equal ones by number.
 * Time linear in the bytes that tell the strings apart, whatever they are; memory 32 n
 * bytes. n < 2^32. PM_NOMEM. */
pm_status pm_strings_sort(const pm_bytes *items, size_t n, uint32_t *order,
                          pm_error *err) PM_MUST_CHECK;

#endif
