/* The block is chosen by the hash's high half, one bit in each of its eight words by a
 * product of the low half with that word's odd number. */
#include "index/filter.h"

#include <string.h>

#include "base/sys.h"

enum { BLOCK_WORDS = 8, BLOCK_BYTES = 64, BYTES_A_KEY = 2, LEAST_BYTES = 4096 };

static const uint32_t odds[BLOCK_WORDS] = {0x47b6137b, 0x44974d91, 0x8824ad5b,
                                           0xa2b7289d, 0x705495c7, 0x2df1424b,
                                           0x9efc4947, 0x5c6bfb31};

size_t pm_filter_bytes(uint64_t n_keys) {
    size_t bytes = LEAST_BYTES;
    while (bytes < SIZE_MAX / 4 && bytes / BYTES_A_KEY < n_keys) {
        bytes *= 2;
    }
    return bytes;
}

pm_status pm_filter_renew(pm_filter *f, size_t bytes, pm_error *err) {
    void *memory = pm_calloc(bytes + BLOCK_BYTES, 1);
    if (memory == NULL) {
        return pm_fail_nomem(err, bytes);
    }
    pm_filter_release(f);
    f->memory = memory;
    f->words =
        (void *)((uint8_t *)memory + BLOCK_BYTES - (uintptr_t)memory % BLOCK_BYTES);
    f->n_blocks = (uint32_t)(bytes / BLOCK_BYTES);
    return PM_OK;
}

void pm_filter_release(pm_filter *f) {
    pm_free(f->memory);
    memset(f, 0, sizeof *f);
}

static uint64_t *block_of(const pm_filter *f, uint64_t hash) {
    return f->words + BLOCK_WORDS * ((hash >> 32) * f->n_blocks >> 32);
}

static uint64_t bit_of(uint64_t hash, unsigned word) {
    return UINT64_C(1) << ((uint32_t)hash * odds[word] >> 26);
}

void pm_filter_add(pm_filter *f, uint64_t hash) {
    uint64_t *block = block_of(f, hash);
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        block[i] |= bit_of(hash, i);
    }
}

bool pm_filter_may_have(const pm_filter *f, uint64_t hash) {
    if (f->n_blocks == 0) {
        return false;
    }
    const uint64_t *block = block_of(f, hash);
    bool all = true;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        all = all && (block[i] & bit_of(hash, i)) != 0;
    }
    return all;
}
