/* XXH3, for dictionaries (64 bits) and for files (128 bits, streamed). */
#ifndef PM_BASE_HASH_H
#define PM_BASE_HASH_H

#include "base/status.h"
#include "base/task.h"

typedef struct pm_hash128 {
    uint64_t lo, hi;
} pm_hash128;

/* Of whole byte strings. bytes may be NULL where n is 0. */
uint64_t pm_hash64(const void *bytes, size_t n);
pm_hash128 pm_hash128_of(const void *bytes, size_t n);
/* The same for many bytes; false: the caller wants to stop. */
bool pm_hash64_long(const void *bytes, size_t n, pm_cancel *cancel, uint64_t *out);
bool pm_hash128_long(const void *bytes, size_t n, pm_cancel *cancel, pm_hash128 *out);

#endif
