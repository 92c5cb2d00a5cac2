/* XXH3 compiled into this file: short keys are hashed without a call into a library.
 * Seed 0, the published function. */
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t pm_hash64(const void *bytes, size_t n) {
    return XXH3_64bits(bytes, n);
}

pm_hash128 pm_hash128_of(const void *bytes, size_t n) {
    XXH128_hash_t h = XXH3_128bits(bytes, n);
    return (pm_hash128){h.low64, h.high64};
}
