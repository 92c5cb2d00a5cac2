/* Which kernels run: found once from the processor, or forced by
 * PRESSMARK_CPU=scalar|avx2|avx512. One format on disk, whatever the kernel; the scalar
 * body is the definition. */
#ifndef PM_CODEC_CPU_H
#define PM_CODEC_CPU_H

#include "base/status.h"
#include "base/types.h"

typedef enum pm_cpu { PM_CPU_SCALAR, PM_CPU_AVX2, PM_CPU_AVX512 } pm_cpu;

/* Integers of a block. */
enum { PM_BLOCK = 256 };

typedef struct pm_kernels {
    const char *name; /* "scalar", "avx2", "avx512" */
    /* out[i] = the width-bit integer i of a little-endian bit stream, i < n <=
     * PM_BLOCK. Reads up to PM_READ_SLACK bytes past the last needed one; out has room
     * for PM_BLOCK. */
    void (*unpack)(const uint8_t *in, unsigned width, size_t n, uint32_t *out);
    /* values[i] = base + sum of (values[0..i] + 1), modulo 2^32: gaps of a strictly
     * increasing list. */
    void (*prefix_sum)(uint32_t *values, size_t n, uint32_t base);
    /* Number of set bits in words[0, n). */
    uint64_t (*popcount)(const uint64_t *words, size_t n);
} pm_kernels;

/* The best table this processor runs (or the forced one, if it can). Never NULL.
 * Thread-safe. */
const pm_kernels *pm_kernels_get(void);
/* A given one, NULL where the processor cannot run it: for tests. */
const pm_kernels *pm_kernels_of(pm_cpu cpu);

#endif
