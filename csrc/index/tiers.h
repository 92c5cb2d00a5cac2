/* Which neighbouring segments a commit merges: tiers of eight. A segment's tier is the
 * logarithm to base eight of its live tokens (everything below PM_TIER_TOKENS is tier
 * 0). Two things make neighbours one:
 * - eight of one tier, together with the smaller ones among and beside them;
 * - smaller ones that a larger one has come after: nothing will be added to them.
 * So a token is written again at most twice a tier, and of each tier fewer than eight
 * segments stand at the end, each after at most one smaller one. */
#ifndef PM_INDEX_TIERS_H
#define PM_INDEX_TIERS_H

#include "index/commit.h"

enum { PM_TIER_TOKENS = 1 << 16, PM_TIER_WIDTH = 8 };

typedef struct pm_tier_range { /* entries [lo, hi) become one */
    uint32_t lo, hi;
} pm_tier_range;

/* Disjoint ranges in order to out, which has room for n; returns how many. A range of
 * one is a segment of which most tokens are dead. No range of more exceeds
 * max_positions (live tokens + live documents x n_fields). Entries without a live
 * document are expected to be gone. Pure: the same entries give the same ranges, and
 * what comes of them gives none. */
uint32_t pm_tiers_plan(const pm_entry *entries, uint32_t n, uint32_t n_fields,
                       uint64_t max_positions, pm_tier_range *out);
/* All neighbours together as far as max_positions lets them: optimize. A range of one
 * is listed only where it has dead documents, or where all is set. */
uint32_t pm_tiers_all(const pm_entry *entries, uint32_t n, uint32_t n_fields,
                      uint64_t max_positions, bool all, pm_tier_range *out);

#endif
