/* XXH3 compiled into this file: short keys are hashed without a call into a library.
 * Seed 0, the published function. */
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* A slice that has to be read from a slow disk first takes longer than to hash; so the
 * clock is looked at after each. */
enum { SLICE_BYTES = 1 << 20, SLICE_NS = 1000 * 1000 };

uint64_t pm_hash64(const void *bytes, size_t n) {
    return XXH3_64bits(bytes, n);
}

pm_hash128 pm_hash128_of(const void *bytes, size_t n) {
    XXH128_hash_t h = XXH3_128bits(bytes, n);
    return (pm_hash128){h.low64, h.high64};
}

bool pm_hash64_long(const void *bytes, size_t n, pm_cancel *cancel, uint64_t *out) {
    const uint8_t *p = bytes;
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    for (; n > SLICE_BYTES; p += SLICE_BYTES, n -= SLICE_BYTES) {
        if (pm_cancel_tick(cancel, SLICE_NS)) {
            return false;
        }
        XXH3_64bits_update(&state, p, SLICE_BYTES);
    }
    XXH3_64bits_update(&state, p, n);
    *out = XXH3_64bits_digest(&state);
    return !pm_cancel_tick(cancel, SLICE_NS);
}

bool pm_hash128_long(const void *bytes, size_t n, pm_cancel *cancel, pm_hash128 *out) {
    const uint8_t *p = bytes;
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    for (; n > SLICE_BYTES; p += SLICE_BYTES, n -= SLICE_BYTES) {
        if (pm_cancel_tick(cancel, SLICE_NS)) {
            return false;
        }
        XXH3_128bits_update(&state, p, SLICE_BYTES);
    }
    XXH3_128bits_update(&state, p, n);
    XXH128_hash_t h = XXH3_128bits_digest(&state);
    *out = (pm_hash128){h.low64, h.high64};
    return !pm_cancel_tick(cancel, SLICE_NS);
}
