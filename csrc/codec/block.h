/* One block of up to PM_BLOCK unsigned integers, patched frame of reference (PFOR;
 * Zukowski et al. 2006, Lemire & Boytsov 2015): the low `width` bits of all, then the
 * high bits of the few that are larger.
 *
 *   u8 width (0..32) | u8 n_patches | ceil(n * width / 8) bytes of packed low bits
 *   | if n_patches > 0: u8 patch_bytes (1..4) | n_patches index bytes
 *                       | n_patches high parts of patch_bytes each
 *
 * The count n is not stored: the list knows it. */
#ifndef PM_CODEC_BLOCK_H
#define PM_CODEC_BLOCK_H

#include "base/cursor.h"
#include "codec/cpu.h"

/* Appends values[0, n), 1 <= n <= PM_BLOCK, at the width that takes the fewest
 * bytes. */
void pm_block_encode(pm_buf *out, const uint32_t *values, size_t n);
/* Reads a block of n from c into out[PM_BLOCK]. Damage sets c->bad and zeroes out. The
 * caller guarantees that PM_READ_SLACK bytes after c->end may be read. */
void pm_block_decode(pm_cursor *c, size_t n, uint32_t *out);
/* As pm_block_decode; returns a bound that no integer exceeds, from the header and the
 * patches alone. */
uint32_t pm_block_decode_bound(pm_cursor *c, size_t n, uint32_t *out);
/* Steps over a block without decoding it. */
void pm_block_skip(pm_cursor *c, size_t n);

#endif
