/* Which keys were certainly not met: a blocked Bloom filter (Putze, Sanders & Singler
 * 2007), one cache line a look. At 16 bits a key it errs on one of several hundred. */
#ifndef PM_INDEX_FILTER_H
#define PM_INDEX_FILTER_H

#include "base/status.h"

typedef struct pm_filter {
    uint64_t *words; /* [8 * n_blocks] */
    void *memory;    /* words lie in it, on a cache line's border */
    uint32_t n_blocks;
} pm_filter;

/* Bytes that n keys should have, a power of two. */
size_t pm_filter_bytes(uint64_t n_keys);
/* An empty filter of so many bytes (a multiple of 64) in the place of f's, which is
 * released; on failure it stays. */
pm_status pm_filter_renew(pm_filter *f, size_t bytes, pm_error *err) PM_MUST_CHECK;
void pm_filter_release(pm_filter *f); /* safe on zeros */
void pm_filter_add(pm_filter *f, uint64_t hash);
/* False: the key was never added. A filter of zeros has none. */
bool pm_filter_may_have(const pm_filter *f, uint64_t hash);

#endif
